//! The plan cache's bound.

/// The cache keeps this many entries; past it the oldest go. A plan of 1,000 assets makes some 2,000 entries, so
/// several projects' branches fit side by side.
pub const CACHE_ENTRIES_MAX: u64 = 20_000;

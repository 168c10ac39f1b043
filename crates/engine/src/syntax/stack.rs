//! Room for deep trees. The parser and the planner guard their own recursion, but cloning, printing and dropping a tree
//! do not, and a chain of a thousand `or` is a tree a thousand levels deep.

/// What ordinary SQL never needs more than.
const ORDINARY_BYTES: usize = 512 * 1024;
/// Per byte of SQL: the deepest tree has a level for every two bytes, and a level takes under 4 KiB in debug builds.
const BYTES_PER_BYTE: usize = 2 * 1024;
/// Reserved, not touched, so that only trees that use it cost it.
const MOST_BYTES: usize = 1024 * 1024 * 1024;

/// Runs `work` with a stack that fits SQL of this length.
pub(crate) fn deep<T>(sql_bytes: usize, work: impl FnOnce() -> T) -> T {
    let needed = sql_bytes.saturating_mul(BYTES_PER_BYTE).clamp(ORDINARY_BYTES, MOST_BYTES);
    stacker::maybe_grow(needed, needed, work)
}

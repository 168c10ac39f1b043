//! What retention and repair need to know of versions, and of the catalog itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_types::{AssetName, RunId, VersionNumber, VersionState};

/// One version as retention sees it; no document is read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionFacts {
    pub number: VersionNumber,
    pub state: VersionState,
    pub run: Option<RunId>,
    pub base: Option<VersionNumber>,
    pub restores: Option<VersionNumber>,
    pub inputs: BTreeMap<AssetName, VersionNumber>,
    pub rows: u64,
    pub size_bytes: u64,
    pub staged_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
    /// When it stopped being live, or was given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// Of an expired version: readers that came at this epoch or later cannot have pinned it.
    pub expired_epoch: Option<u64>,
}

/// What the catalog's own file says of its health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrity {
    /// The number of its format, and the newest that this program knows.
    pub format: i64,
    pub known_format: i64,
    /// In the database's words; empty when all is well.
    pub problems: Vec<String>,
}

/// A lease that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLease {
    pub key: String,
    pub holder: String,
    pub epoch: u64,
    pub beat: u64,
}

//! The exact bytes of a commit.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use lockgate_types::{DataFile, Version, VersionNumber};

#[derive(Clone, Debug)]
pub struct CommitPlan<'a> {
    pub version: &'a Version,
    /// The Delta version it follows; `None` when the table has none.
    pub base: Option<u64>,
    /// Files of the base that the version no longer has.
    pub remove: Vec<DataFile>,
    /// Whether schema or partition columns differ from the base's.
    pub metadata_changed: bool,
    /// `WRITE`, `ROLLBACK`, … for `commitInfo`.
    pub operation: &'a str,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitBytes {
    pub number: VersionNumber,
    pub base: Option<u64>,
    pub bytes: Bytes,
}

impl CommitBytes {
    /// The Delta version that these bytes make: base + 1, or 0.
    pub fn delta_version(&self) -> u64 {
        self.base.map_or(0, |base| base + 1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    Put,
    /// The same bytes stood there.
    AlreadyThere,
    /// Something else stands at base + 1; `head` is the newest Delta version.
    BaseMoved {
        head: u64,
    },
}

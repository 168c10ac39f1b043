//! What single entries of a table's log say: who committed, when, and what of it is ours.

use chrono::{DateTime, Utc};
use lockgate_types::VersionNumber;
use serde_json::Value;

use crate::delta::log::transaction;
use crate::{LakeError, Table};

/// One Delta version, by its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub delta_version: u64,
    /// The version that it published; `None` when somebody else committed it.
    pub number: Option<VersionNumber>,
    /// When, as its writer says.
    pub at: Option<DateTime<Utc>>,
    /// The user, or else the program, as its writer says.
    pub by: Option<String>,
    pub operation: Option<String>,
    pub added_files: u64,
    pub removed_files: u64,
}

impl Table {
    /// One entry; `None` when there is none. Cost: linear in its bytes.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] when it is not lines of JSON.
    pub async fn log_entry(&self, delta_version: u64) -> Result<Option<LogEntry>, LakeError> {
        let Some(bytes) = self.log.read(delta_version).await? else { return Ok(None) };
        let path = self.store.file(&self.log.entry(delta_version));
        read(delta_version, &bytes).map(Some).map_err(|reason| LakeError::Damaged { path, reason })
    }

    /// The Delta versions that have an entry, ascending. Cost: a listing.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delta_versions(&self) -> Result<Vec<u64>, LakeError> {
        self.log.versions().await
    }

    /// Whether a commit that was prepared for this version stands in the log.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn is_committed(&self, number: VersionNumber) -> Result<bool, LakeError> {
        for name in self.store.names(&self.version_folder(number)).await? {
            let base = name.strip_prefix("commit-").and_then(|rest| rest.strip_suffix(".json"));
            let Some(base) =
                base.and_then(|base| if base == "none" { Some(None) } else { base.parse().ok().map(Some) })
            else {
                continue;
            };
            let Some(commit) = self.load_commit(number, base).await? else { continue };
            if self.log.read(commit.delta_version()).await?.is_some_and(|standing| standing == commit.bytes) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn read(delta_version: u64, bytes: &[u8]) -> Result<LogEntry, String> {
    let number = transaction(bytes)?.map(VersionNumber);
    let mut entry =
        LogEntry { delta_version, number, at: None, by: None, operation: None, added_files: 0, removed_files: 0 };
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let action: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if action.get("add").is_some() {
            entry.added_files += 1;
        } else if action.get("remove").is_some() {
            entry.removed_files += 1;
        } else if let Some(info) = action.get("commitInfo") {
            let text = |key: &str| info.get(key).and_then(Value::as_str).map(str::to_owned);
            entry.at = info.get("timestamp").and_then(Value::as_i64).and_then(DateTime::from_timestamp_millis);
            entry.by = text("userName").or_else(|| text("engineInfo")).or_else(|| text("clientVersion"));
            entry.operation = text("operation");
        }
    }
    Ok(entry)
}

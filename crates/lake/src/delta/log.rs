//! Names and entries of a table's log.

use bytes::Bytes;
use object_store::path::Path;
use serde_json::Value;

use crate::LakeError;
use crate::store::Store;

/// The application id of our transactions in the log.
pub(crate) const APP_ID: &str = "lockgate";

#[derive(Clone, Debug)]
pub(crate) struct Log {
    store: Store,
    folder: Path,
}

impl Log {
    pub(crate) fn new(store: Store, table: &Path) -> Log {
        Log { store, folder: table.clone().join("_delta_log") }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn entry(&self, version: u64) -> Path {
        self.folder.clone().join(format!("{version:020}.json"))
    }

    pub(crate) async fn read(&self, version: u64) -> Result<Option<Bytes>, LakeError> {
        self.store.get(&self.entry(version)).await
    }

    /// Durable; `false` when an entry stands there.
    pub(crate) async fn create(&self, version: u64, bytes: Bytes) -> Result<bool, LakeError> {
        self.store.create(&self.entry(version), bytes).await
    }

    /// The version that `_last_checkpoint` points to. It is a hint: what cannot be read counts as absent.
    pub(crate) async fn last_checkpoint(&self) -> Result<Option<u64>, LakeError> {
        let hint = self.store.get(&self.folder.clone().join("_last_checkpoint")).await?;
        Ok(hint
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
            .and_then(|hint| hint.get("version").and_then(Value::as_u64)))
    }

    /// The newest version. Entries follow each other without holes after a checkpoint, so it is found by asking for
    /// single entries, at a cost of about twice the logarithm of the entries since the last checkpoint; only a log
    /// whose start was cleaned up by somebody else is listed.
    pub(crate) async fn head(&self) -> Result<Option<u64>, LakeError> {
        let hint = self.last_checkpoint().await?.unwrap_or(0);
        if !self.has(hint).await? {
            return self.head_by_listing().await;
        }
        // Invariant: `low` exists; `high`, once set, does not.
        let (mut low, mut step) = (hint, 1);
        while self.has(low + step).await? {
            low += step;
            step *= 2;
        }
        let mut high = low + step;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.has(middle).await? { low = middle } else { high = middle }
        }
        Ok(Some(low))
    }

    /// The versions that have an entry, ascending.
    pub(crate) async fn versions(&self) -> Result<Vec<u64>, LakeError> {
        let names = self.store.names(&self.folder).await?;
        let mut versions: Vec<u64> =
            names.iter().filter(|name| name.ends_with(".json")).filter_map(|name| version_of(name)).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    async fn has(&self, version: u64) -> Result<bool, LakeError> {
        self.store.exists(&self.entry(version)).await
    }

    async fn head_by_listing(&self) -> Result<Option<u64>, LakeError> {
        let names = self.store.names(&self.folder).await?;
        Ok(names.iter().filter_map(|name| version_of(name)).max())
    }
}

/// The version of an entry or checkpoint by its name; `None` for anything else that lies there.
fn version_of(name: &str) -> Option<u64> {
    let (number, rest) = name.split_at_checked(20)?;
    let known = rest == ".json" || (rest.starts_with(".checkpoint.") && rest.ends_with(".parquet"));
    if known && number.bytes().all(|byte| byte.is_ascii_digit()) { number.parse().ok() } else { None }
}

/// The number of our transaction in an entry; `None` when it has none, which means somebody else wrote it. `Err` says
/// why it cannot be read.
pub(crate) fn transaction(entry: &[u8]) -> Result<Option<u64>, String> {
    for line in entry.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        // Most lines are long `add`s; only a line that may be ours is parsed.
        if !contains(line, b"\"txn\"") {
            continue;
        }
        let action: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let Some(txn) = action.get("txn") else { continue };
        if txn.get("appId").and_then(Value::as_str) == Some(APP_ID) {
            return txn.get("version").and_then(Value::as_u64).map(Some).ok_or("txn has no version".to_owned());
        }
    }
    Ok(None)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

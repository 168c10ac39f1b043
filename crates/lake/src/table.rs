//! One table: its names, its folders, its log.

use std::sync::Arc;

use bytes::Bytes;
use lockgate_types::{AssetName, DataFile, Faults, Schema, Version, VersionNumber};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::codes::{BEFORE_DISCARD, CHECKPOINT, CHECKPOINTED, DISCARDED, PARTS_WRITTEN, PIECE_KEPT, VERSION_RECORDED};
use crate::delta::Kernel;
use crate::delta::log::Log;
use crate::stage::SCRATCH;
use crate::store::Store;
use crate::{LakeError, Layout, StageSet, StageWriter};

/// A checkpoint is due after so many commits.
const CHECKPOINT_COMMITS: u64 = 10;

/// What is known of the files beside it.
pub(crate) const PARTS: &str = "parts.bin";

/// The folder of what a killed build leaves for the next one.
const KEPT: &str = "kept";

/// Of `version.json`. Raised when its shape changes; every older one stays readable.
const RECORD_FORMAT: u32 = 1;

/// Cheap to clone. Nothing is read before it is asked for.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) store: Store,
    pub(crate) faults: Arc<Faults>,
    pub(crate) log: Log,
    asset: AssetName,
    prefix: Path,
}

impl Table {
    pub(crate) fn new(store: Store, asset: AssetName, prefix: Path, faults: Arc<Faults>) -> Table {
        Table { log: Log::new(store.clone(), &prefix), store, faults, asset, prefix }
    }

    pub fn asset(&self) -> &AssetName {
        &self.asset
    }

    /// The table's folder in the store: `tables/raw/orders`.
    pub fn prefix(&self) -> Path {
        self.prefix.clone()
    }

    /// The only writer of a version: `stage_set(…).writer(0)`.
    pub fn stage(&self, number: VersionNumber, schema: &Schema, layout: Layout) -> StageWriter {
        self.stage_set(number, schema, layout).writer(0)
    }

    /// Several writers of one version, in parallel. What is wrong with the layout is answered by the first write.
    pub fn stage_set(&self, number: VersionNumber, schema: &Schema, layout: Layout) -> StageSet {
        StageSet::new(
            self.store.clone(),
            self.faults.clone(),
            self.asset.clone(),
            self.prefix.clone(),
            number,
            schema,
            layout,
        )
    }

    /// Writers of rows that a build needs meanwhile: files of the version's folder that no version lists.
    pub fn scratch_set(&self, number: VersionNumber, schema: &Schema) -> StageSet {
        self.stage_set(number, schema, Layout { is_scratch: true, ..Layout::default() })
    }

    /// Removes what [`Table::scratch_set`] wrote. Repeating it is harmless.
    pub async fn discard_scratch(&self, number: VersionNumber) -> Result<(), LakeError> {
        self.store.remove_folder(&self.version_folder(number).join(SCRATCH)).await
    }

    /// Keeps what a build has made so far for one that comes after it, should this one be killed: piece `number` under a key that says what it
    /// was made of. No version lists it and no reader sees it. A piece is whole or not there.
    pub async fn keep(&self, key: &str, number: usize, bytes: Vec<u8>) -> Result<(), LakeError> {
        self.store.replace(&self.kept_folder().join(key).join(piece_name(number)), Bytes::from(bytes)).await?;
        Ok(self.faults.pass(&PIECE_KEPT)?)
    }

    /// How many pieces are kept under a key, numbered from 0.
    pub async fn kept(&self, key: &str) -> Result<usize, LakeError> {
        let names = self.store.names(&self.kept_folder().join(key)).await?;
        Ok((0..).take_while(|&number| names.contains(&piece_name(number))).count())
    }

    /// One that [`Table::keep`] wrote.
    pub async fn kept_piece(&self, key: &str, number: usize) -> Result<Option<Bytes>, LakeError> {
        self.store.get(&self.kept_folder().join(key).join(piece_name(number))).await
    }

    /// Removes what [`Table::keep`] wrote, under every key. Repeating it is harmless.
    pub async fn discard_kept(&self) -> Result<(), LakeError> {
        self.store.remove_folder(&self.kept_folder()).await
    }

    fn kept_folder(&self) -> Path {
        self.prefix.clone().join("_lockgate").join(KEPT)
    }

    /// Writes `version.json` beside the staged files: pins, checks, profile and actor, so that the catalog can be rebuilt.
    /// [`Table::prepare_commit`] does it too; a version that is held needs it by itself.
    pub async fn record(&self, version: &Version) -> Result<(), LakeError> {
        let path = self.version_folder(version.number).join("version.json");
        let record = RecordRef { format: RECORD_FORMAT, version };
        let bytes = serde_json::to_vec_pretty(&record)
            .map_err(|error| LakeError::Encode { path: self.store.file(&path), reason: error.to_string() })?;
        self.store.replace(&path, Bytes::from(bytes)).await?;
        Ok(self.faults.pass(&VERSION_RECORDED)?)
    }

    /// Writes what an audit found in files (`parts.bin`) beside a version's own. It only spares reading them again, so it may be
    /// gone at any time.
    pub async fn write_parts(&self, number: VersionNumber, bytes: Vec<u8>) -> Result<(), LakeError> {
        self.store.replace(&self.version_folder(number).join(PARTS), Bytes::from(bytes)).await?;
        Ok(self.faults.pass(&PARTS_WRITTEN)?)
    }

    /// What [`Table::write_parts`] wrote last.
    pub async fn read_parts(&self, number: VersionNumber) -> Result<Option<Bytes>, LakeError> {
        self.store.get(&self.version_folder(number).join(PARTS)).await
    }

    /// What [`Table::record`] wrote last.
    pub async fn recorded(&self, number: VersionNumber) -> Result<Option<Version>, LakeError> {
        let path = self.version_folder(number).join("version.json");
        let Some(bytes) = self.store.get(&path).await? else { return Ok(None) };
        let damaged = |reason: String| LakeError::Damaged { path: self.store.file(&path), reason };
        let format: RecordFormat = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if format.format > RECORD_FORMAT {
            return Err(damaged(format!("its format {} is newer than this Lockgate's {RECORD_FORMAT}", format.format)));
        }
        let record: Record = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(Some(record.version))
    }

    /// The numbers that have a folder of staged files, published or not, ascending.
    pub async fn staged_numbers(&self) -> Result<Vec<VersionNumber>, LakeError> {
        let names = self.store.names(&self.prefix.clone().join("_lockgate")).await?;
        let numbers = names.iter().filter_map(|name| name.strip_prefix('v')?.parse().ok());
        let mut numbers: Vec<VersionNumber> = numbers.map(VersionNumber).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The newest Delta version in the log.
    pub async fn head(&self) -> Result<Option<u64>, LakeError> {
        self.log.head().await
    }

    /// The files that are live at a Delta version, read from the log: for bases that somebody else committed. A file's rows are 0
    /// when the log does not say.
    ///
    /// # Errors
    /// [`LakeError::Unsupported`] when the table needs what this build has not.
    pub async fn files_at(&self, delta_version: u64) -> Result<Vec<DataFile>, LakeError> {
        Ok(self.kernel().state(delta_version).await?.files)
    }

    /// Writes a checkpoint when ten commits have come since the last, so that other readers need not read the whole log. It
    /// only makes them faster, so a failure is logged and nothing more. The cost is linear in the files of the table.
    pub async fn checkpoint(&self, delta_version: u64) -> Result<(), LakeError> {
        if let Err(error) = self.checkpoint_if_due(delta_version).await {
            tracing::warn!(asset = %self.asset, delta_version, %error, "could not write a checkpoint");
        }
        Ok(())
    }

    async fn checkpoint_if_due(&self, delta_version: u64) -> Result<(), LakeError> {
        let commits = match self.log.last_checkpoint().await? {
            Some(last) => delta_version.saturating_sub(last),
            None => delta_version + 1,
        };
        if commits < CHECKPOINT_COMMITS {
            return Ok(());
        }
        self.faults.pass(&CHECKPOINT)?;
        self.kernel().checkpoint(delta_version).await?;
        Ok(self.faults.pass(&CHECKPOINTED)?)
    }

    /// Removes the staged folder of a version. Repeating it is harmless.
    ///
    /// # Errors
    /// [`LakeError::Published`] when a commit that was prepared there stands in the log.
    pub async fn discard(&self, number: VersionNumber) -> Result<(), LakeError> {
        let folder = self.version_folder(number);
        if self.is_committed(number).await? {
            let path = self.store.file(&folder);
            return Err(LakeError::Published { asset: self.asset.clone(), number, path });
        }
        self.faults.pass(&BEFORE_DISCARD)?;
        self.store.remove_folder(&folder).await?;
        Ok(self.faults.pass(&DISCARDED)?)
    }

    pub(crate) fn version_folder(&self, number: VersionNumber) -> Path {
        self.prefix.clone().join("_lockgate").join(format!("v{number}"))
    }

    pub(crate) fn commit_path(&self, number: VersionNumber, base: Option<u64>) -> Path {
        let base = base.map_or_else(|| "none".to_owned(), |base| base.to_string());
        self.version_folder(number).join(format!("commit-{base}.json"))
    }

    pub(crate) fn kernel(&self) -> Kernel {
        Kernel { store: self.store.clone(), asset: self.asset.clone(), table: self.prefix.clone() }
    }
}

fn piece_name(number: usize) -> String {
    format!("{number:06}.bin")
}

#[derive(Serialize)]
struct RecordRef<'a> {
    format: u32,
    version: &'a Version,
}

#[derive(Deserialize)]
struct RecordFormat {
    format: u32,
}

#[derive(Deserialize)]
struct Record {
    version: Version,
}

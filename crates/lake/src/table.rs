//! One table.

use arrow::array::RecordBatch;
use lockgate_types::{AssetName, DataFile, Schema, Version, VersionNumber};

use crate::{CommitBytes, CommitPlan, LakeError, Layout, PutOutcome, StageSet, StageWriter};

#[derive(Clone, Debug)]
pub struct Table {}

impl Table {
    pub fn asset(&self) -> &AssetName {
        todo!()
    }

    /// The table's folder in the store: `tables/raw/orders`.
    pub fn prefix(&self) -> object_store::path::Path {
        todo!()
    }

    /// A single writer of a version: `stage_set(…).writer(0)`.
    pub fn stage(&self, number: VersionNumber, schema: &Schema, layout: Layout) -> StageWriter {
        self.stage_set(number, schema, layout).writer(0)
    }

    /// Several writers of one version, in parallel.
    pub fn stage_set(&self, number: VersionNumber, schema: &Schema, layout: Layout) -> StageSet {
        todo!()
    }

    /// Waits until the staged files are on disk, and writes `version.json`. To be called before a version is
    /// recorded as held; `prepare_commit` does it by itself.
    pub async fn record(&self, version: &Version) -> Result<(), LakeError> {
        todo!()
    }

    /// What `record` wrote.
    pub async fn recorded(&self, number: VersionNumber) -> Result<Option<Version>, LakeError> {
        todo!()
    }

    /// The numbers that have a folder of staged files, ascending.
    pub async fn staged_numbers(&self) -> Result<Vec<VersionNumber>, LakeError> {
        todo!()
    }

    pub async fn prepare_commit(&self, plan: CommitPlan<'_>) -> Result<CommitBytes, LakeError> {
        todo!()
    }

    pub async fn load_commit(&self, number: VersionNumber, base: Option<u64>) -> Result<Option<CommitBytes>, LakeError> {
        todo!()
    }

    pub async fn put_commit(&self, bytes: &CommitBytes) -> Result<PutOutcome, LakeError> {
        todo!()
    }

    /// The newest Delta version in the log.
    pub async fn head(&self) -> Result<Option<u64>, LakeError> {
        todo!()
    }

    /// `None` when somebody else committed it.
    pub async fn published_by(&self, delta_version: u64) -> Result<Option<VersionNumber>, LakeError> {
        todo!()
    }

    /// The files live at a Delta version, read from the log: for bases that somebody else committed.
    pub async fn files_at(&self, delta_version: u64) -> Result<Vec<DataFile>, LakeError> {
        todo!()
    }

    /// Failures are logged, never fatal.
    pub async fn checkpoint(&self, delta_version: u64) -> Result<(), LakeError> {
        todo!()
    }

    /// Removes the staged folder of a version that was never published.
    pub async fn discard(&self, number: VersionNumber) -> Result<(), LakeError> {
        todo!()
    }

    /// Small reads: previews.
    pub async fn read(
        &self,
        files: &[DataFile],
        schema: &Schema,
        partition_by: &[String],
        limit: Option<usize>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        todo!()
    }
}

//! Writing a version's Parquet files where no reader sees them.

use arrow::array::RecordBatch;
use lockgate_types::DataFile;

use crate::LakeError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns that are not stored in the files but in their folders.
    pub partition_by: Vec<String>,
    /// A file is closed when it has grown to this size.
    pub target_file_bytes: u64,
}

impl Default for Layout {
    fn default() -> Self {
        Layout { partition_by: Vec::new(), target_file_bytes: 128 * 1024 * 1024 }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StagedFiles {
    pub files: Vec<DataFile>,
    pub rows: u64,
    pub size_bytes: u64,
}

impl StagedFiles {
    /// The files of several writers of one version.
    pub fn merge(parts: impl IntoIterator<Item = StagedFiles>) -> StagedFiles {
        parts.into_iter().fold(StagedFiles::default(), |mut all, part| {
            all.files.extend(part.files);
            all.rows += part.rows;
            all.size_bytes += part.size_bytes;
            all
        })
    }
}

/// One version being staged, by any number of writers in parallel.
#[derive(Clone, Debug)]
pub struct StageSet {}

impl StageSet {
    /// A writer of its own files, `part-INDEX-SEQ.parquet`; an index is used once.
    pub fn writer(&self, index: usize) -> StageWriter {
        todo!()
    }
}

#[derive(Debug)]
pub struct StageWriter {}

impl StageWriter {
    /// Encodes on the calling thread. The batch has the Arrow types of the schema, in its order.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        todo!()
    }

    pub async fn finish(self) -> Result<StagedFiles, LakeError> {
        todo!()
    }

    /// What it holds in memory.
    pub fn buffered_bytes(&self) -> usize {
        todo!()
    }
}

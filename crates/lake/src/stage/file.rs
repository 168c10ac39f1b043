//! One Parquet file that is being written.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use lockgate_types::DataFile;
use object_store::path::Path;

use super::encoder::{Encoder, encode_error};
use super::stats::Statistics;
use super::{Target, encoding};
use crate::LakeError;
use crate::store::DiskFile;

/// Open for rows.
pub(super) struct OpenFile {
    encoder: Encoder,
    /// Relative to the table's folder.
    relative: String,
    path: PathBuf,
}

/// Written and closed, but not yet on disk for certain.
#[derive(Debug)]
pub(super) struct ClosedFile {
    pub(super) file: DiskFile,
    pub(super) path: PathBuf,
    pub(super) data: DataFile,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile").field("relative", &self.relative).finish_non_exhaustive()
    }
}

impl OpenFile {
    /// `relative` is the file's path below the table's folder; `first` is the batch that will be written first, by which
    /// the encodings are chosen.
    pub(super) fn create(target: &Target, relative: String, first: &RecordBatch) -> Result<OpenFile, LakeError> {
        let mut location = target.table.clone();
        for part in relative.split('/') {
            let part = Path::parse(part).map_err(|error| LakeError::Encode {
                path: target.store.file(&target.table).join(&relative),
                reason: error.to_string(),
            })?;
            location = Path::from_iter(location.parts().chain(part.parts()));
        }
        let file = target.store.stage(&location)?;
        let path = file.path().to_owned();
        let properties = encoding::properties(&target.stored_schema, first);
        let columns = target.stored.iter().map(|index| &target.schema.columns[*index]);
        let statistics = Statistics::new(columns.map(|column| (column.name.as_str(), &column.data_type)));
        let encoder = Encoder::new(file, target.stored_schema.clone(), properties, statistics)
            .map_err(|error| encode_error(&path, error))?;
        Ok(OpenFile { encoder, relative, path })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch, threads: usize) -> Result<(), LakeError> {
        self.encoder.write(batch, threads).map_err(|error| encode_error(&self.path, error))
    }

    /// How large the file would be if it were closed now.
    pub(super) fn size_bytes(&self) -> u64 {
        self.encoder.size_bytes()
    }

    /// What it holds in memory.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.encoder.buffered_bytes()
    }

    pub(super) fn close(self, partition: Vec<(String, Option<String>)>) -> Result<ClosedFile, LakeError> {
        let (file, size_bytes, statistics) = self.encoder.finish(&self.path)?;
        let data = DataFile {
            path: self.relative,
            size_bytes,
            rows: statistics.rows(),
            partition,
            stats: Some(statistics.to_json()),
        };
        Ok(ClosedFile { file, path: self.path, data })
    }
}

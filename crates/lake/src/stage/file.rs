//! One Parquet file that is being written.

use std::fs::File;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use lockgate_types::DataFile;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;

use super::stats::Statistics;
use super::{Target, encoding};
use crate::LakeError;

/// Open for rows.
pub(super) struct OpenFile {
    writer: ArrowWriter<File>,
    statistics: Statistics,
    /// Relative to the table's folder.
    relative: String,
    path: PathBuf,
}

/// Written and closed, but not yet on disk for certain.
#[derive(Debug)]
pub(super) struct ClosedFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) data: DataFile,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile").field("relative", &self.relative).field("statistics", &self.statistics).finish()
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
        let (file, path) = target.store.stage(&location)?;
        let properties = encoding::properties(&target.stored_schema, first);
        let writer = ArrowWriter::try_new(file, target.stored_schema.clone(), Some(properties))
            .map_err(|error| LakeError::Encode { path: path.clone(), reason: error.to_string() })?;
        let columns = target.stored.iter().map(|index| &target.schema.columns[*index]);
        let statistics = Statistics::new(columns.map(|column| (column.name.as_str(), &column.data_type)));
        Ok(OpenFile { writer, statistics, relative, path })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.statistics.update(batch.num_rows(), batch.columns());
        self.writer.write(batch).map_err(|error| encode_error(&self.path, error))
    }

    /// How large the file would be if it were closed now.
    pub(super) fn size_bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    /// What it holds in memory.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.writer.memory_size()
    }

    pub(super) fn close(mut self, partition: Vec<(String, Option<String>)>) -> Result<ClosedFile, LakeError> {
        self.writer.finish().map_err(|error| encode_error(&self.path, error))?;
        let size_bytes = self.writer.bytes_written() as u64;
        // `into_inner` would hide an I/O error in a text.
        let file = self.writer.inner().try_clone().map_err(|source| LakeError::io("syncing", &self.path, source))?;
        let data = DataFile {
            path: self.relative,
            size_bytes,
            rows: self.statistics.rows(),
            partition,
            stats: Some(self.statistics.to_json()),
        };
        Ok(ClosedFile { file, path: self.path, data })
    }
}

/// An I/O error inside (a full disk) is told as one.
fn encode_error(path: &std::path::Path, error: parquet::errors::ParquetError) -> LakeError {
    if let parquet::errors::ParquetError::External(source) = &error
        && let Some(io) = source.downcast_ref::<std::io::Error>()
    {
        return LakeError::io("writing", path, std::io::Error::new(io.kind(), io.to_string()));
    }
    LakeError::Encode { path: path.to_owned(), reason: error.to_string() }
}

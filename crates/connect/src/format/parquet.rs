//! Parquet: row groups are read in parallel, each by one worker, in batches.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::typed;
use crate::cells::Target;
use crate::error::ConnectError;
use crate::input::{LocalFile, Stamp, Whole, hash, unchanged};
use crate::read::{Piece, Reader};

fn damaged(file: &str, place: &str, error: &ParquetError) -> ConnectError {
    let words = match error {
        ParquetError::General(words) | ParquetError::EOF(words) => words.clone(),
        other => other.to_string(),
    };
    ConnectError::corrupt(file, format!("it is no whole Parquet file, {place}: {words}"))
}

fn footer(file: &LocalFile) -> Result<ArrowReaderMetadata, ConnectError> {
    let opened = File::open(&file.path).map_err(|error| ConnectError::unreadable(&file.name, error))?;
    ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new())
        .map_err(|error| damaged(&file.name, "at its footer", &error))
}

/// The schema that the file's footer tells.
pub(crate) fn schema(file: &LocalFile) -> Result<SchemaRef, ConnectError> {
    footer(file).map(|metadata| metadata.schema().clone())
}

/// A row group being read by one worker.
struct Open {
    batches: ParquetRecordBatchReader,
    group: usize,
    /// The number of the next row in the file, from 1.
    next_row: u64,
}

/// A Parquet file being read.
pub(crate) struct ParquetReader {
    file: LocalFile,
    before: Stamp,
    metadata: ArrowReaderMetadata,
    targets: Vec<Target>,
    schema: SchemaRef,
    next_group: AtomicUsize,
    open: Mutex<HashMap<usize, Open>>,
}

impl ParquetReader {
    pub(crate) fn open(file: &LocalFile, targets: Vec<Target>, schema: SchemaRef) -> Result<Self, ConnectError> {
        let before = Stamp::at(&file.path).map_err(|error| ConnectError::unreadable(&file.name, error))?;
        Ok(ParquetReader {
            file: file.clone(),
            before,
            metadata: footer(file)?,
            targets,
            schema,
            next_group: AtomicUsize::new(0),
            open: Mutex::default(),
        })
    }

    fn next_group(&self) -> Result<Option<Open>, ConnectError> {
        let group = self.next_group.fetch_add(1, Ordering::Relaxed);
        let groups = self.metadata.metadata().row_groups();
        if group >= groups.len() {
            return Ok(None);
        }
        let before: i64 = groups[..group].iter().map(|group| group.num_rows()).sum();
        // A handle of its own: clones of one share their position.
        let opened = File::open(&self.file.path).map_err(|error| ConnectError::unreadable(&self.file.name, error))?;
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_batch_size(8192)
            .build()
            .map_err(|error| damaged(&self.file.name, &format!("in row group {}", group + 1), &error))?;
        Ok(Some(Open { batches, group, next_row: u64::try_from(before).unwrap_or(0) + 1 }))
    }
}

impl Reader for ParquetReader {
    fn next(&self, worker: usize) -> Result<Option<Piece>, ConnectError> {
        loop {
            let held = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&worker);
            let mut open = match held {
                Some(open) => open,
                None => match self.next_group()? {
                    Some(open) => open,
                    None => return Ok(None),
                },
            };
            match open.batches.next() {
                None => {}
                Some(Err(error)) => {
                    let place = format!("in row group {}, after row {}", open.group + 1, open.next_row - 1);
                    return Err(damaged(&self.file.name, &place, &ParquetError::General(error.to_string())));
                }
                Some(Ok(batch)) => {
                    let first = open.next_row;
                    open.next_row += batch.num_rows() as u64;
                    self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(worker, open);
                    return typed::piece(&batch, first, &self.targets, &self.schema).map(Some);
                }
            }
        }
    }

    fn whole(&self) -> Result<Whole, ConnectError> {
        unchanged(&self.file, self.before)?;
        hash(&self.file)
    }
}

//! Formats whose batches come one after the other: decoding is under a lock, casting and checking are not.

use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::typed;
use crate::cells::Target;
use crate::error::ConnectError;
use crate::input::{LocalFile, Stamp, Whole, hash, unchanged};
use crate::read::{Piece, Reader};

pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// What a decoder's error means for its file.
pub(crate) fn damaged(file: &str, format: &str, rows: u64, error: &ArrowError) -> ConnectError {
    let words = match error {
        ArrowError::IoError(words, _) => words.clone(),
        other => other.to_string(),
    };
    let place = match rows {
        0 => "at its start".to_owned(),
        rows => format!("after row {rows}"),
    };
    ConnectError::corrupt(file, format!("it is no whole {format} file, {place}: {words}"))
}

struct Source {
    batches: Option<Batches>,
    rows: u64,
    whole: Option<Whole>,
}

/// A file of batches being read.
pub(crate) struct SequenceReader {
    file: LocalFile,
    format: &'static str,
    before: Stamp,
    targets: Vec<Target>,
    schema: SchemaRef,
    source: Mutex<Source>,
}

impl SequenceReader {
    pub(crate) fn open(
        file: &LocalFile,
        format: &'static str,
        targets: Vec<Target>,
        schema: SchemaRef,
        open: impl FnOnce(&LocalFile) -> Result<(SchemaRef, Batches), ConnectError>,
    ) -> Result<Self, ConnectError> {
        let before = Stamp::at(&file.path).map_err(|error| ConnectError::unreadable(&file.name, error))?;
        let (_, batches) = open(file)?;
        let source = Mutex::new(Source { batches: Some(batches), rows: 0, whole: None });
        Ok(SequenceReader { file: file.clone(), format, before, targets, schema, source })
    }
}

impl Reader for SequenceReader {
    fn next(&self, _worker: usize) -> Result<Option<Piece>, ConnectError> {
        let (batch, first) = {
            let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(batches) = &mut source.batches else { return Ok(None) };
            match batches.next() {
                Some(Ok(batch)) => {
                    let first = source.rows + 1;
                    source.rows += batch.num_rows() as u64;
                    (batch, first)
                }
                Some(Err(error)) => return Err(damaged(&self.file.name, self.format, source.rows, &error)),
                None => {
                    source.batches = None;
                    unchanged(&self.file, self.before)?;
                    source.whole = Some(hash(&self.file)?);
                    return Ok(None);
                }
            }
        };
        typed::piece(&batch, first, &self.targets, &self.schema).map(Some)
    }

    fn whole(&self) -> Result<Whole, ConnectError> {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = source.whole.clone();
        whole.ok_or_else(|| ConnectError::Broken { what: format!("{} was not read to its end", self.file.name) })
    }
}

//! What every format's reader is: a file that several workers take pieces from.

use arrow::array::RecordBatch;

use crate::error::ConnectError;
use crate::input::Whole;

/// A piece of a file, typed.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The rows that fit, in the order of the file.
    pub(crate) batch: RecordBatch,
    pub(crate) rejects: Vec<Reject>,
}

impl Piece {
    /// Rows that were read, rejected ones included.
    pub(crate) fn rows_read(&self) -> u64 {
        (self.batch.num_rows() + self.rejects.len()) as u64
    }
}

/// A row that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reject {
    /// From 1. The row's number in formats that have no lines.
    pub(crate) line: u64,
    /// Cut to [`RAW_BYTES`].
    pub(crate) raw: String,
    pub(crate) reason: String,
}

/// How much of a rejected row is kept.
const RAW_BYTES: usize = 64 * 1024;

impl Reject {
    pub(crate) fn new(line: u64, raw: &[u8], length: u64, reason: String) -> Self {
        let mut text = String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES)]).into_owned();
        if length > raw.len().min(RAW_BYTES) as u64 {
            text.push_str(&format!("… ({length} bytes in all)"));
        }
        Reject { line, raw: text, reason }
    }
}

/// A file being read by any number of workers at once.
pub(crate) trait Reader: Send + Sync {
    /// Takes the next piece of the file and parses it; `None` when nothing is left. `worker` is a small number of the
    /// caller's own, so that its buffers can be kept for it.
    fn next(&self, worker: usize) -> Result<Option<Piece>, ConnectError>;

    /// After every worker got `None`: what the file was. Its being the same as before is checked by then.
    fn whole(&self) -> Result<Whole, ConnectError>;

    /// Columns that the file turned out to lack though it may not; known only at the end in formats without a header.
    fn lacking(&self) -> Vec<String> {
        Vec::new()
    }
}

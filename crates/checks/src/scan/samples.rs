//! Up to 100 failing rows, the same ones however the scan was divided.
//!
//! Of all failing rows those with the smallest hashes are kept: a random choice that depends on the rows alone, and
//! costs a comparison for a row that is not kept. Rows become text only when they are kept.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt;
use lockgate_engine::{EngineError, Session};
use lockgate_types::Samples;
use serde::{Deserialize, Serialize};

use super::Cells;
use crate::profile::hash;
use crate::values::Value;

/// How many rows a check shows.
const ROWS: usize = 100;
/// Longer cells are cut: samples are for reading, and are kept for ever.
const CELL_CHARACTERS: usize = 1000;

type Row = Vec<Option<String>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    hash: u64,
    row: Row,
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash).then_with(|| self.row.cmp(&other.row))
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Kept {}

/// The rows with the smallest hashes; the greatest of them is on top.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sampler {
    kept: BinaryHeap<Kept>,
}

impl Sampler {
    /// Whether a row of this hash has a chance.
    #[inline]
    pub(crate) fn wants(&self, hash: u64) -> bool {
        self.kept.len() < ROWS || self.kept.peek().is_some_and(|top| hash <= top.hash)
    }

    pub(crate) fn add(&mut self, hash: u64, row: Row) {
        self.kept.push(Kept { hash, row });
        if self.kept.len() > ROWS {
            self.kept.pop();
        }
    }

    pub(crate) fn merge(&mut self, other: Sampler) {
        for Kept { hash, row } in other.kept {
            if self.wants(hash) {
                self.add(hash, row);
            }
        }
    }

    /// Sorted by their text, so that neighbours are alike.
    pub(crate) fn finish(self, columns: Vec<String>) -> Samples {
        let mut rows: Vec<Row> = self.kept.into_iter().map(|kept| kept.row).collect();
        rows.sort();
        if rows.is_empty() { Samples::default() } else { Samples { columns, rows } }
    }
}

/// Samples of rows that are made by hand.
#[derive(Debug)]
pub(crate) struct RowSampler {
    columns: Vec<String>,
    sampler: Sampler,
}

impl RowSampler {
    pub(crate) fn new(columns: Vec<String>) -> Self {
        RowSampler { columns, sampler: Sampler::default() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        let hash = row
            .iter()
            .fold(0, |row, cell| hash::combine(row, cell.as_ref().map_or(0, |text| hash::bytes(text.as_bytes()))));
        if self.sampler.wants(hash) {
            self.sampler.add(hash, row);
        }
    }

    pub(crate) fn finish(self) -> Samples {
        self.sampler.finish(self.columns)
    }
}

/// A key as values (for SQL) and as text.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    hash: u64,
    pub(crate) values: Vec<Option<Value>>,
    pub(crate) cells: Row,
}

/// The keys with the smallest hashes among the leading columns of batches.
#[derive(Debug)]
pub(crate) struct KeySampler {
    limit: usize,
    width: usize,
    columns: Vec<String>,
    keys: Vec<Key>,
    worst: u64,
}

impl KeySampler {
    pub(crate) fn new(limit: usize, width: usize) -> Self {
        KeySampler { limit, width, columns: Vec::new(), keys: Vec::new(), worst: u64::MAX }
    }

    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        if self.columns.is_empty() {
            self.columns = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        }
        let cells: Vec<Cells> = batch.columns().iter().take(self.width).map(Cells::of).collect();
        for row in 0..batch.num_rows() {
            let hash = row_hash(&cells, row);
            if hash > self.worst {
                continue;
            }
            let values = cells.iter().map(|cells| cells.value(row)).collect();
            let cells = batch.columns().iter().map(|column| text_of(column, row)).collect();
            self.keys.push(Key { hash, values, cells });
            if self.keys.len() >= 2 * self.limit {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        self.keys.sort_by(|a, b| a.hash.cmp(&b.hash).then_with(|| a.cells.cmp(&b.cells)));
        self.keys.truncate(self.limit);
        if self.keys.len() == self.limit {
            self.worst = self.keys.last().map_or(u64::MAX, |key| key.hash);
        }
    }

    /// The names of all columns, and the keys by their text.
    pub(crate) fn finish(mut self) -> (Vec<String>, Vec<Key>) {
        self.cut();
        self.keys.sort_by(|a, b| a.cells.cmp(&b.cells));
        let columns = self.columns.iter().map(|name| if name == "__rows" { "rows".to_owned() } else { name.clone() });
        (columns.collect(), self.keys)
    }
}

#[inline]
pub(crate) fn row_hash(cells: &[Cells], row: usize) -> u64 {
    cells.iter().fold(0, |so_far, cells| hash::combine(so_far, cells.hash(row)))
}

/// Counts the rows of a query and samples them.
pub(crate) async fn sample_rows(session: &Session, query: &str) -> Result<(u64, Samples), EngineError> {
    let mut stream = session.stream(query).await?;
    let mut sampler = Sampler::default();
    let (mut count, mut columns) = (0, Vec::new());
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        count += batch.num_rows() as u64;
        if columns.is_empty() {
            columns = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        }
        let cells: Vec<Cells> = batch.columns().iter().map(Cells::of).collect();
        let mut texts = RowTexts::of(batch.columns());
        for row in 0..batch.num_rows() {
            let hash = row_hash(&cells, row);
            if sampler.wants(hash) {
                sampler.add(hash, texts.row(row));
            }
        }
    }
    Ok((count, sampler.finish(columns)))
}

/// Makes text of rows; what that needs is prepared by the first row.
pub(crate) struct RowTexts<'a> {
    columns: &'a [ArrayRef],
    formatters: Option<Vec<Option<ArrayFormatter<'a>>>>,
}

const FORMAT: FormatOptions<'static> = FormatOptions::new();

impl<'a> RowTexts<'a> {
    pub(crate) fn of(columns: &'a [ArrayRef]) -> Self {
        RowTexts { columns, formatters: None }
    }

    pub(crate) fn row(&mut self, row: usize) -> Row {
        let columns = self.columns;
        let formatters = self.formatters.get_or_insert_with(|| {
            columns.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &FORMAT).ok()).collect()
        });
        columns
            .iter()
            .zip(formatters)
            .map(
                |(column, formatter)| {
                    if is_null(column, row) { None } else { formatter.as_ref().map(|f| text(f, row)) }
                },
            )
            .collect()
    }
}

fn is_null(column: &ArrayRef, row: usize) -> bool {
    column.logical_nulls().is_some_and(|nulls| nulls.is_null(row))
}

fn text(formatter: &ArrayFormatter<'_>, row: usize) -> String {
    cut(formatter.value(row).try_to_string().unwrap_or_else(|error| format!("({error})")))
}

/// Cells longer than 1,000 characters end in `…`.
fn cut(text: String) -> String {
    match text.char_indices().nth(CELL_CHARACTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// One cell as text, in the form that the engine would cast it to; `None` is null.
pub(crate) fn text_of(array: &ArrayRef, row: usize) -> Option<String> {
    if is_null(array, row) {
        return None;
    }
    ArrayFormatter::try_new(array.as_ref(), &FORMAT).ok().map(|formatter| text(&formatter, row))
}

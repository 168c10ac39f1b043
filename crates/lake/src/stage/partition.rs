//! Splitting batches by the values of partition columns, and those values' text form.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{CastOptions, cast, cast_with_options, take};
use arrow::datatypes::{DataType as Arrow, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use chrono::DateTime;
use lockgate_types::{DataType, Schema};

/// Why `schema` cannot be partitioned so: the column and the reason.
pub(super) fn problem(schema: &Schema, partition_by: &[String]) -> Option<(String, String)> {
    for (at, name) in partition_by.iter().enumerate() {
        let reason = match schema.column(name) {
            None => "there is no such column".to_owned(),
            Some(_) if partition_by[..at].contains(name) => "it is named twice".to_owned(),
            Some(column) => match column.data_type {
                DataType::Boolean
                | DataType::Int
                | DataType::Bigint
                | DataType::Decimal(..)
                | DataType::String
                | DataType::Date
                | DataType::Timestamp
                | DataType::Timestamptz => continue,
                DataType::Double | DataType::Binary | DataType::Json | DataType::List(_) | DataType::Struct(_) => {
                    format!("its type is {}", column.data_type)
                }
            },
        };
        return Some((name.clone(), reason));
    }
    if !partition_by.is_empty() && partition_by.len() == schema.columns.len() {
        return Some((partition_by[0].clone(), "no column would be left in the files".to_owned()));
    }
    None
}

/// One value in Delta's text form; `Err` says why it has none.
pub(super) fn value_text(column: &ArrayRef, row: usize) -> Result<Option<String>, String> {
    let one = column.slice(row, 1);
    if one.logical_null_count() == 1 {
        return Ok(None);
    }
    if let Arrow::Timestamp(_, zone) = one.data_type() {
        let micros = one.as_primitive::<TimestampMicrosecondType>().value(0);
        let at = DateTime::from_timestamp_micros(micros).ok_or_else(|| format!("{micros} is no timestamp"))?;
        let form = if zone.is_some() { "%Y-%m-%dT%H:%M:%S%.6fZ" } else { "%Y-%m-%d %H:%M:%S%.6f" };
        return Ok(Some(at.format(form).to_string()));
    }
    let text = cast(&one, &Arrow::Utf8).map_err(|error| error.to_string())?;
    let text = text.as_string::<i32>().value(0);
    if text.is_empty() {
        return Err("an empty string cannot be told from null there".to_owned());
    }
    Ok(Some(text.to_owned()))
}

/// The inverse: `rows` times the value, as the table's readers see it.
pub(crate) fn value_array(data_type: &DataType, text: Option<&str>, rows: usize) -> Result<ArrayRef, ArrowError> {
    let one: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let one = cast_with_options(&one, &data_type.to_arrow(), &options)?;
    take(&one, &UInt32Array::from(vec![0; rows]), None)
}

/// Finds the partition of each row.
#[derive(Debug)]
pub(super) struct Splitter {
    converter: RowConverter,
    known: HashMap<Box<[u8]>, usize>,
}

/// The rows of a batch that belong to one partition.
pub(super) enum Rows {
    All,
    Run { start: usize, length: usize },
    Scattered(Vec<u32>),
}

impl Splitter {
    pub(super) fn new(columns: &[ArrayRef]) -> Result<Splitter, ArrowError> {
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        Ok(Splitter { converter: RowConverter::new(fields)?, known: HashMap::new() })
    }

    /// The partitions of `columns`' rows by number, each once, in the order of their first rows; a number that is new is
    /// the count of those known before.
    pub(super) fn split(&mut self, columns: &[ArrayRef]) -> Result<Vec<(usize, Rows)>, ArrowError> {
        let rows = self.converter.convert_columns(columns)?;
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        let mut start = 0;
        for row in 1..=rows.num_rows() {
            if row < rows.num_rows() && rows.row(row) == rows.row(start) {
                continue;
            }
            let key = rows.row(start);
            let next = self.known.len();
            let partition = match self.known.get(key.as_ref()) {
                Some(partition) => *partition,
                None => {
                    self.known.insert(key.as_ref().into(), next);
                    next
                }
            };
            runs.push((partition, start, row - start));
            start = row;
        }
        Ok(gathered(&runs))
    }
}

fn gathered(runs: &[(usize, usize, usize)]) -> Vec<(usize, Rows)> {
    if let [(partition, ..)] = runs {
        return vec![(*partition, Rows::All)];
    }
    let mut order: Vec<(usize, Rows)> = Vec::new();
    let mut at: HashMap<usize, usize> = HashMap::new();
    for (partition, start, length) in runs {
        let index = *at.entry(*partition).or_insert_with(|| {
            order.push((*partition, Rows::Run { start: *start, length: 0 }));
            order.len() - 1
        });
        let rows = &mut order[index].1;
        let end = start + length;
        match rows {
            Rows::Run { length: 0, .. } => *rows = Rows::Run { start: *start, length: *length },
            Rows::Run { start: before, length: count } => {
                let before = indices(*before, *before + *count);
                *rows = Rows::Scattered(before.chain(indices(*start, end)).collect());
            }
            Rows::Scattered(all) => all.extend(indices(*start, end)),
            Rows::All => {}
        }
    }
    order
}

/// A batch has fewer than 2³² rows.
fn indices(start: usize, end: usize) -> impl Iterator<Item = u32> {
    (start..end).map(|row| u32::try_from(row).unwrap_or(u32::MAX))
}

/// Shorter runs are copied, so that a waiting slice does not keep its whole batch in memory.
const SLICE_ROWS_MIN: usize = 2048;

impl Rows {
    pub(super) fn of(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        match self {
            Rows::All => Ok(batch.clone()),
            Rows::Run { start, length } if *length >= SLICE_ROWS_MIN => Ok(batch.slice(*start, *length)),
            Rows::Run { start, length } => taken(batch, indices(*start, start + length).collect()),
            Rows::Scattered(rows) => taken(batch, rows.clone()),
        }
    }

    /// The first of the rows.
    pub(super) fn first(&self) -> usize {
        match self {
            Rows::All => 0,
            Rows::Run { start, .. } => *start,
            Rows::Scattered(rows) => rows.first().map_or(0, |row| *row as usize),
        }
    }
}

fn taken(batch: &RecordBatch, rows: Vec<u32>) -> Result<RecordBatch, ArrowError> {
    arrow::compute::take_record_batch(batch, &UInt32Array::from(rows))
}

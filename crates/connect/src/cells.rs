//! Columns of text cells, typed: the loop that every text format ends in.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, BooleanBufferBuilder, NullBufferBuilder, PrimitiveArray,
    RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType,
};
use lockgate_types::{Column, DataType};

use crate::error::ConnectError;
use crate::value;

/// One cell of a text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a [u8]),
    /// Holds escapes that [`Cells::unescape`] takes out.
    Escaped(&'a [u8]),
}

/// A rectangle of text cells.
pub(crate) trait Cells {
    fn rows(&self) -> usize;

    /// `column` is the file's. Rows and columns are within bounds.
    fn cell(&self, row: usize, column: usize) -> Cell<'_>;

    fn unescape(&self, text: &[u8], into: &mut Vec<u8>);

    /// Whether every cell is known to be UTF-8.
    fn is_utf8(&self) -> bool;

    /// A column of a nested type; formats that have none are never asked.
    fn nested(&self, column: usize, target: &Column, misfits: &mut Misfits) -> Result<ArrayRef, ConnectError> {
        let _ = (column, misfits);
        let what = format!("a {} was to be read from text cells", target.data_type);
        Err(ConnectError::Broken { what })
    }
}

/// A column of the table and where the file has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) column: Column,
    /// `None`: the file lacks it, and null stands for it.
    pub(crate) from: Option<usize>,
}

/// Rows that do not fit, by their index, with the reason. One reason a row is enough.
pub(crate) type Misfits = BTreeMap<usize, String>;

/// The batch of all rows that fit; the others are in `misfits` afterwards.
pub(crate) fn batch(
    cells: &impl Cells,
    targets: &[Target],
    schema: &SchemaRef,
    misfits: &mut Misfits,
) -> Result<RecordBatch, ConnectError> {
    let rows = cells.rows();
    let mut arrays = Vec::with_capacity(targets.len());
    for target in targets {
        arrays.push(match target.from {
            Some(from) => array(cells, from, &target.column, misfits)?,
            None => new_null_array(&target.column.data_type.to_arrow(), rows),
        });
    }
    let broken =
        |error: arrow::error::ArrowError| ConnectError::Broken { what: format!("a batch is not whole: {error}") };
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(broken)?;
    if misfits.is_empty() {
        return Ok(batch);
    }
    let kept: BooleanArray = (0..rows).map(|row| Some(!misfits.contains_key(&row))).collect();
    filter_record_batch(&batch, &kept).map_err(broken)
}

pub(crate) fn array(
    cells: &impl Cells,
    from: usize,
    column: &Column,
    misfits: &mut Misfits,
) -> Result<ArrayRef, ConnectError> {
    let mut sink = Sink { cells, from, column, misfits, scratch: Vec::new() };
    Ok(match &column.data_type {
        DataType::Boolean => sink.booleans(),
        DataType::Int => sink.primitives::<Int32Type>(value::int32),
        DataType::Bigint => sink.primitives::<Int64Type>(value::integer),
        DataType::Double => sink.primitives::<Float64Type>(value::double),
        DataType::Decimal(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            sink.primitives::<Decimal128Type>(|text| value::decimal(text, precision, scale))
        }
        DataType::Date => sink.primitives::<Date32Type>(value::date),
        DataType::Timestamp => sink.primitives::<TimestampMicrosecondType>(value::timestamp),
        DataType::Timestamptz => sink.primitives::<TimestampMicrosecondType>(value::timestamptz),
        DataType::String => sink.strings(|_| true)?,
        DataType::Json => sink.strings(is_json)?,
        DataType::Binary => sink.binaries()?,
        DataType::List(_) | DataType::Struct(_) => return sink.cells.nested(from, column, sink.misfits),
    })
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

struct Sink<'a, C> {
    cells: &'a C,
    from: usize,
    column: &'a Column,
    misfits: &'a mut Misfits,
    scratch: Vec<u8>,
}

impl<C: Cells> Sink<'_, C> {
    #[cold]
    fn misfit(&mut self, row: usize, text: &[u8]) {
        let column = self.column;
        self.misfits
            .entry(row)
            .or_insert_with(|| format!("column `{}`: {}", column.name, value::misfit(&column.data_type, text)));
    }

    #[cold]
    fn null_in_required(&mut self, row: usize) {
        let column = self.column;
        self.misfits
            .entry(row)
            .or_insert_with(|| format!("column `{}`: null, but the column is required", column.name));
    }

    #[cold]
    fn not_utf8(&mut self, row: usize) {
        let column = self.column;
        self.misfits.entry(row).or_insert_with(|| format!("column `{}`: invalid UTF-8", column.name));
    }

    #[inline]
    fn primitives<T: ArrowPrimitiveType>(&mut self, parse: impl Fn(&[u8]) -> Option<T::Native>) -> ArrayRef {
        let rows = self.cells.rows();
        let mut values: Vec<T::Native> = Vec::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        for row in 0..rows {
            let parsed = match self.cells.cell(row, self.from) {
                Cell::Null => {
                    if self.column.required {
                        self.null_in_required(row);
                    }
                    None
                }
                Cell::Text(text) => {
                    let parsed = parse(text);
                    if parsed.is_none() {
                        self.misfit(row, text);
                    }
                    parsed
                }
                Cell::Escaped(text) => self.unescaped(row, text, &parse),
            };
            match parsed {
                Some(value) => {
                    values.push(value);
                    nulls.append_non_null();
                }
                None => {
                    values.push(T::Native::default());
                    nulls.append_null();
                }
            }
        }
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls.finish());
        // Precision, scale and zone are not in `T`.
        let array = array.with_data_type(self.column.data_type.to_arrow());
        Arc::new(array)
    }

    #[cold]
    fn unescaped<V>(&mut self, row: usize, text: &[u8], parse: &impl Fn(&[u8]) -> Option<V>) -> Option<V> {
        let mut plain = std::mem::take(&mut self.scratch);
        plain.clear();
        self.cells.unescape(text, &mut plain);
        let parsed = parse(&plain);
        if parsed.is_none() {
            self.misfit(row, &plain);
        }
        self.scratch = plain;
        parsed
    }

    fn booleans(&mut self) -> ArrayRef {
        let rows = self.cells.rows();
        let mut values = BooleanBufferBuilder::new(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        for row in 0..rows {
            let parsed = match self.cells.cell(row, self.from) {
                Cell::Null => {
                    if self.column.required {
                        self.null_in_required(row);
                    }
                    None
                }
                Cell::Text(text) => {
                    let parsed = value::boolean(text);
                    if parsed.is_none() {
                        self.misfit(row, text);
                    }
                    parsed
                }
                Cell::Escaped(text) => self.unescaped(row, text, &value::boolean),
            };
            values.append(parsed.unwrap_or(false));
            nulls.append(parsed.is_some());
        }
        Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
    }

    fn bytes(&mut self, fits: impl Fn(&[u8]) -> bool) -> (OffsetBuffer<i32>, Vec<u8>, NullBufferBuilder) {
        let rows = self.cells.rows();
        let mut values: Vec<u8> = Vec::with_capacity(rows * 8);
        let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
        let mut nulls = NullBufferBuilder::new(rows);
        offsets.push(0);
        for row in 0..rows {
            let before = values.len();
            match self.cells.cell(row, self.from) {
                Cell::Null => {
                    if self.column.required {
                        self.null_in_required(row);
                    }
                    nulls.append_null();
                }
                cell => {
                    match cell {
                        Cell::Text(text) => values.extend_from_slice(text),
                        Cell::Escaped(text) => self.cells.unescape(text, &mut values),
                        Cell::Null => {}
                    }
                    if !fits(&values[before..]) {
                        let text = values.split_off(before);
                        self.misfit(row, &text);
                    }
                    nulls.append_non_null();
                }
            }
            // A piece is shorter than 1 GiB, so is a column of it.
            offsets.push(i32::try_from(values.len()).unwrap_or(i32::MAX));
        }
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), values, nulls)
    }

    fn strings(&mut self, fits: impl Fn(&[u8]) -> bool) -> Result<ArrayRef, ConnectError> {
        let (offsets, values, mut nulls) =
            if self.cells.is_utf8() { self.bytes(fits) } else { self.checked_utf8(fits) };
        let array = StringArray::try_new(offsets, Buffer::from_vec(values), nulls.finish())
            .map_err(|error| ConnectError::Broken { what: format!("column `{}`: {error}", self.column.name) })?;
        Ok(Arc::new(array))
    }

    /// Some cell is not UTF-8: its row is a misfit, and the others are as they are.
    fn checked_utf8(&mut self, fits: impl Fn(&[u8]) -> bool) -> (OffsetBuffer<i32>, Vec<u8>, NullBufferBuilder) {
        for row in 0..self.cells.rows() {
            if let Cell::Text(text) | Cell::Escaped(text) = self.cells.cell(row, self.from)
                && std::str::from_utf8(text).is_err()
            {
                self.not_utf8(row);
            }
        }
        let bad: Vec<usize> = self.misfits.keys().copied().collect();
        let masked = Masked { cells: self.cells, bad: &bad };
        let required = Column { required: false, ..self.column.clone() };
        let mut sink = Sink {
            cells: &masked,
            from: self.from,
            column: if bad.is_empty() { self.column } else { &required },
            misfits: self.misfits,
            scratch: Vec::new(),
        };
        let parts = sink.bytes(fits);
        if self.column.required {
            for row in 0..self.cells.rows() {
                if self.cells.cell(row, self.from) == Cell::Null {
                    self.null_in_required(row);
                }
            }
        }
        parts
    }

    fn binaries(&mut self) -> Result<ArrayRef, ConnectError> {
        let (offsets, values, mut nulls) = self.bytes(|_| true);
        let array = BinaryArray::try_new(offsets, Buffer::from_vec(values), nulls.finish())
            .map_err(|error| ConnectError::Broken { what: format!("column `{}`: {error}", self.column.name) })?;
        Ok(Arc::new(array))
    }
}

/// Cells whose bad rows are null.
struct Masked<'a, C> {
    cells: &'a C,
    /// Sorted.
    bad: &'a [usize],
}

impl<C: Cells> Cells for Masked<'_, C> {
    fn rows(&self) -> usize {
        self.cells.rows()
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        if self.bad.binary_search(&row).is_ok() { Cell::Null } else { self.cells.cell(row, column) }
    }

    fn unescape(&self, text: &[u8], into: &mut Vec<u8>) {
        self.cells.unescape(text, into);
    }

    fn is_utf8(&self) -> bool {
        true
    }
}

/// Whether text cells can be this type; nested ones cannot.
pub(crate) fn holds(kind: &DataType) -> bool {
    !matches!(kind, DataType::List(_) | DataType::Struct(_))
}

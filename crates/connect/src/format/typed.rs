//! Rows that already have types: each column is cast to the contract's, and a value that would lose something makes its
//! row a reject.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType as Arrow, Field, Schema as ArrowSchema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, WriterBuilder};
use lockgate_types::{Column, DataType};

use crate::cells::{self, Cell, Cells, Misfits, Target};
use crate::error::ConnectError;
use crate::read::{Piece, Reject};

/// Whether values of a file's type may be asked to be of a column's type; each value is still checked.
pub(crate) fn castable(from: &Arrow, to: &DataType) -> bool {
    let numeric = |kind: &Arrow| kind.is_numeric();
    match (from, to) {
        (Arrow::Dictionary(_, values), _) => castable(values, to),
        (Arrow::Null, _) => true,
        (Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View, _) => cells::holds(to),
        (Arrow::List(_) | Arrow::LargeList(_) | Arrow::Struct(_) | Arrow::Map(..), DataType::Json) => true,
        (Arrow::List(item) | Arrow::LargeList(item) | Arrow::FixedSizeList(item, _), DataType::List(wanted)) => {
            castable(item.data_type(), wanted)
        }
        (Arrow::Struct(fields), DataType::Struct(wanted)) => wanted.iter().all(|(name, wanted)| {
            fields.iter().find(|field| field.name() == name).is_some_and(|field| castable(field.data_type(), wanted))
        }),
        (
            Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_),
            DataType::Binary | DataType::String | DataType::Json,
        ) => true,
        (Arrow::Boolean, DataType::Boolean | DataType::String) => true,
        (from, DataType::Int | DataType::Bigint | DataType::Double | DataType::Decimal(..)) => numeric(from),
        (Arrow::Date32 | Arrow::Date64, DataType::Date | DataType::Timestamp | DataType::String) => true,
        (Arrow::Timestamp(_, None), DataType::Timestamp | DataType::Timestamptz | DataType::Date) => true,
        (Arrow::Timestamp(_, Some(_)), DataType::Timestamptz) => true,
        (Arrow::Timestamp(..), DataType::String) => true,
        (from, DataType::String) => numeric(from) || matches!(from, Arrow::Time32(_) | Arrow::Time64(_)),
        _ => false,
    }
}

/// What a piece of typed rows becomes. `first` is the number of its first row in the file, from 1.
pub(crate) fn piece(
    batch: &RecordBatch,
    first: u64,
    targets: &[Target],
    schema: &SchemaRef,
) -> Result<Piece, ConnectError> {
    let rows = batch.num_rows();
    let mut misfits = Misfits::new();
    let mut arrays = Vec::with_capacity(targets.len());
    for target in targets {
        arrays.push(match target.from {
            Some(from) => fit(batch.column(from), &target.column, &mut misfits)?,
            None => new_null_array(&target.column.data_type.to_arrow(), rows),
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let fitted = RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(broken)?;
    if misfits.is_empty() {
        return Ok(Piece { batch: fitted, rejects: Vec::new() });
    }
    let bad: BooleanArray = (0..rows).map(|row| Some(misfits.contains_key(&row))).collect();
    let kept: BooleanArray = (0..rows).map(|row| Some(!misfits.contains_key(&row))).collect();
    let raw = lines(&filter_record_batch(batch, &bad).map_err(broken)?).unwrap_or_default();
    let rejects = misfits
        .into_iter()
        .enumerate()
        .map(|(index, (row, reason))| {
            let raw = raw.get(index).map_or(&b""[..], Vec::as_slice);
            Reject::new(first + row as u64, raw, raw.len() as u64, reason)
        })
        .collect();
    Ok(Piece { batch: filter_record_batch(&fitted, &kept).map_err(broken)?, rejects })
}

fn broken(error: ArrowError) -> ConnectError {
    ConnectError::Broken { what: format!("a batch is not whole: {error}") }
}

/// Rows as JSON, one each.
fn lines(batch: &RecordBatch) -> Result<Vec<Vec<u8>>, ArrowError> {
    let mut text = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut text);
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    Ok(text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
}

/// One column as the contract has it.
fn fit(array: &ArrayRef, column: &Column, misfits: &mut Misfits) -> Result<ArrayRef, ConnectError> {
    let fitted = convert(array, column, misfits)?;
    if column.required && fitted.null_count() > 0 {
        for row in (0..array.len()).filter(|&row| array.is_null(row)) {
            misfits.entry(row).or_insert_with(|| format!("column `{}`: null, but the column is required", column.name));
        }
    }
    Ok(fitted)
}

fn convert(array: &ArrayRef, column: &Column, misfits: &mut Misfits) -> Result<ArrayRef, ConnectError> {
    let wanted = column.data_type.to_arrow();
    let failed = |error: ArrowError| ConnectError::Broken { what: format!("column `{}`: {error}", column.name) };
    if *array.data_type() == wanted && column.data_type != DataType::Json {
        return Ok(array.clone());
    }
    let lenient = CastOptions { safe: true, ..CastOptions::default() };
    let array = match array.data_type() {
        Arrow::Dictionary(_, values) => cast_with_options(array, values, &lenient).map_err(failed)?,
        _ => array.clone(),
    };
    match (array.data_type(), &column.data_type) {
        (Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View, _) => {
            let strings = cast_with_options(&array, &Arrow::Utf8, &lenient).map_err(failed)?;
            if column.data_type == DataType::String {
                return Ok(strings);
            }
            let cells = StringCells(strings.as_string::<i32>().clone());
            return cells::array(&cells, 0, &Column { required: false, ..column.clone() }, misfits);
        }
        (Arrow::List(_) | Arrow::LargeList(_) | Arrow::Struct(_) | Arrow::Map(..), DataType::Json) => {
            return as_json(&array).map_err(failed);
        }
        _ => {}
    }
    let cast = cast_with_options(&array, &wanted, &lenient).map_err(failed)?;
    let back = exactness_is_open(array.data_type(), &column.data_type)
        .then(|| cast_with_options(&cast, array.data_type(), &lenient))
        .transpose()
        .map_err(failed)?;
    let lost = match &back {
        Some(back) => Some(distinct(back, &array).map_err(failed)?),
        None if cast.null_count() > array.null_count() => {
            Some((0..array.len()).map(|row| Some(cast.is_null(row) && array.is_valid(row))).collect())
        }
        None => None,
    };
    for row in lost.iter().flat_map(|lost| (0..lost.len()).filter(|&row| lost.value(row))) {
        misfits.entry(row).or_insert_with(|| {
            let text = arrow::util::display::array_value_to_string(&array, row).unwrap_or_default();
            format!(
                "column `{}`: {} does not fit {}",
                column.name,
                crate::value::shown(text.as_bytes()),
                column.data_type
            )
        });
    }
    Ok(cast)
}

/// Whether a cast may change a value without saying so; then the way back tells.
fn exactness_is_open(from: &Arrow, to: &DataType) -> bool {
    match to {
        DataType::Int | DataType::Bigint => {
            from.is_floating() || matches!(from, Arrow::Decimal128(..) | Arrow::Decimal256(..))
        }
        DataType::Decimal(..) => true,
        DataType::Double => from.is_integer(),
        DataType::Timestamp | DataType::Timestamptz | DataType::Date => {
            matches!(from, Arrow::Timestamp(..) | Arrow::Date64)
        }
        _ => false,
    }
}

/// Each value as JSON text.
fn as_json(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let field = Field::new("v", array.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(ArrowSchema::new(vec![field])), vec![array.clone()])?;
    let texts = lines(&batch)?;
    let values: StringArray = texts
        .iter()
        .enumerate()
        .map(|(row, line)| {
            let inner = line.strip_prefix(b"{\"v\":").and_then(|line| line.strip_suffix(b"}"));
            inner.filter(|_| array.is_valid(row)).map(|text| String::from_utf8_lossy(text).into_owned())
        })
        .collect();
    Ok(Arc::new(values))
}

/// Strings as cells, so that text in a typed file is read as text in a CSV file is.
struct StringCells(StringArray);

impl Cells for StringCells {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn cell(&self, row: usize, _column: usize) -> Cell<'_> {
        if self.0.is_null(row) { Cell::Null } else { Cell::Text(self.0.value(row).as_bytes()) }
    }

    fn unescape(&self, text: &[u8], into: &mut Vec<u8>) {
        into.extend_from_slice(text);
    }

    fn is_utf8(&self) -> bool {
        true
    }
}

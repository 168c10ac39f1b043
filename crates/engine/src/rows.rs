//! Rows as bytes whose order is the order of the rows: to sort, merge and compare rows of any types without looking at
//! a type again.
//!
//! A row is three runs of columns: its key, what else is compared, and what is only carried along. Each is encoded by Arrow's
//! row format, in which values of one type compare as their bytes do and no value is the beginning of another; so two
//! runs one behind the other compare as their columns do, in order.
//!
//! Values are equal as for `is not distinct from`: null equals null, 0.0 equals -0.0. Beyond that every NaN equals every
//! other. Nulls sort last.
//!
//! Cost: a copy of every row; the sort spills like any other.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Float64Array, ListArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType as Arrow, Float64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, col,
};
use lockgate_types::Schema;

use crate::EngineError;

/// Behind the columns: where the key ends, where what is compared ends, and whether the key has a null.
const TRAILER: usize = 4 + 4 + 1;

/// One encoded row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a>(&'a [u8]);

impl<'a> Row<'a> {
    /// A value of the one column of [`crate::Session::sorted_rows`].
    pub fn new(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() >= TRAILER, "a row has a trailer");
        Row(bytes)
    }

    /// Whole, to be kept and read again.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub fn key(self) -> &'a [u8] {
        &self.0[..self.end(0)]
    }

    /// The key and what else is compared: rows are the same when these are.
    pub fn compared(self) -> &'a [u8] {
        &self.0[..self.end(1)]
    }

    pub fn has_null_key(self) -> bool {
        self.0.last() == Some(&1)
    }

    fn end(self, run: usize) -> usize {
        let at = self.0.len() - TRAILER + 4 * run;
        let mut end = [0; 4];
        end.copy_from_slice(&self.0[at..at + 4]);
        u32::from_le_bytes(end) as usize
    }

    fn run(self, run: usize) -> &'a [u8] {
        match run {
            0 => self.key(),
            1 => &self.0[self.end(0)..self.end(1)],
            _ => &self.0[self.end(1)..self.0.len() - TRAILER],
        }
    }
}

/// Which columns encoded rows have.
#[derive(Clone, Debug)]
pub struct RowLayout {
    pub columns: Schema,
    /// How many of the first columns are the key.
    pub key: usize,
    /// How many of those behind the key are compared.
    pub compared: usize,
}

impl RowLayout {
    /// Rows as a batch of `columns`.
    pub fn decode<'a>(&self, rows: impl IntoIterator<Item = Row<'a>>) -> Result<RecordBatch, EngineError> {
        let schema = self.columns.to_arrow();
        let rows: Vec<Row<'a>> = rows.into_iter().collect();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for (run, range) in runs(self.key, self.compared, schema.fields().len()).into_iter().enumerate() {
            if range.is_empty() {
                continue;
            }
            let types = schema.fields()[range].iter().map(|field| field.data_type().clone());
            let converter = converter(types).map_err(failed)?;
            let parser = converter.parser();
            columns.extend(converter.convert_rows(rows.iter().map(|row| parser.parse(row.run(run)))).map_err(failed)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(schema, columns, &options).map_err(failed)
    }
}

fn failed(error: ArrowError) -> EngineError {
    EngineError::Execution(crate::error::clean(&error.to_string()))
}

/// The columns of `plan` as one column of rows, sorted.
pub(crate) fn sorted(plan: LogicalPlan, key: usize, compared: usize) -> Result<LogicalPlan, EngineError> {
    const ROW: &str = "row";
    let columns = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let encode = Encode { key, compared, signature: Signature::variadic_any(Volatility::Immutable) };
    let row = ScalarUDF::new_from_impl(encode).call(columns).alias(ROW);
    Ok(LogicalPlanBuilder::from(plan).project(vec![row])?.sort(vec![col(ROW).sort(true, false)])?.build()?)
}

/// Key, compared, carried.
fn runs(key: usize, compared: usize, columns: usize) -> [std::ops::Range<usize>; 3] {
    [0..key, key..key + compared, key + compared..columns]
}

fn converter(types: impl Iterator<Item = Arrow>) -> Result<RowConverter, ArrowError> {
    let options = SortOptions { descending: false, nulls_first: false };
    RowConverter::new(types.map(|data_type| SortField::new_with_options(data_type, options)).collect())
}

/// Columns to rows. It is no function of SQL: only [`sorted`] calls it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Encode {
    key: usize,
    compared: usize,
    signature: Signature,
}

impl ScalarUDFImpl for Encode {
    fn name(&self) -> &'static str {
        "lockgate_row"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[Arrow]) -> DfResult<Arrow> {
        Ok(Arrow::Binary)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let number = call.number_rows;
        let columns = call
            .args
            .into_iter()
            .map(|argument| Ok(canonical(&argument.into_array(number)?)?))
            .collect::<DfResult<Vec<_>>>()?;
        Ok(ColumnarValue::Array(self.encode(&columns, number)?))
    }
}

impl Encode {
    fn encode(&self, columns: &[ArrayRef], number: usize) -> Result<ArrayRef, ArrowError> {
        let encoded = runs(self.key, self.compared, columns.len())
            .into_iter()
            .map(|range| {
                let run = &columns[range];
                if run.is_empty() {
                    return Ok(None);
                }
                let converter = converter(run.iter().map(|column| column.data_type().clone()))?;
                Ok(Some(converter.convert_columns(run)?))
            })
            .collect::<Result<Vec<Option<Rows>>, ArrowError>>()?;
        let nulls: Vec<_> = columns[..self.key].iter().filter_map(|column| column.logical_nulls()).collect();
        let mut builder = BinaryBuilder::with_capacity(number, 0);
        let mut row = Vec::new();
        for index in 0..number {
            row.clear();
            let mut ends = [0_u32; 3];
            for (run, end) in encoded.iter().zip(&mut ends) {
                if let Some(run) = run {
                    row.extend_from_slice(run.row(index).data());
                }
                *end = u32::try_from(row.len())
                    .map_err(|_| ArrowError::ComputeError("a row is larger than 4 GB".to_owned()))?;
            }
            row.extend_from_slice(&ends[0].to_le_bytes());
            row.extend_from_slice(&ends[1].to_le_bytes());
            row.push(u8::from(nulls.iter().any(|nulls| nulls.is_null(index))));
            // The offsets of a batch are 32 bits wide.
            if builder.values_slice().len() + row.len() > i32::MAX as usize {
                return Err(ArrowError::ComputeError("a batch of rows is larger than 2 GB".to_owned()));
            }
            builder.append_value(&row);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// Values that are equal get one form: every NaN the same bits, zero no sign; inside lists and structs too.
fn canonical(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match array.data_type() {
        data_type if !has_floats(data_type) => array.clone(),
        Arrow::List(item) => {
            let list = array.as_list::<i32>();
            let values = canonical(list.values())?;
            Arc::new(ListArray::try_new(item.clone(), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        Arrow::Struct(fields) => {
            let columns = array.as_struct().columns().iter().map(canonical).collect::<Result<_, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, array.nulls().cloned())?)
        }
        _ => {
            let floats: Float64Array = array.as_primitive::<Float64Type>().unary(|value| match value {
                nan if nan.is_nan() => f64::NAN,
                zero if zero.to_bits() << 1 == 0 => 0.0,
                other => other,
            });
            Arc::new(floats)
        }
    })
}

/// A double is the only float that a version has.
fn has_floats(data_type: &Arrow) -> bool {
    match data_type {
        Arrow::Float64 => true,
        Arrow::List(item) => has_floats(item.data_type()),
        Arrow::Struct(fields) => fields.iter().any(|field| has_floats(field.data_type())),
        _ => false,
    }
}

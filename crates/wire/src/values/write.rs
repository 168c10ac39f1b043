//! A column's values as fields of data rows.

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, OffsetSizeTrait, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as Arrow, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Float32Type,
    Float64Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use bytes::{BufMut, BytesMut};

use super::{Type, binary, numeric, text};
use crate::codes;
use crate::failure::Failure;
use crate::protocol::counted;

/// Writes the value of one row; only asked for rows that are not null.
type Value = Box<dyn FnMut(usize, &mut BytesMut) -> Result<(), Failure> + Send>;

/// A column of one batch on its way out.
pub(crate) struct Writer {
    nulls: Option<arrow::buffer::NullBuffer>,
    value: Value,
}

impl Writer {
    /// The field of a row: its length and its bytes, or -1.
    pub(crate) fn field(&mut self, row: usize, out: &mut BytesMut) -> Result<(), Failure> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.put_i32(-1);
            return Ok(());
        }
        let mut written = Ok(());
        counted(out, false, |out| written = (self.value)(row, out));
        written
    }
}

/// For a column that was told to be of type `data_type`.
pub(crate) fn writer(array: &ArrayRef, data_type: &Type, binary: bool) -> Result<Writer, Failure> {
    let array = plain(array, data_type)?;
    Ok(Writer { nulls: array.logical_nulls(), value: value(&array, data_type, binary)? })
}

fn unfit(error: &ArrowError) -> Failure {
    Failure::new("22003", &codes::VALUE, format!("a value does not fit its Postgres type: {error}"))
}

/// Arrow's many layouts as the one that is written. A number that does not fit is an error, never null.
fn plain(array: &ArrayRef, data_type: &Type) -> Result<ArrayRef, Failure> {
    let target = match (data_type, array.data_type()) {
        (Type::Int2, _) => Arrow::Int16,
        (Type::Int4, _) => Arrow::Int32,
        (Type::Int8 | Type::Oid, _) => Arrow::Int64,
        (Type::Float4, _) => Arrow::Float32,
        (Type::Numeric(_, scale), Arrow::Decimal32(..) | Arrow::Decimal64(..)) => Arrow::Decimal128(38, *scale),
        (Type::Text | Type::Name | Type::Char, _) => Arrow::Utf8,
        (Type::Json, Arrow::Utf8View | Arrow::LargeUtf8 | Arrow::Dictionary(..)) => Arrow::Utf8,
        (Type::Bytea, _) => Arrow::Binary,
        (Type::Date, _) => Arrow::Date32,
        (Type::Time, _) => Arrow::Time64(TimeUnit::Microsecond),
        (Type::Timestamp, _) => Arrow::Timestamp(TimeUnit::Microsecond, None),
        (Type::Timestamptz, Arrow::Timestamp(_, zone)) => Arrow::Timestamp(TimeUnit::Microsecond, zone.clone()),
        (Type::Interval, _) => Arrow::Interval(IntervalUnit::MonthDayNano),
        (_, same) => same.clone(),
    };
    if *array.data_type() == target {
        return Ok(array.clone());
    }
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    arrow::compute::cast_with_options(array, &target, &options)
        .or_else(|_| cast(array, &target))
        .map_err(|error| unfit(&error))
}

/// A value by its text.
fn textual(mut write: impl FnMut(usize, &mut String) -> Option<()> + Send + 'static) -> Value {
    let mut scratch = String::new();
    Box::new(move |row, out| {
        scratch.clear();
        write(row, &mut scratch).ok_or_else(|| {
            Failure::new("22008", &codes::VALUE, "a date or time lies outside what Postgres can hold")
        })?;
        out.put_slice(scratch.as_bytes());
        Ok(())
    })
}

fn of<T: ArrowPrimitiveType>(array: &ArrayRef) -> PrimitiveArray<T> {
    array.as_primitive::<T>().clone()
}

fn value(array: &ArrayRef, data_type: &Type, binary: bool) -> Result<Value, Failure> {
    Ok(match (data_type, binary) {
        (Type::Bool, true) => {
            let values = array.as_boolean().clone();
            Box::new(move |row, out| {
                out.put_u8(u8::from(values.value(row)));
                Ok(())
            })
        }
        (Type::Bool, false) => {
            let values = array.as_boolean().clone();
            textual(move |row, out| {
                out.push(if values.value(row) { 't' } else { 'f' });
                Some(())
            })
        }
        (Type::Int2, _) => whole::<Int16Type>(array, binary),
        (Type::Int4, _) => whole::<Int32Type>(array, binary),
        (Type::Int8, _) => whole::<Int64Type>(array, binary),
        (Type::Oid, true) => {
            let values = of::<Int64Type>(array);
            Box::new(move |row, out| {
                out.put_u32(u32::try_from(values.value(row)).unwrap_or(0));
                Ok(())
            })
        }
        (Type::Oid, false) => whole::<Int64Type>(array, false),
        (Type::Float4, true) => {
            let values = of::<Float32Type>(array);
            Box::new(move |row, out| {
                out.put_f32(values.value(row));
                Ok(())
            })
        }
        (Type::Float4, false) => {
            let values: Float32Array = of::<Float32Type>(array);
            textual(move |row, out| {
                let value = values.value(row);
                text::float(f64::from(value), |e| if e { format!("{value:e}") } else { value.to_string() }, out);
                Some(())
            })
        }
        (Type::Float8, true) => {
            let values = of::<Float64Type>(array);
            Box::new(move |row, out| {
                out.put_f64(values.value(row));
                Ok(())
            })
        }
        (Type::Float8, false) => {
            let values = of::<Float64Type>(array);
            textual(move |row, out| {
                let value = values.value(row);
                text::float(value, |e| if e { format!("{value:e}") } else { value.to_string() }, out);
                Some(())
            })
        }
        (Type::Numeric(..), _) => match array.data_type() {
            Arrow::Decimal256(..) => decimal::<Decimal256Type>(array, binary),
            _ => decimal::<Decimal128Type>(array, binary),
        },
        (Type::Text | Type::Name | Type::Char, _) => string(array),
        (Type::Json, _) if *array.data_type() == Arrow::Utf8 => string(array),
        (Type::Json, _) => json(array)?,
        (Type::Bytea, true) => {
            let values = array.as_binary::<i32>().clone();
            Box::new(move |row, out| {
                out.put_slice(values.value(row));
                Ok(())
            })
        }
        (Type::Bytea, false) => {
            let values = array.as_binary::<i32>().clone();
            textual(move |row, out| {
                text::bytea(values.value(row), out);
                Some(())
            })
        }
        (Type::Date, _) => {
            let values = of::<Date32Type>(array);
            if binary {
                Box::new(move |row, out| binary::date(values.value(row), out))
            } else {
                textual(move |row, out| text::date(i64::from(values.value(row)), out))
            }
        }
        (Type::Time, _) => {
            let values = of::<Time64MicrosecondType>(array);
            if binary {
                Box::new(move |row, out| {
                    out.put_i64(values.value(row));
                    Ok(())
                })
            } else {
                textual(move |row, out| text::time(values.value(row), out))
            }
        }
        (Type::Timestamp | Type::Timestamptz, _) => {
            let values = of::<TimestampMicrosecondType>(array);
            let zone = *data_type == Type::Timestamptz;
            if binary {
                Box::new(move |row, out| binary::timestamp(values.value(row), out))
            } else {
                textual(move |row, out| text::timestamp(values.value(row), zone, out))
            }
        }
        (Type::Interval, _) => {
            let values = of::<IntervalMonthDayNanoType>(array);
            if binary {
                Box::new(move |row, out| {
                    let value = values.value(row);
                    out.put_i64(value.nanoseconds / 1000);
                    out.put_i32(value.days);
                    out.put_i32(value.months);
                    Ok(())
                })
            } else {
                textual(move |row, out| {
                    let value = values.value(row);
                    text::interval(value.months, value.days, value.nanoseconds / 1000, out);
                    Some(())
                })
            }
        }
        (Type::Array(item), _) => match array.data_type() {
            Arrow::LargeList(_) => list::<i64>(array.as_list::<i64>().clone(), item, binary)?,
            _ => list::<i32>(array.as_list::<i32>().clone(), item, binary)?,
        },
    })
}

fn whole<T: ArrowPrimitiveType>(array: &ArrayRef, binary: bool) -> Value
where
    T::Native: std::fmt::Display + Into<i64>,
{
    let values = of::<T>(array);
    if binary {
        let bytes = size_of::<T::Native>();
        return Box::new(move |row, out| {
            let value: i64 = values.value(row).into();
            out.put_slice(&value.to_be_bytes()[8 - bytes..]);
            Ok(())
        });
    }
    textual(move |row, out| {
        use std::fmt::Write;
        write!(out, "{}", values.value(row)).ok()
    })
}

fn decimal<T: DecimalType>(array: &ArrayRef, binary: bool) -> Value {
    let values = of::<T>(array);
    if binary {
        return Box::new(move |row, out| {
            numeric::write(&values.value_as_string(row), out);
            Ok(())
        });
    }
    textual(move |row, out| {
        out.push_str(&values.value_as_string(row));
        Some(())
    })
}

fn string(array: &ArrayRef) -> Value {
    let values = array.as_string::<i32>().clone();
    Box::new(move |row, out| {
        out.put_slice(values.value(row).as_bytes());
        Ok(())
    })
}

/// What PostgreSQL has no type for, as JSON.
fn json(array: &ArrayRef) -> Result<Value, Failure> {
    // Fails for types that have no JSON at all, before the first row.
    let array = array.clone();
    let field = std::sync::Arc::new(arrow::datatypes::Field::new("value", array.data_type().clone(), true));
    make_encoder(&field, array.as_ref(), &EncoderOptions::default()).map_err(|error| unfit(&error))?;
    Ok(Box::new(move |row, out| {
        let (one, options) = (array.slice(row, 1), EncoderOptions::default());
        let mut encoder = make_encoder(&field, one.as_ref(), &options).map_err(|error| unfit(&error))?;
        let mut text = Vec::new();
        encoder.encode(0, &mut text);
        out.put_slice(&text);
        Ok(())
    }))
}

/// One-dimensional, counted from 1.
fn list<O: OffsetSizeTrait>(
    values: arrow::array::GenericListArray<O>,
    item: &Type,
    binary: bool,
) -> Result<Value, Failure> {
    let mut items = writer(values.values(), item, binary)?;
    let offsets = values.offsets().clone();
    let range = move |row: usize| offsets[row].as_usize()..offsets[row + 1].as_usize();
    let oid = item.oid();
    if binary {
        return Ok(Box::new(move |row, out| {
            let range = range(row);
            let has_nulls = range.clone().any(|at| items.nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)));
            out.put_i32(i32::from(!range.is_empty()));
            out.put_i32(i32::from(has_nulls));
            out.put_u32(oid);
            if !range.is_empty() {
                out.put_i32(i32::try_from(range.len()).unwrap_or(i32::MAX));
                out.put_i32(1);
            }
            range.into_iter().try_for_each(|at| items.field(at, out))
        }));
    }
    let mut scratch = BytesMut::new();
    Ok(Box::new(move |row, out| {
        let mut text = String::from("{");
        for (index, at) in range(row).enumerate() {
            if index > 0 {
                text.push(',');
            }
            if items.nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
                text.push_str("NULL");
                continue;
            }
            scratch.clear();
            (items.value)(at, &mut scratch)?;
            text::element(&String::from_utf8_lossy(&scratch), &mut text);
        }
        text.push('}');
        out.put_slice(text.as_bytes());
        Ok(())
    }))
}

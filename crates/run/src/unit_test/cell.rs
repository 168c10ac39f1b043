//! One value of a row, between YAML, Arrow, what a person reads, and what is compared.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, ListArray, NullArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use lockgate_types::DataType;
use serde_json::Value as Json;

use super::instant;

/// A value of a [`DataType`], which its holder knows.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) enum Cell {
    Null,
    Boolean(bool),
    /// Of `int` and `bigint`.
    Integer(i64),
    Double(f64),
    /// Without its point.
    Decimal(i128),
    /// Of `string` and `json`.
    Text(String),
    Binary(Vec<u8>),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970, of both kinds of timestamp.
    Instant(i64),
    List(Vec<Cell>),
    /// In the order of the type's fields.
    Struct(Vec<Cell>),
}

/// Of a double 12 digits are compared, one before the point: what arithmetic in another order changes lies behind them.
const DOUBLE_DECIMALS: usize = 11;

/// A column of cells. A cell that is of another type is null, which nobody makes.
pub(crate) fn array(kind: &DataType, cells: &[&Cell]) -> ArrayRef {
    macro_rules! each {
        ($pattern:pat => $value:expr) => {
            cells.iter().map(|cell| match cell {
                $pattern => Some($value),
                _ => None,
            })
        };
    }
    match (kind, kind.to_arrow()) {
        (DataType::Boolean, _) => Arc::new(each!(Cell::Boolean(value) => *value).collect::<BooleanArray>()),
        (DataType::Int, _) => {
            Arc::new(each!(Cell::Integer(value) => i32::try_from(*value).unwrap_or(0)).collect::<Int32Array>())
        }
        (DataType::Bigint, _) => Arc::new(each!(Cell::Integer(value) => *value).collect::<Int64Array>()),
        (DataType::Double, _) => Arc::new(each!(Cell::Double(value) => *value).collect::<Float64Array>()),
        (DataType::Decimal(..), arrow) => {
            Arc::new(each!(Cell::Decimal(value) => *value).collect::<Decimal128Array>().with_data_type(arrow))
        }
        (DataType::String | DataType::Json, _) => {
            Arc::new(each!(Cell::Text(value) => value.as_str()).collect::<StringArray>())
        }
        (DataType::Binary, _) => Arc::new(each!(Cell::Binary(value) => value.as_slice()).collect::<BinaryArray>()),
        (DataType::Date, _) => Arc::new(each!(Cell::Date(value) => *value).collect::<Date32Array>()),
        (DataType::Timestamp | DataType::Timestamptz, arrow) => {
            Arc::new(each!(Cell::Instant(value) => *value).collect::<TimestampMicrosecondArray>().with_data_type(arrow))
        }
        (DataType::List(item), Arrow::List(field)) => {
            let nulls: NullBuffer = cells.iter().map(|cell| matches!(cell, Cell::List(_))).collect();
            let lists: Vec<&[Cell]> = cells
                .iter()
                .map(|cell| match cell {
                    Cell::List(items) => items.as_slice(),
                    _ => &[],
                })
                .collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|items| items.len()));
            let items: Vec<&Cell> = lists.into_iter().flatten().collect();
            Arc::new(ListArray::new(field, offsets, array(item, &items), Some(nulls)))
        }
        (DataType::Struct(kinds), Arrow::Struct(fields)) => {
            let nulls: NullBuffer = cells.iter().map(|cell| matches!(cell, Cell::Struct(_))).collect();
            if kinds.is_empty() {
                return Arc::new(StructArray::new_empty_fields(cells.len(), Some(nulls)));
            }
            let column = |index: usize, kind: &DataType| {
                let values = cells.iter().map(|cell| match cell {
                    Cell::Struct(values) => values.get(index).unwrap_or(&Cell::Null),
                    _ => &Cell::Null,
                });
                array(kind, &values.collect::<Vec<_>>())
            };
            let columns = kinds.iter().enumerate().map(|(index, (_, kind))| column(index, kind)).collect();
            Arc::new(StructArray::new(fields, columns, Some(nulls)))
        }
        // `to_arrow` gives a list for a list and a struct for a struct.
        (DataType::List(_) | DataType::Struct(_), _) => Arc::new(NullArray::new(cells.len())),
    }
}

/// The cells of a column whose Arrow type is that of `kind`.
pub(crate) fn cells(kind: &DataType, array: &dyn Array) -> Vec<Cell> {
    let each = |value: &dyn Fn(usize) -> Cell| {
        (0..array.len()).map(|row| if array.is_null(row) { Cell::Null } else { value(row) }).collect::<Vec<_>>()
    };
    match kind {
        DataType::Boolean => each(&|row| Cell::Boolean(array.as_boolean().value(row))),
        DataType::Int => each(&|row| Cell::Integer(array.as_primitive::<Int32Type>().value(row).into())),
        DataType::Bigint => each(&|row| Cell::Integer(array.as_primitive::<Int64Type>().value(row))),
        DataType::Double => each(&|row| Cell::Double(array.as_primitive::<Float64Type>().value(row))),
        DataType::Decimal(..) => each(&|row| Cell::Decimal(array.as_primitive::<Decimal128Type>().value(row))),
        DataType::String | DataType::Json => each(&|row| Cell::Text(array.as_string::<i32>().value(row).to_owned())),
        DataType::Binary => each(&|row| Cell::Binary(array.as_binary::<i32>().value(row).to_owned())),
        DataType::Date => each(&|row| Cell::Date(array.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp | DataType::Timestamptz => {
            each(&|row| Cell::Instant(array.as_primitive::<TimestampMicrosecondType>().value(row)))
        }
        DataType::List(item) => each(&|row| Cell::List(cells(item, array.as_list::<i32>().value(row).as_ref()))),
        DataType::Struct(kinds) => {
            let columns: Vec<Vec<Cell>> = kinds
                .iter()
                .zip(array.as_struct().columns())
                .map(|((_, kind), column)| cells(kind, column.as_ref()))
                .collect();
            each(&|row| Cell::Struct(columns.iter().map(|column| column[row].clone()).collect()))
        }
    }
}

impl Cell {
    /// For people; `None` is null. What it reads as in a file of tests, but without quotes around text.
    pub(crate) fn text(&self, kind: &DataType) -> Option<String> {
        Some(match (self, kind) {
            (Cell::Null, _) => return None,
            (Cell::Text(text), _) => text.clone(),
            _ => self.yaml(kind),
        })
    }

    /// As it stands in a file of tests, on one line.
    pub(crate) fn yaml(&self, kind: &DataType) -> String {
        match (self, kind) {
            (Cell::Boolean(value), _) => value.to_string(),
            (Cell::Integer(value), _) => value.to_string(),
            (Cell::Double(value), _) if value.is_nan() => ".nan".to_owned(),
            (Cell::Double(value), _) if value.is_infinite() => if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
            // `5.0`, so that it reads as the double it is.
            (Cell::Double(value), _) => format!("{value:?}"),
            (Cell::Decimal(value), DataType::Decimal(_, scale)) => decimal(*value, *scale),
            (Cell::Text(text), DataType::Json) => Json::from(text.as_str()).to_string(),
            (Cell::Text(text), _) => quoted(text),
            (Cell::Binary(bytes), _) => bytes.iter().fold("0x".to_owned(), |mut text, byte| {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
            (Cell::Date(days), _) => instant::date_text(*days),
            (Cell::Instant(micros), DataType::Timestamptz) => format!("{}Z", instant::text(*micros)),
            (Cell::Instant(micros), _) => instant::text(*micros),
            (Cell::List(items), DataType::List(kind)) => {
                format!("[{}]", items.iter().map(|item| item.yaml(kind)).collect::<Vec<_>>().join(", "))
            }
            (Cell::Struct(values), DataType::Struct(kinds)) => {
                let fields = kinds.iter().zip(values).map(|((name, kind), value)| (name.as_str(), value.yaml(kind)));
                map(fields)
            }
            (Cell::Null | Cell::Decimal(_) | Cell::List(_) | Cell::Struct(_), _) => "null".to_owned(),
        }
    }

    /// Equal for values that a test takes to be equal, different for others.
    pub(crate) fn key(&self, kind: &DataType) -> String {
        match (self, kind) {
            (Cell::Null, _) => "null".to_owned(),
            (Cell::Double(value), _) if *value == 0.0 => "0".to_owned(),
            (Cell::Double(value), _) if value.is_finite() => format!("{value:.DOUBLE_DECIMALS$e}"),
            (Cell::Text(text), DataType::Json) => match serde_json::from_str(text) {
                Ok(json) => format!("j{}", sorted(json)),
                Err(_) => format!("t{text:?}"),
            },
            (Cell::Text(text), _) => format!("t{text:?}"),
            (Cell::List(items), DataType::List(kind)) => {
                format!("[{}]", items.iter().map(|item| item.key(kind)).collect::<Vec<_>>().join(","))
            }
            (Cell::Struct(values), DataType::Struct(kinds)) => {
                let values = kinds.iter().zip(values).map(|((_, kind), value)| value.key(kind));
                format!("({})", values.collect::<Vec<_>>().join(","))
            }
            _ => self.yaml(kind),
        }
    }

    /// A total order, null first: what comes in another order each time is shown in this one.
    pub(crate) fn order(&self, other: &Cell) -> Ordering {
        match (self, other) {
            (Cell::Double(one), Cell::Double(two)) => one.total_cmp(two),
            (Cell::List(one), Cell::List(two)) | (Cell::Struct(one), Cell::Struct(two)) => order(one, two),
            _ => self.partial_cmp(other).unwrap_or(Ordering::Equal),
        }
    }

    /// Whether it says something: neither null nor zero, false or empty.
    pub(crate) fn says_something(&self) -> bool {
        match self {
            Cell::Null => false,
            Cell::Boolean(value) => *value,
            Cell::Integer(value) => *value != 0,
            Cell::Double(value) => *value != 0.0,
            Cell::Decimal(value) => *value != 0,
            Cell::Text(text) => !text.is_empty(),
            Cell::Binary(bytes) => !bytes.is_empty(),
            Cell::List(items) => !items.is_empty(),
            Cell::Date(_) | Cell::Instant(_) | Cell::Struct(_) => true,
        }
    }
}

/// Of two rows, by their first cells that differ.
pub(crate) fn order(one: &[Cell], two: &[Cell]) -> Ordering {
    let cells = one.iter().zip(two).map(|(one, two)| one.order(two));
    cells.fold(Ordering::Equal, Ordering::then).then(one.len().cmp(&two.len()))
}

/// JSON with the keys of its objects in order.
fn sorted(json: Json) -> Json {
    match json {
        Json::Object(object) => {
            let mut entries: Vec<(String, Json)> =
                object.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The digits with their point: `-0.05`.
fn decimal(value: i128, scale: i8) -> String {
    let places = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// `{ a: 1, b: x }`.
pub(crate) fn map<'f>(fields: impl Iterator<Item = (&'f str, String)>) -> String {
    let fields: Vec<String> = fields.map(|(name, value)| format!("{}: {value}", quoted(name))).collect();
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

/// Text as YAML, without quotes where it reads as text also between brackets.
pub(crate) fn quoted(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let is_taken =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if is_word && !is_taken { text.to_owned() } else { Json::from(text).to_string() }
}

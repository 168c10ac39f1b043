//! Values as SQL. Every value that comes from outside goes through here, and only here.
//!
//! What is written is a number, a word of SQL, or text whose only characters between quotes are neither quotes nor
//! backslashes: those are written as `chr(39)` and `chr(92)`. So no reader and no printer of SQL, whatever it thinks of
//! escapes, can take a value for more than a value.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use async_graphql::Value;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use lockgate_types::DataType;

use crate::problem::ApiResult;
use crate::request::bad;

/// Characters of a text in a condition.
const TEXT_MAX: usize = 10_000;

/// A value of a type that compares.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Boolean(bool),
    Whole(i64),
    Double(f64),
    /// The digits, and how many of them stand behind the point.
    Decimal(i128, u8),
    Text(String),
    Date(NaiveDate),
    /// Microseconds.
    Timestamp(i64),
    Timestamptz(i64),
}

impl Literal {
    /// What somebody compares a column with.
    ///
    /// # Errors
    /// A value that is none of the column's type.
    pub(super) fn of_value(value: &Value, data_type: &DataType) -> ApiResult<Literal> {
        let literal = match (data_type, value) {
            (DataType::Boolean, Value::Boolean(value)) => Some(Literal::Boolean(*value)),
            (DataType::Int | DataType::Bigint, Value::Number(value)) => value.as_i64().map(Literal::Whole),
            (DataType::Int | DataType::Bigint, Value::String(text)) => text.parse().ok().map(Literal::Whole),
            (DataType::Double, Value::Number(value)) => value.as_f64().map(Literal::Double),
            (DataType::Double, Value::String(text)) => text.parse().ok().map(Literal::Double),
            (DataType::Decimal(..), Value::Number(value)) => decimal(&value.to_string()),
            (DataType::Decimal(..), Value::String(text)) => decimal(text),
            (DataType::String, Value::String(text)) if text.len() <= TEXT_MAX => Some(Literal::Text(text.clone())),
            (DataType::Date, Value::String(text)) => date(text),
            (DataType::Timestamp, Value::String(text)) => timestamp(text),
            (DataType::Timestamptz, Value::String(text)) => timestamptz(text),
            _ => None,
        };
        literal.ok_or_else(|| {
            let shown: String = value.to_string().chars().take(100).collect();
            bad(format!("`{shown}` is no {data_type}")).expected(expected(data_type))
        })
    }

    /// A cell; `None` is null, or a value that is no key.
    pub(super) fn of_cell(column: &dyn Array, row: usize) -> Option<Literal> {
        if column.is_null(row) {
            return None;
        }
        Some(match column.data_type() {
            Arrow::Boolean => Literal::Boolean(column.as_boolean().value(row)),
            Arrow::Int32 => Literal::Whole(column.as_primitive::<Int32Type>().value(row).into()),
            Arrow::Int64 => Literal::Whole(column.as_primitive::<Int64Type>().value(row)),
            Arrow::Float64 => Literal::Double(column.as_primitive::<Float64Type>().value(row)),
            Arrow::Decimal128(_, scale) => {
                Literal::Decimal(column.as_primitive::<Decimal128Type>().value(row), u8::try_from(*scale).ok()?)
            }
            Arrow::Utf8 => Literal::Text(column.as_string::<i32>().value(row).to_owned()),
            Arrow::Utf8View => Literal::Text(column.as_string_view().value(row).to_owned()),
            Arrow::Date32 => Literal::Date(column.as_primitive::<Date32Type>().value_as_date(row)?),
            Arrow::Timestamp(TimeUnit::Microsecond, zone) => {
                let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
                if zone.is_some() { Literal::Timestamptz(micros) } else { Literal::Timestamp(micros) }
            }
            _ => return None,
        })
    }

    /// As an expression.
    pub(super) fn sql(&self) -> String {
        match self {
            Literal::Boolean(value) => value.to_string(),
            Literal::Whole(value) => format!("arrow_cast('{value}', 'Int64')"),
            Literal::Double(value) => format!("arrow_cast('{value}', 'Float64')"),
            Literal::Decimal(value, scale) => {
                format!("arrow_cast('{}', 'Decimal128(38, {scale})')", digits(*value, *scale))
            }
            Literal::Text(text) => quoted(text),
            Literal::Date(day) => format!("arrow_cast('{}', 'Date32')", day.format("%Y-%m-%d")),
            Literal::Timestamp(micros) => format!("arrow_cast({micros}, 'Timestamp(Microsecond, None)')"),
            Literal::Timestamptz(micros) => {
                format!("arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
            }
        }
    }

    /// Text that is the same for values that equal each other in SQL.
    pub(super) fn key(&self) -> String {
        match self {
            Literal::Boolean(value) => value.to_string(),
            Literal::Whole(value) => value.to_string(),
            // Minus nought is nought.
            Literal::Double(value) => format!("{}", value + 0.0),
            Literal::Decimal(value, scale) => {
                let text = digits(*value, *scale);
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
            }
            Literal::Text(text) => text.clone(),
            Literal::Date(day) => day.to_string(),
            Literal::Timestamp(micros) | Literal::Timestamptz(micros) => micros.to_string(),
        }
    }
}

fn expected(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true or false",
        DataType::Int | DataType::Bigint => "a whole number of at most 64 bits; as a text when it is large",
        DataType::Double => "a number; \"NaN\", \"inf\" and \"-inf\" as texts",
        DataType::Decimal(..) => "a number of at most 38 digits, best as a text: \"12.50\"",
        DataType::Date => "a day: \"2026-11-01\"",
        DataType::Timestamp => "\"2026-11-01 06:30:00\", without a zone",
        DataType::Timestamptz => "an instant with a zone: \"2026-11-01T06:30:00Z\"",
        DataType::String => "a text of at most 10,000 bytes",
        DataType::Binary | DataType::Json | DataType::List(_) | DataType::Struct(_) => "isNull, nothing else",
    }
}

/// Text without a quote or backslash in it.
pub(super) fn quoted(text: &str) -> String {
    let mut parts = Vec::new();
    let mut run = String::new();
    for c in text.chars() {
        if c == '\'' || c == '\\' {
            if !run.is_empty() {
                parts.push(format!("'{}'", std::mem::take(&mut run)));
            }
            parts.push(format!("chr({})", u32::from(c)));
        } else {
            run.push(c);
        }
    }
    if !run.is_empty() || parts.is_empty() {
        parts.push(format!("'{run}'"));
    }
    if let [only] = &parts[..] { only.clone() } else { format!("concat({})", parts.join(", ")) }
}

fn digits(value: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let text = format!("{:0>width$}", value.unsigned_abs().to_string(), width = scale + 1);
    let (whole, behind) = text.split_at(text.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if behind.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{behind}") }
}

fn decimal(text: &str) -> Option<Literal> {
    let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, behind) = rest.split_once('.').unwrap_or((rest, ""));
    let all: String = [whole, behind].concat();
    if whole.is_empty() || all.len() > 38 || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Literal::Decimal(sign * all.parse::<i128>().ok()?, u8::try_from(behind.len()).ok()?))
}

/// Years as the engine reads them.
fn usual(day: NaiveDate) -> bool {
    let year = chrono::Datelike::year(&day);
    (0..=9_999).contains(&year)
}

fn date(text: &str) -> Option<Literal> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| usual(*day)).map(Literal::Date)
}

fn timestamp(text: &str) -> Option<Literal> {
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let read = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    Some(Literal::Timestamp(read.or_else(day)?.and_utc().timestamp_micros()))
}

fn timestamptz(text: &str) -> Option<Literal> {
    let read = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    let read = read.or_else(|| lockgate_types::time::parse_instant(text).ok())?;
    Some(Literal::Timestamptz(read.timestamp_micros()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use super::*;

    #[test]
    fn text_never_ends_its_quotes() {
        for text in ["", "plain", "'", "\\'", "''", "a' or '1'='1", "\\", "x'; --", "'\\''", "\0\n☃"] {
            let sql = quoted(text);
            let inside: Vec<&str> = sql.split('\'').skip(1).step_by(2).collect();
            assert_eq!(sql.matches('\'').count() % 2, 0, "{sql}");
            assert!(!sql.contains('\\'), "{sql}");
            assert!(inside.iter().all(|part| text.contains(part)), "{sql}");
        }
        assert_eq!(quoted("a'b\\c"), "concat('a', chr(39), 'b', chr(92), 'c')");
    }

    #[test]
    fn equal_numbers_have_equal_keys() {
        let keys = [Literal::Whole(5), Literal::Double(5.0), Literal::Decimal(500, 2), Literal::Decimal(5, 0)];
        assert!(keys.iter().all(|literal| literal.key() == "5"));
        assert_eq!(Literal::Decimal(-5, 2).sql(), "arrow_cast('-0.05', 'Decimal128(38, 2)')");
        assert_eq!(decimal("-12.50"), Some(Literal::Decimal(-1250, 2)));
        for wrong in ["", ".", "-", "1e5", "1.2.3", "1 or 1", "+1", "--1", "1'"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
    }
}

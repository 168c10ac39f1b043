//! Delta's statistics of a file: rows, nulls, and bounds that readers skip files by.
//!
//! Bounds are bounds: a string longer than 32 characters is cut, its maximum rounded up; timestamps have milliseconds, the
//! maximum rounded up. A column with a NaN has no bounds, since readers do not agree where NaN sorts. Binary, json,
//! boolean and nested columns have none. Only the first 32 columns have any, as Delta's default is.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericStringArray, OffsetSizeTrait};
use arrow::compute::{max, min};
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, NaiveDateTime};
use lockgate_types::DataType;

const COLUMNS_MAX: usize = 32;
const STRING_CHARACTERS_MAX: usize = 32;

/// Collected while a file is written.
#[derive(Debug)]
pub(super) struct Statistics {
    rows: u64,
    columns: Vec<ColumnStatistics>,
}

#[derive(Debug)]
struct ColumnStatistics {
    name: String,
    data_type: DataType,
    nulls: u64,
    bounds: Bounds,
}

#[derive(Debug)]
enum Bounds {
    Never,
    Unknown,
    Integer { min: i128, max: i128 },
    Double { min: f64, max: f64 },
    Text { min: Vec<u8>, max: Vec<u8> },
}

impl Statistics {
    /// Of the columns that the files have.
    pub(super) fn new<'a>(columns: impl Iterator<Item = (&'a str, &'a DataType)>) -> Statistics {
        let columns = columns.take(COLUMNS_MAX).map(|(name, data_type)| ColumnStatistics {
            name: name.to_owned(),
            data_type: data_type.clone(),
            nulls: 0,
            bounds: match data_type {
                DataType::Int
                | DataType::Bigint
                | DataType::Double
                | DataType::Decimal(..)
                | DataType::String
                | DataType::Date
                | DataType::Timestamp
                | DataType::Timestamptz => Bounds::Unknown,
                DataType::Boolean | DataType::Binary | DataType::Json | DataType::List(_) | DataType::Struct(_) => {
                    Bounds::Never
                }
            },
        });
        Statistics { rows: 0, columns: columns.collect() }
    }

    /// `columns` are the file's, in order.
    pub(super) fn update(&mut self, rows: usize, columns: &[ArrayRef]) {
        self.rows += rows as u64;
        for (statistics, column) in self.columns.iter_mut().zip(columns) {
            statistics.update(column);
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// As the log has them.
    pub(super) fn to_json(&self) -> String {
        let (mut mins, mut maxs, mut nulls) = (Object::default(), Object::default(), Object::default());
        for column in &self.columns {
            if !matches!(column.data_type, DataType::List(_) | DataType::Struct(_)) {
                nulls.insert(&column.name, &column.nulls.to_string());
            }
            let (min, max) = column.bounds();
            if let Some(min) = min {
                mins.insert(&column.name, &min);
            }
            if let Some(max) = max {
                maxs.insert(&column.name, &max);
            }
        }
        let (mins, maxs, nulls) = (mins.close(), maxs.close(), nulls.close());
        format!(r#"{{"numRecords":{},"minValues":{mins},"maxValues":{maxs},"nullCount":{nulls}}}"#, self.rows)
    }
}

impl ColumnStatistics {
    fn update(&mut self, column: &ArrayRef) {
        self.nulls += column.logical_null_count() as u64;
        if matches!(self.bounds, Bounds::Never) {
            return;
        }
        match column.data_type() {
            Arrow::Int32 => self.integers::<Int32Type>(column),
            Arrow::Int64 => self.integers::<Int64Type>(column),
            Arrow::Date32 => self.integers::<Date32Type>(column),
            Arrow::Timestamp(..) => self.integers::<TimestampMicrosecondType>(column),
            Arrow::Decimal128(..) => self.integers::<Decimal128Type>(column),
            Arrow::Float64 => self.doubles(column),
            Arrow::Utf8 => self.strings(column.as_string::<i32>()),
            Arrow::LargeUtf8 => self.strings(column.as_string::<i64>()),
            Arrow::Utf8View => {
                let strings = column.as_string_view();
                for text in strings.iter().flatten() {
                    self.text(text.as_bytes());
                }
            }
            // A dictionary's values are a superset of the column's, so its bounds are bounds.
            Arrow::Dictionary(..) => {
                if let Some(dictionary) = column.as_any_dictionary_opt().filter(|_| column.null_count() < column.len())
                {
                    let values = dictionary.values().clone();
                    let nulls = self.nulls;
                    self.update(&values);
                    self.nulls = nulls;
                }
            }
            _ => self.bounds = Bounds::Never,
        }
    }

    fn integers<T: ArrowPrimitiveType>(&mut self, column: &ArrayRef)
    where
        T::Native: Into<i128>,
    {
        let values = column.as_primitive::<T>();
        let (Some(low), Some(high)) = (min(values), max(values)) else { return };
        let (low, high) = (low.into(), high.into());
        self.bounds = match &self.bounds {
            Bounds::Integer { min, max } => Bounds::Integer { min: low.min(*min), max: high.max(*max) },
            _ => Bounds::Integer { min: low, max: high },
        };
    }

    fn doubles(&mut self, column: &ArrayRef) {
        let values = column.as_primitive::<Float64Type>();
        // Arrow sorts NaN above (or, negative, below) all numbers, so one of these is NaN when any value is.
        let (Some(low), Some(high)) = (min(values), max(values)) else { return };
        if low.is_nan() || high.is_nan() {
            self.bounds = Bounds::Never;
            return;
        }
        self.bounds = match &self.bounds {
            Bounds::Double { min, max } => Bounds::Double { min: low.min(*min), max: high.max(*max) },
            _ => Bounds::Double { min: low, max: high },
        };
    }

    fn strings<O: OffsetSizeTrait>(&mut self, strings: &GenericStringArray<O>) {
        let (bytes, offsets) = (strings.value_data(), strings.value_offsets());
        let mut keys = self.keys();
        for row in 0..strings.len() {
            if strings.is_null(row) {
                continue;
            }
            let (start, end) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
            let this = Key::of(bytes, start, end);
            if keys.is_some_and(|(low, high)| this.is_between(low, high) || this.is(low) || this.is(high)) {
                continue;
            }
            self.text(&bytes[start..end]);
            keys = self.keys();
        }
    }

    fn keys(&self) -> Option<(Key, Key)> {
        match &self.bounds {
            Bounds::Text { min, max } => Some((Key::of(min, 0, min.len()), Key::of(max, 0, max.len()))),
            _ => None,
        }
    }

    fn text(&mut self, text: &[u8]) {
        match &mut self.bounds {
            Bounds::Text { min, max } => {
                if text < min.as_slice() {
                    text.clone_into(min);
                } else if text > max.as_slice() {
                    text.clone_into(max);
                }
            }
            _ => self.bounds = Bounds::Text { min: text.to_owned(), max: text.to_owned() },
        }
    }

    /// Minimum and maximum as JSON; either may be missing.
    fn bounds(&self) -> (Option<String>, Option<String>) {
        match &self.bounds {
            Bounds::Never | Bounds::Unknown => (None, None),
            Bounds::Integer { min, max } => (self.integer(*min, false), self.integer(*max, true)),
            Bounds::Double { min, max } => {
                // Zeros are equal but not the same to every reader.
                let min = if *min == 0.0 { -0.0 } else { *min };
                let max = if *max == 0.0 { 0.0 } else { *max };
                (number(min), number(max))
            }
            Bounds::Text { min, max } => {
                let (min, max) = (String::from_utf8_lossy(min), String::from_utf8_lossy(max));
                let cut: String = min.chars().take(STRING_CHARACTERS_MAX).collect();
                (serde_json::to_string(&cut).ok(), rounded_up(&max).and_then(|max| serde_json::to_string(&max).ok()))
            }
        }
    }

    fn integer(&self, value: i128, up: bool) -> Option<String> {
        match &self.data_type {
            DataType::Decimal(_, scale) => Some(decimal(value, *scale)),
            DataType::Date => {
                let days = i64::try_from(value).ok()?;
                let day = DateTime::from_timestamp(days.checked_mul(86_400)?, 0)?.date_naive();
                ordinary(day.year()).then(|| format!("\"{}\"", day.format("%Y-%m-%d")))
            }
            DataType::Timestamp => instant(value, up).map(|at| format!("\"{at}\"")),
            DataType::Timestamptz => instant(value, up).map(|at| format!("\"{at}Z\"")),
            _ => Some(value.to_string()),
        }
    }
}

/// The first sixteen bytes of a text as a number that sorts as they do, ended by zeros: most texts are told from the
/// bounds by it alone.
#[derive(Clone, Copy)]
struct Key {
    prefix: u128,
    length: usize,
}

impl Key {
    fn of(bytes: &[u8], start: usize, end: usize) -> Key {
        let length = end - start;
        let prefix = match bytes.get(start..start + 16).and_then(|prefix| <[u8; 16]>::try_from(prefix).ok()) {
            Some(prefix) => match length {
                0 => 0,
                1..16 => u128::from_be_bytes(prefix) & (u128::MAX << (128 - 8 * length)),
                _ => u128::from_be_bytes(prefix),
            },
            // The last texts of a buffer.
            None => {
                let mut prefix = [0; 16];
                let taken = length.min(16);
                prefix[..taken].copy_from_slice(&bytes[start..start + taken]);
                u128::from_be_bytes(prefix)
            }
        };
        Key { prefix, length }
    }

    /// Whether it certainly is.
    fn is_between(self, low: Key, high: Key) -> bool {
        low.prefix < self.prefix && self.prefix < high.prefix
    }

    /// Whether both are certainly the same text.
    fn is(self, other: Key) -> bool {
        self.prefix == other.prefix && self.length == other.length && self.length <= 16
    }
}

fn decimal(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// JSON has no infinity.
fn number(value: f64) -> Option<String> {
    value.is_finite().then(|| serde_json::to_string(&value).ok()).flatten()
}

/// Milliseconds, without a zone.
fn instant(micros: i128, up: bool) -> Option<String> {
    let micros = i64::try_from(micros).ok()?;
    let millis = micros.div_euclid(1_000) + i64::from(up && micros.rem_euclid(1_000) > 0);
    let at: NaiveDateTime = DateTime::from_timestamp_millis(millis)?.naive_utc();
    ordinary(at.year()).then(|| at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string())
}

/// Years that every reader's text form has.
fn ordinary(year: i32) -> bool {
    (1..=9999).contains(&year)
}

/// `text` cut to 32 characters and raised so that it is not below `text`; `None` when nothing is.
pub(super) fn rounded_up(text: &str) -> Option<String> {
    if text.chars().nth(STRING_CHARACTERS_MAX).is_none() {
        return Some(text.to_owned());
    }
    let mut kept: Vec<char> = text.chars().take(STRING_CHARACTERS_MAX).collect();
    while let Some(last) = kept.pop() {
        // The next character; the surrogates between are none.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            kept.push(next);
            return Some(kept.into_iter().collect());
        }
    }
    None
}

/// A JSON object written by hand, because decimals must keep all their digits.
#[derive(Default)]
struct Object(String);

impl Object {
    fn insert(&mut self, key: &str, value: &str) {
        let separator = if self.0.is_empty() { "" } else { "," };
        // Writing to a string does not fail, and a string always is JSON.
        let _ = write!(self.0, "{separator}{}:{value}", serde_json::Value::from(key));
    }

    fn close(self) -> String {
        format!("{{{}}}", self.0)
    }
}

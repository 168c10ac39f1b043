//! Delta's statistics of a file: rows, nulls, and bounds that readers skip files by.
//!
//! Bounds are bounds: a string longer than 32 characters is cut, its maximum rounded up; timestamps have milliseconds, the
//! maximum rounded up. A column with a NaN has no bounds, since readers do not agree where NaN sorts. Binary, json,
//! boolean and nested columns have none. Only the first 32 columns have any, as Delta's default is.
//!
//! Bounds of numbers up to 64 bits, dates and timestamps are the Parquet writer's own, which it has anyway; those of
//! strings are found here, in a third of the time that the writer takes.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait, StringViewArray};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType as Arrow, Decimal128Type, Float64Type};
use chrono::{DateTime, Datelike, NaiveDateTime};
use lockgate_types::DataType;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics as ChunkStatistics;

const COLUMNS_MAX: usize = 32;
const STRING_CHARACTERS_MAX: usize = 32;

/// Collected while a file is written.
#[derive(Debug)]
pub(super) struct Statistics {
    rows: u64,
    columns: Vec<ColumnStatistics>,
}

#[derive(Debug)]
pub(super) struct ColumnStatistics {
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

    pub(super) fn add_rows(&mut self, rows: usize) {
        self.rows += rows as u64;
    }

    /// Those that have statistics: the first of the file's, in order.
    pub(super) fn columns_mut(&mut self) -> impl Iterator<Item = &mut ColumnStatistics> {
        self.columns.iter_mut()
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes over the bounds that the closed file's footer has.
    pub(super) fn absorb(&mut self, footer: &ParquetMetaData) {
        for column in self.columns.iter_mut().filter(|column| column.is_in_footer()) {
            for group in footer.row_groups() {
                let chunk = group
                    .columns()
                    .iter()
                    .find(|chunk| matches!(chunk.column_path().parts(), [name] if *name == column.name));
                column.absorb(chunk);
            }
        }
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
    pub(super) fn update(&mut self, column: &ArrayRef) {
        self.nulls += column.logical_null_count() as u64;
        if matches!(self.bounds, Bounds::Never) {
            return;
        }
        if self.is_in_footer() {
            return;
        }
        match column.data_type() {
            Arrow::Decimal128(..) => self.decimals(column),
            Arrow::Float64 => self.doubles(column),
            Arrow::Utf8 => self.strings(column.as_string::<i32>()),
            Arrow::LargeUtf8 => self.strings(column.as_string::<i64>()),
            Arrow::Utf8View => self.views(column.as_string_view()),
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

    /// Whether Parquet stores it as a number of 32 or 64 bits.
    fn is_in_footer(&self) -> bool {
        match self.data_type {
            DataType::Int | DataType::Bigint | DataType::Date | DataType::Timestamp | DataType::Timestamptz => true,
            DataType::Decimal(precision, _) => precision <= 18,
            _ => false,
        }
    }

    fn absorb(&mut self, chunk: Option<&ColumnChunkMetaData>) {
        let statistics = chunk.and_then(ColumnChunkMetaData::statistics);
        let bounds = match statistics {
            Some(ChunkStatistics::Int32(values)) => {
                values.min_opt().zip(values.max_opt()).map(|(min, max)| (i128::from(*min), i128::from(*max)))
            }
            Some(ChunkStatistics::Int64(values)) => {
                values.min_opt().zip(values.max_opt()).map(|(min, max)| (i128::from(*min), i128::from(*max)))
            }
            _ => None,
        };
        let only_nulls = chunk.zip(statistics.and_then(ChunkStatistics::null_count_opt));
        match bounds {
            Some((low, high)) => self.include(low, high),
            None if only_nulls.is_some_and(|(chunk, nulls)| u64::try_from(chunk.num_values()) == Ok(nulls)) => {}
            // Values without bounds: nothing is known of the file.
            None => self.bounds = Bounds::Never,
        }
    }

    fn include(&mut self, low: i128, high: i128) {
        match &mut self.bounds {
            Bounds::Never => {}
            Bounds::Integer { min, max } => (*min, *max) = (low.min(*min), high.max(*max)),
            bounds => *bounds = Bounds::Integer { min: low, max: high },
        }
    }

    fn decimals(&mut self, column: &ArrayRef) {
        let values = column.as_primitive::<Decimal128Type>();
        if let (Some(low), Some(high)) = (min(values), max(values)) {
            self.include(low, high);
        }
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
        let bytes = strings.value_data();
        let mut keys = self.keys();
        for (row, offsets) in strings.value_offsets().windows(2).enumerate() {
            let (start, end) = (offsets[0].as_usize(), offsets[1].as_usize());
            let this = Key::of(bytes, start, end);
            // What lies behind a null is no value, but is only looked at when it would matter.
            if keys.is_some_and(|(low, high)| this.is_inside(low, high)) || strings.is_null(row) {
                continue;
            }
            self.text(&bytes[start..end]);
            keys = self.keys();
        }
    }

    fn views(&mut self, strings: &StringViewArray) {
        let mut keys = self.keys();
        for (row, view) in strings.views().iter().enumerate() {
            let this = Key::of_view(*view, strings);
            if keys.is_some_and(|(low, high)| this.is_inside(low, high)) || strings.is_null(row) {
                continue;
            }
            self.text(strings.value(row).as_bytes());
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

/// What is kept of sixteen bytes when the text has so many.
const KEPT: [u128; 17] = {
    let mut kept = [u128::MAX; 17];
    let mut length = 0;
    while length < 16 {
        kept[length] = !(u128::MAX >> (8 * length));
        length += 1;
    }
    kept
};

impl Key {
    fn of(bytes: &[u8], start: usize, end: usize) -> Key {
        let length = end - start;
        let prefix = match bytes.get(start..start + 16).and_then(|prefix| <[u8; 16]>::try_from(prefix).ok()) {
            Some(prefix) => u128::from_be_bytes(prefix) & KEPT[length.min(16)],
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

    /// The same of a view, which holds short texts itself, ended by zeros; long ones by length, buffer and offset.
    fn of_view(view: u128, strings: &StringViewArray) -> Key {
        let length = (view & u128::from(u32::MAX)) as usize;
        if length <= 12 {
            return Key { prefix: (view >> 32).swap_bytes(), length };
        }
        let (buffer, offset) = ((view >> 64) as u32 as usize, (view >> 96) as u32 as usize);
        Key::of(&strings.data_buffers()[buffer], offset, offset + length)
    }

    /// Whether the text is certainly none that bounds would have to move for. Without branches: which of them a text meets
    /// is as random as the column.
    fn is_inside(self, low: Key, high: Key) -> bool {
        ((low.prefix < self.prefix) & (self.prefix < high.prefix)) | self.is(low) | self.is(high)
    }

    /// Whether both are certainly the same text.
    fn is(self, other: Key) -> bool {
        (self.prefix == other.prefix) & (self.length == other.length) & (self.length <= 16)
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

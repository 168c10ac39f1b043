//! The columns of a forecast's table, and its rows as batches.
//!
//! | column | is |
//! | --- | --- |
//! | those of `series` | which series |
//! | that of `time` | the step that is forecast |
//! | `forecast` | what is expected |
//! | `lo_80`, `hi_80`, … | the interval of each level |
//! | `model` | the models that make it, heaviest first: `ets+theta` |
//! | `class` | what kind of series it is: `seasonal`, `intermittent`, … |
//! | `level`, `trend`, `season`, `known`, `rest` | parts that add up to `forecast` |
//! | `backtest_error`, `naive_error` | mean absolute error in the backtest, and that of the seasonal naive forecast; null without a backtest |
//! | `coverage_80`, … | percent of the backtest's values that fell into the interval |
//! | `treatments` | what was done to the series before, as JSON |
//! | `choice` | what was tried and chosen and why, as JSON |
//!
//! What is said of a series stands in each of its rows: it costs next to nothing in a Parquet file, and one query finds it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringBuilder, UInt32Array};
use arrow::array::{Date32Array, Int32Array, Int64Array, TimestampMicrosecondArray};
use arrow::compute::take;
use arrow::error::ArrowError;
use lockgate_series::axis::DAY;
use lockgate_series::batch::{Forecasts, Record};
use lockgate_series::choose::Choice;
use lockgate_types::{Column, DataType, Schema};
use serde_json::json;

use crate::settings::Settings;

/// The parts of a forecast that have a column; what fits none of the others is `rest`.
pub(crate) const PARTS: [&str; 5] = ["level", "trend", "season", "known", "rest"];

/// A level as it stands in the names of columns: `80`, `99_5`.
pub fn level_name(level: f64) -> String {
    level.to_string().replace('.', "_")
}

/// A name as it is, case kept.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns that a forecast makes itself, in their order.
pub(crate) fn own(settings: &Settings) -> Vec<Column> {
    let mut columns = vec![Column::new("forecast", DataType::Double)];
    for level in &settings.levels {
        let name = level_name(*level);
        columns.push(Column::new(format!("lo_{name}"), DataType::Double));
        columns.push(Column::new(format!("hi_{name}"), DataType::Double));
    }
    columns.push(Column::new("model", DataType::String));
    columns.push(Column::new("class", DataType::String));
    columns.extend(PARTS.map(|part| Column::new(part, DataType::Double)));
    columns.push(Column::new("backtest_error", DataType::Double));
    columns.push(Column::new("naive_error", DataType::Double));
    for level in &settings.levels {
        columns.push(Column::new(format!("coverage_{}", level_name(*level)), DataType::Double));
    }
    columns.push(Column::new("treatments", DataType::Json));
    columns.push(Column::new("choice", DataType::Json));
    columns
}

/// The forecasts of a chunk as a batch of `schema`. `keys` has one row per series of the chunk.
pub(crate) fn batch(
    schema: &Schema,
    settings: &Settings,
    keys: &[ArrayRef],
    forecasts: &Forecasts,
) -> Result<RecordBatch, ArrowError> {
    let rows = &forecasts.rows;
    let series: UInt32Array = rows.iter().map(|row| row.series as u32).collect::<Vec<_>>().into();
    let mut columns: Vec<ArrayRef> = keys.iter().map(|key| take(key, &series, None)).collect::<Result<_, _>>()?;
    let time_type = schema.columns.get(columns.len()).map_or(&DataType::Bigint, |column| &column.data_type);
    columns.push(times(time_type, rows.iter().map(|row| row.time)));
    columns.push(numbers(rows.iter().map(|row| Some(row.forecast))));
    for place in 0..settings.levels.len() {
        columns.push(numbers(rows.iter().map(|row| row.bands.get(place).map(|band| band.0))));
        columns.push(numbers(rows.iter().map(|row| row.bands.get(place).map(|band| band.1))));
    }
    let record = |row: &lockgate_series::batch::Row| &forecasts.records[row.series];
    columns.push(texts(forecasts, |record| record.choice.model()));
    columns.push(texts(forecasts, |record| word(&record.class)));
    for part in PARTS {
        columns.push(numbers(rows.iter().map(|row| Some(of_part(record(row), part, row.step)))));
    }
    columns.push(numbers(rows.iter().map(|row| record(row).choice.error)));
    columns.push(numbers(rows.iter().map(|row| record(row).choice.naive_error)));
    for place in 0..settings.levels.len() {
        columns.push(numbers(rows.iter().map(|row| record(row).coverage.get(place).map(|coverage| coverage.measured))));
    }
    columns.push(texts(forecasts, |record| text_of(&record.treatments)));
    columns.push(texts(forecasts, |record| text_of(&told(&record.choice))));
    RecordBatch::try_new(schema.to_arrow(), columns)
}

/// The sum of a record's parts that belong to a column, at a step from 1.
fn of_part(record: &Record, column: &str, step: usize) -> f64 {
    let parts = record.parts.iter().filter(|part| column_of(&part.name) == column);
    parts.filter_map(|part| part.values.get(step - 1)).sum()
}

fn column_of(part: &str) -> &'static str {
    match part {
        "level" => "level",
        "trend" => "trend",
        _ if part.starts_with("season") => "season",
        _ if part.starts_with("holiday") || part.starts_with("day ") || part.ends_with("day") => "known",
        _ => "rest",
    }
}

/// Numbers; what is not finite is null.
fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.map(|value| value.filter(|value| value.is_finite())).collect::<Float64Array>())
}

/// One text per row, made once per series.
fn texts(forecasts: &Forecasts, text: impl Fn(&Record) -> String) -> ArrayRef {
    let of_series: Vec<String> = forecasts.records.iter().map(text).collect();
    let mut builder = StringBuilder::new();
    forecasts.rows.iter().for_each(|row| builder.append_value(&of_series[row.series]));
    Arc::new(builder.finish())
}

fn text_of(value: &impl serde::Serialize) -> String {
    // What the library hands out serializes.
    serde_json::to_string(value).unwrap_or_default()
}

/// What is told of a choice. What models found, and the errors of every step, would make it as long as the forecast.
fn told(choice: &Choice) -> serde_json::Value {
    let members = choice
        .members
        .iter()
        .map(|member| json!({ "model": member.model, "weight": member.weight, "form": member.parameters.form }));
    json!({
        "why": choice.why, "tier": choice.tier, "origins": choice.origins, "tried": choice.tried,
        "members": members.collect::<Vec<_>>(),
    })
}

/// The word of a plain enum.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Times as the column has them: microseconds, days, or the integer itself.
fn times(of: &DataType, times: impl Iterator<Item = i64>) -> ArrayRef {
    match of {
        DataType::Timestamp => Arc::new(TimestampMicrosecondArray::from_iter_values(times)),
        DataType::Timestamptz => Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        DataType::Date => Arc::new(Date32Array::from_iter_values(times.map(|time| time.div_euclid(DAY) as i32))),
        DataType::Int => {
            Arc::new(Int32Array::from_iter_values(times.map(|time| i32::try_from(time).unwrap_or(i32::MAX))))
        }
        _ => Arc::new(Int64Array::from_iter_values(times)),
    }
}

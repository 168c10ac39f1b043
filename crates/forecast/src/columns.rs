//! The columns of a forecast's table, and its rows as batches.
//!
//! | column | is |
//! | --- | --- |
//! | those of `series` | which series |
//! | that of `time` | the step that is forecast |
//! | `forecast` | what is expected |
//! | `lo_80`, `hi_80`, … | the interval of each level |
//! | `step` | 1 for the first step of the horizon |
//! | `live_forecast` | what the forecast that is live while this one is made says of the same time |
//! | `model` | the models that make it, heaviest first: `ets+theta` |
//! | `class` | what kind of series it is: `seasonal`, `intermittent`, … |
//! | `level`, `trend`, `season`, `known`, `rest` | parts that add up to `forecast` |
//! | `backtest_error`, `naive_error` | mean absolute error in the backtest, and that of the seasonal naive forecast; null without a backtest |
//! | `coverage_80`, … | percent of the backtest's values that fell into the interval |
//! | `steady` | whether the latest errors of the backtest are as large as usual; null without enough of one |
//! | `fitted_at` | when the models of the series were last searched |
//! | `scored_forecast`, `scored_actual` | what a forecast before, the live one first, said so many steps ahead of what has come since, and what came; null where nothing has |
//! | `scored_error`, `scored_bias` | their distance, and forecast minus actual |
//! | `scored_covered_80`, … | whether what came lies in the interval |
//! | `treatments` | what was done to the series before, as JSON |
//! | `backtest` | what its models would have said at each origin of the backtest, as JSON, in the first row of the series |
//! | `choice` | what was tried and chosen and why, as JSON |
//! | `state` | what the next forecast goes on from, as JSON, in the first row of the series |
//! | `hierarchy` | with that setting: which sum a row is of, `total`, `origin`, `origin, carrier` |
//!
//! What is said of a series stands in each of its rows: it costs next to nothing in a Parquet file, and one query finds it. The `scored_`
//! columns make the profile of every version a record of how the forecast before it did.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringBuilder, UInt32Array};
use arrow::array::{AsArray, Date32Array, Int32Array, Int64Array, TimestampMicrosecondArray};
use arrow::compute::{cast, take};
use arrow::error::ArrowError;
use lockgate_series::axis::DAY;
use lockgate_series::batch::{Record, Row};
use lockgate_types::{Column, DataType, Schema};
use serde_json::json;

use crate::settings::Settings;
use crate::told::{Scored, Told};

/// The column that says which sum a row is of.
pub(crate) const HIERARCHY: &str = "hierarchy";

/// The parts of a forecast that have a column; what fits none of the others is `rest`.
pub(crate) const PARTS: [&str; 5] = ["level", "trend", "season", "known", "rest"];

const SCORED: [&str; 4] = ["scored_forecast", "scored_actual", "scored_error", "scored_bias"];

/// A level as it stands in the names of columns: `80`, `99_5`.
pub fn level_name(level: f64) -> String {
    level.to_string().replace('.', "_")
}

/// What a sum that keeps these columns is called.
pub(crate) fn sum_name(kept: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = kept.iter().map(AsRef::as_ref).collect();
    if names.is_empty() { "total".to_owned() } else { names.join(", ") }
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
    columns.push(Column::new("step", DataType::Int));
    columns.push(Column::new("live_forecast", DataType::Double));
    columns.push(Column::new("model", DataType::String));
    columns.push(Column::new("class", DataType::String));
    columns.extend(PARTS.map(|part| Column::new(part, DataType::Double)));
    columns.push(Column::new("backtest_error", DataType::Double));
    columns.push(Column::new("naive_error", DataType::Double));
    for level in &settings.levels {
        columns.push(Column::new(format!("coverage_{}", level_name(*level)), DataType::Double));
    }
    columns.push(Column::new("steady", DataType::Boolean));
    columns.push(Column::new("fitted_at", DataType::Timestamptz));
    columns.extend(SCORED.map(|name| Column::new(name, DataType::Double)));
    for level in &settings.levels {
        columns.push(Column::new(format!("scored_covered_{}", level_name(*level)), DataType::Boolean));
    }
    columns.push(Column::new("treatments", DataType::Json));
    columns.push(Column::new("backtest", DataType::Json));
    columns.push(Column::new("choice", DataType::Json));
    columns.push(Column::new("state", DataType::Json));
    if !settings.hierarchy.is_empty() {
        columns.push(Column::new(HIERARCHY, DataType::String));
    }
    columns
}

/// The forecasts of a chunk as a batch of `schema`. `keys` has one row per series of the chunk.
pub(crate) fn batch(
    schema: &Schema,
    settings: &Settings,
    keys: &[ArrayRef],
    told: &[Told],
) -> Result<RecordBatch, ArrowError> {
    let rows = Rows {
        told,
        at: (0..told.len())
            .flat_map(|series| told[series].rows.iter().enumerate().map(move |(row, _)| (series, row)))
            .collect(),
    };
    let series: UInt32Array = rows.at.iter().map(|(series, _)| *series as u32).collect::<Vec<_>>().into();
    let (level, keys) = match settings.hierarchy.is_empty() {
        true => (None, keys),
        false => (keys.first(), &keys[1..]),
    };
    let mut columns: Vec<ArrayRef> = keys.iter().map(|key| take(key, &series, None)).collect::<Result<_, _>>()?;
    let time_type = schema.columns.get(columns.len()).map_or(&DataType::Bigint, |column| &column.data_type);
    columns.push(times(time_type, rows.each().map(|(_, row)| row.time)));
    columns.push(numbers(rows.each().map(|(_, row)| Some(row.forecast))));
    for place in 0..settings.levels.len() {
        columns.push(numbers(rows.each().map(|(_, row)| row.bands.get(place).map(|band| band.0))));
        columns.push(numbers(rows.each().map(|(_, row)| row.bands.get(place).map(|band| band.1))));
    }
    columns.push(Arc::new(rows.each().map(|(_, row)| Some(row.step as i32)).collect::<Int32Array>()));
    columns.push(numbers(rows.at.iter().map(|(series, row)| told[*series].live.get(*row).copied().flatten())));
    columns.push(rows.texts(|told| told.record.choice.model()));
    columns.push(rows.texts(|told| word(&told.record.class)));
    for part in PARTS {
        columns.push(numbers(rows.each().map(|(told, row)| Some(of_part(&told.record, part, row.step, settings)))));
    }
    columns.push(numbers(rows.each().map(|(told, _)| told.record.choice.error)));
    columns.push(numbers(rows.each().map(|(told, _)| told.record.choice.naive_error)));
    for place in 0..settings.levels.len() {
        let coverage = |told: &Told| told.record.coverage.get(place).map(|coverage| coverage.measured);
        columns.push(numbers(rows.each().map(|(told, _)| coverage(told))));
    }
    columns.push(Arc::new(rows.each().map(|(told, _)| told.steady).collect::<BooleanArray>()));
    let fitted = TimestampMicrosecondArray::from_iter_values(rows.each().map(|(told, _)| told.fitted_at));
    columns.push(Arc::new(fitted.with_timezone("UTC")));
    let of_scored: [fn(&Scored) -> f64; 4] = [
        |scored| scored.forecast,
        |scored| scored.actual,
        |scored| (scored.forecast - scored.actual).abs(),
        |scored| scored.forecast - scored.actual,
    ];
    for of in of_scored {
        columns.push(numbers(rows.scored().map(|scored| scored.map(of))));
    }
    for place in 0..settings.levels.len() {
        let covered = |scored: Option<&Scored>| scored.and_then(|scored| scored.covered.get(place).copied().flatten());
        columns.push(Arc::new(rows.scored().map(covered).collect::<BooleanArray>()));
    }
    columns.push(rows.texts(|told| text_of(&told.record.treatments)));
    let backtests = told.iter().map(|told| backtest(told, time_type)).collect::<Result<Vec<_>, _>>()?;
    columns.push(rows.firsts(|series| backtests[series].as_deref()));
    columns.push(rows.texts(|told| text_of(&choice(told))));
    columns.push(rows.firsts(|series| told[series].state.as_deref()));
    if let Some(level) = level {
        let level = cast(level, &arrow::datatypes::DataType::Int64)?;
        let level = level.as_primitive::<arrow::datatypes::Int64Type>();
        let name = |series: usize| match settings.hierarchy.get(level.value(series) as usize) {
            Some(level) => sum_name(level),
            None => sum_name(&settings.series),
        };
        let names: Vec<String> = (0..told.len()).map(name).collect();
        columns.push(rows.texts_at(&names));
    }
    RecordBatch::try_new(schema.to_arrow(), columns)
}

/// The rows of a chunk: which series, and which of its rows.
struct Rows<'a> {
    told: &'a [Told],
    at: Vec<(usize, usize)>,
}

impl<'a> Rows<'a> {
    fn each(&self) -> impl Iterator<Item = (&'a Told, &'a Row)> {
        let told = self.told;
        self.at.iter().map(move |&(series, row)| (&told[series], &told[series].rows[row]))
    }

    /// How a forecast before did so many steps ahead.
    fn scored(&self) -> impl Iterator<Item = Option<&'a Scored>> {
        self.each().map(|(told, row)| told.scored.get(row.step - 1)?.as_ref())
    }

    /// One text per row, made once per series.
    fn texts(&self, text: impl Fn(&Told) -> String) -> ArrayRef {
        self.texts_at(&self.told.iter().map(text).collect::<Vec<_>>())
    }

    /// A text in the first row of each series.
    fn firsts<'t>(&self, text: impl Fn(usize) -> Option<&'t str>) -> ArrayRef {
        let mut builder = StringBuilder::new();
        for &(series, row) in &self.at {
            builder.append_option((row == 0).then(|| text(series)).flatten());
        }
        Arc::new(builder.finish())
    }

    fn texts_at(&self, of_series: &[String]) -> ArrayRef {
        let mut builder = StringBuilder::new();
        self.at.iter().for_each(|(series, _)| builder.append_value(&of_series[*series]));
        Arc::new(builder.finish())
    }
}

/// The sum of a record's parts that belong to a column, at a step from 1.
fn of_part(record: &Record, column: &str, step: usize, settings: &Settings) -> f64 {
    let parts = record.parts.iter().filter(|part| column_of(&part.name, settings) == column);
    parts.filter_map(|part| part.values.get(step - 1)).sum()
}

fn column_of(part: &str, settings: &Settings) -> &'static str {
    match part {
        "level" => "level",
        "trend" => "trend",
        _ if part.starts_with("season") => "season",
        _ if part.starts_with("holiday") || settings.regressors.iter().any(|name| name == part) => "known",
        _ => "rest",
    }
}

/// Numbers; what is not finite is null.
fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.map(|value| value.filter(|value| value.is_finite())).collect::<Float64Array>())
}

fn text_of(value: &impl serde::Serialize) -> String {
    // What the library hands out serializes.
    serde_json::to_string(value).unwrap_or_default()
}

/// What the backtest of a series said, its times written as the column has them; `None` without one.
fn backtest(told: &Told, time_type: &DataType) -> Result<Option<String>, ArrowError> {
    if told.tested.is_empty() {
        return Ok(None);
    }
    let ends = times(time_type, told.tested.iter().flat_map(|tested| [tested.from, tested.to]));
    let ends = cast(&ends, &arrow::datatypes::DataType::Utf8)?;
    let ends = ends.as_string::<i32>();
    let origins = told.tested.iter().enumerate().map(|(place, tested)| {
        let (from, to) = (ends.value(2 * place), ends.value(2 * place + 1));
        json!({ "from": from, "to": to, "error": tested.error, "said": tested.said })
    });
    Ok(Some(text_of(&origins.collect::<Vec<_>>())))
}

/// What is told of a choice. What models found, and the errors of every step, would make it as long as the forecast.
fn choice(told: &Told) -> serde_json::Value {
    let choice = &told.record.choice;
    let members = choice
        .members
        .iter()
        .map(|member| json!({ "model": member.model, "weight": member.weight, "form": member.parameters.form }));
    let mut object = json!({
        "why": choice.why, "tier": choice.tier, "origins": choice.origins, "tried": choice.tried,
        "members": members.collect::<Vec<_>>(),
    });
    if let Some(duel) = &told.duel {
        object["duel"] = json!(duel);
    }
    if !told.unknown.is_empty() {
        object["regressors_left_out"] = json!(told.unknown);
    }
    object
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

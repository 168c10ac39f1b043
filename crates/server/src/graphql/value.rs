//! Rows as GraphQL values.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::json::writer::{JsonArray, WriterBuilder};
use async_graphql::Value;
use lockgate_run::text;
use lockgate_types::DataType;

use crate::problem::{ApiError, ApiResult};

/// Whole numbers that every reader of JSON holds exactly.
const EXACT: i64 = 1 << 53;

/// What is read of the engine's answer to a statement: values by row.
pub(super) fn cells(batches: &[RecordBatch], types: &[Option<&DataType>]) -> ApiResult<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let begin = rows.len();
        for row in text::json_rows(batch) {
            rows.push(row.into_iter().map(of_json).collect::<Vec<Value>>());
        }
        for (index, data_type) in types.iter().enumerate() {
            match data_type {
                Some(DataType::Json) => {
                    for row in &mut rows[begin..] {
                        if let Some(Value::String(text)) = row.get(index) {
                            // Text that is no JSON stays a text.
                            let read = serde_json::from_str(text).map(of_json);
                            row[index] = read.unwrap_or_else(|_| Value::String(text.clone()));
                        }
                    }
                }
                Some(DataType::List(_) | DataType::Struct(_)) => {
                    let values = nested(batch.column(index))?;
                    for (row, value) in rows[begin..].iter_mut().zip(values) {
                        row[index] = value;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(rows)
}

/// A sum of 64-bit numbers, which comes as a decimal.
pub(super) fn whole(value: Value) -> Value {
    let exact = match &value {
        Value::String(text) => text.parse::<i64>().ok().filter(|value| (-EXACT..=EXACT).contains(value)),
        _ => None,
    };
    exact.map_or(value, Value::from)
}

fn of_json(json: serde_json::Value) -> Value {
    // It fails for no value of JSON.
    Value::from_json(json).unwrap_or_default()
}

/// Lists and structs as Arrow writes them in JSON.
fn nested(column: &ArrayRef) -> ApiResult<Vec<Value>> {
    let fail = |error: String| ApiError::from(lockgate_engine::EngineError::Execution(error));
    let batch = RecordBatch::try_from_iter_with_nullable([("value", std::sync::Arc::clone(column), true)])
        .map_err(|error| fail(error.to_string()))?;
    let mut text = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(&mut text);
    writer.write(&batch).and_then(|()| writer.finish()).map_err(|error| fail(error.to_string()))?;
    drop(writer);
    let rows: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))?;
    debug_assert_eq!(rows.len(), column.len());
    Ok(rows.into_iter().map(|mut row| of_json(row.remove("value").unwrap_or_default())).collect())
}

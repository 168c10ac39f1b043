//! Rows as text: CSV as sources read it, and JSON that holds every value exactly.

use arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Number, Value as Json};

/// The largest whole number that every reader of JSON holds exactly.
const EXACT: i64 = 1 << 53;

/// A batch's values as text; dates and times as people write them.
pub fn options() -> FormatOptions<'static> {
    FormatOptions::default()
        .with_display_error(true)
        .with_null("")
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"))
}

/// One per column.
///
/// # Errors
/// A type that has no text.
pub fn formatters<'b>(
    batch: &'b RecordBatch,
    options: &'b FormatOptions<'b>,
) -> Result<Vec<ArrayFormatter<'b>>, ArrowError> {
    batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), options)).collect()
}

/// The first line.
pub fn csv_head(schema: &Schema) -> String {
    let names: Vec<String> = schema.fields().iter().map(|field| csv_field(field.name())).collect();
    format!("{}\n", names.join(","))
}

/// Null is an empty field and an empty string a quoted one, as sources read them.
///
/// # Errors
/// A type that has no text.
pub fn csv_rows(batch: &RecordBatch) -> Result<String, ArrowError> {
    let options = options();
    let formatters = formatters(batch, &options)?;
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        for (index, (column, formatter)) in batch.columns().iter().zip(&formatters).enumerate() {
            if index > 0 {
                text.push(',');
            }
            if !column.is_null(row) {
                text.push_str(&csv_field(&formatter.value(row).to_string()));
            }
        }
        text.push('\n');
    }
    Ok(text)
}

fn csv_field(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains([',', '"', '\n', '\r']) && text.trim().len() == text.len();
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Rows as lists of JSON values: numbers and booleans as such; what a reader of JSON may not hold exactly (whole numbers
/// beyond 2⁵³, decimals, NaN) and everything else as text.
pub fn json_rows(batch: &RecordBatch) -> Vec<Vec<Json>> {
    let mut rows: Vec<Vec<Json>> = (0..batch.num_rows()).map(|_| Vec::with_capacity(batch.num_columns())).collect();
    for column in batch.columns() {
        for (row, value) in json_column(column.as_ref()).into_iter().enumerate() {
            rows[row].push(value);
        }
    }
    rows
}

fn json_column(column: &dyn Array) -> Vec<Json> {
    let each = |value: &dyn Fn(usize) -> Json| {
        (0..column.len()).map(|row| if column.is_null(row) { Json::Null } else { value(row) }).collect()
    };
    match column.data_type() {
        DataType::Boolean => {
            let values: &BooleanArray = column.as_boolean();
            each(&|row| Json::Bool(values.value(row)))
        }
        DataType::Int32 => {
            let values: &Int32Array = column.as_primitive();
            each(&|row| values.value(row).into())
        }
        DataType::Int64 => {
            let values: &Int64Array = column.as_primitive();
            each(&|row| match values.value(row) {
                value if (-EXACT..=EXACT).contains(&value) => value.into(),
                value => value.to_string().into(),
            })
        }
        DataType::Float64 => {
            let values: &Float64Array = column.as_primitive();
            each(&|row| {
                let value = values.value(row);
                Number::from_f64(value).map_or_else(|| value.to_string().into(), Json::Number)
            })
        }
        DataType::Utf8 => {
            let values: &StringArray = column.as_string();
            each(&|row| values.value(row).into())
        }
        DataType::Utf8View => {
            let values: &StringViewArray = column.as_string_view();
            each(&|row| values.value(row).into())
        }
        _ => {
            let options = options();
            match ArrayFormatter::try_new(column, &options) {
                Ok(formatter) => each(&|row| formatter.value(row).to_string().into()),
                Err(_) => each(&|_| Json::Null),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use std::sync::Arc;

    use arrow::array::{Decimal128Array, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn values_survive_json() {
        let batch = RecordBatch::try_from_iter([
            ("b", Arc::new(BooleanArray::from(vec![Some(true), None])) as Arc<dyn Array>),
            ("i", Arc::new(Int64Array::from(vec![EXACT, EXACT + 1]))),
            ("d", Arc::new(Float64Array::from(vec![0.5, f64::NAN]))),
            ("s", Arc::new(StringArray::from(vec!["", "x"]))),
            ("m", Arc::new(Decimal128Array::from(vec![Some(150), None]).with_precision_and_scale(10, 2).unwrap())),
            ("t", Arc::new(TimestampMicrosecondArray::from(vec![Some(0), Some(1_500_000)]))),
        ])
        .unwrap();
        let rows = Json::from(json_rows(&batch).into_iter().map(Json::from).collect::<Vec<_>>());
        assert_eq!(
            rows.to_string(),
            "[[true,9007199254740992,0.5,\"\",\"1.50\",\"1970-01-01 00:00:00\"],\
             [null,\"9007199254740993\",\"NaN\",\"x\",null,\"1970-01-01 00:00:01.500\"]]"
        );
    }
}

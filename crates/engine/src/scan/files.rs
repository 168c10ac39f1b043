//! A version's files in DataFusion's form: path, size, partition values, statistics.

use std::sync::Arc;

use arrow::datatypes::{DataType as Arrow, Field};
use chrono::DateTime;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::table_schema::TableSchema;
use lockgate_types::DataFile;
use object_store::ObjectMeta;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::HashMap;

use crate::PinnedTable;

#[derive(Debug)]
pub(crate) struct PinnedFile {
    pub(crate) partitioned: PartitionedFile,
    /// Bounds per column, files' columns first, then partition columns.
    pub(crate) bounds: Vec<Bounds>,
    pub(crate) rows: usize,
}

/// What is known of a column in a file. A bound may be wider than the values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) min: Option<ScalarValue>,
    pub(crate) max: Option<ScalarValue>,
    pub(crate) nulls: Option<usize>,
}

/// Delta's per-file statistics. Numbers keep their text, so that a decimal of 38 digits survives.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Stats<'a> {
    #[serde(borrow)]
    min_values: HashMap<String, &'a RawValue>,
    #[serde(borrow)]
    max_values: HashMap<String, &'a RawValue>,
    null_count: HashMap<String, Json>,
}

pub(crate) fn pinned_files(table: &PinnedTable, schema: &TableSchema) -> Vec<PinnedFile> {
    table.files.iter().map(|file| pinned_file(table, schema, file)).collect()
}

fn pinned_file(table: &PinnedTable, schema: &TableSchema, file: &DataFile) -> PinnedFile {
    // Statistics that cannot be read prune nothing; they are never a reason to fail.
    let stats: Stats<'_> = file.stats.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let rows = usize::try_from(file.rows).unwrap_or(usize::MAX);

    let mut bounds: Vec<Bounds> =
        schema.file_schema().fields().iter().map(|field| stored_bounds(field, &stats)).collect();
    let mut columns: Vec<ColumnStatistics> = Vec::with_capacity(bounds.len());
    for (field, bound) in schema.file_schema().fields().iter().zip(&bounds) {
        columns.push(column_statistics(field, bound, rows));
    }
    let mut values = Vec::new();
    for field in schema.table_partition_cols() {
        let text = file.partition.iter().find(|(name, _)| name == field.name()).and_then(|(_, value)| value.as_deref());
        let value = partition_value(field, text);
        let bound = Bounds {
            min: (!value.is_null()).then(|| value.clone()),
            max: (!value.is_null()).then(|| value.clone()),
            nulls: Some(if value.is_null() { rows } else { 0 }),
        };
        columns.push(ColumnStatistics {
            null_count: bound.nulls.map_or(Precision::Absent, Precision::Exact),
            min_value: bound.min.clone().map_or(Precision::Absent, Precision::Exact),
            max_value: bound.max.clone().map_or(Precision::Absent, Precision::Exact),
            distinct_count: Precision::Exact(1),
            ..ColumnStatistics::new_unknown()
        });
        bounds.push(bound);
        values.push(value);
    }

    let location = format!("{}/{}", table.prefix, file.path);
    // Names of partitions' folders may hold escapes, which `from` would escape once more.
    let location = Path::parse(&location).unwrap_or_else(|_| Path::from(location));
    let mut partitioned = PartitionedFile::from(object_meta(location, file)).with_partition_values(values);
    partitioned.statistics = Some(Arc::new(Statistics {
        num_rows: Precision::Exact(rows),
        // Compressed; in memory it is about three times that. Only relations between tables matter: which side of a
        // join is built, and whether it is small.
        total_byte_size: Precision::Inexact(usize::try_from(file.size_bytes.saturating_mul(3)).unwrap_or(usize::MAX)),
        column_statistics: columns,
    }));
    PinnedFile { partitioned, bounds, rows }
}

/// The cache of footers takes a file for unchanged when path, size and time are. A staged file may be written
/// again by a second attempt, so its statistics stand in for the time that nobody asked the store for.
fn object_meta(location: Path, file: &DataFile) -> ObjectMeta {
    let hash = blake3::hash(format!("{}{:?}", file.rows, file.stats).as_bytes());
    let mut seconds = [0; 4];
    seconds.copy_from_slice(&hash.as_bytes()[..4]);
    ObjectMeta {
        location,
        last_modified: DateTime::from_timestamp(i64::from(u32::from_le_bytes(seconds)), 0).unwrap_or_default(),
        size: file.size_bytes,
        e_tag: None,
        version: None,
    }
}

fn stored_bounds(field: &Field, stats: &Stats<'_>) -> Bounds {
    let max = stats.max_values.get(field.name()).and_then(|raw| bound(field.data_type(), raw));
    Bounds {
        min: stats.min_values.get(field.name()).and_then(|raw| bound(field.data_type(), raw)),
        // Other writers of Delta cut instants to milliseconds, so the true maximum may lie up to one above.
        max: match max {
            Some(ScalarValue::TimestampMicrosecond(Some(micros), zone)) => {
                Some(ScalarValue::TimestampMicrosecond(Some(micros.saturating_add(999)), zone))
            }
            other => other,
        },
        nulls: stats.null_count.get(field.name()).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok()),
    }
}

fn bound(data_type: &Arrow, raw: &RawValue) -> Option<ScalarValue> {
    let text = match serde_json::from_str::<Json>(raw.get()).ok()? {
        Json::String(text) => text,
        Json::Number(_) => raw.get().to_owned(),
        Json::Bool(value) => return matches!(data_type, Arrow::Boolean).then_some(ScalarValue::Boolean(Some(value))),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    };
    let value = ScalarValue::try_from_string(text, data_type).ok()?;
    // NaN orders above every number in a filter and below none in statistics.
    if matches!(value, ScalarValue::Float64(Some(number)) if number.is_nan()) {
        return None;
    }
    (!value.is_null()).then_some(value)
}

/// Exact bounds answer `min` and `max` without a scan, so only what no writer rounds is called exact.
fn column_statistics(field: &Field, bounds: &Bounds, rows: usize) -> ColumnStatistics {
    let exact = matches!(field.data_type(), Arrow::Int32 | Arrow::Int64 | Arrow::Date32);
    let precision = |value: &Option<ScalarValue>| match value {
        Some(value) if exact => Precision::Exact(value.clone()),
        Some(value) => Precision::Inexact(value.clone()),
        None => Precision::Absent,
    };
    ColumnStatistics {
        null_count: bounds.nulls.map_or(Precision::Absent, Precision::Exact),
        min_value: precision(&bounds.min),
        max_value: precision(&bounds.max),
        byte_size: field
            .data_type()
            .primitive_width()
            .map_or(Precision::Absent, |width| Precision::Inexact(rows.saturating_mul(width))),
        ..ColumnStatistics::new_unknown()
    }
}

fn partition_value(field: &Field, text: Option<&str>) -> ScalarValue {
    let null = || ScalarValue::try_new_null(field.data_type()).unwrap_or(ScalarValue::Null);
    match text {
        // Delta writes an empty string as null; the writer keeps them apart, so an empty text is the empty string.
        Some(text) => ScalarValue::try_from_string(text.to_owned(), field.data_type()).unwrap_or_else(|_| null()),
        None => null(),
    }
}

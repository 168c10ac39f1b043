//! A lake in a temporary folder, versions, rows of every type.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
use chrono::{DateTime, Utc};
use lockgate_lake::{CommitPlan, Lake, Layout, PutOutcome, StagedFiles, Table};
use lockgate_types::{
    Actor, AssetName, Column, DataFile, DataType, Effects, Fingerprint, Schema, Version, VersionNumber, VersionState,
};

pub(crate) struct Store {
    pub(crate) lake: Lake,
    pub(crate) effects: Effects,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn store() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let effects = Effects::real();
    let lake = Lake::open(folder.path(), "default", effects.clone()).unwrap();
    Store { lake, effects, folder }
}

impl Store {
    pub(crate) fn table(&self, name: &str) -> Table {
        self.lake.table(&name.parse().unwrap())
    }

    pub(crate) fn path(&self, table: &Table) -> PathBuf {
        self.folder.path().join(table.prefix().as_ref())
    }
}

pub(crate) fn at() -> DateTime<Utc> {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn version(asset: &AssetName, number: u64, schema: &Schema, staged: StagedFiles) -> Version {
    Version {
        asset: asset.clone(),
        number: VersionNumber(number),
        state: VersionState::Staged,
        run: None,
        actor: Actor("ada".to_owned()),
        fingerprint: Fingerprint::of(["code"]),
        checks_fingerprint: Fingerprint::of(["checks"]),
        inputs: BTreeMap::new(),
        schema: schema.clone(),
        partition_by: Vec::new(),
        files: staged.files,
        rows: staged.rows,
        size_bytes: staged.size_bytes,
        rejects: None,
        source_state: serde_json::Value::Null,
        profile: None,
        checks: Vec::new(),
        base_delta_version: None,
        base: None,
        delta_version: None,
        staged_at: at(),
        published_at: None,
        as_of: at(),
        why: None,
        restores: None,
        build_ms: 0,
        audit_ms: 0,
        candidate_key: String::new(),
    }
}

pub(crate) fn plan(version: &Version, base: Option<u64>, remove: Vec<DataFile>) -> CommitPlan<'_> {
    CommitPlan { version, base, remove, metadata_changed: false, operation: "WRITE", at: at() }
}

/// Stages `batches` by one writer.
pub(crate) async fn stage(
    table: &Table,
    number: u64,
    schema: &Schema,
    partition_by: &[&str],
    batches: &[RecordBatch],
) -> StagedFiles {
    let partition_by = partition_by.iter().map(|name| (*name).to_owned()).collect();
    let mut writer = table.stage(VersionNumber(number), schema, Layout { partition_by, ..Layout::default() });
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().await.unwrap()
}

/// Stages, prepares and puts a version that replaces whatever `live` has.
pub(crate) async fn publish(
    table: &Table,
    number: u64,
    schema: &Schema,
    partition_by: &[&str],
    batches: &[RecordBatch],
    live: &[DataFile],
) -> Version {
    let staged = stage(table, number, schema, partition_by, batches).await;
    let mut version = version(table.asset(), number, schema, staged);
    version.partition_by = partition_by.iter().map(|name| (*name).to_owned()).collect();
    let base = table.head().await.unwrap();
    let commit = table.prepare_commit(plan(&version, base, live.to_vec())).await.unwrap();
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::Put);
    version.delta_version = Some(commit.delta_version());
    version
}

pub(crate) fn schema(columns: &[(&str, DataType)]) -> Schema {
    Schema { columns: columns.iter().map(|(name, data_type)| Column::new(*name, data_type.clone())).collect() }
}

/// A schema with `id: bigint, name: string`.
pub(crate) fn simple() -> Schema {
    schema(&[("id", DataType::Bigint), ("name", DataType::String)])
}

pub(crate) fn simple_rows(ids: std::ops::Range<i64>) -> RecordBatch {
    let names: StringArray = ids.clone().map(|id| Some(format!("name {id}"))).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(ids)), Arc::new(names)];
    RecordBatch::try_new(simple().to_arrow(), columns).unwrap()
}

/// One column of every type, `id` first.
pub(crate) fn every_type() -> Schema {
    schema(&[
        ("id", DataType::Bigint),
        ("boolean", DataType::Boolean),
        ("int", DataType::Int),
        ("double", DataType::Double),
        ("price", DataType::Decimal(15, 2)),
        ("wide", DataType::Decimal(38, 10)),
        ("string", DataType::String),
        ("binary", DataType::Binary),
        ("date", DataType::Date),
        ("timestamp", DataType::Timestamp),
        ("timestamptz", DataType::Timestamptz),
        ("json", DataType::Json),
        ("list", DataType::List(Box::new(DataType::Bigint))),
        ("struct", DataType::Struct(vec![("a".to_owned(), DataType::Int), ("b".to_owned(), DataType::String)])),
    ])
}

/// `rows` rows of [`every_type`], a third of the values null.
pub(crate) fn every_type_rows(first: i64, rows: i64) -> RecordBatch {
    let ids = || first..first + rows;
    let null = |id: i64, column: i64| (id + column) % 3 == 0;
    let each = |column: i64| ids().map(move |id| (!null(id, column)).then_some(id));
    let text = |id: i64| format!("text é {}", id * 7919 % 1000);
    let lengths: Vec<usize> = ids().map(|id| usize::try_from(id % 4).unwrap()).collect();
    let items =
        Int64Array::from_iter(ids().flat_map(|id| (0..id % 4).map(move |at| (at != 1).then_some(id * 10 + at))));
    let fields = every_type().to_arrow();
    let arrow::datatypes::DataType::List(item) = fields.field(12).data_type() else { unreachable!() };
    let arrow::datatypes::DataType::Struct(parts) = fields.field(13).data_type() else { unreachable!() };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(ids())),
        Arc::new(BooleanArray::from_iter(each(1).map(|id| id.map(|id| id % 2 == 0)))),
        Arc::new(Int32Array::from_iter(each(2).map(|id| id.map(|id| i32::try_from(id * 3).unwrap())))),
        Arc::new(Float64Array::from_iter(each(3).map(|id| id.map(|id| id as f64 / 7.0)))),
        Arc::new(
            Decimal128Array::from_iter(each(4).map(|id| id.map(|id| i128::from(id) * 101 - 5000)))
                .with_precision_and_scale(15, 2)
                .unwrap(),
        ),
        Arc::new(
            Decimal128Array::from_iter(each(5).map(|id| id.map(|id| i128::from(id) * 10_i128.pow(30) + 7)))
                .with_precision_and_scale(38, 10)
                .unwrap(),
        ),
        Arc::new(StringArray::from_iter(each(6).map(|id| id.map(text)))),
        Arc::new(BinaryArray::from_iter(each(7).map(|id| id.map(|id| id.to_be_bytes())))),
        Arc::new(Date32Array::from_iter(each(8).map(|id| id.map(|id| i32::try_from(id).unwrap() + 15_000)))),
        Arc::new(TimestampMicrosecondArray::from_iter(
            each(9).map(|id| id.map(|id| 1_356_998_400_000_000 + id * 3_600_000_123)),
        )),
        Arc::new(
            TimestampMicrosecondArray::from_iter(
                each(10).map(|id| id.map(|id| 1_356_998_400_000_000 + id * 60_000_001)),
            )
            .with_timezone("UTC"),
        ),
        Arc::new(StringArray::from_iter(each(11).map(|id| id.map(|id| format!("{{\"id\":{id}}}"))))),
        Arc::new(ListArray::new(item.clone(), OffsetBuffer::from_lengths(lengths), Arc::new(items), None)),
        Arc::new(StructArray::new(
            parts.clone(),
            vec![
                Arc::new(Int32Array::from_iter(each(13).map(|id| id.map(|id| i32::try_from(id).unwrap())))),
                Arc::new(StringArray::from_iter(each(14).map(|id| id.map(text)))),
            ],
            None,
        )),
    ];
    RecordBatch::try_new(fields, columns).unwrap()
}

/// All rows as one batch in the order of their first columns, to compare sets of rows.
pub(crate) fn sorted(batches: &[RecordBatch], by: usize) -> RecordBatch {
    let whole = concat_batches(batches[0].schema_ref(), batches).unwrap();
    let columns: Vec<_> = whole.columns()[..by]
        .iter()
        .map(|values| arrow::compute::SortColumn { values: values.clone(), options: None })
        .collect();
    take_record_batch(&whole, &lexsort_to_indices(&columns, None).unwrap()).unwrap()
}

/// What a reader of the newest Delta version sees.
pub(crate) async fn live_rows(table: &Table, schema: &Schema, partition_by: &[&str]) -> Vec<RecordBatch> {
    let Some(head) = table.head().await.unwrap() else { return Vec::new() };
    let files = table.files_at(head).await.unwrap();
    let partition_by: Vec<String> = partition_by.iter().map(|name| (*name).to_owned()).collect();
    table.read(&files, schema, &partition_by, None).await.unwrap()
}

pub(crate) fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// Every file below a folder, relative to it, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

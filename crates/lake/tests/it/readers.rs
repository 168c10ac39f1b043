//! Other tools read the tables: `deltalake` (delta-rs) and DuckDB, from PyPI.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::ipc::writer::FileWriter;
use lockgate_lake::{Layout, PutOutcome, StagedFiles, Table};
use lockgate_types::{DataFile, DataType, Schema, VersionNumber};
use serde_json::{Value, json};

use crate::support::{
    Store, every_type, every_type_rows, plan, rows, schema, simple, simple_rows, stage, store, version,
};

/// The Python that has `deltalake`, `pyarrow` and `duckdb`: a virtual environment under `$HOME/.cache/lockgate`, made when it is
/// missing.
fn python() -> PathBuf {
    let home = PathBuf::from(std::env::var_os("HOME").expect("HOME says where the virtual environment goes"));
    let cache = home.join(".cache/lockgate");
    std::fs::create_dir_all(&cache).unwrap();
    // Tests run as processes side by side.
    let lock = File::create(cache.join("venv.lock")).unwrap();
    lock.lock().unwrap();
    let python = cache.join("venv/bin/python");
    let complete = || {
        Command::new(&python)
            .args(["-c", "import deltalake, pyarrow, duckdb"])
            .output()
            .is_ok_and(|o| o.status.success())
    };
    if !complete() {
        run(Command::new("python3").args(["-m", "venv"]).arg(cache.join("venv")), "Python 3 with the module `venv`");
        run(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "deltalake", "pyarrow", "duckdb"]),
            "pip, with access to PyPI for `deltalake`, `pyarrow` and `duckdb`",
        );
        assert!(complete(), "{} cannot import deltalake, pyarrow and duckdb", python.display());
    }
    python
}

fn run(command: &mut Command, missing: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("this test needs {missing}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("this test needs {missing}: {error}"),
    }
}

/// Each reader has to see `expected`, and find as many rows by each filter as there are.
fn check(store: &Store, table: &Table, version: u64, expected: &[RecordBatch], filters: &Value) {
    let path = store.folder.path().join("expected.arrow");
    let mut writer = FileWriter::try_new(File::create(&path).unwrap(), &expected[0].schema()).unwrap();
    expected.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    let more = store.folder.path().join("more.json");
    std::fs::write(&more, json!({"version": version, "filters": filters}).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/read_table.py");
    let output = Command::new(python()).arg(script).arg(store.path(table)).arg(path).arg(more).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("duckdb: "), "{out}");
}

/// Publishes twelve versions that each append to the one before, with a checkpoint after the tenth.
async fn twelve_appends(
    table: &Table,
    schema: &Schema,
    partition_by: &[&str],
    batch: impl Fn(i64) -> RecordBatch,
) -> Vec<RecordBatch> {
    let mut files: Vec<DataFile> = Vec::new();
    let mut written = Vec::new();
    for number in 1..=12_u64 {
        let batch = batch(i64::try_from(number).unwrap() - 1);
        let staged = stage(table, number, schema, partition_by, std::slice::from_ref(&batch)).await;
        let mut version = version(table.asset(), number, schema, staged);
        version.partition_by = partition_by.iter().map(|name| (*name).to_owned()).collect();
        version.files.extend(files.clone());
        let base = table.head().await.unwrap();
        let commit = table.prepare_commit(plan(&version, base, Vec::new())).await.unwrap();
        assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::Put);
        table.checkpoint(commit.delta_version()).await.unwrap();
        files = version.files;
        written.push(batch);
    }
    written
}

#[tokio::test]
async fn every_type_with_nulls_and_a_checkpoint() {
    let store = store();
    let table = store.table("raw.every_type");
    let written = twelve_appends(&table, &every_type(), &[], |at| every_type_rows(at * 50, 50)).await;
    let log = store.path(&table).join("_delta_log");
    assert!(log.join("00000000000000000009.checkpoint.parquet").is_file());
    // What a crash may leave between writing and naming disturbs nobody.
    for name in ["00000000000000000012.json#70001", "00000000000000000011.checkpoint.parquet#70002"] {
        std::fs::write(log.join(name), "half").unwrap();
    }
    let filters = json!([
        "id >= 550",
        "int = 303",
        "price > 400.00",
        "double < 3",
        "date < date '2011-02-01'",
        "timestamp >= timestamp '2013-01-25T00:00:00'",
        "timestamp = timestamp '2013-01-01T01:00:00.000123'",
        "timestamptz >= timestamptz '2013-01-01T09:00:00Z'",
        "string = 'text é 919'",
        "string is null",
        "boolean",
    ]);
    check(&store, &table, 11, &written, &filters);
}

#[tokio::test]
async fn partitions_of_every_type() {
    let store = store();
    for (name, data_type, texts) in [
        ("boolean", DataType::Boolean, ["true", "false"]),
        ("int", DataType::Int, ["-7", "2147483647"]),
        ("bigint", DataType::Bigint, ["-9223372036854775808", "3"]),
        ("decimal", DataType::Decimal(10, 3), ["0.250", "1234567.891"]),
        ("string", DataType::String, ["São Paulo/b=1%: x?#[y]", "__HIVE_DEFAULT_PARTITION__ "]),
        ("date", DataType::Date, ["2013-12-31", "1969-12-31"]),
        ("timestamp", DataType::Timestamp, ["2013-01-01T05:00:00", "1969-12-31T23:59:59.999999"]),
        ("timestamptz", DataType::Timestamptz, ["2013-01-01T05:00:00Z", "2013-01-01T05:00:00.000001Z"]),
    ] {
        let table = store.table(&format!("part.{name}"));
        let schema = schema(&[("id", DataType::Bigint), ("key", data_type.clone()), ("name", DataType::String)]);
        let written = twelve_appends(&table, &schema, &["key"], |at| {
            let simple = simple_rows(at * 9..at * 9 + 9);
            let keys = (0..9).map(|row| if row % 3 == 2 { None } else { Some(texts[row % 3]) });
            let keys: ArrayRef = Arc::new(StringArray::from_iter(keys));
            let keys = arrow::compute::cast(&keys, &data_type.to_arrow()).unwrap();
            let columns = vec![simple.column(0).clone(), keys, simple.column(1).clone()];
            RecordBatch::try_new(schema.to_arrow(), columns).unwrap()
        })
        .await;
        check(&store, &table, 11, &written, &json!(["key is null", "key is not null"]));
    }
}

#[tokio::test]
async fn large_files_of_realistic_columns() {
    let store = store();
    let table = store.table("raw.large");
    let batches: Vec<RecordBatch> = (0..40).map(|at| simple_rows(at * 8192..at * 8192 + 8192)).collect();
    let live = crate::support::publish(&table, 1, &simple(), &[], &batches, &[]).await;
    assert_eq!(live.rows, rows(&batches) as u64);
    check(&store, &table, 0, &batches, &json!(["id < 10", "name = 'name 300000'"]));
}

/// A reader that knows nothing of Lockgate sees whole versions only, in order, while they are published.
#[tokio::test]
async fn a_reader_looking_on_sees_whole_versions() {
    const STATES: u64 = 25;
    let store = store();
    let table = store.table("raw.orders");
    let state = |number: u64| {
        let rows = usize::try_from(number * 10).unwrap();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values((0..rows).map(|row| i64::try_from(row).unwrap()))),
            Arc::new(StringArray::from(vec![format!("state {number}"); rows])),
        ];
        // Two batches for two writers, so that a version has two files.
        let batch = RecordBatch::try_new(simple().to_arrow(), columns).unwrap();
        [batch.slice(0, rows / 2), batch.slice(rows / 2, rows - rows / 2)]
    };
    let publish_state = async |number: u64, live: &[DataFile]| {
        let set = table.stage_set(VersionNumber(number), &simple(), Layout::default());
        let mut parts = Vec::new();
        for (index, batch) in state(number).iter().enumerate() {
            let mut writer = set.writer(index);
            writer.write(batch).unwrap();
            parts.push(writer.finish().await.unwrap());
        }
        let version = version(table.asset(), number, &simple(), StagedFiles::merge(parts));
        let base = table.head().await.unwrap();
        let commit = table.prepare_commit(plan(&version, base, live.to_vec())).await.unwrap();
        assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::Put);
        table.checkpoint(commit.delta_version()).await.unwrap();
        version.files
    };
    let mut live = publish_state(1, &[]).await;
    let stop = store.folder.path().join("stop");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/watch_table.py");
    let mut watcher = Command::new(python())
        .arg(script)
        .args([&store.path(&table), &stop])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    for number in 2..=STATES {
        live = publish_state(number, &live).await;
    }
    std::fs::write(stop, "").unwrap();
    let last = lines.next();
    let output = watcher.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let last = last.unwrap().unwrap();
    assert!(last.ends_with(&format!("the last {STATES}")), "{last}");
}

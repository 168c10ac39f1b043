//! Reading a file list: nothing that is not needed is opened.

use std::path::PathBuf;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use lockgate_engine::PinnedTable;

use crate::fixture::{Fixture, batch, count, schema};

/// Ten files, a hundred keys each; every second one of partition `even`.
async fn ten_files(fixture: &Fixture) -> PinnedTable {
    let columns = schema("key: bigint, day: date, half: string, name: string");
    let files = (0..10)
        .map(|file: i64| {
            let rows: Vec<Vec<String>> = (file * 100..(file + 1) * 100)
                .map(|key| {
                    let half = if file % 2 == 0 { "even" } else { "odd" };
                    vec![key.to_string(), format!("2024-01-{:02}", file + 1), half.to_owned(), format!("name {key:04}")]
                })
                .collect();
            vec![batch(&columns, &rows)]
        })
        .collect();
    fixture.write("raw.keys", &columns, &["half"], files).await
}

/// Removes the files whose paths are not kept, so that reading one of them would fail.
fn remove(fixture: &Fixture, table: &PinnedTable, keep: impl Fn(usize, &str) -> bool) {
    let mut files: Vec<_> = table.files.iter().collect();
    files.sort_by_key(|file| file.stats.clone());
    for (index, file) in files.iter().enumerate() {
        let path: PathBuf = fixture.folder.path().join(&table.prefix).join(&file.path);
        assert!(path.exists(), "{}", path.display());
        let min = file.stats.as_deref().unwrap_or_default();
        if !keep(index, &format!("{} {min}", file.path)) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

async fn value(session: &lockgate_engine::Session, sql: &str) -> Result<i64, lockgate_engine::EngineError> {
    let batches = session.collect(sql).await?;
    Ok(batches[0].column(0).as_primitive::<Int64Type>().value(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_chosen_by_their_statistics() {
    let fixture = Fixture::new();
    let table = ten_files(&fixture).await;
    assert_eq!(table.files.len(), 10);
    remove(&fixture, &table, |_, text| text.contains("\"key\":300,") || text.contains("\"key\":399"));
    let session = fixture.session();
    session.register(table).unwrap();
    for filter in ["key between 310 and 320", "day = '2024-01-04'", "name = 'name 0350'", "key in (301, 302)"] {
        let n = value(&session, &format!("select sum(key) as n from raw.keys where {filter}")).await.unwrap();
        assert!(n > 0, "{filter}");
    }
    let error = value(&session, "select sum(key) as n from raw.keys where key < 50").await.unwrap_err();
    assert_eq!(error.diagnostic().code.id, "LG0223", "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_chosen_by_their_partition() {
    let fixture = Fixture::new();
    let table = ten_files(&fixture).await;
    remove(&fixture, &table, |_, text| text.contains("half=even"));
    let session = fixture.session();
    session.register(table).unwrap();
    assert_eq!(
        value(&session, "select count(distinct key) as n from raw.keys where half = 'even'").await.unwrap(),
        500
    );
    assert_eq!(
        value(&session, "select count(distinct half) as n from raw.keys where half like 'ev%'").await.unwrap(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_and_plans_open_nothing() {
    let fixture = Fixture::new();
    let table = ten_files(&fixture).await;
    remove(&fixture, &table, |_, _| false);
    let session = fixture.session();
    session.register(table).unwrap();
    assert_eq!(value(&session, "select count(*) as n from raw.keys").await.unwrap(), 1000);
    assert_eq!(value(&session, "select max(key) as n from raw.keys").await.unwrap(), 999);
    let planned =
        session.plan(&crate::fixture::sql("select half, count(*) as n from raw.keys group by half", 1)).await.unwrap();
    assert_eq!(planned.schema.columns.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_independent_and_complete() {
    let fixture = Fixture::new();
    let session = fixture.session();
    session.register(ten_files(&fixture).await).unwrap();
    let streams = session.partitions("select key, name from raw.keys").await.unwrap();
    assert_eq!(streams.len(), fixture.engine.threads());
    assert_eq!(streams[0].schema().field(1).data_type(), &arrow::datatypes::DataType::Utf8View);
    assert_eq!(count(&crate::fixture::rows_of(streams).await), 1000);
    let merged = session.stream("select name from raw.keys limit 7").await.unwrap();
    assert_eq!(merged.schema().field(0).data_type(), &arrow::datatypes::DataType::Utf8);
    assert_eq!(count(&crate::fixture::rows_of(vec![merged]).await), 7);
}

/// A fork's tables hide its parent's, and are not seen by it.
#[tokio::test]
async fn forks_are_independent() {
    let fixture = Fixture::new();
    let columns = schema("key: bigint");
    let parent = fixture.session();
    let live = batch(&columns, &[vec!["1".to_owned()]]);
    let candidate = batch(&columns, &[vec!["2".to_owned()]]);
    parent.register_batches("raw", "keys", vec![live]).unwrap();
    let fork = parent.fork();
    assert_eq!(value(&fork, "select key as n from raw.keys").await.unwrap(), 1);
    fork.register_batches("raw", "keys", vec![candidate]).unwrap();
    fork.register_batches("live", "raw__keys", vec![batch(&columns, &[vec!["3".to_owned()]])]).unwrap();
    assert_eq!(value(&fork, "select key as n from raw.keys").await.unwrap(), 2);
    assert_eq!(value(&fork, "select key as n from \"live\".\"raw__keys\"").await.unwrap(), 3);
    assert_eq!(value(&parent, "select key as n from raw.keys").await.unwrap(), 1);
    assert!(parent.collect("select key from live.raw__keys").await.is_err());
    assert!(parent.register_batches("raw", "none", Vec::new()).is_err());
}

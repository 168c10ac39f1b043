//! Tables that somebody else made or changed.

use std::path::Path;

use lockgate_lake::{LakeError, PutOutcome};
use lockgate_types::DataFile;

use crate::support::{live_rows, plan, publish, rows, simple, simple_rows, sorted, stage, store, version};

/// `id: long, name: string`, whose annotations only matter where columns are mapped.
const SCHEMA: &str = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{\"delta.columnMapping.id\":1,\"delta.columnMapping.physicalName\":\"id\"}},{\"name\":\"name\",\"type\":\"string\",\"nullable\":true,\"metadata\":{\"delta.columnMapping.id\":2,\"delta.columnMapping.physicalName\":\"name\"}}]}"#;

fn entry(table: &Path, delta_version: u64, actions: &[String]) {
    let log = table.join("_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    std::fs::write(log.join(format!("{delta_version:020}.json")), actions.join("\n")).unwrap();
}

fn metadata(configuration: &str) -> String {
    format!(
        r#"{{"metaData":{{"id":"11111111-2222-3333-4444-555555555555","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{SCHEMA}","partitionColumns":[],"configuration":{configuration},"createdTime":1700000000000}}}}"#
    )
}

fn protocol(reader: u32, writer: u32, features: Option<(&str, &str)>) -> String {
    let features = features
        .map(|(reader, writer)| format!(r#","readerFeatures":{reader},"writerFeatures":{writer}"#))
        .unwrap_or_default();
    format!(r#"{{"protocol":{{"minReaderVersion":{reader},"minWriterVersion":{writer}{features}}}}}"#)
}

fn add(file: &DataFile, more: &str) -> String {
    format!(
        r#"{{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,"dataChange":true{more}}}}}"#,
        file.path, file.size_bytes
    )
}

#[tokio::test]
async fn tables_that_need_more_are_refused_by_name() {
    for (protocol, configuration, feature) in [
        (
            protocol(3, 7, Some((r#"["deletionVectors"]"#, r#"["deletionVectors"]"#))),
            r#"{"delta.enableDeletionVectors":"true"}"#,
            "deletionVectors",
        ),
        (protocol(2, 5, None), r#"{"delta.columnMapping.mode":"name"}"#, "delta.columnMapping.mode"),
        (
            protocol(3, 7, Some((r#"["columnMapping"]"#, r#"["columnMapping"]"#))),
            r#"{"delta.columnMapping.mode":"none"}"#,
            "columnMapping",
        ),
        (protocol(1, 4, None), r#"{"delta.enableChangeDataFeed":"true"}"#, "delta.enableChangeDataFeed"),
        (protocol(1, 2, None), r#"{"delta.appendOnly":"true"}"#, "delta.appendOnly"),
        (protocol(3, 7, Some((r#"["fromTheFuture"]"#, r#"["fromTheFuture"]"#))), "{}", "fromTheFuture"),
    ] {
        let store = store();
        let table = store.table("raw.orders");
        entry(&store.path(&table), 0, &[protocol, metadata(configuration)]);
        let staged = stage(&table, 1, &simple(), &[], &[simple_rows(0..3)]).await;
        let candidate = version(table.asset(), 1, &simple(), staged);
        for refused in [
            table.files_at(0).await.unwrap_err(),
            table.prepare_commit(plan(&candidate, Some(0), Vec::new())).await.unwrap_err(),
        ] {
            let diagnostic = refused.diagnostic();
            assert_eq!(diagnostic.code.id, "LG0507", "{feature}: {refused}");
            assert!(refused.to_string().contains(feature), "{feature}: {refused}");
            assert_eq!(diagnostic.place.unwrap().file, store.path(&table));
        }
    }
}

#[tokio::test]
async fn a_file_with_a_deletion_vector_is_refused_even_if_nothing_says_so() {
    let store = store();
    let table = store.table("raw.orders");
    let staged = stage(&table, 1, &simple(), &[], &[simple_rows(0..3)]).await;
    let vector = r#","deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","sizeInBytes":36,"cardinality":2}"#;
    entry(&store.path(&table), 0, &[protocol(1, 2, None), metadata("{}"), add(&staged.files[0], vector)]);
    let error = table.files_at(0).await.unwrap_err();
    assert!(matches!(error, LakeError::Unsupported { .. } | LakeError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_foreign_table_is_taken_over_with_its_identity() {
    let store = store();
    let table = store.table("raw.orders");
    let theirs = stage(&table, 1, &simple(), &[], &[simple_rows(0..3)]).await;
    let actions = [protocol(1, 2, None), metadata(r#"{"team":"theirs"}"#), add(&theirs.files[0], "")];
    entry(&store.path(&table), 0, &actions);
    assert_eq!(table.published_by(0).await.unwrap(), None);
    let staged = stage(&table, 2, &simple(), &[], &[simple_rows(10..15)]).await;
    let ours = version(table.asset(), 2, &simple(), staged);
    // The caller knows nothing of their files; the log does.
    let commit = table.prepare_commit(plan(&ours, Some(0), Vec::new())).await.unwrap();
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::Put);
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(10..15));
    let text = String::from_utf8(commit.bytes.to_vec()).unwrap();
    assert!(text.contains("11111111-2222-3333-4444-555555555555") && text.contains(r#""team":"theirs""#), "{text}");
    assert!(text.contains(r#""delta.enableExpiredLogCleanup":"false""#), "{text}");
}

#[tokio::test]
async fn a_foreign_commit_between_ours_moves_the_base_and_is_undone_by_the_next() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let staged = stage(&table, 2, &simple(), &[], &[simple_rows(10..20)]).await;
    let mut second = version(table.asset(), 2, &simple(), staged);
    // An append: it keeps the first file.
    second.files.extend(first.files.clone());
    let commit = table.prepare_commit(plan(&second, Some(0), Vec::new())).await.unwrap();
    let theirs = stage(&table, 77, &simple(), &[], &[simple_rows(500..503)]).await;
    let remove =
        format!(r#"{{"remove":{{"path":"{}","deletionTimestamp":1,"dataChange":true}}}}"#, first.files[0].path);
    entry(&store.path(&table), 1, &[remove, add(&theirs.files[0], "")]);
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::BaseMoved { head: 1 });
    assert_eq!(table.published_by(1).await.unwrap(), None);
    // They removed a file that our version still has, and added one that it has not.
    let commit = table.prepare_commit(plan(&second, Some(1), Vec::new())).await.unwrap();
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::Put);
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(0..20));
}

#[tokio::test]
async fn a_damaged_log_is_named() {
    let store = store();
    let table = store.table("raw.orders");
    entry(&store.path(&table), 0, &["{\"txn\": not json".to_owned()]);
    let error = table.published_by(0).await.unwrap_err();
    assert_eq!(error.diagnostic().code.id, "LG0505");
    assert!(error.diagnostic().place.unwrap().file.ends_with("_delta_log/00000000000000000000.json"));
    let error = table.files_at(0).await.unwrap_err();
    assert_eq!(error.diagnostic().code.id, "LG0505", "{error}");
    let error = table.published_by(5).await.unwrap_err();
    assert_eq!(error.diagnostic().code.id, "LG0508");
}

#[tokio::test]
async fn litter_in_the_log_folder_is_ignored() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let log = store.path(&table).join("_delta_log");
    for name in [
        "00000000000000000001.json#12",
        "00000000000000000000.checkpoint.parquet#12",
        "00000000000000000001.json.tmp",
        "notes.txt",
        "_last_checkpoint",
    ] {
        std::fs::write(log.join(name), "rubbish").unwrap();
    }
    assert_eq!(table.head().await.unwrap(), Some(0));
    publish(&table, 2, &simple(), &[], &[simple_rows(10..20)], &first.files).await;
    assert_eq!(rows(&live_rows(&table, &simple(), &[]).await), 10);
}

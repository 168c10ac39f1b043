//! Publication: exact bytes, put if absent, settled by what stands.

use lockgate_lake::{LakeError, PutOutcome};
use lockgate_types::{DataType, VersionNumber};
use serde_json::Value;

use crate::support::{
    at, every_type, every_type_rows, live_rows, plan, publish, rows, schema, simple, simple_rows, sorted, stage, store,
    version,
};

fn actions(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn action<'a>(actions: &'a [Value], key: &str) -> Option<&'a Value> {
    actions.iter().find_map(|action| action.get(key))
}

#[tokio::test]
async fn the_first_commit_is_version_zero_with_files() {
    let store = store();
    let table = store.table("raw.orders");
    publish(&table, 3, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let bytes = std::fs::read(store.path(&table).join("_delta_log/00000000000000000000.json")).unwrap();
    let actions = actions(&bytes);
    let protocol = action(&actions, "protocol").unwrap();
    assert_eq!((&protocol["minReaderVersion"], &protocol["minWriterVersion"]), (&1.into(), &2.into()));
    let metadata = action(&actions, "metaData").unwrap();
    assert_eq!(metadata["configuration"]["delta.enableExpiredLogCleanup"], "false");
    assert_eq!(action(&actions, "txn").unwrap()["version"], 3);
    assert_eq!(action(&actions, "add").unwrap()["path"], "_lockgate/v3/part-0-0.parquet");
    assert_eq!(table.head().await.unwrap(), Some(0));
    assert_eq!(table.published_by(0).await.unwrap(), Some(VersionNumber(3)));
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(0..10));
}

#[tokio::test]
async fn a_version_replaces_the_files_of_its_base() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let second = publish(&table, 2, &simple(), &[], &[simple_rows(10..15)], &first.files).await;
    assert_eq!(second.delta_version, Some(1));
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(10..15));
    assert_eq!(table.files_at(0).await.unwrap()[0].path, first.files[0].path);
    let bytes = table.load_commit(VersionNumber(2), Some(0)).await.unwrap().unwrap();
    let actions = actions(&bytes.bytes);
    assert!(action(&actions, "metaData").is_none() && action(&actions, "protocol").is_none());
    assert_eq!(action(&actions, "remove").unwrap()["path"], "_lockgate/v1/part-0-0.parquet");
}

#[tokio::test]
async fn what_the_log_says_of_files_is_what_was_staged() {
    let store = store();
    let table = store.table("raw.orders");
    let schema = schema(&[("id", DataType::Bigint), ("name", DataType::String)]);
    let batch = simple_rows(0..3);
    let version = publish(&table, 1, &schema, &["name"], &[batch], &[]).await;
    assert_eq!(table.files_at(0).await.unwrap(), version.files);
}

#[tokio::test]
async fn an_append_adds_only_its_own_files() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let staged = stage(&table, 2, &simple(), &[], &[simple_rows(10..20)]).await;
    let mut second = version(table.asset(), 2, &simple(), staged);
    second.files.extend(first.files.clone());
    let commit = table.prepare_commit(plan(&second, Some(0), Vec::new())).await.unwrap();
    let actions = actions(&commit.bytes);
    assert_eq!(actions.iter().filter(|action| action.get("add").is_some()).count(), 1);
    assert!(action(&actions, "remove").is_none());
    table.put_commit(&commit).await.unwrap();
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(0..20));
}

#[tokio::test]
async fn a_rollback_restores_files_and_keeps_what_is_live() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    publish(&table, 2, &simple(), &[], &[simple_rows(10..20)], &first.files).await;
    let mut back = first.clone();
    back.number = VersionNumber(3);
    back.restores = Some(VersionNumber(1));
    let commit = table.prepare_commit(plan(&back, Some(1), Vec::new())).await.unwrap();
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::Put);
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(0..10));
    assert_eq!(table.published_by(2).await.unwrap(), Some(VersionNumber(3)));
}

#[tokio::test]
async fn putting_twice_and_helping_is_harmless() {
    let store = store();
    let table = store.table("raw.orders");
    let staged = stage(&table, 1, &simple(), &[], &[simple_rows(0..10)]).await;
    let first = version(table.asset(), 1, &simple(), staged);
    let commit = table.prepare_commit(plan(&first, None, Vec::new())).await.unwrap();
    // Another process prepares later and finds the same bytes.
    let helper = lockgate_lake::Lake::open(store.folder.path(), "default", store.effects.clone()).unwrap();
    let helper = helper.table(table.asset());
    let mut later = plan(&first, None, Vec::new());
    later.at = at() + chrono::TimeDelta::hours(1);
    assert_eq!(helper.prepare_commit(later).await.unwrap(), commit);
    assert_eq!(helper.load_commit(VersionNumber(1), None).await.unwrap().unwrap(), commit);
    assert_eq!(helper.put_commit(&commit).await.unwrap(), PutOutcome::Put);
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::AlreadyThere);
    publish(&table, 2, &simple(), &[], &[simple_rows(10..20)], &first.files).await;
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::AlreadyThere, "also when others followed");
    assert_eq!(rows(&live_rows(&table, &simple(), &[]).await), 10);
}

#[tokio::test]
async fn of_two_commits_on_one_base_one_wins() {
    let store = store();
    let table = store.table("raw.orders");
    publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let mut commits = Vec::new();
    for number in 2..6 {
        let first = i64::try_from(number).unwrap() * 100;
        let staged = stage(&table, number, &simple(), &[], &[simple_rows(first..first + 5)]).await;
        let version = version(table.asset(), number, &simple(), staged);
        commits.push(table.prepare_commit(plan(&version, Some(0), Vec::new())).await.unwrap());
    }
    let outcomes = futures::future::join_all(commits.iter().map(|commit| table.put_commit(commit))).await;
    let outcomes: Vec<PutOutcome> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == PutOutcome::Put).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == PutOutcome::BaseMoved { head: 1 }).count(), 3);
    assert_eq!(table.head().await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_moved_base_is_never_rebased() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let staged = stage(&table, 2, &simple(), &[], &[simple_rows(10..20)]).await;
    let late = version(table.asset(), 2, &simple(), staged);
    let commit = table.prepare_commit(plan(&late, Some(0), first.files.clone())).await.unwrap();
    let third = publish(&table, 3, &simple(), &[], &[simple_rows(20..30)], &first.files).await;
    publish(&table, 4, &simple(), &[], &[simple_rows(30..40)], &third.files).await;
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::BaseMoved { head: 2 });
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(30..40));
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_not_continued() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let second = publish(&table, 2, &simple(), &[], &[simple_rows(10..20)], &first.files).await;
    let staged = stage(&table, 3, &simple(), &[], &[simple_rows(20..30)]).await;
    let third = version(table.asset(), 3, &simple(), staged);
    let commit = table.prepare_commit(plan(&third, Some(1), second.files.clone())).await.unwrap();
    std::fs::remove_file(store.path(&table).join("_delta_log/00000000000000000001.json")).unwrap();
    let error = table.put_commit(&commit).await.unwrap_err();
    assert!(matches!(error, LakeError::LogLost { base: 1, head: Some(0), .. }), "{error}");
    assert_eq!(table.head().await.unwrap(), Some(0));
}

#[tokio::test]
async fn changed_columns_change_the_metadata_and_only_then() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let id = |actions: &[Value]| action(actions, "metaData").unwrap()["id"].clone();
    let first_actions = actions(&table.load_commit(VersionNumber(1), None).await.unwrap().unwrap().bytes);
    let batch = every_type_rows(0, 20);
    let staged = stage(&table, 2, &every_type(), &[], std::slice::from_ref(&batch)).await;
    let second = version(table.asset(), 2, &every_type(), staged);
    let mut change = plan(&second, Some(0), first.files.clone());
    change.metadata_changed = true;
    let commit = table.prepare_commit(change).await.unwrap();
    let second_actions = actions(&commit.bytes);
    assert_eq!(id(&first_actions), id(&second_actions), "the table stays the same table");
    let protocol = action(&second_actions, "protocol").unwrap();
    assert_eq!(protocol["minReaderVersion"], 3, "a timestamp without a zone needs a feature");
    assert_eq!(protocol["readerFeatures"], serde_json::json!(["timestampNtz"]));
    table.put_commit(&commit).await.unwrap();
    assert_eq!(sorted(&live_rows(&table, &every_type(), &[]).await, 1), batch);
    // Going back to fewer columns does not lower the protocol.
    let staged = stage(&table, 3, &simple(), &[], &[simple_rows(0..5)]).await;
    let third = version(table.asset(), 3, &simple(), staged);
    let mut change = plan(&third, Some(1), second.files.clone());
    change.metadata_changed = true;
    let commit = table.prepare_commit(change).await.unwrap();
    assert!(action(&actions(&commit.bytes), "protocol").is_none());
    table.put_commit(&commit).await.unwrap();
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(0..5));
}

#[tokio::test]
async fn preparing_other_files_for_the_same_version_is_refused() {
    let store = store();
    let table = store.table("raw.orders");
    let staged = stage(&table, 1, &simple(), &[], &[simple_rows(0..10)]).await;
    let mut first = version(table.asset(), 1, &simple(), staged);
    table.prepare_commit(plan(&first, None, Vec::new())).await.unwrap();
    first.files[0].path = "_lockgate/v1/other.parquet".to_owned();
    let error = table.prepare_commit(plan(&first, None, Vec::new())).await.unwrap_err();
    assert!(matches!(error, LakeError::CommitDiffers { .. }), "{error}");
}

#[tokio::test]
async fn version_json_restores_the_version() {
    let store = store();
    let table = store.table("raw.orders");
    let staged = stage(&table, 1, &every_type(), &[], &[every_type_rows(0, 10)]).await;
    let first = version(table.asset(), 1, &every_type(), staged);
    assert_eq!(table.recorded(VersionNumber(1)).await.unwrap(), None);
    table.record(&first).await.unwrap();
    assert_eq!(table.recorded(VersionNumber(1)).await.unwrap(), Some(first));
    let file = store.path(&table).join("_lockgate/v1/version.json");
    let newer = std::fs::read_to_string(&file).unwrap().replace("\"format\": 1", "\"format\": 99");
    std::fs::write(&file, newer).unwrap();
    let error = table.recorded(VersionNumber(1)).await.unwrap_err();
    assert!(error.to_string().contains("newer"), "{error}");
}

#[tokio::test]
async fn discard_removes_what_was_never_published_and_nothing_else() {
    let store = store();
    let table = store.table("raw.orders");
    let first = publish(&table, 1, &simple(), &[], &[simple_rows(0..10)], &[]).await;
    let staged = stage(&table, 2, &simple(), &[], &[simple_rows(10..20)]).await;
    let second = version(table.asset(), 2, &simple(), staged);
    // Prepared, but never put.
    table.prepare_commit(plan(&second, Some(0), first.files.clone())).await.unwrap();
    table.discard(VersionNumber(2)).await.unwrap();
    table.discard(VersionNumber(2)).await.unwrap();
    assert_eq!(table.staged_numbers().await.unwrap(), [VersionNumber(1)]);
    let error = table.discard(VersionNumber(1)).await.unwrap_err();
    assert!(matches!(error, LakeError::Published { .. }), "{error}");
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(0..10));
}

#[tokio::test]
async fn a_checkpoint_comes_every_ten_commits_and_the_head_is_found_after_it() {
    let store = store();
    let table = store.table("raw.orders");
    let mut live = Vec::new();
    for number in 1..=25 {
        let first = i64::try_from(number).unwrap() * 10;
        let version = publish(&table, number, &simple(), &[], &[simple_rows(first..first + 10)], &live).await;
        live = version.files;
        table.checkpoint(number - 1).await.unwrap();
        assert_eq!(table.head().await.unwrap(), Some(number - 1));
    }
    let log = store.path(&table).join("_delta_log");
    let names = crate::support::files_below(&log);
    let checkpoints: Vec<&String> = names.iter().filter(|name| name.contains("checkpoint.parquet")).collect();
    assert_eq!(checkpoints, ["00000000000000000009.checkpoint.parquet", "00000000000000000019.checkpoint.parquet"]);
    // Somebody cleaned up what the checkpoint covers.
    for version in 0..19 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    assert_eq!(table.head().await.unwrap(), Some(24));
    assert_eq!(sorted(&live_rows(&table, &simple(), &[]).await, 1), simple_rows(250..260));
    std::fs::remove_file(log.join("_last_checkpoint")).unwrap();
    assert_eq!(table.head().await.unwrap(), Some(24));
}

//! Queries that need more than they are given spill, and joins that cannot are run again by sorting.

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use std::sync::Arc;

use crate::fixture::{Fixture, MB, count, rows_of, schema, sql};

/// `key` counts down from `rows`, spread over the batches; `text` makes a row about 60 bytes wide.
fn batches(rows: i64) -> Vec<RecordBatch> {
    let schema = schema("key: bigint, text: string").to_arrow();
    (0..rows)
        .step_by(8192)
        .map(|start| {
            let keys: Vec<i64> = (start..(start + 8192).min(rows)).map(|at| (at * 7919) % rows).collect();
            let text = keys.iter().map(|key| format!("{key:040}")).collect::<Vec<_>>();
            RecordBatch::try_new(
                schema.clone(),
                vec![Arc::new(Int64Array::from(keys)), Arc::new(StringArray::from(text))],
            )
            .unwrap()
        })
        .collect()
}

async fn fixture(memory_mb: u64, threads: usize, rows: i64) -> (Fixture, lockgate_engine::Session) {
    let fixture = Fixture::with_memory(memory_mb * MB, threads);
    let columns = schema("key: bigint, text: string");
    let session = fixture.session();
    for name in ["raw.left_side", "raw.right_side"] {
        let table = fixture.write(name, &columns, &[], vec![batches(rows)]).await;
        session.register(table).unwrap();
    }
    (fixture, session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sort_spills_and_stays_right() {
    let (fixture, session) = fixture(16, 2, 600_000).await;
    let columns = schema("key: bigint, text: string");
    let text = sql("select key, text from raw.left_side", 1);
    let streams = session.build(&text, &columns, &["key".to_owned()]).await.unwrap();
    assert_eq!(streams.len(), 1);
    let batches = rows_of(streams).await;
    assert_eq!(count(&batches), 600_000);
    let keys: Vec<i64> =
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(session.spilled_bytes() > 0);
    assert_eq!(fixture.engine.spilled_bytes(), session.spilled_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aggregate_spills() {
    let (_fixture, session) = fixture(16, 2, 600_000).await;
    let batches = session
        .collect("select count(*) as n from (select text, count(*) as c from raw.left_side group by text)")
        .await
        .unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 600_000);
    assert!(session.spilled_bytes() > 0);
}

async fn join_falls_back(threads: usize) {
    let (_fixture, session) = fixture(32, threads, 500_000).await;
    let columns = schema("key: bigint, text: string, other: string");
    let text =
        sql("select l.key, l.text, r.text as other from raw.left_side l join raw.right_side r on l.key = r.key", 1);
    let batches = rows_of(session.build(&text, &columns, &[]).await.unwrap()).await;
    assert_eq!(count(&batches), 500_000);
    assert!(session.spilled_bytes() > 0, "the sorts under the join spill");
    assert!(batches.iter().all(|batch| batch.column(1) == batch.column(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_does_not_fit_is_run_again_by_sorting() {
    join_falls_back(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_is_with_one_thread() {
    join_falls_back(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_plan_can_do_is_told() {
    let (_fixture, session) = fixture(16, 2, 600_000).await;
    let error = session
        .collect("select key from raw.left_side where text not in (select text from raw.right_side)")
        .await
        .unwrap_err();
    assert!(error.is_out_of_memory(), "{error}");
    assert_eq!(error.diagnostic().code.id, "LG0221");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_given_back() {
    let (fixture, session) = fixture(32, 2, 100_000).await;
    let mut reservation = fixture.engine.reserve("writers");
    reservation.resize(8 << 20).unwrap();
    assert_eq!(fixture.engine.reserved_bytes(), 8 * MB);
    assert!(reservation.resize(64 << 20).is_err());
    assert_eq!(reservation.bytes(), 8 << 20);
    drop(session.partitions("select key, count(*) as n from raw.left_side group by key").await.unwrap());
    drop(reservation);
    assert_eq!(fixture.engine.reserved_bytes(), 0);
}

#[tokio::test]
async fn the_spill_folder_goes_and_takes_abandoned_ones_along() {
    let fixture = Fixture::new();
    let spill = fixture.folder.path().join("spill");
    let own: Vec<_> = std::fs::read_dir(&spill).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(own.len(), 1);
    let abandoned = spill.join("1-0");
    std::fs::create_dir_all(abandoned.join("datafusion-x")).unwrap();
    std::fs::write(abandoned.join("lock"), "").unwrap();

    let options = lockgate_engine::EngineOptions { memory_bytes: 16 * MB, threads: 1, spill_dir: spill.clone() };
    let second = lockgate_engine::Engine::new(options, fixture.lake.clone()).unwrap();
    assert!(!abandoned.exists());
    assert!(own[0].exists());
    drop(second);
    drop(fixture.engine);
    assert_eq!(std::fs::read_dir(&spill).unwrap().count(), 0);
}

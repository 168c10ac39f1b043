//! What is read: not the files that both versions have, and not more at once than the memory holds.

use std::fmt::Write as _;
use std::path::PathBuf;

use lockgate_run::{DiffFiles, DiffOf, OfBoth, RunError};
use lockgate_types::{Version, VersionNumber};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{cells, counts, diff, diff_in, versions};
use crate::world::{World, name};

async fn version(world: &World, asset: &str, number: u64) -> Version {
    let (workspace, graph) = world.opened().await;
    let which = lockgate_run::Which::Number(VersionNumber(number));
    workspace.show(&graph, &name(asset), which, 0).await.unwrap().version
}

/// A source that grows by a file per version, and the same rows built anew each time.
async fn growing(files: &[&str]) -> World {
    let world = World::new(&[
        (
            "assets/raw/log.yml",
            "kind: source\nread: { path: \"data/*.csv\" }\nload: append\ncolumns: { id: bigint, text: string }\n",
        ),
        ("assets/mart/log.sql", "select id, text from raw.log\n"),
    ]);
    for (index, rows) in files.iter().enumerate() {
        world.write(&format!("data/{index}.csv"), &format!("id,text\n{rows}"));
        let summary = world.run().await;
        assert_eq!(summary.results.len(), 2, "{summary:#?}");
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_both_versions_have_are_not_read() {
    let world = growing(&["1,a\n2,b\n", "2,B\n3,c\n"]).await;
    let (old, new) = (version(&world, "raw.log", 1).await, version(&world, "raw.log", 2).await);
    assert_eq!((old.files.len(), new.files.len()), (1, 2));
    // Reading it would fail.
    let shared: PathBuf = world.root().join("store/tables/raw/log").join(&old.files[0].path);
    std::fs::remove_file(&shared).unwrap();
    let found = diff(&world, "raw.log", 1, 2, Some(&["id"])).await;
    assert_eq!(found.files, DiffFiles { shared: 1, shared_rows: 2, read: 1, read_rows: 2 });
    // 2 stood there with another text, which it keeps: its new row is added, not changed.
    assert_eq!(counts(&found), [2, 0, 0, 2]);
    let whole = diff(&world, "raw.log", 1, 2, None).await;
    assert_eq!(counts(&whole), [2, 0, 0, 2]);
    let (workspace, graph) = world.opened().await;
    let read = async {
        let sql = "select sum(id) from version('raw.log', 1)";
        let query = workspace.query(&graph, sql, lockgate_run::QueryOptions::default()).await?;
        Ok::<_, RunError>(futures::TryStreamExt::try_collect::<Vec<_>>(query.stream).await?)
    };
    assert!(read.await.is_err(), "the file is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_shared_files_out_changes_no_count() {
    let mut random = SmallRng::seed_from_u64(7);
    let files: Vec<String> = (0..5)
        .map(|_| {
            let mut rows = String::new();
            for _ in 0..random.random_range(1..8) {
                let id = if random.random_ratio(1, 6) { String::new() } else { random.random_range(1..6).to_string() };
                writeln!(rows, "{id},{}", ["a", "b", ""][random.random_range(0..3)]).unwrap();
            }
            rows
        })
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let world = growing(&files).await;
    // A rollback shares files with versions before and after.
    let opened = world.opened().await;
    for asset in ["raw.log", "mart.log"] {
        opened.0.rollback(&opened.1, &name(asset), VersionNumber(2), "test").await.unwrap();
    }
    for from in 1..=6 {
        for to in (1..=6).filter(|to| *to != from) {
            for key in [Some(&["id"][..]), Some(&["text"][..]), None] {
                let of = DiffOf::Between(VersionNumber(from), VersionNumber(to));
                let shared = diff_in(&opened, "raw.log", of, key).await.unwrap();
                let read = diff_in(&opened, "mart.log", of, key).await.unwrap();
                assert!(shared.files.shared > 0, "{from} {to}");
                let is_rollback = (from, to) == (2, 6) || (from, to) == (6, 2);
                assert_eq!(read.files.shared > 0, is_rollback, "{from} {to}");
                assert_eq!(counts(&shared), counts(&read), "{from} {to} {key:?}");
                assert_eq!(cells(&shared), cells(&read), "{from} {to} {key:?}");
                assert_eq!(shared.samples_added.rows, read.samples_added.rows);
                assert_eq!(shared.samples_removed.rows, read.samples_removed.rows);
                assert_eq!(shared.samples_changed, read.samples_changed);
                if is_rollback {
                    assert_eq!((shared.files.read, shared.added, shared.removed), (0, 0, 0));
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_into_memory_is_spilled_and_stays_exact() {
    const ROWS: u64 = 60_000;
    let row = "concat('a text that makes the row wide, like that of a real table ', v) as text";
    let first =
        format!("select (v * 7919) % {ROWS} as id, {row}, v % 2 as n from generate_series(0, {}) t(v)", ROWS - 1);
    let second = format!(
        "select (v * 7919) % {ROWS} as id, {row}, case when v % 100 = 3 then -1 else v % 2 end as n \
         from generate_series(0, {}) t(v) where v % 1000 <> 0 union all \
         select {ROWS} + v, 'new', 0 from generate_series(1, 50) t(v) union all select null, 'null', v from generate_series(1, 2) t(v)",
        ROWS - 1
    );
    let world = versions("", &[&first, &second]).await;
    world.write("lockgate.yml", "name: test\nengine: { memory: 8MB, threads: 2 }\n");
    let keyed = diff(&world, "mart.t", 1, 2, Some(&["id"])).await;
    let (removed, changed) = (ROWS / 1000, ROWS / 100);
    assert_eq!(counts(&keyed), [52, removed, changed, ROWS - removed - changed]);
    assert_eq!(cells(&keyed), [("n".to_owned(), changed), ("text".to_owned(), 0)].into());
    assert_eq!((keyed.null_keys, keyed.repeated_keys), (OfBoth { from: 0, to: 2 }, OfBoth { from: 0, to: 1 }));
    assert!(keyed.spilled_bytes > 1_000_000, "{} bytes spilled", keyed.spilled_bytes);
    let whole = diff(&world, "mart.t", 1, 2, None).await;
    assert_eq!(counts(&whole), [52 + changed, removed + changed, 0, ROWS - removed - changed]);
    assert!(whole.spilled_bytes > 1_000_000, "{} bytes spilled", whole.spilled_bytes);
    // One key for all rows: nothing grows with how often it stands.
    let of_one_key = diff(&world, "mart.t", 1, 2, Some(&["n"])).await;
    assert_eq!(of_one_key.repeated_keys, OfBoth { from: 2, to: 3 });
    assert_eq!(of_one_key.added + of_one_key.unchanged + of_one_key.changed, ROWS - removed + 52);
    assert_eq!(of_one_key.removed + of_one_key.unchanged + of_one_key.changed, ROWS);
}

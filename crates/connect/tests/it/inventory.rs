//! What a source remembers of its files, and how it stands against them.

use std::io::Write;
use std::time::{Duration, SystemTime};

use lockgate_kind::{KindError, Outside};
use tokio_util::sync::CancellationToken;

use crate::harness::{World, shown};

fn touch(world: &World, name: &str, seconds_ago: u64) {
    let file = std::fs::File::options().append(true).open(world.root().join(name)).unwrap();
    // A test may look at the clock.
    #[allow(clippy::disallowed_methods)]
    let now = SystemTime::now();
    file.set_modified(now - Duration::from_secs(seconds_ago)).unwrap();
}

fn why(outside: Outside) -> String {
    match outside {
        Outside::Changed { why, .. } => why,
        Outside::Unchanged => "unchanged".to_owned(),
        Outside::None => "none".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_changed_gone_and_touched_files_are_told_apart() {
    let world = World::new();
    world.source("read: { path: 'data/*.csv' }\n");
    world.write("data/a.csv", "x\n1\n");
    world.write("data/b.csv", "x\n2\n");
    assert_eq!(why(world.observe(None).await.unwrap()), "2 files");
    let built = world.build(None).await.unwrap();
    let live = world.publish(None, built);
    let look = async || why(world.observe(Some(&live)).await.unwrap());
    assert_eq!(look().await, "unchanged");
    touch(&world, "data/a.csv", 1000);
    assert_eq!(look().await, "unchanged", "a touched file with equal content is no change");
    world.write("data/a.csv", "x\n7\n");
    assert_eq!(look().await, "data/a.csv changed");
    world.write("data/c.csv", "x\n3\n");
    world.write("data/d.csv", "x\n3\n");
    std::fs::remove_file(world.root().join("data/b.csv")).unwrap();
    assert_eq!(look().await, "2 files new, data/a.csv changed, data/b.csv is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_files_have_equal_keys() {
    let world = World::new();
    world.source("read: { path: 'data/*.csv' }\n");
    world.write("data/a.csv", "x\n1\n");
    let key = async || match world.observe(None).await.unwrap() {
        Outside::Changed { key, .. } => key,
        other => panic!("{other:?}"),
    };
    let first = key().await;
    assert_eq!(first, key().await);
    world.write("data/a.csv", "x\n10\n");
    assert_ne!(first, key().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_reads_only_what_it_has_not_read() {
    let world = World::new();
    world.source("read: { path: 'data/*.csv' }\nload: append\n");
    world.write("data/a.csv", "x\n1\n");
    let built = world.build(None).await.unwrap();
    let live = world.publish(None, built);
    world.write("data/b.csv", "x\n2\n");
    let built = world.build(Some(&live)).await.unwrap();
    assert_eq!((built.rows, built.rows_read, built.files.len()), (2, 1, 2));
    assert_eq!(world.rows(&built).await, ["1", "2"]);
    let live = world.publish(Some(&live), built);
    // A touched file is no change; nothing new is read, and nothing is doubled.
    touch(&world, "data/a.csv", 1000);
    assert_eq!(world.observe(Some(&live)).await.unwrap(), Outside::Unchanged);
    let built = world.build(Some(&live)).await.unwrap();
    assert_eq!((built.rows, built.rows_read), (2, 0));
    // All of them gone is told as well.
    std::fs::remove_file(world.root().join("data/a.csv")).unwrap();
    std::fs::remove_file(world.root().join("data/b.csv")).unwrap();
    assert_eq!(why(world.observe(Some(&live)).await.unwrap()), "2 files gone");
    let error = world.build(Some(&live)).await.unwrap_err();
    assert!(matches!(error, KindError::Permanent(_)));
    assert_eq!(
        shown(&error)[0],
        "error: LG0309: data/a.csv vanished after it was read (data/a.csv)\n  hint: bring it back as it was, or start over: lockgate run raw.t --full-refresh"
    );
    world.write("data/c.csv", "x\n3\n");
    let built = world.build_with(Some(&live), true, CancellationToken::new()).await.unwrap();
    assert_eq!(world.rows(&built).await, ["3"], "a full refresh starts over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_settings_infer_anew() {
    let world = World::new();
    world.write("data/a.csv", "x;y\n1;2\n");
    world.source("read: { path: data/a.csv }\n");
    let built = world.build(None).await.unwrap();
    assert_eq!(built.schema.columns.len(), 1);
    let live = world.publish(None, built);
    world.source("read: { path: data/a.csv, delimiter: ';' }\n");
    let built = world.build(Some(&live)).await.unwrap();
    assert_eq!(world.rows(&built).await, ["1 | 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_build_stops() {
    let world = World::new();
    world.source("read: { path: data/a.csv }\n");
    world.write("data/a.csv", "x\n".to_owned() + &"1\n".repeat(100_000));
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = world.build_with(None, false, cancel).await.unwrap_err();
    assert!(matches!(error, KindError::Interrupted), "{error}");
}

/// A writer that keeps appending: the attempt fails as one that may go well later, or reads a state that was whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_growing_file_is_never_taken_for_whole() {
    let world = World::new();
    world.source("read: { path: data/a.csv }\ncolumns: { x: int }\n");
    world.write("data/a.csv", "x\n".to_owned() + &"1\n".repeat(2_000_000));
    let path = world.root().join("data/a.csv");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let mut file = std::fs::File::options().append(true).open(path).unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_all(b"1\n").unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let result = world.build(None).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    let error = result.unwrap_err();
    assert!(matches!(&error, KindError::Transient(diagnostic) if diagnostic.code.id == "LG0305"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_by_sorts_and_partition_by_divides() {
    let world = World::new();
    world.source("read: { path: data/a.csv }\ncluster_by: [x]\npartition_by: [day]\n");
    world.write("data/a.csv", "x,day\n3,a\n1,b\n2,a\n");
    let built = world.build(None).await.unwrap();
    assert_eq!(built.rows, 3);
    let mut parts: Vec<_> = built.files.iter().map(|file| file.partition.clone()).collect();
    parts.sort();
    parts.dedup();
    assert_eq!(parts.len(), 2, "{parts:?}");
}

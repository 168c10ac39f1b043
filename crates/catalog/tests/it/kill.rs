//! Processes that end at a durable step, and processes that write at once.

use std::collections::BTreeSet;
use std::process::Stdio;

use lockgate_catalog::conformance::faults::{check_whole, ending, recover, story};
use lockgate_catalog::conformance::samples::{ENV, name};
use lockgate_catalog::{FAULT_POINTS, open_sqlite};
use lockgate_types::Effects;

use crate::backend::Folder;
use crate::child::{answer, command, this_program};

/// A process is killed before and after every commit. Whoever comes next finds a whole catalog and comes to the
/// same end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_leaves_a_whole_catalog() {
    let calm = Folder::new();
    let catalog = open_sqlite(&calm.path(), Effects::real()).await.unwrap();
    story(&*catalog, "killed", 1).await.unwrap();
    let without = ending(&*catalog, "killed").await;
    for point in FAULT_POINTS {
        let folder = Folder::new();
        let killed = command(&this_program(), "story", &folder.path())
            .env("LOCKGATE_FAULTS", format!("{}=kill", point.name))
            .output()
            .unwrap();
        assert_eq!(killed.status.code(), None, "{} did not kill: {killed:?}", point.name);
        let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
        check_whole(&*catalog, "killed").await;
        recover(&*catalog).await;
        check_whole(&*catalog, "killed").await;
        story(&*catalog, "killed", 1).await.unwrap_or_else(|error| panic!("after {}: {error}", point.name));
        check_whole(&*catalog, "killed").await;
        let end = ending(&*catalog, "killed").await;
        assert!(end.same_for_readers(&without), "after {}: {end:?}", point.name);
        catalog.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_write_at_once() {
    const PROCESSES: u64 = 4;
    let folder = Folder::new();
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            command(&this_program(), "reserve", &folder.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut numbers = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for number in answer(&output).split(' ') {
            assert!(numbers.insert(number.parse::<u64>().unwrap()), "{number} was given out twice");
        }
    }
    assert_eq!(numbers, (1..=PROCESSES * 40).collect());
    let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
    assert_eq!(catalog.live_heads(ENV).await.unwrap().len() as u64, PROCESSES);
    assert_eq!(catalog.reserve_version(ENV, &name("raw.shared")).await.unwrap().0, PROCESSES * 40 + 1);
}

//! Every durable step is made to fail, to freeze, and to end the process; then work goes on.
//!
//! The work publishes eleven states of one table, a checkpoint on the way, and discards a candidate. State `n` has ten
//! rows, so what a reader may see is known at every moment.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use lockgate_lake::{FAULT_POINTS, Lake, LakeError, Layout, PutOutcome, Table};
use lockgate_types::{DataFile, Effects, FaultPoint, Faults, VersionNumber};

use crate::support::{files_below, plan, simple, simple_rows, sorted, version};

const STATES: u64 = 11;
/// Version numbers of state `n` are from `n * ATTEMPTS`.
const ATTEMPTS: u64 = 100;
/// The number of a candidate that is discarded.
const CANDIDATE: u64 = 99 * ATTEMPTS;
const CHILD: &str = "LOCKGATE_LAKE_CHILD";
const SIGABRT: i32 = 6;

fn open(root: &Path, effects: Effects) -> Table {
    Lake::open(root, "default", effects).unwrap().table(&"raw.orders".parse().unwrap())
}

fn without_faults() -> Effects {
    Effects { faults: std::sync::Arc::new(Faults::default()), ..Effects::real() }
}

/// A state's rows.
fn state_rows(state: u64) -> arrow::array::RecordBatch {
    let first = i64::try_from(state).unwrap() * 10;
    simple_rows(first..first + 10)
}

/// The Delta version of each published state. A state that is published twice is doubled work.
async fn published(table: &Table, head: Option<u64>) -> Result<BTreeMap<u64, u64>, LakeError> {
    let mut states = BTreeMap::new();
    if let Some(head) = head {
        for delta_version in 0..=head {
            let number = table.published_by(delta_version).await?.expect("nobody else commits");
            let before = states.insert(number.0 / ATTEMPTS, delta_version);
            assert_eq!(before, None, "state {} is published twice", number.0 / ATTEMPTS);
        }
    }
    Ok(states)
}

/// Goes on from wherever the table is. `me` keeps the numbers of two workers apart; `alone` says that what lies around
/// unfinished is nobody's.
async fn work(table: &Table, me: u64, alone: bool) -> Result<(), LakeError> {
    let mut attempt = 0;
    let mut state = 1;
    while state <= STATES {
        // The base first: what is published later than this moves it, and the put is refused.
        let base = table.head().await?;
        if published(table, base).await?.contains_key(&state) {
            state += 1;
            continue;
        }
        let mut helped = false;
        for number in table.staged_numbers().await? {
            if number.0 / ATTEMPTS != state {
                continue;
            }
            // What was prepared on this base is finished with the same bytes; anything else begins anew.
            if let Some(commit) = table.load_commit(number, base).await? {
                table.put_commit(&commit).await?;
                helped = true;
                break;
            }
            if alone {
                table.discard(number).await?;
            }
        }
        if helped {
            continue;
        }
        let live: Vec<DataFile> = match base {
            Some(base) => table.files_at(base).await?,
            None => Vec::new(),
        };
        attempt += 1;
        let number = state * ATTEMPTS + me * 40 + attempt;
        let mut writer = table.stage(VersionNumber(number), &simple(), Layout::default());
        writer.write(&state_rows(state))?;
        let staged = writer.finish().await?;
        table.write_parts(VersionNumber(number), b"what an audit found".to_vec()).await?;
        let candidate = version(table.asset(), number, &simple(), staged);
        // Beside the files, and only of use to a later audit.
        table.write_parts(VersionNumber(number), b"parts".to_vec()).await?;
        let commit = table.prepare_commit(plan(&candidate, base, live)).await?;
        match table.put_commit(&commit).await? {
            PutOutcome::Put | PutOutcome::AlreadyThere => table.checkpoint(commit.delta_version()).await?,
            PutOutcome::BaseMoved { .. } => {}
        }
    }
    // What a build has made so far, for one that comes after it: of no use once the version stands.
    table.keep(&format!("worker{me}"), 0, b"a piece".to_vec()).await?;
    let candidate = VersionNumber(CANDIDATE + me);
    let mut writer = table.stage(candidate, &simple(), Layout::default());
    if writer.write(&state_rows(0)).is_ok() {
        writer.finish().await?;
    }
    table.discard(candidate).await?;
    // The other way to take files away, which asks nobody.
    let mut writer = table.stage(candidate, &simple(), Layout::default());
    writer.write(&state_rows(0))?;
    writer.finish().await?;
    let files = table.inventory().await?.versions.remove(&candidate).unwrap_or_default();
    let paths: Vec<String> = files.into_iter().map(|file| file.path).collect();
    table.remove(&paths, &[candidate]).await.map(|_| ())
}

/// What holds at every moment: readers see exactly the newest published state.
async fn assert_readable(table: &Table) {
    let head = table.head().await.unwrap();
    let states = published(table, head).await.unwrap();
    let Some((state, delta_version)) = states.last_key_value() else { return assert_eq!(head, None) };
    assert_eq!(head, Some(*delta_version));
    let files = table.files_at(*delta_version).await.unwrap();
    let read = table.read(&files, &simple(), &[], None).await.unwrap();
    assert_eq!(sorted(&read, 1), state_rows(*state));
}

/// What holds at the end.
async fn assert_done(table: &Table, root: &Path) {
    assert_readable(table).await;
    let head = table.head().await.unwrap();
    assert_eq!(published(table, head).await.unwrap().into_keys().collect::<Vec<_>>(), (1..=STATES).collect::<Vec<_>>());
    let leftovers: Vec<String> = files_below(root).into_iter().filter(|file| file.contains("v9900")).collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

/// Not a test: the process that the tests below kill.
#[tokio::test]
async fn child() {
    let Some(root) = std::env::var_os(CHILD) else { return };
    work(&open(Path::new(&root), Effects::real()), 0, true).await.unwrap();
}

/// Runs [`child`] with faults armed and answers the signal that ended it.
fn child_signal(root: &Path, faults: &str) -> Option<i32> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::child", "--nocapture"])
        .env(CHILD, root)
        .env("LOCKGATE_FAULTS", faults)
        .output()
        .unwrap();
    output.status.signal()
}

#[tokio::test]
async fn a_process_killed_at_any_step_is_recovered() {
    for point in FAULT_POINTS {
        // Before anything is published, and in the middle.
        for states_before in [0, 9] {
            let folder = tempfile::tempdir().unwrap();
            let table = open(folder.path(), without_faults());
            for state in 1..=states_before {
                let live = match table.head().await.unwrap() {
                    Some(head) => table.files_at(head).await.unwrap(),
                    None => Vec::new(),
                };
                crate::support::publish(&table, state * ATTEMPTS, &simple(), &[], &[state_rows(state)], &live).await;
            }
            let signal = child_signal(folder.path(), &format!("{}=kill", point.name));
            assert_eq!(signal, Some(SIGABRT), "{} did not fire after {states_before} states", point.name);
            assert_readable(&table).await;
            work(&table, 0, true).await.unwrap();
            assert_done(&table, folder.path()).await;
        }
    }
}

#[tokio::test]
async fn a_step_that_fails_once_is_repeated() {
    for point in FAULT_POINTS {
        let folder = tempfile::tempdir().unwrap();
        let effects = without_faults();
        let table = open(folder.path(), effects.clone());
        effects.faults.arm(point.name, "fail");
        let first = work(&table, 0, true).await;
        assert_eq!(effects.faults.fired(point), 1, "{} did not fire", point.name);
        assert!(first.is_ok() || matches!(first, Err(LakeError::Fault(_))), "{first:?}");
        assert_readable(&table).await;
        work(&table, 0, true).await.unwrap();
        assert_done(&table, folder.path()).await;
    }
}

#[tokio::test]
async fn a_step_that_always_fails_harms_nobody() {
    for point in FAULT_POINTS {
        let folder = tempfile::tempdir().unwrap();
        let effects = without_faults();
        let table = open(folder.path(), effects.clone());
        effects.faults.arm(point.name, "fail:1000000");
        for _ in 0..3 {
            let outcome = work(&table, 0, true).await;
            assert!(outcome.is_ok() || matches!(outcome, Err(LakeError::Fault(_))), "{outcome:?}");
            assert_readable(&table).await;
        }
        assert!(effects.faults.fired(point) >= 1, "{} did not fire", point.name);
        let recovered = open(folder.path(), without_faults());
        work(&recovered, 0, true).await.unwrap();
        assert_done(&recovered, folder.path()).await;
    }
}

/// One worker freezes at a step while another goes on; each helps or is turned away, none doubles anything.
#[test]
fn a_worker_that_freezes_is_overtaken() {
    let run = |table: Table, me: u64| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                work(&table, me, false).await.unwrap();
                assert_readable(&table).await;
            });
        })
    };
    let freeze = |point: &FaultPoint| {
        let folder = tempfile::tempdir().unwrap();
        let effects = without_faults();
        effects.faults.arm(point.name, "freeze:400");
        let frozen = run(open(folder.path(), effects.clone()), 0);
        let other = run(open(folder.path(), without_faults()), 1);
        frozen.join().unwrap();
        other.join().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(assert_done(&open(folder.path(), without_faults()), folder.path()));
        effects.faults.fired(point)
    };
    for point in FAULT_POINTS {
        // Only the worker whose commit came first writes a checkpoint, which need not be the one to freeze.
        let fired = (0..20).any(|_| freeze(point) == 1);
        assert!(fired, "{} did not fire", point.name);
    }
}

/// An error that is answered after the work was done is settled by what stands.
#[tokio::test]
async fn an_ambiguous_put_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let effects = without_faults();
    let table = open(folder.path(), effects.clone());
    let after_put = FAULT_POINTS.iter().find(|point| point.name == "lake.after_put").unwrap();
    let mut writer = table.stage(VersionNumber(1), &simple(), Layout::default());
    writer.write(&state_rows(1)).unwrap();
    let first = version(table.asset(), 1, &simple(), writer.finish().await.unwrap());
    let commit = table.prepare_commit(plan(&first, None, Vec::new())).await.unwrap();
    effects.faults.arm(after_put.name, "fail");
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::AlreadyThere);
    assert_eq!(effects.faults.fired(after_put), 1);
    let before_put = FAULT_POINTS.iter().find(|point| point.name == "lake.before_put").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let table = open(folder.path(), effects.clone());
    effects.faults.arm(before_put.name, "fail");
    let commit = table.prepare_commit(plan(&first, None, Vec::new())).await.unwrap();
    assert!(matches!(table.put_commit(&commit).await, Err(LakeError::Fault(_))), "nothing stands, so it is an error");
    assert_eq!(effects.faults.fired(before_put), 1);
    assert_eq!(table.put_commit(&commit).await.unwrap(), PutOutcome::Put);
}

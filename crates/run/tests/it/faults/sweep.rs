//! Every operation of the store and of the catalog in a whole run, in every way.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_types::{Effects, FaultPoint, Faults, RunState};

use super::ledger::Template;
use super::stories::armed;
use super::{in_own_process, is_whole};

/// A way to fail: as it is told, and as it is armed for operation `n`.
pub(crate) struct Way {
    pub(crate) says: &'static str,
    arm: fn(usize) -> String,
}

pub(crate) const WAYS: &[Way] = &[
    Way { says: "fails once", arm: |n| format!("nth:{n}=fail") },
    Way { says: "fails for ever", arm: |n| format!("nth:{n}..=fail") },
    Way { says: "is done, and answers an error", arm: |n| format!("nth:{n}=fail-after") },
    Way { says: "answers late", arm: |n| format!("nth:{n}=late:20") },
];

/// In ordinary CI each of the first three ways strikes one operation in so many.
const STRIDE: usize = 18;

/// The operations that the run consists of, by counted point.
pub(crate) const KINDS: &[(&str, &[&str])] = &[
    (
        "store.op",
        &[
            "create file",
            "create folder",
            "get object",
            "get ranges",
            "link file",
            "look at object",
            "put object",
            "remove file",
            "remove whole folder",
            "rename file",
            "sync file",
            "sync folder",
            "write file",
        ],
    ),
    ("catalog.read", &["read"]),
    ("catalog.write", &["open", "write"]),
];

pub(crate) fn counted() -> Vec<&'static FaultPoint> {
    lockgate_lake::COUNTED.iter().chain(lockgate_catalog::COUNTED).collect()
}

pub(crate) fn without_faults() -> Effects {
    Effects { faults: Arc::new(Faults::default()), ..Effects::real() }
}

/// Which of its point's, from 1, and what it does.
pub(crate) type Operation = (&'static FaultPoint, usize, &'static str);

/// Every operation of a run without faults, in the order of their coming by point.
pub(crate) async fn operations(template: &Template) -> Vec<Operation> {
    let ledger = template.copy(without_faults());
    counted().iter().for_each(|point| ledger.effects.faults.arm(point.name, "count"));
    let calm = ledger.run().await.unwrap();
    let mut operations = Vec::new();
    for point in counted() {
        let seen = ledger.effects.faults.seen(point);
        let kinds: BTreeSet<&str> = seen.iter().copied().collect();
        let told = KINDS.iter().find(|(name, _)| *name == point.name).map(|(_, kinds)| *kinds);
        assert_eq!(told, Some(&kinds.into_iter().collect::<Vec<_>>()[..]), "{}: {calm:#?}", point.name);
        operations.extend(seen.into_iter().enumerate().map(|(index, what)| (point, index + 1, what)));
    }
    ledger.assert_survived("without faults").await;
    operations
}

async fn sweep(way: usize) {
    let template = Template::prepare().await;
    let operations = operations(&template).await;
    let (mut struck, mut missed) = (0, Vec::new());
    for (index, (point, n, what)) in operations.iter().enumerate() {
        if !is_whole() && index % STRIDE != way * STRIDE / WAYS.len() {
            continue;
        }
        let case = format!("operation {n} of {}, {what}, {}", point.name, WAYS[way].says);
        let ledger = template.copy(armed(point.name, &(WAYS[way].arm)(*n)));
        let _ = ledger.run().await;
        if ledger.effects.faults.fired(point) == 0 {
            missed.push(case);
            continue;
        }
        ledger.assert_survived(&case).await;
        struck += 1;
    }
    println!("{struck} of {} operations were struck", operations.len());
    // Readers and events come as threads go, so not every run has quite as many.
    assert!(missed.len() <= struck / 10, "{struck} operations were struck, these were not: {missed:#?}");
}

/// All operations of one run, each a little late.
async fn all_late() {
    let template = Template::prepare().await;
    let ledger = template.copy(without_faults());
    counted().iter().for_each(|point| ledger.effects.faults.arm(point.name, "nth:1..=late:2"));
    let summary = ledger.run().await.unwrap();
    assert_eq!(summary.state, RunState::Held, "{summary:#?}");
    for point in counted() {
        let fired = usize::try_from(ledger.effects.faults.fired(point)).unwrap();
        assert_eq!(fired, ledger.effects.faults.seen(point).len(), "{}", point.name);
    }
    ledger.assert_survived("every operation answers late").await;
}

#[test]
fn every_operation_fails_once() {
    in_own_process("faults::sweep::every_operation_fails_once", sweep(0));
}

#[test]
fn every_operation_fails_for_ever() {
    in_own_process("faults::sweep::every_operation_fails_for_ever", sweep(1));
}

#[test]
fn every_operation_is_done_and_answers_an_error() {
    in_own_process("faults::sweep::every_operation_is_done_and_answers_an_error", sweep(2));
}

#[test]
fn every_operation_answers_late() {
    in_own_process("faults::sweep::every_operation_answers_late", async {
        all_late().await;
        // One late answer among quick ones is told from others by its order alone.
        if is_whole() {
            sweep(3).await;
        }
    });
}

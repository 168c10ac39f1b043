//! The power is cut at every operation of a run; what was not synced is lost, or worse.

use std::sync::Arc;

use lockgate_types::{FaultPoint, RunState};

use super::disk::{Disk, LUCKS, Luck};
use super::ledger::{Ledger, Template, before};
use super::sweep::{Operation, counted, operations, without_faults};
use super::{in_own_process, is_whole};

/// In ordinary CI the power is cut at one operation in so many, each time with one kind of luck.
const STRIDE: usize = 10;

/// Cuts the power of a copy of the template at operation `n` of `point`; answers what is on disk then. `None` when the
/// run had ended before.
async fn cut(template: &Template, point: &'static FaultPoint, n: usize) -> Option<(Ledger, Arc<Disk>)> {
    let ledger = template.copy(without_faults());
    let disk = Arc::new(Disk::new(ledger.root()));
    ledger.effects.faults.watch(disk.clone());
    ledger.effects.faults.arm(point.name, &format!("nth:{n}=cut"));
    let _ = ledger.run().await;
    (ledger.effects.faults.fired(point) == 1).then_some((ledger, disk))
}

async fn every_cut() {
    let template = Template::prepare().await;
    let operations = operations(&template).await;
    cut_at_each(&template, &operations, async |ledger, case| ledger.assert_survived(case).await).await;
}

/// Nothing is on disk yet but the project: not the store's folders, not the catalog.
async fn every_cut_of_a_first_run() {
    let template = Template::fresh();
    let ledger = template.copy(without_faults());
    counted().iter().for_each(|point| ledger.effects.faults.arm(point.name, "count"));
    ledger.run().await.unwrap();
    let numbered =
        |point| ledger.effects.faults.seen(point).into_iter().enumerate().map(move |(at, what)| (point, at + 1, what));
    let operations: Vec<_> = counted().into_iter().flat_map(numbered).collect();
    cut_at_each(&template, &operations, async |ledger, case| ledger.assert_begun(case).await).await;
}

async fn cut_at_each(template: &Template, operations: &[Operation], survived: impl AsyncFn(&Ledger, &str)) {
    let (mut cuts, mut missed) = (0, Vec::new());
    // Nothing is lost between two questions.
    let changing = operations.iter().filter(|(point, ..)| point.name != "catalog.read");
    for (index, (point, n, what)) in changing.enumerate() {
        if !is_whole() && index % STRIDE != 0 {
            continue;
        }
        let Some((ledger, disk)) = cut(template, point, *n).await else {
            missed.push((point.name, *n));
            continue;
        };
        for (at, luck) in LUCKS.into_iter().enumerate() {
            if !is_whole() && at != index / STRIDE % LUCKS.len() {
                continue;
            }
            let luck = if let Luck::Mixed(seed) = luck { Luck::Mixed(seed + index as u64) } else { luck };
            let case = format!("power cut at operation {n} of {}, {what}, luck {luck:?}", point.name);
            let folder = tempfile::tempdir().unwrap();
            disk.lay_out(folder.path(), luck);
            survived(&Ledger::at(folder, without_faults()), &case).await;
        }
        drop(ledger);
        cuts += 1;
    }
    println!("{cuts} cuts at {} operations", operations.len());
    // Readers and events come as threads go, so not every run has quite as many.
    assert!(missed.len() <= cuts / 10, "{cuts} cuts were made, these were not: {missed:?}");
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing() {
    in_own_process("faults::power::a_power_cut_at_any_operation_loses_nothing", every_cut());
}

#[test]
fn a_power_cut_in_a_first_run_loses_nothing() {
    in_own_process("faults::power::a_power_cut_in_a_first_run_loses_nothing", every_cut_of_a_first_run());
}

/// What a run has answered is on disk, also when an earlier one left folders whose names were not: a power cut just
/// after it takes nothing back.
async fn answers_last() {
    let template = Template::fresh();
    let point = lockgate_lake::COUNTED[0];
    let syncs: Vec<usize> = {
        let ledger = template.copy(without_faults());
        ledger.effects.faults.arm(point.name, "count");
        ledger.run().await.unwrap();
        let seen = ledger.effects.faults.seen(&point).into_iter().enumerate();
        seen.filter(|(_, what)| *what == "sync folder").map(|(index, _)| index + 1).collect()
    };
    for (index, n) in syncs.iter().enumerate() {
        // The first make the store's own folders; in ordinary CI, of the others one in four.
        if !is_whole() && index > 6 && index % 4 != 0 {
            continue;
        }
        let case = format!("folder sync {index} failed, operation {n}, then all went well");
        let mut ledger = template.copy(without_faults());
        let disk = Arc::new(Disk::new(ledger.root()));
        ledger.effects.faults.watch(disk.clone());
        ledger.effects.faults.arm(point.name, &format!("nth:{n}=fail"));
        let _ = ledger.run().await;
        assert_eq!(ledger.effects.faults.fired(&point), 1, "{case}");
        ledger.effects = without_faults();
        ledger.effects.faults.watch(disk.clone());
        let summary = ledger.run().await.unwrap();
        assert_eq!(summary.state, RunState::Done, "{case}: {summary:#?}");
        ledger.effects.faults.cut();
        let folder = tempfile::tempdir().unwrap();
        disk.lay_out(folder.path(), Luck::None);
        Ledger::at(folder, without_faults()).assert_sees(&before(), &case).await;
    }
}

#[test]
fn a_power_cut_after_the_answer_takes_nothing_back() {
    in_own_process("faults::power::a_power_cut_after_the_answer_takes_nothing_back", answers_last());
}

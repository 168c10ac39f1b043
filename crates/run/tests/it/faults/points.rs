//! Every named fault point of the store, the catalog and the runs fires in a story, in every mode.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lockgate_types::{Effects, FaultPoint};

use super::ledger::{Ledger, Seen, Template, assert_between};
use super::stories::{End, Story, armed, ends};
use super::{in_own_process, is_whole};
use crate::world::World;

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Once,
    ForEver,
    Kill,
    Freeze,
}

impl Mode {
    pub(crate) const ALL: [Mode; 4] = [Mode::Once, Mode::ForEver, Mode::Kill, Mode::Freeze];

    fn action(self) -> &'static str {
        match self {
            Mode::Once => "fail:1",
            Mode::ForEver => "fail:1000000",
            Mode::Kill => "kill",
            Mode::Freeze => "freeze:250",
        }
    }
}

/// The stories that pass each point. Those in which nothing passes it are told why on the page.
pub(crate) const TABLE: &[(&str, &[Story])] = &[
    ("lake.file_staged", &[Story::Run]),
    ("lake.version_recorded", &[Story::Run]),
    ("lake.parts_written", &[Story::Run]),
    ("lake.piece_kept", &[]),
    ("lake.commit_prepared", &[Story::Run]),
    ("lake.before_put", &[Story::Run, Story::Foreign]),
    ("lake.after_put", &[Story::Run]),
    ("lake.checkpoint", &[Story::Checkpoint]),
    ("lake.checkpointed", &[Story::Checkpoint]),
    ("lake.before_discard", &[Story::Leftovers]),
    ("lake.discarded", &[Story::Leftovers]),
    ("lake.before_remove", &[Story::Retention]),
    ("lake.removing", &[Story::Retention]),
    ("lake.removed", &[Story::Retention]),
    ("run.commit_prepared", &[Story::Run]),
    ("run.publishing_recorded", &[Story::Run]),
    ("run.commit_put", &[Story::Run, Story::Foreign]),
    ("run.published_recorded", &[Story::Run]),
    ("run.gc_expired", &[Story::Retention]),
    ("run.gc_removed", &[Story::Retention]),
    ("run.rebuild_written", &[Story::Rebuild]),
    ("run.rebuild_placed", &[Story::Rebuild]),
    ("catalog.lease", &[Story::Run]),
    ("catalog.steal", &[Story::Stolen]),
    ("catalog.release", &[Story::Run]),
    ("catalog.create_run", &[Story::Run]),
    ("catalog.reserve", &[Story::Run]),
    ("catalog.put_staged", &[Story::Run]),
    ("catalog.set_audited", &[Story::Run]),
    ("catalog.hold", &[Story::Run]),
    ("catalog.begin_publishing", &[Story::Run]),
    ("catalog.set_base", &[Story::Foreign]),
    ("catalog.withdraw", &[]),
    ("catalog.finish_publishing", &[Story::Run]),
    ("catalog.abandon", &[Story::Leftovers, Story::Dismissal]),
    ("catalog.expire", &[Story::Retention]),
    ("catalog.restore", &[Story::Rebuild]),
    ("catalog.set_code", &[Story::Run]),
    ("catalog.suppress", &[Story::Suppression]),
    ("catalog.set_task", &[Story::Run]),
    ("catalog.events", &[Story::Run]),
    ("catalog.beat", &[Story::Run]),
    ("catalog.late", &[Story::Late]),
    ("catalog.cache", &[Story::Run]),
    ("catalog.audit", &[Story::Retention]),
    ("catalog.end_run", &[Story::Run]),
];

/// Every point of the code, in the order of the crates.
pub(crate) fn points() -> Vec<&'static FaultPoint> {
    lockgate_lake::FAULT_POINTS.iter().chain(lockgate_run::FAULT_POINTS).chain(lockgate_catalog::FAULT_POINTS).collect()
}

/// `catalog.lease.before` and `catalog.lease.after` stand in one row.
pub(crate) fn row(point: &FaultPoint) -> &'static str {
    let name = point.name;
    name.strip_suffix(".before").or_else(|| name.strip_suffix(".after")).unwrap_or(name)
}

/// The points that no story fires. Pieces of a build are kept by forecasts alone, which `lockgate`'s test of them kills there; no way of the
/// product withdraws, and the catalog's own suite does.
pub(crate) const ELSEWHERE: &[&str] = &["lake.piece_kept", "catalog.withdraw"];

#[test]
fn every_fault_point_has_a_story() {
    let of_code: BTreeSet<&str> = points().into_iter().map(row).collect();
    let of_table: BTreeSet<&str> = TABLE.iter().map(|(row, _)| *row).collect();
    assert_eq!(of_code, of_table);
    let untold: Vec<&str> = TABLE.iter().filter(|(_, stories)| stories.is_empty()).map(|(row, _)| *row).collect();
    assert_eq!(untold, ELSEWHERE, "a point that nothing fires proves nothing");
}

/// One story with each of its points, in each mode. In ordinary CI each point fails once, and one in eight is struck in
/// one other mode.
async fn tell(story: Story) {
    let template = story.prepared().await;
    let calm = template.copy(Effects::real());
    let before = calm.seen_directly().await;
    let end = ends(story, &calm, "without faults").await;
    let mine = |point: &&FaultPoint| TABLE.iter().any(|(of, stories)| *of == row(point) && stories.contains(&story));
    for (index, point) in points().into_iter().filter(mine).enumerate() {
        for (at, mode) in Mode::ALL.into_iter().enumerate() {
            if mode != Mode::Once && !is_whole() && (index % 8 != 0 || index / 8 % 3 + 1 != at) {
                continue;
            }
            strike(story, &template, point, mode, &before, &end).await;
        }
    }
}

async fn strike(story: Story, template: &Template, point: &'static FaultPoint, mode: Mode, before: &Seen, end: &End) {
    let case = format!("{story:?}, {}, {mode:?}", point.name);
    let fired = match mode {
        Mode::Once | Mode::ForEver => {
            let ledger = template.copy(armed(point.name, mode.action()));
            let mut world = ledger.calm();
            world.effects = ledger.effects.clone();
            let _ = story.act(&world).await;
            drop(world);
            let fired = ledger.effects.faults.fired(point);
            check(story, &ledger, before, end, &case).await;
            fired > 0
        }
        Mode::Kill => {
            let ledger = template.copy(Effects::real());
            let ended = start(story, ledger.root(), point, mode).wait().unwrap();
            check(story, &ledger, before, end, &case).await;
            ended.code().is_none()
        }
        Mode::Freeze => {
            let ledger = template.copy(Effects::real());
            let frozen = start(story, ledger.root(), point, mode);
            // Another goes on meanwhile, as far as it is let.
            let _ = story.act(&ledger.calm()).await;
            let output = frozen.wait_with_output().unwrap();
            check(story, &ledger, before, end, &case).await;
            // Where the other was quicker, the frozen one had nothing left to do.
            String::from_utf8_lossy(&output.stdout).contains("said: ")
        }
    };
    assert!(fired, "{case}: did not fire");
}

/// Readers never see a third state, and the end is the same.
async fn check(story: Story, ledger: &Ledger, before: &Seen, end: &End, case: &str) {
    if story != Story::Rebuild {
        assert_between(&ledger.opened().await.seen().await, before, &end.seen, case, "readers");
    }
    assert_between(&ledger.seen_directly().await, before, &end.seen, case, "direct readers");
    assert_eq!(ends(story, ledger, case).await, *end, "{case}");
}

const STORY: &str = "LOCKGATE_FAULTS_STORY";
const ROOT: &str = "LOCKGATE_FAULTS_ROOT";

fn start(story: Story, root: &Path, point: &FaultPoint, mode: Mode) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::points::plays_a_story", "--ignored", "--nocapture"])
        .env(STORY, format!("{story:?}"))
        .env(ROOT, root)
        .env("LOCKGATE_FAULTS", format!("{}={}", point.name, mode.action()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn plays_a_story() {
    let Ok(story) = std::env::var(STORY) else { return };
    let world = World::at(Path::new(&std::env::var(ROOT).unwrap()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let acted = runtime.block_on(Story::of(&story).act(&world));
    println!("said: {}", acted.is_ok());
}

#[test]
fn runs_survive_every_point() {
    in_own_process("faults::points::runs_survive_every_point", tell(Story::Run));
}

#[test]
fn odd_runs_survive_every_point() {
    in_own_process("faults::points::odd_runs_survive_every_point", async {
        for story in [Story::Checkpoint, Story::Leftovers, Story::Foreign, Story::Stolen, Story::Late] {
            tell(story).await;
        }
    });
}

#[test]
fn people_survive_every_point() {
    in_own_process("faults::points::people_survive_every_point", async {
        for story in [Story::Suppression, Story::Dismissal, Story::Retention, Story::Rebuild] {
            tell(story).await;
        }
    });
}

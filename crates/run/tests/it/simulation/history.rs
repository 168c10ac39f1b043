//! One history: a project, its workers, and what holds at every moment and in the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::TryStreamExt;
use lockgate_catalog::memory::Memory;
use lockgate_catalog::{Catalog, CatalogError, VersionSummary};
use lockgate_lake::{Lake, LakeError};
use lockgate_run::{Health, OpenOptions, PlanOptions, QueryOptions, RunError, RunOptions, RunSummary, Workspace};
use lockgate_types::{
    Actor, AssetName, Effects, Faults, Ids, Random, RunState, TaskState, VersionNumber, VersionState,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::kind::Simulated;
use super::schedule::{Schedule, VirtualClock, WorkerIndex};
use super::wire::{Chaos, Counts};
use crate::world::{Silent, World, name};

const ENV: &str = "default";

const WORKERS: usize = 3;
/// How often each of them runs the project.
const RUNS: u64 = 1;
/// How often each comes again after a crash.
const LIVES_MAX: u64 = 3;

/// Whoever comes when all is over.
const CALM: WorkerIndex = WORKERS;

/// More steps than any history needs: nobody gets anywhere.
const STEPS_MAX: u64 = 200_000;

const ASSETS: [&str; 4] = ["raw.one", "pair.one", "pair.two", "sum.one"];

/// What the outside says that may not pass the gate of `pair.one`.
fn is_flawed(value: u64) -> bool {
    value % 5 == 3
}

/// What happened in one history, or in many.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_insert(0) += count;
        }
    }

    /// Everything that can happen did.
    pub(crate) fn assert_eventful(&self) {
        let never: Vec<&str> = self.counts.iter().filter(|(_, count)| **count == 0).map(|(what, _)| *what).collect();
        assert!(never.is_empty(), "in no history: {never:?}");
    }
}

pub(crate) struct Told {
    pub(crate) trace: Vec<String>,
    pub(crate) tally: Tally,
}

/// Plays one history. Panics at the first thing that should not be.
pub(crate) fn play(seed: u64) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let schedule = Schedule::new(seed);
    runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let stage = Arc::new(Stage::new(&schedule, seed));
        drive(&stage).await;
        Told { trace: schedule.trace(), tally: stage.tally().await }
    }))
}

/// What the workers of a history share.
struct Stage {
    schedule: Arc<Schedule>,
    memory: Memory,
    world: World,
    outside: Arc<AtomicU64>,
    next_id: Arc<AtomicU64>,
    counts: Arc<Counts>,
    assets: Vec<AssetName>,
    seed: u64,
    _folder: TempDir,
}

#[derive(Debug)]
struct SharedIds(Arc<AtomicU64>);

impl Ids for SharedIds {
    fn next(&self) -> String {
        format!("{:08}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

impl Random for SharedIds {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// How a life of a worker ended.
enum Life {
    Done,
    Crashed(WorkerIndex, u64),
}

impl Stage {
    fn new(schedule: &Arc<Schedule>, seed: u64) -> Stage {
        // Every third history is longer.
        let assets: Vec<AssetName> =
            ASSETS[..if seed.is_multiple_of(3) { 4 } else { 3 }].iter().map(|asset| name(asset)).collect();
        let checked = "kind: simulated\nchecks:\n  - expect: \"n % 5 <> 3\"\n";
        // Files in memory where there are any: a sync of a real disk takes longer than all the rest.
        let in_memory = Path::new("/dev/shm");
        let folder = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() }.unwrap();
        let world = World::at(folder.path());
        world.write(
            "lockgate.yml",
            "name: simulated\nengine: { memory: 64MB, threads: 1 }\nkeep: { versions: 1 }\n\
             groups:\n  - { name: pair, assets: [pair.*] }\n",
        );
        for asset in &assets {
            let text = if *asset == name("pair.one") { checked } else { "kind: simulated\n" };
            world.write(&format!("assets/{}/{}.yml", asset.schema(), asset.table()), text);
        }
        Stage {
            assets,
            seed,
            schedule: Arc::clone(schedule),
            memory: Memory::default(),
            world,
            outside: Arc::new(AtomicU64::new(1)),
            next_id: Arc::default(),
            counts: Arc::default(),
            _folder: folder,
        }
    }

    fn clock(&self, worker: WorkerIndex) -> Arc<VirtualClock> {
        Arc::new(VirtualClock {
            schedule: Arc::clone(&self.schedule),
            worker,
            wrong_by_ms: Mutex::new(0),
            since_ms: self.schedule.now_ms(),
        })
    }

    fn effects(&self, clock: Arc<VirtualClock>) -> Effects {
        let next_id = || SharedIds(Arc::clone(&self.next_id));
        Effects { clock, ids: Arc::new(next_id()), random: Arc::new(next_id()), faults: Arc::new(Faults::default()) }
    }

    /// The catalog as it stands, without a wire.
    fn catalog(&self) -> Arc<dyn Catalog> {
        self.memory.open(self.effects(self.clock(CALM)))
    }

    async fn open(
        &self,
        worker: WorkerIndex,
        effects: &Effects,
        catalog: Arc<dyn Catalog>,
    ) -> Result<Workspace, RunError> {
        let options = OpenOptions {
            environment: None,
            actor: Actor(format!("worker {worker}")),
            kinds: vec![Arc::new(Simulated { outside: Arc::clone(&self.outside) })],
            effects: effects.clone(),
            env: Arc::new(|_| None),
        };
        Workspace::open_on(self.world.root(), options, catalog).await
    }

    async fn run(
        &self,
        worker: WorkerIndex,
        effects: &Effects,
        catalog: &Arc<dyn Catalog>,
    ) -> Result<RunSummary, RunError> {
        let workspace = self.open(worker, effects, Arc::clone(catalog)).await?;
        let graph = workspace.graph().await?;
        let plan = workspace.plan(&graph, &PlanOptions::default()).await?;
        let options = RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 1 };
        workspace.run(&graph, &plan, options).await
    }

    async fn tally(&self) -> Tally {
        let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
        let log = self.catalog().audit_log(ENV, None, usize::MAX).await.unwrap();
        let said = |action: &str| log.iter().filter(|entry| entry.action == action).count() as u64;
        Tally {
            counts: [
                ("calls", count(&self.counts.calls)),
                ("calls lost", count(&self.counts.lost)),
                ("answers lost", count(&self.counts.answers_lost)),
                ("calls doubled", count(&self.counts.doubled)),
                ("freezes", count(&self.counts.freezes)),
                ("crashes", count(&self.counts.crashes)),
                ("published", said("published")),
                ("held", said("held")),
                ("given up", said("failed")),
                ("leases stolen", said("lease_stolen")),
                ("expired", said("expired")),
                (
                    "finished by others",
                    log.iter().filter(|entry| !entry.detail["finished_by"].is_null()).count() as u64,
                ),
            ]
            .into(),
        }
    }
}

/// Lets one after the other go on until nobody is left.
async fn drive(stage: &Arc<Stage>) {
    let mut lives = JoinSet::new();
    for worker in 0..WORKERS {
        lives.spawn_local(live(Arc::clone(stage), worker, 1));
    }
    let mut watch = Watch::default();
    let mut is_calm = false;
    let (mut steps, mut idle) = (0, 0);
    loop {
        while let Some(ended) = lives.try_join_next() {
            match ended {
                Ok(Life::Crashed(worker, life)) if life < LIVES_MAX => {
                    lives.spawn_local(live(Arc::clone(stage), worker, life + 1));
                }
                Ok(Life::Crashed(..) | Life::Done) => {}
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        if lives.is_empty() {
            if is_calm {
                return;
            }
            is_calm = true;
            lives.spawn_local(calm(Arc::clone(stage)));
        }
        idle = if stage.schedule.next().await.is_some() { 0 } else { idle + 1 };
        if stage.schedule.has_switched() {
            watch.look(&*stage.catalog()).await;
        }
        steps += 1;
        assert!(steps < STEPS_MAX && idle < 10_000, "nobody gets anywhere after {steps} steps");
    }
}

/// Gives the turn on, whatever becomes of the worker.
struct Leaving(Arc<Schedule>, WorkerIndex);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

/// One life of a worker, to its end or its crash.
async fn live(stage: Arc<Stage>, worker: WorkerIndex, life: u64) -> Life {
    let _leaving = Leaving(Arc::clone(&stage.schedule), worker);
    let crash = CancellationToken::new();
    tokio::select! {
        biased;
        () = crash.cancelled() => Life::Crashed(worker, life),
        () = work(&stage, worker, &crash) => Life::Done,
    }
}

async fn work(stage: &Stage, worker: WorkerIndex, crash: &CancellationToken) {
    let schedule = &stage.schedule;
    let clock = stage.clock(worker);
    let effects = stage.effects(Arc::clone(&clock));
    let wire =
        Chaos { schedule: Arc::clone(schedule), worker, counts: Arc::clone(&stage.counts), crash: crash.clone() };
    let catalog = stage.memory.open_over(effects.clone(), Arc::new(wire));
    for _ in 0..RUNS {
        schedule.stand_in_line(worker, schedule.draw(0..3_000)).await;
        if schedule.chance(700_000) {
            stage.outside.fetch_add(1, Ordering::SeqCst);
        }
        if schedule.chance(100_000) {
            // The wall's clock was set.
            clock.jump(i64::try_from(schedule.draw(0..7_200_000)).unwrap() - 3_600_000);
        }
        arm(schedule, &effects);
        match stage.run(worker, &effects, &catalog).await {
            Ok(summary) => {
                schedule.tell(|| format!("worker {worker}: its run ended as {:?}", summary.state));
                assert_harmless(&summary);
            }
            Err(error) => {
                schedule.tell(|| format!("worker {worker}: {error}"));
                assert!(is_simulated(&error), "{error}: {error:?}");
            }
        }
        if schedule.chance(200_000)
            && let Err(error) = look(stage, worker, &effects, &catalog).await
        {
            assert!(matches!(error, RunError::NothingPublished { .. }) || is_simulated(&error), "a query: {error}");
        }
        if schedule.chance(120_000) {
            let collected = match stage.open(worker, &effects, Arc::clone(&catalog)).await {
                Ok(workspace) => workspace.gc(false).await.map(|_| ()),
                Err(error) => Err(error),
            };
            if let Err(error) = collected {
                assert!(is_simulated(&error), "gc: {error}: {error:?}");
            }
        }
    }
}

/// One query over the members of a group: they are never seen apart.
async fn look(
    stage: &Stage,
    worker: WorkerIndex,
    effects: &Effects,
    catalog: &Arc<dyn Catalog>,
) -> Result<(), RunError> {
    let workspace = stage.open(worker, effects, Arc::clone(catalog)).await?;
    let graph = workspace.graph().await?;
    let sql = "select one.n, two.n from pair.one as one cross join pair.two as two";
    let query = workspace.query(&graph, sql, QueryOptions::default()).await?;
    let batches: Vec<_> = query.stream.try_collect().await?;
    let row = &lockgate_run::samples(&batches).rows[0];
    assert_eq!(row[0], row[1], "a query sees a group half switched");
    Ok(())
}

/// One step of the store fails, now and then.
fn arm(schedule: &Schedule, effects: &Effects) {
    let points = [
        "lake.file_staged",
        "lake.version_recorded",
        "lake.commit_prepared",
        "lake.before_put",
        "lake.after_put",
        "lake.before_discard",
        "lake.discarded",
        "run.commit_prepared",
        "run.publishing_recorded",
        "run.commit_put",
        "run.published_recorded",
    ];
    if schedule.chance(200_000) {
        let point = points[usize::try_from(schedule.draw(0..points.len() as u64)).unwrap()];
        effects.faults.arm(point, "fail:1");
    }
}

/// Whether an error is one that the simulation made, or that a worker gets who came too late.
fn is_simulated(error: &RunError) -> bool {
    match error {
        RunError::Fault(_) | RunError::Fenced { .. } | RunError::Overtaken { .. } | RunError::Busy { .. } => true,
        RunError::Catalog(error) => matches!(error, CatalogError::Fault(_)),
        RunError::Lake(error) => matches!(error, LakeError::Fault(_)),
        _ => false,
    }
}

fn assert_harmless(summary: &RunSummary) {
    // Injected, in the store, the catalog, or a run; the lease was lost; overtaken.
    const MAY_SAY: [&str; 5] = ["LG0513", "LG0615", "LG0714", "LG0707", "LG0706"];
    for result in summary.results.iter().filter(|result| result.state == TaskState::Failed) {
        for diagnostic in &result.diagnostics.0 {
            assert!(MAY_SAY.contains(&diagnostic.code.id), "{} {diagnostic:?}", result.asset);
        }
    }
}

/// When all is over, one more comes, and nothing goes wrong any more.
async fn calm(stage: Arc<Stage>) -> Life {
    let schedule = &stage.schedule;
    let _leaving = Leaving(Arc::clone(schedule), CALM);
    schedule.stand_in_line(CALM, 60_000).await;
    let effects = stage.effects(stage.clock(CALM));
    let catalog = stage.memory.open(effects.clone());
    while is_flawed(stage.outside.fetch_add(1, Ordering::SeqCst) + 1) {}
    let value = stage.outside.load(Ordering::SeqCst);
    let summary = stage.run(CALM, &effects, &catalog).await.unwrap();
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    let workspace = stage.open(CALM, &effects, Arc::clone(&catalog)).await.unwrap();
    workspace.gc(false).await.unwrap();
    assert_ended_well(&stage, &*catalog, value).await;
    // The doctor reads every log and every file list, which takes its time.
    if stage.seed.is_multiple_of(4) {
        let report = workspace.doctor(false).await.unwrap();
        let unwell =
            report.findings.iter().filter(|finding| finding.health > Health::Healed && finding.about != "disk");
        assert_eq!(unwell.collect::<Vec<_>>(), Vec::<&lockgate_run::Finding>::new());
        assert!(catalog.running(ENV).await.unwrap().is_empty(), "a run that nobody drives");
        assert!(catalog.leases().await.unwrap().is_empty(), "a lease that nobody needs");
    }
    Life::Done
}

/// What holds at every moment.
#[derive(Default)]
struct Watch {
    live: BTreeMap<AssetName, VersionNumber>,
}

impl Watch {
    async fn look(&mut self, catalog: &dyn Catalog) {
        let heads = catalog.live_heads(ENV).await.unwrap();
        for (asset, before) in &self.live {
            let now = heads.get(asset).unwrap_or_else(|| panic!("{asset} is not live any more"));
            assert!(now.number >= *before, "{asset} went back from {before} to {}", now.number);
        }
        for (asset, head) in &heads {
            if self.live.insert(asset.clone(), head.number) != Some(head.number) {
                assert_checked(catalog, asset, head.number).await;
            }
        }
        let of = |asset: &str| heads.get(&name(asset)).map(|head| (&head.inputs, head.published_at));
        assert_eq!(of("pair.one"), of("pair.two"), "a group switches together");
    }
}

/// A version went live: its inputs were live together, and what it was made of may pass the gate.
async fn assert_checked(catalog: &dyn Catalog, asset: &AssetName, number: VersionNumber) {
    let version = catalog.version(ENV, asset, number).await.unwrap().unwrap();
    assert!(version.checks.iter().all(|outcome| !outcome.state.holds()), "{asset} {number} was not let pass");
    let mut made_of = Vec::new();
    for (input, number) in &version.inputs {
        let input = catalog.version(ENV, input, *number).await.unwrap().unwrap();
        assert!(input.published_at.is_some(), "{asset} was built from {} {number}, which was never live", input.asset);
        made_of.push(if input.asset.schema() == "raw" { input.number } else { input.inputs[&name("raw.one")] });
    }
    assert!(made_of.windows(2).all(|pair| pair[0] == pair[1]), "{asset} {number} mixes {made_of:?}");
    if asset.schema() != "raw" {
        let raw = catalog.version(ENV, &name("raw.one"), made_of[0]).await.unwrap().unwrap();
        let value = raw.source_state.as_u64().unwrap();
        assert!(!is_flawed(value), "{asset} {number} was made of {value}");
    }
}

/// What holds in the end.
async fn assert_ended_well(stage: &Stage, catalog: &dyn Catalog, value: u64) {
    let root = stage.world.root();
    let lake = Lake::open(&root.join("store"), ENV, stage.effects(stage.clock(CALM))).unwrap();
    let log = catalog.audit_log(ENV, None, usize::MAX).await.unwrap();
    for asset in &stage.assets {
        let mut history = catalog.versions(ENV, asset).await.unwrap();
        history.reverse();
        for version in &history {
            let is_over = !matches!(version.state, VersionState::Staged | VersionState::Publishing);
            assert!(is_over, "{asset} {} is left {}", version.number, version.state);
            let times = log.iter().filter(|entry| {
                entry.action == "published"
                    && entry.asset.as_ref() == Some(asset)
                    && entry.version == Some(version.number)
            });
            assert_eq!(times.count(), usize::from(version.published_at.is_some()), "{asset} {}", version.number);
        }
        let published: Vec<&VersionSummary> = history.iter().filter(|version| version.published_at.is_some()).collect();
        let mut before = None;
        for version in &published {
            assert_eq!(version.base, before, "{asset} {} stands on another one", version.number);
            before = Some(version.number);
        }
        // The log has the same versions in the same order, and no others.
        let table = lake.table(asset);
        let mut in_log = Vec::new();
        for delta_version in table.delta_versions().await.unwrap() {
            let entry = table.log_entry(delta_version).await.unwrap().unwrap();
            in_log.push((entry.number, Some(delta_version)));
        }
        let by_catalog: Vec<_> =
            published.iter().map(|version| (Some(version.number), version.delta_version)).collect();
        assert_eq!(in_log, by_catalog, "{asset}: by the log, and by the catalog");
        assert_no_orphans(&table, &history).await;
    }
    let raw = catalog.live_one(ENV, &name("raw.one")).await.unwrap().unwrap();
    assert_eq!(raw.source_state.as_u64(), Some(value));
}

/// Only folders of versions that are kept are left.
async fn assert_no_orphans(table: &lockgate_lake::Table, history: &[VersionSummary]) {
    let inventory = table.inventory().await.unwrap();
    assert!(inventory.temporary.is_empty(), "{:?}", inventory.temporary);
    for number in inventory.versions.keys() {
        let state = history.iter().find(|version| version.number == *number).map(|version| version.state);
        let is_kept = state.is_some_and(|state| !matches!(state, VersionState::Failed | VersionState::Expired));
        assert!(is_kept, "{} {number} left files, and is {state:?}", table.asset());
    }
}

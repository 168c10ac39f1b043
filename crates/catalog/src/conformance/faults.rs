//! Every durable step fails: before its commit, when nothing has happened, and after it, when only the answer is lost.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_types::{Event, Fingerprint, RunState, Suppression, Task, TaskState, Version, VersionState};

use super::samples::{ENV, actor, by, committed, failing, intent, name, noon, run, task, version};
use super::{Shared, Stage, actions};
use crate::{AuditEntry, Catalog, CatalogError, FAULT_POINTS, Late, Lease, LeaseAttempt, Result};

/// Each point fails once (in a schema of its own, so that each story starts afresh), the caller repeats the call,
/// and the end is the same as without the fault.
pub async fn every_step_fails_once_and_is_repeated(shared: &dyn Shared) {
    let stage = Stage::default();
    let catalog = shared.open(stage.effects.clone()).await;
    story(&*catalog, "t0", 1).await.unwrap();
    let without = ending(&*catalog, "t0").await;
    for (index, point) in FAULT_POINTS.iter().enumerate() {
        let schema = format!("t{}", index + 1);
        stage.effects.faults.arm(point.name, "fail");
        story(&*catalog, &schema, 2).await.unwrap_or_else(|error| panic!("{}: {error}", point.name));
        assert_eq!(stage.effects.faults.fired(point), 1, "{} did not fire", point.name);
        assert_eq!(ending(&*catalog, &schema).await, without, "after {}", point.name);
    }
}

/// Each point fails for ever and the process gives up; what it leaves is whole, and another process comes to the
/// same end.
pub async fn every_step_fails_for_ever_and_leaves_a_whole_catalog(shared: &dyn Shared) {
    let calm = Stage::default();
    let successor = shared.open(calm.effects.clone()).await;
    story(&*successor, "t0", 1).await.unwrap();
    let without = ending(&*successor, "t0").await;
    for (index, point) in FAULT_POINTS.iter().enumerate() {
        let schema = format!("t{}", index + 1);
        let stage = Stage::default();
        stage.effects.faults.arm(point.name, "fail:1000");
        let doomed = shared.open(stage.effects.clone()).await;
        // Where only the answer is lost, the second call is told that all is done; so that one gives up at once.
        let tries = if point.name.ends_with(".before") { 3 } else { 1 };
        let end = story(&*doomed, &schema, tries).await;
        assert!(matches!(end, Err(CatalogError::Fault(_))), "{}: {end:?}", point.name);
        assert!(stage.effects.faults.fired(point) >= tries, "{} did not fire", point.name);
        doomed.close().await;

        check_whole(&*successor, &schema).await;
        recover(&*successor).await;
        check_whole(&*successor, &schema).await;
        story(&*successor, &schema, 1).await.unwrap_or_else(|error| panic!("after {}: {error}", point.name));
        let end = ending(&*successor, &schema).await;
        assert!(end.same_for_readers(&without), "after {}: {end:?}", point.name);
        assert!(successor.publishing(ENV).await.unwrap().is_empty());
    }
}

/// What a successor does with what it finds.
pub async fn recover(catalog: &dyn Catalog) {
    for open in catalog.unfinished(ENV).await.unwrap() {
        let commits: Vec<_> = open.members.iter().map(committed).collect();
        catalog.finish_publishing(ENV, &commits, &actor("successor")).await.unwrap();
    }
    for left in catalog.staged(ENV).await.unwrap() {
        let why = Some("its process died");
        catalog.abandon(ENV, &left.asset, left.number, VersionState::Failed, why, &actor("successor")).await.unwrap();
    }
}

/// What holds at any moment, whoever died where.
pub async fn check_whole(catalog: &dyn Catalog, schema: &str) {
    let live = catalog.live(ENV).await.unwrap();
    let heads = catalog.live_heads(ENV).await.unwrap();
    assert_eq!(live.keys().collect::<Vec<_>>(), heads.keys().collect::<Vec<_>>());
    for (asset, version) in &live {
        assert_eq!(version.state, VersionState::Published);
        assert!(version.published_at.is_some() && version.delta_version.is_some(), "{asset}");
    }
    let (one, two) = (live.get(&name(&format!("{schema}.one"))), live.get(&name(&format!("{schema}.two"))));
    assert_eq!(one.map(|one| one.published_at), two.map(|two| two.published_at), "a group is never half switched");
    for list in [catalog.held(ENV).await.unwrap(), catalog.publishing(ENV).await.unwrap()] {
        let assets: BTreeSet<_> = list.iter().map(|version| &version.asset).collect();
        assert_eq!(assets.len(), list.len());
    }
}

/// The end of a story, without what a repeated step is free to change: numbers that were left out, and lines said
/// twice.
#[derive(Debug, PartialEq)]
pub struct Ending {
    live: BTreeMap<String, (usize, Option<String>)>,
    states: BTreeMap<String, Vec<VersionState>>,
    said: Vec<String>,
    events: BTreeSet<String>,
    tasks: Vec<(String, TaskState)>,
    run: Option<RunState>,
    late: Vec<String>,
    code: bool,
    suppressions: usize,
    cached: Option<String>,
}

impl Ending {
    /// Whether readers see the same; a story that was told twice leaves more versions behind.
    pub fn same_for_readers(&self, other: &Ending) -> bool {
        (&self.live, &self.tasks, &self.late, self.run, self.code, self.suppressions, &self.cached)
            == (&other.live, &other.tasks, &other.late, other.run, other.code, other.suppressions, &other.cached)
    }
}

pub async fn ending(catalog: &dyn Catalog, schema: &str) -> Ending {
    let ours = |asset: &lockgate_types::AssetName| asset.schema() == schema;
    let table = |asset: &lockgate_types::AssetName| asset.table().to_owned();
    let mut live = BTreeMap::new();
    for (asset, version) in catalog.live(ENV).await.unwrap() {
        // A publication that was begun and not withdrawn is completed: rightly, and beside the story.
        if ours(&asset) && asset.table() != "withdrawn" {
            live.insert(table(&asset), (version.checks.len(), version.why));
        }
    }
    let mut states = BTreeMap::new();
    for asset in ["one", "two", "held", "failed", "withdrawn", "expired", "restored"] {
        let versions = catalog.versions(ENV, &name(&format!("{schema}.{asset}"))).await.unwrap();
        states.insert(asset.to_owned(), versions.iter().map(|version| version.state).collect());
    }
    let mut said = Vec::new();
    for asset in ["one", "two", "held", "failed", "withdrawn", "expired", "restored"] {
        let mut log = catalog.audit_log(ENV, Some(&name(&format!("{schema}.{asset}"))), 100).await.unwrap();
        log.dedup();
        said.extend(log.into_iter().map(|entry| format!("{asset} {} {}", entry.action, entry.actor)));
    }
    let run = run(schema);
    let tasks = catalog.tasks(&run.id).await.unwrap();
    Ending {
        live,
        states,
        said,
        events: catalog.events(&run.id, 0).await.unwrap().into_iter().map(|(_, event)| event.event).collect(),
        tasks: tasks.iter().map(|task| (table(&task.asset), task.state)).collect(),
        run: catalog.run(&run.id).await.unwrap().map(|run| run.state),
        late: catalog.late(ENV).await.unwrap().keys().filter(|asset| ours(asset)).map(table).collect(),
        code: catalog.code(ENV, &name(&format!("{schema}.one"))).await.unwrap().is_some(),
        suppressions: catalog.suppressions(ENV).await.unwrap().iter().filter(|made| ours(&made.asset)).count(),
        cached: catalog.cached(&format!("{schema} plan")).await.unwrap(),
    }
}

/// Calls a step up to `tries` times, as long as the fault is an injected one.
async fn again<T>(tries: u32, mut step: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut left = tries;
    loop {
        left -= 1;
        match step().await {
            Err(CatalogError::Fault(_)) if left > 0 => {}
            answer => return answer,
        }
    }
}

/// A run that takes every durable step there is: a group of two that is published, one version held, one failed, one
/// withdrawn. Told again after a crash, it comes to the same live versions.
pub async fn story(catalog: &dyn Catalog, schema: &str, tries: u32) -> Result<()> {
    let asset = |table: &str| name(&format!("{schema}.{table}"));
    let ana = actor("ana");
    let (run, lease) = begin_run(catalog, schema, tries).await?;

    let mut members = Vec::new();
    for table in ["one", "two"] {
        members.push(staged(catalog, &asset(table), tries).await?);
    }
    for member in &members {
        again(tries, async || catalog.set_audited(ENV, member).await).await?;
    }
    let intents: Vec<_> = members.iter().map(intent).collect();
    again(tries, async || catalog.begin_publishing(ENV, &intents, &lease, &by("ana")).await).await?;
    let moved = Some(10);
    again(tries, async || catalog.set_base(ENV, &members[0].asset, members[0].number, moved, &lease).await).await?;
    let mut commits: Vec<_> = members.iter().map(committed).collect();
    commits[0].2 = 11;
    again(tries, async || catalog.finish_publishing(ENV, &commits, &ana).await).await?;
    let code = serde_json::json!({ "sql": "select 1" });
    let fingerprint = Fingerprint("code".to_owned());
    again(tries, async || catalog.set_code(ENV, &members[0].asset, &fingerprint, &code).await).await?;

    let held = failing(staged(catalog, &asset("held"), tries).await?);
    again(tries, async || catalog.hold(ENV, &held, &lease, &ana, "4 of 400 rows").await).await?;

    let failed = staged(catalog, &asset("failed"), tries).await?;
    let to = VersionState::Failed;
    again(tries, async || catalog.abandon(ENV, &failed.asset, failed.number, to, Some("why"), &ana).await).await?;

    let back = staged(catalog, &asset("withdrawn"), tries).await?;
    again(tries, async || catalog.begin_publishing(ENV, &[intent(&back)], &lease, &by("ana")).await).await?;
    let pair = [(back.asset.clone(), back.number)];
    again(tries, async || catalog.withdraw(ENV, &pair, &lease, &ana).await).await?;
    again(tries, async || catalog.abandon(ENV, &back.asset, back.number, to, None, &ana).await).await?;

    retention(catalog, schema, &lease, tries).await?;
    notes(catalog, schema, tries).await?;
    let done = Task { state: TaskState::Published, ..task(&run, &format!("{schema}.one")) };
    again(tries, async || catalog.set_task(&done).await).await?;
    again(tries, async || catalog.end_run(&run.id, RunState::Held, noon()).await).await?;
    again(tries, async || catalog.release(&lease).await).await
}

/// A version that is dismissed and expires, and one that is found in the store.
async fn retention(catalog: &dyn Catalog, schema: &str, lease: &Lease, tries: u32) -> Result<()> {
    let ana = actor("ana");
    let old = failing(staged(catalog, &name(&format!("{schema}.expired")), tries).await?);
    again(tries, async || catalog.hold(ENV, &old, lease, &ana, "4 of 400 rows").await).await?;
    let to = VersionState::Dismissed;
    again(tries, async || catalog.abandon(ENV, &old.asset, old.number, to, None, &ana).await).await?;
    let pair = [(old.asset.clone(), old.number)];
    again(tries, async || catalog.expire(ENV, &pair, &ana, "too old").await).await?;

    let restored = name(&format!("{schema}.restored"));
    let last = lockgate_types::VersionNumber(3);
    let found = [Version { state: VersionState::Failed, ..version(&restored, last) }];
    again(tries, async || catalog.restore(ENV, &restored, last, &found, &ana, "lost").await).await
}

async fn begin_run(catalog: &dyn Catalog, schema: &str, tries: u32) -> Result<(lockgate_types::Run, Lease)> {
    let run = run(schema);
    let tasks = [task(&run, &format!("{schema}.one"))];
    again(tries, async || catalog.create_run(&run, &tasks).await).await?;
    // One lease taken, then lost to a second holder, who goes on.
    let first = take(catalog, schema, tries).await?;
    again(tries, async || catalog.beat(&first).await).await?;
    let LeaseAttempt::Held { epoch, beat, .. } = catalog.try_lease(schema, "second").await? else {
        panic!("{schema} was not held")
    };
    let lease = match again(tries, async || catalog.steal(schema, "second", epoch, beat).await).await? {
        LeaseAttempt::Taken(lease) => lease,
        // The answer to the first call was lost: it was stolen, by us, and is stolen from us as from anyone.
        LeaseAttempt::Held { epoch, beat, .. } => match catalog.steal(schema, "second", epoch, beat).await? {
            LeaseAttempt::Taken(lease) => lease,
            held @ LeaseAttempt::Held { .. } => panic!("{held:?}"),
        },
    };
    Ok((run, lease))
}

/// Takes a lease; from whoever has it, when that one is dead.
async fn take(catalog: &dyn Catalog, key: &str, tries: u32) -> Result<Lease> {
    match again(tries, async || catalog.try_lease(key, "first").await).await? {
        LeaseAttempt::Taken(lease) => Ok(lease),
        LeaseAttempt::Held { epoch, beat, .. } => match catalog.steal(key, "first", epoch, beat).await? {
            LeaseAttempt::Taken(lease) => Ok(lease),
            held @ LeaseAttempt::Held { .. } => panic!("{held:?}"),
        },
    }
}

async fn staged(catalog: &dyn Catalog, asset: &lockgate_types::AssetName, tries: u32) -> Result<Version> {
    let number = again(tries, async || catalog.reserve_version(ENV, asset).await).await?;
    let live = catalog.live_one(ENV, asset).await?;
    let staged = Version {
        base: live.as_ref().map(|live| live.number),
        base_delta_version: live.as_ref().and_then(|live| live.delta_version),
        ..version(asset, number)
    };
    again(tries, async || catalog.put_staged(ENV, &staged).await).await?;
    Ok(staged)
}

/// What is said beside the versions.
async fn notes(catalog: &dyn Catalog, schema: &str, tries: u32) -> Result<()> {
    let one = name(&format!("{schema}.one"));
    let suppression = Suppression {
        asset: one.clone(),
        check: "unique_id".to_owned(),
        actor: actor("ana"),
        why: "known".to_owned(),
        made_at: noon(),
        until: noon(),
        limit: None,
    };
    again(tries, async || catalog.add_suppression(ENV, &suppression).await).await?;
    let late = Late { check: "fresh".to_owned(), message: "late".to_owned(), since: noon(), newest: None };
    again(tries, async || catalog.set_late(ENV, &one, Some(&late)).await).await?;
    let plans = [(format!("{schema} plan"), "text".to_owned())];
    again(tries, async || catalog.put_cached(&plans).await).await?;
    let event = Event {
        event: "published".to_owned(),
        at: noon(),
        run: Some(run(schema).id),
        asset: Some(one.clone()),
        version: None,
        data: serde_json::Map::new(),
    };
    again(tries, async || catalog.append_events(std::slice::from_ref(&event)).await).await?;
    let entry = AuditEntry {
        at: noon(),
        actor: actor("ana"),
        action: "baselined".to_owned(),
        environment: Some(ENV.to_owned()),
        asset: Some(one),
        version: None,
        why: None,
        detail: serde_json::Value::Null,
    };
    again(tries, async || catalog.audit(&entry).await).await?;
    assert!(actions(catalog, ENV).await.contains(&"baselined".to_owned()));
    Ok(())
}

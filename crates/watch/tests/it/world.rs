//! A project with alerts, its catalog, and what happens in it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_catalog::conformance::samples;
use lockgate_catalog::{Delivery, Late, Lease, LeaseAttempt, ServiceCatalog, open_service_sqlite};
use lockgate_project::Project;
use lockgate_types::effects::FixedClock;
use lockgate_types::{
    AssetName, CheckState, Clock, Effects, Event, Faults, RunId, RunState, Task, TaskState, Version, VersionNumber,
};
use lockgate_watch::{Outbox, OutboxOptions, Timing};
use serde_json::{Value as Json, json};

pub(crate) const ENV: &str = samples::ENV;

/// The clock stands still until it is moved; the catalog goes by it too.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) effects: Effects,
    pub(crate) catalog: Arc<dyn ServiceCatalog>,
    pub(crate) project: Project,
    pub(crate) timing: Timing,
}

pub(crate) fn name(text: &str) -> AssetName {
    text.parse().unwrap()
}

impl World {
    /// With these `alerts`, one a line; `${TO}` is what is given.
    pub(crate) async fn new(alerts: &[&str], to: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let assets = folder.path().join("assets");
        std::fs::create_dir_all(assets.join("mart")).unwrap();
        std::fs::create_dir_all(assets.join("raw")).unwrap();
        std::fs::write(assets.join("mart/daily.sql"), "/*\nowner: grid-team\n*/\nselect 1 as a\n").unwrap();
        std::fs::write(assets.join("raw/load.sql"), "select 1 as a\n").unwrap();
        let clock = Arc::new(FixedClock(Mutex::new(samples::noon())));
        let effects = Effects { clock: clock.clone(), faults: Arc::new(Faults::default()), ..Effects::real() };
        let catalog = open_service_sqlite(&folder.path().join("catalog.db"), effects.clone()).await.unwrap();
        let project = project(&folder, alerts, to);
        let timing = Timing { timeout: Duration::from_secs(5), ..Timing::default() };
        let world = World { folder, clock, effects, catalog, project, timing };
        // What comes from now on is news.
        world.outbox().collect().await.unwrap();
        world
    }

    /// With other alerts.
    pub(crate) fn change(&mut self, alerts: &[&str], to: &str) {
        self.project = project(&self.folder, alerts, to);
    }

    pub(crate) fn outbox(&self) -> Outbox {
        self.outbox_on(self.catalog.clone(), self.effects.clone())
    }

    pub(crate) fn outbox_on(&self, catalog: Arc<dyn ServiceCatalog>, effects: Effects) -> Outbox {
        let base_url = Some("https://lockgate.example/at".parse().unwrap());
        Outbox::new(&self.project, OutboxOptions { catalog, effects, base_url, timing: self.timing }).unwrap()
    }

    /// Another process: a connection and faults of its own.
    pub(crate) async fn another(&self) -> (Outbox, Effects) {
        let effects = Effects { faults: Arc::new(Faults::default()), ..self.effects.clone() };
        let catalog = open_service_sqlite(&self.folder.path().join("catalog.db"), effects.clone()).await.unwrap();
        (self.outbox_on(catalog, effects.clone()), effects)
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        *self.clock.0.lock().unwrap() += time;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// What is recorded, oldest first.
    pub(crate) async fn deliveries(&self) -> Vec<Delivery> {
        let mut all = self.catalog.deliveries(ENV, None, 10_000).await.unwrap();
        all.reverse();
        all
    }

    pub(crate) async fn texts(&self) -> Vec<String> {
        self.deliveries().await.into_iter().map(|delivery| delivery.text).collect()
    }

    // ── what happens ────────────────────────────────────────────────────────────────────────────────────────────

    pub(crate) async fn hold(&self, asset: &str) -> VersionNumber {
        self.hold_with(asset, |version| Version {
            checks: vec![samples::outcome("unique_id", CheckState::Failed, 12)],
            ..version
        })
        .await
    }

    pub(crate) async fn hold_with(&self, asset: &str, change: impl Fn(Version) -> Version) -> VersionNumber {
        let asset = name(asset);
        let number = self.catalog.reserve_version(ENV, &asset).await.unwrap();
        let version = change(Version { checks: Vec::new(), ..samples::version(&asset, number) });
        self.catalog.put_staged(ENV, &version).await.unwrap();
        let lease = self.lease(&asset).await;
        let failing = version.checks.iter().find(|check| check.state.holds());
        let why = failing.map_or("another member of its group is held", |check| check.message.as_str());
        self.catalog.hold(ENV, &version, &lease, &samples::actor("ana"), why).await.unwrap();
        self.catalog.release(&lease).await.unwrap();
        number
    }

    async fn lease(&self, asset: &AssetName) -> Lease {
        match self.catalog.try_lease(&format!("{ENV}/{asset}"), "worker").await.unwrap() {
            LeaseAttempt::Taken(lease) => lease,
            LeaseAttempt::Held { holder, .. } => panic!("{holder} has the lease"),
        }
    }

    pub(crate) async fn start_run(&self, id: &str, environment: &str, assets: &[&str]) -> RunId {
        let run = lockgate_types::Run { environment: environment.to_owned(), ..samples::run(id) };
        let tasks: Vec<Task> = assets.iter().map(|asset| task(&run.id, asset, TaskState::Waiting)).collect();
        self.catalog.create_run(&run, &tasks).await.unwrap();
        run.id
    }

    pub(crate) async fn fail(&self, run: &RunId, asset: &str, message: &str) {
        self.fail_unsaid(run, asset, message).await;
        self.event(run, asset, "failed", json!({ "message": message, "attempts": 3 })).await;
    }

    /// As if the power had gone before the event was written.
    pub(crate) async fn fail_unsaid(&self, run: &RunId, asset: &str, message: &str) {
        let message = Some(message.to_owned());
        self.catalog.set_task(&Task { message, ..task(run, asset, TaskState::Failed) }).await.unwrap();
    }

    pub(crate) async fn end_run(&self, run: &RunId, state: RunState) {
        self.catalog.end_run(run, state, self.now()).await.unwrap();
    }

    pub(crate) async fn late(&self, run: &RunId, asset: &str, since: DateTime<Utc>) {
        let message = "ts is 3 days old, allowed 2 days".to_owned();
        let late = Late { check: "fresh_ts".to_owned(), message: message.clone(), since, newest: None };
        self.catalog.set_late(ENV, &name(asset), Some(&late)).await.unwrap();
        self.event(run, asset, "late", json!({ "message": message })).await;
    }

    pub(crate) async fn late_no_more(&self, asset: &str) {
        self.catalog.set_late(ENV, &name(asset), None).await.unwrap();
    }

    pub(crate) async fn event(&self, run: &RunId, asset: &str, event: &str, data: Json) {
        let event = Event {
            event: event.to_owned(),
            at: self.now(),
            run: Some(run.clone()),
            asset: Some(name(asset)),
            version: None,
            data: data.as_object().unwrap().clone(),
        };
        self.catalog.append_events(&[event]).await.unwrap();
    }
}

fn task(run: &RunId, asset: &str, state: TaskState) -> Task {
    Task {
        run: run.clone(),
        asset: name(asset),
        state,
        attempts: 1,
        version: None,
        started_at: None,
        ended_at: None,
        message: None,
        plan: None,
    }
}

fn project(folder: &tempfile::TempDir, alerts: &[&str], to: &str) -> Project {
    let mut text = "name: R&D <grid>\n".to_owned();
    if !alerts.is_empty() {
        text.push_str(&format!("alerts:\n  - {}\n", alerts.join("\n  - ")));
    }
    std::fs::write(folder.path().join("lockgate.yml"), text).unwrap();
    let (project, diagnostics) = lockgate_project::load(folder.path(), None, &|_| Some(to.to_owned()));
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    project.unwrap()
}

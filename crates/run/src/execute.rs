//! Executes a plan: units in parallel, each through stage, audit and publish, all of it journaled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures::stream::{FuturesUnordered, StreamExt};
use lockgate_catalog::{Late, Publication};
use lockgate_kind::Progress;
use lockgate_types::{
    AssetName, CheckOutcome, CheckState, Diagnostics, Event, Run, RunId, RunState, Task, TaskState, Version,
    VersionNumber,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::lease::Held;
use crate::stage::{StageContext, Staged, millis};
use crate::{Graph, Node, Plan, Reason, RunError, Step, Workspace};

/// Is told what happens while it happens.
pub trait Observer: Send + Sync {
    fn event(&self, event: &Event);

    /// An asset begins to build; `progress` counts its rows from now on.
    fn started(&self, asset: &AssetName, progress: &Progress) {
        let _ = (asset, progress);
    }
}

/// How to run a plan.
#[derive(Clone)]
pub struct RunOptions {
    pub observer: Arc<dyn Observer>,
    /// Stops the run cleanly: what is staged is discarded, what is published stays.
    pub cancel: CancellationToken,
    /// How many assets are worked on at once; at least 1.
    pub parallel: usize,
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions").field("parallel", &self.parallel).finish_non_exhaustive()
    }
}

/// How a run came out.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    pub run: RunId,
    pub state: RunState,
    pub as_of: DateTime<Utc>,
    /// In the order in which they ended.
    pub results: Vec<AssetResult>,
    /// Selected assets whose `fresh` check fails on what is live.
    pub late: Vec<(AssetName, Late)>,
    pub duration_ms: u64,
}

/// How one asset came out.
#[derive(Clone, Debug, Serialize)]
pub struct AssetResult {
    pub asset: AssetName,
    pub state: TaskState,
    /// The published, held or judged version.
    pub version: Option<VersionNumber>,
    /// What readers see now.
    pub live: Option<VersionNumber>,
    /// Rows of `version`.
    pub rows: u64,
    pub checks: Vec<CheckOutcome>,
    pub duration_ms: u64,
    /// One sentence: why it was skipped, held or failed.
    pub message: Option<String>,
    #[serde(serialize_with = "diagnostics_list")]
    pub diagnostics: Diagnostics,
}

fn diagnostics_list<S: serde::Serializer>(diagnostics: &Diagnostics, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(&diagnostics.0)
}

impl AssetResult {
    fn new(asset: &AssetName, state: TaskState) -> Self {
        AssetResult {
            asset: asset.clone(),
            state,
            version: None,
            live: None,
            rows: 0,
            checks: Vec::new(),
            duration_ms: 0,
            message: None,
            diagnostics: Diagnostics::default(),
        }
    }

    fn of(version: &Version, state: TaskState, live: Option<VersionNumber>) -> Self {
        AssetResult {
            version: Some(version.number),
            live,
            rows: version.rows,
            checks: version.checks.clone(),
            ..AssetResult::new(&version.asset, state)
        }
    }
}

/// Assets that are worked on as one: a single asset, or the members of a group that run.
#[derive(Debug)]
struct Unit {
    members: Vec<AssetName>,
    /// Units that must end first.
    waits: BTreeSet<usize>,
}

/// One run in progress.
struct Execution<'a> {
    workspace: &'a Workspace,
    graph: &'a Graph,
    plan: &'a Plan,
    options: &'a RunOptions,
    run: Run,
    steps: BTreeMap<&'a AssetName, &'a Step>,
    state: Mutex<Progressed>,
}

/// What the units of a run share.
#[derive(Default)]
struct Progressed {
    /// Every version that the run reads: pinned at its start, then replaced by what it publishes.
    view: BTreeMap<AssetName, Version>,
    results: Vec<AssetResult>,
}

impl Workspace {
    /// Executes a plan.
    ///
    /// # Errors
    /// Only what keeps the run from being journaled; what happens to an asset is in its result.
    pub async fn run(&self, graph: &Graph, plan: &Plan, options: RunOptions) -> Result<RunSummary, RunError> {
        let started = self.effects.clock.monotonic();
        if !plan.steps.is_empty() {
            self.lake.ensure_writable()?;
            self.ensure_catalog_knows_the_store().await?;
        }
        let steps: BTreeMap<&AssetName, &Step> = plan.steps.iter().map(|step| (&step.asset, step)).collect();
        let view = self.pin(graph, plan).await?;
        let run = Run {
            id: RunId(self.effects.ids.next()),
            environment: self.env().to_owned(),
            actor: self.actor.clone(),
            state: RunState::Running,
            as_of: plan.as_of,
            plan_hash: plan.hash.clone(),
            pins: view
                .iter()
                .filter(|(name, _)| !steps.contains_key(name))
                .map(|(name, version)| (name.clone(), version.number))
                .collect(),
            started_at: self.effects.clock.now(),
            ended_at: None,
        };
        let execution = Execution {
            workspace: self,
            graph,
            plan,
            options: &options,
            steps,
            state: Mutex::new(Progressed { view, results: Vec::new() }),
            run,
        };
        // Before anybody can read that it runs: a run that no living reader drives is taken for dead.
        self.announce(&execution.run.id)?;
        match execution.start_and_work().await {
            Ok(late) => execution.end(late, started).await,
            Err(error) => {
                // What keeps a run from going on must not leave it running in the journal.
                let ended = self.catalog.end_run(&execution.run.id, RunState::Failed, self.effects.clock.now()).await;
                if let Err(error) = ended {
                    tracing::warn!(run = %execution.run.id.0, %error, "the end of a failed run was not recorded");
                }
                Err(error)
            }
        }
    }

    /// The live versions of everything that the plan's steps and their checks may read.
    async fn pin(&self, graph: &Graph, plan: &Plan) -> Result<BTreeMap<AssetName, Version>, RunError> {
        let mut needed = BTreeSet::new();
        for step in &plan.steps {
            if let Some(node) = graph.nodes().get(&step.asset) {
                needed.extend(graph.stored_dependencies(node));
                needed.insert(step.asset.clone());
            }
        }
        // At one instant: members of a group are never pinned at different versions.
        let live = self.live_numbers().await?;
        let mut view = BTreeMap::new();
        for name in needed {
            if let Some(number) = live.get(&name) {
                let version = self.any_version(&name, *number).await?;
                view.insert(name, version);
            }
        }
        Ok(view)
    }
}

impl Execution<'_> {
    async fn start(&self) -> Result<(), RunError> {
        let tasks: Vec<Task> = self.plan.steps.iter().map(|step| self.task(&step.asset, TaskState::Waiting)).collect();
        self.workspace.catalog.create_run(&self.run, &tasks).await?;
        let assets: Vec<String> = self.plan.steps.iter().map(|step| step.asset.to_string()).collect();
        self.tell("run_started", None, None, json!({ "as_of": self.run.as_of, "assets": assets })).await
    }

    async fn start_and_work(&self) -> Result<Vec<(AssetName, Late)>, RunError> {
        self.start().await?;
        self.assets_and_lateness().await
    }

    async fn assets_and_lateness(&self) -> Result<Vec<(AssetName, Late)>, RunError> {
        self.work().await?;
        if self.options.cancel.is_cancelled() {
            return Ok(Vec::new());
        }
        let late = self.workspace.judge_lateness(self.graph, &self.plan.selected, self.plan.as_of).await?;
        for (asset, late) in &late {
            self.tell("late", Some(asset), None, json!({ "message": late.message, "newest": late.newest })).await?;
        }
        Ok(late)
    }

    fn task(&self, asset: &AssetName, state: TaskState) -> Task {
        Task {
            run: self.run.id.clone(),
            asset: asset.clone(),
            state,
            attempts: 0,
            version: None,
            started_at: None,
            ended_at: None,
            message: None,
        }
    }

    /// Works through the units: each starts when those it waits for have ended.
    async fn work(&self) -> Result<(), RunError> {
        let units = self.units();
        let mut waits: Vec<BTreeSet<usize>> = units.iter().map(|unit| unit.waits.clone()).collect();
        let mut ready: BTreeSet<usize> = (0..units.len()).filter(|unit| units[*unit].waits.is_empty()).collect();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.options.parallel.max(1)
                && let Some(index) = ready.pop_first()
            {
                let unit = &units[index];
                running.push(async move { (index, self.unit(unit).await) });
            }
            let Some((ended, outcome)) = running.next().await else { break };
            outcome?;
            for (index, waits) in waits.iter_mut().enumerate() {
                if waits.remove(&ended) && waits.is_empty() {
                    ready.insert(index);
                }
            }
        }
        Ok(())
    }

    /// The steps as units, in the graph's order.
    fn units(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        let mut unit_of: BTreeMap<&AssetName, usize> = BTreeMap::new();
        let mut unit_of_group: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &self.plan.steps {
            let Some(node) = self.graph.nodes().get(&step.asset) else { continue };
            let joined = node.group.as_deref().and_then(|group| unit_of_group.get(group).copied());
            let index = joined.unwrap_or_else(|| {
                units.push(Unit { members: Vec::new(), waits: BTreeSet::new() });
                units.len() - 1
            });
            if let Some(group) = node.group.as_deref() {
                unit_of_group.insert(group, index);
            }
            units[index].members.push(step.asset.clone());
            unit_of.insert(&step.asset, index);
        }
        for step in &self.plan.steps {
            let (Some(node), Some(index)) = (self.graph.nodes().get(&step.asset), unit_of.get(&step.asset)) else {
                continue;
            };
            for input in self.graph.stored_dependencies(node) {
                if let Some(other) = unit_of.get(&input).filter(|other| *other != index) {
                    units[*index].waits.insert(*other);
                }
            }
        }
        units
    }

    /// One unit from lease to publication. `Err` only for what ends the whole run.
    async fn unit(&self, unit: &Unit) -> Result<(), RunError> {
        if self.options.cancel.is_cancelled() {
            return self.end_all(unit, TaskState::Interrupted, "the run was interrupted").await;
        }
        if let Some(cause) = self.held_back_by(unit) {
            return self.end_all(unit, TaskState::Skipped, &format!("{cause} was not published")).await;
        }
        let Some(first) = unit.members.first().and_then(|name| self.graph.nodes().get(name)) else { return Ok(()) };
        let started = self.workspace.effects.clock.monotonic();
        let lease = match self.workspace.acquire(first, &self.options.cancel).await {
            Ok(lease) => lease,
            Err(error) => return self.end_failed(unit, &error).await,
        };
        let outcome = match self.unit_under_lease(unit, &lease).await {
            // Whoever took over has cleared away what was staged here: whatever came of that is no fault of the store's.
            Err(error) if !matches!(error, RunError::Interrupted) && lease.is_lost().await => {
                tracing::debug!(asset = %first.file.name, %error, "failed after the lease was lost");
                Err(RunError::Fenced { asset: first.file.name.clone() })
            }
            outcome => outcome,
        };
        lease.release().await;
        let mut results = match outcome {
            Ok(results) => results,
            Err(error) => return self.end_failed(unit, &error).await,
        };
        let duration_ms = millis(self.workspace.effects.clock.monotonic().saturating_sub(started));
        for result in &mut results {
            result.duration_ms = duration_ms;
            self.end_task(result.clone()).await?;
        }
        Ok(())
    }

    /// The first dependency in this run that was not published, so that its readers stay behind.
    fn held_back_by(&self, unit: &Unit) -> Option<AssetName> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped: BTreeSet<&AssetName> = state
            .results
            .iter()
            .filter(|result| match result.state {
                TaskState::Held | TaskState::Failed | TaskState::Skipped | TaskState::Interrupted => true,
                TaskState::Waiting | TaskState::Running | TaskState::Published | TaskState::Unchanged => false,
            })
            .map(|result| &result.asset)
            .collect();
        unit.members
            .iter()
            .filter_map(|name| self.graph.nodes().get(name))
            .find_map(|node| self.graph.stored_dependencies(node).into_iter().find(|input| stopped.contains(input)))
    }

    async fn unit_under_lease(&self, unit: &Unit, lease: &Held) -> Result<Vec<AssetResult>, RunError> {
        let mut view = self.state.lock().unwrap_or_else(PoisonError::into_inner).view.clone();
        let mut results = Vec::new();
        let mut candidates: Vec<Version> = Vec::new();
        let mut stopped: Vec<Version> = Vec::new();
        for name in &unit.members {
            let (Some(node), Some(step)) = (self.graph.nodes().get(name), self.steps.get(name)) else { continue };
            let progress = Progress::default();
            let mut task = self.task(name, TaskState::Running);
            task.started_at = Some(self.workspace.effects.clock.now());
            self.workspace.catalog.set_task(&task).await?;
            self.tell("task_started", Some(name), None, json!({ "reasons": step.reasons })).await?;
            self.options.observer.started(name, &progress);
            if step.recheck_only {
                results.push(self.recheck(node, &view, lease).await?);
                continue;
            }
            let forced = step.reasons.iter().any(Reason::forces);
            let context = StageContext {
                graph: self.graph,
                run: &self.run.id,
                as_of: self.plan.as_of,
                view: &view,
                outside: self.plan.outside.get(name),
                force: forced,
                checks_changed: step.reasons.contains(&Reason::ChecksChanged),
                planned_on: step.live,
                full_refresh: self.plan.full_refresh,
                confirmed: self.plan.confirmed,
                range: self.plan.range,
                lease: &lease.lease,
                progress,
                cancel: &self.options.cancel,
            };
            let staged = self.workspace.stage(node, &context).await?;
            lease.check(name)?;
            // The members of a group read each other's staged state, held or not: they switch together.
            match staged {
                Staged::Unchanged(live) => {
                    if let Some(live) = live {
                        // Another run may have published it since this one began.
                        view.insert(name.clone(), (*live).clone());
                        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                        state.view.insert(name.clone(), *live);
                    }
                    results.push(self.unchanged(name, &view));
                }
                Staged::StillHeld(version) => {
                    view.insert(name.clone(), (*version).clone());
                    stopped.push(*version);
                }
                Staged::Stopped(version) => {
                    self.tell_audited(&version).await?;
                    view.insert(name.clone(), (*version).clone());
                    stopped.push(*version);
                }
                Staged::Candidate(version) => {
                    self.tell_audited(&version).await?;
                    view.insert(name.clone(), (*version).clone());
                    candidates.push(*version);
                }
            }
        }
        if stopped.is_empty() {
            results.extend(self.publish(candidates, lease).await?);
        } else {
            // A group is held as a whole: its members switch together or not at all.
            stopped.extend(candidates);
            for version in stopped {
                results.push(self.hold(version, lease).await?);
            }
        }
        Ok(results)
    }

    fn unchanged(&self, name: &AssetName, view: &BTreeMap<AssetName, Version>) -> AssetResult {
        match view.get(name) {
            Some(live) => AssetResult::of(live, TaskState::Unchanged, Some(live.number)),
            None => AssetResult::new(name, TaskState::Unchanged),
        }
    }

    async fn publish(&self, mut candidates: Vec<Version>, lease: &Held) -> Result<Vec<AssetResult>, RunError> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let by = Publication { actor: self.workspace.actor.clone(), why: None, retract: false };
        self.workspace.publish(&mut candidates, &lease.lease, &by, "WRITE").await?;
        let mut results = Vec::new();
        for version in candidates {
            // It is published: what cannot be written down about it any more changes nothing of that.
            let told = async {
                if let Some(node) = self.graph.nodes().get(&version.asset) {
                    self.workspace.record_code(node, &version).await?;
                }
                self.tell("published", Some(&version.asset), Some(&version), facts(&version)).await
            };
            if let Err(error) = told.await {
                tracing::warn!(asset = %version.asset, %error, "published, but not all of it was journaled");
            }
            results.push(AssetResult::of(&version, TaskState::Published, Some(version.number)));
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.view.insert(version.asset.clone(), version);
        }
        Ok(results)
    }

    async fn hold(&self, mut version: Version, lease: &Held) -> Result<AssetResult, RunError> {
        let message = failing_sentence(&version.checks);
        if version.state != lockgate_types::VersionState::Held {
            version.state = lockgate_types::VersionState::Held;
            // So that a rebuilt catalog knows it as held.
            self.workspace.lake.table(&version.asset).record(&version).await?;
            let (env, actor) = (self.workspace.env(), &self.workspace.actor);
            self.workspace.catalog.hold(env, &version, &lease.lease, actor, &message).await?;
        }
        let mut data = facts(&version);
        data["message"] = json!(message);
        data["readers_see"] = json!(version.base);
        data["failing"] = version
            .checks
            .iter()
            .filter(|outcome| outcome.state.holds())
            .map(|outcome| json!({ "check": outcome.name, "message": outcome.message }))
            .collect();
        self.tell("held", Some(&version.asset), Some(&version), data).await?;
        let mut result = AssetResult::of(&version, TaskState::Held, version.base);
        result.message = Some(message);
        Ok(result)
    }

    /// Only the checks changed: the live version is judged by the new ones. A failure retracts nothing.
    async fn recheck(
        &self,
        node: &Node,
        view: &BTreeMap<AssetName, Version>,
        lease: &Held,
    ) -> Result<AssetResult, RunError> {
        let name = &node.file.name;
        let Some(live) = view.get(name) else { return Ok(AssetResult::new(name, TaskState::Unchanged)) };
        let mut judged = live.clone();
        self.workspace.audit_again(node, view, self.plan.as_of, &mut judged, None).await?;
        lease.check(name)?;
        self.workspace.catalog.set_audited(self.workspace.env(), &judged).await?;
        self.workspace.note_in_store(&judged).await;
        self.tell_audited(&judged).await?;
        let mut result = AssetResult::of(&judged, TaskState::Unchanged, Some(judged.number));
        if judged.checks.iter().any(|outcome| outcome.state.holds()) {
            result.message = Some(format!("the live version fails: {}", failing_sentence(&judged.checks)));
        }
        Ok(result)
    }

    async fn end_all(&self, unit: &Unit, state: TaskState, message: &str) -> Result<(), RunError> {
        for name in &unit.members {
            let mut result = AssetResult::new(name, state);
            result.message = Some(message.to_owned());
            self.end_task(result).await?;
        }
        Ok(())
    }

    async fn end_failed(&self, unit: &Unit, error: &RunError) -> Result<(), RunError> {
        let state = match error {
            RunError::Interrupted => TaskState::Interrupted,
            _ => TaskState::Failed,
        };
        for name in &unit.members {
            // What was staged is of no use to anybody. If this fails too, the next holder of the lease clears it.
            let staged = self.workspace.catalog.staged(self.workspace.env()).await.unwrap_or_default();
            let mine = |version: &Version| version.asset == *name && version.run.as_ref() == Some(&self.run.id);
            for version in staged.iter().filter(|version| mine(version)) {
                if let Err(error) = self.workspace.abandon(version, "its attempt failed").await {
                    tracing::warn!(asset = %name, %error, "staged version not abandoned");
                }
            }
            let mut result = AssetResult::new(name, state);
            let diagnostics = error.diagnostics();
            result.message = diagnostics.0.first().map(|diagnostic| self.workspace.redact(&diagnostic.message));
            result.diagnostics = diagnostics;
            self.end_task(result).await?;
        }
        Ok(())
    }

    /// Records how an asset came out.
    async fn end_task(&self, mut result: AssetResult) -> Result<(), RunError> {
        if result.live.is_none() {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            result.live = state.view.get(&result.asset).map(|version| version.number);
        }
        let mut task = self.task(&result.asset, result.state);
        task.attempts = 1;
        task.version = result.version;
        task.ended_at = Some(self.workspace.effects.clock.now());
        task.message.clone_from(&result.message);
        self.workspace.catalog.set_task(&task).await?;
        let told = match result.state {
            TaskState::Failed => Some("failed"),
            TaskState::Skipped => Some("skipped"),
            TaskState::Unchanged => Some("unchanged"),
            TaskState::Interrupted => Some("interrupted"),
            TaskState::Waiting | TaskState::Running | TaskState::Published | TaskState::Held => None,
        };
        if let Some(event) = told {
            let data = json!({ "message": result.message, "diagnostics": result.diagnostics.0, "duration_ms": result.duration_ms });
            self.tell(event, Some(&result.asset), None, data).await?;
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).results.push(result);
        Ok(())
    }

    async fn end(self, late: Vec<(AssetName, Late)>, started: lockgate_types::Instant) -> Result<RunSummary, RunError> {
        let results = std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).results);
        let any = |state: TaskState| results.iter().any(|result| result.state == state);
        let fails_live = results.iter().any(|result| {
            result.state == TaskState::Unchanged && result.checks.iter().any(|outcome| outcome.state.holds())
        });
        let state = if any(TaskState::Interrupted) {
            RunState::Interrupted
        } else if any(TaskState::Failed) {
            RunState::Failed
        } else if any(TaskState::Held) || !late.is_empty() || fails_live {
            RunState::Held
        } else {
            RunState::Done
        };
        let duration_ms = millis(self.workspace.effects.clock.monotonic().saturating_sub(started));
        self.workspace.catalog.end_run(&self.run.id, state, self.workspace.effects.clock.now()).await?;
        self.tell("run_ended", None, None, json!({ "state": state, "duration_ms": duration_ms })).await?;
        Ok(RunSummary { run: self.run.id, state, as_of: self.run.as_of, results, late, duration_ms })
    }

    async fn tell_audited(&self, version: &Version) -> Result<(), RunError> {
        self.tell("audited", Some(&version.asset), Some(version), facts(version)).await
    }

    /// Journals an event and shows it to the observer.
    async fn tell(
        &self,
        event: &str,
        asset: Option<&AssetName>,
        version: Option<&Version>,
        data: Json,
    ) -> Result<(), RunError> {
        let text = self.workspace.redact(&data.to_string());
        let data = match serde_json::from_str(&text) {
            Ok(Json::Object(data)) => data,
            _ => Map::new(),
        };
        let event = Event {
            event: event.to_owned(),
            at: self.workspace.effects.clock.now(),
            run: Some(self.run.id.clone()),
            asset: asset.cloned(),
            version: version.map(|version| version.number),
            data,
        };
        self.workspace.catalog.append_events(std::slice::from_ref(&event)).await?;
        self.options.observer.event(&event);
        Ok(())
    }
}

/// What events say of a version.
fn facts(version: &Version) -> Json {
    let count = |state: CheckState| version.checks.iter().filter(|outcome| outcome.state == state).count();
    json!({
        "rows": version.rows,
        "size_bytes": version.size_bytes,
        "build_ms": version.build_ms,
        "audit_ms": version.audit_ms,
        "rejected_rows": version.rejects.as_ref().map_or(0, |rejects| rejects.rows),
        "checks": {
            "passed": count(CheckState::Passed),
            "warned": count(CheckState::Warned),
            "known": count(CheckState::Known),
            "suppressed": count(CheckState::Suppressed),
            "failed": count(CheckState::Failed) + count(CheckState::Errored),
        },
    })
}

/// What holds it, in one line.
pub(crate) fn failing_sentence(checks: &[CheckOutcome]) -> String {
    let failing: Vec<&str> =
        checks.iter().filter(|outcome| outcome.state.holds()).map(|outcome| outcome.message.as_str()).collect();
    match failing.as_slice() {
        [] => "another member of its group is held".to_owned(),
        [one] => (*one).to_owned(),
        [first, others @ ..] => format!("{first}, and {} more", others.len()),
    }
}

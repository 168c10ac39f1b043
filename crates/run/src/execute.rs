//! Executes a plan: units in parallel, each through stage, audit and publish, all of it journaled.

mod attempt;
mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use lockgate_catalog::Late;
use lockgate_types::{
    AssetName, CheckOutcome, CheckState, Event, Run, RunId, RunState, Task, TaskPlan, TaskState, Version,
};
use serde_json::{Map, Value as Json, json};
use tracing::Instrument;

pub use self::outcome::{AssetResult, Observer, RunOptions, RunSummary};
use crate::lease::pause;
use crate::retry::{self, Budget};
use crate::stage::millis;
use crate::{Graph, Plan, RunError, Step, Workspace};

/// Assets that are worked on as one: a single asset, or the members of a group that run.
#[derive(Debug)]
struct Unit {
    members: Vec<AssetName>,
    /// Units that must end first.
    waits: BTreeSet<usize>,
}

impl Unit {
    fn names(&self) -> String {
        self.members.iter().map(AssetName::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// One run in progress.
struct Execution<'a> {
    workspace: &'a Workspace,
    graph: &'a Graph,
    plan: &'a Plan,
    options: &'a RunOptions,
    run: Run,
    steps: BTreeMap<&'a AssetName, &'a Step>,
    planned: BTreeMap<AssetName, TaskPlan>,
    budget: Budget,
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
            if !plan.confirmed {
                self.ensure_catalog_knows_the_store().await?;
            }
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
            request: plan.request.clone(),
            retry_of: plan.retry.as_ref().map(|retry| retry.of.clone()),
            started_at: self.effects.clock.now(),
            ended_at: None,
        };
        let retries = steps.keys().filter_map(|name| graph.nodes().get(*name)).map(|node| node.file.retries);
        let execution = Execution {
            workspace: self,
            graph,
            plan,
            options: &options,
            budget: Budget::of(retries),
            planned: plan.task_plans(graph),
            steps,
            state: Mutex::new(Progressed { view, results: Vec::new() }),
            run,
        };
        // Before anybody can read that it runs: a run that no living reader drives is taken for dead.
        self.announce(&execution.run.id)?;
        let span = tracing::info_span!("run", run = %execution.run.id.0, environment = %execution.run.environment);
        match execution.start_and_work().instrument(span).await {
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

    /// The live versions of everything that the plan's steps and their checks may read; what is taken up of an earlier
    /// run reads what that had pinned.
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
            let pinned = plan.retry.as_ref().and_then(|retry| retry.pins.get(&name));
            let version = match (pinned, live.get(&name)) {
                (Some(number), _) => self.catalog.version(self.env(), &name, *number).await?,
                (None, Some(number)) => Some(self.any_version(&name, *number).await?),
                (None, None) => None,
            };
            if let Some(version) = version {
                view.insert(name, version);
            }
        }
        Ok(view)
    }
}

impl Execution<'_> {
    async fn start(&self) -> Result<(), RunError> {
        let tasks: Vec<Task> = self
            .plan
            .steps
            .iter()
            .map(|step| Task {
                plan: self.planned.get(&step.asset).cloned(),
                ..self.task(&step.asset, TaskState::Waiting, 0)
            })
            .collect();
        self.workspace.catalog.create_run(&self.run, &tasks).await?;
        let assets: Vec<String> = self.plan.steps.iter().map(|step| step.asset.to_string()).collect();
        let mut data = json!({ "as_of": self.run.as_of, "assets": assets });
        if let Some(earlier) = &self.run.retry_of {
            data["retry_of"] = json!(earlier);
        }
        self.tell("run_started", None, None, data).await
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

    /// Without how it was planned, which the catalog keeps from its start.
    fn task(&self, asset: &AssetName, state: TaskState, attempts: u32) -> Task {
        Task {
            run: self.run.id.clone(),
            asset: asset.clone(),
            state,
            attempts,
            version: None,
            started_at: None,
            ended_at: None,
            message: None,
            plan: None,
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

    /// One unit, attempt after attempt. `Err` only for what ends the whole run.
    async fn unit(&self, unit: &Unit) -> Result<(), RunError> {
        if self.options.cancel.is_cancelled() {
            return self.end_all(unit, TaskState::Interrupted, "the run was interrupted").await;
        }
        if let Some(cause) = self.held_back_by(unit) {
            return self.end_all(unit, TaskState::Skipped, &format!("{cause} was not published")).await;
        }
        let started = self.workspace.effects.clock.monotonic();
        let mut attempt = 1;
        let ended = loop {
            let error = match self.attempt(unit, attempt).await {
                Ok(results) => break Ok(results),
                Err(error) => error,
            };
            self.abandon_staged(unit).await;
            let Some(wait) = self.pause(unit, attempt, &error) else { break Err(error) };
            self.tell_retrying(unit, attempt, wait, &error).await;
            tokio::select! {
                () = self.options.cancel.cancelled() => break Err(RunError::Interrupted),
                () = pause(self.workspace.effects.clock.as_ref(), wait) => {}
            }
            attempt += 1;
        };
        let results = match ended {
            Ok(results) => results,
            Err(error) => return self.end_failed(unit, attempt, &error).await,
        };
        let duration_ms = millis(self.workspace.effects.clock.monotonic().saturating_sub(started));
        for mut result in results {
            result.duration_ms = duration_ms;
            self.end_task(result, attempt).await?;
        }
        Ok(())
    }

    /// One attempt at a unit, from lease to publication.
    #[tracing::instrument(skip_all, fields(assets = %unit.names(), attempt))]
    async fn attempt(&self, unit: &Unit, attempt: u32) -> Result<Vec<AssetResult>, RunError> {
        let Some(first) = unit.members.first().and_then(|name| self.graph.nodes().get(name)) else {
            return Ok(Vec::new());
        };
        let lease = self.workspace.acquire(first, &self.options.cancel).await?;
        let outcome = match self.unit_under_lease(unit, attempt, &lease).await {
            // Whoever took over has cleared away what was staged here: whatever came of that is no fault of the store's.
            Err(error) if !matches!(error, RunError::Interrupted) && lease.is_lost().await => {
                tracing::debug!(asset = %first.file.name, %error, "failed after the lease was lost");
                Err(RunError::Fenced { asset: first.file.name.clone() })
            }
            outcome => outcome,
        };
        lease.release().await;
        outcome
    }

    /// The attempts that a unit has: those of the member that has the most.
    fn attempts_max(&self, unit: &Unit) -> u32 {
        let nodes = unit.members.iter().filter_map(|name| self.graph.nodes().get(name));
        1 + nodes.map(|node| node.file.retries).max().unwrap_or(0)
    }

    /// How long to wait before the next attempt, if there is one.
    fn pause(&self, unit: &Unit, attempt: u32, error: &RunError) -> Option<Duration> {
        if self.options.cancel.is_cancelled() || attempt >= self.attempts_max(unit) {
            return None;
        }
        let wait = retry::pause(error.fault_kind(), attempt, &self.workspace.effects)?;
        if !self.budget.take() {
            tracing::warn!(run = %self.run.id.0, "the run's retries are used up");
            return None;
        }
        Some(wait)
    }

    /// A retry that cannot be journaled is made all the same: the catalog may be what is to come back.
    async fn tell_retrying(&self, unit: &Unit, attempt: u32, wait: Duration, error: &RunError) {
        let message = error.diagnostics().0.first().map(|diagnostic| diagnostic.message.clone());
        for name in &unit.members {
            let data = json!({
                "kind": error.fault_kind().word(),
                "attempt": attempt + 1,
                "attempts": self.attempts_max(unit),
                "wait_ms": millis(wait),
                "message": message,
            });
            if let Err(error) = self.tell("retrying", Some(name), None, data).await {
                tracing::warn!(asset = %name, %error, "a retry was not journaled");
            }
        }
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

    async fn end_all(&self, unit: &Unit, state: TaskState, message: &str) -> Result<(), RunError> {
        for name in &unit.members {
            let mut result = AssetResult::new(name, state);
            result.message = Some(message.to_owned());
            self.end_task(result, 0).await?;
        }
        Ok(())
    }

    async fn end_failed(&self, unit: &Unit, attempts: u32, error: &RunError) -> Result<(), RunError> {
        let state = match error {
            RunError::Interrupted => TaskState::Interrupted,
            _ => TaskState::Failed,
        };
        for name in &unit.members {
            let mut result = AssetResult::new(name, state);
            let diagnostics = error.diagnostics();
            result.message = diagnostics.0.first().map(|diagnostic| self.workspace.redact(&diagnostic.message));
            result.diagnostics = diagnostics;
            self.end_task(result, attempts).await?;
        }
        Ok(())
    }

    /// What an attempt staged is of no use to anybody. If this fails too, the next holder of the lease clears it.
    async fn abandon_staged(&self, unit: &Unit) {
        let staged = self.workspace.catalog.staged(self.workspace.env()).await.unwrap_or_default();
        let mine =
            |version: &&Version| unit.members.contains(&version.asset) && version.run.as_ref() == Some(&self.run.id);
        for version in staged.iter().filter(mine) {
            if let Err(error) = self.workspace.abandon(version, "its attempt failed").await {
                tracing::warn!(asset = %version.asset, %error, "staged version not abandoned");
            }
        }
    }

    /// Records how an asset came out.
    async fn end_task(&self, mut result: AssetResult, attempts: u32) -> Result<(), RunError> {
        if result.live.is_none() {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            result.live = state.view.get(&result.asset).map(|version| version.number);
        }
        let mut task = self.task(&result.asset, result.state, attempts);
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
            let mut data = json!({
                "message": result.message,
                "diagnostics": result.diagnostics.0,
                "duration_ms": result.duration_ms,
            });
            if result.state == TaskState::Failed {
                data["attempts"] = json!(attempts);
            }
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

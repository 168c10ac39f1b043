//! One attempt at a unit, under its lease.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use lockgate_catalog::Publication;
use lockgate_kind::Progress;
use lockgate_types::{AssetName, TaskState, Version};
use serde_json::json;

use super::{AssetResult, Execution, Unit, facts, failing_sentence};
use crate::lease::Held;
use crate::parts::Trust;
use crate::stage::{StageContext, Staged, asks_for_build};
use crate::{Node, Reason, RunError};

impl Execution<'_> {
    /// Stages and audits each member, then publishes or holds them together.
    pub(super) async fn unit_under_lease(
        &self,
        unit: &Unit,
        attempt: u32,
        lease: &Held,
    ) -> Result<Vec<AssetResult>, RunError> {
        let mut view = self.state.lock().unwrap_or_else(PoisonError::into_inner).view.clone();
        let mut results = Vec::new();
        let mut candidates: Vec<Version> = Vec::new();
        let mut stopped: Vec<Version> = Vec::new();
        for name in &unit.members {
            let (Some(node), Some(step)) = (self.graph.nodes().get(name), self.steps.get(name)) else { continue };
            let progress = Progress::default();
            let mut task = self.task(name, TaskState::Running, attempt);
            task.started_at = Some(self.workspace.effects.clock.now());
            self.workspace.catalog.set_task(&task).await?;
            self.tell("task_started", Some(name), None, json!({ "reasons": step.reasons, "attempt": attempt })).await?;
            self.options.observer.started(name, &progress);
            if step.recheck_only {
                let live = self.workspace.catalog.live_one(self.workspace.env(), name).await?;
                results.push(self.judged_by_today(node, live, &mut view, lease).await?);
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
                planned_on: step.live,
                full_refresh: self.plan.full_refresh,
                confirmed: self.plan.confirmed,
                range: self.plan.range,
                lease: &lease.lease,
                progress: progress.clone(),
                cancel: &self.options.cancel,
            };
            let staged = self.workspace.stage(node, &context).await;
            for warning in progress.take_warnings() {
                let message = self.workspace.redact(&warning.message);
                let data = json!({ "message": message, "diagnostics": [warning] });
                self.tell("warned", Some(name), None, data).await?;
            }
            let staged = staged?;
            lease.check(name)?;
            // The members of a group read each other's staged state, held or not: they switch together.
            match staged {
                Staged::Unchanged(live) => {
                    results.push(self.judged_by_today(node, live.map(|live| *live), &mut view, lease).await?);
                }
                Staged::Published(version) => {
                    view.insert(name.clone(), (*version).clone());
                    results.push(self.published(*version).await);
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

    /// What is live stays. Another run may have published it, or judged it, since this one began.
    async fn judged_by_today(
        &self,
        node: &Node,
        live: Option<Version>,
        view: &mut BTreeMap<AssetName, Version>,
        lease: &Held,
    ) -> Result<AssetResult, RunError> {
        let name = &node.file.name;
        let Some(live) = live else { return Ok(AssetResult::new(name, TaskState::Unchanged)) };
        view.insert(name.clone(), live.clone());
        let is_judged = live.checks_fingerprint == node.checks_fingerprint || asks_for_build(node, &live);
        let result = if is_judged {
            AssetResult::of(&live, TaskState::Unchanged, Some(live.number))
        } else {
            self.recheck(node, &live, view, lease).await?
        };
        self.state.lock().unwrap_or_else(PoisonError::into_inner).view.insert(name.clone(), live);
        Ok(result)
    }

    async fn publish(&self, mut candidates: Vec<Version>, lease: &Held) -> Result<Vec<AssetResult>, RunError> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let by = Publication { actor: self.workspace.actor.clone(), why: None, retract: false };
        self.workspace.publish(&mut candidates, &lease.lease, &by, "WRITE").await?;
        let mut results = Vec::new();
        for version in candidates {
            results.push(self.published(version).await);
        }
        Ok(results)
    }

    /// What is told of a version that is published. What cannot be written down about it changes nothing of that.
    async fn published(&self, version: Version) -> AssetResult {
        let told = async {
            if let Some(node) = self.graph.nodes().get(&version.asset) {
                self.workspace.record_code(node, &version).await?;
            }
            self.tell("published", Some(&version.asset), Some(&version), facts(&version)).await
        };
        if let Err(error) = told.await {
            tracing::warn!(asset = %version.asset, %error, "published, but not all of it was journaled");
        }
        let result = AssetResult::of(&version, TaskState::Published, Some(version.number));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.view.insert(version.asset.clone(), version);
        result
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
        live: &Version,
        view: &BTreeMap<AssetName, Version>,
        lease: &Held,
    ) -> Result<AssetResult, RunError> {
        let name = &node.file.name;
        let mut judged = live.clone();
        self.workspace.audit_again(node, view, self.plan.as_of, &mut judged, None, Trust::Parts).await?;
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
}

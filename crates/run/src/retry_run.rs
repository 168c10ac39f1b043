//! Taking up what a run left unfinished: the same code at the same logical time over the same inputs, also days later.
//!
//! What the run finished stays as it is; what failed, was skipped or interrupted, or was never begun, is done by a new
//! run that names the old one. It is refused when the project has changed so that the old plan cannot be carried out.
//!
//! Cost: linear in the run's tasks and the inputs that those which are left read.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_kind::TimeSpan;
use lockgate_types::{
    AssetName, Diagnostic, Fingerprint, Run, RunId, RunState, Task, TaskPlan, TaskState, VersionNumber, VersionState,
};

use crate::error::{NO_RUN, PLAN_DIFFERS, RUN_GOES_ON};
use crate::plan::{Retry, hash};
use crate::{Graph, Node, Plan, Reason, RunError, Step, Workspace};

/// What is left of a run.
#[derive(Clone, Debug)]
pub struct RetryPlan {
    pub run: Run,
    /// Of how many tasks.
    pub tasks: usize,
    /// Without steps when nothing is left.
    pub plan: Plan,
    /// Inputs that the run had pinned in versions that nobody should read any more; they are read as they are now.
    pub repinned: Vec<Repinned>,
    /// What the run held, and nobody has published since.
    pub held: Vec<AssetName>,
    /// Not taken up, because something that they read is held.
    pub behind: Vec<AssetName>,
}

/// An input whose pinned version was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repinned {
    pub asset: AssetName,
    pub number: VersionNumber,
    /// What became of the version; `None` when the catalog lost it.
    pub state: Option<VersionState>,
}

/// How it stands with the tasks of a run that are not done.
#[derive(Default)]
struct Unfinished {
    left: BTreeSet<AssetName>,
    held: Vec<AssetName>,
    behind: Vec<AssetName>,
}

/// A run's tasks, each as it was planned.
type Planned = BTreeMap<AssetName, (Task, TaskPlan)>;

impl Workspace {
    /// Plans what the run left unfinished. `None` is the newest run of the environment.
    ///
    /// # Errors
    /// [`RunError::Invalid`] when there is no such run, when it goes on, or when its plan cannot be carried out any more.
    pub async fn plan_retry(&self, graph: &Graph, id: Option<&RunId>) -> Result<RetryPlan, RunError> {
        let run = self.run_to_retry(id).await?;
        let tasks = self.as_planned(graph, &run).await?;
        let count = tasks.len();
        let Unfinished { left, held, behind } = self.unfinished(graph, &tasks).await?;
        let selected = self.selected_by(graph, &run, &left).await?;
        let (pins, repinned) = self.pins_that_stand(graph, &run, &tasks, &left).await?;
        let outside = self.look_outside(graph, &left, run.as_of).await?;
        let mut plan = Plan {
            as_of: run.as_of,
            hash: Fingerprint::of([]),
            selected,
            steps: Vec::new(),
            fresh: Vec::new(),
            held: Vec::new(),
            force: run.request.force,
            full_refresh: run.request.full_refresh,
            confirmed: run.request.confirmed,
            range: run.request.range.map(|(from, to)| TimeSpan { from, to }),
            request: run.request.clone(),
            retry: Some(Retry { of: run.id.clone(), pins }),
            outside,
        };
        for name in graph.order().iter().filter(|name| left.contains(*name)) {
            let (Some(node), Some((_, planned))) = (graph.nodes().get(name), tasks.get(name)) else { continue };
            let step = self.step(node, reasons(&run, node, planned)).await?;
            plan.steps.push(Step { recheck_only: planned.recheck_only, live: planned.live, ..step });
        }
        plan.hash = hash(plan.as_of, &plan.request, &plan.task_plans(graph));
        Ok(RetryPlan { run, tasks: count, plan, repinned, held, behind })
    }

    /// A run that is over. One whose process is gone is ended here.
    async fn run_to_retry(&self, id: Option<&RunId>) -> Result<Run, RunError> {
        let found = match id {
            Some(id) => self.catalog.run(id).await?.filter(|run| run.environment == self.env()),
            None => self.catalog.runs(self.env(), 1).await?.pop(),
        };
        let Some(mut run) = found else {
            let message = match id {
                Some(id) => format!("there is no run {id} in environment {}", self.env()),
                None => format!("there is no run in environment {}", self.env()),
            };
            let hint = "lockgate query \"select id, state, started_at from lockgate.runs order by started_at desc\"";
            return Err(RunError::Invalid(Diagnostic::error(&NO_RUN, message).hint(hint).into()));
        };
        if run.state == RunState::Running {
            if self.readers()?.drives(&run.id) {
                let message = format!("run {} of {} goes on", run.id, run.actor);
                return Err(RunError::Invalid(Diagnostic::error(&RUN_GOES_ON, message).into()));
            }
            self.end_abandoned(&run.id).await?;
            run.state = RunState::Interrupted;
        }
        Ok(run)
    }

    /// The run's tasks, when they would do today what they were to do then.
    async fn as_planned(&self, graph: &Graph, run: &Run) -> Result<Planned, RunError> {
        let differs = |what: &str| {
            let message = format!("run {} cannot be taken up: {what}", run.id);
            RunError::Invalid(Diagnostic::error(&PLAN_DIFFERS, message).hint("lockgate run").into())
        };
        let mut tasks = Planned::new();
        let mut today = BTreeMap::new();
        let mut changes = Vec::new();
        for task in self.catalog.tasks(&run.id).await? {
            let Some(planned) = task.plan.clone() else {
                return Err(differs("it is from before plans were kept"));
            };
            let name = task.asset.clone();
            match graph.nodes().get(&name) {
                None => changes.push(format!("{name} is gone")),
                Some(node) => {
                    if node.fingerprint != planned.fingerprint {
                        changes.push(format!("the code of {name} changed"));
                    } else if node.checks_fingerprint != planned.checks_fingerprint {
                        changes.push(format!("the checks of {name} changed"));
                    }
                    let now = TaskPlan {
                        fingerprint: node.fingerprint.clone(),
                        checks_fingerprint: node.checks_fingerprint.clone(),
                        ..planned.clone()
                    };
                    today.insert(name.clone(), now);
                }
            }
            tasks.insert(name, (task, planned));
        }
        if hash(run.as_of, &run.request, &today) != run.plan_hash {
            return Err(differs(&match changes.as_slice() {
                [] => "its plan was made in another way".to_owned(),
                [one] => one.clone(),
                [first, others @ ..] => format!("{first}, and {} more", others.len()),
            }));
        }
        Ok(tasks)
    }

    /// What is left to do, and what stays behind something that is held.
    async fn unfinished(&self, graph: &Graph, tasks: &Planned) -> Result<Unfinished, RunError> {
        let (mut found, mut stopped) = (Unfinished::default(), BTreeSet::new());
        for name in graph.order() {
            let (Some((task, _)), Some(node)) = (tasks.get(name), graph.nodes().get(name)) else { continue };
            match task.state {
                TaskState::Published | TaskState::Unchanged => {}
                // Somebody may have published it by hand since.
                TaskState::Held => {
                    if !self.is_readable(name, task.version).await? {
                        stopped.insert(name.clone());
                        found.held.push(name.clone());
                    }
                }
                TaskState::Waiting
                | TaskState::Running
                | TaskState::Failed
                | TaskState::Skipped
                | TaskState::Interrupted => {
                    if graph.stored_dependencies(node).iter().any(|input| stopped.contains(input)) {
                        stopped.insert(name.clone());
                        found.behind.push(name.clone());
                    } else {
                        found.left.insert(name.clone());
                    }
                }
            }
        }
        Ok(found)
    }

    async fn is_readable(&self, name: &AssetName, number: Option<VersionNumber>) -> Result<bool, RunError> {
        let Some(number) = number else { return Ok(false) };
        Ok(self.catalog.version(self.env(), name, number).await?.is_some_and(|version| stands(version.state)))
    }

    /// What the run had selected, for lateness: also what was up to date then.
    async fn selected_by(
        &self,
        graph: &Graph,
        run: &Run,
        left: &BTreeSet<AssetName>,
    ) -> Result<BTreeSet<AssetName>, RunError> {
        if left.is_empty() {
            return Ok(BTreeSet::new());
        }
        let selected = graph.select(&run.request.selectors, &run.request.exclude, left);
        // A selector that named something which is gone does not matter to what is left.
        Ok(selected.unwrap_or_else(|_| left.clone()))
    }

    /// The versions that the run read or published, of what those that are left read.
    async fn pins_that_stand(
        &self,
        graph: &Graph,
        run: &Run,
        tasks: &Planned,
        left: &BTreeSet<AssetName>,
    ) -> Result<(BTreeMap<AssetName, VersionNumber>, Vec<Repinned>), RunError> {
        let nodes = left.iter().filter_map(|name| graph.nodes().get(name));
        let needed: BTreeSet<AssetName> = nodes.flat_map(|node| graph.stored_dependencies(node)).collect();
        let (mut pins, mut repinned) = (BTreeMap::new(), Vec::new());
        for asset in needed.difference(left) {
            let published = tasks.get(asset).and_then(|(task, _)| task.version);
            let Some(number) = published.or_else(|| run.pins.get(asset).copied()) else { continue };
            let state = self.catalog.version(self.env(), asset, number).await?.map(|version| version.state);
            if state.is_some_and(stands) {
                pins.insert(asset.clone(), number);
            } else {
                repinned.push(Repinned { asset: asset.clone(), number, state });
            }
        }
        Ok((pins, repinned))
    }
}

/// Whether the rows of a version in this state are still those that the run read: published, or followed by newer ones.
fn stands(state: VersionState) -> bool {
    match state {
        VersionState::Published | VersionState::Superseded => true,
        VersionState::Staged
        | VersionState::Publishing
        | VersionState::Held
        | VersionState::Dismissed
        | VersionState::Retracted
        | VersionState::Expired
        | VersionState::Failed => false,
    }
}

fn reasons(run: &Run, node: &Node, planned: &TaskPlan) -> Vec<Reason> {
    let mut reasons = vec![Reason::Unfinished { run: run.id.clone() }];
    if planned.checks_changed {
        reasons.push(Reason::ChecksChanged);
    }
    if run.request.force || run.request.full_refresh {
        reasons.push(Reason::Asked);
    }
    if let Some((from, to)) = run.request.range.filter(|_| node.asset.takes_ranges()) {
        reasons.push(Reason::RangeAsked { from, to });
    }
    reasons
}

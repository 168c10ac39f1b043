//! What is stale, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, SubsecRound, Utc};
use futures::StreamExt;
use lockgate_catalog::LiveHead;
use lockgate_kind::{ObserveContext, Outside, TimeSpan};
use lockgate_types::{
    AssetName, Column, DataType, Diagnostic, Fingerprint, RunId, RunRequest, Schema, TaskPlan, Version, VersionNumber,
};
use serde::Serialize;
use serde_json::Value as Json;

use crate::error::WRONG_RANGE;
use crate::lease::pause;
use crate::retry::{self, LOOKS_AGAIN};
use crate::stage::asks_for_build;
use crate::{Graph, Node, RunError, Workspace};

/// What to plan.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// Empty selects everything.
    pub selectors: Vec<String>,
    pub exclude: Vec<String>,
    /// Build what is selected also when it is fresh.
    pub force: bool,
    /// Build from nothing: what is loaded bit by bit starts over.
    pub full_refresh: bool,
    /// History may be lost where a build from nothing, or another `load`, would lose it.
    pub confirmed: bool,
    /// Build these ranges of time again, of selected assets that are loaded by ranges.
    pub range: Option<TimeSpan>,
    /// The logical time; now when `None`.
    pub as_of: Option<DateTime<Utc>>,
}

impl PlanOptions {
    fn request(&self) -> RunRequest {
        RunRequest {
            selectors: self.selectors.clone(),
            exclude: self.exclude.clone(),
            force: self.force,
            full_refresh: self.full_refresh,
            confirmed: self.confirmed,
            range: self.range.map(|span| (span.from, span.to)),
        }
    }
}

/// What a run would do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub as_of: DateTime<Utc>,
    /// Of the steps, the code and checks they run, what was asked for, and the logical time.
    pub hash: Fingerprint,
    pub selected: BTreeSet<AssetName>,
    /// In an order in which they can run.
    pub steps: Vec<Step>,
    /// Selected and up to date.
    pub fresh: Vec<AssetName>,
    /// Selected, and the candidate that would be built is held already.
    pub held: Vec<(AssetName, VersionNumber)>,
    pub force: bool,
    pub full_refresh: bool,
    pub confirmed: bool,
    #[serde(skip)]
    pub(crate) range: Option<TimeSpan>,
    #[serde(skip)]
    pub(crate) request: RunRequest,
    /// The run that is taken up, and what it had pinned.
    #[serde(skip)]
    pub(crate) retry: Option<Retry>,
    /// What the sources saw, for the candidates' keys.
    #[serde(skip)]
    pub(crate) outside: BTreeMap<AssetName, Outside>,
}

/// What is taken up of an earlier run.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    pub(crate) of: RunId,
    /// The inputs that it had pinned or published, as far as they can still be read as it would have read them.
    pub(crate) pins: BTreeMap<AssetName, VersionNumber>,
}

/// One asset that would run.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub asset: AssetName,
    pub kind: String,
    pub reasons: Vec<Reason>,
    /// From earlier builds; `None` when there are none.
    pub estimate: Option<Estimate>,
    /// Against the live version; `None` when there is none or nothing changes.
    pub schema_change: Option<SchemaChange>,
    /// Only its checks changed: the live version is judged again, nothing is built.
    pub recheck_only: bool,
    /// What is live while this is planned.
    pub live: Option<VersionNumber>,
}

/// Medians of the last builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    pub rows: u64,
    /// Build and audit, without waiting.
    pub duration_ms: u64,
}

/// Why an asset would run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    NeverBuilt,
    CodeChanged {
        parts: Vec<String>,
    },
    InputNewer {
        input: AssetName,
        from: Option<VersionNumber>,
        to: VersionNumber,
    },
    /// An input is built by the same run.
    InputRuns {
        input: AssetName,
    },
    OutsideChanged {
        why: String,
    },
    ChecksChanged,
    /// An earlier run did not come to its end.
    Unfinished {
        run: RunId,
    },
    /// A span of time was named.
    RangeAsked {
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    },
    Asked,
}

impl Reason {
    /// Whether it is built whatever its inputs say.
    pub(crate) fn forces(&self) -> bool {
        match self {
            Reason::Asked | Reason::RangeAsked { .. } => true,
            Reason::NeverBuilt
            | Reason::CodeChanged { .. }
            | Reason::InputNewer { .. }
            | Reason::InputRuns { .. }
            | Reason::OutsideChanged { .. }
            | Reason::Unfinished { .. }
            | Reason::ChecksChanged => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NeverBuilt => f.write_str("never built"),
            Reason::CodeChanged { parts } if parts.is_empty() => f.write_str("its code changed"),
            Reason::CodeChanged { parts } => write!(f, "its code changed: {}", parts.join(", ")),
            Reason::InputNewer { input, from: Some(from), to } => write!(f, "{input} went from version {from} to {to}"),
            Reason::InputNewer { input, from: None, to } => write!(f, "{input} version {to} is a new input"),
            Reason::InputRuns { input } => write!(f, "{input} runs"),
            Reason::OutsideChanged { why } => f.write_str(why),
            Reason::ChecksChanged => f.write_str("its checks changed"),
            Reason::Unfinished { run } => write!(f, "unfinished in run {run}"),
            Reason::RangeAsked { from, to } => write!(f, "asked for {} to {}", short(*from), short(*to)),
            Reason::Asked => f.write_str("asked for"),
        }
    }
}

/// RFC 3339; a bare day for its 00:00.
fn short(at: DateTime<Utc>) -> String {
    let text = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    text.strip_suffix("T00:00:00Z").map_or(text.clone(), str::to_owned)
}

/// Columns that differ between two schemas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SchemaChange {
    pub added: Vec<Column>,
    pub removed: Vec<Column>,
    /// Name, type before, type after.
    pub retyped: Vec<(String, DataType, DataType)>,
}

impl SchemaChange {
    pub fn between(from: &Schema, to: &Schema) -> SchemaChange {
        let missing_in = |columns: &Schema, other: &Schema| -> Vec<Column> {
            columns.columns.iter().filter(|c| other.column(&c.name).is_none()).cloned().collect()
        };
        let retyped = to.columns.iter().filter_map(|now| {
            let before = from.column(&now.name)?;
            (before.data_type != now.data_type)
                .then(|| (now.name.clone(), before.data_type.clone(), now.data_type.clone()))
        });
        SchemaChange { added: missing_in(to, from), removed: missing_in(from, to), retyped: retyped.collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.retyped.is_empty()
    }
}

/// The key of what would be built: the same key is the same candidate.
pub(crate) fn candidate_key(
    fingerprint: &Fingerprint,
    inputs: &BTreeMap<AssetName, VersionNumber>,
    outside_key: Option<&str>,
) -> String {
    let mut parts = vec![fingerprint.0.clone()];
    parts.extend(inputs.iter().map(|(name, number)| format!("{name}@{number}")));
    parts.extend(outside_key.map(|key| format!("outside {key}")));
    Fingerprint::of(parts.iter().map(String::as_str)).0
}

impl Workspace {
    /// Decides what would run, and why. Opens no table.
    ///
    /// # Errors
    /// A selector that is wrong, an outside that cannot be looked at, catalog errors.
    pub async fn plan(&self, graph: &Graph, options: &PlanOptions) -> Result<Plan, RunError> {
        // As precise as it is kept, so that a retry goes by the same.
        let as_of = options.as_of.unwrap_or_else(|| self.effects.clock.now()).trunc_subsecs(6);
        let heads = self.catalog.live_heads(self.env()).await?;
        let held = self.catalog.held(self.env()).await?;
        let held: BTreeMap<AssetName, Version> = held.into_iter().map(|v| (v.asset.clone(), v)).collect();
        let changed = changed(graph, &heads);
        let selected = graph.select(&options.selectors, &options.exclude, &changed)?;
        if let Some(span) = options.range {
            self.range_makes_sense(graph, &selected, span)?;
        }
        let outside = self.look_outside(graph, &selected, as_of).await?;

        let mut plan = Plan {
            as_of,
            hash: Fingerprint::of([]),
            selected,
            steps: Vec::new(),
            fresh: Vec::new(),
            held: Vec::new(),
            force: options.force,
            full_refresh: options.full_refresh,
            confirmed: options.confirmed,
            range: options.range,
            request: options.request(),
            retry: None,
            outside,
        };
        let mut running = BTreeSet::new();
        for name in graph.order() {
            let Some(node) = graph.nodes().get(name).filter(|node| !node.is_inline()) else { continue };
            if !plan.selected.contains(name) {
                continue;
            }
            let head = heads.get(name);
            let mut reasons = self.reasons(graph, name, node, head, &heads, &running, &plan).await?;
            let checks_changed =
                reasons.is_empty() && head.is_some_and(|h| h.checks_fingerprint != node.checks_fingerprint);
            let mut recheck_only = false;
            if checks_changed {
                reasons.push(Reason::ChecksChanged);
                let live = self.catalog.live_one(self.env(), name).await?;
                recheck_only = !live.is_some_and(|live| asks_for_build(node, &live));
            }
            if reasons.is_empty() {
                plan.fresh.push(name.clone());
                continue;
            }
            let waits = |reason: &Reason| reason.forces() || matches!(reason, Reason::InputRuns { .. });
            let same_held = held.get(name).filter(|version| {
                let same_checks = !checks_changed || version.checks_fingerprint == node.checks_fingerprint;
                !recheck_only
                    && same_checks
                    && !reasons.iter().any(waits)
                    && version.candidate_key == self.key_now(graph, node, &heads, &plan)
            });
            if let Some(version) = same_held {
                plan.held.push((name.clone(), version.number));
            }
            if !recheck_only {
                running.insert(name.clone());
            }
            let live = head.map(|head| head.number);
            plan.steps.push(Step { recheck_only, live, ..self.step(node, reasons).await? });
        }
        plan.hash = plan.hash_of(graph);
        Ok(plan)
    }

    /// The key of the candidate that would be built from what is live now.
    fn key_now(&self, graph: &Graph, node: &Node, heads: &BTreeMap<AssetName, LiveHead>, plan: &Plan) -> String {
        let inputs = graph
            .stored_inputs(node)
            .into_iter()
            .filter_map(|input| heads.get(&input).map(|head| (input, head.number)))
            .collect();
        candidate_key(&node.fingerprint, &inputs, plan.outside.get(&node.file.name).and_then(Outside::key))
    }

    /// Asks the kinds of everything selected how the world outside stands, several at a time.
    pub(crate) async fn look_outside(
        &self,
        graph: &Graph,
        selected: &BTreeSet<AssetName>,
        as_of: DateTime<Utc>,
    ) -> Result<BTreeMap<AssetName, Outside>, RunError> {
        let sources = selected.iter().filter_map(|name| graph.nodes().get(name).map(|node| (name.clone(), node)));
        // Of what has no outside of its own, the live version is not even fetched.
        let sources: Vec<_> = sources.filter(|(_, node)| node.asset.has_outside() && !node.is_inline()).collect();
        let looks = futures::stream::iter(sources.into_iter().map(|(name, node)| async move {
            let live = self.catalog.live_one(self.env(), &name).await?;
            let outside = self.look_again(node, live.as_ref(), as_of).await?;
            Ok::<_, RunError>((name, outside))
        }));
        let mut seen = BTreeMap::new();
        let mut looks = looks.buffer_unordered(8);
        while let Some(look) = looks.next().await {
            let (name, outside) = look?;
            seen.insert(name, outside);
        }
        Ok(seen)
    }

    /// Looks once more when the fault may pass.
    async fn look_again(&self, node: &Node, live: Option<&Version>, as_of: DateTime<Utc>) -> Result<Outside, RunError> {
        let mut attempt = 1;
        loop {
            let error = match node.asset.observe(ObserveContext { live, as_of }).await {
                Ok(outside) => return Ok(outside),
                Err(error) => error,
            };
            let wait = retry::pause(error.fault_kind(), attempt, &self.effects).filter(|_| attempt <= LOOKS_AGAIN);
            let Some(wait) = wait else { return Err(error.into()) };
            tracing::warn!(asset = %node.file.name, attempt, %error, "looking again");
            pause(self.effects.clock.as_ref(), wait).await;
            attempt += 1;
        }
    }

    #[allow(clippy::too_many_arguments)] // each is one fact the reasons are made of
    async fn reasons(
        &self,
        graph: &Graph,
        name: &AssetName,
        node: &Node,
        head: Option<&LiveHead>,
        heads: &BTreeMap<AssetName, LiveHead>,
        running: &BTreeSet<AssetName>,
        plan: &Plan,
    ) -> Result<Vec<Reason>, RunError> {
        let mut reasons = Vec::new();
        if plan.force || plan.full_refresh {
            reasons.push(Reason::Asked);
        }
        if let Some(TimeSpan { from, to }) = plan.range.filter(|_| node.asset.takes_ranges()) {
            reasons.push(Reason::RangeAsked { from, to });
        }
        let inputs = graph.stored_inputs(node);
        match head {
            None => reasons.push(Reason::NeverBuilt),
            Some(head) => {
                if head.fingerprint != node.fingerprint {
                    reasons.push(Reason::CodeChanged { parts: self.changed_parts(name, &node.code).await? });
                }
                for input in &inputs {
                    let Some(now) = heads.get(input) else { continue };
                    let from = head.inputs.get(input).copied();
                    if from != Some(now.number) && !running.contains(input) {
                        reasons.push(Reason::InputNewer { input: input.clone(), from, to: now.number });
                    }
                }
                // After a rollback the outside differs from what the live version was built from, and yet the
                // candidate would be the one that was rolled back.
                if let Some(Outside::Changed { why, .. }) = plan.outside.get(name)
                    && self.key_now(graph, node, heads, plan) != head.candidate_key
                {
                    reasons.push(Reason::OutsideChanged { why: why.clone() });
                }
            }
        }
        let inputs_that_run = inputs.iter().filter(|input| running.contains(*input));
        reasons.extend(inputs_that_run.map(|input| Reason::InputRuns { input: input.clone() }));
        Ok(reasons)
    }

    /// A span of time is not empty, and about something.
    fn range_makes_sense(&self, graph: &Graph, selected: &BTreeSet<AssetName>, span: TimeSpan) -> Result<(), RunError> {
        let wrong = |message: String, hint: &str| {
            Err(RunError::Invalid(Diagnostic::error(&WRONG_RANGE, message).hint(hint).into()))
        };
        if span.from >= span.to {
            let (from, to) = (short(span.from), short(span.to));
            return wrong(
                format!("from {from} to {to} is no time"),
                "--to is the first moment that is no longer built",
            );
        }
        let takes_ranges = |name: &AssetName| graph.nodes().get(name).is_some_and(|node| node.asset.takes_ranges());
        if !selected.iter().any(takes_ranges) {
            let message = "nothing that is selected is loaded by ranges of time".to_owned();
            return wrong(message, "--from and --to are for assets with load: { time_range: … }");
        }
        Ok(())
    }

    /// Which parts of the code differ from what was last published.
    async fn changed_parts(&self, name: &AssetName, now: &Json) -> Result<Vec<String>, RunError> {
        let Some((_, before)) = self.catalog.code(self.env(), name).await? else { return Ok(Vec::new()) };
        let (Json::Object(now), Json::Object(before)) = (now, &before) else { return Ok(Vec::new()) };
        let keys: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
        Ok(keys.into_iter().filter(|key| now.get(*key) != before.get(*key)).cloned().collect())
    }

    pub(crate) async fn step(&self, node: &Node, reasons: Vec<Reason>) -> Result<Step, RunError> {
        let name = &node.file.name;
        let history = self.catalog.build_history(self.env(), name, 5).await?;
        let estimate = (!history.is_empty()).then(|| Estimate {
            rows: median(history.iter().map(|build| build.rows)),
            duration_ms: median(history.iter().map(|build| build.build_ms + build.audit_ms)),
        });
        // Only a change of code or of an input's schema can change the schema, so most steps fetch nothing.
        let may_change =
            reasons.iter().any(|reason| matches!(reason, Reason::CodeChanged { .. } | Reason::InputRuns { .. }));
        let live = if may_change { self.catalog.live_one(self.env(), name).await? } else { None };
        let schema_change =
            live.map(|live| SchemaChange::between(&live.schema, &node.schema)).filter(|change| !change.is_empty());
        Ok(Step {
            asset: name.clone(),
            kind: node.file.kind.clone(),
            reasons,
            estimate,
            schema_change,
            recheck_only: false,
            live: None,
        })
    }
}

/// What the selector `changed` stands for: never built, or of other code than what is live.
fn changed(graph: &Graph, heads: &BTreeMap<AssetName, LiveHead>) -> BTreeSet<AssetName> {
    let differs = |(name, node): &(&AssetName, &Node)| {
        !node.is_inline() && heads.get(*name).is_none_or(|head| head.fingerprint != node.fingerprint)
    };
    graph.nodes().iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

impl Plan {
    /// What its tasks are to do.
    pub(crate) fn task_plans(&self, graph: &Graph) -> BTreeMap<AssetName, TaskPlan> {
        let plan = |step: &Step| {
            let node = graph.nodes().get(&step.asset)?;
            let plan = TaskPlan {
                fingerprint: node.fingerprint.clone(),
                checks_fingerprint: node.checks_fingerprint.clone(),
                live: step.live,
                recheck_only: step.recheck_only,
                checks_changed: step.reasons.contains(&Reason::ChecksChanged),
            };
            Some((step.asset.clone(), plan))
        };
        self.steps.iter().filter_map(plan).collect()
    }

    fn hash_of(&self, graph: &Graph) -> Fingerprint {
        hash(self.as_of, &self.request, &self.task_plans(graph))
    }
}

/// The same for the same work: why an asset runs, and what is done already, is not in it.
pub(crate) fn hash(as_of: DateTime<Utc>, request: &RunRequest, tasks: &BTreeMap<AssetName, TaskPlan>) -> Fingerprint {
    let asked = serde_json::to_string(request).unwrap_or_default();
    let mut parts = vec![as_of.to_rfc3339(), asked];
    for (asset, plan) in tasks {
        let rest = format!("{} {}", plan.recheck_only, plan.checks_changed);
        parts.extend([asset.to_string(), rest, plan.fingerprint.0.clone(), plan.checks_fingerprint.0.clone()]);
    }
    Fingerprint::of(parts.iter().map(String::as_str))
}

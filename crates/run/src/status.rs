//! How every asset stands.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_catalog::Late;
use lockgate_types::{AssetName, CheckOutcome, CheckState, Run, Suppression, Version, VersionNumber};
use serde::Serialize;

use crate::{Graph, PlanOptions, Reason, RunError, Workspace};

/// A project at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// In name order.
    pub assets: Vec<AssetStatus>,
    /// The last runs, newest first.
    pub runs: Vec<Run>,
}

impl Status {
    /// 3 while something is held or late, else 0.
    pub fn exit_code(&self) -> u8 {
        if self.assets.iter().any(|asset| asset.held.is_some() || asset.late.is_some()) { 3 } else { 0 }
    }
}

/// Whether a run would build it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Fresh,
    Stale,
    NeverBuilt,
    /// Not stored.
    Inline,
}

/// How one asset stands.
#[derive(Clone, Debug, Serialize)]
pub struct AssetStatus {
    pub name: AssetName,
    pub kind: String,
    pub owner: Option<String>,
    pub standing: Standing,
    /// Why a run would build it.
    pub reasons: Vec<Reason>,
    pub live: Option<LiveInfo>,
    pub held: Option<HeldInfo>,
    /// Known failures that the live version was published with.
    pub known: Vec<CheckOutcome>,
    /// Suppressions in force, with what the check last said.
    pub suppressed: Vec<(Suppression, Option<CheckOutcome>)>,
    pub warned: Vec<CheckOutcome>,
    /// Checks that fail on the live version: they were changed after it was published.
    pub failing_live: Vec<CheckOutcome>,
    pub late: Option<Late>,
    /// The held or late ancestors that keep it on older data.
    pub behind: Vec<AssetName>,
}

/// What readers see.
#[derive(Clone, Debug, Serialize)]
pub struct LiveInfo {
    pub number: VersionNumber,
    pub rows: u64,
    pub size_bytes: u64,
    pub published_at: Option<DateTime<Utc>>,
}

/// What waits for a decision.
#[derive(Clone, Debug, Serialize)]
pub struct HeldInfo {
    pub number: VersionNumber,
    pub rows: u64,
    pub staged_at: DateTime<Utc>,
    pub failing: Vec<CheckOutcome>,
}

impl Workspace {
    /// Looks at every asset: what is live, held, late, behind, known, suppressed, and what a run would build.
    ///
    /// # Errors
    /// What planning can answer; catalog errors.
    pub async fn status(&self, graph: &Graph) -> Result<Status, RunError> {
        let plan = self.plan(graph, &PlanOptions::default()).await?;
        let mut reasons: BTreeMap<AssetName, Vec<Reason>> =
            plan.steps.into_iter().map(|step| (step.asset, step.reasons)).collect();
        let mut live = self.catalog.live(self.env()).await?;
        let held = self.catalog.held(self.env()).await?;
        let mut held: BTreeMap<AssetName, Version> = held.into_iter().map(|v| (v.asset.clone(), v)).collect();
        let late = self.catalog.late(self.env()).await?;
        let now = self.effects.clock.now();
        let suppressions = self.catalog.suppressions(self.env()).await?;
        let stops = |name: &AssetName| held.contains_key(name) || late.contains_key(name);
        let mut behind: BTreeMap<AssetName, Vec<AssetName>> = graph
            .nodes()
            .keys()
            .map(|name| (name.clone(), graph.ancestors(name).into_iter().filter(|a| stops(a)).collect()))
            .collect();
        let mut assets = Vec::new();
        for (name, node) in graph.nodes() {
            let version = live.remove(name);
            let reasons = reasons.remove(name).unwrap_or_default();
            let standing = match (&version, node.is_inline()) {
                (_, true) => Standing::Inline,
                (None, false) => Standing::NeverBuilt,
                (Some(_), false) if reasons.is_empty() => Standing::Fresh,
                (Some(_), false) => Standing::Stale,
            };
            let checks = version.as_ref().map(|version| version.checks.clone()).unwrap_or_default();
            let of = |state: CheckState| -> Vec<CheckOutcome> {
                checks.iter().filter(|outcome| outcome.state == state).cloned().collect()
            };
            let in_force = suppressions.iter().filter(|s| s.asset == *name && now < s.until);
            let suppressed =
                in_force.map(|s| (s.clone(), checks.iter().find(|outcome| outcome.name == s.check).cloned())).collect();
            assets.push(AssetStatus {
                name: name.clone(),
                kind: node.file.kind.clone(),
                owner: node.file.owner.clone(),
                standing,
                reasons,
                known: of(CheckState::Known),
                suppressed,
                warned: of(CheckState::Warned),
                failing_live: checks.iter().filter(|outcome| outcome.state.holds()).cloned().collect(),
                late: late.get(name).cloned(),
                behind: behind.remove(name).unwrap_or_default(),
                held: None,
                live: version.map(|version| LiveInfo {
                    number: version.number,
                    rows: version.rows,
                    size_bytes: version.size_bytes,
                    published_at: version.published_at,
                }),
            });
        }
        for asset in &mut assets {
            asset.held = held.remove(&asset.name).map(|version| HeldInfo {
                number: version.number,
                rows: version.rows,
                staged_at: version.staged_at,
                failing: version.checks.into_iter().filter(|outcome| outcome.state.holds()).collect(),
            });
        }
        let runs = self.catalog.runs(self.env(), 5).await?;
        Ok(Status { assets, runs })
    }
}

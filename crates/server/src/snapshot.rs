//! How every asset stands, kept in memory for as long as the catalog stands still.
//!
//! Lists and details are answered from it: a request costs a look-up of where the catalog stands, and nothing that grows.
//! Making it anew is linear in assets (a few queries, no documents). While a run goes on the catalog moves all the time;
//! then it is made anew at most four times a second.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use lockgate_catalog::{CheckCounts, CurrentVersions, LastTask, Late, Position};
use lockgate_run::{PlanOptions, RunError};
use lockgate_types::{AssetName, Instant, Suppression};
use tokio::sync::Mutex;

use crate::api::asset::{AssetState, AssetSummary, LastFailure};
use crate::app::{App, Loaded};
use crate::problem::ApiResult;

/// While the catalog moves, a snapshot is served for so long.
const SERVED_FOR: Duration = Duration::from_millis(250);
/// What a run would build is looked at again after this time: the outside changes without a word.
const PLANNED_FOR: Duration = Duration::from_secs(30);

/// How every asset stood at one position of the catalog.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) position: Position,
    made_at: Instant,
    /// In the order of their names.
    pub(crate) assets: Vec<AssetSummary>,
    by_name: HashMap<AssetName, usize>,
    /// In force or not, in the order of their making.
    pub(crate) suppressions: Vec<Suppression>,
    pub(crate) reasons: Arc<Reasons>,
    /// What a reader goes by to know that nothing changed.
    pub(crate) tag: String,
}

impl Snapshot {
    pub(crate) fn get(&self, name: &AssetName) -> Option<&AssetSummary> {
        self.by_name.get(name).map(|index| &self.assets[*index])
    }
}

/// Why a run would build what it would build, in words.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    number: u64,
    made_at: Instant,
    of: (u64, i64),
    pub(crate) by_asset: BTreeMap<AssetName, Vec<String>>,
}

/// The newest snapshot, and who makes the next one.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    newest: std::sync::RwLock<Option<Arc<Snapshot>>>,
    making: Mutex<()>,
    reasons: std::sync::RwLock<Arc<Reasons>>,
    planning: Arc<Mutex<()>>,
}

impl App {
    /// How every asset stands.
    pub(crate) async fn snapshot(self: &Arc<Self>) -> ApiResult<Arc<Snapshot>> {
        let loaded = self.fresh().await;
        let position = self.position().await?;
        if let Some(snapshot) = self.kept(&loaded, position) {
            return Ok(snapshot);
        }
        let _making = self.snapshots.making.lock().await;
        // Somebody may have made it while this one waited.
        if let Some(snapshot) = self.kept(&loaded, position) {
            return Ok(snapshot);
        }
        let snapshot = Arc::new(self.make(loaded, position).await?);
        *self.snapshots.newest.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// The newest one, as long as nothing changed since, or only a moment ago.
    fn kept(self: &Arc<Self>, loaded: &Arc<Loaded>, position: Position) -> Option<Arc<Snapshot>> {
        let newest = self.snapshots.newest.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()?;
        let now = self.effects.clock.monotonic();
        let same_project = Arc::ptr_eq(&newest.loaded, loaded);
        let same = newest.position == position && same_project;
        // A decision is seen at once; the progress of runs may take a moment.
        let recent =
            same_project && newest.position.audit == position.audit && now.saturating_sub(newest.made_at) < SERVED_FOR;
        if !same && !recent {
            return None;
        }
        self.plan_if_old(loaded, position, now);
        let reasons = self.reasons();
        (reasons.number == newest.reasons.number).then_some(newest)
    }

    fn reasons(&self) -> Arc<Reasons> {
        Arc::clone(&self.snapshots.reasons.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Looks in the background at what a run would build.
    fn plan_if_old(self: &Arc<Self>, loaded: &Arc<Loaded>, position: Position, now: Instant) {
        let known = self.reasons();
        let current = known.of == (loaded.number, position.audit);
        if known.number > 0 && current && now.saturating_sub(known.made_at) < PLANNED_FOR {
            return;
        }
        let Ok(turn) = Arc::clone(&self.snapshots.planning).try_lock_owned() else { return };
        let (app, loaded) = (Arc::clone(self), Arc::clone(loaded));
        // It ends by itself, and nobody waits for it.
        drop(self.drive(async move || {
            let _turn = turn;
            let planned = loaded.workspace.plan(&loaded.graph, &PlanOptions::default()).await;
            let by_asset = match planned {
                Ok(plan) => plan
                    .steps
                    .into_iter()
                    .map(|step| (step.asset, step.reasons.iter().map(ToString::to_string).collect()))
                    .collect(),
                Err(error) => {
                    tracing::info!(%error, "what a run would build is not known");
                    known.by_asset.clone()
                }
            };
            let changed = known.number == 0 || by_asset != known.by_asset;
            let reasons = Reasons {
                number: known.number + u64::from(changed),
                made_at: app.effects.clock.monotonic(),
                of: (loaded.number, position.audit),
                by_asset,
            };
            *app.snapshots.reasons.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(reasons);
        }));
    }

    async fn make(self: &Arc<Self>, loaded: Arc<Loaded>, position: Position) -> Result<Snapshot, RunError> {
        let env = loaded.workspace.project.environment.clone();
        // What expires from here on is no longer needed by anything that was read before.
        loaded.workspace.reads_anew().await?;
        let mut current = self.catalog.current(&env).await?;
        let mut late = self.catalog.late(&env).await?;
        let mut failures = self.catalog.last_failures(&env).await?;
        let suppressions = self.catalog.suppressions(&env).await?;
        let now = self.effects.clock.monotonic();
        self.plan_if_old(&loaded, position, now);
        let reasons = self.reasons();
        let behind = behind(&loaded, &current, &late);
        let mut assets = Vec::with_capacity(loaded.graph.nodes().len());
        for name in loaded.graph.nodes().keys() {
            let mut summary = AssetSummary::of(&loaded, name, current.remove(name).unwrap_or_default());
            summary.late = late.remove(name).map(Into::into);
            summary.behind =
                behind.get(name).map(|names| names.iter().map(ToString::to_string).collect()).unwrap_or_default();
            summary.last_failure = failures.remove(name).and_then(|task| last_failure(&summary, task));
            summary.state = state(&summary, reasons.by_asset.contains_key(name));
            assets.push(summary);
        }
        let by_name = loaded.graph.nodes().keys().cloned().enumerate().map(|(index, name)| (name, index)).collect();
        let tag = format!("{}-{}-{}-{}", loaded.number, position.audit, position.event, reasons.number);
        Ok(Snapshot { loaded, position, made_at: now, assets, by_name, suppressions, reasons, tag })
    }
}

/// Which held or late ancestors keep an asset on older data. Cost: linear in edges for each that is held or late.
fn behind(
    loaded: &Loaded,
    current: &BTreeMap<AssetName, CurrentVersions>,
    late: &BTreeMap<AssetName, Late>,
) -> BTreeMap<AssetName, BTreeSet<AssetName>> {
    let held = current.iter().filter(|(_, versions)| versions.held.is_some()).map(|(name, _)| name);
    let stopping: BTreeSet<&AssetName> = held.chain(late.keys()).collect();
    let mut behind: BTreeMap<AssetName, BTreeSet<AssetName>> = BTreeMap::new();
    for name in stopping.into_iter().filter(|name| loaded.graph.nodes().contains_key(*name)) {
        for descendant in loaded.graph.descendants(name) {
            behind.entry(descendant).or_default().insert(name.clone());
        }
    }
    behind
}

/// A failure matters until something was published or held after it.
fn last_failure(summary: &AssetSummary, task: LastTask) -> Option<LastFailure> {
    let at = task.ended_at?;
    let since = summary.live.as_ref().and_then(|live| live.published_at);
    let held = summary.held.as_ref().map(|held| held.staged_at);
    let overcome = since.is_some_and(|since| since > at) || held.is_some_and(|since| since > at);
    (!overcome).then(|| LastFailure { run: task.run.0, at, message: task.message.unwrap_or_default() })
}

/// The worst that is true of it.
fn state(summary: &AssetSummary, would_run: bool) -> AssetState {
    let failing = |counts: &CheckCounts| counts.failed + counts.errored > 0;
    let live_fails = summary.live.as_ref().is_some_and(|live| !live.by_hand && failing(&live.checks.counts()));
    if summary.inline {
        AssetState::Inline
    } else if summary.held.is_some() {
        AssetState::Held
    } else if live_fails || summary.last_failure.is_some() {
        AssetState::Failing
    } else if summary.late.is_some() {
        AssetState::Late
    } else if !summary.behind.is_empty() {
        AssetState::Behind
    } else if summary.live.is_none() {
        AssetState::NeverBuilt
    } else if would_run {
        AssetState::Stale
    } else {
        AssetState::Fresh
    }
}

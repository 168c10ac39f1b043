//! Is everything all right?

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use lockgate_catalog::{AuditFilter, RunFilter};
use lockgate_types::RunState;
use serde::Serialize;
use utoipa::ToSchema;

use super::asset::{AssetState, Late};
use super::audit::AuditInfo;
use super::gate::HeldGate;
use super::run::RunSummary;
use super::schedule::ScheduleInfo;
use crate::app::App;
use crate::auth::Viewer;
use crate::problem::{ApiResult, Problem};
use crate::snapshot::Snapshot;

/// What ends within so many days is shown.
const ENDS_SOON: TimeDelta = TimeDelta::days(14);
/// Lines of what changed.
const CHANGES: usize = 50;
/// Runs that ended last.
const RECENT: usize = 10;

/// Everything at a glance: results before settings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    as_of: DateTime<Utc>,
    /// How many assets are in which state.
    counts: BTreeMap<&'static str, u64>,
    assets: u64,
    /// Those first that have waited longest.
    held: Vec<HeldGate>,
    late: Vec<LateAsset>,
    failing: Vec<FailingAsset>,
    /// Known failures to review and suppressions that end within 14 days, or are past their day.
    ending: Vec<Ending>,
    known_failures: u64,
    /// In force.
    suppressions: u64,
    running: Vec<RunSummary>,
    recent: Vec<RunSummary>,
    /// The assets that nobody in the project reads, and those in the schema `mart`.
    marts: Vec<Mart>,
    /// The last 24 hours, newest first, without bookkeeping.
    changes: Vec<AuditInfo>,
    schedules: Vec<ScheduleInfo>,
}

/// A late asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LateAsset {
    asset: String,
    owner: Option<String>,
    late: Late,
    behind: Vec<String>,
}

/// A failing asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailingAsset {
    asset: String,
    owner: Option<String>,
    message: String,
    run: Option<String>,
    at: Option<DateTime<Utc>>,
}

/// What has to be looked at again soon.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ending {
    /// `known_failure` or `suppression`.
    #[serde(rename = "type")]
    kind: &'static str,
    asset: String,
    check: String,
    ends_at: DateTime<Utc>,
    /// Its reason.
    text: String,
    owner: Option<String>,
}

/// An asset at the end of the graph.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Mart {
    asset: String,
    published_at: Option<DateTime<Utc>>,
    state: AssetState,
    rows: Option<u64>,
}

/// Is everything all right?
#[utoipa::path(get, path = "/overview", tag = "project",
    responses((status = 200, body = Overview), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn overview(_: Viewer, State(app): State<Arc<App>>) -> ApiResult<Json<Overview>> {
    let snapshot = app.snapshot().await?;
    let loaded = &snapshot.loaded;
    let env = &loaded.workspace.project.environment;
    let now = app.now();
    let mut counts: BTreeMap<&'static str, u64> = AssetState::ALL.iter().map(|state| (state.as_str(), 0)).collect();
    for asset in &snapshot.assets {
        *counts.entry(asset.state.as_str()).or_default() += 1;
    }
    let running = RunFilter { state: Some(RunState::Running), limit: 20, ..RunFilter::default() };
    let recent = RunFilter { limit: RECENT + 20, ..RunFilter::default() };
    let line = |line| RunSummary::of(&app, line);
    let running: Vec<RunSummary> = app.catalog.runs_page(env, &running).await?.into_iter().map(line).collect();
    let recent = app.catalog.runs_page(env, &recent).await?;
    let recent = recent.into_iter().filter(|line| line.run.state != RunState::Running).take(RECENT).map(line).collect();
    let changes = AuditFilter {
        actions: super::audit::WORTH_TELLING.iter().map(|action| (*action).to_owned()).collect(),
        from: Some(now - TimeDelta::hours(24)),
        limit: CHANGES,
        ..AuditFilter::default()
    };
    let changes = app.catalog.audit_page(env, &changes).await?;
    Ok(Json(Overview {
        as_of: now,
        assets: snapshot.assets.len() as u64,
        counts,
        held: super::gate::held(&app, &snapshot).await?,
        late: late(&snapshot),
        failing: failing(&snapshot),
        ending: ending(&snapshot, now),
        known_failures: loaded.workspace.project.known.len() as u64,
        suppressions: snapshot.suppressions.iter().filter(|suppression| now < suppression.until).count() as u64,
        running,
        recent,
        marts: marts(&snapshot),
        changes: changes.into_iter().map(|(sequence, entry)| AuditInfo::of(sequence, entry)).collect(),
        schedules: super::schedule::infos(&app, loaded).await?,
    }))
}

fn late(snapshot: &Snapshot) -> Vec<LateAsset> {
    let late = snapshot.assets.iter().filter_map(|asset| Some((asset, asset.late.clone()?)));
    late.map(|(asset, late)| LateAsset {
        asset: asset.name.clone(),
        owner: asset.owner.clone(),
        late,
        behind: snapshot
            .assets
            .iter()
            .filter(|other| other.behind.contains(&asset.name))
            .map(|other| other.name.clone())
            .collect(),
    })
    .collect()
}

fn failing(snapshot: &Snapshot) -> Vec<FailingAsset> {
    let failing = snapshot.assets.iter().filter(|asset| asset.state == AssetState::Failing);
    failing
        .map(|asset| FailingAsset {
            asset: asset.name.clone(),
            owner: asset.owner.clone(),
            message: asset.last_failure.as_ref().map_or_else(
                || "a check fails on the live version: it was changed after that was published".to_owned(),
                |failure| failure.message.clone(),
            ),
            run: asset.last_failure.as_ref().map(|failure| failure.run.clone()),
            at: asset.last_failure.as_ref().map(|failure| failure.at),
        })
        .collect()
}

fn ending(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<Ending> {
    let known = snapshot.loaded.workspace.project.known.iter().map(|known| Ending {
        kind: "known_failure",
        asset: known.asset.to_string(),
        check: known.check.clone(),
        ends_at: known.review_on.and_time(NaiveTime::MIN).and_utc(),
        text: known.reason.clone(),
        owner: known.owner.clone(),
    });
    let suppressed = snapshot.suppressions.iter().filter(|suppression| now < suppression.until);
    let suppressed = suppressed.map(|suppression| Ending {
        kind: "suppression",
        asset: suppression.asset.to_string(),
        check: suppression.check.clone(),
        ends_at: suppression.until,
        text: suppression.why.clone(),
        owner: Some(suppression.actor.0.clone()),
    });
    let mut ending: Vec<Ending> = known.chain(suppressed).filter(|end| end.ends_at <= now + ENDS_SOON).collect();
    ending.sort_by_key(|end| end.ends_at);
    ending
}

fn marts(snapshot: &Snapshot) -> Vec<Mart> {
    let is_mart =
        |name: &lockgate_types::AssetName| name.schema() == "mart" || snapshot.loaded.readers(name).is_empty();
    snapshot
        .loaded
        .graph
        .nodes()
        .iter()
        .filter(|(name, node)| is_mart(name) && !node.is_inline())
        .filter_map(|(name, _)| snapshot.get(name))
        .map(|asset| Mart {
            asset: asset.name.clone(),
            published_at: asset.live.as_ref().and_then(|live| live.published_at),
            state: asset.state,
            rows: asset.live.as_ref().map(|live| live.rows),
        })
        .collect()
}

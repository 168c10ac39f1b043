//! What a run would do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lockgate_run::{Plan as Planned, PlanOptions, TimeSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::diff::SchemaChange;
use crate::app::{App, Loaded};
use crate::auth::Viewer;
use crate::problem::{ApiError, ApiResult, Problem};
use crate::request::{Body, bad, instant};

/// What to plan or run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = RunRequest)]
pub(crate) struct Ask {
    /// `mart.daily`, `mart`, `+x`, `x+`, `changed`, `tag:x`, `kind:x`; everything when empty.
    pub(crate) selectors: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// Build what is selected also when it is fresh.
    pub(crate) force: bool,
    /// Build from nothing: what is loaded bit by bit starts over.
    pub(crate) full_refresh: bool,
    /// History may be lost where the build would lose it.
    pub(crate) confirm: bool,
    /// With `to`: a half-open span of time whose ranges are built again. RFC 3339, or a day (00:00 UTC).
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// The logical time; now without one. RFC 3339, or a day (00:00 UTC).
    pub(crate) as_of: Option<String>,
}

impl Ask {
    pub(crate) fn options(&self) -> ApiResult<PlanOptions> {
        let (from, to) = (instant("from", self.from.as_deref())?, instant("to", self.to.as_deref())?);
        let range = match (from, to) {
            (Some(from), Some(to)) => Some(TimeSpan { from, to }),
            (None, None) => None,
            _ => return Err(bad("only one end of a span of time is named").expected("both `from` and `to`")),
        };
        Ok(PlanOptions {
            selectors: self.selectors.clone(),
            exclude: self.exclude.clone(),
            force: self.force,
            full_refresh: self.full_refresh,
            confirmed: self.confirm,
            range,
            as_of: instant("as_of", self.as_of.as_deref())?,
        })
    }
}

/// What a run would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plan {
    /// The logical time.
    as_of: DateTime<Utc>,
    /// In an order in which they can run.
    steps: Vec<Step>,
    /// How many selected assets are up to date.
    fresh: u64,
    /// Selected, and the candidate that would be built is held already.
    held: Vec<HeldStep>,
}

/// One asset that would run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    asset: String,
    kind: String,
    /// In words.
    reasons: Vec<String>,
    /// Only its checks changed: the live version is judged again.
    recheck_only: bool,
    /// From earlier builds.
    estimate: Option<Estimate>,
    schema_change: Option<SchemaChange>,
}

/// Medians of the last builds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Estimate {
    rows: u64,
    duration_ms: u64,
}

/// A candidate that is held already.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldStep {
    asset: String,
    number: u64,
}

impl From<Planned> for Plan {
    fn from(plan: Planned) -> Self {
        Plan {
            as_of: plan.as_of,
            fresh: plan.fresh.len() as u64,
            held: plan
                .held
                .into_iter()
                .map(|(asset, number)| HeldStep { asset: asset.to_string(), number: number.0 })
                .collect(),
            steps: plan
                .steps
                .into_iter()
                .map(|step| Step {
                    asset: step.asset.to_string(),
                    kind: step.kind,
                    reasons: step.reasons.iter().map(ToString::to_string).collect(),
                    recheck_only: step.recheck_only,
                    estimate: step.estimate.map(|e| Estimate { rows: e.rows, duration_ms: e.duration_ms }),
                    schema_change: step.schema_change.map(Into::into),
                })
                .collect(),
        }
    }
}

/// Plans where rows are worked on: sources may have many files to look at.
pub(crate) async fn planned(app: &App, loaded: &Arc<Loaded>, options: PlanOptions) -> ApiResult<Planned> {
    let loaded = Arc::clone(loaded);
    let planning = app.drive(async move || loaded.workspace.plan(&loaded.graph, &options).await);
    Ok(planning.await.map_err(|_| ApiError::stopping())??)
}

/// What a run would do, and why. Nothing is started.
#[utoipa::path(post, path = "/plan", tag = "runs", request_body = Ask,
    responses((status = 200, body = Plan), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn plan(_: Viewer, State(app): State<Arc<App>>, Body(ask): Body<Ask>) -> ApiResult<Json<Plan>> {
    let options = ask.options()?;
    let loaded = app.loaded_now().await?;
    Ok(Json(planned(&app, &loaded, options).await?.into()))
}

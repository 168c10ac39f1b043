//! Versions of an asset: history, one version, its first rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lockgate_catalog::VersionSummary as Line;
use lockgate_run::Which;
use lockgate_types::{AssetName, CheckOutcome as Outcome, Column, Version, VersionNumber};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asset::severity;
use super::page::{Page, PageParams, limit};
use crate::app::App;
use crate::auth::Viewer;
use crate::problem::{ApiResult, Problem};
use crate::request::{AtVersion, Named, Params, Pick};

/// How many checks came out how.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct CheckCounts {
    passed: u64,
    warned: u64,
    /// Known failures that did not get worse.
    known: u64,
    suppressed: u64,
    failed: u64,
    /// Could not be evaluated.
    errored: u64,
}

impl From<lockgate_catalog::CheckCounts> for CheckCounts {
    fn from(counts: lockgate_catalog::CheckCounts) -> Self {
        let lockgate_catalog::CheckCounts { passed, warned, known, suppressed, failed, errored } = counts;
        CheckCounts { passed, warned, known, suppressed, failed, errored }
    }
}

impl CheckCounts {
    pub(crate) fn counts(self) -> lockgate_catalog::CheckCounts {
        let CheckCounts { passed, warned, known, suppressed, failed, errored } = self;
        lockgate_catalog::CheckCounts { passed, warned, known, suppressed, failed, errored }
    }
}

/// A line of an asset's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VersionSummary {
    pub(crate) number: u64,
    /// `staged`, `publishing`, `published`, `held`, `dismissed`, `superseded`, `retracted`, `expired` or `failed`.
    pub(crate) state: String,
    /// The run that staged it.
    pub(crate) run: Option<String>,
    /// Who staged it.
    pub(crate) actor: String,
    pub(crate) published_by: Option<String>,
    pub(crate) rows: u64,
    pub(crate) size_bytes: u64,
    pub(crate) staged_at: DateTime<Utc>,
    pub(crate) published_at: Option<DateTime<Utc>>,
    /// Logical time of its run.
    pub(crate) as_of: DateTime<Utc>,
    /// The published version it was judged against.
    pub(crate) base: Option<u64>,
    /// The version whose content a rollback restored.
    pub(crate) restores: Option<u64>,
    pub(crate) build_ms: u64,
    pub(crate) audit_ms: u64,
    pub(crate) checks: CheckCounts,
    /// Why it was published by hand, dismissed or rolled back to.
    pub(crate) why: Option<String>,
    /// The version of the Delta log that published it.
    pub(crate) delta_version: Option<u64>,
    /// Its code differs from that of the version before it in this history.
    pub(crate) code_changed: bool,
}

impl VersionSummary {
    pub(crate) fn of(line: Line, before: Option<&Line>) -> Self {
        VersionSummary {
            code_changed: before.is_some_and(|before| before.fingerprint != line.fingerprint),
            number: line.number.0,
            state: line.state.as_str().to_owned(),
            run: line.run.map(|run| run.0),
            actor: line.actor.0,
            published_by: line.published_by.map(|actor| actor.0),
            rows: line.rows,
            size_bytes: line.size_bytes,
            staged_at: line.staged_at,
            published_at: line.published_at,
            as_of: line.as_of,
            base: line.base.map(|number| number.0),
            restores: line.restores.map(|number| number.0),
            build_ms: line.build_ms,
            audit_ms: line.audit_ms,
            checks: line.checks.into(),
            why: line.why,
            delta_version: line.delta_version,
        }
    }
}

/// An asset's history, newest first.
#[utoipa::path(get, path = "/assets/{name}/versions", tag = "assets",
    params(("name" = String, Path, description = "`schema.table`"), PageParams),
    responses((status = 200, body = Page<VersionSummary>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    _: Viewer,
    State(app): State<Arc<App>>,
    Named(name): Named,
    Params(page): Params<PageParams>,
) -> ApiResult<Json<Page<VersionSummary>>> {
    let loaded = app.loaded();
    loaded.graph.node(&name)?;
    let limit = page.limit()?;
    let before = page.after_number::<u64>()?.map(|number| VersionNumber(number.min(u64::MAX / 2)));
    // One more, which the last line is compared with; and it says whether there is a next page.
    let lines = app.catalog.versions_page(&loaded.workspace.project.environment, &name, before, limit + 1).await?;
    let mut items = Vec::with_capacity(lines.len());
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        items.push(VersionSummary::of(line, lines.peek()));
    }
    Ok(Json(Page::cut(items, limit, |last| last.number.to_string())))
}

/// One version, as far as it is known without its rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionDetail {
    asset: String,
    pub(crate) summary: VersionSummary,
    /// The exact input versions that it was built from.
    inputs: BTreeMap<String, u64>,
    columns: Vec<ColumnOf>,
    partition_by: Vec<String>,
    /// How many Parquet files it has.
    files: u64,
    /// Rows that did not fit, or that a check took out.
    rejected_rows: u64,
    profile: Option<Profile>,
    pub(crate) checks: Vec<CheckOutcome>,
}

/// A column of a version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ColumnOf {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) data_type: String,
    pub(crate) required: bool,
    pub(crate) pii: bool,
    pub(crate) description: Option<String>,
}

impl From<&Column> for ColumnOf {
    fn from(column: &Column) -> Self {
        ColumnOf {
            name: column.name.clone(),
            data_type: column.data_type.to_string(),
            required: column.required,
            pii: column.pii,
            description: column.description.clone(),
        }
    }
}

/// The statistics of a version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Profile {
    rows: u64,
    columns: Vec<ColumnProfile>,
}

/// The statistics of a column. Values are text, so that they survive exactly.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ColumnProfile {
    pub(crate) name: String,
    nulls: u64,
    /// Approximate (about 1.6 %).
    distinct: Option<u64>,
    min: Option<String>,
    max: Option<String>,
    mean: Option<f64>,
    /// The 5, 25, 50, 75 and 95 % quantiles, approximately; of numbers.
    quantiles: Option<Vec<f64>>,
}

impl From<lockgate_types::ColumnProfile> for ColumnProfile {
    fn from(profile: lockgate_types::ColumnProfile) -> Self {
        ColumnProfile {
            name: profile.name,
            nulls: profile.nulls,
            distinct: profile.distinct,
            min: profile.min,
            max: profile.max,
            // JSON has no number for these.
            mean: profile.mean.filter(|mean| mean.is_finite()),
            quantiles: profile.quantiles.filter(|all| all.iter().all(|q| q.is_finite())).map(|all| all.to_vec()),
        }
    }
}

/// The evidence of one check on one version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CheckOutcome {
    pub(crate) name: String,
    pub(crate) kind: String,
    section: Option<String>,
    /// `error` or `warn`.
    severity: String,
    /// `passed`, `warned`, `known`, `suppressed`, `failed` or `errored`.
    pub(crate) state: String,
    /// Rows that violate it; of a check on the whole version 1 or 0.
    pub(crate) failing: u64,
    /// Rows it looked at.
    pub(crate) total: u64,
    /// `failing / total`.
    pub(crate) share: f64,
    /// More than this fails it.
    error: String,
    /// More than this warns.
    warn: Option<String>,
    /// What was measured, in words with units.
    pub(crate) message: String,
    /// Failing and total of the version that was live then.
    before: Option<(u64, u64)>,
    samples: Samples,
    /// The known failure or suppression that let it pass.
    excuse: Option<String>,
    /// Failing rows were taken out to the rejects table.
    rejected: bool,
}

/// Up to 100 rows that violate a check; null is null.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Samples {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl From<lockgate_types::Samples> for Samples {
    fn from(samples: lockgate_types::Samples) -> Self {
        Samples { columns: samples.columns, rows: samples.rows }
    }
}

impl From<Outcome> for CheckOutcome {
    fn from(outcome: Outcome) -> Self {
        CheckOutcome {
            state: outcome.state.as_str().to_owned(),
            severity: severity(outcome.severity),
            name: outcome.name,
            kind: outcome.kind,
            section: outcome.section,
            failing: outcome.failing,
            total: outcome.total,
            share: outcome.share,
            error: outcome.error.to_string(),
            warn: outcome.warn.map(|warn| warn.to_string()),
            message: outcome.message,
            before: outcome.before,
            samples: outcome.samples.into(),
            excuse: outcome.excuse,
            rejected: outcome.rejected,
        }
    }
}

impl VersionDetail {
    pub(crate) fn of(version: Version, line: Line) -> Self {
        VersionDetail {
            asset: version.asset.to_string(),
            summary: VersionSummary::of(line, None),
            inputs: version.inputs.iter().map(|(name, number)| (name.to_string(), number.0)).collect(),
            columns: version.schema.columns.iter().map(Into::into).collect(),
            partition_by: version.partition_by,
            files: version.files.len() as u64,
            rejected_rows: version.rejects.map_or(0, |rejects| rejects.rows),
            profile: version.profile.map(|profile| Profile {
                rows: profile.rows,
                columns: profile.columns.into_iter().map(Into::into).collect(),
            }),
            checks: version.checks.into_iter().map(Into::into).collect(),
        }
    }
}

/// A version and its line in the history.
pub(crate) async fn find(app: &App, env: &str, name: &AssetName, pick: Pick) -> ApiResult<(Version, Line)> {
    let version = match pick {
        Pick::Live => app.catalog.live_one(env, name).await?.ok_or_else(|| nothing_live(name))?,
        Pick::Held => {
            let held = app.catalog.held(env).await?.into_iter().find(|version| version.asset == *name);
            held.ok_or_else(|| lockgate_run::RunError::NothingHeld { asset: name.clone() })?
        }
        Pick::Number(number) => app.catalog.version(env, name, number).await?.ok_or_else(|| unknown(name, number))?,
    };
    let number = version.number;
    let line = app.catalog.version_summary(env, name, number).await?.ok_or_else(|| unknown(name, number))?;
    Ok((version, line))
}

fn nothing_live(name: &AssetName) -> lockgate_run::RunError {
    lockgate_run::RunError::NothingPublished { asset: name.clone() }
}

fn unknown(name: &AssetName, number: VersionNumber) -> lockgate_run::RunError {
    lockgate_run::RunError::UnknownVersion { asset: name.clone(), number }
}

/// One version: schema, profile, checks with sample rows.
#[utoipa::path(get, path = "/assets/{name}/versions/{version}", tag = "assets",
    params(("name" = String, Path, description = "`schema.table`"), ("version" = String, Path, description = "A number, `live` or `held`")),
    responses((status = 200, body = VersionDetail), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn detail(
    _: Viewer,
    State(app): State<Arc<App>>,
    AtVersion(name, pick): AtVersion,
) -> ApiResult<Json<VersionDetail>> {
    let loaded = app.loaded();
    loaded.graph.node(&name)?;
    let (version, line) = find(&app, &loaded.workspace.project.environment, &name, pick).await?;
    Ok(Json(VersionDetail::of(version, line)))
}

/// How many rows to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewParams {
    /// 1 to 1,000, by default 50.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    rows: Option<usize>,
}

/// The first rows of a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    columns: Vec<NameAndType>,
    /// Cells as text; null is null.
    rows: Vec<Vec<Option<String>>>,
}

/// A column's name and type.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NameAndType {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) data_type: String,
}

/// The first rows of a version, held ones included.
#[utoipa::path(get, path = "/assets/{name}/versions/{version}/preview", tag = "assets",
    params(("name" = String, Path, description = "`schema.table`"), ("version" = String, Path, description = "A number, `live` or `held`"), PreviewParams),
    responses((status = 200, body = Preview), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn preview(
    Viewer(caller): Viewer,
    State(app): State<Arc<App>>,
    AtVersion(name, pick): AtVersion,
    Params(params): Params<PreviewParams>,
) -> ApiResult<Json<Preview>> {
    let rows = limit(params.rows, 50, 1_000)?;
    let loaded = app.loaded();
    let workspace = app.acting(&loaded, &caller.actor).await?;
    let which = match pick {
        Pick::Live => Which::Live,
        Pick::Held => Which::Held,
        Pick::Number(number) => Which::Number(number),
    };
    let reading = app.work.spawn(async move { workspace.show(&loaded.graph, &name, which, rows).await });
    let shown = reading.await.map_err(|_| crate::problem::ApiError::stopping())??;
    let columns = shown.version.schema.columns.iter();
    Ok(Json(Preview {
        columns: columns.map(|c| NameAndType { name: c.name.clone(), data_type: c.data_type.to_string() }).collect(),
        rows: shown.preview.rows,
    }))
}

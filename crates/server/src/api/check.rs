//! Checks and profiles over an asset's versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lockgate_catalog::VersionPoint;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::limit;
use super::version::ColumnProfile;
use crate::app::App;
use crate::auth::Viewer;
use crate::problem::{ApiResult, Problem};
use crate::request::{Named, Params};

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BackParams {
    /// The newest so many versions: 1 to 500, by default 30.
    #[param(minimum = 1, maximum = 500, default = 30)]
    versions: Option<usize>,
}

/// A version on the axis of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionAt {
    number: u64,
    /// When it was published, or staged.
    at: DateTime<Utc>,
    state: String,
}

impl From<&VersionPoint> for VersionAt {
    fn from(point: &VersionPoint) -> Self {
        VersionAt {
            number: point.number.0,
            at: point.published_at.unwrap_or(point.staged_at),
            state: point.state.as_str().to_owned(),
        }
    }
}

/// What each check said of the newest versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckHistory {
    /// Oldest first.
    versions: Vec<VersionAt>,
    checks: Vec<CheckRow>,
}

/// One check over the versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckRow {
    name: String,
    kind: String,
    /// One per version; null where the version was not judged by it.
    cells: Vec<Option<CheckCell>>,
}

/// What a check said of a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckCell {
    /// `passed`, `warned`, `known`, `suppressed`, `failed` or `errored`.
    state: String,
    failing: u64,
    total: u64,
    share: f64,
    message: String,
}

/// What each check said of the newest versions.
#[utoipa::path(get, path = "/assets/{name}/checks", tag = "assets",
    params(("name" = String, Path, description = "`schema.table`"), BackParams),
    responses((status = 200, body = CheckHistory), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn history(
    _: Viewer,
    State(app): State<Arc<App>>,
    Named(name): Named,
    Params(params): Params<BackParams>,
) -> ApiResult<Json<CheckHistory>> {
    let loaded = app.loaded();
    let node = loaded.graph.node(&name)?;
    let back = limit(params.versions, 30, 500)?;
    let env = &loaded.workspace.project.environment;
    let (versions, points) = app.catalog.check_history(env, &name, back).await?;
    let place: BTreeMap<_, _> = versions.iter().enumerate().map(|(index, version)| (version.number, index)).collect();
    // In the order in which they are written; those that are no longer written come last.
    let mut checks: Vec<CheckRow> = node
        .checks
        .iter()
        .map(|check| CheckRow { name: check.name.clone(), kind: check.kind.to_owned(), cells: none(versions.len()) })
        .collect();
    let mut rows: BTreeMap<String, usize> =
        checks.iter().enumerate().map(|(index, check)| (check.name.clone(), index)).collect();
    for point in points {
        let Some(column) = place.get(&point.version) else { continue };
        let row = *rows.entry(point.name.clone()).or_insert_with(|| {
            checks.push(CheckRow { name: point.name, kind: point.kind, cells: none(versions.len()) });
            checks.len() - 1
        });
        checks[row].cells[*column] = Some(CheckCell {
            state: point.state.as_str().to_owned(),
            failing: point.failing,
            total: point.total,
            share: point.share,
            message: point.message,
        });
    }
    Ok(Json(CheckHistory { versions: versions.iter().map(Into::into).collect(), checks }))
}

fn none<T>(count: usize) -> Vec<Option<T>> {
    std::iter::repeat_with(|| None).take(count).collect()
}

/// The profiles of the newest versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileHistory {
    /// Oldest first.
    versions: Vec<VersionFacts>,
    columns: Vec<ColumnRow>,
}

/// A version with what it is as a whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionFacts {
    number: u64,
    /// When it was published, or staged.
    at: DateTime<Utc>,
    state: String,
    rows: u64,
    size_bytes: u64,
    build_ms: u64,
    audit_ms: u64,
}

/// One column over the versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnRow {
    name: String,
    /// Its type today; null when the asset has it no more.
    #[serde(rename = "type")]
    data_type: Option<String>,
    /// One per version; null where the version has no such column.
    cells: Vec<Option<ColumnProfile>>,
}

/// The profiles of the newest versions, column by column.
#[utoipa::path(get, path = "/assets/{name}/profiles", tag = "assets",
    params(("name" = String, Path, description = "`schema.table`"), BackParams),
    responses((status = 200, body = ProfileHistory), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn profiles(
    _: Viewer,
    State(app): State<Arc<App>>,
    Named(name): Named,
    Params(params): Params<BackParams>,
) -> ApiResult<Json<ProfileHistory>> {
    let loaded = app.loaded();
    let node = loaded.graph.node(&name)?;
    let back = limit(params.versions, 30, 500)?;
    let env = &loaded.workspace.project.environment;
    let (versions, points) = app.catalog.profile_history(env, &name, back).await?;
    let place: BTreeMap<_, _> = versions.iter().enumerate().map(|(index, version)| (version.number, index)).collect();
    let mut columns: Vec<ColumnRow> = node
        .schema
        .columns
        .iter()
        .map(|column| ColumnRow {
            name: column.name.clone(),
            data_type: Some(column.data_type.to_string()),
            cells: none(versions.len()),
        })
        .collect();
    let mut rows: BTreeMap<String, usize> =
        columns.iter().enumerate().map(|(index, column)| (column.name.clone(), index)).collect();
    for (number, profile) in points {
        let Some(index) = place.get(&number) else { continue };
        let row = *rows.entry(profile.name.clone()).or_insert_with(|| {
            columns.push(ColumnRow { name: profile.name.clone(), data_type: None, cells: none(versions.len()) });
            columns.len() - 1
        });
        columns[row].cells[*index] = Some(profile.into());
    }
    let versions = versions
        .into_iter()
        .map(|point| VersionFacts {
            number: point.number.0,
            at: point.published_at.unwrap_or(point.staged_at),
            state: point.state.as_str().to_owned(),
            rows: point.rows,
            size_bytes: point.size_bytes,
            build_ms: point.build_ms,
            audit_ms: point.audit_ms,
        })
        .collect();
    Ok(Json(ProfileHistory { versions, columns }))
}

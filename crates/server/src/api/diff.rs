//! Two versions of an asset, compared row by row.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use lockgate_run::{Diff as Compared, DiffOf, DiffRows as Rows, SchemaChange as Change};
use lockgate_types::VersionNumber;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asset::current;
use super::page::limit;
use super::version::ColumnOf;
use crate::app::App;
use crate::auth::Viewer;
use crate::problem::{ApiError, ApiResult, Problem};
use crate::request::{Named, Params, Pick, bad};

/// Which versions, by which key.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffParams {
    /// A number, `live` or `held`; by default `live`.
    from: Option<String>,
    /// A number, `live` or `held`; by default `held`.
    to: Option<String>,
    /// Columns separated by commas; by default those of the first `unique` check.
    key: Option<String>,
    /// Sample rows of each sort: 1 to 1,000, by default 100.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    samples: Option<usize>,
}

/// What differs between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Diff {
    asset: String,
    from: u64,
    to: u64,
    /// Empty when whole rows are compared.
    key: Vec<String>,
    /// Rows that only `to` has.
    added: u64,
    /// Rows that only `from` has.
    removed: u64,
    /// Rows whose key both have, with at least one other cell.
    changed: u64,
    unchanged: u64,
    /// The compared columns outside the key, most changed first.
    columns: Vec<DiffColumn>,
    schema: SchemaChange,
    not_compared: Vec<NotCompared>,
    /// Keys that stand more than once, among the rows that were read.
    repeated_keys: OfBoth,
    /// Rows with a null in their key, among those that were read.
    null_keys: OfBoth,
    files: DiffFiles,
    samples_added: DiffRows,
    samples_removed: DiffRows,
    samples_changed: Vec<ChangedRow>,
}

/// How often a column's cells changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffColumn {
    column: String,
    changed: u64,
    /// Of the rows that both versions have, 0 to 1.
    share: f64,
    /// The type in which they were compared, when the versions have it in different ones.
    compared_as: Option<String>,
}

/// A column that was left out, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotCompared {
    column: String,
    why: String,
}

/// A number of each version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfBoth {
    from: u64,
    to: u64,
}

/// Which files were read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffFiles {
    /// In both versions, so not read.
    shared: u64,
    shared_rows: u64,
    read: u64,
    read_rows: u64,
}

/// Sample rows of one version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffRows {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
    /// Without a key: how often each row was added or removed.
    times: Vec<u64>,
}

/// One changed row: its key, and the cells that changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedRow {
    key: Vec<Option<String>>,
    /// Column, value before, value after.
    cells: Vec<(String, Option<String>, Option<String>)>,
}

/// Columns that differ.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SchemaChange {
    added: Vec<ColumnOf>,
    removed: Vec<ColumnOf>,
    /// Name, type before, type after.
    retyped: Vec<(String, String, String)>,
}

impl From<Change> for SchemaChange {
    fn from(change: Change) -> Self {
        SchemaChange {
            added: change.added.iter().map(Into::into).collect(),
            removed: change.removed.iter().map(Into::into).collect(),
            retyped: change
                .retyped
                .into_iter()
                .map(|(name, from, to)| (name, from.to_string(), to.to_string()))
                .collect(),
        }
    }
}

impl From<Rows> for DiffRows {
    fn from(rows: Rows) -> Self {
        DiffRows { columns: rows.columns, rows: rows.rows, times: rows.times }
    }
}

impl From<Compared> for Diff {
    fn from(diff: Compared) -> Self {
        Diff {
            asset: diff.asset.to_string(),
            from: diff.from.0,
            to: diff.to.0,
            key: diff.key,
            added: diff.added,
            removed: diff.removed,
            changed: diff.changed,
            unchanged: diff.unchanged,
            columns: diff
                .columns
                .into_iter()
                .map(|column| DiffColumn {
                    column: column.column,
                    changed: column.changed,
                    share: column.share,
                    compared_as: column.compared_as.map(|data_type| data_type.to_string()),
                })
                .collect(),
            schema: diff.schema.into(),
            not_compared: diff
                .not_compared
                .into_iter()
                .map(|left_out| NotCompared { column: left_out.column, why: left_out.why })
                .collect(),
            repeated_keys: OfBoth { from: diff.repeated_keys.from, to: diff.repeated_keys.to },
            null_keys: OfBoth { from: diff.null_keys.from, to: diff.null_keys.to },
            files: DiffFiles {
                shared: diff.files.shared,
                shared_rows: diff.files.shared_rows,
                read: diff.files.read,
                read_rows: diff.files.read_rows,
            },
            samples_added: diff.samples_added.into(),
            samples_removed: diff.samples_removed.into(),
            samples_changed: diff
                .samples_changed
                .into_iter()
                .map(|row| ChangedRow { key: row.key, cells: row.cells })
                .collect(),
        }
    }
}

/// Two versions compared row by row; the live one with the held one unless others are named.
///
/// Files that both versions list are not read. The rest is sorted in bounded memory, so this may take as long as a build.
#[utoipa::path(get, path = "/assets/{name}/diff", tag = "assets",
    params(("name" = String, Path, description = "`schema.table`"), DiffParams),
    responses((status = 200, body = Diff), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn diff(
    Viewer(caller): Viewer,
    State(app): State<Arc<App>>,
    Named(name): Named,
    Params(params): Params<DiffParams>,
) -> ApiResult<Json<Diff>> {
    let samples = limit(params.samples, 100, 1_000)?;
    let snapshot = app.snapshot().await?;
    snapshot.loaded.graph.node(&name)?;
    let number = |text: &str| -> ApiResult<VersionNumber> {
        let of = |held: bool| snapshot.get(&name).and_then(|summary| current(summary, held));
        match Pick::parse(text)? {
            Pick::Number(number) => Ok(number),
            Pick::Live => {
                of(false).ok_or_else(|| lockgate_run::RunError::NothingPublished { asset: name.clone() }.into())
            }
            Pick::Held => of(true).ok_or_else(|| lockgate_run::RunError::NothingHeld { asset: name.clone() }.into()),
        }
    };
    let from = number(params.from.as_deref().unwrap_or("live"))?;
    let to = number(params.to.as_deref().unwrap_or("held"))?;
    if from == to {
        return Err(bad(format!("both are version {from}")).expected("two different versions"));
    }
    let key: Option<Vec<String>> = params
        .key
        .filter(|key| !key.trim().is_empty())
        .map(|key| key.split(',').map(|column| column.trim().to_owned()).collect());
    let loaded = Arc::clone(&snapshot.loaded);
    let workspace = app.acting(&loaded, &caller.actor).await?;
    let listed = app.take_turn(&format!("diff {name} {from} {to}"), &caller.actor).await?;
    let cancel = listed.cancel.clone();
    let work = app.work.spawn(async move {
        let of = DiffOf::Between(from, to);
        let comparison = workspace.diff(&loaded.graph, &name, of, key.as_deref(), samples).await?;
        comparison.finish().await
    });
    let abort = work.abort_handle();
    // Whoever goes away takes the work along.
    let _guard = AbortOnDrop(abort);
    tokio::select! {
        compared = work => Ok(Json(compared.map_err(|_| ApiError::stopping())??.into())),
        () = cancel.cancelled() => Err(crate::answers::cancelled()),
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

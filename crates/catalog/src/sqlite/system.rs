//! The schema `lockgate` as data.

use lockgate_types::{Column, DataType, Schema};
use serde_json::Value as Json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteCatalog;
use super::rows::instant_or_null;
use super::trouble::Outcome;
use crate::SystemTable;

/// A column of a system table has the name of the column that it is read from.
type Columns = &'static [(&'static str, DataType)];

use DataType::{Bigint, Double, Json as JsonText, String as Text, Timestamptz};

const RUNS: Columns = &[
    ("id", Text),
    ("environment", Text),
    ("actor", Text),
    ("state", Text),
    ("as_of", Timestamptz),
    ("plan_hash", Text),
    ("pins", JsonText),
    ("started_at", Timestamptz),
    ("ended_at", Timestamptz),
];

const TASKS: Columns = &[
    ("run", Text),
    ("asset", Text),
    ("state", Text),
    ("attempts", Bigint),
    ("version", Bigint),
    ("started_at", Timestamptz),
    ("ended_at", Timestamptz),
    ("message", Text),
];

const VERSIONS: Columns = &[
    ("environment", Text),
    ("asset", Text),
    ("number", Bigint),
    ("state", Text),
    ("run", Text),
    ("actor", Text),
    ("published_by", Text),
    ("fingerprint", Text),
    ("checks_fingerprint", Text),
    ("inputs", JsonText),
    ("rows", Bigint),
    ("size_bytes", Bigint),
    ("base", Bigint),
    ("delta_version", Bigint),
    ("staged_at", Timestamptz),
    ("published_at", Timestamptz),
    ("as_of", Timestamptz),
    ("why", Text),
    ("restores", Bigint),
    ("build_ms", Bigint),
    ("audit_ms", Bigint),
    ("checks_passed", Bigint),
    ("checks_warned", Bigint),
    ("checks_known", Bigint),
    ("checks_suppressed", Bigint),
    ("checks_failed", Bigint),
    ("checks_errored", Bigint),
];

const CHECKS: Columns = &[
    ("environment", Text),
    ("asset", Text),
    ("version", Bigint),
    ("name", Text),
    ("kind", Text),
    ("section", Text),
    ("severity", Text),
    ("state", Text),
    ("failing", Bigint),
    ("total", Bigint),
    ("share", Double),
    ("message", Text),
    ("excuse", Text),
];

const PROFILES: Columns = &[
    ("environment", Text),
    ("asset", Text),
    ("version", Bigint),
    ("column_name", Text),
    ("nulls", Bigint),
    ("distinct_values", Bigint),
    ("min", Text),
    ("max", Text),
    ("mean", Double),
    ("quantiles", JsonText),
];

const AUDIT: Columns = &[
    ("sequence", Bigint),
    ("at", Timestamptz),
    ("actor", Text),
    ("action", Text),
    ("environment", Text),
    ("asset", Text),
    ("version", Bigint),
    ("why", Text),
    ("detail", JsonText),
];

pub(super) async fn table(catalog: &SqliteCatalog, name: &str) -> Outcome<Option<SystemTable>> {
    let (columns, sql) = match name {
        "runs" => (RUNS, "select * from runs order by started_at, id"),
        "tasks" => (TASKS, "select * from tasks order by run, asset"),
        "versions" => (
            VERSIONS,
            "select v.*, p.actor as published_by from versions v left join publications p on p.id = v.publication \
             order by v.environment, v.asset, v.number",
        ),
        "checks" => (CHECKS, "select * from checks order by environment, asset, version, position"),
        "profiles" => {
            (PROFILES, "select *, name as column_name from profiles order by environment, asset, version, position")
        }
        "audit" => (AUDIT, "select * from audit order by sequence"),
        _ => return Ok(None),
    };
    let rows = sqlx::query(sql).fetch_all(&catalog.readers).await?;
    let cells = |row: &SqliteRow| columns.iter().map(|(name, kind)| cell(row, name, kind)).collect();
    Ok(Some(SystemTable {
        columns: Schema { columns: columns.iter().map(|(name, kind)| Column::new(*name, kind.clone())).collect() },
        rows: rows.iter().map(cells).collect::<Outcome<_>>()?,
    }))
}

fn cell(row: &SqliteRow, name: &str, kind: &DataType) -> Outcome<Json> {
    Ok(match kind {
        Timestamptz => {
            let at = instant_or_null(row, name)?;
            at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)).into()
        }
        Bigint => row.try_get::<Option<i64>, _>(name)?.into(),
        Double => row.try_get::<Option<f64>, _>(name)?.into(),
        // JSON stays text: that is what a column of type `json` holds.
        _ => row.try_get::<Option<String>, _>(name)?.into(),
    })
}

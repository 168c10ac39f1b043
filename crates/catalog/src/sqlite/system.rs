//! The schema `lockgate` as data.

use lockgate_types::{Column, DataType, Schema};
use serde_json::Value as Json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteCatalog;
use super::rows::instant_or_null;
use super::trouble::Outcome;
use crate::SystemTable;
use crate::system::columns;

use DataType::{Bigint, Double, Timestamptz};

pub(super) async fn table(catalog: &SqliteCatalog, name: &str) -> Outcome<Option<SystemTable>> {
    let sql = match name {
        "runs" => "select * from runs order by started_at, id",
        "tasks" => "select * from tasks order by run, asset",
        "versions" => {
            "select v.*, p.actor as published_by from versions v left join publications p on p.id = v.publication \
             order by v.environment, v.asset, v.number"
        }
        "checks" => "select * from checks order by environment, asset, version, position",
        "profiles" => "select *, name as column_name from profiles order by environment, asset, version, position",
        "audit" => "select * from audit order by sequence",
        "schedules" => "select * from schedules order by environment, name",
        "deliveries" => "select * from deliveries order by sequence",
        _ => return Ok(None),
    };
    let Some(columns) = columns(name) else { return Ok(None) };
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

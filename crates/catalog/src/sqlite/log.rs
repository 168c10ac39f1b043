//! The audit log, suppressions, lateness.

use std::collections::BTreeMap;

use lockgate_types::{Actor, AssetName, Suppression, Threshold};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::SqliteCatalog;
use super::rows::{
    asset, asset_or_null, at_most, instant, integer, micros, number_or_null, text, text_or_null, to_json,
};
use super::trouble::{Outcome, corrupt};
use crate::words::suppressed_entry;
use crate::{AuditEntry, Late, faults};

/// Within a write: one line.
pub(super) async fn append(db: &mut SqliteConnection, entry: &AuditEntry) -> Outcome<()> {
    let detail = if entry.detail.is_null() { None } else { Some(to_json(&entry.detail)?) };
    sqlx::query(
        "insert into audit (at, actor, action, environment, asset, version, why, detail) values (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(micros(entry.at))
    .bind(&entry.actor.0)
    .bind(&entry.action)
    .bind(&entry.environment)
    .bind(entry.asset.as_ref().map(ToString::to_string))
    .bind(entry.version.map(|version| integer(version.0)))
    .bind(&entry.why)
    .bind(detail)
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn audit(catalog: &SqliteCatalog, entry: &AuditEntry) -> Outcome<()> {
    let mut write = catalog.write(&faults::AUDIT).await?;
    append(write.connection(), entry).await?;
    write.commit().await
}

pub(super) async fn audit_log(
    catalog: &SqliteCatalog,
    env: &str,
    asset: Option<&AssetName>,
    limit: usize,
) -> Outcome<Vec<AuditEntry>> {
    let query = match asset {
        Some(asset) => {
            sqlx::query("select * from audit where environment = ? and asset = ? order by sequence desc limit ?")
                .bind(env)
                .bind(asset.to_string())
        }
        // From the end backwards until there are enough; by the index, all lines of the environment would be sorted.
        None => sqlx::query(
            "select * from audit not indexed where environment = ? or environment is null order by sequence desc limit ?",
        )
        .bind(env),
    };
    let rows = query.bind(at_most(limit)).fetch_all(&catalog.readers).await?;
    rows.iter().map(line).collect()
}

pub(super) fn line(row: &SqliteRow) -> Outcome<AuditEntry> {
    Ok(AuditEntry {
        at: instant(row, "at")?,
        actor: Actor(text(row, "actor")?),
        action: text(row, "action")?,
        environment: text_or_null(row, "environment")?,
        asset: asset_or_null(row, "asset")?,
        version: number_or_null(row, "version")?,
        why: text_or_null(row, "why")?,
        detail: match text_or_null(row, "detail")? {
            Some(detail) => serde_json::from_str(&detail).map_err(corrupt("an audit line's detail"))?,
            None => serde_json::Value::Null,
        },
    })
}

pub(super) async fn add_suppression(catalog: &SqliteCatalog, env: &str, suppression: &Suppression) -> Outcome<()> {
    let mut write = catalog.write(&faults::SUPPRESS).await?;
    let now = write.now();
    let db = write.connection();
    let limit = suppression.limit.map(|limit| limit.to_string());
    let added = sqlx::query(
        "insert into suppressions (environment, asset, check_name, actor, why, made_at, until, limit_text) \
         values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
    )
    .bind(env)
    .bind(suppression.asset.to_string())
    .bind(&suppression.check)
    .bind(&suppression.actor.0)
    .bind(&suppression.why)
    .bind(micros(suppression.made_at))
    .bind(micros(suppression.until))
    .bind(&limit)
    .execute(&mut *db)
    .await?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    append(db, &suppressed_entry(now, env, suppression)).await?;
    write.commit().await
}

pub(super) async fn suppressions(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<Suppression>> {
    let rows = sqlx::query("select * from suppressions where environment = ? order by sequence")
        .bind(env)
        .fetch_all(&catalog.readers)
        .await?;
    let suppression = |row: &SqliteRow| {
        let limit = text_or_null(row, "limit_text")?;
        Ok(Suppression {
            asset: asset(row, "asset")?,
            check: text(row, "check_name")?,
            actor: Actor(text(row, "actor")?),
            why: text(row, "why")?,
            made_at: instant(row, "made_at")?,
            until: instant(row, "until")?,
            limit: limit.map(|limit| Threshold::parse(&limit).map_err(corrupt("a limit"))).transpose()?,
        })
    };
    rows.iter().map(suppression).collect()
}

pub(super) async fn set_late(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    late: Option<&Late>,
) -> Outcome<()> {
    let mut write = catalog.write_progress(&faults::LATE).await?;
    let db = write.connection();
    let query = match late {
        Some(late) => sqlx::query(
            "insert into late (environment, asset, check_name, message, since, newest) values (?, ?, ?, ?, ?, ?) \
             on conflict do update set check_name = excluded.check_name, message = excluded.message, \
               since = excluded.since, newest = excluded.newest",
        )
        .bind(env)
        .bind(asset.to_string())
        .bind(&late.check)
        .bind(&late.message)
        .bind(micros(late.since))
        .bind(&late.newest),
        // From the end backwards until there are enough; by the index, all lines of the environment would be sorted.
        None => sqlx::query("delete from late where environment = ? and asset = ?").bind(env).bind(asset.to_string()),
    };
    query.execute(db).await?;
    write.commit().await
}

pub(super) async fn late(catalog: &SqliteCatalog, env: &str) -> Outcome<BTreeMap<AssetName, Late>> {
    let rows = sqlx::query("select * from late where environment = ?").bind(env).fetch_all(&catalog.readers).await?;
    let late = |row: &SqliteRow| {
        let late = Late {
            check: text(row, "check_name")?,
            message: text(row, "message")?,
            since: instant(row, "since")?,
            newest: text_or_null(row, "newest")?,
        };
        Ok((asset(row, "asset")?, late))
    };
    rows.iter().map(late).collect()
}

//! What may expire, and marking it.

use std::collections::BTreeMap;

use lockgate_types::{Actor, AssetName, RunId, VersionNumber, VersionState};
use serde_json::json;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::reading::state_of;
use super::rows::{
    asset, count, count_or_null, instant, instant_or_null, integer, json as json_column, number, number_or_null, state,
    text_or_null,
};
use super::trouble::{Outcome, Trouble};
use super::{SqliteCatalog, log};
use crate::words::{entry, not_found, wrong_state};
use crate::{AuditEntry, RetentionFacts, faults};

pub(super) async fn last_numbers(catalog: &SqliteCatalog, env: &str) -> Outcome<BTreeMap<AssetName, VersionNumber>> {
    let rows = sqlx::query("select asset, last_number from assets where environment = ?")
        .bind(env)
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(|row| Ok((asset(row, "asset")?, number(row, "last_number")?))).collect()
}

pub(super) async fn facts(catalog: &SqliteCatalog, env: &str, asset: &AssetName) -> Outcome<Vec<RetentionFacts>> {
    let rows = sqlx::query(
        "select number, state, run, base, restores, inputs, rows, size_bytes, staged_at, published_at, ended_at, \
           expired_epoch from versions where environment = ? and asset = ? order by number desc",
    )
    .bind(env)
    .bind(asset.to_string())
    .fetch_all(&catalog.readers)
    .await?;
    let facts = |row: &SqliteRow| {
        Ok(RetentionFacts {
            number: number(row, "number")?,
            state: state(row, "state")?,
            run: text_or_null(row, "run")?.map(RunId),
            base: number_or_null(row, "base")?,
            restores: number_or_null(row, "restores")?,
            inputs: json_column(row, "inputs")?,
            rows: count(row, "rows")?,
            size_bytes: count(row, "size_bytes")?,
            staged_at: instant(row, "staged_at")?,
            published_at: instant_or_null(row, "published_at")?,
            ended_at: instant_or_null(row, "ended_at")?,
            expired_epoch: count_or_null(row, "expired_epoch")?,
        })
    };
    rows.iter().map(facts).collect()
}

pub(super) async fn epoch(catalog: &SqliteCatalog) -> Outcome<u64> {
    let mut reader = catalog.readers.acquire().await?;
    epoch_of(&mut reader).await
}

async fn epoch_of(db: &mut SqliteConnection) -> Outcome<u64> {
    let row = sqlx::query("select value from epoch").fetch_optional(db).await?;
    let row = row.ok_or_else(|| Trouble::Corrupt("the epoch of readers is gone".to_owned()))?;
    count(&row, "value")
}

pub(super) async fn expire(
    catalog: &SqliteCatalog,
    env: &str,
    versions: &[(AssetName, VersionNumber)],
    actor: &Actor,
    why: &str,
) -> Outcome<u64> {
    let mut write = catalog.write(&faults::EXPIRE).await?;
    let now = write.now();
    let db = write.connection();
    let mut open = Vec::new();
    for (asset, number) in versions {
        match state_of(db, env, asset, *number).await? {
            None => return Err(not_found(asset, *number)),
            Some(VersionState::Expired) => {}
            Some(is @ (VersionState::Superseded | VersionState::Retracted | VersionState::Dismissed)) => {
                open.push((asset, *number, is));
            }
            Some(
                is @ (VersionState::Staged
                | VersionState::Publishing
                | VersionState::Published
                | VersionState::Held
                | VersionState::Failed),
            ) => return Err(wrong_state(asset, *number, is, "expired")),
        }
    }
    let epoch = epoch_of(db).await?;
    if open.is_empty() {
        return Ok(epoch);
    }
    let epoch = epoch + 1;
    sqlx::query("update epoch set value = ?").bind(integer(epoch)).execute(&mut *db).await?;
    for (asset, number, was) in open {
        sqlx::query(
            "update versions set state = 'expired', expired_epoch = ? \
             where environment = ? and asset = ? and number = ? and state in ('superseded', 'retracted', 'dismissed')",
        )
        .bind(integer(epoch))
        .bind(env)
        .bind(asset.to_string())
        .bind(integer(number.0))
        .execute(&mut *db)
        .await?;
        let entry = entry(now, actor, "expired", env, asset, number);
        let detail = json!({ "from": was, "epoch": epoch });
        log::append(db, &AuditEntry { why: Some(why.to_owned()), detail, ..entry }).await?;
    }
    write.commit().await?;
    Ok(epoch)
}

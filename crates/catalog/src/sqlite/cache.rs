//! The plan cache, and the code that assets were published from.

use std::collections::BTreeMap;

use lockgate_types::{Actor, AssetName, Fingerprint, VersionNumber};
use serde_json::json;
use sqlx::{Row, SqliteConnection};

use super::rows::{integer, json as json_column, number, text, to_json};
use super::trouble::Outcome;
use super::{SqliteCatalog, log};
use crate::words::entry;
use crate::{AuditEntry, CACHE_ENTRIES_MAX, faults};

pub(super) async fn cached(catalog: &SqliteCatalog, key: &str) -> Outcome<Option<String>> {
    let row =
        sqlx::query("select value from plan_cache where key = ?").bind(key).fetch_optional(&catalog.readers).await?;
    row.map(|row| text(&row, "value")).transpose()
}

pub(super) async fn cached_many(catalog: &SqliteCatalog, keys: &[String]) -> Outcome<BTreeMap<String, String>> {
    let rows = sqlx::query("select key, value from plan_cache where key in (select value from json_each(?))")
        .bind(to_json(&keys)?)
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(|row| Ok((text(row, "key")?, text(row, "value")?))).collect()
}

pub(super) async fn put_cached(catalog: &SqliteCatalog, entries: &[(String, String)]) -> Outcome<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut write = catalog.write_progress(&faults::CACHE).await?;
    let db = write.connection();
    // The row is replaced, so that its sequence says when it was last put.
    sqlx::query(
        "insert or replace into plan_cache (key, value) select value ->> 0, value ->> 1 from json_each(?) order by key",
    )
    .bind(to_json(&entries)?)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "delete from plan_cache where sequence <= \
           (select sequence from plan_cache order by sequence desc limit 1 offset ?)",
    )
    .bind(integer(CACHE_ENTRIES_MAX))
    .execute(&mut *db)
    .await?;
    write.commit().await
}

pub(super) async fn set_code(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    fingerprint: &Fingerprint,
    code: &serde_json::Value,
) -> Outcome<()> {
    let mut reader = catalog.readers.acquire().await?;
    let before = read_code(&mut reader, env, asset).await?;
    drop(reader);
    if before.as_ref().is_some_and(|(kept, kept_code)| kept == fingerprint && kept_code == code) {
        return Ok(());
    }
    let mut write = catalog.write(&faults::SET_CODE).await?;
    let now = write.now();
    let db = write.connection();
    let before = read_code(db, env, asset).await?.map(|(fingerprint, _)| fingerprint);
    sqlx::query(
        "insert into code (environment, asset, fingerprint, code) values (?, ?, ?, ?) \
         on conflict do update set fingerprint = excluded.fingerprint, code = excluded.code",
    )
    .bind(env)
    .bind(asset.to_string())
    .bind(&fingerprint.0)
    .bind(to_json(code)?)
    .execute(&mut *db)
    .await?;
    if before.as_ref() != Some(fingerprint)
        && let Some((version, actor)) = live_and_publisher(db, env, asset).await?
    {
        let entry = entry(now, &actor, "code_changed", env, asset, version);
        let detail = json!({ "fingerprint": fingerprint, "before": before });
        log::append(db, &AuditEntry { detail, ..entry }).await?;
    }
    write.commit().await
}

pub(super) async fn code(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
) -> Outcome<Option<(Fingerprint, serde_json::Value)>> {
    let mut reader = catalog.readers.acquire().await?;
    read_code(&mut reader, env, asset).await
}

async fn read_code(
    db: &mut SqliteConnection,
    env: &str,
    asset: &AssetName,
) -> Outcome<Option<(Fingerprint, serde_json::Value)>> {
    let row = sqlx::query("select fingerprint, code from code where environment = ? and asset = ?")
        .bind(env)
        .bind(asset.to_string())
        .fetch_optional(db)
        .await?;
    row.map(|row| Ok((Fingerprint(text(&row, "fingerprint")?), json_column(&row, "code")?))).transpose()
}

async fn live_and_publisher(
    db: &mut SqliteConnection,
    env: &str,
    asset: &AssetName,
) -> Outcome<Option<(VersionNumber, Actor)>> {
    let row = sqlx::query(
        "select v.number, coalesce(p.actor, v.actor) as actor from versions v \
         left join publications p on p.id = v.publication \
         where v.environment = ? and v.asset = ? and v.state = 'published'",
    )
    .bind(env)
    .bind(asset.to_string())
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok((number(&row, "number")?, Actor(row.try_get("actor")?)))).transpose()
}

//! Answers to requests that may be repeated.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use sqlx::sqlite::SqliteRow;

use crate::sqlite::SqliteCatalog;
use crate::sqlite::rows::{count_or_null, instant, json, micros, text, to_json};
use crate::sqlite::trouble::{Outcome, corrupt};
use crate::{CatalogError, StoredAnswer, faults};

pub(super) const ANSWER: &str = "select * from answers where key = ?";

pub(super) async fn answer(catalog: &SqliteCatalog, key: &str) -> Outcome<Option<StoredAnswer>> {
    let row = sqlx::query(ANSWER).bind(key).fetch_optional(&catalog.readers).await?;
    row.as_ref().map(stored).transpose()
}

pub(super) async fn claim(
    catalog: &SqliteCatalog,
    key: &str,
    request_hash: &str,
    at: DateTime<Utc>,
    stale_before: DateTime<Utc>,
) -> Outcome<Option<StoredAnswer>> {
    let mut write = catalog.write(&faults::CLAIM_ANSWER).await?;
    let db = write.connection();
    let claimed = sqlx::query(
        "insert into answers (key, request_hash, at) values (?1, ?2, ?3) \
         on conflict do update set request_hash = excluded.request_hash, at = excluded.at \
         where status is null and at < ?4",
    )
    .bind(key)
    .bind(request_hash)
    .bind(micros(at))
    .bind(micros(stale_before))
    .execute(&mut *db)
    .await?;
    if claimed.rows_affected() == 0 {
        let row = sqlx::query(ANSWER).bind(key).fetch_one(db).await?;
        return stored(&row).map(Some);
    }
    write.commit().await?;
    Ok(None)
}

pub(super) async fn keep(
    catalog: &SqliteCatalog,
    key: &str,
    status: u16,
    body: &Json,
    forget_before: DateTime<Utc>,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::KEEP_ANSWER).await?;
    let db = write.connection();
    // The first answer stands: somebody may have been given it.
    let kept = sqlx::query("update answers set status = ?, body = ? where key = ? and status is null")
        .bind(i64::from(status))
        .bind(to_json(body)?)
        .bind(key)
        .execute(&mut *db)
        .await?;
    if kept.rows_affected() == 0 && sqlx::query(ANSWER).bind(key).fetch_optional(&mut *db).await?.is_none() {
        return Err(CatalogError::NotFound(format!("request {key}")).into());
    }
    let forgotten = sqlx::query("delete from answers where at < ? and key <> ?")
        .bind(micros(forget_before))
        .bind(key)
        .execute(&mut *db)
        .await?;
    if kept.rows_affected() == 0 && forgotten.rows_affected() == 0 {
        return Ok(());
    }
    write.commit().await
}

pub(super) async fn forget(catalog: &SqliteCatalog, key: &str) -> Outcome<()> {
    let mut write = catalog.write(&faults::FORGET_ANSWER).await?;
    // An answer that somebody else has given stays.
    let forgotten = sqlx::query("delete from answers where key = ? and status is null")
        .bind(key)
        .execute(write.connection())
        .await?;
    if forgotten.rows_affected() == 0 {
        return Ok(());
    }
    write.commit().await
}

fn stored(row: &SqliteRow) -> Outcome<StoredAnswer> {
    let answer = match count_or_null(row, "status")? {
        Some(status) => Some((u16::try_from(status).map_err(corrupt("a status"))?, json(row, "body")?)),
        None => None,
    };
    Ok(StoredAnswer { request_hash: text(row, "request_hash")?, at: instant(row, "at")?, answer })
}

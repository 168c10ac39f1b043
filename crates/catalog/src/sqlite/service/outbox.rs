//! The outbox: messages, and how far it has read what they are made of.

use chrono::{DateTime, Utc};
use lockgate_types::RunId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::sqlite::SqliteCatalog;
use crate::sqlite::rows::{
    asset_or_null, at_most, count, instant, instant_or_null, json, micros, parsed, text, text_or_null, to_json,
};
use crate::sqlite::trouble::Outcome;
use crate::{CatalogError, Delivery, DeliveryState, Position, faults};

pub(super) async fn add(catalog: &SqliteCatalog, env: &str, deliveries: &[Delivery]) -> Outcome<()> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let mut write = catalog.write(&faults::ADD_DELIVERIES).await?;
    if put_new(write.connection(), env, deliveries).await? == 0 {
        return Ok(());
    }
    write.commit().await
}

/// Within a write: those that are not there yet; answers how many.
async fn put_new(db: &mut SqliteConnection, env: &str, deliveries: &[Delivery]) -> Outcome<u64> {
    let mut new = 0;
    for delivery in deliveries {
        let put = sqlx::query(
            "insert into deliveries (environment, id, alert, receiver, kind, asset, run, body, text, state, attempts, \
               made_at, due_at, sent_at, last_error) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             on conflict (environment, id) do nothing",
        )
        .bind(env)
        .bind(&delivery.id)
        .bind(at_most(delivery.alert))
        .bind(&delivery.to)
        .bind(&delivery.kind)
        .bind(delivery.asset.as_ref().map(ToString::to_string))
        .bind(delivery.run.as_ref().map(|run| run.0.as_str()))
        .bind(to_json(&delivery.body)?)
        .bind(&delivery.text)
        .bind(delivery.state.as_str())
        .bind(i64::from(delivery.attempts))
        .bind(micros(delivery.made_at))
        .bind(micros(delivery.due_at))
        .bind(delivery.sent_at.map(micros))
        .bind(&delivery.last_error)
        .execute(&mut *db)
        .await?;
        new += put.rows_affected();
    }
    Ok(new)
}

pub(super) const DUE: &str = "select * from deliveries where environment = ? and state = 'waiting' and due_at <= ? \
     order by due_at, sequence limit ?";

pub(super) async fn claim(
    catalog: &SqliteCatalog,
    env: &str,
    now: DateTime<Utc>,
    again_at: DateTime<Utc>,
    limit: usize,
) -> Outcome<Vec<Delivery>> {
    // Most of the time there is nothing to send, and nobody is to wait for that answer.
    if next(catalog, env).await?.is_none_or(|due_at| micros(due_at) > micros(now)) {
        return Ok(Vec::new());
    }
    let mut write = catalog.write(&faults::CLAIM_DELIVERIES).await?;
    let db = write.connection();
    let rows = sqlx::query(DUE).bind(env).bind(micros(now)).bind(at_most(limit)).fetch_all(&mut *db).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let sequences = rows.iter().map(|row| row.try_get("sequence")).collect::<sqlx::Result<Vec<i64>>>()?;
    sqlx::query("update deliveries set due_at = ? where sequence in (select value from json_each(?))")
        .bind(micros(again_at))
        .bind(to_json(&sequences)?)
        .execute(&mut *db)
        .await?;
    let claimed = rows.iter().map(|row| Ok(Delivery { due_at: again_at, ..delivery(row)? })).collect::<Outcome<_>>()?;
    write.commit().await?;
    Ok(claimed)
}

pub(super) const NEXT: &str =
    "select min(due_at) as due_at from deliveries where environment = ? and state = 'waiting'";

pub(super) async fn next(catalog: &SqliteCatalog, env: &str) -> Outcome<Option<DateTime<Utc>>> {
    let row = sqlx::query(NEXT).bind(env).fetch_one(&catalog.readers).await?;
    instant_or_null(&row, "due_at")
}

pub(super) async fn settle(catalog: &SqliteCatalog, env: &str, delivery: &Delivery) -> Outcome<()> {
    let mut write = catalog.write(&faults::SETTLE_DELIVERY).await?;
    let db = write.connection();
    // What was sent stays so: one who was taken for dead, and failed, does not have it sent again.
    let settled = sqlx::query(
        "update deliveries set state = ?1, attempts = ?2, due_at = ?3, sent_at = ?4, last_error = ?5 \
         where environment = ?6 and id = ?7 and (state <> 'sent' or ?1 = 'sent')",
    )
    .bind(delivery.state.as_str())
    .bind(i64::from(delivery.attempts))
    .bind(micros(delivery.due_at))
    .bind(delivery.sent_at.map(micros))
    .bind(&delivery.last_error)
    .bind(env)
    .bind(&delivery.id)
    .execute(&mut *db)
    .await?;
    if settled.rows_affected() == 0 {
        let known = sqlx::query("select 1 from deliveries where environment = ? and id = ?")
            .bind(env)
            .bind(&delivery.id)
            .fetch_optional(db)
            .await?;
        return match known {
            Some(_) => Ok(()),
            None => Err(CatalogError::NotFound(format!("message {}", delivery.id)).into()),
        };
    }
    write.commit().await
}

pub(super) const PAGE: &str = "select * from deliveries where environment = ? order by sequence desc limit ?";

pub(super) const PAGE_BEFORE: &str = "select * from deliveries where environment = ?1 \
     and sequence < (select sequence from deliveries where environment = ?1 and id = ?2) order by sequence desc limit ?3";

/// Behind a message that is not known there are none.
pub(super) async fn page(
    catalog: &SqliteCatalog,
    env: &str,
    before: Option<&str>,
    limit: usize,
) -> Outcome<Vec<Delivery>> {
    let query = match before {
        Some(before) => sqlx::query(PAGE_BEFORE).bind(env).bind(before),
        None => sqlx::query(PAGE).bind(env),
    };
    let rows = query.bind(at_most(limit)).fetch_all(&catalog.readers).await?;
    rows.iter().map(delivery).collect()
}

pub(super) async fn told_until(catalog: &SqliteCatalog, env: &str) -> Outcome<Option<Position>> {
    let row = sqlx::query("select audit, event from told where environment = ?")
        .bind(env)
        .fetch_optional(&catalog.readers)
        .await?;
    row.map(|row| Ok(Position { audit: row.try_get("audit")?, event: row.try_get("event")? })).transpose()
}

pub(super) async fn tell(catalog: &SqliteCatalog, env: &str, deliveries: &[Delivery], until: Position) -> Outcome<()> {
    let mut write = catalog.write(&faults::TELL).await?;
    let db = write.connection();
    let new = put_new(db, env, deliveries).await?;
    // It never goes back: of two processes, the slower one changes nothing.
    let moved = sqlx::query(
        "insert into told (environment, audit, event) values (?, ?, ?) \
         on conflict do update set audit = max(audit, excluded.audit), event = max(event, excluded.event) \
         where audit < excluded.audit or event < excluded.event",
    )
    .bind(env)
    .bind(until.audit)
    .bind(until.event)
    .execute(db)
    .await?;
    if new == 0 && moved.rows_affected() == 0 {
        return Ok(());
    }
    write.commit().await
}

fn delivery(row: &SqliteRow) -> Outcome<Delivery> {
    Ok(Delivery {
        id: text(row, "id")?,
        alert: usize::try_from(count(row, "alert")?).unwrap_or(usize::MAX),
        to: text(row, "receiver")?,
        kind: text(row, "kind")?,
        asset: asset_or_null(row, "asset")?,
        run: text_or_null(row, "run")?.map(RunId),
        body: json(row, "body")?,
        text: text(row, "text")?,
        state: parsed(&text(row, "state")?, "state of a message", DeliveryState::parse)?,
        attempts: u32::try_from(count(row, "attempts")?).unwrap_or(u32::MAX),
        made_at: instant(row, "made_at")?,
        due_at: instant(row, "due_at")?,
        sent_at: instant_or_null(row, "sent_at")?,
        last_error: text_or_null(row, "last_error")?,
    })
}

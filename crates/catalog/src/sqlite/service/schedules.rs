//! What is kept of schedules.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, RunId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::sqlite::rows::{instant, instant_or_null, micros, text, text_or_null};
use crate::sqlite::trouble::Outcome;
use crate::sqlite::{SqliteCatalog, log};
use crate::words::schedule_entry;
use crate::{Paused, ScheduleState, faults};

pub(super) async fn all(catalog: &SqliteCatalog, env: &str) -> Outcome<BTreeMap<String, ScheduleState>> {
    let rows =
        sqlx::query("select * from schedules where environment = ?").bind(env).fetch_all(&catalog.readers).await?;
    rows.iter().map(|row| Ok((text(row, "name")?, schedule(row)?))).collect()
}

pub(super) async fn claim_due(
    catalog: &SqliteCatalog,
    env: &str,
    schedule: &str,
    before: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
) -> Outcome<bool> {
    let mut write = catalog.write(&faults::CLAIM_DUE).await?;
    let db = write.connection();
    ensure(db, env, schedule).await?;
    let claimed = sqlx::query(
        "update schedules set done_until = ?1 where environment = ?2 and name = ?3 \
         and done_until is ?4 and (done_until is null or done_until < ?1)",
    )
    .bind(micros(due_at))
    .bind(env)
    .bind(schedule)
    .bind(before.map(micros))
    .execute(db)
    .await?;
    if claimed.rows_affected() == 0 {
        return Ok(false);
    }
    write.commit().await?;
    Ok(true)
}

pub(super) async fn ran(catalog: &SqliteCatalog, env: &str, schedule: &str, run: &RunId) -> Outcome<()> {
    let mut write = catalog.write_progress(&faults::SCHEDULE_RAN).await?;
    let db = write.connection();
    ensure(db, env, schedule).await?;
    sqlx::query("update schedules set last_run = ? where environment = ? and name = ?")
        .bind(&run.0)
        .bind(env)
        .bind(schedule)
        .execute(db)
        .await?;
    write.commit().await
}

pub(super) async fn pause(
    catalog: &SqliteCatalog,
    env: &str,
    schedule: &str,
    paused: Option<&Paused>,
    by: &Actor,
    at: DateTime<Utc>,
    why: &str,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::PAUSE_SCHEDULE).await?;
    let db = write.connection();
    ensure(db, env, schedule).await?;
    // Who pauses it again for the same reason changes nothing, and the first time stays.
    let changed = sqlx::query(
        "update schedules set paused_by = ?1, paused_at = ?2, paused_why = ?3 where environment = ?4 and name = ?5 \
         and (paused_by is not ?1 or paused_why is not ?3)",
    )
    .bind(paused.map(|paused| paused.by.0.as_str()))
    .bind(paused.map(|paused| micros(paused.at)))
    .bind(paused.map(|paused| paused.why.as_str()))
    .bind(env)
    .bind(schedule)
    .execute(&mut *db)
    .await?;
    if changed.rows_affected() == 0 {
        return Ok(());
    }
    let action = if paused.is_some() { "schedule_paused" } else { "schedule_resumed" };
    log::append(db, &schedule_entry(at, by, action, env, schedule, why)).await?;
    write.commit().await
}

/// Within a write: its row.
async fn ensure(db: &mut SqliteConnection, env: &str, schedule: &str) -> Outcome<()> {
    sqlx::query("insert into schedules (environment, name) values (?, ?) on conflict do nothing")
        .bind(env)
        .bind(schedule)
        .execute(db)
        .await?;
    Ok(())
}

fn schedule(row: &SqliteRow) -> Outcome<ScheduleState> {
    let paused = match text_or_null(row, "paused_by")? {
        Some(by) => Some(Paused { by: Actor(by), at: instant(row, "paused_at")?, why: text(row, "paused_why")? }),
        None => None,
    };
    Ok(ScheduleState {
        name: text(row, "name")?,
        done_until: instant_or_null(row, "done_until")?,
        last_run: text_or_null(row, "last_run")?.map(RunId),
        paused,
    })
}

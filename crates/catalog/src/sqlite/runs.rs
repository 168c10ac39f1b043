//! The journal: runs, their tasks, their events.

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, Event, Fingerprint, Run, RunId, RunState, Task, TaskState};
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::rows::{
    asset, asset_or_null, at_most, count, instant, instant_of, instant_or_null, integer, json as json_column, micros,
    number_or_null, parsed, text, text_or_null, to_json,
};
use super::trouble::Outcome;
use super::{SqliteCatalog, log};
use crate::words::{no_run, run_entry};
use crate::{CatalogError, faults};

pub(super) async fn create(catalog: &SqliteCatalog, run: &Run, tasks: &[Task]) -> Outcome<()> {
    let mut write = catalog.write(&faults::CREATE_RUN).await?;
    let db = write.connection();
    let created = sqlx::query(
        "insert into runs (id, environment, actor, state, as_of, plan_hash, pins, started_at, ended_at, request, retry_of) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
    )
    .bind(&run.id.0)
    .bind(&run.environment)
    .bind(&run.actor.0)
    .bind(run.state.as_str())
    .bind(micros(run.as_of))
    .bind(&run.plan_hash.0)
    .bind(to_json(&run.pins)?)
    .bind(micros(run.started_at))
    .bind(run.ended_at.map(micros))
    .bind(to_json(&run.request)?)
    .bind(run.retry_of.as_ref().map(|id| id.0.as_str()))
    .execute(&mut *db)
    .await?;
    if created.rows_affected() == 0 {
        return Ok(());
    }
    for task in tasks {
        put_task(db, task).await?;
    }
    let detail = json!({ "run": run.id, "as_of": run.as_of, "tasks": tasks.len() });
    log::append(db, &run_entry(run, "run_started", run.started_at, detail)).await?;
    write.commit().await
}

pub(super) async fn set_task(catalog: &SqliteCatalog, task: &Task) -> Outcome<()> {
    let mut write = catalog.write_progress(&faults::SET_TASK).await?;
    let db = write.connection();
    if read_run(db, &task.run).await?.is_none() {
        return Err(no_run(&task.run));
    }
    put_task(db, task).await?;
    write.commit().await
}

async fn put_task(db: &mut SqliteConnection, task: &Task) -> Outcome<()> {
    sqlx::query(
        "insert into tasks (run, asset, state, attempts, version, started_at, ended_at, message, plan, environment) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (select environment from runs where id = ?1)) \
         on conflict do update set state = excluded.state, attempts = excluded.attempts, version = excluded.version, \
           started_at = coalesce(excluded.started_at, started_at), ended_at = excluded.ended_at, \
           message = excluded.message, plan = coalesce(excluded.plan, plan)",
    )
    .bind(&task.run.0)
    .bind(task.asset.to_string())
    .bind(task.state.as_str())
    .bind(i64::from(task.attempts))
    .bind(task.version.map(|version| integer(version.0)))
    .bind(task.started_at.map(micros))
    .bind(task.ended_at.map(micros))
    .bind(&task.message)
    .bind(task.plan.as_ref().map(to_json).transpose()?)
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn end(catalog: &SqliteCatalog, id: &RunId, state: RunState, at: DateTime<Utc>) -> Outcome<()> {
    let mut write = catalog.write(&faults::END_RUN).await?;
    let db = write.connection();
    let Some(run) = read_run(db, id).await? else { return Err(no_run(id)) };
    match run.state {
        RunState::Running => {}
        is if is == state => return Ok(()),
        is => return Err(CatalogError::RunEnded { id: id.clone(), is, wanted: state }.into()),
    }
    sqlx::query("update runs set state = ?, ended_at = ? where id = ? and state = 'running'")
        .bind(state.as_str())
        .bind(micros(at))
        .bind(&id.0)
        .execute(&mut *db)
        .await?;
    let detail = json!({ "run": id, "state": state });
    log::append(db, &run_entry(&run, "run_ended", at, detail)).await?;
    write.commit().await
}

pub(super) async fn run(catalog: &SqliteCatalog, id: &RunId) -> Outcome<Option<Run>> {
    let mut reader = catalog.readers.acquire().await?;
    read_run(&mut reader, id).await
}

pub(super) async fn runs(catalog: &SqliteCatalog, env: &str, limit: usize) -> Outcome<Vec<Run>> {
    let rows = sqlx::query("select * from runs where environment = ? order by started_at desc, id desc limit ?")
        .bind(env)
        .bind(at_most(limit))
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(run_of).collect()
}

pub(super) async fn running(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<Run>> {
    let rows = sqlx::query("select * from runs where environment = ? and state = 'running' order by started_at, id")
        .bind(env)
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(run_of).collect()
}

pub(super) async fn tasks(catalog: &SqliteCatalog, id: &RunId) -> Outcome<Vec<Task>> {
    let rows =
        sqlx::query("select * from tasks where run = ? order by asset").bind(&id.0).fetch_all(&catalog.readers).await?;
    rows.iter().map(task_of).collect()
}

pub(super) async fn append_events(catalog: &SqliteCatalog, events: &[Event]) -> Outcome<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut write = catalog.write_progress(&faults::EVENTS).await?;
    let db = write.connection();
    for event in events {
        sqlx::query("insert into events (run, event, at, asset, version, data) values (?, ?, ?, ?, ?, ?)")
            .bind(event.run.as_ref().map(|run| run.0.as_str()))
            .bind(&event.event)
            .bind(micros(event.at))
            .bind(event.asset.as_ref().map(ToString::to_string))
            .bind(event.version.map(|version| integer(version.0)))
            .bind(to_json(&event.data)?)
            .execute(&mut *db)
            .await?;
    }
    write.commit().await
}

pub(super) async fn events(catalog: &SqliteCatalog, run: &RunId, after: i64) -> Outcome<Vec<(i64, Event)>> {
    let rows = sqlx::query("select * from events where run = ? and sequence > ? order by sequence")
        .bind(&run.0)
        .bind(after)
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("sequence")?, event_of(row)?))).collect()
}

pub(super) fn event_of(row: &SqliteRow) -> Outcome<Event> {
    Ok(Event {
        event: text(row, "event")?,
        at: instant(row, "at")?,
        run: text_or_null(row, "run")?.map(RunId),
        asset: asset_or_null(row, "asset")?,
        version: number_or_null(row, "version")?,
        data: json_column(row, "data")?,
    })
}

async fn read_run(db: &mut SqliteConnection, id: &RunId) -> Outcome<Option<Run>> {
    let row = sqlx::query("select * from runs where id = ?").bind(&id.0).fetch_optional(db).await?;
    row.as_ref().map(run_of).transpose()
}

pub(super) fn run_of(row: &SqliteRow) -> Outcome<Run> {
    Ok(Run {
        id: RunId(text(row, "id")?),
        environment: text(row, "environment")?,
        actor: Actor(text(row, "actor")?),
        state: parsed(&text(row, "state")?, "state of a run", RunState::parse)?,
        as_of: instant(row, "as_of")?,
        plan_hash: Fingerprint(text(row, "plan_hash")?),
        pins: json_column(row, "pins")?,
        started_at: instant(row, "started_at")?,
        ended_at: instant_or_null(row, "ended_at")?,
        request: json_column(row, "request")?,
        retry_of: text_or_null(row, "retry_of")?.map(RunId),
    })
}

fn task_of(row: &SqliteRow) -> Outcome<Task> {
    Ok(Task {
        run: RunId(text(row, "run")?),
        asset: asset(row, "asset")?,
        state: parsed(&text(row, "state")?, "state of a task", TaskState::parse)?,
        attempts: u32::try_from(count(row, "attempts")?).unwrap_or(u32::MAX),
        version: number_or_null(row, "version")?,
        started_at: instant_or_null(row, "started_at")?,
        ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(instant_of).transpose()?,
        message: text_or_null(row, "message")?,
        plan: match text_or_null(row, "plan")? {
            Some(_) => Some(json_column(row, "plan")?),
            None => None,
        },
    })
}

//! Pages of runs, of the journal and of the audit log.

use std::collections::BTreeMap;

use lockgate_types::{AssetName, Event, RunId, TaskState};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::sqlite::SqliteCatalog;
use crate::sqlite::log::line;
use crate::sqlite::rows::{asset, at_most, count, instant_or_null, micros, parsed, text, text_or_null, to_json};
use crate::sqlite::runs::{event_of, run_of};
use crate::sqlite::trouble::Outcome;
use crate::{AuditCounts, AuditEntry, AuditFilter, LastTask, Position, RunFilter, RunLine};

pub(super) const POSITION: &str = "select (select max(sequence) from audit) as audit, \
     (select max(sequence) from events) as event";

pub(super) async fn position(catalog: &SqliteCatalog) -> Outcome<Position> {
    let row = sqlx::query(POSITION).fetch_one(&catalog.readers).await?;
    Ok(Position {
        audit: row.try_get::<Option<i64>, _>("audit")?.unwrap_or(0),
        event: row.try_get::<Option<i64>, _>("event")?.unwrap_or(0),
    })
}

// ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// From one asset to the next by the index, and of each from its last task backwards until there is one that ended:
/// however many tasks there ever were, it looks at a few of each asset. Ids of runs sort by time.
pub(super) const LAST_FAILURES: &str = "with recursive known (asset) as ( \
         select min(asset) from tasks where environment = ?1 \
         union all \
         select (select min(asset) from tasks where environment = ?1 and asset > known.asset) from known \
           where known.asset is not null \
     ) \
     select t.asset, t.run, t.state, t.ended_at, t.message from known join tasks t on t.asset = known.asset and t.run = ( \
         select run from tasks where environment = ?1 and asset = known.asset and state not in ('waiting', 'running') \
           order by run desc limit 1 \
     ) where t.state = 'failed'";

pub(super) async fn last_failures(catalog: &SqliteCatalog, env: &str) -> Outcome<BTreeMap<AssetName, LastTask>> {
    let rows = sqlx::query(LAST_FAILURES).bind(env).fetch_all(&catalog.readers).await?;
    let task = |row: &SqliteRow| {
        let task = LastTask {
            run: RunId(text(row, "run")?),
            state: task_state(row)?,
            ended_at: instant_or_null(row, "ended_at")?,
            message: text_or_null(row, "message")?,
        };
        Ok((asset(row, "asset")?, task))
    };
    rows.iter().map(task).collect()
}

pub(super) const TASKS_OF_RUNS: &str = "select run, state, count(*) as tasks from tasks \
     where run in (select value from json_each(?)) group by run, state";

pub(super) async fn runs(catalog: &SqliteCatalog, env: &str, filter: &RunFilter) -> Outcome<Vec<RunLine>> {
    let rows = runs_query(env, filter).build().fetch_all(&catalog.readers).await?;
    let runs = rows.iter().map(run_of).collect::<Outcome<Vec<_>>>()?;
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&RunId> = runs.iter().map(|run| &run.id).collect();
    let counted = sqlx::query(TASKS_OF_RUNS).bind(to_json(&ids)?).fetch_all(&catalog.readers).await?;
    let mut tasks: BTreeMap<RunId, BTreeMap<&'static str, u64>> = BTreeMap::new();
    for row in &counted {
        let of_run = tasks.entry(RunId(text(row, "run")?)).or_default();
        of_run.insert(task_state(row)?.as_str(), count(row, "tasks")?);
    }
    Ok(runs.into_iter().map(|run| RunLine { tasks: tasks.remove(&run.id).unwrap_or_default(), run }).collect())
}

/// By time; those of an asset by their ids, which sort by time and stand in the index of its tasks. Behind a run that is
/// not known there are none.
pub(super) fn runs_query(env: &str, filter: &RunFilter) -> QueryBuilder<Sqlite> {
    let mut query = match &filter.asset {
        Some(asset) => {
            let mut query =
                QueryBuilder::new("select r.* from tasks t cross join runs r on r.id = t.run where t.asset = ");
            query.push_bind(asset.to_string()).push(" and t.environment = ").push_bind(env.to_owned());
            if let Some(before) = &filter.before {
                query.push(" and t.run < ").push_bind(before.0.clone());
            }
            query
        }
        None => {
            let mut query = QueryBuilder::new("select r.* from runs r where r.environment = ");
            query.push_bind(env.to_owned());
            if let Some(before) = &filter.before {
                query
                    .push(" and (r.started_at, r.id) < ((select started_at from runs where id = ")
                    .push_bind(before.0.clone())
                    .push("), ")
                    .push_bind(before.0.clone())
                    .push(")");
            }
            query
        }
    };
    if let Some(state) = filter.state {
        query.push(" and r.state = ").push_bind(state.as_str());
    }
    if let Some(actor) = &filter.actor {
        query.push(" and r.actor = ").push_bind(actor.clone());
    }
    let order = if filter.asset.is_some() { "t.run desc" } else { "r.started_at desc, r.id desc" };
    query.push(" order by ").push(order).push(" limit ").push_bind(at_most(filter.limit));
    query
}

fn task_state(row: &SqliteRow) -> Outcome<TaskState> {
    parsed(&text(row, "state")?, "state of a task", TaskState::parse)
}

// ── the journal and the audit log ───────────────────────────────────────────────────────────────────────────────

pub(super) const EVENTS_AFTER: &str = "select * from events where sequence > ? order by sequence limit ?";

pub(super) const AUDIT_AFTER: &str = "select * from audit where sequence > ? order by sequence limit ?";

pub(super) async fn events_after(catalog: &SqliteCatalog, after: i64, limit: usize) -> Outcome<Vec<(i64, Event)>> {
    let rows = sqlx::query(EVENTS_AFTER).bind(after).bind(at_most(limit)).fetch_all(&catalog.readers).await?;
    rows.iter().map(|row| Ok((row.try_get("sequence")?, event_of(row)?))).collect()
}

pub(super) async fn audit_after(catalog: &SqliteCatalog, after: i64, limit: usize) -> Outcome<Vec<(i64, AuditEntry)>> {
    let rows = sqlx::query(AUDIT_AFTER).bind(after).bind(at_most(limit)).fetch_all(&catalog.readers).await?;
    rows.iter().map(numbered_line).collect()
}

pub(super) async fn audit(catalog: &SqliteCatalog, env: &str, filter: &AuditFilter) -> Outcome<Vec<(i64, AuditEntry)>> {
    let rows = audit_query(env, filter)?.build().fetch_all(&catalog.readers).await?;
    rows.iter().map(numbered_line).collect()
}

/// From the end backwards until there are enough. What a line says of an asset, it says of one environment.
pub(super) fn audit_query(env: &str, filter: &AuditFilter) -> Outcome<QueryBuilder<Sqlite>> {
    let mut query = match &filter.asset {
        Some(asset) => {
            let mut query = QueryBuilder::new("select * from audit where asset = ");
            query.push_bind(asset.to_string()).push(" and environment = ").push_bind(env.to_owned());
            query
        }
        None => {
            let mut query =
                QueryBuilder::new("select * from audit not indexed where (environment is null or environment = ");
            query.push_bind(env.to_owned()).push(")");
            query
        }
    };
    if let Some(before) = filter.before {
        query.push(" and sequence < ").push_bind(before);
    }
    if let Some(actor) = &filter.actor {
        query.push(" and actor = ").push_bind(actor.clone());
    }
    if !filter.actions.is_empty() {
        let actions = to_json(&filter.actions)?;
        query.push(" and action in (select value from json_each(").push_bind(actions).push("))");
    }
    if let Some(from) = filter.from {
        query.push(" and at >= ").push_bind(micros(from));
    }
    if let Some(to) = filter.to {
        query.push(" and at < ").push_bind(micros(to));
    }
    if let Some(search) = &filter.search {
        // SQLite knows the case of ASCII letters only. The line break keeps a hit from reaching over two columns.
        query
            .push(" and instr(lower(concat_ws(char(10), why, asset, actor)), lower(")
            .push_bind(search.clone())
            .push(")) > 0");
    }
    query.push(" order by sequence desc limit ").push_bind(at_most(filter.limit));
    Ok(query)
}

/// Those that are there most often first.
pub(super) async fn audit_counts(catalog: &SqliteCatalog, env: &str, after: i64) -> Outcome<AuditCounts> {
    let query = sqlx::query(
        "select actor, action, count(*) as lines, max(sequence) as last from audit \
         where sequence > ? and (environment is null or environment = ?) group by actor, action",
    );
    let mut counts = AuditCounts { up_to: after, ..AuditCounts::default() };
    for row in query.bind(after).bind(env).fetch_all(&catalog.readers).await? {
        counts.up_to = counts.up_to.max(row.try_get("last")?);
        counts.lines.insert((text(&row, "actor")?, text(&row, "action")?), count(&row, "lines")?);
    }
    Ok(counts)
}

fn numbered_line(row: &SqliteRow) -> Outcome<(i64, AuditEntry)> {
    Ok((row.try_get("sequence")?, line(row)?))
}

//! Starts what is due. It sleeps until the next time that a schedule is due, or until schedules change.
//!
//! Several servers may see to the same schedules: whoever claims a due time in the catalog starts it, and nobody else. A
//! claim is made before the run: a server that dies between the two leaves that time without a run rather than with two,
//! and the audit log without its line.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_project::{CatchUp, Schedule};
use lockgate_run::PlanOptions;
use lockgate_types::RunId;

use crate::api::planned;
use crate::app::{App, Loaded};
use crate::problem::ApiResult;
use crate::runs::SCHEDULE;

/// The clock may be set while one sleeps, and files may change that nobody looks at.
const SLEEPS_AT_MOST: Duration = Duration::from_secs(60);
/// A time that was due longer ago than this was missed.
const MISSED_AFTER: TimeDelta = TimeDelta::minutes(1);
/// Missed times that are looked at.
const LOOKS_BACK_AT: usize = 1_000;

/// Sees to schedules until the server stops.
pub(crate) async fn work(app: Arc<App>) {
    loop {
        let loaded = app.fresh().await;
        if let Err(error) = start_due(&app, &loaded).await {
            let said = error.diagnostics.0.first().map(ToString::to_string).unwrap_or_default();
            tracing::error!(error = %said, "schedules could not be seen to");
        }
        let wait = match loaded.workspace.project.schedules.is_empty() {
            // Only a change of the files can bring work.
            true => SLEEPS_AT_MOST,
            false => until_next(&app, &loaded),
        };
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = app.schedules_changed.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn until_next(app: &App, loaded: &Loaded) -> Duration {
    let now = app.now();
    let schedules = loaded.workspace.project.schedules.iter().filter(|schedule| !schedule.paused);
    let next = schedules.filter_map(|schedule| schedule.next_after(now)).min();
    let wait = next.and_then(|next| (next - now).to_std().ok()).unwrap_or(SLEEPS_AT_MOST);
    // A moment longer: one that wakes early would find nothing due, and sleep for no time at all.
    (wait + Duration::from_millis(5)).min(SLEEPS_AT_MOST)
}

async fn start_due(app: &Arc<App>, loaded: &Arc<Loaded>) -> ApiResult<()> {
    let project = &loaded.workspace.project;
    if project.schedules.is_empty() {
        return Ok(());
    }
    let states = app.catalog.schedules(&project.environment).await?;
    let now = app.now();
    for schedule in &project.schedules {
        let state = states.get(&schedule.name).cloned().unwrap_or_default();
        let Some(since) = state.done_until else {
            // Seen for the first time: what was due before it was there is nobody's loss.
            app.catalog.claim_due(&project.environment, &schedule.name, None, now).await?;
            continue;
        };
        if schedule.paused || state.paused.is_some() {
            continue;
        }
        let due = to_run(schedule, &schedule.due(since, now, LOOKS_BACK_AT), now);
        if !due.is_empty() && app.runs.begin_schedule(&schedule.name) {
            let (app, schedule) = (Arc::clone(app), schedule.clone());
            // Its jitter, and runs that are caught up with one after the other, keep no other schedule waiting.
            app.clone().runs.track(&app.work.clone(), async move {
                if let Err(error) = start_each(&app, &schedule, since, &due).await {
                    let said = error.diagnostics.0.first().map(ToString::to_string).unwrap_or_default();
                    tracing::error!(schedule = schedule.name, error = %said, "a schedule could not be seen to");
                }
                app.runs.end_schedule(&schedule.name);
                app.schedules_changed.notify_one();
            });
        }
    }
    Ok(())
}

/// Of the times that were due, those that are to be run.
fn to_run(schedule: &Schedule, due: &[DateTime<Utc>], now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let last = due.last().copied();
    match schedule.catch_up {
        CatchUp::All => due.to_vec(),
        CatchUp::Last => last.into_iter().collect(),
        CatchUp::None => last.filter(|due_at| now - *due_at < MISSED_AFTER).into_iter().collect(),
    }
}

/// One after the other.
async fn start_each(app: &Arc<App>, schedule: &Schedule, since: DateTime<Utc>, due: &[DateTime<Utc>]) -> ApiResult<()> {
    let env = app.environment();
    let mut before = since;
    for due_at in due {
        if app.stop.is_cancelled() || !app.catalog.claim_due(&env, &schedule.name, Some(before), *due_at).await? {
            // Another server has taken it, and what comes behind it.
            return Ok(());
        }
        before = *due_at;
        let jitter = schedule.jitter.num_milliseconds().max(0).unsigned_abs();
        if jitter > 0 {
            let wait = Duration::from_millis(app.effects.random.next() % (jitter + 1));
            tokio::select! {
                () = app.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
        match start(app, schedule, *due_at).await {
            Ok(run) => {
                app.catalog.schedule_ran(&env, &schedule.name, &run).await?;
                tracing::info!(schedule = schedule.name, run = %run, "a schedule started a run");
                app.runs.ended(&run).await;
            }
            Err(error) => {
                let said = error.diagnostics.0.first().map(ToString::to_string).unwrap_or_default();
                tracing::error!(schedule = schedule.name, error = %said, "a schedule could not start its run");
            }
        }
    }
    Ok(())
}

async fn start(app: &Arc<App>, schedule: &Schedule, due_at: DateTime<Utc>) -> ApiResult<RunId> {
    let options = PlanOptions {
        selectors: schedule.select.clone(),
        exclude: schedule.exclude.clone(),
        // The time at which it was due, however late it starts.
        as_of: Some(due_at),
        ..PlanOptions::default()
    };
    let loaded = app.loaded_now().await?;
    let plan = planned(app, &loaded, options).await?;
    let workspace = app.acting(&loaded, &format!("{SCHEDULE}{}", schedule.name)).await?;
    app.start_run(loaded, workspace, plan).await
}

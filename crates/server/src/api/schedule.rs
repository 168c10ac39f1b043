//! Schedules, and what was told to whom.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use lockgate_catalog::{Delivery, Paused};
use lockgate_project::Schedule;
use lockgate_run::PlanOptions;
use lockgate_types::Actor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::page::{Page, PageParams};
use super::plan::planned;
use super::run::Started;
use crate::app::{App, Loaded};
use crate::auth::{Operator, Viewer};
use crate::codes::NO_SUCH;
use crate::problem::{ApiError, ApiResult, Problem};
use crate::repeat::once;
use crate::request::{Body, Id, IdempotencyKey, Params, reason};

/// A schedule of `lockgate.yml`, and where it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleInfo {
    name: String,
    /// Five fields.
    cron: String,
    /// IANA name.
    timezone: String,
    /// What it runs.
    select: String,
    /// `none`, `last` or `all`.
    catch_up: String,
    /// It starts up to so much later.
    jitter_ms: u64,
    paused: Option<PausedInfo>,
    /// Null while it is paused.
    next_at: Option<DateTime<Utc>>,
    last: Option<LastRun>,
}

/// Who paused it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PausedInfo {
    by: String,
    at: Option<DateTime<Utc>>,
    why: String,
}

/// The last time it was due.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LastRun {
    due_at: DateTime<Utc>,
    run: Option<String>,
    /// Of the run.
    state: Option<String>,
}

/// Every schedule, in the order of the file.
pub(crate) async fn infos(app: &App, loaded: &Loaded) -> ApiResult<Vec<ScheduleInfo>> {
    let project = &loaded.workspace.project;
    if project.schedules.is_empty() {
        return Ok(Vec::new());
    }
    let states = app.catalog.schedules(&project.environment).await?;
    let now = app.now();
    let mut infos = Vec::new();
    for schedule in &project.schedules {
        let state = states.get(&schedule.name).cloned().unwrap_or_default();
        let run = match &state.last_run {
            Some(run) => app.catalog.run(run).await?,
            None => None,
        };
        let paused = state.paused.map(|paused| PausedInfo { by: paused.by.0, at: Some(paused.at), why: paused.why });
        let by_file = schedule.paused.then(|| PausedInfo {
            by: "lockgate.yml".to_owned(),
            at: None,
            why: "`paused: true` stands in the file".to_owned(),
        });
        let paused = by_file.or(paused);
        infos.push(ScheduleInfo {
            name: schedule.name.clone(),
            cron: schedule.cron.clone(),
            timezone: schedule.timezone.clone(),
            select: words(schedule),
            catch_up: schedule.catch_up.as_str().to_owned(),
            jitter_ms: u64::try_from(schedule.jitter.num_milliseconds()).unwrap_or(0),
            next_at: if paused.is_some() { None } else { schedule.next_after(now) },
            paused,
            last: state.done_until.filter(|_| state.last_run.is_some()).map(|due_at| LastRun {
                due_at,
                run: state.last_run.map(|run| run.0),
                state: run.map(|run| run.state.as_str().to_owned()),
            }),
        });
    }
    Ok(infos)
}

fn words(schedule: &Schedule) -> String {
    let mut words = schedule.select.clone();
    words.extend(schedule.exclude.iter().map(|word| format!("--exclude {word}")));
    if words.is_empty() { "everything".to_owned() } else { words.join(" ") }
}

/// The schedules.
#[utoipa::path(get, path = "/schedules", tag = "runs", responses((status = 200, body = Page<ScheduleInfo>)))]
pub(crate) async fn list(_: Viewer, State(app): State<Arc<App>>) -> ApiResult<Json<Page<ScheduleInfo>>> {
    let loaded = app.fresh().await;
    Ok(Json(Page::whole(infos(&app, &loaded).await?)))
}

/// A reason.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Why {
    /// Why; kept in the audit log.
    why: String,
}

fn find<'a>(loaded: &'a Loaded, name: &str) -> ApiResult<&'a Schedule> {
    let schedules = &loaded.workspace.project.schedules;
    schedules
        .iter()
        .find(|schedule| schedule.name == name)
        .ok_or_else(|| ApiError::coded(StatusCode::NOT_FOUND, &NO_SUCH, format!("there is no schedule {name}")))
}

async fn set_paused(app: &App, caller: &str, name: &str, paused: bool, why: &str) -> ApiResult<Json<ScheduleInfo>> {
    let why = reason(why)?;
    let loaded = app.fresh().await;
    find(&loaded, name)?;
    let (by, at) = (Actor(caller.to_owned()), app.now());
    let state = paused.then(|| Paused { by: by.clone(), at, why: why.to_owned() });
    let env = &loaded.workspace.project.environment;
    app.catalog.pause_schedule(env, name, state.as_ref(), &by, at, why).await?;
    app.live.poke();
    let info = infos(app, &loaded).await?.into_iter().find(|info| info.name == name);
    info.map(Json)
        .ok_or_else(|| ApiError::coded(StatusCode::NOT_FOUND, &NO_SUCH, format!("there is no schedule {name}")))
}

/// Starts nothing of it until it is resumed.
#[utoipa::path(post, path = "/schedules/{name}/pause", tag = "runs", params(("name" = String, Path)), request_body = Why,
    responses((status = 200, body = ScheduleInfo), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn pause(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    Id(name): Id,
    Body(asked): Body<Why>,
) -> ApiResult<Json<ScheduleInfo>> {
    set_paused(&app, &caller.actor, &name, true, &asked.why).await
}

/// Lets it go on; what was due meanwhile is dealt with as `catch_up` says.
#[utoipa::path(post, path = "/schedules/{name}/resume", tag = "runs", params(("name" = String, Path)), request_body = Why,
    responses((status = 200, body = ScheduleInfo), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn resume(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    Id(name): Id,
    Body(asked): Body<Why>,
) -> ApiResult<Json<ScheduleInfo>> {
    let answer = set_paused(&app, &caller.actor, &name, false, &asked.why).await;
    app.schedules_changed.notify_one();
    answer
}

/// Runs what it selects, now.
#[utoipa::path(post, path = "/schedules/{name}/run", tag = "runs",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 characters, one per request")),
    responses((status = 202, body = Started), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn run(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    key: Option<IdempotencyKey>,
    Id(name): Id,
) -> ApiResult<Response> {
    let what = format!("POST /schedules/{name}/run");
    let (here, actor) = (Arc::clone(&app), caller.actor.clone());
    let answer = once(&app, key, &caller, what, async move {
        let loaded = here.loaded_now().await?;
        let schedule = find(&loaded, &name)?;
        let options = PlanOptions {
            selectors: schedule.select.clone(),
            exclude: schedule.exclude.clone(),
            ..PlanOptions::default()
        };
        let plan = planned(&here, &loaded, options).await?;
        let workspace = here.acting(&loaded, &actor).await?;
        let id = here.start_run(loaded, workspace, plan).await?;
        Ok((StatusCode::ACCEPTED, json!({ "run": id, "location": format!("{}/runs/{id}", super::PREFIX) })))
    });
    let (status, body) = answer.await?;
    Ok((status, Json(body)).into_response())
}

/// A message of the outbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryInfo {
    id: String,
    /// Where it goes, without secrets.
    to: String,
    /// `held`, `failed` or `late`.
    kind: String,
    asset: Option<String>,
    run: Option<String>,
    /// `waiting`, `sent` or `given_up`.
    state: String,
    attempts: u32,
    made_at: DateTime<Utc>,
    /// When it is tried (again), while it waits.
    due_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    text: String,
}

impl From<Delivery> for DeliveryInfo {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == lockgate_catalog::DeliveryState::Waiting;
        DeliveryInfo {
            id: delivery.id,
            to: delivery.to,
            kind: delivery.kind,
            asset: delivery.asset.map(|asset| asset.to_string()),
            run: delivery.run.map(|run| run.0),
            state: delivery.state.as_str().to_owned(),
            attempts: delivery.attempts,
            made_at: delivery.made_at,
            due_at: waits.then_some(delivery.due_at),
            sent_at: delivery.sent_at,
            last_error: delivery.last_error,
            text: delivery.text,
        }
    }
}

/// What `alerts` told to whom, newest first.
#[utoipa::path(get, path = "/deliveries", tag = "runs", params(PageParams),
    responses((status = 200, body = Page<DeliveryInfo>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn deliveries(
    _: Viewer,
    State(app): State<Arc<App>>,
    Params(page): Params<PageParams>,
) -> ApiResult<Json<Page<DeliveryInfo>>> {
    let limit = page.limit()?;
    let found = app.catalog.deliveries(&app.environment(), page.after.as_deref(), limit + 1).await?;
    Ok(Json(Page::cut(found.into_iter().map(Into::into).collect(), limit, |last: &DeliveryInfo| last.id.clone())))
}

//! Runs: the list, one run with its tasks, its events; start, cancel, retry.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use lockgate_catalog::{RunFilter, RunLine};
use lockgate_types::{Event, Run, RunId, RunState, Task, TaskState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_, json};
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, PageParams};
use super::plan::{Ask, planned};
use crate::app::{App, Loaded};
use crate::auth::{Operator, Viewer};
use crate::codes::{NO_SUCH_RUN, NOT_HERE};
use crate::problem::{ApiError, ApiResult, Problem};
use crate::repeat::once;
use crate::request::{Body, Id, IdempotencyKey, Params, asset_name, bad};
use crate::runs::SCHEDULE;

/// A line of the list of runs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunSummary {
    id: String,
    /// `running`, `done`, `held`, `failed` or `interrupted`.
    state: String,
    actor: String,
    /// The logical time.
    as_of: DateTime<Utc>,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    /// The run whose unfinished tasks it takes up.
    retry_of: Option<String>,
    /// The schedule that started it.
    schedule: Option<String>,
    /// What was asked for, in words.
    request: String,
    /// How many of its tasks are in which state.
    tasks: BTreeMap<&'static str, u64>,
    /// Driven by this server: it can be cancelled here.
    here: bool,
}

impl RunSummary {
    pub(crate) fn of(app: &App, line: RunLine) -> Self {
        let RunLine { run, tasks } = line;
        RunSummary {
            here: run.state == RunState::Running && app.runs.is_here(&run.id),
            state: run.state.as_str().to_owned(),
            as_of: run.as_of,
            started_at: run.started_at,
            ended_at: run.ended_at,
            request: request(&run),
            retry_of: run.retry_of.map(|id| id.0),
            schedule: run.actor.0.strip_prefix(SCHEDULE).map(str::to_owned),
            actor: run.actor.0,
            id: run.id.0,
            tasks,
        }
    }
}

/// What a run was asked to do, as one would type it.
fn request(run: &Run) -> String {
    let asked = &run.request;
    let mut words = asked.selectors.clone();
    words.extend(asked.exclude.iter().map(|word| format!("--exclude {word}")));
    let flags = [(asked.force, "--force"), (asked.full_refresh, "--full-refresh"), (asked.confirmed, "--confirm")];
    words.extend(flags.iter().filter(|(given, _)| *given).map(|(_, flag)| (*flag).to_owned()));
    if let Some((from, to)) = asked.range {
        words.push(format!("--from {} --to {}", from.to_rfc3339(), to.to_rfc3339()));
    }
    if words.is_empty() { "everything that is stale".to_owned() } else { words.join(" ") }
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunParams {
    /// `running`, `done`, `held`, `failed` or `interrupted`.
    state: Option<String>,
    actor: Option<String>,
    /// Runs with a task of this asset.
    asset: Option<String>,
    /// How many items: 1 to 1,000, by default 100.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// The runs, newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(RunParams),
    responses((status = 200, body = Page<RunSummary>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    _: Viewer,
    State(app): State<Arc<App>>,
    Params(params): Params<RunParams>,
) -> ApiResult<Json<Page<RunSummary>>> {
    let page = PageParams { limit: params.limit, after: params.after };
    let limit = page.limit()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let state = given(params.state)
        .map(|text| RunState::parse(&text).ok_or_else(|| bad(format!("`state`: `{text}` is no state of a run"))))
        .transpose()?;
    let filter = RunFilter {
        state,
        actor: given(params.actor),
        asset: given(params.asset).map(|text| asset_name(&text)).transpose()?,
        before: page.after.map(RunId),
        limit: limit + 1,
    };
    let lines = app.catalog.runs_page(&app.environment(), &filter).await?;
    let items = lines.into_iter().map(|line| RunSummary::of(&app, line)).collect();
    Ok(Json(Page::cut(items, limit, |last| last.id.clone())))
}

/// One run with its tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    summary: RunSummary,
    environment: String,
    plan_hash: String,
    /// The versions pinned at its start of inputs that it does not build.
    pins: BTreeMap<String, u64>,
    /// In the order in which they could run.
    task_list: Vec<TaskInfo>,
}

/// One asset in a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskInfo {
    asset: String,
    /// `waiting`, `running`, `published`, `unchanged`, `held`, `failed`, `skipped` or `interrupted`.
    state: String,
    attempts: u32,
    version: Option<u64>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    /// The diagnostic or reason it ended with.
    message: Option<String>,
    /// The assets of the run that it reads.
    waits_for: Vec<String>,
    phases: Vec<Phase>,
    rows: Option<u64>,
    size_bytes: Option<u64>,
    /// While it builds here.
    rows_so_far: Option<u64>,
}

/// A stretch of a task's time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Phase {
    /// `waiting`, `staging`, `auditing` or `publishing`.
    phase: &'static str,
    from: DateTime<Utc>,
    /// Null while it goes on.
    to: Option<DateTime<Utc>>,
}

fn no_run(id: &str) -> ApiError {
    ApiError::coded(StatusCode::NOT_FOUND, &NO_SUCH_RUN, format!("there is no run {id}"))
}

async fn find(app: &App, id: String) -> ApiResult<Run> {
    let run = app.catalog.run(&RunId(id.clone())).await?;
    run.filter(|run| run.environment == app.environment()).ok_or_else(|| no_run(&id))
}

/// One run: its tasks with their phases.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunDetail), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn detail(_: Viewer, State(app): State<Arc<App>>, Id(id): Id) -> ApiResult<Json<RunDetail>> {
    let run = find(&app, id).await?;
    let loaded = app.loaded();
    let tasks = app.catalog.tasks(&run.id).await?;
    let events = app.catalog.events(&run.id, 0).await?;
    let mut by_asset: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for (_, event) in &events {
        if let Some(asset) = &event.asset {
            by_asset.entry(asset.to_string()).or_default().push(event);
        }
    }
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for task in &tasks {
        *counts.entry(task.state.as_str()).or_default() += 1;
    }
    let names: std::collections::BTreeSet<_> = tasks.iter().map(|task| task.asset.clone()).collect();
    let place: BTreeMap<_, _> = loaded.graph.order().iter().enumerate().map(|(index, name)| (name, index)).collect();
    let mut ordered: Vec<&Task> = tasks.iter().collect();
    ordered.sort_by_key(|task| place.get(&task.asset).copied().unwrap_or(usize::MAX));
    let task_list = ordered
        .into_iter()
        .map(|task| {
            let of = by_asset.get(&task.asset.to_string()).map_or(&[][..], Vec::as_slice);
            let node = loaded.graph.nodes().get(&task.asset);
            let number = |key: &str| of.iter().rev().find_map(|event| event.data.get(key).and_then(Json_::as_u64));
            TaskInfo {
                asset: task.asset.to_string(),
                state: task.state.as_str().to_owned(),
                attempts: task.attempts,
                version: task.version.map(|version| version.0),
                started_at: task.started_at,
                ended_at: task.ended_at,
                message: task.message.clone(),
                waits_for: node
                    .into_iter()
                    .flat_map(|node| node.inputs.iter().chain(&node.check_inputs))
                    .filter(|input| names.contains(input))
                    .map(ToString::to_string)
                    .collect(),
                phases: phases(&run, task, of),
                rows: number("rows"),
                size_bytes: number("size_bytes"),
                rows_so_far: (task.state == TaskState::Running)
                    .then(|| app.runs.rows_so_far(&run.id, &task.asset))
                    .flatten(),
            }
        })
        .collect();
    Ok(Json(RunDetail {
        environment: run.environment.clone(),
        plan_hash: run.plan_hash.0.clone(),
        pins: run.pins.iter().map(|(name, number)| (name.to_string(), number.0)).collect(),
        task_list,
        summary: RunSummary::of(&app, RunLine { run, tasks: counts }),
    }))
}

/// From the journal: each event ends a phase and begins the next.
fn phases(run: &Run, task: &Task, events: &[&Event]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    let mut begin = |phase: Option<&'static str>, at: DateTime<Utc>| {
        if let Some(last) = phases.last_mut().filter(|last| last.to.is_none()) {
            last.to = Some(at);
        }
        phases.extend(phase.map(|phase| Phase { phase, from: at, to: None }));
    };
    begin(Some("waiting"), run.started_at);
    let mut started_at = run.started_at;
    for event in events {
        match event.event.as_str() {
            "task_started" => {
                started_at = event.at;
                begin(Some("staging"), event.at);
            }
            "staged" => begin(Some("auditing"), event.at),
            "audited" => {
                // The journal is told once both are done; how long the audit took says when it began.
                let audit = event.data.get("audit_ms").and_then(Json_::as_i64).map(TimeDelta::milliseconds);
                let began = audit.map(|audit| (event.at - audit).max(started_at));
                if let Some(began) = began {
                    begin(Some("auditing"), began);
                }
                begin(Some("publishing"), event.at);
            }
            "published" | "held" | "unchanged" | "failed" | "skipped" => begin(None, event.at),
            "retrying" => begin(Some("waiting"), event.at),
            _ => {}
        }
    }
    if let Some(at) = task.ended_at.or(run.ended_at) {
        begin(None, at);
    }
    phases
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Only those behind this sequence number.
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// The events of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunEvents {
    /// In order.
    items: Vec<RunEvent>,
    /// What `after` takes for what comes later.
    next: i64,
}

/// One thing that happened in a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunEvent {
    sequence: i64,
    /// `run_started`, `task_started`, `staged`, `audited`, `published`, `held`, `failed`, …
    event: String,
    at: DateTime<Utc>,
    asset: Option<String>,
    version: Option<u64>,
    /// The event's own fields.
    #[schema(value_type = Object)]
    data: Map<String, Json_>,
}

/// What happened in a run, in order.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "runs", params(("id" = String, Path), EventParams),
    responses((status = 200, body = RunEvents), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn events(
    _: Viewer,
    State(app): State<Arc<App>>,
    Id(id): Id,
    Params(params): Params<EventParams>,
) -> ApiResult<Json<RunEvents>> {
    let run = find(&app, id).await?;
    let after = params.after.unwrap_or(0);
    let items: Vec<RunEvent> = app
        .catalog
        .events(&run.id, after)
        .await?
        .into_iter()
        .map(|(sequence, event)| RunEvent {
            sequence,
            event: event.event,
            at: event.at,
            asset: event.asset.map(|asset| asset.to_string()),
            version: event.version.map(|version| version.0),
            data: event.data,
        })
        .collect();
    let next = items.last().map_or(after, |last| last.sequence);
    Ok(Json(RunEvents { items, next }))
}

/// A run that was started.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Started {
    run: String,
    /// Where to follow it.
    location: String,
}

/// 202, with where to follow the run.
fn accepted(answer: (StatusCode, Json_)) -> Response {
    let location = answer.1.get("location").and_then(Json_::as_str).and_then(|text| HeaderValue::from_str(text).ok());
    let mut response = (answer.0, Json(answer.1)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn started(id: &RunId) -> (StatusCode, Json_) {
    (StatusCode::ACCEPTED, json!({ "run": id, "location": format!("{}/runs/{id}", super::PREFIX) }))
}

/// Starts a run of what is stale (or asked for) and answers when it is journaled; it goes on by itself. With an
/// `Idempotency-Key`, the same request again has the same answer and starts nothing.
#[utoipa::path(post, path = "/runs", tag = "runs", request_body = Ask,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 200 characters, one per request")),
    responses((status = 202, body = Started), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn start(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    key: Option<IdempotencyKey>,
    Body(ask): Body<Ask>,
) -> ApiResult<Response> {
    let options = ask.options()?;
    let what = format!("POST /runs {ask:?}");
    let (here, actor) = (Arc::clone(&app), caller.actor.clone());
    let answer = once(&app, key, &caller, what, async move {
        let loaded = here.loaded_now().await?;
        let plan = planned(&here, &loaded, options).await?;
        let workspace = here.acting(&loaded, &actor).await?;
        Ok(started(&here.start_run(loaded, workspace, plan).await?))
    });
    Ok(accepted(answer.await?))
}

/// Takes up the unfinished tasks of a run, as it would have done them.
#[utoipa::path(post, path = "/runs/{id}/retry", tag = "runs",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 characters, one per request")),
    responses((status = 202, body = Started), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn retry(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    key: Option<IdempotencyKey>,
    Id(id): Id,
) -> ApiResult<Response> {
    let run = find(&app, id).await?;
    let what = format!("POST /runs/{}/retry", run.id);
    let (here, actor) = (Arc::clone(&app), caller.actor.clone());
    let answer = once(&app, key, &caller, what, async move {
        let loaded: Arc<Loaded> = here.loaded_now().await?;
        let workspace = here.acting(&loaded, &actor).await?;
        let (id, project) = (run.id.clone(), Arc::clone(&loaded));
        let planning = here.drive(async move || {
            let retry = workspace.plan_retry(&project.graph, Some(&id)).await;
            (retry, workspace)
        });
        let (retry, workspace) = planning.await.map_err(|_| ApiError::stopping())?;
        let retry = retry?;
        Ok(started(&here.start_run(loaded, workspace, retry.plan).await?))
    });
    Ok(accepted(answer.await?))
}

/// Asks a run to stop: what is being built is discarded, what is published stays.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", params(("id" = String, Path)),
    responses((status = 202, body = Started), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn cancel(Operator(caller): Operator, State(app): State<Arc<App>>, Id(id): Id) -> ApiResult<Response> {
    let run = find(&app, id).await?;
    if !app.runs.cancel(&run.id) {
        let message = match run.state {
            RunState::Running => format!("run {} is driven by another process", run.id),
            ended => format!("run {} has ended: {}", run.id, ended.as_str()),
        };
        return Err(ApiError::coded(StatusCode::CONFLICT, &NOT_HERE, message));
    }
    tracing::info!(run = %run.id, actor = caller.actor, "a run was cancelled");
    Ok(accepted(started(&run.id)))
}

//! `/metrics`: what a Prometheus server reads. Names and units follow its conventions: base units, `_total` for what only
//! rises.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lockgate_types::Event;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tracing::Instrument;

use crate::api::asset::AssetState;
use crate::app::App;
use crate::auth::Viewer;
use crate::problem::ApiResult;
use crate::trace;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: String,
}

/// What is counted while the server lives.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    tasks: Family<Ended, Counter>,
    runs: Family<Ended, Counter>,
}

/// 1 ms to 16 s.
fn latencies() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Metrics {
            requests: Family::default(),
            seconds: Family::new_with_constructor(latencies),
            tasks: Family::default(),
            runs: Family::default(),
        }
    }

    /// What became of tasks and runs that are driven here.
    pub(crate) fn event(&self, event: &Event) {
        let count = |family: &Family<Ended, Counter>, outcome: &str| {
            family.get_or_create(&Ended { outcome: outcome.to_owned() }).inc();
        };
        match event.event.as_str() {
            "published" | "held" | "failed" | "unchanged" | "skipped" => count(&self.tasks, &event.event),
            "run_ended" => {
                let state = event.data.get("state").and_then(serde_json::Value::as_str).unwrap_or("unknown");
                count(&self.runs, state);
            }
            _ => {}
        }
    }

    fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.requests.get_or_create(&Answered { method: method.clone(), route: route.clone(), status }).inc();
        self.seconds.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }
}

/// Counts every request by its route, and traces it.
pub(crate) async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = app.effects.clock.monotonic();
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // By the route, never by the path: what callers send must not make series.
    let route = matched.as_deref().unwrap_or("other");
    let span = trace::of_request(&method, route, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    let took = app.effects.clock.monotonic().saturating_sub(started);
    trace::answered(&span, response.status());
    app.metrics.answered(&method, route, response.status().as_u16(), took);
    response
}

/// `GET /metrics`.
pub(crate) async fn metrics(_: Viewer, State(app): State<Arc<App>>) -> ApiResult<Response> {
    let snapshot = app.snapshot().await?;
    let mut registry = Registry::with_prefix("lockgate");
    let metrics = &app.metrics;
    registry.register("http_requests", "Requests answered", metrics.requests.clone());
    registry.register_with_unit(
        "http_request",
        "Time to the head of the answer",
        Unit::Seconds,
        metrics.seconds.clone(),
    );
    registry.register("tasks", "Tasks of runs driven by this server, by how they ended", metrics.tasks.clone());
    registry.register("runs", "Runs driven by this server, by how they ended", metrics.runs.clone());

    let running = Gauge::<i64>::default();
    running.set(app.runs.going_on() as i64);
    registry.register("runs_running", "Runs that go on in this server", running);
    let assets = Family::<InState, Gauge>::default();
    for state in AssetState::ALL {
        assets.get_or_create(&InState { state: state.as_str().to_owned() }).set(0);
    }
    for asset in &snapshot.assets {
        assets.get_or_create(&InState { state: asset.state.as_str().to_owned() }).inc();
    }
    registry.register("assets", "Assets by how they stand; the worst that is true of one counts", assets);
    let answers = &app.answers;
    let number = |counted: &std::sync::atomic::AtomicU64| {
        let counter = Counter::<u64>::default();
        counter.inc_by(counted.load(Ordering::Relaxed));
        counter
    };
    registry.register("query_computed", "Queries computed", number(&answers.computed));
    registry.register("query_cache_hits", "Queries answered from memory", number(&answers.hits));
    registry.register("query_shared", "Queries that shared the computation of an equal one", number(&answers.shared));
    let kept = Gauge::<i64>::default();
    kept.set(answers.kept_bytes() as i64);
    registry.register_with_unit("query_cache", "Memory of the answers that are kept", Unit::Bytes, kept);
    if let Some(bytes) = resident_bytes() {
        let resident = Gauge::<i64>::default();
        resident.set(bytes as i64);
        registry.register_with_unit(
            "process_resident_memory",
            "Resident memory of this process",
            Unit::Bytes,
            resident,
        );
    }
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# EOF");
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// What this process occupies, where the system tells it.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

//! Serves a project over HTTP: REST with an OpenAPI document, live events, GraphQL over the data, the embedded web UI; and
//! runs its schedules.
//!
//! It owns requests and answers, sign-in, the snapshot of how every asset stands, answers to queries that are shared and
//! kept, and the runs that it drives. It decides nothing about versions: whatever changes something goes through
//! [`lockgate_run::Workspace`], as from the command line, under the same leases. Any number of servers and commands may
//! work on one project at once.
//!
//! Main types: [`ServeOptions`], [`serve`].
//!
//! Cost: a list or a detail is answered from memory and costs a look-up of where the catalog stands; the snapshot is
//! made anew when that moved, linear in assets. Nothing is polled while nobody listens and nothing is due.

mod alerts;
mod answers;
pub mod api;
mod app;
mod auth;
mod codes;
mod graphql;
mod live;
mod metrics;
mod problem;
mod repeat;
mod request;
mod runs;
mod scheduler;
mod snapshot;
mod trace;
mod web;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use lockgate_run::{OpenOptions, RunError};
use lockgate_types::{Diagnostic, Diagnostics};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

pub use crate::auth::new_token;
pub use crate::codes::CODES;
pub use lockgate_wire::CODES as WIRE_CODES;

use crate::app::{App, Parts};
use crate::auth::Auth;
use crate::codes::{CANNOT_BIND, NEEDS_SIGN_IN};

/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How long answers that are under way may take when the server is asked to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// How to serve a project.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    pub root: PathBuf,
    /// How to open it; its actor is who acts without sign-in.
    pub open: OpenOptions,
    pub bind: SocketAddr,
    /// Whether callers have to show a token.
    pub sign_in: bool,
    /// Requests a second that one caller may send for long.
    pub rate: u32,
    /// Where the Postgres wire port listens, if anywhere.
    pub postgres: Option<SocketAddr>,
    /// Where people reach it, for links in alerts; the bound address when `None`.
    pub public_url: Option<String>,
}

/// Where a server can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub http: SocketAddr,
    /// The Postgres wire port.
    pub postgres: Option<SocketAddr>,
}

/// What keeps a server from serving.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("{0}")]
    Refused(Diagnostics),
    #[error("the server failed: {0}")]
    Io(#[from] std::io::Error),
}

impl ServerError {
    /// What a person sees.
    pub fn diagnostics(&self) -> Diagnostics {
        match self {
            ServerError::Run(error) => error.diagnostics(),
            ServerError::Refused(diagnostics) => diagnostics.clone(),
            ServerError::Io(error) => Diagnostic::error(&CANNOT_BIND, format!("the server failed: {error}")).into(),
        }
    }

    /// Whether the person's words or project are wrong.
    pub fn is_usage(&self) -> bool {
        match self {
            ServerError::Run(error) => error.is_usage(),
            ServerError::Refused(_) => true,
            ServerError::Io(_) => false,
        }
    }
}

/// Serves until `stop` is set, then lets answers and runs come to their end. `ready` is told the addresses when it can be
/// asked. `work` is the runtime on which rows are worked on.
///
/// # Errors
/// An address that may not or cannot be bound; what opening the project can answer.
// Every task that it spawns is joined below.
#[allow(clippy::disallowed_methods)]
pub async fn serve(
    options: ServeOptions,
    work: tokio::runtime::Handle,
    stop: CancellationToken,
    ready: impl FnOnce(Addresses),
) -> Result<(), ServerError> {
    let beyond = [Some(options.bind), options.postgres].into_iter().flatten().find(|to| !to.ip().is_loopback());
    if let Some(address) = beyond.filter(|_| !options.sign_in) {
        let message = format!("{address} is not an address of this machine alone");
        let diagnostic = Diagnostic::error(&NEEDS_SIGN_IN, message).expected("--sign-in, or a loopback address");
        return Err(ServerError::Refused(
            diagnostic.hint("lockgate token create --name NAME --role admin, then serve with --sign-in").into(),
        ));
    }
    let listener = bind(options.bind).await?;
    let postgres = match options.postgres {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let addresses = Addresses {
        http: listener.local_addr()?,
        postgres: postgres.as_ref().map(TcpListener::local_addr).transpose()?,
    };
    let database = options.root.join(".lockgate/catalog.db");
    let catalog = lockgate_catalog::open_service_sqlite(&database, options.open.effects.clone()).await;
    let app = App::load(Parts {
        root: options.root,
        auth: Auth::new(options.sign_in, options.open.actor.clone(), options.rate),
        catalog: catalog.map_err(RunError::from)?,
        options: options.open,
        work,
        stop: stop.clone(),
    })
    .await?;
    let service = router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
    let scheduler = tokio::task::spawn(scheduler::work(Arc::clone(&app)));
    let alerts = tokio::task::spawn(alerts::work(
        Arc::clone(&app),
        options.public_url.unwrap_or(format!("http://{}", addresses.http)),
    ));
    let postgres = postgres.map(|listener| tokio::task::spawn(wire::work(Arc::clone(&app), listener)));
    ready(addresses);
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut serving = tokio::task::spawn(serving.into_future());
    // Joined below, or when it fails by itself.
    let served = tokio::select! {
        served = &mut serving => served,
        () = stop.cancelled() => match tokio::time::timeout(STOPS_WITHIN, &mut serving).await {
            Ok(served) => served,
            // Who still reads an answer by then is cut off.
            Err(_) => { serving.abort(); Ok(Ok(())) }
        },
    };
    stop.cancel();
    app.runs.stop().await;
    let _ = scheduler.await;
    let _ = alerts.await;
    if let Some(postgres) = postgres {
        let _ = postgres.await;
    }
    app.catalog.close().await;
    match served {
        Ok(served) => Ok(served?),
        Err(error) => Err(ServerError::Io(std::io::Error::other(error))),
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|error| {
        let diagnostic = Diagnostic::error(&CANNOT_BIND, format!("{address} cannot be bound: {error}"));
        ServerError::Refused(diagnostic.hint("port 0 takes any free one").into())
    })
}

fn router(app: Arc<App>) -> Router {
    let (api, document) = api::described();
    let document = Arc::new(document);
    let described = get(move || {
        let document = Arc::clone(&document);
        async move { Json(document.as_ref()).into_response() }
    });
    let api = api
        .route("/openapi.json", described)
        .fallback(async |uri: axum::http::Uri| problem::ApiError::not_found(uri.path()))
        .method_not_allowed_fallback(async |request: Request| {
            problem::ApiError::coded(
                StatusCode::METHOD_NOT_ALLOWED,
                &codes::BAD_REQUEST,
                format!("{} is not done to {}", request.method(), request.uri().path()),
            )
        });
    // Streams of events must not wait for more to compress, and Arrow is compressed where that pays.
    let compressed = DefaultPredicate::new()
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::const_new("application/vnd.apache.arrow.stream"));
    Router::new()
        .nest(api::PREFIX, api)
        .route("/metrics", get(metrics::metrics))
        .merge(graphql::routes())
        .fallback(web::page)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&app), auth::guard))
        .route("/healthz", get(async || Json(json!({ "status": "alive" }))))
        .route("/readyz", get(is_ready))
        .layer(from_fn_with_state(Arc::clone(&app), metrics::count))
        .layer(CompressionLayer::new().gzip(true).compress_when(compressed))
        .layer(from_fn(secured))
        .with_state(app)
}

/// Whether it can answer: the catalog can be read.
async fn is_ready(State(app): State<Arc<App>>) -> Response {
    if app.stop.is_cancelled() {
        return problem::ApiError::stopping().into_response();
    }
    match app.position().await {
        Ok(_) => Json(json!({ "status": "ready" })).into_response(),
        Err(error) => problem::ApiError { status: StatusCode::SERVICE_UNAVAILABLE, ..error }.into_response(),
    }
}

/// What every answer says to browsers.
async fn secured(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
             worker-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

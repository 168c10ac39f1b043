//! Live events, by SSE.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, StreamExt};
use lockgate_catalog::Position;

use crate::app::App;
use crate::auth::Viewer;
use crate::live::LiveEvent;
use crate::problem::{ApiResult, Problem};

/// So that proxies and browsers know the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What happens from now on, as server-sent events: `run`, `task`, `version`, `gate` and `reload`, each with a `LiveEvent`.
/// `Last-Event-ID` goes on behind an event that was seen.
#[utoipa::path(get, path = "/events", tag = "runs",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses((status = 200, body = LiveEvent, content_type = "text/event-stream"), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn events(_: Viewer, State(app): State<Arc<App>>, headers: HeaderMap) -> ApiResult<Response> {
    let now = app.position().await?;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(parse);
    // One that lies ahead is of another catalog.
    let from = seen.filter(|seen| seen.audit <= now.audit && seen.event <= now.event).unwrap_or(now);
    let mut response = Sse::new(listen(app, from)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies must not wait for more.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn id(position: Position) -> String {
    format!("{}.{}", position.event, position.audit)
}

fn parse(id: &str) -> Option<Position> {
    let (event, audit) = id.split_once('.')?;
    Some(Position { event: event.parse().ok()?, audit: audit.parse().ok()? })
}

fn listen(app: Arc<App>, from: Position) -> impl Stream<Item = Result<Event, Infallible>> {
    // At once, so that the listener knows that it is connected, and where it stands.
    let hello = Event::default().id(id(from)).comment("listening").retry(Duration::from_secs(2));
    let reloads = app.live.reloads();
    let happened = stream::unfold((app, from, reloads), |(app, from, mut reloads)| async move {
        let env = app.environment();
        let news = tokio::select! {
            read = app.live.next(from, &env) => match read {
                Ok((told, position)) => {
                    let mut events: Vec<Event> = told.into_iter().filter_map(|told| {
                        Event::default().event(told.sort).id(id(told.position)).json_data(&told.event).ok()
                    }).collect();
                    if events.is_empty() {
                        // Something happened that is nobody's business here; the position moves on.
                        events.push(Event::default().id(id(position)).comment("on"));
                    }
                    (events, position)
                }
                Err(error) => {
                    tracing::warn!(%error, "events cannot be read");
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    (Vec::new(), from)
                }
            },
            Ok(at) = reloads.recv() => {
                let reload = LiveEvent {
                    event: "reloaded".to_owned(), at, run: None, asset: None, version: None, data: serde_json::Map::new(),
                };
                (Event::default().event("reload").json_data(&reload).into_iter().collect(), from)
            },
            () = app.stop.cancelled() => return None,
        };
        let (events, position) = news;
        Some((stream::iter(events.into_iter().map(Ok)), (app, position, reloads)))
    });
    stream::once(async move { Ok(hello) }).chain(happened.flatten())
}

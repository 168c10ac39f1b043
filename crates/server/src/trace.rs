//! A span for each request, below the caller's own when it sends a `traceparent`. Names and attributes are those of
//! OpenTelemetry's conventions for HTTP servers; the binary sends them, when it is told where to.

use axum::http::{HeaderMap, StatusCode};
use opentelemetry::global::get_text_map_propagator;
use opentelemetry::propagation::Extractor;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The span of a request that is matched by a route.
pub(crate) fn of_request(method: &str, route: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
    );
    // What is not sent on has no parent to find.
    if !span.is_disabled() {
        let parent = get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)));
        // Refused only for a span that has begun.
        let _ = span.set_parent(parent);
    }
    span
}

/// What the head of the answer says.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

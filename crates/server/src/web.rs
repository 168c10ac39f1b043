//! The web UI, embedded in the binary. Every path that is no file is the application's: it knows its own pages.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::problem::ApiError;

include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// What is served when the UI was not built: `cargo xtask web` does that.
const PLACEHOLDER: &str = include_str!("web/placeholder.html");

/// Everything that is not the API's.
pub(crate) async fn page(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    // What asks for the API and misses is told so, not given a page.
    if path.starts_with("api/") || path == "graphql" || wants_json(&headers) {
        return ApiError::not_found(uri.path()).into_response();
    }
    match find(path) {
        Some(bytes) => file(path, bytes),
        // A file of an earlier build, or one that never was.
        None if path.starts_with("static/") => ApiError::not_found(uri.path()).into_response(),
        None => match find("index.html") {
            Some(bytes) => file("index.html", bytes),
            None => html(PLACEHOLDER.as_bytes()),
        },
    }
}

fn find(path: &str) -> Option<&'static [u8]> {
    FILES.binary_search_by(|(name, _)| (*name).cmp(path)).ok().map(|index| FILES[index].1)
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("json") && !accept.contains("text/html")
}

fn html(bytes: &'static [u8]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (StatusCode::OK, headers, bytes).into_response()
}

fn file(path: &str, bytes: &'static [u8]) -> Response {
    let kind = match path.rsplit('.').next().unwrap_or_default() {
        "html" => return html(bytes),
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    // Files under `static/` carry a hash of their content in their names.
    let kept = if path.starts_with("static/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
    ];
    (StatusCode::OK, headers, bytes).into_response()
}

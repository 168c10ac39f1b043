//! REST under `/api/v1`: one module per thing, each with its routes, its answers' shapes and their descriptions, from which
//! the OpenAPI document is made.

pub(crate) mod asset;
mod audit;
mod check;
mod decision;
mod diff;
mod event;
mod gate;
mod lineage;
mod overview;
mod page;
mod plan;
mod project;
pub(crate) mod query;
mod run;
mod schedule;
mod session;
mod token;
mod version;

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::plan::planned;
use crate::app::App;
use crate::problem::Problem;

/// Where the API lives.
pub(crate) const PREFIX: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lockgate",
        description = "Lists are paged: `limit` and `after`, which takes the `next` of the page before. Instants are RFC 3339 in \
                       UTC, sizes in bytes, times in milliseconds. Errors are `application/problem+json` with the diagnostics that \
                       the command line shows. Keys are only ever added.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/api/v1")),
    components(schemas(Problem)),
    tags(
        (name = "project", description = "The project and how it stands"),
        (name = "assets", description = "Assets, their versions, checks, profiles and rows"),
        (name = "gates", description = "Held versions, and what people decide about them"),
        (name = "runs", description = "Plans, runs, schedules"),
        (name = "query", description = "SQL over what is published"),
        (name = "audit", description = "Who did what, when and why"),
        (name = "access", description = "Sessions and tokens"),
    )
)]
struct Described;

/// Every route, and the description of all.
pub(crate) fn described() -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = every_route().split_for_parts();
    // They come with the names of functions, several of which are called `list`; an id has to be the only one of its kind.
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [("get", &mut item.get), ("post", &mut item.post), ("delete", &mut item.delete)] {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
            }
        }
    }
    (routes, document)
}

/// `get /assets/{name}/checks` is `get_assets_name_checks`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn every_route() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(project::project))
        .routes(routes!(overview::overview))
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(asset::list))
        .routes(routes!(asset::facets))
        .routes(routes!(asset::detail))
        .routes(routes!(asset::code))
        .routes(routes!(version::list))
        .routes(routes!(version::detail))
        .routes(routes!(version::preview))
        .routes(routes!(check::history))
        .routes(routes!(check::profiles))
        .routes(routes!(diff::diff))
        .routes(routes!(lineage::lineage))
        .routes(routes!(lineage::columns))
        .routes(routes!(gate::list))
        .routes(routes!(gate::detail))
        .routes(routes!(decision::publish))
        .routes(routes!(decision::dismiss))
        .routes(routes!(decision::rollback))
        .routes(routes!(decision::suppress, decision::suppressions))
        .routes(routes!(decision::known_failures))
        .routes(routes!(plan::plan))
        .routes(routes!(run::start, run::list))
        .routes(routes!(run::detail))
        .routes(routes!(run::events))
        .routes(routes!(run::cancel))
        .routes(routes!(run::retry))
        .routes(routes!(event::events))
        .routes(routes!(query::query))
        .routes(routes!(query::list))
        .routes(routes!(query::cancel))
        .routes(routes!(query::schema))
        .routes(routes!(audit::list))
        .routes(routes!(audit::facets))
        .routes(routes!(schedule::list))
        .routes(routes!(schedule::pause))
        .routes(routes!(schedule::resume))
        .routes(routes!(schedule::run))
        .routes(routes!(schedule::deliveries))
        .routes(routes!(token::list, token::create))
        .routes(routes!(token::revoke))
}

/// The OpenAPI document, as text that is the same each time.
pub fn openapi() -> String {
    let (_, document) = described();
    // What is described by types serializes.
    document.to_pretty_json().unwrap_or_default()
}

/// An answer that need not be sent again when the caller has it: `ETag` and `If-None-Match`.
fn tagged<T: Serialize>(headers: &HeaderMap, tag: &str, make: impl FnOnce() -> T) -> Response {
    let tag = format!("W/\"{tag}\"");
    let has = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|known| known.trim() == tag));
    let mut response = if has { StatusCode::NOT_MODIFIED.into_response() } else { Json(make()).into_response() };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, value);
    }
    // Kept by the browser, and asked for again each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

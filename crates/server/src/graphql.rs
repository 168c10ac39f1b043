//! `/graphql`: the published data for people who know no SQL, and a page to explore it.
//!
//! One query field `schema__table` per stored asset with `where`, `orderBy`, `limit`, `offset` and `at`; one
//! `schema__table_aggregate` for groups of its rows; in a row, the rows of other tables that `references` checks lead to,
//! in both directions. [`model`] says how names are made.
//!
//! Guarantees: it reads only. All fields of one request read one instant ([`fetch`]), and `extensions.versions` of the
//! answer tells what they read. Values of a request reach SQL as literals that cannot be anything else ([`literal`]). A
//! nested field costs one statement, not one per row.
//!
//! Limits of one request: 8 levels, 50 query fields (aliases count), 1,000 rows of a field, 10,000 rows of all lists of one
//! nested field, 100,000 cells, 30 seconds. What goes beyond is refused before anything is read, but for time and bytes.
//!
//! Non-guarantees: without `orderBy` rows come in any order, and rows that are alike in it in any order among themselves;
//! where several rows have the key that a `references` leads to, one of them is taken. A column that a version does not have
//! yet, or any more, is an error of that query field.

mod answering;
mod fetch;
mod filter;
mod literal;
mod model;
mod plan;
mod schema;
mod schemas;
mod selection;
mod sql;
mod value;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::parse_query;
use async_graphql::{ErrorExtensionValues, Request, Response as Answer, ServerError, Value, Variables};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;

use self::answering::told;
use self::fetch::Execution;
use self::schemas::Schemas;
use crate::app::App;
use crate::auth::Viewer;
use crate::codes::{BAD_REQUEST, TOO_LARGE, TOO_MUCH};
use crate::problem::{ApiError, ApiResult};
use crate::request::bad;

/// Levels of fields.
const DEPTH_MAX: usize = 8;
/// Query fields of one request.
const ROOTS_MAX: usize = 50;
/// Rows of a query field, and of one nested list.
const ROWS_MAX: u64 = 1_000;
/// Rows of a query field when nobody says.
const ROWS: u64 = 100;
/// Rows of a nested list when nobody says.
const NESTED_ROWS: u64 = 20;
/// Rows of all lists of one nested field.
const NESTED_ROWS_MAX: u64 = 10_000;
/// Rows times fields of one request.
const CELLS_MAX: u64 = 100_000;
/// Bytes of what one request reads.
const BYTES_MAX: usize = 64 << 20;
/// Bytes of a query's text.
const QUERY_BYTES_MAX: usize = 100_000;
/// Brackets within brackets.
const NESTING_MAX: usize = 60;
/// How long a request may take.
const TIME_MAX: Duration = Duration::from_secs(30);

/// A question, as GraphQL over HTTP has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ask {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<serde_json::Value>,
}

/// `/graphql` and the files of its page.
pub(crate) fn routes() -> Router<Arc<App>> {
    let schemas = Arc::new(Schemas::default());
    let execute =
        move |viewer: Viewer, State(app): State<Arc<App>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>| {
            let schemas = Arc::clone(&schemas);
            async move { execute(viewer, app, schemas, &headers, body).await }
        };
    Router::new()
        .route("/graphql", get(page).post(execute))
        .route("/graphql/explorer.js", file("text/javascript; charset=utf-8", include_str!("graphql/explorer.js")))
        .route("/graphql/explorer.css", file("text/css; charset=utf-8", include_str!("graphql/explorer.css")))
}

fn file(kind: &'static str, text: &'static str) -> MethodRouter<Arc<App>> {
    get(async move || {
        let kept = HeaderValue::from_static("no-cache");
        ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, kept)], text)
    })
}

/// `GET /graphql`: the page, for a browser.
async fn page(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/html") {
        let error = ApiError::coded(StatusCode::METHOD_NOT_ALLOWED, &BAD_REQUEST, "a query is sent by POST");
        let mut response = error.expected("POST /graphql with {\"query\": \"…\"}").into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
        return response;
    }
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let kept = HeaderValue::from_static("no-cache");
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)];
    (headers, include_str!("graphql/explorer.html")).into_response()
}

/// `POST /graphql`.
async fn execute(
    Viewer(caller): Viewer,
    app: Arc<App>,
    schemas: Arc<Schemas>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let read = |body: Result<Bytes, BytesRejection>| {
        let body = body.map_err(|error| {
            ApiError::coded(error.status(), &TOO_MUCH, "the body is larger than the server takes, or broke off")
        })?;
        read(headers, &body)
    };
    let (status, answer) = match read(body) {
        Ok(ask) => (StatusCode::OK, answer(app, &schemas, caller.actor, ask).await),
        Err(error) => (error.status, Answer::from_errors(vec![told(&error, None)])),
    };
    let mut response = (status, Json(answer)).into_response();
    let wanted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if wanted.contains("application/graphql-response+json") {
        let kind = HeaderValue::from_static("application/graphql-response+json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn read(headers: &HeaderMap, body: &[u8]) -> ApiResult<Ask> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let message = "the body is not said to be JSON";
        return Err(ApiError::coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, &BAD_REQUEST, message)
            .expected("Content-Type: application/json"));
    }
    let ask: Ask = serde_json::from_slice(body).map_err(|error| {
        bad(format!("the body has the wrong form: {error}")).expected("{\"query\": \"…\", \"variables\": {…}}")
    })?;
    match &ask.variables {
        None | Some(serde_json::Value::Null | serde_json::Value::Object(_)) => Ok(ask),
        Some(_) => Err(bad("`variables` is no object")),
    }
}

/// Never fails: what is wrong is in the answer.
async fn answer(app: Arc<App>, schemas: &Schemas, actor: String, ask: Ask) -> Answer {
    let variables = ask.variables.map(Variables::from_json).unwrap_or_default();
    let read = check(&ask.query).and_then(|()| {
        let document = parse_query(&ask.query).map_err(ServerError::from)?;
        let selected = selection::select(&document, ask.operation_name.as_deref(), &variables);
        selected.map(|selected| (document, selected)).map_err(|error| told(&error, None))
    });
    let (document, selected) = match read {
        Ok(read) => read,
        Err(error) => return Answer::from_errors(vec![with_code(error)]),
    };
    let loaded = app.fresh().await;
    let (model, schema) = match schemas.of(&app, &loaded, &document).await {
        Ok(made) => made,
        Err(error) => return Answer::from_errors(vec![told(&error, None)]),
    };
    let execution = Arc::new(Execution::new(Arc::clone(&app), loaded, model, actor, selected));
    let mut request = Request::new(ask.query).variables(variables).data(Arc::clone(&execution));
    request.operation_name = ask.operation_name;
    request.set_parsed_query(document);
    // Large answers are put together where rows are worked on.
    let working = Working(app.work.spawn(async move { schema.execute(request).await }));
    let mut answer = match tokio::time::timeout(TIME_MAX, working).await {
        Ok(Some(answer)) => answer,
        Ok(None) => Answer::from_errors(vec![told(&ApiError::stopping(), None)]),
        Err(_) => {
            let message = format!("the request took longer than {} s", TIME_MAX.as_secs());
            let error = ApiError::coded(StatusCode::GATEWAY_TIMEOUT, &TOO_LARGE, message).hint("ask for less at once");
            Answer::from_errors(vec![told(&error, None)])
        }
    };
    answer = execution.complete(answer);
    answer.errors = answer.errors.into_iter().map(with_code).collect();
    let versions = execution.versions();
    if !versions.is_empty() {
        let versions = versions
            .into_iter()
            .map(|(name, number)| (async_graphql::Name::new(name.to_string()), Value::from(number.0)));
        answer = answer.extension("versions", Value::Object(versions.collect()));
    }
    answer
}

/// What a recursive parser is not given.
fn check(query: &str) -> Result<(), ServerError> {
    let error = if query.len() > QUERY_BYTES_MAX {
        bad(format!("the query is longer than {QUERY_BYTES_MAX} bytes")).hint("put long lists of values into variables")
    } else if selection::is_too_nested(query, NESTING_MAX) {
        bad(format!("the query's brackets are nested more than {NESTING_MAX} deep"))
    } else {
        return Ok(());
    };
    Err(told(&error, None))
}

/// What the library finds wrong, it finds wrong with the request.
fn with_code(mut error: ServerError) -> ServerError {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", BAD_REQUEST.id);
    }
    error
}

/// A task that ends when nobody waits for it. `None` when it was cut off.
struct Working(tokio::task::JoinHandle<Answer>);

impl Future for Working {
    type Output = Option<Answer>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

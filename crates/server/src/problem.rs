//! Errors as answers: `application/problem+json` (RFC 9457) that carries the diagnostics a terminal would show.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lockgate_catalog::CatalogError;
use lockgate_run::RunError;
use lockgate_types::{Code, Diagnostic, Diagnostics, FaultKind, diagnostic::Level};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::codes::{BROKEN_PROJECT, NO_SUCH_PAGE, SIGN_IN, STOPPING};

/// What is answered to a request that was not done.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:lockgate:CODE` of the first diagnostic.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of mistake it is.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The first diagnostic's sentence.
    detail: Option<String>,
    diagnostics: Vec<DiagnosticInfo>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct DiagnosticInfo {
    /// `LG` and four digits; `lockgate explain CODE` says more.
    code: String,
    severity: String,
    message: String,
    place: Option<PlaceInfo>,
    /// What would have been right.
    expected: Option<String>,
    /// What to do about it.
    hint: Option<String>,
}

/// Where in the project's files, or in a query.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PlaceInfo {
    file: String,
    /// From 1; 0 when only the file is known.
    line: u32,
    /// From 1, in characters; 0 when only the line is known.
    column: u32,
    /// How many characters are meant.
    length: u32,
    /// The source line.
    text: Option<String>,
}

impl From<&Diagnostic> for DiagnosticInfo {
    fn from(diagnostic: &Diagnostic) -> Self {
        DiagnosticInfo {
            code: diagnostic.code.id.to_owned(),
            severity: match diagnostic.level {
                Level::Error => "error",
                Level::Warning => "warning",
            }
            .to_owned(),
            message: diagnostic.message.clone(),
            place: diagnostic.place.as_ref().map(|place| PlaceInfo {
                file: place.file.display().to_string(),
                line: place.line,
                column: place.column,
                length: place.length,
                text: (!place.source_line.is_empty()).then(|| place.source_line.clone()),
            }),
            expected: diagnostic.expected.clone(),
            hint: diagnostic.hint.clone(),
        }
    }
}

/// Why a request was not done.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) diagnostics: Diagnostics,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, diagnostic: Diagnostic) -> Self {
        ApiError { status, diagnostics: diagnostic.into(), retry_after: None }
    }

    pub(crate) fn coded(status: StatusCode, code: &'static Code, message: impl Into<String>) -> Self {
        ApiError::new(status, Diagnostic::error(code, message))
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(diagnostic) = self.diagnostics.0.first_mut() {
            diagnostic.hint = Some(hint.into());
        }
        self
    }

    #[must_use]
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        if let Some(diagnostic) = self.diagnostics.0.first_mut() {
            diagnostic.expected = Some(expected.into());
        }
        self
    }

    pub(crate) fn not_found(path: &str) -> Self {
        ApiError::coded(StatusCode::NOT_FOUND, &NO_SUCH_PAGE, format!("there is nothing at {path}"))
            .hint("/api/v1/openapi.json lists what there is")
    }

    /// The project's files are as broken as they were when they were looked at last.
    pub(crate) fn still_broken(problem: &Problem) -> Self {
        let message = problem.detail.clone().unwrap_or_default();
        ApiError::coded(StatusCode::UNPROCESSABLE_ENTITY, &BROKEN_PROJECT, message)
            .hint("lockgate plan tells all that is wrong")
    }

    pub(crate) fn stopping() -> Self {
        ApiError::coded(StatusCode::SERVICE_UNAVAILABLE, &STOPPING, "the server is stopping").retry_after(5)
    }

    pub(crate) fn problem(&self) -> Problem {
        let first = self.diagnostics.0.first();
        Problem {
            kind: format!("urn:lockgate:{}", first.map_or("none", |d| d.code.id)),
            title: first.map_or("an error", |d| d.code.title).to_owned(),
            status: self.status.as_u16(),
            detail: first.map(|d| d.message.clone()),
            diagnostics: self.diagnostics.0.iter().map(DiagnosticInfo::from).collect(),
        }
    }
}

impl From<RunError> for ApiError {
    fn from(error: RunError) -> Self {
        let (status, retry_after) = status_of(&error);
        if status.is_server_error() {
            tracing::error!(%error, "a request failed");
        }
        ApiError { status, diagnostics: error.diagnostics(), retry_after }
    }
}

/// One match without wildcard, so that a new variant cannot slip through.
fn status_of(error: &RunError) -> (StatusCode, Option<u64>) {
    match error {
        RunError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, None),
        RunError::UnknownAsset { .. } | RunError::UnknownVersion { .. } => (StatusCode::NOT_FOUND, None),
        RunError::Expired { .. } => (StatusCode::GONE, None),
        RunError::NothingHeld { .. }
        | RunError::AnotherHeld { .. }
        | RunError::NothingPublished { .. }
        | RunError::CannotPublish { .. }
        | RunError::Overtaken { .. } => (StatusCode::CONFLICT, None),
        RunError::Busy { .. } => (StatusCode::CONFLICT, Some(5)),
        RunError::Fenced { .. } | RunError::Interrupted => (StatusCode::SERVICE_UNAVAILABLE, Some(1)),
        RunError::Engine(lockgate_engine::EngineError::Sql(_)) => (StatusCode::UNPROCESSABLE_ENTITY, None),
        RunError::Catalog(error) => status_of_catalog(error),
        RunError::Failed(_)
        | RunError::Lake(_)
        | RunError::Engine(_)
        | RunError::Checks(_)
        | RunError::Kind(_)
        | RunError::Fault(_) => match error.fault_kind() {
            FaultKind::Permanent => (StatusCode::INTERNAL_SERVER_ERROR, None),
            FaultKind::Transient | FaultKind::Throttled { .. } => (StatusCode::SERVICE_UNAVAILABLE, Some(5)),
        },
    }
}

fn status_of_catalog(error: &CatalogError) -> (StatusCode, Option<u64>) {
    match error {
        CatalogError::NotFound(_) => (StatusCode::NOT_FOUND, None),
        CatalogError::Locked { .. } => (StatusCode::SERVICE_UNAVAILABLE, Some(5)),
        CatalogError::State { .. }
        | CatalogError::RunEnded { .. }
        | CatalogError::BaseMoved { .. }
        | CatalogError::Publishing { .. }
        | CatalogError::Incomplete { .. }
        | CatalogError::Fenced { .. } => (StatusCode::CONFLICT, None),
        CatalogError::Corrupt { .. }
        | CatalogError::Unstorable { .. }
        | CatalogError::Newer { .. }
        | CatalogError::ReadOnly { .. }
        | CatalogError::DiskFull { .. }
        | CatalogError::Io { .. }
        | CatalogError::Database { .. }
        | CatalogError::Fault(_) => match error.fault_kind() {
            FaultKind::Permanent => (StatusCode::INTERNAL_SERVER_ERROR, None),
            FaultKind::Transient | FaultKind::Throttled { .. } => (StatusCode::SERVICE_UNAVAILABLE, Some(5)),
        },
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        RunError::from(error).into()
    }
}

impl From<lockgate_engine::EngineError> for ApiError {
    fn from(error: lockgate_engine::EngineError) -> Self {
        RunError::from(error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lockgate\""));
        }
        response
    }
}

/// Not signed in. All ways of not being so are answered alike.
pub(crate) fn sign_in() -> ApiError {
    ApiError::coded(StatusCode::UNAUTHORIZED, &SIGN_IN, "this needs a token that is valid")
        .hint("lockgate token create --name NAME --role viewer")
}

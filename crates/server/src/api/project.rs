//! The project that is served, and who asks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Caller, Viewer};
use crate::problem::Problem;

/// The project that is served.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectInfo {
    name: String,
    environment: String,
    /// Lockgate's own version.
    version: String,
    caller: CallerInfo,
    sign_in_required: bool,
    /// When the project's files were loaded.
    loaded_at: DateTime<Utc>,
    /// Why the files cannot be loaded as they are now; what was loaded last is served.
    problem: Option<Problem>,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallerInfo {
    pub(crate) actor: String,
    /// `viewer`, `operator` or `admin`.
    pub(crate) role: String,
    /// By a token, not just by being on the server's machine.
    pub(crate) signed_in: bool,
}

impl From<Caller> for CallerInfo {
    fn from(caller: Caller) -> Self {
        CallerInfo { actor: caller.actor, role: caller.role.as_str().to_owned(), signed_in: caller.signed_in }
    }
}

/// The project that is served, and who asks.
#[utoipa::path(get, path = "/project", tag = "project", responses((status = 200, body = ProjectInfo)))]
pub(crate) async fn project(Viewer(caller): Viewer, State(app): State<Arc<App>>) -> Json<ProjectInfo> {
    let loaded = app.fresh().await;
    let project = &loaded.workspace.project;
    Json(ProjectInfo {
        name: project.name.clone(),
        environment: project.environment.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        caller: caller.into(),
        sign_in_required: app.auth.required,
        loaded_at: loaded.at,
        problem: app.broken(),
    })
}

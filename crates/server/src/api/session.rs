//! Sign-in of the UI: a token for a cookie.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::project::CallerInfo;
use crate::app::App;
use crate::auth::{COOKIE, Caller};
use crate::problem::{ApiResult, Problem};
use crate::request::Body;

/// A token.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignIn {
    token: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn")
    }
}

/// Signs in with a token: sets a cookie that stands for it.
#[utoipa::path(post, path = "/session", tag = "access", request_body = SignIn,
    responses((status = 200, body = CallerInfo), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    ConnectInfo(address): ConnectInfo<std::net::SocketAddr>,
    Body(asked): Body<SignIn>,
) -> ApiResult<Response> {
    let token = app.token(asked.token.trim(), address.ip()).await?;
    let secret = app.auth.begin_session(&token, app.now());
    let caller = Caller { actor: token.name, role: token.role, signed_in: true };
    // Not `Secure`: on loopback, and behind a proxy that ends TLS, it arrives here without.
    let cookie = format!("{COOKIE}={secret}; HttpOnly; SameSite=Strict; Path=/");
    Ok(([(header::SET_COOKIE, cookie)], Json(CallerInfo::from(caller))).into_response())
}

/// Ends the session.
#[utoipa::path(delete, path = "/session", tag = "access", responses((status = 204)))]
pub(crate) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    app.auth.end_session(&headers);
    let gone = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response()
}

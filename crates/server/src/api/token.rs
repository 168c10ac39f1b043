//! API tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lockgate_catalog::{Role, Token};
use lockgate_types::Actor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::page::Page;
use crate::app::App;
use crate::auth::{Admin, new_token};
use crate::codes::NO_SUCH;
use crate::problem::{ApiError, ApiResult, Problem};
use crate::request::{Body, Id, bad, instant};

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenInfo {
    id: String,
    /// The actor of what is done with it.
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    made_by: String,
    made_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    /// To the minute.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Token> for TokenInfo {
    fn from(token: Token) -> Self {
        TokenInfo {
            id: token.id,
            name: token.name,
            role: token.role.as_str().to_owned(),
            made_by: token.made_by.0,
            made_at: token.made_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// All tokens, newest first.
#[utoipa::path(get, path = "/tokens", tag = "access",
    responses((status = 200, body = Page<TokenInfo>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(_: Admin, State(app): State<Arc<App>>) -> ApiResult<Json<Page<TokenInfo>>> {
    Ok(Json(Page::whole(app.catalog.tokens().await?.into_iter().map(Into::into).collect())))
}

/// A token as asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewToken {
    /// Who acts with it: 1 to 100 characters.
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    /// RFC 3339, or a day (00:00 UTC); never without one.
    expires_at: Option<String>,
}

/// A new token with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeToken {
    #[serde(flatten)]
    token: TokenInfo,
    secret: String,
}

/// Makes a token. Its secret is in the answer, and nowhere else.
#[utoipa::path(post, path = "/tokens", tag = "access", request_body = NewToken,
    responses((status = 201, body = MadeToken), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn create(
    Admin(caller): Admin,
    State(app): State<Arc<App>>,
    Body(asked): Body<NewToken>,
) -> ApiResult<(StatusCode, Json<MadeToken>)> {
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(bad("the name of a token has 1 to 100 characters"));
    }
    let role = Role::parse(&asked.role)
        .ok_or_else(|| bad(format!("`{}` is no role", asked.role)).expected("viewer, operator or admin"))?;
    let expires_at = instant("expires_at", asked.expires_at.as_deref())?;
    if expires_at.is_some_and(|end| end <= app.now()) {
        return Err(bad("`expires_at` has passed").expected("a time to come"));
    }
    let (token, secret) = new_token(name, role, &Actor(caller.actor), app.now(), expires_at);
    app.catalog.add_token(&token).await?;
    app.live.poke();
    Ok((StatusCode::CREATED, Json(MadeToken { token: token.into(), secret })))
}

/// Ends a token at once.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "access", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn revoke(Admin(caller): Admin, State(app): State<Arc<App>>, Id(id): Id) -> ApiResult<StatusCode> {
    if !app.catalog.revoke_token(&id, &Actor(caller.actor), app.now()).await? {
        return Err(ApiError::coded(StatusCode::NOT_FOUND, &NO_SUCH, format!("there is no token {id}")));
    }
    app.live.poke();
    Ok(StatusCode::NO_CONTENT)
}

//! Requests that may be sent again: an `Idempotency-Key` stands for one request and its answer, for a day.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::Value as Json;
use tracing::Instrument;

use crate::app::App;
use crate::auth::Caller;
use crate::codes::{KEY_REUSED, STILL_AT_WORK};
use crate::problem::{ApiError, ApiResult};
use crate::request::IdempotencyKey;

/// For so long an answer is kept.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// A request that has no answer after this time died with its process.
const STALE_AFTER: TimeDelta = TimeDelta::minutes(15);

/// Does the work, unless the same request was answered before; then answers the same. What has begun is carried through
/// and its answer kept, also when whoever asked goes away.
///
/// # Errors
/// Those of the work, whose key may be used again; 422 for a key that stands for another request, 409 while the first is
/// at work.
// The task ends by itself, and is joined while somebody waits for it.
#[allow(clippy::disallowed_methods)]
pub(crate) async fn once(
    app: &Arc<App>,
    key: Option<IdempotencyKey>,
    caller: &Caller,
    what: String,
    work: impl Future<Output = ApiResult<(StatusCode, Json)>> + Send + 'static,
) -> ApiResult<(StatusCode, Json)> {
    let (app, caller) = (Arc::clone(app), caller.clone());
    let carried = tokio::task::spawn(async move { kept(&app, key, &caller, &what, work).await }.in_current_span());
    match carried.await {
        Ok(answer) => answer,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(ApiError::stopping()),
    }
}

async fn kept(
    app: &App,
    key: Option<IdempotencyKey>,
    caller: &Caller,
    what: &str,
    work: impl Future<Output = ApiResult<(StatusCode, Json)>>,
) -> ApiResult<(StatusCode, Json)> {
    let Some(IdempotencyKey(key)) = key else { return work.await };
    // One caller's keys are not another's.
    let key = format!("{}/{key}", caller.actor);
    let request = blake3::hash(what.as_bytes()).to_hex().to_string();
    let now = app.now();
    if let Some(stored) = app.catalog.claim_answer(&key, &request, now, now - STALE_AFTER).await? {
        if stored.request_hash != request {
            return Err(ApiError::coded(
                StatusCode::UNPROCESSABLE_ENTITY,
                &KEY_REUSED,
                "this Idempotency-Key was sent with another request",
            ));
        }
        return match stored.answer {
            Some((status, body)) => Ok((StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body)),
            None => {
                let message = "the first request of this Idempotency-Key is at work";
                Err(ApiError::coded(StatusCode::CONFLICT, &STILL_AT_WORK, message).retry_after(1))
            }
        };
    }
    match work.await {
        Ok((status, body)) => {
            app.catalog.keep_answer(&key, status.as_u16(), &body, now - KEPT_FOR).await?;
            Ok((status, body))
        }
        Err(error) => {
            if let Err(forgotten) = app.catalog.forget_answer(&key).await {
                tracing::warn!(error = %forgotten, "a key of a request that failed stays taken for a while");
            }
            Err(error)
        }
    }
}

//! What people decide: publish by hand, dismiss, roll back, suppress. Each with a reason, in the audit log.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use lockgate_run::SuppressRequest;
use lockgate_types::{AssetName, KnownFailure, Suppression, Threshold, Version, VersionNumber};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::page::Page;
use super::version::VersionSummary;
use crate::app::App;
use crate::auth::{Operator, Viewer};
use crate::problem::{ApiResult, Problem};
use crate::repeat::once;
use crate::request::{Body, IdempotencyKey, Named, asset_name, bad, instant, reason};

/// A decision about the held version that was looked at.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Decision {
    /// The held version that is meant. When another one is held by now, nothing is done.
    #[schema(minimum = 1)]
    version: u64,
    /// Why; kept in the audit log.
    why: String,
}

/// Publishes a held version (with the held members of its group) by hand.
#[utoipa::path(post, path = "/gates/{name}/publish", tag = "gates", request_body = Decision,
    params(("name" = String, Path, description = "`schema.table`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 characters, one per request")),
    responses((status = 200, body = VersionSummary), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn publish(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    key: Option<IdempotencyKey>,
    Named(name): Named,
    Body(decision): Body<Decision>,
) -> ApiResult<Response> {
    let why = reason(&decision.why)?.to_owned();
    let what = format!("POST /gates/{name}/publish {decision:?}");
    let (here, actor) = (Arc::clone(&app), caller.actor.clone());
    let answer = once(&app, key, &caller, what, async move {
        let loaded = here.loaded_now().await?;
        let workspace = here.acting(&loaded, &actor).await?;
        let expected = Some(VersionNumber(decision.version));
        let work = here.work.spawn(async move { workspace.publish_held(&loaded.graph, &name, expected, &why).await });
        decided(&here, finished(work).await?).await
    });
    let (status, body) = answer.await?;
    Ok((status, axum::Json(body)).into_response())
}

/// Gives a held version up; readers keep the live one.
#[utoipa::path(post, path = "/gates/{name}/dismiss", tag = "gates", request_body = Decision,
    params(("name" = String, Path, description = "`schema.table`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 characters, one per request")),
    responses((status = 200, body = VersionSummary), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn dismiss(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    key: Option<IdempotencyKey>,
    Named(name): Named,
    Body(decision): Body<Decision>,
) -> ApiResult<Response> {
    let why = reason(&decision.why)?.to_owned();
    let what = format!("POST /gates/{name}/dismiss {decision:?}");
    let (here, actor) = (Arc::clone(&app), caller.actor.clone());
    let answer = once(&app, key, &caller, what, async move {
        let loaded = here.loaded();
        loaded.graph.node(&name)?;
        let workspace = here.acting(&loaded, &actor).await?;
        let expected = Some(VersionNumber(decision.version));
        let work = here.work.spawn(async move { workspace.dismiss(&name, expected, &why).await });
        decided(&here, finished(work).await?).await
    });
    let (status, body) = answer.await?;
    Ok((status, axum::Json(body)).into_response())
}

/// A version to go back to.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Rollback {
    #[schema(minimum = 1)]
    to: u64,
    /// Why; kept in the audit log.
    why: String,
}

/// Publishes a new version with the content of an old one.
#[utoipa::path(post, path = "/assets/{name}/rollback", tag = "gates", request_body = Rollback,
    params(("name" = String, Path, description = "`schema.table`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 characters, one per request")),
    responses((status = 200, body = VersionSummary), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn rollback(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    key: Option<IdempotencyKey>,
    Named(name): Named,
    Body(asked): Body<Rollback>,
) -> ApiResult<Response> {
    let why = reason(&asked.why)?.to_owned();
    let what = format!("POST /assets/{name}/rollback {asked:?}");
    let (here, actor) = (Arc::clone(&app), caller.actor.clone());
    let answer = once(&app, key, &caller, what, async move {
        let loaded = here.loaded_now().await?;
        let workspace = here.acting(&loaded, &actor).await?;
        let to = VersionNumber(asked.to.min(u64::MAX / 2));
        let work = here.work.spawn(async move { workspace.rollback(&loaded.graph, &name, to, &why).await });
        decided(&here, finished(work).await?).await
    });
    let (status, body) = answer.await?;
    Ok((status, axum::Json(body)).into_response())
}

async fn finished<T>(work: tokio::task::JoinHandle<Result<T, lockgate_run::RunError>>) -> ApiResult<T> {
    Ok(work.await.map_err(|_| crate::problem::ApiError::stopping())??)
}

async fn decided(app: &App, version: Version) -> ApiResult<(StatusCode, Json)> {
    app.live.poke();
    let env = app.environment();
    let line = app.catalog.version_summary(&env, &version.asset, version.number).await?;
    let line = line.ok_or_else(|| lockgate_run::RunError::UnknownVersion {
        asset: version.asset.clone(),
        number: version.number,
    })?;
    Ok((StatusCode::OK, json!(VersionSummary::of(line, None))))
}

/// A dated, reasoned, limited permission for one check to fail.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SuppressionInfo {
    asset: String,
    check: String,
    actor: String,
    why: String,
    made_at: DateTime<Utc>,
    until: DateTime<Utc>,
    /// It covers no more failing rows than this.
    limit: Option<String>,
    in_force: bool,
}

impl SuppressionInfo {
    pub(crate) fn of(suppression: &Suppression, now: DateTime<Utc>) -> Self {
        SuppressionInfo {
            asset: suppression.asset.to_string(),
            check: suppression.check.clone(),
            actor: suppression.actor.0.clone(),
            why: suppression.why.clone(),
            made_at: suppression.made_at,
            until: suppression.until,
            limit: suppression.limit.map(|limit| limit.to_string()),
            in_force: now < suppression.until,
        }
    }
}

/// A suppression as asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Suppress {
    asset: String,
    check: String,
    /// RFC 3339, or a day (00:00 UTC).
    until: String,
    /// Why; kept in the audit log.
    why: String,
    /// It covers no more failing rows than this: `10`, `0.5%`.
    limit: Option<String>,
}

/// Lets one check of one asset fail until a time, within a limit.
#[utoipa::path(post, path = "/suppressions", tag = "gates", request_body = Suppress,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 200 characters, one per request")),
    responses((status = 201, body = SuppressionInfo), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn suppress(
    Operator(caller): Operator,
    State(app): State<Arc<App>>,
    key: Option<IdempotencyKey>,
    Body(asked): Body<Suppress>,
) -> ApiResult<Response> {
    let what = format!("POST /suppressions {asked:?}");
    let asset: AssetName = asset_name(&asked.asset)?;
    let limit = asked.limit.as_deref().filter(|text| !text.trim().is_empty());
    let request = SuppressRequest {
        asset,
        check: asked.check,
        until: instant("until", Some(&asked.until))?.ok_or_else(|| bad("`until` is missing"))?,
        why: reason(&asked.why)?.to_owned(),
        limit: limit
            .map(|text| Threshold::parse(text).map_err(|error| bad(format!("`limit`: {error}"))))
            .transpose()?,
    };
    let (here, actor) = (Arc::clone(&app), caller.actor.clone());
    let answer = once(&app, key, &caller, what, async move {
        let loaded = here.loaded_now().await?;
        let workspace = here.acting(&loaded, &actor).await?;
        let suppression = workspace.suppress(&loaded.graph, request).await?;
        here.live.poke();
        Ok((StatusCode::CREATED, json!(SuppressionInfo::of(&suppression, here.now()))))
    });
    let (status, body) = answer.await?;
    Ok((status, axum::Json(body)).into_response())
}

/// All suppressions, those that have ended too, newest first.
#[utoipa::path(get, path = "/suppressions", tag = "gates", responses((status = 200, body = Page<SuppressionInfo>)))]
pub(crate) async fn suppressions(
    _: Viewer,
    State(app): State<Arc<App>>,
) -> ApiResult<axum::Json<Page<SuppressionInfo>>> {
    let snapshot = app.snapshot().await?;
    let now = app.now();
    let newest_first = snapshot.suppressions.iter().rev();
    Ok(axum::Json(Page::whole(newest_first.map(|suppression| SuppressionInfo::of(suppression, now)).collect())))
}

/// An entry of `lockgate.known.yml`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct KnownFailureInfo {
    pub(crate) asset: String,
    pub(crate) check: String,
    /// Failing rows when it was recorded.
    count: u64,
    /// Their share then, 0 to 1.
    share: f64,
    /// How much the share may rise, 0 to 1.
    tolerance: f64,
    pub(crate) owner: Option<String>,
    /// A day.
    pub(crate) review_on: String,
    pub(crate) reason: String,
}

impl From<&KnownFailure> for KnownFailureInfo {
    fn from(known: &KnownFailure) -> Self {
        KnownFailureInfo {
            asset: known.asset.to_string(),
            check: known.check.clone(),
            count: known.count,
            share: known.share,
            tolerance: known.tolerance,
            owner: known.owner.clone(),
            review_on: known.review_on.to_string(),
            reason: known.reason.clone(),
        }
    }
}

/// The known failures, which are kept in git: `lockgate baseline` writes them.
#[utoipa::path(get, path = "/known-failures", tag = "gates", responses((status = 200, body = Page<KnownFailureInfo>)))]
pub(crate) async fn known_failures(_: Viewer, State(app): State<Arc<App>>) -> axum::Json<Page<KnownFailureInfo>> {
    let loaded = app.fresh().await;
    axum::Json(Page::whole(loaded.workspace.project.known.iter().map(Into::into).collect()))
}

//! The audit log: who did what, when, why.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lockgate_catalog::{AuditEntry, AuditFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asset::Facet;
use super::page::{Page, PageParams};
use crate::app::App;
use crate::auth::Viewer;
use crate::problem::{ApiResult, Problem};
use crate::request::{Params, asset_name, instant};

/// What changes something for those who read data; the rest is bookkeeping on the way.
pub(crate) const WORTH_TELLING: &[&str] = &[
    "held",
    "published",
    "retracted",
    "dismissed",
    "suppressed",
    "baseline",
    "code_changed",
    "expired",
    "restored",
    "token_created",
    "token_revoked",
    "schedule_paused",
    "schedule_resumed",
    "run_ended",
];

/// A line of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuditInfo {
    /// Rises by time.
    sequence: i64,
    at: DateTime<Utc>,
    actor: String,
    /// In the past tense: `published`, `held`, `suppressed`, …
    action: String,
    asset: Option<String>,
    version: Option<u64>,
    run: Option<String>,
    why: Option<String>,
    /// The action's own fields.
    #[schema(value_type = Option<Object>)]
    detail: serde_json::Value,
}

impl AuditInfo {
    pub(crate) fn of(sequence: i64, entry: AuditEntry) -> Self {
        AuditInfo {
            sequence,
            at: entry.at,
            actor: entry.actor.0,
            action: entry.action,
            asset: entry.asset.map(|asset| asset.to_string()),
            version: entry.version.map(|version| version.0),
            run: entry.detail.get("run").and_then(serde_json::Value::as_str).map(str::to_owned),
            why: entry.why,
            detail: entry.detail,
        }
    }
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    asset: Option<String>,
    actor: Option<String>,
    /// One or more, separated by commas; `changes` is all but bookkeeping.
    action: Option<String>,
    /// Looked for in reasons, assets and actors.
    search: Option<String>,
    /// RFC 3339, or a day (00:00 UTC).
    from: Option<String>,
    /// RFC 3339, or a day (00:00 UTC); not included.
    to: Option<String>,
    /// How many items: 1 to 1,000, by default 100.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Lines of the audit log, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditParams),
    responses((status = 200, body = Page<AuditInfo>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    _: Viewer,
    State(app): State<Arc<App>>,
    Params(params): Params<AuditParams>,
) -> ApiResult<Json<Page<AuditInfo>>> {
    let page = PageParams { limit: params.limit, after: params.after };
    let limit = page.limit()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let actions: Vec<String> = match params.action.as_deref() {
        Some("changes") => WORTH_TELLING.iter().map(|action| (*action).to_owned()).collect(),
        other => other.unwrap_or_default().split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
    };
    let filter = AuditFilter {
        asset: given(params.asset).map(|text| asset_name(&text)).transpose()?,
        actor: given(params.actor),
        actions,
        search: given(params.search),
        from: instant("from", params.from.as_deref())?,
        to: instant("to", params.to.as_deref())?,
        before: page.after_number()?,
        limit: limit + 1,
    };
    let entries = app.catalog.audit_page(&app.environment(), &filter).await?;
    let items = entries.into_iter().map(|(sequence, entry)| AuditInfo::of(sequence, entry)).collect();
    Ok(Json(Page::cut(items, limit, |last| last.sequence.to_string())))
}

/// What the audit log can be narrowed by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditFacets {
    actors: Vec<Facet>,
    actions: Vec<Facet>,
}

/// Actors and actions of the audit log, with how often each is there.
#[utoipa::path(get, path = "/audit/facets", tag = "audit", responses((status = 200, body = AuditFacets)))]
pub(crate) async fn facets(_: Viewer, State(app): State<Arc<App>>) -> ApiResult<Json<AuditFacets>> {
    // Only the new lines are counted each time.
    let env = app.environment();
    let known = app.audit_counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut counted = Some(known).filter(|known| known.0 == env).map(|known| known.1).unwrap_or_default();
    let new = app.catalog.audit_counts(&env, counted.up_to).await?;
    counted.up_to = new.up_to;
    for (of, lines) in new.lines {
        *counted.lines.entry(of).or_default() += lines;
    }
    *app.audit_counts.lock().unwrap_or_else(PoisonError::into_inner) = (env, counted.clone());
    let (mut actors, mut actions) = (BTreeMap::new(), BTreeMap::new());
    for ((actor, action), lines) in &counted.lines {
        *actors.entry(actor).or_default() += lines;
        *actions.entry(action).or_default() += lines;
    }
    Ok(Json(AuditFacets { actors: most_first(actors), actions: most_first(actions) }))
}

fn most_first(counts: BTreeMap<&String, u64>) -> Vec<Facet> {
    let mut facets: Vec<Facet> =
        counts.into_iter().map(|(value, count)| Facet { value: value.clone(), count }).collect();
    facets.sort_by_key(|facet| std::cmp::Reverse(facet.count));
    facets
}

//! Gates: what is held, and everything one needs to decide about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lockgate_run::{Node, SchemaChange as Change};
use lockgate_types::{AssetName, CheckOutcome as Outcome, Version};
use serde::Serialize;
use serde_json::Value as Json_;
use utoipa::ToSchema;

use super::diff::SchemaChange;
use super::page::Page;
use super::version::{VersionDetail, find};
use crate::app::{App, Loaded};
use crate::auth::Viewer;
use crate::problem::{ApiResult, Problem};
use crate::request::{Named, Pick};
use crate::snapshot::Snapshot;

/// A line of the list of held versions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HeldGate {
    asset: String,
    owner: Option<String>,
    /// The held version.
    number: u64,
    /// What readers see.
    live: Option<u64>,
    staged_at: DateTime<Utc>,
    run: Option<String>,
    /// The checks that hold it.
    failing: Vec<FailingCheck>,
    /// The assets that it keeps on older data.
    behind: Vec<String>,
}

/// A check that holds a version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FailingCheck {
    name: String,
    kind: String,
    /// What was measured, in words with units.
    message: String,
    failing: u64,
    total: u64,
    share: f64,
}

impl From<&Outcome> for FailingCheck {
    fn from(outcome: &Outcome) -> Self {
        FailingCheck {
            name: outcome.name.clone(),
            kind: outcome.kind.clone(),
            message: outcome.message.clone(),
            failing: outcome.failing,
            total: outcome.total,
            share: outcome.share,
        }
    }
}

/// The held versions, those first that have waited longest.
pub(crate) async fn held(app: &App, snapshot: &Snapshot) -> ApiResult<Vec<HeldGate>> {
    if snapshot.assets.iter().all(|asset| asset.held.is_none()) {
        return Ok(Vec::new());
    }
    let env = &snapshot.loaded.workspace.project.environment;
    let versions = app.catalog.held(env).await?;
    let mut gates: Vec<HeldGate> = versions
        .iter()
        .filter_map(|version| {
            let summary = snapshot.get(&version.asset)?;
            Some(HeldGate {
                asset: version.asset.to_string(),
                owner: summary.owner.clone(),
                number: version.number.0,
                live: summary.live.as_ref().map(|live| live.number),
                staged_at: version.staged_at,
                run: version.run.as_ref().map(|run| run.0.clone()),
                failing: version.checks.iter().filter(|outcome| outcome.state.holds()).map(Into::into).collect(),
                behind: behind(&snapshot.loaded, &version.asset),
            })
        })
        .collect();
    gates.sort_by(|a, b| (a.staged_at, &a.asset).cmp(&(b.staged_at, &b.asset)));
    Ok(gates)
}

fn behind(loaded: &Loaded, name: &AssetName) -> Vec<String> {
    loaded.graph.descendants(name).iter().map(ToString::to_string).collect()
}

/// The held versions, those first that have waited longest.
#[utoipa::path(get, path = "/gates", tag = "gates", responses((status = 200, body = Page<HeldGate>)))]
pub(crate) async fn list(_: Viewer, State(app): State<Arc<App>>) -> ApiResult<Json<Page<HeldGate>>> {
    let snapshot = app.snapshot().await?;
    Ok(Json(Page::whole(held(&app, &snapshot).await?)))
}

/// A held version beside what readers see, and what led to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Gate {
    asset: String,
    kind: String,
    owner: Option<String>,
    description: Option<String>,
    candidate: VersionDetail,
    live: Option<VersionDetail>,
    /// The version it was judged against is the live one. Otherwise it cannot be published by hand.
    base_is_live: bool,
    schema_change: Option<SchemaChange>,
    upstream: Upstream,
    /// The assets that it keeps on older data.
    behind: Vec<String>,
    /// The columns that tell its rows apart.
    key: Vec<String>,
    group: Option<GroupInfo>,
    commands: Commands,
}

/// What changed since the last good version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Upstream {
    /// Parts of its code that differ.
    code: Vec<PartChange>,
    /// Inputs that it was built from in other versions.
    inputs: Vec<InputChange>,
    /// Checks and thresholds that differ.
    settings: Vec<PartChange>,
    /// Of a source: files that came, changed and went.
    files: Option<FileChanges>,
}

/// A part before and after.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartChange {
    part: String,
    before: Option<String>,
    after: Option<String>,
}

/// An input in another version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InputChange {
    asset: String,
    from: Option<u64>,
    to: u64,
    published_at: Option<DateTime<Utc>>,
    rows_before: Option<u64>,
    rows: u64,
    actor: String,
    run: Option<String>,
    code_changed: bool,
    /// Why it was published by hand or rolled back.
    why: Option<String>,
}

/// Files outside that differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileChanges {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

/// Assets that switch together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupInfo {
    name: String,
    members: Vec<MemberInfo>,
}

/// A member of a group, and what of it is held.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberInfo {
    asset: String,
    held: Option<u64>,
}

/// The same at the command line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Commands {
    publish: String,
    dismiss: String,
    diff: String,
}

/// A held version beside what readers see: its checks, and what changed since the last good version.
#[utoipa::path(get, path = "/gates/{name}", tag = "gates", params(("name" = String, Path, description = "`schema.table`")),
    responses((status = 200, body = Gate), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn detail(_: Viewer, State(app): State<Arc<App>>, Named(name): Named) -> ApiResult<Json<Gate>> {
    let snapshot = app.snapshot().await?;
    let loaded = &snapshot.loaded;
    let node = loaded.graph.node(&name)?;
    let env = &loaded.workspace.project.environment;
    let (candidate, line) = find(&app, env, &name, Pick::Held).await?;
    let live = match app.catalog.live_one(env, &name).await? {
        None => None,
        Some(live) => app.catalog.version_summary(env, &name, live.number).await?.map(|line| (live, line)),
    };
    let before = live.as_ref().map(|(live, _)| live);
    let schema_change = before
        .map(|live| Change::between(&live.schema, &candidate.schema))
        .filter(|change| !change.is_empty())
        .map(Into::into);
    let upstream = upstream(&app, loaded, node, before, &candidate).await?;
    let number = candidate.number;
    Ok(Json(Gate {
        asset: name.to_string(),
        kind: node.file.kind.clone(),
        owner: node.file.owner.clone(),
        description: node.file.description.clone(),
        base_is_live: candidate.base == before.map(|live| live.number),
        schema_change,
        upstream,
        behind: behind(loaded, &name),
        key: node
            .checks
            .iter()
            .find(|check| check.kind == "unique")
            .map(|check| check.columns.clone())
            .unwrap_or_default(),
        group: node.group.as_ref().map(|group| GroupInfo { name: group.clone(), members: members(&snapshot, group) }),
        commands: Commands {
            publish: format!("lockgate publish {name} --held --version {number} --why \"…\""),
            dismiss: format!("lockgate dismiss {name} --version {number} --why \"…\""),
            diff: format!("lockgate diff {name} --held"),
        },
        candidate: VersionDetail::of(candidate, line),
        live: live.map(|(live, line)| VersionDetail::of(live, line)),
    }))
}

fn members(snapshot: &Snapshot, group: &str) -> Vec<MemberInfo> {
    let members = snapshot.assets.iter().filter(|asset| asset.group.as_deref() == Some(group));
    members
        .map(|asset| MemberInfo { asset: asset.name.clone(), held: asset.held.as_ref().map(|held| held.number) })
        .collect()
}

async fn upstream(
    app: &App,
    loaded: &Loaded,
    node: &Node,
    live: Option<&Version>,
    candidate: &Version,
) -> ApiResult<Upstream> {
    let env = &loaded.workspace.project.environment;
    let Some(live) = live else {
        return Ok(Upstream { code: Vec::new(), inputs: Vec::new(), settings: Vec::new(), files: None });
    };
    let mut code = Vec::new();
    // What is kept of code is what the live version was published from; the candidate's is that of the files, as long as
    // they have not changed since it was built.
    if live.fingerprint != candidate.fingerprint {
        let published = app.catalog.code(env, &candidate.asset).await?;
        let published = published.filter(|(fingerprint, _)| *fingerprint == live.fingerprint).map(|(_, code)| code);
        let current = (node.fingerprint == candidate.fingerprint).then_some(&node.code);
        code = parts(loaded, published.as_ref(), current);
    }
    let mut inputs = Vec::new();
    for (input, now) in &candidate.inputs {
        let before = live.inputs.get(input);
        if before == Some(now) {
            continue;
        }
        let Some(line) = app.catalog.version_summary(env, input, *now).await? else { continue };
        let earlier = match before {
            Some(number) => app.catalog.version_summary(env, input, *number).await?,
            None => None,
        };
        inputs.push(InputChange {
            asset: input.to_string(),
            from: before.map(|number| number.0),
            to: now.0,
            published_at: line.published_at,
            rows_before: earlier.as_ref().map(|earlier| earlier.rows),
            rows: line.rows,
            actor: line.published_by.unwrap_or(line.actor).0,
            run: line.run.map(|run| run.0),
            code_changed: earlier.is_some_and(|earlier| earlier.fingerprint != line.fingerprint),
            why: line.why,
        });
    }
    let files = node.asset.outside_changes(&live.source_state, &candidate.source_state).map(|changes| FileChanges {
        added: changes.added,
        changed: changes.changed,
        removed: changes.removed,
    });
    Ok(Upstream { code, inputs, settings: settings(&live.checks, &candidate.checks), files })
}

/// Parts of the code that differ, as text; secrets are taken out.
fn parts(loaded: &Loaded, before: Option<&Json_>, after: Option<&Json_>) -> Vec<PartChange> {
    let of = |code: Option<&Json_>| -> BTreeMap<String, String> {
        let fields = code.and_then(Json_::as_object).into_iter().flatten();
        fields
            .map(|(part, value)| {
                let text = match value {
                    Json_::String(text) => text.clone(),
                    other => serde_json::to_string_pretty(other).unwrap_or_default(),
                };
                (part.clone(), loaded.workspace.redact(&text))
            })
            .collect()
    };
    let (before, after) = (of(before), of(after));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|part| before.get(*part) != after.get(*part))
        .map(|part| PartChange {
            part: part.clone(),
            before: before.get(part).cloned(),
            after: after.get(part).cloned(),
        })
        .collect()
}

/// Checks that are new, gone, or say something else.
fn settings(before: &[Outcome], after: &[Outcome]) -> Vec<PartChange> {
    let text = |outcome: &Outcome| {
        let mut text = format!("{} fails at {}", outcome.kind, outcome.error);
        if let Some(warn) = outcome.warn {
            text.push_str(&format!(", warns at {warn}"));
        }
        text
    };
    let mut changes = Vec::new();
    for now in after {
        match before.iter().find(|outcome| outcome.name == now.name) {
            None => changes.push(PartChange { part: now.name.clone(), before: None, after: Some(text(now)) }),
            Some(then) => {
                let (mut was, mut is) = (text(then), text(now));
                if then.statement != now.statement {
                    was.push_str(", as it was written then");
                    is.push_str(", as it is written now");
                }
                if was != is {
                    changes.push(PartChange { part: now.name.clone(), before: Some(was), after: Some(is) });
                }
            }
        }
    }
    let gone = before.iter().filter(|then| after.iter().all(|now| now.name != then.name));
    changes.extend(gone.map(|then| PartChange { part: then.name.clone(), before: Some(text(then)), after: None }));
    changes
}

//! Assets: the list, its facets, one asset, its code.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use lockgate_catalog::{CurrentVersions, VersionSummary as Line};
use lockgate_run::Node;
use lockgate_types::{AssetName, Severity, VersionNumber};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::decision::{KnownFailureInfo, SuppressionInfo};
use super::page::{Page, PageParams};
use super::version::CheckCounts;
use crate::app::{App, Loaded};
use crate::auth::Viewer;
use crate::problem::{ApiResult, DiagnosticInfo, Problem};
use crate::request::{Named, Params, bad};
use crate::snapshot::Snapshot;

/// How an asset stands: the worst that is true of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AssetState {
    /// A version waits for a decision.
    Held,
    /// A check fails on the live version, or the last attempt to build a new one failed.
    Failing,
    Late,
    /// A held or late ancestor keeps it on older data.
    Behind,
    NeverBuilt,
    /// A run would build it.
    Stale,
    Fresh,
    /// Not stored.
    Inline,
}

impl AssetState {
    pub(crate) const ALL: [AssetState; 8] = [
        AssetState::Held,
        AssetState::Failing,
        AssetState::Late,
        AssetState::Behind,
        AssetState::NeverBuilt,
        AssetState::Stale,
        AssetState::Fresh,
        AssetState::Inline,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            AssetState::Held => "held",
            AssetState::Failing => "failing",
            AssetState::Late => "late",
            AssetState::Behind => "behind",
            AssetState::NeverBuilt => "never_built",
            AssetState::Stale => "stale",
            AssetState::Fresh => "fresh",
            AssetState::Inline => "inline",
        }
    }
}

/// A line of the list of assets.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AssetSummary {
    /// `schema.table`.
    pub(crate) name: String,
    pub(crate) schema: String,
    pub(crate) kind: String,
    pub(crate) description: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) tags: Vec<String>,
    /// Assets of a group switch to their new versions together.
    pub(crate) group: Option<String>,
    pub(crate) state: AssetState,
    pub(crate) live: Option<LiveInfo>,
    pub(crate) held: Option<HeldInfo>,
    pub(crate) late: Option<Late>,
    /// The held or late ancestors that keep it on older data.
    pub(crate) behind: Vec<String>,
    /// When nothing was published or held since.
    pub(crate) last_failure: Option<LastFailure>,
    #[serde(skip)]
    pub(crate) inline: bool,
}

/// What readers see.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LiveInfo {
    pub(crate) number: u64,
    pub(crate) rows: u64,
    pub(crate) size_bytes: u64,
    pub(crate) published_at: Option<DateTime<Utc>>,
    pub(crate) checks: CheckCounts,
    /// A person published it, knowing what its checks said.
    #[serde(skip)]
    pub(crate) by_hand: bool,
}

/// What waits for a decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HeldInfo {
    pub(crate) number: u64,
    pub(crate) rows: u64,
    pub(crate) staged_at: DateTime<Utc>,
    pub(crate) checks: CheckCounts,
}

/// Its `fresh` check fails, with nothing new to hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Late {
    /// The name of the check.
    pub(crate) check: String,
    pub(crate) message: String,
    /// The logical time at which it was first found late.
    pub(crate) since: DateTime<Utc>,
    /// The newest value of the checked column.
    pub(crate) newest: Option<String>,
}

impl From<lockgate_catalog::Late> for Late {
    fn from(late: lockgate_catalog::Late) -> Self {
        Late { check: late.check, message: late.message, since: late.since, newest: late.newest }
    }
}

/// How the last attempt failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LastFailure {
    pub(crate) run: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) message: String,
}

impl AssetSummary {
    /// Without what has to be known of other assets.
    pub(crate) fn of(loaded: &Loaded, name: &AssetName, current: CurrentVersions) -> Self {
        let node = &loaded.graph.nodes()[name];
        AssetSummary {
            name: name.to_string(),
            schema: name.schema().to_owned(),
            kind: node.file.kind.clone(),
            description: node.file.description.as_ref().map(|text| text.trim().to_owned()),
            owner: node.file.owner.clone(),
            tags: node.file.tags.clone(),
            group: node.group.clone(),
            state: AssetState::Fresh,
            live: current.live.as_ref().map(live),
            held: current.held.as_ref().map(held),
            late: None,
            behind: Vec::new(),
            last_failure: None,
            inline: node.is_inline(),
        }
    }
}

fn live(line: &Line) -> LiveInfo {
    LiveInfo {
        number: line.number.0,
        rows: line.rows,
        size_bytes: line.size_bytes,
        published_at: line.published_at,
        checks: line.checks.into(),
        by_hand: line.why.is_some(),
    }
}

fn held(line: &Line) -> HeldInfo {
    HeldInfo { number: line.number.0, rows: line.rows, staged_at: line.staged_at, checks: line.checks.into() }
}

/// Which assets, in which order.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AssetParams {
    /// Words that stand in name, description, owner or tags.
    search: Option<String>,
    /// One or more states, separated by commas.
    state: Option<String>,
    kind: Option<String>,
    schema: Option<String>,
    tag: Option<String>,
    owner: Option<String>,
    /// `name` (default), `state`, `published_at`, `rows` or `size`.
    sort: Option<String>,
    descending: Option<bool>,
    /// How many items: 1 to 1,000, by default 100.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// The assets, by name unless another order is asked for.
#[utoipa::path(get, path = "/assets", tag = "assets", params(AssetParams),
    responses((status = 200, body = Page<AssetSummary>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    _: Viewer,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Params(params): Params<AssetParams>,
) -> ApiResult<Response> {
    let snapshot = app.snapshot().await?;
    let page = PageParams { limit: params.limit, after: params.after.clone() };
    let (limit, from) = (page.limit()?, page.after_number::<usize>()?.unwrap_or(0));
    let states = states(params.state.as_deref())?;
    let words: Vec<String> =
        params.search.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
    let is = |wanted: &Option<String>, has: Option<&str>| {
        wanted.as_deref().filter(|wanted| !wanted.is_empty()).is_none_or(|wanted| has == Some(wanted))
    };
    let mut found: Vec<&AssetSummary> = snapshot
        .assets
        .iter()
        .filter(|asset| states.is_empty() || states.contains(&asset.state))
        .filter(|asset| is(&params.kind, Some(&asset.kind)) && is(&params.schema, Some(&asset.schema)))
        .filter(|asset| is(&params.owner, asset.owner.as_deref()))
        .filter(|asset| params.tag.as_ref().is_none_or(|tag| tag.is_empty() || asset.tags.contains(tag)))
        .filter(|asset| words.iter().all(|word| mentions(asset, word)))
        .collect();
    sort(&mut found, params.sort.as_deref().unwrap_or("name"), params.descending.unwrap_or(false))?;
    Ok(super::tagged(&headers, &snapshot.tag, || Page::part(found.into_iter().cloned(), from, limit)))
}

fn states(text: Option<&str>) -> ApiResult<Vec<AssetState>> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            AssetState::ALL.into_iter().find(|state| state.as_str() == word).ok_or_else(|| {
                let all: Vec<&str> = AssetState::ALL.iter().map(|state| state.as_str()).collect();
                bad(format!("`state`: `{word}` is no state of an asset")).expected(format!("one of {}", all.join(", ")))
            })
        })
        .collect()
}

/// `word` is in lower case.
fn mentions(asset: &AssetSummary, word: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(word);
    has(&asset.name)
        || asset.description.as_deref().is_some_and(has)
        || asset.owner.as_deref().is_some_and(has)
        || asset.tags.iter().any(|tag| has(tag))
}

fn sort(assets: &mut [&AssetSummary], by: &str, descending: bool) -> ApiResult<()> {
    let order: fn(&AssetSummary, &AssetSummary) -> Ordering = match by {
        "name" => |a, b| a.name.cmp(&b.name),
        "state" => |a, b| a.state.cmp(&b.state),
        "published_at" => |a, b| published(a).cmp(&published(b)),
        "rows" => |a, b| rows(a).cmp(&rows(b)),
        "size" => |a, b| size(a).cmp(&size(b)),
        other => {
            return Err(bad(format!("`sort`: `{other}` is no order of assets"))
                .expected("one of name, state, published_at, rows, size"));
        }
    };
    // Stable, and by name among equals.
    assets.sort_by(|a, b| if descending { order(b, a) } else { order(a, b) });
    Ok(())
}

fn published(asset: &AssetSummary) -> Option<DateTime<Utc>> {
    asset.live.as_ref().and_then(|live| live.published_at)
}

fn rows(asset: &AssetSummary) -> Option<u64> {
    asset.live.as_ref().map(|live| live.rows)
}

fn size(asset: &AssetSummary) -> Option<u64> {
    asset.live.as_ref().map(|live| live.size_bytes)
}

/// A value and how many assets have it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Facet {
    pub(crate) value: String,
    pub(crate) count: u64,
}

/// What the list of assets can be narrowed by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetFacets {
    states: Vec<Facet>,
    kinds: Vec<Facet>,
    schemas: Vec<Facet>,
    tags: Vec<Facet>,
    owners: Vec<Facet>,
}

/// What the list of assets can be narrowed by, with how many assets each value has.
#[utoipa::path(get, path = "/assets/facets", tag = "assets", responses((status = 200, body = AssetFacets)))]
pub(crate) async fn facets(_: Viewer, State(app): State<Arc<App>>, headers: HeaderMap) -> ApiResult<Response> {
    let snapshot = app.snapshot().await?;
    let of = |values: &dyn Fn(&AssetSummary) -> Vec<String>| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for asset in &snapshot.assets {
            for value in values(asset) {
                *counts.entry(value).or_default() += 1;
            }
        }
        counts.into_iter().map(|(value, count)| Facet { value, count }).collect()
    };
    Ok(super::tagged(&headers, &snapshot.tag, || AssetFacets {
        states: of(&|asset| vec![asset.state.as_str().to_owned()]),
        kinds: of(&|asset| vec![asset.kind.clone()]),
        schemas: of(&|asset| vec![asset.schema.clone()]),
        tags: of(&|asset| asset.tags.clone()),
        owners: of(&|asset| asset.owner.iter().cloned().collect()),
    }))
}

/// One asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetDetail {
    #[serde(flatten)]
    summary: AssetSummary,
    /// Relative to the project.
    file: String,
    load: String,
    partition_by: Vec<String>,
    cluster_by: Vec<String>,
    /// Why a run would build it, in words.
    reasons: Vec<String>,
    /// The assets whose data it reads.
    inputs: Vec<String>,
    /// The assets that only its checks read.
    check_inputs: Vec<String>,
    /// The assets that read it.
    readers: Vec<String>,
    columns: Vec<ColumnInfo>,
    checks: Vec<CheckInfo>,
    suppressions: Vec<SuppressionInfo>,
    known_failures: Vec<KnownFailureInfo>,
    warnings: Vec<DiagnosticInfo>,
}

/// A column with what it is made from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnInfo {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) data_type: String,
    /// Null is refused on the way in.
    pub(crate) required: bool,
    /// Personal data.
    pub(crate) pii: bool,
    pub(crate) description: Option<String>,
    /// The stored columns that it is made from.
    pub(crate) from: Vec<ColumnRef>,
}

/// A column of an asset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct ColumnRef {
    pub(crate) asset: String,
    pub(crate) column: String,
}

/// A check as it is written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckInfo {
    name: String,
    kind: String,
    /// `error` or `warn`.
    severity: String,
    section: Option<String>,
    /// The columns it is about.
    columns: Vec<String>,
}

pub(crate) fn severity(severity: Severity) -> String {
    match severity {
        Severity::Error => "error",
        Severity::Warn => "warn",
    }
    .to_owned()
}

pub(crate) fn columns(node: &Node) -> Vec<ColumnInfo> {
    node.schema
        .columns
        .iter()
        .map(|column| ColumnInfo {
            name: column.name.clone(),
            data_type: column.data_type.to_string(),
            required: column.required,
            pii: column.pii,
            description: column.description.clone(),
            from: node
                .lineage
                .iter()
                .filter(|lineage| lineage.column == column.name)
                .flat_map(|lineage| &lineage.from)
                .map(|(asset, column)| ColumnRef { asset: asset.to_string(), column: column.clone() })
                .collect(),
        })
        .collect()
}

/// One asset: what it is, how it stands, what it reads and who reads it.
#[utoipa::path(get, path = "/assets/{name}", tag = "assets", params(("name" = String, Path, description = "`schema.table`")),
    responses((status = 200, body = AssetDetail), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn detail(
    _: Viewer,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Named(name): Named,
) -> ApiResult<Response> {
    let snapshot = app.snapshot().await?;
    let node = snapshot.loaded.graph.node(&name)?;
    let now = app.now();
    Ok(super::tagged(&headers, &snapshot.tag, || AssetDetail::of(&snapshot, node, &name, now)))
}

impl AssetDetail {
    fn of(snapshot: &Snapshot, node: &Node, name: &AssetName, now: DateTime<Utc>) -> Self {
        let project = &snapshot.loaded.workspace.project;
        let texts = |names: &[AssetName]| names.iter().map(ToString::to_string).collect();
        AssetDetail {
            summary: snapshot
                .get(name)
                .cloned()
                .unwrap_or_else(|| AssetSummary::of(&snapshot.loaded, name, CurrentVersions::default())),
            file: node.file.source.file.display().to_string(),
            load: node.file.load.code(),
            partition_by: node.file.partition_by.clone(),
            cluster_by: node.file.cluster_by.clone(),
            reasons: snapshot.reasons.by_asset.get(name).cloned().unwrap_or_default(),
            inputs: texts(&node.inputs),
            check_inputs: texts(&node.check_inputs),
            readers: snapshot.loaded.readers(name).iter().map(ToString::to_string).collect(),
            columns: columns(node),
            checks: node
                .checks
                .iter()
                .map(|check| CheckInfo {
                    name: check.name.clone(),
                    kind: check.kind.to_owned(),
                    severity: severity(check.severity),
                    section: check.section.clone(),
                    columns: check.columns.clone(),
                })
                .collect(),
            suppressions: snapshot
                .suppressions
                .iter()
                .filter(|suppression| suppression.asset == *name)
                .map(|suppression| SuppressionInfo::of(suppression, now))
                .collect(),
            known_failures: project.known.iter().filter(|known| known.asset == *name).map(Into::into).collect(),
            warnings: node.warnings.iter().map(Into::into).collect(),
        }
    }
}

/// An asset's file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Code {
    /// Relative to the project.
    file: String,
    /// `sql` or `yaml`.
    language: String,
    text: String,
    columns: Vec<ColumnInfo>,
}

/// The file that describes the asset, as it was loaded, and what each column is made from. Values that come from the
/// environment are not in it.
#[utoipa::path(get, path = "/assets/{name}/code", tag = "assets", params(("name" = String, Path, description = "`schema.table`")),
    responses((status = 200, body = Code), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn code(_: Viewer, State(app): State<Arc<App>>, Named(name): Named) -> ApiResult<Json<Code>> {
    let loaded = app.fresh().await;
    let node = loaded.graph.node(&name)?;
    // A transform's settings may stand beside its SQL; the SQL is what one wants to see.
    let (source, language) = match &node.file.sql {
        Some(sql) => (&sql.source, "sql"),
        None => (&node.file.source, "yaml"),
    };
    Ok(Json(Code {
        file: source.file.display().to_string(),
        language: language.to_owned(),
        text: loaded.workspace.redact(&source.text),
        columns: columns(node),
    }))
}

/// The number that an asset's live or held version has.
pub(crate) fn current(summary: &AssetSummary, held: bool) -> Option<VersionNumber> {
    let number =
        if held { summary.held.as_ref().map(|held| held.number) } else { summary.live.as_ref().map(|l| l.number) };
    number.map(VersionNumber)
}

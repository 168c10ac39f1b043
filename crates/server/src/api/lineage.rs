//! The graph of assets, and of columns.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use lockgate_types::AssetName;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asset::{AssetState, ColumnRef};
use crate::app::{App, Loaded};
use crate::auth::Viewer;
use crate::problem::{ApiResult, Problem};
use crate::request::{Params, asset_name, asset_names, bad};

/// Which part of the graph.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LineageParams {
    /// The asset that it is about; everything without one.
    focus: Option<String>,
    /// `both` (default), `up` or `down`.
    direction: Option<String>,
    /// How many steps from the focus; all without one.
    depth: Option<usize>,
}

/// Assets and what reads what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lineage {
    nodes: Vec<LineageNode>,
    edges: Vec<LineageEdge>,
}

/// An asset in the graph.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageNode {
    name: String,
    schema: String,
    kind: String,
    state: AssetState,
    rows: Option<u64>,
    published_at: Option<DateTime<Utc>>,
    group: Option<String>,
    /// How many columns it has.
    columns: u64,
}

/// `to` reads `from`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageEdge {
    from: String,
    to: String,
    /// `data`, or `check` when only its checks do.
    kind: String,
}

/// Assets and what reads what.
#[utoipa::path(get, path = "/lineage", tag = "assets", params(LineageParams),
    responses((status = 200, body = Lineage), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn lineage(
    _: Viewer,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Params(params): Params<LineageParams>,
) -> ApiResult<Response> {
    let snapshot = app.snapshot().await?;
    let loaded = &snapshot.loaded;
    let wanted: Option<BTreeSet<AssetName>> = match params.focus.as_deref().filter(|focus| !focus.is_empty()) {
        None => None,
        Some(focus) => {
            let focus = asset_name(focus)?;
            loaded.graph.node(&focus)?;
            let (up, down) = match params.direction.as_deref().unwrap_or("both") {
                "both" => (true, true),
                "up" => (true, false),
                "down" => (false, true),
                other => return Err(bad(format!("`direction`: `{other}`")).expected("both, up or down")),
            };
            let depth = params.depth.unwrap_or(usize::MAX);
            let mut found: BTreeSet<AssetName> = [focus.clone()].into();
            if up {
                reach(loaded, &focus, depth, &mut found, inputs);
            }
            if down {
                reach(loaded, &focus, depth, &mut found, |loaded, name| loaded.readers(name).to_vec());
            }
            Some(found)
        }
    };
    let is_in = |name: &AssetName| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
    Ok(super::tagged(&headers, &snapshot.tag, || {
        let mut lineage = Lineage { nodes: Vec::new(), edges: Vec::new() };
        for (name, node) in loaded.graph.nodes().iter().filter(|(name, _)| is_in(name)) {
            let summary = snapshot.get(name);
            lineage.nodes.push(LineageNode {
                name: name.to_string(),
                schema: name.schema().to_owned(),
                kind: node.file.kind.clone(),
                state: summary.map_or(AssetState::Fresh, |summary| summary.state),
                rows: summary.and_then(|summary| summary.live.as_ref()).map(|live| live.rows),
                published_at: summary.and_then(|summary| summary.live.as_ref()).and_then(|live| live.published_at),
                group: node.group.clone(),
                columns: node.schema.columns.len() as u64,
            });
            let edge = |from: &AssetName, kind: &str| LineageEdge {
                from: from.to_string(),
                to: name.to_string(),
                kind: kind.to_owned(),
            };
            lineage.edges.extend(node.inputs.iter().filter(|input| is_in(input)).map(|input| edge(input, "data")));
            let checked = node.check_inputs.iter().filter(|input| is_in(input) && !node.inputs.contains(input));
            lineage.edges.extend(checked.map(|input| edge(input, "check")));
        }
        lineage
    }))
}

fn inputs(loaded: &Loaded, name: &AssetName) -> Vec<AssetName> {
    loaded.graph.nodes().get(name).map(|node| node.inputs.clone()).unwrap_or_default()
}

/// Everything within so many steps.
fn reach(
    loaded: &Loaded,
    focus: &AssetName,
    depth: usize,
    found: &mut BTreeSet<AssetName>,
    next: impl Fn(&Loaded, &AssetName) -> Vec<AssetName>,
) {
    let mut edge = vec![focus.clone()];
    let mut seen: BTreeSet<AssetName> = [focus.clone()].into();
    for _ in 0..depth {
        let further: Vec<AssetName> = edge.iter().flat_map(|name| next(loaded, name)).collect();
        edge = further.into_iter().filter(|name| seen.insert(name.clone())).collect();
        if edge.is_empty() {
            break;
        }
        found.extend(edge.iter().cloned());
    }
}

/// Between which assets.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ColumnParams {
    /// Names separated by commas; at most 50.
    assets: String,
}

/// What columns are made from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnLineage {
    edges: Vec<ColumnEdge>,
}

/// `to` is made from `from`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnEdge {
    from: ColumnRef,
    to: ColumnRef,
}

/// What the columns of these assets are made from.
#[utoipa::path(get, path = "/lineage/columns", tag = "assets", params(ColumnParams),
    responses((status = 200, body = ColumnLineage), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn columns(
    _: Viewer,
    State(app): State<Arc<App>>,
    Params(params): Params<ColumnParams>,
) -> ApiResult<Json<ColumnLineage>> {
    let texts: Vec<String> = params.assets.split(',').map(|text| text.trim().to_owned()).collect();
    if texts.len() > 50 {
        return Err(bad(format!("`assets` names {} assets", texts.len())).expected("at most 50"));
    }
    let loaded = app.loaded();
    let mut edges = Vec::new();
    for name in asset_names(&texts)? {
        for lineage in &loaded.graph.node(&name)?.lineage {
            let to = ColumnRef { asset: name.to_string(), column: lineage.column.clone() };
            edges.extend(lineage.from.iter().map(|(asset, column)| ColumnEdge {
                from: ColumnRef { asset: asset.to_string(), column: column.clone() },
                to: to.clone(),
            }));
        }
    }
    Ok(Json(ColumnLineage { edges }))
}

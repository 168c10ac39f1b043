//! The graph of a project: every asset with what it reads, its checked schema, its checks and its fingerprints.

mod uses;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use lockgate_checks::{Check, SchemaLookup};
use lockgate_engine::{ColumnLineage, Engine, PinnedTable, Session};
use lockgate_kind::{Asset, Input, Kind, Planned};
use lockgate_project::selector::{self, SelectorAsset};
use lockgate_project::{AssetFile, Project};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Column, DataType, Diagnostic, Diagnostics, Fingerprint, Place, Schema, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::error::{CYCLE, GROUP_REENTERED, INLINE_CHECKS, MISSING_COLUMN, UNKNOWN_INPUT, UNKNOWN_KIND};
use crate::{RunError, Workspace};
use uses::used_by_checks;

/// One asset, ready to be planned and run.
#[derive(Debug)]
pub struct Node {
    pub file: Arc<AssetFile>,
    pub asset: Arc<dyn Asset>,
    /// The assets whose data it reads, inline ones included.
    pub inputs: Vec<AssetName>,
    /// The assets that only its checks read: they are ordered before it, but do not make it stale.
    pub check_inputs: Vec<AssetName>,
    pub checks: Vec<Check>,
    pub schema: Schema,
    /// The columns that its query yields; `load` may store others.
    pub yields: Schema,
    pub lineage: Vec<ColumnLineage>,
    pub fingerprint: Fingerprint,
    pub checks_fingerprint: Fingerprint,
    /// What the fingerprint is the hash of, by part, so that a change can be named.
    pub code: Json,
    pub group: Option<String>,
    pub warnings: Vec<Diagnostic>,
}

impl Node {
    /// Whether it is evaluated in its readers and has no versions.
    pub fn is_inline(&self) -> bool {
        self.asset.inline().is_some()
    }
}

/// Every asset of a project, type-checked.
#[derive(Debug)]
pub struct Graph {
    nodes: BTreeMap<AssetName, Node>,
    order: Vec<AssetName>,
}

impl Graph {
    pub fn nodes(&self) -> &BTreeMap<AssetName, Node> {
        &self.nodes
    }

    /// Every asset after those it depends on.
    pub fn order(&self) -> &[AssetName] {
        &self.order
    }

    /// # Errors
    /// [`RunError::UnknownAsset`] with the nearest name.
    pub fn node(&self, name: &AssetName) -> Result<&Node, RunError> {
        self.nodes
            .get(name)
            .ok_or_else(|| RunError::UnknownAsset { name: name.clone(), suggestion: self.nearest(name) })
    }

    /// The asset whose name is most like it.
    fn nearest(&self, name: &AssetName) -> Option<String> {
        let names: Vec<String> = self.nodes.keys().map(ToString::to_string).collect();
        did_you_mean(&name.to_string(), names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The stored assets that a node's data comes from: its inputs, with inline ones replaced by theirs.
    pub fn stored_inputs(&self, node: &Node) -> BTreeSet<AssetName> {
        let mut stored = BTreeSet::new();
        let mut open: Vec<&AssetName> = node.inputs.iter().collect();
        while let Some(name) = open.pop() {
            match self.nodes.get(name) {
                Some(input) if input.is_inline() => open.extend(&input.inputs),
                Some(_) => {
                    stored.insert(name.clone());
                }
                None => {}
            }
        }
        stored
    }

    /// Like [`Graph::stored_inputs`], with what its checks read.
    pub fn stored_dependencies(&self, node: &Node) -> BTreeSet<AssetName> {
        let mut all = self.stored_inputs(node);
        all.extend(node.check_inputs.iter().cloned());
        all
    }

    /// The inline assets that a node reads, nested ones first.
    pub fn inline_inputs(&self, node: &Node) -> Vec<AssetName> {
        let mut needed = BTreeSet::new();
        let mut open: Vec<&AssetName> = node.inputs.iter().collect();
        while let Some(name) = open.pop() {
            if let Some(input) = self.nodes.get(name).filter(|input| input.is_inline()) {
                needed.insert(name.clone());
                open.extend(&input.inputs);
            }
        }
        self.order.iter().filter(|name| needed.contains(*name)).cloned().collect()
    }

    /// Everything that reads `name`, directly or not.
    pub fn descendants(&self, name: &AssetName) -> BTreeSet<AssetName> {
        let mut found = BTreeSet::new();
        for candidate in &self.order {
            let reads = self
                .nodes
                .get(candidate)
                .is_some_and(|node| node.inputs.iter().any(|input| input == name || found.contains(input)));
            if reads {
                found.insert(candidate.clone());
            }
        }
        found
    }

    /// Everything that `name` reads, directly or not.
    pub fn ancestors(&self, name: &AssetName) -> BTreeSet<AssetName> {
        let mut found = BTreeSet::new();
        let mut open = vec![name];
        while let Some(node) = open.pop().and_then(|name| self.nodes.get(name)) {
            for input in &node.inputs {
                if found.insert(input.clone()) {
                    open.push(input);
                }
            }
        }
        found
    }

    /// The assets that selectors name; all when there are none. `changed` is what the word `changed` stands for.
    ///
    /// # Errors
    /// [`RunError::Invalid`] when a word is wrong or names nothing.
    pub fn select(
        &self,
        selectors: &[String],
        exclude: &[String],
        changed: &BTreeSet<AssetName>,
    ) -> Result<BTreeSet<AssetName>, RunError> {
        let selector = selector::parse(selectors, exclude).map_err(RunError::Invalid)?;
        let assets: Vec<SelectorAsset> = self
            .nodes
            .iter()
            .map(|(name, node)| SelectorAsset {
                name: name.clone(),
                tags: node.file.tags.clone(),
                kind: node.file.kind.clone(),
                inputs: node.inputs.clone(),
                changed: changed.contains(name),
            })
            .collect();
        selector.select(&assets).map_err(RunError::Invalid)
    }

    /// The SQL table names that a column of an asset is made from, through every asset up to the sources.
    pub fn column_origins(&self, name: &AssetName, column: &str) -> BTreeSet<(AssetName, String)> {
        let mut origins = BTreeSet::new();
        let mut open: VecDeque<(AssetName, String)> = [(name.clone(), column.to_owned())].into();
        let mut seen = BTreeSet::new();
        while let Some((asset, column)) = open.pop_front() {
            if !seen.insert((asset.clone(), column.clone())) {
                continue;
            }
            let from = self.nodes.get(&asset).and_then(|node| node.lineage.iter().find(|line| line.column == column));
            match from {
                Some(line) if !line.from.is_empty() => open.extend(line.from.iter().cloned()),
                _ => {
                    origins.insert((asset, column));
                }
            }
        }
        origins
    }
}

impl SchemaLookup for Graph {
    fn schema(&self, asset: &AssetName) -> Option<&Schema> {
        self.nodes.get(asset).filter(|node| !node.is_inline()).map(|node| &node.schema)
    }

    fn suggest(&self, asset: &AssetName) -> Option<String> {
        self.nearest(asset)
    }
}

/// Reads every asset by its kind without planning, for the diagnostics alone.
pub(crate) fn read_only(project: &Project, kinds: &[Arc<dyn Kind>]) -> Diagnostics {
    let kinds = kinds.iter().map(|kind| (kind.name(), Arc::clone(kind))).collect();
    let mut diagnostics = Diagnostics::default();
    let _ = read_assets(project, &kinds, &mut diagnostics);
    diagnostics
}

fn read_assets(
    project: &Project,
    kinds: &BTreeMap<&'static str, Arc<dyn Kind>>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<AssetName, (Arc<AssetFile>, Arc<dyn Asset>)> {
    let mut assets = BTreeMap::new();
    for (name, file) in &project.assets {
        let Some(kind) = kinds.get(file.kind.as_str()) else {
            let known: Vec<&str> = kinds.keys().copied().collect();
            let mut diagnostic = Diagnostic::error(&UNKNOWN_KIND, format!("unknown kind `{}`", file.kind))
                .at(file.source.place(file.kind_span))
                .expected(format!("one of {}", known.join(", ")));
            if let Some(near) = did_you_mean(&file.kind, known) {
                diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
            }
            diagnostics.push(diagnostic);
            continue;
        };
        match kind.read(file, project) {
            Ok(asset) => {
                let file = match asset.checks() {
                    Some(checks) => Arc::new(AssetFile { checks: checks.to_vec(), ..AssetFile::clone(file) }),
                    None => Arc::clone(file),
                };
                assets.insert(name.clone(), (file, asset));
            }
            Err(found) => diagnostics.extend(found),
        }
    }
    assets
}

/// What the plan cache keeps of an asset.
#[derive(Serialize, Deserialize)]
struct CachedPlan {
    schema: Schema,
    #[serde(default)]
    yields: Option<Schema>,
    lineage: Vec<ColumnLineage>,
}

impl Workspace {
    /// Reads every asset by its kind, orders them, plans every statement against the real schemas, and compiles
    /// every check.
    ///
    /// # Errors
    /// [`RunError::Invalid`] with everything that is wrong.
    pub async fn graph(&self) -> Result<Graph, RunError> {
        let mut diagnostics = Diagnostics::default();
        let assets = read_assets(&self.project, &self.kinds, &mut diagnostics);
        let inputs = known_inputs(&self.project, &assets, &mut diagnostics);
        let order = order(&assets, &inputs, &mut diagnostics);

        let mut graph = Graph { nodes: BTreeMap::new(), order: Vec::new() };
        let session = self.session(self.effects.clock.now())?;
        let mut fresh_plans = Vec::new();
        for name in &order {
            let Some((file, asset)) = assets.get(name) else { continue };
            let inputs = inputs.get(name).cloned().unwrap_or_default();
            // What reads an asset that could not be planned would only repeat its diagnostics.
            if inputs.iter().any(|input| !graph.nodes.contains_key(input)) {
                continue;
            }
            let code = code_of(file, asset.as_ref(), &inputs, &graph);
            let fingerprint = Fingerprint::of([code.to_string().as_str()]);
            let key = plan_key(&fingerprint, &inputs, &graph);
            // Only what has no inputs goes by the schema that its live version froze.
            let live = if inputs.is_empty() { self.catalog.live_one(self.env(), name).await? } else { None };
            match self.plan_one(&session, asset.as_ref(), live.as_ref(), &inputs, &key, &mut fresh_plans).await {
                Ok(planned) => {
                    layout_columns(file, &planned.schema, &mut diagnostics);
                    register(&session, name, asset.as_ref(), &planned.schema, &mut diagnostics)?;
                    let node = Node {
                        file: Arc::clone(file),
                        asset: Arc::clone(asset),
                        inputs,
                        check_inputs: Vec::new(),
                        checks: Vec::new(),
                        yields: described(planned.yields.unwrap_or_else(|| planned.schema.clone()), file),
                        schema: described(planned.schema, file),
                        lineage: planned.lineage,
                        checks_fingerprint: Fingerprint::of([]),
                        fingerprint,
                        code,
                        group: self.project.groups.iter().find(|g| g.members.contains(name)).map(|g| g.name.clone()),
                        warnings: planned.warnings,
                    };
                    graph.nodes.insert(name.clone(), node);
                    graph.order.push(name.clone());
                }
                Err(found) => diagnostics.extend(found),
            }
        }
        self.compile_checks(&mut graph, &session, &mut fresh_plans, &mut diagnostics).await;
        if !diagnostics.has_errors() {
            // Checks order assets too (`references`, `parity`), so the whole order is made again with them.
            let dependencies: BTreeMap<AssetName, Vec<AssetName>> = graph
                .nodes
                .iter()
                .map(|(name, node)| (name.clone(), node.inputs.iter().chain(&node.check_inputs).cloned().collect()))
                .collect();
            graph.order = self::order(&assets, &dependencies, &mut diagnostics);
            groups(&self.project, &graph, &mut diagnostics);
        }
        if diagnostics.has_errors() {
            return Err(RunError::Invalid(diagnostics));
        }
        // Without it the next one plans anew: whoever only looks does not fail because a disk is full or a catalog locked.
        if let Err(error) = self.catalog.put_cached(&fresh_plans).await {
            tracing::info!(%error, "the plans are not kept for later");
        }
        Ok(graph)
    }

    /// Plans one asset, or takes its plan from the cache; what it planned anew goes to `fresh`.
    async fn plan_one(
        &self,
        session: &Session,
        asset: &dyn Asset,
        live: Option<&Version>,
        inputs: &[AssetName],
        key: &str,
        fresh: &mut Vec<(String, String)>,
    ) -> Result<Planned, Diagnostics> {
        if !inputs.is_empty() {
            // A cache that cannot be read costs a planning, nothing else.
            let cached = self.catalog.cached(key).await.ok().flatten();
            if let Some(plan) = cached.and_then(|text| serde_json::from_str::<CachedPlan>(&text).ok()) {
                let CachedPlan { schema, yields, lineage } = plan;
                return Ok(Planned { schema, yields, lineage, warnings: Vec::new() });
            }
        }
        let planned = asset.plan(session, live).await?;
        if !inputs.is_empty() && planned.warnings.is_empty() {
            let Planned { schema, yields, lineage, .. } = planned.clone();
            let plan = CachedPlan { schema, yields, lineage };
            if let Ok(text) = serde_json::to_string(&plan) {
                fresh.push((key.to_owned(), text));
            }
        }
        Ok(planned)
    }

    /// Compiles every asset's checks against the schemas and type-checks their SQL.
    async fn compile_checks(
        &self,
        graph: &mut Graph,
        session: &Session,
        fresh: &mut Vec<(String, String)>,
        diagnostics: &mut Diagnostics,
    ) {
        let mut compiled = Vec::new();
        for (name, node) in &graph.nodes {
            if node.is_inline() {
                if let Some(check) = node.file.checks.first() {
                    diagnostics.push(
                        Diagnostic::error(&INLINE_CHECKS, format!("{name} is inline and cannot have checks"))
                            .at(check.source.place(check.span)),
                    );
                }
                continue;
            }
            match lockgate_checks::compile(&node.file, &node.schema, graph) {
                Ok(checks) => compiled.push((name.clone(), checks)),
                Err(found) => diagnostics.extend(found),
            }
        }
        for (name, checks) in compiled {
            let mut texts: Vec<String> = checks.iter().map(Check::fingerprint_text).collect();
            texts.extend(used_by_checks(&texts, &self.project));
            let checks_fingerprint = Fingerprint::of(texts.iter().map(String::as_str));
            let reads: BTreeSet<AssetName> =
                checks.iter().flat_map(Check::reads).filter(|read| *read != name).collect();
            let schemas = reads.iter().chain([&name]).filter_map(|read| graph.nodes.get(read)).map(schema_text);
            let key = format!(
                "checks/{}",
                Fingerprint::of(
                    schemas
                        .chain([checks_fingerprint.0.clone(), Engine::version().to_owned()])
                        .collect::<Vec<_>>()
                        .iter()
                        .map(String::as_str),
                )
            );
            if self.catalog.cached(&key).await.ok().flatten().is_none() {
                match lockgate_checks::plan(&checks, &name, session).await {
                    Ok(()) => fresh.push((key, "ok".to_owned())),
                    Err(found) => diagnostics.extend(found),
                }
            }
            if let Some(node) = graph.nodes.get_mut(&name) {
                node.check_inputs = reads.into_iter().filter(|read| !node.inputs.contains(read)).collect();
                node.checks = checks;
                node.checks_fingerprint = checks_fingerprint;
            }
        }
    }
}

/// The inputs of every asset, with a diagnostic for each that does not exist.
fn known_inputs(
    project: &Project,
    assets: &BTreeMap<AssetName, (Arc<AssetFile>, Arc<dyn Asset>)>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<AssetName, Vec<AssetName>> {
    let names: Vec<String> = project.assets.keys().map(ToString::to_string).collect();
    let mut all = BTreeMap::new();
    for (name, (_, asset)) in assets {
        let mut inputs = Vec::new();
        for Input { name: input, place } in asset.inputs() {
            // A broken asset has its own diagnostics.
            if !project.assets.contains_key(input) && !project.broken.contains(input) {
                diagnostics.push(unknown_input(input, place, &names));
            }
            if !inputs.contains(input) {
                inputs.push(input.clone());
            }
        }
        all.insert(name.clone(), inputs);
    }
    all
}

fn unknown_input(input: &AssetName, place: &Place, names: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_INPUT, format!("no asset is named {input}")).at(place.clone());
    match did_you_mean(&input.to_string(), names.iter().map(String::as_str)) {
        Some(near) => diagnostic.hint(format!("did you mean {near}?")),
        None => diagnostic.hint("a table in an asset's SQL is another asset of the project"),
    }
}

/// Assets after those they depend on, in name order where free. A circle is one diagnostic that names the way
/// round; its members come last.
fn order(
    assets: &BTreeMap<AssetName, (Arc<AssetFile>, Arc<dyn Asset>)>,
    dependencies: &BTreeMap<AssetName, Vec<AssetName>>,
    diagnostics: &mut Diagnostics,
) -> Vec<AssetName> {
    let mut waits: BTreeMap<&AssetName, usize> = BTreeMap::new();
    let mut readers: BTreeMap<&AssetName, Vec<&AssetName>> = BTreeMap::new();
    for name in assets.keys() {
        let needed = dependencies.get(name).into_iter().flatten().filter(|input| assets.contains_key(*input));
        let mut count = 0;
        for input in needed {
            readers.entry(input).or_default().push(name);
            count += 1;
        }
        waits.insert(name, count);
    }
    let mut ready: BTreeSet<&AssetName> = waits.iter().filter(|(_, n)| **n == 0).map(|(name, _)| *name).collect();
    let mut order = Vec::new();
    while let Some(name) = ready.pop_first() {
        waits.remove(name);
        order.push(name.clone());
        for reader in readers.get(name).into_iter().flatten() {
            if let Some(left) = waits.get_mut(*reader) {
                *left -= 1;
                if *left == 0 {
                    ready.insert(reader);
                }
            }
        }
    }
    if let Some(start) = waits.keys().next() {
        let left: BTreeSet<&AssetName> = waits.keys().copied().collect();
        let circle = circle(start, &left, dependencies);
        let way: Vec<String> = circle.iter().map(ToString::to_string).collect();
        let diagnostic = Diagnostic::error(&CYCLE, format!("assets depend on each other: {}", way.join(" → ")));
        let place = circle.first().and_then(|first| assets.get(first)).and_then(|(_, asset)| {
            asset.inputs().iter().find(|input| circle.contains(&input.name)).map(|input| input.place.clone())
        });
        diagnostics.push(match place {
            Some(place) => diagnostic.at(place),
            None => diagnostic,
        });
    }
    order
}

/// One way round, beginning and ending with the same asset. Every asset left over waits for another one that
/// is left over, so following any dependency must come back.
fn circle<'a>(
    start: &'a AssetName,
    left: &BTreeSet<&'a AssetName>,
    dependencies: &'a BTreeMap<AssetName, Vec<AssetName>>,
) -> Vec<AssetName> {
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let next = dependencies.get(last).into_iter().flatten().find(|input| left.contains(input));
        let Some(next) = next else { break };
        if let Some(position) = path.iter().position(|seen| *seen == next) {
            let mut round: Vec<AssetName> = path[position..].iter().map(|name| (*name).clone()).collect();
            round.push(next.clone());
            return round;
        }
        path.push(next);
    }
    path.into_iter().cloned().collect()
}

/// Everything that shapes an asset's result, by part.
fn code_of(file: &AssetFile, asset: &dyn Asset, inputs: &[AssetName], graph: &Graph) -> Json {
    let mut code = asset.code();
    let inline: BTreeMap<String, String> = inputs
        .iter()
        .filter_map(|input| graph.nodes.get(input).filter(|node| node.is_inline()).map(|node| (input, node)))
        .map(|(input, node)| (input.to_string(), node.fingerprint.0.clone()))
        .collect();
    if let Json::Object(parts) = &mut code {
        parts.insert("kind".to_owned(), json!(file.kind));
        parts.insert("load".to_owned(), json!(file.load.code()));
        parts.insert("partition_by".to_owned(), json!(file.partition_by));
        parts.insert("cluster_by".to_owned(), json!(file.cluster_by));
        let contract = file.columns.as_ref().map(|columns| {
            columns.iter().map(|c| json!([c.column.name, c.column.data_type, c.column.required])).collect::<Vec<_>>()
        });
        parts.insert("columns".to_owned(), json!(contract));
        parts.insert("inline".to_owned(), json!(inline));
    }
    code
}

fn plan_key(fingerprint: &Fingerprint, inputs: &[AssetName], graph: &Graph) -> String {
    let mut parts = vec![fingerprint.0.clone(), Engine::version().to_owned()];
    parts.extend(inputs.iter().filter_map(|input| graph.nodes.get(input)).map(schema_text));
    format!("plan/{}", Fingerprint::of(parts.iter().map(String::as_str)))
}

fn schema_text(node: &Node) -> String {
    let columns = node.schema.columns.iter().map(|column| format!("{} {}", column.name, column.data_type));
    format!("{}({})", node.file.name, columns.collect::<Vec<_>>().join(", "))
}

/// Descriptions, `required` and `pii` come from the contract, where there is one.
fn described(mut schema: Schema, file: &AssetFile) -> Schema {
    for column in &mut schema.columns {
        let contract = file.columns.iter().flatten().find(|contract| contract.column.name == column.name);
        if let Some(contract) = contract {
            let data_type = std::mem::replace(&mut column.data_type, DataType::Boolean);
            *column = Column { data_type, ..contract.column.clone() };
        }
    }
    schema
}

fn register(
    session: &Session,
    name: &AssetName,
    asset: &dyn Asset,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> Result<(), RunError> {
    match asset.inline() {
        Some(sql) => {
            if let Err(found) = session.register_inline(name, sql) {
                diagnostics.extend(found);
            }
        }
        None => session.register(PinnedTable::empty(name.clone(), schema.clone()))?,
    }
    Ok(())
}

/// `partition_by` and `cluster_by` name columns of the result.
fn layout_columns(file: &AssetFile, schema: &Schema, diagnostics: &mut Diagnostics) {
    let settings = [
        ("partition_by", &file.partition_by, file.partition_by_span),
        ("cluster_by", &file.cluster_by, file.cluster_by_span),
    ];
    for (key, names, span) in settings {
        for name in names.iter().filter(|name| schema.column(name).is_none()) {
            let columns: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
            let mut diagnostic = Diagnostic::error(
                &MISSING_COLUMN,
                format!("`{key}` of {} names `{name}`, which is not a column", file.name),
            )
            .at(file.source.place(span))
            .expected(format!("one of {}", columns.join(", ")));
            if let Some(near) = did_you_mean(name, columns) {
                diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
            }
            diagnostics.push(diagnostic);
        }
    }
}

/// A path that leaves a group must not come back into it.
fn groups(project: &Project, graph: &Graph, diagnostics: &mut Diagnostics) {
    for group in &project.groups {
        let members: BTreeSet<&AssetName> = group.members.iter().collect();
        let mut outside_after: BTreeSet<&AssetName> = BTreeSet::new();
        for name in graph.order() {
            let Some(node) = graph.nodes.get(name) else { continue };
            let reads = |set: &BTreeSet<&AssetName>| {
                node.inputs.iter().chain(&node.check_inputs).find(|input| set.contains(input)).cloned()
            };
            if members.contains(name) {
                if let Some(through) = reads(&outside_after) {
                    diagnostics.push(
                        Diagnostic::error(
                            &GROUP_REENTERED,
                            format!("group `{}` is left and entered again: {name} reads {through}, which depends on the group", group.name),
                        )
                        .at(group.place.clone())
                        .hint(format!("put {through} into the group, or take {name} out")),
                    );
                }
            } else if reads(&members).is_some() || reads(&outside_after).is_some() {
                outside_after.insert(name);
            }
        }
    }
}

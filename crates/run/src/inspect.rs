//! Looking at versions: show, query, history.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use lockgate_catalog::{Late, SystemTable, VersionSummary};
use lockgate_engine::{BatchStream, PinnedTable, Session};
use lockgate_types::{AssetName, Diagnostic, Samples, Schema, Version, VersionNumber, VersionState};
use serde::Serialize;

use crate::error::SELECTS_NOTHING;
use crate::{Graph, RunError, SchemaChange, Workspace};

/// Which version to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The live one, or the held one when nothing was published yet.
    Live,
    Held,
    Number(VersionNumber),
}

/// One version, ready to be shown.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub kind: String,
    pub description: Option<String>,
    pub owner: Option<String>,
    pub tags: Vec<String>,
    /// The asset's file, relative to the project.
    pub file: PathBuf,
    pub version: Version,
    /// What readers see.
    pub live: Option<VersionNumber>,
    /// What waits for a decision.
    pub held: Option<VersionNumber>,
    pub late: Option<Late>,
    /// Against the live version, when another one is shown.
    pub schema_change: Option<SchemaChange>,
    /// What changed upstream since the live version: input, its version then, its version in this one.
    pub changed_inputs: Vec<(AssetName, Option<VersionNumber>, VersionNumber)>,
    /// Whether the asset's code differs from the live version's.
    pub code_changed: bool,
    pub preview: Samples,
}

/// How to answer a query.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryOptions {
    /// The versions that were live then; the live ones when `None`.
    pub at: Option<DateTime<Utc>>,
}

/// A query's answer, streamed.
pub struct Query {
    pub schema: SchemaRef,
    pub stream: BatchStream,
    pub reads: QueryReads,
}

/// A query that knows what it reads, and has not begun.
#[derive(Debug)]
pub struct PreparedQuery {
    session: Session,
    /// As the engine is given it: with `version(…)` rewritten.
    pub sql: String,
    pub reads: QueryReads,
}

impl PreparedQuery {
    /// Begins it. The answer is computed as it is read.
    ///
    /// # Errors
    /// [`RunError::Invalid`] when it does not plan; engine errors.
    pub async fn start(self) -> Result<Query, RunError> {
        let stream = self.session.stream(&self.sql).await.map_err(as_invalid)?;
        Ok(Query { schema: stream.schema(), stream, reads: self.reads })
    }
}

/// What a query reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryReads {
    /// The live version of each asset that is read (a rejects table's asset too). What `version(…)` names is in the SQL.
    pub versions: BTreeMap<AssetName, VersionNumber>,
    /// Tables of the schema `lockgate`.
    pub system: Vec<String>,
    /// The same versions give the same answer: no clock, no chance, no system table is in it.
    pub lasts: bool,
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Batches as text cells.
pub fn samples(batches: &[RecordBatch]) -> Samples {
    let mut samples = Samples::default();
    let options = FormatOptions::default().with_null("");
    for batch in batches {
        if samples.columns.is_empty() {
            samples.columns = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        }
        let formatters: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).ok()).collect();
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(&formatters).map(|(column, formatter)| {
                (!column.is_null(row))
                    .then(|| formatter.as_ref().map_or_else(String::new, |f| f.value(row).to_string()))
            });
            samples.rows.push(cells.collect());
        }
    }
    samples
}

impl Workspace {
    /// # Errors
    /// [`RunError::UnknownAsset`], [`RunError::NothingHeld`], [`RunError::NothingPublished`], [`RunError::UnknownVersion`].
    pub async fn show(&self, graph: &Graph, name: &AssetName, which: Which, rows: usize) -> Result<Shown, RunError> {
        let node = graph.node(name)?;
        let live = self.catalog.live_one(self.env(), name).await?;
        let held = self.catalog.held(self.env()).await?.into_iter().find(|version| version.asset == *name);
        let (live_number, held_number) = (live.as_ref().map(|v| v.number), held.as_ref().map(|v| v.number));
        let version = match which {
            Which::Live => live.clone().or(held).ok_or_else(|| RunError::NothingPublished { asset: name.clone() })?,
            Which::Held => held.ok_or_else(|| RunError::NothingHeld { asset: name.clone() })?,
            Which::Number(number) => self.any_version(name, number).await?,
        };
        let other = live.filter(|live| live.number != version.number);
        // What is known of an expired version is still worth a look; its rows are gone.
        let files = if version.state == VersionState::Expired { &[] } else { version.files.as_slice() };
        let preview = self.lake.table(name).read(files, &version.schema, &version.partition_by, Some(rows)).await?;
        let changed_inputs = version.inputs.iter().filter_map(|(input, now)| {
            let before = other.as_ref()?.inputs.get(input).copied();
            (before != Some(*now)).then(|| (input.clone(), before, *now))
        });
        Ok(Shown {
            kind: node.file.kind.clone(),
            description: node.file.description.clone(),
            owner: node.file.owner.clone(),
            tags: node.file.tags.clone(),
            file: node.file.source.file.clone(),
            live: live_number,
            held: held_number,
            late: self.catalog.late(self.env()).await?.remove(name),
            changed_inputs: changed_inputs.collect(),
            code_changed: other.as_ref().is_some_and(|live| live.fingerprint != version.fingerprint),
            schema_change: other
                .map(|live| SchemaChange::between(&live.schema, &version.schema))
                .filter(|change| !change.is_empty()),
            preview: samples(&preview),
            version,
        })
    }

    /// The live version of every asset, all at one instant.
    pub(crate) async fn live_numbers(&self) -> Result<BTreeMap<AssetName, VersionNumber>, RunError> {
        let heads = self.catalog.live_heads(self.env()).await?;
        Ok(heads.into_iter().map(|(name, head)| (name, head.number)).collect())
    }

    pub(crate) async fn any_version(&self, name: &AssetName, number: VersionNumber) -> Result<Version, RunError> {
        let version = self.catalog.version(self.env(), name, number).await?;
        version.ok_or_else(|| RunError::UnknownVersion { asset: name.clone(), number })
    }

    /// A version whose rows can still be read.
    async fn readable_version(&self, name: &AssetName, number: VersionNumber) -> Result<Version, RunError> {
        let version = self.any_version(name, number).await?;
        if version.state == VersionState::Expired {
            return Err(RunError::Expired { asset: name.clone(), number });
        }
        Ok(version)
    }

    /// Newest first.
    ///
    /// # Errors
    /// Catalog errors.
    pub async fn history(&self, name: &AssetName) -> Result<Vec<VersionSummary>, RunError> {
        Ok(self.catalog.versions(self.env(), name).await?)
    }

    /// Answers a SELECT over published versions, rejects tables, `version('schema.table', N)` and `lockgate.*`.
    ///
    /// # Errors
    /// [`RunError::Invalid`] when it does not parse, does not plan, or reads what is not there.
    pub async fn query(&self, graph: &Graph, sql: &str, options: QueryOptions) -> Result<Query, RunError> {
        self.prepare_query(graph, sql, options).await?.start().await
    }

    /// Finds what a query reads, at one instant, and executes nothing yet.
    ///
    /// Cost: a look-up and a document per asset that it reads; a system table is read whole.
    ///
    /// # Errors
    /// [`RunError::Invalid`] when it does not parse, or reads what is not there.
    #[tracing::instrument(skip_all)]
    pub async fn prepare_query(
        &self,
        graph: &Graph,
        sql: &str,
        options: QueryOptions,
    ) -> Result<PreparedQuery, RunError> {
        let parsed = lockgate_engine::parse_query(sql).map_err(RunError::Invalid)?;
        let session = self.session(self.effects.clock.now())?;
        // All tables at one instant: members of a group are never seen at different versions.
        let live = match options.at {
            Some(at) => self.catalog.live_at(self.env(), at).await?,
            None => self.live_numbers().await?,
        };
        let mut readable = Readable {
            workspace: self,
            graph,
            live,
            is_past: options.at.is_some(),
            seen: BTreeSet::new(),
            read: BTreeMap::new(),
        };
        for name in &parsed.tables {
            readable.register(&session, name).await?;
        }
        let versions = readable.read;
        for (asset, number, alias) in &parsed.versions {
            let version = self.readable_version(asset, *number).await?;
            let pinned = PinnedTable::of(&version, &self.lake.table(asset));
            session.register_as(lockgate_engine::VERSIONS_SCHEMA, alias, pinned)?;
        }
        for table in &parsed.system {
            let Some(system) = self.catalog.system_table(table).await? else {
                return Err(nothing_there(
                    &format!("lockgate.{table}"),
                    "lockgate has runs, tasks, versions, checks, profiles, audit, schedules and deliveries",
                ));
            };
            session.register_batches("lockgate", table, vec![system_batch(&system)?])?;
        }
        let lasts = parsed.system.is_empty() && session.lasts_query(&parsed.rewritten);
        Ok(PreparedQuery {
            session,
            sql: parsed.rewritten,
            reads: QueryReads { versions, system: parsed.system, lasts },
        })
    }
}

/// What a query can read, registered as it is asked for.
struct Readable<'a> {
    workspace: &'a Workspace,
    graph: &'a Graph,
    live: BTreeMap<AssetName, VersionNumber>,
    /// Of an instant that is past, so that versions may have expired since.
    is_past: bool,
    seen: BTreeSet<AssetName>,
    /// The versions that it came to read.
    read: BTreeMap<AssetName, VersionNumber>,
}

impl Readable<'_> {
    async fn version(&self, name: &AssetName) -> Result<Option<Version>, RunError> {
        match self.live.get(name) {
            Some(number) if self.is_past => Ok(Some(self.workspace.readable_version(name, *number).await?)),
            // What expires from here on is spared, because this process came before.
            Some(number) => Ok(Some(self.workspace.any_version(name, *number).await?)),
            None => Ok(None),
        }
    }

    async fn register(&mut self, session: &Session, name: &AssetName) -> Result<(), RunError> {
        if !self.seen.insert(name.clone()) {
            return Ok(());
        }
        if let Some(of) = name.rejects_of() {
            let table = self.workspace.lake.table(name);
            let version = self.version(&of).await?;
            self.read.extend(version.iter().map(|version| (of.clone(), version.number)));
            let Some(pinned) = version.and_then(|version| PinnedTable::rejects_of(&version, &table)) else {
                return Err(nothing_there(
                    &name.to_string(),
                    &format!("no row of the live version of {of} was rejected"),
                ));
            };
            return Ok(session.register(pinned)?);
        }
        let node = self.graph.node(name)?;
        if let Some(sql) = node.asset.inline() {
            for input in &node.inputs {
                Box::pin(self.register(session, input)).await?;
            }
            return session.register_inline(name, sql).map_err(RunError::Invalid);
        }
        let Some(version) = self.version(name).await? else {
            return Err(RunError::NothingPublished { asset: name.clone() });
        };
        self.read.insert(name.clone(), version.number);
        Ok(session.register(PinnedTable::of(&version, &self.workspace.lake.table(name)))?)
    }
}

fn nothing_there(name: &str, hint: &str) -> RunError {
    RunError::Invalid(Diagnostic::error(&SELECTS_NOTHING, format!("there is no {name} to read")).hint(hint).into())
}

/// A query that does not plan is the asker's mistake, not a failure.
fn as_invalid(error: lockgate_engine::EngineError) -> RunError {
    match error {
        lockgate_engine::EngineError::Sql(diagnostics) => RunError::Invalid(diagnostics),
        other => RunError::Engine(other),
    }
}

/// A system table's rows as one batch.
fn system_batch(table: &SystemTable) -> Result<RecordBatch, RunError> {
    let schema: &Schema = &table.columns;
    let mut lines = String::new();
    for row in &table.rows {
        let object: serde_json::Map<String, serde_json::Value> =
            schema.columns.iter().map(|column| column.name.clone()).zip(row.iter().cloned()).collect();
        lines.push_str(&serde_json::Value::Object(object).to_string());
        lines.push('\n');
    }
    let arrow = schema.to_arrow();
    let fail = |error: arrow::error::ArrowError| {
        RunError::Failed(Diagnostic::error(&SELECTS_NOTHING, format!("a system table cannot be read: {error}")).into())
    };
    let reader = arrow::json::ReaderBuilder::new(std::sync::Arc::clone(&arrow))
        .with_batch_size(table.rows.len().max(1))
        .build(lines.as_bytes())
        .map_err(fail)?;
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    arrow::compute::concat_batches(&arrow, &batches).map_err(fail)
}

//! One per piece of work: tables by name, then SQL over them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, SortExpr, col};
use futures::TryStreamExt;
use lockgate_project::SqlText;
use lockgate_types::{AssetName, Diagnostics, Place, Schema};
use serde::{Deserialize, Serialize};

use crate::engine::{Reservation, Shared};
use crate::lasting::is_lasting_query;
use crate::planner::Planner;
use crate::scan::{PinnedProvider, as_read};
use crate::stream::{Finish, OnSpill, Shape, start, without_hash_joins};
use crate::syntax::{Names, RUN_AT, deep, read, typed, visit};
use crate::tables::{Entry, Tables};
use crate::{BatchStream, EngineError, PinnedTable, conform, functions, lineage, options, predicate, reads, rows};

/// A variable's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Bool(bool),
    Integer(i64),
    Double(f64),
    String(String),
}

/// What holds for all SQL of a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Without their `$`.
    pub vars: BTreeMap<String, Scalar>,
    /// Files of `create function` statements.
    pub functions: Vec<SqlText>,
    /// The run's logical time: `$run_at`, and what `now()` says.
    pub run_at: DateTime<Utc>,
}

/// What a statement will give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub schema: Schema,
    /// One entry for each column, in order.
    pub lineage: Vec<ColumnLineage>,
}

/// The stored columns that a column is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnLineage {
    pub column: String,
    /// Sorted, each once. Inline assets are resolved to what they read.
    pub from: Vec<(AssetName, String)>,
}

/// Cheap to clone; clones share their tables, forks do not.
#[derive(Clone, Debug)]
pub struct Session {
    engine: Arc<Shared>,
    state: Arc<SessionState>,
    tables: Arc<Tables>,
    vars: Arc<BTreeMap<String, Scalar>>,
    run_at: DateTime<Utc>,
    spilled_bytes: Arc<AtomicU64>,
}

impl Session {
    pub(crate) fn new(engine: Arc<Shared>, options: SessionOptions) -> Result<Session, Diagnostics> {
        let mut state = engine.template.clone();
        // `now()` is logical time as well, so that a replay and a late retry compute what the first attempt would have.
        state.execution_props_mut().query_execution_start_time = Some(options.run_at);
        functions::register(&mut state, &options.functions, &options.vars, options.run_at)?;
        Ok(Session {
            engine,
            state: Arc::new(state),
            tables: Arc::default(),
            vars: Arc::new(options.vars),
            run_at: options.run_at,
            spilled_bytes: Arc::default(),
        })
    }

    /// A session with the same variables and functions that sees this one's tables; what it registers is its own.
    #[must_use]
    pub fn fork(&self) -> Session {
        Session { tables: Arc::new(Tables::fork(&self.tables)), spilled_bytes: Arc::default(), ..self.clone() }
    }

    /// A session that sorts and spills where this one would hold one side of a join in memory. For work that ran out of memory
    /// after its first rows had been seen, and so could not be run again behind the scenes.
    #[must_use]
    pub fn frugal(&self) -> Session {
        Session { state: Arc::new(without_hash_joins(&self.state)), ..self.clone() }
    }

    /// A session that sorts with the least memory, on one thread. For sorts that ran out of it.
    #[must_use]
    pub fn single(&self) -> Session {
        let mut state = SessionState::clone(&self.state);
        *state.config_mut() = options::single(state.config());
        Session { state: Arc::new(state), ..self.clone() }
    }

    /// Under its own name; a table of that name is replaced.
    pub fn register(&self, table: PinnedTable) -> Result<(), EngineError> {
        let (schema, name) = (table.name.schema().to_owned(), table.name.table().to_owned());
        self.register_as(&schema, &name, table)
    }

    /// Under any name. In lineage it stays the table it is.
    pub fn register_as(&self, schema: &str, name: &str, table: PinnedTable) -> Result<(), EngineError> {
        let entry = Entry::Pinned(Arc::new(PinnedProvider::new(table)));
        self.tables.insert((schema.to_owned(), name.to_owned()), entry);
        Ok(())
    }

    /// An asset with `load: inline`. Its SQL is planned where it is read, so what it reads may be registered later; its
    /// mistakes are reported by `plan`.
    pub fn register_inline(&self, name: &AssetName, sql: &SqlText) -> Result<(), Diagnostics> {
        self.register_sql(name.schema(), name.table(), sql);
        Ok(())
    }

    /// A statement under any name: planned where it is read, so that conditions on its rows reach what it reads.
    pub fn register_sql(&self, schema: &str, name: &str, sql: &SqlText) {
        self.tables.insert((schema.to_owned(), name.to_owned()), Entry::Inline(Arc::new(sql.clone())));
    }

    /// Rows at hand, such as a system table's. There must be a batch, which may be empty, to know the columns by.
    pub fn register_batches(&self, schema: &str, name: &str, batches: Vec<RecordBatch>) -> Result<(), EngineError> {
        let Some(first) = batches.first() else {
            return Err(EngineError::Execution(format!(
                "the table {schema}.{name} has no batch to know its columns by"
            )));
        };
        let table = MemTable::try_new(first.schema(), vec![batches])?;
        self.tables.insert((schema.to_owned(), name.to_owned()), Entry::Batches(Arc::new(table)));
        Ok(())
    }

    /// Rows at hand in an asset's place, by the columns of `schema`. SQL means the same over them as over a version's files.
    pub fn register_rows(&self, name: &AssetName, schema: &Schema, batches: &[RecordBatch]) -> Result<(), EngineError> {
        self.register_batches(name.schema(), name.table(), as_read(schema, batches)?)
    }

    /// Type-checks an asset's SQL against the tables registered; nothing is opened. Everything wrong is reported at once, as far as
    /// it can be told.
    pub async fn plan(&self, sql: &SqlText) -> Result<Planned, Diagnostics> {
        deep(sql.sql.len(), || {
            let (logical, schema) = self.planner().asset(sql)?;
            Ok(Planned { schema, lineage: lineage::lineage(&logical.analyzed) })
        })
    }

    /// The columns that a build of this SQL would read, of each registered table that it reads at all: also those that only
    /// decide which rows there are. Nothing is opened.
    pub fn columns_read(&self, sql: &SqlText) -> Result<BTreeMap<AssetName, BTreeSet<String>>, EngineError> {
        deep(sql.sql.len(), || {
            let logical = self.planner().logical(sql, Names::Any)?;
            Ok(reads::columns(&self.state.optimize(&logical.plan)?)?)
        })
    }

    /// Type-checks a condition on the rows of a registered table. `place` is where its text begins.
    pub async fn plan_predicate(&self, table: &AssetName, predicate: &str, place: Place) -> Result<(), Diagnostics> {
        deep(predicate.len(), || predicate::check(&self.planner(), table, predicate, &place))
    }

    /// Whether a condition on the rows of a registered table says the same of a row at any time: it looks at that row
    /// alone, and calls nothing that goes by the clock or by chance. `false` also when it cannot be planned.
    pub fn lasts(&self, table: &AssetName, predicate: &str) -> bool {
        deep(predicate.len(), || predicate::lasts(&self.planner(), table, predicate)).unwrap_or(false)
    }

    /// Whether a query gives the same rows over the same tables at any time: nothing in it goes by the clock or by chance.
    /// `false` also when it cannot be planned.
    pub fn lasts_query(&self, sql: &str) -> bool {
        let text = typed(sql);
        deep(sql.len(), || {
            let used = visit(&text, &read(&text)?, Names::Any)?;
            let clock = used.vars.iter().any(|(name, _)| name == RUN_AT);
            Ok::<_, Diagnostics>(!clock && is_lasting_query(&self.planner().logical(&text, Names::Any)?.plan))
        })
        .unwrap_or(false)
    }

    /// The result as one stream. Strings come in Arrow's ordinary layout.
    pub async fn stream(&self, sql: &str) -> Result<BatchStream, EngineError> {
        let logical = self.logical(sql)?;
        let mut streams = self.start(&logical, Shape::Merged, Finish::NoViews).await?;
        streams.pop().ok_or_else(|| EngineError::Execution("the plan has no result".to_owned()))
    }

    /// The result as the engine divides it, for callers who take one task each: the streams are independent, and
    /// what a query reads is read by whoever polls. **Strings and bytes come as views** (`Utf8View`, `BinaryView`), as they
    /// leave the Parquet reader, without a copy.
    pub async fn partitions(&self, sql: &str) -> Result<Vec<BatchStream>, EngineError> {
        let logical = self.logical(sql)?;
        self.start(&logical, Shape::Partitioned, Finish::AsIs).await
    }

    /// An asset's rows with the Arrow types of `output`, by position; a value that does not fit is an error that names its column.
    /// With `sort_by` there is one stream, in that order; without it there are as many as the engine likes.
    pub async fn build(
        &self,
        sql: &SqlText,
        output: &Schema,
        sort_by: &[String],
    ) -> Result<Vec<BatchStream>, EngineError> {
        let plan = deep(sql.sql.len(), || {
            // Rejects are split off by SQL over tables that are no assets.
            let logical = self.planner().logical(sql, Names::Any)?;
            conform::check(sql, &logical.analyzed, output)?;
            sorted(logical.plan, sort_by)
        })?;
        let shape = if sort_by.is_empty() { Shape::Partitioned } else { Shape::Merged };
        self.start(&plan, shape, Finish::columns(output)).await
    }

    /// [`Session::build`] of SQL that was made, over any tables of the session.
    pub async fn build_text(
        &self,
        sql: &str,
        output: &Schema,
        sort_by: &[String],
    ) -> Result<Vec<BatchStream>, EngineError> {
        self.build(&typed(sql), output, sort_by).await
    }

    /// The result as encoded rows ([`crate::Row`]) in their order, in the one column of one stream. The first `key` columns are the
    /// rows' key, the next `compared` are compared as well. It spills. Nothing is run again when memory does not
    /// suffice; [`Session::single`] may do with less.
    pub async fn sorted_rows(&self, sql: &str, key: usize, compared: usize) -> Result<BatchStream, EngineError> {
        let plan = self.logical(sql)?;
        let plan = deep(sql.len(), || rows::sorted(plan, key, compared))?;
        let mut streams = self.start(&plan, Shape::Merged, Finish::AsIs).await?;
        streams.pop().ok_or_else(|| EngineError::Execution("the plan has no result".to_owned()))
    }

    /// The whole result, for results that are small. Strings come in Arrow's ordinary layout.
    pub async fn collect(&self, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
        let batches = self.stream(sql).await?.try_collect().await;
        match batches {
            Err(error) if error.is_out_of_memory() => self.frugal().stream(sql).await?.try_collect().await,
            batches => batches,
        }
    }

    /// Memory for what is done beside a query, counted in the same pool: at most a quarter of it.
    pub fn reserve(&self, what: &str) -> Reservation {
        self.engine.reserve(what, self.engine.side_bytes())
    }

    /// How many threads the engine uses.
    pub fn threads(&self) -> usize {
        self.engine.threads
    }

    /// Bytes that this session's queries spilled, as far as they have ended.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes.load(Ordering::Relaxed)
    }

    fn logical(&self, sql: &str) -> Result<LogicalPlan, Diagnostics> {
        deep(sql.len(), || Ok(self.planner().logical(&typed(sql), Names::Any)?.plan))
    }

    fn planner(&self) -> Planner<'_> {
        Planner { state: &self.state, tables: &self.tables, vars: &self.vars, run_at: self.run_at }
    }

    async fn start(&self, plan: &LogicalPlan, shape: Shape, finish: Finish) -> Result<Vec<BatchStream>, EngineError> {
        let (engine, session) = (self.engine.clone(), self.spilled_bytes.clone());
        let spilled: OnSpill = Arc::new(move |bytes| {
            engine.spilled_bytes.fetch_add(bytes, Ordering::Relaxed);
            session.fetch_add(bytes, Ordering::Relaxed);
        });
        start(&self.state, plan, shape, finish, &spilled).await
    }
}

/// Nulls last, as PostgreSQL sorts.
fn sorted(plan: LogicalPlan, by: &[String]) -> Result<LogicalPlan, EngineError> {
    if by.is_empty() {
        return Ok(plan);
    }
    let order: Vec<SortExpr> =
        by.iter().map(|name| col(datafusion::common::Column::from_name(name)).sort(true, false)).collect();
    Ok(LogicalPlanBuilder::from(plan).sort(order)?.build()?)
}

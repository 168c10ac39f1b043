//! What tools ask before they read: Postgres' catalogue, `pg_catalog` and `information_schema`, over the published tables.
//!
//! It is a small database of its own. Its tables hold what is known of the published tables and nothing of their rows,
//! its queries run in a memory of their own, and no query reads both it and published tables. So the liberties that are
//! taken here with SQL (a cast to `regclass`, an `operator(pg_catalog.~)`) concern nobody's data.
//!
//! Cost: a listing is made anew when a version was published or the files of the project changed: a look-up per asset, and a
//! document for each new version. A query scans the tables that it names.

mod functions;
mod listing;
mod relations;
mod rewrite;
mod tables;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{Field, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::config::Dialect;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, LimitClause, ObjectName, Query, SelectItem, SetExpr, Statement, TableFactor, Value, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use futures::{Stream, StreamExt};

pub(crate) use listing::{Listing, Listings};

use crate::codes;
use crate::failure::Failure;
use crate::values::{Column, Type};

/// What all queries of the catalogue may take at once.
const MEMORY_BYTES: usize = 64 << 20;
/// The one database of the catalogue's engine; nobody sees the name.
const DATABASE: &str = "lockgate";
const PG_CATALOG: &str = "pg_catalog";
const INFORMATION_SCHEMA: &str = "information_schema";
/// Deeper trees are refused.
const MAX_DEPTH: usize = 100;

/// Whose session it is.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) user: String,
    pub(crate) process: i32,
    /// Names and values, for `current_setting`.
    pub(crate) settings: Arc<Vec<(String, String)>>,
}

/// What a query reads.
#[derive(Debug)]
pub(crate) enum Reads {
    /// Published tables, or nothing: the engine's.
    Data,
    Catalogue(Box<Query>),
    Both,
}

/// Looks at the names that a query uses.
pub(crate) fn reads(sql: &str) -> Reads {
    // What does not parse here is for the engine to explain.
    let Some(query) = parse(sql) else { return Reads::Data };
    let mut names = Names::default();
    // The visitor never breaks.
    let _ = query.visit(&mut names);
    let is_cte = |name: &ObjectName| name.0.len() == 1 && names.ctes.contains(&text(name));
    let relations = || names.relations.iter().filter(|name| !is_cte(name) && !is_table_function(name));
    let catalogue = relations().any(is_catalogue) || names.catalogue_functions;
    let data = relations().any(|name| !is_catalogue(name));
    match (relations().any(is_catalogue), data) {
        (true, true) => Reads::Both,
        // A function that is not known beside data is the engine's to explain.
        (false, true) => Reads::Data,
        (_, false) if catalogue => Reads::Catalogue(Box::new(query)),
        (_, false) => Reads::Data,
    }
}

fn parse(sql: &str) -> Option<Query> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(MAX_DEPTH).try_with_sql(sql).ok()?;
    let mut statements = parser.parse_statements().ok()?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Some(*query),
        _ => None,
    }
}

/// The same query with no rows, to know its columns by; `None` when it cannot be read here.
pub(crate) fn without_rows(sql: &str) -> Option<String> {
    let mut query = parse(sql)?;
    let limit = Some(Expr::Value(Value::Number("0".to_owned(), false).into()));
    query.limit_clause = Some(LimitClause::LimitOffset { limit, offset: None, limit_by: Vec::new() });
    query.fetch = None;
    Some(query.to_string())
}

/// Columns without a name of their own get the one that PostgreSQL would give them: `count`, not `count(*)`.
pub(crate) fn name_as_postgres(sql: &str, columns: &mut [Column]) {
    let Some(query) = parse(sql) else { return };
    let mut body = query.body.as_ref();
    let select = loop {
        match body {
            SetExpr::Select(select) => break select,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = &query.body,
            _ => return,
        }
    };
    let plain = select
        .projection
        .iter()
        .all(|item| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }));
    if !plain || select.projection.len() != columns.len() {
        return;
    }
    for (item, column) in select.projection.iter().zip(columns) {
        if let SelectItem::UnnamedExpr(expr) = item
            && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        {
            column.name = rewrite::column_name(expr).unwrap_or_else(|| "?column?".to_owned());
        }
    }
}

/// A name's last part in lowercase.
fn text(name: &ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_lowercase()).unwrap_or_default()
}

fn qualifier(name: &ObjectName) -> Option<String> {
    let part = name.0.len().checked_sub(2).and_then(|at| name.0.get(at))?;
    part.as_ident().map(|ident| ident.value.to_lowercase())
}

fn is_catalogue(name: &ObjectName) -> bool {
    match qualifier(name) {
        Some(schema) => [PG_CATALOG, INFORMATION_SCHEMA].contains(&schema.as_str()),
        None => text(name).starts_with("pg_"),
    }
}

fn is_table_function(name: &ObjectName) -> bool {
    ["generate_series", "range", "unnest"].contains(&text(name).as_str())
}

#[derive(Default)]
struct Names {
    relations: Vec<ObjectName>,
    ctes: HashSet<String>,
    catalogue_functions: bool,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(ctes.map(|cte| cte.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.relations.push(relation.clone());
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Function { name, .. } = factor {
            self.relations.push(name.clone());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.catalogue_functions |= match expr {
            Expr::Function(function) => {
                qualifier(&function.name).is_some_and(|schema| schema == PG_CATALOG)
                    || functions::is_known(&text(&function.name))
            }
            Expr::Cast { data_type: DataType::Regclass, .. } => true,
            Expr::Cast { data_type: DataType::Custom(name, _), .. } => {
                qualifier(name).is_some_and(|schema| schema == PG_CATALOG) || text(name).starts_with("reg")
            }
            _ => false,
        };
        ControlFlow::Continue(())
    }
}

/// A query's plan, and the types of its parameters as far as it tells.
pub(crate) struct Answer {
    pub(crate) schema: SchemaRef,
    stream: SendableRecordBatchStream,
}

impl Answer {
    pub(crate) fn batches(self) -> impl Stream<Item = Result<RecordBatch, Failure>> + Send {
        self.stream.map(|batch| batch.map_err(|error| failure(&error)))
    }
}

/// Options and functions; a query starts from a copy.
static TEMPLATE: LazyLock<Result<SessionState, DataFusionError>> = LazyLock::new(|| {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(MEMORY_BYTES)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()?;
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false)
        .with_default_catalog_and_schema(DATABASE, PG_CATALOG);
    config.options_mut().sql_parser.dialect = Dialect::PostgreSQL;
    let mut state =
        SessionStateBuilder::new_with_default_features().with_config(config).with_runtime_env(runtime).build();
    functions::register_all(&mut state)?;
    Ok(state)
});

/// Answers a query over a listing.
pub(crate) async fn answer(query: Query, listing: &Arc<Listing>, who: &Who) -> Result<Answer, Failure> {
    let query = rewrite::rewritten(query, listing)?;
    tracing::debug!(%query, "a query of the catalogue, as it is planned");
    let run = async {
        let mut state = TEMPLATE.as_ref().map_err(|error| DataFusionError::Internal(error.to_string()))?.clone();
        state.catalog_list().register_catalog(DATABASE.to_owned(), listing.provider());
        functions::register_own(&mut state, listing, who)?;
        let statement = DfStatement::Statement(Box::new(Statement::Query(Box::new(query))));
        let plan = state.statement_to_plan(statement).await?;
        // A query is all it can be; said once more.
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        let plan = state.create_physical_plan(&plan).await?;
        let stream = execute_stream(plan, state.task_ctx())?;
        Ok(Answer { schema: stream.schema(), stream })
    };
    run.await.map_err(|error| failure(&error))
}

/// The types of a statement's parameters, as far as its other words tell them: `where id = $1` has that of `id`.
pub(crate) async fn parameter_types(sql: &str, listing: &Arc<Listing>) -> Option<Vec<Option<Type>>> {
    let query = rewrite::rewritten(parse(sql)?, listing).ok()?;
    let state = TEMPLATE.as_ref().ok()?.clone();
    state.catalog_list().register_catalog(DATABASE.to_owned(), listing.provider());
    let statement = DfStatement::Statement(Box::new(Statement::Query(Box::new(query))));
    let types = state.statement_to_plan(statement).await.ok()?.get_parameter_types().ok()?;
    let count = types.keys().filter_map(|name| name.strip_prefix('$')?.parse::<usize>().ok()).max()?;
    let of = |number: usize| types.get(&format!("${number}")).cloned().flatten();
    Some((1..=count).map(|number| Some(Type::of(&Field::new("", of(number)?, true)))).collect())
}

fn failure(error: &DataFusionError) -> Failure {
    let root = error.find_root();
    let text = root.strip_backtrace();
    let sqlstate = match root {
        DataFusionError::SchemaError(..) => "42703",
        DataFusionError::ResourcesExhausted(_) => "53200",
        DataFusionError::Plan(text) if text.starts_with("table ") => "42P01",
        _ => "0A000",
    };
    let first = text.lines().next().unwrap_or_default().to_owned();
    Failure::new(sqlstate, &codes::CATALOGUE, format!("the catalogue cannot answer this: {first}"))
        .hint("tables are read all the same: select … from schema.table")
}

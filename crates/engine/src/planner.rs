//! From a tree to a logical plan, with diagnostics that point into the file.

mod context;
mod explain;
mod locate;
mod output;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::common::Result as DfResult;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableSource, cast};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::{Query, Statement};
use lockgate_project::SqlText;
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Column, Diagnostic, Diagnostics, Schema};

use crate::scan::engine_field;
use crate::syntax::{Names, Used, bind, place, read, unknown_vars, visit};
use crate::tables::{Entry, Key, Tables};
use crate::{Scalar, codes};
pub(crate) use context::Context;
pub(crate) use explain::explain;

/// What planning needs of a session.
#[derive(Clone, Copy)]
pub(crate) struct Planner<'a> {
    pub(crate) state: &'a SessionState,
    pub(crate) tables: &'a Tables,
    pub(crate) vars: &'a BTreeMap<String, Scalar>,
    pub(crate) run_at: DateTime<Utc>,
}

/// A plan before and after types were made to agree. The engine's optimizer starts from the first; types and lineage are
/// read off the second.
#[derive(Clone, Debug)]
pub(crate) struct Logical {
    pub(crate) plan: LogicalPlan,
    pub(crate) analyzed: LogicalPlan,
}

/// A statement whose names are known: tables resolved, variables bound.
pub(crate) struct Resolved<'a> {
    pub(crate) sql: &'a SqlText,
    pub(crate) query: Query,
    pub(crate) sources: HashMap<Key, Arc<dyn TableSource>>,
}

type Sources = HashMap<Key, Arc<dyn TableSource>>;

impl<'a> Planner<'a> {
    /// Reads and plans one query.
    pub(crate) fn logical(&self, sql: &SqlText, names: Names) -> Result<Logical, Diagnostics> {
        let resolved = self.resolve(sql, names)?;
        self.plan(&resolved)
    }

    /// As an asset's SQL: also what it yields can be stored.
    pub(crate) fn asset(&self, sql: &SqlText) -> Result<(Logical, Schema), Diagnostics> {
        let resolved = self.resolve(sql, Names::Assets)?;
        let logical = self.plan(&resolved)?;
        let schema = output::schema(&resolved, &logical.analyzed)?;
        Ok((logical, schema))
    }

    pub(crate) fn resolve<'s>(&self, sql: &'s SqlText, names: Names) -> Result<Resolved<'s>, Diagnostics> {
        self.resolve_within(sql, read(sql)?, names, &mut Vec::new())
    }

    pub(crate) fn resolve_query<'s>(&self, sql: &'s SqlText, query: Query) -> Result<Resolved<'s>, Diagnostics> {
        self.resolve_within(sql, query, Names::Any, &mut Vec::new())
    }

    /// `within` holds the inline assets that are being planned, to end at a cycle.
    fn resolve_within<'s>(
        &self,
        sql: &'s SqlText,
        mut query: Query,
        names: Names,
        within: &mut Vec<Key>,
    ) -> Result<Resolved<'s>, Diagnostics> {
        let used = visit(sql, &query, names)?;
        let mut wrong = unknown_vars(sql, &used, self.vars);
        let sources = self.sources(sql, &used, within, &mut wrong);
        if wrong.has_errors() {
            return Err(wrong);
        }
        bind(&mut query, self.vars, self.run_at);
        Ok(Resolved { sql, query, sources })
    }

    pub(crate) fn plan(&self, resolved: &Resolved<'_>) -> Result<Logical, Diagnostics> {
        let planned = self.try_plan(resolved.query.clone(), &resolved.sources);
        planned.map_err(|error| locate::diagnose(self, resolved, &error))
    }

    fn try_plan(&self, query: Query, sources: &Sources) -> DfResult<Logical> {
        let context = Context { state: self.state, sources };
        let options = ParserOptions::from(&self.state.config_options().sql_parser);
        let statement = DfStatement::Statement(Box::new(Statement::Query(Box::new(query))));
        let plan = SqlToRel::new_with_options(&context, options).statement_to_plan(statement)?;
        let analyzed = self.state.analyzer().execute_and_check(plan.clone(), self.state.config_options(), |_, _| {})?;
        Ok(Logical { plan, analyzed })
    }

    fn sources(&self, sql: &SqlText, used: &Used, within: &mut Vec<Key>, wrong: &mut Diagnostics) -> Sources {
        let mut sources = HashMap::with_capacity(used.tables.len());
        for table in &used.tables {
            let key = (table.schema.clone(), table.table.clone());
            let source = match self.tables.get(&key) {
                Some(Entry::Pinned(provider)) => provider_as_source(provider),
                Some(Entry::Batches(batches)) => provider_as_source(batches),
                Some(Entry::Inline(inline)) => match self.inline(&key, &inline, within) {
                    Ok(view) => provider_as_source(view),
                    Err(diagnostics) => {
                        wrong.extend(diagnostics);
                        continue;
                    }
                },
                None => {
                    let name = format!("{}.{}", key.0, key.1);
                    let known = self.tables.names();
                    let diagnostic = Diagnostic::error(&codes::UNKNOWN_TABLE, format!("unknown table `{name}`"))
                        .at(place(sql, table.span));
                    wrong.push(match near_table(&name, known.iter().map(String::as_str)) {
                        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                        None => diagnostic,
                    });
                    continue;
                }
            };
            sources.insert(key, source);
        }
        sources
    }

    /// An inline asset as a view with the columns that it would have if it were stored.
    fn inline(&self, key: &Key, sql: &SqlText, within: &mut Vec<Key>) -> Result<Arc<ViewTable>, Diagnostics> {
        if within.contains(key) {
            let message = format!("the inline asset `{}.{}` reads itself", key.0, key.1);
            return Err(Diagnostic::error(&codes::UNPLANNABLE, message).at(crate::syntax::first_word(sql)).into());
        }
        within.push(key.clone());
        let resolved = self.resolve_within(sql, read(sql)?, Names::Assets, within);
        within.pop();
        let resolved = resolved?;
        let logical = self.plan(&resolved)?;
        let schema = output::schema(&resolved, &logical.analyzed)?;
        let view = stored_types(logical, &schema).map_err(|error| locate::diagnose(self, &resolved, &error))?;
        Ok(Arc::new(ViewTable::new(view, None)))
    }
}

/// The plan with its columns cast to what a stored table would hold, where they are not that already.
fn stored_types(logical: Logical, schema: &Schema) -> DfResult<LogicalPlan> {
    let planned = logical.analyzed.schema().clone();
    let columns: Vec<Expr> = planned
        .iter()
        .zip(&schema.columns)
        .map(|((qualifier, field), column): (_, &Column)| {
            let expr = Expr::from((qualifier, field));
            let target = engine_field(column);
            if field.data_type() == target.data_type() {
                expr
            } else {
                cast(expr, target.data_type().clone()).alias(field.name())
            }
        })
        .collect();
    LogicalPlanBuilder::from(logical.plan).project(columns)?.build()
}

/// A slip in either part, or the right table of another schema.
fn near_table<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    let table = name.rsplit('.').next().unwrap_or(name);
    known.clone().find(|candidate| candidate.rsplit('.').next() == Some(table)).or_else(|| did_you_mean(name, known))
}

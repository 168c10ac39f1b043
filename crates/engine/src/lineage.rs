//! Which stored columns each column of a result is made from, read off the logical plan.
//!
//! A column comes from what its value is computed from: through expressions, aggregates, windows (their partition and order
//! included), unions, CTEs, inline assets and subqueries. What only decides which rows there are (`where`, `on`, `group by`) is
//! not in it. The cost is linear in the plan.

use std::collections::{BTreeSet, HashMap};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, Result as DfResult};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, TableScan};
use lockgate_types::AssetName;

use crate::ColumnLineage;
use crate::scan::PinnedProvider;

type Origins = BTreeSet<(AssetName, String)>;

/// One entry for each column of the plan, in order.
pub(crate) fn lineage(plan: &LogicalPlan) -> Vec<ColumnLineage> {
    let origins = Walk::default().columns(plan);
    plan.schema()
        .fields()
        .iter()
        .zip(origins)
        .map(|(field, from)| ColumnLineage { column: field.name().clone(), from: from.into_iter().collect() })
        .collect()
}

#[derive(Default)]
struct Walk<'p> {
    /// Columns of the queries around a correlated subquery, innermost last.
    outer: Vec<(&'p LogicalPlan, Vec<Origins>)>,
    /// What a recursive CTE has so far.
    recursive: HashMap<String, Vec<Origins>>,
}

impl<'p> Walk<'p> {
    fn columns(&mut self, plan: &'p LogicalPlan) -> Vec<Origins> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(projection) => self.expressions(&projection.expr, &projection.input),
            LogicalPlan::Filter(filter) => self.columns(&filter.input),
            LogicalPlan::Sort(sort) => self.columns(&sort.input),
            LogicalPlan::Limit(limit) => self.columns(&limit.input),
            LogicalPlan::Repartition(repartition) => self.columns(&repartition.input),
            LogicalPlan::SubqueryAlias(alias) => self.columns(&alias.input),
            LogicalPlan::Subquery(subquery) => self.columns(&subquery.subquery),
            LogicalPlan::Distinct(Distinct::All(input)) => self.columns(input),
            LogicalPlan::Distinct(Distinct::On(on)) => self.expressions(&on.select_expr, &on.input),
            LogicalPlan::Window(window) => {
                let mut columns = self.columns(&window.input);
                columns.extend(self.expressions(&window.window_expr, &window.input));
                columns
            }
            LogicalPlan::Aggregate(aggregate) => {
                let groups: Vec<Expr> = match &aggregate.group_expr[..] {
                    [Expr::GroupingSet(set)] => set.distinct_expr().into_iter().cloned().collect(),
                    groups => groups.to_vec(),
                };
                let aggregates = aggregate.aggr_expr.len();
                let input = self.columns(&aggregate.input);
                let mut columns: Vec<Origins> =
                    groups.iter().map(|expr| self.expression(expr, &aggregate.input, &input)).collect();
                // Between the two stands the number of the grouping set, when there are several.
                columns.resize(plan.schema().fields().len().saturating_sub(aggregates), Origins::new());
                columns.extend(aggregate.aggr_expr.iter().map(|expr| self.expression(expr, &aggregate.input, &input)));
                columns
            }
            LogicalPlan::Join(join) => {
                let (left, right) = (self.columns(&join.left), self.columns(&join.right));
                match join.join_type {
                    JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => [left, right].concat(),
                    JoinType::LeftSemi | JoinType::LeftAnti => left,
                    JoinType::RightSemi | JoinType::RightAnti => right,
                    JoinType::LeftMark => [left, vec![Origins::new()]].concat(),
                    JoinType::RightMark => [right, vec![Origins::new()]].concat(),
                }
            }
            LogicalPlan::Union(union) => {
                let mut columns = vec![Origins::new(); plan.schema().fields().len()];
                for input in &union.inputs {
                    add(&mut columns, self.columns(input));
                }
                columns
            }
            LogicalPlan::Unnest(unnest) => {
                let input = self.columns(&unnest.input);
                unnest.dependency_indices.iter().map(|index| input.get(*index).cloned().unwrap_or_default()).collect()
            }
            LogicalPlan::RecursiveQuery(query) => {
                let mut columns = self.columns(&query.static_term);
                loop {
                    let before = columns.clone();
                    self.recursive.insert(query.name.clone(), columns.clone());
                    add(&mut columns, self.columns(&query.recursive_term));
                    if columns == before {
                        return columns;
                    }
                }
            }
            LogicalPlan::Values(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Extension(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_) => vec![Origins::new(); plan.schema().fields().len()],
        }
    }

    fn scan(&self, scan: &TableScan) -> Vec<Origins> {
        let fields = scan.projected_schema.fields();
        let provider = source_as_provider(&scan.source).ok();
        if let Some(pinned) = provider.as_ref().and_then(|provider| provider.downcast_ref::<PinnedProvider>()) {
            let name = &pinned.table().name;
            return fields.iter().map(|field| Origins::from([(name.clone(), field.name().clone())])).collect();
        }
        if provider.is_some_and(|provider| provider.is::<CteWorkTable>())
            && let Some(columns) = self.recursive.get(scan.table_name.table())
        {
            return columns.clone();
        }
        vec![Origins::new(); fields.len()]
    }

    fn expressions(&mut self, exprs: &'p [Expr], input: &'p LogicalPlan) -> Vec<Origins> {
        let columns = self.columns(input);
        exprs.iter().map(|expr| self.expression(expr, input, &columns)).collect()
    }

    fn expression(&mut self, expr: &Expr, input: &'p LogicalPlan, columns: &[Origins]) -> Origins {
        let mut origins = Origins::new();
        // The closure never fails.
        let _ = expr.apply(|part| -> DfResult<TreeNodeRecursion> {
            match part {
                Expr::Column(column) => origins.extend(of_column(column, input, columns)),
                Expr::OuterReferenceColumn(_, column) => {
                    let found = self.outer.iter().rev().map(|(plan, columns)| of_column(column, plan, columns));
                    origins.extend(found.into_iter().find(|found| !found.is_empty()).unwrap_or_default());
                }
                Expr::ScalarSubquery(subquery) => origins.extend(self.subquery(&subquery.subquery, input, columns)),
                Expr::InSubquery(within) => origins.extend(self.subquery(&within.subquery.subquery, input, columns)),
                Expr::SetComparison(set) => origins.extend(self.subquery(&set.subquery.subquery, input, columns)),
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        });
        origins
    }

    fn subquery(&mut self, plan: &LogicalPlan, around: &'p LogicalPlan, columns: &[Origins]) -> Origins {
        let mut outer: Vec<(&LogicalPlan, Vec<Origins>)> = self.outer.clone();
        outer.push((around, columns.to_vec()));
        let mut walk = Walk { outer, recursive: self.recursive.clone() };
        walk.columns(plan).into_iter().flatten().collect()
    }
}

fn of_column(column: &Column, plan: &LogicalPlan, columns: &[Origins]) -> Origins {
    plan.schema().maybe_index_of_column(column).and_then(|index| columns.get(index).cloned()).unwrap_or_default()
}

fn add(columns: &mut [Origins], more: Vec<Origins>) {
    for (column, more) in columns.iter_mut().zip(more) {
        column.extend(more);
    }
}

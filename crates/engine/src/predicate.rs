//! Conditions of checks: `expect: "amount >= 0"`, `where: "status = 'F'"`.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{SelectItem, SetExpr};
use lockgate_project::SqlText;
use lockgate_types::{AssetName, DataType, Diagnostic, Diagnostics, Place};

use crate::codes;
use crate::lasting::is_lasting;
use crate::planner::{Logical, Planner};
use crate::syntax::{Names, RUN_AT, read, read_expression, typed, visit};

/// Plans `select CONDITION from TABLE`.
pub(crate) fn check(planner: &Planner<'_>, table: &AssetName, text: &str, place: &Place) -> Result<(), Diagnostics> {
    let sql = typed(text);
    planned(planner, table, &sql).map_err(|diagnostics| {
        Diagnostics(diagnostics.0.into_iter().map(|diagnostic| moved(diagnostic, text, place)).collect())
    })
}

/// Whether a condition says the same of a row at any time.
pub(crate) fn lasts(planner: &Planner<'_>, table: &AssetName, text: &str) -> Result<bool, Diagnostics> {
    let sql = typed(text);
    let used = visit(&sql, &read_expression(&sql)?, Names::Any)?;
    if !used.tables.is_empty() || used.vars.iter().any(|(name, _)| name == RUN_AT) {
        return Ok(false);
    }
    Ok(is_lasting(&logical(planner, table, &sql)?.analyzed))
}

fn logical(planner: &Planner<'_>, table: &AssetName, sql: &SqlText) -> Result<Logical, Diagnostics> {
    let condition = read_expression(sql)?;
    let mut query = read(&typed(&format!("select null as condition from {}.{}", table.schema(), table.table())))?;
    if let SetExpr::Select(select) = &mut *query.body {
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { expr, .. } = item {
                *expr = condition.clone();
            }
        }
    }
    let resolved = planner.resolve_query(sql, query)?;
    planner.plan(&resolved)
}

fn planned(planner: &Planner<'_>, table: &AssetName, sql: &SqlText) -> Result<(), Diagnostics> {
    let logical = logical(planner, table, sql)?;
    let mut rows = false;
    // The closure never fails.
    let _ = logical.analyzed.apply(|node| {
        rows |= matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_));
        Ok(TreeNodeRecursion::Continue)
    });
    if rows {
        return Err(Diagnostic::error(
            &codes::NOT_BOOLEAN,
            "a condition is about one row, without aggregates and windows",
        )
        .at(sql.place(1, 1, 1))
        .hint("a check of kind `sql` selects the rows that violate, with any SQL")
        .into());
    }
    let field = logical.analyzed.schema().field(0);
    match DataType::from_arrow(field) {
        Ok(DataType::Boolean) => Ok(()),
        Err(_) if field.data_type().is_null() => Ok(()),
        other => {
            let what = other.map_or_else(|_| field.data_type().to_string(), |data_type| data_type.to_string());
            Err(Diagnostic::error(&codes::NOT_BOOLEAN, format!("the condition is of type {what}, not boolean"))
                .at(sql.place(1, 1, u32::try_from(sql.sql.chars().count()).unwrap_or(1)))
                .into())
        }
    }
}

/// From a place in the condition to one in the file. A condition on one line is found in the file's line, behind its quotes;
/// of one over several lines only the place of the whole is known.
fn moved(diagnostic: Diagnostic, text: &str, place: &Place) -> Diagnostic {
    let within = diagnostic.place.as_ref().map_or((1, 1, 1), |within| (within.line, within.column, within.length));
    let (line, column, length) = within;
    let before: String = place.source_line.chars().take(place.column.saturating_sub(1) as usize).collect();
    let rest = place.source_line.get(before.len()..).unwrap_or_default();
    let at = match rest.find(text) {
        Some(offset) if line == 1 && !text.contains('\n') => {
            let skipped = rest.get(..offset).map_or(0, |skipped| skipped.chars().count());
            let skipped = u32::try_from(skipped).unwrap_or(0);
            Place { column: place.column + skipped + column.saturating_sub(1), length, ..place.clone() }
        }
        _ => place.clone(),
    };
    diagnostic.at(at)
}

//! Conditions that say the same of a row at any time, so that what was counted by them need not be counted again.
//!
//! Only what is known to be so is let through: columns, literals, operators, and functions that the engine calls
//! immutable. A function of the project is what its body is. The clock (`now()`, `$run_at`), chance and other rows are not.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use crate::functions::SqlFunction;

/// Of a plan that yields nothing but expressions over the rows of one table.
pub(crate) fn is_lasting(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            projection.expr.iter().all(is_lasting_expression) && is_lasting(&projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => is_lasting(&alias.input),
        LogicalPlan::TableScan(_) => true,
        _ => false,
    }
}

/// Of any plan: whether it gives the same rows over the same tables at any time. Nothing that it calls goes by the clock or
/// by chance. (Of rows that are not ordered, another choice may be made by `limit`.)
pub(crate) fn is_lasting_query(plan: &LogicalPlan) -> bool {
    let mut lasting = true;
    // The closures never fail.
    let _ = plan.apply_with_subqueries(|node| {
        let _ = node.apply_expressions(|expression| {
            lasting &= calls_nothing_fleeting(expression);
            Ok(if lasting { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        });
        Ok(if lasting { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    lasting
}

fn calls_nothing_fleeting(expression: &Expr) -> bool {
    let mut lasting = true;
    // The closure never fails.
    let _ = expression.apply(|part| {
        if let Expr::ScalarFunction(call) = part {
            lasting &= match call.func.inner().downcast_ref::<SqlFunction>() {
                Some(own) => !own.reads_run_at && calls_nothing_fleeting(&own.body),
                None => call.func.signature().volatility == Volatility::Immutable,
            };
        }
        Ok(if lasting { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    lasting
}

fn is_lasting_expression(expression: &Expr) -> bool {
    let mut lasting = true;
    // The closure never fails.
    let _ = expression.apply(|part| {
        lasting &= is_lasting_part(part);
        Ok(if lasting { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    lasting
}

/// Whether it is, as long as what it is made of is.
fn is_lasting_part(part: &Expr) -> bool {
    match part {
        Expr::ScalarFunction(call) => match call.func.inner().downcast_ref::<SqlFunction>() {
            Some(own) => !own.reads_run_at && is_lasting_expression(&own.body),
            None => call.func.signature().volatility == Volatility::Immutable,
        },
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::Literal(..)
        | Expr::BinaryExpr(_)
        | Expr::Like(_)
        | Expr::SimilarTo(_)
        | Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Negative(_)
        | Expr::Between(_)
        | Expr::Case(_)
        | Expr::Cast(_)
        | Expr::TryCast(_)
        | Expr::InList(_) => true,
        _ => false,
    }
}

//! Whether what a query yields can be put into given columns without losing anything silently.

use datafusion::logical_expr::LogicalPlan;
use lockgate_project::SqlText;
use lockgate_types::{DataType, Diagnostic, Diagnostics, Schema};

use crate::codes;
use crate::syntax::first_word;

/// Compares by position. Values are checked later, one by one.
pub(crate) fn check(sql: &SqlText, plan: &LogicalPlan, output: &Schema) -> Result<(), Diagnostics> {
    let mut wrong = Diagnostics::default();
    let fields = plan.schema().fields();
    let yields = fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
    let wanted = output.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
    if yields != wanted {
        let message = format!("the query yields {}, the table has {}", yields.join(", "), wanted.join(", "));
        return Err(Diagnostic::error(&codes::TYPE_MISMATCH, message).at(first_word(sql)).into());
    }
    for (field, column) in fields.iter().zip(&output.columns) {
        let fits = DataType::from_arrow(field).is_ok_and(|from| fits(&from, &column.data_type));
        if !fits {
            let from =
                DataType::from_arrow(field).map_or_else(|_| field.data_type().to_string(), |from| from.to_string());
            wrong.push(
                Diagnostic::error(
                    &codes::TYPE_MISMATCH,
                    format!("column `{}` is {from} in the query and {} in the table", column.name, column.data_type),
                )
                .at(first_word(sql))
                .hint(format!("cast it in the query: `{}::{}`", column.name, column.data_type)),
            );
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Whether every value either arrives unchanged or is refused by name. A double cut to an integer, or an instant to its day, is
/// neither.
fn fits(from: &DataType, to: &DataType) -> bool {
    use DataType::{Bigint, Date, Decimal, Double, Int, Json, List, String, Struct, Timestamp};
    match (from, to) {
        (from, to) if from == to => true,
        (Int | Bigint, Int | Bigint | Double | Decimal(..)) | (Decimal(..), Double) => true,
        (Decimal(_, from), Decimal(_, to)) => from <= to,
        (Date, Timestamp) | (Json, String) | (String, Json) => true,
        (List(from), List(to)) => fits(from, to),
        (Struct(from), Struct(to)) => {
            from.len() == to.len()
                && from.iter().zip(to).all(|((name, from), (wanted, to))| name == wanted && fits(from, to))
        }
        _ => false,
    }
}

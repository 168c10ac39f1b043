//! `where` as SQL.
//!
//! Null matches `isNull: true` and nothing else, neither under `ne` nor under `not`, as in SQL.

use async_graphql::Value;
use lockgate_types::DataType;

use super::literal::{Literal, quoted};
use super::model::{Column, Table};
use crate::problem::ApiResult;
use crate::request::bad;

/// Conditions of one `where`.
const CONDITIONS_MAX: usize = 200;
/// Values of one `in`.
const VALUES_MAX: usize = 1_000;
/// How deep `and`, `or` and `not` may stand in each other.
const DEPTH_MAX: usize = 10;

/// The condition over the table `t`; nothing when everything matches.
///
/// # Errors
/// Values of the wrong type, and more than the limits allow.
pub(super) fn condition(table: &Table, value: Option<&Value>) -> ApiResult<Option<String>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let mut left = CONDITIONS_MAX;
            let sql = all_of(table, value, DEPTH_MAX, &mut left)?;
            Ok(Some(sql))
        }
    }
}

fn all_of(table: &Table, value: &Value, depth: usize, left: &mut usize) -> ApiResult<String> {
    let Value::Object(fields) = value else { return Err(bad(format!("`{value}` is no condition"))) };
    let Some(below) = depth.checked_sub(1) else {
        return Err(bad(format!("a `where` is deeper than {DEPTH_MAX} levels")));
    };
    let mut parts = Vec::new();
    for (name, value) in fields {
        *left =
            left.checked_sub(1).ok_or_else(|| bad(format!("a `where` has more than {CONDITIONS_MAX} conditions")))?;
        match name.as_str() {
            "and" | "or" if matches!(value, Value::Null) => {}
            "and" | "or" => {
                let each: Vec<String> =
                    list(value).iter().map(|value| all_of(table, value, below, left)).collect::<ApiResult<_>>()?;
                parts.push(joined(each, name.as_str()));
            }
            "not" if matches!(value, Value::Null) => {}
            "not" => parts.push(format!("(not {})", all_of(table, value, below, left)?)),
            field => {
                let column = table.column(field).map(|index| &table.columns[index]);
                let column = column.ok_or_else(|| bad(format!("{} has no column `{field}`", table.field)))?;
                parts.push(of_column(column, value, left)?);
            }
        }
    }
    Ok(joined(parts, "and"))
}

fn joined(parts: Vec<String>, word: &str) -> String {
    match (parts.is_empty(), word) {
        (true, "or") => "false".to_owned(),
        (true, _) => "true".to_owned(),
        _ => format!("({})", parts.join(&format!(" {word} "))),
    }
}

/// One value stands for a list of it.
fn list(value: &Value) -> &[Value] {
    if let Value::List(values) = value { values } else { std::slice::from_ref(value) }
}

fn of_column(column: &Column, value: &Value, left: &mut usize) -> ApiResult<String> {
    let Value::Object(operators) = value else {
        return Err(bad(format!("`{}: {value}` is no condition", column.field)).hint("`isNull: true` looks for null"));
    };
    let name = column_sql(column)?;
    let mut parts = Vec::new();
    for (operator, value) in operators {
        *left =
            left.checked_sub(1).ok_or_else(|| bad(format!("a `where` has more than {CONDITIONS_MAX} conditions")))?;
        if matches!(value, Value::Null) {
            return Err(bad(format!("`{}: {{ {operator}: null }}` never matches", column.field))
                .hint("`isNull: true` looks for null; leave out what is not meant"));
        }
        parts.push(compared(column, &name, operator.as_str(), value)?);
    }
    Ok(joined(parts, "and"))
}

fn compared(column: &Column, name: &str, operator: &str, value: &Value) -> ApiResult<String> {
    let literal = || Literal::of_value(value, &column.data_type).map(|literal| literal.sql());
    let text = || Literal::of_value(value, &DataType::String).map(|literal| literal.sql());
    let infix = |sign: &str| literal().map(|literal| format!("{name} {sign} {literal}"));
    Ok(match operator {
        "eq" => among(column, name, std::slice::from_ref(value), false)?,
        "ne" => among(column, name, std::slice::from_ref(value), true)?,
        "lt" => infix("<")?,
        "lte" => infix("<=")?,
        "gt" => infix(">")?,
        "gte" => infix(">=")?,
        "in" | "notIn" => {
            let values = list(value);
            if values.len() > VALUES_MAX {
                return Err(bad(format!("`{operator}` has more than {VALUES_MAX} values")));
            }
            among(column, name, values, operator == "notIn")?
        }
        "isNull" => match value {
            Value::Boolean(true) => format!("{name} is null"),
            Value::Boolean(false) => format!("{name} is not null"),
            other => return Err(bad(format!("`{other}` is neither true nor false"))),
        },
        "like" => format!("{name} like {}", text()?),
        "ilike" => format!("{name} ilike {}", text()?),
        "startsWith" => format!("starts_with({name}, {})", text()?),
        "contains" => format!("contains({name}, {})", text()?),
        other => return Err(bad(format!("{} has no operator `{other}`", column.field))),
    })
}

/// Whether the column has one of the values, or, `turned`, another one.
fn among(column: &Column, name: &str, values: &[Value], turned: bool) -> ApiResult<String> {
    let literals: Vec<Literal> =
        values.iter().map(|value| Literal::of_value(value, &column.data_type)).collect::<ApiResult<_>>()?;
    // Statistics of files leave NaN out, so that comparing with it would pass over files that have it.
    let (nan, usual): (Vec<Literal>, Vec<Literal>) =
        literals.into_iter().partition(|literal| matches!(literal, Literal::Double(value) if value.is_nan()));
    let usual: Vec<String> = usual.iter().map(Literal::sql).collect();
    let mut parts = Vec::new();
    match &usual[..] {
        [] => {}
        [only] => parts.push(format!("{name} {} {only}", if turned { "<>" } else { "=" })),
        all => parts.push(format!("{name} {} ({})", if turned { "not in" } else { "in" }, all.join(", "))),
    }
    if !nan.is_empty() {
        parts.push(format!("{}isnan({name})", if turned { "not " } else { "" }));
    }
    Ok(match (parts.is_empty(), turned) {
        (true, false) => "false".to_owned(),
        (true, true) => format!("{name} is not null"),
        (false, _) => format!("({})", parts.join(if turned { " and " } else { " or " })),
    })
}

/// A column of the table `t`. The two characters that printers of SQL get wrong have no place in it.
///
/// # Errors
/// A name that cannot be written safely.
pub(super) fn column_sql(column: &Column) -> ApiResult<String> {
    if column.name.contains(['\\', '\0']) || column.name.contains("\"\"") {
        let shown = quoted(&column.name);
        return Err(bad(format!("the column {shown} cannot be read here")).hint("give it a plain name in its asset"));
    }
    Ok(format!("t.\"{}\"", column.name.replace('"', "\"\"")))
}

//! Pieces of SQL text, quoted.

use lockgate_types::AssetName;

/// A name as it is, case kept.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `"raw"."orders"`.
pub(crate) fn table(asset: &AssetName) -> String {
    format!("{}.{}", name(asset.schema()), name(asset.table()))
}

/// The live version beside the candidate: `"live"."raw__orders"`.
pub(crate) fn live_table(asset: &AssetName) -> String {
    format!("{}.{}", name("live"), name(&format!("{}__{}", asset.schema(), asset.table())))
}

/// A string literal.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A person's expression, closed in on lines of its own so that a comment in it ends there.
pub(crate) fn expression(expression: &str) -> String {
    format!("(\n{expression}\n)")
}

/// `where` and the conditions joined by `and`; nothing for no condition.
pub(crate) fn filter(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) }
}

pub(crate) fn names(columns: &[String]) -> String {
    columns.iter().map(|column| name(column)).collect::<Vec<_>>().join(", ")
}

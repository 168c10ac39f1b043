//! Columns that come, go, or change their type.

use lockgate_run::SchemaChange;

use super::style::Paint;

/// `+ column type`, `- column`, `~ column int → bigint`, one line each.
pub(crate) fn lines(change: &SchemaChange, paint: Paint) -> Vec<String> {
    let added = change.added.iter().map(|c| format!("{} {} {}", paint.good("+"), c.name, c.data_type));
    let removed = change.removed.iter().map(|c| format!("{} {} {}", paint.bad("-"), c.name, c.data_type));
    let retyped = change.retyped.iter().map(|(name, from, to)| format!("{} {name} {from} → {to}", paint.caution("~")));
    added.chain(removed).chain(retyped).collect()
}

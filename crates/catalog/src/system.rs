//! The tables of the queryable schema `lockgate`.

use lockgate_types::Schema;

/// One table, whole, as data.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemTable {
    pub columns: Schema,
    /// In the order of `columns`; timestamps are RFC 3339 text in UTC, the rest is JSON's own.
    pub rows: Vec<Vec<serde_json::Value>>,
}

/// The names that [`crate::Catalog::system_table`] answers to.
pub const SYSTEM_TABLES: &[&str] = &["runs", "tasks", "versions", "checks", "profiles", "audit"];

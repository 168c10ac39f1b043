//! The tables of the queryable schema `lockgate`.

use lockgate_types::{Column, DataType, Schema};

/// One table, whole, as data.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemTable {
    pub columns: Schema,
    /// In the order of `columns`; timestamps are RFC 3339 text in UTC, the rest is JSON's own.
    pub rows: Vec<Vec<serde_json::Value>>,
}

/// The names that [`crate::Catalog::system_table`] answers to.
pub const SYSTEM_TABLES: &[&str] =
    &["runs", "tasks", "versions", "checks", "profiles", "audit", "schedules", "deliveries"];

/// Those of them that only a server writes.
pub const SERVICE_TABLES: &[&str] = &["schedules", "deliveries"];

/// A column of a system table has the name of the column that it is read from.
pub(crate) type Columns = &'static [(&'static str, DataType)];

use DataType::{Bigint, Double, Json as JsonText, String as Text, Timestamptz};

const RUNS: Columns = &[
    ("id", Text),
    ("environment", Text),
    ("actor", Text),
    ("state", Text),
    ("as_of", Timestamptz),
    ("plan_hash", Text),
    ("pins", JsonText),
    ("started_at", Timestamptz),
    ("ended_at", Timestamptz),
];

const TASKS: Columns = &[
    ("run", Text),
    ("asset", Text),
    ("state", Text),
    ("attempts", Bigint),
    ("version", Bigint),
    ("started_at", Timestamptz),
    ("ended_at", Timestamptz),
    ("message", Text),
];

const VERSIONS: Columns = &[
    ("environment", Text),
    ("asset", Text),
    ("number", Bigint),
    ("state", Text),
    ("run", Text),
    ("actor", Text),
    ("published_by", Text),
    ("fingerprint", Text),
    ("checks_fingerprint", Text),
    ("inputs", JsonText),
    ("rows", Bigint),
    ("size_bytes", Bigint),
    ("base", Bigint),
    ("delta_version", Bigint),
    ("staged_at", Timestamptz),
    ("published_at", Timestamptz),
    ("as_of", Timestamptz),
    ("why", Text),
    ("restores", Bigint),
    ("build_ms", Bigint),
    ("audit_ms", Bigint),
    ("checks_passed", Bigint),
    ("checks_warned", Bigint),
    ("checks_known", Bigint),
    ("checks_suppressed", Bigint),
    ("checks_failed", Bigint),
    ("checks_errored", Bigint),
];

const CHECKS: Columns = &[
    ("environment", Text),
    ("asset", Text),
    ("version", Bigint),
    ("name", Text),
    ("kind", Text),
    ("section", Text),
    ("severity", Text),
    ("state", Text),
    ("failing", Bigint),
    ("total", Bigint),
    ("share", Double),
    ("message", Text),
    ("excuse", Text),
];

const PROFILES: Columns = &[
    ("environment", Text),
    ("asset", Text),
    ("version", Bigint),
    ("column_name", Text),
    ("nulls", Bigint),
    ("distinct_values", Bigint),
    ("min", Text),
    ("max", Text),
    ("mean", Double),
    ("quantiles", JsonText),
];

const AUDIT: Columns = &[
    ("sequence", Bigint),
    ("at", Timestamptz),
    ("actor", Text),
    ("action", Text),
    ("environment", Text),
    ("asset", Text),
    ("version", Bigint),
    ("why", Text),
    ("detail", JsonText),
];

const SCHEDULES: Columns = &[
    ("environment", Text),
    ("name", Text),
    ("done_until", Timestamptz),
    ("last_run", Text),
    ("paused_by", Text),
    ("paused_at", Timestamptz),
    ("paused_why", Text),
];

const DELIVERIES: Columns = &[
    ("environment", Text),
    ("id", Text),
    ("kind", Text),
    ("asset", Text),
    ("run", Text),
    ("receiver", Text),
    ("text", Text),
    ("state", Text),
    ("attempts", Bigint),
    ("made_at", Timestamptz),
    ("due_at", Timestamptz),
    ("sent_at", Timestamptz),
    ("last_error", Text),
];

/// The columns of a system table; `None` when there is none of that name.
pub fn system_columns(name: &str) -> Option<Schema> {
    let columns = columns(name)?.iter().map(|(name, data_type)| Column::new(*name, data_type.clone()));
    Some(Schema { columns: columns.collect() })
}

/// The columns of one of them.
pub(crate) fn columns(name: &str) -> Option<Columns> {
    match name {
        "runs" => Some(RUNS),
        "tasks" => Some(TASKS),
        "versions" => Some(VERSIONS),
        "checks" => Some(CHECKS),
        "profiles" => Some(PROFILES),
        "audit" => Some(AUDIT),
        "schedules" => Some(SCHEDULES),
        "deliveries" => Some(DELIVERIES),
        _ => None,
    }
}

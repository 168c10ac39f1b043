//! `load: { scd2: … }`: the statement yields the state of today; every state that a key had is kept.
//!
//! A key has at most one row that is open (`valid_to` is null). A row of the statement that differs from it in any
//! column closes it and opens the next; one that does not differ changes nothing.

use chrono::SecondsFormat;
use lockgate_kind::{Built, KindError};
use lockgate_project::Vanished;
use lockgate_types::number::rows;
use lockgate_types::{DataFile, DataType, Diagnostic, Schema};
use serde_json::Value as Json;

use super::{BUILD, Build, FILE, columns, equal, quoted, texts};
use crate::codes::TIME_RUNS_BACK;
use crate::prune::nulls_of;

/// The two columns that it adds.
pub(crate) const VALID: [&str; 2] = ["valid_from", "valid_to"];

pub(crate) struct Settings<'a> {
    pub(crate) key: &'a [String],
    pub(crate) updated_at: Option<&'a str>,
    pub(crate) vanished: Vanished,
}

pub(super) async fn build(build: &mut Build<'_>, settings: &Settings<'_>) -> Result<Built, KindError> {
    if let Some(live) = build.at_stake().filter(|live| live.rows > 0) {
        let rows = rows(live.rows);
        return Err(
            build.lost(&format!("the history of version {}, {rows}: the SQL yields the state of today", live.number))
        );
    }
    build.scratch("came").await?;
    build.keys_are_sound("came", settings.key).await?;
    let sort_by = build.cx.file.cluster_by.clone();
    let since = since(build, settings, "c");
    let opened = |condition: &str| {
        let came = columns(build.statement, "c.");
        format!("select {came}, {since} as valid_from, cast(null as timestamp with time zone) as valid_to {condition}")
    };
    let Some(live) = build.live.clone() else {
        let rows = opened(&format!("from {BUILD}.came as c"));
        let rows = conformed(build, &rows);
        let staged = build.stage_query(&rows, &sort_by).await?;
        build.cx.table.discard_scratch(build.cx.number).await?;
        return Ok(build.built(Vec::new(), staged, Json::Null));
    };

    // A file whose rows have all ended is not even looked at.
    let (open, mut kept): (Vec<DataFile>, Vec<DataFile>) =
        live.files.into_iter().partition(|file| nulls_of(file, VALID[1]).is_none_or(|open| open > 0));
    build.register_numbered("open", &open)?;
    let same = equal(settings.key, "l", "c");
    let first_of_key = quoted(&settings.key[0]);
    let differs = differs(build.statement, settings.key);
    let ends = match settings.vanished {
        Vanished::Close => format!("(c.{first_of_key} is null or {differs})"),
        Vanished::Keep => format!("(c.{first_of_key} is not null and {differs})"),
    };
    let joined = |table: &str| format!("{BUILD}.{table} as l left join {BUILD}.came as c on {same}");
    let ending = format!("from {} where l.valid_to is null and {ends}", joined("open"));
    runs_forward(build, settings, &ending, &since).await?;
    let (touched, untouched) = build.touched(&format!("select distinct l.\"{FILE}\" {ending}"), &open).await?;
    kept.extend(untouched);

    let fresh = format!(
        "from {BUILD}.came as c left join (select * from {BUILD}.open where valid_to is null) as l on {same} \
         where l.{first_of_key} is null or {differs}"
    );
    let mut rows = opened(&fresh);
    if !touched.is_empty() {
        build.register("touched", &build.cx.schema, &build.cx.file.partition_by, touched)?;
        let as_it_was = columns(build.statement, "l.");
        let closes = format!("case when l.valid_to is null and {ends} then {since} else l.valid_to end");
        rows = format!(
            "select {as_it_was}, l.valid_from, {closes} as valid_to from {} union all {rows}",
            joined("touched")
        );
    }
    let rows = conformed(build, &rows);
    let staged = build.stage_query(&rows, &sort_by).await?;
    build.cx.table.discard_scratch(build.cx.number).await?;
    Ok(build.built(kept, staged, Json::Null))
}

/// The columns in the order of the table.
fn conformed(build: &Build<'_>, rows: &str) -> String {
    format!("select {} from ({rows}) as r", columns(&build.cx.schema, "r."))
}

/// Since when a row is as it is; a key that vanished ended by the run's logical time.
fn since(build: &Build<'_>, settings: &Settings<'_>, came: &str) -> String {
    let as_of = build.cx.as_of.to_rfc3339_opts(SecondsFormat::Micros, true);
    let now = format!("cast('{as_of}' as timestamp with time zone)");
    match settings.updated_at {
        Some(column) => format!("coalesce({came}.{}, {now})", quoted(column)),
        None => now,
    }
}

/// Whether a row of the statement differs from the open one of its key.
fn differs(statement: &Schema, key: &[String]) -> String {
    let others = statement.columns.iter().filter(|column| !key.contains(&column.name));
    let parts: Vec<String> = others
        .map(|column| {
            let name = quoted(&column.name);
            match column.data_type {
                // Comparing these is not what the engine can do; their text is.
                DataType::List(_) | DataType::Struct(_) => {
                    format!("(cast(l.{name} as varchar) is distinct from cast(c.{name} as varchar))")
                }
                _ => format!("(l.{name} is distinct from c.{name})"),
            }
        })
        .collect();
    if parts.is_empty() { "false".to_owned() } else { format!("({})", parts.join(" or ")) }
}

/// A state ends after it began.
async fn runs_forward(build: &Build<'_>, settings: &Settings<'_>, ending: &str, since: &str) -> Result<(), KindError> {
    let key: Vec<String> = settings.key.iter().map(|column| format!("cast(l.{} as varchar)", quoted(column))).collect();
    let query = format!(
        "select {}, cast(l.valid_from as varchar), cast({since} as varchar) {ending} and {since} <= l.valid_from \
         order by 1 limit 1",
        key.join(", ")
    );
    let Some(row) = texts(&build.session().collect(&query).await?).into_iter().next() else { return Ok(()) };
    let file = &build.cx.file;
    let cells = |at: usize| row.get(at).map_or("", String::as_str);
    let width = settings.key.len();
    let message = format!(
        "the state of {} {} in {} began at {}, and would end at {}",
        settings.key.join(", "),
        row[..width].join(", "),
        file.name,
        cells(width),
        cells(width + 1)
    );
    let hint = match settings.updated_at {
        Some(column) => format!("a row that changes gets a later `{column}`"),
        None => "the run's logical time (--as-of) lies before that of an earlier run".to_owned(),
    };
    Err(KindError::permanent(
        Diagnostic::error(&TIME_RUNS_BACK, message).at(file.source.place(file.load_span)).hint(hint),
    ))
}

/// The columns of the table: those of the statement and the two that say when.
pub(crate) fn schema(statement: &Schema) -> Schema {
    let mut schema = statement.clone();
    for name in VALID {
        schema.columns.push(lockgate_types::Column::new(name, DataType::Timestamptz));
    }
    schema
}

//! The envelope of an asset file.

mod load;

use std::sync::Arc;

use lockgate_types::{AssetName, Diagnostic, Diagnostics};

use crate::folder::AssetParts;
use crate::resolve::Resolver;
use crate::shared::Shared;
use crate::yaml::{Map, Node, Span, Value};
use crate::{
    CheckEntry, ContractColumn, Fields, KeyDoc, Source, SqlText, check, codes, contract, header, planned, yaml,
};

pub use load::{Load, OnChange, Vanished};
pub(crate) use load::{load, on_change};

/// What a failed check does: hold the version, or only be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateMode {
    #[default]
    Block,
    Report,
}

/// One asset as its file says it, with what `_defaults.yml` above it gave.
#[derive(Clone, Debug)]
pub struct AssetFile {
    pub name: AssetName,
    /// `source`, `transform`, …; whether it exists is for the reader of kinds to say.
    pub kind: String,
    /// Line 0 when it is not said in `source`.
    pub kind_span: Span,
    /// Where the settings stand: the `.yml` file, or the `.sql` file with its header block.
    pub source: Arc<Source>,
    pub description: Option<String>,
    pub owner: Option<String>,
    /// Those of the folders above first.
    pub tags: Vec<String>,
    pub gate: GateMode,
    pub load: Load,
    pub on_change: OnChange,
    /// Of `load`. Line 0 when it is not said in `source`.
    pub load_span: Span,
    pub partition_by: Vec<String>,
    /// Line 0 when it is not said in `source`.
    pub partition_by_span: Span,
    pub cluster_by: Vec<String>,
    /// Line 0 when it is not said in `source`.
    pub cluster_by_span: Span,
    /// How often an attempt that failed is made again.
    pub retries: u32,
    /// The contract, in its order.
    pub columns: Option<Vec<ContractColumn>>,
    pub checks: Vec<CheckEntry>,
    /// Keys that the envelope does not know, for the kind to read: [`AssetFile::fields`].
    pub rest: Map,
    pub sql: Option<SqlText>,
}

impl AssetFile {
    /// Reads [`AssetFile::rest`] with a kind's own table; a misspelt key of the envelope is guessed too.
    pub fn fields<'a>(&'a self, docs: &'static [KeyDoc], diagnostics: &'a mut Diagnostics) -> Fields<'a> {
        Fields::new(&self.rest, &self.source, docs, diagnostics).beside(ENVELOPE_KEYS)
    }
}

/// The keys that every asset file takes.
pub const ENVELOPE_KEYS: &[KeyDoc] = &[
    KeyDoc {
        key: "kind",
        kind: "string",
        default: "`transform` for `.sql`",
        text: "What the asset is: `source`, `transform`, …",
    },
    KeyDoc { key: "description", kind: "string", default: "", text: "What its rows are, in prose." },
    KeyDoc { key: "owner", kind: "string", default: "", text: "The person or team to ask." },
    KeyDoc {
        key: "tags",
        kind: "string | list of strings",
        default: "",
        text: "Words to select by (`tag:finance`). Those of `_defaults.yml` above are added.",
    },
    KeyDoc {
        key: "gate",
        kind: "block | report",
        default: "block",
        text: "What a failed check does: `block` holds the version, `report` publishes it and tells. The nearest one \
               counts: the asset's, then its folders', then the environment's, then the project's.",
    },
    KeyDoc {
        key: "load",
        kind: "full | append | inline | map",
        default: "full",
        text: "How a build's rows meet those that are there: `full` replaces them, `append` adds to them, `inline` stores \
               nothing and is evaluated in its readers (SQL). The other ways are maps, and SQL's: `{ merge: { key: id } }`, \
               `{ partitions: [day] }`, `{ scd2: { key: id } }`, `{ time_range: { column: ts, grain: 1d } }`. Only the files \
               that a build touches are written anew; the version is checked as a whole all the same.",
    },
    KeyDoc { key: "load.append", kind: "map", default: "", text: "`load: append` of SQL that has several inputs." },
    KeyDoc {
        key: "load.append.from",
        kind: "string",
        default: "the only input",
        text: "The input whose rows are read once: a build sees those that were added to it since the live version was \
               built. The other inputs are read whole. Rows that were taken out of it fail the build.",
    },
    KeyDoc {
        key: "load.merge",
        kind: "map",
        default: "",
        text: "The rows of the SQL replace the rows of the same key; all others stay.",
    },
    KeyDoc {
        key: "load.merge.key",
        kind: "string | list of strings",
        default: "",
        text: "The columns of the key. A key that is null, or that the SQL yields twice, fails the build.",
    },
    KeyDoc {
        key: "load.merge.deletes",
        kind: "string",
        default: "",
        text: "A boolean column of the SQL: where it is true, the row's key is taken out. It is not stored.",
    },
    KeyDoc {
        key: "load.partitions",
        kind: "string | list of strings",
        default: "",
        text: "The rows of the SQL replace the partitions by these columns that they belong to. They are also \
               `partition_by`, unless that names more.",
    },
    KeyDoc {
        key: "load.scd2",
        kind: "map",
        default: "",
        text: "The SQL yields the state of today. Every state that a key had is kept, with two more columns: `valid_from` and \
               `valid_to` (null: it is so now), both timestamptz.",
    },
    KeyDoc {
        key: "load.scd2.key",
        kind: "string | list of strings",
        default: "",
        text: "The columns of the key. A key that is null, or that the SQL yields twice, fails the build.",
    },
    KeyDoc {
        key: "load.scd2.updated_at",
        kind: "string",
        default: "the run's logical time",
        text: "A timestamptz column that says since when a row has been as it is. A row that changed without it fails the build.",
    },
    KeyDoc {
        key: "load.scd2.vanished",
        kind: "close | keep",
        default: "close",
        text: "What becomes of a key that the SQL no longer yields: its row ends, or stays as it is.",
    },
    KeyDoc {
        key: "load.time_range",
        kind: "map",
        default: "",
        text: "The SQL is evaluated for ranges of time, and its rows replace those of the same ranges. Which ranges are \
               done is remembered; a run builds those that are missing, up to the last one that has ended by the run's logical \
               time. `--from` and `--to` build ranges again.",
    },
    KeyDoc {
        key: "load.time_range.column",
        kind: "string",
        default: "",
        text: "The day or instant of a row. Null fails the build.",
    },
    KeyDoc {
        key: "load.time_range.grain",
        kind: "string",
        default: "",
        text: "The length of a range: a part of a day (`15m`, `1h`) or whole days (`1d`, `7d`), counted in UTC from 1970-01-01.",
    },
    KeyDoc {
        key: "load.time_range.lookback",
        kind: "string",
        default: "",
        text: "So much before the end is built again each time, since data may come late.",
    },
    KeyDoc {
        key: "load.time_range.start",
        kind: "string",
        default: "the first row",
        text: "A day or an instant before which nothing is built.",
    },
    KeyDoc {
        key: "partition_by",
        kind: "string | list of strings",
        default: "",
        text: "Columns whose values divide the table into folders.",
    },
    KeyDoc {
        key: "cluster_by",
        kind: "string | list of strings",
        default: "",
        text: "Columns by which rows are sorted in the files.",
    },
    KeyDoc {
        key: "retries",
        kind: "integer",
        default: "3",
        text: "How often an attempt is made again when its fault may pass: a network that broke off, a server that asks to slow \
               down, a locked catalog, a file that changed while it was read. The waits between them double, with chance. What fails \
               the same way each time fails at once.",
    },
    KeyDoc {
        key: "columns",
        kind: "map",
        default: "",
        text: "The contract: the columns with their types, in order. It is enforced.",
    },
    KeyDoc {
        key: "columns.*",
        kind: "string | map",
        default: "",
        text: "A type (`boolean int bigint double decimal(p,s) string binary date timestamp timestamptz json list<…> \
               struct<…>`), or a map with it.",
    },
    KeyDoc {
        key: "columns.*.type",
        kind: "string",
        default: "",
        text: "The type. Quote `\"decimal(18,2)\"` inside `{ }`.",
    },
    KeyDoc { key: "columns.*.required", kind: "boolean", default: "false", text: "Null is refused." },
    KeyDoc { key: "columns.*.description", kind: "string", default: "", text: "What the column holds." },
    KeyDoc { key: "columns.*.pii", kind: "boolean", default: "false", text: "It holds personal data." },
    KeyDoc {
        key: "checks",
        kind: "list",
        default: "",
        text: "What has to be true of a version before it is published.",
    },
    KeyDoc {
        key: "on_change",
        kind: "rebuild | forward",
        default: "rebuild",
        text: "What a change of the code does to the rows that are there: `rebuild` builds them anew, `forward` lets them stay \
               and builds only what comes. `scd2`, and a source's `append`, are always `forward`.",
    },
];

/// Of an asset that says nothing.
const RETRIES: u32 = 3;

/// The kind of every `.sql` file.
const TRANSFORM: &str = "transform";

/// What reading a project needs throughout.
pub(crate) struct Context<'a> {
    pub(crate) resolver: Resolver<'a>,
    pub(crate) diagnostics: Diagnostics,
}

/// Reads one asset. `None` when anything is wrong with it.
pub(crate) fn read(parts: AssetParts, defaults: &Shared, cx: &mut Context<'_>) -> Option<AssetFile> {
    let AssetParts { name, yml, sql } = parts;
    let errors =
        |diagnostics: &Diagnostics| diagnostics.0.iter().filter(|d| d.level == lockgate_types::Level::Error).count();
    let before = errors(&cx.diagnostics);
    let (yml, sql) = (yml.map(Arc::new), sql.map(Arc::new));
    let (source, map, sql) = match (yml, sql) {
        (yml, Some(sql)) => {
            let split = match header::split(&sql.text) {
                Ok(split) => split,
                Err(error) => {
                    let span = Span { line: error.line, column: 1, length: 2 };
                    let wrong = Diagnostic::error(&codes::HEADER, error.message).at(sql.place(span));
                    cx.diagnostics.push(wrong.hint(error.hint));
                    header::Split { settings: None, sql: "", sql_line: 1 }
                }
            };
            let text = SqlText { sql: split.sql.to_owned(), first_line: split.sql_line, source: sql.clone() };
            if let (Some(yml), Some(_)) = (&yml, split.settings) {
                let message = format!("the settings stand here and in `{}`", yml.file.display());
                let place = sql.place(Span { line: 1, column: 1, length: 2 });
                cx.diagnostics
                    .push(Diagnostic::error(&codes::TWO_PLACES, message).at(place).hint("keep one of the two"));
            }
            match (yml, split.settings) {
                (Some(yml), _) => {
                    let map = settings(&yml, &yml.text, 1, cx);
                    (yml, map, Some(text))
                }
                (None, Some(block)) => (sql.clone(), settings(&sql, block, 2, cx), Some(text)),
                (None, None) => (sql, Some(Map::default()), Some(text)),
            }
        }
        (Some(yml), None) => {
            let map = settings(&yml, &yml.text, 1, cx);
            (yml, map, None)
        }
        (None, None) => return None,
    };
    let mut node = Node { value: Value::Map(map?), span: Span { line: 1, column: 1, length: 1 } };
    cx.resolver.resolve(&mut node, &source, &mut cx.diagnostics);
    let Value::Map(map) = node.value else { return None };
    let asset = envelope(name, map, source, sql, defaults, &mut cx.diagnostics);
    (errors(&cx.diagnostics) == before).then_some(asset)
}

fn settings(source: &Source, text: &str, first_line: u32, cx: &mut Context<'_>) -> Option<Map> {
    yaml::settings(source, text, first_line, "the settings", &mut cx.diagnostics)
}

fn envelope(
    name: AssetName,
    map: Map,
    source: Arc<Source>,
    sql: Option<SqlText>,
    defaults: &Shared,
    diagnostics: &mut Diagnostics,
) -> AssetFile {
    let mut fields = Fields::new(&map, &source, ENVELOPE_KEYS, diagnostics);
    let description = fields.string("description");
    let own = Shared::read(&mut fields);
    let kind = kind_of(&mut fields, &own, defaults, sql.is_some());
    let columns = contract::read(&mut fields);
    let checks = match fields.node("checks") {
        Some(node) => check::read(node, &source, fields.diagnostics()),
        None => Vec::new(),
    };
    let shared = own.over(defaults);
    let load = shared.load.unwrap_or_default();
    let on_change = on_change(&mut fields);
    fits(&mut fields, &load, sql.is_some());
    let on_change = changes(&mut fields, &load, on_change, sql.is_some());
    let partition_by = partitions(&mut fields, &load, shared.partition_by.unwrap_or_default());
    let span_of = |key: &str| map.get(key).map(|node| node.span).unwrap_or_default();
    let (kind_span, load_span) = (span_of("kind"), span_of("load"));
    let (partition_by_span, cluster_by_span) = (span_of("partition_by"), span_of("cluster_by"));
    let mut rest = Map::default();
    for (key, node) in map.entries {
        match ENVELOPE_KEYS.iter().find(|doc| doc.key == key.text) {
            Some(doc) if doc.kind == KeyDoc::NOT_BUILT => {
                diagnostics.push(planned::not_built(&format!("`{}`", key.text), source.place(key.span)));
            }
            Some(_) => {}
            None => rest.entries.push((key, node)),
        }
    }
    AssetFile {
        name,
        kind,
        kind_span,
        source,
        description,
        owner: shared.owner,
        tags: shared.tags,
        gate: shared.gate.unwrap_or_default(),
        load,
        on_change,
        load_span,
        partition_by,
        partition_by_span,
        cluster_by: shared.cluster_by.unwrap_or_default(),
        cluster_by_span,
        retries: shared.retries.unwrap_or(RETRIES),
        columns,
        checks,
        rest,
        sql,
    }
}

/// What the asset is; a missing or unfitting kind is reported.
fn kind_of(fields: &mut Fields<'_>, own: &Shared, defaults: &Shared, has_sql: bool) -> String {
    let span = fields.map().get("kind").map(|node| node.span).unwrap_or_default();
    match (&own.kind, has_sql) {
        (Some(kind), true) if kind != TRANSFORM => {
            let message = format!("the kind is `{kind}`, but a `.sql` file is a transform");
            fields.error(span, &codes::DOES_NOT_FIT, message).hint =
                Some("remove `kind`, or the `.sql` file of this name".to_owned());
            kind.clone()
        }
        (_, true) => TRANSFORM.to_owned(),
        (Some(kind), false) => {
            if kind == TRANSFORM {
                let sql = fields.source().file.with_extension("sql");
                let message = "a transform needs SQL, and there is none beside this file";
                fields.error(span, &codes::DOES_NOT_FIT, message).hint =
                    Some(format!("put its SELECT into `{}`", sql.display()));
            }
            kind.clone()
        }
        (None, false) => match &defaults.kind {
            Some(kind) => kind.clone(),
            None if fields.map().get("kind").is_some() => String::new(),
            None => {
                let error = fields.missing("kind", Span { line: 1, column: 1, length: 1 });
                error.expected = Some("what the asset is, such as `kind: source`".to_owned());
                String::new()
            }
        },
    }
}

/// Whether `load` goes with the rest.
fn fits(fields: &mut Fields<'_>, load: &Load, has_sql: bool) {
    let span = fields.map().get("load").map(|node| node.span).unwrap_or_default();
    let inherited = (span.line == 0).then(|| "it comes from a `_defaults.yml` above this file".to_owned());
    match load {
        Load::Full | Load::Append { from: None } => {}
        Load::Merge { .. } if !has_sql => {
            let mut error = planned::not_built("`load: merge` of a source", fields.source().place(span));
            error.hint = Some("append what comes, and merge it by key in SQL that reads it".to_owned());
            fields.diagnostics().push(error);
        }
        Load::Append { .. } | Load::Partitions { .. } | Load::Scd2 { .. } | Load::TimeRange { .. } if !has_sql => {
            let message = format!("only SQL can be `load: {}` with settings", load.as_str());
            fields.error(span, &codes::DOES_NOT_FIT, message).hint = inherited;
        }
        Load::Append { .. }
        | Load::Merge { .. }
        | Load::Partitions { .. }
        | Load::Scd2 { .. }
        | Load::TimeRange { .. } => {}
        Load::Inline if !has_sql => {
            fields.error(span, &codes::DOES_NOT_FIT, "only SQL can be `load: inline`").hint = inherited;
        }
        Load::Inline => {
            for key in ["checks", "partition_by", "cluster_by"] {
                if let Some(name) = fields.map().key(key) {
                    let message = format!("`{key}` has no place in an asset that is `load: inline`");
                    fields.error(name.span, &codes::DOES_NOT_FIT, message).hint =
                        Some("nothing of it is stored: put this on its readers, or use `load: full`".to_owned());
                }
            }
        }
    }
}

/// What a change of code does; an `on_change` that cannot be is reported.
fn changes(fields: &mut Fields<'_>, load: &Load, said: Option<OnChange>, has_sql: bool) -> OnChange {
    let keeps_history = matches!(load, Load::Scd2 { .. }) || (matches!(load, Load::Append { .. }) && !has_sql);
    if let (Some(said), Some(key)) = (said, fields.map().key("on_change")) {
        if !load.is_incremental() {
            let message = format!("`on_change` has no effect with `load: {}`", load.as_str());
            fields.error(key.span, &codes::DOES_NOT_FIT, message).hint =
                Some("it builds everything anew each time: remove the key".to_owned());
        } else if keeps_history && said == OnChange::Rebuild {
            let message = format!("`load: {}` cannot be built anew without losing history", load.as_str());
            fields.error(key.span, &codes::DOES_NOT_FIT, message).hint = Some(
                "it is always `forward`; `lockgate run NAME --full-refresh --confirm` starts over once".to_owned(),
            );
        }
    }
    if keeps_history { OnChange::Forward } else { said.unwrap_or_default() }
}

/// `load: partitions` replaces whole partitions, so the table is divided by its columns at least.
fn partitions(fields: &mut Fields<'_>, load: &Load, said: Vec<String>) -> Vec<String> {
    let Load::Partitions { columns } = load else { return said };
    if said.is_empty() {
        return columns.clone();
    }
    if let Some(missing) = columns.iter().find(|column| !said.contains(column)) {
        let span = fields.map().get("partition_by").or_else(|| fields.map().get("load"));
        let span = span.map(|node| node.span).unwrap_or_default();
        let message = format!("`load: partitions` replaces by `{missing}`, by which the table is not divided");
        fields.error(span, &codes::DOES_NOT_FIT, message).hint =
            Some(format!("add `{missing}` to `partition_by`, or leave `partition_by` out"));
    }
    said
}

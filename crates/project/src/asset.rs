//! The envelope of an asset file.

use std::sync::Arc;

use lockgate_types::{AssetName, Diagnostic, Diagnostics};

use crate::folder::AssetParts;
use crate::resolve::Resolver;
use crate::shared::Shared;
use crate::yaml::{Map, Node, Span, Value};
use crate::{
    CheckEntry, ContractColumn, Fields, KeyDoc, Source, SqlText, check, codes, contract, header, planned, yaml,
};

/// What a failed check does: hold the version, or only be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateMode {
    #[default]
    Block,
    Report,
}

/// How a build's rows meet the rows that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// They replace them.
    #[default]
    Full,
    /// They are added.
    Append,
    /// Nothing is stored; the SQL is evaluated in its readers.
    Inline,
}

impl Load {
    pub fn as_str(self) -> &'static str {
        match self {
            Load::Full => "full",
            Load::Append => "append",
            Load::Inline => "inline",
        }
    }
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
    /// Line 0 when it is not said in `source`.
    pub load_span: Span,
    pub partition_by: Vec<String>,
    /// Line 0 when it is not said in `source`.
    pub partition_by_span: Span,
    pub cluster_by: Vec<String>,
    /// Line 0 when it is not said in `source`.
    pub cluster_by_span: Span,
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
        kind: "full | append | inline",
        default: "full",
        text: "How a build's rows meet those that are there: `full` replaces them, `append` adds (sources), `inline` stores \
               nothing and is evaluated in its readers (SQL).",
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
        kind: KeyDoc::NOT_BUILT,
        default: "",
        text: "What a change of the code does to the rows that are there: `rebuild` or `forward`.",
    },
];

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
    fits(&mut fields, load, sql.is_some());
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
        load_span,
        partition_by: shared.partition_by.unwrap_or_default(),
        partition_by_span,
        cluster_by: shared.cluster_by.unwrap_or_default(),
        cluster_by_span,
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
fn fits(fields: &mut Fields<'_>, load: Load, has_sql: bool) {
    let span = fields.map().get("load").map(|node| node.span).unwrap_or_default();
    let inherited = (span.line == 0).then(|| "it comes from a `_defaults.yml` above this file".to_owned());
    match load {
        Load::Full => {}
        Load::Append if has_sql => {
            let mut error = planned::not_built("`load: append` of SQL", fields.source().place(span));
            error.hint = inherited.or_else(|| Some("`load: full` rebuilds the table each time".to_owned()));
            fields.diagnostics().push(error);
        }
        Load::Append => {}
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

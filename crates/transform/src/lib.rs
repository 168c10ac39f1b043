//! Kind `transform`: one SELECT over other assets.
//!
//! It owns what is particular to a SQL transform: which tables, variables and functions its statement uses, and
//! the build that streams the statement's result into staged files. It knows nothing of sources, checks or
//! publication. Python transforms come later and will live beside [`SqlTransform`].
//!
//! Cost: reading parses one statement; a build holds one batch per stream and what the engine's operators hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use lockgate_engine::{Parsed, Session};
use lockgate_kind::{Asset, BuildContext, Built, Input, Kind, KindError, Planned, stage_streams};
use lockgate_lake::Layout;
use lockgate_project::{AssetFile, KeyDoc, Load, Project, SqlText};
use lockgate_types::{Code, Diagnostic, Diagnostics, Place, Version};
use serde_json::{Value as Json, json};

static NO_SQL: Code = Code {
    id: "LG0231",
    title: "a transform without SQL",
    text: "A transform is a `.sql` file with one SELECT; its settings stand in a comment at its top or in `NAME.yml` beside it. \
           Here only the settings were found. Write the statement into `NAME.sql` in the same folder.",
};

static UNKNOWN_VAR: Code = Code {
    id: "LG0232",
    title: "unknown variable",
    text: "`$name` in SQL is a variable of `vars:` in `lockgate.yml`, or `$run_at`, the run's logical time. It is bound \
           as a typed value and never pasted into the text.\n\n```yaml\nvars: { since: \"2013-01-01\" }\n```",
};

static NOT_ITS_LOAD: Code = Code {
    id: "LG0233",
    title: "a load that transforms do not have yet",
    text: "A SQL transform is `load: full` (the default) or `load: inline` in this build.",
};

/// The diagnostics of this crate.
pub const CODES: &[&Code] = &[&NO_SQL, &UNKNOWN_VAR, &NOT_ITS_LOAD];

/// The kind, for the binary's list.
pub fn kind() -> Arc<dyn Kind> {
    Arc::new(TransformKind)
}

#[derive(Debug)]
struct TransformKind;

impl Kind for TransformKind {
    fn name(&self) -> &'static str {
        "transform"
    }

    fn doc(&self) -> &'static str {
        "One SELECT in the engine's dialect (PostgreSQL's, as DataFusion speaks it), in a `.sql` file. Its settings are \
         YAML between a first line `/*` and the first line that is only `*/`, or stand in `NAME.yml` beside it. \
         Dependencies come from the SQL itself. `load` is `full` (every run yields the whole table) or `inline` (not \
         stored: evaluated in its readers)."
    }

    fn keys(&self) -> &'static [KeyDoc] {
        &[]
    }

    fn read(&self, file: &Arc<AssetFile>, project: &Project) -> Result<Arc<dyn Asset>, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        file.fields(self.keys(), &mut diagnostics).finish();
        let Some(sql) = &file.sql else {
            diagnostics.push(
                Diagnostic::error(&NO_SQL, format!("{} has settings, but no SQL", file.name))
                    .at(Place::file(&file.source.file))
                    .hint(format!("write the SELECT into {}", file.source.file.with_extension("sql").display())),
            );
            return Err(diagnostics);
        };
        if !matches!(file.load, Load::Full | Load::Inline) {
            diagnostics.push(
                Diagnostic::error(&NOT_ITS_LOAD, format!("{} is a transform and cannot load so", file.name))
                    .at(file.source.place(file.load_span))
                    .expected("full or inline"),
            );
        }
        let parsed = match lockgate_engine::parse(sql) {
            Ok(parsed) => parsed,
            Err(found) => {
                diagnostics.extend(found);
                return Err(diagnostics);
            }
        };
        for (name, place) in &parsed.vars {
            if !project.vars.contains_key(name) && name != "run_at" {
                diagnostics.push(unknown_var(name, place, project));
            }
        }
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        Ok(Arc::new(SqlTransform::new(file, sql, parsed, project)))
    }
}

fn unknown_var(name: &str, place: &Place, project: &Project) -> Diagnostic {
    let known: Vec<&str> = project.vars.keys().map(String::as_str).chain(["run_at"]).collect();
    let diagnostic = Diagnostic::error(&UNKNOWN_VAR, format!("no variable is named `{name}`"))
        .at(place.clone())
        .expected(format!("one of {}", known.join(", ")));
    match lockgate_types::diagnostic::did_you_mean(name, known) {
        Some(near) => diagnostic.hint(format!("did you mean `${near}`?")),
        None => diagnostic.hint("declare it under `vars:` in lockgate.yml"),
    }
}

/// One statement with what it uses.
#[derive(Debug)]
pub struct SqlTransform {
    sql: SqlText,
    inline: bool,
    inputs: Vec<Input>,
    code: Json,
}

impl SqlTransform {
    fn new(file: &AssetFile, sql: &SqlText, parsed: Parsed, project: &Project) -> SqlTransform {
        let vars: BTreeMap<&str, String> = parsed
            .vars
            .iter()
            .filter_map(|(name, _)| project.vars.get(name).map(|var| (name.as_str(), format!("{var:?}"))))
            .collect();
        SqlTransform {
            sql: sql.clone(),
            inline: file.load == Load::Inline,
            code: json!({ "sql": parsed.canonical, "vars": vars, "functions": functions_used(&parsed, project) }),
            inputs: parsed.tables.into_iter().map(|table| Input { name: table.name, place: table.place }).collect(),
        }
    }
}

/// The texts of the project's functions that a statement may call. A function may call another one, so a
/// statement that calls any of them is taken to use them all: too much is a build too many, too little a stale table.
fn functions_used(parsed: &Parsed, project: &Project) -> Vec<String> {
    let texts: Vec<String> =
        project.functions.iter().map(|function| canonical_function(&function.source.text)).collect();
    let called =
        parsed.functions.iter().any(|name| texts.iter().any(|text| text.to_lowercase().contains(name.as_str())));
    if called { texts } else { Vec::new() }
}

/// White space and line comments are no change.
fn canonical_function(text: &str) -> String {
    let code = text.lines().map(|line| line.split("--").next().unwrap_or("").trim()).filter(|line| !line.is_empty());
    code.collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Asset for SqlTransform {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn code(&self) -> Json {
        self.code.clone()
    }

    fn inline(&self) -> Option<&SqlText> {
        self.inline.then_some(&self.sql)
    }

    fn query(&self) -> Option<&SqlText> {
        Some(&self.sql)
    }

    async fn plan(&self, session: &Session, _live: Option<&Version>) -> Result<Planned, Diagnostics> {
        let planned = session.plan(&self.sql).await?;
        Ok(Planned { schema: planned.schema, lineage: planned.lineage, warnings: Vec::new() })
    }

    async fn build(&self, cx: BuildContext) -> Result<Built, KindError> {
        let layout = Layout { partition_by: cx.file.partition_by.clone(), ..Layout::default() };
        let set = cx.table.stage_set(cx.number, &cx.schema, layout);
        let streams = cx.session.build(&self.sql, &cx.schema, &cx.file.cluster_by).await?;
        let staged = stage_streams(streams, &set, 0, &cx.progress, &cx.cancel).await?;
        Ok(Built {
            files: staged.files,
            rows: staged.rows,
            size_bytes: staged.size_bytes,
            schema: cx.schema,
            rejects: None,
            rows_read: staged.rows,
            source_state: Json::Null,
            warnings: Vec::new(),
        })
    }
}

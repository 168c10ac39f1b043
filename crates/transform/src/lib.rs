//! Kind `transform`: one SELECT over other assets.
//!
//! It owns what is particular to a SQL transform: which tables, variables and functions its statement uses, and
//! the build that streams the statement's result into staged files. It knows nothing of sources, checks or
//! publication. Python transforms come later and will live beside [`SqlTransform`].
//!
//! Cost: reading parses one statement; a build holds one batch per stream and what the engine's operators hold.

mod codes;
mod load;
mod prune;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use lockgate_engine::{Parsed, Session};
use lockgate_kind::{Asset, BuildContext, Built, Input, Kind, KindError, ObserveContext, Outside, Planned};
use lockgate_project::{AssetFile, KeyDoc, Load, Project, SqlText};
use lockgate_types::{Column, DataType, Diagnostic, Diagnostics, Place, Schema, Version};
use serde_json::{Value as Json, json};

pub use codes::CODES;
use codes::{LOAD_COLUMN, NO_SQL, UNKNOWN_VAR};

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
         Dependencies come from the SQL itself. `load` says how what it yields meets what is there: `full` (it is the whole \
         table), `inline` (not stored: evaluated in its readers), or bit by bit: `append`, `merge`, `partitions`, `scd2`, \
         `time_range`."
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
        appends_from_one(file, &parsed, &mut diagnostics);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        Ok(Arc::new(SqlTransform::new(file, sql, parsed, project)))
    }
}

/// `append` reads the rows of one input once; which one must be plain.
fn appends_from_one(file: &AssetFile, parsed: &Parsed, diagnostics: &mut Diagnostics) {
    let Load::Append { from } = &file.load else { return };
    let inputs: BTreeSet<String> = parsed.tables.iter().map(|table| table.name.to_string()).collect();
    let place = || file.source.place(file.load_span);
    let all: Vec<&str> = inputs.iter().map(String::as_str).collect();
    match from {
        None if inputs.len() == 1 => {}
        None => diagnostics.push(
            Diagnostic::error(&LOAD_COLUMN, format!("{} appends, and reads {}", file.name, all.join(", ")))
                .at(place())
                .hint("say whose rows are read once: load: { append: { from: NAME } }; the others are read whole"),
        ),
        Some(from) if inputs.contains(&from.to_string()) => {}
        Some(from) => {
            let error = Diagnostic::error(&LOAD_COLUMN, format!("{} does not read {from}", file.name)).at(place());
            diagnostics.push(error.expected(format!("one of {}", all.join(", "))));
        }
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
    file: Arc<AssetFile>,
    inputs: Vec<Input>,
    code: Json,
}

impl SqlTransform {
    fn new(file: &Arc<AssetFile>, sql: &SqlText, parsed: Parsed, project: &Project) -> SqlTransform {
        let functions = functions_used(&parsed, project);
        // A function may use any variable.
        let is_used = |name: &str| !functions.is_empty() || parsed.vars.iter().any(|(used, _)| used == name);
        let vars: BTreeMap<&str, String> = project
            .vars
            .iter()
            .filter(|(name, _)| is_used(name))
            .map(|(name, var)| (name.as_str(), format!("{var:?}")))
            .collect();
        SqlTransform {
            sql: sql.clone(),
            file: Arc::clone(file),
            code: json!({ "sql": parsed.canonical, "vars": vars, "functions": functions }),
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
        (self.file.load == Load::Inline).then_some(&self.sql)
    }

    fn has_outside(&self) -> bool {
        matches!(self.file.load, Load::TimeRange { .. })
    }

    fn takes_ranges(&self) -> bool {
        matches!(self.file.load, Load::TimeRange { .. })
    }

    fn query(&self) -> Option<&SqlText> {
        Some(&self.sql)
    }

    async fn plan(&self, session: &Session, _live: Option<&Version>) -> Result<Planned, Diagnostics> {
        let planned = session.plan(&self.sql).await?;
        let schema = self.stored(planned.schema.clone())?;
        let yields = Some(planned.schema).filter(|yields| *yields != schema);
        let lineage = planned.lineage.into_iter().filter(|line| schema.column(&line.column).is_some()).collect();
        Ok(Planned { schema, yields, lineage, warnings: Vec::new() })
    }

    async fn observe(&self, cx: ObserveContext<'_>) -> Result<Outside, KindError> {
        match &self.file.load {
            Load::TimeRange { column, grain, lookback, start } => {
                let settings = load::TimeRange { column, grain: *grain, lookback: *lookback, start: *start };
                Ok(load::due(&settings, cx.live, cx.as_of))
            }
            Load::Full
            | Load::Inline
            | Load::Append { .. }
            | Load::Merge { .. }
            | Load::Partitions { .. }
            | Load::Scd2 { .. } => Ok(Outside::None),
        }
    }

    async fn build(&self, cx: BuildContext) -> Result<Built, KindError> {
        let statement = match &self.file.load {
            // The marker of deleted rows is yielded and not stored, the times of a state are stored and not yielded.
            Load::Merge { deletes: Some(_), .. } | Load::Scd2 { .. } => cx.session.plan(&self.sql).await?.schema,
            _ => cx.schema.clone(),
        };
        load::build(cx, &self.sql, &statement).await
    }
}

impl SqlTransform {
    /// The columns that are stored of what the statement yields; everything that `load` says of them is looked at.
    fn stored(&self, statement: Schema) -> Result<Schema, Diagnostics> {
        let load = &self.file.load;
        let mut wrong = Diagnostics::default();
        for name in load.columns().into_iter().filter(|name| statement.column(name).is_none()) {
            wrong.push(self.no_column(name, &statement));
        }
        match load {
            Load::Full | Load::Inline | Load::Append { .. } | Load::Partitions { .. } => {}
            Load::Merge { key, deletes } => {
                let Some(marker) = deletes else { return self.unless(wrong, statement) };
                if key.contains(marker) {
                    wrong.push(self.does_not_fit(format!("`{marker}` is in the key and marks deleted rows")));
                }
                match statement.column(marker) {
                    None => wrong.push(self.no_column(marker, &statement)),
                    Some(column) if column.data_type != DataType::Boolean => wrong.push(
                        self.does_not_fit(format!("`deletes: {marker}` is {}, and marks nothing", column.data_type))
                            .expected("a boolean column"),
                    ),
                    Some(_) => {}
                }
                let columns = statement.columns.into_iter().filter(|column| column.name != *marker).collect();
                return self.unless(wrong, Schema { columns });
            }
            Load::Scd2 { updated_at, .. } => {
                for name in load::VALID {
                    if statement.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
                        wrong.push(self.does_not_fit(format!("`{name}` is added by `load: scd2` itself")));
                    }
                }
                match updated_at.as_ref().map(|name| (name, statement.column(name))) {
                    Some((name, None)) => wrong.push(self.no_column(name, &statement)),
                    Some((name, Some(column))) if column.data_type != DataType::Timestamptz => wrong.push(
                        self.does_not_fit(format!("`updated_at: {name}` is {}", column.data_type))
                            .expected("a timestamptz column"),
                    ),
                    Some((_, Some(_))) | None => {}
                }
                return self.unless(wrong, load::with_validity(&statement));
            }
            Load::TimeRange { column, grain, lookback, start } => {
                let settings = load::TimeRange { column, grain: *grain, lookback: *lookback, start: *start };
                if let Some(Err(what)) =
                    statement.column(column).map(|column: &Column| load::settled(&settings, column))
                {
                    wrong.push(self.does_not_fit(what));
                }
            }
        }
        self.unless(wrong, statement)
    }

    fn unless(&self, wrong: Diagnostics, schema: Schema) -> Result<Schema, Diagnostics> {
        if wrong.is_empty() { Ok(schema) } else { Err(wrong) }
    }

    fn does_not_fit(&self, message: String) -> Diagnostic {
        Diagnostic::error(&LOAD_COLUMN, message).at(self.file.source.place(self.file.load_span))
    }

    fn no_column(&self, name: &str, statement: &Schema) -> Diagnostic {
        let names: Vec<&str> = statement.columns.iter().map(|column| column.name.as_str()).collect();
        let load = self.file.load.as_str();
        let error = self.does_not_fit(format!("`load: {load}` names `{name}`, which the SQL does not yield"));
        match lockgate_types::diagnostic::did_you_mean(name, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.expected(format!("one of {}", names.join(", "))),
        }
    }
}

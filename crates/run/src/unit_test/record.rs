//! `lockgate test --record`: a test made from published rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat_batches;
use chrono::{DateTime, SubsecRound, Utc};
use lockgate_engine::{EngineError, PinnedTable};
use lockgate_project::unit_test::{self as format, FoundFile};
use lockgate_project::{Source, SqlText, Var};
use lockgate_types::{AssetName, Column, Diagnostic, Diagnostics, Place, Schema, Version, VersionNumber};
use serde::Serialize;

use super::cell::{self, Cell};
use super::mask::{Invented, personal};
use super::write::{Recording, Rows, render};
use super::{Over, TestOutcome, batch, cells, found, not_testable, order, sample, usual_run_at};
use crate::error::CANNOT_RECORD;
use crate::{Graph, Node, RunError, Workspace};

/// What `--record` wrote.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedTest {
    pub asset: AssetName,
    /// Relative to the project.
    pub file: PathBuf,
    pub inputs: Vec<RecordedInput>,
    /// How many rows come out.
    pub rows: u64,
    pub masked: Vec<Masked>,
    /// Columns of the result that hold secrets.
    pub left_out: Vec<String>,
    #[serde(skip)]
    pub warnings: Diagnostics,
}

/// The version of an input that the rows are of, and how many of them were taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedInput {
    pub asset: AssetName,
    pub version: VersionNumber,
    pub rows: u64,
}

/// A column of personal data, whose values were replaced by invented ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Masked {
    pub asset: AssetName,
    pub column: String,
}

/// Functions that say the time, when they are no variable.
const TIME_FUNCTIONS: [&str; 7] =
    ["now", "current_timestamp", "current_date", "current_time", "localtimestamp", "localtime", "today"];

/// What SQL uses beside its tables.
#[derive(Default)]
struct Uses {
    vars: BTreeSet<String>,
    time: bool,
}

impl Workspace {
    /// Writes `tests/WORD.yml`, where the word is an asset's name or that and `.anything`: up to `rows` published rows of each
    /// input that lead to something, and what the asset's SQL makes of them.
    ///
    /// # Errors
    /// [`RunError::Invalid`] when the file is there already, the asset is no SELECT or an input has no published version;
    /// [`RunError::Failed`] when the SQL gives other rows each time.
    pub async fn record_unit_test(&self, graph: &Graph, word: &str, rows: usize) -> Result<RecordedTest, RunError> {
        let (node, file) = self.to_record(graph, word)?;
        let Some(sql) = node.asset.query() else { return Err(RunError::Invalid(not_testable(node).into())) };
        let versions = self.published_inputs(graph, node).await?;
        let uses = self.uses(graph, node, sql)?;
        let newest = versions.values().map(|version| version.as_of).max();
        let run_at = newest.filter(|_| uses.time).map(|at| at.trunc_subsecs(0));
        let mut over = self.over(graph, node, sql, run_at);
        let read = self.columns_read(graph, &versions, &over)?;
        let leads = self.sample(graph, &versions, &read, &mut over, rows).await?;

        let mut given = BTreeMap::new();
        for (name, (schema, table)) in &over.tables {
            let all: Vec<usize> = (0..schema.columns.len()).collect();
            given.insert(name.clone(), cells(schema, std::slice::from_ref(table), &all));
        }
        let personal = personal(graph, node, &versions.keys().cloned().collect());
        let is_read = |(asset, column): &&(AssetName, String)| read.get(asset).is_some_and(|c| c.contains(column));
        let personal: BTreeSet<(AssetName, String)> = personal.iter().filter(is_read).cloned().collect();
        self.conceal(&mut given, &over, &personal);
        for (name, rows) in &given {
            if let Some((schema, table)) = over.tables.get_mut(name) {
                *table = batch(schema, rows).map_err(|error| EngineError::Execution(error.to_string()))?;
            }
        }

        let came = self.rows_of(&over).await?;
        let all: Vec<usize> = (0..over.output.columns.len()).collect();
        let mut came = cells(&over.output, &came, &all);
        // The test does not say `ordered`, and two recordings of the same rows are the same file.
        came.sort_by(|one, two| cell::order(one, two));
        let (kept, left_out): (Vec<usize>, Vec<usize>) =
            all.into_iter().partition(|index| !self.holds_secret(&over.output.columns[*index], &came, *index));
        if kept.is_empty() {
            let error = Diagnostic::error(&CANNOT_RECORD, format!("every column of {} holds a secret", node.file.name));
            return Err(RunError::Invalid(error.into()));
        }
        let left_out: Vec<String> = left_out.iter().map(|index| over.output.columns[*index].name.clone()).collect();
        let text = render(&Recording {
            inputs: &versions.iter().map(|(name, version)| (name.clone(), version.number)).collect(),
            given: given
                .iter()
                .filter_map(|(name, rows)| Some((name.clone(), given_rows(&over, &read, name, rows)?)))
                .collect(),
            vars: self.shown_vars(&uses),
            run_at,
            expect: Rows {
                columns: kept.iter().map(|index| &over.output.columns[*index]).collect(),
                rows: came.iter().map(|row| kept.iter().map(|index| row[*index].clone()).collect()).collect(),
                nulls: true,
            },
            invented: personal.iter().map(|(asset, column)| format!("{asset}.{column}")).collect(),
            left_out: left_out.clone(),
        });
        self.passes(graph, &file, &text).await?;
        write_new(&self.project.root, &file.file, &text)?;
        Ok(RecordedTest {
            asset: node.file.name.clone(),
            inputs: versions
                .iter()
                .map(|(name, version)| RecordedInput {
                    asset: name.clone(),
                    version: version.number,
                    rows: given.get(name).map_or(0, Vec::len) as u64,
                })
                .collect(),
            rows: came.len() as u64,
            masked: personal.into_iter().map(|(asset, column)| Masked { asset, column }).collect(),
            left_out,
            warnings: nothing_comes(&file, &came, leads, rows),
            file: file.file,
        })
    }

    /// The asset, and the file to write.
    fn to_record<'g>(&self, graph: &'g Graph, word: &str) -> Result<(&'g Node, FoundFile), RunError> {
        let invalid = |diagnostic: Diagnostic| RunError::Invalid(diagnostic.into());
        let asset = format::asset_of(word).map_err(|error| {
            let error = Diagnostic::error(&CANNOT_RECORD, error.to_string());
            invalid(error.expected("an asset's name, or that and `.anything`"))
        })?;
        let node = graph.node(&asset)?;
        let rest = word.strip_prefix(&asset.to_string()).unwrap_or_default();
        let is_plain =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if !rest.is_empty() && !rest.split('.').skip(1).all(is_plain) {
            let error = Diagnostic::error(&CANNOT_RECORD, format!("`{word}` cannot be the name of a file"));
            return Err(invalid(error.expected(format!("{asset}.anything, of letters, digits, `_` and `-`"))));
        }
        let file = found(word, &asset);
        if std::fs::symlink_metadata(self.project.root.join(&file.file)).is_ok() {
            return Err(invalid(there_already(&file.file)));
        }
        Ok((node, file))
    }

    /// The live versions of the stored inputs.
    async fn published_inputs(&self, graph: &Graph, node: &Node) -> Result<BTreeMap<AssetName, Version>, RunError> {
        let mut versions = BTreeMap::new();
        let mut missing = Diagnostics::default();
        for name in graph.stored_inputs(node) {
            match self.catalog.live_one(self.env(), &name).await? {
                Some(version) => {
                    versions.insert(name, version);
                }
                None => missing.extend(RunError::NothingPublished { asset: name }.diagnostics()),
            }
        }
        if missing.has_errors() { Err(RunError::Invalid(missing)) } else { Ok(versions) }
    }

    fn uses(&self, graph: &Graph, node: &Node, sql: &SqlText) -> Result<Uses, RunError> {
        let inline = graph.inline_inputs(node);
        let inline = inline.iter().filter_map(|name| graph.nodes().get(name)?.asset.inline());
        let mut uses = Uses::default();
        let mut called = BTreeSet::new();
        for sql in inline.chain([sql]) {
            let parsed = lockgate_engine::parse(sql).map_err(RunError::Invalid)?;
            uses.vars.extend(parsed.vars.into_iter().map(|(name, _)| name));
            called.extend(parsed.functions);
        }
        uses.time |= TIME_FUNCTIONS.iter().any(|name| called.contains(*name));
        // What a function of the project uses is read off its text: too much does no harm.
        for function in &self.project.functions {
            let text = function.source.text.to_lowercase();
            if called.iter().any(|name| text.contains(name.as_str())) {
                uses.vars.extend(self.project.vars.keys().filter(|name| text.contains(&format!("${name}"))).cloned());
                uses.time |= text.contains("$run_at") || TIME_FUNCTIONS.iter().any(|name| text.contains(name));
            }
        }
        uses.time |= uses.vars.remove("run_at");
        Ok(uses)
    }

    /// The SELECT, over nothing yet.
    fn over(&self, graph: &Graph, node: &Node, sql: &SqlText, run_at: Option<DateTime<Utc>>) -> Over {
        let inline = graph.inline_inputs(node).into_iter();
        Over {
            sql: sql.clone(),
            output: node.yields.clone(),
            sort_by: order(node),
            vars: self.project.vars.clone(),
            run_at: run_at.unwrap_or_else(usual_run_at),
            tables: BTreeMap::new(),
            inline: inline
                .filter_map(|name| {
                    let sql = graph.nodes().get(&name)?.asset.inline()?.clone();
                    Some((name, sql))
                })
                .collect(),
        }
    }

    /// The columns of each input that matter to the result.
    fn columns_read(
        &self,
        graph: &Graph,
        versions: &BTreeMap<AssetName, Version>,
        over: &Over,
    ) -> Result<BTreeMap<AssetName, BTreeSet<String>>, RunError> {
        let session = self.session_with(&over.vars, over.run_at)?;
        for name in versions.keys() {
            session.register(PinnedTable::empty(name.clone(), graph.node(name)?.schema.clone()))?;
        }
        for (name, sql) in &over.inline {
            session.register_inline(name, sql).map_err(RunError::Invalid)?;
        }
        Ok(session.columns_read(&over.sql)?)
    }

    /// Fills `over` with a few rows of each input. Whether anything comes of them.
    async fn sample(
        &self,
        graph: &Graph,
        versions: &BTreeMap<AssetName, Version>,
        read: &BTreeMap<AssetName, BTreeSet<String>>,
        over: &mut Over,
        rows: usize,
    ) -> Result<bool, RunError> {
        let nothing = BTreeSet::new();
        for pool in sample::POOLS {
            for (name, version) in versions {
                let schema = graph.node(name)?.schema.clone();
                let table = self.pool(version, &schema, read.get(name).unwrap_or(&nothing), pool).await?;
                over.tables.insert(name.clone(), (schema, table));
            }
            if sample::score(self, over).await?.values > 0 {
                sample::shrink(self, over, rows).await?;
                return Ok(sample::score(self, over).await?.values > 0);
            }
            if versions.values().all(|version| version.rows <= pool as u64) {
                break;
            }
        }
        for (_, table) in over.tables.values_mut() {
            *table = table.slice(0, table.num_rows().min(rows));
        }
        Ok(false)
    }

    /// The first rows of a version, with nulls in the columns that nobody reads.
    async fn pool(
        &self,
        version: &Version,
        schema: &Schema,
        read: &BTreeSet<String>,
        rows: usize,
    ) -> Result<RecordBatch, RunError> {
        let mut narrow =
            Schema { columns: schema.columns.iter().filter(|c| read.contains(&c.name)).cloned().collect() };
        if narrow.columns.is_empty() {
            // How many rows there are is read off any column.
            narrow.columns.extend(schema.columns.first().cloned());
        }
        let table = self.lake.table(&version.asset);
        let batches = table.read(&version.files, &narrow, &version.partition_by, Some(rows)).await?;
        let engine = |error: arrow::error::ArrowError| EngineError::Execution(error.to_string());
        let all = concat_batches(&narrow.to_arrow(), &batches).map_err(engine)?;
        let arrow = schema.to_arrow();
        let column = |column: &Column| -> ArrayRef {
            let there = if read.contains(&column.name) { all.column_by_name(&column.name) } else { None };
            there.map_or_else(|| new_null_array(&column.data_type.to_arrow(), all.num_rows()), Arc::clone)
        };
        let options = RecordBatchOptions::new().with_row_count(Some(all.num_rows()));
        Ok(RecordBatch::try_new_with_options(arrow, schema.columns.iter().map(column).collect(), &options)
            .map_err(engine)?)
    }

    /// Replaces personal data by invented values, and secrets by `***`.
    fn conceal(
        &self,
        given: &mut BTreeMap<AssetName, Vec<Vec<Cell>>>,
        over: &Over,
        personal: &BTreeSet<(AssetName, String)>,
    ) {
        let mut invented = Invented::default();
        for (name, rows) in given {
            let Some((schema, _)) = over.tables.get(name) else { continue };
            for (index, column) in schema.columns.iter().enumerate() {
                let is_personal = personal.contains(&(name.clone(), column.name.clone()));
                for row in &mut *rows {
                    let cell = &mut row[index];
                    if is_personal {
                        *cell = invented.for_value(cell, &column.data_type);
                    } else if let Some(text) = cell.text(&column.data_type) {
                        let redacted = self.redact(&text);
                        if redacted != text {
                            *cell = match cell {
                                Cell::Text(_) => Cell::Text(redacted),
                                _ => Cell::Null,
                            };
                        }
                    }
                }
            }
        }
    }

    fn holds_secret(&self, column: &Column, rows: &[Vec<Cell>], index: usize) -> bool {
        let texts = rows.iter().filter_map(|row| row[index].text(&column.data_type));
        texts.into_iter().any(|text| self.redact(&text) != text)
    }

    /// The variables that the SQL uses, with their values, so that the test does not change with them. Those that hold a secret
    /// stay where they are.
    fn shown_vars(&self, uses: &Uses) -> BTreeMap<String, Var> {
        let used = self.project.vars.iter().filter(|(name, _)| uses.vars.contains(*name));
        let shown = used.filter(|(_, var)| self.redact(&var.to_string()) == var.to_string());
        shown.map(|(name, var)| (name.clone(), var.clone())).collect()
    }

    /// Reads the text back and runs it.
    async fn passes(&self, graph: &Graph, file: &FoundFile, text: &str) -> Result<(), RunError> {
        let mut diagnostics = Diagnostics::default();
        let source = Source { file: file.file.clone(), text: text.to_owned() };
        let read = format::read_source(&self.project, file, source, &mut diagnostics);
        let tests = match &read {
            Some(read) => self.prepare_tests(graph, read, &mut diagnostics)?,
            None => Vec::new(),
        };
        if diagnostics.has_errors() {
            return Err(RunError::Failed(diagnostics));
        }
        for test in &tests {
            match self.run_unit_test(test).await.outcome {
                TestOutcome::Passed => {}
                TestOutcome::Errored(diagnostics) => return Err(RunError::Failed(diagnostics)),
                TestOutcome::Differs(_) => {
                    let message = format!("{} gives other rows each time it is run over the same ones", file.asset);
                    let error = Diagnostic::error(&CANNOT_RECORD, message);
                    let hint = "take what is random or without an order out of the SQL, or write the test by hand";
                    return Err(RunError::Failed(error.hint(hint).into()));
                }
            }
        }
        Ok(())
    }
}

/// The rows of one input as they are written; `None` when the SQL does not even count them.
fn given_rows<'o>(
    over: &'o Over,
    read: &BTreeMap<AssetName, BTreeSet<String>>,
    name: &AssetName,
    rows: &[Vec<Cell>],
) -> Option<Rows<'o>> {
    let (schema, _) = over.tables.get(name)?;
    let columns = read.get(name)?;
    let kept: Vec<usize> =
        (0..schema.columns.len()).filter(|index| columns.contains(&schema.columns[*index].name)).collect();
    Some(Rows {
        columns: kept.iter().map(|index| &schema.columns[*index]).collect(),
        rows: rows.iter().map(|row| kept.iter().map(|index| row[*index].clone()).collect()).collect(),
        nulls: false,
    })
}

/// A warning when the test expects nothing.
fn nothing_comes(file: &FoundFile, came: &[Vec<Cell>], leads: bool, rows: usize) -> Diagnostics {
    if came.iter().flatten().any(Cell::says_something) {
        return Diagnostics::default();
    }
    let warning = if leads {
        let message = "nothing comes out any more after personal data was replaced";
        Diagnostic::warning(&CANNOT_RECORD, message)
            .hint("write the values that the SQL looks for into the file by hand")
    } else {
        let message = format!("no {rows} rows of each input were found that anything comes out of");
        Diagnostic::warning(&CANNOT_RECORD, message).hint("try more of them with --rows N, or write the rows by hand")
    };
    warning.at(Place::file(&file.file)).into()
}

fn there_already(file: &Path) -> Diagnostic {
    let asset = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Diagnostic::error(&CANNOT_RECORD, "the file is there already, and is not overwritten")
        .at(Place::file(file))
        .hint(format!("remove it, or record another one: lockgate test --record {asset}.more"))
}

/// Makes the file, and never replaces one.
fn write_new(root: &Path, file: &Path, text: &str) -> Result<(), RunError> {
    let path = root.join(file);
    let cannot = |error: std::io::Error| {
        RunError::Failed(match error.kind() {
            std::io::ErrorKind::AlreadyExists => there_already(file).into(),
            _ => {
                let message = format!("{} cannot be written: {error}", file.display());
                Diagnostic::error(&crate::error::CANNOT_WRITE, message).into()
            }
        })
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut handle = OpenOptions::new().write(true).create_new(true).open(&path).map_err(cannot)?;
    handle.write_all(text.as_bytes()).and_then(|()| handle.sync_all()).map_err(|error| {
        // Half a file would be one that is there.
        let _ = std::fs::remove_file(&path);
        cannot(error)
    })
}

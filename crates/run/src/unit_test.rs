//! Unit tests: given rows through an asset's SELECT, in memory; expected rows out.
//!
//! Nothing is read from the store: the inputs' tables are the given rows, typed by the inputs' planned schemas. [`record`]
//! makes a test from published rows.
//!
//! Cost: preparing is linear in the rows of the files; a test costs a session, a plan and what its rows cost.

mod cell;
mod compare;
mod instant;
mod mask;
mod record;
mod sample;
mod typed;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{RecordBatch, RecordBatchOptions};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::future::try_join_all;
use lockgate_project::unit_test::{self as format, FoundFile, TestFile, UnitTest};
use lockgate_project::{SqlText, Var};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Column, Diagnostic, Diagnostics, Place, Schema};

use crate::error::{NOT_TESTABLE, TEST_FAILED, TEST_NAMES};
use crate::{Graph, Node, RunError, Workspace};
use cell::Cell;
use typed::{Typed, one_of};

pub use compare::{MovedRow, PairedRow, RowsDiff, TextRow};
pub use record::{Masked, RecordedInput, RecordedTest};

/// The unit tests of some assets, ready to run.
#[derive(Debug)]
pub struct UnitTests {
    /// By file, and in the order of each file.
    pub tests: Vec<PreparedTest>,
    /// What is odd about the files and stops nobody.
    pub warnings: Diagnostics,
}

/// One unit test, typed.
#[derive(Debug)]
pub struct PreparedTest {
    pub asset: AssetName,
    /// The file's name without `.yml`.
    pub stem: String,
    /// Within a file of several.
    pub name: Option<String>,
    pub description: Option<String>,
    /// Where it begins.
    pub place: Place,
    over: Over,
    /// The columns that are compared, by their number.
    compared: Vec<usize>,
    /// A cell for each compared column.
    expected: Vec<Vec<Cell>>,
    ordered: bool,
}

/// How a test came out.
#[derive(Debug)]
pub struct TestResult {
    pub outcome: TestOutcome,
    /// How many rows came out.
    pub rows: u64,
    pub duration_ms: u64,
}

#[derive(Debug)]
pub enum TestOutcome {
    Passed,
    /// Other rows came than were expected.
    Differs(RowsDiff),
    /// Its SQL could not be run over the rows.
    Errored(Diagnostics),
}

impl TestOutcome {
    pub fn is_passed(&self) -> bool {
        matches!(self, TestOutcome::Passed)
    }
}

impl PreparedTest {
    /// `mart.revenue`, `mart.revenue.refunds`, `mart.revenue: refunds`.
    pub fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("{}: {name}", self.stem),
            None => self.stem.clone(),
        }
    }
}

impl TestResult {
    /// What failed, in one sentence; `None` when nothing did.
    pub fn failure(&self, test: &PreparedTest) -> Option<Diagnostic> {
        let why = match &self.outcome {
            TestOutcome::Passed => return None,
            TestOutcome::Differs(diff) => diff.sentence(),
            TestOutcome::Errored(_) => "the SQL could not be run over these rows".to_owned(),
        };
        Some(Diagnostic::error(&TEST_FAILED, why).at(test.place.clone()))
    }
}

/// A SELECT and what it runs over.
#[derive(Clone, Debug)]
struct Over {
    sql: SqlText,
    /// Of the result.
    output: Schema,
    /// The asset's own order.
    sort_by: Vec<String>,
    vars: BTreeMap<String, Var>,
    run_at: DateTime<Utc>,
    tables: BTreeMap<AssetName, (Schema, RecordBatch)>,
    /// Inputs that are evaluated over `tables`.
    inline: BTreeMap<AssetName, SqlText>,
}

/// The logical time of tests that do not say theirs.
fn usual_run_at() -> DateTime<Utc> {
    DateTime::from_timestamp(946_684_800, 0).unwrap_or_default()
}

impl Workspace {
    /// Reads the unit tests of the assets that the words select; of all when there are none. A word may also be the name of one
    /// file, `mart.revenue.refunds`.
    ///
    /// # Errors
    /// [`RunError::Invalid`] with everything that is wrong in the files, or when a word selects nothing.
    pub fn unit_tests(&self, graph: &Graph, words: &[String], exclude: &[String]) -> Result<UnitTests, RunError> {
        let mut diagnostics = Diagnostics::default();
        let files = format::find(&self.project, &mut diagnostics);
        let is_file = |word: &String| files.iter().any(|f| f.stem == *word && f.stem != f.asset.to_string());
        let (stems, selectors): (Vec<String>, Vec<String>) = words.iter().cloned().partition(is_file);
        let selected = if selectors.is_empty() && !stems.is_empty() {
            BTreeSet::new()
        } else {
            graph.select(&selectors, exclude, &BTreeSet::new())?
        };
        let mut tests = Vec::new();
        for found in files.iter().filter(|f| selected.contains(&f.asset) || stems.contains(&f.stem)) {
            if let Some(file) = format::read(&self.project, found, &mut diagnostics) {
                tests.extend(self.prepare_tests(graph, &file, &mut diagnostics)?);
            }
        }
        self.project.redact(&mut diagnostics);
        lockgate_project::sort_by_place(&mut diagnostics);
        if diagnostics.has_errors() {
            return Err(RunError::Invalid(diagnostics));
        }
        Ok(UnitTests { tests, warnings: diagnostics })
    }

    /// Types the tests of a file; those that are wrong are reported and left out.
    fn prepare_tests(
        &self,
        graph: &Graph,
        file: &TestFile,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<PreparedTest>, RunError> {
        let node = graph.node(&file.asset)?;
        let Some(sql) = node.asset.query() else {
            diagnostics.push(not_testable(node).at(Place::file(&file.source.file)));
            return Ok(Vec::new());
        };
        let mut prepared = Vec::with_capacity(file.tests.len());
        for test in &file.tests {
            let before = diagnostics.0.len();
            let (tables, inline) = given(graph, node, file, test, diagnostics);
            let mut typed = Typed { source: &file.source, what: &node.file.name.to_string(), diagnostics };
            let (rows, named) = typed.rows(&node.yields, &test.expect);
            if diagnostics.0.len() > before {
                continue;
            }
            // Of no rows there is nothing to compare but their number.
            let compared: Vec<usize> = (0..named.len()).filter(|index| named[*index] || rows.is_empty()).collect();
            let only = |row: Vec<Cell>| compared.iter().map(|index| row[*index].clone()).collect();
            let mut vars = self.project.vars.clone();
            vars.extend(test.vars.clone());
            prepared.push(PreparedTest {
                asset: file.asset.clone(),
                stem: file.stem.clone(),
                name: test.name.clone(),
                description: test.description.clone(),
                place: file.source.place(test.span),
                over: Over {
                    sql: sql.clone(),
                    output: node.yields.clone(),
                    sort_by: order(node),
                    vars,
                    run_at: test.run_at.unwrap_or_else(usual_run_at),
                    tables,
                    inline,
                },
                expected: rows.into_iter().map(only).collect(),
                compared,
                ordered: test.ordered,
            });
        }
        Ok(prepared)
    }

    /// Runs one test. What goes wrong in its SQL is how it came out, and no error.
    pub async fn run_unit_test(&self, test: &PreparedTest) -> TestResult {
        let started = self.effects.clock.monotonic();
        let came = self.rows_of(&test.over).await;
        let duration = self.effects.clock.monotonic().saturating_sub(started);
        let (rows, outcome) = match came {
            Ok(came) => {
                let columns: Vec<&Column> = test.compared.iter().map(|i| &test.over.output.columns[*i]).collect();
                let came = cells(&test.over.output, &came, &test.compared);
                let diff = compare::compare(&columns, &test.expected, &came, test.ordered);
                (came.len() as u64, diff.map_or(TestOutcome::Passed, TestOutcome::Differs))
            }
            Err(error) => (0, TestOutcome::Errored(error.diagnostics())),
        };
        TestResult { outcome, rows, duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) }
    }

    /// What the SELECT yields, with the Arrow types of its schema.
    async fn rows_of(&self, over: &Over) -> Result<Vec<RecordBatch>, RunError> {
        let session = self.session_with(&over.vars, over.run_at)?;
        for (name, (schema, batch)) in &over.tables {
            session.register_rows(name, schema, std::slice::from_ref(batch))?;
        }
        for (name, sql) in &over.inline {
            session.register_inline(name, sql).map_err(RunError::Invalid)?;
        }
        let streams = session.build(&over.sql, &over.output, &over.sort_by).await?;
        let parts: Vec<Vec<RecordBatch>> =
            try_join_all(streams.into_iter().map(|stream| stream.try_collect::<Vec<RecordBatch>>())).await?;
        Ok(parts.into_iter().flatten().collect())
    }
}

/// The order of the rows, as far as the query yields it.
fn order(node: &Node) -> Vec<String> {
    node.file.cluster_by.iter().filter(|column| node.yields.column(column).is_some()).cloned().collect()
}

/// The tables of a test, empty where it gives no rows, and the inputs that are evaluated over them.
fn given(
    graph: &Graph,
    node: &Node,
    file: &TestFile,
    test: &UnitTest,
    diagnostics: &mut Diagnostics,
) -> (BTreeMap<AssetName, (Schema, RecordBatch)>, BTreeMap<AssetName, SqlText>) {
    let given: BTreeMap<AssetName, _> =
        test.given.iter().filter_map(|given| Some((given.input.text.parse().ok()?, given))).collect();
    let read = readable(graph, node, &given.keys().cloned().collect());
    for wrong in &test.given {
        let is_read = wrong.input.text.parse().is_ok_and(|name: AssetName| read.contains_key(&name));
        if !is_read {
            let names: Vec<String> = read.keys().map(ToString::to_string).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let message = format!("{} does not read `{}`", node.file.name, wrong.input.text);
            let error = Diagnostic::error(&TEST_NAMES, message).at(file.source.place(wrong.input.span));
            diagnostics.push(match did_you_mean(&wrong.input.text, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.expected(one_of(&names)),
            });
        }
    }
    let (mut tables, mut inline) = (BTreeMap::new(), BTreeMap::new());
    for (name, input) in read {
        let rows = given.get(&name);
        if let (None, Some(sql)) = (rows, input.asset.inline()) {
            inline.insert(name, sql.clone());
            continue;
        }
        let mut typed = Typed { source: &file.source, what: &name.to_string(), diagnostics };
        let (cells, _) = typed.rows(&input.schema, rows.map_or(&[][..], |given| &given.rows[..]));
        match batch(&input.schema, &cells) {
            Ok(batch) => {
                tables.insert(name, (input.schema.clone(), batch));
            }
            // Cells have the types of their columns; what is wrong with them is in the diagnostics already.
            Err(error) => diagnostics.push(Diagnostic::error(&TEST_FAILED, error.to_string())),
        }
    }
    (tables, inline)
}

fn not_testable(node: &Node) -> Diagnostic {
    let message =
        format!("{} is of kind {} and no SELECT: there is nothing to give rows to", node.file.name, node.file.kind);
    Diagnostic::error(&NOT_TESTABLE, message).hint("unit tests are for SQL transforms; checks guard the others")
}

/// The inputs that may be given rows: those that the SQL reads, and those of inline ones that are not themselves given.
fn readable<'g>(graph: &'g Graph, node: &Node, given: &BTreeSet<AssetName>) -> BTreeMap<AssetName, &'g Node> {
    let mut read = BTreeMap::new();
    let mut open: Vec<&AssetName> = node.inputs.iter().collect();
    while let Some(name) = open.pop() {
        let Some(input) = graph.nodes().get(name) else { continue };
        if read.insert(name.clone(), input).is_none() && input.is_inline() && !given.contains(name) {
            open.extend(&input.inputs);
        }
    }
    read
}

/// Rows of cells as Arrow has them.
fn batch(schema: &Schema, rows: &[Vec<Cell>]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = schema.columns.iter().enumerate().map(|(index, column)| {
        let cells: Vec<&Cell> = rows.iter().map(|row| &row[index]).collect();
        cell::array(&column.data_type, &cells)
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema.to_arrow(), columns.collect(), &options)
}

/// Some columns of batches, as rows of cells.
fn cells(schema: &Schema, batches: &[RecordBatch], columns: &[usize]) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for batch in batches {
        let start = rows.len();
        rows.resize_with(start + batch.num_rows(), || Vec::with_capacity(columns.len()));
        for index in columns {
            let column = cell::cells(&schema.columns[*index].data_type, batch.column(*index).as_ref());
            for (row, cell) in rows[start..].iter_mut().zip(column) {
                row.push(cell);
            }
        }
    }
    rows
}

/// The file that a test of this name stands in.
fn found(stem: &str, asset: &AssetName) -> FoundFile {
    FoundFile {
        file: std::path::Path::new(format::FOLDER).join(format!("{stem}.yml")),
        stem: stem.to_owned(),
        asset: asset.clone(),
    }
}

//! `lockgate test`.

use std::io;

use lockgate_run::{Graph, PreparedTest, RowsDiff, TestOutcome, TestResult, TextRow, Workspace};
use serde_json::json;

use crate::arguments::Selection;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{counted, duration_ms, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::time::{between_ms, rfc3339};
use crate::terminal::{diagnostic, outcome, text};

/// Of each sort of rows that differ, so many are shown.
const ROWS_SHOWN: usize = 20;

/// Run unit tests: given rows through an asset's SQL, expected rows out
///
/// Tests are files `tests/NAME.yml`, where NAME is the asset's; a selector may also be the name of one file. They run in
/// memory, over nothing but the rows that they give. The exit code is 1 when a test fails, 2 when a file is wrong.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Write tests/NAME.yml from a few published rows; NAME is an asset's name, or that and `.anything`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["selectors", "exclude"])]
    record: Option<String>,
    /// With --record: how many rows of each input at most
    #[arg(long, value_name = "N", default_value_t = 5, requires = "record", value_parser = clap::value_parser!(u16).range(1..))]
    rows: u16,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let started = context.effects.clock.monotonic();
    let (workspace, graph) = context.graph().await?;
    if let Some(name) = &arguments.record {
        return record(context, &workspace, &graph, name, arguments.rows.into()).await;
    }
    let selection = &arguments.selection;
    let found = workspace.unit_tests(&graph, &selection.selectors, &selection.exclude)?;
    let terminal = &context.terminal;
    terminal.diagnostics(&found.warnings);
    let width = found.tests.iter().map(|test| text::width(&test.title())).max().unwrap_or(0);
    let mut failed: Vec<&PreparedTest> = Vec::new();
    for test in &found.tests {
        let result = workspace.run_unit_test(test).await;
        if !result.outcome.is_passed() {
            failed.push(test);
        }
        if terminal.json {
            terminal.document(&event(context, test, &result))?;
        } else {
            print(context, test, &result, width)?;
        }
    }
    let took = between_ms(started, context.effects.clock.monotonic());
    let passed = found.tests.len() - failed.len();
    if terminal.json {
        terminal.document(&json!({
            "event": "tests_ended", "at": rfc3339(context.effects.clock.now()),
            "passed": passed, "failed": failed.len(), "duration_ms": took,
        }))?;
    } else if found.tests.is_empty() {
        terminal.line("there are no unit tests here")?;
        if let Some(name) =
            graph.order().iter().find(|name| graph.nodes().get(*name).is_some_and(|n| n.asset.query().is_some()))
        {
            terminal.next(&context.lockgate(&format!("test --record {name}")));
        }
    } else {
        let all = counted(found.tests.len() as u64, "test", "tests");
        let took = terminal.paint.faint(&duration_ms(took));
        match failed.first() {
            None => terminal.line(&format!("{} {all} passed   {took}", terminal.paint.good("✓")))?,
            Some(first) => {
                terminal.line(&format!("{} {} of {all} failed   {took}", terminal.paint.bad("✗"), failed.len()))?;
                terminal.next(&context.lockgate(&format!("test {}", first.stem)));
            }
        }
    }
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Failed })
}

fn event(context: &Context, test: &PreparedTest, result: &TestResult) -> serde_json::Value {
    let mut event = json!({
        "event": if result.outcome.is_passed() { "test_passed" } else { "test_failed" },
        "at": rfc3339(context.effects.clock.now()),
        "asset": test.asset,
        "test": test.title(),
        "description": test.description,
        "file": test.place.file,
        "line": test.place.line,
        "rows": result.rows,
        "duration_ms": result.duration_ms,
    });
    if let Some(failure) = result.failure(test) {
        event["code"] = json!(failure.code.id);
        event["message"] = json!(failure.message);
    }
    match &result.outcome {
        TestOutcome::Passed => {}
        TestOutcome::Differs(diff) => event["diff"] = json!(diff),
        TestOutcome::Errored(diagnostics) => event["diagnostics"] = json!(diagnostics.0),
    }
    event
}

/// One line for a test; of one that fails also how.
fn print(context: &Context, test: &PreparedTest, result: &TestResult, width: usize) -> io::Result<()> {
    let terminal = &context.terminal;
    let paint = terminal.paint;
    let title = text::harmless(&test.title());
    let pad = " ".repeat(width.saturating_sub(text::width(&title)));
    let took = paint.faint(&duration_ms(result.duration_ms));
    let mark = if result.outcome.is_passed() { paint.good("✓") } else { paint.bad("✗") };
    terminal.line(&format!("{mark} {}{pad}   {}   {took}", paint.strong(&title), rows(result.rows)))?;
    let Some(failure) = result.failure(test) else { return Ok(()) };
    if let Some(description) = &test.description {
        terminal.line(&format!("  {}", text::harmless(description)))?;
    }
    let code = paint.bad(&format!("[{}]", failure.code.id));
    terminal.line(&format!(
        "  {}   {} {code}",
        paint.faint(&test.place.to_string()),
        text::harmless(&failure.message)
    ))?;
    match &result.outcome {
        TestOutcome::Passed => {}
        TestOutcome::Differs(diff) if !diff.moved.is_empty() => terminal.table(&moved(diff))?,
        TestOutcome::Differs(diff) => {
            terminal.table(&changed(diff))?;
            let hidden = [diff.changed.len(), diff.missing.len(), diff.unexpected.len()]
                .map(|number| number.saturating_sub(ROWS_SHOWN));
            let hidden = hidden.iter().sum::<usize>();
            if hidden > 0 {
                terminal.line(&format!("  … and {} more", rows(hidden as u64)))?;
            }
        }
        TestOutcome::Errored(diagnostics) => {
            for diagnostic in &diagnostics.0 {
                let shown =
                    diagnostic::render(diagnostic, paint, terminal.width().map(|width| width.saturating_sub(2)));
                terminal.out(&shown.lines().map(|line| format!("  {line}\n")).collect::<String>())?;
            }
        }
    }
    terminal.line("")
}

/// The rows that differ, those with other values first: `expected → came` in the cells that do.
fn changed(diff: &RowsDiff) -> Table {
    let rows = || {
        let changed = diff.changed.iter().flat_map(|row| [&row.expected, &row.came]);
        changed.chain(&diff.missing).chain(&diff.unexpected)
    };
    let mut table = columns(Table::new().ruled().indent(2).left(""), diff, rows);
    for row in diff.changed.iter().take(ROWS_SHOWN) {
        let cells = row.expected.iter().zip(&row.came).enumerate().map(|(index, (expected, came))| {
            if row.differ.contains(&index) {
                let word = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".to_owned());
                Cell::styled(Style::Caution, format!("{} → {}", word(expected), word(came)))
            } else {
                Cell::value(expected.as_deref())
            }
        });
        table.row([Cell::styled(Style::Caution, "~")].into_iter().chain(cells));
    }
    for (style, mark, rows) in [(Style::Bad, "-", &diff.missing), (Style::Good, "+", &diff.unexpected)] {
        for row in rows.iter().take(ROWS_SHOWN) {
            let cells = row.iter().map(|cell| Cell::value(cell.as_deref()));
            table.row([Cell::styled(style, mark)].into_iter().chain(cells));
        }
    }
    table
}

/// The rows that came at another place.
fn moved(diff: &RowsDiff) -> Table {
    let table = Table::new().ruled().indent(2).right("expected at").right("came at");
    let mut table = columns(table, diff, || diff.moved.iter().map(|moved| &moved.row));
    for moved in diff.moved.iter().take(ROWS_SHOWN) {
        let places = [moved.expected_at, moved.came_at].map(|place| Cell::new(place.to_string()));
        table.row(places.into_iter().chain(moved.row.iter().map(|cell| Cell::value(cell.as_deref()))));
    }
    table
}

/// Adds the compared columns, numbers to the right.
fn columns<'d, I: Iterator<Item = &'d TextRow>>(mut table: Table, diff: &RowsDiff, rows: impl Fn() -> I) -> Table {
    for (index, column) in diff.columns.iter().enumerate() {
        table = table.data(column, outcome::align(rows().filter_map(|row| row.get(index)?.as_deref())));
    }
    table
}

async fn record(context: &Context, workspace: &Workspace, graph: &Graph, name: &str, most: usize) -> Outcome {
    let recorded = workspace.record_unit_test(graph, name, most).await?;
    let terminal = &context.terminal;
    terminal.diagnostics(&recorded.warnings);
    if terminal.json {
        let mut event = json!({ "event": "test_recorded", "at": rfc3339(context.effects.clock.now()) });
        if let (Some(event), serde_json::Value::Object(fields)) = (event.as_object_mut(), json!(recorded)) {
            event.extend(fields);
        }
        terminal.document(&event)?;
        return Ok(Exit::Done);
    }
    terminal.line(&format!("{} {} written", terminal.paint.good("✓"), recorded.file.display()))?;
    let mut table = Table::new().indent(2).left("").left("").prose("");
    for input in &recorded.inputs {
        let taken = format!("{} of version {}", rows(input.rows), input.version);
        table.row(["given".into(), Cell::styled(Style::Strong, input.asset.to_string()), taken.into()]);
    }
    table.row(["expected".into(), Cell::styled(Style::Strong, recorded.asset.to_string()), rows(recorded.rows).into()]);
    for masked in &recorded.masked {
        let column = format!("{}.{}", masked.asset, masked.column);
        table.row([
            Cell::styled(Style::Caution, "masked"),
            Cell::styled(Style::Strong, column),
            "personal data: its values are invented".into(),
        ]);
    }
    for column in &recorded.left_out {
        table.row([
            Cell::styled(Style::Caution, "left out"),
            Cell::styled(Style::Strong, column),
            "it holds a secret".into(),
        ]);
    }
    terminal.table(&table)?;
    let stem = recorded.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    terminal.next(&context.lockgate(&format!("test {stem}")));
    Ok(Exit::Done)
}

//! `lockgate diff`.

use std::io;

use lockgate_run::{Diff, DiffOf};
use lockgate_types::{Diagnostic, VersionNumber};

use crate::codes::USAGE;
use crate::context::{Context, known_asset};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::number::{count, counted, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Align, Cell, Table};
use crate::terminal::{outcome, schema_change};

/// Compare two versions row by row, by key
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// Two version numbers, the older first
    #[arg(value_name = "VERSION", num_args = 0..=2, conflicts_with = "held")]
    versions: Vec<u64>,
    /// The live version with the held one
    #[arg(long)]
    held: bool,
    /// What makes a row the same row; default: the columns of its `unique` check
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    key: Option<Vec<String>>,
    /// How many rows of each sort to show
    #[arg(long, value_name = "K", default_value_t = 10)]
    rows: usize,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let of = match arguments.versions[..] {
        [from, to] => DiffOf::Between(VersionNumber(from), VersionNumber(to)),
        [] if arguments.held => DiffOf::Held,
        _ => {
            return Err(Failure::usage(
                Diagnostic::error(&USAGE, "a diff compares two versions")
                    .expected("two version numbers, or --held")
                    .hint(format!("lockgate history {} lists the versions", arguments.name)),
            ));
        }
    };
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let diff = workspace.diff(&graph, &name, of, arguments.key, arguments.rows).await?;
    if context.terminal.json {
        context.terminal.document(&diff)?;
    } else {
        print(context, &diff)?;
        if of == DiffOf::Held {
            context.terminal.next(&context.lockgate(&format!("show {name} --held")));
        }
    }
    Ok(Exit::Done)
}

fn print(context: &Context, diff: &Diff) -> io::Result<()> {
    let terminal = &context.terminal;
    let paint = terminal.paint;
    let name = paint.strong(&diff.asset.to_string());
    let key = paint.faint(&format!("by {}", diff.key.join(", ")));
    terminal.line(&format!("{name}   version {} → version {}   {key}\n", diff.from, diff.to))?;
    let mut sums = Table::new().indent(2).left("").right("").prose("");
    let columns: Vec<String> =
        diff.columns.iter().map(|column| format!("{} in {}", count(column.changed), column.column)).collect();
    let changed = if columns.is_empty() { String::new() } else { format!("cells: {}", columns.join(", ")) };
    sums.row([Cell::styled(Style::Good, "+"), count(diff.added).into(), rows_are(diff.added, "added").into()]);
    sums.row([Cell::styled(Style::Bad, "-"), count(diff.removed).into(), rows_are(diff.removed, "removed").into()]);
    let what = format!("{}   {changed}", rows_are(diff.changed, "changed"));
    sums.row([Cell::styled(Style::Caution, "~"), count(diff.changed).into(), what.trim_end().into()]);
    let same = Cell::styled(Style::Faint, rows_are(diff.unchanged, "the same"));
    sums.row([Cell::styled(Style::Faint, "="), Cell::styled(Style::Faint, count(diff.unchanged)), same]);
    terminal.table(&sums)?;
    if !diff.schema.is_empty() {
        terminal.line("\ncolumns")?;
        for line in schema_change::lines(&diff.schema, paint) {
            terminal.line(&format!("  {line}"))?;
        }
    }
    if !diff.samples_changed.is_empty() {
        terminal.line(&format!(
            "\n{} {}",
            paint.caution("~"),
            some(diff.samples_changed.len(), diff.changed, "changed")
        ))?;
        terminal.table(&changed_rows(diff))?;
    }
    for (mark, samples, total, word) in [
        (paint.good("+"), &diff.samples_added, diff.added, "added"),
        (paint.bad("-"), &diff.samples_removed, diff.removed, "removed"),
    ] {
        if !samples.rows.is_empty() {
            terminal.line(&format!("\n{mark} {}", some(samples.rows.len(), total, word)))?;
            terminal.table(&outcome::samples(samples, usize::MAX, 2))?;
        }
    }
    Ok(())
}

fn rows_are(number: u64, word: &str) -> String {
    format!("{} {word}", if number == 1 { "row" } else { "rows" })
}

/// `2 changed rows`, `10 of 1,234 changed rows`.
fn some(shown: usize, total: u64, word: &str) -> String {
    if shown as u64 == total {
        counted(total, &format!("{word} row"), &format!("{word} rows"))
    } else {
        format!("{shown} of {} {word}", rows(total))
    }
}

/// One line per changed cell, the key standing once per row.
fn changed_rows(diff: &Diff) -> Table {
    let mut table = Table::new().ruled().indent(2);
    for (index, column) in diff.key.iter().enumerate() {
        let cells = diff.samples_changed.iter().filter_map(|row| row.key.get(index)?.as_deref());
        table = table.data(column, outcome::align(cells));
    }
    table = table.left("column").data("before", Align::Right).left("").data("after", Align::Right);
    for row in &diff.samples_changed {
        for (index, (column, before, after)) in row.cells.iter().enumerate() {
            let key = row.key.iter().map(|cell| if index == 0 { Cell::value(cell.as_deref()) } else { Cell::new("") });
            let cells = [
                Cell::styled(Style::Strong, column),
                Cell::value(before.as_deref()),
                Cell::styled(Style::Faint, "→"),
                Cell::value(after.as_deref()),
            ];
            table.row(key.chain(cells));
        }
    }
    table
}

//! A diff for people.

use std::io;

use lockgate_run::{Diff, DiffRows, OfBoth};

use crate::context::Context;
use crate::terminal::number::{count, counted, len, percent, rows};
use crate::terminal::style::{Paint, Style};
use crate::terminal::table::{Align, Cell, Table};
use crate::terminal::{outcome, schema_change};

pub(super) fn print(context: &Context, diff: &Diff) -> io::Result<()> {
    let terminal = &context.terminal;
    let paint = terminal.paint;
    let name = paint.strong(&diff.asset.to_string());
    let by = match &diff.key[..] {
        [] => "by whole rows".to_owned(),
        key => format!("by {}", key.join(", ")),
    };
    terminal.line(&format!("{name}   version {} → version {}   {}\n", diff.from, diff.to, paint.faint(&by)))?;
    terminal.table(&sums(diff))?;
    let notes = notes(diff, paint);
    if !notes.is_empty() {
        terminal.line(&format!("\n{}", notes.join("\n")))?;
    }
    if !diff.schema.is_empty() {
        terminal.line("\ncolumns")?;
        for line in schema(diff, paint) {
            terminal.line(&format!("  {line}"))?;
        }
    }
    if diff.columns.iter().any(|column| column.changed > 0) {
        terminal.line(&format!("\nchanged cells, of {} in both versions", rows(diff.changed + diff.unchanged)))?;
        terminal.table(&cells(diff))?;
        let same = diff.columns.iter().filter(|column| column.changed == 0).count() as u64;
        if same > 0 {
            let same = counted(same, "column is the same", "columns are the same");
            terminal.line(&format!("  {}", paint.faint(&same)))?;
        }
    }
    if !diff.samples_changed.is_empty() {
        let some = some(len(&diff.samples_changed), diff.changed, "changed");
        terminal.line(&format!("\n{} {some}", paint.caution("~")))?;
        terminal.table(&changed_rows(diff))?;
    }
    for (mark, samples, total, word) in [
        (paint.good("+"), &diff.samples_added, diff.added, "added"),
        (paint.bad("-"), &diff.samples_removed, diff.removed, "removed"),
    ] {
        if !samples.rows.is_empty() {
            let shown = if samples.times.is_empty() { len(&samples.rows) } else { samples.times.iter().sum() };
            terminal.line(&format!("\n{mark} {}", some(shown, total, word)))?;
            terminal.table(&sample_rows(samples))?;
        }
    }
    Ok(())
}

/// How many rows became what.
fn sums(diff: &Diff) -> Table {
    let mut sums = Table::new().indent(2).left("").right("").prose("");
    let rows_are = |number: u64, word: &str| format!("{} {word}", if number == 1 { "row" } else { "rows" });
    for (style, mark, number, word) in [
        (Style::Good, "+", diff.added, "added"),
        (Style::Bad, "-", diff.removed, "removed"),
        (Style::Caution, "~", diff.changed, "changed"),
    ] {
        if mark != "~" || !diff.key.is_empty() {
            sums.row([Cell::styled(style, mark), count(number).into(), rows_are(number, word).into()]);
        }
    }
    let same = Cell::styled(Style::Faint, rows_are(diff.unchanged, "the same"));
    sums.row([Cell::styled(Style::Faint, "="), Cell::styled(Style::Faint, count(diff.unchanged)), same]);
    sums
}

/// What a reader of the sums has to know.
fn notes(diff: &Diff, paint: Paint) -> Vec<String> {
    let mut notes = Vec::new();
    let in_versions = |numbers: OfBoth, one: &str, many: &str| {
        let parts = [(numbers.from, diff.from), (numbers.to, diff.to)];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, version)| format!("{} of version {version}", counted(*number, one, many)))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    if diff.key.is_empty() {
        notes.push(format!(
            "{} no key tells the rows apart, so whole rows are compared: a changed row is one removed and one added",
            paint.caution("!")
        ));
    }
    if let Some(keys) = in_versions(diff.repeated_keys, "key", "keys") {
        let mark = paint.caution("!");
        notes.push(format!("{mark} several rows have the same key: {keys}; within a key, all its rows are compared"));
    }
    if let Some(rows) = in_versions(diff.null_keys, "row", "rows") {
        notes.push(format!("{} the key has a null: {rows}; null equals null", paint.caution("!")));
    }
    if diff.files.shared > 0 {
        let shared = counted(diff.files.shared, "file is", "files are");
        let same = rows(diff.files.shared_rows);
        notes.push(paint.faint(&format!("· {shared} in both versions and not read: {same} the same")));
    }
    notes
}

/// Columns that come, go, or change their type, and what that meant for the comparison.
fn schema(diff: &Diff, paint: Paint) -> Vec<String> {
    let schema = &diff.schema;
    let names = schema.added.iter().chain(&schema.removed).map(|column| &column.name);
    let names = names.chain(schema.retyped.iter().map(|(name, ..)| name));
    let remark = |name: &String| {
        if let Some(left_out) = diff.not_compared.iter().find(|left_out| left_out.column == *name) {
            return format!("not compared: {}", left_out.why);
        }
        let column = diff.columns.iter().find(|column| column.column == *name);
        let compared_as = column.and_then(|column| column.compared_as.as_ref());
        compared_as.map_or_else(String::new, |data_type| format!("compared as {data_type}"))
    };
    let lines = schema_change::lines(schema, paint).into_iter().zip(names);
    lines.map(|(line, name)| format!("{line}   {}", paint.faint(&remark(name))).trim_end().to_owned()).collect()
}

/// One line per column that changed anywhere.
fn cells(diff: &Diff) -> Table {
    let mut table = Table::new().indent(2).prose("").right("").right("");
    for column in diff.columns.iter().filter(|column| column.changed > 0) {
        let name = Cell::styled(Style::Strong, &column.column);
        table.row([name, count(column.changed).into(), percent(column.share).into()]);
    }
    table
}

/// `2 changed rows`, `10 of 1,234 rows changed`.
fn some(shown: u64, total: u64, word: &str) -> String {
    if shown == total {
        counted(total, &format!("{word} row"), &format!("{word} rows"))
    } else {
        format!("{} of {} {word}", count(shown), rows(total))
    }
}

/// Rows of one version; without a key, how often each came or went.
fn sample_rows(samples: &DiffRows) -> Table {
    let mut table = Table::new().ruled().indent(2);
    if !samples.times.is_empty() {
        table = table.right("times");
    }
    for (index, column) in samples.columns.iter().enumerate() {
        table = table.data(column, outcome::align(samples.rows.iter().filter_map(|row| row.get(index)?.as_deref())));
    }
    for (index, row) in samples.rows.iter().enumerate() {
        let times = samples.times.get(index).map(|times| Cell::new(count(*times)));
        table.row(times.into_iter().chain(row.iter().map(|cell| Cell::value(cell.as_deref()))));
    }
    table
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

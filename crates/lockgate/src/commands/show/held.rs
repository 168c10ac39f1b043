//! `lockgate show NAME --held`: what fails, on which rows, what changed, and what can be done about it.

use std::io;

use lockgate_run::Shown;
use lockgate_types::{CheckOutcome, CheckState, Threshold};

use crate::commands::status::readers_see;
use crate::context::Context;
use crate::terminal::number::{bytes, counted, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{outcome, schema_change, time};

pub(super) fn print(context: &Context, shown: &Shown, sample_rows: usize) -> io::Result<()> {
    let terminal = &context.terminal;
    let (paint, version) = (terminal.paint, &shown.version);
    let name = paint.strong(&version.asset.to_string());
    terminal.line(&format!("{} {name} version {} is {}", paint.bad("✗"), version.number, paint.bad("HELD")))?;
    let built = time::ago(context.effects.clock.now(), version.staged_at);
    let size = format!("{}, {}", rows(version.rows), bytes(version.size_bytes));
    terminal.line(&format!("  built {built} by {}   {size}   {}", version.actor, readers_see(shown.live)))?;
    let failing: Vec<&CheckOutcome> = version.checks.iter().filter(|outcome| outcome.state.holds()).collect();
    if failing.is_empty() {
        terminal.line("  its own checks pass: another member of its group is held")?;
    }
    for outcome in &failing {
        print_failing(context, outcome, sample_rows)?;
    }
    let others: Vec<CheckOutcome> =
        version.checks.iter().filter(|o| !o.state.holds() && o.state != CheckState::Passed).cloned().collect();
    let passed = version.checks.iter().filter(|outcome| outcome.state == CheckState::Passed).count();
    if !others.is_empty() {
        terminal.line("")?;
        terminal.table(&outcome::table(&others, 2))?;
    }
    if passed > 0 {
        terminal.line(&format!(
            "\n  {} {}",
            paint.good("✓"),
            counted(passed as u64, "other check passes", "other checks pass")
        ))?;
    }
    print_changes(context, shown)?;
    print_next(context, shown, failing.first().copied())
}

fn print_failing(context: &Context, outcome: &CheckOutcome, sample_rows: usize) -> io::Result<()> {
    let terminal = &context.terminal;
    let paint = terminal.paint;
    terminal.line(&format!("\n  {} {}   {}", paint.bad("✗"), paint.strong(&outcome.name), outcome.message))?;
    if let Some(change) = outcome::change(outcome) {
        terminal.line(&format!("    {change}"))?;
    }
    let allowed = match outcome.error {
        Threshold::Rows(0) => "none".to_owned(),
        limit => format!("up to {} of rows", limit.to_string().trim_start_matches("> ")),
    };
    let excuse = outcome.excuse.as_ref().map_or_else(String::new, |excuse| format!("; {excuse}"));
    let limit = paint.faint(&format!("    allowed: {allowed}{excuse}"));
    terminal.line(&limit)?;
    let samples = &outcome.samples;
    if samples.rows.is_empty() || sample_rows == 0 {
        return Ok(());
    }
    terminal.line("")?;
    terminal.table(&outcome::samples(samples, sample_rows, 4))?;
    let hidden = outcome.failing.saturating_sub(samples.rows.len().min(sample_rows) as u64);
    if hidden > 0 && outcome.total > 1 {
        terminal.line(&paint.faint(&format!("    … and {} more; --rows K shows up to 100", rows(hidden))))?;
    }
    Ok(())
}

fn print_changes(context: &Context, shown: &Shown) -> io::Result<()> {
    let terminal = &context.terminal;
    let Some(live) = shown.live else { return Ok(()) };
    terminal.line(&format!("\n  what changed since version {live}"))?;
    let mut table = Table::new().indent(4).left("").left("");
    for (input, before, now) in &shown.changed_inputs {
        let before = before.map_or_else(|| "new".to_owned(), |number| format!("version {number}"));
        table.row([Cell::styled(Style::Strong, input.to_string()), format!("{before} → version {now}").into()]);
    }
    if shown.code_changed {
        table.row(["its code".into(), Cell::new(format!("differs: {}", shown.file.display()))]);
    }
    terminal.table(&table)?;
    let columns = shown.schema_change.iter().flat_map(|change| schema_change::lines(change, terminal.paint));
    let columns: Vec<String> = columns.collect();
    for line in &columns {
        terminal.line(&format!("    {line}"))?;
    }
    if table.is_empty() && columns.is_empty() {
        let what = if shown.version.inputs.is_empty() { "what the source read" } else { "nothing but the time" };
        terminal.line(&format!("    {what}"))?;
    }
    Ok(())
}

/// Every way on, the most careful first.
fn print_next(context: &Context, shown: &Shown, failing: Option<&CheckOutcome>) -> io::Result<()> {
    let terminal = &context.terminal;
    let asset = &shown.version.asset;
    let mut ways = Vec::new();
    if shown.live.is_some() {
        ways.push((format!("diff {asset} --held"), "every row that differs"));
    }
    ways.push((format!("run {asset}"), "after mending the data or the code"));
    ways.push((format!("publish {asset} --held --why TEXT"), "it is right after all"));
    ways.push((format!("dismiss {asset} --why TEXT"), "give it up"));
    if let Some(outcome) = failing.filter(|_| ways.len() < 5) {
        ways.push((format!("suppress {asset} {} --until DATE --why TEXT", outcome.name), "let it fail for a while"));
    }
    let mut table = Table::new().left("").left("").remark("");
    for (index, (command, what)) in ways.iter().enumerate() {
        table.row([
            Cell::new(if index == 0 { "next:" } else { "" }),
            Cell::styled(Style::Command, context.lockgate(command)),
            Cell::styled(Style::Faint, *what),
        ]);
    }
    terminal.line("")?;
    terminal.table(&table)?;
    Ok(())
}

//! `lockgate gc`.

use std::collections::BTreeMap;

use lockgate_run::{GcReport, Removed, SpareReason, Spared};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{bytes, counted, len, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{Terminal, text, time};

/// Expire old versions as `keep:` says, and remove files that nothing needs
///
/// What is live or held, what a run or a reader uses, and what direct readers of a table need is never touched. Without
/// `keep:` in lockgate.yml every version is kept, and only what crashes left behind goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let workspace = context.open().await?;
    let report = workspace.gc(arguments.dry_run).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&report)?;
        return Ok(Exit::Done);
    }
    expired(context, &report)?;
    removed(terminal, &report)?;
    spared(terminal, &report)?;
    let would_change = !report.expired.is_empty() || !report.removed.is_empty();
    if report.dry_run && would_change {
        terminal.next(&context.lockgate("gc"));
    }
    Ok(Exit::Done)
}

fn expired(context: &Context, report: &GcReport) -> std::io::Result<()> {
    let terminal = &context.terminal;
    if report.expired.is_empty() {
        return Ok(());
    }
    let number = counted(len(&report.expired), "version", "versions");
    let done = if report.dry_run { "would expire" } else { "expired" };
    terminal.line(&format!("{} {number} {done}", mark(terminal, report)))?;
    let now = context.effects.clock.now();
    let mut table =
        Table::new().indent(2).left("ASSET").right("VERSION").left("WAS").right("ROWS").right("SIZE").left("ENDED");
    for version in &report.expired {
        table.row([
            Cell::styled(Style::Strong, version.asset.to_string()),
            version.version.to_string().into(),
            version.was.to_string().into(),
            rows(version.rows).into(),
            bytes(version.size_bytes).into(),
            version.ended_at.map(|at| time::ago(now, at)).unwrap_or_default().into(),
        ]);
    }
    terminal.table(&table)
}

fn removed(terminal: &Terminal, report: &GcReport) -> std::io::Result<()> {
    if report.removed.is_empty() {
        return terminal.line(&terminal.paint.faint("· no file to remove"));
    }
    let files = counted(report.removed_files, "file", "files");
    let done = if report.dry_run { "would be removed" } else { "removed" };
    terminal.line(&format!("{} {files} {done}   {}", mark(terminal, report), bytes(report.removed_bytes)))?;
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for removed in &report.removed {
        let sum = sums.entry(what(removed.what)).or_default();
        *sum = (sum.0 + removed.files, sum.1 + removed.size_bytes);
    }
    let mut table = Table::new().indent(2).right("").left("").right("");
    for (what, (files, size_bytes)) in sums {
        table.row([counted(files, "file", "files").into(), what.into(), bytes(size_bytes).into()]);
    }
    terminal.table(&table)
}

fn what(removed: Removed) -> &'static str {
    match removed {
        Removed::Expired => "of expired versions",
        Removed::Leftover => "of attempts that ended before their gate",
        Removed::Temporary => "half written by processes that are gone",
        Removed::Spilled => "spilled by processes that are gone",
    }
}

fn spared(terminal: &Terminal, report: &GcReport) -> std::io::Result<()> {
    if report.spared.is_empty() {
        return Ok(());
    }
    terminal.line(&format!("{} spared", terminal.paint.caution("!")))?;
    let mut table = Table::new().indent(2).left("").left("").left("").prose("");
    for spared in &report.spared {
        table.row([
            Cell::styled(Style::Strong, spared.table.to_string()),
            spared.version.map_or_else(String::new, |number| format!("version {number}")).into(),
            size(spared).into(),
            text::harmless(&spared.reason.to_string()).into(),
        ]);
    }
    terminal.table(&table)
}

/// Of what stays.
fn size(spared: &Spared) -> String {
    match (&spared.reason, spared.files) {
        (SpareReason::Busy { .. } | SpareReason::UnreadableLog { .. }, _) => String::new(),
        (_, 0) => bytes(spared.size_bytes),
        (_, files) => format!("{}, {}", counted(files, "file", "files"), bytes(spared.size_bytes)),
    }
}

fn mark(terminal: &Terminal, report: &GcReport) -> String {
    if report.dry_run { terminal.paint.faint("○") } else { terminal.paint.good("✓") }
}

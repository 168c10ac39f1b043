//! `lockgate baseline`.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use lockgate_run::BaselineReport;
use lockgate_types::KnownFailure;

use crate::arguments::Selection;
use crate::context::{Context, shown_path};
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{counted, len, percent, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::time::{day, parse_day};

/// A known failure is looked at again after so many days, unless `--review` says otherwise.
const REVIEW_AFTER_DAYS: u64 = 90;

/// Record today's failures as known, in lockgate.known.yml
///
/// From then on a known check holds only when its share of failing rows rises. What no longer fails is taken out.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// When someone looks at them again; default: in 90 days
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    review: Option<NaiveDate>,
    /// Who owns them; default: each asset's owner
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Why they are lived with
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let selected = graph.select(&arguments.selection.selectors, &arguments.selection.exclude, &BTreeSet::new())?;
    let today = context.effects.clock.now().date_naive();
    let review = arguments.review.or_else(|| today.checked_add_days(Days::new(REVIEW_AFTER_DAYS))).unwrap_or(today);
    let (owner, reason) = (arguments.owner.as_deref(), arguments.reason.as_deref());
    let report = workspace.baseline(&graph, &selected, review, owner, reason).await?;
    if context.terminal.json {
        context.terminal.document(&report)?;
    } else {
        print(context, &report)?;
    }
    Ok(Exit::Done)
}

fn print(context: &Context, report: &BaselineReport) -> std::io::Result<()> {
    let terminal = &context.terminal;
    let paint = terminal.paint;
    let file = shown_path(&report.file);
    for (asset, check) in &report.left_out {
        terminal.line(&format!(
            "{} {asset} {check} cannot be known: it is true or false of the version as a whole",
            paint.caution("!")
        ))?;
    }
    if report.written.is_empty() && report.removed.is_empty() && report.left_out.is_empty() {
        return terminal.line(&format!("{} nothing fails: {file} has no entry", paint.good("✓")));
    }
    if let Some((asset, check)) = report.left_out.first() {
        let suppress = format!("suppress {asset} {check} --until DATE --why TEXT");
        terminal.next(&context.lockgate(&suppress));
    }
    if report.written.is_empty() && report.removed.is_empty() {
        return Ok(());
    }
    let written = counted(len(&report.written), "known failure", "known failures");
    terminal.line(&format!("{} {written} in {file}", paint.caution("!")))?;
    let mut table = Table::new().indent(2).left("").left("").right("").right("").left("").left("");
    let cells = |known: &KnownFailure| {
        [
            Cell::styled(Style::Strong, known.asset.to_string()),
            known.check.as_str().into(),
            rows(known.count).into(),
            percent(known.share).into(),
            Cell::styled(Style::Faint, format!("review on {}", day(known.review_on))),
            Cell::styled(Style::Faint, known.owner.as_deref().unwrap_or("no owner")),
        ]
    };
    report.written.iter().for_each(|known| table.row(cells(known)));
    terminal.table(&table)?;
    if !report.removed.is_empty() {
        let removed = counted(len(&report.removed), "entry", "entries");
        terminal.line(&format!("{} {removed} taken out: no longer failing", paint.good("✓")))?;
        for known in &report.removed {
            terminal.line(&format!("  {}   {}", known.asset, known.check))?;
        }
    }
    terminal.next(&context.lockgate("run"));
    Ok(())
}

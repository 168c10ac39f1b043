//! `lockgate check`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use lockgate_types::CheckOutcome;

use crate::arguments::Selection;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{counted, len};
use crate::terminal::outcome;

/// Judge the live versions by today's checks; retracts nothing
///
/// The exit code is 3 when a check fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// The time that `fresh` goes by; default: now
    #[arg(long, value_name = "TIME", value_parser = lockgate_types::time::parse_instant)]
    as_of: Option<DateTime<Utc>>,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let selected = graph.select(&arguments.selection.selectors, &arguments.selection.exclude, &BTreeSet::new())?;
    let as_of = arguments.as_of.unwrap_or_else(|| context.effects.clock.now());
    let reports = workspace.check(&graph, &selected, as_of).await?;
    let terminal = &context.terminal;
    let all: Vec<CheckOutcome> = reports.iter().flat_map(|report| report.outcomes.iter().cloned()).collect();
    let fails = all.iter().any(|outcome| outcome.state.holds());
    if terminal.json {
        terminal.document(&reports)?;
    } else {
        for report in reports.iter().filter(|report| !report.outcomes.is_empty()) {
            let name = terminal.paint.strong(&report.asset.to_string());
            let version = terminal.paint.faint(&format!("version {}", report.version));
            terminal.line(&format!("{name}   {version}   {}", outcome::counts(&report.outcomes, terminal.paint)))?;
            terminal.table(&outcome::table(&report.outcomes, 2))?;
        }
        let assets = counted(len(&reports), "live version", "live versions");
        let checks = counted(len(&all), "check", "checks");
        let sum = format!("{checks} on {assets}: {}", outcome::counts(&all, terminal.paint));
        terminal.line(&format!("{} {sum}", if fails { terminal.paint.bad("✗") } else { terminal.paint.good("✓") }))?;
        let failing = reports.iter().find(|report| report.outcomes.iter().any(|outcome| outcome.state.holds()));
        match failing {
            Some(report) => terminal.next(&context.lockgate(&format!("show {}", report.asset))),
            None if reports.is_empty() => terminal.next(&context.lockgate("run")),
            None => {}
        }
    }
    Ok(if fails { Exit::Held } else { Exit::Done })
}

//! `lockgate plan`.

use lockgate_run::Plan;

use super::run::What;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{counted, duration_ms, len, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{Terminal, reasons, schema_change};

/// Say what a run would do, and why; nothing is built
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    what: What,
    /// Exit with 4 when there is something to run
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let options = arguments.what.options();
    let (workspace, graph) = context.graph().await?;
    let plan = workspace.plan(&graph, &options).await?;
    if context.terminal.json {
        context.terminal.document(&plan)?;
    } else {
        print(context, &plan)?;
    }
    Ok(if arguments.detailed_exitcode && !plan.steps.is_empty() { Exit::Changes } else { Exit::Done })
}

fn print(context: &Context, plan: &Plan) -> std::io::Result<()> {
    let terminal = &context.terminal;
    let paint = terminal.paint;
    let fresh = counted(len(&plan.fresh), "asset is", "assets are");
    if plan.steps.is_empty() {
        return terminal.line(&format!("{} nothing to run: {fresh} up to date", paint.good("✓")));
    }
    let steps = counted(len(&plan.steps), "asset", "assets");
    terminal.line(&format!("{} would run, {} up to date\n", paint.strong(&steps), plan.fresh.len()))?;
    let mut table = Table::new().indent(2).left("ASSET").left("KIND").prose("WHY");
    if plan.steps.iter().any(|step| step.estimate.is_some()) {
        table = table.right("ROWS").right("TIME");
    }
    for step in &plan.steps {
        let held = plan.held.iter().find(|(name, _)| *name == step.asset);
        let why = match held {
            Some((_, number)) => format!("version {number} is held: the same candidate is not built again"),
            None => reasons::shown(&step.reasons),
        };
        // Estimates are told from measurements by the sign before them.
        let estimate = step.estimate.as_ref();
        let cells = [
            Cell::styled(if held.is_some() { Style::Bad } else { Style::Strong }, step.asset.to_string()),
            Cell::styled(Style::Faint, if step.recheck_only { "checks" } else { &step.kind }),
            why.into(),
        ];
        let numbers = estimate.map(|e| [format!("~{}", rows(e.rows)), format!("~{}", duration_ms(e.duration_ms))]);
        table.row(cells.into_iter().chain(numbers.into_iter().flatten().map(Cell::from)));
    }
    terminal.table(&table)?;
    print_schema_changes(terminal, plan)?;
    let held: Vec<String> = plan.held.iter().map(|(name, _)| format!("show {name} --held")).collect();
    match held.first() {
        Some(held) => terminal.next(&context.lockgate(held)),
        None => terminal.next(&context.lockgate("run")),
    }
    Ok(())
}

fn print_schema_changes(terminal: &Terminal, plan: &Plan) -> std::io::Result<()> {
    let changed: Vec<_> = plan.steps.iter().filter_map(|step| Some((step, step.schema_change.as_ref()?))).collect();
    if changed.is_empty() {
        return Ok(());
    }
    terminal.line("\ncolumns that change")?;
    for (step, change) in changed {
        terminal.line(&format!("  {}", terminal.paint.strong(&step.asset.to_string())))?;
        for line in schema_change::lines(change, terminal.paint) {
            terminal.line(&format!("    {line}"))?;
        }
    }
    Ok(())
}

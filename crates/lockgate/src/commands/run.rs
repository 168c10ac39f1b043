//! `lockgate run`.

mod summary;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lockgate_run::{Graph, Plan, PlanOptions, RetryPlan, RunOptions, RunSummary, TimeSpan, Workspace};
use lockgate_types::{Diagnostics, RunId, RunState, TaskState};

use crate::arguments::Selection;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::terminal::number::counted;
use crate::terminal::progress::Watcher;
use crate::terminal::time::instant;

/// Build what is stale, check it, publish what passes and hold what does not
///
/// A run first type-checks the whole project. Assets that are up to date are left alone. A version that fails a
/// check is held: readers keep the last good one, and what depends on it stays behind.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) what: What,
    /// Take up what a run left unfinished, at its logical time and over the versions it had pinned; default: the last run
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        conflicts_with_all = ["selectors", "exclude", "force", "full_refresh", "confirm", "from", "to", "as_of"]
    )]
    retry: Option<Option<String>>,
    /// How many assets to work on at once; default: the engine's threads
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parallel: Option<u16>,
}

/// What `run` and `plan` take alike.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct What {
    #[command(flatten)]
    selection: Selection,
    /// Also what is up to date
    #[arg(long)]
    force: bool,
    /// From nothing: what is loaded bit by bit starts over
    #[arg(long)]
    full_refresh: bool,
    /// Let history go where a build from nothing, or another `load`, loses it
    #[arg(long)]
    confirm: bool,
    /// Build these ranges of time again, of assets with `load: time_range`
    #[arg(long, value_name = "TIME", value_parser = lockgate_types::time::parse_instant, requires = "to")]
    from: Option<DateTime<Utc>>,
    /// The first moment that is no longer built
    #[arg(long, value_name = "TIME", value_parser = lockgate_types::time::parse_instant, requires = "from")]
    to: Option<DateTime<Utc>>,
    /// The logical time of the run, which `fresh` and `$run_at` go by; a day is its 00:00 UTC; default: now
    #[arg(long, value_name = "TIME", value_parser = lockgate_types::time::parse_instant)]
    as_of: Option<DateTime<Utc>>,
}

impl What {
    pub(crate) fn options(&self) -> PlanOptions {
        PlanOptions {
            selectors: self.selection.selectors.clone(),
            exclude: self.selection.exclude.clone(),
            force: self.force,
            full_refresh: self.full_refresh,
            confirmed: self.confirm,
            range: self.from.zip(self.to).map(|(from, to)| TimeSpan { from, to }),
            as_of: self.as_of,
        }
    }
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let options = arguments.what.options();
    let (workspace, graph) = context.until_interrupted(context.graph()).await?;
    if let Some(id) = arguments.retry {
        let parallel = arguments.parallel.map(usize::from);
        return retry(context, &workspace, &graph, id.map(RunId), parallel).await;
    }
    let plan = context.until_interrupted(workspace.plan(&graph, &options)).await?;
    if options.as_of.is_some() && !context.terminal.json {
        context.terminal.note(&format!("as of {}", instant(plan.as_of)));
    }
    run(context, &workspace, &graph, &plan, arguments.parallel.map(usize::from)).await
}

/// Takes up a run.
async fn retry(
    context: &Context,
    workspace: &Arc<Workspace>,
    graph: &Graph,
    id: Option<RunId>,
    parallel: Option<usize>,
) -> Outcome {
    let terminal = &context.terminal;
    let found = context.until_interrupted(workspace.plan_retry(graph, id.as_ref())).await?;
    if !terminal.json {
        terminal.note(&told(&found));
        for input in &found.repinned {
            let became = input.state.map_or_else(|| "unknown".to_owned(), |state| state.to_string());
            terminal.note(&format!("{} is read as it is now: version {} is {became}", input.asset, input.number));
        }
        for asset in &found.held {
            terminal.note(&format!("{asset} is still held: {}", context.lockgate(&format!("show {asset} --held"))));
        }
        for asset in &found.behind {
            terminal.note(&format!("{asset} stays behind: something that it reads is held"));
        }
    }
    let ended = if !found.plan.steps.is_empty() {
        run(context, workspace, graph, &found.plan, parallel).await?
    } else if terminal.json {
        summary::nothing_left(context, workspace, &found)?;
        Exit::Done
    } else {
        Exit::Done
    };
    Ok(if found.held.is_empty() { ended } else { ended.max(Exit::Held) })
}

/// `taking up run X of ada, as of 2026-11-01T05:00Z: 2 of 5 assets`.
fn told(found: &RetryPlan) -> String {
    let run = &found.run;
    let left = found.plan.steps.len();
    if left == 0 {
        return format!("run {} is {}: nothing of it is left to do", run.id, run.state.as_str());
    }
    let all = counted(found.tasks as u64, "asset", "assets");
    format!("taking up run {} of {}, as of {}: {left} of {all}", run.id, run.actor, instant(run.as_of))
}

/// Runs a plan to its summary.
pub(crate) async fn run(
    context: &Context,
    workspace: &Arc<Workspace>,
    graph: &Graph,
    plan: &Plan,
    parallel: Option<usize>,
) -> Outcome {
    let terminal = &context.terminal;
    if !terminal.json && !plan.steps.is_empty() {
        let steps = counted(plan.steps.len() as u64, "asset", "assets");
        terminal.note(&terminal.note_paint.faint(&format!("{steps} to run, {} up to date", plan.fresh.len())));
    }
    let observer = Watcher::new(terminal, plan.steps.iter().map(|step| &step.asset));
    let options = RunOptions {
        observer: observer.clone(),
        cancel: context.cancel.clone(),
        parallel: parallel.unwrap_or_else(|| threads(workspace)),
    };
    let ran = workspace.run(graph, plan, options).await;
    drop(observer);
    let ran = ran?;
    // What was interrupted is no mistake of anybody's; the summary names it.
    let failed = ran.results.iter().filter(|result| result.state != TaskState::Interrupted);
    let failures = failed.flat_map(|result| result.diagnostics.0.iter().cloned()).collect();
    terminal.diagnostics(&Diagnostics(failures));
    summary::print(context, workspace, plan, &ran)?;
    Ok(exit(&ran))
}

/// As many assets at once as the engine has threads.
fn threads(workspace: &Workspace) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    workspace.project.engine.threads.unwrap_or_else(cores)
}

fn exit(ran: &RunSummary) -> Exit {
    match ran.state {
        RunState::Running | RunState::Done => Exit::Done,
        RunState::Held => Exit::Held,
        RunState::Failed => Exit::Failed,
        RunState::Interrupted => Exit::Interrupted,
    }
}

//! One module per command: its arguments, and what it prints. None decides anything.

pub(crate) mod baseline;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod dismiss;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod forecast;
pub(crate) mod gc;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod lineage;
pub(crate) mod not_built;
pub(crate) mod plan;
pub(crate) mod publish;
pub(crate) mod query;
pub(crate) mod reference;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod suppress;
pub(crate) mod test;
pub(crate) mod token;
pub(crate) mod version;

use crate::arguments::Command;
use crate::context::Context;
use crate::exit::Outcome;

/// Does what was asked for.
pub(crate) async fn execute(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Init(arguments) => Box::pin(init::execute(arguments, context)).await,
        Command::Plan(arguments) => Box::pin(plan::execute(arguments, context)).await,
        Command::Run(arguments) => Box::pin(run::execute(arguments, context)).await,
        Command::Status(arguments) => Box::pin(status::execute(arguments, context)).await,
        Command::Check(arguments) => Box::pin(check::execute(arguments, context)).await,
        Command::Test(arguments) => Box::pin(test::execute(arguments, context)).await,
        Command::Baseline(arguments) => Box::pin(baseline::execute(arguments, context)).await,
        Command::Show(arguments) => Box::pin(show::execute(arguments, context)).await,
        Command::Query(arguments) => Box::pin(query::execute(arguments, context)).await,
        Command::Diff(arguments) => Box::pin(diff::execute(arguments, context)).await,
        Command::History(arguments) => Box::pin(history::execute(arguments, context)).await,
        Command::Lineage(arguments) => Box::pin(lineage::execute(arguments, context)).await,
        Command::Rollback(arguments) => Box::pin(rollback::execute(arguments, context)).await,
        Command::Publish(arguments) => Box::pin(publish::execute(arguments, context)).await,
        Command::Dismiss(arguments) => Box::pin(dismiss::execute(arguments, context)).await,
        Command::Suppress(arguments) => Box::pin(suppress::execute(arguments, context)).await,
        Command::Forecast(arguments) => Box::pin(forecast::execute(arguments, context)).await,
        Command::Serve(arguments) => Box::pin(serve::execute(arguments, context)).await,
        Command::Token(arguments) => Box::pin(token::execute(arguments, context)).await,
        Command::Doctor(arguments) => Box::pin(doctor::execute(arguments, context)).await,
        Command::Gc(arguments) => Box::pin(gc::execute(arguments, context)).await,
        Command::Explain(arguments) => explain::execute(&arguments, context),
        Command::Version(arguments) => version::execute(&arguments, context),
        Command::Reference(arguments) => reference::execute(&arguments, context),
        Command::Why(_) => not_built::refuse("why"),
        Command::Import(_) => not_built::refuse("import"),
        Command::Exec(_) => not_built::refuse("exec"),
    }
}

/// Whether a first Ctrl-C lets the command end by itself: a run stops its builds and journals that, and a change
/// that takes a moment is better finished than left to be healed.
pub(crate) fn ends_by_itself(command: &Command) -> bool {
    match command {
        Command::Init(_)
        | Command::Run(_)
        | Command::Baseline(_)
        | Command::Rollback(_)
        | Command::Publish(_)
        | Command::Dismiss(_)
        | Command::Suppress(_)
        | Command::Serve(_)
        | Command::Token(_) => true,
        Command::Doctor(arguments) => arguments.rebuild,
        Command::Plan(_)
        | Command::Status(_)
        | Command::Check(_)
        | Command::Test(_)
        | Command::Show(_)
        | Command::Query(_)
        | Command::Diff(_)
        | Command::History(_)
        | Command::Lineage(_)
        | Command::Forecast(_)
        | Command::Explain(_)
        | Command::Version(_)
        | Command::Reference(_)
        | Command::Gc(_)
        | Command::Why(_)
        | Command::Import(_)
        | Command::Exec(_) => false,
    }
}

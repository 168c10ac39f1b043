//! The binary: arguments in, terminal out. It lists the kinds and decides nothing.
//!
//! Each command is a module under `commands/`; what they print goes through `terminal/`, so that stdout is data,
//! stderr is the rest, and secrets are in neither. Exit codes are in `exit.rs`.

mod arguments;
mod codes;
mod commands;
mod context;
mod exit;
mod interrupt;
mod kinds;
mod logging;
mod terminal;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use lockgate_run::RunError;
use lockgate_types::Effects;
use tokio_util::sync::CancellationToken;

use arguments::{Arguments, Command};
use context::Context;
use exit::{Exit, Failure, Outcome};
use terminal::Terminal;

/// It gives memory back that the system's own keeps in an arena for each thread: with `engine.memory: 1GB`, a third less is
/// resident at the same speed (`docs/decisions/0010`).
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// SQL nests deeper than a thread's usual stack.
const STACK_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return wrong_arguments(&error),
    };
    let terminal = Arc::new(Terminal::new(arguments.global.json));
    // Until the end, so that the last of it is sent.
    let _logging = logging::start(&terminal);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return report(&terminal, &Err(Failure::system(&error))).into(),
    };
    let context = Context {
        global: arguments.global,
        terminal: Arc::clone(&terminal),
        effects: Effects::real(),
        cancel: CancellationToken::new(),
    };
    if let Err(error) = interrupt::listen(&context, commands::ends_by_itself(&arguments.command)) {
        return report(&terminal, &Err(Failure::system(&error))).into();
    }
    // On a thread of our own, because the system chose the main thread's stack.
    let outcome = std::thread::scope(|scope| {
        let work = || runtime.block_on(watched(arguments.command, &context));
        let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => Err(Failure::system(&error)),
        }
    });
    let exit = report(&terminal, &outcome);
    // Whatever still runs works for nobody.
    runtime.shutdown_timeout(Duration::from_millis(200));
    exit.into()
}

/// Does the command until it ends or is interrupted.
async fn watched(command: Command, context: &Context) -> Outcome {
    let ends_by_itself = commands::ends_by_itself(&command);
    tokio::select! {
        outcome = commands::execute(command, context) => outcome,
        () = async {
            context.cancel.cancelled().await;
            if ends_by_itself {
                std::future::pending::<()>().await;
            }
        } => Err(Failure::Interrupted),
    }
}

/// Tells what went wrong, and answers the exit code.
fn report(terminal: &Terminal, outcome: &Outcome) -> Exit {
    match outcome {
        Ok(exit) => *exit,
        Err(Failure::Diagnostics { diagnostics, exit }) => {
            terminal.diagnostics(diagnostics);
            *exit
        }
        Err(Failure::ClosedPipe) => Exit::Done,
        Err(Failure::Interrupted) => {
            terminal.note("interrupted");
            Exit::Interrupted
        }
    }
}

/// Clap's own words, with our code; help and version are no errors.
fn wrong_arguments(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            Exit::Done.into()
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Exit::Usage.into()
        }
        _ => {
            let terminal = Terminal::new(std::env::args_os().any(|argument| argument == "--json"));
            let shown = error.render();
            let text = if terminal.note_paint.is_on() { shown.ansi().to_string() } else { shown.to_string() };
            terminal.note(text.replacen("error:", &format!("error[{}]:", codes::USAGE.id), 1).trim_end());
            if terminal.json {
                let message = shown.to_string();
                let message = message.lines().next().unwrap_or("").trim_start_matches("error: ");
                let event = serde_json::json!({
                    "event": "diagnostic", "code": codes::USAGE.id, "level": "error", "message": message,
                });
                let _ = terminal.document(&event);
            }
            Exit::Usage.into()
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Interrupted => Failure::Interrupted,
            error => {
                let exit = if error.is_usage() { Exit::Usage } else { Exit::Failed };
                Failure::Diagnostics { diagnostics: error.diagnostics(), exit }
            }
        }
    }
}

impl From<lockgate_engine::EngineError> for Failure {
    fn from(error: lockgate_engine::EngineError) -> Self {
        RunError::from(error).into()
    }
}

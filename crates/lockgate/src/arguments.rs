//! The command line as typed. Each command's own arguments stand in its module.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    baseline, check, diff, dismiss, doctor, explain, forecast, gc, history, init, lineage, plan, publish, query,
    reference, rollback, run, serve, show, status, suppress, test, token, version,
};

/// Bad data never ships; good data ships itself.
///
/// Lockgate builds the tables of a project, checks every new version before anyone can see it, publishes what is
/// right and holds what is not.
#[derive(Debug, Parser)]
#[command(
    name = "lockgate",
    version,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or an invalid project, 3 held or late, 130 interrupted.\n\
                  A new project: lockgate init --from FILE…"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The project's folder
    #[arg(short = 'C', long, value_name = "DIR", global = true, default_value = ".", hide_default_value = true)]
    pub(crate) directory: PathBuf,
    /// The environment, with its own tables, vars and gate
    #[arg(long = "env", value_name = "NAME", global = true)]
    pub(crate) environment: Option<String>,
    /// Who does it; else LOCKGATE_ACTOR, else the user of the operating system
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) actor: Option<String>,
    /// Print JSON on stdout: one document, or one event a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Arguments),
    Plan(plan::Arguments),
    Run(run::Arguments),
    Status(status::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Baseline(baseline::Arguments),
    Show(show::Arguments),
    Query(query::Arguments),
    Diff(diff::Arguments),
    History(history::Arguments),
    Lineage(lineage::Arguments),
    Rollback(rollback::Arguments),
    Publish(publish::Arguments),
    Dismiss(dismiss::Arguments),
    Suppress(suppress::Arguments),
    Forecast(forecast::Arguments),
    Serve(serve::Arguments),
    Token(token::Arguments),
    Doctor(doctor::Arguments),
    Gc(gc::Arguments),
    Explain(explain::Arguments),
    Version(version::Arguments),
    #[command(hide = true)]
    Reference(reference::Arguments),
    #[command(hide = true)]
    Why(NotBuilt),
    #[command(hide = true)]
    Import(NotBuilt),
    #[command(hide = true)]
    Exec(NotBuilt),
}

/// Anything: the command is refused whatever stands behind it.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct NotBuilt {
    #[arg(num_args = 0.., trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) words: Vec<OsString>,
}

/// Which assets.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Selection {
    /// mart.daily, mart, mart.*, +x (with ancestors), x+ (with descendants), changed, tag:x, kind:source; a space
    /// is union, a comma intersection; nothing selects everything
    #[arg(value_name = "SELECTOR")]
    pub(crate) selectors: Vec<String>,
    /// Leave these out
    #[arg(long, value_name = "SELECTOR", num_args = 1..)]
    pub(crate) exclude: Vec<String>,
}

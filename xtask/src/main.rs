//! The project's own commands: `cargo xtask demo`, `cargo xtask bench`, …
//!
//! Each command lives in its own module and reads its own words. This file only finds it.

// A command of a person at a terminal: what it has to say goes there.
#![allow(clippy::print_stdout, clippy::print_stderr)]
// It measures real time and runs outside any project.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

mod bench;
mod build;
mod cargo;
mod data;
mod demo;
mod docs;
mod faults;
mod folder;
mod measure;
mod nightly;
mod terminal;
mod test;
mod tidy;
mod tool;
mod web;
mod words;

/// Name, what it does, and its function, which gets the words after the name.
type Command = (&'static str, &'static str, fn(&Path, &[String]) -> Result<ExitCode>);

const COMMANDS: &[Command] = &[
    ("test", "all of CI: format, tidy, lints, tests", test::run),
    ("nightly", "the long versions of the tests: 1,000 kills, 10,000 simulated histories, …", nightly::run),
    ("tidy", "check what no compiler checks: layers, dependencies, files, words", tidy::run),
    ("docs", "write docs/reference from the code", docs::run),
    ("faults", "write docs/faults.md from the tables of the fault tests", faults::run),
    ("web", "build the UI that the binary embeds", web::run),
    ("demo", "build Lockgate and play the bad row and New York's flights of 2013", demo::run),
    ("data", "fetch New York's flights of 2013 and lay them out, a file a day", data::run),
    ("bench", "measure the TPC-H pipeline against dbt-duckdb and write benches/RESULTS.md", bench::run),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[String]) -> Result<ExitCode> {
    let name = words.first().map_or("help", String::as_str);
    if let Some((_, _, command)) = COMMANDS.iter().find(|(known, _, _)| *known == name) {
        return command(&root(), &words[1..]);
    }
    let width = COMMANDS.iter().map(|(name, _, _)| name.len()).max().unwrap_or(0);
    let list: Vec<String> = COMMANDS.iter().map(|(name, about, _)| format!("  {name:width$}  {about}")).collect();
    let help = format!("usage: cargo xtask COMMAND\n\n{}", list.join("\n"));
    if !matches!(name, "help" | "--help" | "-h") {
        bail!("there is no command `{name}`\n\n{help}");
    }
    println!("{help}");
    Ok(ExitCode::SUCCESS)
}

/// The repository.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

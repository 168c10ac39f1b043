//! `cargo xtask nightly`: what takes too long for CI.
//!
//! The same tests as in CI, tried more often. Which, and how often, is one list ([`LONG`]): whoever has a long version of a
//! test adds a line. Every entry runs, whatever became of the ones before it; the last line is `N passed, N failed`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cargo;
use crate::terminal::{heading, seconds};
use crate::test::{PYTHON, python};
use crate::words::Words;

/// One long version of tests that CI runs briefly.
struct Long {
    name: &'static str,
    about: &'static str,
    /// As `cargo nextest run -E` takes it.
    tests: &'static str,
    /// What makes them long.
    variables: &'static [(&'static str, &'static str)],
}

const LONG: &[Long] = &[
    Long {
        name: "kills",
        about: "1,000 processes killed at any moment of their runs",
        tests: "test(/a_process_may_be_killed_at_any_moment$/)",
        variables: &[("LOCKGATE_KILLS", "1000")],
    },
    Long {
        name: "simulation",
        about: "10,000 histories of journal, leases and publication in virtual time",
        tests: "test(/every_history_ends_well$/)",
        variables: &[("LOCKGATE_SEEDS", "10000")],
    },
    Long {
        name: "faults",
        about: "every operation of a run fails in turn, and every step",
        tests: "package(lockgate-run) and test(/fault|fail|power/)",
        variables: &[("LOCKGATE_FAULTS_WHOLE", "1")],
    },
    Long {
        name: "fuzz",
        about: "ten minutes of anything at all for the project parser, the header and the CSV reader, each",
        tests: "test(/no_panic_for_a_while|both_readers_read_anything_alike/)",
        variables: &[("LOCKGATE_FUZZ_SECONDS", "600")],
    },
    Long {
        name: "line",
        about: "a line of a gigabyte",
        tests: "test(/a_line_longer_than_memory/)",
        variables: &[("LOCKGATE_LINE_MB", "1000")],
    },
];

/// Runs all of them, or those that are named.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    let usage = usage();
    if words.iter().any(|word| matches!(word.as_str(), "--help" | "-h")) {
        println!("{usage}");
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&'static str> = LONG.iter().map(|long| long.name).collect();
    let mut words = Words::new(words);
    let mut wanted = Vec::new();
    while let Some(name) = words.one_of(&names) {
        wanted.push(name);
    }
    words.finish(&usage)?;
    let wanted = |long: &&Long| wanted.is_empty() || wanted.contains(&long.name);
    let python = python::ready()?;
    let mut outcomes = Vec::new();
    for long in LONG.iter().filter(wanted) {
        heading(&format!("{}: {}", long.name, long.about));
        let started = Instant::now();
        let mut command =
            cargo::command(root, &["nextest", "run", "--workspace", "--profile", "nightly", "--no-fail-fast"]);
        command.args(["-E", long.tests]).envs(long.variables.iter().copied()).env(PYTHON, &python);
        let status = command.status().context("cargo does not start")?;
        outcomes.push((long.name, status.success(), started.elapsed().as_secs_f64()));
    }
    heading("summary");
    for (name, has_passed, took) in &outcomes {
        println!("{} {name:<12} {:>12}", if *has_passed { "✓" } else { "✗" }, seconds(*took));
    }
    let failed = outcomes.iter().filter(|(_, has_passed, _)| !has_passed).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn usage() -> String {
    let mut usage = "usage: cargo xtask nightly [NAME…]\n".to_owned();
    for long in LONG {
        let variables: Vec<String> = long.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        usage.push_str(&format!("\n  {:<12} {}\n  {:<12} {}", long.name, long.about, "", variables.join(" ")));
    }
    usage
}

//! `cargo xtask test`: all of CI, on a fresh machine too.
//!
//! Every step runs, whatever became of the ones before it, so that one call tells everything that is wrong. The
//! last line is `N passed, N failed`; each test counts, and each step that is not a test.

pub(crate) mod python;
mod tally;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::terminal::{heading, seconds};
use crate::words::Words;
use crate::{cargo, tidy, web};
use tally::Tally;

/// Where tests find a Python with the packages of `python.rs`.
pub(crate) const PYTHON: &str = "LOCKGATE_TEST_PYTHON";

/// For how long each fuzz test tries, when nobody says.
const FUZZ: (&str, &str) = ("LOCKGATE_FUZZ_SECONDS", "20");

/// One step: its name, and how it came out.
struct Step {
    name: &'static str,
    passed: u64,
    failed: u64,
    seconds: f64,
}

/// Runs every step.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    Words::new(words).finish("cargo xtask test")?;
    let steps = [
        step("format", || one(cargo::command(root, &["fmt", "--all", "--check"]))),
        step("tidy", || one_of_many(tidy::check(root))),
        step("lints", || {
            one(cargo::command(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
        }),
        // Before the tests: the binary that they build embeds the UI.
        step("web", || Ok(named(web::checks(root)))),
        step("tests", || tests(root)),
        step("browser", || Ok(named(vec![("in Chromium", web::browser(root))]))),
    ];
    heading("summary");
    for step in &steps {
        let mark = if step.failed == 0 { "✓" } else { "✗" };
        let counts = format!("{} passed, {} failed", step.passed, step.failed);
        println!("{mark} {:<8} {counts:<26} {:>12}", step.name, seconds(step.seconds));
    }
    let passed: u64 = steps.iter().map(|step| step.passed).sum();
    let failed: u64 = steps.iter().map(|step| step.failed).sum();
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a step; what keeps it from being done is a failure of it, told at once.
fn step(name: &'static str, work: impl FnOnce() -> Result<Tally>) -> Step {
    heading(name);
    let started = Instant::now();
    let tally = work().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Tally { passed: 0, failed: 1 }
    });
    let seconds = started.elapsed().as_secs_f64();
    Step { name, passed: tally.passed, failed: tally.failed, seconds }
}

/// A step that goes well or does not.
fn one(command: Command) -> Result<Tally> {
    let mut command = command;
    let status = command.status().with_context(|| format!("{command:?} does not start"))?;
    Ok(if status.success() { Tally { passed: 1, failed: 0 } } else { Tally { passed: 0, failed: 1 } })
}

/// A step of several parts; each that fails says why.
fn named(parts: Vec<(&'static str, Result<()>)>) -> Tally {
    let mut tally = Tally::default();
    for (name, outcome) in parts {
        match outcome {
            Ok(()) => tally.passed += 1,
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                tally.failed += 1;
            }
        }
    }
    tally
}

/// A step that names what is wrong.
fn one_of_many(broken: Result<Vec<String>>) -> Result<Tally> {
    let broken = broken?;
    broken.iter().for_each(|line| eprintln!("{line}"));
    let failed = broken.len() as u64;
    Ok(Tally { passed: u64::from(failed == 0), failed })
}

/// Builds and runs the tests of the whole workspace: with nextest, or with cargo's own runner where it is missing.
fn tests(root: &Path) -> Result<Tally> {
    let python = python::ready()?;
    let has_nextest = cargo::command(root, &["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut command = if has_nextest {
        cargo::command(root, &["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"])
    } else {
        println!("cargo-nextest is not installed; cargo's own runner does it, more slowly");
        cargo::command(root, &["test", "--workspace", "--no-fail-fast", "--quiet"])
    };
    command.env(PYTHON, python).env("CARGO_TERM_COLOR", "never");
    if std::env::var_os(FUZZ.0).is_none() {
        command.env(FUZZ.0, FUZZ.1);
    }
    // nextest speaks on stderr, cargo's runner on stdout.
    let (tally, status) = if has_nextest {
        let mut child = command.stderr(Stdio::piped()).spawn().context("cargo does not start")?;
        (watch(child.stderr.take(), tally::of_nextest), child.wait()?)
    } else {
        let mut child = command.stdout(Stdio::piped()).spawn().context("cargo does not start")?;
        (watch(child.stdout.take(), tally::of_cargo), child.wait()?)
    };
    // A build that fails runs no test, and is no success.
    Ok(if status.success() || tally.failed > 0 { tally } else { Tally { failed: 1, ..tally } })
}

/// Shows the lines as they come, and adds up what they count.
fn watch(output: Option<impl std::io::Read>, count: fn(&str) -> Option<Tally>) -> Tally {
    let mut sum = Tally::default();
    let Some(output) = output else { return sum };
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if let Some(tally) = count(&line) {
            sum.add(tally);
        }
        println!("{line}");
    }
    sum
}

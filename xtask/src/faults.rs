//! `cargo xtask faults`: writes `docs/faults.md` from the tables of the fault tests.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cargo;
use crate::words::Words;

/// The test that compares the page with the tables, told to write it.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    Words::new(words).finish("cargo xtask faults")?;
    let test = ["test", "--package", "lockgate-run", "--test", "it", "--quiet", "--", "--exact"];
    let mut command = cargo::command(root, &test);
    let status = command.arg("faults::page::the_page_is_current").env("UPDATE", "1").status();
    let status = status.context("cargo does not start")?;
    if !status.success() {
        return Ok(ExitCode::FAILURE);
    }
    println!("wrote docs/faults.md");
    Ok(ExitCode::SUCCESS)
}

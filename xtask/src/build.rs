//! Builds the binary with cargo and says where it is.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{cargo, terminal};

/// The `lockgate` binary of a profile, built if needed. `target` is another target folder than the workspace's.
pub(crate) fn lockgate(root: &Path, profile: &str, target: Option<&Path>) -> Result<PathBuf> {
    let started = Instant::now();
    // Of the workspace, not of the package: the features are then those that the tests are built with.
    let words = ["build", "--workspace", "--bin", "lockgate", "--profile", profile];
    let mut cargo = cargo::command(root, &words);
    cargo.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    if let Some(target) = target {
        cargo.arg("--target-dir").arg(target);
    }
    let output = cargo.output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("the build failed");
    }
    let binary = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "lockgate")
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo named no lockgate binary")?;
    println!("built {} in {}", binary.display(), terminal::seconds(started.elapsed().as_secs_f64()));
    Ok(binary)
}

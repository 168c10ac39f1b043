//! No dependency that nobody names, and no second generation of what must be one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Member, files};

/// Dependencies that are there for a feature they switch on, with the reason.
const ONLY_FOR_A_FEATURE: &[(&str, &str, &str)] = &[];

/// Crates of which the build has one generation: values of one do not fit the other, and each costs minutes.
const ONE_GENERATION: &[&str] = &["arrow", "parquet", "datafusion", "object_store", "delta_kernel", "rustls", "hyper"];

/// Dependencies that no source file of their crate names.
pub(super) fn unused(root: &Path, members: &[Member]) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    let mut named_by_someone = BTreeSet::new();
    for member in members {
        let sources = files(&member.folder, &|path| path.extension().is_some_and(|e| e == "rs"))?;
        let mut words = BTreeSet::new();
        for source in sources {
            let text = std::fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
            words.extend(code_words(&text).map(str::to_owned));
        }
        for dependency in &member.dependencies {
            named_by_someone.insert(dependency.name.clone());
            let excused = ONLY_FOR_A_FEATURE.iter().any(|(c, d, _)| *c == member.short() && *d == dependency.name);
            if !words.contains(&dependency.local.replace('-', "_")) && !excused {
                broken.push(format!("dependencies: {} does not use {}", member.short(), dependency.local));
            }
        }
    }
    for listed in listed_in_workspace(root)? {
        if !named_by_someone.contains(&listed) {
            broken.push(format!("dependencies: Cargo.toml lists {listed}, which no crate uses"));
        }
    }
    Ok(broken)
}

/// The identifiers of a source file outside line comments.
fn code_words(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or(""));
    code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
}

/// The names under `[workspace.dependencies]`.
fn listed_in_workspace(root: &Path) -> Result<Vec<String>> {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap_or("");
    let section = section.lines().take_while(|line| !line.starts_with('['));
    let entries = section.filter(|line| !line.starts_with([' ', ']', '#']));
    Ok(entries.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.to_owned()).collect())
}

/// Packages that the build has in two versions, though it must have one.
pub(super) fn two_generations(metadata: &Value) -> Vec<String> {
    let built = built(metadata);
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let (Some(id), Some(name), Some(version)) =
            (package["id"].as_str(), package["name"].as_str(), package["version"].as_str())
        else {
            continue;
        };
        let of_one =
            |one: &&str| name == *one || name.strip_prefix(*one).is_some_and(|rest| rest.starts_with(['-', '_']));
        if built.contains(id) && ONE_GENERATION.iter().any(of_one) {
            versions.entry(name).or_default().insert(version);
        }
    }
    let twice = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    twice
        .map(|(name, versions)| {
            let versions: Vec<&str> = versions.into_iter().collect();
            format!(
                "dependencies: {name} is built in {}; `cargo tree -i {name}@VERSION` tells why",
                versions.join(" and ")
            )
        })
        .collect()
}

/// What is really built: reachable from the workspace on this platform.
fn built(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let mut open: Vec<&str> =
        metadata["workspace_members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id)
            && let Some(node) = nodes.get(id)
        {
            open.extend(node["dependencies"].as_array().into_iter().flatten().filter_map(Value::as_str));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn comments_are_not_code() {
        let words: BTreeSet<&str> = code_words("use serde::Serialize; // blake3\n//! tokio").collect();
        assert!(words.contains("serde") && !words.contains("blake3") && !words.contains("tokio"));
    }

    #[test]
    fn two_arrows_are_found_when_both_are_built() {
        let metadata = json!({
            "workspace_members": ["a"],
            "packages": [
                { "id": "a", "name": "a", "version": "1.0.0" },
                { "id": "x", "name": "arrow", "version": "58.0.0" },
                { "id": "y", "name": "arrow", "version": "59.0.0" },
            ],
            "resolve": { "nodes": [{ "id": "a", "dependencies": ["x", "y"] }] },
        });
        assert_eq!(two_generations(&metadata).len(), 1);
        let mut one = metadata.clone();
        one["resolve"]["nodes"][0]["dependencies"] = json!(["y"]);
        assert!(two_generations(&one).is_empty());
    }
}

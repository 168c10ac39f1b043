//! Rules about files: their length, their names, their first line, their words.

use std::path::Path;

use anyhow::{Context, Result};

use super::files;

/// A file of code is no longer.
const LINES_MAX: usize = 1_000;

/// Files of code.
const CODE: &[&str] = &["rs", "py", "ts", "tsx", "css", "sh", "sql"];

/// Names for rooms without a purpose.
const NAMELESS: &[&str] = &["util", "utils", "common", "helpers", "helper", "manager", "misc"];

/// Other words for what DESIGN.md, section 2, has one word for, and that word.
const SYNONYMS: &[(&str, &str)] = &[
    ("job", "run or task"),
    ("jobs", "runs or tasks"),
    ("pipeline", "project"),
    ("pipelines", "projects"),
    ("dataset", "asset or table"),
    ("datasets", "assets or tables"),
    ("quarantine", "hold"),
    ("quarantined", "held"),
];

/// Where a word is right after all: the path's start, the word, and why.
const RIGHT_HERE: &[(&str, &str, &str)] = &[
    ("xtask/src/tidy/", "", "names the words that it bans"),
    ("xtask/src/bench", "pipeline", "the benchmark's name in the issue"),
    ("xtask/src/main.rs", "pipeline", "the benchmark's name in the issue"),
    ("benches/", "pipeline", "the benchmark's name in the issue"),
    ("xtask/src/bench/forecast", "datasets", "a package's name"),
    ("web/src/theme/", "dataset", "a property of the DOM"),
    ("crates/wire/tests/python/", "pipeline", "psycopg's own word for sending ahead"),
    ("docs/decisions/", "", "may speak of what others call it"),
];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    let wanted = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        CODE.contains(&extension) || ["md", "yml", "toml"].contains(&extension)
    };
    for path in files(root, &wanted)? {
        let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        // A case may be a file that no one can read.
        let text = String::from_utf8_lossy(&std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?)
            .into_owned();
        broken.extend(file(&shown, &text));
    }
    Ok(broken)
}

/// What is wrong with one file.
fn file(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let extension = path.rsplit('.').next().unwrap_or("");
    // What is generated is as long as what it is made from.
    let is_code = CODE.contains(&extension) && !path.ends_with("/api/schema.d.ts");
    let lines = text.lines().count();
    if is_code && lines > LINES_MAX {
        broken.push(format!("files: {path} has {lines} lines; {LINES_MAX} are the most"));
    }
    let is_rust = extension == "rs";
    if is_rust && (path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs")) && !text.starts_with("//!") {
        broken.push(format!("files: {path} does not start with `//!`: what it owns, what it does not know, its cost"));
    }
    if is_rust && path.split(['/', '.']).any(|part| NAMELESS.contains(&part)) {
        broken.push(format!("files: {path} is in a room without a purpose; name what it is for"));
    }
    let tests: Vec<&str> = path.split('/').collect();
    if is_rust && matches!(tests[..], ["crates", _, "tests", _]) {
        broken.push(format!("files: {path} makes a test binary of its own; a crate has one, tests/it/main.rs"));
    }
    // What other tools' projects are written in speaks their language.
    if !path.contains("/peers/") && !path.starts_with("benches/dbt") {
        broken.extend(synonyms(path, text));
    }
    broken
}

fn synonyms(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in words(line) {
            let Some((_, right)) = SYNONYMS.iter().find(|(wrong, _)| *wrong == word) else { continue };
            let excused = RIGHT_HERE.iter().any(|(start, excused, _)| {
                path.starts_with(start) && (excused.is_empty() || word.starts_with(excused))
            });
            if !excused {
                broken.push(format!("words: {path}:{}: `{word}` is not our word; say {right}", index + 1));
            }
        }
    }
    broken
}

/// The words of a line in lowercase; `JobRunner` and `job_runner` have two.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before_is_lower = false;
    for c in line.chars().chain([' ']) {
        if (!c.is_alphabetic() || (c.is_uppercase() && before_is_lower)) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        before_is_lower = c.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_identifiers() {
        assert_eq!(words("a JobRunner, job_id; dataset1"), ["a", "job", "runner", "job", "id", "dataset"]);
    }

    #[test]
    fn each_rule_speaks() {
        assert_eq!(file("crates/run/src/lib.rs", "mod x;\n").len(), 1);
        assert_eq!(file("crates/run/src/util.rs", "").len(), 1);
        assert_eq!(file("crates/run/tests/other.rs", "").len(), 1);
        assert_eq!(file("crates/run/src/long.rs", &"x\n".repeat(1_001)).len(), 1);
        assert_eq!(file("crates/run/src/x.rs", "// a pipeline\n").len(), 1);
        assert!(file("crates/run/src/lib.rs", "//! Runs.\n").is_empty());
        assert!(file("crates/run/tests/it/main.rs", "").is_empty());
    }
}

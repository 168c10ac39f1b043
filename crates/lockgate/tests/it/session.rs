//! Recorded sessions: each file under `tests/cases` is a project, commands, and what they answer.
//!
//! ```text
//! # prose
//! === data/orders.csv          a file, up to the next line that starts with ===, $ or #
//! id,amount
//! === remove data/orders.csv   a file goes
//! $ lockgate run               a command line for sh, in the project's folder
//! > a line of stdout
//! ! a line of stderr
//! = 3                          the exit code, unless it is 0
//! ```
//!
//! `UPDATE=1` writes what the commands answer now into the files. What differs from run to run is replaced: `[TIME]`,
//! `[AGO]`, `[AT]`, `[SIZE]`, `[RUN]`, `[HASH]`, `[ROOT]`; in a paragraph where something was, longer
//! gaps shrink to two spaces.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;

/// One test per file, so that a failure names it.
macro_rules! sessions {
    ($($name:ident)*) => {
        $(#[test] fn $name() { play(stringify!($name)); })*

        #[test]
        fn every_session_is_played() {
            let listed: BTreeSet<String> = [$(stringify!($name)),*].iter().map(|name| name.to_string()).collect();
            let files = std::fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().path());
            let there = files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
            assert_eq!(listed, there);
        }
    };
}

sessions! {
    decide
    diff
    forecast
    init
    keep
    late
    loads
    look
    project
    retry
    secrets
    serve
    story
    unit_tests
    unit_tests_record
    unit_tests_types
    unit_tests_wrong
    usage
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// A part of a session.
#[derive(Debug)]
enum Part {
    /// Kept as it is: prose, empty lines.
    Line(String),
    File {
        path: String,
        text: String,
    },
    Remove(String),
    Command {
        line: String,
        answer: String,
    },
}

fn play(name: &str) {
    let file = cases().join(format!("{name}.session"));
    let written = std::fs::read_to_string(&file).unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut now = String::new();
    for part in parse(&written) {
        match part {
            Part::Line(line) => writeln!(now, "{line}").unwrap(),
            Part::File { path, text } => {
                let target = root.path().join(&path);
                std::fs::create_dir_all(target.parent().unwrap()).unwrap();
                std::fs::write(target, &text).unwrap();
                write!(now, "=== {path}\n{text}").unwrap();
            }
            Part::Remove(path) => {
                std::fs::remove_file(root.path().join(&path)).unwrap();
                writeln!(now, "=== remove {path}").unwrap();
            }
            Part::Command { line, .. } => write!(now, "$ {line}\n{}", answer(&line, root.path())).unwrap(),
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, now).unwrap();
    } else {
        assert!(now == written, "{} differs; UPDATE=1 rewrites it\n{}", file.display(), difference(&written, &now));
    }
}

fn parse(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("=== remove ") {
            parts.push(Part::Remove(path.to_owned()));
        } else if let Some(path) = line.strip_prefix("=== ") {
            parts.push(Part::File { path: path.to_owned(), text: String::new() });
        } else if let Some(command) = line.strip_prefix("$ ") {
            parts.push(Part::Command { line: command.to_owned(), answer: String::new() });
        } else {
            match parts.last_mut() {
                Some(Part::Command { answer, .. }) if line.starts_with(['>', '!', '=']) => {
                    writeln!(answer, "{line}").unwrap();
                }
                Some(Part::File { text, .. }) if !line.starts_with('#') => writeln!(text, "{line}").unwrap(),
                _ => parts.push(Part::Line(line.to_owned())),
            }
        }
    }
    parts
}

/// Runs a command line and writes down what came.
fn answer(line: &str, root: &Path) -> String {
    let output = shell(line, root).output().unwrap();
    let mut text = String::new();
    for (mark, bytes) in [('>', &output.stdout), ('!', &output.stderr)] {
        for line in normal(&String::from_utf8_lossy(bytes), root).lines() {
            writeln!(text, "{mark} {line}").unwrap();
        }
    }
    let text = text.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
    match output.status.code() {
        Some(0) => text,
        code => format!("{text}= {}\n", code.map_or("killed".to_owned(), |code| code.to_string())),
    }
}

/// A shell that finds the binary of this build, and nothing of the person who runs the tests.
pub(crate) fn shell(line: &str, folder: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_lockgate"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .env("LOCKGATE_ACTOR", "ada")
        .stdin(Stdio::null());
    command
}

/// What differs from run to run, and what stands for it. The order counts.
static CHANGING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let pattern = |pattern: &str, by: &'static str| (Regex::new(pattern).unwrap(), by);
    vec![
        pattern(r"\b[0-9a-f]{64}\b", "[HASH]"),
        pattern(r#"("at"|_at"|"since"): ?"[^"]+""#, r#"$1:"[AT]""#),
        pattern(r#""as_of": ?"[^"]+\.\d+Z""#, r#""as_of":"[AT]""#),
        pattern(r#"("(?:duration|build|audit)_ms"): ?\d+"#, r"$1:[TIME]"),
        pattern(r#""size_bytes": ?\d+"#, r#""size_bytes":[SIZE]"#),
        pattern(r#""candidate_key": ?"[^"]*""#, r#""candidate_key":"[HASH]""#),
        pattern(r"\b0[0-9a-z]{15}\b", "[RUN]"),
        pattern(r"just now|\b\d+ (s|min|h) ago", "[AGO]"),
        pattern(r"~?\b\d+ min \d+ s\b|~?\b\d+(\.\d)? (ms|s)\b", "[TIME]"),
        pattern(r"\b\d+(\.\d)? (B|kB|MB)\b", "[SIZE]"),
        pattern(r"\b\d+ GB \(\d+ %\)", "[SIZE]"),
        pattern(r#"("removed_bytes"): ?\d+"#, "$1:[SIZE]"),
        pattern(r"\blgt_[0-9a-f]+\b", "[TOKEN]"),
        pattern(r"\b[0-9a-f]{12}\b", "[ID]"),
        pattern(r"\b127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        pattern(r"part-[0-9a-z-]+\.parquet", "[FILE]"),
    ]
});

static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(" {3,}").unwrap());

fn normal(text: &str, root: &Path) -> String {
    let text = text.replace(root.canonicalize().unwrap().to_str().unwrap(), "[ROOT]");
    let text = text.replace(root.to_str().unwrap(), "[ROOT]");
    // Where one line of a paragraph differs in width, its columns do in all of them.
    let mut out = String::new();
    for paragraph in text.split("\n\n") {
        let mut shown = paragraph.to_owned();
        for (pattern, by) in CHANGING.iter() {
            shown = pattern.replace_all(&shown, *by).into_owned();
        }
        for (index, line) in shown.split('\n').enumerate() {
            let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
            let rest = if shown == paragraph { rest.into() } else { GAP.replace_all(rest, "  ") };
            write!(out, "{}{indent}{rest}", if index > 0 { "\n" } else { "" }).unwrap();
        }
        out.push_str("\n\n");
    }
    let end = if text.ends_with('\n') { "\n" } else { "" };
    format!("{}{end}", out.trim_end_matches('\n'))
}

/// The lines around the first one that differs.
fn difference(before: &str, now: &str) -> String {
    let (before, now): (Vec<&str>, Vec<&str>) = (before.lines().collect(), now.lines().collect());
    let first = before.iter().zip(&now).position(|(a, b)| a != b).unwrap_or(before.len().min(now.len()));
    let from = first.saturating_sub(6);
    let part = |lines: &[&str], mark: &str| {
        lines.iter().skip(from).take(24).map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    format!("from line {}\nexpected\n{}now\n{}", from + 1, part(&before, "-"), part(&now, "+"))
}

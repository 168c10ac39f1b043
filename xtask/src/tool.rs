//! The `lockgate` binary as a person uses it: through its command line, and never past it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// A binary at work in a project folder.
#[derive(Clone, Debug)]
pub(crate) struct Lockgate {
    pub(crate) binary: PathBuf,
    pub(crate) project: PathBuf,
}

/// A row of a query's answer.
pub(crate) type Row = Map<String, Value>;

impl Lockgate {
    pub(crate) fn new(binary: &Path, project: &Path) -> Self {
        Lockgate { binary: binary.to_owned(), project: project.to_owned() }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        // The folder is entered rather than named, so that what is printed is what ran.
        command.args(words).current_dir(&self.project).stdin(Stdio::null());
        command
    }

    /// Prints a command and lets it print; `allowed` are the exit codes that fit the story.
    pub(crate) fn show(&self, words: &[&str], allowed: &[i32]) -> Result<i32> {
        println!("\n$ {}", typed(words));
        let status = self.command(words).status().with_context(|| self.cannot_start())?;
        let code = status.code().unwrap_or(-1);
        if !allowed.contains(&code) {
            bail!("`{}` ended with exit code {code}; the story needs {}", typed(words), list(allowed));
        }
        if code != 0 {
            println!("[exit code {code}]");
        }
        Ok(code)
    }

    /// Runs a command that answers in JSON: one value, an array, or a line each. Arrays are flattened.
    pub(crate) fn json(&self, words: &[&str], allowed: &[i32]) -> Result<(i32, Vec<Value>)> {
        let output = self.command(words).output().with_context(|| self.cannot_start())?;
        let code = self.expect(words, &output, allowed)?;
        let mut values = Vec::new();
        for value in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
            match value.with_context(|| format!("`{}` answered something that is not JSON", typed(words)))? {
                Value::Array(items) => values.extend(items),
                other => values.push(other),
            }
        }
        Ok((code, values))
    }

    /// The rows of a query over what readers see.
    pub(crate) fn query(&self, sql: &str) -> Result<Vec<Row>> {
        let (_, values) = self.json(&["query", sql, "--format", "json"], &[0])?;
        values
            .into_iter()
            .map(|value| match value {
                Value::Object(row) => Ok(row),
                other => bail!("a row of `{sql}` is not an object but {other}"),
            })
            .collect()
    }

    /// The only row of a query.
    pub(crate) fn row(&self, sql: &str) -> Result<Row> {
        let mut rows = self.query(sql)?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => bail!("`{sql}` did not answer with one row"),
        }
    }

    fn expect(&self, words: &[&str], output: &Output, allowed: &[i32]) -> Result<i32> {
        let code = output.status.code().unwrap_or(-1);
        if !allowed.contains(&code) {
            bail!(
                "`{}` in {} ended with exit code {code}; the story needs {}\n{}",
                typed(words),
                self.project.display(),
                list(allowed),
                String::from_utf8_lossy(&output.stderr).trim_end()
            );
        }
        Ok(code)
    }

    fn cannot_start(&self) -> String {
        format!("{} does not start", self.binary.display())
    }
}

/// A whole number in a row, also where it came as text or as `12.0`.
pub(crate) fn whole(row: &Row, column: &str) -> Result<u64> {
    let value = row.get(column).with_context(|| format!("the answer has no column `{column}`"))?;
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let digits = text.split('.').next().unwrap_or_default();
    digits.parse().with_context(|| format!("`{column}` is {text}, not a whole number"))
}

/// Text in a row; empty for null.
pub(crate) fn text(row: &Row, column: &str) -> Result<String> {
    match row.get(column).with_context(|| format!("the answer has no column `{column}`"))? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        other => Ok(other.to_string()),
    }
}

/// The command as one would type it.
pub(crate) fn typed(words: &[&str]) -> String {
    let quote = |word: &&str| {
        if word.is_empty() || word.contains([' ', '*', '(', '"', '<', '>']) {
            format!("\"{word}\"")
        } else {
            (*word).to_owned()
        }
    };
    format!("lockgate {}", words.iter().map(quote).collect::<Vec<_>>().join(" "))
}

fn list(codes: &[i32]) -> String {
    codes.iter().map(i32::to_string).collect::<Vec<_>>().join(" or ")
}

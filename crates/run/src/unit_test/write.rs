//! A recorded test as the text of its file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use lockgate_project::Var;
use lockgate_types::{AssetName, Column, VersionNumber};

use super::cell::{Cell, map, quoted};

/// A row that is longer stands on several lines, one for each column.
const LONGEST_ROW: usize = 110;

/// What a file is made from.
pub(crate) struct Recording<'a> {
    pub(crate) inputs: &'a BTreeMap<AssetName, VersionNumber>,
    pub(crate) given: Vec<(AssetName, Rows<'a>)>,
    pub(crate) vars: BTreeMap<String, Var>,
    pub(crate) run_at: Option<DateTime<Utc>>,
    pub(crate) expect: Rows<'a>,
    /// `raw.people.email`.
    pub(crate) invented: Vec<String>,
    pub(crate) left_out: Vec<String>,
}

/// Rows with a cell for each column.
pub(crate) struct Rows<'a> {
    pub(crate) columns: Vec<&'a Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Whether null is written; in what is given it is what is not said.
    pub(crate) nulls: bool,
}

/// The whole file.
pub(crate) fn render(recording: &Recording<'_>) -> String {
    let mut text = String::new();
    let versions = recording.inputs.iter().map(|(name, number)| format!("{name} version {number}"));
    let from = versions.collect::<Vec<_>>().join(", ");
    comment(
        &mut text,
        &format!("Recorded by `lockgate test --record`{}{from}.", if from.is_empty() { "" } else { " from " }),
    );
    comment(&mut text, "It says what the SQL does, not what it should: read it before you keep it.");
    if !recording.invented.is_empty() {
        comment(&mut text, &format!("Invented in place of personal data: {}.", recording.invented.join(", ")));
    }
    if !recording.left_out.is_empty() {
        comment(&mut text, &format!("Left out, for they hold secrets: {}.", recording.left_out.join(", ")));
    }
    if !recording.given.is_empty() {
        text.push_str("given:\n");
        for (name, given) in &recording.given {
            rows(&mut text, &format!("  {name}"), 4, given);
        }
    }
    if !recording.vars.is_empty() {
        text.push_str("vars:\n");
        for (name, var) in &recording.vars {
            let value = match var {
                Var::String(value) => quoted(value),
                Var::Double(value) => format!("{value:?}"),
                Var::Bool(_) | Var::Integer(_) => var.to_string(),
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    if let Some(at) = recording.run_at {
        let _ = writeln!(text, "run_at: {}", at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }
    rows(&mut text, "expect", 2, &recording.expect);
    text
}

/// Wrapped at spaces.
fn comment(text: &mut String, prose: &str) {
    let mut line = String::from("#");
    for word in prose.split(' ') {
        if line.chars().count() + word.chars().count() >= LONGEST_ROW {
            let _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

fn rows(text: &mut String, key: &str, indent: usize, rows: &Rows<'_>) {
    if rows.rows.is_empty() {
        let _ = writeln!(text, "{key}: []");
        return;
    }
    let _ = writeln!(text, "{key}:");
    let pad = " ".repeat(indent);
    for row in &rows.rows {
        let cells: Vec<(&str, String)> = rows
            .columns
            .iter()
            .zip(row)
            .filter(|(_, cell)| rows.nulls || **cell != Cell::Null)
            .map(|(column, cell)| (column.name.as_str(), cell.yaml(&column.data_type)))
            .collect();
        let line = map(cells.iter().map(|(name, value)| (*name, value.clone())));
        if line.chars().count() <= LONGEST_ROW || cells.len() < 2 {
            let _ = writeln!(text, "{pad}- {line}");
            continue;
        }
        for (index, (name, value)) in cells.iter().enumerate() {
            let mark = if index == 0 { "-" } else { " " };
            let _ = writeln!(text, "{pad}{mark} {}: {value}", quoted(name));
        }
    }
}

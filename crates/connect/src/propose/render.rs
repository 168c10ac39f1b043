//! The text of a proposed source.

use std::fmt::Write as _;
use std::path::Path;

use lockgate_types::number::rows;
use lockgate_types::{Column, DataType};

use super::Group;
use super::facts::Facts;

/// The whole asset file.
pub(crate) fn yaml(
    root: &Path,
    group: &Group,
    columns: &[Column],
    facts: &Facts,
    rejected: &[(String, String)],
) -> String {
    let mut text = String::new();
    let files = group.files.len();
    let from = if files == 1 { group.files[0].name.clone() } else { format!("{files} files") };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# Proposed from {} in {from}. Every check below holds on them;", rows(facts.rows));
    let _ = writeln!(text, "# keep what has to hold tomorrow as well, and tighten the rest.");
    let _ = writeln!(text, "kind: source");
    let _ = writeln!(text, "description: {}", scalar(&format!("Rows of {from}.")));
    read(&mut text, root, group);
    let _ = writeln!(text, "# The contract: what does not fit goes to the rejects, with file, line and reason.");
    let _ = writeln!(text, "columns:");
    let width = columns.iter().map(|column| scalar(&column.name).chars().count()).max().unwrap_or(0);
    for (column, fact) in columns.iter().zip(&facts.columns) {
        let name = scalar(&column.name);
        let pad = " ".repeat(width - name.chars().count());
        let data_type = scalar(&column.data_type.to_string());
        let _ = match fact.nulls {
            0 => writeln!(text, "  {name}:{pad} {data_type}"),
            nulls if nulls == facts.rows => writeln!(text, "  {name}:{pad} {data_type}  # null in every row"),
            nulls => writeln!(text, "  {name}:{pad} {data_type}  # null in {}", share(nulls, facts.rows)),
        };
    }
    let _ = writeln!(text, "evolve: freeze  # refuse new and missing columns; add or any take them");
    match rejected.first() {
        None => {
            let _ = writeln!(text, "rejects: 0  # more rows that do not fit hold the version");
        }
        Some((place, reason)) => {
            let _ =
                writeln!(text, "rejects: {}  # rows do not fit today, the first is {place}: {reason}", rejected.len());
        }
    }
    checks(&mut text, columns, facts);
    text
}

fn read(text: &mut String, root: &Path, group: &Group) {
    let csv = &group.settings.text.csv;
    let mut keys = vec![format!("path: {}", path(root, group))];
    if !group.format_said {
        keys.push("format: csv".to_owned());
    }
    if group.settings.delimiter_said {
        let delimiter = match csv.dialect.delimiter {
            b'\t' => "\"\\t\"".to_owned(),
            other => format!("\"{}\"", char::from(other)),
        };
        keys.push(format!("delimiter: {delimiter}"));
    }
    if !csv.nulls.is_empty() {
        let words: Vec<String> = csv.nulls.iter().map(|word| quoted(word)).collect();
        keys.push(format!("nulls: [{}]", words.join(", ")));
    }
    let _ = writeln!(text, "read:");
    for key in keys {
        let _ = writeln!(text, "  {key}");
    }
}

/// One path, a pattern when it stands for exactly these files, or a list.
fn path(root: &Path, group: &Group) -> String {
    let names: Vec<&str> = group.files.iter().map(|file| file.name.as_str()).collect();
    let [first, .., last] = names[..] else { return scalar(names.first().copied().unwrap_or("")) };
    let prefix = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    let suffix = names.iter().fold(first.len(), |length, name| {
        first.bytes().rev().zip(name.bytes().rev()).take_while(|(a, b)| a == b).count().min(length)
    });
    let shortest = names.iter().map(|name| name.len()).min().unwrap_or(0);
    let suffix = suffix.min(shortest - prefix.min(shortest));
    if let (Some(start), Some(end)) = (first.get(..prefix), first.get(first.len() - suffix..))
        && !start.contains(['*', '?', '['])
    {
        // Digits at the edges belong to what changes.
        let start = start.trim_end_matches(|c: char| c.is_ascii_digit());
        let end = end.trim_start_matches(|c: char| c.is_ascii_digit());
        let pattern = format!("{start}*{end}");
        let found = crate::locate::find(root, std::slice::from_ref(&pattern)).unwrap_or_default();
        if found.len() == names.len() && found.iter().zip(&names).all(|(found, name)| found.name == **name) {
            return quoted(&pattern);
        }
    }
    let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", list.join(", "))
}

fn checks(text: &mut String, columns: &[Column], facts: &Facts) {
    if facts.rows == 0 {
        let _ = writeln!(text, "# The files have no rows yet: there is nothing to propose checks from.");
        return;
    }
    let _ = writeln!(text, "checks:");
    let _ = writeln!(text, "  - rows: {{ min: 1 }}");
    let key = key(columns, facts);
    match &key {
        Some(names) if names.len() == 1 => {
            let _ = writeln!(text, "  - unique: {}", scalar(&names[0]));
        }
        Some(names) => {
            let names: Vec<String> = names.iter().map(|name| scalar(name)).collect();
            let _ = writeln!(text, "  - unique: [{}]", names.join(", "));
        }
        None => {
            let _ = writeln!(
                text,
                "  # - unique: [a, b]  # no column, nor a pair of the first ones, is a key; which ones are?"
            );
        }
    }
    let full: Vec<String> = columns
        .iter()
        .zip(&facts.columns)
        .filter(|(_, fact)| fact.nulls == 0)
        .map(|(column, _)| scalar(&column.name))
        .collect();
    if !full.is_empty() {
        let _ = writeln!(text, "  - not_null: [{}]", full.join(", "));
    }
    for (column, fact) in columns.iter().zip(&facts.columns) {
        let name = scalar(&column.name);
        let is_key = key.as_ref().is_some_and(|names| names.contains(&column.name));
        if let Some(few) = fact.few.as_ref().filter(|few| accepted(few.len(), facts.rows) && !is_key) {
            let values: Vec<String> = few.keys().map(|value| quoted(value)).collect();
            if few.keys().all(|value| value.chars().count() <= 40 && !value.contains(char::is_control)) {
                let _ = writeln!(text, "  - accepted: {{ {name}: [{}] }}", values.join(", "));
            }
        }
        if let (Some(least), Some(most)) = (fact.least, fact.most)
            && least >= 0.0
            && !is_key
        {
            let share = most <= 1.0 && matches!(column.data_type, DataType::Double | DataType::Decimal(..));
            let _ = if share {
                writeln!(text, "  - range: {{ {name}: {{ min: 0, max: 1 }} }}  # {least} to {most} here")
            } else {
                writeln!(text, "  - range: {{ {name}: {{ min: 0 }} }}  # {least} to {most} here")
            };
        }
    }
    for (column, fact) in columns.iter().zip(&facts.columns) {
        if let Some(newest) = &fact.newest {
            let _ = writeln!(
                text,
                "  # - fresh: {{ {}: 2d }}  # the newest here is {newest}; when is it late?",
                scalar(&column.name)
            );
        }
    }
}

/// A list of values means something when they come again and again.
fn accepted(values: usize, rows: u64) -> bool {
    values > 0 && rows >= 20 && values as u64 * 5 <= rows
}

/// The column, or pair of columns, that most likely is the key.
fn key(columns: &[Column], facts: &Facts) -> Option<Vec<String>> {
    if facts.rows < 2 {
        return None;
    }
    let likely = |name: &str| {
        let name = name.to_lowercase();
        ["id", "key", "code", "nr", "no", "number", "uuid"].iter().any(|end| name.ends_with(end))
    };
    let unique: Vec<usize> = (0..columns.len()).filter(|&index| facts.columns[index].is_unique()).collect();
    let single = unique
        .iter()
        .copied()
        .find(|&index| likely(&columns[index].name))
        .or_else(|| unique.first().copied().filter(|&index| index == 0));
    if let Some(index) = single {
        return Some(vec![columns[index].name.clone()]);
    }
    facts
        .pairs
        .iter()
        .find(|pair| pair.is_unique())
        .map(|pair| vec![columns[pair.columns.0].name.clone(), columns[pair.columns.1].name.clone()])
}

#[allow(clippy::cast_precision_loss)] // a rounded share
fn share(part: u64, whole: u64) -> String {
    format!("{} ({:.2} %)", rows(part), 100.0 * part as f64 / whole.max(1) as f64)
}

/// A YAML scalar, in quotes where it would be read as something else.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | ' ' | '-'))
        && !text.ends_with(' ')
        && !matches!(text.to_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if plain { text.to_owned() } else { quoted(text) }
}

/// JSON's quoting is YAML's double-quoted style.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

//! `load` and `on_change`: how a build's rows meet those that are there, and what a change of code does to them.

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_types::time::{parse_duration, parse_instant};
use lockgate_types::{AssetName, Diagnostic};

use crate::fields::guess;
use crate::yaml::Value;
use crate::{Fields, codes, planned};

/// How a build's rows meet the rows that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// They replace them.
    #[default]
    Full,
    /// They are added. A transform sees only the rows that were added to the input `from` since its live version was
    /// built; `None` when it has a single one.
    Append { from: Option<AssetName> },
    /// Nothing is stored; the SQL is evaluated in its readers.
    Inline,
    /// They replace the rows of the same key. A row whose column `deletes` is true takes its key out; the column is
    /// not stored.
    Merge { key: Vec<String>, deletes: Option<String> },
    /// They replace the partitions, by these columns, that they belong to.
    Partitions { columns: Vec<String> },
    /// They are the state of today; every state that a key had is kept, with `valid_from` and `valid_to`.
    Scd2 {
        key: Vec<String>,
        /// Says since when a row has been as it is; else it is the run's logical time.
        updated_at: Option<String>,
        vanished: Vanished,
    },
    /// They replace the rows of the ranges of time that the build is about.
    TimeRange {
        column: String,
        grain: TimeDelta,
        /// So much before the end is built again each time, for late data.
        lookback: TimeDelta,
        /// Nothing before it is ever built; `None`: from the first row on.
        start: Option<DateTime<Utc>>,
    },
}

/// What `scd2` does with a key that the SQL no longer yields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vanished {
    /// Its row ends.
    #[default]
    Close,
    /// Its row stays as it is.
    Keep,
}

/// What a change of an asset's code does to the rows that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnChange {
    /// Everything is built anew.
    #[default]
    Rebuild,
    /// They stay; only what comes is built by the new code.
    Forward,
}

impl Load {
    /// The word that stands for it in the settings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Load::Full => "full",
            Load::Append { .. } => "append",
            Load::Inline => "inline",
            Load::Merge { .. } => "merge",
            Load::Partitions { .. } => "partitions",
            Load::Scd2 { .. } => "scd2",
            Load::TimeRange { .. } => "time_range",
        }
    }

    /// Whether a build goes on from the rows that are there.
    pub fn is_incremental(&self) -> bool {
        match self {
            Load::Full | Load::Inline => false,
            Load::Append { .. }
            | Load::Merge { .. }
            | Load::Partitions { .. }
            | Load::Scd2 { .. }
            | Load::TimeRange { .. } => true,
        }
    }

    /// The columns of the result that it is about.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Load::Full | Load::Append { .. } | Load::Inline => Vec::new(),
            Load::Merge { key, .. } | Load::Scd2 { key, .. } => key.iter().map(String::as_str).collect(),
            Load::Partitions { columns } => columns.iter().map(String::as_str).collect(),
            Load::TimeRange { column, .. } => vec![column],
        }
    }

    /// What shapes the result, as stable text.
    pub fn code(&self) -> String {
        match self {
            Load::Full | Load::Inline | Load::Append { from: None } => self.as_str().to_owned(),
            Load::Append { from: Some(from) } => format!("append from {from}"),
            Load::Merge { key, deletes } => {
                let deletes = deletes.as_ref().map(|column| format!(", deletes {column}")).unwrap_or_default();
                format!("merge by {}{deletes}", key.join(", "))
            }
            Load::Partitions { columns } => format!("partitions by {}", columns.join(", ")),
            Load::Scd2 { key, updated_at, vanished } => {
                let updated_at = updated_at.as_ref().map(|column| format!(", updated_at {column}")).unwrap_or_default();
                let keep = if *vanished == Vanished::Keep { ", vanished keep" } else { "" };
                format!("scd2 by {}{updated_at}{keep}", key.join(", "))
            }
            // How far back late data is looked for changes no row that has been built.
            Load::TimeRange { column, grain, start, .. } => {
                let start = start.map(|start| format!(" from {}", start.to_rfc3339())).unwrap_or_default();
                format!("time_range by {column}, {} s{start}", grain.num_seconds())
            }
        }
    }
}

const WORDS: [&str; 3] = ["full", "append", "inline"];
const MAPS: [&str; 5] = ["append", "merge", "partitions", "scd2", "time_range"];
const EXPECTED: &str = "one of full, append, inline, or a map with one of append, merge, partitions, scd2, time_range";

/// Reads `load`; `None` when it is not said or wrong.
pub(crate) fn load(fields: &mut Fields<'_>) -> Option<Load> {
    let node = fields.node("load")?;
    let span = node.span;
    let word = match &node.value {
        Value::String(word) => word.as_str(),
        Value::Map(map) if map.entries.len() == 1 => map.entries[0].0.text.as_str(),
        Value::Map(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
            fields.wrong_type("load", node, EXPECTED);
            return None;
        }
    };
    let is_word = matches!(node.value, Value::String(_));
    if planned::LOADS.contains(&word) {
        let error = planned::not_built(&format!("`load: {word}`"), fields.source().place(span));
        fields.diagnostics().push(error.hint("`load: full` rebuilds the table each time"));
        return None;
    }
    if is_word {
        return match word {
            "full" => Some(Load::Full),
            "append" => Some(Load::Append { from: None }),
            "inline" => Some(Load::Inline),
            _ if MAPS.contains(&word) => {
                fields.error(span, &codes::WRONG_VALUE, format!("`load: {word}` does not say by what")).hint =
                    Some(format!("write, for example, load: {}", example(word)));
                None
            }
            _ => {
                unknown(fields, word, span);
                None
            }
        };
    }
    if !fields.documents("load.merge") {
        fields.error(span, &codes::DOES_NOT_FIT, format!("`load: {word}` with settings is one asset's own")).hint =
            Some("write it into the asset's file".to_owned());
        return None;
    }
    if !MAPS.contains(&word) {
        unknown(fields, word, span);
        return None;
    }
    let mut inner = fields.inside("load")?;
    if word == "partitions" {
        return Some(Load::Partitions { columns: some_columns(inner.strings(word)?, &mut inner, word)? });
    }
    let mut settings = inner.inside(word)?;
    let load = match word {
        "append" => append(&mut settings),
        "merge" => merge(&mut settings, span),
        "scd2" => scd2(&mut settings, span),
        _ => time_range(&mut settings, span),
    };
    settings.finish();
    load
}

fn unknown(fields: &mut Fields<'_>, word: &str, span: crate::yaml::Span) {
    let mut error = Diagnostic::error(&codes::WRONG_VALUE, format!("`load` cannot be `{word}`"));
    error = error.at(fields.source().place(span)).expected(EXPECTED);
    error.hint = guess(word, WORDS.into_iter().chain(MAPS));
    fields.diagnostics().push(error);
}

fn example(word: &str) -> &'static str {
    match word {
        "merge" => "{ merge: { key: id } }",
        "partitions" => "{ partitions: [day] }",
        "scd2" => "{ scd2: { key: id } }",
        _ => "{ time_range: { column: ts, grain: 1d, lookback: 3d } }",
    }
}

fn append(settings: &mut Fields<'_>) -> Option<Load> {
    let Some(text) = settings.string("from") else { return Some(Load::Append { from: None }) };
    match text.parse() {
        Ok(name) => Some(Load::Append { from: Some(name) }),
        Err(wrong) => {
            let span = settings.node("from").map(|node| node.span).unwrap_or_default();
            settings.error(span, &codes::WRONG_VALUE, wrong.to_string()).expected =
                Some("an input of this asset, such as raw.orders".to_owned());
            None
        }
    }
}

fn key(settings: &mut Fields<'_>, span: crate::yaml::Span) -> Option<Vec<String>> {
    settings.required("key", span)?;
    let names = settings.strings("key")?;
    some_columns(names, settings, "key")
}

/// At least one column, each once.
fn some_columns(names: Vec<String>, settings: &mut Fields<'_>, key: &str) -> Option<Vec<String>> {
    let twice = names.iter().enumerate().any(|(index, name)| names[..index].contains(name));
    if names.is_empty() || twice {
        let span = settings.node(key).map(|node| node.span).unwrap_or_default();
        let what = if twice { "names a column twice" } else { "names no column" };
        settings.error(span, &codes::WRONG_VALUE, format!("`{key}` {what}"));
        return None;
    }
    Some(names)
}

fn merge(settings: &mut Fields<'_>, span: crate::yaml::Span) -> Option<Load> {
    let deletes = settings.string("deletes");
    let key = key(settings, span)?;
    Some(Load::Merge { key, deletes })
}

fn scd2(settings: &mut Fields<'_>, span: crate::yaml::Span) -> Option<Load> {
    let updated_at = settings.string("updated_at");
    let vanished = match settings.choice("vanished", &["close", "keep"]) {
        Some("keep") => Vanished::Keep,
        _ => Vanished::Close,
    };
    let key = key(settings, span)?;
    Some(Load::Scd2 { key, updated_at, vanished })
}

fn time_range(settings: &mut Fields<'_>, span: crate::yaml::Span) -> Option<Load> {
    settings.required("column", span);
    settings.required("grain", span);
    let lookback = duration(settings, "lookback");
    let start = instant(settings, "start");
    let (column, grain) = (settings.string("column"), duration(settings, "grain"));
    let (column, grain) = (column?, grain?);
    // A day is divided evenly, or days are counted: then ranges begin where a person expects them to.
    let (seconds, day) = (grain.num_seconds(), 86_400);
    if seconds < 60 || (day % seconds != 0 && seconds % day != 0) {
        let span = settings.node("grain").map(|node| node.span).unwrap_or_default();
        settings.error(span, &codes::WRONG_VALUE, "ranges of this length do not divide a day evenly").expected =
            Some("a part of a day, such as 15m, 1h or 6h, or whole days, such as 1d or 7d".to_owned());
        return None;
    }
    Some(Load::TimeRange { column, grain, lookback: lookback.unwrap_or_default(), start })
}

fn duration(settings: &mut Fields<'_>, key: &str) -> Option<TimeDelta> {
    parsed(settings, key, parse_duration)
}

fn instant(settings: &mut Fields<'_>, key: &str) -> Option<DateTime<Utc>> {
    parsed(settings, key, parse_instant)
}

fn parsed<T>(settings: &mut Fields<'_>, key: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
    let node = settings.node(key)?;
    match parse(&node.scalar_text().unwrap_or_default()) {
        Ok(value) => Some(value),
        Err(wrong) => {
            settings.error(node.span, &codes::WRONG_VALUE, wrong);
            None
        }
    }
}

/// Reads `on_change`; `None` when it is not said.
pub(crate) fn on_change(fields: &mut Fields<'_>) -> Option<OnChange> {
    match fields.choice("on_change", &["rebuild", "forward"])? {
        "forward" => Some(OnChange::Forward),
        _ => Some(OnChange::Rebuild),
    }
}

//! A source's file made from data: what `lockgate init --from FILE…` writes.
//!
//! The files are read whole: the delimiter and the words for null are found, types are inferred, and the checks that are
//! proposed hold on every row. Cost: two or three readings of the files; memory for one hash a row while a column may be a key.

mod facts;
mod render;

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lockgate_types::{Column, DataType, Diagnostics};

use crate::columns::Expected;
use crate::csv::{CsvFile, CsvOptions};
use crate::error::ConnectError;
use crate::format::{Format, TextOptions};
use crate::input::LocalFile;
use crate::settings::{Evolve, Settings};
use crate::survey::{Survey, survey};
use crate::work::{across, cores};
use facts::Facts;

/// A source that `lockgate init --from FILE…` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The table part of its name, made from the file's.
    pub table: String,
    /// The text of its asset file, comments included.
    pub yaml: String,
    /// Rows that were read.
    pub rows: u64,
}

/// Files that become one source, and what was found in them.
pub(crate) struct Group {
    pub(crate) files: Vec<LocalFile>,
    pub(crate) settings: Settings,
    /// Whether the extension alone tells the format.
    pub(crate) format_said: bool,
}

/// Words that often stand for null.
const NULL_WORDS: [&str; 9] = ["NA", "N/A", "NULL", "null", "Null", "\\N", "None", "#N/A", "-"];

/// Reads the files whole and proposes one source for those that have the same columns and lie in one folder.
/// Paths are as the user typed them, relative to the current folder; the text has them relative to `root`.
pub fn propose(root: &Path, paths: &[PathBuf]) -> Result<Vec<Proposal>, Diagnostics> {
    let result = groups(root, paths)
        .and_then(|groups| groups.into_iter().map(|group| proposal(root, group)).collect::<Result<Vec<_>, _>>());
    let mut proposals = result.map_err(|error| error.diagnostics())?;
    // Two sources of one name would overwrite each other.
    let mut taken: HashMap<String, usize> = HashMap::new();
    for proposal in &mut proposals {
        let count = taken.entry(proposal.table.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            proposal.table = format!("{}_{count}", proposal.table);
        }
    }
    Ok(proposals)
}

fn proposal(root: &Path, mut group: Group) -> Result<Proposal, ConnectError> {
    find_null_words(&mut group)?;
    let found = look(&group)?;
    let mut facts = Facts::new(&found.schema.columns);
    let mut rejected: Vec<(String, String)> = Vec::new();
    read_all(&group, &found, &mut facts, &mut rejected)?;
    Ok(Proposal {
        table: table_name(&group.files),
        yaml: render::yaml(root, &group, &found.schema.columns, &facts, &rejected),
        rows: facts.rows + rejected.len() as u64,
    })
}

fn look(group: &Group) -> Result<Survey, ConnectError> {
    let expected = Expected { columns: Vec::new(), contract: 0, evolve: Evolve::Add };
    survey(&group.settings, &expected, &group.files, cores())
}

fn read_all(
    group: &Group,
    found: &Survey,
    facts: &mut Facts,
    rejected: &mut Vec<(String, String)>,
) -> Result<(), ConnectError> {
    for index in 0..found.len() {
        let reader = found.open(index, &group.settings)?;
        let shared = Mutex::new((&mut *facts, &mut *rejected));
        across(cores(), |worker| {
            while let Some(piece) = reader.next(worker)? {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.0.see(&piece.batch);
                for reject in piece.rejects {
                    let place = format!("{}:{}", found.name(index), reject.line);
                    shared.1.push((place, reject.reason));
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Files by folder, format and columns, each group with the settings that its files ask for.
fn groups(root: &Path, paths: &[PathBuf]) -> Result<Vec<Group>, ConnectError> {
    let mut groups: Vec<(String, Group)> = Vec::new();
    let root =
        std::path::absolute(root).map_err(|error| ConnectError::unreadable(&root.display().to_string(), error))?;
    for path in paths {
        let shown = path.display().to_string();
        let full = std::path::absolute(path).map_err(|error| ConnectError::unreadable(&shown, error))?;
        let file = LocalFile { name: relative(&root, &full), path: full.clone() };
        let settings = Settings { paths: vec![file.name.clone()], ..Settings::plain() };
        let by_name = Format::of_all(std::iter::once(file.name.as_str()));
        let mut group = Group { files: vec![file.clone()], settings, format_said: by_name.is_ok() };
        if by_name.is_err() {
            // A text without a telling name is most often a CSV file.
            group.settings.format = Some(Format::Csv);
        }
        if by_name.map_or(true, |format| format == Format::Csv) {
            find_delimiter(&file, &mut group.settings)?;
        }
        let names: Vec<String> = look_at_names(&group)?;
        let folder = full.parent().map(Path::to_path_buf).unwrap_or_default();
        let key = format!(
            "{}\0{:?}\0{:?}\0{}",
            folder.display(),
            group.settings.format,
            names,
            Format::extension(&file.name)
        );
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => {
                if known.files.iter().all(|other| other.path != full) {
                    known.files.push(file);
                }
            }
            None => groups.push((key, group)),
        }
    }
    for (_, group) in &mut groups {
        group.files.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

/// The names of a file's columns where they cost little; JSON lines of one folder are one source.
fn look_at_names(group: &Group) -> Result<Vec<String>, ConnectError> {
    let json = matches!(Format::extension(&group.files[0].name).as_str(), "json" | "jsonl" | "ndjson");
    if json && group.settings.format.is_none() {
        return Ok(Vec::new());
    }
    if group.settings.format == Some(Format::Csv)
        || matches!(Format::extension(&group.files[0].name).as_str(), "csv" | "tsv")
    {
        let file = &group.files[0];
        return Ok(CsvFile::open(file, &group.settings.csv_for(&file.name))?.names().to_vec());
    }
    let found = look(group)?;
    Ok(found.schema.columns.iter().map(|column| column.name.clone()).collect())
}

/// The delimiter that gives the header the most columns.
fn find_delimiter(file: &LocalFile, settings: &mut Settings) -> Result<(), ConnectError> {
    let plain = settings.csv_for(&file.name);
    let mut best = (plain.dialect.delimiter, CsvFile::open(file, &plain)?.names().len());
    for delimiter in [b',', b';', b'\t', b'|'] {
        let options = CsvOptions { dialect: crate::csv::Dialect { delimiter, ..plain.dialect }, ..plain.clone() };
        // With a wrong delimiter a header may have equal or broken names; then it is not this one.
        let Ok(opened) = CsvFile::open(file, &options) else { continue };
        if opened.names().len() > best.1 {
            best = (delimiter, opened.names().len());
        }
    }
    if best.0 != plain.dialect.delimiter {
        settings.text.csv.dialect.delimiter = best.0;
        settings.delimiter_said = true;
    }
    Ok(())
}

/// Takes in the words for null without which a column would be text, when they occur.
fn find_null_words(group: &mut Group) -> Result<(), ConnectError> {
    let csv = group.settings.format == Some(Format::Csv)
        || matches!(Format::extension(&group.files[0].name).as_str(), "csv" | "tsv");
    if !csv {
        return Ok(());
    }
    let before = look(group)?;
    let text = |column: &Column| column.data_type == DataType::String;
    if !before.schema.columns.iter().any(text) {
        return Ok(());
    }
    let set = |group: &mut Group, words: &[&str]| {
        group.settings.text.csv.nulls = words.iter().map(|&word| word.to_owned()).collect();
    };
    set(group, &NULL_WORDS);
    let after = look(group)?;
    let texts = |found: &Survey| found.schema.columns.iter().filter(|column| text(column)).count();
    let typed = texts(&after);
    if typed == texts(&before) {
        set(group, &[]);
        return Ok(());
    }
    // Only the words that are needed: leave each out in turn and see whether a type is lost.
    let mut needed: Vec<&str> = NULL_WORDS.to_vec();
    for word in NULL_WORDS {
        let without: Vec<&str> = needed.iter().copied().filter(|other| *other != word).collect();
        set(group, &without);
        if texts(&look(group)?) == typed {
            needed = without;
        }
    }
    set(group, &needed);
    Ok(())
}

/// A path for the project: relative to its folder, with `..` when it lies outside.
fn relative(root: &Path, full: &Path) -> String {
    let normal = |path: &Path| {
        let mut parts: Vec<String> = Vec::new();
        for part in path.components() {
            match part {
                Component::ParentDir => {
                    parts.pop();
                }
                Component::CurDir => {}
                part => parts.push(part.as_os_str().to_string_lossy().into_owned()),
            }
        }
        parts
    };
    let (root, full) = (normal(root), normal(full));
    let common = root.iter().zip(&full).take_while(|(a, b)| a == b).count();
    let up = root.len() - common;
    let mut parts = vec!["..".to_owned(); up];
    parts.extend_from_slice(&full[common..]);
    // Far away an absolute path says more.
    if up > 2 { format!("/{}", full[1..].join("/")) } else { parts.join("/") }
}

/// What the files' names begin with, as a table's name.
fn table_name(files: &[LocalFile]) -> String {
    let stems: Vec<&str> = files
        .iter()
        .map(|file| file.name.rsplit('/').next().unwrap_or(&file.name))
        .map(|name| name.split('.').next().unwrap_or(name))
        .collect();
    let first = stems.first().copied().unwrap_or("");
    let common = stems.iter().fold(first, |common, stem| {
        let length = common.bytes().zip(stem.bytes()).take_while(|(a, b)| a == b).count();
        common.get(..length).unwrap_or("")
    });
    let bare = if stems.len() > 1 { common.trim_end_matches(|c: char| !c.is_alphabetic()) } else { first };
    let mut name = String::new();
    for letter in bare.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    let name = name.trim_end_matches('_');
    match name.as_bytes() {
        [] => "rows".to_owned(),
        [b'a'..=b'z', ..] => name.to_owned(),
        _ => format!("t_{name}"),
    }
}

impl Settings {
    /// Those of a source that says nothing.
    fn plain() -> Settings {
        Settings {
            paths: Vec::new(),
            path_span: lockgate_project::yaml::Span::default(),
            format: None,
            compression: None,
            text: TextOptions::default(),
            evolve: Evolve::Add,
            rejects: None,
            contract: Vec::new(),
            delimiter_said: false,
        }
    }
}

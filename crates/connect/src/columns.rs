//! Matching the columns of files with those of the source, by name, as `evolve` says.

use std::path::Path;

use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Column, Diagnostic, Diagnostics, Place};

use crate::codes;
use crate::settings::Evolve;

/// The columns that a source has before its files are looked at.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// Those of the contract, then those that earlier versions took in.
    pub(crate) columns: Vec<Column>,
    /// How many of them the contract names.
    pub(crate) contract: usize,
    pub(crate) evolve: Evolve,
}

/// A file's columns, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) file: String,
    pub(crate) names: Vec<String>,
}

/// Which column of each file is which column of the source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matched {
    /// Names that no expected column has, in the order of their first appearance.
    pub(crate) fresh: Vec<Fresh>,
    /// For each file: the position of every expected column, then of every fresh one.
    pub(crate) from: Vec<Vec<Option<usize>>>,
}

/// A column that the source does not have yet.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    pub(crate) name: String,
    /// Files that have it, and where: (file, position).
    pub(crate) at: Vec<(usize, usize)>,
}

/// Matches by exact name, then ignoring case.
pub(crate) fn position(names: &[String], wanted: &str) -> Option<usize> {
    names.iter().position(|name| name == wanted).or_else(|| {
        let lower = wanted.to_lowercase();
        names.iter().position(|name| name.to_lowercase() == lower)
    })
}

/// Everything wrong in all files is reported at once.
pub(crate) fn resolve(expected: &Expected, shapes: &[Shape]) -> Result<Matched, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut fresh: Vec<Fresh> = Vec::new();
    for (file, shape) in shapes.iter().enumerate() {
        for (at, name) in shape.names.iter().enumerate() {
            if expected.columns.iter().any(|column| column.name.to_lowercase() == name.to_lowercase()) {
                continue;
            }
            match fresh.iter_mut().find(|known| known.name.to_lowercase() == name.to_lowercase()) {
                Some(known) => known.at.push((file, at)),
                None => fresh.push(Fresh { name: name.clone(), at: vec![(file, at)] }),
            }
            if expected.evolve == Evolve::Freeze && !expected.columns.is_empty() {
                problems.push(new_column(expected, shape, name));
            }
        }
    }
    for (index, column) in expected.columns.iter().enumerate() {
        let lacking: Vec<&Shape> =
            shapes.iter().filter(|shape| position(&shape.names, &column.name).is_none()).collect();
        let all = lacking.len() == shapes.len();
        let refused = match expected.evolve {
            Evolve::Freeze => true,
            Evolve::Add => index < expected.contract || all,
            Evolve::Any => column.required,
        };
        if refused {
            problems.extend(lacking.into_iter().map(|shape| missing_column(expected, shape, column)));
        }
    }
    // Without a contract the first files say what the columns are; under `freeze` they must agree.
    if expected.evolve == Evolve::Freeze && expected.columns.is_empty() {
        for known in fresh.iter().filter(|known| known.at.len() < shapes.len()) {
            let having = known.at.first().and_then(|(file, _)| shapes.get(*file)).map_or("", |shape| &shape.file);
            for (_, shape) in
                shapes.iter().enumerate().filter(|(file, _)| known.at.iter().all(|(having, _)| having != file))
            {
                let message = format!("{} has no column `{}`, but {having} has", shape.file, known.name);
                problems.push(Diagnostic::error(&codes::COLUMNS, message).at(Place::file(Path::new(&shape.file))));
            }
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    let from = shapes
        .iter()
        .map(|shape| {
            let known = expected.columns.iter().map(|column| position(&shape.names, &column.name));
            known.chain(fresh.iter().map(|fresh| position(&shape.names, &fresh.name))).collect()
        })
        .collect();
    Ok(Matched { fresh, from })
}

fn new_column(expected: &Expected, shape: &Shape, name: &str) -> Diagnostic {
    let message = format!("{} has a new column `{name}`", shape.file);
    let diagnostic = Diagnostic::error(&codes::COLUMNS, message)
        .at(Place::file(Path::new(&shape.file)))
        .expected(format!("the columns {}", list(&expected.columns)));
    // A new column beside a missing one of a like name is a renamed one.
    let missing = expected
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(|wanted| position(&shape.names, wanted).is_none());
    match did_you_mean(name, missing) {
        Some(near) => diagnostic.hint(format!("was `{near}` renamed? it is missing in this file")),
        None if expected.contract > 0 => diagnostic.hint("add it to `columns`, or say `evolve: add`"),
        None => diagnostic.hint("say `evolve: add` to take it in"),
    }
}

pub(crate) fn missing_column(expected: &Expected, shape: &Shape, column: &Column) -> Diagnostic {
    let because = if column.required { ", which is required" } else { "" };
    let message = format!("{} has no column `{}`{because}", shape.file, column.name);
    let diagnostic = Diagnostic::error(&codes::COLUMNS, message).at(Place::file(Path::new(&shape.file)));
    let found: Vec<Column> =
        shape.names.iter().map(|name| Column::new(name.clone(), lockgate_types::DataType::String)).collect();
    let diagnostic = diagnostic.expected(format!("the file has {}", list(&found)));
    match expected.evolve {
        Evolve::Any => diagnostic,
        Evolve::Freeze | Evolve::Add => diagnostic.hint("say `evolve: any` to take null for what a file lacks"),
    }
}

/// Names for a message, no more than 20.
fn list(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().take(20).map(|column| format!("`{}`", column.name)).collect();
    let more = columns.len().saturating_sub(20);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    if names.is_empty() { "no column".to_owned() } else { format!("{}{more}", names.join(", ")) }
}

//! The words that select assets: `mart.daily`, `mart`, `mart.*`, `+x`, `x+`, `changed`, `tag:x`, `kind:x`. A space is
//! union, a comma intersection.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Diagnostic, Diagnostics};

use crate::codes;

/// A parsed selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Empty: everything.
    include: Vec<Intersection>,
    exclude: Vec<Intersection>,
}

type Intersection = Vec<Term>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// As it was written.
    text: String,
    what: What,
    ancestors: bool,
    descendants: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// Patterns of the schema and the table, in which `*` stands for any letters.
    Name(String, String),
    Tag(String),
    Kind(String),
    Changed,
}

/// What a selection needs to know of an asset.
#[derive(Clone, Debug)]
pub struct SelectorAsset {
    pub name: AssetName,
    pub tags: Vec<String>,
    pub kind: String,
    /// What it reads. Names that are not among the assets are passed over.
    pub inputs: Vec<AssetName>,
    /// Whether its code differs from what is live.
    pub changed: bool,
}

/// Reads a selection; no words select everything.
pub fn parse(words: &[String], exclude: &[String]) -> Result<Selector, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let mut read = |words: &[String]| -> Vec<Intersection> {
        words
            .iter()
            .flat_map(|word| word.split_whitespace())
            .map(|word| word.split(',').filter_map(|text| term(text, word, &mut diagnostics)).collect())
            .collect()
    };
    let selector = Selector { include: read(words), exclude: read(exclude) };
    if diagnostics.is_empty() { Ok(selector) } else { Err(diagnostics) }
}

const COMMA: &str = "a comma is intersection: write tag:x,kind:source without spaces around it";

fn term(text: &str, word: &str, diagnostics: &mut Diagnostics) -> Option<Term> {
    let (core, ancestors) = text.strip_prefix('+').map_or((text, false), |rest| (rest, true));
    let (core, descendants) = core.strip_suffix('+').map_or((core, false), |rest| (rest, true));
    match what(core) {
        Ok(what) => Some(Term { text: text.to_owned(), what, ancestors, descendants }),
        Err(hint) => {
            let hint = if text.is_empty() { COMMA.to_owned() } else { hint };
            let message = if text.is_empty() {
                format!("a comma of `{word}` has nothing beside it")
            } else if text == word {
                format!("`{text}` is no selection")
            } else {
                format!("`{text}` in `{word}` is no selection")
            };
            let error = Diagnostic::error(&codes::SELECTION, message).hint(hint);
            if !diagnostics.0.contains(&error) {
                diagnostics.push(error);
            }
            None
        }
    }
}

/// `Err` is a hint.
fn what(core: &str) -> Result<What, String> {
    const FORMS: &str =
        "write mart.daily, mart, mart.*, tag:x, kind:source or changed; +x and x+ for what is around it";
    if let Some((key, value)) = core.split_once(':') {
        return match key {
            _ if value.is_empty() => Err(format!("say which: {key}:x")),
            "tag" => Ok(What::Tag(value.to_owned())),
            "kind" => Ok(What::Kind(value.to_owned())),
            _ => Err(did_you_mean(key, ["tag", "kind"])
                .map_or_else(|| FORMS.to_owned(), |near| format!("did you mean `{near}:{value}`?"))),
        };
    }
    if core == "changed" {
        return Ok(What::Changed);
    }
    let is_pattern = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_*".contains(&b))
    };
    let parts: Vec<&str> = core.split('.').collect();
    match parts[..] {
        [schema] if is_pattern(schema) => Ok(What::Name(schema.to_owned(), "*".to_owned())),
        [schema, table] if is_pattern(schema) && is_pattern(table) => match table.strip_suffix("__rejects") {
            Some(of) => Err(format!("the rejects belong to their asset: select `{schema}.{of}`")),
            None => Ok(What::Name(schema.to_owned(), table.to_owned())),
        },
        _ if core.contains('/') || core.ends_with(".sql") || core.ends_with(".yml") => {
            Err("an asset is selected by its name, schema.table, not by its file".to_owned())
        }
        _ if core.to_lowercase() != core => Err(format!("names are lowercase: `{}`", core.to_lowercase())),
        _ => Err(FORMS.to_owned()),
    }
}

impl Selector {
    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether it has `+x`, `x+` or `changed`: these need the graph and what is live.
    pub fn follows_graph(&self) -> bool {
        self.include
            .iter()
            .chain(&self.exclude)
            .flatten()
            .any(|term| term.ancestors || term.descendants || term.what == What::Changed)
    }

    /// Whether each of its words names something among `assets`; what lies around those, and what changed, is not looked at.
    pub(crate) fn names_something(&self, assets: &[SelectorAsset]) -> Result<(), Diagnostics> {
        let graph = Graph::new(assets);
        let mut diagnostics = Diagnostics::default();
        for intersection in self.include.iter().chain(&self.exclude) {
            graph.intersect(intersection, &mut diagnostics);
        }
        if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics) }
    }

    /// The names selected. A word that names nothing is an error with a guess, also in `exclude`; `changed` and an
    /// intersection with it may be empty.
    pub fn select(&self, assets: &[SelectorAsset]) -> Result<BTreeSet<AssetName>, Diagnostics> {
        let graph = Graph::new(assets);
        let mut diagnostics = Diagnostics::default();
        let mut selected = vec![self.include.is_empty(); assets.len()];
        for intersection in &self.include {
            for (selected, matched) in selected.iter_mut().zip(graph.intersect(intersection, &mut diagnostics)) {
                *selected |= matched;
            }
        }
        for intersection in &self.exclude {
            for (selected, matched) in selected.iter_mut().zip(graph.intersect(intersection, &mut diagnostics)) {
                *selected &= !matched;
            }
        }
        let has_changed = self.include.iter().flatten().any(|term| term.what == What::Changed);
        let names: BTreeSet<AssetName> = assets
            .iter()
            .zip(&selected)
            .filter(|(_, selected)| **selected)
            .map(|(asset, _)| asset.name.clone())
            .collect();
        if names.is_empty() && diagnostics.is_empty() && !self.is_everything() && !has_changed {
            let message = "the words of the selection have no asset in common";
            let error = Diagnostic::error(&codes::NOTHING_SELECTED, message);
            diagnostics.push(error.hint("a comma is intersection, a space is union; --exclude takes away"));
        }
        if diagnostics.is_empty() { Ok(names) } else { Err(diagnostics) }
    }
}

/// The assets as a graph, by their positions.
struct Graph<'a> {
    assets: &'a [SelectorAsset],
    inputs: Vec<Vec<usize>>,
    readers: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn new(assets: &'a [SelectorAsset]) -> Self {
        let positions: BTreeMap<&AssetName, usize> =
            assets.iter().enumerate().map(|(index, asset)| (&asset.name, index)).collect();
        let inputs: Vec<Vec<usize>> = assets
            .iter()
            .map(|asset| asset.inputs.iter().filter_map(|name| positions.get(name).copied()).collect())
            .collect();
        let mut readers = vec![Vec::new(); assets.len()];
        for (index, inputs) in inputs.iter().enumerate() {
            for input in inputs {
                readers[*input].push(index);
            }
        }
        Graph { assets, inputs, readers }
    }

    fn intersect(&self, terms: &[Term], diagnostics: &mut Diagnostics) -> Vec<bool> {
        let mut all = vec![true; self.assets.len()];
        for term in terms {
            let mut matched: Vec<bool> = self.assets.iter().map(|asset| term.what.matches(asset)).collect();
            if term.what != What::Changed && !matched.contains(&true) {
                diagnostics.push(self.nothing(term));
            }
            let seeds = matched.clone();
            if term.ancestors {
                spread(&seeds, &self.inputs, &mut matched);
            }
            if term.descendants {
                spread(&seeds, &self.readers, &mut matched);
            }
            all.iter_mut().zip(matched).for_each(|(all, matched)| *all &= matched);
        }
        all
    }

    fn nothing(&self, term: &Term) -> Diagnostic {
        let texts = |of: &dyn Fn(&SelectorAsset) -> Vec<String>| -> BTreeSet<String> {
            self.assets.iter().flat_map(of).collect()
        };
        let (message, candidates, prefix) = match &term.what {
            What::Tag(tag) => (format!("no asset has the tag `{tag}`"), texts(&|asset| asset.tags.clone()), "tag:"),
            What::Kind(kind) => {
                (format!("no asset is of the kind `{kind}`"), texts(&|asset| vec![asset.kind.clone()]), "kind:")
            }
            What::Name(schema, table) if table == "*" && !term.text.contains('.') => {
                let of_this_table = self.assets.iter().find(|asset| asset.name.table() == schema);
                let error = Diagnostic::error(&codes::NOTHING_SELECTED, format!("there is no schema `{schema}`"));
                if let Some(asset) = of_this_table {
                    return error.hint(format!("did you mean `{}`?", asset.name));
                }
                let schemas = texts(&|asset| vec![asset.name.schema().to_owned()]);
                return with_guess(error, schema, &schemas, "");
            }
            What::Name(schema, table) if format!("{schema}{table}").contains('*') => {
                (format!("no asset's name fits `{schema}.{table}`"), BTreeSet::new(), "")
            }
            What::Name(schema, table) => {
                (format!("there is no asset `{schema}.{table}`"), texts(&|asset| vec![asset.name.to_string()]), "")
            }
            What::Changed => ("nothing changed".to_owned(), BTreeSet::new(), ""),
        };
        let word = match &term.what {
            What::Name(schema, table) => format!("{schema}.{table}"),
            What::Tag(word) | What::Kind(word) => word.clone(),
            What::Changed => String::new(),
        };
        with_guess(Diagnostic::error(&codes::NOTHING_SELECTED, message), &word, &candidates, prefix)
    }
}

fn with_guess(error: Diagnostic, word: &str, candidates: &BTreeSet<String>, prefix: &str) -> Diagnostic {
    match did_you_mean(word, candidates.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{prefix}{near}`?")),
        None if (1..=12).contains(&candidates.len()) => {
            let all: Vec<&str> = candidates.iter().map(String::as_str).collect();
            error.expected(format!("one of {}", all.join(", ")))
        }
        None => error,
    }
}

/// Marks what can be reached from the seeds.
fn spread(seeds: &[bool], edges: &[Vec<usize>], reached: &mut [bool]) {
    let mut seen = vec![false; seeds.len()];
    let mut open: Vec<usize> = (0..seeds.len()).filter(|index| seeds[*index]).collect();
    while let Some(index) = open.pop() {
        reached[index] = true;
        for next in &edges[index] {
            if !std::mem::replace(&mut seen[*next], true) {
                open.push(*next);
            }
        }
    }
}

impl What {
    fn matches(&self, asset: &SelectorAsset) -> bool {
        match self {
            What::Name(schema, table) => fits(schema, asset.name.schema()) && fits(table, asset.name.table()),
            What::Tag(tag) => asset.tags.contains(tag),
            What::Kind(kind) => asset.kind == *kind,
            What::Changed => asset.changed,
        }
    }
}

/// Whether `text` is the pattern, in which `*` stands for any letters. Linear in `text` for each `*`.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or("");
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(end)
}

//! Reading a map key by key, against a table of documented keys.

use std::borrow::Cow;

use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Code, Diagnostic, Diagnostics};

use crate::yaml::{Map, Node, Span, Value};
use crate::{Source, codes};

/// One documented key: the reference, the JSON schema and the unknown-key diagnostic all come from these tables.
///
/// Keys of inner maps are documented in the same table with a path: `read.path`, `columns.*.type` (`*` for names
/// that the user chooses). [`Fields::inside`] goes down such a path.
#[derive(Clone, Copy, Debug)]
pub struct KeyDoc {
    pub key: &'static str,
    /// Alternatives divided by ` | `: `string`, `list of strings`, `boolean`, `integer`, `number`, `map`, `list`,
    /// `anything`, or a literal word (`freeze | add | any`). [`KeyDoc::NOT_BUILT`] for a key that is planned.
    pub kind: &'static str,
    /// Empty when there is none.
    pub default: &'static str,
    /// Markdown: what the key is for.
    pub text: &'static str,
}

impl KeyDoc {
    /// The `kind` of a key that the design names and that is not built yet: using it is LG0110.
    pub const NOT_BUILT: &'static str = "not built yet";

    /// The path of the map that the key stands in; empty at the top.
    pub(crate) fn parent(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// The last word of its path.
    pub(crate) fn name(&self) -> &'static str {
        self.key.rsplit_once('.').map_or(self.key, |(_, name)| name)
    }

    /// Whether it documents `name` in the map at `path`.
    fn is_at(&self, path: &str, name: &str) -> bool {
        let below = if path.is_empty() {
            Some(self.key)
        } else {
            self.key.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'))
        };
        below == Some(name)
    }

    fn is_built(&self) -> bool {
        self.kind != KeyDoc::NOT_BUILT
    }
}

/// Reads a map key by key, collects diagnostics, and in [`Fields::finish`] reports keys nobody asked for.
///
/// A getter answers `None` both for a missing key and for a wrong value; the latter is in the diagnostics.
pub struct Fields<'a> {
    map: &'a Map,
    source: &'a Source,
    docs: &'static [KeyDoc],
    /// Known to other readers of the same map: offered as guesses only.
    beside: &'static [KeyDoc],
    /// Of this map, in the words of the table.
    path: Cow<'static, str>,
    /// For each entry of the map.
    asked: Vec<bool>,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Fields<'a> {
    pub fn new(map: &'a Map, source: &'a Source, docs: &'static [KeyDoc], diagnostics: &'a mut Diagnostics) -> Self {
        Fields::at(map, source, docs, "", diagnostics)
    }

    /// For a map that the table documents under `path`, for example an item of a list under `groups.*`.
    pub fn at(
        map: &'a Map,
        source: &'a Source,
        docs: &'static [KeyDoc],
        path: &str,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        Fields::with_path(map, source, docs, Cow::from(path.to_owned()), diagnostics)
    }

    fn with_path(
        map: &'a Map,
        source: &'a Source,
        docs: &'static [KeyDoc],
        path: Cow<'static, str>,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let asked = vec![false; map.entries.len()];
        Fields { map, source, docs, beside: &[], path, asked, diagnostics }
    }

    pub fn map(&self) -> &'a Map {
        self.map
    }

    pub fn source(&self) -> &'a Source {
        self.source
    }

    pub fn diagnostics(&mut self) -> &mut Diagnostics {
        self.diagnostics
    }

    /// Also offer these keys in "did you mean": another reader takes them.
    #[must_use]
    pub fn beside(mut self, docs: &'static [KeyDoc]) -> Self {
        self.beside = docs;
        self
    }

    /// The map under `key`, with the keys that the table documents as `key.…` (or `*.…` where it has no such key).
    /// What is not a map is reported; an empty value is an empty map.
    pub fn inside(&mut self, key: &str) -> Option<Fields<'_>> {
        static EMPTY: Map = Map { entries: Vec::new() };
        let node = self.node(key)?;
        let map = match &node.value {
            Value::Map(map) => map,
            Value::Null => &EMPTY,
            _ => {
                self.wrong_type(key, node, "a map");
                return None;
            }
        };
        let documented = |name: &str| self.docs.iter().find(|doc| doc.is_at(&self.path, name)).map(|doc| doc.key);
        let path = documented(key).or_else(|| documented("*")).map_or_else(|| join(&self.path, key).into(), Cow::from);
        Some(Fields::with_path(map, self.source, self.docs, path, self.diagnostics))
    }

    /// Whether the table has such a key, given by its path from here.
    pub(crate) fn documents(&self, path: &str) -> bool {
        self.docs.iter().any(|doc| doc.is_at(&self.path, path))
    }

    pub fn node(&mut self, key: &str) -> Option<&'a Node> {
        let index = self.map.entries.iter().position(|(name, _)| name.text == key)?;
        if let Some(asked) = self.asked.get_mut(index) {
            *asked = true;
        }
        self.map.entries.get(index).map(|(_, node)| node)
    }

    pub fn string(&mut self, key: &str) -> Option<String> {
        let node = self.node(key)?;
        self.text_of(&format!("`{key}`"), node)
    }

    pub fn boolean(&mut self, key: &str) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Bool(value) => Some(*value),
            Value::String(text) => {
                let hint = match text.to_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => Some("write true"),
                    "no" | "off" | "n" | "false" => Some("write false"),
                    _ => None,
                };
                let error = self.wrong_type(key, node, "true or false");
                if let Some(hint) = hint {
                    error.message = format!("`{key}` is the text `{text}`, which is no boolean in YAML 1.2");
                    error.hint = Some(hint.to_owned());
                }
                None
            }
            _ => {
                self.wrong_type(key, node, "true or false");
                None
            }
        }
    }

    /// A whole number from 0.
    pub fn integer(&mut self, key: &str) -> Option<u64> {
        let node = self.node(key)?;
        let value = node.as_integer().and_then(|value| u64::try_from(value).ok());
        if value.is_none() {
            let expected = "a whole number, 0 or more";
            match &node.value {
                Value::Number(text) => {
                    let message = format!("`{key}` is {text}");
                    self.error(node.span, &codes::WRONG_VALUE, message).expected = Some(expected.to_owned());
                }
                _ => {
                    self.wrong_type(key, node, expected);
                }
            }
        }
        value
    }

    pub fn number(&mut self, key: &str) -> Option<f64> {
        let node = self.node(key)?;
        let value = node.as_f64();
        if value.is_none() {
            self.wrong_type(key, node, "a number");
        }
        value
    }

    /// A string or a list of strings.
    pub fn strings(&mut self, key: &str) -> Option<Vec<String>> {
        let node = self.node(key)?;
        match &node.value {
            Value::String(text) => Some(vec![text.clone()]),
            Value::List(items) => {
                let mut texts = Vec::with_capacity(items.len());
                let mut all_right = true;
                for item in items {
                    match self.text_of(&format!("an entry of `{key}`"), item) {
                        Some(text) => texts.push(text),
                        None => all_right = false,
                    }
                }
                all_right.then_some(texts)
            }
            _ => {
                self.wrong_type(key, node, "a string or a list of strings");
                None
            }
        }
    }

    /// A string that is one of `words`; anything else is reported with what was expected.
    pub fn choice(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let node = self.node(key)?;
        let Some(text) = node.scalar_text() else {
            let expected = one_of(words.iter().copied()).unwrap_or_default();
            self.wrong_type(key, node, &expected);
            return None;
        };
        let chosen = words.iter().find(|word| **word == text).copied();
        if chosen.is_none() {
            let error = self.error(node.span, &codes::WRONG_VALUE, format!("`{key}` cannot be `{text}`"));
            error.expected = one_of(words.iter().copied());
            error.hint = guess(&text, words.iter().copied());
        }
        chosen
    }

    /// As [`Fields::node`]; a missing key is reported at the map.
    pub fn required(&mut self, key: &str, span_of_map: Span) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            self.missing(key, span_of_map);
        }
        node
    }

    /// Reports a missing key, with what the table says of it.
    pub fn missing(&mut self, key: &str, span_of_map: Span) -> &mut Diagnostic {
        let documented = join(&self.path, key);
        let kind = self.docs.iter().find(|doc| doc.key == documented).map(|doc| doc.kind);
        let error = self.error(span_of_map, &codes::MISSING_KEY, format!("`{key}` is missing here"));
        error.expected = kind.map(|kind| kind.replace(" | ", " or "));
        error
    }

    /// Adds an error; `expected` and `hint` may be set on what comes back.
    pub fn error(&mut self, span: Span, code: &'static Code, message: impl Into<String>) -> &mut Diagnostic {
        report(self.diagnostics, Diagnostic::error(code, message).at(self.source.place(span)))
    }

    /// Reports that `key` takes something else than `node`.
    pub fn wrong_type(&mut self, key: &str, node: &Node, expected: &str) -> &mut Diagnostic {
        self.wrong(&format!("`{key}`"), node, expected)
    }

    /// Reports that an entry of the list under `key` is something else than it should be.
    pub fn wrong_entry(&mut self, key: &str, node: &Node, expected: &str) -> &mut Diagnostic {
        self.wrong(&format!("an entry of `{key}`"), node, expected)
    }

    fn wrong(&mut self, subject: &str, node: &Node, expected: &str) -> &mut Diagnostic {
        let message = match &node.value {
            Value::Null => format!("{subject} has no value"),
            Value::Bool(value) => format!("{subject} is the boolean {value}"),
            Value::Number(text) => format!("{subject} is the number {text}"),
            Value::String(text) if text.chars().count() <= 40 => format!("{subject} is the text `{text}`"),
            Value::String(_) | Value::List(_) | Value::Map(_) => format!("{subject} is {}", node.describe()),
        };
        let error = self.error(node.span, &codes::WRONG_TYPE, message);
        error.expected = Some(expected.to_owned());
        error
    }

    /// The text of a string; what would be one in quotes is told so.
    fn text_of(&mut self, subject: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => {
                let text = node.scalar_text().unwrap_or_default();
                self.wrong(subject, node, "a string").hint = Some(format!("quote it: \"{text}\""));
                None
            }
            Value::Null => {
                self.wrong(subject, node, "a string").hint = Some("give it one, or remove it".to_owned());
                None
            }
            Value::List(_) | Value::Map(_) => {
                self.wrong(subject, node, "a string");
                None
            }
        }
    }

    /// Reports every key that was not asked for.
    pub fn finish(self) {
        let here = || self.docs.iter().chain(self.beside).filter(|doc| doc.parent() == self.path);
        for ((key, _), _) in self.map.entries.iter().zip(&self.asked).filter(|(_, asked)| !**asked) {
            let place = self.source.place(key.span);
            if here().any(|doc| doc.name() == key.text && !doc.is_built()) {
                let message = format!("`{}` is not built yet", key.text);
                let error = Diagnostic::error(&codes::NOT_BUILT, message).at(place);
                self.diagnostics.push(error.hint("remove it for now: nothing would heed it"));
                continue;
            }
            let mut error = Diagnostic::error(&codes::UNKNOWN_KEY, format!("unknown key `{}`", key.text)).at(place);
            error.hint = guess(&key.text, here().map(KeyDoc::name));
            if error.hint.is_none() {
                error.expected = one_of(here().filter(|doc| doc.is_built()).map(KeyDoc::name));
            }
            self.diagnostics.push(error);
        }
    }
}

/// The last diagnostic, after adding it.
pub(crate) fn report(diagnostics: &mut Diagnostics, diagnostic: Diagnostic) -> &mut Diagnostic {
    let last = diagnostics.0.len();
    diagnostics.0.push(diagnostic);
    &mut diagnostics.0[last]
}

/// `did you mean …?`, when something is near.
pub(crate) fn guess<'w>(word: &str, candidates: impl IntoIterator<Item = &'w str>) -> Option<String> {
    did_you_mean(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// `one of a, b, c`, or just `a`; `None` when there is nothing to name.
pub(crate) fn one_of<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    let words: Vec<&str> = words.into_iter().collect();
    match words[..] {
        [] => None,
        [word] => Some(word.to_owned()),
        _ => Some(format!("one of {}", words.join(", "))),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

//! YAML 1.2 with the places of everything in it: `yes`, `no`, `on` and `off` are text, duplicate keys are refused.

mod explain;
mod parse;
mod scalar;

use lockgate_types::{Diagnostic, Diagnostics};

use crate::{Source, codes};
use parse::parse_text;
pub(crate) use scalar::plain;

/// Where something stands in its file: from 1, in characters. Line 0 is the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

/// YAML's core schema; a number keeps its text.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    List(Vec<Node>),
    Map(Map),
}

/// Keys in the order of the file, each once.
#[derive(Clone, Debug, Default)]
pub struct Map {
    pub entries: Vec<(Key, Node)>,
}

/// A map's key and where it stands.
#[derive(Clone, Debug)]
pub struct Key {
    pub text: String,
    pub span: Span,
}

impl Node {
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a string, number or boolean as it was written; `None` for null, lists and maps.
    pub fn scalar_text(&self) -> Option<String> {
        match &self.value {
            Value::String(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value of a number that is a whole one.
    pub fn as_integer(&self) -> Option<i128> {
        match &self.value {
            Value::Number(text) => scalar::integer(text),
            _ => None,
        }
    }

    /// The value of a finite number.
    pub fn as_f64(&self) -> Option<f64> {
        match &self.value {
            Value::Number(text) => scalar::double(text),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What it is, for messages: `a string`, `a list`.
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Without places. A number that JSON cannot hold becomes its text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(text) => match scalar::integer(text).map(i64::try_from) {
                Some(Ok(value)) => Json::from(value),
                _ => self.as_f64().map_or_else(|| Json::String(text.clone()), Json::from),
            },
            Value::String(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(map) => {
                Json::Object(map.entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect())
            }
        }
    }
}

impl Map {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name.text == key).map(|(_, node)| node)
    }

    pub fn key(&self, key: &str) -> Option<&Key> {
        self.entries.iter().find(|(name, _)| name.text == key).map(|(name, _)| name)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The map that a file of settings is, an empty file being an empty one. Everything else is reported; `what` says
/// what was to be read.
pub(crate) fn settings(
    source: &Source,
    text: &str,
    first_line: u32,
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Map> {
    let (node, wrong) = parse_text(source, text, first_line);
    diagnostics.extend(wrong);
    let node = node?;
    match node.value {
        Value::Map(map) => Some(map),
        Value::Null => Some(Map::default()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            let message = format!("{what} are {}", node.describe());
            let error = Diagnostic::error(&codes::WRONG_TYPE, message).at(source.place(node.span));
            diagnostics.push(error.expected("lines of `key: value`"));
            None
        }
    }
}

/// One document. `Err` holds everything that is wrong with it.
pub fn parse(source: &Source) -> Result<Node, Diagnostics> {
    match parse_text(source, &source.text, 1) {
        (Some(node), diagnostics) if diagnostics.is_empty() => Ok(node),
        (_, diagnostics) => Err(diagnostics),
    }
}

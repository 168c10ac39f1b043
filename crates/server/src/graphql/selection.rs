//! What a request selects, with fragments and variables put in, under limits that hold before anything else looks at it.
//!
//! Cost: bounded by the limits, whatever the request's fragments multiply to.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value, Variables};

use super::{DEPTH_MAX, ROOTS_MAX};
use crate::problem::ApiResult;
use crate::request::bad;

/// Selected fields of one request, each as often as fragments repeat it.
const FIELDS_MAX: usize = 2_000;
/// How deep fragments may stand in each other.
const SPREADS_MAX: usize = 16;
/// What tools ask of the schema goes so deep.
const INTROSPECTION_DEPTH_MAX: usize = 20;
/// Fields that list all that there is of something, by name and how often they may stand in one request.
const LISTS: [(&str, usize); 5] =
    [("types", 2), ("fields", 50), ("inputFields", 50), ("interfaces", 4), ("possibleTypes", 4)];

/// A field that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    /// What it is called in the answer.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) arguments: Vec<(String, Value)>,
    pub(super) inner: Vec<Selected>,
}

impl Selected {
    pub(super) fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments.iter().find(|(known, _)| known == name).map(|(_, value)| value).filter(|v| **v != Value::Null)
    }
}

/// The fields of the operation that is to be executed. Nothing when there is none, which execution tells better.
///
/// # Errors
/// What goes beyond the limits.
pub(super) fn select(
    document: &ExecutableDocument,
    operation: Option<&str>,
    variables: &Variables,
) -> ApiResult<Vec<Selected>> {
    let found = document.operations.iter().find(|(name, _)| {
        operation.is_none_or(|wanted| name.is_some_and(|name| name.as_str() == wanted) || name.is_none())
    });
    let Some((_, operation)) = found.filter(|(_, found)| found.node.ty == OperationType::Query) else {
        return Ok(Vec::new());
    };
    let mut walk = Walk { document, operation: &operation.node, variables, fields: 0, roots: 0, lists: HashMap::new() };
    let mut selected = Vec::new();
    walk.set(&operation.node.selection_set.node, Depth::default(), &mut selected)?;
    Ok(selected)
}

#[derive(Clone, Copy, Debug, Default)]
struct Depth {
    fields: usize,
    spreads: usize,
    /// Inside `__schema` or `__type`.
    introspects: bool,
    /// Lists of the schema around it.
    lists: usize,
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    fields: usize,
    roots: usize,
    lists: HashMap<&'static str, usize>,
}

impl Walk<'_> {
    fn set(&mut self, set: &SelectionSet, depth: Depth, out: &mut Vec<Selected>) -> ApiResult<()> {
        for item in &set.items {
            if self.is_skipped(item.node.directives()) {
                continue;
            }
            match &item.node {
                Selection::Field(field) => self.field(field, depth, out)?,
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.node.selection_set.node, deeper(depth)?, out)?;
                }
                Selection::FragmentSpread(spread) => {
                    self.count()?;
                    let document = self.document;
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.set(&fragment.node.selection_set.node, deeper(depth)?, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Positioned<Field>, mut depth: Depth, out: &mut Vec<Selected>) -> ApiResult<()> {
        self.count()?;
        let (name, key) = (field.node.name.node.as_str(), field.node.response_key().node.as_str());
        if depth.fields == 0 {
            self.roots += 1;
            if self.roots > ROOTS_MAX {
                return Err(bad(format!("more than {ROOTS_MAX} fields are asked for at once"))
                    .hint("an alias is a field of its own; send several requests"));
            }
            depth.introspects = matches!(name, "__schema" | "__type");
        }
        depth.fields += 1;
        let max = if depth.introspects { INTROSPECTION_DEPTH_MAX } else { DEPTH_MAX };
        if depth.fields > max {
            return Err(
                bad(format!("the query is deeper than {max} levels")).hint("start a query from the inner table")
            );
        }
        if depth.introspects {
            self.introspected(name, &mut depth)?;
        }
        let mut inner = Vec::new();
        self.set(&field.node.selection_set.node, depth, &mut inner)?;
        match out.iter_mut().find(|known| known.key == key) {
            // Validation sees to it that they are the same field with the same arguments.
            Some(known) => merge(&mut known.inner, inner),
            None => out.push(Selected {
                key: key.to_owned(),
                name: name.to_owned(),
                arguments: field
                    .node
                    .arguments
                    .iter()
                    .filter_map(|(name, value)| {
                        let value = value.node.clone().into_const_with(|name| self.given(&name));
                        Some((name.node.to_string(), present(value)?))
                    })
                    .collect(),
                inner,
            }),
        }
        Ok(())
    }

    fn count(&mut self) -> ApiResult<()> {
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(bad(format!("more than {FIELDS_MAX} fields are selected"))
                .hint("fragments count as often as they are used"));
        }
        Ok(())
    }

    /// Lists within lists of the schema would multiply.
    fn introspected(&mut self, name: &str, depth: &mut Depth) -> ApiResult<()> {
        let Some((name, max)) = LISTS.iter().find(|(list, _)| *list == name) else { return Ok(()) };
        let count = self.lists.entry(name).or_default();
        *count += 1;
        if *name != "types" {
            depth.lists += 1;
        }
        if *count > *max || depth.lists > 1 {
            return Err(bad(format!("`{name}` is asked of the schema too often"))
                .hint("ask for the types, each with its fields, or for one type by `__type(name: …)`"));
        }
        Ok(())
    }

    fn is_skipped(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().any(|directive| {
            let when = match directive.node.name.node.as_str() {
                "skip" => true,
                "include" => false,
                _ => return false,
            };
            let condition = directive.node.get_argument("if").cloned();
            let condition = condition.and_then(|value| present(value.node.into_const_with(|name| self.given(&name))));
            condition == Some(Value::Boolean(when))
        })
    }

    /// What stands for a variable.
    fn given(&self, name: &Name) -> Result<Value, Infallible> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        let definition = self.operation.variable_definitions.iter().find(|d| d.node.name.node == *name);
        let default = definition.and_then(|definition| definition.node.default_value.as_ref());
        Ok(default.map_or_else(absent, |value| value.node.clone()))
    }
}

/// What stands for a variable that was not given: neither a query's text nor JSON can have it.
fn absent() -> Value {
    Value::Binary(Vec::new().into())
}

/// The value, without what was not given.
fn present(value: Result<Value, Infallible>) -> Option<Value> {
    let Ok(value) = value;
    strip(value)
}

fn strip(value: Value) -> Option<Value> {
    Some(match value {
        Value::Binary(_) => return None,
        Value::List(values) => {
            Value::List(values.into_iter().map(|value| strip(value).unwrap_or(Value::Null)).collect())
        }
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name, strip(value)?))).collect())
        }
        other => other,
    })
}

fn deeper(depth: Depth) -> ApiResult<Depth> {
    if depth.spreads >= SPREADS_MAX {
        return Err(bad(format!("fragments stand in each other more than {SPREADS_MAX} deep")));
    }
    Ok(Depth { spreads: depth.spreads + 1, ..depth })
}

fn merge(known: &mut Vec<Selected>, more: Vec<Selected>) {
    for field in more {
        match known.iter_mut().find(|known| known.key == field.key) {
            Some(known) => merge(&mut known.inner, field.inner),
            None => known.push(field),
        }
    }
}

/// Whether brackets stand in each other deeper than any sensible query's, which a recursive parser should not be given.
pub(super) fn is_too_nested(query: &str, max: usize) -> bool {
    let mut depth = 0_usize;
    let mut rest = query;
    while let Some(at) = rest.find(['"', '#', '{', '[', '(', '}', ']', ')']) {
        let (first, after) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = match first {
            b'#' => after.find(['\n', '\r']).map_or("", |end| &after[end..]),
            b'"' => match after.strip_prefix("\"\"") {
                Some(block) => behind_block(block),
                None => behind_text(after),
            },
            b'{' | b'[' | b'(' => {
                depth += 1;
                after
            }
            _ => {
                depth = depth.saturating_sub(1);
                after
            }
        };
        if depth > max {
            return true;
        }
    }
    false
}

fn behind_block(text: &str) -> &str {
    let mut from = 0;
    while let Some(found) = text[from..].find("\"\"\"") {
        let at = from + found;
        if !text[..at].ends_with('\\') {
            return &text[at + 3..];
        }
        from = at + 3;
    }
    ""
}

fn behind_text(text: &str) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '\n' | '\r' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use super::is_too_nested;

    #[test]
    fn brackets_are_counted_where_they_nest() {
        let deep = format!("{}{}", "{a".repeat(50), "}".repeat(50));
        assert!(is_too_nested(&deep, 40) && !is_too_nested(&deep, 60));
        for text in ["\"{{{{{{\"", "# {{{{{{\n", "\"\"\"{{{ \" {{{\"\"\"", "\"\\\"{{{{{{\"", "{}{}{}{}{}{}"] {
            assert!(!is_too_nested(text, 4), "{text}");
        }
        for text in ["\"\" {{{{{{", "\"\"\" \" \"\"\" {{{{{{", "\"}}}}\"{{{\"}}}}\"{{{", "# \"\n{{{{{{"] {
            assert!(is_too_nested(text, 4), "{text}");
        }
    }
}

//! Reading the bodies of checks: columns, maps of columns, shares, SQL, each with its place and its diagnostics.

use std::sync::Arc;

use lockgate_project::yaml::{Map, Node, Span, Value};
use lockgate_project::{CheckEntry, Fields, KeyDoc, Source, SqlText};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Code, Column, Diagnostic, Diagnostics, Place, Schema};

use crate::SchemaLookup;
use crate::codes::{UNKNOWN_ASSET, UNKNOWN_COLUMN, WRONG_BODY, WRONG_VALUE};

/// One entry of `checks`, the world it is read in, and what was found wrong with it.
pub(crate) struct Reading<'a> {
    pub(crate) entry: &'a CheckEntry,
    pub(crate) asset: &'a AssetName,
    pub(crate) schema: &'a Schema,
    pub(crate) lookup: &'a dyn SchemaLookup,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

impl<'a> Reading<'a> {
    /// The check's body, free of the borrow of `self`.
    pub(crate) fn body(&self) -> &'a Node {
        &self.entry.body
    }

    pub(crate) fn source(&self) -> &'a Arc<Source> {
        &self.entry.source
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        self.entry.source.place(span)
    }

    /// Adds an error; `expected` and `hint` are set on the way.
    pub(crate) fn error(
        &mut self,
        span: Span,
        code: &'static Code,
        message: impl Into<String>,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let place = self.place(span);
        self.diagnostics.push(more(Diagnostic::error(code, message).at(place)));
    }

    /// What stands at `node` has another shape.
    pub(crate) fn wrong_body(&mut self, node: &Node, expected: &str) {
        let found = match &node.value {
            Value::String(text) if text.trim().is_empty() => "an empty text".to_owned(),
            Value::String(text) | Value::Number(text) => format!("`{text}`"),
            Value::Bool(value) => format!("`{value}`"),
            Value::Null | Value::List(_) | Value::Map(_) => node.describe().to_owned(),
        };
        let message = format!("`{}` cannot be {found}", self.entry.kind);
        let expected = expected.to_owned();
        self.error(node.span, &WRONG_BODY, message, |d| d.expected(expected));
    }

    /// A column of the asset.
    pub(crate) fn column(&mut self, name: &str, span: Span) -> Option<&'a Column> {
        let schema = self.schema;
        let column = schema.column(name);
        if column.is_none() {
            let asset = self.asset.clone();
            self.unknown_column(name, span, &asset, schema);
        }
        column
    }

    /// `asset` has no column `name`.
    pub(crate) fn unknown_column(&mut self, name: &str, span: Span, asset: &AssetName, schema: &Schema) {
        let names = || schema.columns.iter().map(|column| column.name.as_str());
        let same = names().find(|other| other.eq_ignore_ascii_case(name));
        let hint = same.or_else(|| did_you_mean(name, names())).map(|near| format!("did you mean `{near}`?"));
        let expected = (hint.is_none()).then(|| one_of(names()));
        self.error(span, &UNKNOWN_COLUMN, format!("{asset} has no column `{name}`"), |mut d| {
            d.hint = hint;
            d.expected = expected;
            d
        });
    }

    /// A column or a list of columns, each once.
    pub(crate) fn columns(&mut self) -> Vec<&'a Column> {
        let body = self.body();
        let mut found: Vec<&'a Column> = Vec::new();
        for node in self.texts(body, "a column or a list of columns") {
            let name = node.as_str().unwrap_or_default();
            let Some(column) = self.column(name, node.span) else { continue };
            if found.iter().any(|other| other.name == column.name) {
                self.error(node.span, &WRONG_VALUE, format!("`{name}` stands here twice"), |d| d);
            } else {
                found.push(column);
            }
        }
        found
    }

    /// The nodes of a string or a list of strings; anything else is reported, and nothing comes back.
    pub(crate) fn texts(&mut self, node: &'a Node, expected: &str) -> Vec<&'a Node> {
        match &node.value {
            Value::String(_) => vec![node],
            Value::List(items) if !items.is_empty() => {
                let wrong: Vec<&Node> = items.iter().filter(|item| item.as_str().is_none()).collect();
                wrong.iter().for_each(|item| self.wrong_body(item, expected));
                items.iter().filter(|item| item.as_str().is_some()).collect()
            }
            _ => {
                self.wrong_body(node, expected);
                Vec::new()
            }
        }
    }

    /// A map that is not empty.
    pub(crate) fn map(&mut self, node: &'a Node, expected: &str) -> Option<&'a Map> {
        match node.as_map() {
            Some(map) if !map.is_empty() => Some(map),
            _ => {
                self.wrong_body(node, expected);
                None
            }
        }
    }

    /// Reports keys of a map of settings that are not documented, and those that are required and missing.
    pub(crate) fn settings(&mut self, map: &'a Map, span: Span, docs: &'static [KeyDoc], required: &[&str]) {
        let mut fields = Fields::new(map, self.source(), docs, &mut *self.diagnostics);
        docs.iter().for_each(|doc| {
            fields.node(doc.key);
        });
        required.iter().for_each(|key| {
            fields.required(key, span);
        });
        fields.finish();
    }

    /// The body as a map from columns to what is said of each.
    pub(crate) fn by_column(&mut self, expected: &str) -> Vec<(&'a Column, Span, &'a Node)> {
        let body = self.body();
        let Some(map) = self.map(body, expected) else { return Vec::new() };
        map.entries
            .iter()
            .filter_map(|(key, node)| self.column(&key.text, key.span).map(|column| (column, key.span, node)))
            .collect()
    }

    /// The body, or another node, as the text of an SQL expression.
    pub(crate) fn expression(&mut self, node: &'a Node, expected: &str) -> Option<Expression> {
        match node.as_str() {
            Some(text) if !text.trim().is_empty() => {
                Some(Expression { sql: text.trim().to_owned(), place: self.place(node.span) })
            }
            _ => {
                self.wrong_body(node, expected);
                None
            }
        }
    }

    /// An asset by its name. Unknown ones are reported; `None` inside is one whose columns are not known yet.
    pub(crate) fn other_asset(&mut self, name: &str, span: Span) -> Option<(AssetName, Option<Schema>)> {
        let asset: AssetName = match name.parse() {
            Ok(asset) => asset,
            Err(error) => {
                self.error(span, &UNKNOWN_ASSET, error.to_string(), |d| d.expected("an asset, `schema.table`"));
                return None;
            }
        };
        if asset == *self.asset {
            return Some((asset, Some(self.schema.clone())));
        }
        if !self.lookup.exists(&asset) {
            let hint = self.lookup.suggest(&asset).map(|near| format!("did you mean `{near}`?"));
            self.error(span, &UNKNOWN_ASSET, format!("there is no asset {asset}"), |mut d| {
                d.hint = hint;
                d
            });
            return None;
        }
        let schema = self.lookup.schema(&asset).cloned();
        Some((asset, schema))
    }

    /// A share (`0.1%`) or an amount (`10`), not negative.
    pub(crate) fn tolerance(&mut self, node: &'a Node, what: &str) -> Option<Tolerance> {
        let text = node.scalar_text().unwrap_or_default();
        let parsed = Tolerance::parse(&text);
        if parsed.is_none() {
            let shown = if text.is_empty() { node.describe().to_owned() } else { format!("`{text}`") };
            self.error(node.span, &WRONG_VALUE, format!("{what} cannot be {shown}"), |d| {
                d.expected("a share such as `0.1%` or an amount such as `10`, not negative")
            });
        }
        parsed
    }
}

/// `one of a, b, c`, cut at ten.
pub(crate) fn one_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(10).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 10 { format!("one of {shown}, …") } else { format!("one of {shown}") }
}

/// A piece of a person's SQL and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    pub(crate) sql: String,
    pub(crate) place: Place,
}

/// How far two numbers may be apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tolerance {
    /// Of the value compared with; 0.3 is 30 %.
    Share(f64),
    Amount(f64),
}

impl Tolerance {
    fn parse(text: &str) -> Option<Tolerance> {
        let text = text.trim();
        let (number, is_share) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        let starts_well = number.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let value: f64 = number.parse().ok().filter(|value: &f64| starts_well && value.is_finite() && *value >= 0.0)?;
        Some(if is_share { Tolerance::Share(value / 100.0) } else { Tolerance::Amount(value) })
    }
}

impl std::fmt::Display for Tolerance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Tolerance::Share(share) => f.write_str(&crate::words::percent(*share)),
            Tolerance::Amount(amount) => f.write_str(&crate::words::number(*amount)),
        }
    }
}

/// A statement in a string of YAML, with its lines where they stand in the file.
pub(crate) fn statement(node: &Node, source: &Arc<Source>) -> SqlText {
    let sql = node.as_str().unwrap_or_default().to_owned();
    let first = sql.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    let above = sql.lines().take_while(|line| line.trim().is_empty()).count();
    // A block (`|`) starts on a line below its key; a quoted text on the same one.
    let lines = source.text.lines().skip(node.span.line.saturating_sub(1) as usize);
    let below = lines.take(20).position(|line| !first.is_empty() && line.contains(first)).unwrap_or(0);
    let line = node.span.line + u32::try_from(below).unwrap_or(0);
    SqlText { source: source.clone(), sql, first_line: line.saturating_sub(u32::try_from(above).unwrap_or(0)).max(1) }
}

/// Moves a diagnostic about a [`statement`] by the indentation that YAML took away.
pub(crate) fn indent(mut diagnostic: Diagnostic, statement: &SqlText) -> Diagnostic {
    let Some(place) = diagnostic.place.take() else { return diagnostic };
    let line_in_sql = place.line.saturating_sub(statement.first_line) as usize;
    let shift = statement
        .sql
        .lines()
        .nth(line_in_sql)
        .and_then(|line| place.source_line.find(line).map(|at| place.source_line[..at].chars().count()))
        .unwrap_or(0);
    let column = if place.column > 0 { place.column + u32::try_from(shift).unwrap_or(0) } else { 0 };
    diagnostic.at(Place { column, ..*place })
}

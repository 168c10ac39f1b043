//! A request as statements to be: what each query field reads, level by level, and what it costs at most.
//!
//! The cost is the cells that an answer can have: rows (limits multiplied along nested lists) times selected fields. It is
//! known before anything is read.

use std::collections::BTreeSet;

use async_graphql::Value;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lockgate_types::VersionNumber;

use super::filter;
use super::model::{Model, Root, Table};
use super::selection::Selected;
use super::{CELLS_MAX, NESTED_ROWS, NESTED_ROWS_MAX, ROWS, ROWS_MAX};
use crate::codes::TOO_LARGE;
use crate::problem::{ApiError, ApiResult};
use crate::request::{bad, instant};

/// Rows that may be passed over.
const OFFSET_MAX: u64 = 1_000_000;
/// Columns to order or to group by.
const KEYS_MAX: usize = 20;

/// Which versions a query field reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// The live ones, or those that were live then.
    At(Option<DateTime<Utc>>),
    /// This one; tables that nested fields lead to are live.
    Number(VersionNumber),
}

/// A query field.
#[derive(Debug)]
pub(super) enum Planned {
    Rows(Rows),
    Groups(Groups),
}

/// Rows of a table.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) table: usize,
    pub(super) pin: Pin,
    /// What is read, in this order.
    pub(super) columns: Vec<usize>,
    pub(super) filter: Option<String>,
    pub(super) order: Vec<(usize, bool)>,
    pub(super) limit: u64,
    pub(super) offset: u64,
    pub(super) outputs: Vec<(String, Output)>,
    pub(super) nested: Vec<Nested>,
}

/// A field of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output {
    Typename,
    /// The column that is read at this place.
    Column(usize),
    Nested(usize),
}

/// Rows of another table that belong to each row.
#[derive(Debug)]
pub(super) struct Nested {
    pub(super) forward: bool,
    /// Where the keys stand in what is read of the outer table.
    pub(super) keys: Vec<usize>,
    /// The columns of the inner table that equal them.
    pub(super) theirs: Vec<usize>,
    pub(super) rows: Rows,
}

/// Groups of rows.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) table: usize,
    pub(super) pin: Pin,
    pub(super) by: Vec<usize>,
    pub(super) filter: Option<String>,
    pub(super) limit: u64,
    pub(super) offset: u64,
    /// What is computed, after the columns of `by`.
    pub(super) values: Vec<(Aggregate, usize)>,
    pub(super) outputs: Vec<(String, GroupOutput)>,
}

/// How a column's values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Count,
    Distinct,
    Sum,
    Average,
    Least,
    Greatest,
}

/// A field of a group. Numbers are places in what is read.
#[derive(Debug)]
pub(super) enum GroupOutput {
    Typename(String),
    Value(usize),
    Values(Vec<(String, GroupOutput)>),
}

/// Plans the query fields of one request.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) model: &'a Model,
    cells: u64,
}

impl<'a> Planner<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        Planner { model, cells: 0 }
    }

    /// # Errors
    /// Arguments that make no sense, and more cells than the request has left.
    pub(super) fn root(&mut self, selected: &Selected) -> ApiResult<Planned> {
        let pin = || pin(selected.argument("at"));
        match self.model.root(&selected.name) {
            Some(Root::Rows(table)) => {
                let limit = number(selected, "limit", ROWS, ROWS_MAX)?;
                Ok(Planned::Rows(self.rows(table, selected, pin()?, limit, limit)?))
            }
            Some(Root::Groups(table)) => Ok(Planned::Groups(self.groups(table, selected, pin()?)?)),
            None => Err(bad(format!("there is no query field `{}`", selected.name))),
        }
    }

    fn spend(&mut self, rows: u64, fields: usize) -> ApiResult<()> {
        self.cells = self.cells.saturating_add(rows.saturating_mul(fields.max(1) as u64));
        if self.cells > CELLS_MAX {
            let message = format!("the answer could have {} cells, and a request may ask for {CELLS_MAX}", self.cells);
            return Err(ApiError::coded(StatusCode::PAYLOAD_TOO_LARGE, &TOO_LARGE, message)
                .hint("the cells are rows times fields, limits multiplied along nested lists: lower a `limit`"));
        }
        Ok(())
    }

    /// `most` rows can come of it in all.
    fn rows(&mut self, index: usize, selected: &Selected, pin: Pin, limit: u64, most: u64) -> ApiResult<Rows> {
        self.spend(most, selected.inner.len())?;
        let table: &Table = &self.model.tables[index];
        let mut rows = Rows {
            table: index,
            pin,
            columns: Vec::new(),
            filter: filter::condition(table, selected.argument("where"))?,
            order: order(table, selected.argument("orderBy"))?,
            limit,
            offset: number(selected, "offset", 0, OFFSET_MAX)?,
            outputs: Vec::new(),
            nested: Vec::new(),
        };
        for field in &selected.inner {
            let output = if field.name == "__typename" {
                Output::Typename
            } else if let Some(column) = table.column(&field.name) {
                Output::Column(place(&mut rows.columns, column))
            } else {
                let relation = table
                    .relation(&field.name)
                    .ok_or_else(|| bad(format!("{} has no field `{}`", table.field, field.name)))?;
                let keys = relation.ours.iter().map(|column| place(&mut rows.columns, *column)).collect();
                // A version says nothing of other tables.
                let pin = match pin {
                    Pin::At(at) => Pin::At(at),
                    Pin::Number(_) => Pin::At(None),
                };
                let limit = if relation.forward { 1 } else { number(field, "limit", NESTED_ROWS, ROWS_MAX)? };
                let most = most.saturating_mul(limit);
                if most > NESTED_ROWS_MAX {
                    let message =
                        format!("`{}` could have {most} rows, and at most {NESTED_ROWS_MAX} are read", field.key);
                    return Err(ApiError::coded(StatusCode::PAYLOAD_TOO_LARGE, &TOO_LARGE, message)
                        .hint("limits multiply along nested lists: lower one"));
                }
                let inner = self.rows(relation.target, field, pin, limit, most)?;
                let (forward, theirs) = (relation.forward, relation.theirs.clone());
                rows.nested.push(Nested { forward, keys, theirs, rows: inner });
                Output::Nested(rows.nested.len() - 1)
            };
            rows.outputs.push((field.key.clone(), output));
        }
        Ok(rows)
    }

    fn groups(&mut self, index: usize, selected: &Selected, pin: Pin) -> ApiResult<Groups> {
        let table = &self.model.tables[index];
        let limit = number(selected, "limit", ROWS, ROWS_MAX)?;
        let mut groups = Groups {
            table: index,
            pin,
            by: columns(table, selected.argument("groupBy"))?,
            filter: filter::condition(table, selected.argument("where"))?,
            limit,
            offset: number(selected, "offset", 0, OFFSET_MAX)?,
            values: Vec::new(),
            outputs: Vec::new(),
        };
        let fields = selected.inner.iter().map(|field| field.inner.len().max(1)).sum();
        self.spend(if groups.by.is_empty() { 1 } else { limit }, fields)?;
        for field in &selected.inner {
            let output = match field.name.as_str() {
                "__typename" => GroupOutput::Typename(table.groups.clone()),
                "count" => groups.value(Aggregate::Count, 0),
                "group" => groups.section(table, field, None)?,
                "countDistinct" => groups.section(table, field, Some(Aggregate::Distinct))?,
                "sum" => groups.section(table, field, Some(Aggregate::Sum))?,
                "avg" => groups.section(table, field, Some(Aggregate::Average))?,
                "min" => groups.section(table, field, Some(Aggregate::Least))?,
                "max" => groups.section(table, field, Some(Aggregate::Greatest))?,
                other => return Err(bad(format!("{} has no field `{other}`", table.groups))),
            };
            groups.outputs.push((field.key.clone(), output));
        }
        Ok(groups)
    }
}

impl Aggregate {
    /// What the type of its values' names ends in.
    fn suffix(self) -> &'static str {
        use super::model::suffix;
        match self {
            Aggregate::Distinct => suffix::COUNTS,
            Aggregate::Sum => suffix::SUMS,
            Aggregate::Average => suffix::AVERAGES,
            Aggregate::Count | Aggregate::Least | Aggregate::Greatest => suffix::VALUES,
        }
    }
}

impl Groups {
    fn value(&mut self, aggregate: Aggregate, column: usize) -> GroupOutput {
        let wanted = (aggregate, column);
        let place = self.values.iter().position(|known| *known == wanted).unwrap_or_else(|| {
            self.values.push(wanted);
            self.values.len() - 1
        });
        GroupOutput::Value(self.by.len() + place)
    }

    /// The columns themselves when there is no aggregate.
    fn section(&mut self, table: &Table, selected: &Selected, aggregate: Option<Aggregate>) -> ApiResult<GroupOutput> {
        let suffix = aggregate.map_or(super::model::suffix::VALUES, Aggregate::suffix);
        let mut outputs = Vec::new();
        for field in &selected.inner {
            let output = if field.name == "__typename" {
                GroupOutput::Typename(table.type_name(suffix).to_owned())
            } else {
                let column = table.column(&field.name);
                let column = column.ok_or_else(|| bad(format!("{} has no column `{}`", table.field, field.name)))?;
                match aggregate {
                    Some(aggregate) => self.value(aggregate, column),
                    None => GroupOutput::Value(self.by.iter().position(|by| *by == column).ok_or_else(|| {
                        bad(format!("`{}` is not in `groupBy`", field.name))
                            .hint("a group has the columns that made it")
                    })?),
                }
            };
            outputs.push((field.key.clone(), output));
        }
        Ok(GroupOutput::Values(outputs))
    }
}

fn place(columns: &mut Vec<usize>, column: usize) -> usize {
    columns.iter().position(|known| *known == column).unwrap_or_else(|| {
        columns.push(column);
        columns.len() - 1
    })
}

fn number(selected: &Selected, name: &str, default: u64, max: u64) -> ApiResult<u64> {
    match selected.argument(name) {
        None => Ok(default),
        Some(Value::Number(value)) => match value.as_u64().filter(|value| *value <= max) {
            Some(value) => Ok(value),
            None => Err(bad(format!("`{name}` is {value}")).expected(format!("0 to {max}"))),
        },
        Some(other) => Err(bad(format!("`{name}` is {other}")).expected("a whole number")),
    }
}

fn pin(at: Option<&Value>) -> ApiResult<Pin> {
    let fields = match at {
        None => return Ok(Pin::At(None)),
        Some(Value::Object(fields)) => fields,
        Some(other) => return Err(bad(format!("`at` is {other}")).expected("{ time: … } or { version: … }")),
    };
    let given: Vec<_> = fields.iter().filter(|(_, value)| **value != Value::Null).collect();
    match given[..] {
        [(name, Value::String(text))] if name.as_str() == "time" && !text.is_empty() => {
            Ok(Pin::At(instant("at", Some(text))?))
        }
        [(name, value)] if name.as_str() == "version" => {
            let number = match value {
                Value::Number(value) => value.as_u64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            // What the catalog can count: 63 bits.
            let number = number.filter(|number| (1..=u64::MAX / 2).contains(number));
            number
                .map(|number| Pin::Number(VersionNumber(number)))
                .ok_or_else(|| bad(format!("`{value}` is not a version")).expected("a number from 1"))
        }
        _ => {
            Err(bad("`at` is one instant or one version")
                .expected("{ time: \"2026-11-01T06:30:00Z\" } or { version: 3 }"))
        }
    }
}

/// One value stands for a list of it, as GraphQL has it.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::List(values)) => values,
        Some(value) => std::slice::from_ref(value),
    }
}

fn word(value: &Value) -> Option<&str> {
    match value {
        Value::Enum(name) => Some(name.as_str()),
        Value::String(name) => Some(name.as_str()),
        _ => None,
    }
}

fn order(table: &Table, value: Option<&Value>) -> ApiResult<Vec<(usize, bool)>> {
    let mut order = Vec::new();
    for value in list(value) {
        let Value::Object(fields) = value else { return Err(bad(format!("`{value}` is no order"))) };
        for (name, direction) in fields {
            let column = table.column(name).ok_or_else(|| bad(format!("{} has no column `{name}`", table.field)))?;
            let descending = match word(direction) {
                Some("ASC") => false,
                Some("DESC") => true,
                _ => return Err(bad(format!("`{direction}` is no direction")).expected("ASC or DESC")),
            };
            order.push((column, descending));
        }
    }
    if order.len() > KEYS_MAX {
        return Err(bad(format!("`orderBy` has more than {KEYS_MAX} columns")));
    }
    Ok(order)
}

fn columns(table: &Table, value: Option<&Value>) -> ApiResult<Vec<usize>> {
    let mut seen = BTreeSet::new();
    let mut columns = Vec::new();
    for value in list(value) {
        let column = word(value).and_then(|name| table.column(name));
        let column = column.ok_or_else(|| bad(format!("{} has no column `{value}`", table.field)))?;
        if seen.insert(column) {
            columns.push(column);
        }
    }
    if columns.len() > KEYS_MAX {
        return Err(bad(format!("`groupBy` has more than {KEYS_MAX} columns")));
    }
    Ok(columns)
}

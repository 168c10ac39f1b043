//! Which columns are the key, which are compared and as what, and which are only shown.

use std::sync::Arc;

use arrow::datatypes::{Field, Fields, Schema as ArrowSchema, SchemaRef};
use lockgate_engine::RowLayout;
use lockgate_project::Load;
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Column, DataType, Diagnostic, Diagnostics, Schema};

use super::pair::Pair;
use super::{DiffColumn, NotCompared};
use crate::error::DIFF_KEY;
use crate::{Node, RunError};

/// The columns by which an asset's rows are told apart; `None` when nothing says so.
pub(super) fn diff_key(node: &Node) -> Option<Vec<String>> {
    match &node.file.load {
        Load::Merge { key, .. } => return Some(key.clone()),
        Load::Scd2 { key, .. } => return Some(key.iter().cloned().chain(["valid_from".to_owned()]).collect()),
        Load::Full | Load::Inline | Load::Append { .. } | Load::Partitions { .. } | Load::TimeRange { .. } => {}
    }
    // A `unique` over some rows only does not tell all rows apart.
    let unique = node.checks.iter().find(|check| check.kind == "unique" && check.filter.is_none())?;
    Some(unique.columns.clone())
}

/// A version's rows as they are encoded.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) layout: RowLayout,
    /// Expressions over the version, one for each column of the layout.
    expressions: Vec<String>,
    /// The version's own order, as places in the layout.
    shown: Vec<usize>,
}

impl Side {
    /// `compared` with their types in both versions' rows; what the version has besides is carried along.
    fn new(schema: &Schema, key: usize, compared: &[Column]) -> Side {
        let is_compared = |column: &Column| compared.iter().any(|other| other.name == column.name);
        let carried = schema.columns.iter().filter(|column| !is_compared(column));
        let columns: Vec<Column> = compared.iter().chain(carried).cloned().collect();
        let expression = |column: &Column| {
            let name = quoted(&column.name);
            match schema.column(&column.name) {
                Some(own) if own.data_type != column.data_type => format!("cast({name} as {})", column.data_type),
                _ => name,
            }
        };
        let place = |column: &Column| columns.iter().position(|other| other.name == column.name);
        Side {
            expressions: columns.iter().map(expression).collect(),
            shown: schema.columns.iter().filter_map(place).collect(),
            layout: RowLayout { columns: Schema { columns }, key, compared: compared.len() - key },
        }
    }

    pub(super) fn sql(&self, table: &str) -> String {
        let columns: Vec<String> =
            self.expressions.iter().enumerate().map(|(at, expression)| format!("{expression} as c{at}")).collect();
        format!("select {} from {table}", columns.join(", "))
    }

    /// The places of the version's columns, in its own order.
    pub(super) fn shown(&self) -> &[usize] {
        &self.shown
    }
}

#[derive(Debug)]
pub(super) struct Columns {
    /// Empty when whole rows are compared.
    pub(super) key: Vec<String>,
    /// Every column of both sides, those of the key first.
    compared: Vec<Column>,
    /// For each of `compared`, whether the versions have it in different types.
    retyped: Vec<bool>,
    pub(super) not_compared: Vec<NotCompared>,
    pub(super) from: Side,
    pub(super) to: Side,
    /// Columns of the rows that differ, each with its place in either side.
    rows: Vec<(Field, [Option<usize>; 2])>,
}

impl Columns {
    pub(super) fn choose(node: &Node, pair: &Pair, asked: Option<&[String]>) -> Result<Columns, RunError> {
        let (from, to) = (&pair.from.schema, &pair.to.schema);
        let common = |name: &str| common_type(&from.column(name)?.data_type, &to.column(name)?.data_type);
        let key = match asked {
            Some(asked) => checked(node, pair, asked, &common)?,
            // A key that one of the versions did not have yet tells nothing apart.
            None => diff_key(node).filter(|key| key.iter().all(|name| common(name).is_some())).unwrap_or_default(),
        };
        let column = |name: &str| Some(Column::new(name, common(name)?));
        let others = to.columns.iter().map(|column| column.name.as_str()).filter(|name| !key.iter().any(|k| k == name));
        let compared: Vec<Column> = key.iter().map(String::as_str).chain(others).filter_map(column).collect();
        let retyped = compared.iter().map(|column| {
            let type_in = |schema: &Schema| schema.column(&column.name).map(|column| column.data_type.clone());
            type_in(from) != type_in(to)
        });
        let retyped = retyped.collect();
        // Without a key, everything that is compared is one.
        let of_key = if key.is_empty() { compared.len() } else { key.len() };
        let from_side = Side::new(from, of_key, &compared);
        let to_side = Side::new(to, of_key, &compared);
        let rows = rows(pair, &from_side, &to_side, &compared);
        let not_compared = not_compared(pair, &compared);
        if compared.is_empty() {
            let message = format!(
                "versions {} and {} of {} have no column in common",
                pair.from.number, pair.to.number, node.file.name
            );
            return Err(RunError::Invalid(Diagnostic::error(&DIFF_KEY, message).into()));
        }
        Ok(Columns { key, compared, retyped, not_compared, from: from_side, to: to_side, rows })
    }

    /// Whether no compared column has another type in the other version.
    pub(super) fn have_same_types(&self) -> bool {
        !self.retyped.contains(&true)
    }

    /// How many of the first columns of either side are compared, the key among them.
    pub(super) fn compared(&self) -> usize {
        self.compared.len()
    }

    /// How many of the first columns the key has; all that are compared when there is none.
    pub(super) fn of_key(&self) -> usize {
        self.to.layout.key
    }

    pub(super) fn name(&self, compared: usize) -> &str {
        &self.compared[compared].name
    }

    /// `cells` are counts of the compared columns behind the key; `both` are the rows that both versions have.
    pub(super) fn changes(&self, cells: &[u64], both: u64) -> Vec<DiffColumn> {
        let behind_key = self.compared.iter().zip(&self.retyped).skip(self.of_key());
        let mut columns: Vec<DiffColumn> = behind_key
            .zip(cells)
            .map(|((column, retyped), changed)| DiffColumn {
                column: column.name.clone(),
                changed: *changed,
                share: lockgate_types::check::share_of(*changed, both),
                compared_as: retyped.then(|| column.data_type.clone()),
            })
            .collect();
        columns.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| a.column.cmp(&b.column)));
        columns
    }

    pub(super) fn rows_schema(&self) -> SchemaRef {
        let mut change = "_change".to_owned();
        while self.rows.iter().any(|(field, _)| field.name().eq_ignore_ascii_case(&change)) {
            change.push('_');
        }
        let change = Field::new(change, arrow::datatypes::DataType::Utf8, false);
        let fields = std::iter::once(change).chain(self.rows.iter().map(|(field, _)| field.clone()));
        Arc::new(ArrowSchema::new(fields.collect::<Fields>()))
    }

    /// For each column of the rows that differ behind `_change`, its place in the older and in the newer side.
    pub(super) fn row_places(&self) -> impl Iterator<Item = [Option<usize>; 2]> {
        self.rows.iter().map(|(_, places)| *places)
    }
}

/// A key as asked for, each column once.
fn checked(
    node: &Node,
    pair: &Pair,
    asked: &[String],
    common: &impl Fn(&str) -> Option<DataType>,
) -> Result<Vec<String>, RunError> {
    let mut wrong = Diagnostics::default();
    let mut key: Vec<String> = Vec::new();
    for name in asked {
        if key.contains(name) {
            continue;
        }
        key.push(name.clone());
        if common(name).is_some() {
            continue;
        }
        let number = |version: &lockgate_types::Version| version.number;
        let message = match (pair.from.schema.column(name), pair.to.schema.column(name)) {
            (Some(from), Some(to)) => {
                format!("`{name}` went from {} to {}, which cannot be compared", from.data_type, to.data_type)
            }
            (Some(_), None) => {
                format!("`{name}` is a column of version {} only, not of {}", number(&pair.from), number(&pair.to))
            }
            (None, Some(_)) => {
                format!("`{name}` is a column of version {} only, not of {}", number(&pair.to), number(&pair.from))
            }
            (None, None) => format!("{} has no column `{name}` in either version", node.file.name),
        };
        let columns = pair.to.schema.columns.iter().map(|column| column.name.as_str());
        let columns: Vec<&str> = columns.filter(|name| common(name).is_some()).collect();
        let diagnostic = Diagnostic::error(&DIFF_KEY, message).expected(format!("one of {}", columns.join(", ")));
        wrong.push(match did_you_mean(name, columns) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    }
    if wrong.is_empty() { Ok(key) } else { Err(RunError::Invalid(wrong)) }
}

fn not_compared(pair: &Pair, compared: &[Column]) -> Vec<NotCompared> {
    let (from, to) = (&pair.from, &pair.to);
    let is_compared = |name: &str| compared.iter().any(|column| column.name == name);
    let mut left_out = Vec::new();
    for (version, other) in [(to, from), (from, to)] {
        for column in version.schema.columns.iter().filter(|column| !is_compared(&column.name)) {
            let why = match other.schema.column(&column.name) {
                None => format!("only version {} has it", version.number),
                Some(_) if version.number == from.number => continue,
                Some(before) => format!("no type holds both {} and {}", before.data_type, column.data_type),
            };
            left_out.push(NotCompared { column: column.name.clone(), why });
        }
    }
    left_out
}

/// The columns of `to`, then those that only `from` has; one that cannot be compared stands twice.
fn rows(pair: &Pair, from: &Side, to: &Side, compared: &[Column]) -> Vec<(Field, [Option<usize>; 2])> {
    let place = |side: &Side, name: &str| side.layout.columns.columns.iter().position(|column| column.name == name);
    let is_compared = |name: &str| compared.iter().any(|column| column.name == name);
    let mut rows = Vec::new();
    for at in to.shown() {
        let column = &to.layout.columns.columns[*at];
        let before = place(from, &column.name).filter(|_| is_compared(&column.name));
        rows.push((column.data_type.to_field(&column.name, true), [before, Some(*at)]));
    }
    for at in from.shown() {
        let column = &from.layout.columns.columns[*at];
        if is_compared(&column.name) {
            continue;
        }
        let name = match place(to, &column.name) {
            Some(_) => format!("{} (version {})", column.name, pair.from.number),
            None => column.name.clone(),
        };
        rows.push((column.data_type.to_field(&name, true), [Some(*at), None]));
    }
    rows
}

/// The type that values of both are compared in. A number and a double are compared as doubles, text and a scalar as text,
/// a timestamp without a zone as one in UTC. `None` when there is none: nested types must be the same.
fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Bigint, Binary, Date, Double, Int, List, String, Struct, Timestamp, Timestamptz};
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (Int | Bigint, Int | Bigint) => Some(Bigint),
        (Date, Timestamp) | (Timestamp, Date) => Some(Timestamp),
        (Date | Timestamp, Timestamptz) | (Timestamptz, Date | Timestamp) => Some(Timestamptz),
        (String, other) | (other, String) => match other {
            Binary | List(_) | Struct(_) => None,
            _ => Some(String),
        },
        (a, b) => match (digits(a), digits(b)) {
            (Some((whole, scale)), Some((other_whole, other_scale))) => {
                let (whole, scale) = (whole.max(other_whole), scale.max(other_scale));
                let precision = u8::try_from(whole + scale).ok().filter(|precision| *precision <= 38);
                Some(precision.map_or(Double, |precision| DataType::Decimal(precision, scale)))
            }
            (Some(_), None) if *b == Double => Some(Double),
            (None, Some(_)) if *a == Double => Some(Double),
            _ => None,
        },
    }
}

/// Before and after the point, of an exact number.
fn digits(data_type: &DataType) -> Option<(i8, i8)> {
    match data_type {
        DataType::Int => Some((10, 0)),
        DataType::Bigint => Some((19, 0)),
        DataType::Decimal(precision, scale) => Some((i8::try_from(*precision).ok()? - scale, *scale)),
        _ => None,
    }
}

fn quoted(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::common_type;
    use lockgate_types::DataType;

    #[test]
    fn two_types_are_compared_in_one_that_holds_both() {
        for (a, b, common) in [
            ("int", "int", "int"),
            ("int", "bigint", "bigint"),
            ("int", "double", "double"),
            ("int", "decimal(4,2)", "decimal(12,2)"),
            ("bigint", "decimal(18,2)", "decimal(21,2)"),
            ("decimal(10,4)", "decimal(18,2)", "decimal(20,4)"),
            ("decimal(38,0)", "decimal(38,38)", "double"),
            ("decimal(18,2)", "double", "double"),
            ("date", "timestamp", "timestamp"),
            ("timestamp", "timestamptz", "timestamptz"),
            ("string", "bigint", "string"),
            ("string", "boolean", "string"),
            ("string", "json", "string"),
            ("list<int>", "list<int>", "list<int>"),
            ("list<int>", "list<bigint>", ""),
            ("string", "list<int>", ""),
            ("string", "binary", ""),
            ("boolean", "int", ""),
            ("json", "int", ""),
            ("date", "double", ""),
        ] {
            let [a, b] = [a, b].map(|text| DataType::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")));
            let found = |a, b| common_type(a, b).map_or_else(String::new, |common| common.to_string());
            assert_eq!(found(&a, &b), common, "{a} and {b}");
            assert_eq!(found(&b, &a), common, "{b} and {a}");
        }
    }
}

//! The column's values lie between two bounds, both included; one may be left out. Null passes, `NaN` never does.
//!
//! ```yaml
//! - range: { load_mw: { min: 0, max: 200000 } }
//! - range: { shipped_on: { min: 2013-01-01 } }
//! ```
//!
//! For numbers, days and instants. Bounds are compared at the column's own type without rounding: in a
//! `decimal(10,2)`, `max: 0.005` lets 0.00 pass and 0.01 fail. Several columns are one check each.

use lockgate_project::KeyDoc;
use lockgate_project::yaml::Node;
use lockgate_types::Column;

use super::{CheckKind, Parsed, Scope};
use crate::check::{Rejects, Rule};
use crate::codes::{WRONG_COLUMN_TYPE, WRONG_VALUE};
use crate::read::Reading;
use crate::scan::{Bounds, RowTest};
use crate::sql;
use crate::values::{self, Comparison, Rounding, Value};
use crate::words;

const KEYS: &[KeyDoc] = &[
    KeyDoc { key: "min", kind: "number | string", default: "", text: "The smallest value that passes." },
    KeyDoc { key: "max", kind: "number | string", default: "", text: "The largest value that passes." },
];

#[derive(Debug)]
pub(crate) struct Range;

impl CheckKind for Range {
    fn name(&self) -> &'static str {
        "range"
    }

    fn source(&self) -> &'static str {
        include_str!("range.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn keys(&self) -> &'static [KeyDoc] {
        KEYS
    }

    fn scope(&self) -> Scope {
        Scope::Rows
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let expected = "columns with bounds, such as `{ load_mw: { min: 0, max: 200000 } }`";
        let mut parsed = Vec::new();
        for (column, span, node) in reading.by_column(expected) {
            let comparison = match Comparison::of(&column.data_type) {
                Some(comparison @ (Comparison::Whole(_) | Comparison::Double)) => comparison,
                Some(Comparison::Boolean | Comparison::Text) | None => {
                    let message = format!("`{}` is {} and has no range", column.name, column.data_type);
                    reading.error(span, &WRONG_COLUMN_TYPE, message, |d| {
                        d.expected("a column of numbers, days or instants")
                            .hint("cast the column in the asset, or use `expect` with a cast")
                    });
                    continue;
                }
            };
            let Some(map) = reading.map(node, expected) else { continue };
            reading.settings(map, node.span, KEYS, &[]);
            let (min, max) = (map.get("min"), map.get("max"));
            let min = min.and_then(|node| bound(reading, column, comparison, node, Rounding::Up));
            let max = max.and_then(|node| bound(reading, column, comparison, node, Rounding::Down));
            let rule = RangeRule { column: column.name.clone(), comparison, min, max };
            if rule.is_empty() {
                let message = format!("no value lies in this range of `{}`", column.name);
                reading.error(node.span, &WRONG_VALUE, message, |d| d.expected("`min` not above `max`"));
            }
            if rule.min.is_some() || rule.max.is_some() {
                parsed.push(Parsed::of_columns(vec![column.name.clone()], rule));
            }
        }
        parsed
    }
}

/// A bound at the column's type, and as it is written.
fn bound(
    reading: &mut Reading<'_>,
    column: &Column,
    comparison: Comparison,
    node: &Node,
    rounding: Rounding,
) -> Option<(Value, String)> {
    match values::read(node, comparison, rounding) {
        Ok(value) => value.map(|value| (value, node.scalar_text().unwrap_or_default())),
        Err(wrong) => {
            let message = format!("`{}` is {}: {wrong}", column.name, column.data_type);
            reading.error(node.span, &WRONG_VALUE, message, |d| d);
            None
        }
    }
}

#[derive(Debug)]
struct RangeRule {
    column: String,
    comparison: Comparison,
    min: Option<(Value, String)>,
    max: Option<(Value, String)>,
}

impl RangeRule {
    fn is_empty(&self) -> bool {
        match (&self.min, &self.max) {
            (Some((Value::Whole(min), _)), Some((Value::Whole(max), _))) => min > max,
            (Some((Value::Double(min), _)), Some((Value::Double(max), _))) => min > max,
            _ => false,
        }
    }
}

impl Rule for RangeRule {
    fn fingerprint(&self) -> String {
        format!("{} {:?} {:?}", self.column, self.min, self.max)
    }

    fn row_test(&self) -> Option<RowTest> {
        let value = |bound: &Option<(Value, String)>| bound.as_ref().map(|(value, _)| value.clone());
        let bounds = Bounds::of(value(&self.min), value(&self.max));
        Some(RowTest::InRange { column: self.column.clone(), bounds })
    }

    fn rejects(&self, _: &str) -> Option<Rejects> {
        let name = sql::name(&self.column);
        let is_double = self.comparison == Comparison::Double;
        // Adding zero makes one of both zeros; they differ in the order that the engine compares doubles by.
        let value = if is_double { format!("({name} + 0.0)") } else { name.clone() };
        let mut conditions = Vec::new();
        for (bound, operator) in [(&self.min, "<"), (&self.max, ">")] {
            if let Some((bound, _)) = bound {
                conditions.push(format!("{value} {operator} {}", values::literal(bound, self.comparison)));
            }
        }
        if is_double {
            conditions.push(format!("isnan({name})"));
        }
        Some(Rejects::Condition(format!("({})", conditions.join(" or "))))
    }

    fn verbs(&self) -> (String, String) {
        let beyond = match (&self.min, &self.max) {
            (Some((_, min)), Some((_, max))) => format!("outside {min} to {max}"),
            (Some((_, min)), None) => format!("below {min}"),
            (None, Some((_, max))) => format!("above {max}"),
            (None, None) => "outside no bounds".to_owned(),
        };
        let text = |verb: &str| format!("{verb} {} {beyond}", words::a(&self.column));
        (text("has"), text("have"))
    }
}

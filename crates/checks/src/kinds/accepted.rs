//! The column's values are among those listed. Null passes.
//!
//! ```yaml
//! - accepted: { status: [F, O, P] }
//! - accepted: { priority: [1, 2, 3], paid: [true] }
//! ```
//!
//! Values are compared at the column's own type: text exactly, with case; numbers by value (`1.0` is `1`); days and
//! instants in UTC. Several columns are one check each. A value that the column could never hold (`a` in a column of
//! numbers, `0.5` in one of integers) is an error.

use std::collections::HashSet;

use lockgate_project::yaml::Value as Yaml;

use super::{CheckKind, Parsed, Scope};
use crate::check::{Rejects, Rule};
use crate::codes::{WRONG_COLUMN_TYPE, WRONG_VALUE};
use crate::read::Reading;
use crate::scan::{RowTest, Set};
use crate::sql;
use crate::values::{self, Comparison, Rounding, Value};
use crate::words;

#[derive(Debug)]
pub(crate) struct Accepted;

impl CheckKind for Accepted {
    fn name(&self) -> &'static str {
        "accepted"
    }

    fn source(&self) -> &'static str {
        include_str!("accepted.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn scope(&self) -> Scope {
        Scope::Rows
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let expected = "columns with lists of values, such as `{ status: [F, O, P] }`";
        let mut parsed = Vec::new();
        for (column, span, node) in reading.by_column(expected) {
            let Some(comparison) = Comparison::of(&column.data_type) else {
                let message = format!("`{}` is {}, whose values are not listed", column.name, column.data_type);
                reading.error(span, &WRONG_COLUMN_TYPE, message, |d| d.hint("use `expect` with SQL"));
                continue;
            };
            let Yaml::List(items) = &node.value else {
                reading.wrong_body(node, expected);
                continue;
            };
            if items.is_empty() {
                reading
                    .error(node.span, &WRONG_VALUE, "no value at all is accepted", |d| d.expected("a list of values"));
            }
            let (mut accepted, mut texts) = (Vec::new(), Vec::new());
            for item in items {
                match values::read(item, comparison, Rounding::Exact) {
                    Ok(Some(value)) => {
                        accepted.push(value);
                        texts.push(item.scalar_text().unwrap_or_default());
                    }
                    Ok(None) => {
                        let text = item.scalar_text().unwrap_or_default();
                        let message = format!("`{}` is {} and never {text}", column.name, column.data_type);
                        reading.error(item.span, &WRONG_VALUE, message, |d| d);
                    }
                    Err(_) if matches!(item.value, Yaml::Null) => {
                        reading.error(item.span, &WRONG_VALUE, "null is always accepted", |d| {
                            d.hint("leave it out; `not_null` refuses it")
                        });
                    }
                    Err(wrong) => {
                        let message = format!("`{}` is {}: {wrong}", column.name, column.data_type);
                        reading.error(item.span, &WRONG_VALUE, message, |d| d);
                    }
                }
            }
            let rule = AcceptedRule { column: column.name.clone(), comparison, accepted, texts };
            parsed.push(Parsed::of_columns(vec![column.name.clone()], rule));
        }
        parsed
    }
}

#[derive(Debug)]
struct AcceptedRule {
    column: String,
    comparison: Comparison,
    accepted: Vec<Value>,
    /// As they are written.
    texts: Vec<String>,
}

impl Rule for AcceptedRule {
    fn fingerprint(&self) -> String {
        format!("{} {:?}", self.column, self.texts)
    }

    fn row_test(&self) -> Option<RowTest> {
        Some(RowTest::Accepted { column: self.column.clone(), set: Set::of(&self.accepted).into() })
    }

    fn rejects(&self, _: &str) -> Option<Rejects> {
        let column = sql::name(&self.column);
        // Adding zero makes one of both zeros; they differ in the order that the engine compares doubles by.
        let column = if self.comparison == Comparison::Double { format!("({column} + 0.0)") } else { column };
        let mut seen = HashSet::new();
        let literals: Vec<String> = self
            .accepted
            .iter()
            .map(|value| match value {
                Value::Double(number) => values::literal(&Value::Double(number + 0.0), self.comparison),
                value => values::literal(value, self.comparison),
            })
            .filter(|literal| seen.insert(literal.clone()))
            .collect();
        Some(Rejects::Condition(format!("{column} not in ({})", literals.join(", "))))
    }

    fn verbs(&self) -> (String, String) {
        let shown = self.texts.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        let shown = match self.texts.len() {
            count @ 6.. => format!("{shown}, … ({count} values)"),
            _ => shown,
        };
        let text = |verb: &str| format!("{verb} {} other than {shown}", words::a(&self.column));
        (text("has"), text("have"))
    }
}

//! The column's text matches a regular expression. Null passes.
//!
//! ```yaml
//! - matches: { code: "^[A-Z]{3}$" }
//! - matches: { phone: '^\+\d{6,15}$' }
//! ```
//!
//! The expression may match anywhere in the text: anchor it with `^` and `$`. The syntax is that of Rust's `regex`
//! crate (no look-around, no back-references; it runs in linear time). In YAML, single quotes keep backslashes.
//! Several columns are one check each.

use lockgate_types::DataType;

use super::{CheckKind, Parsed, Scope};
use crate::check::{Rejects, Rule};
use crate::codes::{BAD_PATTERN, WRONG_COLUMN_TYPE};
use crate::read::Reading;
use crate::scan::RowTest;
use crate::sql;
use crate::words;

#[derive(Debug)]
pub(crate) struct Matches;

impl CheckKind for Matches {
    fn name(&self) -> &'static str {
        "matches"
    }

    fn source(&self) -> &'static str {
        include_str!("matches.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn scope(&self) -> Scope {
        Scope::Rows
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let expected = "columns with regular expressions, such as `{ code: \"^[A-Z]{3}$\" }`";
        let mut parsed = Vec::new();
        for (column, span, node) in reading.by_column(expected) {
            if !matches!(column.data_type, DataType::String | DataType::Json) {
                let message = format!("`{}` is {}, not text", column.name, column.data_type);
                reading.error(span, &WRONG_COLUMN_TYPE, message, |d| {
                    d.expected("a column of type string").hint("use `expect` with a cast")
                });
                continue;
            }
            let Some(pattern) = node.as_str() else {
                reading.wrong_body(node, expected);
                continue;
            };
            match regex::Regex::new(pattern) {
                Ok(regex) => {
                    let rule = MatchesRule { column: column.name.clone(), regex };
                    parsed.push(Parsed::of_columns(vec![column.name.clone()], rule));
                }
                Err(error) => {
                    let reason = match error {
                        regex::Error::Syntax(text) => {
                            // The last line says what is wrong; those above draw the place.
                            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
                        }
                        error => error.to_string(),
                    };
                    reading.error(node.span, &BAD_PATTERN, format!("`{pattern}` does not compile: {reason}"), |d| d);
                }
            }
        }
        parsed
    }
}

#[derive(Debug)]
struct MatchesRule {
    column: String,
    regex: regex::Regex,
}

impl Rule for MatchesRule {
    fn fingerprint(&self) -> String {
        format!("{} {:?}", self.column, self.regex.as_str())
    }

    fn row_test(&self) -> Option<RowTest> {
        Some(RowTest::Matches { column: self.column.clone(), regex: self.regex.clone() })
    }

    fn rejects(&self, _: &str) -> Option<Rejects> {
        Some(Rejects::Condition(format!("{} !~ {}", sql::name(&self.column), sql::text(self.regex.as_str()))))
    }

    fn verbs(&self) -> (String, String) {
        let text =
            |verb: &str| format!("{verb} {} that does not match {}", words::a(&self.column), self.regex.as_str());
        (text("has"), text("have"))
    }
}

//! Every row has a value in the column. Null violates no other check, so this is the one to say that a value must
//! be there; an empty text and `NaN` are values.
//!
//! ```yaml
//! - not_null: customer
//! - not_null: [region, ts]
//! - not_null: shipped_on
//!   where: "status = 'shipped'"
//! ```
//!
//! A list is one check for each column, `not_null_region` and `not_null_ts`. A column that is `required` in the
//! contract has the check by itself, under the name `required_COLUMN`. It costs nothing: the scan counts nulls anyway.

use super::{CheckKind, Parsed, Scope};
use crate::check::{Rejects, Rule};
use crate::read::Reading;
use crate::scan::RowTest;
use crate::sql;

pub(crate) const NAME: &str = "not_null";

#[derive(Debug)]
pub(crate) struct NotNull;

impl CheckKind for NotNull {
    fn name(&self) -> &'static str {
        NAME
    }

    fn source(&self) -> &'static str {
        include_str!("not_null.rs")
    }

    fn body(&self) -> &'static str {
        "string | list of strings"
    }

    fn scope(&self) -> Scope {
        Scope::Rows
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let columns = reading.columns();
        columns
            .into_iter()
            .map(|column| Parsed::of_columns(vec![column.name.clone()], NotNullRule { column: column.name.clone() }))
            .collect()
    }
}

#[derive(Debug)]
pub(crate) struct NotNullRule {
    pub(crate) column: String,
}

impl Rule for NotNullRule {
    fn fingerprint(&self) -> String {
        self.column.clone()
    }

    fn row_test(&self) -> Option<RowTest> {
        Some(RowTest::NotNull { column: self.column.clone() })
    }

    fn rejects(&self, _: &str) -> Option<Rejects> {
        Some(Rejects::Condition(format!("{} is null", sql::name(&self.column))))
    }

    fn verbs(&self) -> (String, String) {
        (format!("has no {}", self.column), format!("have no {}", self.column))
    }
}

//! A condition in SQL is true, or null, for every row.
//!
//! ```yaml
//! - expect: "amount >= 0"
//! - expect: "shipped_on >= ordered_on"
//!   name: shipped_after_ordered
//!   where: "status = 'shipped'"
//! ```
//!
//! The condition sees one row at a time: no aggregates, windows or subqueries (that is what `sql` is for). The
//! first one without a name is called `expect`; a second needs a `name`.

use super::{CheckKind, Parsed, Scope};
use crate::check::{Rejects, Rule, one_line};
use crate::read::{Expression, Reading};
use crate::scan::RowTest;
use crate::sql;

#[derive(Debug)]
pub(crate) struct Expect;

impl CheckKind for Expect {
    fn name(&self) -> &'static str {
        "expect"
    }

    fn source(&self) -> &'static str {
        include_str!("expect.rs")
    }

    fn body(&self) -> &'static str {
        "string"
    }

    fn scope(&self) -> Scope {
        Scope::Rows
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let body = reading.body();
        let predicate = reading.expression(body, "a condition in SQL, such as \"amount >= 0\"");
        predicate.into_iter().map(|predicate| Parsed::named("", ExpectRule { predicate })).collect()
    }
}

#[derive(Debug)]
struct ExpectRule {
    predicate: Expression,
}

impl Rule for ExpectRule {
    fn fingerprint(&self) -> String {
        self.predicate.sql.clone()
    }

    fn predicate(&self) -> Option<&Expression> {
        Some(&self.predicate)
    }

    fn row_test(&self) -> Option<RowTest> {
        Some(RowTest::Predicate { sql: self.predicate.sql.clone() })
    }

    fn rejects(&self, _: &str) -> Option<Rejects> {
        Some(Rejects::Condition(format!("not {}", sql::expression(&self.predicate.sql))))
    }

    fn verbs(&self) -> (String, String) {
        let condition = one_line(&self.predicate.sql);
        (format!("violates {condition}"), format!("violate {condition}"))
    }
}

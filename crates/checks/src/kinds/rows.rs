//! The version has at least, or at most, so many rows.
//!
//! ```yaml
//! - rows: { min: 1000 }
//! - rows: { min: 1, max: 24 }
//!   name: hours_of_today
//!   where: "day = current_date"
//! ```
//!
//! With `where`, the rows that meet it are counted.

use futures::future::BoxFuture;
use lockgate_engine::EngineError;
use lockgate_project::{Fields, KeyDoc};

use super::{CheckKind, Parsed, Scope};
use crate::check::{Measure, Measured, Rule, one_line};
use crate::codes::WRONG_VALUE;
use crate::read::Reading;
use crate::words;

const KEYS: &[KeyDoc] = &[
    KeyDoc { key: "min", kind: "integer", default: "", text: "The fewest rows that pass." },
    KeyDoc { key: "max", kind: "integer", default: "", text: "The most rows that pass." },
];

#[derive(Debug)]
pub(crate) struct Rows;

impl CheckKind for Rows {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn source(&self) -> &'static str {
        include_str!("rows.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn keys(&self) -> &'static [KeyDoc] {
        KEYS
    }

    fn scope(&self) -> Scope {
        Scope::Version
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let body = reading.body();
        let expected = "bounds, such as `{ min: 1000 }`";
        let Some(map) = reading.map(body, expected) else { return Vec::new() };
        let source = reading.source();
        let mut fields = Fields::new(map, source, KEYS, reading.diagnostics);
        let (min, max) = (fields.integer("min"), fields.integer("max"));
        fields.finish();
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            reading.error(body.span, &WRONG_VALUE, "no number of rows lies in this range", |d| {
                d.expected("`min` not above `max`")
            });
        }
        if min.is_none() && max.is_none() { Vec::new() } else { vec![Parsed::named("", RowsRule { min, max })] }
    }
}

#[derive(Debug)]
struct RowsRule {
    min: Option<u64>,
    max: Option<u64>,
}

impl Rule for RowsRule {
    fn fingerprint(&self) -> String {
        format!("{:?} {:?}", self.min, self.max)
    }

    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        let found = cx.scanned.total;
        let condition = cx.filter.map(|filter| format!(" where {}", one_line(filter))).unwrap_or_default();
        let expected = match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{} to {} expected", words::count(min), words::count(max)),
            (Some(min), None) => format!("at least {} expected", words::count(min)),
            (None, Some(max)) => format!("at most {} expected", words::count(max)),
            (None, None) => "any number expected".to_owned(),
        };
        let holds = self.min.is_none_or(|min| found >= min) && self.max.is_none_or(|max| found <= max);
        let measured = Measured::whole(holds, format!("{}{condition}, {expected}", words::rows(found)));
        Box::pin(async move { Ok(measured) })
    }
}

//! The newest value of a column is not older than so long before the run's logical time.
//!
//! ```yaml
//! - fresh: { ts: 2d }
//! - fresh: { reported_on: 1d 12h }
//!   where: "region = 'north'"
//! ```
//!
//! For days (counted from their 00:00 UTC) and instants (those without a zone are taken as UTC). Durations are written
//! `90s`, `15m`, `36h`, `2d`, `1w`. A value after the logical time passes; no value at all fails. The
//! check is judged on every run, also when there is no new candidate: then the asset is *late*. Several columns are one
//! check each.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use lockgate_engine::EngineError;
use lockgate_types::{DataType, Samples};

use super::{CheckKind, Parsed, Scope};
use crate::check::{Measure, Measured, Rule, one_line};
use crate::codes::{WRONG_COLUMN_TYPE, WRONG_VALUE};
use crate::read::Reading;
use crate::scan::Newest;
use crate::words;

#[derive(Debug)]
pub(crate) struct Fresh;

impl CheckKind for Fresh {
    fn name(&self) -> &'static str {
        "fresh"
    }

    fn source(&self) -> &'static str {
        include_str!("fresh.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn scope(&self) -> Scope {
        Scope::Version
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let expected = "columns with durations, such as `{ ts: 2d }`";
        let mut parsed = Vec::new();
        for (column, span, node) in reading.by_column(expected) {
            if !matches!(column.data_type, DataType::Date | DataType::Timestamp | DataType::Timestamptz) {
                let message = format!("`{}` is {}, which has no age", column.name, column.data_type);
                reading.error(span, &WRONG_COLUMN_TYPE, message, |d| d.expected("a column of days or instants"));
                continue;
            }
            let Some(text) = node.scalar_text() else {
                reading.wrong_body(node, expected);
                continue;
            };
            match lockgate_types::time::parse_duration(&text) {
                Ok(allowed) => {
                    let rule = FreshRule { column: column.name.clone(), allowed };
                    parsed.push(Parsed::of_columns(vec![column.name.clone()], rule));
                }
                Err(wrong) => reading.error(node.span, &WRONG_VALUE, wrong, |d| d),
            }
        }
        parsed
    }
}

#[derive(Debug)]
struct FreshRule {
    column: String,
    allowed: TimeDelta,
}

/// The instant that a newest value stands for; `None` when it is beyond the calendar.
fn instant_of(newest: Newest) -> Option<DateTime<Utc>> {
    match newest {
        Newest::Day(days) => DateTime::from_timestamp(i64::from(days) * 86_400, 0),
        Newest::Microsecond(micros) => DateTime::from_timestamp_micros(micros),
    }
}

impl Rule for FreshRule {
    fn fingerprint(&self) -> String {
        format!("{} {}", self.column, self.allowed.num_seconds())
    }

    fn newest_of(&self) -> Option<&str> {
        Some(&self.column)
    }

    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        let condition = cx.filter.map(|filter| format!(" where {}", one_line(filter))).unwrap_or_default();
        let (column, as_of, total) = (&self.column, cx.as_of, cx.scanned.total);
        let measured = match cx.scanned.newest.map(|newest| (newest, instant_of(newest))) {
            None if total == 0 => Measured::whole(false, format!("there is no newest {column}: no rows{condition}")),
            None => {
                let rows = if total == 1 { "the only row".to_owned() } else { format!("all {}", words::rows(total)) };
                Measured::whole(false, format!("there is no newest {column}: it is null in {rows}{condition}"))
            }
            Some((newest, None)) => {
                // Beyond the year 262,143: no age to speak of, and certainly not before logical time.
                let is_future = matches!(newest, Newest::Day(1..) | Newest::Microsecond(1..));
                Measured::whole(is_future, format!("newest {column}{condition} is beyond the calendar"))
            }
            Some((newest, Some(at))) => {
                let age = as_of - at;
                let shown = match newest {
                    Newest::Day(_) => words::day(at.date_naive()),
                    Newest::Microsecond(_) => words::instant(at),
                };
                let side = if age < TimeDelta::zero() { "after" } else { "before" };
                let message = format!(
                    "newest {column}{condition} is {shown}, {} {side} {}, allowed {}",
                    words::duration(age),
                    words::instant(as_of),
                    words::duration(self.allowed)
                );
                let text = match newest {
                    Newest::Day(_) => at.format("%Y-%m-%d").to_string(),
                    Newest::Microsecond(_) => at.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string(),
                };
                let samples = Samples { columns: vec![column.clone()], rows: vec![vec![Some(text)]] };
                Measured { samples, ..Measured::whole(age <= self.allowed, message) }
            }
        };
        Box::pin(async move { Ok(measured) })
    }
}

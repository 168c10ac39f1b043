//! Numbers of this asset equal those of another one, in all or by groups, within a tolerance.
//!
//! ```yaml
//! - parity: { with: raw.load, compare: ["rows", "sum(load_mw)"], by: [region], tolerance: 0.1% }
//! - parity:
//!     with: raw.bookings
//!     compare: [{ this: "sum(amount)", with: "sum(net + tax)" }]
//!     by: [{ this: day, with: "cast(booked_at as date)" }]
//!     with_where: "not cancelled"
//! ```
//!
//! `compare` holds aggregates in SQL, or `rows`; `by` holds columns or expressions. An entry is one text for both
//! assets, or a map when they differ. A group counts as failing when any number is further from the other asset's than
//! the tolerance (a share of the other's value, or an amount), or when only one side has the group. Without
//! `by` all rows are one group. Two nulls are equal; sums of doubles that differ by less than a billionth are the same.
//! `where` filters this asset, `with_where` the other one.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::future::BoxFuture;
use lockgate_engine::EngineError;
use lockgate_project::yaml::{Node, Value as Yaml};
use lockgate_project::{KeyDoc, Source, SqlText};
use lockgate_types::{AssetName, Place};

use super::change::aggregate;
use super::{CheckKind, Parsed, Scope};
use crate::check::{Measure, Measured, Rule, Statement, one_line};
use crate::compared::{Compared, Difference};
use crate::read::{Expression, Reading, Tolerance};
use crate::scan::{RowSampler, text_of};
use crate::sql;
use crate::words;

const KEYS: &[KeyDoc] = &[
    KeyDoc { key: "with", kind: "string", default: "", text: "The other asset, `schema.table`. Required." },
    KeyDoc {
        key: "compare",
        kind: "list",
        default: "",
        text: "Aggregates in SQL, or `rows`; each a text for both assets, or `{ this: …, with: … }`. Required.",
    },
    KeyDoc {
        key: "by",
        kind: "list",
        default: "one group of all rows",
        text: "Columns or expressions that make groups; each a text for both assets, or `{ this: …, with: … }`.",
    },
    KeyDoc {
        key: "tolerance",
        kind: "string | number",
        default: "0",
        text: "How far a number may be from the other asset's: a share of it (`0.1%`) or an amount (`10`).",
    },
    KeyDoc { key: "with_where", kind: "string", default: "", text: "A condition on the other asset's rows." },
];

const SIDES: &[KeyDoc] = &[
    KeyDoc { key: "this", kind: "string", default: "", text: "The expression over this asset's columns." },
    KeyDoc { key: "with", kind: "string", default: "", text: "The expression over the other asset's columns." },
];

#[derive(Debug)]
pub(crate) struct Parity;

impl CheckKind for Parity {
    fn name(&self) -> &'static str {
        "parity"
    }

    fn source(&self) -> &'static str {
        include_str!("parity.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn keys(&self) -> &'static [KeyDoc] {
        KEYS
    }

    fn scope(&self) -> Scope {
        Scope::Groups
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let before = reading.diagnostics.0.len();
        let body = reading.body();
        let expected = "what to compare, such as `{ with: raw.load, compare: [\"rows\"] }`";
        let Some(map) = reading.map(body, expected) else { return Vec::new() };
        reading.settings(map, body.span, KEYS, &["with", "compare"]);
        let with = map.get("with").and_then(|node| match node.as_str() {
            Some(name) => reading.other_asset(name, node.span),
            None => {
                reading.wrong_body(node, "another asset, `schema.table`");
                None
            }
        });
        let compare = map.get("compare").map(|node| sides(reading, node)).unwrap_or_default();
        let by = map.get("by").map(|node| sides(reading, node)).unwrap_or_default();
        let tolerance = match map.get("tolerance") {
            Some(node) => reading.tolerance(node, "a tolerance"),
            None => Some(Tolerance::Amount(0.0)),
        };
        let with_where = map.get("with_where").and_then(|node| reading.expression(node, "a condition in SQL"));
        let (Some((with, _)), Some(tolerance)) = (with, tolerance) else { return Vec::new() };
        if reading.diagnostics.0.len() > before {
            return Vec::new();
        }
        let suffix = with.to_string();
        vec![Parsed::named(
            &suffix,
            ParityRule { with, compare, by, tolerance, with_where, source: reading.source().clone() },
        )]
    }
}

/// One thing compared, or one part of a group's key, on both sides.
#[derive(Clone, Debug, PartialEq)]
struct Sides {
    this: String,
    with: String,
    place: Place,
}

/// A text or a list of texts and maps.
fn sides<'a>(reading: &mut Reading<'a>, node: &'a Node) -> Vec<Sides> {
    let expected = "a list of SQL expressions, each a text or `{ this: …, with: … }`";
    let items: Vec<&'a Node> = match &node.value {
        Yaml::List(items) if !items.is_empty() => items.iter().collect(),
        Yaml::String(_) => vec![node],
        _ => {
            reading.wrong_body(node, expected);
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for item in items {
        match &item.value {
            Yaml::String(text) if !text.trim().is_empty() => {
                let text = text.trim().to_owned();
                found.push(Sides { this: text.clone(), with: text, place: reading.place(item.span) });
            }
            Yaml::Map(map) => {
                reading.settings(map, item.span, SIDES, &["this", "with"]);
                let mut side = |key| map.get(key).and_then(|node| reading.expression(node, "an SQL expression"));
                let (this, with) = (side("this"), side("with"));
                if let (Some(Expression { sql: this, place }), Some(with)) = (this, with) {
                    found.push(Sides { this, with: with.sql, place });
                }
            }
            _ => reading.wrong_body(item, expected),
        }
    }
    found
}

#[derive(Debug)]
struct ParityRule {
    with: AssetName,
    compare: Vec<Sides>,
    by: Vec<Sides>,
    tolerance: Tolerance,
    with_where: Option<Expression>,
    source: Arc<Source>,
}

/// One group of the joined result.
struct Group<'a> {
    rule: &'a ParityRule,
    batch: &'a RecordBatch,
    row: usize,
}

/// What differs in a group, and by how much.
struct Found {
    difference: Difference,
    message: String,
}

impl Found {
    /// The message decides between equals, so that the order of groups does not.
    fn is_worse_than(&self, other: &Found) -> bool {
        let (new, old) = (self.difference.share.abs(), other.difference.share.abs());
        new > old || (new.total_cmp(&old).is_eq() && self.message < other.message)
    }
}

impl Group<'_> {
    fn key(&self) -> Vec<Option<String>> {
        (0..self.rule.by.len()).map(|at| text_of(self.batch.column(at), self.row)).collect()
    }

    /// Whether this asset has the group, and whether the other has.
    fn sides(&self) -> (bool, bool) {
        let last = self.batch.num_columns() - 1;
        let side = |column: usize| Compared::of(self.batch.column(column), self.row);
        (side(last - 1) == Compared::count(0), side(last) == Compared::count(1))
    }

    /// A compared number here and there; no group has no rows.
    fn numbers(&self, at: usize) -> (Compared, Compared) {
        let (here, there) = self.sides();
        let number = |column: usize, has: bool, text: &str| match (has, text) {
            (false, "rows") => Compared::count(0),
            _ => Compared::of(self.batch.column(column), self.row),
        };
        let (first, sides) = (self.rule.by.len() + 2 * at, &self.rule.compare[at]);
        (number(first, here, &sides.this), number(first + 1, there, &sides.with))
    }

    /// `sum(x) is 101 here and 100 in raw.load, 1 % apart, allowed 0.9 %`.
    fn sentence(&self, at: usize) -> String {
        let (rule, (here, there)) = (self.rule, self.numbers(at));
        let name = one_line(&rule.compare[at].this);
        let be = if name == "rows" { "are" } else { "is" };
        let Some(difference) = here.difference(&there) else {
            return format!("{name} {be} {here}, as in {}", rule.with);
        };
        let (apart, allowed) = match rule.tolerance {
            Tolerance::Amount(0.0) => (String::new(), String::new()),
            tolerance => {
                let can_be_said = difference.is_number()
                    && (difference.share.is_finite() || matches!(tolerance, Tolerance::Amount(_)));
                let apart = if can_be_said { format!(", {} apart", difference.size(tolerance)) } else { String::new() };
                (apart, format!(", allowed {tolerance}"))
            }
        };
        format!("{name} {be} {here} here and {there} in {}{apart}{allowed}", rule.with)
    }

    /// The number that is furthest from the other asset's; `None` when all are near enough.
    fn furthest(&self) -> Option<Found> {
        let mut furthest: Option<Found> = None;
        for at in 0..self.rule.compare.len() {
            let (here, there) = self.numbers(at);
            let Some(difference) = here.difference(&there).filter(|d| !d.within(self.rule.tolerance)) else { continue };
            if furthest.as_ref().is_none_or(|found| difference.share.abs() > found.difference.share.abs()) {
                furthest = Some(Found { difference, message: self.sentence(at) });
            }
        }
        let (here, there) = self.sides();
        if furthest.is_none() && here != there {
            let message = if here { format!("it is not in {}", self.rule.with) } else { "it is not here".to_owned() };
            furthest = Some(Found { difference: Difference::NOT_A_NUMBER, message });
        }
        let mut found = furthest?;
        if !self.rule.by.is_empty() {
            let names = self.rule.by.iter().map(|sides| one_line(&sides.this));
            let values = self.key().into_iter().map(|value| value.unwrap_or_else(|| "null".to_owned()));
            let key: Vec<String> = names.zip(values).map(|(name, value)| format!("{name} {value}")).collect();
            found.message = format!("for {}, {}", key.join(", "), found.message);
        }
        Some(found)
    }

    fn cells(&self) -> Vec<Option<String>> {
        let numbers = (0..self.rule.compare.len()).flat_map(|at| {
            let (here, there) = self.numbers(at);
            [Some(here.to_string()), Some(there.to_string())]
        });
        self.key().into_iter().chain(numbers).collect()
    }
}

impl ParityRule {
    /// One side's groups: `g0`, …, `m0`, …, `__rows`.
    fn side(&self, from: &str, pick: fn(&Sides) -> &str) -> String {
        let by = self.by.iter().enumerate().map(|(at, sides)| format!("{} as \"g{at}\"", sql::expression(pick(sides))));
        let compare = self.compare.iter().enumerate();
        let compare = compare.map(|(at, sides)| format!("{} as \"m{at}\"", aggregate(pick(sides))));
        let columns: Vec<String> = by.chain(compare).chain(["count(*) as \"__rows\"".to_owned()]).collect();
        let groups: Vec<String> = (1..=self.by.len()).map(|at| at.to_string()).collect();
        let group_by = if groups.is_empty() { String::new() } else { format!(" group by {}", groups.join(", ")) };
        format!("select {} from {from}{group_by}", columns.join(", "))
    }

    fn with_from(&self) -> String {
        let table = sql::table(&self.with);
        match &self.with_where {
            Some(condition) => format!("(select * from {table} where {})", sql::expression(&condition.sql)),
            None => table,
        }
    }

    /// Both sides beside each other: `g0`, …, `a0`, `b0`, …, `has_a`, `has_b`.
    fn query(&self, from: &str) -> String {
        let this = self.side(from, |sides| &sides.this);
        let with = self.side(&self.with_from(), |sides| &sides.with);
        let names = |side: u8| {
            let groups = (0..self.by.len()).map(|at| format!("\"g{at}\""));
            let numbers = (0..self.compare.len()).map(|at| format!("\"m{at}\""));
            let all: Vec<String> = [format!("{side} as \"side\"")].into_iter().chain(groups).chain(numbers).collect();
            all.join(", ")
        };
        let both = format!("select {} from ({this}) union all select {} from ({with})", names(0), names(1));
        let mut columns: Vec<String> = (0..self.by.len()).map(|at| format!("\"g{at}\"")).collect();
        let group_by = if columns.is_empty() { String::new() } else { format!(" group by {}", columns.join(", ")) };
        for at in 0..self.compare.len() {
            for (name, side) in [("a", 0), ("b", 1)] {
                columns.push(format!("max(case when \"side\" = {side} then \"m{at}\" end) as \"{name}{at}\""));
            }
        }
        columns.push("min(\"side\") as \"first\", max(\"side\") as \"last\"".to_owned());
        format!("select {} from ({both}){group_by}", columns.join(", "))
    }

    fn sample_columns(&self) -> Vec<String> {
        let by = self.by.iter().map(|sides| one_line(&sides.this));
        let numbers = self
            .compare
            .iter()
            .flat_map(|sides| [one_line(&sides.this), format!("{} of {}", one_line(&sides.with), self.with)]);
        by.chain(numbers).collect()
    }
}

impl Rule for ParityRule {
    fn fingerprint(&self) -> String {
        let pairs = |all: &[Sides]| all.iter().map(|s| (s.this.clone(), s.with.clone())).collect::<Vec<_>>();
        let condition = self.with_where.as_ref().map(|condition| condition.sql.clone());
        format!("{} {:?} {:?} {:?} {condition:?}", self.with, pairs(&self.compare), pairs(&self.by), self.tolerance)
    }

    fn reads(&self) -> Vec<AssetName> {
        vec![self.with.clone()]
    }

    fn statements(&self, asset: &AssetName) -> Vec<Statement> {
        // Each expression by itself, so that a mistake is told where it stands.
        let mut statements = Vec::new();
        let (this, with) = (sql::table(asset), sql::table(&self.with));
        let mut add = |at: usize, sql: String, place: &Place, comparable: bool| {
            let sql = SqlText { source: self.source.clone(), sql, first_line: place.line.max(1) };
            statements.push(Statement { sql, place: Some(place.clone()), comparable: comparable.then_some(at) });
        };
        if let Some(condition) = &self.with_where {
            let sql = format!("select count(*) as \"n\" from {}", self.with_from());
            add(0, sql, &condition.place, false);
        }
        for (at, sides) in self.compare.iter().enumerate() {
            for (text, from) in [(&sides.this, &this), (&sides.with, &with)] {
                let sql = format!("select {} as \"n\", count(*) as \"__rows\" from {from}", aggregate(text));
                add(at, sql, &sides.place, true);
            }
        }
        for (at, sides) in self.by.iter().enumerate() {
            for (text, from) in [(&sides.this, &this), (&sides.with, &with)] {
                let sql = format!("select {} as \"g\" from {from} group by 1", sql::expression(text));
                add(self.compare.len() + at, sql, &sides.place, true);
            }
        }
        statements
    }

    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        Box::pin(async move {
            let mut stream = cx.session.stream(&self.query(&cx.rows_of_asset())).await?;
            let mut samples = RowSampler::new(self.sample_columns());
            let (mut failing, mut total, mut furthest, mut all) = (0, 0, None::<Found>, String::new());
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                for row in 0..batch.num_rows() {
                    let group = Group { rule: self, batch: &batch, row };
                    total += 1;
                    if self.by.is_empty() && self.compare.len() == 1 {
                        all = group.sentence(0);
                    }
                    let Some(found) = group.furthest() else { continue };
                    failing += 1;
                    samples.add(group.cells());
                    if furthest.as_ref().is_none_or(|furthest| found.is_worse_than(furthest)) {
                        furthest = Some(found);
                    }
                }
            }
            let groups = words::counted(total, "group", "groups");
            let differ = if failing == 1 { "differs" } else { "differ" };
            let with = &self.with;
            let message = match furthest {
                Some(found) if self.by.is_empty() => found.message,
                Some(found) => {
                    format!(
                        "{} of {groups} {differ} from {with}; the furthest: {}",
                        words::count(failing),
                        found.message
                    )
                }
                None if !self.by.is_empty() => format!("0 of {groups} differ from {with}"),
                None if self.compare.len() == 1 => all,
                None => format!("all {} numbers agree with {with}", self.compare.len()),
            };
            Ok(Measured { failing, total, message, samples: samples.finish() })
        })
    }
}

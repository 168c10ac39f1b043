//! A number has not risen or fallen by more than so much against the live version.
//!
//! ```yaml
//! - change: { rows: 30% }
//! - change: { "sum(load_mw)": 10%, "count(distinct region)": 0 }
//! ```
//!
//! `rows`, or any aggregate in SQL over the asset's columns; a share of the live value (`30%`) or an amount (`10`), in
//! both directions. Several numbers make one check. `where` filters both versions. Without a live version, or when it has not
//! the columns, there is nothing to compare with and the check passes and says so. A number that was null and is not,
//! or rises from 0, has changed by more than any share. Sums of doubles that differ by less than a billionth are the same.

use futures::future::BoxFuture;
use lockgate_engine::{EngineError, Session};
use lockgate_project::SqlText;
use lockgate_types::{AssetName, Samples, VersionNumber};

use super::{CheckKind, Parsed, Scope};
use crate::check::{Measure, Measured, Rule, Statement, one_line};
use crate::compared::Compared;
use crate::read::{Expression, Reading, Tolerance};
use crate::sql;

#[derive(Debug)]
pub(crate) struct Change;

impl CheckKind for Change {
    fn name(&self) -> &'static str {
        "change"
    }

    fn source(&self) -> &'static str {
        include_str!("change.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn scope(&self) -> Scope {
        Scope::Version
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let body = reading.body();
        let Some(map) = reading.map(body, "numbers with how far they may change, such as `{ rows: 30% }`") else {
            return Vec::new();
        };
        let mut numbers = Vec::new();
        for (key, node) in &map.entries {
            let Some(tolerance) = reading.tolerance(node, "a change") else { continue };
            let of = Expression { sql: key.text.trim().to_owned(), place: reading.place(key.span) };
            numbers.push((of, tolerance));
        }
        if numbers.is_empty() {
            return Vec::new();
        }
        let names: Vec<String> = numbers.iter().map(|(of, _)| of.sql.clone()).collect();
        vec![Parsed::named(&names.join("_"), ChangeRule { numbers, source: reading.source().clone() })]
    }
}

#[derive(Debug)]
struct ChangeRule {
    numbers: Vec<(Expression, Tolerance)>,
    source: std::sync::Arc<lockgate_project::Source>,
}

/// `rows`, or SQL.
pub(crate) fn aggregate(expression: &str) -> String {
    if expression == "rows" { "count(*)".to_owned() } else { sql::expression(expression) }
}

impl ChangeRule {
    /// One row with all numbers. The count beside them refuses what is no aggregate.
    fn query(&self, from: &str) -> String {
        let numbers = self.numbers.iter().enumerate();
        let columns: Vec<String> =
            numbers.map(|(at, (of, _))| format!("{} as \"n{at}\"", aggregate(&of.sql))).collect();
        format!("select {}, count(*) as \"__rows\" from {from}", columns.join(", "))
    }

    async fn numbers(&self, session: &Session, from: &str) -> Result<Vec<Compared>, EngineError> {
        let batches = session.collect(&self.query(from)).await?;
        let first = batches.iter().find(|batch| batch.num_rows() > 0);
        let at = |index: usize| first.map_or(Compared::Null, |batch| Compared::of(batch.column(index), 0));
        Ok((0..self.numbers.len()).map(at).collect())
    }

    /// The sentence, and whether the number held still enough.
    fn judge(&self, at: usize, now: &Compared, before: &Compared, version: VersionNumber) -> (bool, String) {
        let Some((of, tolerance)) = self.numbers.get(at) else { return (true, String::new()) };
        let name = one_line(&of.sql);
        let be = if name == "rows" { "are" } else { "is" };
        let Some(difference) = now.difference(before) else {
            return (true, format!("{name} {be} {now}, as in version {version}"));
        };
        let allowed = format!("allowed {tolerance}");
        let message =
            if difference.is_number() && (difference.share.is_finite() || matches!(tolerance, Tolerance::Amount(_))) {
                let verb = if difference.amount > 0.0 { "rose" } else { "fell" };
                let size = difference.size(*tolerance);
                format!("{name} {verb} by {size} from {before} in version {version} to {now}, {allowed}")
            } else {
                let was = if name == "rows" { "were" } else { "was" };
                format!("{name} {was} {before} in version {version} and {be} {now} now, {allowed}")
            };
        (difference.within(*tolerance), message)
    }
}

impl Rule for ChangeRule {
    fn fingerprint(&self) -> String {
        self.numbers.iter().map(|(of, tolerance)| format!("{} {tolerance:?};", of.sql)).collect()
    }

    fn statements(&self, asset: &AssetName) -> Vec<Statement> {
        let one = |(of, _): &(Expression, Tolerance)| {
            let rule = ChangeRule { numbers: vec![(of.clone(), Tolerance::Amount(0.0))], source: self.source.clone() };
            let sql = SqlText {
                source: self.source.clone(),
                sql: rule.query(&sql::table(asset)),
                first_line: of.place.line.max(1),
            };
            Statement { sql, place: Some(of.place.clone()), comparable: None }
        };
        self.numbers.iter().filter(|(of, _)| of.sql != "rows").map(one).collect()
    }

    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        Box::pin(async move {
            let Some(live) = cx.live else {
                return Ok(Measured::whole(true, "there is no live version to compare with".to_owned()));
            };
            let only_rows = self.numbers.iter().all(|(of, _)| of.sql == "rows") && cx.filter.is_none();
            let (now, before) = if only_rows {
                // Both are known without a query.
                let all = |rows| self.numbers.iter().map(|_| Compared::count(rows)).collect::<Vec<_>>();
                (all(cx.rows), all(live.rows))
            } else {
                let from = cx.rows_of(&sql::live_table(cx.asset));
                let text = SqlText { source: self.source.clone(), sql: self.query(&from), first_line: 1 };
                if live.schema != *cx.schema && cx.session.plan(&text).await.is_err() {
                    let message = format!("version {} has not the columns to compare with", live.number);
                    return Ok(Measured::whole(true, message));
                }
                (self.numbers(cx.session, &cx.rows_of_asset()).await?, self.numbers(cx.session, &from).await?)
            };
            let judged: Vec<(bool, String)> = now
                .iter()
                .zip(&before)
                .enumerate()
                .map(|(at, (now, before))| self.judge(at, now, before, live.number))
                .collect();
            let holds = judged.iter().all(|(holds, _)| *holds);
            let told: Vec<&str> =
                judged.iter().filter(|(one, _)| holds || !one).map(|(_, message)| message.as_str()).collect();
            let rows = self.numbers.iter().zip(now.iter().zip(&before)).map(|((of, _), (now, before))| {
                vec![Some(of.sql.clone()), Some(before.to_string()), Some(now.to_string())]
            });
            let columns = vec!["number".to_owned(), format!("version {}", live.number), "candidate".to_owned()];
            let samples = Samples { columns, rows: if holds { Vec::new() } else { rows.collect() } };
            let samples = if holds { Samples::default() } else { samples };
            Ok(Measured { samples, ..Measured::whole(holds, told.join("; ")) })
        })
    }
}

//! `action: reject`: failing rows leave for the rejects table.

use lockgate_project::Action;
use lockgate_types::{AssetName, Schema, Threshold};

use crate::check::Rejects;
use crate::{Check, sql, words};

/// What is said of the rows of a source that did not fit, of all that were read.
pub fn rejects_sentence(failing: u64, total: u64, limit: Threshold) -> String {
    let allowed = match limit {
        Threshold::Rows(0) => "none is allowed".to_owned(),
        Threshold::Rows(1) => "1 is allowed".to_owned(),
        Threshold::Rows(rows) => format!("{} are allowed", words::count(rows)),
        Threshold::Share(share) => format!("{} are allowed", words::percent(share)),
    };
    format!("{} of {} did not fit, {allowed}", words::count(failing), words::rows(total))
}

/// Two queries over the asset's own name that divide its rows: every row comes out of exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectSplit {
    /// The asset's columns.
    pub kept_sql: String,
    /// The asset's columns and `_check`: the names of the checks that rejected the row, divided by `, `.
    pub rejected_sql: String,
}

/// Divides all rows of the asset. `None` when no check has `action: reject`.
pub fn reject_split(checks: &[Check], asset: &AssetName, schema: &Schema) -> Option<RejectSplit> {
    split(checks, asset, schema, &sql::table(asset))
}

/// Divides the rows of a part of the asset, registered under this schema and name; what a row is compared with (the
/// other rows of its key) is all of the asset.
pub fn reject_split_of(
    checks: &[Check],
    asset: &AssetName,
    schema: &Schema,
    part: (&str, &str),
) -> Option<RejectSplit> {
    split(checks, asset, schema, &format!("{}.{}", sql::name(part.0), sql::name(part.1)))
}

fn split(checks: &[Check], asset: &AssetName, schema: &Schema, rows: &str) -> Option<RejectSplit> {
    let table = sql::table(asset);
    let rejecting: Vec<(&Check, Rejects)> = checks
        .iter()
        .filter(|check| check.action == Action::Reject)
        .filter_map(|check| {
            let from = match &check.filter {
                Some(filter) => format!("(select * from {table} where {})", sql::expression(filter)),
                None => table.clone(),
            };
            Some((check, check.rule.rejects(&from)?))
        })
        .collect();
    if rejecting.is_empty() {
        return None;
    }
    let columns: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
    // What people wrote is evaluated over the asset alone, where no joined name can get in its way.
    let (mut flags, mut joins, mut fails) = (Vec::new(), String::new(), Vec::new());
    for (at, (check, rejects)) in rejecting.iter().enumerate() {
        let filter = check.filter.as_deref();
        if let Some(filter) = filter {
            flags.push(format!("{} as \"__f{at}\"", sql::expression(filter)));
        }
        let looked_at = filter.map(|_| format!("coalesce(t.\"__f{at}\", false) and ")).unwrap_or_default();
        let fail = match rejects {
            Rejects::Condition(condition) => {
                flags.push(format!("{condition} as \"__v{at}\""));
                format!("coalesce(t.\"__v{at}\", false)")
            }
            Rejects::Join { with, on, found } => {
                let other = format!("r{at}");
                joins.push_str(&join(with, on, &other));
                let marker = format!("{other}.\"__is_there\"");
                let present: Vec<String> =
                    on.iter().map(|(ours, _)| format!("t.{} is not null", sql::name(ours))).collect();
                match found {
                    true => format!("{marker} is not null"),
                    false => format!("({} and {marker} is null)", present.join(" and ")),
                }
            }
        };
        fails.push((check.name.as_str(), format!("({looked_at}{fail})")));
    }
    let own: Vec<String> = columns.iter().map(|name| format!("t.{}", sql::name(name))).collect();
    let own = own.join(", ");
    let names = sql::names(&columns);
    let selected: String = std::iter::once(names).chain(flags).collect::<Vec<_>>().join(", ");
    let from = format!("(select {selected} from {rows}) as t{joins}");
    let any = fails.iter().map(|(_, fails)| fails.as_str()).collect::<Vec<_>>().join(" or ");
    let which: Vec<String> =
        fails.iter().map(|(name, fails)| format!("case when {fails} then {} end", sql::text(name))).collect();
    Some(RejectSplit {
        kept_sql: format!("select {own} from {from} where not ({any})"),
        rejected_sql: format!(
            "select {own}, concat_ws(', ', {}) as \"_check\" from {from} where {any}",
            which.join(", ")
        ),
    })
}

/// A left join that finds at most one partner for a row, since `with` has every key once.
fn join(with: &str, on: &[(String, String)], alias: &str) -> String {
    let theirs = on.iter().enumerate().map(|(at, (_, theirs))| format!("{} as \"__k{at}\"", sql::name(theirs)));
    let columns: Vec<String> = theirs.chain(["true as \"__is_there\"".to_owned()]).collect();
    let equal: Vec<String> =
        on.iter().enumerate().map(|(at, (ours, _))| format!("t.{} = {alias}.\"__k{at}\"", sql::name(ours))).collect();
    format!(" left join (select {} from ({with})) as {alias} on {}", columns.join(", "), equal.join(" and "))
}

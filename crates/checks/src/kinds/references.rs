//! The column's values stand in a column of another asset. Null passes.
//!
//! ```yaml
//! - references: { tailnum: raw.planes.tailnum }
//! - references: { year: raw.weather.year, origin: raw.weather.origin }
//! ```
//!
//! Several columns are one compound key and must lead to one asset; a row with a null in any of them passes. The
//! other asset is read in its live version, or as the same run builds it: the check orders the two, but a new version of
//! the other asset does not make this one stale. The check is exact: the other column's values are held while every row is
//! read; a compound key, and values that do not fit in memory, are left to an anti-join, which spills to disk.

use futures::future::BoxFuture;
use lockgate_engine::EngineError;
use lockgate_types::AssetName;

use super::{CheckKind, Parsed, Scope};
use crate::check::{KnownIn, Measure, Measured, Rejects, Rule, sentence};
use crate::codes::{DOES_NOT_COMPARE, WRONG_VALUE};
use crate::compile::class;
use crate::read::Reading;
use crate::scan::sample_rows;
use crate::sql;
use crate::words;

/// Names of the two sides. A column that is called as a table is would take its place within the other one.
const OURS: &str = "\"__ours\"";
const THEIRS: &str = "\"__theirs\"";

#[derive(Debug)]
pub(crate) struct References;

impl CheckKind for References {
    fn name(&self) -> &'static str {
        "references"
    }

    fn source(&self) -> &'static str {
        include_str!("references.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn scope(&self) -> Scope {
        Scope::Rows
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let before = reading.diagnostics.0.len();
        let expected = "columns with columns of another asset, such as `{ tailnum: raw.planes.tailnum }`";
        let mut target: Option<AssetName> = None;
        let mut on = Vec::new();
        for (column, _, node) in reading.by_column(expected) {
            let Some((asset, other)) = node.as_str().and_then(|text| text.rsplit_once('.')) else {
                reading.wrong_body(node, expected);
                continue;
            };
            let Some((asset, schema)) = reading.other_asset(asset, node.span) else { continue };
            if let Some(schema) = &schema {
                match schema.column(other) {
                    None => reading.unknown_column(other, node.span, &asset, schema),
                    Some(theirs) if class(&theirs.data_type) != class(&column.data_type) => {
                        let message = format!(
                            "`{}` is {} and {asset}.{other} is {}",
                            column.name, column.data_type, theirs.data_type
                        );
                        reading.error(node.span, &DOES_NOT_COMPARE, message, |d| {
                            d.hint("give both assets the same type for it")
                        });
                    }
                    Some(_) => {}
                }
            }
            if let Some(first) = target.as_ref().filter(|first| **first != asset) {
                let message = format!("one key leads to {first} and to {asset}");
                reading.error(node.span, &WRONG_VALUE, message, |d| {
                    d.hint("several columns are one compound key; write one `references` for each asset")
                });
            }
            target.get_or_insert(asset);
            on.push((column.name.clone(), other.to_owned()));
        }
        match target {
            Some(target) if reading.diagnostics.0.len() == before => {
                let columns: Vec<String> = on.iter().map(|(column, _)| column.clone()).collect();
                vec![Parsed::of_columns(columns, ReferencesRule { target, on })]
            }
            _ => Vec::new(),
        }
    }
}

#[derive(Debug)]
struct ReferencesRule {
    target: AssetName,
    /// Pairs of the asset's column and the other's.
    on: Vec<(String, String)>,
}

impl Rule for ReferencesRule {
    fn fingerprint(&self) -> String {
        format!("{} {:?}", self.target, self.on)
    }

    fn reads(&self) -> Vec<AssetName> {
        vec![self.target.clone()]
    }

    fn reference(&self) -> Option<(&AssetName, &[(String, String)])> {
        Some((&self.target, &self.on))
    }

    fn known_in(&self) -> Option<KnownIn<'_>> {
        // A compound key is left to the engine.
        match &self.on[..] {
            [(column, theirs)] => Some(KnownIn { column, asset: &self.target, theirs }),
            _ => None,
        }
    }

    fn rejects(&self, _: &str) -> Option<Rejects> {
        let theirs: Vec<String> = self.on.iter().map(|(_, theirs)| theirs.clone()).collect();
        let present: Vec<String> = theirs.iter().map(|column| format!("{} is not null", sql::name(column))).collect();
        let (names, table, filter) = (sql::names(&theirs), sql::table(&self.target), sql::filter(&present));
        let with = format!("select distinct {names} from {table}{filter}");
        Some(Rejects::Join { with, on: self.on.clone(), found: false })
    }

    fn verbs(&self) -> (String, String) {
        let columns: Vec<&str> = self.on.iter().map(|(column, _)| column.as_str()).collect();
        let theirs: Vec<&str> = self.on.iter().map(|(_, theirs)| theirs.as_str()).collect();
        let text = |verb: &str| match (&columns[..], &theirs[..]) {
            ([ours], [theirs]) => format!("{verb} {} that is not in {}.{theirs}", words::a(ours), self.target),
            _ => {
                let (ours, theirs) = (columns.join(", "), theirs.join(", "));
                format!("{verb} a key ({ours}) that is not in {} ({theirs})", self.target)
            }
        };
        (text("has"), text("have"))
    }

    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        Box::pin(async move {
            if cx.scanned.is_judged {
                return Ok(cx.scanned.measured(self.verbs(), cx.filter));
            }
            let ours = |column: &str| format!("{OURS}.{}", sql::name(column));
            let mut conditions: Vec<String> =
                self.on.iter().map(|(column, _)| format!("{} is not null", ours(column))).collect();
            let equal: Vec<String> = self
                .on
                .iter()
                .map(|(column, theirs)| format!("{THEIRS}.{} = {}", sql::name(theirs), ours(column)))
                .collect();
            let (target, equal) = (sql::table(&self.target), equal.join(" and "));
            conditions.push(format!("not exists (select 1 from {target} as {THEIRS} where {equal})"));
            let query = format!("select {OURS}.* from {} as {OURS}{}", cx.rows_of_asset(), sql::filter(&conditions));
            let (failing, samples) = sample_rows(cx.session, &query).await?;
            let total = cx.scanned.total;
            Ok(Measured { failing, total, message: sentence(self.verbs(), failing, total, cx.filter), samples })
        })
    }
}

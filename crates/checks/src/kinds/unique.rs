//! No two rows have the same key: a column, or several together. Rows with a null in the key are no duplicates.
//!
//! ```yaml
//! - unique: order_id
//! - unique: [region, ts]
//! ```
//!
//! Every row of a repeated key fails, so a key that stands twice is two failing rows; the sample rows show them
//! together. With `action: reject` all of them leave, since nothing says which one is right. The check is exact: the
//! scan that reads every row proves that no key repeats, or the rows are grouped by the key, which spills to disk when they do
//! not fit in memory. The first `unique` of an asset is also the key by which `lockgate diff` tells rows apart.

use futures::StreamExt;
use futures::future::BoxFuture;
use lockgate_engine::EngineError;
use lockgate_types::Samples;

use super::{CheckKind, Parsed, Scope};
use crate::check::{Measure, Measured, Rejects, Rule, sentence};
use crate::read::Reading;
use crate::scan::{Cells, KeySampler, sample_rows};
use crate::sql;
use crate::values::{self, Comparison};

/// How many repeated keys the sample rows are taken from.
const SAMPLE_KEYS: usize = 50;

/// Names of the two sides. A column that is called as a table is would take its place within the other one.
const ROW: &str = "\"__row\"";
const CAME: &str = "\"__came\"";

#[derive(Debug)]
pub(crate) struct Unique;

impl CheckKind for Unique {
    fn name(&self) -> &'static str {
        "unique"
    }

    fn source(&self) -> &'static str {
        include_str!("unique.rs")
    }

    fn body(&self) -> &'static str {
        "string | list of strings"
    }

    fn scope(&self) -> Scope {
        Scope::Rows
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let before = reading.diagnostics.0.len();
        let columns = reading.columns();
        if reading.diagnostics.0.len() > before {
            return Vec::new();
        }
        let comparisons = columns.iter().map(|column| Comparison::of(&column.data_type)).collect();
        let key: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        vec![Parsed::of_columns(key.clone(), UniqueRule { key, comparisons })]
    }
}

#[derive(Debug)]
struct UniqueRule {
    key: Vec<String>,
    /// Of each column of the key.
    comparisons: Vec<Option<Comparison>>,
}

impl UniqueRule {
    /// The keys that repeat, with how often each does in `__rows`. With `came`, only keys of those rows are looked at: no
    /// two others repeat.
    fn repeated(&self, from: &str, came: Option<&str>) -> String {
        let names = sql::names(&self.key);
        let mut conditions: Vec<String> =
            self.key.iter().map(|column| format!("{} is not null", sql::name(column))).collect();
        if let Some(came) = came {
            let same: Vec<String> =
                self.key.iter().map(|column| format!("{CAME}.{0} = {ROW}.{0}", sql::name(column))).collect();
            conditions.push(format!("exists (select 1 from {came} as {CAME} where {})", same.join(" and ")));
        }
        let filter = sql::filter(&conditions);
        format!(
            "select {names}, count(*) as \"__rows\" from {from} as {ROW}{filter} group by {names} having count(*) > 1"
        )
    }

    /// Whether two keys are of one group exactly when they compare as equal. Doubles have two zeros and a NaN.
    fn groups_as_it_compares(&self) -> bool {
        self.comparisons.iter().all(|comparison| comparison.is_some_and(|comparison| comparison != Comparison::Double))
    }

    /// The rows of some repeated keys; the keys alone where their type has no literal in SQL.
    async fn samples(&self, cx: &Measure<'_>, keys: KeySampler) -> Result<Samples, EngineError> {
        let (columns, keys) = keys.finish();
        let literals: Option<Vec<Vec<String>>> = keys
            .iter()
            .map(|key| {
                let values = key.values.iter().zip(&self.comparisons);
                values.map(|(value, comparison)| Some(values::literal(value.as_ref()?, (*comparison)?))).collect()
            })
            .collect();
        let Some(literals) = literals.filter(|literals| !literals.is_empty()) else {
            return Ok(Samples { columns, rows: keys.into_iter().map(|key| key.cells).collect() });
        };
        let equals = |key: &Vec<String>| {
            let parts: Vec<String> =
                self.key.iter().zip(key).map(|(name, literal)| format!("{} = {literal}", sql::name(name))).collect();
            format!("({})", parts.join(" and "))
        };
        let any: Vec<String> = literals.iter().map(equals).collect();
        let rows = format!("select * from {} where {}", cx.rows_of_asset(), any.join(" or "));
        let (_, mut samples) = sample_rows(cx.session, &rows).await?;
        // Rows of one key stand together.
        let places: Vec<usize> =
            self.key.iter().filter_map(|name| samples.columns.iter().position(|column| column == name)).collect();
        samples.rows.sort_by(|a, b| {
            let key = |row: &Vec<Option<String>>| places.iter().map(|at| row.get(*at).cloned()).collect::<Vec<_>>();
            key(a).cmp(&key(b)).then_with(|| a.cmp(b))
        });
        Ok(samples)
    }
}

impl Rule for UniqueRule {
    fn fingerprint(&self) -> String {
        self.key.join(",")
    }

    fn unique_key(&self) -> Option<&[String]> {
        Some(&self.key)
    }

    fn rejects(&self, from: &str) -> Option<Rejects> {
        let on = self.key.iter().map(|column| (column.clone(), column.clone())).collect();
        Some(Rejects::Join { with: self.repeated(from, None), on, found: true })
    }

    fn verbs(&self) -> (String, String) {
        let many = format!("share their {} with another row", crate::words::list(&self.key));
        (many.clone(), many)
    }

    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        Box::pin(async move {
            if cx.scanned.keys_differ {
                return Ok(cx.scanned.measured(self.verbs(), cx.filter));
            }
            let came = cx.came.filter(|_| self.groups_as_it_compares());
            let repeated = self.repeated(&cx.rows_of_asset(), came);
            let mut stream = cx.session.stream(&repeated).await?;
            let mut keys = KeySampler::new(SAMPLE_KEYS, self.key.len());
            let mut failing = 0;
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                let Some(counts) = batch.columns().last().map(Cells::of) else { continue };
                failing += counts.whole_values().map(|count| u64::try_from(count).unwrap_or(0)).sum::<u64>();
                keys.add(&batch);
            }
            let samples = if failing > 0 { self.samples(&cx, keys).await? } else { Samples::default() };
            let total = cx.scanned.total;
            let message = sentence(self.verbs(), failing, total, cx.filter);
            Ok(Measured { failing, total, message, samples })
        })
    }
}

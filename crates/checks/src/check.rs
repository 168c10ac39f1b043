//! A compiled check, and the trait behind it.

use std::fmt::Debug;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use lockgate_engine::{EngineError, Session};
use lockgate_project::{Action, SqlText};
use lockgate_types::{AssetName, Fingerprint, Place, Samples, Schema, Severity, Threshold, Version};

use crate::read::Expression;
use crate::scan::{Newest, RowTest};
use crate::sql;

/// One check of one asset, ready to run.
#[derive(Clone, Debug)]
pub struct Check {
    /// Unique within the asset.
    pub name: String,
    pub kind: &'static str,
    /// The columns of the asset that it is about; of a `unique`, its key.
    pub columns: Vec<String>,
    pub section: Option<String>,
    pub severity: Severity,
    /// With `action: reject` and no threshold of its own, one that is never exceeded: what is left may pass.
    pub error: Threshold,
    pub warn: Option<Threshold>,
    /// `where`: SQL that says which rows it looks at.
    pub filter: Option<String>,
    pub action: Action,
    /// Where it is written.
    pub place: Place,
    pub(crate) filter_place: Place,
    pub(crate) reads: Vec<AssetName>,
    pub(crate) rule: Arc<dyn Rule>,
}

impl Check {
    /// The other assets that it reads, sorted.
    pub fn reads(&self) -> Vec<AssetName> {
        self.reads.clone()
    }

    /// Of a `references`: the other asset, and the pairs of this asset's column and the other's.
    pub fn reference(&self) -> Option<(&AssetName, &[(String, String)])> {
        self.rule.reference()
    }

    /// The boolean SQL over the asset's columns that it is made of, with the places to blame.
    pub fn predicates(&self) -> Vec<(String, Place)> {
        let filter = self.filter.iter().map(|filter| (filter.clone(), self.filter_place.clone()));
        let own = self.rule.predicate().map(|predicate| (predicate.sql.clone(), predicate.place.clone()));
        filter.chain(own).collect()
    }

    /// What shapes its verdict, as stable text: part of the checks' fingerprint.
    pub fn fingerprint_text(&self) -> String {
        let Check { name, kind, severity, error, warn, filter, action, rule, .. } = self;
        let warn = warn.map(|warn| warn.to_string());
        format!("{name}|{kind}|{severity:?}|{error}|{warn:?}|{filter:?}|{action:?}|{}", rule.fingerprint())
    }

    /// What it says, without its name, thresholds and severity: a known failure is one of this.
    pub fn statement(&self) -> String {
        let Check { kind, filter, rule, .. } = self;
        let filter = filter.as_deref().unwrap_or_default();
        Fingerprint::of([*kind, filter, rule.fingerprint().as_str()]).short().to_owned()
    }

    /// Whether it is judged on every run, also without a candidate.
    pub fn is_fresh(&self) -> bool {
        self.kind == "fresh"
    }
}

/// What a kind makes of one entry: how it is measured. Row-local rules give a [`RowTest`] to the fused scan; the
/// others bring a query.
pub(crate) trait Rule: Debug + Send + Sync {
    /// What shapes the verdict, as stable text.
    fn fingerprint(&self) -> String;

    /// Other assets that it reads.
    fn reads(&self) -> Vec<AssetName> {
        Vec::new()
    }

    /// The other asset that its rows belong to, and the pairs of columns that lead there.
    fn reference(&self) -> Option<(&AssetName, &[(String, String)])> {
        None
    }

    /// Boolean SQL over the asset's columns.
    fn predicate(&self) -> Option<&Expression> {
        None
    }

    /// Statements to be planned before anything runs.
    fn statements(&self, asset: &AssetName) -> Vec<Statement> {
        let _ = asset;
        Vec::new()
    }

    /// How the fused scan judges a row.
    fn row_test(&self) -> Option<RowTest> {
        None
    }

    /// The column of another asset whose values the fused scan shall look up; then it is the scan that judges the rows,
    /// where memory allows.
    fn known_in(&self) -> Option<KnownIn<'_>> {
        None
    }

    /// The key of which the fused scan shall prove that it does not repeat.
    fn unique_key(&self) -> Option<&[String]> {
        None
    }

    /// The column whose newest value the fused scan shall keep.
    fn newest_of(&self) -> Option<&str> {
        None
    }

    /// How the failing rows are picked out in SQL, for `action: reject`. `from` is the rows that it looks at, to
    /// select from.
    fn rejects(&self, from: &str) -> Option<Rejects> {
        let _ = from;
        None
    }

    /// What goes after `12 of 400 rows`, for one row and for several.
    fn verbs(&self) -> (String, String) {
        (String::new(), String::new())
    }

    /// Measures. The scan's answer for the check is in `cx`, and is all of it for a row-local check.
    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        let measured = cx.scanned.measured(self.verbs(), cx.filter);
        Box::pin(async move { Ok(measured) })
    }
}

/// A statement that a check is made of.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: SqlText,
    /// Where to blame, when the text is not the person's own statement.
    pub(crate) place: Option<Place>,
    /// Statements with the same number must give the same kind of first column.
    pub(crate) comparable: Option<usize>,
}

/// Values of one column that must stand in another's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownIn<'a> {
    pub(crate) column: &'a str,
    pub(crate) asset: &'a AssetName,
    pub(crate) theirs: &'a str,
}

/// The failing rows in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rejects {
    /// A condition on the row itself; null means it passes.
    Condition(String),
    /// A row fails when a join on `on` (pairs of the asset's column and the other's) with the rows of `with` finds a
    /// partner (`found`) or finds none (not `found`). Rows with a null in the key pass.
    Join { with: String, on: Vec<(String, String)>, found: bool },
}

/// What a measurement sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure<'a> {
    pub(crate) session: &'a Session,
    pub(crate) asset: &'a AssetName,
    pub(crate) schema: &'a Schema,
    pub(crate) filter: Option<&'a str>,
    /// Rows of the candidate, without `where`.
    pub(crate) rows: u64,
    /// What the scan found for this check.
    pub(crate) scanned: &'a Scanned,
    pub(crate) live: Option<&'a Version>,
    pub(crate) as_of: DateTime<Utc>,
    /// The rows that are not in the live version, which passed this check without a failing row, as something to select
    /// from; all others are in it. `None` when that is not so.
    pub(crate) came: Option<&'a str>,
}

impl Measure<'_> {
    /// The asset, or its rows that `where` keeps, as something to select from.
    pub(crate) fn rows_of_asset(&self) -> String {
        self.rows_of(&sql::table(self.asset))
    }

    pub(crate) fn rows_of(&self, table: &str) -> String {
        match self.filter {
            Some(filter) => format!("(select * from {table} where {})", sql::expression(filter)),
            None => table.to_owned(),
        }
    }
}

/// The fused scan's answer for one check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanned {
    pub(crate) failing: u64,
    /// Rows that `where` keeps.
    pub(crate) total: u64,
    pub(crate) samples: Samples,
    pub(crate) newest: Option<Newest>,
    /// Whether the scan judged each row.
    pub(crate) is_judged: bool,
    /// It is certain that no key of [`Rule::unique_key`] repeats.
    pub(crate) keys_differ: bool,
}

impl Scanned {
    pub(crate) const EMPTY: Scanned = Scanned {
        failing: 0,
        total: 0,
        samples: Samples { columns: Vec::new(), rows: Vec::new() },
        newest: None,
        is_judged: false,
        keys_differ: false,
    };

    /// What was measured, of a check whose rows the scan judged.
    pub(crate) fn measured(&self, verbs: (String, String), filter: Option<&str>) -> Measured {
        let Scanned { failing, total, samples, .. } = self;
        let message = sentence(verbs, *failing, *total, filter);
        Measured { failing: *failing, total: *total, message, samples: samples.clone() }
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) failing: u64,
    pub(crate) total: u64,
    pub(crate) message: String,
    pub(crate) samples: Samples,
}

impl Measured {
    /// Of a check on the version as a whole.
    pub(crate) fn whole(holds: bool, message: String) -> Measured {
        Measured { failing: u64::from(!holds), total: 1, message, samples: Samples::default() }
    }
}

/// `12 of 400 rows where status = 'F' have no customer`.
pub(crate) fn sentence(verbs: (String, String), failing: u64, total: u64, filter: Option<&str>) -> String {
    let condition = filter.map(|filter| format!(" where {}", one_line(filter))).unwrap_or_default();
    if total == 0 {
        return format!("there are no rows{condition}");
    }
    let verb = if failing == 1 { verbs.0 } else { verbs.1 };
    format!("{} of {}{condition} {verb}", crate::words::count(failing), crate::words::rows(total))
}

/// SQL in a sentence: blanks as one, and not longer than 200 characters.
pub(crate) fn one_line(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 200 { line.chars().take(199).chain(['…']).collect() } else { line }
}

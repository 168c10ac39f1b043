//! Outcomes of checks, thresholds, known failures and suppressions.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{Actor, AssetName};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[default]
    Error,
    Warn,
}

/// A limit on failing rows: `> 0` rows or `> 0.1%` of the rows the check looked at. Exceeding it fails the check.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Threshold {
    Rows(u64),
    /// 0 to 1.
    Share(f64),
}

impl Threshold {
    /// Reads `> 0`, `> 0.1%`, `0.1%`, `10`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_start_matches('>').trim();
        if number.starts_with(['=', '<']) {
            return Err(format!("`{text}` is not a threshold: write `> 10` or `> 0.1%`"));
        }
        if let Some(percent) = number.strip_suffix('%') {
            let value: f64 = percent.trim().parse().map_err(|_| format!("`{percent}` is not a number"))?;
            if !(0.0..=100.0).contains(&value) {
                return Err(format!("{value} % is not a share of rows: it lies between 0 and 100 %"));
            }
            return Ok(Threshold::Share(value / 100.0));
        }
        number
            .parse()
            .map(Threshold::Rows)
            .map_err(|_| format!("`{text}` is not a threshold: write `> 10` or `> 0.1%`"))
    }

    /// Whether `failing` of `total` rows are too many.
    pub fn exceeded_by(self, failing: u64, total: u64) -> bool {
        match self {
            Threshold::Rows(rows) => failing > rows,
            Threshold::Share(share) => share_of(failing, total) > share,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Rows(rows) => write!(f, "> {rows}"),
            Threshold::Share(share) => write!(f, "> {}%", (share * 100.0 * 1e9).round() / 1e9),
        }
    }
}

impl TryFrom<String> for Threshold {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Threshold::parse(&text)
    }
}

impl From<Threshold> for String {
    fn from(threshold: Threshold) -> String {
        threshold.to_string()
    }
}

/// `failing / total` from 0 to 1; 0 of 0 is 0, and something of nothing is 1.
#[allow(clippy::cast_precision_loss)]
pub fn share_of(failing: u64, total: u64) -> f64 {
    match (failing, total) {
        (0, _) => 0.0,
        (_, 0) => 1.0,
        _ => failing as f64 / total as f64,
    }
}

/// How a check came out, after thresholds, known failures and suppressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    Passed,
    /// Over its `warn` threshold, or failed with `severity: warn`, or under `gate: report`.
    Warned,
    /// Over its `error` threshold, but a known failure that did not get worse.
    Known,
    /// Over its `error` threshold, but suppressed.
    Suppressed,
    /// Over its `error` threshold: holds the version.
    Failed,
    /// It could not be evaluated: holds the version.
    Errored,
}

impl CheckState {
    /// Whether it keeps a version from being published.
    pub fn holds(self) -> bool {
        match self {
            CheckState::Failed | CheckState::Errored => true,
            CheckState::Passed | CheckState::Warned | CheckState::Known | CheckState::Suppressed => false,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            CheckState::Passed => "passed",
            CheckState::Warned => "warned",
            CheckState::Known => "known",
            CheckState::Suppressed => "suppressed",
            CheckState::Failed => "failed",
            CheckState::Errored => "errored",
        }
    }
}

/// Up to 100 rows that violate a check, as text cells; `None` is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// The evidence of one check on one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// Unique within the asset.
    pub name: String,
    /// `not_null`, `unique`, …
    pub kind: String,
    pub section: Option<String>,
    pub severity: Severity,
    pub state: CheckState,
    /// Rows that violate it (for checks on the whole version: 1 or 0).
    pub failing: u64,
    /// Rows it looked at, after `where` (for checks on the whole version: 1).
    pub total: u64,
    /// `failing / total`.
    pub share: f64,
    pub error: Threshold,
    pub warn: Option<Threshold>,
    /// What was measured, in words with units: `12 of 400 rows are null`, `rows fell by 34 %, allowed 30 %`.
    pub message: String,
    /// What the same check said of the version that was live then, when it had it.
    pub before: Option<(u64, u64)>,
    pub samples: Samples,
    /// The known failure or suppression that let it pass, in words.
    pub excuse: Option<String>,
    /// Whether rows were taken out to the rejects table.
    #[serde(default)]
    pub rejected: bool,
    /// What the check says, as a short hash; thresholds, severity and name are not in it. `None` for what is not written
    /// as a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// An entry of `lockgate.known.yml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownFailure {
    pub asset: AssetName,
    pub check: String,
    /// Failing rows when it was recorded.
    pub count: u64,
    /// Their share then, 0 to 1.
    pub share: f64,
    /// How much the share may rise above the recorded one, 0 to 1.
    pub tolerance: f64,
    pub owner: Option<String>,
    pub review_on: NaiveDate,
    pub reason: String,
    /// [`CheckOutcome::statement`] when it was recorded; `None` is about any check of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

impl KnownFailure {
    /// Whether it was recorded of what the check says now.
    pub fn is_of(&self, statement: Option<&str>) -> bool {
        self.statement.as_deref().is_none_or(|recorded| Some(recorded) == statement)
    }

    /// Whether a failure is still the known one.
    pub fn covers(&self, failing: u64, total: u64) -> bool {
        share_of(failing, total) <= self.share + self.tolerance + 1e-12
    }
}

/// A dated, reasoned, limited permission for one check to fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suppression {
    pub asset: AssetName,
    pub check: String,
    pub actor: Actor,
    pub why: String,
    pub made_at: DateTime<Utc>,
    /// It ends at this instant of the wall clock.
    pub until: DateTime<Utc>,
    /// It covers no more than this.
    pub limit: Option<Threshold>,
}

impl Suppression {
    pub fn covers(&self, now: DateTime<Utc>, failing: u64, total: u64) -> bool {
        now < self.until && self.limit.is_none_or(|limit| !limit.exceeded_by(failing, total))
    }
}

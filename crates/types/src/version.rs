//! Versions: immutable states of an asset.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Actor, AssetName, CheckOutcome, Column, Fingerprint, Profile, RunId, Schema};

/// 1, 2, 3 … per asset; gaps are normal, numbers are never reused. Not Delta's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNumber(pub u64);

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `staged` → `publishing` → `published`, or `held` (then `published` by hand, or `dismissed`); later
/// `superseded`, `retracted` or `expired`. `failed`: the attempt ended before its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    Staged,
    Publishing,
    Published,
    Held,
    Dismissed,
    Superseded,
    Retracted,
    Expired,
    Failed,
}

impl VersionState {
    pub const ALL: [VersionState; 9] = [
        VersionState::Staged,
        VersionState::Publishing,
        VersionState::Published,
        VersionState::Held,
        VersionState::Dismissed,
        VersionState::Superseded,
        VersionState::Retracted,
        VersionState::Expired,
        VersionState::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            VersionState::Staged => "staged",
            VersionState::Publishing => "publishing",
            VersionState::Published => "published",
            VersionState::Held => "held",
            VersionState::Dismissed => "dismissed",
            VersionState::Superseded => "superseded",
            VersionState::Retracted => "retracted",
            VersionState::Expired => "expired",
            VersionState::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for VersionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One Parquet file of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    /// Relative to the table's folder, `/`-separated, not percent-encoded.
    pub path: String,
    pub size_bytes: u64,
    pub rows: u64,
    /// In the order of the table's partition columns; the Delta text form of the value, `None` is null.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition: Vec<(String, Option<String>)>,
    /// Delta's per-file statistics as JSON (`numRecords`, `minValues`, `maxValues`, `nullCount`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
}

/// Everything that is known of a version. Stored whole in the catalog and, as `version.json`, beside its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub asset: AssetName,
    pub number: VersionNumber,
    pub state: VersionState,
    /// The run that staged it; `None` for a rollback by hand.
    pub run: Option<RunId>,
    pub actor: Actor,
    pub fingerprint: Fingerprint,
    /// The fingerprint of the checks it was judged by.
    pub checks_fingerprint: Fingerprint,
    /// The exact input versions that it was built from.
    pub inputs: BTreeMap<AssetName, VersionNumber>,
    pub schema: Schema,
    pub partition_by: Vec<String>,
    pub files: Vec<DataFile>,
    pub rows: u64,
    pub size_bytes: u64,
    /// The rejected rows of this version, if any: files of the asset's rejects table.
    pub rejects: Option<RejectedRows>,
    /// What the kind remembers of the outside world (a source: the files it read).
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub source_state: serde_json::Value,
    pub profile: Option<Profile>,
    pub checks: Vec<CheckOutcome>,
    /// The Delta version that was live when it was staged; `None` when the table had none.
    pub base_delta_version: Option<u64>,
    /// The published version it was judged against.
    pub base: Option<VersionNumber>,
    /// The Delta version that published it.
    pub delta_version: Option<u64>,
    pub staged_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
    /// Logical time of its run.
    pub as_of: DateTime<Utc>,
    /// Why it was published by hand, dismissed or rolled back to.
    pub why: Option<String>,
    /// The version whose content a rollback restored.
    pub restores: Option<VersionNumber>,
    /// How long its build took, without waiting and without checks.
    pub build_ms: u64,
    /// How long its audit took.
    pub audit_ms: u64,
    /// A short text, hashed from inputs, fingerprint and outside state: a held candidate with the same key is
    /// neither rebuilt nor alerted again.
    pub candidate_key: String,
}

/// Rows that did not fit or that a check with `action: reject` took out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedRows {
    pub rows: u64,
    pub files: Vec<DataFile>,
    pub schema: Schema,
}

impl RejectedRows {
    /// These and those; a column that one side has not is null there.
    #[must_use]
    pub fn and(mut self, more: RejectedRows) -> RejectedRows {
        self.rows += more.rows;
        self.files.extend(more.files);
        let new = |column: &Column, columns: &[Column]| columns.iter().all(|known| known.name != column.name);
        for column in more.schema.columns {
            if new(&column, &self.schema.columns) {
                self.schema.columns.push(column);
            }
        }
        self
    }
}

//! The audit log's entries, and lateness.

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, AssetName, VersionNumber};

/// One line of the audit log: who changed what, when, and why. The log is append-only.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// What was done, in the past tense: `staged`, `held`, `publishing`, `published`, `superseded`, `retracted`,
    /// `dismissed`, `failed`, `withdrawn`, `rebased`, `audited`, `suppressed`, `code_changed`, `run_started`,
    /// `run_ended`, `lease_stolen`, `expired`, `restored`, `token_created`, `token_revoked`, `schedule_paused`,
    /// `schedule_resumed`, …
    pub action: String,
    /// `None` for what concerns all environments.
    pub environment: Option<String>,
    pub asset: Option<AssetName>,
    pub version: Option<VersionNumber>,
    pub why: Option<String>,
    /// The action's own fields; null when there are none.
    pub detail: serde_json::Value,
}

/// An asset whose `fresh` check fails against the run's logical time though there is no new candidate to hold.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Late {
    /// The name of the `fresh` check.
    pub check: String,
    /// What was measured, in words with units.
    pub message: String,
    /// The logical time at which it was first found late.
    pub since: DateTime<Utc>,
    /// The newest value of the checked column, as text.
    pub newest: Option<String>,
}

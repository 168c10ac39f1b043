//! What is known of versions without reading their documents.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, AssetName, CheckOutcome, CheckState, Fingerprint, RunId, VersionNumber, VersionState};

/// What a plan needs to know of a live version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveHead {
    pub number: VersionNumber,
    pub fingerprint: Fingerprint,
    pub checks_fingerprint: Fingerprint,
    pub inputs: BTreeMap<AssetName, VersionNumber>,
    pub candidate_key: String,
    pub published_at: DateTime<Utc>,
    pub rows: u64,
    /// The version whose content a rollback restored.
    pub restores: Option<VersionNumber>,
}

/// A line of an asset's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSummary {
    pub number: VersionNumber,
    pub state: VersionState,
    pub run: Option<RunId>,
    /// Who staged it.
    pub actor: Actor,
    /// Who published it, or is about to.
    pub published_by: Option<Actor>,
    pub fingerprint: Fingerprint,
    pub rows: u64,
    pub size_bytes: u64,
    pub staged_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
    /// Logical time of its run.
    pub as_of: DateTime<Utc>,
    pub delta_version: Option<u64>,
    pub base: Option<VersionNumber>,
    pub restores: Option<VersionNumber>,
    pub build_ms: u64,
    pub audit_ms: u64,
    pub checks: CheckCounts,
    pub why: Option<String>,
}

/// How many of a version's checks came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckCounts {
    pub passed: u64,
    pub warned: u64,
    pub known: u64,
    pub suppressed: u64,
    pub failed: u64,
    pub errored: u64,
}

impl CheckCounts {
    pub fn of(outcomes: &[CheckOutcome]) -> Self {
        let mut counts = CheckCounts::default();
        for outcome in outcomes {
            *match outcome.state {
                CheckState::Passed => &mut counts.passed,
                CheckState::Warned => &mut counts.warned,
                CheckState::Known => &mut counts.known,
                CheckState::Suppressed => &mut counts.suppressed,
                CheckState::Failed => &mut counts.failed,
                CheckState::Errored => &mut counts.errored,
            } += 1;
        }
        counts
    }
}

/// What an earlier build took; estimates come from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildRecord {
    pub rows: u64,
    pub build_ms: u64,
    pub audit_ms: u64,
}

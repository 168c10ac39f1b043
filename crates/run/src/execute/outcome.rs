//! What a run is given, tells and answers.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lockgate_catalog::Late;
use lockgate_kind::Progress;
use lockgate_types::{AssetName, CheckOutcome, Diagnostics, Event, RunId, RunState, TaskState, Version, VersionNumber};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// Is told what happens while it happens.
pub trait Observer: Send + Sync {
    fn event(&self, event: &Event);

    /// An asset begins to build; `progress` counts its rows from now on.
    fn started(&self, asset: &AssetName, progress: &Progress) {
        let _ = (asset, progress);
    }
}

/// How to run a plan.
#[derive(Clone)]
pub struct RunOptions {
    pub observer: Arc<dyn Observer>,
    /// Stops the run cleanly: what is staged is discarded, what is published stays.
    pub cancel: CancellationToken,
    /// How many assets are worked on at once; at least 1.
    pub parallel: usize,
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions").field("parallel", &self.parallel).finish_non_exhaustive()
    }
}

/// How a run came out.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    pub run: RunId,
    pub state: RunState,
    pub as_of: DateTime<Utc>,
    /// In the order in which they ended.
    pub results: Vec<AssetResult>,
    /// Selected assets whose `fresh` check fails on what is live.
    pub late: Vec<(AssetName, Late)>,
    pub duration_ms: u64,
}

/// How one asset came out.
#[derive(Clone, Debug, Serialize)]
pub struct AssetResult {
    pub asset: AssetName,
    pub state: TaskState,
    /// The published, held or judged version.
    pub version: Option<VersionNumber>,
    /// What readers see now.
    pub live: Option<VersionNumber>,
    /// Rows of `version`.
    pub rows: u64,
    pub checks: Vec<CheckOutcome>,
    pub duration_ms: u64,
    /// One sentence: why it was skipped, held or failed.
    pub message: Option<String>,
    #[serde(serialize_with = "diagnostics_list")]
    pub diagnostics: Diagnostics,
}

fn diagnostics_list<S: serde::Serializer>(diagnostics: &Diagnostics, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(&diagnostics.0)
}

impl AssetResult {
    pub(super) fn new(asset: &AssetName, state: TaskState) -> Self {
        AssetResult {
            asset: asset.clone(),
            state,
            version: None,
            live: None,
            rows: 0,
            checks: Vec::new(),
            duration_ms: 0,
            message: None,
            diagnostics: Diagnostics::default(),
        }
    }

    pub(super) fn of(version: &Version, state: TaskState, live: Option<VersionNumber>) -> Self {
        AssetResult {
            version: Some(version.number),
            live,
            rows: version.rows,
            checks: version.checks.clone(),
            ..AssetResult::new(&version.asset, state)
        }
    }
}

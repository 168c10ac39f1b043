//! Runs, their tasks, and the events they leave in the journal.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Actor, AssetName, Fingerprint, VersionNumber};

/// Time-ordered and unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Running,
    Done,
    /// At least one asset was held or late, none failed.
    Held,
    Failed,
    Interrupted,
}

impl RunState {
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Done => "done",
            RunState::Held => "held",
            RunState::Failed => "failed",
            RunState::Interrupted => "interrupted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [RunState::Running, RunState::Done, RunState::Held, RunState::Failed, RunState::Interrupted]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One durable execution of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub environment: String,
    pub actor: Actor,
    pub state: RunState,
    /// What `fresh`, schedules and `$run_at` go by.
    pub as_of: DateTime<Utc>,
    /// The hash of the plan it executes.
    pub plan_hash: Fingerprint,
    /// The versions pinned at its start of inputs that it does not build.
    pub pins: BTreeMap<AssetName, VersionNumber>,
    /// What was asked for.
    pub request: RunRequest,
    /// The run whose unfinished tasks it takes up.
    pub retry_of: Option<RunId>,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// What a run was asked to do, as far as its tasks do not say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRequest {
    pub selectors: Vec<String>,
    pub exclude: Vec<String>,
    pub force: bool,
    pub full_refresh: bool,
    pub confirmed: bool,
    /// A half-open span of time.
    pub range: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// One asset in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    Waiting,
    Running,
    Published,
    /// The build found nothing new to publish.
    Unchanged,
    Held,
    Failed,
    /// An input was held or failed.
    Skipped,
    Interrupted,
}

impl TaskState {
    pub const ALL: [TaskState; 8] = [
        TaskState::Waiting,
        TaskState::Running,
        TaskState::Published,
        TaskState::Unchanged,
        TaskState::Held,
        TaskState::Failed,
        TaskState::Skipped,
        TaskState::Interrupted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            TaskState::Waiting => "waiting",
            TaskState::Running => "running",
            TaskState::Published => "published",
            TaskState::Unchanged => "unchanged",
            TaskState::Held => "held",
            TaskState::Failed => "failed",
            TaskState::Skipped => "skipped",
            TaskState::Interrupted => "interrupted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A task as the journal has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub run: RunId,
    pub asset: AssetName,
    pub state: TaskState,
    pub attempts: u32,
    pub version: Option<VersionNumber>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// The diagnostic or reason it ended with.
    pub message: Option<String>,
    /// As it was planned. `None` in runs from before this was kept.
    pub plan: Option<TaskPlan>,
}

/// What a task was to do, so that it can be done again as the first attempt would have done it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// The code that it runs.
    pub fingerprint: Fingerprint,
    pub checks_fingerprint: Fingerprint,
    /// What was live when it was planned.
    pub live: Option<VersionNumber>,
    /// Nothing is built, the live version is judged again.
    pub recheck_only: bool,
    pub checks_changed: bool,
}

/// One thing that happened in a run; also a line of `--json`. Keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `run_started`, `task_started`, `staged`, `audited`, `published`, `held`, `failed`, `skipped`, `unchanged`,
    /// `retrying`, `late`, `run_ended`, …
    pub event: String,
    pub at: DateTime<Utc>,
    pub run: Option<RunId>,
    pub asset: Option<AssetName>,
    pub version: Option<VersionNumber>,
    /// Event's own fields: `rows`, `size_bytes`, `duration_ms`, `checks`, `message`, …
    #[serde(flatten)]
    pub data: serde_json::Map<String, serde_json::Value>,
}

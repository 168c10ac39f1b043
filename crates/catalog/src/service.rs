//! What a server keeps and reads beyond what runs need: pages of lists, the position of the whole catalog, tokens,
//! schedules, the outbox of alerts, and answers to requests that may be repeated.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lockgate_types::{
    Actor, AssetName, CheckState, ColumnProfile, Event, Run, RunId, RunState, TaskState, VersionNumber, VersionState,
};
use serde_json::Value as Json;

use crate::{AuditEntry, Catalog, Result, VersionSummary};

/// How far the catalog has come. Every change of a version, a decision, a run or a task leaves a line in the audit log or
/// in the journal, so what was read at a position is what would be read again as long as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The last line of the audit log.
    pub audit: i64,
    /// The last event of the journal.
    pub event: i64,
}

/// Lines of the audit log, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditCounts {
    /// The sequence number of the last line that is counted, or where counting began.
    pub up_to: i64,
    /// Lines by actor and action.
    pub lines: BTreeMap<(String, String), u64>,
}

/// What is known of an asset's versions that matter now; no documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurrentVersions {
    pub live: Option<VersionSummary>,
    pub held: Option<VersionSummary>,
}

/// Which runs. `before` goes on behind a run that was listed.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    pub state: Option<RunState>,
    pub actor: Option<String>,
    /// Runs with a task of this asset.
    pub asset: Option<AssetName>,
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: usize,
}

/// A run with how many of its tasks are in which state.
#[derive(Clone, Debug, PartialEq)]
pub struct RunLine {
    pub run: Run,
    pub tasks: BTreeMap<&'static str, u64>,
}

/// Which lines of the audit log. `search` is looked for in reasons, assets and actors, ignoring case.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub asset: Option<AssetName>,
    pub actor: Option<String>,
    /// Any of these; all when empty.
    pub actions: Vec<String>,
    pub search: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Only lines before this one.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// A version on the time axis of an asset.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionPoint {
    pub number: VersionNumber,
    pub state: VersionState,
    pub staged_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
    pub rows: u64,
    pub size_bytes: u64,
    pub build_ms: u64,
    pub audit_ms: u64,
}

/// What a check said of a version; sample rows are in the version's document alone.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPoint {
    pub version: VersionNumber,
    pub name: String,
    pub kind: String,
    pub state: CheckState,
    pub failing: u64,
    pub total: u64,
    pub share: f64,
    pub message: String,
}

/// The last task of an asset that ended in one of the states that a reader wants to know of.
#[derive(Clone, Debug, PartialEq)]
pub struct LastTask {
    pub run: RunId,
    pub state: TaskState,
    pub ended_at: Option<DateTime<Utc>>,
    pub message: Option<String>,
}

/// What a token may do; each role may do what the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads everything.
    Viewer,
    /// Starts runs, decides about versions, suppresses, pauses schedules.
    Operator,
    /// Makes and revokes tokens.
    Admin,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// An API token. The secret itself is stored nowhere.
#[derive(Clone, PartialEq)]
pub struct Token {
    /// Shown in lists and logs.
    pub id: String,
    /// What it is for: the actor of what is done with it.
    pub name: String,
    pub role: Role,
    /// BLAKE3 of the secret, hexadecimal. Secrets are 256 random bits, so a slow hash would protect nothing more.
    pub hash: String,
    pub made_by: Actor,
    pub made_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// To the minute: not every request writes.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Token {
    /// Without the hash: what stands in logs must not say what to look for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What is kept of a schedule, beyond what the project's files say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleState {
    pub name: String,
    /// The last time at which it was due and that was dealt with.
    pub done_until: Option<DateTime<Utc>>,
    pub last_run: Option<RunId>,
    pub paused: Option<Paused>,
}

/// Who paused a schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Paused {
    pub by: Actor,
    pub at: DateTime<Utc>,
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    Waiting,
    Sent,
    /// Every attempt failed, or the receiver refused it for good.
    GivenUp,
}

impl DeliveryState {
    pub const ALL: [DeliveryState; 3] = [DeliveryState::Waiting, DeliveryState::Sent, DeliveryState::GivenUp];

    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "waiting",
            DeliveryState::Sent => "sent",
            DeliveryState::GivenUp => "given_up",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A message of the outbox: what is told to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// From what it tells of and to whom, so that the same thing is never told twice: making it again changes nothing.
    pub id: String,
    /// Which entry of `alerts`, from 0.
    pub alert: usize,
    /// Where it goes, without secrets.
    pub to: String,
    /// `held`, `failed` or `late`.
    pub kind: String,
    pub asset: Option<AssetName>,
    pub run: Option<RunId>,
    /// What is sent; its form is that of the receiver's type.
    pub body: Json,
    /// The same in a sentence, for lists.
    pub text: String,
    pub state: DeliveryState,
    pub attempts: u32,
    pub made_at: DateTime<Utc>,
    /// When it may be tried (again).
    pub due_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// The catalog as a server needs it. "Look-up" in the costs below is O(log n) in all that is stored; every write is one
/// transaction, as in [`Catalog`], and may be repeated.
#[async_trait]
pub trait ServiceCatalog: Catalog {
    // ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// Cost: two look-ups.
    async fn position(&self) -> Result<Position>;

    /// Live and held versions of every asset that has any. Cost: linear in those; superseded versions cost nothing.
    async fn current(&self, env: &str) -> Result<BTreeMap<AssetName, CurrentVersions>>;

    /// For every asset the last task that ended in failure, if no later task of it ended otherwise. Cost: linear in assets.
    async fn last_failures(&self, env: &str) -> Result<BTreeMap<AssetName, LastTask>>;

    /// An asset's history behind `before`, newest first. Cost: a look-up and `limit` rows.
    async fn versions_page(
        &self,
        env: &str,
        asset: &AssetName,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<VersionSummary>>;

    /// One line of it. Cost: a look-up.
    async fn version_summary(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
    ) -> Result<Option<VersionSummary>>;

    /// The newest versions that were judged (published, held, dismissed, superseded, retracted, expired), oldest first, and
    /// what each check said of them. Cost: `limit` versions and their checks, in two queries.
    async fn check_history(
        &self,
        env: &str,
        asset: &AssetName,
        limit: usize,
    ) -> Result<(Vec<VersionPoint>, Vec<CheckPoint>)>;

    /// The same versions with their profiles. Cost: `limit` versions and their columns, in two queries.
    async fn profile_history(
        &self,
        env: &str,
        asset: &AssetName,
        limit: usize,
    ) -> Result<(Vec<VersionPoint>, Vec<(VersionNumber, ColumnProfile)>)>;

    /// Runs, newest first, with their tasks counted. Cost: a look-up, `limit` rows and their tasks, in two queries.
    async fn runs_page(&self, env: &str, filter: &RunFilter) -> Result<Vec<RunLine>>;

    /// Events of all runs behind a sequence number, in order. Cost: a look-up and `limit` rows.
    async fn events_after(&self, after: i64, limit: usize) -> Result<Vec<(i64, Event)>>;

    /// Lines of the audit log behind a sequence number, in order. Cost: a look-up and `limit` rows.
    async fn audit_after(&self, after: i64, limit: usize) -> Result<Vec<(i64, AuditEntry)>>;

    /// Lines of an environment and those that concern all, newest first. Cost: a look-up and the lines looked at; a filter
    /// that seldom matches looks at many.
    async fn audit_page(&self, env: &str, filter: &AuditFilter) -> Result<Vec<(i64, AuditEntry)>>;

    /// How often each actor did what, in the lines of an environment and those that concern all behind a sequence number.
    /// The log only grows, so that counts can be added up. Cost: linear in those lines, in the database.
    async fn audit_counts(&self, env: &str, after: i64) -> Result<AuditCounts>;

    // ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// Cost: a row, a line of the audit log (`token_created`), one sync.
    async fn add_token(&self, token: &Token) -> Result<()>;

    /// All tokens, newest first.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// Cost: a look-up.
    async fn token_by_hash(&self, hash: &str) -> Result<Option<Token>>;

    /// Ends a token; `false` when there is none of that id. Cost: a row, a line of the audit log (`token_revoked`), one sync.
    async fn revoke_token(&self, id: &str, by: &Actor, at: DateTime<Utc>) -> Result<bool>;

    /// Notes that it was used. Cost: a row, no sync.
    async fn token_used(&self, id: &str, at: DateTime<Utc>) -> Result<()>;

    // ── schedules ───────────────────────────────────────────────────────────────────────────────────────────────

    /// What is kept of the schedules, by name.
    async fn schedules(&self, env: &str) -> Result<BTreeMap<String, ScheduleState>>;

    /// Claims the time at which a schedule was due: `false` when another process has dealt with this time, or a later one,
    /// already. `before` is what the caller saw as done. Cost: a row, one sync.
    async fn claim_due(
        &self,
        env: &str,
        schedule: &str,
        before: Option<DateTime<Utc>>,
        due_at: DateTime<Utc>,
    ) -> Result<bool>;

    /// Notes which run a schedule started. Cost: a row, no sync.
    async fn schedule_ran(&self, env: &str, schedule: &str, run: &RunId) -> Result<()>;

    /// Pauses (`Some`) or resumes (`None`) it. Cost: a row, a line of the audit log (`schedule_paused`, `schedule_resumed`),
    /// one sync.
    async fn pause_schedule(
        &self,
        env: &str,
        schedule: &str,
        paused: Option<&Paused>,
        by: &Actor,
        at: DateTime<Utc>,
        why: &str,
    ) -> Result<()>;

    // ── the outbox ──────────────────────────────────────────────────────────────────────────────────────────────

    /// Adds messages that are not there yet. Cost: a row each, one sync.
    async fn add_deliveries(&self, env: &str, deliveries: &[Delivery]) -> Result<()>;

    /// Claims messages that are due and waiting: they are due again at `again_at`, should whoever takes them die.
    /// Cost: a look-up and `limit` rows, one sync when there are any.
    async fn claim_deliveries(
        &self,
        env: &str,
        now: DateTime<Utc>,
        again_at: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Delivery>>;

    /// When the next message is due; `None` when none waits. Cost: a look-up.
    async fn next_delivery(&self, env: &str) -> Result<Option<DateTime<Utc>>>;

    /// Records how an attempt came out: state, attempts, `due_at`, `sent_at` and `last_error` are replaced.
    /// Cost: a row, one sync.
    async fn settle_delivery(&self, env: &str, delivery: &Delivery) -> Result<()>;

    /// The newest messages, newest first. Cost: a look-up and `limit` rows.
    async fn deliveries(&self, env: &str, before: Option<&str>, limit: usize) -> Result<Vec<Delivery>>;

    /// How far the outbox has read the journal and the audit log; `None` when it never did.
    async fn told_until(&self, env: &str) -> Result<Option<Position>>;

    /// Moves it on, in the transaction that adds the messages made of what was read. Cost: a row each, one sync.
    async fn tell(&self, env: &str, deliveries: &[Delivery], until: Position) -> Result<()>;

    // ── requests that may be repeated ───────────────────────────────────────────────────────────────────────────

    /// What was answered to a request of that key. Cost: a look-up.
    async fn answer(&self, key: &str) -> Result<Option<StoredAnswer>>;

    /// Claims a key for a request, by the hash of its content: `Ok(None)` when it is the caller's to answer, else what
    /// stands there. A claim without an answer that is older than `stale_before` is given to the caller.
    /// Cost: a row, one sync.
    async fn claim_answer(
        &self,
        key: &str,
        request_hash: &str,
        at: DateTime<Utc>,
        stale_before: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>>;

    /// Keeps the answer, and forgets those from before `forget_before`. Cost: a row, one sync.
    async fn keep_answer(&self, key: &str, status: u16, body: &Json, forget_before: DateTime<Utc>) -> Result<()>;

    /// Gives a claimed key back, because the request changed nothing. Cost: a row, one sync.
    async fn forget_answer(&self, key: &str) -> Result<()>;
}

/// What stands under the key of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    pub request_hash: String,
    pub at: DateTime<Utc>,
    /// Status and body; `None` while the first request is still at work.
    pub answer: Option<(u16, Json)>,
}

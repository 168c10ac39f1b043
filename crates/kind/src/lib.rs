//! What a kind of asset is: the traits [`Kind`] and [`Asset`], and what a build may use.
//!
//! A kind reads the part of an asset file that the envelope does not know, says what the asset reads and what
//! shapes its result, plans its schema, looks at the outside world, and builds files that no reader can see. It
//! knows nothing of the other kinds, of the catalog, of checks or of publication: `run` drives stage → audit →
//! publish for all of them in the same way.
//!
//! Cost: one call of `read` and `plan` per asset and plan; one `observe` per asset that has an outside.

mod stage;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lockgate_engine::{ColumnLineage, PinnedTable, Session};
use lockgate_lake::Table;
use lockgate_project::{AssetFile, CheckEntry, KeyDoc, Project, SqlText};
use lockgate_types::{
    AssetName, DataFile, Diagnostic, Diagnostics, Effects, FaultKind, Place, RejectedRows, Schema, Threshold, Version,
    VersionNumber,
};
use tokio_util::sync::CancellationToken;

pub use stage::stage_streams;

/// A kind of asset: `source`, `transform`, … One crate implements it; the binary lists it.
#[async_trait]
pub trait Kind: Send + Sync + fmt::Debug {
    /// The word that stands behind `kind:`.
    fn name(&self) -> &'static str;

    /// One paragraph of markdown for the reference.
    fn doc(&self) -> &'static str;

    /// The keys of the asset file that are this kind's own. The reference, the JSON schema and "did you mean"
    /// are made from them.
    fn keys(&self) -> &'static [KeyDoc];

    /// The checks that only assets of this kind have; the reference and the JSON schema are made from them.
    fn checks(&self) -> &'static [OwnCheck] {
        &[]
    }

    /// Reads one asset's settings from `file.rest` and `file.sql`; every mistake with its place.
    fn read(&self, file: &Arc<AssetFile>, project: &Project) -> Result<Arc<dyn Asset>, Diagnostics>;
}

/// A check that only one kind knows, as the reference tells it.
#[derive(Clone, Copy, Debug)]
pub struct OwnCheck {
    /// The word under `checks`.
    pub name: &'static str,
    /// What stands behind it, as [`KeyDoc::kind`] says it.
    pub body: &'static str,
    /// Markdown; its first sentence says what holds.
    pub doc: &'static str,
    /// YAML.
    pub example: &'static str,
}

/// One asset as its kind understands it.
#[async_trait]
pub trait Asset: Send + Sync + fmt::Debug {
    /// The assets whose data it reads.
    fn inputs(&self) -> &[Input];

    /// Everything that shapes the result beyond the envelope's own settings, as an object of named parts
    /// (`sql`, `read`, `columns`, …). Its hash is part of the fingerprint, and its differences tell how the code
    /// changed. Formatting, comments and prose must not be in it.
    fn code(&self) -> serde_json::Value;

    /// For `load: inline`: the SQL that stands in its readers' place of it.
    fn inline(&self) -> Option<&SqlText> {
        None
    }

    /// The SELECT whose rows are the asset's, of a kind that is nothing else: what unit tests run over given rows.
    fn query(&self) -> Option<&SqlText> {
        self.inline()
    }

    /// The checks of its file, with a query in the place of each word that only this kind knows. `None` when it has no such
    /// words.
    fn checks(&self) -> Option<&[CheckEntry]> {
        None
    }

    /// The schema and lineage of what a build will yield. `session` has the inputs registered without files, so
    /// that planning opens no table. `live` is the published version, whose frozen schema a source goes by.
    async fn plan(&self, session: &Session, live: Option<&Version>) -> Result<Planned, Diagnostics>;

    /// Whether it can be stale for a reason that lies outside of its inputs, so that [`Asset::observe`] is asked.
    fn has_outside(&self) -> bool {
        self.inputs().is_empty()
    }

    /// Whether it is built by ranges of time, which `--from` and `--to` may name.
    fn takes_ranges(&self) -> bool {
        false
    }

    /// How the world outside Lockgate, and logical time, stand against what the live version was built from.
    async fn observe(&self, cx: ObserveContext<'_>) -> Result<Outside, KindError> {
        let _ = cx;
        Ok(Outside::None)
    }

    /// What came, changed and went outside between the states that two versions remember ([`Built::source_state`]), so that
    /// a person can see what led from one to the other. `None` when it remembers nothing of the kind.
    fn outside_changes(&self, before: &serde_json::Value, after: &serde_json::Value) -> Option<OutsideChanges> {
        let _ = (before, after);
        None
    }

    /// How many rejected rows are allowed; more hold the version. `None` for kinds that reject none.
    fn reject_limit(&self) -> Option<Threshold> {
        None
    }

    /// Builds the files of a version. Whatever it writes is unreferenced until `run` publishes it; it must be
    /// repeatable, and must fail (not publish a half) when what it reads changes meanwhile.
    async fn build(&self, cx: BuildContext) -> Result<Built, KindError>;
}

/// An asset that another one reads, and where that is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub name: AssetName,
    pub place: Place,
}

/// What [`Asset::observe`] goes by.
#[derive(Clone, Copy, Debug)]
pub struct ObserveContext<'a> {
    pub live: Option<&'a Version>,
    /// Logical time.
    pub as_of: DateTime<Utc>,
}

/// A span of time, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// An input as it is read now, and as it was when the live version's content was built.
#[derive(Clone, Debug)]
pub struct InputChange {
    pub now: PinnedTable,
    /// `None` when it was not read then.
    pub before: Option<(VersionNumber, PinnedTable)>,
}

/// What planning an asset yields.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    pub schema: Schema,
    /// The columns of [`Asset::query`], where they are not those that are stored.
    pub yields: Option<Schema>,
    /// Empty for sources.
    pub lineage: Vec<ColumnLineage>,
    /// Things worth telling that do not stop a run.
    pub warnings: Vec<Diagnostic>,
}

/// The world outside Lockgate, as an asset sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outside {
    /// It reads nothing but other assets.
    None,
    /// The same as when the live version was built.
    Unchanged,
    Changed {
        /// For people: `2 new files`, `data/orders.csv changed`.
        why: String,
        /// Hashed from what was seen: equal keys mean the same outside state.
        key: String,
    },
}

impl Outside {
    /// What it adds to the key of a candidate: nothing while it is as it was.
    pub fn key(&self) -> Option<&str> {
        match self {
            Outside::None | Outside::Unchanged => None,
            Outside::Changed { key, .. } => Some(key),
        }
    }
}

/// What a build may use.
pub struct BuildContext {
    /// The inputs are registered in the versions that the run pinned.
    pub session: Session,
    pub table: Table,
    /// Where rows that do not fit go.
    pub rejects: Table,
    pub number: VersionNumber,
    pub file: Arc<AssetFile>,
    /// As planned. A source whose `evolve` allows it may answer another one.
    pub schema: Schema,
    pub live: Option<Version>,
    /// Its stored inputs; filled for `load: append` alone.
    pub inputs: BTreeMap<AssetName, InputChange>,
    /// Build everything anew, and go on from nothing: asked for, or what a change of code means here.
    pub anew: bool,
    /// A person said that history may be lost.
    pub confirmed: bool,
    /// Build these ranges of time, whatever is done.
    pub range: Option<TimeSpan>,
    /// The run's logical time.
    pub as_of: DateTime<Utc>,
    pub threads: usize,
    pub progress: Progress,
    pub cancel: CancellationToken,
    pub effects: Effects,
}

impl BuildContext {
    /// `Err(Interrupted)` once the run is being stopped; builds call it between batches.
    pub fn go_on(&self) -> Result<(), KindError> {
        if self.cancel.is_cancelled() { Err(KindError::Interrupted) } else { Ok(()) }
    }
}

/// Counts rows as they are staged, which a terminal draws, and takes what is worth telling of a build. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    rows: Arc<std::sync::atomic::AtomicU64>,
    warnings: Arc<Mutex<Vec<Diagnostic>>>,
}

impl Progress {
    pub fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, std::sync::atomic::Ordering::Relaxed);
    }

    pub fn rows(&self) -> u64 {
        self.rows.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Something that does not stop the build; it is told as an event of the run.
    pub fn warn(&self, warning: Diagnostic) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// What was worth telling since the last call.
    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Names of files or the like outside that differ between two versions, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutsideChanges {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

/// A staged version's content.
#[derive(Clone, Debug)]
pub struct Built {
    /// Every file of the new version; with `append` also those it keeps from the live one.
    pub files: Vec<DataFile>,
    pub rows: u64,
    pub size_bytes: u64,
    pub schema: Schema,
    /// Rows that did not fit, already written to the rejects table's files; with `append` also those of earlier builds.
    pub rejects: Option<RejectedRows>,
    /// How many did not fit in this build.
    pub rows_rejected: u64,
    /// Rows that were read to build it, rejected ones included.
    pub rows_read: u64,
    /// What it remembers of the outside; comes back as `live.source_state`.
    pub source_state: serde_json::Value,
    /// The [`Outside::key`] of what was read, against the live version. That may have changed since [`Asset::observe`]
    /// looked at it.
    pub outside_key: Option<String>,
}

/// Why a build did not end well.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    /// It will fail the same way again until someone mends something.
    #[error("{0}")]
    Permanent(Diagnostics),
    /// It may go well when tried again: a network, a lock, a busy disk.
    #[error("{0}")]
    Transient(Diagnostic),
    /// The other side asks to slow down.
    #[error("{diagnostic}")]
    Throttled { diagnostic: Diagnostic, retry_after: Option<std::time::Duration> },
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Lake(#[from] lockgate_lake::LakeError),
    #[error(transparent)]
    Engine(#[from] lockgate_engine::EngineError),
}

impl KindError {
    /// Whether the same build may go well when it is done again.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            KindError::Transient(_) => FaultKind::Transient,
            KindError::Throttled { retry_after, .. } => FaultKind::Throttled { retry_after: *retry_after },
            KindError::Lake(error) => error.fault_kind(),
            KindError::Engine(error) => error.fault_kind(),
            KindError::Permanent(_) | KindError::Interrupted => FaultKind::Permanent,
        }
    }

    pub fn permanent(diagnostic: Diagnostic) -> Self {
        KindError::Permanent(Diagnostics(vec![diagnostic]))
    }
}

impl From<Diagnostics> for KindError {
    fn from(diagnostics: Diagnostics) -> Self {
        KindError::Permanent(diagnostics)
    }
}

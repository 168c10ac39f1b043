//! Retention: which versions expire, and which files nobody needs any more.
//!
//! This module decides, from facts alone; [`sweep`] gathers the facts and acts.
//!
//! A version may expire when it is no longer live (superseded, retracted, dismissed) and lies outside every limit of
//! `keep`. The order is what makes a crash harmless: one catalog transaction marks versions expired, and only then do
//! files go. Whatever is left in between is an expired version with files, which the next gc finds on disk.
//!
//! A file goes when nobody needs it: no kept version lists it (an `append` shares files over many versions), the
//! newest entry of the table's log does not (direct readers), and no reader that came before it was marked is still
//! alive ([`crate::readers`]). The files of an asset are removed under its lease, so no run is staging there.

mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_catalog::RetentionFacts;
use lockgate_project::Keep;
use lockgate_types::{AssetName, FaultPoint, RunId, Version, VersionNumber, VersionState};
use serde::Serialize;

pub(crate) const EXPIRED: FaultPoint =
    FaultPoint { name: "run.gc_expired", means: "versions are marked expired, their files are all there" };
pub(crate) const REMOVED: FaultPoint =
    FaultPoint { name: "run.gc_removed", means: "an asset's files are removed, its lease is still held" };

/// What a gc did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GcReport {
    /// Nothing was changed.
    pub dry_run: bool,
    pub expired: Vec<ExpiredVersion>,
    pub removed: Vec<RemovedFiles>,
    pub spared: Vec<Spared>,
    /// Of all that was removed.
    pub removed_files: u64,
    pub removed_bytes: u64,
    /// Files that readers left which are gone.
    pub removed_readers: u64,
}

/// A version that was marked expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpiredVersion {
    pub asset: AssetName,
    pub version: VersionNumber,
    /// What it was before.
    pub was: VersionState,
    pub rows: u64,
    pub size_bytes: u64,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Why files were of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// Of an expired version.
    Expired,
    /// Of an attempt that ended before its gate.
    Leftover,
    /// Never got their names.
    Temporary,
    /// Data that a process spilled before it ended.
    Spilled,
}

/// Files that went together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedFiles {
    /// The table, which may be an asset's rejects table; `None` for spilled data and probes of the store.
    pub table: Option<AssetName>,
    pub version: Option<VersionNumber>,
    pub what: Removed,
    pub files: u64,
    pub size_bytes: u64,
}

/// What would have gone, and why it did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spared {
    pub table: AssetName,
    pub version: Option<VersionNumber>,
    #[serde(flatten)]
    pub reason: SpareReason,
    /// 0 when a whole version was spared.
    pub files: u64,
    pub size_bytes: u64,
}

/// Why something was spared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum SpareReason {
    /// A held version was judged against it, and can be published only on it.
    BaseOfHeld { held: VersionNumber },
    /// A version on its way was judged against it.
    BaseOfOpen { open: VersionNumber },
    /// A run that is going on reads it.
    Pinned { run: RunId },
    /// The live version has its content.
    RestoredByLive { live: VersionNumber },
    /// The live version lists all of its files: expiring it would free nothing.
    ListedByLive { live: VersionNumber },
    /// The newest candidate, dismissed by a person: without it, it would be built again.
    LastDecision,
    /// Other versions that are kept list these files.
    ListedByOthers,
    /// The newest entry of the table's log lists these files, so direct readers read them.
    InLog,
    /// Processes that came before it expired may be reading it.
    Readers { readers: u64 },
    /// Somebody holds the asset's lease.
    Busy { holder: String },
    /// A run that is going on has a task for the asset.
    AtWork { run: RunId },
    /// This catalog never gave out the number.
    UnknownNumber,
    /// The log says that it was published, the catalog does not.
    Committed,
    /// The log cannot be read, so what direct readers need is not known.
    UnreadableLog { message: String },
}

impl fmt::Display for SpareReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpareReason::BaseOfHeld { held } => write!(f, "held version {held} was judged against it"),
            SpareReason::BaseOfOpen { open } => write!(f, "version {open}, on its way, was judged against it"),
            SpareReason::Pinned { run } => write!(f, "run {run} reads it"),
            SpareReason::RestoredByLive { live } => write!(f, "live version {live} restores it"),
            SpareReason::ListedByLive { live } => write!(f, "live version {live} lists all of its files"),
            SpareReason::LastDecision => f.write_str("it was dismissed last, and would be built again"),
            SpareReason::ListedByOthers => f.write_str("kept versions list these files"),
            SpareReason::InLog => f.write_str("direct readers of the table read these files"),
            SpareReason::Readers { readers: 1 } => f.write_str("1 process that came before may be reading it"),
            SpareReason::Readers { readers } => write!(f, "{readers} processes that came before may be reading it"),
            SpareReason::Busy { holder } => write!(f, "{holder} is changing it"),
            SpareReason::AtWork { run } => write!(f, "run {run} works on it"),
            SpareReason::UnknownNumber => f.write_str("this catalog never gave out the number; see lockgate doctor"),
            SpareReason::Committed => f.write_str("the log says it was published; see lockgate doctor"),
            SpareReason::UnreadableLog { message } => write!(f, "its log cannot be read: {message}"),
        }
    }
}

/// What is known of one asset when its retention is decided.
pub(crate) struct Situation<'a> {
    pub(crate) keep: Keep,
    pub(crate) now: DateTime<Utc>,
    /// Newest first.
    pub(crate) versions: &'a [RetentionFacts],
    /// Versions that runs which are going on read.
    pub(crate) pins: &'a BTreeMap<VersionNumber, RunId>,
}

impl Situation<'_> {
    /// The versions that lie outside every limit of `keep`, newest first, each with what spares it, if anything.
    pub(crate) fn outside_keep(&self) -> Vec<(&RetentionFacts, Option<SpareReason>)> {
        if self.keep == Keep::default() {
            return Vec::new();
        }
        let outside = self.versions.iter().filter(|version| may_end(version.state) && self.is_outside(version));
        outside.map(|version| (version, self.spared(version))).collect()
    }

    /// Whether no limit that is given keeps it.
    fn is_outside(&self, version: &RetentionFacts) -> bool {
        let is_old = self.keep.days.is_none_or(|days| {
            let ended = version.ended_at.or(version.published_at).unwrap_or(version.staged_at);
            let days = i64::try_from(days).ok().and_then(TimeDelta::try_days);
            days.and_then(|days| ended.checked_add_signed(days)).is_some_and(|until| until <= self.now)
        });
        let is_surplus = self.keep.versions.is_none_or(|versions| {
            let newer = self.versions.iter().filter(|other| other.number > version.number && was_published(other));
            u64::try_from(newer.count()).is_ok_and(|newer| newer >= versions)
        });
        is_old && is_surplus
    }

    fn spared(&self, version: &RetentionFacts) -> Option<SpareReason> {
        let number = version.number;
        if let Some(run) = self.pins.get(&number) {
            return Some(SpareReason::Pinned { run: run.clone() });
        }
        for other in self.versions {
            match other.state {
                VersionState::Held if other.base == Some(number) => {
                    return Some(SpareReason::BaseOfHeld { held: other.number });
                }
                VersionState::Staged | VersionState::Publishing if other.base == Some(number) => {
                    return Some(SpareReason::BaseOfOpen { open: other.number });
                }
                VersionState::Published if other.restores == Some(number) => {
                    return Some(SpareReason::RestoredByLive { live: other.number });
                }
                VersionState::Staged
                | VersionState::Publishing
                | VersionState::Published
                | VersionState::Held
                | VersionState::Dismissed
                | VersionState::Superseded
                | VersionState::Retracted
                | VersionState::Expired
                | VersionState::Failed => {}
            }
        }
        let newest = self.versions.iter().find(|other| other.state != VersionState::Failed);
        let is_newest = newest.is_some_and(|newest| newest.number == number);
        (version.state == VersionState::Dismissed && is_newest).then_some(SpareReason::LastDecision)
    }
}

/// Whether it may expire at all.
pub(crate) fn may_end(state: VersionState) -> bool {
    match state {
        VersionState::Superseded | VersionState::Retracted | VersionState::Dismissed => true,
        VersionState::Staged
        | VersionState::Publishing
        | VersionState::Published
        | VersionState::Held
        | VersionState::Expired
        | VersionState::Failed => false,
    }
}

/// Whether its files are kept: it can be read, decided about or gone back to.
pub(crate) fn is_kept(state: VersionState) -> bool {
    match state {
        VersionState::Staged
        | VersionState::Publishing
        | VersionState::Published
        | VersionState::Held
        | VersionState::Dismissed
        | VersionState::Superseded
        | VersionState::Retracted => true,
        VersionState::Expired | VersionState::Failed => false,
    }
}

fn was_published(version: &RetentionFacts) -> bool {
    match version.state {
        VersionState::Published | VersionState::Superseded | VersionState::Retracted => true,
        VersionState::Staged
        | VersionState::Publishing
        | VersionState::Held
        | VersionState::Dismissed
        | VersionState::Expired
        | VersionState::Failed => false,
    }
}

/// Whether the live version lists every file of an older one, its rejected rows' too.
pub(crate) fn lists_all(live: &Version, older: &Version) -> bool {
    let (of_live, of_older) = (Listed::of(live), Listed::of(older));
    of_older.files.is_subset(&of_live.files) && of_older.rejects.is_subset(&of_live.rejects)
}

/// Paths that versions list, in an asset's table and in its rejects table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    pub(crate) files: BTreeSet<String>,
    pub(crate) rejects: BTreeSet<String>,
}

impl Listed {
    pub(crate) fn of(version: &Version) -> Listed {
        let mut listed = Listed::default();
        listed.add(version);
        listed
    }

    pub(crate) fn add(&mut self, version: &Version) {
        self.files.extend(version.files.iter().map(|file| file.path.clone()));
        let rejected = version.rejects.iter().flat_map(|rejects| &rejects.files);
        self.rejects.extend(rejected.map(|file| file.path.clone()));
    }
}

#[cfg(test)]
mod tests;

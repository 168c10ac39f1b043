//! The trait that every backend implements.

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lockgate_types::{
    Actor, AssetName, Event, Fingerprint, Run, RunId, RunState, Suppression, Task, Version, VersionNumber, VersionState,
};

use crate::{
    AuditEntry, BuildRecord, HeldLease, Integrity, Late, Lease, LeaseAttempt, LiveHead, OpenPublication, Publication,
    PublishIntent, Result, RetentionFacts, SystemTable, VersionSummary,
};

/// What is known, shared by every process that works on a project.
///
/// Every method that writes is one transaction: it happens whole or not at all, and when it returns `Ok` it
/// survives a power cut unless its text says otherwise. When it returns `Err` it may still have happened (the
/// answer was lost after the commit); every method can therefore be called again with the same arguments, and then
/// answers as if the first call had. Changes of versions, suppressions, code and runs write their audit rows in the
/// same transaction.
///
/// "Look-up" in the costs below is O(log n) in all that is stored.
#[async_trait]
pub trait Catalog: Send + Sync + Debug {
    // ── versions ────────────────────────────────────────────────────────────────────────────────────────────────

    /// The asset's next version number. It is never given out again, whatever becomes of it; gaps are normal. A call
    /// repeated after an error gives another number.
    ///
    /// Cost: a look-up, one sync.
    async fn reserve_version(&self, env: &str, asset: &AssetName) -> Result<VersionNumber>;

    /// Records a version as `staged`. Again with a staged version of that number: replaces it.
    ///
    /// Cost: linear in the document, one sync.
    ///
    /// # Errors
    /// `NotFound` when the number was not reserved, `State` when the version is past `staged`.
    async fn put_staged(&self, env: &str, version: &Version) -> Result<()>;

    /// Records what the checks said. A `staged` version's document is replaced whole. Of a version that readers may
    /// see or a person may publish (`publishing`, `held`, `published`), only the checks, their fingerprint, the
    /// profile and `audit_ms` are replaced, because the content does not change any more; that is how a changed
    /// check is judged on the live version.
    ///
    /// Cost: linear in the document, one sync.
    ///
    /// # Errors
    /// `NotFound`; `State` when the version is none of these.
    async fn set_audited(&self, env: &str, version: &Version) -> Result<()>;

    /// `staged` → `held`, with its document; another held version of the asset becomes `dismissed` ("replaced by N").
    /// `why` says what failed.
    ///
    /// Cost: linear in the document, one sync.
    ///
    /// # Errors
    /// `Fenced` when the lease is no longer the caller's; `NotFound`; `State` when it is neither `staged` nor already
    /// `held`.
    async fn hold(&self, env: &str, version: &Version, lease: &Lease, actor: &Actor, why: &str) -> Result<()>;

    /// `staged` or `held` → `publishing`, for all members or none. From here on the publication can only be completed,
    /// by anyone ([`Catalog::unfinished`], [`Catalog::finish_publishing`]), unless the lease's holder withdraws it.
    ///
    /// Cost: look-ups per member, one sync.
    ///
    /// # Errors
    /// `Fenced` when the lease has changed hands; `BaseMoved` when another version is live than `base`; `Publishing`
    /// when another version of a member is; `NotFound`; `State`.
    async fn begin_publishing(
        &self,
        env: &str,
        members: &[PublishIntent],
        lease: &Lease,
        by: &Publication,
    ) -> Result<()>;

    /// Another base for the commit of a `publishing` version, after a foreign writer took the old one's place.
    ///
    /// Cost: a look-up, one sync.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `State`.
    async fn set_base(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        base_delta_version: Option<u64>,
        lease: &Lease,
    ) -> Result<()>;

    /// `publishing` → `staged`: the base moved and the version does not stand on the new one. Only for versions whose
    /// commit is certain never to be put, because something else stands in its place.
    ///
    /// Cost: a look-up per member, one sync.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `State`.
    async fn withdraw(
        &self,
        env: &str,
        members: &[(AssetName, VersionNumber)],
        lease: &Lease,
        actor: &Actor,
    ) -> Result<()>;

    /// `publishing` → `published` for all members (with the Delta version that each was committed as): they become
    /// live together, what was live becomes `superseded` or `retracted`, and held versions of the same assets are
    /// `dismissed` ("replaced by N"). Actor and reason are those given to [`Catalog::begin_publishing`]; `finisher`
    /// is noted in the audit log when it is somebody else. `published_at` rises strictly per asset, also when the
    /// clock falls.
    ///
    /// Needs no lease: helping is harmless, since all helpers put the same bytes. Again: nothing happens.
    ///
    /// Cost: look-ups per member, one sync.
    ///
    /// # Errors
    /// `Incomplete` when versions that were begun together with a member are left out, `BaseMoved`, `NotFound`,
    /// `State`.
    async fn finish_publishing(
        &self,
        env: &str,
        members: &[(AssetName, VersionNumber, u64)],
        finisher: &Actor,
    ) -> Result<()>;

    /// Ends a version that will never be published: `staged` → `failed`, or `held` → `dismissed`. A number that was
    /// reserved but never staged is only noted in the audit log.
    ///
    /// Cost: a look-up, one sync.
    ///
    /// # Errors
    /// `NotFound` for a number that was never reserved; `State`, also when `state` is neither of the two.
    async fn abandon(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        state: VersionState,
        why: Option<&str>,
        actor: &Actor,
    ) -> Result<()>;

    /// The live version of every asset, with documents. Cost: linear in live assets and their documents.
    async fn live(&self, env: &str) -> Result<BTreeMap<AssetName, Version>>;

    /// The live version of one asset. Cost: a look-up and its document.
    async fn live_one(&self, env: &str, asset: &AssetName) -> Result<Option<Version>>;

    /// What a plan needs of every live version. Cost: linear in live assets and their inputs; no document is read,
    /// superseded versions cost nothing. 1,000 assets take a few milliseconds.
    async fn live_heads(&self, env: &str) -> Result<BTreeMap<AssetName, LiveHead>>;

    /// One version. Cost: a look-up and its document.
    async fn version(&self, env: &str, asset: &AssetName, number: VersionNumber) -> Result<Option<Version>>;

    /// An asset's history, newest first. Cost: linear in the asset's versions; no documents.
    async fn versions(&self, env: &str, asset: &AssetName) -> Result<Vec<VersionSummary>>;

    /// The held versions, by name. Cost: linear in held versions and their documents, however many others there are.
    async fn held(&self, env: &str) -> Result<Vec<Version>>;

    /// The versions that are `publishing`, by name. Cost: as for [`Catalog::held`].
    async fn publishing(&self, env: &str) -> Result<Vec<Version>>;

    /// The same by publication: each is to be finished whole. Cost: as for [`Catalog::held`].
    async fn unfinished(&self, env: &str) -> Result<Vec<OpenPublication>>;

    /// The versions that are `staged`, by name and number. Cost: as for [`Catalog::held`].
    async fn staged(&self, env: &str) -> Result<Vec<Version>>;

    /// Which versions were live at an instant. Groups answer whole. Cost: a look-up per asset; no documents.
    async fn live_at(&self, env: &str, at: DateTime<Utc>) -> Result<BTreeMap<AssetName, VersionNumber>>;

    /// What the newest built versions of an asset took, newest first; failed ones and rollbacks are left out.
    /// Cost: a look-up and `limit` rows.
    async fn build_history(&self, env: &str, asset: &AssetName, limit: usize) -> Result<Vec<BuildRecord>>;

    // ── retention and repair ────────────────────────────────────────────────────────────────────────────────────

    /// Every asset that ever had a version, with the last number given out. Cost: linear in assets.
    async fn last_numbers(&self, env: &str) -> Result<BTreeMap<AssetName, VersionNumber>>;

    /// All versions of an asset, newest first. Cost: linear in the asset's versions; no documents.
    async fn retention(&self, env: &str, asset: &AssetName) -> Result<Vec<RetentionFacts>>;

    /// The epoch of readers: it rises with every marking of expired versions and never falls. Who reads it and looks
    /// for versions afterwards finds what was marked at that epoch, or before, `expired`. Cost: a look-up.
    async fn epoch(&self) -> Result<u64>;

    /// `superseded`, `retracted` or `dismissed` → `expired`, all or none, at a new epoch, which is answered. Those that
    /// have expired already keep theirs; when all have, the epoch does not rise.
    ///
    /// Cost: look-ups per version, one sync.
    ///
    /// # Errors
    /// `NotFound`; `State` when one is in another state.
    async fn expire(&self, env: &str, versions: &[(AssetName, VersionNumber)], actor: &Actor, why: &str)
    -> Result<u64>;

    /// Puts versions that were found in a store back into a catalog that lost them, each in the state that it has,
    /// and goes on counting after `last`. Those that are there already, in that state, are left alone.
    ///
    /// Cost: linear in the documents, one sync.
    ///
    /// # Errors
    /// `State` when one is there in another state; `NotFound` when a number lies beyond `last`.
    async fn restore(
        &self,
        env: &str,
        asset: &AssetName,
        last: VersionNumber,
        versions: &[Version],
        actor: &Actor,
        why: &str,
    ) -> Result<()>;

    /// Looks through the whole catalog for damage. Cost: linear in all that is stored.
    async fn integrity(&self) -> Result<Integrity>;

    // ── the journal: runs, tasks, events ────────────────────────────────────────────────────────────────────────
    // Progress (tasks, events) is written without waiting for the disk: after a power cut the last of it may be
    // missing, but never anything that came before a durable write.

    /// Records a run and its tasks. Cost: linear in tasks, one sync.
    async fn create_run(&self, run: &Run, tasks: &[Task]) -> Result<()>;

    /// Records a task as it is now. Cost: a look-up, no sync. `NotFound` when there is no such run.
    async fn set_task(&self, task: &Task) -> Result<()>;

    /// Ends a run. Cost: a look-up, one sync.
    ///
    /// # Errors
    /// `NotFound`; `RunEnded` when it has ended in another state.
    async fn end_run(&self, id: &RunId, state: RunState, at: DateTime<Utc>) -> Result<()>;

    /// One run. Cost: a look-up.
    async fn run(&self, id: &RunId) -> Result<Option<Run>>;

    /// The newest runs, newest first. Cost: a look-up and `limit` rows.
    async fn runs(&self, env: &str, limit: usize) -> Result<Vec<Run>>;

    /// The runs that have not ended, oldest first. Cost: linear in runs of the environment.
    async fn running(&self, env: &str) -> Result<Vec<Run>>;

    /// A run's tasks, by name. Cost: linear in its tasks.
    async fn tasks(&self, id: &RunId) -> Result<Vec<Task>>;

    /// Appends to the journal, in this order. Not repeated safely: an event written twice stands twice.
    /// Cost: linear in events, no sync.
    async fn append_events(&self, events: &[Event]) -> Result<()>;

    /// A run's events after a sequence number (0: from the start), in order, each with its own. Cost: linear in
    /// the answer.
    async fn events(&self, run: &RunId, after: i64) -> Result<Vec<(i64, Event)>>;

    // ── leases ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// Takes the lease if it is free. A holder who asks again is told `Held`, like anyone else.
    ///
    /// Cost: a look-up, one sync when it was free.
    async fn try_lease(&self, key: &str, holder: &str) -> Result<LeaseAttempt>;

    /// Moves the heartbeat; `false` when the lease has changed hands. Cost: a look-up, no sync.
    async fn beat(&self, lease: &Lease) -> Result<bool>;

    /// Gives it back; nothing happens when it has changed hands. Cost: a look-up, no sync.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Takes it over from a holder whose epoch and heartbeat are still those that were seen, else answers `Held`
    /// with what stands there. If it has become free, takes it. Cost: a look-up, one sync.
    async fn steal(&self, key: &str, holder: &str, seen_epoch: u64, seen_beat: u64) -> Result<LeaseAttempt>;

    /// The leases that are held, by key. Cost: linear in leases ever taken.
    async fn leases(&self) -> Result<Vec<HeldLease>>;

    // ── the audit log, suppressions, lateness, caches ───────────────────────────────────────────────────────────

    /// Adds a line of one's own to the audit log. Cost: one row, one sync. Repeated, it stands twice.
    async fn audit(&self, entry: &AuditEntry) -> Result<()>;

    /// The newest lines first, of one asset or of all; lines that concern all environments are among them.
    /// Cost: a look-up and `limit` rows.
    async fn audit_log(&self, env: &str, asset: Option<&AssetName>, limit: usize) -> Result<Vec<AuditEntry>>;

    /// Adds a suppression; the same one again changes nothing. Cost: one row, one sync.
    async fn add_suppression(&self, env: &str, suppression: &Suppression) -> Result<()>;

    /// All suppressions, ended ones too, in the order of their making. Cost: linear in suppressions ever made.
    async fn suppressions(&self, env: &str) -> Result<Vec<Suppression>>;

    /// Records that an asset is late, or no longer. An observation, not a change: the journal tells of it, the
    /// audit log does not. Cost: a look-up, no sync.
    async fn set_late(&self, env: &str, asset: &AssetName, late: Option<&Late>) -> Result<()>;

    /// Which assets are late. Cost: linear in late assets.
    async fn late(&self, env: &str) -> Result<BTreeMap<AssetName, Late>>;

    /// A cached text. Cost: a look-up; for many keys at once see [`Catalog::cached_many`].
    async fn cached(&self, key: &str) -> Result<Option<String>>;

    /// The cached texts of those keys that have one. Cost: a look-up per key in one query.
    async fn cached_many(&self, keys: &[String]) -> Result<BTreeMap<String, String>>;

    /// Caches texts, and forgets the oldest past [`crate::CACHE_ENTRIES_MAX`]. Cost: linear in `entries`, no sync.
    async fn put_cached(&self, entries: &[(String, String)]) -> Result<()>;

    /// Keeps what an asset was last published from, to say later how its code changed. When the fingerprint differs
    /// from the one kept, the audit log names whoever published the live version. Cost: a look-up, one sync when
    /// anything differs.
    async fn set_code(
        &self,
        env: &str,
        asset: &AssetName,
        fingerprint: &Fingerprint,
        code: &serde_json::Value,
    ) -> Result<()>;

    /// What an asset was last published from. Cost: a look-up.
    async fn code(&self, env: &str, asset: &AssetName) -> Result<Option<(Fingerprint, serde_json::Value)>>;

    /// A table of the queryable schema `lockgate`, of all environments, whole; `None` when there is no such table.
    /// Cost: linear in the table, and held in memory: `checks` and `profiles` have a row per version and check or
    /// column.
    async fn system_table(&self, name: &str) -> Result<Option<SystemTable>>;

    /// Ends all connections and merges logs into the catalog's file. Not needed for durability. Calls after it fail.
    async fn close(&self);
}

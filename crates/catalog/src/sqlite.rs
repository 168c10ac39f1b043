//! The SQLite backend: one file, shared by the processes of one machine.
//!
//! # Durability
//! Write-ahead log, `synchronous = FULL`: a commit that was answered has been synced and survives a power cut.
//! `NORMAL` does not sync and loses the last commits. On a cloud disk that syncs in 0.16 ms, a commit of 5 KB took
//! 0.17 ms with `FULL` and 0.03 ms with `NORMAL` (0.47 and 0.09 ms while other things ran; `tests/it/cost.rs`,
//! `measure`): a version on its way makes six such commits, which is nothing beside its build. Progress that
//! nothing depends on (tasks, events, heartbeats, lateness, the plan cache) goes through a second connection with
//! `NORMAL`. The log is one file, so whatever was written before a synced commit is synced with it: what a power
//! cut takes is always the very end of the log.
//!
//! # Processes and tasks
//! Writes are `BEGIN IMMEDIATE`, so a transaction that has begun never fails half-way for want of the lock. Within
//! a process writers queue in the order of their coming; between processes SQLite's busy handler polls, up to the
//! time-out, and then the answer is [`crate::CatalogError::Locked`]. Readers have their own connections and wait
//! for nobody.

mod cache;
mod integrity;
mod leases;
mod log;
mod open;
mod publish;
mod reading;
mod replace;
mod restore;
mod retention;
mod rows;
mod runs;
mod service;
mod system;
#[cfg(test)]
mod tests;
mod trouble;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lockgate_types::{
    Actor, AssetName, Effects, Event, FaultPoint, Fingerprint, Run, RunId, RunState, Suppression, Task, Version,
    VersionNumber, VersionState,
};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

#[cfg(feature = "memory")]
pub(crate) use self::open::newest_format;
pub use self::open::{BUSY_TIMEOUT, open_service_sqlite, open_sqlite, open_sqlite_with};
pub use self::replace::replace_sqlite;
use self::trouble::Outcome;
use crate::faults::{Around, READ, WRITE};
use crate::{
    AuditEntry, BuildRecord, Catalog, HeldLease, Integrity, Late, Lease, LeaseAttempt, LiveHead, OpenPublication,
    Publication, PublishIntent, Result, RetentionFacts, SystemTable, VersionSummary,
};

#[derive(Debug)]
struct SqliteCatalog {
    path: PathBuf,
    /// `synchronous = FULL`, one connection.
    durable: SqlitePool,
    /// `synchronous = NORMAL`, one connection.
    progress: SqlitePool,
    /// Read only, several connections.
    readers: SqlitePool,
    /// Held by the one task of this process that writes.
    turn: Arc<Mutex<()>>,
    busy_timeout: Duration,
    effects: Effects,
}

/// An open write transaction. Dropped without [`Write::commit`], it is rolled back.
struct Write<'a> {
    transaction: Transaction<'static, Sqlite>,
    around: &'static Around,
    effects: &'a Effects,
    /// The catalog's file, when the commit syncs it.
    synced: Option<&'a Path>,
    /// Dropped last: the next writer comes when this one is done.
    _turn: OwnedMutexGuard<()>,
}

impl Write<'_> {
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    fn now(&self) -> DateTime<Utc> {
        self.effects.clock.now()
    }

    async fn commit(self) -> Outcome<()> {
        self.effects.faults.pass(&self.around.before)?;
        self.transaction.commit().await?;
        if let (Some(path), Some(witness)) = (self.synced, self.effects.faults.witness()) {
            witness.catalog_synced(path);
        }
        self.effects.faults.pass(&self.around.after)?;
        Ok(())
    }
}

impl SqliteCatalog {
    /// A write that is synced when it has been committed.
    async fn write(&self, around: &'static Around) -> Outcome<Write<'_>> {
        let write = self.begin(&self.durable, around).await?;
        Ok(Write { synced: Some(&self.path), ..write })
    }

    /// A write that is synced with the next one that is.
    async fn write_progress(&self, around: &'static Around) -> Outcome<Write<'_>> {
        self.begin(&self.progress, around).await
    }

    async fn begin(&self, pool: &SqlitePool, around: &'static Around) -> Outcome<Write<'_>> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write { transaction, around, effects: &self.effects, synced: None, _turn: turn })
    }

    async fn reads<T>(&self, work: impl Future<Output = Outcome<T>>) -> Result<T> {
        self.counted(&READ, "read", work).await
    }

    async fn writes<T>(&self, work: impl Future<Output = Outcome<T>>) -> Result<T> {
        self.counted(&WRITE, "write", work).await
    }

    /// Turns what went wrong inside into what a caller can act on.
    async fn counted<T>(
        &self,
        point: &FaultPoint,
        what: &'static str,
        work: impl Future<Output = Outcome<T>>,
    ) -> Result<T> {
        let begun = self.effects.faults.begin(point, what)?;
        let done = work.await.map_err(|trouble| trouble.explain(&self.path, self.busy_timeout))?;
        begun.answer()?;
        Ok(done)
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn reserve_version(&self, env: &str, asset: &AssetName) -> Result<VersionNumber> {
        self.writes(versions::reserve(self, env, asset)).await
    }

    async fn put_staged(&self, env: &str, version: &Version) -> Result<()> {
        self.writes(versions::put_staged(self, env, version)).await
    }

    async fn set_audited(&self, env: &str, version: &Version) -> Result<()> {
        self.writes(versions::set_audited(self, env, version)).await
    }

    async fn hold(&self, env: &str, version: &Version, lease: &Lease, actor: &Actor, why: &str) -> Result<()> {
        self.writes(versions::hold(self, env, version, lease, actor, why)).await
    }

    async fn begin_publishing(
        &self,
        env: &str,
        members: &[PublishIntent],
        lease: &Lease,
        by: &Publication,
    ) -> Result<()> {
        self.writes(publish::begin(self, env, members, lease, by)).await
    }

    async fn set_base(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        base_delta_version: Option<u64>,
        lease: &Lease,
    ) -> Result<()> {
        self.writes(publish::set_base(self, env, asset, number, base_delta_version, lease)).await
    }

    async fn withdraw(
        &self,
        env: &str,
        members: &[(AssetName, VersionNumber)],
        lease: &Lease,
        actor: &Actor,
    ) -> Result<()> {
        self.writes(publish::withdraw(self, env, members, lease, actor)).await
    }

    async fn finish_publishing(
        &self,
        env: &str,
        members: &[(AssetName, VersionNumber, u64)],
        finisher: &Actor,
    ) -> Result<()> {
        self.writes(publish::finish(self, env, members, finisher)).await
    }

    async fn abandon(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        state: VersionState,
        why: Option<&str>,
        actor: &Actor,
    ) -> Result<()> {
        self.writes(versions::abandon(self, env, asset, number, state, why, actor)).await
    }

    async fn live(&self, env: &str) -> Result<BTreeMap<AssetName, Version>> {
        let live = self.reads(reading::live(self, env)).await?;
        Ok(live.into_iter().map(|version| (version.asset.clone(), version)).collect())
    }

    async fn live_one(&self, env: &str, asset: &AssetName) -> Result<Option<Version>> {
        self.reads(reading::live_one(self, env, asset)).await
    }

    async fn live_heads(&self, env: &str) -> Result<BTreeMap<AssetName, LiveHead>> {
        self.reads(reading::live_heads(self, env)).await
    }

    async fn version(&self, env: &str, asset: &AssetName, number: VersionNumber) -> Result<Option<Version>> {
        self.reads(reading::version(self, env, asset, number)).await
    }

    async fn versions(&self, env: &str, asset: &AssetName) -> Result<Vec<VersionSummary>> {
        self.reads(reading::summaries(self, env, asset)).await
    }

    async fn held(&self, env: &str) -> Result<Vec<Version>> {
        self.reads(reading::held(self, env)).await
    }

    async fn publishing(&self, env: &str) -> Result<Vec<Version>> {
        self.reads(reading::publishing(self, env)).await
    }

    async fn unfinished(&self, env: &str) -> Result<Vec<OpenPublication>> {
        self.reads(publish::unfinished(self, env)).await
    }

    async fn staged(&self, env: &str) -> Result<Vec<Version>> {
        self.reads(reading::staged(self, env)).await
    }

    async fn live_at(&self, env: &str, at: DateTime<Utc>) -> Result<BTreeMap<AssetName, VersionNumber>> {
        self.reads(reading::live_at(self, env, at)).await
    }

    async fn build_history(&self, env: &str, asset: &AssetName, limit: usize) -> Result<Vec<BuildRecord>> {
        self.reads(reading::build_history(self, env, asset, limit)).await
    }

    async fn last_numbers(&self, env: &str) -> Result<BTreeMap<AssetName, VersionNumber>> {
        self.reads(retention::last_numbers(self, env)).await
    }

    async fn retention(&self, env: &str, asset: &AssetName) -> Result<Vec<RetentionFacts>> {
        self.reads(retention::facts(self, env, asset)).await
    }

    async fn epoch(&self) -> Result<u64> {
        self.reads(retention::epoch(self)).await
    }

    async fn expire(
        &self,
        env: &str,
        versions: &[(AssetName, VersionNumber)],
        actor: &Actor,
        why: &str,
    ) -> Result<u64> {
        self.writes(retention::expire(self, env, versions, actor, why)).await
    }

    async fn restore(
        &self,
        env: &str,
        asset: &AssetName,
        last: VersionNumber,
        versions: &[Version],
        actor: &Actor,
        why: &str,
    ) -> Result<()> {
        self.writes(restore::restore(self, env, asset, last, versions, actor, why)).await
    }

    async fn integrity(&self) -> Result<Integrity> {
        self.reads(integrity::look(self)).await
    }

    async fn create_run(&self, run: &Run, tasks: &[Task]) -> Result<()> {
        self.writes(runs::create(self, run, tasks)).await
    }

    async fn set_task(&self, task: &Task) -> Result<()> {
        self.writes(runs::set_task(self, task)).await
    }

    async fn end_run(&self, id: &RunId, state: RunState, at: DateTime<Utc>) -> Result<()> {
        self.writes(runs::end(self, id, state, at)).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>> {
        self.reads(runs::run(self, id)).await
    }

    async fn runs(&self, env: &str, limit: usize) -> Result<Vec<Run>> {
        self.reads(runs::runs(self, env, limit)).await
    }

    async fn running(&self, env: &str) -> Result<Vec<Run>> {
        self.reads(runs::running(self, env)).await
    }

    async fn tasks(&self, id: &RunId) -> Result<Vec<Task>> {
        self.reads(runs::tasks(self, id)).await
    }

    async fn append_events(&self, events: &[Event]) -> Result<()> {
        self.writes(runs::append_events(self, events)).await
    }

    async fn events(&self, run: &RunId, after: i64) -> Result<Vec<(i64, Event)>> {
        self.reads(runs::events(self, run, after)).await
    }

    async fn try_lease(&self, key: &str, holder: &str) -> Result<LeaseAttempt> {
        self.writes(leases::try_lease(self, key, holder)).await
    }

    async fn beat(&self, lease: &Lease) -> Result<bool> {
        // Not counted: beats come by time, and no run would have as many operations as another.
        leases::beat(self, lease).await.map_err(|trouble| trouble.explain(&self.path, self.busy_timeout))
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.writes(leases::release(self, lease)).await
    }

    async fn steal(&self, key: &str, holder: &str, seen_epoch: u64, seen_beat: u64) -> Result<LeaseAttempt> {
        self.writes(leases::steal(self, key, holder, seen_epoch, seen_beat)).await
    }

    async fn leases(&self) -> Result<Vec<HeldLease>> {
        self.reads(leases::all(self)).await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        self.writes(log::audit(self, entry)).await
    }

    async fn audit_log(&self, env: &str, asset: Option<&AssetName>, limit: usize) -> Result<Vec<AuditEntry>> {
        self.reads(log::audit_log(self, env, asset, limit)).await
    }

    async fn add_suppression(&self, env: &str, suppression: &Suppression) -> Result<()> {
        self.writes(log::add_suppression(self, env, suppression)).await
    }

    async fn suppressions(&self, env: &str) -> Result<Vec<Suppression>> {
        self.reads(log::suppressions(self, env)).await
    }

    async fn set_late(&self, env: &str, asset: &AssetName, late: Option<&Late>) -> Result<()> {
        self.writes(log::set_late(self, env, asset, late)).await
    }

    async fn late(&self, env: &str) -> Result<BTreeMap<AssetName, Late>> {
        self.reads(log::late(self, env)).await
    }

    async fn cached(&self, key: &str) -> Result<Option<String>> {
        self.reads(cache::cached(self, key)).await
    }

    async fn cached_many(&self, keys: &[String]) -> Result<BTreeMap<String, String>> {
        self.reads(cache::cached_many(self, keys)).await
    }

    async fn put_cached(&self, entries: &[(String, String)]) -> Result<()> {
        self.writes(cache::put_cached(self, entries)).await
    }

    async fn set_code(
        &self,
        env: &str,
        asset: &AssetName,
        fingerprint: &Fingerprint,
        code: &serde_json::Value,
    ) -> Result<()> {
        self.writes(cache::set_code(self, env, asset, fingerprint, code)).await
    }

    async fn code(&self, env: &str, asset: &AssetName) -> Result<Option<(Fingerprint, serde_json::Value)>> {
        self.reads(cache::code(self, env, asset)).await
    }

    async fn system_table(&self, name: &str) -> Result<Option<SystemTable>> {
        self.reads(system::table(self, name)).await
    }

    async fn close(&self) {
        for pool in [&self.readers, &self.progress, &self.durable] {
            pool.close().await;
        }
    }
}

//! A catalog in memory: for simulations, which need thousands of catalogs that answer at once and always in the same way.
//!
//! It passes the suite of every backend, so what is seen on it is seen on the others. Nothing of it outlives the process,
//! and that is all it is not good for: processes are played by opening it several times, each time with effects of
//! their own.
//!
//! Cost: a write is linear in what it changes; look-ups are those of the maps that it is made of.

mod journal;
mod publishing;
mod state;
mod tables;
mod versions;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lockgate_types::{
    Actor, AssetName, Effects, Event, Fingerprint, Run, RunId, RunState, Suppression, Task, Version, VersionNumber,
    VersionState,
};

use self::state::State;
use crate::faults::{self, Around};
use crate::{
    AuditEntry, BuildRecord, Catalog, HeldLease, Integrity, Late, Lease, LeaseAttempt, LiveHead, OpenPublication,
    Publication, PublishIntent, Result, RetentionFacts, SystemTable, VersionSummary,
};

/// What the catalogs that are opened on it share.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

/// What lies between a caller and the catalog, where calls are late, get lost, or arrive twice.
#[async_trait]
pub trait Wire: Send + Sync + Debug {
    /// A call is on its way; answers how often it arrives. `Err`: never.
    async fn call(&self, what: &'static str) -> Result<u32>;

    /// It was carried out. `Err`: the answer is lost.
    async fn answer(&self, what: &'static str) -> Result<()>;
}

impl Memory {
    /// Opens it as another process would.
    pub fn open(&self, effects: Effects) -> Arc<dyn Catalog> {
        Arc::new(MemoryCatalog { state: Arc::clone(&self.state), effects, wire: None })
    }

    /// The same, with every call over a wire.
    pub fn open_over(&self, effects: Effects, wire: Arc<dyn Wire>) -> Arc<dyn Catalog> {
        Arc::new(MemoryCatalog { state: Arc::clone(&self.state), effects, wire: Some(wire) })
    }
}

#[derive(Debug)]
struct MemoryCatalog {
    state: Arc<Mutex<State>>,
    effects: Effects,
    wire: Option<Arc<dyn Wire>>,
}

impl MemoryCatalog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at everything at one instant.
    async fn read<T: Send>(&self, what: &'static str, look: impl Fn(&State) -> T + Send) -> Result<T> {
        if let Some(wire) = &self.wire {
            wire.call(what).await?;
        }
        let seen = look(&self.state());
        if let Some(wire) = &self.wire {
            wire.answer(what).await?;
        }
        Ok(seen)
    }

    /// One transaction. `change` looks before it changes anything, so that an error leaves everything as it was.
    async fn write<T: Send>(
        &self,
        around: &Around,
        change: impl Fn(&mut State, DateTime<Utc>) -> Result<T> + Send,
    ) -> Result<T> {
        let what = around.after.name;
        let arrivals = match &self.wire {
            Some(wire) => wire.call(what).await?,
            None => 1,
        };
        self.effects.faults.pass(&around.before)?;
        let now = state::stored(self.effects.clock.now());
        let mut done = change(&mut self.state(), now);
        for _ in 1..arrivals {
            done = change(&mut self.state(), now);
        }
        let done = done?;
        if let Some(wire) = &self.wire {
            wire.answer(what).await?;
        }
        self.effects.faults.pass(&around.after)?;
        Ok(done)
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn reserve_version(&self, env: &str, asset: &AssetName) -> Result<VersionNumber> {
        self.write(&faults::RESERVE, |state, _| Ok(state.reserve(env, asset))).await
    }

    async fn put_staged(&self, env: &str, version: &Version) -> Result<()> {
        self.write(&faults::PUT_STAGED, |state, now| state.put_staged(env, version, now)).await
    }

    async fn set_audited(&self, env: &str, version: &Version) -> Result<()> {
        self.write(&faults::SET_AUDITED, |state, now| state.set_audited(env, version, now)).await
    }

    async fn hold(&self, env: &str, version: &Version, lease: &Lease, actor: &Actor, why: &str) -> Result<()> {
        self.write(&faults::HOLD, |state, now| state.hold(env, version, lease, actor, why, now)).await
    }

    async fn begin_publishing(
        &self,
        env: &str,
        members: &[PublishIntent],
        lease: &Lease,
        by: &Publication,
    ) -> Result<()> {
        self.write(&faults::BEGIN_PUBLISHING, |state, now| state.begin_publishing(env, members, lease, by, now)).await
    }

    async fn set_base(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        base_delta_version: Option<u64>,
        lease: &Lease,
    ) -> Result<()> {
        self.write(&faults::SET_BASE, |state, now| state.set_base(env, asset, number, base_delta_version, lease, now))
            .await
    }

    async fn withdraw(
        &self,
        env: &str,
        members: &[(AssetName, VersionNumber)],
        lease: &Lease,
        actor: &Actor,
    ) -> Result<()> {
        self.write(&faults::WITHDRAW, |state, now| state.withdraw(env, members, lease, actor, now)).await
    }

    async fn finish_publishing(
        &self,
        env: &str,
        members: &[(AssetName, VersionNumber, u64)],
        finisher: &Actor,
    ) -> Result<()> {
        self.write(&faults::FINISH_PUBLISHING, |state, now| state.finish_publishing(env, members, finisher, now)).await
    }

    async fn abandon(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        to: VersionState,
        why: Option<&str>,
        actor: &Actor,
    ) -> Result<()> {
        self.write(&faults::ABANDON, |state, now| state.abandon(env, asset, number, to, why, actor, now)).await
    }

    async fn live(&self, env: &str) -> Result<BTreeMap<AssetName, Version>> {
        self.read("live", |state| {
            let live = state.in_state(env, VersionState::Published);
            live.into_iter().map(|version| (version.asset.clone(), version)).collect()
        })
        .await
    }

    async fn live_one(&self, env: &str, asset: &AssetName) -> Result<Option<Version>> {
        self.read("live_one", |state| {
            let live = state.in_state(env, VersionState::Published);
            live.into_iter().find(|version| version.asset == *asset)
        })
        .await
    }

    async fn live_heads(&self, env: &str) -> Result<BTreeMap<AssetName, LiveHead>> {
        self.read("live_heads", |state| state.live_heads(env)).await
    }

    async fn version(&self, env: &str, asset: &AssetName, number: VersionNumber) -> Result<Option<Version>> {
        self.read("version", |state| state.row(env, asset, number).map(|row| row.version.clone())).await
    }

    async fn versions(&self, env: &str, asset: &AssetName) -> Result<Vec<VersionSummary>> {
        self.read("versions", |state| state.summaries(env, asset)).await
    }

    async fn held(&self, env: &str) -> Result<Vec<Version>> {
        self.read("held", |state| state.in_state(env, VersionState::Held)).await
    }

    async fn publishing(&self, env: &str) -> Result<Vec<Version>> {
        self.read("publishing", |state| state.in_state(env, VersionState::Publishing)).await
    }

    async fn unfinished(&self, env: &str) -> Result<Vec<OpenPublication>> {
        self.read("unfinished", |state| state.unfinished(env)).await
    }

    async fn staged(&self, env: &str) -> Result<Vec<Version>> {
        self.read("staged", |state| state.in_state(env, VersionState::Staged)).await
    }

    async fn live_at(&self, env: &str, at: DateTime<Utc>) -> Result<BTreeMap<AssetName, VersionNumber>> {
        self.read("live_at", |state| state.live_at(env, at)).await
    }

    async fn build_history(&self, env: &str, asset: &AssetName, limit: usize) -> Result<Vec<BuildRecord>> {
        self.read("build_history", |state| state.build_history(env, asset, limit)).await
    }

    async fn last_numbers(&self, env: &str) -> Result<BTreeMap<AssetName, VersionNumber>> {
        self.read("last_numbers", |state| state.last_numbers(env)).await
    }

    async fn retention(&self, env: &str, asset: &AssetName) -> Result<Vec<RetentionFacts>> {
        self.read("retention", |state| state.retention(env, asset)).await
    }

    async fn epoch(&self) -> Result<u64> {
        self.read("epoch", |state| state.epoch).await
    }

    async fn expire(
        &self,
        env: &str,
        versions: &[(AssetName, VersionNumber)],
        actor: &Actor,
        why: &str,
    ) -> Result<u64> {
        self.write(&faults::EXPIRE, |state, now| state.expire(env, versions, actor, why, now)).await
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
        self.write(&faults::RESTORE, |state, now| state.restore(env, asset, last, versions, (actor, why), now)).await
    }

    async fn integrity(&self) -> Result<Integrity> {
        let format = crate::sqlite::newest_format();
        Ok(Integrity { format, known_format: format, problems: Vec::new() })
    }

    async fn create_run(&self, run: &Run, tasks: &[Task]) -> Result<()> {
        self.write(&faults::CREATE_RUN, |state, _| {
            state.create_run(run, tasks);
            Ok(())
        })
        .await
    }

    async fn set_task(&self, task: &Task) -> Result<()> {
        self.write(&faults::SET_TASK, |state, _| state.set_task(task)).await
    }

    async fn end_run(&self, id: &RunId, to: RunState, at: DateTime<Utc>) -> Result<()> {
        self.write(&faults::END_RUN, |state, _| state.end_run(id, to, at)).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>> {
        self.read("run", |state| state.runs.get(id).cloned()).await
    }

    async fn runs(&self, env: &str, limit: usize) -> Result<Vec<Run>> {
        self.read("runs", |state| {
            let mut runs = state.runs_of(env);
            runs.reverse();
            runs.truncate(limit);
            runs
        })
        .await
    }

    async fn running(&self, env: &str) -> Result<Vec<Run>> {
        self.read("running", |state| {
            let runs = state.runs_of(env);
            runs.into_iter().filter(|run| run.state == RunState::Running).collect()
        })
        .await
    }

    async fn tasks(&self, id: &RunId) -> Result<Vec<Task>> {
        self.read("tasks", |state| state.tasks.values().filter(|task| task.run == *id).cloned().collect()).await
    }

    async fn append_events(&self, events: &[Event]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.write(&faults::EVENTS, |state, _| {
            state.events.extend_from_slice(events);
            Ok(())
        })
        .await
    }

    async fn events(&self, run: &RunId, after: i64) -> Result<Vec<(i64, Event)>> {
        self.read("events", |state| state.events_of(run, after)).await
    }

    async fn try_lease(&self, key: &str, holder: &str) -> Result<LeaseAttempt> {
        match self.read("held_lease", |state| state.held_lease(key)).await? {
            Some(held) => Ok(held),
            None => self.write(&faults::LEASE, |state, _| Ok(state.try_lease(key, holder))).await,
        }
    }

    async fn beat(&self, lease: &Lease) -> Result<bool> {
        self.write(&faults::BEAT, |state, _| Ok(state.beat(lease))).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.write(&faults::RELEASE, |state, _| {
            state.release(lease);
            Ok(())
        })
        .await
    }

    async fn steal(&self, key: &str, holder: &str, seen_epoch: u64, seen_beat: u64) -> Result<LeaseAttempt> {
        self.write(&faults::STEAL, |state, now| Ok(state.steal(key, holder, (seen_epoch, seen_beat), now))).await
    }

    async fn leases(&self) -> Result<Vec<HeldLease>> {
        self.read("leases", |state| state.held_leases()).await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        self.write(&faults::AUDIT, |state, _| {
            state.say(entry.clone());
            Ok(())
        })
        .await
    }

    async fn audit_log(&self, env: &str, asset: Option<&AssetName>, limit: usize) -> Result<Vec<AuditEntry>> {
        self.read("audit_log", |state| state.audit_log(env, asset, limit)).await
    }

    async fn add_suppression(&self, env: &str, suppression: &Suppression) -> Result<()> {
        self.write(&faults::SUPPRESS, |state, now| {
            state.add_suppression(env, suppression, now);
            Ok(())
        })
        .await
    }

    async fn suppressions(&self, env: &str) -> Result<Vec<Suppression>> {
        self.read("suppressions", |state| {
            state.suppressions.iter().filter(|(of, _)| of == env).map(|(_, made)| made.clone()).collect()
        })
        .await
    }

    async fn set_late(&self, env: &str, asset: &AssetName, late: Option<&Late>) -> Result<()> {
        self.write(&faults::LATE, |state, _| {
            let key = (env.to_owned(), asset.clone());
            match late {
                Some(late) => state.late.insert(key, late.clone()),
                None => state.late.remove(&key),
            };
            Ok(())
        })
        .await
    }

    async fn late(&self, env: &str) -> Result<BTreeMap<AssetName, Late>> {
        self.read("late", |state| {
            let of_env = state.late.iter().filter(|((of, _), _)| of == env);
            of_env.map(|((_, asset), late)| (asset.clone(), late.clone())).collect()
        })
        .await
    }

    async fn cached(&self, key: &str) -> Result<Option<String>> {
        self.read("cached", |state| state.cache.get(key).map(|(_, text)| text.clone())).await
    }

    async fn cached_many(&self, keys: &[String]) -> Result<BTreeMap<String, String>> {
        self.read("cached_many", |state| {
            keys.iter().filter_map(|key| Some((key.clone(), state.cache.get(key)?.1.clone()))).collect()
        })
        .await
    }

    async fn put_cached(&self, entries: &[(String, String)]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        self.write(&faults::CACHE, |state, _| {
            state.put_cached(entries);
            Ok(())
        })
        .await
    }

    async fn set_code(
        &self,
        env: &str,
        asset: &AssetName,
        fingerprint: &Fingerprint,
        code: &serde_json::Value,
    ) -> Result<()> {
        if self.code(env, asset).await?.is_some_and(|kept| kept == (fingerprint.clone(), code.clone())) {
            return Ok(());
        }
        self.write(&faults::SET_CODE, |state, now| {
            state.set_code(env, asset, fingerprint, code, now);
            Ok(())
        })
        .await
    }

    async fn code(&self, env: &str, asset: &AssetName) -> Result<Option<(Fingerprint, serde_json::Value)>> {
        self.read("code", |state| state.code.get(&(env.to_owned(), asset.clone())).cloned()).await
    }

    async fn system_table(&self, name: &str) -> Result<Option<SystemTable>> {
        self.read("system_table", |state| state.system_table(name)).await
    }

    async fn close(&self) {}
}

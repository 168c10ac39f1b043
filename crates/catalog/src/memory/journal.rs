//! The journal, leases, the audit log, suppressions, caches.

use chrono::{DateTime, Utc};
use lockgate_types::{AssetName, Event, Fingerprint, Run, RunId, RunState, Suppression, Task, VersionState};
use serde_json::json;

use super::state::{LeaseRow, State, stored};
use crate::words::{entry, no_run, run_entry, stolen_entry, suppressed_entry};
use crate::{AuditEntry, CACHE_ENTRIES_MAX, CatalogError, HeldLease, Lease, LeaseAttempt, Result};

impl State {
    pub(super) fn create_run(&mut self, run: &Run, tasks: &[Task]) {
        if self.runs.contains_key(&run.id) {
            return;
        }
        self.runs.insert(run.id.clone(), run.clone());
        for task in tasks {
            self.tasks.insert((task.run.clone(), task.asset.clone()), task.clone());
        }
        let detail = json!({ "run": run.id, "as_of": run.as_of, "tasks": tasks.len() });
        self.say(run_entry(run, "run_started", run.started_at, detail));
    }

    pub(super) fn set_task(&mut self, task: &Task) -> Result<()> {
        if !self.runs.contains_key(&task.run) {
            return Err(no_run(&task.run));
        }
        let key = (task.run.clone(), task.asset.clone());
        // What was planned, and when it began, stay when a later step does not say them again.
        let before = self.tasks.get(&key);
        let plan = task.plan.clone().or_else(|| before.and_then(|before| before.plan.clone()));
        let started_at = task.started_at.or_else(|| before.and_then(|before| before.started_at));
        self.tasks.insert(key, Task { plan, started_at, ..task.clone() });
        Ok(())
    }

    pub(super) fn end_run(&mut self, id: &RunId, to: RunState, at: DateTime<Utc>) -> Result<()> {
        let run = self.runs.get_mut(id).ok_or_else(|| no_run::<CatalogError>(id))?;
        match run.state {
            RunState::Running => {}
            is if is == to => return Ok(()),
            is => return Err(CatalogError::RunEnded { id: id.clone(), is, wanted: to }),
        }
        run.state = to;
        run.ended_at = Some(stored(at));
        let line = run_entry(run, "run_ended", at, json!({ "run": id, "state": to }));
        self.say(line);
        Ok(())
    }

    /// Oldest first.
    pub(super) fn runs_of(&self, env: &str) -> Vec<Run> {
        let mut runs: Vec<Run> = self.runs.values().filter(|run| run.environment == env).cloned().collect();
        runs.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        runs
    }

    pub(super) fn events_of(&self, run: &RunId, after: i64) -> Vec<(i64, Event)> {
        let numbered = (1_i64..).zip(&self.events);
        let of_run = numbered.filter(|(sequence, event)| event.run.as_ref() == Some(run) && *sequence > after);
        of_run.map(|(sequence, event)| (sequence, event.clone())).collect()
    }

    // ── leases ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// `None` when it is free.
    pub(super) fn held_lease(&self, key: &str) -> Option<LeaseAttempt> {
        let lease = self.leases.get(key)?;
        Some(LeaseAttempt::Held { holder: lease.holder.clone()?, epoch: lease.epoch, beat: lease.beat })
    }

    pub(super) fn try_lease(&mut self, key: &str, holder: &str) -> LeaseAttempt {
        self.held_lease(key).unwrap_or_else(|| self.take(key, holder))
    }

    fn take(&mut self, key: &str, holder: &str) -> LeaseAttempt {
        let lease = self.leases.entry(key.to_owned()).or_default();
        *lease = LeaseRow { holder: Some(holder.to_owned()), epoch: lease.epoch + 1, beat: 0 };
        LeaseAttempt::Taken(Lease { key: key.to_owned(), holder: holder.to_owned(), epoch: lease.epoch })
    }

    pub(super) fn steal(&mut self, key: &str, holder: &str, seen: (u64, u64), now: DateTime<Utc>) -> LeaseAttempt {
        let Some(LeaseAttempt::Held { holder: from, epoch, beat }) = self.held_lease(key) else {
            return self.take(key, holder);
        };
        if (epoch, beat) != seen {
            return LeaseAttempt::Held { holder: from, epoch, beat };
        }
        let lease = Lease { key: key.to_owned(), holder: holder.to_owned(), epoch: epoch + 1 };
        self.say(stolen_entry(now, &lease, &from));
        self.take(key, holder)
    }

    fn held_by(&mut self, lease: &Lease) -> Option<&mut LeaseRow> {
        let row = self.leases.get_mut(&lease.key)?;
        (row.epoch == lease.epoch && row.holder.as_deref() == Some(lease.holder.as_str())).then_some(row)
    }

    pub(super) fn beat(&mut self, lease: &Lease) -> bool {
        let held = self.held_by(lease);
        held.map(|row| row.beat += 1).is_some()
    }

    pub(super) fn release(&mut self, lease: &Lease) {
        if let Some(row) = self.held_by(lease) {
            row.holder = None;
        }
    }

    /// Whether the lease is still the caller's.
    pub(super) fn check_lease(&mut self, lease: &Lease) -> Result<()> {
        if self.held_by(lease).is_some() {
            return Ok(());
        }
        let now = self.leases.get(&lease.key).map_or(0, |row| row.epoch);
        Err(CatalogError::Fenced { key: lease.key.clone(), epoch: lease.epoch, now })
    }

    pub(super) fn held_leases(&self) -> Vec<HeldLease> {
        let held = |(key, row): (&String, &LeaseRow)| {
            let holder = row.holder.clone()?;
            Some(HeldLease { key: key.clone(), holder, epoch: row.epoch, beat: row.beat })
        };
        self.leases.iter().filter_map(held).collect()
    }

    // ── logs and caches ─────────────────────────────────────────────────────────────────────────────────────────

    pub(super) fn audit_log(&self, env: &str, asset: Option<&AssetName>, limit: usize) -> Vec<AuditEntry> {
        let concerns = |entry: &&AuditEntry| match asset {
            Some(asset) => entry.environment.as_deref() == Some(env) && entry.asset.as_ref() == Some(asset),
            None => entry.environment.as_deref().is_none_or(|of| of == env),
        };
        self.audit.iter().rev().filter(concerns).take(limit).cloned().collect()
    }

    pub(super) fn add_suppression(&mut self, env: &str, suppression: &Suppression, now: DateTime<Utc>) {
        if self.suppressions.iter().any(|(of, made)| of == env && made == suppression) {
            return;
        }
        self.suppressions.push((env.to_owned(), suppression.clone()));
        self.say(suppressed_entry(now, env, suppression));
    }

    pub(super) fn put_cached(&mut self, entries: &[(String, String)]) {
        for (key, text) in entries {
            self.cache_puts += 1;
            self.cache.insert(key.clone(), (self.cache_puts, text.clone()));
        }
        let surplus = (self.cache.len() as u64).saturating_sub(CACHE_ENTRIES_MAX);
        for _ in 0..surplus {
            let oldest = self.cache.iter().min_by_key(|(_, (put, _))| *put).map(|(key, _)| key.clone());
            oldest.map(|key| self.cache.remove(&key));
        }
    }

    pub(super) fn set_code(
        &mut self,
        env: &str,
        asset: &AssetName,
        fingerprint: &Fingerprint,
        code: &serde_json::Value,
        now: DateTime<Utc>,
    ) {
        let kept = self.code.insert((env.to_owned(), asset.clone()), (fingerprint.clone(), code.clone()));
        let before = kept.map(|(fingerprint, _)| fingerprint);
        let live = self.rows_of(env, asset).find(|row| row.version.state == VersionState::Published);
        if before.as_ref() == Some(fingerprint) {
            return;
        }
        let Some(live) = live else { return };
        let actor = self.publisher(live).unwrap_or_else(|| live.version.actor.clone());
        let number = live.version.number;
        let detail = json!({ "fingerprint": fingerprint, "before": before });
        self.say(AuditEntry { detail, ..entry(now, &actor, "code_changed", env, asset, number) });
    }
}

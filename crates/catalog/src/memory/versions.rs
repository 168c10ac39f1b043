//! Versions: reserving, staging, judging, holding, abandoning, expiring, restoring; and looking at them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, AssetName, Version, VersionNumber, VersionState};
use serde_json::json;

use super::state::{Row, State, key, stored};
use crate::words::{entry, failing, given_up_from, not_found, wrong_state};
use crate::{
    AuditEntry, BuildRecord, CatalogError, CheckCounts, Lease, LiveHead, Result, RetentionFacts, VersionSummary,
};

impl State {
    pub(super) fn reserve(&mut self, env: &str, asset: &AssetName) -> VersionNumber {
        let last = self.last_numbers.entry((env.to_owned(), asset.clone())).or_insert(VersionNumber(0));
        last.0 += 1;
        *last
    }

    fn is_reserved(&self, env: &str, asset: &AssetName, number: VersionNumber) -> bool {
        let last = self.last_numbers.get(&(env.to_owned(), asset.clone()));
        number.0 > 0 && last.is_some_and(|last| number <= *last)
    }

    pub(super) fn put_staged(&mut self, env: &str, version: &Version, now: DateTime<Utc>) -> Result<()> {
        can_be_read_back(version)?;
        let (asset, number) = (&version.asset, version.number);
        if !self.is_reserved(env, asset, number) {
            return Err(not_found(asset, number));
        }
        match self.row(env, asset, number).map(|row| row.version.state) {
            None => {
                let line = entry(now, &version.actor, "staged", env, asset, number);
                self.say(AuditEntry { why: version.why.clone(), ..line });
            }
            Some(VersionState::Staged) => {}
            Some(is) => return Err(wrong_state(asset, number, is, "staged again")),
        }
        self.write_staged(env, version);
        Ok(())
    }

    fn write_staged(&mut self, env: &str, version: &Version) {
        let before = self.versions.remove(&key(env, &version.asset, version.number));
        let version = Version {
            state: VersionState::Staged,
            delta_version: None,
            published_at: None,
            staged_at: version.staged_at,
            ..version.clone()
        };
        let publication = before.and_then(|before| before.publication);
        let at = key(env, &version.asset, version.number);
        self.versions.insert(at, Row { version, publication, ended_at: None, expired_epoch: None });
    }

    pub(super) fn set_audited(&mut self, env: &str, version: &Version, now: DateTime<Utc>) -> Result<()> {
        let (asset, number) = (&version.asset, version.number);
        let row = self.row_mut(env, asset, number)?;
        match row.version.state {
            VersionState::Staged => {
                can_be_read_back(version)?;
                self.write_staged(env, version);
            }
            VersionState::Publishing | VersionState::Held | VersionState::Published => {
                let judged = Version {
                    checks: version.checks.clone(),
                    checks_fingerprint: version.checks_fingerprint.clone(),
                    profile: version.profile.clone(),
                    audit_ms: version.audit_ms,
                    ..row.version.clone()
                };
                can_be_read_back(&judged)?;
                row.version = judged;
                let line = entry(now, &version.actor, "audited", env, asset, number);
                self.say(AuditEntry { detail: failing(version), ..line });
            }
            is @ (VersionState::Dismissed
            | VersionState::Superseded
            | VersionState::Retracted
            | VersionState::Expired
            | VersionState::Failed) => return Err(wrong_state(asset, number, is, "judged again")),
        }
        Ok(())
    }

    pub(super) fn hold(
        &mut self,
        env: &str,
        version: &Version,
        lease: &Lease,
        actor: &Actor,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        can_be_read_back(version)?;
        self.check_lease(lease)?;
        let (asset, number) = (&version.asset, version.number);
        match self.row_mut(env, asset, number)?.version.state {
            VersionState::Staged => {}
            VersionState::Held => return Ok(()),
            is => return Err(wrong_state(asset, number, is, "held")),
        }
        self.dismiss_held(env, asset, number, actor, now);
        self.write_staged(env, version);
        self.row_mut(env, asset, number)?.version.state = VersionState::Held;
        let line = entry(now, actor, "held", env, asset, number);
        self.say(AuditEntry { why: Some(why.to_owned()), detail: failing(version), ..line });
        Ok(())
    }

    /// What a newer version replaces need not be looked at any more.
    pub(super) fn dismiss_held(
        &mut self,
        env: &str,
        asset: &AssetName,
        by: VersionNumber,
        actor: &Actor,
        now: DateTime<Utc>,
    ) {
        let why = format!("replaced by {by}");
        let mut dismissed = Vec::new();
        for ((of, name, number), row) in &mut self.versions {
            if of == env && name == asset && *number != by && row.version.state == VersionState::Held {
                row.version.state = VersionState::Dismissed;
                row.version.why = Some(why.clone());
                row.ended_at = Some(now);
                dismissed.push(*number);
            }
        }
        for number in dismissed {
            let line = entry(now, actor, "dismissed", env, asset, number);
            self.say(AuditEntry { why: Some(why.clone()), ..line });
        }
    }

    #[allow(clippy::too_many_arguments)] // the trait's own
    pub(super) fn abandon(
        &mut self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        to: VersionState,
        why: Option<&str>,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let from = given_up_from(asset, number, to)?;
        let is = self.row(env, asset, number).map(|row| row.version.state);
        match is {
            None if !self.is_reserved(env, asset, number) => return Err(not_found(asset, number)),
            Some(is) if is == to => return Ok(()),
            Some(is) if is != from => return Err(wrong_state(asset, number, is, to.as_str())),
            None => {}
            Some(_) => {
                let row = self.row_mut(env, asset, number)?;
                row.version.state = to;
                row.ended_at = Some(now);
                if let Some(why) = why {
                    row.version.why = Some(why.to_owned());
                }
            }
        }
        let line = entry(now, actor, to.as_str(), env, asset, number);
        self.say(AuditEntry { why: why.map(str::to_owned), ..line });
        Ok(())
    }

    pub(super) fn expire(
        &mut self,
        env: &str,
        versions: &[(AssetName, VersionNumber)],
        actor: &Actor,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let mut open = Vec::new();
        for (asset, number) in versions {
            match self.row_mut(env, asset, *number)?.version.state {
                VersionState::Expired => {}
                is @ (VersionState::Superseded | VersionState::Retracted | VersionState::Dismissed) => {
                    open.push((asset, *number, is));
                }
                is @ (VersionState::Staged
                | VersionState::Publishing
                | VersionState::Published
                | VersionState::Held
                | VersionState::Failed) => return Err(wrong_state(asset, *number, is, "expired")),
            }
        }
        if open.is_empty() {
            return Ok(self.epoch);
        }
        self.epoch += 1;
        let epoch = self.epoch;
        for (asset, number, was) in open {
            let row = self.row_mut(env, asset, number)?;
            row.version.state = VersionState::Expired;
            row.expired_epoch = Some(epoch);
            let line = entry(now, actor, "expired", env, asset, number);
            let detail = json!({ "from": was, "epoch": epoch });
            self.say(AuditEntry { why: Some(why.to_owned()), detail, ..line });
        }
        Ok(epoch)
    }

    pub(super) fn restore(
        &mut self,
        env: &str,
        asset: &AssetName,
        last: VersionNumber,
        versions: &[Version],
        by: (&Actor, &str),
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut missing = Vec::new();
        for version in versions {
            if version.number > last || version.asset != *asset {
                return Err(not_found(&version.asset, version.number));
            }
            can_be_read_back(version)?;
            match self.row(env, asset, version.number).map(|row| row.version.state) {
                None => missing.push(version),
                Some(is) if is == version.state => {}
                Some(is) => return Err(wrong_state(asset, version.number, is, "restored")),
            }
        }
        let number = self.last_numbers.entry((env.to_owned(), asset.clone())).or_insert(VersionNumber(0));
        *number = (*number).max(last);
        for version in missing {
            // Nobody who opened this catalog can have pinned what it never knew as readable.
            let expired_epoch = (version.state == VersionState::Expired).then_some(0);
            let ended_at = match version.state {
                VersionState::Superseded
                | VersionState::Retracted
                | VersionState::Dismissed
                | VersionState::Expired
                | VersionState::Failed => Some(now),
                VersionState::Staged | VersionState::Publishing | VersionState::Published | VersionState::Held => None,
            };
            let restored = Version { published_at: version.published_at.map(stored), ..version.clone() };
            let row = Row { version: restored, publication: None, ended_at, expired_epoch };
            self.versions.insert(key(env, asset, version.number), row);
            let line = entry(now, by.0, "restored", env, asset, version.number);
            self.say(AuditEntry { why: Some(by.1.to_owned()), detail: json!({ "state": version.state }), ..line });
        }
        Ok(())
    }

    // ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

    pub(super) fn live_heads(&self, env: &str) -> BTreeMap<AssetName, LiveHead> {
        let live = self.rows(env).filter(|row| row.version.state == VersionState::Published);
        let head = |row: &Row| {
            let version = &row.version;
            let head = LiveHead {
                number: version.number,
                fingerprint: version.fingerprint.clone(),
                checks_fingerprint: version.checks_fingerprint.clone(),
                inputs: version.inputs.clone(),
                candidate_key: version.candidate_key.clone(),
                published_at: version.published_at?,
                rows: version.rows,
                restores: version.restores,
            };
            Some((version.asset.clone(), head))
        };
        live.filter_map(head).collect()
    }

    pub(super) fn summaries(&self, env: &str, asset: &AssetName) -> Vec<VersionSummary> {
        self.rows_of(env, asset).rev().map(|row| self.summary(row)).collect()
    }

    fn summary(&self, row: &Row) -> VersionSummary {
        let version = &row.version;
        VersionSummary {
            number: version.number,
            state: version.state,
            run: version.run.clone(),
            actor: version.actor.clone(),
            published_by: self.publisher(row),
            fingerprint: version.fingerprint.clone(),
            rows: version.rows,
            size_bytes: version.size_bytes,
            staged_at: version.staged_at,
            published_at: version.published_at,
            as_of: version.as_of,
            delta_version: version.delta_version,
            base: version.base,
            restores: version.restores,
            build_ms: version.build_ms,
            audit_ms: version.audit_ms,
            checks: CheckCounts::of(&version.checks),
            why: version.why.clone(),
        }
    }

    /// Who published it, or is about to.
    pub(super) fn publisher(&self, row: &Row) -> Option<Actor> {
        Some(self.publications.get(row.publication?)?.actor.clone())
    }

    pub(super) fn live_at(&self, env: &str, at: DateTime<Utc>) -> BTreeMap<AssetName, VersionNumber> {
        let mut live: BTreeMap<AssetName, (DateTime<Utc>, VersionNumber)> = BTreeMap::new();
        for version in self.rows(env).map(|row| &row.version) {
            let Some(published_at) = version.published_at.filter(|published_at| *published_at <= at) else { continue };
            if live.get(&version.asset).is_none_or(|(before, _)| published_at > *before) {
                live.insert(version.asset.clone(), (published_at, version.number));
            }
        }
        live.into_iter().map(|(asset, (_, number))| (asset, number)).collect()
    }

    pub(super) fn build_history(&self, env: &str, asset: &AssetName, limit: usize) -> Vec<BuildRecord> {
        let is_built = |row: &&Row| {
            !matches!(row.version.state, VersionState::Staged | VersionState::Failed) && row.version.restores.is_none()
        };
        let record = |row: &Row| BuildRecord {
            rows: row.version.rows,
            build_ms: row.version.build_ms,
            audit_ms: row.version.audit_ms,
        };
        self.rows_of(env, asset).rev().filter(is_built).take(limit).map(record).collect()
    }

    pub(super) fn last_numbers(&self, env: &str) -> BTreeMap<AssetName, VersionNumber> {
        let of_env = self.last_numbers.iter().filter(|((of, _), _)| of == env);
        of_env.map(|((_, asset), last)| (asset.clone(), *last)).collect()
    }

    pub(super) fn retention(&self, env: &str, asset: &AssetName) -> Vec<RetentionFacts> {
        let facts = |row: &Row| RetentionFacts {
            number: row.version.number,
            state: row.version.state,
            run: row.version.run.clone(),
            base: row.version.base,
            restores: row.version.restores,
            inputs: row.version.inputs.clone(),
            rows: row.version.rows,
            size_bytes: row.version.size_bytes,
            staged_at: row.version.staged_at,
            published_at: row.version.published_at,
            ended_at: row.ended_at,
            expired_epoch: row.expired_epoch,
        };
        self.rows_of(env, asset).rev().map(facts).collect()
    }
}

/// A document that could not be read back would be refused by the others.
fn can_be_read_back(version: &Version) -> Result<()> {
    let document = serde_json::to_string(version);
    let read = document.and_then(|document| serde_json::from_str::<Version>(&document));
    match read {
        Ok(_) => Ok(()),
        Err(error) => Err(CatalogError::Unstorable {
            asset: version.asset.clone(),
            number: version.number,
            detail: error.to_string(),
        }),
    }
}

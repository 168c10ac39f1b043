//! Publication: the recorded intent, and the one switch.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_types::{Actor, AssetName, VersionNumber, VersionState};
use serde_json::json;

use super::state::{Row, State};
use crate::words::{entry, wrong_state};
use crate::{AuditEntry, CatalogError, Lease, OpenPublication, Publication, PublishIntent, Result};

impl State {
    pub(super) fn begin_publishing(
        &mut self,
        env: &str,
        members: &[PublishIntent],
        lease: &Lease,
        by: &Publication,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.check_lease(lease)?;
        let mut from = Vec::new();
        let mut all_begun = !members.is_empty();
        for member in members {
            let row = self.row_mut(env, &member.asset, member.number)?;
            all_begun &= is_begun_as(row, member);
            from.push(row.version.state);
        }
        if all_begun {
            return Ok(());
        }
        for (member, is) in members.iter().zip(&from) {
            let (asset, number) = (&member.asset, member.number);
            if !matches!(is, VersionState::Staged | VersionState::Held) {
                return Err(wrong_state(asset, number, *is, "published"));
            }
            if let Some(other) = self.one_in(env, asset, VersionState::Publishing) {
                return Err(CatalogError::Publishing { asset: asset.clone(), number, other });
            }
            self.check_base(env, asset, number, member.base)?;
        }
        let publication = self.publications.len();
        self.publications.push(by.clone());
        for (member, from) in members.iter().zip(from) {
            let row = self.row_mut(env, &member.asset, member.number)?;
            row.version.state = VersionState::Publishing;
            row.version.base = member.base;
            row.version.base_delta_version = member.base_delta_version;
            row.publication = Some(publication);
            if by.why.is_some() {
                row.version.why.clone_from(&by.why);
            }
            let line = entry(now, &by.actor, "publishing", env, &member.asset, member.number);
            let detail = json!({ "base": member.base, "from": from });
            self.say(AuditEntry { why: by.why.clone(), detail, ..line });
        }
        Ok(())
    }

    fn check_base(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        base: Option<VersionNumber>,
    ) -> Result<()> {
        let live = self.one_in(env, asset, VersionState::Published);
        if live == base {
            return Ok(());
        }
        Err(CatalogError::BaseMoved { asset: asset.clone(), number, base, live })
    }

    pub(super) fn set_base(
        &mut self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
        base_delta_version: Option<u64>,
        lease: &Lease,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.check_lease(lease)?;
        let row = self.row_mut(env, asset, number)?;
        let (VersionState::Publishing, Some(publication)) = (row.version.state, row.publication) else {
            return Err(wrong_state(asset, number, row.version.state, "put on another base"));
        };
        let before = row.version.base_delta_version;
        if before == base_delta_version {
            return Ok(());
        }
        row.version.base_delta_version = base_delta_version;
        let actor = self.publications[publication].actor.clone();
        let detail = json!({ "base_delta_version": base_delta_version, "before": before });
        self.say(AuditEntry { detail, ..entry(now, &actor, "rebased", env, asset, number) });
        Ok(())
    }

    pub(super) fn withdraw(
        &mut self,
        env: &str,
        members: &[(AssetName, VersionNumber)],
        lease: &Lease,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.check_lease(lease)?;
        let mut open = Vec::new();
        for (asset, number) in members {
            match self.row_mut(env, asset, *number)?.version.state {
                VersionState::Publishing => open.push((asset, *number)),
                VersionState::Staged => {}
                is => return Err(wrong_state(asset, *number, is, "withdrawn")),
            }
        }
        for (asset, number) in open {
            let row = self.row_mut(env, asset, number)?;
            row.version.state = VersionState::Staged;
            row.publication = None;
            self.say(entry(now, actor, "withdrawn", env, asset, number));
        }
        Ok(())
    }

    pub(super) fn finish_publishing(
        &mut self,
        env: &str,
        members: &[(AssetName, VersionNumber, u64)],
        finisher: &Actor,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut open = Vec::new();
        for (asset, number, delta_version) in members {
            let row = self.row_mut(env, asset, *number)?;
            match (row.version.state, row.publication) {
                (VersionState::Publishing, Some(publication)) => {
                    open.push((asset, *number, *delta_version, publication));
                }
                // Somebody else finished it, and it may have been replaced since.
                (
                    VersionState::Published
                    | VersionState::Superseded
                    | VersionState::Retracted
                    | VersionState::Expired,
                    _,
                ) if row.version.delta_version == Some(*delta_version) => {}
                (is, _) => return Err(wrong_state(asset, *number, is, "published")),
            }
        }
        let publications: BTreeSet<usize> = open.iter().map(|(.., publication)| *publication).collect();
        for row in self.rows(env).filter(|row| row.version.state == VersionState::Publishing) {
            let is_named =
                open.iter().any(|(asset, number, ..)| **asset == row.version.asset && *number == row.version.number);
            if row.publication.is_some_and(|publication| publications.contains(&publication)) && !is_named {
                let (asset, number) = (row.version.asset.clone(), row.version.number);
                return Err(CatalogError::Incomplete { asset, number });
            }
        }
        let mut at = now;
        for (asset, number, ..) in &open {
            self.check_base(env, asset, *number, self.row(env, asset, *number).and_then(|row| row.version.base))?;
            // One instant for all members, after every earlier publication of any of them.
            if let Some(newest) = self.rows_of(env, asset).filter_map(|row| row.version.published_at).max() {
                at = at.max(newest + TimeDelta::microseconds(1));
            }
        }
        for (asset, number, delta_version, publication) in open {
            self.switch(env, (asset, number, delta_version), publication, finisher, at)?;
        }
        Ok(())
    }

    fn switch(
        &mut self,
        env: &str,
        (asset, number, delta_version): (&AssetName, VersionNumber, u64),
        publication: usize,
        finisher: &Actor,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let by = self.publications[publication].clone();
        let replaced_as = if by.retract { VersionState::Retracted } else { VersionState::Superseded };
        let base = self.row_mut(env, asset, number)?.version.base;
        if let Some(before) = base {
            let row = self.row_mut(env, asset, before)?;
            row.version.state = replaced_as;
            row.ended_at = Some(at);
            let why = Some(format!("replaced by {number}"));
            self.say(AuditEntry { why, ..entry(at, &by.actor, replaced_as.as_str(), env, asset, before) });
        }
        let row = self.row_mut(env, asset, number)?;
        row.version.state = VersionState::Published;
        row.version.published_at = Some(at);
        row.version.delta_version = Some(delta_version);
        let mut detail = json!({ "delta_version": delta_version, "replaces": base });
        if finisher != &by.actor {
            detail["finished_by"] = json!(finisher);
        }
        self.say(AuditEntry { why: by.why.clone(), detail, ..entry(at, &by.actor, "published", env, asset, number) });
        self.dismiss_held(env, asset, number, &by.actor, at);
        Ok(())
    }

    pub(super) fn unfinished(&self, env: &str) -> Vec<OpenPublication> {
        let mut open: BTreeMap<usize, OpenPublication> = BTreeMap::new();
        for row in self.rows(env).filter(|row| row.version.state == VersionState::Publishing) {
            let Some(publication) = row.publication else { continue };
            let by = self.publications[publication].clone();
            let open = open.entry(publication).or_insert(OpenPublication { by, members: Vec::new() });
            open.members.push(row.version.clone());
        }
        open.into_values().collect()
    }
}

/// Whether an earlier call has already begun (and somebody perhaps finished) just this.
fn is_begun_as(row: &Row, intent: &PublishIntent) -> bool {
    matches!(row.version.state, VersionState::Publishing | VersionState::Published)
        && row.version.base == intent.base
        && row.version.base_delta_version == intent.base_delta_version
}

//! What a server keeps and reads beside what runs need.

mod answers;
mod history;
mod lists;
mod outbox;
mod schedules;
#[cfg(test)]
mod tests;
mod tokens;
mod versions;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lockgate_types::{Actor, AssetName, ColumnProfile, Event, RunId, VersionNumber};
use serde_json::Value as Json;

use super::SqliteCatalog;
use crate::{
    AuditCounts, AuditEntry, AuditFilter, CheckPoint, CurrentVersions, Delivery, LastTask, Paused, Position, Result,
    RunFilter, RunLine, ScheduleState, ServiceCatalog, StoredAnswer, Token, VersionPoint, VersionSummary,
};

#[async_trait]
impl ServiceCatalog for SqliteCatalog {
    async fn position(&self) -> Result<Position> {
        self.reads(lists::position(self)).await
    }

    async fn current(&self, env: &str) -> Result<BTreeMap<AssetName, CurrentVersions>> {
        self.reads(versions::current(self, env)).await
    }

    async fn last_failures(&self, env: &str) -> Result<BTreeMap<AssetName, LastTask>> {
        self.reads(lists::last_failures(self, env)).await
    }

    async fn versions_page(
        &self,
        env: &str,
        asset: &AssetName,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<VersionSummary>> {
        self.reads(versions::page(self, env, asset, before, limit)).await
    }

    async fn version_summary(
        &self,
        env: &str,
        asset: &AssetName,
        number: VersionNumber,
    ) -> Result<Option<VersionSummary>> {
        self.reads(versions::one(self, env, asset, number)).await
    }

    async fn check_history(
        &self,
        env: &str,
        asset: &AssetName,
        limit: usize,
    ) -> Result<(Vec<VersionPoint>, Vec<CheckPoint>)> {
        self.reads(history::checks(self, env, asset, limit)).await
    }

    async fn profile_history(
        &self,
        env: &str,
        asset: &AssetName,
        limit: usize,
    ) -> Result<(Vec<VersionPoint>, Vec<(VersionNumber, ColumnProfile)>)> {
        self.reads(history::profiles(self, env, asset, limit)).await
    }

    async fn runs_page(&self, env: &str, filter: &RunFilter) -> Result<Vec<RunLine>> {
        self.reads(lists::runs(self, env, filter)).await
    }

    async fn events_after(&self, after: i64, limit: usize) -> Result<Vec<(i64, Event)>> {
        self.reads(lists::events_after(self, after, limit)).await
    }

    async fn audit_after(&self, after: i64, limit: usize) -> Result<Vec<(i64, AuditEntry)>> {
        self.reads(lists::audit_after(self, after, limit)).await
    }

    async fn audit_page(&self, env: &str, filter: &AuditFilter) -> Result<Vec<(i64, AuditEntry)>> {
        self.reads(lists::audit(self, env, filter)).await
    }

    async fn audit_counts(&self, env: &str, after: i64) -> Result<AuditCounts> {
        self.reads(lists::audit_counts(self, env, after)).await
    }

    async fn add_token(&self, token: &Token) -> Result<()> {
        self.writes(tokens::add(self, token)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        self.reads(tokens::all(self)).await
    }

    async fn token_by_hash(&self, hash: &str) -> Result<Option<Token>> {
        self.reads(tokens::by_hash(self, hash)).await
    }

    async fn revoke_token(&self, id: &str, by: &Actor, at: DateTime<Utc>) -> Result<bool> {
        self.writes(tokens::revoke(self, id, by, at)).await
    }

    async fn token_used(&self, id: &str, at: DateTime<Utc>) -> Result<()> {
        self.writes(tokens::used(self, id, at)).await
    }

    async fn schedules(&self, env: &str) -> Result<BTreeMap<String, ScheduleState>> {
        self.reads(schedules::all(self, env)).await
    }

    async fn claim_due(
        &self,
        env: &str,
        schedule: &str,
        before: Option<DateTime<Utc>>,
        due_at: DateTime<Utc>,
    ) -> Result<bool> {
        self.writes(schedules::claim_due(self, env, schedule, before, due_at)).await
    }

    async fn schedule_ran(&self, env: &str, schedule: &str, run: &RunId) -> Result<()> {
        self.writes(schedules::ran(self, env, schedule, run)).await
    }

    async fn pause_schedule(
        &self,
        env: &str,
        schedule: &str,
        paused: Option<&Paused>,
        by: &Actor,
        at: DateTime<Utc>,
        why: &str,
    ) -> Result<()> {
        self.writes(schedules::pause(self, env, schedule, paused, by, at, why)).await
    }

    async fn add_deliveries(&self, env: &str, deliveries: &[Delivery]) -> Result<()> {
        self.writes(outbox::add(self, env, deliveries)).await
    }

    async fn claim_deliveries(
        &self,
        env: &str,
        now: DateTime<Utc>,
        again_at: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.writes(outbox::claim(self, env, now, again_at, limit)).await
    }

    async fn next_delivery(&self, env: &str) -> Result<Option<DateTime<Utc>>> {
        self.reads(outbox::next(self, env)).await
    }

    async fn settle_delivery(&self, env: &str, delivery: &Delivery) -> Result<()> {
        self.writes(outbox::settle(self, env, delivery)).await
    }

    async fn deliveries(&self, env: &str, before: Option<&str>, limit: usize) -> Result<Vec<Delivery>> {
        self.reads(outbox::page(self, env, before, limit)).await
    }

    async fn told_until(&self, env: &str) -> Result<Option<Position>> {
        self.reads(outbox::told_until(self, env)).await
    }

    async fn tell(&self, env: &str, deliveries: &[Delivery], until: Position) -> Result<()> {
        self.writes(outbox::tell(self, env, deliveries, until)).await
    }

    async fn answer(&self, key: &str) -> Result<Option<StoredAnswer>> {
        self.reads(answers::answer(self, key)).await
    }

    async fn claim_answer(
        &self,
        key: &str,
        request_hash: &str,
        at: DateTime<Utc>,
        stale_before: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>> {
        self.writes(answers::claim(self, key, request_hash, at, stale_before)).await
    }

    async fn keep_answer(&self, key: &str, status: u16, body: &Json, forget_before: DateTime<Utc>) -> Result<()> {
        self.writes(answers::keep(self, key, status, body, forget_before)).await
    }

    async fn forget_answer(&self, key: &str) -> Result<()> {
        self.writes(answers::forget(self, key)).await
    }
}

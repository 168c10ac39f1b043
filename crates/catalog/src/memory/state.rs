//! What a catalog in memory is made of, and small things that every change needs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_types::{
    AssetName, Event, Fingerprint, Run, RunId, Suppression, Task, Version, VersionNumber, VersionState,
};

use crate::words::not_found;
use crate::{AuditEntry, Late, Publication, Result};

/// Environment, asset, number.
pub(super) type Key = (String, AssetName, VersionNumber);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) last_numbers: BTreeMap<(String, AssetName), VersionNumber>,
    pub(super) versions: BTreeMap<Key, Row>,
    /// Never removed; rows name them by index.
    pub(super) publications: Vec<Publication>,
    pub(super) leases: BTreeMap<String, LeaseRow>,
    pub(super) runs: BTreeMap<RunId, Run>,
    pub(super) tasks: BTreeMap<(RunId, AssetName), Task>,
    /// A sequence number is the place here, from 1.
    pub(super) events: Vec<Event>,
    /// The same.
    pub(super) audit: Vec<AuditEntry>,
    pub(super) suppressions: Vec<(String, Suppression)>,
    pub(super) late: BTreeMap<(String, AssetName), Late>,
    /// With the order of their putting.
    pub(super) cache: BTreeMap<String, (u64, String)>,
    pub(super) cache_puts: u64,
    pub(super) code: BTreeMap<(String, AssetName), (Fingerprint, serde_json::Value)>,
    pub(super) epoch: u64,
}

/// A version, as it was written and with what has happened to it since.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) version: Version,
    pub(super) publication: Option<usize>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) expired_epoch: Option<u64>,
}

/// `holder` is `None` while it is free.
#[derive(Clone, Debug, Default)]
pub(super) struct LeaseRow {
    pub(super) holder: Option<String>,
    pub(super) epoch: u64,
    pub(super) beat: u64,
}

impl State {
    pub(super) fn row(&self, env: &str, asset: &AssetName, number: VersionNumber) -> Option<&Row> {
        self.versions.get(&key(env, asset, number))
    }

    pub(super) fn row_mut(&mut self, env: &str, asset: &AssetName, number: VersionNumber) -> Result<&mut Row> {
        self.versions.get_mut(&key(env, asset, number)).ok_or_else(|| not_found(asset, number))
    }

    /// The rows of an environment, by name and number.
    pub(super) fn rows(&self, env: &str) -> impl DoubleEndedIterator<Item = &Row> {
        self.versions.iter().filter(move |((of, ..), _)| of == env).map(|(_, row)| row)
    }

    /// The rows of an asset, oldest first.
    pub(super) fn rows_of(&self, env: &str, asset: &AssetName) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows(env).filter(move |row| row.version.asset == *asset)
    }

    pub(super) fn in_state(&self, env: &str, state: VersionState) -> Vec<Version> {
        self.rows(env).filter(|row| row.version.state == state).map(|row| row.version.clone()).collect()
    }

    /// The asset's one version in a state that only one can be in.
    pub(super) fn one_in(&self, env: &str, asset: &AssetName, state: VersionState) -> Option<VersionNumber> {
        self.rows_of(env, asset).find(|row| row.version.state == state).map(|row| row.version.number)
    }

    /// A line of the audit log.
    pub(super) fn say(&mut self, entry: AuditEntry) {
        self.audit.push(AuditEntry { at: stored(entry.at), ..entry });
    }
}

pub(super) fn key(env: &str, asset: &AssetName, number: VersionNumber) -> Key {
    (env.to_owned(), asset.clone(), number)
}

/// As the others keep instants: to the microsecond.
pub(super) fn stored(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

#![allow(clippy::unwrap_used)] // Tests may.

use std::collections::BTreeMap;

use lockgate_types::{DataFile, Fingerprint, Schema};

use super::*;

fn version(number: u64, state: VersionState) -> Version {
    let path = format!("_lockgate/v{number}/part-0-0.parquet");
    Version {
        asset: "raw.orders".parse().unwrap(),
        number: VersionNumber(number),
        state,
        run: None,
        actor: Actor("ada".to_owned()),
        fingerprint: Fingerprint("code".to_owned()),
        checks_fingerprint: Fingerprint("checks".to_owned()),
        inputs: BTreeMap::new(),
        schema: Schema::default(),
        partition_by: Vec::new(),
        files: vec![DataFile { path, size_bytes: 1, rows: 1, partition: Vec::new(), stats: None }],
        rows: 1,
        size_bytes: 1,
        rejects: None,
        source_state: serde_json::Value::Null,
        profile: None,
        checks: Vec::new(),
        base_delta_version: None,
        base: None,
        delta_version: None,
        staged_at: DateTime::UNIX_EPOCH,
        published_at: None,
        as_of: DateTime::UNIX_EPOCH,
        why: None,
        restores: None,
        build_ms: 0,
        audit_ms: 0,
        candidate_key: String::new(),
    }
}

/// A log of these versions' commits; 0 is somebody else's.
fn found(recorded: &[(u64, VersionState)], log: &[u64]) -> Found {
    let mut found = Found::default();
    for (number, state) in recorded {
        let version = version(*number, *state);
        found.numbers.insert(version.number);
        found.files.extend(version.files.iter().map(|file| file.path.clone()));
        found.recorded.push(version);
    }
    for (delta_version, number) in log.iter().enumerate() {
        found.log.push(LogEntry {
            delta_version: delta_version as u64,
            number: (*number > 0).then_some(VersionNumber(*number)),
            // Clocks fall.
            at: DateTime::from_timestamp_millis(1_000 - i64::try_from(delta_version).unwrap()),
            by: None,
            operation: None,
            added_files: 1,
            removed_files: 0,
        });
    }
    found
}

fn shown(found: &Found) -> String {
    found.restored().iter().map(|v| format!("{} {}", v.number, v.state)).collect::<Vec<_>>().join(", ")
}

use VersionState::{Dismissed, Held, Staged};

#[test]
fn the_log_says_what_was_published() {
    let found = found(&[(1, Staged), (2, Staged), (3, Staged), (5, Staged)], &[1, 3, 5]);
    assert_eq!(shown(&found), "1 superseded, 2 failed, 3 superseded, 5 published");
    let restored = found.restored();
    assert_eq!(restored[3].delta_version, Some(2));
    assert_eq!(restored[3].base_delta_version, Some(1));
    assert!(restored[0].published_at < restored[2].published_at && restored[2].published_at < restored[3].published_at);
}

#[test]
fn a_foreign_commit_is_no_version() {
    assert_eq!(shown(&found(&[(1, Staged), (2, Staged)], &[1, 0, 2, 0])), "1 superseded, 2 published");
}

#[test]
fn what_was_decided_and_recorded_stands() {
    let held = found(&[(1, Staged), (2, Dismissed), (3, Held), (4, Held), (5, Staged)], &[1]);
    assert_eq!(shown(&held), "1 published, 2 dismissed, 3 dismissed, 4 held, 5 failed", "one is held at most");
    let replaced = found(&[(1, Staged), (2, Held), (3, Staged)], &[1, 3]);
    assert_eq!(shown(&replaced), "1 superseded, 2 dismissed, 3 published", "a newer one went live");
    let by_hand = found(&[(1, Staged), (2, Held)], &[1, 2]);
    assert_eq!(shown(&by_hand), "1 superseded, 2 published", "published by hand");
    assert_eq!(shown(&found(&[(1, Held)], &[])), "1 held", "nothing was published yet");
}

#[test]
fn what_a_rollback_replaced_was_retracted() {
    let mut found = found(&[(1, Staged), (2, Staged), (3, Staged)], &[1, 2, 3]);
    found.recorded[2].restores = Some(VersionNumber(1));
    assert_eq!(shown(&found), "1 superseded, 2 retracted, 3 published");
}

#[test]
fn what_has_no_files_has_expired() {
    let mut found = found(&[(1, Staged), (2, Staged), (3, Staged)], &[1, 2, 3]);
    found.files.remove("_lockgate/v1/part-0-0.parquet");
    found.files.remove("_lockgate/v3/part-0-0.parquet");
    assert_eq!(shown(&found), "1 expired, 2 superseded, 3 published", "what is live stays so, and doctor tells");
}

#[test]
fn numbers_go_on_after_everything_that_shows_one() {
    let mut lost = found(&[(1, Staged)], &[1, 7]);
    assert_eq!(lost.last(), Some(VersionNumber(7)), "its folder is gone, its commit stands");
    lost.numbers.insert(VersionNumber(9));
    assert_eq!(lost.last(), Some(VersionNumber(9)), "a folder without version.json");
    assert_eq!(found(&[], &[]).last(), None);
}

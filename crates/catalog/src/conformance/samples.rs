//! Versions, runs and steps to test with.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_types::{
    Actor, AssetName, CheckOutcome, CheckState, Column, ColumnProfile, DataFile, DataType, Fingerprint, Profile, Run,
    RunId, RunRequest, RunState, Samples, Schema, Severity, Task, TaskPlan, TaskState, Threshold, Version,
    VersionNumber, VersionState, version::RejectedRows,
};

use crate::{Catalog, Lease, LeaseAttempt, Publication, PublishIntent};

pub const ENV: &str = "default";

pub fn noon() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-03-01T12:00:00.123456Z").unwrap().to_utc()
}

pub fn name(text: &str) -> AssetName {
    text.parse().unwrap()
}

pub fn actor(text: &str) -> Actor {
    Actor(text.to_owned())
}

/// A staged version with something in every field. Its row count is 100 times its number.
pub fn version(asset: &AssetName, number: VersionNumber) -> Version {
    let schema = Schema {
        columns: vec![
            Column { required: true, ..Column::new("id", DataType::Bigint) },
            Column { pii: true, description: Some("who".to_owned()), ..Column::new("email", DataType::String) },
            Column::new("amount", DataType::Decimal(18, 2)),
        ],
    };
    Version {
        asset: asset.clone(),
        number,
        state: VersionState::Staged,
        run: Some(RunId("0run1".to_owned())),
        actor: actor("ana"),
        fingerprint: Fingerprint(format!("fingerprint of {asset}")),
        checks_fingerprint: Fingerprint("checks".to_owned()),
        inputs: BTreeMap::from([(name("raw.orders"), VersionNumber(7)), (name("raw.people"), VersionNumber(3))]),
        schema: schema.clone(),
        partition_by: vec!["day".to_owned()],
        files: vec![DataFile {
            path: format!("_lockgate/v{number}/part-0-0.parquet"),
            size_bytes: 4_096,
            rows: number.0 * 100,
            partition: vec![("day".to_owned(), Some("2026-03-01".to_owned()))],
            stats: Some(r#"{"numRecords":100}"#.to_owned()),
        }],
        rows: number.0 * 100,
        size_bytes: 4_096,
        rejects: Some(RejectedRows { rows: 2, files: Vec::new(), schema }),
        source_state: serde_json::json!({ "files": ["a.csv", "ü 'quoted'.csv"] }),
        profile: Some(Profile {
            rows: number.0 * 100,
            columns: vec![
                ColumnProfile {
                    name: "id".to_owned(),
                    nulls: 0,
                    distinct: Some(99),
                    min: Some("1".to_owned()),
                    max: Some("100".to_owned()),
                    mean: Some(50.5),
                    quantiles: Some([5.0, 25.0, 50.0, 75.0, 95.0]),
                },
                ColumnProfile { name: "email".to_owned(), nulls: 3, ..ColumnProfile::default() },
            ],
        }),
        checks: vec![outcome("not_null_id", CheckState::Passed, 0), outcome("unique_id", CheckState::Known, 4)],
        base_delta_version: None,
        base: None,
        delta_version: None,
        staged_at: noon(),
        published_at: None,
        as_of: noon(),
        why: None,
        restores: None,
        build_ms: 1_000 + number.0,
        audit_ms: 10 + number.0,
        candidate_key: format!("candidate {number}"),
    }
}

pub fn outcome(check: &str, state: CheckState, failing: u64) -> CheckOutcome {
    CheckOutcome {
        name: check.to_owned(),
        kind: "unique".to_owned(),
        section: Some("finance".to_owned()),
        severity: Severity::Error,
        state,
        failing,
        total: 400,
        share: lockgate_types::check::share_of(failing, 400),
        error: Threshold::Rows(0),
        warn: Some(Threshold::Share(0.001)),
        message: format!("{failing} of 400 rows"),
        before: Some((1, 390)),
        samples: Samples { columns: vec!["id".to_owned()], rows: vec![vec![Some("1".to_owned())], vec![None]] },
        excuse: None,
        rejected: false,
        statement: None,
    }
}

/// The same version with one failing check.
pub fn failing(version: Version) -> Version {
    Version { checks: vec![outcome("unique_id", CheckState::Failed, 4)], ..version }
}

pub fn run(id: &str) -> Run {
    Run {
        id: RunId(id.to_owned()),
        environment: ENV.to_owned(),
        actor: actor("nightly"),
        state: RunState::Running,
        as_of: noon(),
        plan_hash: Fingerprint("plan".to_owned()),
        pins: BTreeMap::from([(name("raw.orders"), VersionNumber(7))]),
        request: RunRequest {
            selectors: vec!["mart+".to_owned()],
            full_refresh: true,
            range: Some((noon(), noon() + chrono::TimeDelta::days(1))),
            ..RunRequest::default()
        },
        retry_of: Some(RunId("0run0".to_owned())),
        started_at: noon(),
        ended_at: None,
    }
}

pub fn task(run: &Run, asset: &str) -> Task {
    Task {
        run: run.id.clone(),
        asset: name(asset),
        state: TaskState::Waiting,
        attempts: 0,
        version: None,
        started_at: None,
        ended_at: None,
        message: None,
        plan: Some(TaskPlan {
            fingerprint: Fingerprint(format!("fingerprint of {asset}")),
            checks_fingerprint: Fingerprint("checks".to_owned()),
            live: Some(VersionNumber(3)),
            recheck_only: false,
            checks_changed: true,
        }),
    }
}

pub fn by(who: &str) -> Publication {
    Publication { actor: actor(who), why: None, retract: false }
}

pub async fn lease(catalog: &dyn Catalog, key: &str) -> Lease {
    match catalog.try_lease(key, "worker").await.unwrap() {
        LeaseAttempt::Taken(lease) => lease,
        held @ LeaseAttempt::Held { .. } => panic!("{key} is not free: {held:?}"),
    }
}

/// Reserves and stages the next version, judged against what is live.
pub async fn stage(catalog: &dyn Catalog, asset: &AssetName) -> Version {
    let number = catalog.reserve_version(ENV, asset).await.unwrap();
    let live = catalog.live_one(ENV, asset).await.unwrap();
    let staged = Version {
        base: live.as_ref().map(|live| live.number),
        base_delta_version: live.as_ref().and_then(|live| live.delta_version),
        ..version(asset, number)
    };
    catalog.put_staged(ENV, &staged).await.unwrap();
    staged
}

pub fn intent(version: &Version) -> PublishIntent {
    PublishIntent {
        asset: version.asset.clone(),
        number: version.number,
        base: version.base,
        base_delta_version: version.base_delta_version,
    }
}

/// The Delta version that a version is committed as: one past its base.
pub fn committed(version: &Version) -> (AssetName, VersionNumber, u64) {
    (version.asset.clone(), version.number, version.base_delta_version.map_or(0, |base| base + 1))
}

/// Takes a staged version all the way.
pub async fn publish(catalog: &dyn Catalog, version: &Version, by: &Publication) {
    let lease = lease(catalog, &version.asset.to_string()).await;
    catalog.begin_publishing(ENV, &[intent(version)], &lease, by).await.unwrap();
    catalog.finish_publishing(ENV, &[committed(version)], &by.actor).await.unwrap();
    catalog.release(&lease).await.unwrap();
}

/// Stages and publishes the next version.
pub async fn publish_next(catalog: &dyn Catalog, asset: &AssetName) -> Version {
    let staged = stage(catalog, asset).await;
    publish(catalog, &staged, &by("ana")).await;
    staged
}

/// Stages and holds the next version.
pub async fn hold_next(catalog: &dyn Catalog, asset: &AssetName) -> Version {
    let held = failing(stage(catalog, asset).await);
    hold(catalog, &held, "4 of 400 rows").await;
    held
}

/// Holds a staged version, under a lease of its own.
pub async fn hold(catalog: &dyn Catalog, version: &Version, why: &str) {
    let lease = lease(catalog, &format!("hold {} {}", version.asset, version.number)).await;
    catalog.hold(ENV, version, &lease, &actor("ana"), why).await.unwrap();
    catalog.release(&lease).await.unwrap();
}

pub async fn state(catalog: &dyn Catalog, version: &Version) -> VersionState {
    catalog.version(ENV, &version.asset, version.number).await.unwrap().unwrap().state
}

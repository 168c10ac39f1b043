//! What a server's questions cost as assets, versions and runs grow.

use std::time::{Duration, Instant};

use lockgate_catalog::conformance::samples::{ENV, name, publish_next, run, task};
use lockgate_catalog::{AuditFilter, RunFilter};
use lockgate_types::{RunId, VersionNumber};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::{after, delivery, open};
use crate::backend::Folder;

/// Copies one live version to many assets with superseded ones behind it, and one task to a run for each version; every
/// tenth asset has a held version, and its last task failed. Each version leaves a line of the audit log and an event.
async fn grow(folder: &Folder, assets: u64, versions: u64) {
    let mut db = SqliteConnectOptions::new()
        .filename(folder.path())
        .synchronous(SqliteSynchronous::Off)
        .connect()
        .await
        .unwrap();
    let numbers = format!(
        "with recursive a(i) as (select 1 union all select i + 1 from a where i < {assets}), \
         n(k) as (select 1 union all select k + 1 from n where k < {versions})"
    );
    let state = format!(
        "case when k = {versions} then 'published' when k = {versions} - 1 and i % 10 = 0 then 'held' else 'superseded' end"
    );
    let statements = [
        format!("{numbers} insert into assets select 'default', 'big.t' || i, {versions} from a"),
        format!(
            "{numbers} insert into versions select environment, 'big.t' || i, k, {state}, run, actor, fingerprint, \
               checks_fingerprint, inputs, rows, size_bytes, base, base_delta_version, k, staged_at, published_at + k, \
               as_of, why, restores, build_ms, audit_ms, candidate_key, checks_passed, checks_warned, checks_known, \
               checks_suppressed, checks_failed, checks_errored, publication, expired_epoch, ended_at \
             from versions, n, a where asset = 'raw.orders'"
        ),
        format!(
            "{numbers} insert into checks select environment, 'big.t' || i, k, position, name, kind, section, severity, \
               state, failing, total, share, message, excuse from checks, a, n where asset = 'raw.orders' and i <= 100"
        ),
        format!(
            "{numbers} insert into runs select printf('0big%05d', k), environment, actor, 'done', as_of, plan_hash, pins, \
               started_at + k, started_at + k, request, retry_of from runs, n where id = '0run1'"
        ),
        format!(
            "{numbers} insert into tasks select printf('0big%05d', k), 'big.t' || i, \
               iif(k % 5 = 0 and i % 10 = 0, 'failed', 'published'), 1, k, 1, 2, 'text', plan, environment \
             from tasks, n, a where run = '0run1'"
        ),
        format!(
            "{numbers} insert into audit (at, actor, action, environment, asset, version, why) \
             select k, 'ana', 'published', 'default', 'big.t' || i, k, 'it is ready' from n, a"
        ),
        format!("{numbers} insert into events (event, at, data) select 'published', k, '{{}}' from n, a"),
    ];
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
    }
    db.close().await.unwrap();
}

async fn best_of(mut what: impl AsyncFnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..10 {
        let started = Instant::now();
        what().await;
        best = best.min(started.elapsed());
    }
    best
}

/// What each question took: those that are linear in assets, and look-ups.
async fn measured(assets: u64, versions: u64) -> (Vec<(&'static str, Duration)>, Vec<(&'static str, Duration)>) {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    publish_next(&*catalog, &name("raw.orders")).await;
    let first = run("0run1");
    catalog.create_run(&first, &[task(&first, "raw.orders")]).await.unwrap();
    grow(&folder, assets, versions).await;
    catalog
        .add_deliveries(ENV, &(0..100).map(|due| delivery(&due.to_string(), due)).collect::<Vec<_>>())
        .await
        .unwrap();
    let current = catalog.current(ENV).await.unwrap();
    assert_eq!(current.len() as u64, assets + 1);
    assert_eq!(current.values().filter(|current| current.held.is_some()).count() as u64, assets / 10);
    assert_eq!(catalog.last_failures(ENV).await.unwrap().len() as u64, assets / 10);
    let (asset, middle) = (name("big.t50"), Some(VersionNumber(versions / 2)));
    let page = RunFilter { before: Some(RunId(format!("0big{:05}", versions / 2))), limit: 20, ..RunFilter::default() };
    let of_asset = RunFilter { asset: Some(asset.clone()), ..page.clone() };
    let lines = AuditFilter {
        before: Some(i64::try_from(assets * versions / 2).unwrap()),
        limit: 50,
        ..AuditFilter::default()
    };
    let all = vec![
        ("current", best_of(async || drop(catalog.current(ENV).await.unwrap())).await),
        ("last_failures", best_of(async || drop(catalog.last_failures(ENV).await.unwrap())).await),
        (
            "runs_page, with all assets in each",
            best_of(async || drop(catalog.runs_page(ENV, &page).await.unwrap())).await,
        ),
    ];
    let look_ups = vec![
        ("position", best_of(async || _ = catalog.position().await.unwrap()).await),
        ("versions_page", best_of(async || drop(catalog.versions_page(ENV, &asset, middle, 20).await.unwrap())).await),
        (
            "version_summary",
            best_of(async || drop(catalog.version_summary(ENV, &asset, VersionNumber(7)).await.unwrap())).await,
        ),
        ("check_history", best_of(async || drop(catalog.check_history(ENV, &asset, 20).await.unwrap())).await),
        ("events_after", best_of(async || drop(catalog.events_after(1_000, 50).await.unwrap())).await),
        ("audit_after", best_of(async || drop(catalog.audit_after(1_000, 50).await.unwrap())).await),
        ("audit_page", best_of(async || drop(catalog.audit_page(ENV, &lines).await.unwrap())).await),
        ("next_delivery", best_of(async || _ = catalog.next_delivery(ENV).await.unwrap()).await),
        ("deliveries", best_of(async || drop(catalog.deliveries(ENV, Some("50"), 20).await.unwrap())).await),
        ("claim_deliveries", {
            best_of(async || drop(catalog.claim_deliveries(ENV, after(99), after(100), 10).await.unwrap())).await
        }),
    ];
    let of_asset = best_of(async || drop(catalog.runs_page(ENV, &of_asset).await.unwrap())).await;
    println!("runs_page of one asset: {of_asset:?}");
    println!("audit_counts: {:?}", best_of(async || drop(catalog.audit_counts(ENV, 0).await.unwrap())).await);
    (all, look_ups)
}

/// 500 assets with 50 versions and tasks each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servers_questions_stay_cheap() {
    let (all, look_ups) = measured(500, 50).await;
    println!("{all:#?}\n{look_ups:#?}");
    // Without optimisation, on a machine that does other things.
    for (what, took) in all {
        assert!(took < Duration::from_millis(80), "{what} took {took:?}");
    }
    for (what, took) in look_ups {
        assert!(took < Duration::from_millis(10), "{what} took {took:?}");
    }
}

/// Prints the same of 5,000 assets with 100 versions and tasks each. `cargo nextest run --release -p lockgate-catalog
/// --run-ignored only service::cost --no-capture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure() {
    let (all, look_ups) = measured(5_000, 100).await;
    println!("{all:#?}\n{look_ups:#?}");
}

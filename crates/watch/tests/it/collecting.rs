//! What becomes a message, and what does not.

use chrono::TimeDelta;
use lockgate_catalog::conformance::samples;
use lockgate_types::{RunState, Version};
use serde_json::json;

use crate::world::{ENV, World};

const ALL: &str = r#"{ to: "https://example.com/hook" }"#;

#[tokio::test]
async fn what_happened_before_is_nobodys_news() {
    let world = World::new(&[ALL], "").await;
    let (other, _) = world.another().await;
    world.hold("mart.daily").await;
    assert_eq!(world.outbox().collect().await.unwrap(), 1);
    assert_eq!(other.collect().await.unwrap(), 0, "told already, and recorded");
    assert_eq!(world.texts().await, ["version 1 of mart.daily is held: 12 of 400 rows"]);
}

#[tokio::test]
async fn a_catalog_that_never_told_begins_where_it_stands() {
    let world = World::new(&[ALL], "").await;
    world.hold("mart.daily").await;
    // Another environment has its own place in the logs.
    let before = world.catalog.told_until("dev").await.unwrap();
    assert_eq!(before, None);
    let until = world.catalog.position().await.unwrap();
    let fresh = lockgate_project::Project { environment: "dev".to_owned(), ..World::new(&[ALL], "").await.project };
    let dev = World { project: fresh, ..world };
    assert_eq!(dev.outbox().collect().await.unwrap(), 0);
    assert_eq!(dev.catalog.told_until("dev").await.unwrap(), Some(until));
}

#[tokio::test]
async fn the_same_candidate_is_told_once() {
    let world = World::new(&[ALL], "").await;
    let candidate = |version: Version| Version { candidate_key: "the same".to_owned(), ..samples::failing(version) };
    let outbox = world.outbox();
    world.hold_with("mart.daily", candidate).await;
    outbox.collect().await.unwrap();
    // `run --force` builds it again, under another number.
    world.hold_with("mart.daily", candidate).await;
    outbox.collect().await.unwrap();
    assert_eq!(world.texts().await.len(), 1);
    world.hold_with("raw.load", candidate).await;
    world
        .hold_with("mart.daily", |version| Version {
            base: Some(lockgate_types::VersionNumber(7)),
            ..candidate(version)
        })
        .await;
    world.hold_with("mart.daily", samples::failing).await;
    outbox.collect().await.unwrap();
    let told = world.texts().await;
    assert_eq!(told.len(), 4, "another asset, another base, other inputs: {told:?}");
}

#[tokio::test]
async fn who_is_told_of_what() {
    let world = World::new(
        &[
            r#"{ when: held, to: "https://example.com/held" }"#,
            r#"{ when: [failed, late], to: "https://example.com/mart", select: mart }"#,
            r#"{ to: "https://example.com/raw", type: slack, select: raw.load }"#,
            r#"{ when: failed, to: "https://example.com/all" }"#,
            // The same receiver again: it is told once.
            r#"{ to: "https://example.com/all" }"#,
        ],
        "",
    )
    .await;
    world.hold("mart.daily").await;
    let run = world.start_run("1run", ENV, &["mart.daily", "raw.load"]).await;
    world.fail(&run, "mart.daily", "the disk is full").await;
    world.fail(&run, "raw.load", "no such file").await;
    world.late(&run, "mart.daily", world.now()).await;
    let other = world.start_run("2run", "dev", &["mart.daily"]).await;
    world.fail(&other, "mart.daily", "in another environment").await;
    world.end_run(&run, RunState::Failed).await;
    world.outbox().collect().await.unwrap();
    let mut told: Vec<String> = world
        .deliveries()
        .await
        .into_iter()
        .map(|d| format!("{} {} {}", d.alert, d.kind, d.asset.map(|asset| asset.to_string()).unwrap_or_default()))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "0 held mart.daily",
            "1 failed mart.daily",
            "1 late mart.daily",
            "2 failed raw.load",
            "3 failed mart.daily",
            "3 failed raw.load",
            "4 held mart.daily",
            "4 late mart.daily",
        ]
    );
}

#[tokio::test]
async fn a_run_tells_what_its_journal_lost() {
    let world = World::new(&[ALL, r#"{ to: "https://example.com/mart", select: mart }"#], "").await;
    let outbox = world.outbox();
    let run = world.start_run("1run", ENV, &["mart.daily"]).await;
    world.fail_unsaid(&run, "mart.daily", "the disk is full").await;
    assert_eq!(outbox.collect().await.unwrap(), 0);
    world.end_run(&run, RunState::Interrupted).await;
    outbox.collect().await.unwrap();
    assert_eq!(world.texts().await, ["mart.daily failed: the disk is full"; 2]);
    let run = world.start_run("2run", ENV, &["mart.daily"]).await;
    world.end_run(&run, RunState::Failed).await;
    outbox.collect().await.unwrap();
    let told = world.deliveries().await;
    assert_eq!(told.len(), 3, "only who is told of everything is told of a run");
    assert_eq!(told[2].text, "run 2run failed: none of its tasks says why; its journal may");
    assert_eq!(told[2].body["next"], "lockgate run --retry 2run");
    let run = world.start_run("3run", ENV, &["mart.daily"]).await;
    world.end_run(&run, RunState::Held).await;
    assert_eq!(outbox.collect().await.unwrap(), 0);
}

#[tokio::test]
async fn lateness_is_told_once_until_it_ends() {
    let world = World::new(&[ALL], "").await;
    let outbox = world.outbox();
    let run = world.start_run("1run", ENV, &["mart.daily"]).await;
    let since = world.now();
    for _ in 0..3 {
        world.late(&run, "mart.daily", since).await;
        outbox.collect().await.unwrap();
        world.pass(TimeDelta::hours(1));
    }
    assert_eq!(world.texts().await, ["mart.daily is late: fresh_ts: ts is 3 days old, allowed 2 days"]);
    world.late_no_more("mart.daily").await;
    world.late(&run, "mart.daily", world.now()).await;
    outbox.collect().await.unwrap();
    assert_eq!(world.texts().await.len(), 2, "late anew");
    world.pass(TimeDelta::hours(1));
    world.late(&run, "mart.daily", world.now()).await;
    world.late_no_more("mart.daily").await;
    outbox.collect().await.unwrap();
    assert_eq!(world.texts().await.len(), 2, "it was over before anybody read of it");
}

#[tokio::test]
async fn what_is_a_day_old_is_not_told() {
    let world = World::new(&[ALL], "").await;
    let run = world.start_run("1run", ENV, &["mart.daily"]).await;
    world.hold("mart.daily").await;
    world.fail(&run, "mart.daily", "long ago").await;
    world.pass(TimeDelta::hours(25));
    world.hold("raw.load").await;
    world.outbox().collect().await.unwrap();
    assert_eq!(world.texts().await, ["version 1 of raw.load is held: 12 of 400 rows"]);
}

#[tokio::test]
async fn whoever_adds_an_alert_is_told_from_then_on() {
    let mut world = World::new(&[], "").await;
    let outbox = world.outbox();
    world.hold("mart.daily").await;
    let cancel = tokio_util::sync::CancellationToken::new();
    let stopping = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        cancel.cancel();
    };
    tokio::join!(outbox.run(cancel.clone()), stopping);
    world.change(&[ALL], "");
    world.hold("raw.load").await;
    world.outbox().collect().await.unwrap();
    assert_eq!(world.texts().await, ["version 1 of raw.load is held: 12 of 400 rows"]);
}

#[tokio::test]
async fn long_logs_are_read_to_their_end() {
    let world = World::new(&[ALL], "").await;
    let run = world.start_run("1run", ENV, &["mart.daily"]).await;
    for _ in 0..1_300 {
        world.event(&run, "mart.daily", "staged", json!({})).await;
    }
    world.fail(&run, "mart.daily", "at last").await;
    let outbox = world.outbox();
    assert_eq!(outbox.collect().await.unwrap(), 1);
    assert_eq!(world.catalog.told_until(ENV).await.unwrap(), Some(world.catalog.position().await.unwrap()));
    assert_eq!(outbox.collect().await.unwrap(), 0);
    // News that nobody is told of is passed by without a write.
    let before = world.catalog.told_until(ENV).await.unwrap();
    world.event(&run, "mart.daily", "staged", json!({})).await;
    outbox.collect().await.unwrap();
    assert_eq!(world.catalog.told_until(ENV).await.unwrap(), before);
}

//! Schedules.

use lockgate_catalog::conformance::samples::{ENV, actor, run};
use lockgate_catalog::conformance::whole_log;
use lockgate_catalog::{Paused, ScheduleState, ServiceCatalog};

use super::{after, open, two};
use crate::backend::Folder;

#[tokio::test]
async fn a_time_is_dealt_with_once() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let claim = async |before, due| catalog.claim_due(ENV, "nightly", before, due).await.unwrap();
    assert!(!claim(Some(after(0)), after(60)).await, "nothing was ever dealt with");
    assert!(claim(None, after(60)).await);
    assert!(!claim(None, after(60)).await);
    assert!(!claim(None, after(120)).await, "it was dealt with meanwhile");
    assert!(!claim(Some(after(60)), after(60)).await);
    assert!(!claim(Some(after(60)), after(0)).await, "a later one was");
    assert!(claim(Some(after(60)), after(180)).await, "times that were missed are left out");
    assert!(catalog.claim_due("dev", "nightly", None, after(60)).await.unwrap());
    assert!(catalog.claim_due(ENV, "hourly", None, after(60)).await.unwrap());
    let all = catalog.schedules(ENV).await.unwrap();
    let done: Vec<_> = all.values().map(|kept| (kept.name.as_str(), kept.done_until)).collect();
    assert_eq!(done, [("hourly", Some(after(60))), ("nightly", Some(after(180)))]);
    assert!(whole_log(&*catalog, ENV).await.is_empty());
}

/// Two processes walk through the same times: each time is one's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_see_the_same_one_claims_it() {
    const TIMES: i64 = 60;
    let (_folder, one, other) = two().await;
    let claims = |catalog: std::sync::Arc<dyn ServiceCatalog>| async move {
        let mut claimed = Vec::new();
        for time in 1..=TIMES {
            let before = catalog.schedules(ENV).await.unwrap().get("nightly").and_then(|kept| kept.done_until);
            if catalog.claim_due(ENV, "nightly", before, after(time)).await.unwrap() {
                claimed.push(time);
            }
        }
        claimed
    };
    let (mine, theirs) = (tokio::spawn(claims(one.clone())), tokio::spawn(claims(other)));
    let mut all = mine.await.unwrap();
    all.extend(theirs.await.unwrap());
    let many = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), many, "a time was claimed twice");
    assert_eq!(all.last(), Some(&TIMES));
    assert_eq!(one.schedules(ENV).await.unwrap()["nightly"].done_until, Some(after(TIMES)));
}

#[tokio::test]
async fn pausing_again_changes_nothing() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let (ana, ben) = (actor("ana"), actor("ben"));
    let paused = |at: i64, why: &str| Paused { by: actor("ana"), at: after(at), why: why.to_owned() };
    let kept = async || catalog.schedules(ENV).await.unwrap().remove("nightly").and_then(|kept| kept.paused);
    catalog.pause_schedule(ENV, "nightly", None, &ana, after(0), "it is not").await.unwrap();
    assert!(catalog.schedules(ENV).await.unwrap().is_empty(), "there is nothing to keep");
    for at in [1, 1, 2] {
        let pause = paused(at, "a move");
        catalog.pause_schedule(ENV, "nightly", Some(&pause), &ana, after(at), "a move").await.unwrap();
    }
    assert_eq!(kept().await, Some(paused(1, "a move")));
    let longer = paused(3, "a long move");
    catalog.pause_schedule(ENV, "nightly", Some(&longer), &ana, after(3), "a long move").await.unwrap();
    assert_eq!(kept().await, Some(longer));
    for at in [4, 5] {
        catalog.pause_schedule(ENV, "nightly", None, &ben, after(at), "it is done").await.unwrap();
    }
    assert_eq!(kept().await, None);
    let log = whole_log(&*catalog, ENV).await;
    let said: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.actor.0.as_str(), entry.at)).collect();
    let expected = [
        ("schedule_paused", "ana", after(1)),
        ("schedule_paused", "ana", after(3)),
        ("schedule_resumed", "ben", after(4)),
    ];
    assert_eq!(said, expected);
    assert_eq!((log[2].why.as_deref(), &log[2].detail["schedule"]), (Some("it is done"), &"nightly".into()));
    assert_eq!(log[2].environment.as_deref(), Some(ENV));
    assert!(whole_log(&*catalog, "dev").await.is_empty());
}

#[tokio::test]
async fn what_is_kept_of_a_schedule_is_kept_side_by_side() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let paused = Paused { by: actor("ana"), at: after(1), why: "a move".to_owned() };
    catalog.schedule_ran(ENV, "nightly", &run("0run0").id).await.unwrap();
    catalog.pause_schedule(ENV, "nightly", Some(&paused), &paused.by, after(1), "a move").await.unwrap();
    assert!(catalog.claim_due(ENV, "nightly", None, after(60)).await.unwrap());
    catalog.schedule_ran(ENV, "nightly", &run("0run1").id).await.unwrap();
    let expected = ScheduleState {
        name: "nightly".to_owned(),
        done_until: Some(after(60)),
        last_run: Some(run("0run1").id),
        paused: Some(paused),
    };
    assert_eq!(catalog.schedules(ENV).await.unwrap().into_values().collect::<Vec<_>>(), [expected]);
    let table = catalog.system_table("schedules").await.unwrap().unwrap();
    let expected = ["nightly", "2026-03-01T12:01:00.123456Z", "0run1"].map(serde_json::Value::from);
    assert_eq!(table.rows[0][1..4], expected);
}

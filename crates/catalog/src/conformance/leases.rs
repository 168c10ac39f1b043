//! Leases: one holder, and a token that only rises.

use super::samples::{ENV, lease};
use super::{Shared, Stage, whole_log};
use crate::{Lease, LeaseAttempt};

fn taken(attempt: LeaseAttempt) -> Lease {
    match attempt {
        LeaseAttempt::Taken(lease) => lease,
        held @ LeaseAttempt::Held { .. } => panic!("{held:?}"),
    }
}

fn held(holder: &str, epoch: u64, beat: u64) -> LeaseAttempt {
    LeaseAttempt::Held { holder: holder.to_owned(), epoch, beat }
}

pub async fn a_lease_is_held_by_one(shared: &dyn Shared) {
    let one = shared.open(Stage::default().effects).await;
    let two = shared.open(Stage::default().effects).await;
    let lease = taken(one.try_lease("raw.orders", "one").await.unwrap());
    assert_eq!(lease, Lease { key: "raw.orders".to_owned(), holder: "one".to_owned(), epoch: 1 });
    assert_eq!(two.try_lease("raw.orders", "two").await.unwrap(), held("one", 1, 0));
    assert_eq!(one.try_lease("raw.orders", "one").await.unwrap(), held("one", 1, 0), "also to the holder itself");
    assert!(one.beat(&lease).await.unwrap());
    assert!(one.beat(&lease).await.unwrap());
    assert_eq!(two.try_lease("raw.orders", "two").await.unwrap(), held("one", 1, 2));
    taken(two.try_lease("raw.people", "two").await.unwrap());
}

pub async fn of_many_who_ask_one_gets_it(shared: &dyn Shared) {
    for round in 0..5 {
        let mut tasks = tokio::task::JoinSet::new();
        for worker in 0..6 {
            let catalog = shared.open(Stage::default().effects).await;
            tasks.spawn(async move {
                catalog.try_lease(&format!("round {round}"), &format!("worker {worker}")).await.unwrap()
            });
        }
        let attempts = tasks.join_all().await;
        let winners = attempts.iter().filter(|attempt| matches!(attempt, LeaseAttempt::Taken(_))).count();
        assert_eq!(winners, 1, "{attempts:?}");
    }
}

pub async fn an_epoch_never_falls(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    for epoch in 1..=3 {
        let lease = taken(catalog.try_lease("raw.orders", "one").await.unwrap());
        assert_eq!(lease.epoch, epoch);
        catalog.release(&lease).await.unwrap();
        catalog.release(&lease).await.unwrap();
    }
    let lease = taken(catalog.try_lease("raw.orders", "one").await.unwrap());
    let stolen = taken(catalog.steal("raw.orders", "two", lease.epoch, 0).await.unwrap());
    assert_eq!((stolen.epoch, stolen.holder.as_str()), (5, "two"));
}

pub async fn only_a_standing_heart_is_stolen_from(shared: &dyn Shared) {
    let holder = shared.open(Stage::default().effects).await;
    let thief = shared.open(Stage::default().effects).await;
    let lease = lease(&*holder, "raw.orders").await;
    holder.beat(&lease).await.unwrap();
    for (epoch, beat) in [(1, 0), (0, 1), (2, 1)] {
        assert_eq!(thief.steal("raw.orders", "thief", epoch, beat).await.unwrap(), held("worker", 1, 1));
    }
    assert!(holder.beat(&lease).await.unwrap(), "nothing was taken");
    let stolen = taken(thief.steal("raw.orders", "thief", 1, 2).await.unwrap());
    assert_eq!(stolen.epoch, 2);
    // Who saw the same standing heart but came second.
    assert_eq!(holder.steal("raw.orders", "late", 1, 2).await.unwrap(), held("thief", 2, 0));
    let log = whole_log(&*thief, ENV).await;
    let last = log.last().unwrap();
    assert_eq!((last.action.as_str(), last.actor.0.as_str()), ("lease_stolen", "thief"));
    assert_eq!(last.detail, serde_json::json!({ "lease": "raw.orders", "from": "worker", "epoch": 2 }));
    assert_eq!(log.len(), 1);
}

pub async fn a_free_lease_is_simply_taken(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let lease = lease(&*catalog, "raw.orders").await;
    catalog.release(&lease).await.unwrap();
    let next = taken(catalog.steal("raw.orders", "thief", lease.epoch, 0).await.unwrap());
    assert_eq!(next.epoch, 2);
    let fresh = taken(catalog.steal("never.seen", "thief", 7, 7).await.unwrap());
    assert_eq!(fresh.epoch, 1);
    assert!(whole_log(&*catalog, ENV).await.is_empty(), "nothing was stolen");
}

pub async fn a_lost_lease_neither_beats_nor_releases(shared: &dyn Shared) {
    let stale = shared.open(Stage::default().effects).await;
    let thief = shared.open(Stage::default().effects).await;
    let ours = lease(&*stale, "raw.orders").await;
    let theirs = taken(thief.steal("raw.orders", "thief", 1, 0).await.unwrap());
    assert!(!stale.beat(&ours).await.unwrap());
    stale.release(&ours).await.unwrap();
    assert!(thief.beat(&theirs).await.unwrap(), "the release took nothing from the new holder");
    assert!(!stale.beat(&Lease { key: "nobody's".to_owned(), ..ours }).await.unwrap());
}

//! The outbox.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_catalog::conformance::samples::ENV;
use lockgate_catalog::{CatalogError, Delivery, DeliveryState, Position, ServiceCatalog};

use super::{after, delivery, open, two};
use crate::backend::Folder;

fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.id.as_str()).collect()
}

#[tokio::test]
async fn a_message_is_added_once_and_comes_back_whole() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let bare = Delivery { asset: None, run: None, body: serde_json::Value::Null, ..delivery("bare", 0) };
    catalog.add_deliveries(ENV, &[]).await.unwrap();
    catalog.add_deliveries(ENV, &[delivery("a", 0), bare.clone()]).await.unwrap();
    let other = Delivery { text: "another".to_owned(), state: DeliveryState::Sent, ..delivery("a", 9) };
    catalog.add_deliveries(ENV, &[other.clone(), delivery("b", 0), delivery("b", 1)]).await.unwrap();
    catalog.add_deliveries("dev", std::slice::from_ref(&other)).await.unwrap();
    assert_eq!(catalog.deliveries(ENV, None, 9).await.unwrap(), [delivery("b", 0), bare, delivery("a", 0)]);
    assert_eq!(catalog.deliveries("dev", None, 9).await.unwrap(), [other], "environments have their own");
    let table = catalog.system_table("deliveries").await.unwrap().unwrap();
    assert_eq!((table.rows.len(), &table.rows[0][1]), (4, &"a".into()));
}

#[tokio::test]
async fn what_is_due_is_claimed_and_is_due_again() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let claim = async |now, again| catalog.claim_deliveries(ENV, after(now), after(again), 2).await.unwrap();
    assert_eq!(catalog.next_delivery(ENV).await.unwrap(), None);
    assert!(claim(1_000, 2_000).await.is_empty());
    let all = [delivery("c", 30), delivery("a", 10), delivery("b", 20), delivery("later", 99)];
    catalog.add_deliveries(ENV, &all).await.unwrap();
    assert_eq!(catalog.next_delivery(ENV).await.unwrap(), Some(after(10)));
    assert!(claim(9, 100).await.is_empty());
    let first = claim(30, 100).await;
    assert_eq!(first, [delivery("a", 100), delivery("b", 100)], "the longest due first, at most two");
    assert_eq!(ids(&claim(30, 100).await), ["c"]);
    assert!(claim(30, 100).await.is_empty());
    assert!(catalog.claim_deliveries("dev", after(999), after(1_000), 9).await.unwrap().is_empty());
    assert!(catalog.claim_deliveries(ENV, after(999), after(1_000), 0).await.unwrap().is_empty());
    assert_eq!(catalog.next_delivery(ENV).await.unwrap(), Some(after(99)));

    // Who took the first two dies with one of them sent and one that failed.
    let sent = Delivery { state: DeliveryState::Sent, attempts: 1, sent_at: Some(after(31)), ..first[0].clone() };
    let failed =
        Delivery { attempts: 1, due_at: after(60), last_error: Some("refused".to_owned()), ..first[1].clone() };
    for _ in 0..2 {
        catalog.settle_delivery(ENV, &sent).await.unwrap();
        catalog.settle_delivery(ENV, &failed).await.unwrap();
    }
    assert_eq!(claim(60, 200).await, [Delivery { due_at: after(200), ..failed.clone() }]);
    assert_eq!(ids(&claim(100, 300).await), ["later", "c"], "of one who died it is due again");
    catalog.settle_delivery(ENV, &Delivery { state: DeliveryState::GivenUp, ..failed }).await.unwrap();
    assert!(!ids(&claim(1_000, 2_000).await).contains(&"b"));
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    catalog.add_deliveries(ENV, &[delivery("a", 10)]).await.unwrap();
    let sent = Delivery { state: DeliveryState::Sent, attempts: 1, sent_at: Some(after(11)), ..delivery("a", 10) };
    catalog.settle_delivery(ENV, &sent).await.unwrap();
    // One who was taken for dead comes late, and failed.
    catalog.settle_delivery(ENV, &delivery("a", 10)).await.unwrap();
    catalog.add_deliveries(ENV, &[delivery("a", 10)]).await.unwrap();
    assert_eq!(catalog.deliveries(ENV, None, 9).await.unwrap(), [sent]);
    assert_eq!(catalog.next_delivery(ENV).await.unwrap(), None);
    let refused = catalog.settle_delivery(ENV, &delivery("none", 1)).await.unwrap_err();
    assert!(matches!(&refused, CatalogError::NotFound(what) if what == "message none"), "{refused}");
}

/// Two processes take messages while both add more: each message is taken by one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_claim_each_gets_others() {
    let (_folder, one, other) = two().await;
    let work = |catalog: Arc<dyn ServiceCatalog>| async move {
        let mut claimed = Vec::new();
        for round in 0..40 {
            let new: Vec<_> = (0..3).map(|index| delivery(&format!("{}", round * 3 + index), 0)).collect();
            catalog.add_deliveries(ENV, &new).await.unwrap();
            claimed.extend(catalog.claim_deliveries(ENV, after(1), after(1_000), 2).await.unwrap());
        }
        loop {
            let more = catalog.claim_deliveries(ENV, after(1), after(1_000), 7).await.unwrap();
            if more.is_empty() {
                return claimed;
            }
            claimed.extend(more);
        }
    };
    let (mine, theirs) = (tokio::spawn(work(one)), tokio::spawn(work(other)));
    let (mine, theirs) = (mine.await.unwrap(), theirs.await.unwrap());
    let all: BTreeSet<&str> = ids(&mine).into_iter().chain(ids(&theirs)).collect();
    assert_eq!((all.len(), mine.len() + theirs.len()), (120, 120));
}

/// Pages are complete and without doubles while messages are added and sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_whole_while_messages_come() {
    let (_folder, one, other) = two().await;
    for index in 0..50 {
        one.add_deliveries(ENV, &[delivery(&format!("old {index}"), index)]).await.unwrap();
    }
    let coming = tokio::spawn(async move {
        for index in 0..50 {
            other.add_deliveries(ENV, &[delivery(&format!("new {index}"), index)]).await.unwrap();
            other.claim_deliveries(ENV, after(100), after(200), 3).await.unwrap();
        }
    });
    let mut seen: Vec<String> = Vec::new();
    loop {
        let page = one.deliveries(ENV, seen.last().map(String::as_str), 7).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|delivery| delivery.id));
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    coming.await.unwrap();
    let old: Vec<_> = seen.iter().filter(|id| id.starts_with("old")).cloned().collect();
    assert_eq!(old, (0..50).rev().map(|index| format!("old {index}")).collect::<Vec<_>>());
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    assert!(one.deliveries(ENV, Some("nothing"), 7).await.unwrap().is_empty());
}

#[tokio::test]
async fn telling_adds_and_moves_at_once_and_never_back() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let at = |audit, event| Position { audit, event };
    assert_eq!(catalog.told_until(ENV).await.unwrap(), None);
    catalog.tell(ENV, &[delivery("a", 0), delivery("b", 0)], at(10, 20)).await.unwrap();
    // The same again, and what a slower process read earlier.
    catalog.tell(ENV, &[delivery("a", 0), delivery("b", 0)], at(10, 20)).await.unwrap();
    catalog.tell(ENV, &[delivery("a", 0)], at(7, 21)).await.unwrap();
    assert_eq!(catalog.told_until(ENV).await.unwrap(), Some(at(10, 21)));
    catalog.tell(ENV, &[delivery("c", 0)], at(1, 1)).await.unwrap();
    assert_eq!(catalog.told_until(ENV).await.unwrap(), Some(at(10, 21)));
    assert_eq!(ids(&catalog.deliveries(ENV, None, 9).await.unwrap()), ["c", "b", "a"]);
    assert_eq!(catalog.told_until("dev").await.unwrap(), None);
}

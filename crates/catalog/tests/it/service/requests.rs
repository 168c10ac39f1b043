//! Requests that may be repeated.

use std::sync::Arc;

use lockgate_catalog::{CatalogError, ServiceCatalog, StoredAnswer};
use serde_json::json;

use super::{after, open, two};
use crate::backend::Folder;

#[tokio::test]
async fn a_key_is_answered_once() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let claim = async |hash: &str, at, stale| catalog.claim_answer("key", hash, after(at), after(stale)).await.unwrap();
    assert_eq!(catalog.answer("key").await.unwrap(), None);
    assert_eq!(claim("hash", 0, -60).await, None);
    let at_work = StoredAnswer { request_hash: "hash".to_owned(), at: after(0), answer: None };
    assert_eq!(claim("hash", 1, -59).await, Some(at_work.clone()));
    assert_eq!(claim("other", 1, 0).await, Some(at_work.clone()), "not older than that");
    assert_eq!(catalog.answer("key").await.unwrap(), Some(at_work));
    // Whoever claimed it died.
    assert_eq!(claim("second", 60, 1).await, None);
    catalog.keep_answer("key", 201, &json!({ "run": "0run1" }), after(-100)).await.unwrap();
    let answered = Some(StoredAnswer {
        request_hash: "second".to_owned(),
        at: after(60),
        answer: Some((201, json!({ "run": "0run1" }))),
    });
    assert_eq!(claim("second", 999, 990).await, answered, "an answer does not get stale");
    // Or it did not die, and comes late: what was answered stands.
    catalog.keep_answer("key", 500, &json!(null), after(-100)).await.unwrap();
    catalog.forget_answer("key").await.unwrap();
    assert_eq!(catalog.answer("key").await.unwrap(), answered);
}

#[tokio::test]
async fn a_claim_is_given_back_and_old_answers_are_forgotten() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let claim = async |key: &str, at| catalog.claim_answer(key, "hash", after(at), after(-60)).await.unwrap();
    assert_eq!(claim("a", 0).await, None);
    catalog.forget_answer("a").await.unwrap();
    catalog.forget_answer("a").await.unwrap();
    assert_eq!(catalog.answer("a").await.unwrap(), None);
    let refused = catalog.keep_answer("a", 200, &json!(1), after(0)).await.unwrap_err();
    assert!(matches!(&refused, CatalogError::NotFound(what) if what == "request a"), "{refused}");

    for (key, at) in [("a", 1), ("b", 2), ("left", 1), ("c", 3)] {
        assert_eq!(claim(key, at).await, None);
    }
    for (key, before) in [("a", 0), ("b", 0), ("c", 2), ("c", 2)] {
        catalog.keep_answer(key, 200, &json!(key), after(before)).await.unwrap();
    }
    for (key, is_kept) in [("a", false), ("left", false), ("b", true), ("c", true)] {
        assert_eq!(catalog.answer(key).await.unwrap().is_some(), is_kept, "{key}");
    }
    // It is kept, however long the request took.
    catalog.claim_answer("slow", "hash", after(1), after(0)).await.unwrap();
    catalog.keep_answer("slow", 200, &json!(null), after(1_000)).await.unwrap();
    assert_eq!(catalog.answer("slow").await.unwrap().unwrap().answer, Some((200, json!(null))));
}

/// Two processes are sent the same requests: each is done by one of them, and the other is told what it answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_claim_one_answers() {
    const KEYS: usize = 60;
    let (_folder, one, other) = two().await;
    let work = |catalog: Arc<dyn ServiceCatalog>, who: u16| async move {
        let mut mine = Vec::new();
        for key in 0..KEYS {
            let key = format!("key {key}");
            match catalog.claim_answer(&key, "hash", after(0), after(-60)).await.unwrap() {
                None => {
                    catalog.keep_answer(&key, 200 + who, &json!(who), after(-60)).await.unwrap();
                    mine.push(key);
                }
                Some(stored) => assert!(stored.answer.is_none_or(|(status, _)| status == 201 - who), "{key}"),
            }
        }
        mine
    };
    let (mine, theirs) = (tokio::spawn(work(one.clone(), 0)), tokio::spawn(work(other, 1)));
    let (mine, theirs) = (mine.await.unwrap(), theirs.await.unwrap());
    assert_eq!(mine.len() + theirs.len(), KEYS);
    assert!(mine.iter().all(|key| !theirs.contains(key)));
    for key in theirs {
        assert_eq!(one.answer(&key).await.unwrap().unwrap().answer, Some((201, json!(1))));
    }
}

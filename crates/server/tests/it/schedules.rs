//! Schedules run in the server.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use lockgate_catalog::open_service_sqlite;
use lockgate_types::Effects;
use serde_json::{Value as Json, json};

use crate::server::{ORDERS, Server};

fn project(catch_up: &str) -> Vec<(&'static str, String)> {
    let mut files: Vec<(&'static str, String)> =
        ORDERS.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    files[0].1.push_str(&format!(
        "schedules:\n  - {{ name: hourly, cron: \"7 * * * *\", select: raw, catch_up: {catch_up} }}\n"
    ));
    files
}

async fn start(catch_up: &str) -> Server {
    let files = project(catch_up);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    Server::of(&files).await
}

/// As if it had been seen to last so long ago.
async fn last_seen(server: Server, ago: TimeDelta) -> Server {
    let path = server.root().join(".lockgate/catalog.db");
    let catalog = open_service_sqlite(&path, Effects::real()).await.unwrap();
    for _ in 0..100 {
        // The first look of the server claims now; what was before is this test's to say.
        if catalog.schedules("default").await.unwrap().contains_key("hourly") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    catalog.close().await;
    let before = (Utc::now() - ago).timestamp_micros();
    let said = std::process::Command::new("python3")
        .args(["-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('update schedules set done_until = ' + sys.argv[2]); db.commit()"])
        .arg(&path)
        .arg(before.to_string())
        .status()
        .unwrap();
    assert!(said.success());
    server.again(false).await
}

async fn scheduled(server: &Server, count: usize) -> Vec<Json> {
    for _ in 0..400 {
        let runs = server.json("/runs?actor=schedule:hourly").await["items"].as_array().unwrap().clone();
        if runs.len() >= count && runs.iter().all(|run| run["state"] != "running") {
            return runs;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{}", server.json("/runs").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_missed_is_caught_up_with() {
    let server = last_seen(start("last").await, TimeDelta::hours(5)).await;
    let runs = scheduled(&server, 1).await;
    assert_eq!(runs[0]["schedule"], "hourly");
    assert_eq!(runs[0]["tasks"], json!({ "published": 2 }));
    // It judges by the time at which it was due.
    let as_of = runs[0]["as_of"].as_str().unwrap();
    assert!(as_of.contains(":07:00"), "{as_of}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(scheduled(&server, 1).await.len(), 1, "only the last one");
    let listed = server.json("/schedules").await;
    assert_eq!(listed["items"][0]["last"]["run"], runs[0]["id"], "{listed}");
    assert!(listed["items"][0]["next_at"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_of_them_one_after_the_other() {
    let server = last_seen(start("all").await, TimeDelta::hours(3)).await;
    let runs = scheduled(&server, 3).await;
    assert_eq!(runs.len(), 3, "{runs:?}");
    // Newest first; each begins when the one before has ended.
    for pair in runs.windows(2) {
        assert!(pair[0]["started_at"].as_str() >= pair[1]["ended_at"].as_str(), "{runs:?}");
        assert!(pair[0]["as_of"].as_str() > pair[1]["as_of"].as_str());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn paused_it_starts_nothing() {
    let server = start("last").await;
    let (status, paused) = server.post("/schedules/hourly/pause", &json!({ "why": "the source is being moved" })).await;
    assert_eq!((status, paused["paused"]["by"].as_str()), (200, Some("ada")), "{paused}");
    assert!(paused["next_at"].is_null());
    let server = last_seen(server, TimeDelta::hours(5)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(server.json("/runs").await["items"].as_array().unwrap().is_empty());
    // By hand it runs all the same.
    let (status, started) = server.post("/schedules/hourly/run", &json!({})).await;
    assert_eq!(status, 202, "{started}");
    server.ended(started["run"].as_str().unwrap()).await;
    let (status, resumed) = server.post("/schedules/hourly/resume", &json!({ "why": "it was moved" })).await;
    assert_eq!((status, resumed["paused"].is_null()), (200, true));
    assert_eq!(scheduled(&server, 1).await.len(), 1);
    let audit = server.json("/audit?action=schedule_paused,schedule_resumed").await;
    assert_eq!(audit["items"][1]["why"], "the source is being moved", "{audit}");
}

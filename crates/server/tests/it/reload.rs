//! The project's files change while it is served.

use std::time::Duration;

use serde_json::json;

use crate::server::{ORDERS, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_are_loaded_when_they_change() {
    let server = Server::of(ORDERS).await;
    assert_eq!(server.run().await["state"], "done");
    server.write("assets/mart/more.sql", "select customer, count(*) as orders from raw.orders group by customer\n");
    let (status, plan) = server.post("/plan", &json!({})).await;
    assert_eq!(status, 200, "{plan}");
    assert_eq!(plan["steps"][0]["asset"], "mart.more");
    assert_eq!(server.run().await["state"], "done");
    assert_eq!(server.json("/assets/mart.more").await["live"]["number"], 1);

    // Broken files start nothing, and what was loaded is still served.
    server.write("assets/mart/more.sql", "select nothing from raw.orders\n");
    let (status, refused) = server.post("/runs", &json!({})).await;
    assert_eq!(status, 422, "{refused}");
    let place = &refused["diagnostics"][0]["place"];
    assert_eq!((place["file"].as_str(), place["line"].as_u64()), (Some("assets/mart/more.sql"), Some(1)), "{refused}");
    assert!(server.json("/project").await["problem"]["diagnostics"].is_array());
    assert_eq!(server.json("/assets/mart.more").await["state"], "fresh");

    server.write("assets/mart/more.sql", "select customer, count(*) as n from raw.orders group by customer\n");
    assert_eq!(server.run().await["state"], "done");
    assert!(server.json("/project").await["problem"].is_null());
    assert_eq!(server.json("/assets/mart.more").await["columns"][1]["name"], "n");
}

/// What a run would build comes to light by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stale_assets_are_shown_as_such() {
    let server = Server::of(ORDERS).await;
    server.run().await;
    assert_eq!(server.json("/assets/mart.revenue").await["state"], "fresh");
    server.write(
        "assets/mart/revenue.sql",
        "select customer, sum(amount) + 0 as amount from raw.orders group by customer\n",
    );
    for _ in 0..200 {
        let asset = server.json("/assets/mart.revenue").await;
        if asset["state"] == "stale" {
            assert_eq!(asset["reasons"], json!(["its code changed: sql"]));
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{}", server.json("/assets/mart.revenue").await);
}

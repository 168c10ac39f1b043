//! Decisions that are sent again.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::server::{ORDERS, Server};

async fn keyed(server: &Server, path: &str, key: &str, body: &Json) -> (u16, Json) {
    let request = server.request(Method::POST, &format!("/api/v1{path}")).header("idempotency-key", key);
    let response = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

async fn versions(server: &Server, asset: &str) -> usize {
    server.json(&format!("/assets/{asset}/versions")).await["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_decision_that_is_sent_again_is_made_once() {
    let server = Server::of(ORDERS).await;
    server.run().await;
    server.write("data/orders.csv", "id,customer,amount\n1,1,10\n2,2,20\n3,1,-90\n");
    server.run().await;
    let held = server.json("/gates/mart.revenue").await["candidate"]["summary"]["number"].as_u64().unwrap();

    let decision = json!({ "version": held, "why": "agreed with finance" });
    let first = keyed(&server, "/gates/mart.revenue/publish", "p1", &decision).await;
    assert_eq!(first.0, 200, "{}", first.1);
    // Nothing is held any more, and the answer is that of the first.
    assert_eq!(keyed(&server, "/gates/mart.revenue/publish", "p1", &decision).await, first);
    assert_eq!(keyed(&server, "/gates/mart.revenue/publish", "p2", &decision).await.0, 409);

    let back = json!({ "to": 1, "why": "the refund was a mistake" });
    let first = keyed(&server, "/assets/mart.revenue/rollback", "r1", &back).await;
    assert_eq!(first.0, 200, "{}", first.1);
    let there = versions(&server, "mart.revenue").await;
    assert_eq!(keyed(&server, "/assets/mart.revenue/rollback", "r1", &back).await, first);
    assert_eq!(versions(&server, "mart.revenue").await, there);

    let check = &server.json("/assets/mart.revenue").await["checks"][1]["name"];
    let why = "refunds are booked as sales";
    let suppression = json!({ "asset": "mart.revenue", "check": check, "until": "2999-01-01", "why": why });
    let first = keyed(&server, "/suppressions", "s1", &suppression).await;
    assert_eq!(first.0, 201, "{}", first.1);
    assert_eq!(keyed(&server, "/suppressions", "s1", &suppression).await, first);
    assert_eq!(server.json("/suppressions").await["items"].as_array().unwrap().len(), 1);
    // Another request under a key that was used is refused.
    assert_eq!(keyed(&server, "/suppressions", "r1", &suppression).await.0, 422);
}

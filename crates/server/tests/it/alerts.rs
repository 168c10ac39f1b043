//! A hold is told, once, also by a server that is restarted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::post;
use serde_json::Value as Json;

use crate::server::{ORDERS, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_told_once() {
    let received: Arc<Mutex<Vec<Json>>> = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let keep = Arc::clone(&received);
    let receive = post(move |axum::Json(message): axum::Json<Json>| {
        keep.lock().unwrap().push(message);
        async { "thanks" }
    });
    let receiver = tokio::task::spawn(async move {
        axum::serve(listener, axum::Router::new().route("/hook", receive)).await.unwrap();
    });
    let settings = format!(
        "{}alerts:\n  - {{ when: [held], to: \"http://{address}/hook?key=s3cret\", type: webhook }}\n",
        ORDERS[0].1
    );
    let mut files = ORDERS.to_vec();
    files[0] = ("lockgate.yml", &settings);
    let server = Server::of(&files).await;
    server.run().await;
    server.write("data/orders.csv", "id,customer,amount\n1,1,-10\n");
    assert_eq!(server.run().await["state"], "held");
    let told = || received.lock().unwrap().clone();
    for _ in 0..200 {
        if !told().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let messages = told();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["asset"], "mart.revenue");
    assert!(messages[0]["url"].as_str().unwrap().starts_with(&server.url), "{}", messages[0]);
    for _ in 0..100 {
        if server.json("/deliveries").await["items"][0]["state"] == "sent" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let listed = server.json("/deliveries").await;
    assert_eq!(listed["items"][0]["state"], "sent", "{listed}");
    assert!(!listed.to_string().contains("s3cret"), "{listed}");

    let server = server.again(false).await;
    assert_eq!(server.run().await["state"], "held", "it still is, and the same candidate is not built again");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(told().len(), 1);
    receiver.abort();
}

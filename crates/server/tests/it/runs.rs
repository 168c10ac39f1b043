//! Runs that are started, repeated, cancelled and taken up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lockgate_run::{Observer, PlanOptions, RunOptions, Workspace};
use lockgate_types::Event;
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::server::{ORDERS, Server, open};

struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event) {}
}

/// As a command in another process does.
pub(crate) async fn run_elsewhere(root: &Path) {
    let workspace = Workspace::open(root, open()).await.unwrap();
    let graph = workspace.graph().await.unwrap();
    let plan = workspace.plan(&graph, &PlanOptions::default()).await.unwrap();
    let options = RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 2 };
    workspace.run(&graph, &plan, options).await.unwrap();
}

async fn start(server: &Server, key: &str, body: &Json) -> (u16, Json) {
    let request = server.request(Method::POST, "/api/v1/runs").header("idempotency-key", key);
    let response = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_repeated_starts_one_run() {
    let server = Server::of(ORDERS).await;
    let body = json!({ "selectors": ["raw"] });
    // At the same moment, as an impatient client does: one of them starts it.
    let (one, other) = tokio::join!(start(&server, "k1", &body), start(&server, "k1", &body));
    let started: Vec<&Json> = [&one, &other].into_iter().filter(|(status, _)| *status == 202).map(|(_, b)| b).collect();
    assert!(!started.is_empty(), "{one:?} {other:?}");
    assert!([&one, &other].iter().all(|(status, _)| matches!(status, 202 | 409)), "{one:?} {other:?}");
    let run = started[0]["run"].as_str().unwrap().to_owned();
    server.ended(&run).await;
    let (status, again) = start(&server, "k1", &body).await;
    assert_eq!((status, again["run"].as_str()), (202, Some(run.as_str())));
    let (status, refused) = start(&server, "k1", &json!({ "selectors": ["mart"] })).await;
    assert_eq!((status, refused["diagnostics"][0]["code"].as_str()), (422, Some("LG0910")));
    // A request that failed gives its key back.
    assert_eq!(start(&server, "k2", &json!({ "selectors": ["no.such"] })).await.0, 422);
    assert_eq!(start(&server, "k2", &body).await.0, 202);
    assert_eq!(server.json("/runs").await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_shows_its_tasks_and_phases() {
    let server = Server::of(ORDERS).await;
    let run = server.run().await;
    assert_eq!(run["state"], "done");
    let tasks = run["task_list"].as_array().unwrap();
    let names: Vec<&str> = tasks.iter().map(|task| task["asset"].as_str().unwrap()).collect();
    let place = |name: &str| names.iter().position(|known| *known == name).unwrap();
    assert!(place("raw.customers") < place("raw.orders") && place("mart.revenue") < place("mart.total"), "{names:?}");
    for task in tasks {
        let phases: Vec<&str> =
            task["phases"].as_array().unwrap().iter().map(|phase| phase["phase"].as_str().unwrap()).collect();
        assert_eq!(phases, ["waiting", "staging", "auditing", "publishing"], "{task}");
        assert!(task["phases"][3]["to"].is_string() && task["rows"].as_u64().unwrap() > 0, "{task}");
    }
    assert_eq!(tasks[place("mart.total")]["waits_for"], json!(["mart.revenue"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_is_cancelled_and_taken_up() {
    let mut files = ORDERS.to_vec();
    let slow = "select sum(a.value * b.value) as total from generate_series(1, 60000) a, generate_series(1, 60000) b, raw.orders\n";
    files.push(("assets/mart/slow.sql", slow));
    let server = Server::of(&files).await;
    let (status, started) = server.post("/runs", &json!({})).await;
    assert_eq!(status, 202, "{started}");
    let id = started["run"].as_str().unwrap().to_owned();
    for _ in 0..600 {
        let run = server.json(&format!("/runs/{id}")).await;
        assert_eq!(run["here"], run["state"] == "running");
        if run["task_list"].as_array().unwrap().iter().any(|t| t["asset"] == "mart.slow" && t["state"] == "running") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.post(&format!("/runs/{id}/cancel"), &json!({})).await.0, 202);
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "interrupted");
    assert_eq!(server.post(&format!("/runs/{id}/cancel"), &json!({})).await.0, 409, "it has ended");
    // What had been published stays published.
    assert_eq!(server.json("/assets/raw.orders").await["live"]["number"], 1);
    server.write("assets/mart/slow.sql", "select 1 as total from raw.orders\n");
    let (status, refused) = server.post(&format!("/runs/{id}/retry"), &json!({})).await;
    assert_eq!(
        (status, refused["diagnostics"][0]["code"].as_str()),
        (422, Some("LG0752")),
        "the plan differs: {refused}"
    );
    server.write("assets/mart/slow.sql", slow);
    let (status, again) = server.post(&format!("/runs/{id}/retry"), &json!({})).await;
    assert_eq!(status, 202, "{again}");
    let again = again["run"].as_str().unwrap().to_owned();
    assert_eq!(server.json(&format!("/runs/{again}")).await["retry_of"], id.as_str());
    // Stopping the server interrupts it, and says so.
    let server = server.again(false).await;
    assert_eq!(server.json(&format!("/runs/{again}")).await["state"], "interrupted");
}

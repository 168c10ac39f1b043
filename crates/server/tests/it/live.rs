//! Live events.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde_json::Value as Json;

use crate::server::{ORDERS, Server};

/// Id, sort and content of the events until one is the last, or time is over.
async fn events(server: &Server, after: Option<&str>, is_last: impl Fn(&Json) -> bool) -> Vec<(String, String, Json)> {
    let mut request = server.request(Method::GET, "/api/v1/events");
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut chunks = response.bytes_stream();
    let (mut text, mut found) = (String::new(), Vec::new());
    let listening = async {
        while let Some(chunk) = chunks.next().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let field = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
                };
                if let Some(data) = field("data:") {
                    let json: Json = serde_json::from_str(&data).unwrap();
                    let last = is_last(&json);
                    found.push((field("id:").unwrap(), field("event:").unwrap(), json));
                    if last {
                        return;
                    }
                }
                text = rest.to_owned();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), listening).await.unwrap();
    found
}

fn ended(event: &Json) -> bool {
    event["event"] == "run_ended"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_is_told_as_it_goes_and_taken_up_where_one_left() {
    let server = Server::of(ORDERS).await;
    let listening = events(&server, None, ended);
    let run = async {
        // Whoever listens hears everything from then on.
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.run().await
    };
    let (heard, run) = tokio::join!(listening, run);
    let words: Vec<String> = heard
        .iter()
        .map(|(_, sort, event)| {
            format!("{sort} {} {}", event["event"].as_str().unwrap(), event["asset"].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(words.first().unwrap(), "run run_started -");
    assert_eq!(words.last().unwrap(), "run run_ended -");
    for word in ["task task_started raw.orders", "task audited mart.revenue", "version published mart.total"] {
        assert_eq!(words.iter().filter(|heard| *heard == word).count(), 1, "{word}: {words:?}");
    }
    assert!(heard.iter().filter(|(_, sort, _)| sort == "run").all(|(.., event)| event["run"] == run["id"]));

    // From any event on, the rest comes once, in the same order.
    for left in [0, heard.len() / 2, heard.len() - 2] {
        let rest = events(&server, Some(&heard[left].0), ended).await;
        let of = |events: &[(String, String, Json)]| -> Vec<String> {
            let mut all: Vec<String> = events.iter().map(|(_, sort, event)| format!("{sort} {event}")).collect();
            all.sort();
            all
        };
        assert_eq!(of(&rest), of(&heard[left + 1..]), "behind {left}");
    }
}

/// What a command does elsewhere is heard too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn other_processes_are_heard() {
    let server = Server::of(ORDERS).await;
    let listening = events(&server, None, ended);
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        crate::runs::run_elsewhere(server.root()).await;
    };
    let (heard, ()) = tokio::join!(listening, other);
    assert!(heard.iter().any(|(_, sort, event)| sort == "version" && event["asset"] == "mart.total"), "{heard:?}");
    // And seen at once.
    assert_eq!(server.json("/assets/mart.total").await["live"]["number"], 1);
}

//! Queries: shared, kept, streamed, cancelled.

use std::time::Duration;

use arrow::ipc::reader::StreamReader;
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::server::{ORDERS, Server};

/// A metric without labels.
async fn metric(server: &Server, name: &str) -> u64 {
    let text = server.get("/metrics").await.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("lockgate_{name} ")));
    line.unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap()
}

async fn ask(server: &Server, sql: &str) -> Json {
    let (status, answer) = server.post("/query", &json!({ "sql": sql })).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_who_ask_the_same_cause_one_computation() {
    let server = Server::of(ORDERS).await;
    server.run().await;
    let heavy = "select sum(value) + (select count(*) from raw.orders) as n from generate_series(1, 1000000)";
    let answers = futures::future::join_all((0..50).map(|_| ask(&server, heavy))).await;
    assert!(answers.iter().all(|answer| answer["rows"] == answers[0]["rows"]));
    assert_eq!(metric(&server, "query_computed_total").await, 1);
    assert_eq!(answers.iter().filter(|answer| answer["cached"] == false).count(), 1);
    assert_eq!(answers[0]["versions"], json!({ "raw.orders": 1 }));

    // A new version is another question; the old one is still known.
    server.write("data/orders.csv", "id,customer,amount\n1,1,10\n");
    server.run().await;
    assert_eq!(ask(&server, heavy).await["versions"], json!({ "raw.orders": 2 }));
    assert_eq!(metric(&server, "query_computed_total").await, 2);
    let (_, old) = server.post("/query", &json!({ "sql": heavy, "limit": 1 })).await;
    assert_eq!(old["cached"], false, "another limit is another answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_goes_by_the_clock_is_not_kept() {
    let server = Server::of(ORDERS).await;
    server.run().await;
    for sql in [
        "select now() as at, count(*) as n from raw.orders",
        "select random() as r from raw.orders",
        "select count(*) as n from lockgate.runs",
        "select $run_at as at",
    ] {
        assert_eq!(ask(&server, sql).await["cached"], false, "{sql}");
        assert_eq!(ask(&server, sql).await["cached"], false, "{sql}");
    }
    let counted = "select count(*) as n from lockgate.runs";
    assert_eq!(ask(&server, counted).await["rows"], json!([[1]]));
    server.run().await;
    assert_eq!(ask(&server, counted).await["rows"], json!([[2]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_stream_as_arrow_and_csv() {
    let server = Server::of(ORDERS).await;
    server.run().await;
    let sql = "select a.value as id, 'text ' || a.value as note from generate_series(1, 200000) a order by a.value";
    let get = async |format: &str| {
        let request = server.request(Method::POST, "/api/v1/query").header("content-type", "application/json");
        let response = request.body(json!({ "sql": sql, "format": format }).to_string()).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert!(response.headers().contains_key("lockgate-query-id"));
        response.bytes().await.unwrap()
    };
    let arrow = get("arrow").await;
    let batches: Vec<_> = StreamReader::try_new(arrow.as_ref(), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 200_000);
    let csv = String::from_utf8(get("csv").await.to_vec()).unwrap();
    assert_eq!(csv.lines().count(), 200_001);
    assert_eq!(csv.lines().take(2).collect::<Vec<_>>(), ["id,note", "1,text 1"]);
    let (_, short) = server.post("/query", &json!({ "sql": sql, "limit": 3 })).await;
    assert_eq!((short["row_count"].as_u64(), short["truncated"].as_bool()), (Some(3), Some(true)));
}

const ENDLESS: &str = "select sum(value % 7) as n from generate_series(1, 1000000000000)";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_query_is_cancelled() {
    let server = Server::of(ORDERS).await;
    let question = json!({ "sql": ENDLESS });
    let asking = server.post("/query", &question);
    let cancelling = async {
        for _ in 0..200 {
            let running = server.json("/queries").await;
            if let Some(id) = running["items"][0]["id"].as_str() {
                assert_eq!(running["items"][0]["actor"], "ada");
                return server.request(Method::DELETE, &format!("/api/v1/queries/{id}")).send().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it was never listed");
    };
    let ((status, answer), cancelled) = tokio::join!(asking, cancelling);
    assert_eq!((status, cancelled.status().as_u16()), (409, 204), "{answer}");
    is_idle(&server).await;
}

/// Whoever goes away takes the work along.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_nobody_works() {
    let server = Server::of(ORDERS).await;
    for format in ["json", "csv"] {
        let request = server.request(Method::POST, "/api/v1/query").header("content-type", "application/json");
        let sql = if format == "csv" { "select a.value as v from generate_series(1, 100000000) a" } else { ENDLESS };
        let asking = request.body(json!({ "sql": sql, "format": format }).to_string()).send();
        match tokio::time::timeout(Duration::from_millis(500), asking).await {
            // A stream that is read no further.
            Ok(response) => drop(response.unwrap().bytes_stream().next().await),
            Err(_) => assert_eq!(format, "json"),
        }
        is_idle(&server).await;
    }
}

/// Those who gave up waiting for a turn leave their place.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_gives_up_waiting_takes_no_place() {
    let server = Server::of(ORDERS).await;
    // More than may wait at once, each with a question of its own, given up in three waves.
    for wave in 0..3 {
        let asking = (0..40).map(|number| {
            let question = json!({ "sql": format!("{ENDLESS} where value > {wave}{number}") });
            let request = server.request(Method::POST, "/api/v1/query").header("content-type", "application/json");
            tokio::time::timeout(Duration::from_millis(700), request.body(question.to_string()).send())
        });
        for answer in futures::future::join_all(asking).await {
            assert!(answer.is_err(), "neither answered nor refused: {answer:?}");
        }
        is_idle(&server).await;
    }
    assert_eq!(ask(&server, "select 1 as one").await["rows"], json!([[1]]));
}

async fn is_idle(server: &Server) {
    for _ in 0..300 {
        if server.json("/queries").await["items"].as_array().unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the query goes on");
}

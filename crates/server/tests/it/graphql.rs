//! GraphQL over a real server. Cases are files under `tests/cases/graphql`: queries and what is answered; `UPDATE=1` rewrites
//! the answers. What counts, waits or goes wrong on the way stands here.
//!
//! ```text
//! # prose
//! { raw__planes { tailnum } }
//! -- variables {"a": 1}
//! ----
//! the answer
//! ====
//! ```

mod limits;
mod project;

use std::path::Path;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::server::Server;

/// Asks, and answers the whole answer.
async fn ask(server: &Server, query: &str, variables: &Json) -> Json {
    let body = json!({ "query": query, "variables": variables });
    let (status, answer) = post(server, "application/json", &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Asks, and answers the data; nothing may be wrong.
async fn data(server: &Server, query: &str) -> Json {
    let answer = ask(server, query, &Json::Null).await;
    assert_eq!(answer["errors"], Json::Null, "{query}\n{answer:#}");
    answer["data"].clone()
}

async fn post(server: &Server, kind: &str, body: &str) -> (u16, Json) {
    let request = server.request(Method::POST, "/graphql").header("content-type", kind).body(body.to_owned());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Json::String(text)))
}

/// Statements that were computed, and all that were asked for.
async fn statements(server: &Server) -> (u64, u64) {
    let text = server.get("/metrics").await.text().await.unwrap();
    let of = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("lockgate_{name}_total "))).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let computed = of("query_computed");
    (computed, computed + of("query_cache_hits") + of("query_shared"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cases_are_answered() {
    let server = Server::of(&project::files()).await;
    let ran = server.run().await;
    assert_eq!(ran["state"], "done", "{ran:#}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/graphql");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut differ = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut played = String::new();
        for case in text.split_inclusive("\n====\n") {
            let (question, _) = case.split_once("\n----\n").unwrap_or((case.trim_end_matches("\n====\n"), ""));
            let question = question.trim();
            if question.is_empty() {
                continue;
            }
            let (query, variables) = question.split_once("\n-- variables ").unwrap_or((question, "{}"));
            let answer = ask(&server, query, &serde_json::from_str(variables).unwrap()).await;
            // What is long and plain is easier read in one line.
            let shown = shown(&answer);
            played.push_str(&format!("{question}\n----\n{shown}\n====\n"));
        }
        if played != text {
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&file, &played).unwrap();
            } else {
                differ.push(format!("{}\n{played}", file.display()));
            }
        }
    }
    assert!(differ.is_empty(), "{}\nUPDATE=1 rewrites them", differ.join("\n"));
}

/// Each query field, each error and the versions on a line; rows of a list each on one.
fn shown(answer: &Json) -> String {
    let mut lines = Vec::new();
    for (name, value) in answer["data"].as_object().into_iter().flatten() {
        match value {
            Json::Array(rows) if !rows.is_empty() => {
                lines.push(format!("{name}:"));
                lines.extend(rows.iter().map(|row| format!("  {row}")));
            }
            other => lines.push(format!("{name}: {other}")),
        }
    }
    for error in answer["errors"].as_array().into_iter().flatten() {
        let said = |name: &str| error["extensions"][name].as_str().map(|text| format!(" | {name}: {text}"));
        let more: String = ["expected", "hint"].into_iter().filter_map(said).collect();
        let path = error["path"].as_array().map(|path| format!(" at {}", Json::from(path.clone()))).unwrap_or_default();
        let code = error["extensions"]["code"].as_str().unwrap_or("no code");
        lines.push(format!("error {code}{path}: {}{more}", error["message"].as_str().unwrap()));
    }
    if let Some(versions) = answer["extensions"].get("versions") {
        lines.push(format!("versions: {versions}"));
    }
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nested_fields_cost_one_statement_each() {
    let mut files = project::files();
    let planes: String = (0..300).map(|n| format!("N{n},{n},maker {}\n", n % 7)).collect();
    let flights: String = (0..900).map(|n| format!("{n},N{},2026-01-01,JFK,,,,,,,\n", n % 300)).collect();
    let planes = format!("tailnum,seats,maker\n{planes}");
    let flights = format!("{}\n{flights}", project::FLIGHTS.lines().next().unwrap());
    for (path, text) in &mut files {
        match *path {
            "data/planes.csv" => *text = &planes,
            "data/flights.csv" => *text = &flights,
            _ => {}
        }
    }
    let server = Server::of(&files).await;
    assert_eq!(server.run().await["state"], "done");
    let (_, before) = statements(&server).await;
    let answer = data(
        &server,
        "{ raw__planes(limit: 300, orderBy: [{ seats: ASC }]) {
             tailnum
             raw__flights(limit: 10, orderBy: [{ id: DESC }]) { id raw__planes { seats } raw__weather { sky } }
         } }",
    )
    .await;
    let (_, after) = statements(&server).await;
    // Planes, their flights, the planes of those, the weather of those: four levels and fields, 300 planes, 900 flights.
    assert_eq!(after - before, 4);
    let planes = answer["raw__planes"].as_array().unwrap();
    assert_eq!(planes.len(), 300);
    for (n, plane) in planes.iter().enumerate() {
        let flights = plane["raw__flights"].as_array().unwrap();
        let ids: Vec<u64> = flights.iter().map(|flight| flight["id"].as_u64().unwrap()).collect();
        let n = n as u64;
        assert_eq!(ids, [n + 600, n + 300, n]);
        assert!(flights.iter().all(|flight| flight["raw__planes"]["seats"] == n));
    }
    // The planes' own statement was one of them: asked again, whatever the names, nothing is computed.
    let (computed, _) = statements(&server).await;
    data(&server, "{ raw__planes(limit: 300, orderBy: [{ seats: ASC }]) { tailnum } }").await;
    data(&server, "{ again: raw__planes(orderBy: [{ seats: ASC }], limit: 300) { other: tailnum } }").await;
    assert_eq!(statements(&server).await.0, computed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn earlier_versions_and_instants_are_read() {
    let server = Server::of(&project::files()).await;
    // Nothing is published yet: the fields are there and say so.
    let answer = ask(&server, "{ raw__planes { tailnum } hr__staff { id } }", &Json::Null).await;
    assert_eq!(answer["data"]["raw__planes"], Json::Null);
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2, "{answer:#}");
    assert!(answer["errors"][0]["extensions"]["code"].as_str().unwrap().starts_with("LG"));
    server.run().await;
    let detail = server.json("/assets/raw.flights/versions/live").await["summary"].clone();
    let first_at = detail["published_at"].as_str().unwrap().to_owned();
    let (number, rows) =
        (detail["number"].as_u64().unwrap(), "{ raw__planes(orderBy: [{ tailnum: ASC }]) { tailnum } }");
    let before = data(&server, rows).await;
    server.write("data/planes.csv", "tailnum,seats,maker\nN1,1,new\nN9,9,new\n");
    assert_eq!(server.run().await["state"], "done");
    let after = data(&server, rows).await;
    assert_ne!(before, after);
    let at = |at: &str| format!("{{ raw__planes(orderBy: [{{ tailnum: ASC }}], at: {at}) {{ tailnum }} }}");
    assert_eq!(data(&server, &at(&format!("{{ version: {number} }}"))).await, before);
    assert_eq!(data(&server, &at(&format!("{{ version: \"{number}\" }}"))).await, before);
    assert_eq!(data(&server, &at(&format!("{{ time: \"{first_at}\" }}"))).await, before);
    assert_eq!(data(&server, &at("{ time: \"2999-01-01\" }")).await, after);
    // What was live then holds for nested fields too; a version is of its own table.
    let nested =
        |at: &str| format!("{{ raw__flights(where: {{ id: {{ eq: 1 }} }}, at: {at}) {{ raw__planes {{ maker }} }} }}");
    let then = data(&server, &nested(&format!("{{ time: \"{first_at}\" }}"))).await;
    assert_eq!(then["raw__flights"][0]["raw__planes"]["maker"], "Airbus");
    let now = data(&server, &nested("{ version: 1 }")).await;
    assert_eq!(now["raw__flights"][0]["raw__planes"]["maker"], "new");
    for wrong in [
        "{ version: 99 }",
        "{ version: 0 }",
        "{ time: \"1999-01-01\" }",
        "{ time: \"x' or 1=1\" }",
        "{ version: \"1; drop\" }",
    ] {
        let answer = ask(&server, &at(wrong), &Json::Null).await;
        assert!(answer["errors"][0]["extensions"]["code"].as_str().unwrap().starts_with("LG"), "{answer:#}");
    }
    for wrong in ["{}", "{ version: 1, time: \"2026-01-01\" }", "3"] {
        let answer = ask(&server, &at(wrong), &Json::Null).await;
        assert!(!answer["errors"].as_array().unwrap().is_empty(), "{answer:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_schema_follows_the_project() {
    let server = Server::of(&project::files()).await;
    let fields = "{ __schema { queryType { fields { name description } } } }";
    let names = |answer: &Json| -> Vec<String> {
        let fields = answer["__schema"]["queryType"]["fields"].as_array().unwrap();
        fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
    };
    let before = names(&data(&server, fields).await);
    assert!(before.contains(&"raw__planes".to_owned()) && before.contains(&"raw__planes_aggregate".to_owned()));
    server.write("assets/mart/more.sql", "select 1 as one\n");
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let after = names(&data(&server, fields).await);
    assert_eq!(after.len(), before.len() + 2, "{after:?}");
}

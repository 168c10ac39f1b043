//! Requests that ask for too much, try to get out of their values, or are broken.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{ask, data, post, project, statements};
use crate::server::Server;

async fn refused(server: &Server, query: &str) -> String {
    let answer = ask(server, query, &Json::Null).await;
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}\n{answer:#}"));
    assert!(errors.iter().all(|error| error["extensions"]["code"].as_str().is_some_and(|code| code.starts_with("LG"))));
    errors[0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_too_much_is_refused_before_anything_is_read() {
    let server = Server::of(&project::files()).await;
    server.run().await;
    let before = statements(&server).await;

    // Deeper and deeper between planes and flights.
    let mut deep = "tailnum".to_owned();
    for level in 0..20 {
        let field = if level % 2 == 0 { "raw__planes" } else { "raw__flights(limit: 1)" };
        deep = format!("{field} {{ {deep} }}");
    }
    assert!(refused(&server, &format!("{{ raw__flights(limit: 1) {{ {deep} }} }}")).await.contains("deeper"));
    // So deep that parsing alone would hurt.
    let bottomless = format!("{{ a{} }}", "{a".repeat(20_000));
    assert!(refused(&server, &bottomless).await.contains("nested"));
    let lists = format!("{{ raw__planes(where: {}) {{ seats }} }}", "[".repeat(40_000));
    assert!(refused(&server, &lists).await.contains("nested"));

    let aliases: String = (0..51).map(|n| format!("a{n}: raw__planes {{ seats }} ")).collect();
    assert!(refused(&server, &format!("{{ {aliases} }}")).await.contains("more than 50"));
    let same: String = (0..51).map(|_| "raw__planes { seats } ").collect();
    assert!(refused(&server, &format!("{{ {same} }}")).await.contains("more than 50"));

    // Cells, rows of nested lists, and rows of one field.
    let columns: String = (0..30).map(|n| format!("c{n}: id ")).collect();
    let wide: String = (0..4).map(|n| format!("f{n}: raw__flights(limit: 1000) {{ {columns} }} ")).collect();
    assert!(refused(&server, &format!("{{ {wide} }}")).await.contains("120000 cells"));
    let multiplied = "{ raw__planes(limit: 500) { raw__flights(limit: 500) { id } } }";
    assert!(refused(&server, multiplied).await.contains("250000 rows"));
    assert!(refused(&server, "{ raw__planes(limit: 1001) { seats } }").await.contains("`limit` is 1001"));
    assert!(refused(&server, "{ raw__planes(limit: -1) { seats } }").await.contains("`limit` is -1"));
    assert!(refused(&server, "{ raw__planes(offset: -1) { seats } }").await.contains("`offset` is -1"));

    // Fragments that double at every level, and ones that go round.
    let mut bomb = "{ raw__planes { ...f0 } } fragment f12 on raw__planes { seats }".to_owned();
    for level in 0..12 {
        bomb.push_str(&format!(" fragment f{level} on raw__planes {{ ...f{0} ...f{0} }}", level + 1));
    }
    assert!(refused(&server, &bomb).await.contains("more than 2000"));
    let round = "{ raw__planes { ...a } } fragment a on raw__planes { ...b } fragment b on raw__planes { ...a }";
    assert!(refused(&server, round).await.contains("fragments"));

    // The schema multiplied with itself.
    let schema = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert!(refused(&server, schema).await.contains("too often"));
    let types: String = (0..10).map(|n| format!("t{n}: types {{ name }} ")).collect();
    assert!(refused(&server, &format!("{{ __schema {{ {types} }} }}")).await.contains("too often"));

    // Conditions without end.
    let mut conditions = "{ seats: { eq: 1 } }".to_owned();
    for _ in 0..15 {
        conditions = format!("{{ not: {conditions} }}");
    }
    assert!(refused(&server, &format!("{{ raw__planes(where: {conditions}) {{ seats }} }}")).await.contains("deeper"));
    let many = json!({ "w": { "or": vec![json!({ "seats": { "eq": 1 } }); 500] } });
    let answer = ask(&server, "query ($w: raw__planes_where) { raw__planes(where: $w) { seats } }", &many).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("more than 200"), "{answer}");
    let many = json!({ "w": { "seats": { "in": vec![1; 5_000] } } });
    let answer = ask(&server, "query ($w: raw__planes_where) { raw__planes(where: $w) { seats } }", &many).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("more than 1000"), "{answer}");

    assert_eq!(statements(&server).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn values_stay_values() {
    let server = Server::of(&project::files()).await;
    server.run().await;
    let attempts = [
        "' or '1'='1",
        "'; drop table raw.planes; --",
        "\\' or 1=1 --",
        "\\\\' or 1=1 --",
        "''",
        "'' or ''=''",
        "N1' union select note, note, note from raw.flights --",
        "\" or \"\"=\"",
        "$$ or $$",
        "/* */ ' /* ",
        "$since",
        "\u{0}'\u{0}",
        "chr(39)",
        "%' or tailnum like '%",
        "\u{2019} or 1=1",
        "'||(select 1)||'",
    ];
    let query = "query ($v: String, $l: [String!], $w: raw__planes_where) {
        eq: raw__planes(where: { tailnum: { eq: $v } }) { tailnum }
        in: raw__planes(where: { tailnum: { in: $l } }) { tailnum }
        contains: raw__planes(where: { tailnum: { contains: $v } }) { tailnum }
        startsWith: raw__planes(where: { or: [{ tailnum: { startsWith: $v } }, $w] }) { tailnum }
        n: raw__planes_aggregate(where: { tailnum: { ne: $v } }) { count }
        old: raw__planes(at: { version: 1 }, where: { tailnum: { eq: $v } }) { tailnum }
    }";
    for attempt in attempts {
        let variables = json!({ "v": attempt, "l": [attempt, attempt], "w": { "maker": { "like": attempt } } });
        let answer = ask(&server, query, &variables).await;
        assert_eq!(answer["errors"], Json::Null, "{attempt}\n{answer:#}");
        for field in ["eq", "in", "contains", "startsWith", "old"] {
            assert_eq!(answer["data"][field], json!([]), "{attempt}: {field}");
        }
        assert_eq!(answer["data"]["n"], json!([{ "count": 3 }]), "{attempt}");
    }
    // Values with quotes and backslashes are found as they are.
    let query = "query ($v: String) { raw__flights(where: { note: { eq: $v } }) { id } }";
    for (note, id) in [("it's", 2), ("a \"quoted\" \\ text", 3), ("100%", 4), ("", 5)] {
        let answer = ask(&server, query, &json!({ "v": note })).await;
        assert_eq!(answer["data"]["raw__flights"], json!([{ "id": id }]), "{note} {answer:#}");
    }
    // Other types take nothing but their own values.
    for (column, value) in [
        ("id", json!("1 or 1=1")),
        ("price", json!("1 or 1=1")),
        ("delay", json!("1); drop")),
        ("on", json!("2026-01-01' or 1=1")),
        ("dep", json!("2026-01-01 00:00:00' or 1=1")),
        ("seen", json!("now()")),
        ("id", json!({ "sql": "1" })),
    ] {
        let scalar = match column {
            "id" => "BigInt",
            "price" => "Decimal",
            "delay" => "Double",
            "on" => "Date",
            "dep" => "Timestamp",
            _ => "Timestamptz",
        };
        let query = format!("query ($v: {scalar}) {{ raw__flights(where: {{ {column}: {{ eq: $v }} }}) {{ id }} }}");
        let answer = ask(&server, &query, &json!({ "v": value })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "LG0901", "{answer:#}");
    }
    // Names are those of the schema, whatever is written.
    for query in [
        "{ raw__planes(orderBy: [{ nothing: ASC }]) { tailnum } }",
        "{ raw__planes(where: { nothing: { eq: 1 } }) { tailnum } }",
        "{ raw__planes_aggregate(groupBy: [nothing]) { count } }",
        "{ raw__planes { nothing } }",
        "{ raw__nothing { id } }",
        "{ lockgate__audit { id } }",
        "mutation { raw__planes { tailnum } }",
        "subscription { raw__planes { tailnum } }",
    ] {
        let answer = ask(&server, query, &Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "LG0901", "{query} {answer:#}");
    }
    let variables = json!({ "o": [{ "tailnum; drop": "ASC" }], "g": ["tailnum\" --"] });
    let query = "query ($o: [raw__planes_order!], $g: [raw__planes_column!]) {
        raw__planes(orderBy: $o) { tailnum } raw__planes_aggregate(groupBy: $g) { count } }";
    let answer = ask(&server, query, &variables).await;
    assert!(!answer["errors"].as_array().unwrap().is_empty(), "{answer:#}");
    assert_eq!(data(&server, "{ raw__planes_aggregate { count } }").await["raw__planes_aggregate"][0]["count"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn broken_requests_are_answered_as_such() {
    let server = Server::of(&project::files()).await;
    for (status, kind, body) in [
        (400, "application/json", "{"),
        (400, "application/json", ""),
        (400, "application/json", "[]"),
        (400, "application/json", "{\"variables\": {}}"),
        (400, "application/json", "{\"query\": 3}"),
        (400, "application/json", "{\"query\": \"{ __typename }\", \"variables\": [1]}"),
        (400, "application/json", "[{\"query\": \"{ __typename }\"}]"),
        (415, "text/plain", "{\"query\": \"{ __typename }\"}"),
    ] {
        let (found, answer) = post(&server, kind, body).await;
        assert_eq!(found, status, "{body} {answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "LG0901", "{answer}");
    }
    let (status, _) = post(&server, "application/json", &format!("{{\"query\": \"{}\"}}", " ".repeat(1 << 20))).await;
    assert_eq!(status, 413);
    for query in [
        "",
        "{",
        "{ }",
        "query",
        "{ raw__planes }",
        "{ raw__planes { tailnum } ",
        "\u{0}",
        "{ raw__planes(where: $x) { seats } }",
    ] {
        let answer = ask(&server, query, &Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "LG0901", "{query} {answer:#}");
    }
    let (status, answer) = post(&server, "application/json; charset=utf-8", "{\"query\": \"{ __typename }\"}").await;
    assert_eq!((status, &answer["data"]["__typename"]), (200, &json!("Query")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_page_is_for_browsers_and_the_data_for_who_may_read() {
    let server = Server::start(&project::files(), true).await;
    let page = server.request(Method::GET, "/graphql").header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 200);
    let text = page.text().await.unwrap();
    // Nothing inline, nothing from elsewhere: the content security policy would refuse it.
    assert!(text.contains("/graphql/explorer.js") && !text.contains("<script>") && !text.contains("://"), "{text}");
    assert!(!text.contains(" onclick=") && !text.contains(" onload="));
    for (path, kind) in [("explorer.js", "text/javascript"), ("explorer.css", "text/css")] {
        let file = server.get(&format!("/graphql/{path}")).await;
        assert_eq!(file.status(), 200);
        assert!(file.headers()["content-type"].to_str().unwrap().starts_with(kind));
        assert!(file.text().await.unwrap().len() > 1_000);
    }
    assert_eq!(
        server.request(Method::GET, "/graphql").header("accept", "application/json").send().await.unwrap().status(),
        405
    );
    let (status, _) = post(&server, "application/json", "{\"query\": \"{ __typename }\"}").await;
    assert_eq!(status, 401);
}

//! What must stay cheap, and what must not end the process.

use std::time::{Duration, Instant};

use lockgate_engine::{PinnedTable, parse};

use crate::fixture::{Fixture, schema, sql};

/// A plan knows the tables that it names, not the thousand others. Generous, for debug builds on a busy machine.
#[tokio::test]
async fn a_thousand_tables_cost_nothing() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let columns = schema("id: bigint, name: string, day: date");
    let started = Instant::now();
    for table in 0..1_000 {
        session.register(PinnedTable::empty(format!("raw.t{table}").parse().unwrap(), columns.clone())).unwrap();
    }
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    let started = Instant::now();
    for table in 0..50 {
        let text = format!(
            "select a.id, max(b.name) as name from raw.t{table} a join raw.t{} b using (id) group by a.id",
            table + 1
        );
        session.fork().plan(&sql(&text, 1)).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// On the small stack of a runtime's thread: an answer, whatever it is, and no overflow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_sql_is_planned_or_refused() {
    let fixture = Fixture::new();
    let session = fixture.session();
    session.register(PinnedTable::empty("raw.t".parse().unwrap(), schema("id: bigint, flag: boolean"))).unwrap();
    let chain = |n: usize, joint: &str| vec!["id = 1"; n].join(joint);
    let planned = |text: String| {
        let session = session.clone();
        tokio::spawn(async move { session.plan(&sql(&text, 1)).await.map(|_| ()) })
    };
    let run = |text: String| {
        let session = session.clone();
        tokio::spawn(async move { session.collect(&text).await.map(|_| ()) })
    };
    planned(format!("select id from raw.t where {}", chain(800, " or "))).await.unwrap().unwrap();
    run(format!("select id from raw.t where {}", chain(800, " and id <> 5 or "))).await.unwrap().unwrap();
    run(format!("select id from raw.t where {}", chain(300, " or "))).await.unwrap().unwrap();
    let calls = |n: usize| format!("select {}1{} as x", "abs(".repeat(n), ")".repeat(n));
    run(calls(100)).await.unwrap().unwrap();
    let nested = |n: usize| format!("select {}id{} as x from raw.t", "(".repeat(n), ")".repeat(n));
    for text in [
        format!("select id from raw.t where {}", chain(20_000, " or ")),
        nested(5_000),
        format!("select id from raw.t where {} flag", "not ".repeat(30_000)),
        calls(3_000),
        format!("select * from {}raw.t{}", "(select * from ".repeat(2_000), ")".repeat(2_000)),
        format!("select 1 as x{}", " union all select 1".repeat(20_000)),
        format!("select {}1", "- ".repeat(50_000)),
    ] {
        let error = planned(text.clone()).await.unwrap().unwrap_err();
        assert!(error.has_errors());
        assert!(parse(&sql(&text, 1)).is_err(), "{}", &text[..60]);
    }
    // Long is not deep.
    let list = (0..20_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    planned(format!("select id from raw.t where id in ({list})")).await.unwrap().unwrap();
}

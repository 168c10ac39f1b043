//! What is loaded bit by bit: what stays, what is replaced, what is refused.

use chrono::{DateTime, TimeZone, Utc};
use lockgate_run::{PlanOptions, RunSummary, TimeSpan, Which};
use lockgate_types::{RunState, Version};

use crate::world::{World, name, outcome};

/// A source that is read anew each time, and a mart over it.
fn world(columns: &str, csv: &str, mart: &str) -> World {
    World::new(&[
        ("data/rows.csv", csv),
        ("assets/raw/rows.yml", &format!("kind: source\nread: {{ path: data/rows.csv }}\ncolumns: {columns}\n")),
        ("assets/mart/kept.sql", mart),
    ])
}

fn at(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 1, day, 0, 0, 0).unwrap()
}

async fn live(world: &World, asset: &str) -> Version {
    let (workspace, graph) = world.opened().await;
    workspace.show(&graph, &name(asset), Which::Live, 0).await.unwrap().version
}

/// What a run said of one asset that failed.
fn failure(summary: &RunSummary, asset: &str) -> (String, String) {
    let result = summary.results.iter().find(|result| result.asset == name(asset)).unwrap();
    let diagnostic = result.diagnostics.0.first().unwrap_or_else(|| panic!("{summary:#?}"));
    (diagnostic.code.id.to_owned(), diagnostic.message.clone())
}

const PEOPLE: &str = "{ id: bigint, city: string, gone: boolean }";

fn merging(header: &str) -> String {
    format!("/*\nload: {{ merge: {{ key: id, deletes: gone }} }}\n{header}*/\nselect id, city, gone from raw.rows\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_replaces_adds_and_takes_out_by_key() {
    let first = "id,city,gone\n1,Rome,false\n2,Oslo,false\n3,Lima,\n4,Bonn,true\n";
    let world = world(PEOPLE, first, &merging("checks: [{ unique: id }]\n"));
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.query("select * from mart.kept order by id").await, ["1,Rome", "2,Oslo", "3,Lima"]);

    world.write("data/rows.csv", "id,city,gone\n2,Pisa,false\n3,,true\n5,Kyiv,false\n9,Nowhere,true\n");
    assert_eq!(outcome(&world.run().await), "mart.kept published, raw.rows published");
    assert_eq!(world.query("select * from mart.kept order by id").await, ["1,Rome", "2,Pisa", "5,Kyiv"]);
    assert_eq!(outcome(&world.run().await), "");
}

/// Files without a row of the build's keys are those of the version before, untouched.
#[tokio::test(flavor = "multi_thread")]
async fn merge_rewrites_only_the_files_that_it_touches() {
    let world = world(PEOPLE, "id,city,gone\n1,Rome,\n2,Oslo,\n", &merging("partition_by: [city]\n"));
    world.run().await;
    let before = live(&world, "mart.kept").await;
    assert_eq!(before.files.len(), 2);
    world.write("data/rows.csv", "id,city,gone\n2,Pisa,\n");
    world.run().await;
    let after = live(&world, "mart.kept").await;
    let kept: Vec<_> = after.files.iter().filter(|file| before.files.contains(file)).collect();
    assert_eq!(kept.len(), 1, "{after:#?}");
    assert_eq!(world.query("select * from mart.kept order by id").await, ["1,Rome", "2,Pisa"]);
    let scratch = world.root().join(format!("store/tables/mart/kept/_lockgate/v{}/scratch", after.number));
    assert!(!scratch.exists(), "what a build needs meanwhile does not stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_refuses_keys_that_are_null_or_stand_twice() {
    let world = world(PEOPLE, "id,city,gone\n1,Rome,\n1,Oslo,\n", &merging(""));
    let (code, message) = failure(&world.run().await, "mart.kept");
    assert_eq!((code.as_str(), message.as_str()), ("LG0234", "the key (id) of mart.kept stands twice: 1 (2 rows)"));
    world.write("data/rows.csv", "id,city,gone\n1,Rome,\n,Oslo,\n");
    let (code, message) = failure(&world.run().await, "mart.kept");
    assert_eq!((code.as_str(), message.as_str()), ("LG0235", "1 row has a null in the key (id) of mart.kept"));
    world.write("data/rows.csv", "id,city,gone\n1,Rome,\n");
    world.run().await;
    world.write("data/rows.csv", "id,city,gone\n2,Rome,\n2,Oslo,\n");
    assert_eq!(failure(&world.run().await, "mart.kept").0, "LG0234");
    assert_eq!(world.query("select * from mart.kept").await, ["1,Rome"]);
}

/// A bad row of what is merged holds the version as it would be; what is live stays, and the next build goes on from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_sees_the_merged_table_as_it_would_be() {
    let checks = "checks:\n  - rows: { max: 2 }\n  - not_null: city\n";
    let world = world(PEOPLE, "id,city,gone\n1,Rome,\n2,Oslo,\n", &merging(checks));
    world.run().await;
    world.write("data/rows.csv", "id,city,gone\n3,Lima,\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.kept held, raw.rows published");
    assert_eq!(world.query("select count(*) from mart.kept").await, ["2"]);
    world.write("data/rows.csv", "id,city,gone\n2,,true\n3,Lima,\n");
    assert_eq!(outcome(&world.run().await), "mart.kept published, raw.rows published");
    assert_eq!(world.query("select * from mart.kept order by id").await, ["1,Rome", "3,Lima"]);
}

/// What the SQL yields no more would be lost by a rebuild: it is refused, and says how much.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_would_lose_rows_asks_first() {
    let world = world(PEOPLE, "id,city,gone\n1,Rome,\n2,Oslo,\n", &merging(""));
    world.run().await;
    world.write("data/rows.csv", "id,city,gone\n2,Pisa,\n");
    world.run().await;
    let upper = merging("").replace("select id, city,", "select id, upper(city) as city,");
    world.write("assets/mart/kept.sql", &upper);
    let (code, message) = failure(&world.run().await, "mart.kept");
    assert_eq!(code, "LG0240");
    assert_eq!(message, "building mart.kept anew would lose 1 row of version 2 whose keys its SQL yields no more");
    assert_eq!(world.query("select * from mart.kept order by id").await, ["1,Rome", "2,Pisa"]);

    // Forward: what is there stays, what comes is built by the new code.
    world.write("assets/mart/kept.sql", &upper.replace("/*\n", "/*\non_change: forward\n"));
    assert_eq!(outcome(&world.run().await), "mart.kept published");
    assert_eq!(world.query("select * from mart.kept order by id").await, ["1,Rome", "2,PISA"]);

    let confirmed = PlanOptions { full_refresh: true, confirmed: true, ..PlanOptions::default() };
    world.run_with(confirmed).await.unwrap();
    assert_eq!(world.query("select * from mart.kept order by id").await, ["2,PISA"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_load_that_would_lose_history_asks_first() {
    let world = world(PEOPLE, "id,city,gone\n1,Rome,\n", &merging(""));
    world.run().await;
    world.write("data/rows.csv", "id,city,gone\n2,Pisa,\n");
    world.run().await;
    world.write("assets/mart/kept.sql", "select id, city, gone from raw.rows\n");
    let (code, message) = failure(&world.run().await, "mart.kept");
    assert_eq!(code, "LG0722");
    assert!(message.contains("`merge by id, deletes gone` and is `full` now: the 2 rows of version 2"), "{message}");
    let confirmed = PlanOptions { confirmed: true, ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(confirmed).await.unwrap()), "mart.kept published");
    assert_eq!(world.query("select id from mart.kept").await, ["2"]);

    // From full to a load that keeps: it goes on from a table that the SQL yields whole.
    world.write("assets/mart/kept.sql", &merging(""));
    assert_eq!(outcome(&world.run().await), "mart.kept published");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_replaces_those_that_it_yields() {
    let columns = "{ day: date, n: bigint }";
    let mart = "/*\nload: { partitions: day }\n*/\nselect day, n from raw.rows\n";
    let world = world(columns, "day,n\n2024-01-01,1\n2024-01-01,2\n2024-01-02,3\n,4\n", mart);
    world.run().await;
    world.write("data/rows.csv", "day,n\n2024-01-02,30\n2024-01-03,40\n,50\n");
    world.run().await;
    assert_eq!(
        world.query("select day, n from mart.kept order by n").await,
        ["2024-01-01,1", "2024-01-01,2", "2024-01-02,30", "2024-01-03,40", "null,50"]
    );
    let version = live(&world, "mart.kept").await;
    assert_eq!(version.partition_by, ["day"]);
    // A build that yields nothing replaces nothing.
    world.write("data/rows.csv", "day,n\n");
    world.run().await;
    assert_eq!(world.query("select count(*) from mart.kept").await, ["5"]);
    let refresh = PlanOptions { full_refresh: true, ..PlanOptions::default() };
    let summary = world.run_with(refresh).await.unwrap();
    assert!(failure(&summary, "mart.kept").1.contains("would lose 4 partitions of version 3"), "{summary:#?}");
}

fn appending() -> World {
    World::new(&[
        ("data/a.csv", "id,k\n1,x\n2,y\n"),
        ("data/names.csv", "k,name\nx,Xenia\ny,Yara\n"),
        (
            "assets/raw/events.yml",
            "kind: source\nload: append\nread: { path: \"data/?.csv\" }\ncolumns: { id: bigint, k: string }\n",
        ),
        (
            "assets/raw/names.yml",
            "kind: source\nread: { path: data/names.csv }\ncolumns: { k: string, name: string }\n",
        ),
        (
            "assets/mart/named.sql",
            "/*\nload: { append: { from: raw.events } }\n*/\nselect e.id, n.name from raw.events e join raw.names n on n.k = e.k\n",
        ),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn append_reads_the_added_rows_of_one_input_and_the_others_whole() {
    let world = appending();
    world.run().await;
    world.write("data/names.csv", "k,name\nx,Xavier\ny,Yannis\n");
    world.run().await;
    assert_eq!(world.query("select * from mart.named order by 1").await, ["1,Xenia", "2,Yara"], "no row was added");
    world.write("data/b.csv", "id,k\n3,x\n");
    assert_eq!(outcome(&world.run().await), "mart.named published, raw.events published");
    assert_eq!(world.query("select * from mart.named order by 1").await, ["1,Xenia", "2,Yara", "3,Xavier"]);
    assert_eq!(outcome(&world.run().await), "");
}

/// After a rollback, what was added since is added again, once.
#[tokio::test(flavor = "multi_thread")]
async fn append_goes_on_from_the_content_that_a_rollback_restored() {
    let world = appending();
    world.run().await;
    for (file, id) in [("b", 3), ("c", 4)] {
        world.write(&format!("data/{file}.csv"), &format!("id,k\n{id},x\n"));
        world.run().await;
    }
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("mart.named"), lockgate_types::VersionNumber(1), "test").await.unwrap();
    drop(workspace);
    assert_eq!(outcome(&world.run().await), "");
    world.write("data/d.csv", "id,k\n5,y\n");
    world.run().await;
    assert_eq!(world.query("select id from mart.named order by 1").await, ["1", "2", "3", "4", "5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn append_refuses_an_input_that_lost_rows() {
    let world = appending();
    world.run().await;
    let refresh =
        PlanOptions { full_refresh: true, selectors: vec!["raw.events".to_owned()], ..PlanOptions::default() };
    world.run_with(refresh).await.unwrap();
    let (code, message) = failure(&world.run().await, "mart.named");
    assert_eq!(code, "LG0237");
    assert_eq!(message, "1 file of raw.events version 1 is no more: rows of it were read here");
    let refresh =
        PlanOptions { full_refresh: true, selectors: vec!["mart.named".to_owned()], ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(refresh).await.unwrap()), "mart.named published");
    assert_eq!(world.query("select count(*) from mart.named").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn append_of_several_inputs_names_the_one() {
    let world = appending();
    let mart = "/*\nload: append\n*/\nselect e.id, n.name from raw.events e join raw.names n on n.k = e.k\n";
    world.write("assets/mart/named.sql", mart);
    let error = world.open().await.unwrap().graph().await.unwrap_err().to_string();
    assert!(
        error.contains("LG0233") && error.contains("mart.named appends, and reads raw.events, raw.names"),
        "{error}"
    );
}

const PRICES: &str = "{ id: bigint, price: bigint }";
const HISTORY: &str =
    "/*\nload: { scd2: { key: id } }\nchecks: [{ unique: [id, valid_from] }]\n*/\nselect id, price from raw.rows\n";

const STATES: &str = "select id, price, cast(valid_from as date), cast(valid_to as date) from mart.kept order by 1, 3";

#[tokio::test(flavor = "multi_thread")]
async fn scd2_keeps_every_state() {
    let world = world(PRICES, "id,price\n1,10\n2,20\n3,\n", HISTORY);
    world.run_as_of(at(1)).await;
    world.write("data/rows.csv", "id,price\n1,11\n2,20\n3,\n4,40\n");
    world.run_as_of(at(2)).await;
    world.write("data/rows.csv", "id,price\n1,11\n4,41\n3,30\n");
    let summary = world.run_as_of(at(3)).await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    assert_eq!(
        world.query(STATES).await,
        [
            "1,10,2024-01-01,2024-01-02",
            "1,11,2024-01-02,null",
            "2,20,2024-01-01,2024-01-03",
            "3,null,2024-01-01,2024-01-03",
            "3,30,2024-01-03,null",
            "4,40,2024-01-02,2024-01-03",
            "4,41,2024-01-03,null",
        ]
    );
    // A key that comes back begins anew.
    world.write("data/rows.csv", "id,price\n1,11\n2,22\n4,41\n3,30\n");
    world.run_as_of(at(4)).await;
    assert_eq!(world.query("select count(*) from mart.kept where id = 2 and valid_to is null").await, ["1"]);
    assert_eq!(world.query("select count(*) from mart.kept").await, ["8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scd2_keeps_what_vanished_when_told_and_never_runs_back() {
    let keep = HISTORY.replace("key: id }", "key: id, vanished: keep }");
    let world = world(PRICES, "id,price\n1,10\n2,20\n", &keep);
    world.run_as_of(at(2)).await;
    world.write("data/rows.csv", "id,price\n1,11\n");
    let (code, message) = failure(&world.run_as_of(at(1)).await, "mart.kept");
    assert_eq!(code, "LG0238");
    assert!(message.starts_with("the state of id 1 in mart.kept began at 2024-01-02"), "{message}");
    world.run_as_of(at(3)).await;
    assert_eq!(
        world.query(STATES).await,
        ["1,10,2024-01-02,2024-01-03", "1,11,2024-01-03,null", "2,20,2024-01-02,null"]
    );
    let refresh = PlanOptions { full_refresh: true, as_of: Some(at(4)), ..PlanOptions::default() };
    let (code, message) = failure(&world.run_with(refresh).await.unwrap(), "mart.kept");
    assert_eq!(code, "LG0240");
    assert!(message.contains("would lose the history of version 3, 3 rows"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scd2_goes_by_the_rows_own_time() {
    let columns = "{ id: bigint, price: bigint, seen_at: timestamptz }";
    let mart = "/*\nload: { scd2: { key: id, updated_at: seen_at } }\n*/\nselect id, price, seen_at from raw.rows\n";
    let world = world(columns, "id,price,seen_at\n1,10,2024-01-01T08:00:00Z\n", mart);
    world.run_as_of(at(9)).await;
    world.write("data/rows.csv", "id,price,seen_at\n1,11,2024-01-05T08:00:00Z\n");
    let summary = world.run_as_of(at(9)).await;
    assert_eq!(outcome(&summary), "mart.kept published, raw.rows published", "{summary:#?}");
    assert_eq!(
        world
            .query("select price, cast(valid_from as varchar), cast(valid_to as varchar) from mart.kept order by 1")
            .await,
        ["10,2024-01-01T08:00:00Z,2024-01-05T08:00:00Z", "11,2024-01-05T08:00:00Z,null"]
    );
    world.write("data/rows.csv", "id,price,seen_at\n1,12,2024-01-05T08:00:00Z\n");
    assert_eq!(failure(&world.run_as_of(at(10)).await, "mart.kept").0, "LG0238");
}

fn ranged(header: &str) -> String {
    format!("/*\nload: {{ time_range: {{ column: at, grain: 1d{header} }} }}\n*/\nselect at, n from raw.rows\n")
}

const TIMED: &str = "{ at: timestamp, n: bigint }";
const THREE_DAYS: &str = "at,n\n2024-01-01T05:00:00,1\n2024-01-02T05:00:00,2\n2024-01-03T05:00:00,3\n";

#[tokio::test(flavor = "multi_thread")]
async fn time_range_builds_what_has_ended_and_fills_gaps() {
    let world = world(TIMED, THREE_DAYS, &ranged(""));
    world.run_as_of(at(3)).await;
    assert_eq!(world.query("select n from mart.kept order by 1").await, ["1", "2"], "3 January is not over");
    assert_eq!(outcome(&world.run_as_of(at(3)).await), "");

    let plan = world.plan(PlanOptions { as_of: Some(at(4)), ..PlanOptions::default() }).await;
    assert_eq!(plan.steps[0].reasons[0].to_string(), "the range that ends at 2024-01-04 is due");
    world.run_as_of(at(4)).await;
    assert_eq!(world.query("select n from mart.kept order by 1").await, ["1", "2", "3"]);

    // What is done is not built again: a late row waits for a backfill.
    world.write("data/rows.csv", &format!("{THREE_DAYS}2024-01-02T06:00:00,20\n2024-01-05T06:00:00,5\n"));
    world.run_as_of(at(6)).await;
    assert_eq!(world.query("select n from mart.kept order by 1").await, ["1", "2", "3", "5"]);
    let range = Some(TimeSpan { from: at(2), to: at(3) });
    let summary = world.run_with(PlanOptions { range, as_of: Some(at(6)), ..PlanOptions::default() }).await.unwrap();
    assert_eq!(outcome(&summary), "mart.kept published");
    assert_eq!(world.query("select n from mart.kept order by 1").await, ["1", "2", "3", "5", "20"]);
    assert_eq!(outcome(&world.run_as_of(at(6)).await), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_range_looks_back_for_late_rows() {
    let world = world(TIMED, THREE_DAYS, &ranged(", lookback: 2d"));
    world.run_as_of(at(4)).await;
    world.write("data/rows.csv", &format!("{THREE_DAYS}2024-01-01T09:00:00,10\n2024-01-03T09:00:00,30\n"));
    world.run_as_of(at(4)).await;
    assert_eq!(world.query("select n from mart.kept order by 1").await, ["1", "2", "3", "30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_range_of_days_with_a_start() {
    let columns = "{ at: date, n: bigint }";
    let csv = "at,n\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n";
    let world = world(columns, csv, &ranged(", start: 2024-01-02"));
    world.run_as_of(at(4)).await;
    assert_eq!(world.query("select at, n from mart.kept order by 1").await, ["2024-01-02,2", "2024-01-03,3"]);
    world.write("data/rows.csv", "at,n\n2024-01-02,20\n,9\n");
    let range = Some(TimeSpan { from: at(2), to: at(3) });
    let backfill = PlanOptions { range, as_of: Some(at(4)), ..PlanOptions::default() };
    let (code, message) = failure(&world.run_with(backfill.clone()).await.unwrap(), "mart.kept");
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("LG0236", "1 row has no `at` in mart.kept: it belongs to no range of time")
    );
    world.write("data/rows.csv", "at,n\n2024-01-02,20\n");
    world.run_with(backfill).await.unwrap();
    assert_eq!(world.query("select at, n from mart.kept order by 1").await, ["2024-01-02,20", "2024-01-03,3"]);
}

/// The ledger is part of the version: what a rollback restores is due again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_goes_back_with_the_rows() {
    let world = world(TIMED, THREE_DAYS, &ranged(""));
    world.run_as_of(at(2)).await;
    world.run_as_of(at(4)).await;
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("mart.kept"), lockgate_types::VersionNumber(1), "test").await.unwrap();
    drop(workspace);
    assert_eq!(world.query("select n from mart.kept").await, ["1"]);
    world.run_as_of(at(5)).await;
    assert_eq!(world.query("select n from mart.kept order by 1").await, ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_time_that_mean_nothing_are_refused() {
    let world = world(TIMED, THREE_DAYS, "select at, n from raw.rows\n");
    let range = Some(TimeSpan { from: at(2), to: at(3) });
    let error = world.run_with(PlanOptions { range, ..PlanOptions::default() }).await.unwrap_err().to_string();
    assert!(error.contains("LG0721") && error.contains("nothing that is selected"), "{error}");
    world.write("assets/mart/kept.sql", &ranged(""));
    let range = Some(TimeSpan { from: at(3), to: at(3) });
    let error = world.run_with(PlanOptions { range, ..PlanOptions::default() }).await.unwrap_err().to_string();
    assert!(error.contains("from 2024-01-03 to 2024-01-03 is no time"), "{error}");
    let range = Some(TimeSpan { from: at(20), to: at(21) });
    let summary = world.run_with(PlanOptions { range, as_of: Some(at(4)), ..PlanOptions::default() }).await.unwrap();
    assert_eq!(failure(&summary, "mart.kept").0, "LG0241");
}

/// Of what is loaded bit by bit, only the rows that came are divided; what was there stays in its files.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_takes_rows_out_of_what_came() {
    let source = "kind: source\nload: append\nread: { path: \"data/*.csv\" }\ncolumns: { id: bigint, n: bigint }\nrejects: 5\nchecks:\n  - { expect: \"n >= 0\", name: not_negative, action: reject }\n  - { unique: id, action: reject }\n";
    let world = World::new(&[
        ("data/a.csv", "id,n\n1,10\n2,-20\n3,x\n"),
        ("assets/raw/rows.yml", source),
        ("assets/mart/seen.sql", "/*\nload: append\n*/\nselect id, n from raw.rows\n"),
    ]);
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    assert_eq!(world.query("select id from raw.rows").await, ["1"]);
    let before = live(&world, "raw.rows").await;
    world.write("data/b.csv", "id,n\n1,11\n4,40\n5,-50\n6,y\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.seen published, raw.rows published", "{summary:#?}");
    let after = live(&world, "raw.rows").await;
    assert!(before.files.iter().all(|file| after.files.contains(file)), "{after:#?}");
    assert_eq!(world.query("select id, n from raw.rows order by 1").await, ["1,10", "4,40"]);
    assert_eq!(world.query("select id from mart.seen order by 1").await, ["1", "4"]);
    assert_eq!(
        world.query("select id, n, _raw, _check from raw.rows__rejects order by 1, 3").await,
        [
            "1,11,null,unique_id",
            "2,-20,null,not_negative",
            "5,-50,null,not_negative",
            "null,null,3,x,null",
            "null,null,6,y,null"
        ]
    );
}

/// What is built whole each time goes on from nothing: its columns may become whatever they like.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_load_may_change_its_types_and_its_layout() {
    let world = world(PEOPLE, "id,city,gone\n1,Rome,\n", "select id, city from raw.rows\n");
    world.run().await;
    world.write(
        "assets/mart/kept.sql",
        "/*\npartition_by: [id]\n*/\nselect cast(id as varchar) as id, city from raw.rows\n",
    );
    assert_eq!(outcome(&world.run().await), "mart.kept published");

    // What goes on from stored rows says what does not go with them.
    let merge = |id: &str| {
        format!("/*\nload: {{ merge: {{ key: id }} }}\non_change: forward\n*/\nselect {id} as id, city from raw.rows\n")
    };
    world.write("assets/mart/kept.sql", &merge("id"));
    assert_eq!(outcome(&world.run().await), "mart.kept published");
    world.write("assets/mart/kept.sql", &merge("cast(id as varchar)"));
    let (code, message) = failure(&world.run().await, "mart.kept");
    assert_eq!(code, "LG0239");
    assert!(message.starts_with("column `id` is bigint in version 3 and would be string"), "{message}");
}

/// A unit test is about what the SQL yields; what `load` adds to it or takes from it is stored, and not its own.
#[tokio::test(flavor = "multi_thread")]
async fn unit_tests_are_about_what_the_sql_yields() {
    let world = world(PEOPLE, "id,city,gone\n1,Rome,\n", &merging("cluster_by: [id]\n"));
    world.write(
        "assets/mart/states.sql",
        "/*\nload: { scd2: { key: id } }\ncluster_by: [valid_from]\n*/\nselect id, city from raw.rows\n",
    );
    let given = "given: { raw.rows: [{ id: 1, city: Rome, gone: true }] }\n";
    world.write("tests/mart.kept.yml", &format!("{given}expect: [{{ id: 1, city: Rome, gone: true }}]\n"));
    world.write("tests/mart.states.yml", &format!("{given}expect: [{{ id: 1, city: Rome }}]\n"));
    for _ in 0..2 {
        // The second time, plans come from the cache.
        let (workspace, graph) = world.opened().await;
        let tests = workspace.unit_tests(&graph, &[], &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(tests.tests.len(), 2);
        for test in &tests.tests {
            let result = workspace.run_unit_test(test).await;
            assert!(matches!(result.outcome, lockgate_run::TestOutcome::Passed), "{result:?}");
        }
    }
}

use std::collections::BTreeSet;

use chrono::{Duration, NaiveDate, Utc};
use lockgate_run::{DiffOf, PlanOptions, RunError, SuppressRequest};
use lockgate_types::{RunState, VersionNumber, VersionState};

use crate::world::{World, name, outcome};

async fn with_a_held_mart() -> World {
    let world = World::orders();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,25\n3,-5\n");
    assert_eq!(world.run().await.state, RunState::Held);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_version_is_published_by_hand_with_a_reason() {
    let world = with_a_held_mart().await;
    let (workspace, graph) = world.opened().await;
    let version = workspace.publish_held(&graph, &name("mart.totals"), None, "a refund").await.unwrap();
    assert_eq!((version.state, version.why.as_deref()), (VersionState::Published, Some("a refund")));
    drop(workspace);
    assert_eq!(world.query("select count(*) from mart.totals").await, ["3"]);
    assert_eq!(outcome(&world.run().await), "mart.sum published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_version_whose_base_has_moved_is_not_published() {
    let world = with_a_held_mart().await;
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("raw.orders"), VersionNumber(1), "test").await.unwrap();
    let held = workspace.history(&name("mart.totals")).await.unwrap();
    assert_eq!(held[0].state, VersionState::Held);
    drop(workspace);
    let forced = PlanOptions { force: true, selectors: vec!["mart.totals".to_owned()], ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(forced).await.unwrap()), "mart.totals published");
    let (workspace, graph) = world.opened().await;
    let error = workspace.publish_held(&graph, &name("mart.totals"), None, "late").await.unwrap_err();
    assert!(matches!(error, RunError::NothingHeld { .. }), "a newer candidate replaced it: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dismissed_candidate_is_not_built_again() {
    let world = with_a_held_mart().await;
    let (workspace, _) = world.opened().await;
    workspace.dismiss(&name("mart.totals"), None, "the row is wrong at the source").await.unwrap();
    drop(workspace);
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    assert_eq!(world.query("select count(*) from mart.totals").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_stays_until_something_changes() {
    let world = World::orders();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,30\n");
    world.run().await;
    let (workspace, graph) = world.opened().await;
    let version = workspace.rollback(&graph, &name("mart.totals"), VersionNumber(1), "wrong order").await.unwrap();
    assert_eq!(version.restores, Some(VersionNumber(1)));
    drop(workspace);
    assert_eq!(world.query("select count(*) from mart.totals").await, ["2"]);
    assert_eq!(outcome(&world.run().await), "mart.sum published", "it is no staler than before, its readers are");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
    world.write("data/orders.csv", "id,amount\n1,1\n");
    world.run().await;
    assert_eq!(world.query("select total from mart.sum").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_lets_a_failure_pass_until_it_gets_worse() {
    let world = with_a_held_mart().await;
    let (workspace, graph) = world.opened().await;
    let all: BTreeSet<_> = graph.nodes().keys().cloned().collect();
    let review = NaiveDate::from_ymd_opt(2030, 1, 1).unwrap();
    let report = workspace.baseline(&graph, &all, review, None, Some("refunds")).await.unwrap();
    assert_eq!(report.written.len(), 1);
    drop(workspace);
    let passed = world.run().await;
    assert_eq!(passed.state, RunState::Done, "{passed:#?}");
    assert_eq!(
        world.query("select count(*) from mart.totals").await,
        ["3"],
        "the held candidate was published, not built again"
    );

    world.write("data/orders.csv", "id,amount\n1,10\n2,-25\n3,-5\n");
    assert_eq!(world.run().await.state, RunState::Held, "two of three are worse than one of three");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppression_lets_one_check_fail_within_its_limit() {
    let world = with_a_held_mart().await;
    let (workspace, graph) = world.opened().await;
    let request = |check: &str, days: i64| SuppressRequest {
        asset: name("mart.totals"),
        check: check.to_owned(),
        until: Utc::now() + Duration::days(days),
        why: "on call".to_owned(),
        limit: Some(lockgate_types::Threshold::Rows(1)),
    };
    assert!(workspace.suppress(&graph, request("exspect", 1)).await.unwrap_err().to_string().contains("LG0718"));
    assert!(workspace.suppress(&graph, request("expect", -1)).await.unwrap_err().to_string().contains("LG0719"));
    workspace.suppress(&graph, request("expect", 1)).await.unwrap();
    drop(workspace);
    assert_eq!(world.run().await.state, RunState::Done);
    world.write("data/orders.csv", "id,amount\n1,-10\n2,-25\n3,-5\n");
    assert_eq!(world.run().await.state, RunState::Held, "three rows are over the limit of one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_of_a_held_version_is_by_key() {
    let world = with_a_held_mart().await;
    let (workspace, graph) = world.opened().await;
    let diff = workspace.diff(&graph, &name("mart.totals"), DiffOf::Held, None, 10).await.unwrap();
    let diff = diff.finish().await.unwrap();
    assert_eq!((diff.added, diff.removed, diff.changed, diff.unchanged), (1, 0, 1, 1));
    assert_eq!(diff.key, ["id"]);
    assert_eq!(diff.columns.len(), 1);
    assert_eq!(diff.samples_changed[0].cells, [("amount".to_owned(), Some("20".to_owned()), Some("25".to_owned()))]);
    assert_eq!(diff.samples_added.rows, [[Some("3".to_owned()), Some("-5".to_owned())]]);
}

/// However many versions back a source goes, the files that were there then make it no staler than one.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_of_a_source_over_several_versions_stays() {
    let world = World::new(&[
        ("data/a.csv", "id\n1\n"),
        ("assets/raw/files.yml", "kind: source\nload: append\nread: { path: data/*.csv }\ncolumns: { id: bigint }\n"),
    ]);
    world.run().await;
    for (file, row) in [("b", 2), ("c", 3)] {
        world.write(&format!("data/{file}.csv"), &format!("id\n{row}\n"));
        assert_eq!(outcome(&world.run().await), "raw.files published");
    }
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("raw.files"), VersionNumber(1), "test").await.unwrap();
    drop(workspace);
    assert_eq!(outcome(&world.run().await), "", "nothing has changed since");
    assert_eq!(world.query("select count(*) from raw.files").await, ["1"]);
    world.write("data/d.csv", "id\n4\n");
    assert_eq!(outcome(&world.run().await), "raw.files published");
    assert_eq!(world.query("select count(*) from raw.files").await, ["4"], "what is missing is read again");
}

/// The rejected rows of a file that was appended stay to be seen: the file is never read again.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_of_earlier_files_stay() {
    let source = "kind: source\nload: append\nread: { path: data/*.csv }\ncolumns: { id: bigint }\nrejects: 1\n";
    let world = World::new(&[("data/a.csv", "id\n1\none\n"), ("assets/raw/files.yml", source)]);
    assert_eq!(outcome(&world.run().await), "raw.files published");
    world.write("data/b.csv", "id\n2\n");
    world.run().await;
    assert_eq!(world.query("select _raw from raw.files__rejects").await, ["one"]);
    world.write("data/c.csv", "id\ntwo\n3\n");
    assert_eq!(outcome(&world.run().await), "raw.files published", "one in this build, which is allowed");
    assert_eq!(world.query("select _raw from raw.files__rejects order by 1").await, ["one", "two"]);
    assert_eq!(world.query("select sum(id) from raw.files").await, ["6"]);
}

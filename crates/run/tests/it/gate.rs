use lockgate_run::{PlanOptions, Which};
use lockgate_types::{RunState, VersionNumber};

use crate::world::{World, name, outcome};

#[tokio::test(flavor = "multi_thread")]
async fn what_checks_out_is_published_and_can_be_read() {
    let world = World::orders();
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published, raw.orders published");
    assert_eq!(summary.state, RunState::Done);
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_assets_do_not_run() {
    let world = World::orders();
    world.run().await;
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "");
    assert_eq!(summary.state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_holds_the_mart_and_readers_keep_the_last_good_version() {
    let world = World::orders();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held, raw.orders published");
    assert_eq!(summary.state, RunState::Held);
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
    assert_eq!(world.query("select count(*) from mart.totals").await, ["2"]);

    let (workspace, graph) = world.opened().await;
    let shown = workspace.show(&graph, &name("mart.totals"), Which::Held, 10).await.unwrap();
    let failing: Vec<_> = shown.version.checks.iter().filter(|check| check.state.holds()).collect();
    assert_eq!(failing.len(), 1);
    assert_eq!((failing[0].name.as_str(), failing[0].failing, failing[0].total), ("expect", 1, 3));
    assert_eq!(failing[0].samples.rows, [[Some("3".to_owned()), Some("-5".to_owned())]]);
    assert_eq!(shown.live, Some(VersionNumber(1)));

    // The same candidate is neither built nor recorded again, and the run keeps saying so.
    let again = world.run().await;
    assert_eq!(outcome(&again), "mart.sum skipped, mart.totals held");
    assert_eq!(
        again.results[0].version,
        summary.results.iter().find(|r| r.asset == name("mart.totals")).unwrap().version
    );
    assert_eq!(again.state, RunState::Held);

    // Mended at the source, the next run publishes.
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,5\n");
    let mended = world.run().await;
    assert_eq!(outcome(&mended), "mart.sum published, mart.totals published, raw.orders published");
    assert_eq!(world.query("select total from mart.sum").await, ["35"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_check_rejects_leave_for_the_rejects_table() {
    let world = World::orders();
    world.write(
        "assets/mart/totals.sql",
        "/*\nchecks:\n  - { expect: \"amount >= 0\", name: not_negative, action: reject, error: \"> 50%\" }\n*/\nselect id, amount from raw.orders\n",
    );
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    assert_eq!(world.query("select count(*), sum(amount) from mart.totals").await, ["2,30"]);
    assert_eq!(world.query("select id, amount, _check from mart.totals__rejects").await, ["3,-5,not_negative"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_hold_the_source_unless_allowed() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\ntwo,20\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals skipped, raw.orders held");

    world.write(
        "assets/raw/orders.yml",
        "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\nrejects: 1\n",
    );
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published, raw.orders published");
    assert_eq!(world.query("select _line, _raw from raw.orders__rejects").await, ["3,two,20"]);
}

/// Looking at a held version again with other checks does not forget what its build counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_check_does_not_let_rows_that_did_not_fit_pass() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\ntwo,20\n");
    world.run().await;
    let source = "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n";
    world.write("assets/raw/orders.yml", &format!("{source}checks: [{{ not_null: id }}]\n"));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals skipped, raw.orders held");

    // Nor does looking at the live one again.
    world.write("assets/raw/orders.yml", &format!("{source}checks: [{{ not_null: id }}]\nrejects: 1\n"));
    world.run().await;
    world.write("assets/raw/orders.yml", &format!("{source}checks: [{{ unique: id }}]\nrejects: 1\n"));
    world.run().await;
    let (workspace, graph) = world.opened().await;
    let shown = workspace.show(&graph, &name("raw.orders"), Which::Live, 10).await.unwrap();
    let counts: Vec<_> = shown.version.checks.iter().map(|check| (check.name.as_str(), check.failing)).collect();
    assert_eq!(counts, [("unique_id", 0), ("rejects", 1)]);
}

/// A check that came to take rows out judges a version from which they were taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_version_is_built_anew_when_its_checks_come_to_take_rows_out() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held, raw.orders published");
    let checks = |checks: &str| format!("/*\nchecks:\n{checks}*/\nselect id, amount from raw.orders\n");
    let reject = "  - { expect: \"amount >= 0\", action: reject, error: \"> 50%\" }\n";
    world.write("assets/mart/totals.sql", &checks(reject));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published");
    assert_eq!(world.query("select count(*), sum(amount) from mart.totals").await, ["2,30"]);
    assert_eq!(world.query("select id from mart.totals__rejects").await, ["3"]);

    // And the other way round: the rows are back when no check takes them out.
    let strict = "  - { expect: \"amount > 10\", name: large, error: \"> 0\" }\n";
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n4,7\n");
    world.write("assets/mart/totals.sql", &checks(&format!("{reject}{strict}")));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held, raw.orders published");
    world.write("assets/mart/totals.sql", &checks("  - { rows: { min: 1 } }\n"));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published");
    assert_eq!(world.query("select count(*) from mart.totals").await, ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn gate_report_publishes_with_a_warning() {
    let world = World::orders();
    world.write("assets/mart/_defaults.yml", "gate: report\n");
    world.write("data/orders.csv", "id,amount\n1,-10\n");
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done);
    assert_eq!(world.query("select total from mart.sum").await, ["-10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inline_assets_are_evaluated_in_their_readers() {
    let world = World::orders();
    world.write("assets/mart/big.sql", "/*\nload: inline\n*/\nselect id, amount from mart.totals where amount > 15\n");
    world.write("assets/mart/sum.sql", "select sum(amount) as total from mart.big\n");
    world.run().await;
    assert_eq!(world.query("select total from mart.sum").await, ["20"]);
    assert_eq!(world.query("select id from mart.big").await, ["2"]);

    // A change of the inline asset is a change of its reader.
    world.write("assets/mart/big.sql", "/*\nload: inline\n*/\nselect id, amount from mart.totals where amount > 5\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn force_builds_what_is_fresh() {
    let world = World::orders();
    world.run().await;
    let options = PlanOptions { force: true, selectors: vec!["mart.sum".to_owned()], ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(options).await.unwrap()), "mart.sum published");
}

//! Two runs of one project at once: neither puts older data over newer.

use std::sync::Arc;

use lockgate_run::{PlanOptions, RunError, RunOptions};
use lockgate_types::{RunState, VersionNumber};
use tokio_util::sync::CancellationToken;

use crate::world::{Silent, World, outcome};

fn options() -> RunOptions {
    RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 1 }
}

/// Both plan the same work; one does it all before the other begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_comes_late_keeps_what_the_other_published() {
    let world = World::orders();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,30\n");
    let (late, graph) = world.opened().await;
    let plan = late.plan(&graph, &PlanOptions::default()).await.unwrap();
    assert_eq!(world.run().await.state, RunState::Done);

    let summary = late.run(&graph, &plan, options()).await.unwrap();
    assert_eq!(outcome(&summary), "mart.sum unchanged, mart.totals unchanged, raw.orders unchanged");
    drop(late);
    assert_eq!(world.query("select total from mart.sum").await, ["60"]);
    assert_eq!(outcome(&world.run().await), "");
}

/// One pins its inputs, then the source and its reader move on: what the first would build is older.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_older_pins_publishes_nothing_over_newer_data() {
    let world = World::orders();
    world.run().await;
    let (late, graph) = world.opened().await;
    let forced = PlanOptions { force: true, selectors: vec!["mart.totals".to_owned()], ..PlanOptions::default() };
    let plan = late.plan(&graph, &forced).await.unwrap();
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,30\n");
    world.run().await;
    let summary = late.run(&graph, &plan, options()).await.unwrap();
    assert_eq!(outcome(&summary), "mart.totals unchanged", "it was built from newer inputs meanwhile");
    drop(late);
    assert_eq!(world.query("select total from mart.sum").await, ["60"]);

    // By other code, nobody can say which of the two is meant.
    let (late, graph) = world.opened().await;
    let plan = late.plan(&graph, &forced).await.unwrap();
    world.write("assets/mart/totals.sql", "select id, amount * 2 as amount from raw.orders\n");
    world.run().await;
    let summary = late.run(&graph, &plan, options()).await.unwrap();
    assert_eq!(outcome(&summary), "mart.totals failed");
    assert_eq!(summary.results[0].diagnostics.0[0].code.id, "LG0706");
    drop(late);
    assert_eq!(world.query("select total from mart.sum").await, ["120"]);
    let is_usage =
        RunError::Overtaken { asset: crate::world::name("mart.totals"), number: lockgate_types::VersionNumber(3) };
    assert!(!is_usage.is_usage());
}

/// A file may change after the plan saw it and before the build reads it. What counts is what was read: when the file
/// becomes again what it was, that is a change.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changed_after_it_was_planned_is_known_as_what_was_read() {
    for held in [false, true] {
        let world = World::orders();
        world.write(
            "assets/raw/orders.yml",
            "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\nchecks: [{ expect: amount < 1000 }]\n",
        );
        world.run().await;
        let file = world.root().join("data/orders.csv");
        world.write("data/orders.csv", "id,amount\n1,11\n2,22\n");
        let planned = std::fs::metadata(&file).unwrap().modified().unwrap();
        let (workspace, graph) = world.opened().await;
        let plan = workspace.plan(&graph, &PlanOptions::default()).await.unwrap();
        world.write("data/orders.csv", if held { "id,amount\n1,5000\n" } else { "id,amount\n1,50\n" });
        let summary = workspace.run(&graph, &plan, options()).await.unwrap();
        assert_eq!(summary.state, if held { RunState::Held } else { RunState::Done }, "{summary:#?}");
        drop((workspace, graph));
        world.write("data/orders.csv", "id,amount\n1,11\n2,22\n");
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(planned).unwrap();
        let summary = world.run().await;
        assert_eq!(summary.state, RunState::Done, "{summary:#?}");
        assert_eq!(world.query("select total from mart.sum").await, ["33"], "held: {held}");
        assert_eq!(outcome(&world.run().await), "");
    }
}

/// Who judges what was live when it was planned finds something newer, and judges that.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_run_published_meanwhile_is_judged_in_its_place() {
    let world = World::orders();
    world.run().await;
    world.write(
        "assets/mart/totals.sql",
        "/*\nchecks:\n  - expect: \"amount >= 15\"\n*/\nselect id, amount from raw.orders\n",
    );
    let (workspace, graph) = world.opened().await;
    let plan = workspace.plan(&graph, &PlanOptions::default()).await.unwrap();
    assert!(plan.steps.iter().all(|step| step.recheck_only), "{plan:#?}");
    let forced = PlanOptions { force: true, selectors: vec!["mart.totals".to_owned()], ..PlanOptions::default() };
    world.write("assets/mart/totals.sql", "select id, amount from raw.orders\n");
    assert_eq!(outcome(&world.run_with(forced).await.unwrap()), "mart.totals published");
    let summary = workspace.run(&graph, &plan, options()).await.unwrap();
    assert_eq!(outcome(&summary), "mart.totals unchanged", "{summary:#?}");
    assert_eq!(summary.results[0].version, Some(VersionNumber(2)));
    assert!(summary.results[0].message.as_deref().unwrap().starts_with("the live version fails"));
}

//! Two runs of one project at once: neither puts older data over newer.

use std::sync::Arc;

use lockgate_run::{PlanOptions, RunError, RunOptions};
use lockgate_types::RunState;
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

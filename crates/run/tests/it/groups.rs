use lockgate_run::RunError;
use lockgate_types::RunState;

use crate::world::{World, name, outcome};

fn grouped() -> World {
    let world = World::orders();
    world.write("lockgate.yml", "name: test\ngroups:\n  - { name: finance, assets: [mart.*] }\n");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn members_read_each_other_staged_and_switch_together() {
    let world = grouped();
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failing_member_holds_the_others() {
    let world = grouped();
    world.run().await;
    world.write(
        "assets/mart/sum.sql",
        "/*\nchecks:\n  - expect: \"total < 50\"\n*/\nselect sum(amount) as total from mart.totals\n",
    );
    world.write("data/orders.csv", "id,amount\n1,10\n2,90\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum held, mart.totals held, raw.orders published");
    assert_eq!(world.query("select sum(amount) from mart.totals").await, ["30"], "readers see neither member move");

    let (workspace, graph) = world.opened().await;
    workspace.publish_held(&graph, &"mart.sum".parse().unwrap(), None, "the big order is real").await.unwrap();
    drop(workspace);
    assert_eq!(world.query("select total from mart.sum").await, ["100"]);
    assert_eq!(world.query("select sum(amount) from mart.totals").await, ["100"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_left_and_entered_again_is_refused() {
    let world = World::orders();
    world.write("assets/side/half.sql", "select id, amount / 2 as amount from mart.totals\n");
    world.write("assets/mart/sum.sql", "select sum(amount) as total from side.half\n");
    world.write("lockgate.yml", "name: test\ngroups:\n  - { name: finance, assets: [mart.*] }\n");
    let error = world.open().await.unwrap().graph().await.unwrap_err();
    assert!(error.to_string().contains("LG0710"), "{error}");
}

/// A member that is stopped takes those that read it along: they are built from what it would publish.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_member_holds_its_readers_built_from_it() {
    let world = grouped();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    assert_eq!(outcome(&world.run().await), "mart.sum held, mart.totals held, raw.orders published");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);

    let (workspace, graph) = world.opened().await;
    workspace.publish_held(&graph, &name("mart.totals"), None, "a refund").await.unwrap();
    drop(workspace);
    assert_eq!(world.query("select total from mart.sum").await, ["25"], "they switch together");
    assert_eq!(outcome(&world.run().await), "");
}

/// By hand, too, only members that were built from each other go live together.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_built_from_a_dismissed_one_is_not_published() {
    let world = grouped();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    world.run().await;
    let (workspace, graph) = world.opened().await;
    workspace.dismiss(&name("mart.totals"), None, "wrong").await.unwrap();
    let error = workspace.publish_held(&graph, &name("mart.sum"), None, "why not").await.unwrap_err();
    assert!(matches!(error, RunError::CannotPublish { .. }), "{error}");
    assert!(error.to_string().contains("mart.totals version 2, which was not published"), "{error}");
}

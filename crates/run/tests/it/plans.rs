use lockgate_run::{PlanOptions, RunError};

use crate::world::World;

async fn reasons(world: &World) -> Vec<String> {
    let plan = world.plan(PlanOptions::default()).await;
    let line = |step: &lockgate_run::Step| {
        let reasons: Vec<String> = step.reasons.iter().map(ToString::to_string).collect();
        format!("{}: {}", step.asset, reasons.join("; "))
    };
    plan.steps.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_say_why() {
    let world = World::orders();
    assert_eq!(
        reasons(&world).await,
        [
            "raw.orders: never built",
            "mart.totals: never built; raw.orders runs",
            "mart.sum: never built; mart.totals runs"
        ]
    );
    world.run().await;
    assert!(reasons(&world).await.is_empty());

    world.write("assets/mart/sum.sql", "-- prose\nselect   sum(amount) AS total\nfrom mart.totals\n");
    assert!(reasons(&world).await.is_empty(), "formatting and comments are no change");

    world.write("assets/mart/sum.sql", "select sum(amount) + 1 as total from mart.totals\n");
    assert_eq!(reasons(&world).await, ["mart.sum: its code changed: sql"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_check_judges_the_live_version_again() {
    let world = World::orders();
    world.run().await;
    world.write(
        "assets/mart/totals.sql",
        "/*\nchecks:\n  - expect: \"amount >= 15\"\n*/\nselect id, amount from raw.orders\n",
    );
    assert_eq!(reasons(&world).await, ["mart.totals: its checks changed"]);
    let summary = world.run().await;
    assert_eq!(summary.state, lockgate_types::RunState::Held);
    assert!(summary.results[0].message.as_deref().unwrap().starts_with("the live version fails"));
    assert_eq!(world.query("select count(*) from mart.totals").await, ["2"], "nothing is retracted");
    assert!(reasons(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_told_at_once() {
    let world = World::new(&[
        ("assets/raw/a.yml", "kind: sauce\n"),
        ("assets/mart/b.sql", "select x from raw.missing\n"),
        ("assets/mart/c.sql", "select 1 as one from mart.d\n"),
        ("assets/mart/d.sql", "select 1 as one from mart.c\n"),
    ]);
    let workspace = world.open().await.unwrap();
    let Err(RunError::Invalid(found)) = workspace.graph().await else { panic!("a broken project has no graph") };
    let codes: Vec<&str> = found.0.iter().map(|diagnostic| diagnostic.code.id).collect();
    for code in ["LG0708", "LG0709", "LG0711"] {
        assert!(codes.contains(&code), "{code} is not in {codes:?}");
    }
    assert!(found.0.iter().all(|diagnostic| diagnostic.place.is_some()), "{found}");
}

//! Every step of a run is made to fail, then the run is repeated, and nothing is lost or doubled.

use lockgate_types::{FaultPoint, RunState};

use crate::world::World;

pub(crate) fn points() -> Vec<&'static FaultPoint> {
    lockgate_run::FAULT_POINTS.iter().chain(lockgate_lake::FAULT_POINTS).chain(lockgate_catalog::FAULT_POINTS).collect()
}

/// With a fault at one point, a run may fail; the next one must bring everything to the state that a run without
/// faults would have reached, and readers must never see a third state.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_any_step_is_healed_by_the_next_run() {
    let mut never_fired = Vec::new();
    for point in points() {
        let world = World::orders();
        world.run().await;
        world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,5\n");
        // New code too, so that what is kept of code and plans is written.
        world.write("assets/mart/sum.sql", "select sum(amount) + 0 as total from mart.totals\n");
        world.effects.faults.arm(point.name, "fail:1");
        // The fault may already strike while the project is opened.
        let _ = world.run_with(lockgate_run::PlanOptions::default()).await;
        let seen = {
            world.effects.faults.arm(point.name, "fail:0");
            world.query("select total from mart.sum").await
        };
        assert!(seen == ["30"] || seen == ["35"], "{}: readers see {seen:?}", point.name);
        if world.effects.faults.fired(point) == 0 {
            never_fired.push(point.name);
            continue;
        }
        let healed = world.run().await;
        assert_eq!(healed.state, RunState::Done, "after {}: {healed:#?}", point.name);
        assert_eq!(world.query("select total from mart.sum").await, ["35"], "after {}", point.name);
        assert_eq!(world.query("select count(*) from mart.totals").await, ["3"], "after {}", point.name);
        let again = world.run().await;
        assert!(again.results.is_empty(), "after {}: {again:#?}", point.name);
    }
    // These steps belong to other ways than a plain run's.
    let words = [
        "steal",
        "hold",
        "abandon",
        "withdraw",
        "set_base",
        "discard",
        "checkpoint",
        "suppress",
        "beat",
        "late",
        "audit.",
        // Of gc and doctor, which have tests of their own.
        "expire",
        "restore",
        "remov",
        "rebuild",
    ];
    let elsewhere = |name: &str| words.iter().any(|word| name.contains(word));
    never_fired.retain(|name| !elsewhere(name));
    assert!(never_fired.is_empty(), "no run passes {never_fired:?}");
}

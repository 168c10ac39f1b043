//! Every durable step fails in turn, and so do the catalog's around it; what was left is taken up by another process.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use lockgate_catalog::{DeliveryState, SERVICE_FAULT_POINTS};
use lockgate_types::FaultPoint;
use lockgate_watch::FAULT_POINTS;

use crate::receiver::Receiver;
use crate::world::World;

fn points() -> Vec<FaultPoint> {
    let of_the_catalog = |point: &&FaultPoint| {
        ["catalog.tell.", "catalog.claim_deliveries.", "catalog.settle_delivery."]
            .iter()
            .any(|start| point.name.starts_with(start))
    };
    let catalog = SERVICE_FAULT_POINTS.iter().filter(of_the_catalog);
    FAULT_POINTS.iter().chain(catalog).copied().collect()
}

#[test]
fn points_are_named_once() {
    let names: BTreeSet<&str> = FAULT_POINTS.iter().map(|point| point.name).collect();
    assert_eq!(names.len(), FAULT_POINTS.len());
    assert!(FAULT_POINTS.iter().all(|point| point.name.starts_with("watch.") && !point.means.is_empty()));
    assert_eq!(points().len(), FAULT_POINTS.len() + 6, "the catalog's are still called so");
}

#[tokio::test]
async fn nothing_is_lost_at_any_step_and_what_comes_twice_is_known_by_its_id() {
    for point in points() {
        let receiver = Receiver::start().await;
        let world = World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await;
        let (dying, effects) = world.another().await;
        for asset in ["mart.daily", "raw.load"] {
            world.hold(asset).await;
        }
        effects.faults.arm(point.name, "fail:1000");
        let collected = dying.collect().await;
        let delivered = dying.deliver_due().await;
        assert!(collected.is_err() || delivered.is_err(), "{} strikes", point.name);
        assert!(effects.faults.fired(&point) > 0, "{} fired", point.name);
        drop(dying);
        let before = receiver.taken();
        let (next, _) = world.another().await;
        next.collect().await.unwrap();
        next.deliver_due().await.unwrap();
        // What the dead one had claimed.
        world.pass(TimeDelta::from_std(world.timing.claim).unwrap() + TimeDelta::seconds(1));
        next.deliver_due().await.unwrap();
        let deliveries = world.deliveries().await;
        assert_eq!(deliveries.len(), 2, "{}", point.name);
        assert!(deliveries.iter().all(|delivery| delivery.state == DeliveryState::Sent), "{}", point.name);
        let came: Vec<String> = before.iter().chain(&receiver.taken()).map(|taken| taken.key.clone()).collect();
        let known: BTreeSet<&String> = came.iter().collect();
        assert_eq!(known, deliveries.iter().map(|delivery| &delivery.id).collect(), "{}", point.name);
        let twice = came.len() - known.len();
        let may_be_twice = ["watch.after_send", "catalog.settle_delivery.before"].contains(&point.name);
        assert_eq!(twice, usize::from(may_be_twice), "{}: {came:?}", point.name);
    }
}

/// The same process goes on after a fault that passes.
#[tokio::test]
async fn the_same_outbox_takes_it_up_again() {
    for point in points() {
        let receiver = Receiver::start().await;
        let world = World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await;
        let (outbox, effects) = world.another().await;
        world.hold("mart.daily").await;
        effects.faults.arm(point.name, "transient:1");
        for _ in 0..3 {
            let _ = outbox.collect().await;
            let _ = outbox.deliver_due().await;
            world.pass(TimeDelta::minutes(2));
        }
        assert_eq!(effects.faults.fired(&point), 1, "{}", point.name);
        let deliveries = world.deliveries().await;
        assert_eq!(deliveries.len(), 1, "{}", point.name);
        assert_eq!(deliveries[0].state, DeliveryState::Sent, "{}", point.name);
        assert!(!receiver.taken().is_empty());
    }
}

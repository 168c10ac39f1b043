//! The loop.

use std::sync::Arc;
use std::time::Duration;

use lockgate_catalog::DeliveryState;
use lockgate_types::Effects;
use lockgate_watch::{Outbox, Timing};
use tokio_util::sync::CancellationToken;

use crate::receiver::{Receiver, Say};
use crate::world::World;

/// Runs it for as long as `during` takes, and answers how long it took to end.
async fn while_running(outbox: &Outbox, during: impl Future<Output = ()>) -> Duration {
    let cancel = CancellationToken::new();
    let clock = Effects::real().clock;
    let stopping = async {
        during.await;
        cancel.cancel();
        clock.monotonic()
    };
    let ((), cancelled_at) = tokio::join!(outbox.run(cancel.clone()), stopping);
    clock.monotonic().saturating_sub(cancelled_at)
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

#[tokio::test]
async fn it_tells_when_woken() {
    let receiver = Receiver::start().await;
    let world = World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await;
    let outbox = world.outbox();
    let waker = outbox.waker();
    let took = while_running(&outbox, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        for count in 1..=3 {
            world.hold("mart.daily").await;
            waker.notify_one();
            until(async || world.deliveries().await.iter().filter(|d| d.state == DeliveryState::Sent).count() == count)
                .await;
        }
    })
    .await;
    assert!(took < Duration::from_millis(500), "it ends at once: {took:?}");
    assert_eq!(receiver.taken().len(), 3);
}

#[tokio::test]
async fn it_looks_when_nobody_wakes_it() {
    let receiver = Receiver::start().await;
    let mut world = World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await;
    world.timing = Timing { tick: Duration::from_millis(100), ..world.timing };
    let outbox = world.outbox();
    while_running(&outbox, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.hold("mart.daily").await;
        until(async || world.deliveries().await.iter().any(|d| d.state == DeliveryState::Sent)).await;
    })
    .await;
}

/// With the real clock: a message that waits is tried again when it is due, long before the next tick.
#[tokio::test]
async fn it_comes_back_when_a_message_is_due() {
    let receiver = Receiver::start().await;
    let mut world = World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await;
    world.timing = Timing { tick: Duration::from_secs(3_600), ..world.timing };
    let effects = Effects { faults: world.effects.faults.clone(), ..Effects::real() };
    let path = world.folder.path().join("real.db");
    world.catalog = lockgate_catalog::open_service_sqlite(&path, effects.clone()).await.unwrap();
    world.effects = effects;
    let outbox = world.outbox();
    outbox.collect().await.unwrap();
    receiver.say(Say::status(429).with("retry-after", "1"));
    world.hold("mart.daily").await;
    while_running(&outbox, async {
        until(async || world.deliveries().await.iter().any(|d| d.state == DeliveryState::Sent)).await;
    })
    .await;
    assert_eq!(receiver.taken().len(), 2);
}

#[tokio::test]
async fn what_fails_does_not_end_it() {
    let receiver = Receiver::start().await;
    let mut world = World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await;
    world.timing = Timing { tick: Duration::from_millis(50), ..world.timing };
    let outbox = world.outbox();
    world.effects.faults.arm("watch.before_tell", "fail:2");
    world.effects.faults.arm("catalog.claim_deliveries.before", "fail:2");
    while_running(&outbox, async {
        world.hold("mart.daily").await;
        until(async || world.deliveries().await.iter().any(|d| d.state == DeliveryState::Sent)).await;
    })
    .await;
    let told = lockgate_watch::FAULT_POINTS.iter().find(|point| point.name == "watch.before_tell").unwrap();
    assert_eq!(world.effects.faults.fired(told), 2);
}

/// Cancelled while a receiver keeps it waiting: what is under way ends, and the rest is due at once for whoever comes next.
#[tokio::test]
async fn it_ends_with_what_is_under_way() {
    let receiver = Receiver::start().await;
    let world = Arc::new(World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await);
    receiver.say(Say { after: Duration::from_millis(200), ..Say::status(200) });
    world.hold("mart.daily").await;
    world.hold("raw.load").await;
    let outbox = world.outbox();
    let mut first = Vec::new();
    while_running(&outbox, async {
        until(async || {
            first.extend(receiver.taken());
            first.len() == 1
        })
        .await;
    })
    .await;
    let states: Vec<DeliveryState> = world.deliveries().await.into_iter().map(|d| d.state).collect();
    assert_eq!(states, [DeliveryState::Sent, DeliveryState::Waiting]);
    assert_eq!(world.outbox().deliver_due().await.unwrap().sent, 1, "nobody waits for a dead claim");
}

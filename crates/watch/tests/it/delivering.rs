//! How messages reach their receivers, and when they do not.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use lockgate_catalog::DeliveryState;
use lockgate_watch::Delivered;

use crate::receiver::{Receiver, Say};
use crate::world::World;

/// One alert, to this server.
async fn world(receiver: &Receiver) -> World {
    World::new(&[r#"{ to: "${TO}/hook" }"#], &receiver.url).await
}

const SENT: Delivered = Delivered { sent: 1, waiting: 0, given_up: 0 };
const WAITS: Delivered = Delivered { sent: 0, waiting: 1, given_up: 0 };
const GIVEN_UP: Delivered = Delivered { sent: 0, waiting: 0, given_up: 1 };

#[tokio::test]
async fn in_order_with_their_ids() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let outbox = world.outbox();
    for asset in ["mart.daily", "raw.load", "mart.daily"] {
        world.hold(asset).await;
    }
    outbox.collect().await.unwrap();
    world.pass(TimeDelta::seconds(1));
    world.hold("raw.load").await;
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap().sent, 4);
    let taken = receiver.taken();
    let about: Vec<String> = taken.iter().map(|t| format!("{} {}", t.body["asset"], t.body["version"])).collect();
    assert_eq!(about, [r#""mart.daily" 1"#, r#""raw.load" 1"#, r#""mart.daily" 2"#, r#""raw.load" 2"#]);
    let deliveries = world.deliveries().await;
    assert!(taken.iter().zip(&deliveries).all(|(taken, delivery)| taken.key == delivery.id));
    assert!(taken.iter().all(|taken| taken.what == "POST /hook" && taken.body["id"] == taken.key));
    assert!(taken.iter().all(|taken| taken.headers["content-type"] == "application/json"));
    assert!(taken[0].headers["user-agent"].to_str().unwrap().starts_with("lockgate/"));
    assert!(
        deliveries.iter().all(|d| d.state == DeliveryState::Sent && d.attempts == 1 && d.sent_at == Some(world.now()))
    );
    assert_eq!(outbox.deliver_due().await.unwrap(), Delivered::default());
}

#[tokio::test]
async fn one_that_is_ill_is_asked_again_later() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let outbox = world.outbox();
    receiver.say(Say::status(503));
    world.hold("mart.daily").await;
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap(), WAITS);
    let waiting = world.deliveries().await.remove(0);
    assert_eq!(waiting.last_error.as_deref(), Some("the receiver answered 503 Service Unavailable"));
    let wait = waiting.due_at - world.now();
    assert!(wait >= TimeDelta::seconds(15) && wait <= TimeDelta::seconds(30), "{wait}");
    assert_eq!(world.catalog.next_delivery("default").await.unwrap(), Some(waiting.due_at));
    world.pass(TimeDelta::seconds(10));
    assert_eq!(outbox.deliver_due().await.unwrap(), Delivered::default(), "not before it is due");
    world.pass(TimeDelta::seconds(21));
    assert_eq!(outbox.deliver_due().await.unwrap(), SENT);
    let taken = receiver.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].key, taken[1].key, "the same message has the same key");
    let sent = world.deliveries().await.remove(0);
    assert_eq!((sent.attempts, sent.last_error), (2, None));
}

#[tokio::test]
async fn who_asks_for_a_pause_gets_it() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let outbox = world.outbox();
    for (status, asked, least) in [(429, "120", 120), (503, "90", 90), (429, "86400", 3_600)] {
        receiver.say(Say::status(status).with("retry-after", asked));
        world.hold("mart.daily").await;
        world.hold("raw.load").await;
        outbox.collect().await.unwrap();
        let delivered = outbox.deliver_due().await.unwrap();
        assert_eq!((delivered.sent, delivered.waiting), (0, 2), "none of the others is sent meanwhile");
        assert_eq!(receiver.taken().len(), 1);
        let waiting: Vec<_> =
            world.deliveries().await.into_iter().filter(|d| d.state == DeliveryState::Waiting).collect();
        assert!(waiting.iter().all(|d| d.due_at == waiting[0].due_at));
        let wait = (waiting[0].due_at - world.now()).num_seconds();
        assert!(wait >= least && wait <= least + 3, "{asked}: {wait} s");
        assert_eq!(waiting.iter().map(|d| d.attempts).sum::<u32>(), 1);
        world.pass(TimeDelta::seconds(wait + 1));
        assert_eq!(outbox.deliver_due().await.unwrap().sent, 2);
        assert_eq!(receiver.assets(), ["mart.daily", "raw.load"], "and in order");
    }
}

#[tokio::test]
async fn what_is_refused_is_given_up() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let outbox = world.outbox();
    for (status, body, expected) in [
        (400, "invalid_blocks", "the receiver answered 400 Bad Request (invalid_blocks)"),
        (404, "<html>no such page</html>", "the receiver answered 404 Not Found"),
        (410, "", "the receiver answered 410 Gone"),
    ] {
        receiver.say(Say { body, ..Say::status(status) });
        world.hold("mart.daily").await;
        outbox.collect().await.unwrap();
        assert_eq!(outbox.deliver_due().await.unwrap(), GIVEN_UP);
        let last = world.deliveries().await.pop().unwrap();
        assert_eq!((last.state, last.attempts), (DeliveryState::GivenUp, 1));
        assert_eq!(last.last_error.as_deref(), Some(expected));
    }
    world.hold("mart.daily").await;
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap(), SENT, "the next one is another message");
}

/// A message at which the receiver breaks does not stop the others.
#[tokio::test]
async fn one_poisonous_message_keeps_no_other() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let outbox = world.outbox();
    receiver.say(Say::status(500));
    for asset in ["mart.daily", "raw.load"] {
        world.hold(asset).await;
    }
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap(), Delivered { sent: 1, waiting: 1, given_up: 0 });
}

#[tokio::test]
async fn one_that_never_answers_stops_nobody_else() {
    let (silent, other) = (Receiver::start().await, Receiver::start().await);
    silent.always(Some(Say { after: Duration::from_secs(600), ..Say::status(200) }));
    let alerts = [r#"{ to: "${TO}/silent" }"#.to_owned(), format!("{{ to: \"{}/other\" }}", other.url)];
    let mut world = World::new(&[&alerts[0], &alerts[1]], &silent.url).await;
    world.timing.timeout = Duration::from_secs(1);
    let outbox = world.outbox();
    for asset in ["mart.daily", "raw.load"] {
        world.hold(asset).await;
    }
    outbox.collect().await.unwrap();
    let clock = lockgate_types::Effects::real().clock;
    let delivered = outbox.deliver_due().await.unwrap();
    assert!(clock.monotonic() < Duration::from_secs(10), "it is waited for once, for its time-out");
    assert_eq!(delivered, Delivered { sent: 2, waiting: 2, given_up: 0 });
    assert_eq!(other.assets(), ["mart.daily", "raw.load"]);
    assert_eq!(silent.taken().len(), 1, "and not once a message");
    let waiting: Vec<_> = world.deliveries().await.into_iter().filter(|d| d.state == DeliveryState::Waiting).collect();
    assert_eq!(waiting.iter().map(|d| d.attempts).collect::<Vec<_>>(), [1, 0]);
    assert!(waiting.iter().all(|d| d.last_error.as_deref() == Some("the receiver did not answer in time")));
    silent.always(None);
    world.pass(TimeDelta::minutes(1));
    assert_eq!(outbox.deliver_due().await.unwrap().sent, 2);
    // A connection that hung is a connection that is gone.
    assert_eq!(silent.assets().iter().collect::<BTreeSet<_>>().len(), 2);
}

#[tokio::test]
async fn nobody_is_asked_for_ever() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let outbox = world.outbox();
    receiver.always(Some(Say::status(502)));
    world.hold("mart.daily").await;
    outbox.collect().await.unwrap();
    let started = world.now();
    let mut attempts = 0;
    while let Some(due_at) = world.catalog.next_delivery("default").await.unwrap() {
        world.pass((due_at - world.now()).max(TimeDelta::zero()));
        let delivered = outbox.deliver_due().await.unwrap();
        attempts += delivered.waiting + delivered.given_up;
        assert!(attempts <= 12);
    }
    assert_eq!((attempts, receiver.taken().len()), (12, 12));
    let took = world.now() - started;
    assert!(took > TimeDelta::hours(8) && took < TimeDelta::hours(24), "{took}");
    let given_up = world.deliveries().await.remove(0);
    assert_eq!((given_up.state, given_up.attempts), (DeliveryState::GivenUp, 12));
    // One that lay for a day, because no server ran, is tried once.
    world.hold("raw.load").await;
    outbox.collect().await.unwrap();
    world.pass(TimeDelta::days(2));
    assert_eq!(outbox.deliver_due().await.unwrap(), GIVEN_UP);
}

#[tokio::test]
async fn redirects_lead_nowhere_else() {
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let world = world(&receiver).await;
    let outbox = world.outbox();
    for status in [301, 302, 307, 308] {
        receiver.say(Say::status(status).with("location", format!("{}/elsewhere", other.url)));
        world.hold("mart.daily").await;
        outbox.collect().await.unwrap();
        assert_eq!(outbox.deliver_due().await.unwrap(), GIVEN_UP, "{status}");
    }
    assert!(other.taken().is_empty());
    let error = world.deliveries().await.remove(0).last_error.unwrap();
    assert_eq!(error, "the receiver answered 301 Moved Permanently: another address is not followed, name that one");
    receiver.taken();
    receiver.say(Say::status(302).with("location", "/moved"));
    world.hold("mart.daily").await;
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap(), GIVEN_UP, "it would become a GET");
    receiver.taken();
    receiver.say(Say::status(308).with("location", "/moved"));
    world.hold("mart.daily").await;
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap(), SENT);
    let taken = receiver.taken();
    assert_eq!(taken.iter().map(|t| t.what.as_str()).collect::<Vec<_>>(), ["POST /hook", "POST /moved"]);
    assert_eq!(taken[0].body, taken[1].body);
    assert_eq!(taken[0].key, taken[1].key);
    receiver.always(Some(Say::status(307).with("location", "/round")));
    world.hold("mart.daily").await;
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap(), GIVEN_UP, "not round and round");
}

#[tokio::test]
async fn a_message_goes_to_whom_it_was_made_for() {
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let mut world = world(&receiver).await;
    world.hold("mart.daily").await;
    world.outbox().collect().await.unwrap();
    // The alert moved down in the file: another one has its number.
    world.change(&[&format!("{{ to: \"{}/hook\" }}", other.url), r#"{ to: "${TO}/hook" }"#], &receiver.url);
    assert_eq!(world.outbox().deliver_due().await.unwrap(), SENT);
    assert_eq!((receiver.taken().len(), other.taken().len()), (1, 0));
    world.hold("raw.load").await;
    world.outbox().collect().await.unwrap();
    world.change(&[&format!("{{ to: \"{}/hook\" }}", other.url)], "");
    assert_eq!(world.outbox().deliver_due().await.unwrap(), Delivered { sent: 1, waiting: 0, given_up: 1 });
    let given_up = world.deliveries().await.into_iter().find(|d| d.state == DeliveryState::GivenUp).unwrap();
    assert_eq!(given_up.last_error.as_deref(), Some("no alert of lockgate.yml goes there any more"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_at_once_send_each_message_once() {
    let receiver = Receiver::start().await;
    receiver.always(Some(Say { after: Duration::from_millis(2), ..Say::status(200) }));
    let world = world(&receiver).await;
    let ((first, _), (second, _)) = (world.another().await, world.another().await);
    for _ in 0..30 {
        world.hold("mart.daily").await;
        world.hold("raw.load").await;
    }
    let both = tokio::join!(first.collect(), second.collect());
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (60, 60), "both read all of it");
    assert_eq!(world.deliveries().await.len(), 60, "and it is there once");
    let (a, b) = tokio::join!(first.deliver_due(), second.deliver_due());
    assert_eq!(a.unwrap().sent + b.unwrap().sent, 60);
    let keys: Vec<String> = receiver.taken().into_iter().map(|taken| taken.key).collect();
    assert_eq!(keys.len(), 60);
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 60, "each once");
}

/// What is claimed and cannot be sent before others may claim it is left to them.
#[tokio::test]
async fn a_claim_is_not_outlived() {
    let receiver = Receiver::start().await;
    let mut world = world(&receiver).await;
    world.timing.claim = Duration::from_millis(300);
    world.hold("mart.daily").await;
    let outbox = world.outbox();
    outbox.collect().await.unwrap();
    assert_eq!(outbox.deliver_due().await.unwrap(), Delivered::default(), "a time-out is longer than the claim");
    assert!(receiver.taken().is_empty());
}

//! What `${…}` stands for, and the URLs of alerts, are seen by receivers alone.

use std::time::Duration;

use lockgate_catalog::conformance::samples;
use lockgate_types::{CheckOutcome, CheckState, Version};

use crate::receiver::{Receiver, Say};
use crate::world::{ENV, World};

const PARTS: [&str; 4] = ["hook-secret", "T0KEN", "pass-word", "sesame"];

async fn assert_nothing_is_said(world: &World, more: &str) {
    let mut said = format!("{more} {:?}", world.outbox());
    for delivery in world.deliveries().await {
        said.push_str(&format!("{delivery:?} {}", delivery.body));
    }
    said.push_str(&format!("{:?}", world.project.alerts));
    for part in PARTS {
        assert!(!said.contains(part), "{part} is in {said}");
    }
    assert!(said.contains("***"), "something was taken out");
}

#[tokio::test]
async fn in_no_message_and_no_error() {
    let receiver = Receiver::start().await;
    let host = receiver.url.strip_prefix("http://").unwrap().to_owned();
    let secret = format!("http://someone:pass-word@{host}/hook-secret/T0KEN?open=sesame");
    let world = World::new(&[r#"{ to: "${TO}" }"#, r#"{ to: "${TO}&slack=1", type: slack }"#], &secret).await;
    let outbox = world.outbox();
    // Whatever others wrote may quote it.
    world
        .hold_with("mart.daily", |version| Version {
            checks: vec![CheckOutcome {
                message: format!("12 rows hold {secret}"),
                ..samples::outcome("expect", CheckState::Failed, 12)
            }],
            ..version
        })
        .await;
    let run = world.start_run("1run", ENV, &["raw.load"]).await;
    world.fail(&run, "raw.load", &format!("cannot open {secret}")).await;
    outbox.collect().await.unwrap();
    assert_nothing_is_said(&world, "").await;
    receiver.always(Some(Say { body: "no sesame", ..Say::status(500) }));
    outbox.deliver_due().await.unwrap();
    assert_nothing_is_said(&world, "").await;
    let taken = receiver.taken();
    assert_eq!(taken.len(), 4);
    assert_eq!(taken[0].what.split_once('?').unwrap().0, "POST /hook-secret/T0KEN");
    assert!(taken[0].headers["authorization"].to_str().unwrap().starts_with("Basic "));
    for taken in taken {
        let body = taken.body.to_string();
        assert!(PARTS.iter().all(|part| !body.contains(part)), "{body}");
    }
}

#[tokio::test]
async fn in_no_error_of_the_network() {
    let gone = {
        let receiver = Receiver::start().await;
        receiver.url.strip_prefix("http://").unwrap().to_owned()
    };
    let silent = Receiver::start().await;
    silent.always(Some(Say { after: Duration::from_secs(60), ..Say::status(200) }));
    for host in [&gone, "hook-secret.invalid", silent.url.strip_prefix("http://").unwrap()] {
        let secret = format!("http://someone:pass-word@{host}/hook-secret/T0KEN?open=sesame");
        let mut world = World::new(&[r#"{ to: "${TO}" }"#], &secret).await;
        world.timing.timeout = Duration::from_millis(700);
        let outbox = world.outbox();
        world.hold("mart.daily").await;
        outbox.collect().await.unwrap();
        assert_eq!(outbox.deliver_due().await.unwrap().waiting, 1);
        let delivery = world.deliveries().await.remove(0);
        assert_eq!(delivery.to, "webhook ${TO}");
        let error = delivery.last_error.unwrap();
        assert!(error.starts_with("the receiver "), "{error}");
        assert_nothing_is_said(&world, &format!("*** {error}")).await;
    }
}

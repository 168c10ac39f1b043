//! Messages as receivers get them, in `tests/messages`.

use lockgate_catalog::conformance::samples;
use lockgate_types::{CheckOutcome, CheckState, RunId, Version, VersionNumber};
use serde_json::Value as Json;

use crate::receiver::Receiver;
use crate::world::{ENV, World};

async fn messages(kind: &str) -> String {
    let receiver = Receiver::start().await;
    let alert = format!("{{ to: \"${{TO}}/hook\", type: {kind} }}");
    let world = World::new(&[&alert], &receiver.url).await;
    let whole = CheckOutcome {
        kind: "change".to_owned(),
        failing: 1,
        total: 1,
        share: 1.0,
        message: "rows fell by 34 %, allowed 30 % & no more".to_owned(),
        ..samples::outcome("change_rows", CheckState::Failed, 1)
    };
    let rows = CheckOutcome {
        message: "12 of 400 rows are not `amount < 0`".to_owned(),
        ..samples::outcome("expect", CheckState::Failed, 12)
    };
    world
        .hold_with("mart.daily", |version| Version {
            checks: vec![
                samples::outcome("not_null_id", CheckState::Passed, 0),
                rows.clone(),
                whole.clone(),
                samples::outcome("unique_id", CheckState::Warned, 5),
            ],
            base: Some(VersionNumber(41)),
            run: Some(RunId("1run".to_owned())),
            ..version
        })
        .await;
    world.hold_with("raw.load", |version| version).await;
    let run = world.start_run("2run", ENV, &["raw.load"]).await;
    world.fail(&run, "raw.load", "data/load_*.csv: line 7 has <3> columns & not 4").await;
    world.late(&run, "mart.daily", world.now()).await;
    let run = world.start_run("3run", ENV, &[]).await;
    world.end_run(&run, lockgate_types::RunState::Failed).await;
    let outbox = world.outbox();
    outbox.collect().await.unwrap();
    outbox.deliver_due().await.unwrap();
    let mut text = String::new();
    for mut taken in receiver.taken() {
        if let Some(id) = taken.body.get_mut("id") {
            assert_eq!(*id, taken.key);
            *id = Json::from("ID");
        }
        text.push_str(&serde_json::to_string_pretty(&taken.body).unwrap());
        text.push('\n');
    }
    text
}

#[tokio::test]
async fn webhook() {
    crate::expect(&crate::here("messages/webhook.json"), &messages("webhook").await);
}

#[tokio::test]
async fn slack() {
    crate::expect(&crate::here("messages/slack.json"), &messages("slack").await);
}

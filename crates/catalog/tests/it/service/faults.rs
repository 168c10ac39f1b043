//! Every durable step of a server fails: before its commit, when nothing has happened, and after it, when only the
//! answer is lost.

use lockgate_catalog::conformance::Stage;
use lockgate_catalog::conformance::samples::{ENV, actor, run};
use lockgate_catalog::conformance::whole_log;
use lockgate_catalog::{
    CatalogError, Delivery, DeliveryState, Paused, Position, Result, SERVICE_FAULT_POINTS, ServiceCatalog, Token,
    open_service_sqlite,
};
use lockgate_types::Effects;
use serde_json::json;

use super::{after, delivery, open, token};
use crate::backend::Folder;

/// Calls a step again as long as the fault is an injected one.
async fn again<T>(mut step: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    match step().await {
        Err(CatalogError::Fault(_)) => step().await,
        answer => answer,
    }
}

/// Everything that a server writes. A claim whose answer is lost is not claimed again by its repetition: whoever asks is
/// told that it is somebody's.
async fn story(catalog: &dyn ServiceCatalog) -> Result<()> {
    let ana = actor("ana");
    again(async || catalog.add_token(&token("one")).await).await?;
    again(async || catalog.token_used("one", after(120)).await).await?;
    again(async || catalog.revoke_token("one", &ana, after(130)).await).await?;
    again(async || catalog.claim_due(ENV, "nightly", None, after(60)).await).await?;
    again(async || catalog.schedule_ran(ENV, "nightly", &run("0run1").id).await).await?;
    let paused = Paused { by: ana.clone(), at: after(61), why: "a move".to_owned() };
    again(async || catalog.pause_schedule(ENV, "nightly", Some(&paused), &ana, after(61), "a move").await).await?;
    again(async || catalog.add_deliveries(ENV, &[delivery("a", 0)]).await).await?;
    let until = Position { audit: 3, event: 4 };
    again(async || catalog.tell(ENV, &[delivery("b", 5)], until).await).await?;
    again(async || catalog.claim_deliveries(ENV, after(1), after(10), 9).await).await?;
    let sent = Delivery { state: DeliveryState::Sent, attempts: 1, sent_at: Some(after(2)), ..delivery("a", 10) };
    again(async || catalog.settle_delivery(ENV, &sent).await).await?;
    for key in ["kept", "forgotten"] {
        again(async || catalog.claim_answer(key, "hash", after(0), after(-60)).await).await?;
    }
    again(async || catalog.keep_answer("kept", 200, &json!({}), after(-60)).await).await?;
    again(async || catalog.forget_answer("forgotten").await).await
}

/// Everything that it then reads.
async fn ending(catalog: &dyn ServiceCatalog) -> String {
    let answers = (catalog.answer("kept").await.unwrap(), catalog.answer("forgotten").await.unwrap());
    let tokens: Vec<Token> = catalog.tokens().await.unwrap();
    let schedules = catalog.schedules(ENV).await.unwrap();
    let outbox = (catalog.deliveries(ENV, None, 9).await.unwrap(), catalog.told_until(ENV).await.unwrap());
    format!("{tokens:?}\n{schedules:?}\n{outbox:?}\n{answers:?}\n{:?}", whole_log(catalog, ENV).await)
}

#[tokio::test]
async fn every_step_of_a_server_fails_once_and_is_repeated() {
    let folder = Folder::new();
    let calm = open(&folder).await;
    story(&*calm).await.unwrap();
    let without = ending(&*calm).await;
    for point in SERVICE_FAULT_POINTS {
        let folder = Folder::new();
        let effects: Effects = Stage::default().effects;
        effects.faults.arm(point.name, "fail");
        let catalog = open_service_sqlite(&folder.path(), effects.clone()).await.unwrap();
        story(&*catalog).await.unwrap_or_else(|error| panic!("{}: {error}", point.name));
        assert_eq!(effects.faults.fired(point), 1, "{} did not fire", point.name);
        assert_eq!(ending(&*catalog).await, without, "after {}", point.name);
    }
}

/// Who fails for ever leaves a whole catalog, and another process comes to the same end.
#[tokio::test]
async fn every_step_of_a_server_fails_for_ever_and_another_goes_on() {
    let folder = Folder::new();
    let calm = open(&folder).await;
    story(&*calm).await.unwrap();
    let without = ending(&*calm).await;
    for point in SERVICE_FAULT_POINTS {
        let folder = Folder::new();
        let effects: Effects = Stage::default().effects;
        effects.faults.arm(point.name, "fail:1000");
        let doomed = open_service_sqlite(&folder.path(), effects.clone()).await.unwrap();
        let end = story(&*doomed).await;
        // Where only the answer is lost, the second call finds all done.
        let is_lost = point.name.ends_with(".after");
        assert!(is_lost || matches!(end, Err(CatalogError::Fault(_))), "{}: {end:?}", point.name);
        assert!(effects.faults.fired(point) >= 1, "{} did not fire", point.name);
        doomed.close().await;
        let successor = open(&folder).await;
        story(&*successor).await.unwrap_or_else(|error| panic!("after {}: {error}", point.name));
        assert_eq!(ending(&*successor).await, without, "after {}", point.name);
    }
}

//! Runs, tasks and events.

use chrono::TimeDelta;
use lockgate_types::{Event, Run, RunId, RunState, Task, TaskState, VersionNumber};

use super::samples::{ENV, name, noon, run, task};
use super::{Shared, Stage, actions, everything, whole_log};
use crate::CatalogError;

pub async fn a_run_is_kept_with_its_tasks(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let reader = shared.open(Stage::default().effects).await;
    let run = run("0a");
    let mut tasks = vec![task(&run, "mart.daily"), task(&run, "raw.orders")];
    catalog.create_run(&run, &tasks).await.unwrap();
    assert_eq!(reader.run(&run.id).await.unwrap(), Some(run.clone()));
    assert_eq!(reader.tasks(&run.id).await.unwrap(), tasks);
    tasks[1] = Task {
        state: TaskState::Published,
        attempts: 2,
        version: Some(VersionNumber(4)),
        started_at: Some(noon()),
        ended_at: Some(noon() + TimeDelta::seconds(3)),
        message: Some("second attempt".to_owned()),
        ..tasks[1].clone()
    };
    // Who tells how a task ended need not know when it began, nor how it was planned.
    catalog.set_task(&Task { state: TaskState::Running, ..tasks[1].clone() }).await.unwrap();
    catalog.set_task(&Task { started_at: None, plan: None, ..tasks[1].clone() }).await.unwrap();
    assert_eq!(reader.tasks(&run.id).await.unwrap(), tasks);
    let ended_at = noon() + TimeDelta::minutes(1);
    catalog.end_run(&run.id, RunState::Held, ended_at).await.unwrap();
    let ended = Run { state: RunState::Held, ended_at: Some(ended_at), ..run };
    assert_eq!(reader.run(&ended.id).await.unwrap(), Some(ended));
    assert_eq!(actions(&*reader, ENV).await, ["run_started", "run_ended"]);
    let log = whole_log(&*reader, ENV).await;
    assert_eq!((log[1].actor.0.as_str(), &log[1].detail["state"]), ("nightly", &"held".into()));
    assert_eq!(reader.run(&RunId("none".to_owned())).await.unwrap(), None);
    assert!(reader.tasks(&RunId("none".to_owned())).await.unwrap().is_empty());
}

pub async fn a_run_is_created_once(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let run = run("0a");
    let waiting = task(&run, "raw.orders");
    catalog.create_run(&run, std::slice::from_ref(&waiting)).await.unwrap();
    catalog.set_task(&Task { state: TaskState::Running, ..waiting.clone() }).await.unwrap();
    let before = everything(&*catalog).await;
    catalog.create_run(&run, &[waiting]).await.unwrap();
    assert_eq!(everything(&*catalog).await, before, "progress is not taken back");
}

pub async fn a_task_needs_its_run(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let unknown = catalog.set_task(&task(&run("0a"), "raw.orders")).await.unwrap_err();
    assert!(matches!(unknown, CatalogError::NotFound(_)), "{unknown}");
    let unknown = catalog.end_run(&RunId("0a".to_owned()), RunState::Done, noon()).await.unwrap_err();
    assert!(matches!(unknown, CatalogError::NotFound(_)), "{unknown}");
}

pub async fn a_run_ends_once(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let run = run("0a");
    catalog.create_run(&run, &[]).await.unwrap();
    catalog.end_run(&run.id, RunState::Interrupted, noon()).await.unwrap();
    let before = everything(&*catalog).await;
    catalog.end_run(&run.id, RunState::Interrupted, noon() + TimeDelta::hours(1)).await.unwrap();
    let refused = catalog.end_run(&run.id, RunState::Done, noon()).await.unwrap_err();
    assert!(matches!(refused, CatalogError::RunEnded { is: RunState::Interrupted, .. }), "{refused}");
    assert_eq!(everything(&*catalog).await, before);
}

pub async fn runs_are_newest_first(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    for (index, id) in ["0a", "0c", "0b"].into_iter().enumerate() {
        let hours = TimeDelta::hours(i64::try_from(index).unwrap());
        catalog.create_run(&Run { started_at: noon() + hours, ..run(id) }, &[]).await.unwrap();
    }
    catalog.create_run(&Run { environment: "dev".to_owned(), ..run("0d") }, &[]).await.unwrap();
    let ids = async |limit| catalog.runs(ENV, limit).await.unwrap().into_iter().map(|run| run.id.0).collect::<Vec<_>>();
    assert_eq!(ids(10).await, ["0b", "0c", "0a"]);
    assert_eq!(ids(2).await, ["0b", "0c"]);
    assert_eq!(ids(0).await, [""; 0]);
}

pub async fn events_keep_their_order(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let run = run("0a");
    let event = |count: i64| Event {
        event: "staged".to_owned(),
        at: noon() + TimeDelta::seconds(count),
        run: Some(run.id.clone()),
        asset: (count % 2 == 0).then(|| name("raw.orders")),
        version: Some(VersionNumber(3)),
        data: serde_json::json!({ "rows": count, "of": { "nested": [1, null] } }).as_object().unwrap().clone(),
    };
    let events: Vec<Event> = (0..20).map(event).collect();
    catalog.append_events(&events[..12]).await.unwrap();
    catalog.append_events(&[]).await.unwrap();
    catalog.append_events(&[Event { run: Some(RunId("other".to_owned())), ..event(99) }]).await.unwrap();
    catalog.append_events(&[Event { run: None, ..event(98) }]).await.unwrap();
    catalog.append_events(&events[12..]).await.unwrap();
    let all = catalog.events(&run.id, 0).await.unwrap();
    assert_eq!(all.iter().map(|(_, event)| event).collect::<Vec<_>>(), events.iter().collect::<Vec<_>>());
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(catalog.events(&run.id, all[11].0).await.unwrap(), all[12..]);
    assert!(catalog.events(&run.id, all[19].0).await.unwrap().is_empty());
}

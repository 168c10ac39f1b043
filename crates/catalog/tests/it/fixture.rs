//! Catalogs of old formats, which are kept for ever.

use lockgate_catalog::conformance::faults::check_whole;
use lockgate_catalog::conformance::samples::{
    self, ENV, actor, by, failing, hold_next, intent, lease, name, noon, publish_next, run, stage, task,
};
use lockgate_catalog::conformance::{Stage, actions, whole_log};
use lockgate_catalog::{Catalog, Late, RunFilter, SERVICE_TABLES, SYSTEM_TABLES, open_service_sqlite, open_sqlite};
use lockgate_types::{
    Effects, Fingerprint, RunRequest, RunState, Suppression, Task, TaskState, Threshold, Version, VersionNumber,
    VersionState,
};

use crate::backend::Folder;

fn fixture(format: u32) -> std::path::PathBuf {
    format!("{}/tests/fixtures/catalog-{format}.db", env!("CARGO_MANIFEST_DIR")).into()
}

async fn suppress_and_note(catalog: &dyn Catalog) {
    catalog.add_suppression(ENV, &suppression()).await.unwrap();
    catalog.set_late(ENV, &name("raw.orders"), Some(&late())).await.unwrap();
    let code = serde_json::json!({ "sql": "select 1" });
    catalog.set_code(ENV, &name("raw.orders"), &Fingerprint("code".to_owned()), &code).await.unwrap();
    catalog.put_cached(&[("plan".to_owned(), "cached".to_owned())]).await.unwrap();
}

fn suppression() -> Suppression {
    Suppression {
        asset: name("raw.orders"),
        check: "unique_id".to_owned(),
        actor: actor("ana"),
        why: "known".to_owned(),
        made_at: noon(),
        until: noon(),
        limit: Some(Threshold::Share(0.01)),
    }
}

fn late() -> Late {
    Late { check: "fresh".to_owned(), message: "3 d old".to_owned(), since: noon(), newest: None }
}

fn failed() -> Task {
    Task {
        state: TaskState::Failed,
        attempts: 2,
        ended_at: Some(noon()),
        message: Some("no such column".to_owned()),
        ..task(&run("0run1"), "raw.orders")
    }
}

/// Writes the fixture of the newest format. Run by hand once per migration, before its release; never again.
#[tokio::test]
#[ignore = "writes a fixture"]
async fn write() {
    let folder = Folder::new();
    let catalog = open_sqlite(&folder.path(), Stage::default().effects).await.unwrap();
    let run = run("0run1");
    catalog.create_run(&run, &[task(&run, "raw.orders")]).await.unwrap();
    publish_next(&*catalog, &name("raw.orders")).await;
    publish_next(&*catalog, &name("raw.orders")).await;
    hold_next(&*catalog, &name("raw.orders")).await;
    let left = stage(&*catalog, &name("mart.daily")).await;
    let held_lease = lease(&*catalog, "mart.daily").await;
    catalog.begin_publishing(ENV, &[intent(&left)], &held_lease, &by("ben")).await.unwrap();
    suppress_and_note(&*catalog).await;
    catalog.set_task(&failed()).await.unwrap();
    catalog.end_run(&run.id, RunState::Held, noon()).await.unwrap();
    catalog.close().await;
    std::fs::copy(folder.path(), fixture(4)).unwrap();
}

/// The first format opens, says what was written, and goes on.
#[tokio::test]
async fn format_1_is_read() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().parent().unwrap()).unwrap();
    std::fs::copy(fixture(1), folder.path()).unwrap();
    let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
    check_whole(&*catalog, "raw").await;

    let orders = name("raw.orders");
    let live = catalog.live_one(ENV, &orders).await.unwrap().unwrap();
    let expected = Version {
        state: VersionState::Published,
        base: Some(VersionNumber(1)),
        base_delta_version: Some(0),
        delta_version: Some(1),
        published_at: Some(noon() + chrono::TimeDelta::microseconds(1)),
        ..samples::version(&orders, VersionNumber(2))
    };
    assert_eq!(live, expected);
    let held = &catalog.held(ENV).await.unwrap()[0];
    assert_eq!((held.number, &held.checks), (VersionNumber(3), &failing(held.clone()).checks));
    let open = &catalog.unfinished(ENV).await.unwrap()[0];
    assert_eq!((open.members[0].asset.to_string().as_str(), &open.by), ("mart.daily", &by("ben")));
    assert_eq!(catalog.suppressions(ENV).await.unwrap(), [suppression()]);
    assert_eq!(catalog.late(ENV).await.unwrap()[&orders], late());
    assert_eq!(catalog.code(ENV, &orders).await.unwrap().unwrap().0.0, "code");
    assert_eq!(catalog.cached("plan").await.unwrap().as_deref(), Some("cached"));
    let old = catalog.run(&run("0run1").id).await.unwrap().unwrap();
    assert_eq!((old.state, old.request, old.retry_of), (RunState::Held, RunRequest::default(), None));
    assert_eq!(catalog.tasks(&run("0run1").id).await.unwrap()[0].plan, None, "it was not kept then");
    assert_eq!(whole_log(&*catalog, ENV).await[0].at, noon());
    assert_eq!(actions(&*catalog, ENV).await.len(), 15);
    for table in SYSTEM_TABLES {
        let is_empty = catalog.system_table(table).await.unwrap().unwrap().rows.is_empty();
        assert_eq!(is_empty, SERVICE_TABLES.contains(table), "{table}");
    }

    catalog.finish_publishing(ENV, &[(name("mart.daily"), VersionNumber(1), 0)], &actor("ana")).await.unwrap();
    assert_eq!(publish_next(&*catalog, &orders).await.number, VersionNumber(4));
}

/// The third format gets the tables and the indexes of a server, and tasks that know their environment.
#[tokio::test]
async fn format_3_is_read() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().parent().unwrap()).unwrap();
    std::fs::copy(fixture(3), folder.path()).unwrap();
    let catalog = open_service_sqlite(&folder.path(), Effects::real()).await.unwrap();
    check_whole(&*catalog, "raw").await;

    let orders = name("raw.orders");
    assert_eq!(catalog.tasks(&run("0run1").id).await.unwrap(), [failed()]);
    let failures = catalog.last_failures(ENV).await.unwrap();
    assert_eq!(failures[&orders].message.as_deref(), Some("no such column"));
    assert!(catalog.last_failures("dev").await.unwrap().is_empty());
    let of_asset = RunFilter { asset: Some(orders.clone()), limit: 10, ..RunFilter::default() };
    let runs = catalog.runs_page(ENV, &of_asset).await.unwrap();
    assert_eq!((runs.len(), &runs[0].run.id, runs[0].tasks["failed"]), (1, &run("0run1").id, 1));
    let current = catalog.current(ENV).await.unwrap();
    let of_orders = &current[&orders];
    let numbers = [&of_orders.live, &of_orders.held].map(|of| of.as_ref().map(|version| version.number.0));
    assert_eq!((current.len(), numbers), (1, [Some(2), Some(3)]));
    assert_eq!(
        catalog.versions_page(ENV, &orders, None, 9).await.unwrap(),
        catalog.versions(ENV, &orders).await.unwrap()
    );
    let position = catalog.position().await.unwrap();
    assert_eq!((position.audit, position.event), (15, 0));
    assert_eq!(catalog.told_until(ENV).await.unwrap(), None);
    catalog.tell(ENV, &[], position).await.unwrap();
    assert_eq!(catalog.told_until(ENV).await.unwrap(), Some(position));
}

//! What the doctor sees, what it heals, and what it leaves to a person.

use lockgate_run::{DoctorReport, Health, PlanOptions};
use lockgate_types::RunState;

use crate::child;
use crate::retention::{below, folders, gc, history, orders, publish, table};
use crate::world::{World, name, outcome};

async fn doctor(world: &World) -> DoctorReport {
    let (workspace, _) = world.opened().await;
    workspace.doctor(false).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The messages of one health.
fn said(report: &DoctorReport, health: Health) -> Vec<&str> {
    report.findings.iter().filter(|f| f.health == health).map(|f| f.message.as_str()).collect()
}

/// The one problem, and what to type next.
fn problem(report: &DoctorReport) -> (&str, &str) {
    let problems: Vec<_> = report.findings.iter().filter(|f| f.health == Health::Problem).collect();
    assert_eq!(problems.len(), 1, "{report:#?}");
    assert_eq!(report.exit_code(), 1);
    (&problems[0].message, problems[0].next.as_deref().unwrap_or(""))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let world = history("", 2).await;
    world.write("data/orders.csv", "id,amount\n1,-1\n");
    assert_eq!(world.run().await.state, RunState::Held);
    let (workspace, _) = world.opened().await;
    for deep in [false, true] {
        let report = workspace.doctor(deep).await.unwrap();
        assert_eq!(report.exit_code(), 0);
        assert!(report.findings.iter().all(|f| matches!(f.health, Health::Well | Health::Warning)), "{report:#?}");
        assert_eq!((report.assets, report.versions), (3, 3 + 3 + 2), "the held one too");
        assert_eq!(report.files, 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_or_changed_is_a_problem() {
    let world = history("", 2).await;
    let file_of = |version: u64| {
        let folder = table(&world, "mart.sum").join(format!("_lockgate/v{version}"));
        let name = below(&folder).into_keys().find(|path| path.ends_with(".parquet")).unwrap();
        folder.join(name)
    };
    let (live, old) = (file_of(2), file_of(1));
    let content = std::fs::read(&live).unwrap();
    std::fs::remove_file(&live).unwrap();
    let report = doctor(&world).await;
    let (message, next) = problem(&report);
    assert!(message.starts_with("live mart.sum version 2: tables/mart/sum/_lockgate/v2/part-"), "{message}");
    assert!(message.ends_with(".parquet is gone"), "{message}");
    assert_eq!(next, "run mart.sum --force");

    std::fs::write(&live, &content[1..]).unwrap();
    assert!(problem(&doctor(&world).await).0.ends_with(&format!(
        "has {} B instead of {} B",
        content.len() - 1,
        content.len()
    )));

    std::fs::write(&live, vec![0; content.len()]).unwrap();
    assert_eq!(doctor(&world).await.exit_code(), 0, "of the right size, and not opened");
    let (workspace, _) = world.opened().await;
    let deep = workspace.doctor(true).await.unwrap();
    assert!(problem(&deep).0.contains("is damaged"), "{deep:#?}");

    std::fs::write(&live, &content).unwrap();
    std::fs::remove_file(&old).unwrap();
    let report = doctor(&world).await;
    let (message, next) = problem(&report);
    assert!(message.starts_with("superseded mart.sum version 1"), "{message}");
    assert_eq!(next, "", "nothing can be done about it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_commit_is_reported_with_who_and_when() {
    let world = history("", 2).await;
    let log = table(&world, "raw.orders").join("_delta_log");
    let entry = std::fs::read_to_string(log.join("00000000000000000000.json")).unwrap();
    let add = entry.lines().find(|line| line.starts_with("{\"add\"")).unwrap();
    let info = r#"{"commitInfo":{"timestamp":1767225600000,"operation":"RESTORE","userName":"mallory","engineInfo":"Spark/4"}}"#;
    std::fs::write(log.join("00000000000000000002.json"), format!("{info}\n{add}\n")).unwrap();
    let report = doctor(&world).await;
    let (message, next) = problem(&report);
    assert_eq!(
        message,
        "mallory committed Delta version 2 of raw.orders (RESTORE) at 2026-01-01T00:00:00Z: 1 file added, 0 removed; \
         Lockgate's readers stay on version 2, the next publication removes it"
    );
    assert_eq!(next, "run raw.orders --force");
    let force = PlanOptions { force: true, selectors: vec!["raw.orders".to_owned()], ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(force).await.unwrap()), "raw.orders published");
    assert_eq!(doctor(&world).await.exit_code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_cut_or_rewritten_is_a_problem() {
    let world = history("", 2).await;
    let entry = table(&world, "raw.orders").join("_delta_log/00000000000000000001.json");
    let content = std::fs::read_to_string(&entry).unwrap();
    std::fs::remove_file(&entry).unwrap();
    let report = doctor(&world).await;
    assert_eq!(
        problem(&report).0,
        "the log of raw.orders ends at Delta version 0, but version 2 was published as Delta version 1"
    );
    let adds: String =
        content.lines().filter(|line| !line.contains("\"txn\"")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&entry, adds).unwrap();
    assert_eq!(problem(&doctor(&world).await).0, "Delta version 1 of raw.orders is not what version 2 was");
    let kept: String =
        content.lines().filter(|line| !line.contains("\"remove\"")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&entry, kept).unwrap();
    let report = doctor(&world).await;
    assert_eq!(problem(&report).0, "the log of raw.orders lists other files at Delta version 1 than version 2");
    std::fs::write(&entry, content).unwrap();
    assert_eq!(doctor(&world).await.exit_code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_was_left_half_done_is_finished() {
    let world = history("", 1).await;
    world.write("data/orders.csv", &orders(2));
    world.effects.faults.arm("run.publishing_recorded", "fail:1");
    world.run().await;
    let report = doctor(&world).await;
    assert_eq!(
        said(&report, Health::Healed),
        ["the publication of raw.orders version 2 was left half done, and is finished"]
    );
    assert_eq!(report.exit_code(), 0);
    assert_eq!(world.query("select count(*) from raw.orders").await, ["2"]);
}

/// Something foreign stands where a half-done publication wanted to go; opening cannot settle that, the doctor can.
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_behind_a_foreign_commit_is_finished_under_the_lease() {
    let world = history("", 1).await;
    world.write("data/orders.csv", &orders(2));
    world.effects.faults.arm("run.publishing_recorded", "fail:1");
    world.effects.faults.arm("catalog.finish_publishing.before", "fail:0");
    world.run().await;
    let log = table(&world, "raw.orders").join("_delta_log");
    std::fs::write(log.join("00000000000000000001.json"), "{\"commitInfo\":{\"engineInfo\":\"Spark/4\"}}\n").unwrap();
    let report = doctor(&world).await;
    assert_eq!(said(&report, Health::Healed).len(), 1, "{report:#?}");
    assert_eq!(report.exit_code(), 0, "{report:#?}");
    assert_eq!(world.query("select count(*) from raw.orders").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_left_is_healed_or_pointed_out() {
    let world = history("", 1).await;
    world.write("data/orders.csv", &orders(2));
    assert!(!child::start("run", world.root(), "lake.file_staged=kill").wait().unwrap().success());
    let report = doctor(&world).await;
    let healed = said(&report, Health::Healed);
    assert_eq!(healed.len(), 3, "{report:#?}");
    assert!(healed[0].starts_with("run ") && healed[0].ends_with("was left by its process, and is marked interrupted"));
    assert!(healed[1].starts_with("the lease default/raw.orders was held by ada-"), "{healed:?}");
    assert_eq!(healed[2], "1 file of readers that are gone went");
    let warned = said(&report, Health::Warning);
    assert!(warned[0].contains("left by attempts that ended before their gate"), "{warned:?}");
    assert_eq!(report.exit_code(), 0);
    assert_eq!(world.query("select state from lockgate.runs order by started_at desc limit 1").await, ["interrupted"]);
    let tasks = "select distinct t.state from lockgate.tasks t join lockgate.runs r on r.id = t.run where r.state = 'interrupted'";
    assert_eq!(world.query(tasks).await, ["interrupted"]);

    gc(&world).await;
    let again = doctor(&world).await;
    assert!(again.findings.iter().all(|f| f.health == Health::Well || f.about == "disk"), "{again:#?}");
    assert_eq!(world.run().await.state, RunState::Done);
}

/// A run that goes on is not taken for dead, however long its heart stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_goes_on_is_left_alone() {
    let world = history("", 1).await;
    world.write("data/orders.csv", &orders(2));
    let mut run = child::start("run", world.root(), "lake.file_staged=freeze:3000");
    while folders(&world, "raw.orders").len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let report = doctor(&world).await;
    assert!(said(&report, Health::Healed).is_empty(), "{report:#?}");
    assert!(
        said(&report, Health::Well).iter().any(|m| m.starts_with("run ") && m.ends_with(" goes on")),
        "{report:#?}"
    );
    assert!(said(&report, Health::Well).contains(&"1 other process has the project open"), "{report:#?}");
    assert_eq!(child::next(&mut child::lines(&mut run)).as_deref(), Some("Done"));
    run.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn version_json_is_written_anew_from_the_catalog() {
    let world = history("", 1).await;
    let file = table(&world, "mart.totals").join("_lockgate/v1/version.json");
    let content = std::fs::read_to_string(&file).unwrap();
    let heals = async |message: &str| {
        let report = doctor(&world).await;
        assert_eq!(said(&report, Health::Healed), [message]);
        assert_eq!(report.exit_code(), 0);
        assert!(said(&doctor(&world).await, Health::Healed).is_empty(), "once");
    };
    std::fs::remove_file(&file).unwrap();
    heals("version.json of mart.totals version 1 was gone, and is written anew").await;
    std::fs::write(&file, "{").unwrap();
    heals("version.json of mart.totals version 1 could not be read, and is written anew").await;
    assert!(content.contains("\"failing\": 0"), "{content}");
    std::fs::write(&file, content.replacen("\"failing\": 0", "\"failing\": 7", 1)).unwrap();
    heals("version.json of mart.totals version 1 was older than the catalog, and is written anew").await;
    std::fs::write(&file, content.replacen("\"rows\": 1", "\"rows\": 9", 1)).unwrap();
    let report = doctor(&world).await;
    assert_eq!(problem(&report).0, "version.json of mart.totals version 1 tells of other content than the catalog");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_older_than_the_store_is_a_problem() {
    let world = history("", 1).await;
    let catalog = world.root().join(".lockgate/catalog.db");
    world.settled().await;
    let backup = std::fs::read(&catalog).unwrap();
    publish(&world, 2).await;
    world.settled().await;
    std::fs::write(&catalog, backup).unwrap();
    let report = doctor(&world).await;
    let messages = said(&report, Health::Problem);
    assert!(
        messages.contains(&"the log of raw.orders says that version 2 was published after version 1: the catalog is older than the store"),
        "{messages:?}"
    );
    let (workspace, _) = world.opened().await;
    workspace.history(&name("raw.orders")).await.unwrap();
}

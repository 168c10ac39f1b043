//! A catalog that was lost, and what the store gives back.

use std::path::Path;

use lockgate_run::{OpenOptions, PlanOptions, RebuildReport, RunError, SuppressRequest, rebuild};
use lockgate_types::RunState;

use crate::retention::{folders, gc, history, number, orders, publish, set_keep, states};
use crate::world::{World, name, outcome};

async fn rebuilt(world: &World, force: bool) -> Result<RebuildReport, RunError> {
    rebuild(world.root(), &world.options(), "the disk failed", force).await
}

fn catalog(world: &World) -> std::path::PathBuf {
    world.root().join(".lockgate/catalog.db")
}

async fn lose(world: &World) {
    world.settled().await;
    std::fs::remove_dir_all(world.root().join(".lockgate")).unwrap();
}

/// What of a catalog the store can give back.
async fn known(world: &World) -> Vec<Vec<String>> {
    let mut answers = Vec::new();
    for sql in [
        "select environment, asset, number, state, run, actor, fingerprint, checks_fingerprint, inputs, rows, \
           size_bytes, base, delta_version, staged_at, as_of, why, restores, build_ms, audit_ms, checks_passed, \
           checks_failed from lockgate.versions where state <> 'failed' order by environment, asset, number",
        "select * from lockgate.checks order by environment, asset, version, name",
        "select * from lockgate.profiles order by environment, asset, version, column_name",
        // In the order of their publication: the log keeps its time to the millisecond only.
        "select environment, asset, number from lockgate.versions where published_at is not null \
           order by environment, asset, published_at",
    ] {
        answers.push(world.query(sql).await);
    }
    answers
}

/// Versions in every state: superseded, retracted, live, restored, held, dismissed, expired.
async fn eventful() -> World {
    let world = history("{ versions: 4 }", 4).await;
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("mart.totals"), number(2), "wrong order").await.unwrap();
    drop(workspace);
    world.run().await;
    for amount in [-1, -2] {
        world.write("data/orders.csv", &format!("id,amount\n1,{amount}\n"));
        assert_eq!(world.run().await.state, RunState::Held);
        let (workspace, _) = world.opened().await;
        if amount == -1 {
            workspace.dismiss(&name("mart.totals"), None, "wrong at the source").await.unwrap();
        }
    }
    gc(&world).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuilt_catalog_knows_what_the_lost_one_knew() {
    let world = eventful().await;
    let before = known(&world).await;
    let sums = world.query("select total from mart.sum").await;
    let states_before = states(&world, "mart.totals").await;
    lose(&world).await;
    let report = rebuilt(&world, false).await.unwrap();
    assert_eq!(report.old_catalog, None);
    assert!(report.assets.iter().all(|asset| asset.notes.is_empty()), "{report:#?}");
    assert!(report.lost.iter().any(|lost| lost.contains("suppressions")), "{report:#?}");
    // Expired versions have nothing left in the store.
    let without_expired = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !line.contains(",expired,")).cloned().collect()
    };
    let after = known(&world).await;
    assert_eq!(after[0], without_expired(&before[0]));
    let states_after = states(&world, "mart.totals").await;
    let expired = lockgate_types::VersionState::Expired;
    let kept: Vec<_> = states_before.into_iter().filter(|(_, state)| *state != expired).collect();
    assert_eq!(states_after.into_iter().collect::<Vec<_>>(), kept);
    for table in 1..before.len() {
        let missing: Vec<&String> = after[table].iter().filter(|line| !before[table].contains(line)).collect();
        assert!(missing.is_empty(), "{missing:#?} are not what was there");
        assert!(!after[table].is_empty());
    }
    assert_eq!(world.query("select total from mart.sum").await, sums);
    assert_eq!(
        world.query("select actor, why from lockgate.audit where action = 'rebuilt'").await,
        ["ada,the disk failed"]
    );
    assert_eq!(world.run().await.state, RunState::Held, "what was held is held still");
    let (workspace, graph) = world.opened().await;
    workspace.publish_held(&graph, &name("mart.totals"), None, "a refund").await.unwrap();
    let report = workspace.doctor(true).await.unwrap();
    assert_eq!(report.exit_code(), 0, "{report:#?}");
    drop(workspace);
    publish(&world, 9).await;
    assert_eq!(world.query("select total from mart.sum").await, ["45"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stale_after_a_rebuild() {
    let world = history("", 3).await;
    let before = known(&world).await;
    lose(&world).await;
    let report = rebuilt(&world, false).await.unwrap();
    assert_eq!(known(&world).await, before, "every row");
    let live: Vec<_> = report.assets.iter().map(|asset| (asset.live, asset.last)).collect();
    assert_eq!(live, [(Some(number(3)), number(3)); 3]);
    assert!(world.run().await.results.is_empty());
    publish(&world, 4).await;
    assert_eq!(folders(&world, "raw.orders"), [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_catalog_is_moved_aside() {
    let world = history("", 2).await;
    let garbage = "this is a note about catalogs\n".repeat(300);
    world.settled().await;
    std::fs::write(catalog(&world), &garbage).unwrap();
    let refused = world.open().await.unwrap_err();
    assert_eq!(refused.diagnostics().0[0].code.id, "LG0602");
    assert!(refused.diagnostics().0[0].hint.as_ref().unwrap().contains("lockgate doctor --rebuild --why"));
    let report = rebuilt(&world, false).await.unwrap();
    let kept = report.old_catalog.unwrap();
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), garbage);
    assert_eq!(world.query("select total from mart.sum").await, ["3"]);
    let litter: Vec<String> = crate::retention::below(&world.root().join(".lockgate"))
        .into_keys()
        .filter(|path| path.contains(".new"))
        .collect();
    assert!(litter.is_empty(), "{litter:?}");
}

/// A page in the middle: it opens, and says itself that it is damaged.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_with_a_damaged_page_is_told_and_rebuilt() {
    let world = history("", 2).await;
    world.settled().await;
    {
        let bytes = std::fs::read(catalog(&world)).unwrap();
        // The end of the file holds the youngest pages of tables and indexes.
        let mut damaged = bytes.clone();
        let from = bytes.len() - 3 * 4_096;
        damaged[from..].fill(0xa5);
        std::fs::write(catalog(&world), damaged).unwrap();
    }
    let told = match world.open().await {
        Ok(workspace) => match workspace.doctor(false).await {
            Ok(report) => report.exit_code() == 1,
            Err(error) => error.diagnostics().0[0].code.id == "LG0602",
        },
        Err(error) => error.diagnostics().0[0].code.id == "LG0602",
    };
    assert!(told, "it is not well");
    rebuilt(&world, false).await.unwrap();
    assert_eq!(world.query("select total from mart.sum").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_catalog_is_not_replaced_without_force() {
    let world = history("", 2).await;
    let (workspace, graph) = world.opened().await;
    let suppression = SuppressRequest {
        asset: name("mart.totals"),
        check: "expect".to_owned(),
        until: chrono::Utc::now() + chrono::Duration::days(1),
        why: "on call".to_owned(),
        limit: None,
    };
    workspace.suppress(&graph, suppression).await.unwrap();
    let refused = rebuilt(&world, true).await.unwrap_err();
    assert_eq!(refused.diagnostics().0[0].code.id, "LG0732", "others have it open: {refused}");
    drop(workspace);
    let refused = rebuilt(&world, false).await.unwrap_err();
    assert_eq!(refused.diagnostics().0[0].code.id, "LG0731");
    assert!(refused.is_usage());
    let before = known(&world).await;
    let report = rebuilt(&world, true).await.unwrap();
    assert_eq!(known(&world).await, before);
    // Whoever wants the journal still has it.
    let old = report.old_catalog.unwrap();
    world.settled().await;
    std::fs::rename(&old, catalog(&world)).unwrap();
    assert!(world.query("select count(*) from lockgate.runs").await != ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_gaps_are_not_given_out_again() {
    let world = history("", 1).await;
    // Files of an attempt that the catalog would know as failed.
    world.write("store/tables/raw/orders/_lockgate/v7/part-0-0.parquet", "half");
    world.write("store/tables/mart/totals__rejects/_lockgate/v8/part-0-0.parquet", "half");
    lose(&world).await;
    let report = rebuilt(&world, false).await.unwrap();
    let last: Vec<u64> = report.assets.iter().map(|asset| asset.last.0).collect();
    assert_eq!(last, [1, 8, 7], "mart.sum, mart.totals, raw.orders");
    publish(&world, 2).await;
    assert_eq!(states(&world, "raw.orders").await.into_keys().collect::<Vec<_>>(), [1, 8]);
    assert_eq!(states(&world, "mart.totals").await.into_keys().collect::<Vec<_>>(), [1, 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_environment_is_rebuilt() {
    let world = World::orders();
    let settings = "name: test\nengine: { memory: 256MB, threads: 2 }\nenvironments:\n  dev: {}\n";
    world.write("lockgate.yml", settings);
    world.run().await;
    let in_dev = || OpenOptions { environment: Some("dev".to_owned()), ..world.options() };
    run_in(world.root(), in_dev()).await;
    world.write("data/orders.csv", &orders(5));
    run_in(world.root(), in_dev()).await;
    let before = known(&world).await;
    lose(&world).await;
    let report = rebuilt(&world, false).await.unwrap();
    assert_eq!(known(&world).await, before);
    let live: Vec<(&str, Option<u64>)> =
        report.assets.iter().map(|a| (a.environment.as_str(), a.live.map(|n| n.0))).collect();
    assert_eq!(live, [[("default", Some(1)); 3], [("dev", Some(2)); 3]].concat());
}

async fn run_in(root: &Path, options: OpenOptions) {
    let workspace = lockgate_run::Workspace::open(root, options).await.unwrap();
    let graph = workspace.graph().await.unwrap();
    let plan = workspace.plan(&graph, &PlanOptions::default()).await.unwrap();
    let options = lockgate_run::RunOptions {
        observer: std::sync::Arc::new(crate::world::Silent),
        cancel: tokio_util::sync::CancellationToken::new(),
        parallel: 2,
    };
    assert_eq!(workspace.run(&graph, &plan, options).await.unwrap().state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_version_without_its_record_is_told() {
    let world = history("", 2).await;
    lose(&world).await;
    std::fs::remove_file(crate::retention::table(&world, "mart.sum").join("_lockgate/v2/version.json")).unwrap();
    let report = rebuilt(&world, false).await.unwrap();
    let sum = &report.assets[0];
    assert_eq!((sum.asset.to_string().as_str(), sum.live, sum.last), ("mart.sum", None, number(2)));
    assert!(sum.notes[0].contains("version.json of it cannot be read"), "{sum:#?}");
    assert_eq!(outcome(&world.run().await), "mart.sum published");
    assert_eq!(world.query("select total from mart.sum").await, ["3"]);
    assert_eq!(states(&world, "mart.sum").await.into_keys().collect::<Vec<_>>(), [1, 3]);
}

/// At each step the project has one catalog or the other, or none; and the next attempt succeeds or finds all done.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_fails_anywhere_is_done_again() {
    let points = lockgate_run::FAULT_POINTS.iter().chain(lockgate_catalog::FAULT_POINTS);
    let words = ["rebuild", "catalog.restore", "catalog.audit.", "lake.removing"];
    for point in points.filter(|point| words.iter().any(|word| point.name.contains(word))) {
        let world = history("", 2).await;
        let before = known(&world).await;
        let garbage = "no catalog".repeat(1_000);
        lose(&world).await;
        world.write(".lockgate/catalog.db", &garbage);
        world.effects.faults.arm(point.name, "fail:1");
        let first = rebuilt(&world, false).await;
        assert_eq!(world.effects.faults.fired(point), 1, "{} did not fire", point.name);
        assert!(first.is_err(), "{}", point.name);
        match rebuilt(&world, false).await {
            Ok(report) => {
                assert_eq!(std::fs::read_to_string(report.old_catalog.unwrap()).unwrap(), garbage, "{}", point.name);
            }
            Err(error) => assert_eq!(error.diagnostics().0[0].code.id, "LG0731", "it is done: {error}"),
        }
        assert_eq!(known(&world).await, before, "after {}", point.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_empty_makes_an_empty_catalog() {
    let world = World::orders();
    set_keep(&world, "");
    let report = rebuilt(&world, false).await.unwrap();
    assert!(report.assets.is_empty());
    assert_eq!(world.run().await.state, RunState::Done);
}

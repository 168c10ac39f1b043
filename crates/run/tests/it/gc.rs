//! What expires, what is removed, and above all what is not.

use std::io::Write;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use lockgate_run::{PlanOptions, QueryOptions, Removed, RunError};
use lockgate_types::effects::FixedClock;
use lockgate_types::{Effects, FaultPoint, Faults, RunState, VersionState};

use crate::child;
use crate::retention::{
    below, expired, folders, gc, history, number, orders, publish, set_keep, spared, states, table,
};
use crate::world::{World, name, outcome};

const EXPIRED: VersionState = VersionState::Expired;
const SUPERSEDED: VersionState = VersionState::Superseded;
const PUBLISHED: VersionState = VersionState::Published;

#[tokio::test(flavor = "multi_thread")]
async fn what_keep_does_not_keep_expires_and_its_files_go() {
    let world = history("{ versions: 2 }", 4).await;
    let before = below(&world.root().join("store"));
    let report = gc(&world).await;
    for asset in ["raw.orders", "mart.totals", "mart.sum"] {
        assert_eq!(expired(&report, asset), "1 2", "{asset}");
        let states: Vec<VersionState> = states(&world, asset).await.into_values().collect();
        assert_eq!(states, [EXPIRED, EXPIRED, SUPERSEDED, PUBLISHED], "{asset}");
        assert_eq!(folders(&world, asset), [3, 4], "{asset}");
        assert_eq!(below(&table(&world, asset).join("_delta_log")).len(), 4, "the log of {asset} is never cleaned");
    }
    let after = below(&world.root().join("store"));
    let gone: Vec<(&String, &u64)> = before.iter().filter(|(path, _)| !after.contains_key(*path)).collect();
    assert_eq!(report.removed_files, gone.len() as u64);
    assert_eq!(report.removed_bytes, gone.iter().map(|(_, bytes)| **bytes).sum::<u64>());
    assert!(report.removed.iter().all(|removed| removed.what == Removed::Expired), "{report:#?}");
    assert!(report.spared.is_empty(), "{report:#?}");

    assert_eq!(world.query("select total from mart.sum").await, ["10"]);
    assert_eq!(world.query("select count(*) from version('raw.orders', 3)").await, ["3"]);
    assert_eq!(
        world.query("select count(*), min(actor), min(why) from lockgate.audit where action = 'expired'").await,
        ["6,ada,outside keep: 2 versions"]
    );
    assert_eq!(world.query("select count(*) from lockgate.audit where action = 'removed'").await, ["1"]);
    assert!(world.run().await.results.is_empty(), "nothing is stale for it");

    let again = gc(&world).await;
    assert_eq!((again.expired.len(), again.removed.len(), again.spared.len()), (0, 0, 0), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_version_says_so() {
    let world = history("{ versions: 1 }", 2).await;
    let (workspace, graph) = world.opened().await;
    let long_ago = Utc::now();
    drop(workspace);
    publish(&world, 3).await;
    gc(&world).await;
    let (workspace, graph) = (world.open().await.unwrap(), graph);
    let sql = "select * from version('raw.orders', 1)";
    let refused = workspace.query(&graph, sql, QueryOptions::default()).await.unwrap_err();
    assert!(matches!(&refused, RunError::Expired { number, .. } if number.0 == 1), "{refused}");
    assert!(refused.is_usage());
    assert_eq!(refused.diagnostics().0[0].code.id, "LG0730");
    let at = QueryOptions { at: Some(long_ago) };
    let refused = workspace.query(&graph, "select * from raw.orders", at).await.unwrap_err();
    assert!(matches!(&refused, RunError::Expired { number, .. } if number.0 == 2), "it was live then: {refused}");
    let refused = workspace.rollback(&graph, &name("raw.orders"), number(1), "back").await.unwrap_err();
    assert!(refused.to_string().contains("its files were removed by retention"), "{refused}");
    let of = lockgate_run::DiffOf::Between(number(1), number(3));
    let refused = workspace.diff(&graph, &name("mart.totals"), of, None, 1).await.unwrap_err();
    assert!(matches!(refused, RunError::Expired { .. }), "{refused}");
    let which = lockgate_run::Which::Number(number(1));
    let shown = workspace.show(&graph, &name("mart.totals"), which, 5).await.unwrap();
    assert_eq!((shown.version.state, shown.preview.rows.len()), (EXPIRED, 0), "what is known of it stays");
    assert_eq!(shown.version.checks.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keep_nothing_expires() {
    let world = history("", 4).await;
    let before = below(&world.root().join("store"));
    let report = gc(&world).await;
    assert_eq!((report.expired.len(), report.removed.len()), (0, 0), "{report:#?}");
    assert_eq!(below(&world.root().join("store")), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_count_from_the_end_of_a_version() {
    let clock = Arc::new(FixedClock(Mutex::new("2026-03-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap())));
    let mut world = World::orders();
    world.effects = Effects { clock: clock.clone(), faults: Arc::new(Faults::default()), ..Effects::real() };
    set_keep(&world, "{ days: 3 }");
    let pass = |days: i64| *clock.0.lock().unwrap() += TimeDelta::days(days);
    publish(&world, 1).await;
    pass(10);
    publish(&world, 2).await;
    pass(2);
    publish(&world, 3).await;
    assert_eq!(expired(&gc(&world).await, "raw.orders"), "", "version 1 was live until two days ago");
    pass(1);
    assert_eq!(expired(&gc(&world).await, "raw.orders"), "1");
    pass(2);
    assert_eq!(expired(&gc(&world).await, "raw.orders"), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_tells_the_truth() {
    let world = history("{ versions: 1 }", 3).await;
    leave_a_failed_attempt(&world).await;
    let (workspace, _) = world.opened().await;
    let files = below(&world.root().join("store"));
    let tables = ["versions", "audit", "checks", "runs"];
    let mut before = Vec::new();
    for table in tables {
        before.push(world.query(&format!("select * from lockgate.{table}")).await);
    }
    let dry = workspace.gc(true).await.unwrap();
    assert!(dry.dry_run && dry.removed_files > 0);
    assert_eq!(below(&world.root().join("store")), files);
    for (table, before) in tables.iter().zip(before) {
        assert_eq!(world.query(&format!("select * from lockgate.{table}")).await, before, "{table}");
    }
    let done = workspace.gc(false).await.unwrap();
    assert_eq!(lockgate_run::GcReport { dry_run: false, ..dry }, done);
}

// ── what is spared ──────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test(flavor = "multi_thread")]
async fn a_held_version_and_its_base_are_spared() {
    let world = history("{ versions: 0 }", 2).await;
    world.write("data/orders.csv", "id,amount\n1,-1\n");
    assert_eq!(world.run().await.state, RunState::Held);
    let report = gc(&world).await;
    assert_eq!(expired(&report, "mart.totals"), "1", "the live one is the base of the held one");
    assert_eq!(folders(&world, "mart.totals"), [2, 3]);
    let (workspace, graph) = world.opened().await;
    workspace.publish_held(&graph, &name("mart.totals"), None, "a refund").await.unwrap();
    drop(workspace);
    assert_eq!(world.query("select amount from mart.totals").await, ["-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_was_dismissed_last_is_not_built_again() {
    let world = history("{ versions: 0 }", 2).await;
    world.write("data/orders.csv", "id,amount\n1,-1\n");
    world.run().await;
    let (workspace, _) = world.opened().await;
    workspace.dismiss(&name("mart.totals"), None, "wrong").await.unwrap();
    drop(workspace);
    let report = gc(&world).await;
    assert_eq!(spared(&report, "mart.totals"), ["version 3: it was dismissed last, and would be built again"]);
    assert_eq!(outcome(&world.run().await), "mart.sum unchanged, mart.totals unchanged");
    publish(&world, 3).await;
    assert_eq!(expired(&gc(&world).await, "mart.totals"), "2 3", "something was published since");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_live_version_restores_is_spared() {
    let world = history("{ versions: 0 }", 3).await;
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("mart.totals"), number(1), "wrong order").await.unwrap();
    drop(workspace);
    let report = gc(&world).await;
    assert_eq!(expired(&report, "mart.totals"), "2 3");
    assert_eq!(spared(&report, "mart.totals"), ["version 1: live version 4 restores it"]);
    assert_eq!(world.query("select count(*) from mart.totals").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_stays_while_a_kept_version_lists_it() {
    let world = World::new(&[(
        "assets/raw/log.yml",
        "kind: source\nread: { path: 'data/*.csv' }\nload: append\ncolumns: { id: bigint }\n",
    )]);
    set_keep(&world, "{ versions: 1 }");
    for part in 1..=3 {
        world.write(&format!("data/{part}.csv"), &format!("id\n{part}\n"));
        world.run().await;
    }
    let report = gc(&world).await;
    assert_eq!(expired(&report, "raw.log"), "", "expiring them would free nothing");
    assert_eq!(spared(&report, "raw.log").len(), 2);
    assert!(spared(&report, "raw.log")[0].contains("live version 3 lists all of its files"), "{report:#?}");

    let anew = PlanOptions { full_refresh: true, force: true, ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(anew).await.unwrap()), "raw.log published");
    set_keep(&world, "{ versions: 2 }");
    let report = gc(&world).await;
    assert_eq!(expired(&report, "raw.log"), "1 2", "version 3 is kept, and lists their files");
    let says = spared(&report, "raw.log");
    assert_eq!(says, ["version 1: kept versions list these files", "version 2: kept versions list these files"]);
    assert_eq!(world.query("select count(*) from version('raw.log', 3)").await, ["3"]);
    set_keep(&world, "{ versions: 1 }");
    let report = gc(&world).await;
    assert_eq!(expired(&report, "raw.log"), "3");
    assert_eq!(folders(&world, "raw.log"), [4], "with the last one that listed them, they go");
    assert_eq!(world.query("select count(*) from raw.log").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_expire_with_their_version() {
    let source = |more: &str| {
        format!("kind: source\nread: {{ path: data/o.csv }}\ncolumns: {{ id: bigint }}\nrejects: 5\n{more}")
    };
    let world = World::new(&[("assets/raw/o.yml", &source("")), ("data/o.csv", "id\n1\nx\n")]);
    set_keep(&world, "{ versions: 1 }");
    world.run().await;
    world.write("data/o.csv", "id\n1\n2\ny\n");
    world.run().await;
    assert_eq!(folders(&world, "raw.o__rejects"), [1, 2]);
    assert_eq!(expired(&gc(&world).await, "raw.o"), "1");
    assert_eq!((folders(&world, "raw.o"), folders(&world, "raw.o__rejects")), (vec![2], vec![2]));
    assert_eq!(world.query("select _raw from raw.o__rejects").await, ["y"]);
}

/// A run that is frozen in the middle: what it pinned, what it stages and its asset's lease are spared.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_goes_on_is_spared() {
    let world = history("{ versions: 0 }", 2).await;
    let mut frozen = World::at(world.root());
    frozen.effects.faults = Arc::new(Faults::default());
    frozen.effects.faults.arm("lake.file_staged", "freeze:4000");
    let force = PlanOptions { force: true, selectors: vec!["mart.totals".to_owned()], ..PlanOptions::default() };
    let going = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(frozen.run_with(force)).unwrap()
    });
    let working = || below(&table(&world, "mart.totals")).keys().any(|path| path.starts_with("_lockgate/v3/"));
    while !working() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    world.write("data/orders.csv", &orders(3));
    let source = PlanOptions { selectors: vec!["raw.orders".to_owned()], ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(source).await.unwrap()), "raw.orders published");
    let (workspace, _) = world.opened().await;
    for dry_run in [true, false] {
        let report = workspace.gc(dry_run).await.unwrap();
        assert!(!going.is_finished(), "the run went on too soon for this test");
        assert_eq!(expired(&report, "raw.orders"), "1");
        let says = spared(&report, "raw.orders");
        assert!(says.iter().any(|s| s.starts_with("version 2: run ") && s.ends_with(" reads it")), "{says:?}");
        assert!(spared(&report, "mart.totals")[0].ends_with("is changing it"), "{report:#?}");
    }
    assert_eq!(folders(&world, "mart.totals"), [1, 2, 3]);
    assert!(folders(&world, "raw.orders").contains(&2));
    let summary = going.join().unwrap();
    assert_eq!(outcome(&summary), "mart.totals published");
    drop(workspace);
    assert_eq!(expired(&gc(&world).await, "raw.orders"), "2", "nobody reads it any more");
}

// ── readers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_came_before_is_spared_and_one_that_came_after_is_not_waited_for() {
    let world = history("{ versions: 1 }", 2).await;
    let (before, graph) = world.opened().await;
    let sql = "select sum(amount) from version('raw.orders', 1)";
    let pinned = before.query(&graph, sql, QueryOptions::default()).await.unwrap();
    let report = gc(&world).await;
    assert_eq!(expired(&report, "raw.orders"), "1", "it is marked all the same");
    assert_eq!(spared(&report, "raw.orders"), ["version 1: 1 process that came before may be reading it"]);
    assert_eq!(folders(&world, "raw.orders"), [1, 2]);
    let (after, _) = world.opened().await;
    let batches: Vec<_> = pinned.stream.try_collect().await.unwrap();
    assert_eq!(lockgate_run::samples(&batches).rows, [[Some("1".to_owned())]]);
    assert_eq!(gc(&world).await.removed_files, 0, "it may read it again");
    drop(before);
    let report = gc(&world).await;
    assert!(report.removed_files > 0 && report.spared.is_empty(), "{report:#?}");
    assert_eq!(folders(&world, "raw.orders"), [2]);
    drop(after);
}

/// The reader pins version 1 many times, and reads it between the turns of gc.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_in_another_process_reads_on_while_gc_runs() {
    let world = history("{ versions: 1 }", 3).await;
    let mut reader = child::start("read", world.root(), "");
    let mut lines = child::lines(&mut reader);
    assert_eq!(child::next(&mut lines).as_deref(), Some("pinned"));
    for read in 0..child::READS {
        let report = gc(&world).await;
        assert_eq!(states(&world, "raw.orders").await[&1], EXPIRED, "marked at once: {report:#?}");
        assert_eq!(folders(&world, "raw.orders"), [1, 2, 3], "{report:#?}");
        assert_eq!(report.expired.is_empty(), read > 0);
        reader.stdin.as_mut().unwrap().write_all(b"read on\n").unwrap();
        assert_eq!(child::next(&mut lines).as_deref(), Some("1"), "after {read} reads");
    }
    assert_eq!(child::next(&mut lines).as_deref(), Some("done"));
    assert!(reader.wait().unwrap().success());
    gc(&world).await;
    assert_eq!(folders(&world, "raw.orders"), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_was_killed_holds_nothing_up() {
    let world = history("{ versions: 1 }", 2).await;
    let mut reader = child::start("read", world.root(), "");
    let mut lines = child::lines(&mut reader);
    assert_eq!(child::next(&mut lines).as_deref(), Some("pinned"));
    reader.kill().unwrap();
    reader.wait().unwrap();
    let report = gc(&world).await;
    assert_eq!((report.removed_readers, folders(&world, "raw.orders")), (1, vec![2]), "{report:#?}");
    assert_eq!(gc(&world).await.removed_readers, 0);
}

// ── leftovers ───────────────────────────────────────────────────────────────────────────────────────────────────────

/// An attempt at `mart.sum` that failed, and whose files could not be removed.
async fn leave_a_failed_attempt(world: &World) {
    world.write("assets/mart/sum.sql", "select sum(amount) + 0 as total from mart.totals\n");
    world.effects.faults.arm("lake.version_recorded", "fail:1");
    world.effects.faults.arm("lake.before_discard", "fail:10");
    assert_eq!(world.run().await.state, RunState::Failed);
    for point in ["lake.version_recorded", "lake.before_discard"] {
        world.effects.faults.arm(point, "fail:0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_failed_attempts_are_removed() {
    let world = history("", 1).await;
    leave_a_failed_attempt(&world).await;
    assert_eq!(folders(&world, "mart.sum"), [1, 2]);
    let report = gc(&world).await;
    assert_eq!(folders(&world, "mart.sum"), [1]);
    assert_eq!(report.removed.len(), 1, "{report:#?}");
    assert_eq!((report.removed[0].what, report.removed[0].version), (Removed::Leftover, Some(number(2))));
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(states(&world, "mart.sum").await[&3], PUBLISHED, "its number stays a gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_run_staged_is_given_up_and_removed() {
    let world = history("", 1).await;
    world.write("data/orders.csv", &orders(2));
    for kill_at in ["lake.file_staged", "catalog.put_staged.after", "catalog.set_audited.before", "run.commit_prepared"]
    {
        let killed = child::start("run", world.root(), &format!("{kill_at}=kill")).wait().unwrap();
        assert!(!killed.success(), "{kill_at} did not fire");
        let left = folders(&world, "raw.orders");
        assert_eq!(left.len(), 2, "{kill_at}: {left:?}");
        let report = gc(&world).await;
        assert_eq!(folders(&world, "raw.orders"), [1], "{kill_at}: {report:#?}");
        assert_eq!(report.removed_readers, 1, "{kill_at}");
        let staged = states(&world, "raw.orders").await.into_values().any(|state| state == VersionState::Staged);
        assert!(!staged, "{kill_at}");
    }
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.query("select total from mart.sum").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_files_and_spilled_data_of_the_dead_are_removed() {
    let world = history("", 2).await;
    let orders = "store/tables/raw/orders";
    let own = std::process::id();
    let dead = 4_100_000; // above any process id that Linux gives
    world.write(&format!("{orders}/_delta_log/00000000000000000002.json#{dead}0001"), "half");
    world.write(&format!("{orders}/_lockgate/v2/version.json#{dead}0002"), "half");
    world.write(&format!("{orders}/_lockgate/v2/version.json#{own}0003"), "somebody is writing this");
    world.write(&format!(".lockgate/spill/{dead}-0/data.arrow"), "rows");
    world.write(&format!(".lockgate/spill/{own}-77/data.arrow"), "rows of the living");
    let report = gc(&world).await;
    let sums: Vec<(Removed, u64, u64)> =
        report.removed.iter().map(|removed| (removed.what, removed.files, removed.size_bytes)).collect();
    assert_eq!(sums, [(Removed::Temporary, 2, 8), (Removed::Spilled, 1, 4)]);
    let left: Vec<String> = below(&world.root().join(orders)).into_keys().filter(|path| path.contains('#')).collect();
    assert_eq!(left, [format!("_lockgate/v2/version.json#{own}0003")]);
    assert!(!world.root().join(format!(".lockgate/spill/{dead}-0")).exists());
    assert!(world.root().join(format!(".lockgate/spill/{own}-77")).exists());
    assert_eq!(world.query("select total from mart.sum").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_direct_readers_read_stays() {
    let world = history("{ versions: 1 }", 2).await;
    // Somebody's `RESTORE` brings the file of version 1 back.
    let log = table(&world, "raw.orders").join("_delta_log");
    let entry = std::fs::read_to_string(log.join("00000000000000000000.json")).unwrap();
    let add = entry.lines().find(|line| line.starts_with("{\"add\"")).unwrap();
    std::fs::write(log.join("00000000000000000002.json"), format!("{add}\n")).unwrap();
    let report = gc(&world).await;
    assert_eq!(expired(&report, "raw.orders"), "1");
    assert_eq!(spared(&report, "raw.orders"), ["version 1: direct readers of the table read these files"]);
    let left: Vec<String> = below(&table(&world, "raw.orders").join("_lockgate/v1")).into_keys().collect();
    assert_eq!(left.len(), 1, "only what is read: {left:?}");
    assert!(left[0].ends_with(".parquet"));
}

/// A catalog that was lost and made anew knows nothing; that is no reason to remove everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_catalog_does_not_empty_the_store() {
    let world = history("{ versions: 0 }", 2).await;
    let before = below(&world.root().join("store"));
    world.settled().await;
    std::fs::remove_dir_all(world.root().join(".lockgate")).unwrap();
    let report = gc(&world).await;
    assert_eq!(below(&world.root().join("store")), before);
    assert!(spared(&report, "raw.orders")[0].contains("this catalog never gave out the number"), "{report:#?}");
    let refused = world.run_with(PlanOptions::default()).await.unwrap_err();
    assert_eq!(refused.diagnostics().0[0].code.id, "LG0733", "{refused}");
    assert_eq!(below(&world.root().join("store")), before);
}

// ── crashes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

fn steps() -> Vec<&'static FaultPoint> {
    let all =
        lockgate_run::FAULT_POINTS.iter().chain(lockgate_lake::FAULT_POINTS).chain(lockgate_catalog::FAULT_POINTS);
    let words =
        ["gc_", "lake.before_remove", "lake.remov", "catalog.expire", "catalog.lease", "catalog.release", "audit."];
    all.filter(|point| words.iter().any(|word| point.name.contains(word))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gc_that_fails_anywhere_is_finished_by_the_next() {
    let mut never_fired = Vec::new();
    for point in steps() {
        let world = history("{ versions: 1 }", 2).await;
        leave_a_failed_attempt(&world).await;
        world.effects.faults.arm(point.name, "fail:1");
        let (workspace, _) = world.opened().await;
        let first = workspace.gc(false).await;
        drop(workspace);
        if world.effects.faults.fired(point) == 0 {
            never_fired.push(point.name);
            continue;
        }
        assert!(first.is_ok() || matches!(first, Err(RunError::Fault(_) | RunError::Lake(_) | RunError::Catalog(_))));
        assert_eq!(world.query("select total from mart.sum").await, ["3"], "after {}", point.name);
        gc(&world).await;
        for asset in ["raw.orders", "mart.totals", "mart.sum"] {
            let states = states(&world, asset).await;
            assert_eq!((states[&1], states[&2]), (EXPIRED, PUBLISHED), "{asset} after {}", point.name);
            assert_eq!(folders(&world, asset), [2], "{asset} after {}", point.name);
        }
        assert_eq!(world.query("select total from mart.sum").await, ["3"], "after {}", point.name);
        assert_eq!(
            world.query("select count(*) from lockgate.audit where action = 'expired'").await,
            ["3"],
            "marked once, after {}",
            point.name
        );
        let again = gc(&world).await;
        assert_eq!((again.expired.len(), again.removed.len()), (0, 0), "after {}: {again:#?}", point.name);
    }
    assert!(never_fired.is_empty(), "no gc passes {never_fired:?}");
}

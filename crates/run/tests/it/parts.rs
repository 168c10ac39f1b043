//! Audits of what is loaded bit by bit: only files of which nothing is known are read, and what is said is what an audit
//! of everything would say.
//!
//! `LOCKGATE_PARTS_SEEDS` says how many histories are tried of each way to load.

use std::path::PathBuf;

use chrono::{DateTime, TimeZone, Utc};
use lockgate_run::{PlanOptions, RunSummary, Which};
use lockgate_types::{CheckOutcome, FaultPoint, Profile, RunState, Version, VersionNumber};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::child;
use crate::retention::{below, expired, folders, gc, set_keep, table};
use crate::world::{World, name, outcome};

const ROWS: &str = "raw.rows";

/// A source that appends, with these checks.
fn source(checks: &str) -> String {
    format!(
        "kind: source\nload: append\nread: {{ path: \"data/*.csv\" }}\ncolumns: {{ id: bigint, city: string }}\nchecks:\n{checks}"
    )
}

fn appending(checks: &str, first: &str) -> World {
    World::new(&[("data/a.csv", &format!("id,city\n{first}")), ("assets/raw/rows.yml", &source(checks))])
}

async fn append(world: &World, file: &str, rows: &str) -> RunSummary {
    world.write(&format!("data/{file}.csv"), &format!("id,city\n{rows}"));
    world.run().await
}

async fn live(world: &World, asset: &str) -> Version {
    let (workspace, graph) = world.opened().await;
    workspace.show(&graph, &name(asset), Which::Live, 0).await.unwrap().version
}

/// `expect 2 of 5`, for each check.
fn counts(version: &Version) -> Vec<String> {
    version.checks.iter().map(|check| format!("{} {} of {}", check.name, check.failing, check.total)).collect()
}

/// What the live version's checks say when every file is read.
async fn checked(world: &World, asset: &str) -> Version {
    let (workspace, graph) = world.opened().await;
    let selected = [name(asset)].into();
    workspace.check(&graph, &selected, Utc::now()).await.unwrap_or_else(|error| panic!("{error}"));
    workspace.show(&graph, &name(asset), Which::Live, 0).await.unwrap().version
}

fn file(world: &World, asset: &str, path: &str) -> PathBuf {
    table(world, asset).join(path)
}

/// Puts something else in a file's place, so that who reads it fails; answers what was there.
fn spoil(path: &PathBuf) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, b"not a Parquet file").unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_reads_only_the_files_that_came() {
    let checks = "  - not_null: id\n  - { expect: \"id < 100\", error: \"> 2\" }\n";
    let world = appending(checks, "1,Rome\n2,Oslo\n200,\n");
    assert_eq!(world.run().await.state, RunState::Done);
    let path = file(&world, ROWS, &live(&world, ROWS).await.files[0].path);
    let bytes = spoil(&path);
    let summary = append(&world, "b", "3,Oslo\n300,Lima\n").await;
    assert_eq!(outcome(&summary), "raw.rows published", "{summary:#?}");
    let second = live(&world, ROWS).await;
    assert_eq!(counts(&second), ["not_null_id 0 of 5", "expect 2 of 5", "rejects 0 of 2"]);
    let samples: Vec<_> = second.checks[1].samples.rows.iter().map(|row| row[0].clone().unwrap()).collect();
    assert_eq!(samples, ["200", "300"]);
    let city = second.profile.as_ref().unwrap().columns.iter().find(|column| column.name == "city").unwrap();
    assert_eq!((city.nulls, city.distinct, city.min.as_deref()), (1, Some(3), Some("Lima")));

    // A person who asks has every file looked at.
    let (workspace, graph) = world.opened().await;
    let selected = [name(ROWS)].into();
    assert!(workspace.check(&graph, &selected, Utc::now()).await.is_err(), "a file is not readable");
    drop(workspace);

    // Other checks look at every row again, once.
    std::fs::write(&path, &bytes).unwrap();
    world.write("assets/raw/rows.yml", &source("  - { expect: \"id < 250\", error: \"> 2\" }\n"));
    world.run().await;
    assert_eq!(counts(&live(&world, ROWS).await), ["expect 1 of 5", "rejects 0 of 2"]);
    spoil(&path);
    append(&world, "c", "4,Oslo\n").await;
    assert_eq!(counts(&live(&world, ROWS).await), ["expect 1 of 6", "rejects 0 of 1"]);
}

/// A key that comes again is found, whichever file its first row is in.
#[tokio::test(flavor = "multi_thread")]
async fn unique_looks_at_what_came_against_all() {
    let world = appending("  - unique: id\n", "1,Rome\n2,Oslo\n");
    world.run().await;
    let summary = append(&world, "b", "2,Lima\n3,Bonn\n,Kyiv\n,Pisa\n").await;
    assert_eq!(outcome(&summary), "raw.rows held");
    let check = &summary.results[0].checks[0];
    assert_eq!((check.failing, check.total, check.samples.rows.len()), (2, 6, 2), "{check:#?}");
    // Published by hand, the key stands twice in what is live: it goes on to be found.
    let (workspace, graph) = world.opened().await;
    workspace.publish_held(&graph, &name(ROWS), None, "they are two").await.unwrap();
    drop(workspace);
    let summary = append(&world, "c", "7,Lima\n").await;
    let check = &summary.results[0].checks[0];
    assert_eq!((check.failing, check.total), (2, 7), "{check:#?}");
}

/// Rows that a filter starts to look at were never compared before.
#[tokio::test(flavor = "multi_thread")]
async fn unique_looks_at_all_when_its_words_mean_something_else() {
    let world = appending("  - { unique: id, where: \"id >= $from\" }\n", "1,Rome\n1,Oslo\n9,Bonn\n");
    let vars = |from: u32| format!("name: test\nengine: {{ memory: 256MB, threads: 2 }}\nvars: {{ from: {from} }}\n");
    world.write("lockgate.yml", &vars(5));
    assert_eq!(world.run().await.state, RunState::Done);
    world.write("lockgate.yml", &vars(0));
    let summary = append(&world, "b", "3,Kyiv\n").await;
    assert_eq!(outcome(&summary), "raw.rows held");
    assert_eq!(summary.results[0].checks[0].failing, 2);
}

/// What becomes of a file; `None` when it goes.
type Spoilt = fn(&[u8]) -> Option<Vec<u8>>;

/// Whatever becomes of `parts.bin`, the next audit says the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_may_be_lost_or_foreign() {
    let world = appending("  - { expect: \"id < 100\", warn: \"> 0\", error: \"> 50\" }\n", "1,Rome\n200,Oslo\n");
    world.run().await;
    let spoils: [(&str, Spoilt); 5] = [
        ("gone", |_| None),
        ("empty", |_| Some(Vec::new())),
        ("cut off", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
        ("one byte is another", |bytes| {
            let mut bytes = bytes.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            Some(bytes)
        }),
        ("of another format", |bytes| {
            let mut bytes = bytes.to_vec();
            bytes[7] += 1;
            Some(bytes)
        }),
    ];
    for (at, (what, spoilt)) in (1..).zip(spoils) {
        for number in folders(&world, ROWS) {
            let path = file(&world, ROWS, &format!("_lockgate/v{number}/parts.bin"));
            let Some(bytes) = std::fs::read(&path).ok().filter(|bytes| bytes.len() > 20) else { continue };
            match spoilt(&bytes) {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
        }
        let summary = append(&world, &format!("f{at}"), &format!("{at},Rome\n{at}00,Oslo\n")).await;
        assert_eq!(summary.state, RunState::Done, "{what}: {summary:#?}");
        let version = live(&world, ROWS).await;
        // 200 of the first file, and all from 100 on.
        assert_eq!(counts(&version)[0], format!("expect {} of {}", at + 1, 2 * at + 2), "{what}");
        assert_eq!(version.checks[0].samples.rows.len(), at + 1, "{what}");
        let parts = file(&world, ROWS, &format!("_lockgate/v{}/parts.bin", version.number));
        assert!(parts.exists(), "what was read again is kept again");
    }
}

/// What goes by the clock may say something else of an old row: every row is looked at each time.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_by_the_clock_is_counted_each_time() {
    let at = |day: u32| -> DateTime<Utc> { Utc.with_ymd_and_hms(2024, 1, day, 0, 0, 0).unwrap() };
    for condition in ["until > now()", "until > $run_at", "Not_Over(until)", "is_later(until)"] {
        let checks = format!("  - {{ expect: \"{condition}\", error: \"> 9\" }}\n");
        let world = World::new(&[
            ("data/a.csv", "id,until\n1,2024-01-05T00:00:00Z\n2,2024-01-20T00:00:00Z\n"),
            ("assets/raw/rows.yml", &source(&checks).replace("city: string", "until: timestamptz")),
            ("functions/a.sql", "create function not_over(t timestamptz) returns boolean return t > now()"),
            ("functions/b.sql", "create function is_later(t timestamptz) returns boolean return t > $run_at"),
        ]);
        world.run_as_of(at(1)).await;
        assert_eq!(counts(&live(&world, ROWS).await)[0], "expect 0 of 2", "{condition}");
        world.write("data/b.csv", "id,until\n3,2024-01-05T00:00:00Z\n");
        world.run_as_of(at(10)).await;
        assert_eq!(counts(&live(&world, ROWS).await)[0], "expect 2 of 3", "{condition}");
    }
}

/// A function that says something else makes the check another one, in whatever case it is called and wherever it stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_changed_makes_checks_look_again() {
    let world = appending("  - { expect: \"IS_SMALL(id)\", error: \"> 9\" }\n", "1,Rome\n20,Oslo\n");
    let functions = |limit: u32| {
        format!(
            "-- A function of nobody.\ncreate function nobody(x bigint) returns bigint return x;\n\
             create function is_small (x bigint) returns boolean return x < {limit};\n"
        )
    };
    world.write("functions/all.sql", &functions(100));
    world.run().await;
    assert_eq!(counts(&live(&world, ROWS).await)[0], "expect 0 of 2");
    world.write("functions/all.sql", &functions(10));
    world.run().await;
    assert_eq!(counts(&live(&world, ROWS).await)[0], "expect 1 of 2");
    append(&world, "b", "30,Lima\n").await;
    assert_eq!(counts(&live(&world, ROWS).await)[0], "expect 2 of 3");
}

/// Parts stay as long as a file of their version does, and go with the last of them.
#[tokio::test(flavor = "multi_thread")]
async fn parts_live_as_long_as_their_files() {
    let world = appending("  - not_null: id\n", "1,Rome\n");
    set_keep(&world, "{ versions: 1 }");
    world.run().await;
    append(&world, "b", "2,Oslo\n").await;
    let first = live(&world, ROWS).await.files[0].path.clone();
    append(&world, "c", "3,Lima\n").await;
    let before = gc(&world).await;
    assert!(before.removed.is_empty(), "{before:#?}");
    spoil(&file(&world, ROWS, &first));
    append(&world, "d", "4,Bonn\n").await;
    assert_eq!(counts(&live(&world, ROWS).await)[0], "not_null_id 0 of 4");

    let refresh = PlanOptions { full_refresh: true, confirmed: true, ..PlanOptions::default() };
    assert_eq!(world.run_with(refresh).await.unwrap().state, RunState::Done);
    append(&world, "e", "5,Pisa\n").await;
    let report = gc(&world).await;
    let live = live(&world, ROWS).await;
    let left: Vec<String> = below(&table(&world, ROWS).join("_lockgate")).into_keys().collect();
    let of_live = |path: &String| path.starts_with(&format!("v{}/", live.number)) || path.starts_with("v5/");
    assert!(left.iter().all(of_live), "{} expired, {left:#?}", expired(&report, ROWS));
    assert_eq!(gc(&world).await.removed_files, 0, "nothing is left over");
}

/// A merge leaves versions behind that kept ones share files with: their parts stay.
#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_expired_version_stay_with_files_that_are_listed() {
    let world = World::new(&[
        ("data/rows.csv", "id,city\n1,Rome\n2,Oslo\n"),
        ("assets/raw/rows.yml", "kind: source\nread: { path: data/rows.csv }\ncolumns: { id: bigint, city: string }\n"),
        (
            "assets/mart/kept.sql",
            "/*\nload: { merge: { key: id } }\npartition_by: [city]\nchecks: [{ not_null: id }]\n*/\nselect id, city from raw.rows\n",
        ),
    ]);
    set_keep(&world, "{ versions: 1 }");
    world.run().await;
    let rome = live(&world, "mart.kept").await.files.iter().find(|file| file.path.contains("Rome")).cloned().unwrap();
    for city in ["Lima", "Bonn"] {
        world.write("data/rows.csv", &format!("id,city\n2,{city}\n"));
        assert_eq!(world.run().await.state, RunState::Done);
    }
    let report = gc(&world).await;
    assert_eq!(expired(&report, "mart.kept"), "1 2");
    let left: Vec<String> = below(&table(&world, "mart.kept").join("_lockgate/v1")).into_keys().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().any(|path| path == "parts.bin"), "{left:?}");
    assert!(left.iter().any(|path| rome.path.ends_with(path)), "{left:?}");
    world.write("data/rows.csv", "id,city\n1,Kyiv\n");
    assert_eq!(world.run().await.state, RunState::Done);
    gc(&world).await;
    assert!(!folders(&world, "mart.kept").contains(&1), "nobody lists its file, so all of it goes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_and_a_lost_catalog_keep_what_is_known() {
    let world = appending("  - { expect: \"id < 100\", error: \"> 9\" }\n", "1,Rome\n200,Oslo\n");
    world.run().await;
    append(&world, "b", "300,Lima\n").await;
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name(ROWS), VersionNumber(1), "test").await.unwrap();
    drop(workspace);
    let first = live(&world, ROWS).await;
    append(&world, "c", "400,Bonn\n").await;
    let version = live(&world, ROWS).await;
    let expected = format!("expect {} of {}", version.rows - 1, version.rows);
    assert_eq!(counts(&version)[0], expected, "every row but Rome's: {version:#?}");

    world.settled().await;
    lockgate_run::rebuild(world.root(), &world.options(), "lost", true).await.unwrap();
    spoil(&file(&world, ROWS, &first.files[0].path));
    let summary = append(&world, "d", "500,Kyiv\n").await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    let after = live(&world, ROWS).await;
    assert_eq!(counts(&after)[0], format!("expect {} of {}", version.rows, version.rows + 1));
}

const WRITTEN: FaultPoint = FaultPoint { name: "lake.parts_written", means: "" };

/// What is known spares work and decides nothing: failing to keep it fails nobody, dying over it loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_keep_parts_is_no_failure() {
    let world = appending("  - not_null: id\n", "1,Rome\n");
    world.effects.faults.arm(WRITTEN.name, "fail:1");
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.effects.faults.fired(&WRITTEN), 1);

    world.write("data/b.csv", "id,city\n2,Oslo\n");
    let mut child = child::start("run", world.root(), "lake.parts_written=kill");
    assert!(!child.wait().unwrap().success(), "it was to die there");
    assert_eq!(world.query("select count(*) from raw.rows").await, ["1"]);
    let left = folders(&world, ROWS);
    assert_eq!(left.len(), 2, "parts stand beside files that nobody lists");
    assert_eq!(outcome(&world.run().await), "raw.rows published");
    assert_eq!(world.query("select id from raw.rows order by 1").await, ["1", "2"]);
    gc(&world).await;
    assert!(!folders(&world, ROWS).contains(&left[1]), "what the dead one left is gone");
}

/// Beside `_lockgate` a direct reader sees nothing of it, and `doctor` finds nothing strange.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_nothing_strange_in_parts() {
    let world = appending("  - not_null: id\n", "1,Rome\n");
    world.run().await;
    append(&world, "b", "2,Oslo\n").await;
    let (workspace, _) = world.opened().await;
    let report = workspace.doctor(true).await.unwrap();
    let is_strange =
        |finding: &lockgate_run::Finding| finding.health != lockgate_run::Health::Well && finding.about != "disk";
    assert!(!report.findings.iter().any(is_strange), "{report:#?}");
}

/// Of an outcome, what does not hang on when it was judged.
fn said(outcome: &CheckOutcome) -> (String, u64, u64, String, Vec<Vec<Option<String>>>) {
    let CheckOutcome { name, failing, total, message, samples, .. } = outcome;
    (name.clone(), *failing, *total, message.clone(), samples.rows.clone())
}

/// Without quantiles, which are approximate.
fn exact(profile: &Profile) -> Profile {
    let mut profile = profile.clone();
    profile.columns.iter_mut().for_each(|column| column.quantiles = None);
    profile
}

const CHECKS: &str = "checks:
  - not_null: [k, n]
  - { expect: \"n < 40\", warn: \"> 0\", error: \"> 50%\" }
  - { range: { n: { min: 3 } }, warn: \"> 0\", error: \"> 90%\", where: \"k > 10\" }
  - { accepted: { g: [a, b, c] }, error: \"> 10%\", action: reject }
  - { unique: [k, n, g, day], warn: \"> 0\", error: \"> 90%\" }
  - rows: { min: 1 }
";

const LOADS: [&str; 5] = [
    "append: { from: raw.events }",
    "merge: { key: k }",
    "partitions: day",
    "scd2: { key: k }",
    "time_range: { column: day, grain: 1d, lookback: 2d }",
];

fn events(random: &mut SmallRng, step: u32) -> String {
    let mut csv = String::from("k,n,g,day\n");
    let mut keys: Vec<u32> = (0..40).collect();
    for _ in 0..random.random_range(0..30) {
        let key = keys.remove(random.random_range(0..keys.len()));
        let (n, day) = (random.random_range(0..50), random.random_range(1..=4 + step));
        csv.push_str(&format!("{key},{n},{},2024-01-{day:02}\n", ["a", "b", "c", "c", "d"][random.random_range(0..5)]));
    }
    csv
}

/// Random rows come by every way to load; after each run the live version is checked once more, every file read.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_version_says_what_a_check_of_all_its_files_says() {
    let seeds = std::env::var("LOCKGATE_PARTS_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut compared, mut shared, mut failing) = (0, 0, 0);
    for (seed, load) in (0..seeds).flat_map(|seed| LOADS.iter().map(move |load| (seed, *load))) {
        let mut random = SmallRng::seed_from_u64(seed);
        let read = if load.starts_with("append") {
            "load: append\nread: { path: \"data/*.csv\" }"
        } else {
            "read: { path: data/0.csv }"
        };
        let columns = "columns: { k: bigint, n: bigint, g: string, day: date }";
        let world = World::new(&[
            ("assets/raw/events.yml", &format!("kind: source\n{read}\n{columns}\n")),
            (
                "assets/mart/kept.sql",
                &format!("/*\nload: {{ {load} }}\ngate: report\n{CHECKS}*/\nselect k, n, g, day from raw.events\n"),
            ),
        ]);
        let mut before: Option<Version> = None;
        for step in 0..5 {
            let number = if load.starts_with("append") { step } else { 0 };
            world.write(&format!("data/{number}.csv"), &events(&mut random, step));
            let as_of = Utc.with_ymd_and_hms(2024, 1, 10 + step, 0, 0, 0).unwrap();
            let summary = world.run_as_of(as_of).await;
            assert_eq!(summary.state, RunState::Done, "{load} {seed} {step}: {summary:#?}");
            let found = live(&world, "mart.kept").await;
            if before.as_ref().is_some_and(|before| before.number == found.number) {
                continue;
            }
            let expected = checked(&world, "mart.kept").await;
            assert_eq!(
                found.checks.iter().map(said).collect::<Vec<_>>(),
                expected.checks.iter().map(said).collect::<Vec<_>>(),
                "{load} {seed} {step}"
            );
            let (ours, theirs) = (found.profile.as_ref().unwrap(), expected.profile.as_ref().unwrap());
            assert_eq!(exact(ours), exact(theirs), "{load} {seed} {step}");
            compared += 1;
            let is_old = |path: &str| before.iter().flat_map(|before| &before.files).any(|file| file.path == path);
            shared += found.files.iter().filter(|file| is_old(&file.path)).count();
            failing += found.checks.iter().filter(|check| check.failing > 0).count();
            before = Some(found);
        }
    }
    assert!(compared > 10 && shared > 10 && failing > 10, "{compared} compared, {shared} shared, {failing} failing");
}

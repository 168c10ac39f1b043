//! Processes that are killed at any moment of their runs, while others look on. `LOCKGATE_KILLS` says how often (200), and
//! `LOCKGATE_SEED` from where the moments are drawn; each world prints its own seed when it fails.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use lockgate_run::{Health, Which};
use lockgate_types::{RunState, VersionState};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::child;
use crate::growing::{ASSETS, add_file, add_sound_files, assert_complete, files, growing};
use crate::onlookers::{DirectReader, Onlookers};
use crate::retention::below;
use crate::world::{World, name, outcome};

/// A lease is over after so many milliseconds without a beat; else whoever comes next would wait ten seconds.
pub(crate) const LEASE_MS: &str = "100";

/// After so many kills a world has grown old, and another one begins from nothing.
const KILLS_OF_A_WORLD: u64 = 25;

/// Worlds at a time.
const AT_ONCE: u64 = 3;

const SIGKILL: i32 = 9;

fn kills() -> u64 {
    std::env::var("LOCKGATE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

#[test]
fn a_process_may_be_killed_at_any_moment() {
    let worlds = kills().div_ceil(KILLS_OF_A_WORLD);
    let seed: u64 = std::env::var("LOCKGATE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    let looks: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let played =
            |lane: u64| move || (lane..worlds).step_by(AT_ONCE as usize).map(|at| world(seed + at)).collect::<Vec<_>>();
        let lanes: Vec<_> = (0..AT_ONCE).map(|lane| scope.spawn(played(lane))).collect();
        lanes
            .into_iter()
            .flat_map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let sum = |of: fn(&(u64, u64)) -> u64| looks.iter().map(of).sum::<u64>();
    let (looks, direct_looks) = (sum(|looks| looks.0), sum(|looks| looks.1));
    println!(
        "{worlds} worlds, {KILLS_OF_A_WORLD} kills each, {looks} looks through Lockgate, {direct_looks} at the logs"
    );
    assert!(looks > worlds && direct_looks > worlds, "nobody looked on");
}

/// One world from its first file to its last gc.
fn world(seed: u64) -> (u64, u64) {
    println!("world with LOCKGATE_SEED={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let world = growing();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let mut onlookers = Onlookers::start(world.root());
    // How long a run takes here and now: the moments are spread over that.
    let mut run_ms = 400;
    for _ in 0..KILLS_OF_A_WORLD {
        run_ms = live_and_be_killed(world.root(), &mut random, run_ms);
        runtime.block_on(onlookers.assert_content());
    }
    let looks = runtime.block_on(onlookers.stop());
    let mut calm = child::start_with("calm", world.root(), &[("LOCKGATE_LEASE_MS", LEASE_MS)]);
    let mut lines = child::lines(&mut calm);
    let files: u64 = child::next(&mut lines).expect("the calm run ended well").parse().unwrap();
    assert_eq!(child::next(&mut lines), None);
    assert!(calm.wait().unwrap().success());
    runtime.block_on(async {
        assert_complete(&world, files).await;
        assert_history_and_log_agree(&world).await;
        assert_no_orphans(&world).await;
    });
    looks
}

/// One life of a process that works without an end, and its end. Answers how long its last whole run took.
fn live_and_be_killed(root: &Path, random: &mut SmallRng, run_ms: u64) -> u64 {
    let mut child = child::start_with("grow", root, &[("LOCKGATE_LEASE_MS", LEASE_MS)]);
    let mut lines = child::lines(&mut child);
    // Most are killed within a run, some while they open the project.
    if random.random_bool(0.85) {
        assert_eq!(child::next(&mut lines).as_deref(), Some("begun"));
    }
    std::thread::sleep(Duration::from_millis(random.random_range(0..run_ms)));
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(SIGKILL), "it ended by itself: {status}");
    let mut whole_run = None;
    while let Some(said) = child::next(&mut lines) {
        whole_run = said.strip_prefix("run ").map(|ms| ms.parse::<u64>().unwrap()).or(whole_run);
    }
    // Who never comes to the end of a run is given more time, or a busy machine would see nothing published.
    whole_run.unwrap_or(run_ms + run_ms / 4).clamp(50, 10_000)
}

/// The part of the killed: more data, a run, a gc now and then.
pub(crate) async fn grow(world: &World) {
    println!("said: begun");
    for round in 1_u64.. {
        let started = world.effects.clock.monotonic();
        // Every other life goes on first with what the last one left, and so comes further.
        if round > 1 || std::process::id().is_multiple_of(2) || files(world.root()) == 0 {
            add_file(world.root());
        }
        let summary = world.run().await;
        assert!(matches!(summary.state, RunState::Done | RunState::Held), "{summary:#?}");
        println!("said: run {}", (world.effects.clock.monotonic() - started).as_millis());
        if round.is_multiple_of(2) {
            world.open().await.unwrap().gc(false).await.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// The part of who comes when all is over: everything is brought to its end, and nothing is left to mend.
pub(crate) async fn calm(world: &World) {
    let files = add_sound_files(world.root());
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    assert_eq!(outcome(&world.run().await), "", "nothing is left to do");
    world.open().await.unwrap().gc(false).await.unwrap();
    let first = world.open().await.unwrap().doctor(true).await.unwrap();
    let wrong: Vec<_> =
        first.findings.iter().filter(|finding| finding.health > Health::Healed && finding.about != "disk").collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let second = world.open().await.unwrap().doctor(true).await.unwrap();
    let unwell: Vec<_> =
        second.findings.iter().filter(|finding| finding.health != Health::Well && finding.about != "disk").collect();
    assert!(unwell.is_empty(), "{unwell:#?}");
    println!("said: {files}");
}

/// Each version that ever went live stands in the log once, and no other does.
pub(crate) async fn assert_history_and_log_agree(world: &World) {
    let (workspace, _) = world.opened().await;
    for asset in ASSETS {
        let history = workspace.history(&name(asset)).await.unwrap();
        let mut live: Vec<(u64, u64)> =
            history.iter().filter_map(|version| Some((version.number.0, version.delta_version?))).collect();
        live.sort_unstable();
        let mut log = DirectReader::new(world.root(), asset);
        assert!(log.catch_up());
        log.read().await;
        assert_eq!(log.published, live, "{asset}: version and Delta version by the log, and by the catalog");
        assert_eq!(history.iter().filter(|version| version.state == VersionState::Published).count(), 1);
    }
    let twice =
        "select asset, version from lockgate.audit where action = 'published' group by 1, 2 having count(*) > 1";
    assert_eq!(world.query(twice).await, Vec::<String>::new(), "published twice");
}

/// Every file of the store belongs to a version that is kept, or to a log.
pub(crate) async fn assert_no_orphans(world: &World) {
    let (workspace, graph) = world.opened().await;
    let store = world.root().join("store");
    let mut needed: BTreeMap<String, String> = BTreeMap::new();
    for asset in ASSETS {
        let table = format!("tables/{}", asset.replace('.', "/"));
        for summary in workspace.history(&name(asset)).await.unwrap() {
            if matches!(summary.state, VersionState::Expired | VersionState::Failed) {
                continue;
            }
            let shown = workspace.show(&graph, &name(asset), Which::Number(summary.number), 0).await.unwrap();
            let folder = format!("{table}/_lockgate/v{}/", summary.number);
            needed.insert(folder, format!("{asset} {}", summary.number));
            for file in shown.version.files {
                assert!(store.join(&table).join(&file.path).is_file(), "{asset} {} lost {}", summary.number, file.path);
                needed.insert(format!("{table}/{}", file.path), asset.to_owned());
            }
        }
    }
    let is_needed = |path: &str| {
        let beside = ["version.json", "parts.bin", "commit-"];
        let of_version = path.rsplit_once('/').is_some_and(|(folder, file)| {
            needed.contains_key(&format!("{folder}/")) && beside.iter().any(|start| file.starts_with(start))
        });
        of_version || needed.contains_key(path) || (path.contains("/_delta_log/") && !path.contains('#'))
    };
    let orphans: Vec<String> = below(&store).into_keys().filter(|path| !is_needed(path)).collect();
    assert!(orphans.is_empty(), "orphans: {orphans:#?}");
}

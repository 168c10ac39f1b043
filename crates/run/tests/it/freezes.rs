//! Processes that stand still: at every step of a run until their lease has run out and another one has gone on, all at
//! once as on a laptop that slept, and two at work at the same time. Nobody does harm when it goes on.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lockgate_types::FaultPoint;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::child;
use crate::faults::points::points;
use crate::growing::{add_file, add_sound_files, assert_complete, growing, is_sound};
use crate::kills::{assert_history_and_log_agree, assert_no_orphans};
use crate::onlookers::Onlookers;
use crate::world::World;

/// Where nobody is to lose a lease, however busy the machine is.
const CALM_LEASE_MS: u64 = 1_500;

/// Where one of the two stands still, nobody can be taken for dead by mistake.
const SHORT_LEASE_MS: u64 = 200;

/// How long the other one may take before the first goes on, busy machine or not.
const PATIENCE: Duration = Duration::from_secs(6);

/// A process that does as it is told, one run at a time.
struct Worker {
    child: Child,
    /// How its runs come out.
    outcomes: Receiver<String>,
}

impl Worker {
    fn start(root: &Path, lease_ms: u64) -> Worker {
        let mut child = child::start_with("obey", root, &[("LOCKGATE_LEASE_MS", &lease_ms.to_string())]);
        let mut lines = child::lines(&mut child);
        let (sender, outcomes) = channel();
        // Ends with the child's last line.
        std::thread::spawn(move || {
            while let Some(said) = child::next(&mut lines) {
                let _ = sender.send(said);
            }
        });
        Worker { child, outcomes }
    }

    /// Begins a run, with a fault or without.
    fn begin(&mut self, fault: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{fault}").unwrap();
    }

    /// How the run came out.
    fn outcome(&mut self) -> String {
        let outcome = self.outcomes.recv_timeout(Duration::from_secs(60));
        outcome.unwrap_or_else(|error| panic!("a worker ended by itself, or never: {error}"))
    }

    fn run(&mut self) -> String {
        self.begin("");
        self.outcome()
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.child.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it stands still; else answers how its run came out.
    fn stands_still(&mut self) -> Result<(), String> {
        loop {
            if state(self.child.id()) == 'T' {
                return Ok(());
            }
            if let Ok(outcome) = self.outcomes.recv_timeout(Duration::from_millis(3)) {
                return Err(outcome);
            }
        }
    }

    /// Takes a fault back that did not strike.
    fn forget(&mut self, point: &FaultPoint) {
        self.begin(&format!("{}=fail:0", point.name));
        self.outcome();
    }

    /// Takes its ears away, so that it ends, and waits for that.
    fn dismiss(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Worker {
    /// A test that failed leaves no process behind, stopped or not.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `T` of a stopped process, as the system's own list says.
fn state(process: u32) -> char {
    if let Ok(text) = std::fs::read_to_string(format!("/proc/{process}/stat")) {
        return text.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('?');
    }
    let listed = Command::new("ps").args(["-o", "state=", "-p", &process.to_string()]).output().unwrap();
    String::from_utf8_lossy(&listed.stdout).trim().chars().next().unwrap_or('?')
}

/// The part of a worker: each line on stdin is a fault (`point=action`, or nothing), then a run.
pub(crate) async fn obey(world: &World) {
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).unwrap() > 0 {
        if let Some((point, action)) = line.trim().split_once('=') {
            world.effects.faults.arm(point, action);
        }
        let outcome = match world.run_with(lockgate_run::PlanOptions::default()).await {
            Ok(summary) => {
                let codes: Vec<String> = summary
                    .results
                    .iter()
                    .flat_map(|result| &result.diagnostics.0)
                    .map(|diagnostic| format!(" {}", diagnostic.code.id))
                    .collect();
                format!("{:?}{}", summary.state, codes.concat())
            }
            Err(error) => format!("Error {error}"),
        };
        println!("said: {outcome}");
        line.clear();
    }
}

/// Stands still at a step until another one has published, then goes on. Answers whether the step was passed.
fn freeze_at(point: &FaultPoint, pass: u32, world: &World, frozen: &mut Worker, other: &mut Worker) -> bool {
    // What is held is flawed; anything else is not.
    while is_sound(add_file(world.root())) == point.name.contains(".hold") {}
    frozen.begin(&format!("{}=stop:{pass}", point.name));
    if let Err(outcome) = frozen.stands_still() {
        assert!(outcome == "Done" || outcome == "Held", "{}: without a stop it was {outcome}", point.name);
        return false;
    }
    add_sound_files(world.root());
    other.begin("");
    // One that stands within a transaction of SQLite's, by this step or by a heartbeat, lets nobody write before it ends.
    let is_within = point.name.starts_with("catalog.") && point.name.ends_with(".before");
    let patience = if is_within { Duration::from_millis(SHORT_LEASE_MS) } else { PATIENCE };
    let early = other.outcomes.recv_timeout(patience).ok();
    if let Some(outcome) = &early {
        assert_eq!(outcome, "Done", "{}: the other one, while the first stands still", point.name);
    }
    frozen.signal("CONT");
    let outcomes = [frozen.outcome(), early.unwrap_or_else(|| other.outcome())];
    assert!(outcomes.iter().all(|outcome| is_harmless(outcome)), "{}: {outcomes:?}", point.name);
    true
}

/// Whether a run ended as one may that was overtaken: well, or stopped before it changed what others had done.
fn is_harmless(outcome: &str) -> bool {
    // Overtaken; the lease was lost.
    const MAY_SAY: [&str; 2] = ["LG0706", "LG0707"];
    let codes = outcome.strip_prefix("Failed ");
    outcome == "Done"
        || outcome == "Held"
        || codes.is_some_and(|codes| codes.split(' ').all(|code| MAY_SAY.contains(&code)))
}

/// What a run of this project does not pass, or passes only sometimes.
fn is_of_other_ways(point: &FaultPoint) -> bool {
    const WORDS: [&str; 19] = [
        // A file must be large for it.
        "parts",
        "steal",
        "withdraw",
        "piece_kept",
        "set_base",
        "suppress",
        "beat",
        "late",
        "audit.",
        "expire",
        "restore",
        "remov",
        "rebuild",
        "checkpoint",
        "abandon",
        "discard",
        "set_code",
        "cache",
        "gc_",
    ];
    WORDS.iter().any(|word| point.name.contains(word))
}

/// Frozen at every step in turn, in worlds that grow all the while.
#[test]
fn a_worker_may_stand_still_at_any_step() {
    const LANES: usize = 2;
    let points: Vec<&FaultPoint> = points().into_iter().filter(|point| !is_of_other_ways(point)).collect();
    let never: Vec<&str> = std::thread::scope(|scope| {
        let lane = |lane: usize| {
            let points: Vec<&FaultPoint> = points.iter().skip(lane).step_by(LANES).copied().collect();
            scope.spawn(move || stand_still_at(&points))
        };
        let lanes: Vec<_> = (0..LANES).map(lane).collect();
        let joined = lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    });
    assert_eq!(never, Vec::<&str>::new(), "no run passes these");
}

/// Answers the steps that were not passed.
fn stand_still_at(points: &[&FaultPoint]) -> Vec<&'static str> {
    // Of a run, not of each of its four units.
    const ONCE: [&str; 3] = ["create_run", "end_run", "hold"];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let (world, onlookers, [mut frozen, mut other]) = begin(SHORT_LEASE_MS);
    let mut never = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let is_once = ONCE.iter().any(|word| point.name.contains(word));
        // Another unit each time.
        let pass = if is_once { 1 } else { u32::try_from(index % 4).unwrap() + 1 };
        if !freeze_at(point, pass, &world, &mut frozen, &mut other) {
            frozen.forget(point);
            never.push(point.name);
        }
    }
    end(&runtime, &world, onlookers, [frozen, other]);
    never
}

#[test]
fn two_may_run_at_once() {
    const ROUNDS: usize = 8;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let (world, onlookers, mut workers) = begin(CALM_LEASE_MS);
    for _ in 0..ROUNDS {
        add_sound_files(world.root());
        workers.iter_mut().for_each(|worker| worker.begin(""));
        for worker in &mut workers {
            assert_eq!(worker.outcome(), "Done");
        }
    }
    end(&runtime, &world, onlookers, workers);
}

/// Everybody stands still together, at any moment, for longer than a lease lasts. Nobody is to blame for that.
#[test]
fn a_laptop_may_sleep() {
    const NIGHTS: usize = 3;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let (world, onlookers, mut workers) = begin(CALM_LEASE_MS);
    for _ in 0..NIGHTS {
        add_sound_files(world.root());
        workers.iter_mut().for_each(|worker| worker.begin(""));
        std::thread::sleep(Duration::from_millis(random.random_range(20..400)));
        workers.iter().for_each(|worker| worker.signal("STOP"));
        std::thread::sleep(Duration::from_millis(CALM_LEASE_MS + CALM_LEASE_MS / 2));
        // Whoever waits wakes first as often as not, and sees a heart that stood still all night.
        workers[0].signal("CONT");
        std::thread::sleep(Duration::from_millis(CALM_LEASE_MS / 4));
        workers[1].signal("CONT");
        workers.reverse();
        for worker in &mut workers {
            assert_eq!(worker.outcome(), "Done");
        }
    }
    end(&runtime, &world, onlookers, workers);
}

/// A world with its first versions, two workers and those who look on.
fn begin(lease_ms: u64) -> (World, Onlookers, [Worker; 2]) {
    let world = growing();
    add_sound_files(world.root());
    let mut workers = [Worker::start(world.root(), lease_ms), Worker::start(world.root(), lease_ms)];
    assert_eq!(workers[0].run(), "Done");
    let onlookers = Onlookers::start(world.root());
    (world, onlookers, workers)
}

/// One more run finishes everything, and nobody saw anything wrong.
fn end(runtime: &tokio::runtime::Runtime, world: &World, onlookers: Onlookers, mut workers: [Worker; 2]) {
    let files = add_sound_files(world.root());
    assert_eq!(workers[0].run(), "Done");
    workers.into_iter().for_each(Worker::dismiss);
    let (looks, direct_looks) = runtime.block_on(onlookers.stop());
    assert!(looks > 2 && direct_looks > 2, "nobody looked on");
    runtime.block_on(async {
        assert_complete(world, files).await;
        assert_history_and_log_agree(world).await;
        world.open().await.unwrap().gc(false).await.unwrap();
        assert_no_orphans(world).await;
    });
}

//! An attempt whose fault may pass is made again, by the kind of its fault, within a budget.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockgate_run::{Observer, PlanOptions, RunOptions, RunSummary};
use lockgate_types::{Effects, Event, RunState, TaskState};
use tokio_util::sync::CancellationToken;

use crate::hands::Hands;
use crate::world::{World, outcome};

/// Keeps the events, and stops the run at the first of one name.
#[derive(Default)]
struct Listener {
    events: Mutex<Vec<Event>>,
    stops_at: Option<&'static str>,
    cancel: CancellationToken,
}

impl Observer for Listener {
    fn event(&self, event: &Event) {
        if self.stops_at == Some(event.event.as_str()) {
            self.cancel.cancel();
        }
        self.events.lock().unwrap().push(event.clone());
    }
}

impl Listener {
    fn of(&self, name: &str) -> Vec<Event> {
        self.events.lock().unwrap().iter().filter(|event| event.event == name).cloned().collect()
    }
}

async fn heard(world: &World, listener: &Arc<Listener>) -> RunSummary {
    let (workspace, graph) = world.opened().await;
    let plan = workspace.plan(&graph, &PlanOptions::default()).await.unwrap();
    let options = RunOptions { observer: listener.clone(), cancel: listener.cancel.clone(), parallel: 2 };
    workspace.run(&graph, &plan, options).await.unwrap_or_else(|error| panic!("{error}"))
}

fn with_clock() -> (World, Arc<Hands>) {
    let hands = Hands::new();
    let mut world = World::orders();
    world.effects = hands.effects();
    (world, hands)
}

fn waits_ms(hands: &Hands) -> Vec<u128> {
    hands.waits().iter().map(Duration::as_millis).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_waited_out_and_journaled() {
    let (world, hands) = with_clock();
    world.effects.faults.arm("lake.file_staged", "transient:2");
    let listener = Arc::new(Listener::default());
    let summary = heard(&world, &listener).await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published, raw.orders published");
    assert_eq!(summary.state, RunState::Done);
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);

    let retrying = listener.of("retrying");
    assert_eq!(retrying.len(), 2, "{retrying:?}");
    for (index, event) in retrying.iter().enumerate() {
        assert_eq!(event.asset.as_ref().unwrap().to_string(), "raw.orders");
        assert_eq!(event.data["kind"], "transient");
        assert_eq!((&event.data["attempt"], &event.data["attempts"]), (&(index as u64 + 2).into(), &4.into()));
        assert_eq!(event.data["message"], "injected fault at lake.file_staged");
        let waited = u64::try_from(waits_ms(&hands)[index]).unwrap();
        assert_eq!(event.data["wait_ms"], waited);
        assert!(waited <= 1_000 << index, "{waited}");
    }
    // The journal has it too, in the catalog and as data.
    let journal = "select asset, state, attempts, started_at is null as lost from lockgate.tasks order by asset";
    assert_eq!(
        world.query(journal).await,
        ["mart.sum,published,1,false", "mart.totals,published,1,false", "raw.orders,published,3,false"]
    );
    // Each attempt took a number; the gaps are normal.
    assert_eq!(world.query("select max(number) from lockgate.versions where asset = 'raw.orders'").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_does_not_pass_ends_with_the_last_attempt() {
    let (world, hands) = with_clock();
    world.write("assets/mart/_defaults.yml", "retries: 1\n");
    world.effects.faults.arm("run.commit_prepared", "transient:1000");
    let listener = Arc::new(Listener::default());
    let summary = heard(&world, &listener).await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals skipped, raw.orders failed");
    assert_eq!(hands.waits().len(), 3, "three retries are the default");
    assert_eq!(listener.of("failed")[0].data["attempts"], 4);
    assert_eq!(world.query("select attempts from lockgate.tasks where state = 'failed'").await, ["4"]);

    // Once it has passed, the next run heals, and `retries` of the folder counts.
    world.effects.faults.arm("run.commit_prepared", "fail:0");
    assert_eq!(world.run().await.state, RunState::Done);
    world.write("assets/mart/sum.sql", "select sum(amount) + 1 as total from mart.totals\n");
    world.effects.faults.arm("run.commit_prepared", "transient:1000");
    assert_eq!(outcome(&world.run().await), "mart.sum failed");
    assert_eq!(hands.waits().len(), 4);
    assert_eq!(world.query("select total from mart.sum").await, ["30"], "readers keep what is good");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_the_same_way_each_time_fails_at_once() {
    let (world, hands) = with_clock();
    world.effects.faults.arm("lake.version_recorded", "fail:1");
    assert_eq!(outcome(&world.run().await), "mart.sum skipped, mart.totals skipped, raw.orders failed");
    world.write("data/orders.csv", "id,amount\n1,10\nx,y\n");
    world.write(
        "assets/raw/orders.yml",
        "kind: source\nread: { path: data/gone.csv }\ncolumns: { id: bigint, amount: bigint }\n",
    );
    let error = world.run_with(PlanOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("data/gone.csv"), "{error}");
    assert_eq!(hands.waits(), [Duration::ZERO; 0]);
}

/// What everything hangs on is away: a run does not ask for it four times per asset.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_retry_for_ever() {
    let (world, hands) = with_clock();
    for number in 0..20 {
        let path = format!("assets/raw/copy_{number}.yml");
        world.write(&path, "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n");
    }
    world.effects.faults.arm("lake.file_staged", "transient:100000");
    let summary = world.run().await;
    let failed = summary.results.iter().filter(|result| result.state == TaskState::Failed).count();
    assert_eq!(failed, 21);
    assert_eq!(hands.waits().len(), 10 + 23 / 5, "the budget of 23 tasks");
}

/// The commit was put and the answer lost: the next attempt finds it, and nothing is published twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_had_published_is_found_by_the_next() {
    for point in ["run.publishing_recorded", "run.commit_put", "run.published_recorded", "lake.after_put"] {
        let (world, _) = with_clock();
        world.write(
            "lockgate.yml",
            "name: test\nengine: { memory: 256MB, threads: 2 }\ngroups:\n  - { name: finance, assets: [mart.*] }\n",
        );
        world.effects.faults.arm(point, "transient:1");
        assert_eq!(
            outcome(&world.run().await),
            "mart.sum published, mart.totals published, raw.orders published",
            "{point}"
        );
        let again = "assets/raw/other.yml";
        world.write(again, "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n");
        world.write("data/orders.csv", "id,amount\n1,10\n2,25\n");
        world.run_with(PlanOptions { selectors: vec!["raw".to_owned()], ..PlanOptions::default() }).await.unwrap();
        // Now it strikes the group.
        world.effects.faults.arm(point, "transient:1");
        assert_eq!(outcome(&world.run().await), "mart.sum published, mart.totals published", "{point}");
        let live = "select count(*) from lockgate.versions where state = 'published'";
        assert_eq!(world.query(live).await, ["4"], "{point}");
        assert_eq!(world.query("select total from mart.sum").await, ["35"], "{point}");
        assert!(world.run().await.results.is_empty(), "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_interrupted_at_once() {
    let mut world = World::orders();
    // The real clock, and the longest wait that chance may give.
    world.effects = Effects { random: Arc::new(Longest), ..Effects::real() };
    world.effects.faults.arm("lake.file_staged", "transient:1000");
    let listener = Arc::new(Listener { stops_at: Some("retrying"), ..Listener::default() });
    let started = world.effects.clock.monotonic();
    let summary = heard(&world, &listener).await;
    assert_eq!(outcome(&summary), "mart.sum interrupted, mart.totals interrupted, raw.orders interrupted");
    assert_eq!(summary.state, RunState::Interrupted);
    let retrying = listener.of("retrying");
    assert!(retrying.len() == 1 && retrying[0].data["wait_ms"].as_u64().unwrap() >= 999, "{retrying:?}");
    assert!(world.effects.clock.monotonic() - started < Duration::from_secs(20));
    world.effects.faults.arm("lake.file_staged", "fail:0");
    assert_eq!(world.run().await.state, RunState::Done, "the next run goes on");
}

#[derive(Debug)]
struct Longest;

impl lockgate_types::Random for Longest {
    fn next(&self) -> u64 {
        u64::MAX
    }
}

/// With a fault that passes at any one point, a run comes to the end that a run without faults would have come to, by
/// itself, unless the fault strikes the journal or the opening, which no attempt is made of.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_at_any_step_of_an_attempt_is_healed_by_the_run_itself() {
    let points =
        lockgate_run::FAULT_POINTS.iter().chain(lockgate_lake::FAULT_POINTS).chain(lockgate_catalog::FAULT_POINTS);
    let (mut healed, mut stopped) = (Vec::new(), Vec::new());
    let before = World::orders();
    before.run().await;
    before.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,5\n");
    before.write("assets/mart/sum.sql", "select sum(amount) + 0 as total from mart.totals\n");
    // In CI a lost answer stands for the call that was never made too; the nightly script tries both.
    let is_whole = std::env::var_os("LOCKGATE_FAULTS_WHOLE").is_some();
    for point in points.filter(|point| is_whole || !point.name.ends_with(".before")) {
        let hands = Hands::new();
        let mut world = before.copied().await;
        world.effects = hands.effects();
        world.effects.faults.arm(point.name, "transient:1");
        let ran = world.run_with(PlanOptions::default()).await;
        if world.effects.faults.fired(point) == 0 {
            continue;
        }
        match ran {
            Ok(summary) => {
                assert_eq!(summary.state, RunState::Done, "{}: {summary:#?}", point.name);
                assert_eq!(world.query("select total from mart.sum").await, ["35"], "{}", point.name);
                healed.push((point.name, hands.waits().len()));
            }
            Err(_) => stopped.push(point.name),
        }
    }
    let retried = healed.iter().filter(|(_, waits)| *waits == 1).count();
    assert!(retried >= 15, "{healed:?}");
    let outside: Vec<_> = stopped.iter().filter(|name| !OUTSIDE.iter().any(|known| name.starts_with(known))).collect();
    assert!(outside.is_empty(), "{outside:?}");
}

/// Points of the journal and of opening a project.
const OUTSIDE: &[&str] = &["catalog.create_run", "catalog.end_run", "catalog.set_task", "catalog.events"];

//! The wall clock is set back and forward, between runs and within them: nothing is lost, doubled or put in another order.

use std::sync::Arc;

use chrono::TimeDelta;
use lockgate_run::{Observer, PlanOptions, QueryOptions, RunOptions, RunSummary, SuppressRequest};
use lockgate_types::{Event, RunState, TaskState};
use tokio_util::sync::CancellationToken;

use crate::hands::Hands;
use crate::world::{World, name, outcome};

/// Sets the clock at every event, back and forward in turn.
struct Restless {
    hands: Arc<Hands>,
    by: TimeDelta,
}

impl Observer for Restless {
    fn event(&self, event: &Event) {
        let back = event.event.len().is_multiple_of(2);
        self.hands.jump(if back { -self.by } else { self.by });
    }
}

fn with_clock() -> (World, Arc<Hands>) {
    let hands = Hands::new();
    let mut world = World::orders();
    world.effects = hands.effects();
    (world, hands)
}

async fn run(world: &World, observer: Arc<dyn Observer>) -> RunSummary {
    let (workspace, graph) = world.opened().await;
    let plan = workspace.plan(&graph, &PlanOptions::default()).await.unwrap();
    let options = RunOptions { observer, cancel: CancellationToken::new(), parallel: 2 };
    workspace.run(&graph, &plan, options).await.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_keep_their_order_when_the_clock_is_set() {
    let (world, hands) = with_clock();
    let days = TimeDelta::days;
    for (step, jump) in [days(0), days(-1), days(365), days(-400), days(0), days(30)].into_iter().enumerate() {
        hands.jump(jump);
        let amount = step + 1;
        world.write("data/orders.csv", &format!("id,amount\n1,{amount}\n"));
        let summary = world.run().await;
        assert_eq!(summary.state, RunState::Done, "{jump}: {summary:#?}");
        assert_eq!(world.query("select total from mart.sum").await, [amount.to_string()], "{jump}");
        assert!(world.run().await.results.is_empty(), "{jump}: nothing is stale a moment later");
    }
    let order = "select number from lockgate.versions where asset = 'mart.sum' order by published_at";
    assert_eq!(world.query(order).await, ["1", "2", "3", "4", "5", "6"]);
    let live = "select asset, number from lockgate.versions where state = 'published' order by asset";
    assert_eq!(world.query(live).await, ["mart.sum,6", "mart.totals,6", "raw.orders,6"]);
    // What was live at the instant at which a version was published is that version.
    let (workspace, graph) = world.opened().await;
    for version in workspace.history(&name("mart.sum")).await.unwrap() {
        let at = QueryOptions { at: version.published_at };
        let query = workspace.query(&graph, "select total from mart.sum", at).await.unwrap();
        let batches: Vec<_> = futures::TryStreamExt::try_collect(query.stream).await.unwrap();
        let total = lockgate_run::samples(&batches).rows[0][0].clone().unwrap();
        assert_eq!(total, version.number.0.to_string());
    }
    let report = workspace.doctor(true).await.unwrap();
    assert_eq!(report.exit_code(), 0, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_within_a_run_changes_nothing() {
    for by in [TimeDelta::days(1), TimeDelta::days(365)] {
        let (world, hands) = with_clock();
        for amount in 1..=3 {
            world.write("data/orders.csv", &format!("id,amount\n1,{amount}\n"));
            let summary = run(&world, Arc::new(Restless { hands: hands.clone(), by })).await;
            assert_eq!(outcome(&summary), "mart.sum published, mart.totals published, raw.orders published");
            assert!(summary.duration_ms < 60_000, "what took how long is told by the other clock: {summary:#?}");
            assert_eq!(world.query("select total from mart.sum").await, [amount.to_string()]);
        }
        assert!(world.run().await.results.is_empty());
        let states = "select state, count(*) from lockgate.versions group by state order by state";
        assert_eq!(world.query(states).await, ["published,3", "superseded,6"]);
    }
}

/// A suppression ends by the wall clock: set back, it holds again, which is what its date says.
#[tokio::test(flavor = "multi_thread")]
async fn suppressions_go_by_the_wall_clock() {
    let (world, hands) = with_clock();
    world.write("data/orders.csv", "id,amount\n1,-5\n");
    assert_eq!(outcome(&world.run().await), "mart.sum skipped, mart.totals held, raw.orders published");
    let (workspace, graph) = world.opened().await;
    let until = world.effects.clock.now() + TimeDelta::days(2);
    let (asset, why) = (name("mart.totals"), "a refund".to_owned());
    let request = SuppressRequest { asset, check: "expect".to_owned(), until, why, limit: None };
    workspace.suppress(&graph, request).await.unwrap();
    drop((workspace, graph));
    hands.jump(TimeDelta::days(365));
    assert_eq!(outcome(&world.run().await), "mart.sum skipped, mart.totals held", "it has ended");
    hands.jump(TimeDelta::days(-366));
    assert_eq!(outcome(&world.run().await), "mart.sum published, mart.totals published");
}

/// `keep.days` goes by the wall clock, and a clock that is wrong for a while costs no version that should be kept when
/// it is set back: what is live, and what is new, never expires.
#[tokio::test(flavor = "multi_thread")]
async fn retention_under_a_clock_that_jumps() {
    let (world, hands) = with_clock();
    world.write("lockgate.yml", "name: test\nengine: { memory: 256MB, threads: 2 }\nkeep: { days: 30 }\n");
    for amount in 1..=3 {
        world.write("data/orders.csv", &format!("id,amount\n1,{amount}\n"));
        world.run().await;
    }
    let expired = async || {
        let (workspace, _) = world.opened().await;
        workspace.gc(false).await.unwrap().expired.len()
    };
    hands.jump(TimeDelta::days(-10));
    assert_eq!(expired().await, 0, "they end in the future, which is no 30 days ago");
    hands.jump(TimeDelta::days(10));
    assert_eq!(expired().await, 0);
    hands.jump(TimeDelta::days(365));
    assert_eq!(expired().await, 6, "all but what is live");
    hands.jump(TimeDelta::days(-365));
    assert_eq!(world.query("select total from mart.sum").await, ["3"]);
    assert!(world.run().await.results.is_empty());
}

/// `fresh` goes by the run's logical time: a clock that was set forward makes late, one that is set back does not hide it
/// for ever.
#[tokio::test(flavor = "multi_thread")]
async fn lateness_under_a_clock_that_jumps() {
    let hands = Hands::new();
    let mut world = World::new(&[(
        "assets/raw/load.yml",
        "kind: source\nread: { path: data/load.csv }\ncolumns: { ts: timestamptz }\nchecks: [{ fresh: { ts: 12h } }]\n",
    )]);
    world.effects = hands.effects();
    let now = world.effects.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    world.write("data/load.csv", &format!("ts\n{now}\n"));
    assert_eq!(world.run().await.state, RunState::Done);
    hands.jump(TimeDelta::days(1));
    assert_eq!(world.run().await.late.len(), 1);
    hands.jump(TimeDelta::days(-1));
    let summary = world.run().await;
    assert_eq!(summary.late.len(), 0, "by the right clock it is not late: {summary:#?}");
    hands.jump(TimeDelta::days(2));
    assert_eq!(world.run().await.late.len(), 1);
}

/// The world moves between the plan and the reading of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_vanishes_after_it_was_planned() {
    let (world, hands) = with_clock();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,25\n");
    let (workspace, graph) = world.opened().await;
    let plan = workspace.plan(&graph, &PlanOptions::default()).await.unwrap();
    std::fs::remove_file(world.root().join("data/orders.csv")).unwrap();
    let observer = Arc::new(crate::world::Silent);
    let options = RunOptions { observer, cancel: CancellationToken::new(), parallel: 2 };
    let summary = workspace.run(&graph, &plan, options).await.unwrap();
    drop((workspace, graph));
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals skipped, raw.orders failed");
    let failed = summary.results.iter().find(|result| result.state == TaskState::Failed).unwrap();
    assert!(failed.message.as_deref().is_some_and(|message| message.contains("data/orders.csv")), "{failed:#?}");
    assert!(hands.waits().is_empty(), "it is gone, and stays so");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
    world.write("data/orders.csv", "id,amount\n1,10\n2,25\n");
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.query("select total from mart.sum").await, ["35"]);
}

//! What a run left unfinished is taken up, also days later, as the first attempt would have done it.

use std::sync::Arc;

use chrono::TimeDelta;
use lockgate_run::{PlanOptions, RetryPlan, RunError, RunOptions, RunSummary};
use lockgate_types::{RunId, RunState, VersionNumber, VersionState};
use tokio_util::sync::CancellationToken;

use crate::child;
use crate::hands::Hands;
use crate::world::{Silent, World, name, outcome};

const BIGINTS: &str = "kind: source\nread: { path: data/PATH }\ncolumns: { id: bigint, amount: bigint }\n";

/// `raw.late` breaks off in mid-row; `mart.both` reads it and `raw.orders`, and says the run's logical time.
fn with_a_broken_source() -> (World, Arc<Hands>) {
    let hands = Hands::new();
    let mut world = World::new(&[
        ("data/orders.csv", "id,amount\n1,10\n"),
        ("data/late.csv", "id,amount\n1,5\n2"),
        ("assets/raw/orders.yml", &BIGINTS.replace("PATH", "orders.csv")),
        ("assets/raw/late.yml", &BIGINTS.replace("PATH", "late.csv")),
        (
            "assets/mart/both.sql",
            "select a.amount + b.amount as total, $run_at as seen_at from raw.orders a join raw.late b on a.id = b.id\n",
        ),
        ("assets/mart/copy.sql", "select amount from raw.orders\n"),
    ]);
    world.effects = hands.effects();
    (world, hands)
}

async fn retry(world: &World, id: Option<&RunId>) -> (RetryPlan, RunSummary) {
    let (workspace, graph) = world.opened().await;
    let found = workspace.plan_retry(&graph, id).await.unwrap_or_else(|error| panic!("{error}"));
    let options = RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 2 };
    let summary = workspace.run(&graph, &found.plan, options).await.unwrap_or_else(|error| panic!("{error}"));
    (found, summary)
}

async fn refused(world: &World, id: Option<&RunId>) -> (String, String) {
    let (workspace, graph) = world.opened().await;
    let error = workspace.plan_retry(&graph, id).await.unwrap_err();
    assert!(matches!(error, RunError::Invalid(_)), "{error:?}");
    (error.diagnostics().0[0].code.id.to_owned(), error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn days_later_it_does_what_the_first_attempt_would_have_done() {
    let (world, hands) = with_a_broken_source();
    let first = world.run().await;
    assert_eq!(
        outcome(&first),
        "mart.both skipped, mart.copy published, raw.late failed, raw.orders published",
        "{first:#?}"
    );

    // Days pass, the file is mended, and an input that the run had published moves on.
    hands.jump(TimeDelta::days(3));
    world.write("data/late.csv", "id,amount\n1,5\n");
    world.write("data/orders.csv", "id,amount\n1,1000\n");
    let only = PlanOptions { selectors: vec!["raw.orders".to_owned()], ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(only).await.unwrap()), "raw.orders published");

    let (found, summary) = retry(&world, Some(&first.run)).await;
    assert_eq!((found.tasks, found.plan.steps.len(), found.repinned.len()), (4, 2, 0));
    assert_eq!(outcome(&summary), "mart.both published, raw.late published");
    assert_eq!(summary.as_of, first.as_of);
    let seen = world.query("select total from mart.both").await;
    assert_eq!(seen, ["15"], "it reads raw.orders as the first attempt would have read it");
    let at = format!(
        "select cast(seen_at as string) from mart.both where seen_at <> timestamp '{}'",
        first.as_of.naive_utc()
    );
    assert_eq!(world.query(&at).await, [""; 0], "at the logical time of the first attempt");
    let row = world.query("select inputs from lockgate.versions where asset = 'mart.both'").await;
    assert_eq!(row, [r#"{"raw.late":2,"raw.orders":1}"#]);

    // What is newer is built by the next plain run.
    assert_eq!(outcome(&world.run().await), "mart.both published, mart.copy published");
    assert_eq!(world.query("select total from mart.both").await, ["1005"]);
    let (found, _) = {
        let (workspace, graph) = world.opened().await;
        (workspace.plan_retry(&graph, Some(&summary.run)).await.unwrap(), ())
    };
    assert!(found.plan.steps.is_empty(), "nothing of it is left");
    assert_eq!(found.run.retry_of.as_ref(), Some(&first.run));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_code_or_checks_are_another_plan() {
    let (world, _) = with_a_broken_source();
    let first = world.run().await;
    world.write("data/late.csv", "id,amount\n1,5\n");
    world.write("assets/mart/copy.sql", "select amount * 2 as amount from raw.orders\n");
    let (code, told) = refused(&world, None).await;
    assert_eq!(code, "LG0752");
    assert!(told.contains("the code of mart.copy changed"), "{told}");
    world.write("assets/mart/copy.sql", "/*\nchecks: [{ not_null: amount }]\n*/\nselect amount from raw.orders\n");
    assert!(refused(&world, None).await.1.contains("the checks of mart.copy changed"));
    std::fs::remove_file(world.root().join("assets/mart/copy.sql")).unwrap();
    assert!(refused(&world, None).await.1.contains("mart.copy is gone"));
    // Prose and form are no change.
    world.write("assets/mart/copy.sql", "-- the amounts\nselect amount\nfrom raw.orders\n");
    assert_eq!(outcome(&retry(&world, Some(&first.run)).await.1), "mart.both published, raw.late published");
    assert_eq!(refused(&world, Some(&RunId("nobody".to_owned()))).await.0, "LG0750");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reads_a_held_version_stays_behind_until_it_is_published() {
    let (world, _) = with_a_broken_source();
    world.write(
        "assets/raw/orders.yml",
        &(BIGINTS.replace("PATH", "orders.csv") + "checks: [{ expect: amount > 100 }]\n"),
    );
    let first = world.run().await;
    assert_eq!(outcome(&first), "mart.both skipped, mart.copy skipped, raw.late failed, raw.orders held");
    world.write("data/late.csv", "id,amount\n1,5\n");
    let (found, summary) = retry(&world, None).await;
    assert_eq!(outcome(&summary), "raw.late published");
    assert_eq!(found.held, [name("raw.orders")]);
    assert_eq!(found.behind, [name("mart.both"), name("mart.copy")]);
    let (workspace, graph) = world.opened().await;
    workspace.publish_held(&graph, &name("raw.orders"), None, "small but right").await.unwrap();
    drop((workspace, graph));
    let (found, summary) = retry(&world, Some(&first.run)).await;
    assert!(found.held.is_empty() && found.behind.is_empty());
    assert_eq!(outcome(&summary), "mart.both published, mart.copy published, raw.late unchanged");
    assert_eq!(world.query("select total from mart.both").await, ["15"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_was_rolled_back_is_no_longer_right() {
    let (world, _) = with_a_broken_source();
    world.run_with(PlanOptions { selectors: vec!["raw.orders".to_owned()], ..PlanOptions::default() }).await.unwrap();
    world.write("data/orders.csv", "id,amount\n1,666\n");
    let first = world.run().await;
    world.write("data/late.csv", "id,amount\n1,5\n");
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("raw.orders"), VersionNumber(1), "666 is wrong").await.unwrap();
    drop((workspace, graph));
    let (found, summary) = retry(&world, Some(&first.run)).await;
    assert_eq!(found.repinned.len(), 1);
    assert_eq!((found.repinned[0].number, found.repinned[0].state), (VersionNumber(2), Some(VersionState::Retracted)));
    assert_eq!(outcome(&summary), "mart.both published, raw.late published");
    assert_eq!(world.query("select total from mart.both").await, ["15"]);
}

/// Somebody built the asset from newer inputs since: what the retry would build is older.
#[tokio::test(flavor = "multi_thread")]
async fn newer_data_is_not_put_back() {
    let (world, _) = with_a_broken_source();
    let first = world.run().await;
    world.write("data/late.csv", "id,amount\n1,5\n");
    world.write("data/orders.csv", "id,amount\n1,1000\n");
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.query("select total from mart.both").await, ["1005"]);
    let (_, summary) = retry(&world, Some(&first.run)).await;
    assert_eq!(outcome(&summary), "mart.both unchanged, raw.late unchanged");
    assert_eq!(world.query("select total from mart.both").await, ["1005"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_dead_process_is_taken_up_and_one_of_a_living_is_not() {
    let world = World::orders();
    let mut living = child::start("run", world.root(), "run.commit_put=freeze:4000");
    let waiting = world.root().join("store/tables/raw/orders/_delta_log/00000000000000000000.json");
    for _ in 0..600 {
        if waiting.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (code, told) = refused(&world, None).await;
    assert_eq!(code, "LG0751", "{told}");
    assert!(living.wait().unwrap().success());
    world.write("data/orders.csv", "id,amount\n1,10\n2,25\n");
    let mut dying = child::start("run", world.root(), "run.commit_put=kill");
    assert!(!dying.wait().unwrap().success(), "the fault fired");
    let (found, summary) = retry(&world, None).await;
    assert_eq!((found.run.state, found.tasks), (RunState::Interrupted, 3));
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published, raw.orders unchanged");
    assert_eq!(world.query("select total from mart.sum").await, ["35"]);
    assert!(world.run().await.results.is_empty());
}

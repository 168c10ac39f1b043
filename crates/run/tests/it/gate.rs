use lockgate_run::{PlanOptions, Which};
use lockgate_types::{RunState, VersionNumber};

use crate::world::{World, name, outcome};

#[tokio::test(flavor = "multi_thread")]
async fn what_checks_out_is_published_and_can_be_read() {
    let world = World::orders();
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published, raw.orders published");
    assert_eq!(summary.state, RunState::Done);
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_assets_do_not_run() {
    let world = World::orders();
    world.run().await;
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "");
    assert_eq!(summary.state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_holds_the_mart_and_readers_keep_the_last_good_version() {
    let world = World::orders();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held, raw.orders published");
    assert_eq!(summary.state, RunState::Held);
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
    assert_eq!(world.query("select count(*) from mart.totals").await, ["2"]);

    let (workspace, graph) = world.opened().await;
    let shown = workspace.show(&graph, &name("mart.totals"), Which::Held, 10).await.unwrap();
    let failing: Vec<_> = shown.version.checks.iter().filter(|check| check.state.holds()).collect();
    assert_eq!(failing.len(), 1);
    assert_eq!((failing[0].name.as_str(), failing[0].failing, failing[0].total), ("expect", 1, 3));
    assert_eq!(failing[0].samples.rows, [[Some("3".to_owned()), Some("-5".to_owned())]]);
    assert_eq!(shown.live, Some(VersionNumber(1)));

    // The same candidate is neither built nor recorded again, and the run keeps saying so.
    let again = world.run().await;
    assert_eq!(outcome(&again), "mart.sum skipped, mart.totals held");
    assert_eq!(
        again.results[0].version,
        summary.results.iter().find(|r| r.asset == name("mart.totals")).unwrap().version
    );
    assert_eq!(again.state, RunState::Held);

    // Mended at the source, the next run publishes.
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,5\n");
    let mended = world.run().await;
    assert_eq!(outcome(&mended), "mart.sum published, mart.totals published, raw.orders published");
    assert_eq!(world.query("select total from mart.sum").await, ["35"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_check_rejects_leave_for_the_rejects_table() {
    let world = World::orders();
    world.write(
        "assets/mart/totals.sql",
        "/*\nchecks:\n  - { expect: \"amount >= 0\", name: not_negative, action: reject, error: \"> 50%\" }\n*/\nselect id, amount from raw.orders\n",
    );
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done, "{summary:#?}");
    assert_eq!(world.query("select count(*), sum(amount) from mart.totals").await, ["2,30"]);
    assert_eq!(world.query("select id, amount, _check from mart.totals__rejects").await, ["3,-5,not_negative"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_hold_the_source_unless_allowed() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\ntwo,20\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals skipped, raw.orders held");

    world.write(
        "assets/raw/orders.yml",
        "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\nrejects: 1\n",
    );
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published, raw.orders published");
    assert_eq!(world.query("select _line, _raw from raw.orders__rejects").await, ["3,two,20"]);
}

/// Looking at a held version again with other checks does not forget what its build counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_check_does_not_let_rows_that_did_not_fit_pass() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\ntwo,20\n");
    world.run().await;
    let source = "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n";
    world.write("assets/raw/orders.yml", &format!("{source}checks: [{{ not_null: id }}]\n"));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals skipped, raw.orders held");

    // Nor does looking at the live one again.
    world.write("assets/raw/orders.yml", &format!("{source}checks: [{{ not_null: id }}]\nrejects: 1\n"));
    world.run().await;
    world.write("assets/raw/orders.yml", &format!("{source}checks: [{{ unique: id }}]\nrejects: 1\n"));
    world.run().await;
    let (workspace, graph) = world.opened().await;
    let shown = workspace.show(&graph, &name("raw.orders"), Which::Live, 10).await.unwrap();
    let counts: Vec<_> = shown.version.checks.iter().map(|check| (check.name.as_str(), check.failing)).collect();
    assert_eq!(counts, [("unique_id", 0), ("rejects", 1)]);
}

/// A check that came to take rows out judges a version from which they were taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_version_is_built_anew_when_its_checks_come_to_take_rows_out() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held, raw.orders published");
    let checks = |checks: &str| format!("/*\nchecks:\n{checks}*/\nselect id, amount from raw.orders\n");
    let reject = "  - { expect: \"amount >= 0\", action: reject, error: \"> 50%\" }\n";
    world.write("assets/mart/totals.sql", &checks(reject));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published");
    assert_eq!(world.query("select count(*), sum(amount) from mart.totals").await, ["2,30"]);
    assert_eq!(world.query("select id from mart.totals__rejects").await, ["3"]);

    // And the other way round: the rows are back when no check takes them out.
    let strict = "  - { expect: \"amount > 10\", name: large, error: \"> 0\" }\n";
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n4,7\n");
    world.write("assets/mart/totals.sql", &checks(&format!("{reject}{strict}")));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held, raw.orders published");
    world.write("assets/mart/totals.sql", &checks("  - { rows: { min: 1 } }\n"));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published, mart.totals published");
    assert_eq!(world.query("select count(*) from mart.totals").await, ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn gate_report_publishes_with_a_warning() {
    let world = World::orders();
    world.write("assets/mart/_defaults.yml", "gate: report\n");
    world.write("data/orders.csv", "id,amount\n1,-10\n");
    let summary = world.run().await;
    assert_eq!(summary.state, RunState::Done);
    assert_eq!(world.query("select total from mart.sum").await, ["-10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inline_assets_are_evaluated_in_their_readers() {
    let world = World::orders();
    world.write("assets/mart/big.sql", "/*\nload: inline\n*/\nselect id, amount from mart.totals where amount > 15\n");
    world.write("assets/mart/sum.sql", "select sum(amount) as total from mart.big\n");
    world.run().await;
    assert_eq!(world.query("select total from mart.sum").await, ["20"]);
    assert_eq!(world.query("select id from mart.big").await, ["2"]);

    // A change of the inline asset is a change of its reader.
    world.write("assets/mart/big.sql", "/*\nload: inline\n*/\nselect id, amount from mart.totals where amount > 5\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum published");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn force_builds_what_is_fresh() {
    let world = World::orders();
    world.run().await;
    let options = PlanOptions { force: true, selectors: vec!["mart.sum".to_owned()], ..PlanOptions::default() };
    assert_eq!(outcome(&world.run_with(options).await.unwrap()), "mart.sum published");
}

/// Other assets move on while a version is held: before the gate opens, everything is counted anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_version_is_audited_anew_before_it_is_published() {
    let world = World::new(&[
        ("data/facts.csv", "id,k\n1,a\n2,b\n"),
        ("data/dim.csv", "k\na\nb\n"),
        ("assets/raw/facts.yml", "kind: source\nread: { path: data/facts.csv }\ncolumns: { id: bigint, k: string }\n"),
        ("assets/raw/dim.yml", "kind: source\nread: { path: data/dim.csv }\ncolumns: { k: string }\n"),
        (
            "assets/mart/facts.sql",
            "/*\nchecks:\n  - references: { k: raw.dim.k }\n  - { expect: \"id < 2\", name: small }\n*/\nselect id, k from raw.facts\n",
        ),
    ]);
    assert_eq!(outcome(&world.run().await), "mart.facts held, raw.dim published, raw.facts published");
    world.write("data/dim.csv", "k\na\n");
    assert_eq!(outcome(&world.run().await), "mart.facts held, raw.dim published");

    world.suppress("mart.facts", "small").await;
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.facts held", "{summary:#?}");
    let failing: Vec<_> =
        summary.results[0].checks.iter().filter(|check| check.state.holds()).map(|check| check.name.as_str()).collect();
    assert_eq!(failing, ["references_k"]);

    world.write("data/dim.csv", "k\na\nb\n");
    assert_eq!(outcome(&world.run().await), "mart.facts published, raw.dim published");
}

/// What a check cannot evaluate because of a variable is looked at again when the variable is mended.
#[tokio::test(flavor = "multi_thread")]
async fn variables_and_functions_are_part_of_what_a_check_says() {
    let world = World::orders();
    let settings = |most: u64| format!("name: test\nvars: {{ most: {most} }}\n");
    world.write("lockgate.yml", &settings(100));
    world.write(
        "assets/mart/totals.sql",
        "/*\nchecks:\n  - expect: \"amount <= $most\"\n*/\nselect id, amount from raw.orders\n",
    );
    assert_eq!(world.run().await.state, RunState::Done);
    world.write("lockgate.yml", &settings(15));
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.totals unchanged", "it is judged again, not built");
    assert_eq!(summary.state, RunState::Held, "and the live version fails");

    world.write("functions/twice.sql", "create function twice(x bigint) returns bigint return x * $most;\n");
    world.write("assets/mart/totals.sql", "select id, twice(amount) as amount from raw.orders\n");
    world.write("assets/mart/sum.sql", "select sum(amount) as total from mart.totals\n");
    world.run().await;
    assert_eq!(world.query("select total from mart.sum").await, ["450"]);
    world.write("lockgate.yml", &settings(2));
    world.run().await;
    assert_eq!(world.query("select total from mart.sum").await, ["60"], "a function used the variable");
}

/// Rows are taken out while a version is built; a check that comes to do so is no mere change of checks.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_comes_to_take_rows_out_builds_the_live_version_anew() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    world.write("assets/mart/totals.sql", "select id, amount from raw.orders\n");
    assert_eq!(world.run().await.state, RunState::Done);
    let checks = |checks: &str| format!("/*\nchecks:\n{checks}*/\nselect id, amount from raw.orders\n");
    let reject = checks("  - { expect: \"amount >= 0\", action: reject }\n");
    world.write("assets/mart/totals.sql", &reject);
    assert_eq!(outcome(&world.run().await), "mart.sum published, mart.totals published");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
    assert_eq!(world.query("select id from mart.totals__rejects").await, ["3"]);
    assert_eq!(outcome(&world.run().await), "");

    world.write("assets/mart/totals.sql", &checks("  - not_null: id\n"));
    assert_eq!(outcome(&world.run().await), "mart.sum published, mart.totals published");
    assert_eq!(world.query("select total from mart.sum").await, ["25"], "what was taken out comes back");
}

/// The same when somebody has asked for the verdict of today in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_comes_to_take_rows_out_does_so_after_a_look_too() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    world.write("assets/mart/totals.sql", "select id, amount from raw.orders\n");
    assert_eq!(world.run().await.state, RunState::Done);
    let reject =
        "/*\nchecks:\n  - { expect: \"amount >= 0\", action: reject }\n*/\nselect id, amount from raw.orders\n";
    world.write("assets/mart/totals.sql", reject);
    let (workspace, graph) = world.opened().await;
    let all = graph.nodes().keys().cloned().collect();
    workspace.check(&graph, &all, world.effects.clock.now()).await.unwrap();
    drop((workspace, graph));
    assert_eq!(outcome(&world.run().await), "mart.sum published, mart.totals published");
    assert_eq!(world.query("select total from mart.sum").await, ["30"]);
}

/// What a person went back to stays, whatever its checks have come to do; the next build takes rows out of all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_comes_to_take_rows_out_does_not_undo_a_rollback() {
    let world = World::new(&[
        ("data/1.csv", "id,amount\n1,10\n2,-5\n"),
        (
            "assets/raw/orders.yml",
            "kind: source\nload: append\nread: { path: 'data/*.csv' }\ncolumns: { id: bigint, amount: bigint }\n",
        ),
    ]);
    world.run().await;
    let reject = "kind: source\nload: append\nread: { path: 'data/*.csv' }\ncolumns: { id: bigint, amount: bigint }\nchecks: [{ expect: \"amount >= 0\", action: reject }]\n";
    world.write("data/2.csv", "id,amount\n3,1000\n");
    world.write("assets/raw/orders.yml", reject);
    assert_eq!(outcome(&world.run().await), "raw.orders published");
    assert_eq!(world.query("select id from raw.orders order by id").await, ["1", "3"]);
    let (workspace, graph) = world.opened().await;
    workspace.rollback(&graph, &name("raw.orders"), VersionNumber(1), "a thousand is wrong").await.unwrap();
    drop((workspace, graph));
    assert_eq!(outcome(&world.run().await), "raw.orders unchanged", "it is judged by the checks of today");
    assert_eq!(outcome(&world.run().await), "");
    assert_eq!(world.query("select id from raw.orders order by id").await, ["1", "2"]);
    world.write("data/3.csv", "id,amount\n4,40\n");
    assert_eq!(outcome(&world.run().await), "raw.orders published");
    assert_eq!(world.query("select id from raw.orders order by id").await, ["1", "3", "4"]);
}

/// A check that is new is not put off because an input runs, and comes out as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_check_is_judged_while_an_input_runs_without_a_change() {
    let world = World::orders();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    world.write(
        "assets/raw/orders.yml",
        "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\nchecks: [{ expect: amount >= 0 }]\n",
    );
    assert_eq!(world.run().await.state, RunState::Held);
    let (workspace, _) = world.opened().await;
    workspace.dismiss(&name("raw.orders"), None, "wrong at the source").await.unwrap();
    drop(workspace);
    world.write(
        "assets/mart/totals.sql",
        "/*\nchecks:\n  - expect: \"amount >= 15\"\n*/\nselect id, amount from raw.orders\n",
    );
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum unchanged, mart.totals unchanged, raw.orders unchanged");
    let totals = summary.results.iter().find(|result| result.asset == name("mart.totals")).unwrap();
    assert!(totals.message.as_deref().is_some_and(|said| said.starts_with("the live version fails")), "{summary:#?}");
}

/// A known failure is one of what the check said when it was recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_failure_does_not_cover_what_the_check_came_to_say() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\n2,-20\n");
    let summary = world.run().await;
    assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held, raw.orders published");
    world.baseline().await;
    assert_eq!(outcome(&world.run().await), "mart.sum published, mart.totals published");

    let other = "/*\nchecks:\n  - expect: \"amount < 5\"\n  - unique: id\n*/\nselect id, amount from raw.orders\n";
    world.write("assets/mart/totals.sql", other);
    world.write("data/orders.csv", "id,amount\n1,10\n2,-21\n");
    assert_eq!(outcome(&world.run().await), "mart.sum skipped, mart.totals held, raw.orders published");
}

/// Too few rows are too few: were that known, an empty table would pass.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_true_or_false_of_the_whole_version_is_never_known() {
    let world = World::orders();
    let mart = "/*\nchecks:\n  - rows: { min: 3 }\n*/\nselect id, amount from raw.orders\n";
    world.write("assets/mart/totals.sql", mart);
    assert_eq!(outcome(&world.run().await), "mart.sum skipped, mart.totals held, raw.orders published");
    let report = world.baseline().await;
    assert_eq!(report.written, []);
    assert_eq!(report.left_out, [(name("mart.totals"), "rows".to_owned())]);
    world.write("data/orders.csv", "id,amount\n");
    assert_eq!(outcome(&world.run().await), "mart.sum skipped, mart.totals held, raw.orders published");
}

/// What a changed check takes out may hold the version; then it is neither built nor told again, as any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_held_by_a_check_that_takes_rows_out_is_built_once() {
    let world = World::orders();
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    world.write("assets/mart/totals.sql", "select id, amount from raw.orders\n");
    world.run().await;
    let strict = "/*\nchecks:\n  - { expect: \"amount >= 0\", action: reject, error: \"> 0\" }\n*/\nselect id, amount from raw.orders\n";
    world.write("assets/mart/totals.sql", strict);
    let mut held = Vec::new();
    for _ in 0..2 {
        let summary = world.run().await;
        assert_eq!(outcome(&summary), "mart.sum skipped, mart.totals held");
        held.extend(summary.results.iter().find(|result| result.asset == name("mart.totals")).unwrap().version);
    }
    assert_eq!(held[0], held[1], "the same candidate");

    let (workspace, _) = world.opened().await;
    workspace.dismiss(&name("mart.totals"), None, "they are refunds").await.unwrap();
    drop(workspace);
    assert_eq!(outcome(&world.run().await), "mart.sum unchanged, mart.totals unchanged");
    assert_eq!(world.query("select count(*) from mart.totals").await, ["3"]);
}

//! Two versions compared: keys, repeated and null ones, changed schemas, and versions that cannot be compared.

mod files;
mod random;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use lockgate_run::{Diff, DiffOf, Graph, NotCompared, OfBoth, RunError, Workspace};
use lockgate_types::VersionNumber;

use crate::world::{World, name};

/// Cells as text; a null is none.
type Row = Vec<Option<String>>;

async fn diff_in(
    (workspace, graph): &(Workspace, Graph),
    asset: &str,
    of: DiffOf,
    key: Option<&[&str]>,
) -> Result<Diff, RunError> {
    let key: Option<Vec<String>> = key.map(|key| key.iter().map(|column| (*column).to_owned()).collect());
    workspace.diff(graph, &name(asset), of, key.as_deref(), 10).await?.finish().await
}

async fn try_diff(world: &World, asset: &str, of: DiffOf, key: Option<&[&str]>) -> Result<Diff, RunError> {
    diff_in(&world.opened().await, asset, of, key).await
}

async fn diff(world: &World, asset: &str, from: u64, to: u64, key: Option<&[&str]>) -> Diff {
    let of = DiffOf::Between(VersionNumber(from), VersionNumber(to));
    try_diff(world, asset, of, key).await.unwrap_or_else(|error| panic!("{asset} {from} {to}: {error}"))
}

/// Added, removed, changed, unchanged.
fn counts(diff: &Diff) -> [u64; 4] {
    [diff.added, diff.removed, diff.changed, diff.unchanged]
}

fn cells(diff: &Diff) -> BTreeMap<String, u64> {
    diff.columns.iter().map(|column| (column.column.clone(), column.changed)).collect()
}

/// An asset `mart.t` whose versions are these SELECTs.
async fn versions(header: &str, selects: &[&str]) -> World {
    let world = World::new(&[]);
    for select in selects {
        world.write("assets/mart/t.sql", &format!("{header}{select}"));
        let summary = world.run().await;
        assert_eq!(summary.results[0].state.as_str(), "published", "{summary:#?}");
    }
    world
}

fn text(row: &[Option<String>]) -> String {
    row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect::<Vec<_>>().join(" ")
}

fn lines(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| text(row)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_and_null_keys_are_neither_lost_nor_doubled() {
    let world = versions(
        "",
        &[
            // 1 once, 2 twice, null twice, 4 twice with equal rows.
            "select * from (values (1, 'a'), (2, 'b'), (2, 'c'), (null, 'd'), (null, 'e'), (4, 'f'), (4, 'f')) v(id, name)",
            // 1 changed; of 2 one is another; null: one stays, two come; of 4 one goes; 5 comes twice.
            "select * from (values (1, 'A'), (2, 'b'), (2, 'C'), (null, 'd'), (null, 'x'), (null, 'y'), (4, 'f'), (5, 'g'), (5, 'g')) \
             v(id, name)",
        ],
    )
    .await;
    let diff = diff(&world, "mart.t", 1, 2, Some(&["id"])).await;
    // 2: c became C, the one row of each that is left. null: e goes, x and y come.
    assert_eq!(counts(&diff), [4, 2, 2, 3]);
    assert_eq!(cells(&diff), [("name".to_owned(), 2)].into());
    assert_eq!(diff.repeated_keys, OfBoth { from: 3, to: 3 });
    assert_eq!(diff.null_keys, OfBoth { from: 2, to: 3 });
    assert_eq!(lines(&diff.samples_added.rows), ["5 g", "5 g", "null x", "null y"], "nulls are last");
    assert_eq!(lines(&diff.samples_removed.rows), ["4 f", "null e"]);
    let changed: Vec<_> = diff.samples_changed.iter().map(|row| (text(&row.key), row.cells.clone())).collect();
    let cell = |before: &str, after: &str| vec![("name".to_owned(), Some(before.to_owned()), Some(after.to_owned()))];
    assert_eq!(changed, [("1".to_owned(), cell("a", "A")), ("2".to_owned(), cell("c", "C"))]);
    assert!(diff.samples_added.times.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_whole_rows_are_counted() {
    let world = versions(
        "",
        &[
            "select * from (values (1, 'a'), (1, 'a'), (1, 'a'), (2, null), (3, 'c')) v(id, name)",
            "select * from (values (1, 'a'), (2, null), (2, null), (3, 'C'), (4, 'd'), (4, 'd')) v(id, name)",
        ],
    )
    .await;
    let diff = diff(&world, "mart.t", 1, 2, None).await;
    assert!(diff.key.is_empty() && diff.columns.is_empty());
    assert_eq!(counts(&diff), [4, 3, 0, 2]);
    assert_eq!(lines(&diff.samples_added.rows), ["2 null", "3 C", "4 d"]);
    assert_eq!(diff.samples_added.times, [1, 1, 2]);
    assert_eq!(lines(&diff.samples_removed.rows), ["1 a", "3 c"]);
    assert_eq!(diff.samples_removed.times, [2, 1]);
    assert_eq!((diff.repeated_keys, diff.null_keys), (OfBoth::default(), OfBoth::default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_the_first_unique_check_of_all_rows() {
    let header = "/*\nchecks:\n  - unique: name\n    where: id > 1\n  - unique: id\n  - unique: [name, id]\n*/\n";
    let world = versions(
        header,
        &[
            "select * from (values (1, 'a'), (2, 'b')) v(id, name)",
            "select * from (values (1, 'b'), (2, 'b')) v(id, name)",
        ],
    )
    .await;
    let by_check = diff(&world, "mart.t", 1, 2, None).await;
    assert_eq!(by_check.key, ["id"]);
    assert_eq!(counts(&by_check), [0, 0, 1, 1]);
    let asked = diff(&world, "mart.t", 1, 2, Some(&["name", "name"])).await;
    assert_eq!(asked.key, ["name"]);
    assert_eq!(counts(&asked), [1, 1, 0, 1]);
}

/// Both directions tell the same, the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_compared_with_the_live_one() {
    let world = versions("", &["select 1 as id", "select 2 as id", "select 3 as id"]).await;
    let live = try_diff(&world, "mart.t", DiffOf::Live(VersionNumber(1)), None).await.unwrap();
    assert_eq!((live.from, live.to), (VersionNumber(1), VersionNumber(3)));
    assert_eq!(lines(&live.samples_removed.rows), ["1"]);
    let back = diff(&world, "mart.t", 3, 1, None).await;
    assert_eq!((&back.samples_added, &back.samples_removed), (&live.samples_removed, &live.samples_added));
    assert_eq!(counts(&back), [live.removed, live.added, live.changed, live.unchanged]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_one_version_are_told_and_not_compared() {
    let world = versions(
        "/*\nchecks:\n  - unique: id\n*/\n",
        &[
            "select id::int as id, gone::string as gone, amount::int as amount, code::string as code, day::date as day, [id::int] as tags \
             from (values (1, 'x', 5, '7', '2024-01-01'), (2, 'y', 6, '08', '2024-01-02'), (3, 'z', 1, '9', null)) \
             v(id, gone, amount, code, day)",
            "select amount::decimal(9,2) as amount, id::bigint as id, code::int as code, day::timestamp as day, new::boolean as new, \
             [id::string] as tags from (values (1, '5.00', 7, '2024-01-01', true), (2, '6.50', 8, '2024-01-02T01:00:00', null), \
             (4, '0', 1, null, false)) v(id, amount, code, day, new)",
        ],
    )
    .await;
    let diff = diff(&world, "mart.t", 1, 2, None).await;
    assert_eq!(counts(&diff), [1, 1, 1, 1]);
    let columns: Vec<_> = diff
        .columns
        .iter()
        .map(|column| {
            let compared_as = column.compared_as.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {} {compared_as}", column.column, column.changed, column.share)
        })
        .collect();
    assert_eq!(columns, ["amount 1 0.5 decimal(12,2)", "code 1 0.5 string", "day 1 0.5 timestamp"]);
    let left_out = |column: &str, why: &str| NotCompared { column: column.to_owned(), why: why.to_owned() };
    assert_eq!(
        diff.not_compared,
        [
            left_out("new", "only version 2 has it"),
            left_out("tags", "no type holds both list<int> and list<string>"),
            left_out("gone", "only version 1 has it"),
        ]
    );
    assert_eq!(diff.schema.retyped.len(), 5);
    // Rows are shown with all columns of their version, in its order.
    assert_eq!(diff.samples_added.columns, ["amount", "id", "code", "day", "new", "tags"]);
    assert_eq!(lines(&diff.samples_added.rows), ["0.00 4 1 null false [4]"]);
    assert_eq!(lines(&diff.samples_removed.rows), ["3 z 1.00 9 null [3]"]);

    let (workspace, graph) = world.opened().await;
    let of = DiffOf::Between(VersionNumber(1), VersionNumber(2));
    let mut comparison = workspace.diff(&graph, &name("mart.t"), of, None, 0).await.unwrap();
    let mut rows: Vec<RecordBatch> = Vec::new();
    while let Some(batch) = comparison.next_rows().await.unwrap() {
        rows.push(batch);
    }
    let rows = lockgate_run::samples(&rows);
    assert_eq!(rows.columns, ["_change", "amount", "id", "code", "day", "new", "tags", "gone", "tags (version 1)"]);
    assert_eq!(
        lines(&rows.rows),
        [
            "before 6.00 2 08 2024-01-02T00:00:00 null null y [2]",
            "after 6.50 2 8 2024-01-02T01:00:00 null [2] null null",
            "removed 1.00 3 9 null null null z [3]",
            "added 0.00 4 1 null false [4] null null",
        ]
    );
    let diff = comparison.finish().await.unwrap();
    assert_eq!((counts(&diff), diff.samples_changed.len()), ([1, 1, 1, 1], 0));
}

/// A key that came with the newer version tells nothing apart; one that is asked for is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_one_version_lacks_is_not_used() {
    let world = versions("", &["select 'a' as name"]).await;
    world.write("assets/mart/t.sql", "/*\nchecks:\n  - unique: id\n*/\nselect 1 as id, 'a' as name");
    world.run().await;
    let diff = diff(&world, "mart.t", 1, 2, None).await;
    assert_eq!((diff.key.len(), counts(&diff)), (0, [0, 0, 0, 1]));
    let of = DiffOf::Between(VersionNumber(1), VersionNumber(2));
    for (key, says) in [
        (vec!["id"], "`id` is a column of version 2 only, not of 1"),
        (vec!["nam"], "mart.t has no column `nam` in either version"),
    ] {
        let error = try_diff(&world, "mart.t", of, Some(&key)).await.unwrap_err();
        let found = error.diagnostics();
        assert_eq!((found.0[0].code.id, found.0[0].message.as_str()), ("LG0716", says));
        assert!(error.is_usage());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_without_a_common_column_cannot_be_compared() {
    let world = versions("", &["select 1 as a", "select 1 as b"]).await;
    let of = DiffOf::Between(VersionNumber(1), VersionNumber(2));
    let error = try_diff(&world, "mart.t", of, None).await.unwrap_err();
    assert_eq!(error.diagnostics().0[0].message, "versions 1 and 2 of mart.t have no column in common");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_cannot_be_compared_say_why() {
    let world = World::orders();
    world.write("assets/clean/orders.sql", "/*\nload: inline\n*/\nselect id from raw.orders\n");
    let number = VersionNumber;
    let refused = async |asset: &str, of: DiffOf| {
        let error = try_diff(&world, asset, of, None).await.unwrap_err();
        assert!(error.is_usage(), "{error}");
        let found = error.diagnostics();
        format!("{} {}", found.0[0].code.id, found.0[0].message)
    };
    let between = |a, b| DiffOf::Between(number(a), number(b));
    assert_eq!(refused("mart.totals", DiffOf::Live(number(1))).await, "LG0702 mart.totals has no version 1");
    world.run().await;
    assert_eq!(
        refused("mart.totals", DiffOf::Live(number(1))).await,
        "LG0735 version 1 of mart.totals is the live one: there is nothing to compare it with"
    );
    assert_eq!(
        refused("mart.totals", between(1, 1)).await,
        "LG0735 version 1 of mart.totals cannot be compared with itself"
    );
    assert_eq!(refused("mart.totals", between(1, 9)).await, "LG0702 mart.totals has no version 9");
    assert_eq!(
        refused("clean.orders", between(1, 2)).await,
        "LG0702 clean.orders is inline: it is not stored and has no versions"
    );

    // Held, then dismissed: compared as long as its files are there.
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,-5\n");
    world.run().await;
    assert_eq!(diff(&world, "mart.totals", 1, 2, None).await.added, 1);
    world.opened().await.0.dismiss(&name("mart.totals"), None, "wrong").await.unwrap();
    assert_eq!(diff(&world, "mart.totals", 1, 2, None).await.added, 1);
    std::fs::remove_dir_all(world.root().join("store/tables/mart/totals/_lockgate/v2")).unwrap();
    assert_eq!(
        refused("mart.totals", between(1, 2)).await,
        "LG0735 version 2 of mart.totals cannot be compared: it was dismissed, and its files were removed"
    );
}

/// A version is staged and its run ends; until the next run it is unfinished, then it has failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_never_reached_its_gate_is_not_compared() {
    let world = World::orders();
    world.run().await;
    world.write("data/orders.csv", "id,amount\n1,10\n2,20\n3,5\n");
    // It cannot say that it failed either.
    for action in ["fail:1", "fail:0"] {
        for point in ["catalog.set_audited.before", "catalog.abandon.before"] {
            world.effects.faults.arm(point, action);
        }
        if action == "fail:1" {
            let _ = world.run_with(lockgate_run::PlanOptions::default()).await;
        }
    }
    let of = DiffOf::Between(VersionNumber(1), VersionNumber(2));
    let message =
        async || try_diff(&world, "raw.orders", of, None).await.unwrap_err().diagnostics().0[0].message.clone();
    let unfinished = message().await;
    world.run().await;
    let failed = message().await;
    assert_eq!(
        [unfinished.as_str(), failed.as_str()],
        [
            "version 2 of raw.orders cannot be compared: a run is still building it",
            "version 2 of raw.orders cannot be compared: its attempt ended before the gate, and its files were removed",
        ]
    );
    assert_eq!(diff(&world, "raw.orders", 1, 3, None).await.added, 1);
}

//! Two versions compared: against a naive model, with repeated and null keys, shared files, changed schemas, little memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use arrow::array::{AsArray, RecordBatch};
use lockgate_run::{Diff, DiffFiles, DiffOf, NotCompared, OfBoth, RunError};
use lockgate_types::{Version, VersionNumber};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::world::{World, name};

/// Cells as text; a null is none.
type Row = Vec<Option<String>>;

async fn try_diff(world: &World, asset: &str, of: DiffOf, key: Option<&[&str]>) -> Result<Diff, RunError> {
    let (workspace, graph) = world.opened().await;
    let key: Option<Vec<String>> = key.map(|key| key.iter().map(|column| (*column).to_owned()).collect());
    workspace.diff(&graph, &name(asset), of, key.as_deref(), 10).await?.finish().await
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

async fn version(world: &World, asset: &str, number: u64) -> Version {
    let (workspace, graph) = world.opened().await;
    let which = lockgate_run::Which::Number(VersionNumber(number));
    workspace.show(&graph, &name(asset), which, 0).await.unwrap().version
}

// ── a naive model ───────────────────────────────────────────────────────────────────────────────────────────────────

/// A column of every type, made from the text of `values`.
const COLUMNS: [(&str, &str); 13] = [
    ("k", "k::int"),
    ("g", "g"),
    ("d", "x"),
    ("m", "m::decimal(10,2)"),
    ("big", "m::decimal(10,2)::decimal(38,10)"),
    ("f", "f::boolean"),
    ("day", "day::date"),
    ("t", "(day || 'T01:02:03.000004')::timestamp"),
    ("z", "(day || 'T01:02:03Z')::timestamptz"),
    ("j", "j::json"),
    ("l", "case when g is null then null else [x, null] end"),
    ("s", "named_struct('a', k::bigint, 'b', x, 'c', g)"),
    ("y", "g::bytea"),
];

/// What the cells are drawn from.
const VALUES: [(&str, &[&str]); 7] = [
    ("k", &["1", "2", "3", "-4"]),
    ("g", &["", "a", "b", "a longer text, that has more than thirty-two bytes"]),
    ("d", &["NaN", "-NaN", "0.0", "-0.0", "1.5", "-inf"]),
    ("m", &["1.00", "-2.50", "0.00"]),
    ("f", &["true", "false"]),
    ("day", &["2024-02-29", "1969-12-31"]),
    ("j", &["{\"a\":1}", "{ \"a\": 1 }", "null"]),
];

fn drawn(random: &mut SmallRng, values: &[&str]) -> Option<String> {
    (!random.random_ratio(1, 5)).then(|| values[random.random_range(0..values.len())].to_owned())
}

fn random_row(random: &mut SmallRng) -> Row {
    VALUES.iter().map(|(_, values)| drawn(random, values)).collect()
}

/// A version like the last: rows go, come, come twice, change a cell.
fn mutated(random: &mut SmallRng, rows: &[Row]) -> Vec<Row> {
    let mut next = Vec::new();
    for row in rows {
        let mut row = row.clone();
        match random.random_range(0..10) {
            0 => continue,
            1 => next.push(row.clone()),
            2 | 3 => {
                let at = random.random_range(0..row.len());
                row[at] = drawn(random, VALUES[at].1);
            }
            _ => {}
        }
        next.push(row);
    }
    next.push(random_row(random));
    next
}

fn sql_of(rows: &[Row]) -> String {
    let mut sql = String::from("select ");
    for (index, (column, expression)) in COLUMNS.iter().enumerate() {
        write!(sql, "{}{expression} as {column}", if index > 0 { ", " } else { "" }).unwrap();
    }
    // No text is a NaN with a sign.
    sql.push_str("\nfrom (select *, case when d = '-NaN' then -('NaN'::double) else nullif(d, '-NaN')::double end as x from (values\n");
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| cell.as_ref().map_or_else(|| "null::string".to_owned(), |text| format!("'{text}'")))
            .collect();
        writeln!(sql, "{}({})", if index > 0 { "," } else { "" }, cells.join(", ")).unwrap();
    }
    let names: Vec<&str> = VALUES.iter().map(|(column, _)| *column).collect();
    write!(sql, ") as v({})) as v", names.join(", ")).unwrap();
    sql
}

/// What a column's cell is made from, so that equal cells have equal text.
fn cell(row: &Row, column: &str) -> Option<String> {
    let value = |of: &str| {
        let text = row[VALUES.iter().position(|(column, _)| *column == of).unwrap()].clone();
        match text.as_deref() {
            Some("-NaN") => Some("NaN".to_owned()),
            Some("-0.0") => Some("0.0".to_owned()),
            _ => text,
        }
    };
    match column {
        "big" => value("m"),
        "t" | "z" => value("day"),
        "l" => value("g").map(|_| format!("{:?}", value("d"))),
        "s" => Some(format!("{:?} {:?} {:?}", value("k"), value("d"), value("g"))),
        "y" => value("g"),
        column => value(column),
    }
}

#[derive(Debug, Default, PartialEq)]
struct Model {
    counts: [u64; 4],
    cells: BTreeMap<String, u64>,
    repeated: OfBoth,
    nulls: OfBoth,
    /// `_change` of every row that differs, how often.
    changes: BTreeMap<String, u64>,
}

fn model(from: &[Row], to: &[Row], key: &[&str]) -> Model {
    let mut model = Model::default();
    let others: Vec<&str> = COLUMNS.iter().map(|(column, _)| *column).filter(|column| !key.contains(column)).collect();
    let of_key: Vec<&str> = if key.is_empty() { others.clone() } else { key.to_vec() };
    if !key.is_empty() {
        model.cells = others.iter().map(|column| ((*column).to_owned(), 0)).collect();
    }
    let mut groups: BTreeMap<Row, [Vec<Row>; 2]> = BTreeMap::new();
    for (side, rows) in [from, to].into_iter().enumerate() {
        for row in rows {
            let of = |columns: &[&str]| columns.iter().map(|column| cell(row, column)).collect::<Row>();
            groups.entry(of(&of_key)).or_default()[side].push(of(&others));
        }
    }
    for (values, [before, mut after]) in groups {
        if !key.is_empty() {
            model.repeated.from += u64::from(before.len() > 1);
            model.repeated.to += u64::from(after.len() > 1);
            if values.contains(&None) {
                model.nulls.from += before.len() as u64;
                model.nulls.to += after.len() as u64;
            }
        }
        let mut left = Vec::new();
        for row in before {
            match after.iter().position(|other| *other == row) {
                Some(at) => {
                    after.swap_remove(at);
                    model.counts[3] += 1;
                }
                None => left.push(row),
            }
        }
        if let ([old], [new]) = (&left[..], &after[..]) {
            model.counts[2] += 1;
            for (at, column) in others.iter().enumerate() {
                *model.cells.get_mut(*column).unwrap() += u64::from(old[at] != new[at]);
            }
        } else {
            model.counts[0] += after.len() as u64;
            model.counts[1] += left.len() as u64;
        }
    }
    for (change, count) in ["added", "removed", "before", "after"].iter().zip([0, 1, 2, 2]) {
        if model.counts[count] > 0 {
            model.changes.insert((*change).to_owned(), model.counts[count]);
        }
    }
    model
}

/// The same from the engine, the rows that differ among it.
async fn measured(world: &World, from: u64, to: u64, key: &[&str]) -> Model {
    let (workspace, graph) = world.opened().await;
    let of = DiffOf::Between(VersionNumber(from), VersionNumber(to));
    let key: Vec<String> = key.iter().map(|column| (*column).to_owned()).collect();
    // The asset has no `unique` check.
    let key = (!key.is_empty()).then_some(&key[..]);
    let mut comparison = workspace.diff(&graph, &name("mart.rows"), of, key, 3).await.unwrap();
    let mut model = Model::default();
    while let Some(rows) = comparison.next_rows().await.unwrap() {
        assert_eq!(rows.schema(), comparison.rows_schema());
        for change in rows.column(0).as_string::<i32>() {
            *model.changes.entry(change.unwrap().to_owned()).or_default() += 1;
        }
    }
    let diff = comparison.finish().await.unwrap();
    model.counts = counts(&diff);
    model.cells = cells(&diff);
    (model.repeated, model.nulls) = (diff.repeated_keys, diff.null_keys);
    assert!(diff.columns.is_sorted_by(|a, b| a.changed >= b.changed));
    for row in &diff.samples_changed {
        assert!(!row.cells.is_empty(), "a changed row has a changed cell: {row:?}");
    }
    model
}

#[tokio::test(flavor = "multi_thread")]
async fn random_versions_differ_as_a_naive_model_says() {
    const VERSIONS: usize = 7;
    const KEYS: [&[&str]; 6] = [&["k"], &["g", "k"], &["d"], &["l", "s"], &["day", "m", "f"], &[]];
    let world = World::new(&[]);
    let mut random = SmallRng::seed_from_u64(20_131_231);
    let mut versions: Vec<Vec<Row>> = vec![(0..12).map(|_| random_row(&mut random)).collect()];
    while versions.len() < VERSIONS {
        versions.push(mutated(&mut random, versions.last().unwrap()));
    }
    for rows in &versions {
        world.write("assets/mart/rows.sql", &sql_of(rows));
        let summary = world.run().await;
        assert_eq!(summary.results[0].state.as_str(), "published", "{summary:#?}");
    }
    let mut seen = [0; 4];
    for from in 1..=VERSIONS {
        for to in 1..=VERSIONS {
            for key in KEYS.iter().filter(|_| from != to) {
                let expected = model(&versions[from - 1], &versions[to - 1], key);
                let found = measured(&world, from as u64, to as u64, key).await;
                assert_eq!(found, expected, "versions {from} and {to} by {key:?}");
                for (seen, count) in seen.iter_mut().zip(found.counts) {
                    *seen += count;
                }
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "the tables say something: {seen:?}");
}

// ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── schemas ─────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A source that grows by a file per version, and the same rows built anew each time.
async fn growing(files: &[&str]) -> World {
    let world = World::new(&[
        (
            "assets/raw/log.yml",
            "kind: source\nread: { path: \"data/*.csv\" }\nload: append\ncolumns: { id: bigint, text: string }\n",
        ),
        ("assets/mart/log.sql", "select id, text from raw.log\n"),
    ]);
    for (index, rows) in files.iter().enumerate() {
        world.write(&format!("data/{index}.csv"), &format!("id,text\n{rows}"));
        let summary = world.run().await;
        assert_eq!(summary.results.len(), 2, "{summary:#?}");
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_both_versions_have_are_not_read() {
    let world = growing(&["1,a\n2,b\n", "2,B\n3,c\n"]).await;
    let (old, new) = (version(&world, "raw.log", 1).await, version(&world, "raw.log", 2).await);
    assert_eq!((old.files.len(), new.files.len()), (1, 2));
    // Reading it would fail.
    let shared: PathBuf = world.root().join("store/tables/raw/log").join(&old.files[0].path);
    std::fs::remove_file(&shared).unwrap();
    let found = diff(&world, "raw.log", 1, 2, Some(&["id"])).await;
    assert_eq!(found.files, DiffFiles { shared: 1, shared_rows: 2, read: 1, read_rows: 2 });
    // 2 stood there with another text, which it keeps: its new row is added, not changed.
    assert_eq!(counts(&found), [2, 0, 0, 2]);
    let whole = diff(&world, "raw.log", 1, 2, None).await;
    assert_eq!(counts(&whole), [2, 0, 0, 2]);
    let (workspace, graph) = world.opened().await;
    let read = async {
        let sql = "select sum(id) from version('raw.log', 1)";
        let query = workspace.query(&graph, sql, lockgate_run::QueryOptions::default()).await?;
        Ok::<_, RunError>(futures::TryStreamExt::try_collect::<Vec<_>>(query.stream).await?)
    };
    assert!(read.await.is_err(), "the file is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_shared_files_out_changes_no_count() {
    let mut random = SmallRng::seed_from_u64(7);
    let files: Vec<String> = (0..5)
        .map(|_| {
            let mut rows = String::new();
            for _ in 0..random.random_range(1..8) {
                let id = if random.random_ratio(1, 6) { String::new() } else { random.random_range(1..6).to_string() };
                writeln!(rows, "{id},{}", ["a", "b", ""][random.random_range(0..3)]).unwrap();
            }
            rows
        })
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let world = growing(&files).await;
    // A rollback shares files with versions before and after.
    {
        let (workspace, graph) = world.opened().await;
        for asset in ["raw.log", "mart.log"] {
            workspace.rollback(&graph, &name(asset), VersionNumber(2), "test").await.unwrap();
        }
    }
    for from in 1..=6 {
        for to in (1..=6).filter(|to| *to != from) {
            for key in [Some(&["id"][..]), Some(&["text"][..]), None] {
                let shared = diff(&world, "raw.log", from, to, key).await;
                let read = diff(&world, "mart.log", from, to, key).await;
                assert!(shared.files.shared > 0, "{from} {to}");
                let is_rollback = (from, to) == (2, 6) || (from, to) == (6, 2);
                assert_eq!(read.files.shared > 0, is_rollback, "{from} {to}");
                assert_eq!(counts(&shared), counts(&read), "{from} {to} {key:?}");
                assert_eq!(cells(&shared), cells(&read), "{from} {to} {key:?}");
                assert_eq!(shared.samples_added.rows, read.samples_added.rows);
                assert_eq!(shared.samples_removed.rows, read.samples_removed.rows);
                assert_eq!(shared.samples_changed, read.samples_changed);
                if is_rollback {
                    assert_eq!((shared.files.read, shared.added, shared.removed), (0, 0, 0));
                }
            }
        }
    }
}

// ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_into_memory_is_spilled_and_stays_exact() {
    const ROWS: u64 = 100_000;
    let row = "concat('a text that makes the row wide, like that of a real table ', v) as text";
    let first =
        format!("select (v * 7919) % {ROWS} as id, {row}, v % 2 as n from generate_series(0, {}) t(v)", ROWS - 1);
    let second = format!(
        "select (v * 7919) % {ROWS} as id, {row}, case when v % 100 = 3 then -1 else v % 2 end as n \
         from generate_series(0, {}) t(v) where v % 1000 <> 0 union all \
         select {ROWS} + v, 'new', 0 from generate_series(1, 50) t(v) union all select null, 'null', v from generate_series(1, 2) t(v)",
        ROWS - 1
    );
    let world = versions("", &[&first, &second]).await;
    world.write("lockgate.yml", "name: test\nengine: { memory: 8MB, threads: 2 }\n");
    let keyed = diff(&world, "mart.t", 1, 2, Some(&["id"])).await;
    let (removed, changed) = (ROWS / 1000, ROWS / 100);
    assert_eq!(counts(&keyed), [52, removed, changed, ROWS - removed - changed]);
    assert_eq!(cells(&keyed), [("n".to_owned(), changed), ("text".to_owned(), 0)].into());
    assert_eq!((keyed.null_keys, keyed.repeated_keys), (OfBoth { from: 0, to: 2 }, OfBoth { from: 0, to: 1 }));
    assert!(keyed.spilled_bytes > 1_000_000, "{} bytes spilled", keyed.spilled_bytes);
    let whole = diff(&world, "mart.t", 1, 2, None).await;
    assert_eq!(counts(&whole), [52 + changed, removed + changed, 0, ROWS - removed - changed]);
    assert!(whole.spilled_bytes > 1_000_000, "{} bytes spilled", whole.spilled_bytes);
    // One key for all rows: nothing grows with how often it stands.
    let of_one_key = diff(&world, "mart.t", 1, 2, Some(&["n"])).await;
    assert_eq!(of_one_key.repeated_keys, OfBoth { from: 2, to: 3 });
    assert_eq!(of_one_key.added + of_one_key.unchanged + of_one_key.changed, ROWS - removed + 52);
    assert_eq!(of_one_key.removed + of_one_key.unchanged + of_one_key.changed, ROWS);
}

// ── versions ────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    world.opened().await.0.dismiss(&name("mart.totals"), "wrong").await.unwrap();
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

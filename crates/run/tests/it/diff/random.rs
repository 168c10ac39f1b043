//! Random versions, with columns of every type, against a naive model.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow::array::AsArray;
use lockgate_run::{DiffOf, Graph, OfBoth, Workspace};
use lockgate_types::VersionNumber;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{Row, cells, counts};
use crate::world::{World, name};

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
async fn measured((workspace, graph): &(Workspace, Graph), from: u64, to: u64, key: &[&str]) -> Model {
    let of = DiffOf::Between(VersionNumber(from), VersionNumber(to));
    let key: Vec<String> = key.iter().map(|column| (*column).to_owned()).collect();
    // The asset has no `unique` check.
    let key = (!key.is_empty()).then_some(&key[..]);
    let mut comparison = workspace.diff(graph, &name("mart.rows"), of, key, 3).await.unwrap();
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
    let opened = world.opened().await;
    let mut seen = [0; 4];
    for from in 1..=VERSIONS {
        for to in 1..=VERSIONS {
            for key in KEYS.iter().filter(|_| from != to) {
                let expected = model(&versions[from - 1], &versions[to - 1], key);
                let found = measured(&opened, from as u64, to as u64, key).await;
                assert_eq!(found, expected, "versions {from} and {to} by {key:?}");
                for (seen, count) in seen.iter_mut().zip(found.counts) {
                    *seen += count;
                }
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "the tables say something: {seen:?}");
}

//! Counts, rejected rows and profiles of random tables against naive ones: a loop over cells, one rule after the other.

use std::collections::BTreeSet;

use chrono::{TimeZone, Utc};
use lockgate_checks::{AuditContext, AuditReport, Check, SchemaLookup};
use lockgate_engine::{PinnedTable, Session};
use lockgate_project::GateMode;
use lockgate_types::schema::{Column, DataType};
use lockgate_types::{AssetName, CheckOutcome, ColumnProfile, Schema};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::world::{Encoding, Table, World};

struct Nothing;

impl SchemaLookup for Nothing {
    fn schema(&self, _: &AssetName) -> Option<&Schema> {
        None
    }

    fn exists(&self, _: &AssetName) -> bool {
        true
    }

    fn suggest(&self, _: &AssetName) -> Option<String> {
        None
    }
}

/// Column by column: how values are made.
pub(crate) const COLUMNS: [(&str, &str); 8] = [
    ("i", "bigint"),
    ("n", "int"),
    ("x", "double"),
    ("d", "decimal(10,2)"),
    ("w", "decimal(30,3)"),
    ("s", "string"),
    ("t", "timestamp"),
    ("b", "boolean"),
];

pub(crate) fn cell(random: &mut SmallRng, column: &str, spread: i64) -> Option<String> {
    if random.random_ratio(1, 8) {
        return None;
    }
    let number = random.random_range(-spread..=spread);
    Some(match column {
        "i" if random.random_ratio(1, 50) => i64::MAX.to_string(),
        "i" | "n" => number.to_string(),
        "x" => match random.random_range(0..40) {
            0 => "NaN".to_owned(),
            1 => "inf".to_owned(),
            2 => "-inf".to_owned(),
            3 => "-0.0".to_owned(),
            4 => "0.0".to_owned(),
            _ => (number as f64 / 8.0).to_string(),
        },
        "d" => format!("{number}.{:02}", random.random_range(0..100)),
        "w" => format!("{number}00000000000000000000.{:03}", random.random_range(0..1000)),
        "s" => match random.random_range(0..4) {
            0 => String::new(),
            1 => format!("a rather long text with the number {number}"),
            2 => format!("Ä{number}"),
            _ => format!("k{number}"),
        },
        "t" => Utc.timestamp_opt(1_388_534_400 + number * 60, 0).unwrap().format("%Y-%m-%dT%H:%M:%S").to_string(),
        _ => (number % 2 == 0).to_string(),
    })
}

/// A check in YAML, and the same thing as a function of a cell that is not null.
pub(crate) struct Rule {
    pub(crate) yaml: String,
    pub(crate) column: &'static str,
    pub(crate) fails: Box<dyn Fn(&str) -> bool>,
}

/// An amount of thousandths: exact for every column of numbers but the doubles.
fn thousandths(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{fraction:0<3}").parse::<i128>().unwrap()
}

pub(crate) fn rules(random: &mut SmallRng, spread: i64) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut add = |yaml: String, column: &'static str, fails: Box<dyn Fn(&str) -> bool>| {
        rules.push(Rule { yaml, column, fails });
    };
    let (low, high) = (random.random_range(-spread..0), random.random_range(1..=spread));
    for column in ["i", "n", "d"] {
        let yaml = format!("range: {{ {column}: {{ min: {low}.005, max: {high} }} }}");
        let (low, high) = (thousandths(&format!("{low}.005")), i128::from(high) * 1000);
        add(yaml, column, Box::new(move |text| !(low..=high).contains(&thousandths(text))));
    }
    let wide = format!("{high}00000000000000000000.0005");
    let highest = thousandths(&format!("{high}00000000000000000000.000"));
    add(format!("range: {{ w: {{ max: {wide} }} }}"), "w", Box::new(move |text| thousandths(text) > highest));
    let (from, to) = (low as f64 / 8.0, high as f64 / 8.0);
    let outside = move |text: &str| {
        let value: f64 = text.parse().unwrap();
        !(value >= from && value <= to)
    };
    add(format!("range: {{ x: {{ min: {from}, max: {to} }} }}"), "x", Box::new(outside));
    let at = |number: i64| Utc.timestamp_opt(1_388_534_400 + number * 60, 0).unwrap();
    let until = at(high).format("%Y-%m-%dT%H:%M:%S").to_string();
    add(format!("range: {{ t: {{ max: \"{until}\" }} }}"), "t", Box::new(move |text| *text > *until));
    for count in [1, 20] {
        let values: BTreeSet<i64> = (0..count).map(|_| random.random_range(-spread..=spread)).collect();
        let list = |format: &dyn Fn(i64) -> String| values.iter().map(|v| format(*v)).collect::<Vec<_>>();
        for column in ["i", "n"] {
            let texts = list(&|value| value.to_string());
            let yaml = format!("accepted: {{ {column}: [{}] }}", texts.join(", "));
            add(yaml, column, Box::new(move |text| !texts.contains(&text.to_owned())));
        }
        let texts = list(&|value| format!("k{value}"));
        let long = list(&|value| format!("a rather long text with the number {value}"));
        let all: Vec<String> = texts.into_iter().chain(long).collect();
        let yaml = format!("accepted: {{ s: [{}] }}", all.join(", "));
        add(yaml, "s", Box::new(move |text| !all.contains(&text.to_owned())));
        let doubles: Vec<f64> = values.iter().map(|value| *value as f64 / 8.0).collect();
        let texts: Vec<String> = doubles.iter().map(ToString::to_string).collect();
        let yaml = format!("accepted: {{ x: [0, {}] }}", texts.join(", "));
        let is_other = move |text: &str| {
            let value: f64 = text.parse().unwrap();
            value != 0.0 && !doubles.contains(&value)
        };
        add(yaml, "x", Box::new(is_other));
    }
    add("accepted: { b: [true] }".to_owned(), "b", Box::new(|text| text != "true"));
    add(
        "matches: { s: '^(k|Ä)-?\\d*[02468]$' }".to_owned(),
        "s",
        Box::new(|text| {
            let number = text.strip_prefix('k').or_else(|| text.strip_prefix('Ä'));
            number.and_then(|number| number.parse::<i64>().ok()).is_none_or(|number| number % 2 != 0)
        }),
    );
    add(format!("expect: \"n < {high}\""), "n", Box::new(move |text| text.parse::<i64>().unwrap() >= high));
    rules
}

pub(crate) struct Compiled {
    pub(crate) checks: Vec<Check>,
    pub(crate) table: Table,
}

pub(crate) fn compile(rules: &[Rule], filter: Option<&str>, reject: bool, rows: Vec<Vec<Option<String>>>) -> Compiled {
    let mut text = String::from("kind: source\nread: { path: t.csv }\ncolumns:\n");
    for (name, kind) in COLUMNS {
        text.push_str(&format!("  {name}: \"{kind}\"\n"));
    }
    text.push_str("checks:\n");
    for (at, rule) in rules.iter().enumerate() {
        text.push_str(&format!("  - {}\n    name: check_{at}\n", rule.yaml));
        if let Some(filter) = filter {
            text.push_str(&format!("    where: \"{filter}\"\n"));
        }
        if reject {
            text.push_str("    action: reject\n");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("assets/mart")).unwrap();
    std::fs::write(folder.path().join("lockgate.yml"), "name: random\n").unwrap();
    std::fs::write(folder.path().join("assets/mart/t.yml"), &text).unwrap();
    let (project, diagnostics) = lockgate_project::load(folder.path(), None, &|_| None);
    assert!(diagnostics.is_empty(), "{diagnostics}\n{text}");
    let schema =
        Schema { columns: COLUMNS.map(|(name, kind)| Column::new(name, DataType::parse(kind).unwrap())).to_vec() };
    let file = project.unwrap().assets.values().next().unwrap().clone();
    let checks = lockgate_checks::compile(&file, &schema, &Nothing).unwrap();
    Compiled { checks, table: Table { schema, rows } }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_tables_are_counted_as_naively() {
    let world = World::new(256 << 20);
    let mut failing_seen = 0;
    for seed in 0..24 {
        let mut random = SmallRng::seed_from_u64(seed);
        let spread = [3, 40, 4000][seed as usize % 3];
        let size = [0, 1, 17, 900, 5000][seed as usize % 5];
        let rows: Vec<Vec<Option<String>>> =
            (0..size).map(|_| COLUMNS.iter().map(|(name, _)| cell(&mut random, name, spread)).collect()).collect();
        let rules = rules(&mut random, spread);
        let (filter, keeps): (Option<&str>, Keeps) = match seed % 2 {
            0 => (None, |_| true),
            _ => (Some("n > 0"), |row| row[1].as_ref().is_some_and(|n| n.parse::<i64>().unwrap() > 0)),
        };
        let compiled = compile(&rules, filter, true, rows.clone());
        let encoding = [Encoding::Views, Encoding::Plain, Encoding::Dictionaries][seed as usize % 3];
        let batch = [8192, 100, 7][seed as usize % 3];
        let (outcomes, profile, split) = run(&world, &compiled, encoding, batch).await;
        let place = |column: &str| COLUMNS.iter().position(|(name, _)| *name == column).unwrap();
        let fails = |rule: &Rule, row: &[Option<String>]| {
            keeps(row) && row[place(rule.column)].as_ref().is_some_and(|text| (rule.fails)(text))
        };
        for (rule, outcome) in rules.iter().zip(&outcomes) {
            let failing = rows.iter().filter(|row| fails(rule, row)).count() as u64;
            let total = rows.iter().filter(|row| keeps(row)).count() as u64;
            assert_eq!((outcome.failing, outcome.total), (failing, total), "seed {seed}: {}", rule.yaml);
            assert_eq!(outcome.samples.rows.len() as u64, failing.min(100), "seed {seed}: {}", rule.yaml);
            failing_seen += failing;
        }
        // SQL and kernels agree: what is rejected is what any rule fails.
        let rejected = rows.iter().filter(|row| rules.iter().any(|rule| fails(rule, row))).count();
        assert_eq!(split, (rows.len() - rejected, rejected), "seed {seed}");
        for (at, column) in profile.columns.iter().enumerate() {
            let cells: Vec<Option<&str>> = rows.iter().map(|row| row[at].as_deref()).collect();
            same_profile(column, COLUMNS[at].0, &cells);
        }
    }
    assert!(failing_seen > 10_000, "only {failing_seen} failing rows were tried");
}

/// The texts of a key's cells; `None` where one is null.
fn key_of(columns: &[&str], row: &[Option<String>]) -> Option<Vec<String>> {
    columns.iter().map(|column| row[COLUMNS.iter().position(|(name, _)| name == column).unwrap()].clone()).collect()
}

/// `unique` and `references` over every type but doubles, whose zeros and NaNs have several texts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_keys_are_found_as_naively() {
    let world = World::new(256 << 20);
    let (mut repeated_seen, mut unknown_seen, mut unique_seen) = (0, 0, 0);
    for seed in 100..124 {
        let mut random = SmallRng::seed_from_u64(seed);
        let spread = [3, 400, 4_000_000][seed as usize % 3];
        let size = [0, 1, 17, 900, 3000][seed as usize % 5];
        let mut table = |size: usize| -> Vec<Vec<Option<String>>> {
            let row = |random: &mut SmallRng| COLUMNS.iter().map(|(name, _)| cell(random, name, spread)).collect();
            (0..size).map(|_| row(&mut random)).collect()
        };
        let (rows, mut others) = (table(size), table(size));
        // So that some are known whatever the spread.
        others.extend(rows.iter().step_by(2).cloned());
        let keys: [&[&str]; 9] =
            [&["i"], &["n"], &["d"], &["w"], &["s"], &["t"], &["b"], &["i", "s"], &["n", "t", "b"]];
        let mut rules: Vec<Rule> = Vec::new();
        for key in keys {
            rules.push(Rule { yaml: format!("unique: [{}]", key.join(", ")), column: "i", fails: Box::new(|_| false) });
        }
        for key in keys {
            let on: Vec<String> = key.iter().map(|column| format!("{column}: raw.others.{column}")).collect();
            let yaml = format!("references: {{ {} }}", on.join(", "));
            rules.push(Rule { yaml, column: "i", fails: Box::new(|_| false) });
        }
        let (filter, keeps): (Option<&str>, Keeps) = match seed % 2 {
            0 => (None, |_| true),
            _ => (Some("b"), |row| row[7].as_deref() == Some("true")),
        };
        let compiled = compile(&rules, filter, false, rows.clone());
        let encoding = [Encoding::Views, Encoding::Plain, Encoding::Dictionaries][seed as usize % 3];
        let batch = [8192, 100, 7][seed as usize % 3];
        let others = Table { rows: others, ..compiled.table.clone() };
        let (_, report) = audited(&world, &compiled, encoding, batch, Some(&others)).await;
        let outcomes = report.outcomes;
        for (at, key) in keys.into_iter().enumerate() {
            let mine: Vec<_> = rows.iter().filter(|row| keeps(row)).filter_map(|row| key_of(key, row)).collect();
            let mut counts = std::collections::BTreeMap::new();
            mine.iter().for_each(|key| *counts.entry(key).or_insert(0u64) += 1);
            let repeated: u64 = counts.values().filter(|count| **count > 1).sum();
            assert_eq!(outcomes[at].failing, repeated, "seed {seed}: unique {key:?}");
            let theirs: BTreeSet<_> = others.rows.iter().filter_map(|row| key_of(key, row)).collect();
            let unknown = mine.iter().filter(|key| !theirs.contains(*key)).count() as u64;
            let outcome = &outcomes[keys.len() + at];
            assert_eq!(outcome.failing, unknown, "seed {seed}: references {key:?}");
            assert_eq!(outcome.samples.rows.len() as u64, unknown.min(100), "seed {seed}: references {key:?}");
            repeated_seen += repeated;
            unknown_seen += unknown;
            unique_seen += u64::from(repeated == 0 && mine.len() > 1);
        }
    }
    assert!(repeated_seen > 10_000 && unknown_seen > 10_000, "{repeated_seen} repeat and {unknown_seen} are unknown");
    assert!(unique_seen > 10, "only {unique_seen} keys were unique");
}

type Split = (usize, usize);

/// `where`, as a function of a row.
type Keeps = fn(&[Option<String>]) -> bool;

async fn run(
    world: &World,
    compiled: &Compiled,
    encoding: Encoding,
    batch: usize,
) -> (Vec<CheckOutcome>, lockgate_types::Profile, Split) {
    let (session, report) = audited(world, compiled, encoding, batch, None).await;
    let asset: AssetName = "mart.t".parse().unwrap();
    let split = lockgate_checks::reject_split(&compiled.checks, &asset, &compiled.table.schema).unwrap();
    let count = |batches: Vec<arrow::array::RecordBatch>| batches.iter().map(|batch| batch.num_rows()).sum();
    let kept = count(session.collect(&split.kept_sql).await.unwrap());
    let rejected = count(session.collect(&split.rejected_sql).await.unwrap());
    (report.outcomes, report.profile, (kept, rejected))
}

/// With another table beside it, `raw.others`.
async fn audited(
    world: &World,
    compiled: &Compiled,
    encoding: Encoding,
    batch: usize,
    others: Option<&Table>,
) -> (Session, AuditReport) {
    let asset: AssetName = "mart.t".parse().unwrap();
    let now = Utc.with_ymd_and_hms(2014, 1, 1, 0, 0, 0).unwrap();
    let session = world.session(now);
    session.register_batches("mart", "t", compiled.table.batches(encoding, batch)).unwrap();
    if let Some(others) = others {
        session.register_batches("raw", "others", others.batches(encoding, batch)).unwrap();
    }
    let candidate = PinnedTable::empty(asset.clone(), compiled.table.schema.clone());
    let cx = AuditContext {
        session: &session,
        asset: &asset,
        candidate: &candidate,
        rejects: None,
        live: None,
        as_of: now,
        now,
        known: &[],
        suppressions: &[],
        gate: GateMode::Block,
        parts: None,
    };
    let report = lockgate_checks::audit(&compiled.checks, cx).await.unwrap();
    (session, report)
}

pub(crate) fn same_profile(found: &ColumnProfile, column: &str, cells: &[Option<&str>]) {
    let values: Vec<&str> = cells.iter().flatten().copied().collect();
    assert_eq!(found.nulls as usize, cells.len() - values.len(), "{column}");
    let distinct: BTreeSet<String> = values
        .iter()
        .map(|text| if *text == "-0.0" { "0".to_owned() } else { (*text).trim_end_matches(".0").to_owned() })
        .collect();
    let error = found.distinct.unwrap() as f64 - distinct.len() as f64;
    let allowed = if distinct.len() <= 512 { 0.0 } else { 0.065 * distinct.len() as f64 };
    assert!(error.abs() <= allowed, "{column}: {:?} distinct of {}", found.distinct, distinct.len());
    match column {
        "i" | "n" | "d" | "w" => {
            let sorted = sorted(values.iter().map(|text| thousandths(text)).collect());
            assert_eq!(found.min.as_deref().map(thousandths), sorted.first().copied(), "{column}");
            assert_eq!(found.max.as_deref().map(thousandths), sorted.last().copied(), "{column}");
            // Integers beyond 128 bits would be needed for `w`, so the naive mean is one of doubles.
            let numbers: Vec<f64> = values.iter().map(|text| text.parse().unwrap()).collect();
            same_mean(found, column, &numbers);
        }
        "x" => {
            let all: Vec<f64> = values.iter().map(|text| text.parse().unwrap()).collect();
            let finite: Vec<f64> = all.iter().copied().filter(|value| value.is_finite()).collect();
            let least = all.iter().copied().filter(|value| !value.is_nan()).min_by(f64::total_cmp);
            if let Some(least) = least {
                assert!(found.min.as_ref().unwrap().parse::<f64>().unwrap() == least, "{column}");
            }
            same_mean(found, column, &finite);
        }
        "b" | "t" | "s" => {
            let sorted = sorted(values.clone());
            assert_eq!(found.min.as_deref(), sorted.first().copied(), "{column}");
            assert_eq!(found.max.as_deref(), sorted.last().copied(), "{column}");
            assert_eq!((found.mean, found.quantiles), (None, None), "{column}");
        }
        _ => panic!("no such column: {column}"),
    }
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

fn same_mean(found: &ColumnProfile, column: &str, values: &[f64]) {
    if values.is_empty() {
        assert_eq!((found.mean, found.quantiles), (None, None), "{column}");
        return;
    }
    let mean = values.iter().map(|value| value / values.len() as f64).sum::<f64>();
    let size = values.iter().fold(0.0f64, |size, value| size.max(value.abs()));
    assert!((found.mean.unwrap() - mean).abs() <= 1e-9 * size, "{column}: {:?} and {mean}", found.mean);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    for (rank, value) in [0.05, 0.25, 0.5, 0.75, 0.95].iter().zip(found.quantiles.unwrap()) {
        // A decimal becomes a double on two ways that may differ in the last bit.
        let bit = value.abs() * 1e-15;
        let below = sorted.partition_point(|other| *other < value - bit) as f64 / sorted.len() as f64;
        let up_to = sorted.partition_point(|other| *other <= value + bit) as f64 / sorted.len() as f64;
        assert!(below - rank < 0.01 && rank - up_to < 0.01, "{column}: {value} at rank {rank}");
    }
}

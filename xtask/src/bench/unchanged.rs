//! A thousand transforms of which nothing changed: `plan` and `run`, warm, beside dbt, which compiles and builds them.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::report::{Line, Table};
use super::{Bench, folder_with, report};
use crate::measure::{Cost, measure, median};
use crate::tool::Lockgate;

const LAYERS: usize = 10;
const OF_A_LAYER: usize = 100;

pub(super) fn run(bench: &Bench<'_>, rounds: u32) -> Result<()> {
    let (binary, version) = bench.lockgate()?;
    let mut rows = String::from("id,amount\n");
    (0..100).try_for_each(|id| writeln!(rows, "{id},{}", id * 7 % 31))?;
    let mut files = vec![
        ("lockgate.yml".to_owned(), "name: thousand\nengine: { memory: 1GB, threads: 2 }\n".to_owned()),
        ("data/seed.csv".to_owned(), rows.clone()),
        (
            "assets/raw/seed.yml".to_owned(),
            "kind: source\nread: { path: data/seed.csv }\ncolumns: { id: bigint, amount: bigint }\n".to_owned(),
        ),
    ];
    let checks = "/*\nchecks:\n  - unique: id\n  - not_null: [id, amount]\n*/\n";
    for (layer, number, sql) in
        transforms(LAYERS, OF_A_LAYER, |layer, number| format!("layer{layer}.t{number:02}"), "raw.seed")
    {
        files.push((format!("assets/layer{layer}/t{number:02}.sql"), format!("{checks}{sql}")));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = folder_with(&bench.work.join("run-thousand"), &files)?;
    println!("building {} transforms once", LAYERS * OF_A_LAYER);
    Lockgate::new(binary, &folder).json(&["run", "--json"], &[0])?;
    let log = bench.work.join("thousand.log");
    let warm = |words: &[&str]| -> Result<Cost> {
        measure(binary, words, &folder, &log)?;
        let costs: Vec<Cost> = (0..rounds).map(|_| measure(binary, words, &folder, &log)).collect::<Result<_>>()?;
        median(&costs).context("no round")
    };
    let (plan, again) = (warm(&["plan"])?, warm(&["run"])?);

    let dbt = dbt(bench, &rows)?;
    let lines = vec![
        Line::new("lockgate plan", plan).reach("under 1 s, under 150 MB"),
        Line::new("lockgate run", again).reach("under 1 s, under 150 MB"),
        Line::new("dbt compile", dbt.0),
        Line::new("dbt run", dbt.1),
    ];
    Table {
        name: "unchanged",
        title: "1,000 transforms, nothing changed".to_owned(),
        about: "Ten layers of a hundred transforms, each with three checks, over a hundred rows; built once before. Warm: \
                the second time in a row. dbt knows no state by itself: `compile` renders every model, `run` builds every \
                table again, without tests, four threads."
            .to_owned(),
        version: format!("{version}; {}", bench.dbt_version()?),
        lines,
    }
    .save(bench.root)
    .and_then(|()| report::say("unchanged", bench.root))
}

/// Layer, number and SQL of every transform.
pub(super) fn transforms(
    layers: usize,
    of_a_layer: usize,
    name: impl Fn(usize, usize) -> String,
    seed: &str,
) -> Vec<(usize, usize, String)> {
    let mut all = Vec::new();
    for layer in 0..layers {
        for number in 0..of_a_layer {
            let (one, other) = match layer {
                0 => (seed.to_owned(), seed.to_owned()),
                _ => (name(layer - 1, number), name(layer - 1, (number * 7 + layer) % of_a_layer)),
            };
            let sql = format!(
                "select one.id, one.amount + coalesce(other.amount, 0) % {} as amount\nfrom {one} as one\nleft join {other} as \
                 other on other.id = one.id\n",
                number + 2
            );
            all.push((layer, number, sql));
        }
    }
    all
}

/// What compiling and what running the same models take.
fn dbt(bench: &Bench<'_>, rows: &str) -> Result<(Cost, Cost)> {
    let programs = bench.dbt()?;
    let mut files = vec![
        (
            "dbt_project.yml".to_owned(),
            "name: thousand\nversion: '1.0'\nprofile: thousand\nmodels: { +materialized: table }\n".to_owned(),
        ),
        (
            "profiles.yml".to_owned(),
            "thousand: { target: dev, outputs: { dev: { type: duckdb, path: dev.duckdb, threads: 4 } } }\n".to_owned(),
        ),
        ("seeds/seed.csv".to_owned(), rows.to_owned()),
    ];
    let reference = |layer: usize, number: usize| format!("{{{{ ref('layer{layer}_t{number:02}') }}}}");
    for (layer, number, sql) in transforms(LAYERS, OF_A_LAYER, reference, "{{ ref('seed') }}") {
        files.push((format!("models/layer{layer}_t{number:02}.sql"), sql));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = folder_with(&bench.work.join("run-thousand-dbt"), &files)?;
    let (program, log) = (programs.join("dbt"), bench.work.join("thousand-dbt.log"));
    let once = |words: &[&str]| measure(&program, &[words, &["--profiles-dir", "."]].concat(), &folder, &log);
    once(&["seed"])?;
    once(&["compile"])?;
    Ok((once(&["compile"])?, once(&["run"])?))
}

//! What checking costs: fifty row and column checks with the profile, against one scan of the same table; exact `unique` and
//! `references` against DuckDB over the same files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::report::{Line, Table};
use super::{Bench, folder_with, report};
use crate::measure::{Cost, measure, median};
use crate::tool::Lockgate;

/// Numbers are summed; of dates their days, of texts their bytes.
const SCAN: &str = "select count(*) as n, sum(l_orderkey) as c1, sum(l_partkey) as c2, sum(l_suppkey) as c3, \
    sum(l_linenumber) as c4, sum(l_quantity) as c5, sum(l_extendedprice) as c6, sum(l_discount) as c7, sum(l_tax) as c8, \
    sum(octet_length(l_returnflag)) as c9, sum(octet_length(l_linestatus)) as c10, \
    sum(arrow_cast(l_shipdate, 'Int32')) as c11, sum(arrow_cast(l_commitdate, 'Int32')) as c12, \
    sum(arrow_cast(l_receiptdate, 'Int32')) as c13, sum(octet_length(l_shipinstruct)) as c14, \
    sum(octet_length(l_shipmode)) as c15, sum(octet_length(l_comment)) as c16 from raw.lineitem";

const COLUMNS: &str = "[l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, \
                       l_returnflag, l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, \
                       l_comment]";

/// Fifty: sixteen `not_null`, nineteen ranges, four lists, five patterns, six expressions.
fn fifty_checks() -> String {
    let mut text = format!("checks:\n  - not_null: {COLUMNS}\n");
    let ranges: [(&str, &[&str]); 8] = [
        ("l_orderkey", &["min: 1", "max: 100000000"]),
        ("l_partkey", &["min: 1", "max: 100000000", "min: 1, max: 90000000"]),
        ("l_suppkey", &["min: 1", "max: 100000000", "min: 1, max: 90000000"]),
        ("l_linenumber", &["min: 1, max: 7", "max: 8"]),
        ("l_quantity", &["min: 1, max: 50", "max: 51"]),
        ("l_extendedprice", &["min: 0", "max: 1000000"]),
        ("l_discount", &["min: 0, max: 0.1", "max: 0.2", "min: 0"]),
        ("l_tax", &["min: 0, max: 0.08", "max: 0.1"]),
    ];
    let mut number = 0;
    let mut add = |body: String| {
        number += 1;
        text.push_str(&format!("  - {{ name: c{number}, {body} }}\n"));
    };
    for (column, bounds) in ranges {
        bounds.iter().for_each(|bounds| add(format!("range: {{ {column}: {{ {bounds} }} }}")));
    }
    add("accepted: { l_returnflag: [A, N, R] }".to_owned());
    add("accepted: { l_linestatus: [F, O] }".to_owned());
    add("accepted: { l_shipmode: [AIR, FOB, MAIL, RAIL, REG AIR, SHIP, TRUCK] }".to_owned());
    add("accepted: { l_shipinstruct: [COLLECT COD, DELIVER IN PERSON, NONE, TAKE BACK RETURN] }".to_owned());
    for (column, pattern) in [
        ("l_returnflag", "^[A-Z]$"),
        ("l_linestatus", "^[A-Z]$"),
        ("l_shipmode", "^[A-Z ]+$"),
        ("l_shipinstruct", "^[A-Z ]+$"),
        ("l_shipmode", "[A-Z]"),
    ] {
        add(format!("matches: {{ {column}: \"{pattern}\" }}"));
    }
    for expression in [
        "l_receiptdate > l_shipdate",
        "l_extendedprice >= l_quantity",
        "l_discount < 0.5",
        "l_tax + l_discount < 1",
        "l_shipdate >= date '1992-01-01'",
        "l_commitdate < date '1999-01-01'",
    ] {
        add(format!("expect: \"{expression}\""));
    }
    text
}

const UNIQUE: &str =
    "/*\nchecks:\n  - unique: [l_orderkey, l_linenumber]\n*/\nselect l_orderkey, l_linenumber from raw.lineitem\n";
const REFERENCES: &str = "/*\nchecks:\n  - references: { l_orderkey: raw.orders.o_orderkey }\n*/\n\
                          select l_orderkey, l_linenumber from raw.lineitem\n";

pub(super) fn run(bench: &Bench<'_>, rounds: u32) -> Result<()> {
    let (binary, version) = bench.lockgate()?;
    let data = bench.generate(bench.scale)?;
    let raw = bench.root.join("benches/tpch/lockgate/assets/raw");
    let lineitem = std::fs::read_to_string(raw.join("lineitem.yml"))? + &fifty_checks();
    let orders = std::fs::read_to_string(raw.join("orders.yml"))?;
    let folder = folder_with(
        &bench.work.join("run-checks"),
        &[
            ("lockgate.yml", "name: checks\nengine: { memory: 4GB, threads: 2 }\n"),
            ("assets/raw/lineitem.yml", &lineitem),
            ("assets/raw/orders.yml", &orders),
            ("assets/keys/once.sql", UNIQUE),
            ("assets/keys/known.sql", REFERENCES),
        ],
    )?;
    std::fs::create_dir_all(folder.join("data"))?;
    for file in ["lineitem.csv", "orders.csv"] {
        std::fs::hard_link(data.join(file), folder.join("data").join(file))?;
    }
    Lockgate::new(binary, &folder).json(&["run", "--json"], &[0])?;
    let log = bench.work.join("checks.log");
    let lockgate = |words: &[&str]| measured(rounds, || measure(binary, words, &folder, &log));
    let scan = lockgate(&["query", SCAN])?;
    let fifty = lockgate(&["check", "raw.lineitem"])?;
    let unique = lockgate(&["check", "keys.once"])?;
    let references = lockgate(&["check", "keys.known"])?;

    let python = bench.dbt()?.join("python");
    let duckdb = |sql: &str| {
        let script = format!("import duckdb; duckdb.sql('set threads = 2'); print(duckdb.sql(\"{sql}\").fetchall())");
        measured(rounds, || measure(&python, &["-c", &script], &folder, &log))
    };
    let lines = files(&folder.join("store/tables/keys/once"))?;
    let known = files(&folder.join("store/tables/raw/orders"))?;
    let distinct =
        duckdb(&format!("select count(*), count(distinct (l_orderkey, l_linenumber)) from read_parquet({lines})"))?;
    let anti = duckdb(&format!(
        "select count(*) from read_parquet({lines}) as a anti join read_parquet({known}) as b on a.l_orderkey = b.o_orderkey"
    ))?;
    Table {
        name: "checks",
        title: "Checks on lineitem (6 M rows, 16 columns)".to_owned(),
        about: "`lockgate check` reads a published table, runs its checks and gathers its profile; each line is the whole \
                command. The scan computes `count(*)` and one sum per column (of dates their days, of texts their bytes). \
                `unique` and `references` stand on tables of two columns of their own; DuckDB reads the same Parquet files, \
                two threads."
            .to_owned(),
        version: format!("{version}; {}", bench.dbt_version()?),
        lines: vec![
            Line::new("one scan", scan),
            Line::new("50 checks and the profile", fifty).against(&scan, 2.0),
            Line::new("DuckDB count(distinct …)", distinct),
            Line::new("unique, exact", unique).against(&distinct, 1.0),
            Line::new("DuckDB anti-join", anti),
            Line::new("references, exact", references).against(&anti, 1.0),
        ],
    }
    .save(bench.root)
    .and_then(|()| report::say("checks", bench.root))
}

fn measured(rounds: u32, once: impl Fn() -> Result<Cost>) -> Result<Cost> {
    once()?;
    let costs: Vec<Cost> = (0..rounds).map(|_| once()).collect::<Result<_>>()?;
    median(&costs).context("no round")
}

/// A table's Parquet files as a list in SQL; it has one version.
fn files(table: &Path) -> Result<String> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                below(&path, found)?;
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                found.push(path);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    below(table, &mut found)?;
    let list: Vec<String> = found.iter().map(|path| format!("'{}'", path.display())).collect();
    Ok(format!("[{}]", list.join(", ")))
}

//! A merge of one per cent of `lineitem`'s keys, all of one month, into a table that is clustered by date, against
//! building that table anew.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::report::{Line, Table};
use super::{Bench, folder_with, report};
use crate::measure::{Cost, measure, median};
use crate::tool::Lockgate;

const MONTH: &str = "1995-03";
const REACH: f64 = 0.15;

const ASSET: &str = "/*
load: { merge: { key: [l_orderkey, l_linenumber] } }
cluster_by: [l_shipdate]
checks:
  - unique: [l_orderkey, l_linenumber]
  - not_null: [l_partkey, l_suppkey]
  - accepted: { l_returnflag: [A, N, R] }
  - range: { l_discount: { min: 0, max: 0.1 } }
*/
select
  l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag,
  l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, l_comment
from raw.changes
";

pub(super) fn run(bench: &Bench<'_>, rounds: u32) -> Result<()> {
    let (binary, version) = bench.lockgate()?;
    let source = bench.generate(bench.scale)?.join("lineitem.csv");
    let settings = std::fs::read_to_string(bench.root.join("benches/tpch/lockgate/assets/raw/lineitem.yml"))?
        .replace("data/lineitem.csv", "data/changes.csv");
    let folder = folder_with(
        &bench.work.join("run-merge"),
        &[
            ("lockgate.yml", "name: merge\nengine: { memory: 4GB, threads: 2 }\n"),
            ("assets/raw/changes.yml", &settings),
            ("assets/core/lines.sql", ASSET),
        ],
    )?;
    let lockgate = Lockgate::new(binary, &folder);
    let log = bench.work.join("merge.log");
    let changes = folder.join("data/changes.csv");
    std::fs::create_dir_all(folder.join("data"))?;
    std::fs::hard_link(&source, &changes).context("cannot link lineitem.csv")?;
    lockgate.json(&["run", "raw.changes", "--json"], &[0])?;
    let anew: Vec<Cost> = (0..rounds)
        .map(|round| {
            let again = ["run", "core.lines", "--full-refresh", "--confirm"];
            measure(binary, if round == 0 { &again[..2] } else { &again }, &folder, &log)
        })
        .collect::<Result<_>>()?;
    let rows = count(&lockgate)?;

    let mut merged = Vec::new();
    for round in 1..=rounds {
        std::fs::remove_file(&changes)?;
        let changed = write_changes(&source, &changes, rows / 100, round)?;
        ensure!(changed == rows / 100, "{MONTH} has only {changed} rows");
        lockgate.json(&["run", "raw.changes", "--json"], &[0])?;
        merged.push(measure(binary, &["run", "core.lines"], &folder, &log)?);
        ensure!(count(&lockgate)? == rows, "the merge changed how many rows there are");
        let took =
            lockgate.row(&format!("select count(*) as n from core.lines where l_quantity = {}", 1000 + round))?;
        ensure!(crate::tool::whole(&took, "n")? == changed, "the merge did not take every change");
    }
    let (anew, merged) = (median(&anew).context("no round")?, median(&merged).context("no round")?);
    let about = format!(
        "`core.lines` holds the {rows} rows of `lineitem` (scale {}), clustered by `l_shipdate`, with four checks; {} rows of \
         {MONTH} come again with another quantity. Each is a whole `lockgate run core.lines`: stage, audit, publish.",
        bench.scale,
        rows / 100
    );
    Table {
        name: "merge",
        title: "Merge of 1 % of the keys, of one month".to_owned(),
        about,
        version: version.to_owned(),
        lines: vec![Line::new("building it anew", anew), Line::new("the merge", merged).against(&anew, REACH)],
    }
    .save(bench.root)
    .and_then(|()| report::say("merge", bench.root))
}

fn count(lockgate: &Lockgate) -> Result<u64> {
    crate::tool::whole(&lockgate.row("select count(*) as n from core.lines")?, "n")
}

/// The first `count` rows of the month, each with another quantity; how many there were.
fn write_changes(from: &Path, to: &Path, count: u64, round: u32) -> Result<u64> {
    let mut lines = BufReader::new(File::open(from)?).lines();
    let mut out = BufWriter::new(File::create(to)?);
    writeln!(out, "{}", lines.next().context("lineitem.csv is empty")??)?;
    let mut written = 0;
    for line in lines {
        let line = line?;
        // Nothing before the dates is quoted.
        let mut fields: Vec<&str> = line.splitn(12, ',').collect();
        let quantity = (1000 + round).to_string();
        if written < count && fields.get(10).is_some_and(|day| day.starts_with(MONTH)) {
            fields[4] = &quantity;
            writeln!(out, "{}", fields.join(","))?;
            written += 1;
        }
    }
    out.flush()?;
    Ok(written)
}

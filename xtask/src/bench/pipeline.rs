//! The same pipeline in Lockgate and in dbt-duckdb, in turn: eight CSV sources, twenty tables and fifty checks over TPC-H;
//! two threads each; each round starts from nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Bench, report, warm};
use crate::folder;
use crate::measure::{Cost, measure};
use crate::terminal::{seconds, thousands};
use crate::tool::Lockgate;

/// One side of the comparison, and what it was measured to take.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) name: &'static str,
    /// As a person would type it in the project's folder.
    pub(super) command: &'static str,
    pub(super) version: String,
    pub(super) rounds: Vec<Cost>,
    /// The last lines it printed in the last round.
    pub(super) output: String,
    /// Rows of every table it made, by `schema.table`.
    pub(super) rows: BTreeMap<String, u64>,
}

/// How a side is run from nothing, and how its tables are counted.
enum Runner {
    Dbt { programs: PathBuf },
    Lockgate { binary: PathBuf },
}

/// Both sides, or the one that is asked for.
pub(super) fn run(bench: &Bench<'_>, only: Option<&str>, rounds: u32) -> Result<()> {
    let mut sides = Vec::new();
    if only != Some("lockgate") {
        sides.push(prepare_dbt(bench)?);
    }
    if only != Some("dbt") {
        sides.push(prepare_lockgate(bench)?);
    }
    let data = bench.generate(bench.scale)?;
    warm(&data)?;
    for round in 1..=rounds {
        for (runner, side) in &mut sides {
            let cost = runner.round(bench, side, &data)?;
            println!(
                "round {round}   {:9} {:>8} wall   {:>8} CPU   {:>6} MiB peak",
                side.name,
                seconds(cost.wall_s),
                seconds(cost.cpu_s),
                thousands(cost.peak_bytes >> 20)
            );
            side.rounds.push(cost);
        }
    }
    for (runner, side) in &mut sides {
        side.rows = runner.count(bench, side)?;
    }
    let sides: Vec<Side> = sides.into_iter().map(|(_, side)| side).collect();
    if let [one, other] = sides.as_slice() {
        ensure!(one.rows == other.rows, "the tables differ: {:?} and {:?}", one.rows, other.rows);
        println!("both sides made the same {} tables, row for row count", one.rows.len());
    }
    report::save_pipeline(bench.root, bench.scale, &sides)
}

fn prepare_dbt(bench: &Bench<'_>) -> Result<(Runner, Side)> {
    let programs = bench.dbt()?;
    let version = bench.dbt_version()?;
    Ok((Runner::Dbt { programs }, Side::new("dbt", "dbt build --profiles-dir .", version)))
}

fn prepare_lockgate(bench: &Bench<'_>) -> Result<(Runner, Side)> {
    let (binary, version) = bench.lockgate()?;
    Ok((Runner::Lockgate { binary: binary.to_owned() }, Side::new("lockgate", "lockgate run", version.to_owned())))
}

impl Runner {
    /// Runs a side from nothing: a fresh copy of its project, the same CSV files.
    fn round(&self, bench: &Bench<'_>, side: &mut Side, data: &Path) -> Result<Cost> {
        let copy = bench.work.join(format!("run-{}", side.name));
        folder::copy(&bench.root.join("benches/tpch").join(side.name), &copy, &["data", "store", ".lockgate"])?;
        fs::create_dir_all(copy.join("data"))?;
        for entry in fs::read_dir(data)? {
            let entry = entry?;
            // The same bytes under another name: nothing is copied, and both sides read from a warm cache.
            fs::hard_link(entry.path(), copy.join("data").join(entry.file_name()))?;
        }
        let log = bench.work.join(format!("{}.log", side.name));
        let cost = match self {
            Runner::Dbt { programs } => measure(&programs.join("dbt"), &["build", "--profiles-dir", "."], &copy, &log)?,
            Runner::Lockgate { binary } => measure(binary, &["run"], &copy, &log)?,
        };
        side.output = last_lines(&fs::read_to_string(&log)?, 12);
        Ok(cost)
    }

    /// Rows of every table of the last round.
    fn count(&self, bench: &Bench<'_>, side: &Side) -> Result<BTreeMap<String, u64>> {
        let folder = bench.work.join(format!("run-{}", side.name));
        let tables = tables(&bench.root.join("benches/tpch/lockgate/assets"))?;
        let count = |table: &str, relation: &str| format!("select '{table}' as name, count(*) as n from {relation}");
        match self {
            Runner::Lockgate { binary } => {
                let union: Vec<String> = tables.iter().map(|table| count(table, table)).collect();
                let rows = Lockgate::new(binary, &folder).query(&union.join(" union all "))?;
                rows.iter().map(|row| Ok((crate::tool::text(row, "name")?, crate::tool::whole(row, "n")?))).collect()
            }
            Runner::Dbt { programs } => {
                let union: Vec<String> = tables.iter().map(|table| count(table, &table.replace('.', "_"))).collect();
                let script = "import duckdb, json, sys; \
                              print(json.dumps(dict(duckdb.connect('prod.duckdb').sql(sys.argv[1]).fetchall())))";
                let output = Command::new(programs.join("python"))
                    .args(["-c", script, &union.join(" union all ")])
                    .current_dir(&folder)
                    .output()?;
                if !output.status.success() {
                    bail!("dbt's tables cannot be counted: {}", String::from_utf8_lossy(&output.stderr));
                }
                Ok(serde_json::from_slice(&output.stdout)?)
            }
        }
    }
}

impl Side {
    fn new(name: &'static str, command: &'static str, version: String) -> Self {
        Side { name, command, version, rounds: Vec::new(), output: String::new(), rows: BTreeMap::new() }
    }
}

/// `schema.table` of every transform.
fn tables(assets: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for schema in fs::read_dir(assets).with_context(|| format!("cannot read {}", assets.display()))? {
        let schema = schema?.path();
        for file in fs::read_dir(&schema)? {
            let file = file?.path();
            let (Some(schema), Some(table)) = (schema.file_name(), file.file_stem()) else { continue };
            if file.extension().is_some_and(|extension| extension == "sql") {
                found.push(format!("{}.{}", schema.to_string_lossy(), table.to_string_lossy()));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

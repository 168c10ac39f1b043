//! `cargo xtask bench`: the same pipeline in Lockgate and in its peer, in turn, on this machine.
//!
//! Eight CSV sources, twenty tables and fifty checks over TPC-H at scale 1; two threads each; each round starts from
//! nothing. It writes `benches/RESULTS.md`, with the commands, versions and outputs that the numbers come from.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::measure::{Cost, measure};
use crate::terminal::{seconds, thousands};
use crate::tool::Lockgate;
use crate::words::Words;
use crate::{build, cargo, folder};

mod report;

const USAGE: &str = "cargo xtask bench [lockgate|dbt|build] [--rounds N] [--scale N] [--profile NAME] [--binary FILE]";
const DBT: [&str; 2] = ["dbt-core==1.10.*", "dbt-duckdb==1.9.*"];
const TPCHGEN: [&str; 1] = ["tpchgen-cli==4.*"];

/// One side of the comparison, and what it was measured to take.
#[derive(Debug)]
struct Side {
    name: &'static str,
    /// As a person would type it in the project's folder.
    command: &'static str,
    version: String,
    rounds: Vec<Cost>,
    /// The last lines it printed in the last round.
    output: String,
    /// Rows of every table it made, by `schema.table`.
    rows: BTreeMap<String, u64>,
}

pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    let mut words = Words::new(words);
    let only = words.one_of(&["lockgate", "dbt", "build"]);
    let rounds = words.number("--rounds", 3)?.max(1);
    let scale = words.number("--scale", 1)?.max(1);
    let profile = words.option("--profile")?.unwrap_or_else(|| "demo".to_owned());
    let binary = words.option("--binary")?.map(PathBuf::from);
    words.finish(USAGE)?;
    let bench = Bench { root, work: root.join("benches/.work"), scale };
    fs::create_dir_all(&bench.work).with_context(|| format!("cannot make {}", bench.work.display()))?;
    if only == Some("build") {
        return bench.first_build(&profile);
    }

    let mut sides = Vec::new();
    if only != Some("lockgate") {
        sides.push(bench.prepare_dbt()?);
    }
    if only != Some("dbt") {
        let binary = match binary {
            Some(binary) => binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?,
            None => build::lockgate(root, &profile, None)?,
        };
        sides.push(bench.prepare_lockgate(&binary, &profile)?);
    }
    let data = bench.generate()?;
    warm(&data)?;
    for round in 1..=rounds {
        for (runner, side) in &mut sides {
            let cost = runner.round(&bench, side, &data)?;
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
        side.rows = runner.count(&bench, side)?;
    }
    let sides: Vec<Side> = sides.into_iter().map(|(_, side)| side).collect();
    if let [one, other] = sides.as_slice() {
        ensure!(one.rows == other.rows, "the tables differ: {:?} and {:?}", one.rows, other.rows);
        println!("both sides made the same {} tables, row for row count", one.rows.len());
    }
    report::save_pipeline(root, scale, &sides)?;
    report::write(root)?;
    Ok(ExitCode::SUCCESS)
}

/// Where and how a benchmark runs.
struct Bench<'a> {
    root: &'a Path,
    work: PathBuf,
    scale: u32,
}

/// How a side is run from nothing, and how its tables are counted.
enum Runner {
    Dbt { programs: PathBuf },
    Lockgate { binary: PathBuf },
}

impl Bench<'_> {
    /// A virtual environment with these packages, wheels only; answers the folder of its programs.
    fn environment(&self, name: &str, packages: &[&str]) -> Result<PathBuf> {
        let home = self.work.join(name);
        let stamp = home.join("complete");
        let programs = home.join("bin");
        if !stamp.exists() {
            println!("installing {} into {}", packages.join(" "), home.display());
            must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
            let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
            must(Command::new(programs.join("python")).args(quiet).args(packages))?;
            fs::write(&stamp, packages.join("\n"))?;
        }
        Ok(programs)
    }

    /// The eight CSV files, made once.
    fn generate(&self) -> Result<PathBuf> {
        let folder = self.work.join(format!("tpch-{}", self.scale));
        let stamp = folder.join("complete");
        if !stamp.exists() {
            let programs = self.environment("tpchgen", &TPCHGEN)?;
            println!("generating TPC-H at scale {} into {}", self.scale, folder.display());
            let mut generate = Command::new(programs.join("tpchgen-cli"));
            generate.args(["csv", "--quiet", "--overwrite", "--scale-factor", &self.scale.to_string(), "--output-dir"]);
            must(generate.arg(&folder))?;
            fs::write(&stamp, "")?;
        }
        Ok(folder)
    }

    fn prepare_dbt(&self) -> Result<(Runner, Side)> {
        let programs = self.environment("dbt", &DBT)?;
        let list = Command::new(programs.join("python")).args(["-m", "pip", "list", "--format", "freeze"]).output()?;
        let version: Vec<String> = String::from_utf8_lossy(&list.stdout)
            .lines()
            .filter(|line| ["dbt-core==", "dbt-duckdb==", "duckdb=="].iter().any(|name| line.starts_with(name)))
            .map(|line| line.replace("==", " "))
            .collect();
        Ok((Runner::Dbt { programs }, Side::new("dbt", "dbt build --profiles-dir .", version.join(", "))))
    }

    fn prepare_lockgate(&self, binary: &Path, profile: &str) -> Result<(Runner, Side)> {
        let answer = Command::new(binary).arg("--version").output().context("lockgate does not start")?;
        let version = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        let side = Side::new("lockgate", "lockgate run", format!("{version}, profile `{profile}`"));
        Ok((Runner::Lockgate { binary: binary.to_owned() }, side))
    }

    /// How long the first build takes: everything is compiled, into a folder of its own.
    fn first_build(&self, profile: &str) -> Result<ExitCode> {
        let target = self.work.join("first-build");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let log = self.work.join("first-build.log");
        let folder = target.display().to_string();
        let words =
            ["build", "--workspace", "--bin", "lockgate", "--profile", profile, "--target-dir", folder.as_str()];
        println!("building from nothing into {folder}; this takes minutes");
        let cost = measure(&cargo::program(), &words, self.root, &log)?;
        let crates =
            fs::read_to_string(&log)?.lines().filter(|line| line.trim_start().starts_with("Compiling")).count();
        println!("{} wall, {} CPU, {crates} crates", seconds(cost.wall_s), seconds(cost.cpu_s));
        report::save_build(self.root, profile, crates, cost)?;
        report::write(self.root)?;
        println!("the binary is kept: {folder}/{profile}/lockgate");
        Ok(ExitCode::SUCCESS)
    }
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

/// Reads every file once, so that the first round does not pay for the disk.
fn warm(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        io::copy(&mut fs::File::open(entry?.path())?, &mut io::sink())?;
    }
    Ok(())
}

fn must(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} does not start", command.get_program().display()))?;
    if !status.success() {
        bail!("{command:?} failed");
    }
    Ok(())
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

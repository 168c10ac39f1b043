//! `cargo xtask bench`: Lockgate beside its peers, in turn, on this machine.
//!
//! Each benchmark is a module; each writes what it measured under `benches/results/`, from which `benches/RESULTS.md` is
//! rendered, with the commands, versions and outputs that the numbers come from.

use std::cell::OnceCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::measure::measure;
use crate::terminal::seconds;
use crate::words::Words;
use crate::{build, cargo};

mod checks;
mod forecast;
mod large;
mod merge;
mod pipeline;
mod report;
mod server;
mod unchanged;

const USAGE: &str =
    "cargo xtask bench [pipeline|merge|unchanged|checks|large|server|forecast|build] [--only lockgate|dbt] [--rounds N] \
                     [--scale N] [--profile NAME] [--binary FILE]
without a name: pipeline, merge, unchanged, checks";
const DBT: [&str; 2] = ["dbt-core==1.10.*", "dbt-duckdb==1.9.*"];
const TPCHGEN: [&str; 1] = ["tpchgen-cli==4.*"];

pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    let mut words = Words::new(words);
    let name = words.one_of(&["pipeline", "merge", "unchanged", "checks", "large", "server", "forecast", "build"]);
    let only = words.option("--only")?;
    let rounds = words.number("--rounds", 3)?.max(1);
    let scale = words.number("--scale", 1)?.max(1);
    // What a newcomer waits for is the demo; what is measured against peers is what is shipped.
    let usual = if name == Some("build") { "demo" } else { "release" };
    let profile = words.option("--profile")?.unwrap_or_else(|| usual.to_owned());
    let binary = words.option("--binary")?.map(PathBuf::from);
    words.finish(USAGE)?;
    let bench =
        Bench { root, work: root.join("benches/.work"), scale, profile, given: binary, lockgate: OnceCell::new() };
    fs::create_dir_all(&bench.work).with_context(|| format!("cannot make {}", bench.work.display()))?;
    let wanted = |this: &str| {
        name == Some(this) || (name.is_none() && !matches!(this, "large" | "server" | "forecast" | "build"))
    };
    if wanted("build") {
        bench.first_build()?;
    }
    if wanted("pipeline") {
        pipeline::run(&bench, only.as_deref(), rounds)?;
    }
    if wanted("merge") {
        merge::run(&bench, rounds)?;
    }
    if wanted("unchanged") {
        unchanged::run(&bench, rounds)?;
    }
    if wanted("checks") {
        checks::run(&bench, rounds)?;
    }
    if wanted("large") {
        large::run(&bench)?;
    }
    if wanted("server") {
        server::run(&bench)?;
    }
    if wanted("forecast") {
        forecast::run(&bench)?;
    }
    report::write(root)?;
    Ok(ExitCode::SUCCESS)
}

/// Where and how a benchmark runs.
struct Bench<'a> {
    root: &'a Path,
    work: PathBuf,
    scale: u32,
    profile: String,
    /// A binary that is there already.
    given: Option<PathBuf>,
    /// The binary, and what it says of itself.
    lockgate: OnceCell<(PathBuf, String)>,
}

impl Bench<'_> {
    /// The binary under test, built when it has to be, and its version.
    fn lockgate(&self) -> Result<(&Path, &str)> {
        if self.lockgate.get().is_none() {
            let binary = match &self.given {
                Some(given) => given.canonicalize().with_context(|| format!("there is no {}", given.display()))?,
                None => build::lockgate(self.root, &self.profile, None)?,
            };
            let answer = Command::new(&binary).arg("--version").output().context("lockgate does not start")?;
            let version = format!("{}, profile `{}`", String::from_utf8_lossy(&answer.stdout).trim(), self.profile);
            let _ = self.lockgate.set((binary, version));
        }
        self.lockgate.get().map(|(binary, version)| (binary.as_path(), version.as_str())).context("there is no binary")
    }

    /// The folder of dbt's programs, Python and DuckDB among them.
    fn dbt(&self) -> Result<PathBuf> {
        self.environment("dbt", &DBT)
    }

    fn dbt_version(&self) -> Result<String> {
        let python = self.dbt()?.join("python");
        let list = Command::new(python).args(["-m", "pip", "list", "--format", "freeze"]).output()?;
        let version: Vec<String> = String::from_utf8_lossy(&list.stdout)
            .lines()
            .filter(|line| ["dbt-core==", "dbt-duckdb==", "duckdb=="].iter().any(|name| line.starts_with(name)))
            .map(|line| line.replace("==", " "))
            .collect();
        Ok(version.join(", "))
    }

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
    fn generate(&self, scale: u32) -> Result<PathBuf> {
        let folder = self.work.join(format!("tpch-{scale}"));
        let stamp = folder.join("complete");
        if !stamp.exists() {
            let programs = self.environment("tpchgen", &TPCHGEN)?;
            println!("generating TPC-H at scale {scale} into {}", folder.display());
            let mut generate = Command::new(programs.join("tpchgen-cli"));
            generate.args(["csv", "--quiet", "--overwrite", "--scale-factor", &scale.to_string(), "--output-dir"]);
            must(generate.arg(&folder))?;
            fs::write(&stamp, "")?;
        }
        Ok(folder)
    }

    /// How long the first build takes: everything is compiled, into a folder of its own.
    fn first_build(&self) -> Result<()> {
        let target = self.work.join("first-build");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let log = self.work.join("first-build.log");
        let folder = target.display().to_string();
        let words =
            ["build", "--workspace", "--bin", "lockgate", "--profile", &self.profile, "--target-dir", folder.as_str()];
        println!("building from nothing into {folder}; this takes minutes");
        let cost = measure(&cargo::program(), &words, self.root, &log)?;
        let crates =
            fs::read_to_string(&log)?.lines().filter(|line| line.trim_start().starts_with("Compiling")).count();
        println!("{} wall, {} CPU, {crates} crates", seconds(cost.wall_s), seconds(cost.cpu_s));
        report::save_build(self.root, &self.profile, crates, cost)?;
        println!("the binary is kept: {folder}/{}/lockgate", self.profile);
        Ok(())
    }
}

/// A folder of its own with these files; what stood there is removed.
fn folder_with(folder: &Path, files: &[(&str, &str)]) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder.to_owned())
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

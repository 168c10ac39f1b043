//! `benches/RESULTS.md`, rendered from what each benchmark saved under `benches/results/`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::pipeline::Side;
use crate::measure::{Cost, median};
use crate::terminal::{seconds, thousands};

/// Keeps the pipeline's numbers; a side that did not run this time keeps the ones it had.
pub(super) fn save_pipeline(root: &Path, scale: u32, sides: &[Side]) -> Result<()> {
    let mut saved = read(root, "tpch")?.unwrap_or_else(|| json!({ "sides": {} }));
    saved["scale"] = json!(scale);
    for side in sides {
        let median = median(&side.rounds).context("no round was run")?;
        saved["sides"][side.name] = json!({
            "command": side.command,
            "version": side.version,
            "machine": machine()?,
            "median": cost(median),
            "rounds": side.rounds.iter().copied().map(cost).collect::<Vec<_>>(),
            "tables": side.rows.len(),
            "rows": side.rows.values().sum::<u64>(),
            "output": side.output,
        });
    }
    save(root, "tpch", &saved)
}

/// A benchmark whose lines are commands.
pub(super) struct Table {
    /// Of the file that keeps it.
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) version: String,
    pub(super) lines: Vec<Line>,
}

/// One command, and what it is measured against.
pub(super) struct Line {
    what: String,
    cost: Cost,
    /// Of the wall times.
    ratio: Option<f64>,
    reach: Option<String>,
}

impl Line {
    pub(super) fn new(what: &str, cost: Cost) -> Line {
        Line { what: what.to_owned(), cost, ratio: None, reach: None }
    }

    /// Its wall time as a share of another's, and the most that it should be.
    pub(super) fn against(self, other: &Cost, most: f64) -> Line {
        Line { ratio: Some(self.cost.wall_s / other.wall_s), reach: Some(format!("at most {most}")), ..self }
    }

    pub(super) fn reach(self, reach: &str) -> Line {
        Line { reach: Some(reach.to_owned()), ..self }
    }
}

impl Table {
    pub(super) fn save(&self, root: &Path) -> Result<()> {
        let line = |line: &Line| json!({ "what": line.what, "cost": cost(line.cost), "ratio": line.ratio.map(rounded), "reach": line.reach });
        let value = json!({
            "title": self.title,
            "about": self.about,
            "version": self.version,
            "machine": machine()?,
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
        });
        save(root, self.name, &value)
    }
}

/// A benchmark whose lines are facts in their own units.
pub(super) struct Facts {
    /// Of the file that keeps it.
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) version: String,
    pub(super) facts: Vec<Fact>,
}

/// What was measured, with its unit.
pub(super) struct Fact {
    pub(super) what: String,
    pub(super) measured: String,
    pub(super) reach: String,
}

impl Facts {
    pub(super) fn save(&self, root: &Path) -> Result<()> {
        let fact = |fact: &Fact| json!({ "what": fact.what, "measured": fact.measured, "reach": fact.reach });
        let value = json!({
            "title": self.title,
            "about": self.about,
            "version": self.version,
            "machine": machine()?,
            "facts": self.facts.iter().map(fact).collect::<Vec<_>>(),
        });
        save(root, self.name, &value)
    }
}

/// Prints what was saved of a benchmark.
pub(super) fn say(name: &str, root: &Path) -> Result<()> {
    if let Some(saved) = read(root, name)? {
        println!("{}", table(&saved));
    }
    Ok(())
}

fn facts(saved: &Value, facts: &[Value]) -> String {
    let mut text = format!(
        "\n## {}\n\n{}\n\n| what | measured | to reach |\n| --- | ---: | --- |\n",
        plain(&saved["title"]),
        plain(&saved["about"])
    );
    for fact in facts {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            plain(&fact["what"]),
            plain(&fact["measured"]),
            plain(&fact["reach"])
        ));
    }
    text.push_str(&format!("\n{}. Machine: {}.\n", plain(&saved["version"]), plain(&saved["machine"])));
    text
}

fn table(saved: &Value) -> String {
    if let Some(lines) = saved["facts"].as_array() {
        return facts(saved, lines);
    }
    let mut text = format!(
        "\n## {}\n\n{}\n\n| what | wall | CPU | peak memory | ratio | to reach |\n| --- | ---: | ---: | ---: | ---: | --- |\n",
        plain(&saved["title"]),
        plain(&saved["about"])
    );
    for line in saved["lines"].as_array().into_iter().flatten() {
        text.push_str(&format!(
            "| {} | {} | {} | {} MiB | {} | {} |\n",
            plain(&line["what"]),
            time(&line["cost"]["wall_s"]),
            time(&line["cost"]["cpu_s"]),
            thousands(line["cost"]["peak_bytes"].as_u64().unwrap_or(0) >> 20),
            line["ratio"].as_f64().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            plain(&line["reach"]),
        ));
    }
    text.push_str(&format!("\n{}. Machine: {}.\n", plain(&saved["version"]), plain(&saved["machine"])));
    text
}

/// Keeps how long the first build took.
pub(super) fn save_build(root: &Path, profile: &str, crates: usize, taken: Cost) -> Result<()> {
    let value = json!({ "profile": profile, "crates": crates, "cost": cost(taken), "machine": machine()? });
    save(root, "build", &value)
}

/// Renders everything that was saved.
pub(super) fn write(root: &Path) -> Result<()> {
    let mut text = String::from(
        "# Results\n\nWritten by `cargo xtask bench`; numbers are medians of the rounds. Peak memory is the resident \
         memory of the\nlargest process, as the kernel accounts for it.\n",
    );
    if let Some(tpch) = read(root, "tpch")? {
        text.push_str(&pipeline(&tpch));
    }
    for name in ["merge", "unchanged", "checks", "large", "server", "forecast"] {
        if let Some(saved) = read(root, name)? {
            text.push_str(&table(&saved));
        }
    }
    if let Some(build) = read(root, "build")? {
        let (profile, crates) = (plain(&build["profile"]), &build["crates"]);
        text.push_str(&format!(
            "\n## First build\n\n`cargo build --workspace --bin lockgate --profile {profile}` into an empty target folder, \
             {crates} crates, on {}:\n{} wall, {} CPU.\n",
            plain(&build["machine"]),
            time(&build["cost"]["wall_s"]),
            time(&build["cost"]["cpu_s"])
        ));
    }
    let path = root.join("benches/RESULTS.md");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn pipeline(tpch: &Value) -> String {
    let mut text = format!(
        "\n## Pipeline: 8 CSV sources, 20 tables, 50 checks, TPC-H scale {}\n\n\
         The projects are in `tpch/`. Both sides run the same SQL and checks, two threads each, in turn, every round \
         from\nnothing over the same files in a warm cache. Lockgate also stores the eight sources as tables, keeps a \
         profile of every\nversion, and publishes only what passed.\n\n\
         | side | wall | CPU | peak memory | rounds (wall) | tables | rows |\n\
         | --- | ---: | ---: | ---: | --- | ---: | ---: |\n",
        tpch["scale"]
    );
    let sides: Vec<(&String, &Value)> = tpch["sides"].as_object().into_iter().flatten().collect();
    for (name, side) in &sides {
        let rounds = side["rounds"].as_array().into_iter().flatten();
        let median = &side["median"];
        text.push_str(&format!(
            "| {name} | {} | {} | {} MiB | {} | {} | {} |\n",
            time(&median["wall_s"]),
            time(&median["cpu_s"]),
            thousands(median["peak_bytes"].as_u64().unwrap_or(0) >> 20),
            rounds.map(|round| time(&round["wall_s"])).collect::<Vec<_>>().join(", "),
            side["tables"],
            thousands(side["rows"].as_u64().unwrap_or(0)),
        ));
    }
    let ratio = |what: &str| {
        let of = |side: &str| tpch["sides"][side]["median"][what].as_f64();
        of("lockgate").zip(of("dbt")).map(|(ours, theirs)| ours / theirs)
    };
    if let (Some(wall), Some(cpu), Some(peak)) = (ratio("wall_s"), ratio("cpu_s"), ratio("peak_bytes")) {
        text.push_str(&format!(
            "\nLockgate takes {wall:.2} of dbt's wall time (to reach: at most 0.50), {cpu:.2} of its CPU time and {peak:.2} of its \
             memory\n(to reach: no more).\n"
        ));
    }
    for (name, side) in &sides {
        text.push_str(&format!(
            "\n### {name}\n\n{}. Machine: {}.\n\n```console\n$ {}\n{}\n```\n",
            plain(&side["version"]),
            plain(&side["machine"]),
            plain(&side["command"]),
            plain(&side["output"]),
        ));
    }
    text
}

fn cost(cost: Cost) -> Value {
    json!({ "wall_s": rounded(cost.wall_s), "cpu_s": rounded(cost.cpu_s), "peak_bytes": cost.peak_bytes })
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn time(value: &Value) -> String {
    value.as_f64().map_or_else(|| "?".to_owned(), seconds)
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Processor, cores, memory, system and day.
fn machine() -> Result<String> {
    let script = "import datetime, os, platform\n\
                  def first(path, key):\n\
                  \x20   try:\n\
                  \x20       return next(l.split(':', 1)[1].strip() for l in open(path) if l.startswith(key))\n\
                  \x20   except (OSError, StopIteration):\n\
                  \x20       return ''\n\
                  memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30\n\
                  processor = first('/proc/cpuinfo', 'model name') or platform.processor() or platform.machine()\n\
                  print(f'{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} '\n\
                  \x20     f'{platform.release()}, {datetime.date.today()}')";
    let output = Command::new("python3").args(["-c", script]).output().context("python3 does not start")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn read(root: &Path, name: &str) -> Result<Option<Value>> {
    let path = root.join("benches/results").join(format!("{name}.json"));
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?))
}

fn save(root: &Path, name: &str, value: &Value) -> Result<()> {
    let folder = root.join("benches/results");
    fs::create_dir_all(&folder)?;
    let text = serde_json::to_string_pretty(value)? + "\n";
    fs::write(folder.join(format!("{name}.json")), text).with_context(|| format!("cannot save {name}"))
}

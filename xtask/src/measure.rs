//! Wall time, CPU time and peak memory of a command, as the kernel accounts for them.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Starts the command given to it and prints what the kernel says of it. A process of its own for every measurement,
/// because peak memory is kept for the largest child that a process ever had. Python, because it reads `getrusage`
/// from its standard library and the benchmark's peer brings it along.
const MEASURE: &str = r#"
import json, resource, subprocess, sys, time
started = time.monotonic()
code = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr)
wall = time.monotonic() - started
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime,
                  "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)}))
"#;

/// What one run of a command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    /// Peak resident memory of its largest process.
    pub(crate) peak_bytes: u64,
}

/// Runs a command to its end, its output into `log`; a command that fails is an error.
pub(crate) fn measure(program: &Path, words: &[&str], folder: &Path, log: &Path) -> Result<Cost> {
    let output = Command::new("python3")
        .args(["-c", MEASURE])
        .arg(program)
        .args(words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("DBT_USE_COLORS", "false")
        .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        .stderr(File::create(log).with_context(|| format!("cannot write {}", log.display()))?)
        .output()
        .context("python3 does not start")?;
    let answer: Value = serde_json::from_slice(&output.stdout).context("the measurement said nothing")?;
    if answer["code"] != 0 {
        bail!(
            "{} {} failed with exit code {}; see {}",
            program.display(),
            words.join(" "),
            answer["code"],
            log.display()
        );
    }
    let number = |key: &str| answer[key].as_f64().with_context(|| format!("the measurement has no `{key}`"));
    let peak_bytes = answer["peak_bytes"].as_u64().context("the measurement has no `peak_bytes`")?;
    Ok(Cost { wall_s: number("wall_s")?, cpu_s: number("cpu_s")?, peak_bytes })
}

/// The middle one by wall time, by CPU time and by memory, each for itself.
pub(crate) fn median(costs: &[Cost]) -> Option<Cost> {
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let mut peaks: Vec<u64> = costs.iter().map(|cost| cost.peak_bytes).collect();
    peaks.sort_unstable();
    Some(Cost {
        wall_s: middle(costs.iter().map(|cost| cost.wall_s).collect())?,
        cpu_s: middle(costs.iter().map(|cost| cost.cpu_s).collect())?,
        peak_bytes: *peaks.get(peaks.len() / 2)?,
    })
}

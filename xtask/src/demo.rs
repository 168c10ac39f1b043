//! `cargo xtask demo`: what Lockgate is for, on real data, from nothing but a compiler and Python.
//!
//! It builds the binary and drives it through its command line alone. Both stories run in git-ignored copies, and
//! every number printed comes from a query or from `--json`. It ends well only when what had to happen happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::words::Words;
use crate::{build, data, folder, web};

mod badrow;
mod flights;
mod summary;

const USAGE: &str = "cargo xtask demo [badrow|flights] [--binary FILE] [--data FOLDER] [--work FOLDER]";

pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    let mut words = Words::new(words);
    let only = words.one_of(&["badrow", "flights"]);
    let binary = words.option("--binary")?.map(PathBuf::from);
    // A year of files laid out before, for trying what the story makes of other data.
    let delivery = words.option("--data")?.map(PathBuf::from);
    let work = words.option("--work")?.map_or_else(|| root.join(".demo"), PathBuf::from);
    words.finish(USAGE)?;

    let binary = match binary {
        Some(binary) => binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?,
        None => {
            web::embed(root);
            println!("building Lockgate; the first build takes minutes, later ones seconds");
            build::lockgate(root, "demo", None)?
        }
    };
    fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    let work = work.canonicalize()?;
    if only != Some("flights") {
        badrow::play(&binary, &root.join("examples/badrow"), &work.join("badrow"))?;
    }
    if only != Some("badrow") {
        let delivery = match delivery {
            Some(folder) => data::open(&folder)?,
            None => data::fetch(&work.join("nycflights13"))?,
        };
        flights::play(&binary, &root.join("examples/flights"), &work.join("flights"), &delivery)?;
    }
    what_next(root, &work, &binary, only);
    Ok(ExitCode::SUCCESS)
}

fn what_next(root: &Path, work: &Path, binary: &Path, only: Option<&str>) {
    let here = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    println!("\nWhat to try next");
    println!("  alias lockgate={}", binary.display());
    if only != Some("badrow") {
        let project = here(&work.join("flights"));
        println!(
            "  lockgate -C {project} serve    then http://127.0.0.1:7700: the gate, the lineage, every run and check"
        );
        println!(
            "  lockgate -C {project} show mart.flight_weather --held    the rows that failed, the version readers keep"
        );
        println!("  lockgate -C {project} query \"select * from mart.delay_ranking order by place\"");
        println!("  lockgate -C {project} lineage mart.flight_weather.temp_f");
        println!(
            "  lockgate -C {project} forecast show forecast.departures --series JFK,B6 --explain    one series, and what it is made of"
        );
        println!("  lockgate -C {project} publish mart.flight_weather --held --why \"31 December has no weather\"");
    }
    println!(
        "  lockgate init --from YOUR.csv                              your own data: a source, its contract, its checks"
    );
}

/// A fresh copy of an example, without what runs have left in it.
fn copy_project(example: &Path, copy: &Path) -> Result<()> {
    folder::copy(example, copy, &["data", "store", ".lockgate", "peers", ".gitignore"])
}

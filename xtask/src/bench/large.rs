//! The pipeline at scale 10, eleven gigabytes of CSV, with a gigabyte for the engine.

use anyhow::Result;

use super::report::{Line, Table};
use super::{Bench, report};
use crate::folder;
use crate::measure::measure;

const SCALE: u32 = 10;

pub(super) fn run(bench: &Bench<'_>) -> Result<()> {
    let (binary, version) = bench.lockgate()?;
    let data = bench.generate(SCALE)?;
    let copy = bench.work.join("run-large");
    folder::copy(&bench.root.join("benches/tpch/lockgate"), &copy, &["data", "store", ".lockgate"])?;
    std::fs::write(copy.join("lockgate.yml"), "name: large\nengine: { memory: 1GB, threads: 2 }\n")?;
    std::fs::create_dir_all(copy.join("data"))?;
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        std::fs::hard_link(entry.path(), copy.join("data").join(entry.file_name()))?;
    }
    let cost = measure(binary, &["run"], &copy, &bench.work.join("large.log"))?;
    Table {
        name: "large",
        title: "Scale 10 with `engine.memory: 1GB`".to_owned(),
        about: "The same pipeline over 11 GB of CSV, once, from nothing.".to_owned(),
        version: version.to_owned(),
        lines: vec![Line::new("lockgate run", cost).reach("completes, under 2 GB")],
    }
    .save(bench.root)
    .and_then(|()| report::say("large", bench.root))?;
    // Twelve gigabytes that nobody looks at again.
    std::fs::remove_dir_all(&copy)?;
    Ok(())
}

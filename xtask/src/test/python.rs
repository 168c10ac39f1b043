//! The Python that tests read tables with: foreign readers of Delta's log, from PyPI, in the user's cache folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What it has. Their versions are written down, so that a test that fails tomorrow failed for our change.
const PACKAGES: &[&str] =
    &["deltalake==1.6.6", "duckdb==2.0.0", "psycopg[binary]==3.3.9", "pyarrow==26.0.1", "schemathesis==4.32.5"];

/// The interpreter; made when it is not there or has other packages.
pub(crate) fn ready() -> Result<PathBuf> {
    let home = cache()?.join("lockgate").join("test-python");
    let python = home.join("bin").join("python");
    let stamp = home.join("packages");
    let wanted = PACKAGES.join("\n");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|has| has == wanted) {
        return Ok(python);
    }
    println!("making a Python with {} in {}", PACKAGES.join(", "), home.display());
    must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    let quietly = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    must(Command::new(&python).args(quietly).args(PACKAGES))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}

fn must(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| {
        format!(
            "{} does not start: the tests need Python 3 with venv and pip",
            Path::new(command.get_program()).display()
        )
    })?;
    if !status.success() {
        bail!("{command:?} failed: is PyPI reached?");
    }
    Ok(())
}

/// `$XDG_CACHE_HOME`, else `~/.cache`.
fn cache() -> Result<PathBuf> {
    let told = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    told.map(PathBuf::from).or_else(home).context("neither XDG_CACHE_HOME nor HOME says where caches go")
}

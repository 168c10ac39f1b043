//! `cargo xtask docs`: writes the pages of the reference that are made from the code.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{build, words::Words};

/// Writes `docs/reference`.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    Words::new(words).finish("cargo xtask docs")?;
    let binary = build::lockgate(root, "dev", None)?;
    let folder = root.join("docs/reference");
    // Pages that are no longer made must not stay.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    write(&binary, &folder)?;
    println!("wrote {}", folder.strip_prefix(root).unwrap_or(&folder).display());
    Ok(ExitCode::SUCCESS)
}

fn write(binary: &PathBuf, folder: &Path) -> Result<()> {
    let output = Command::new(binary).arg("reference").arg("--out").arg(folder).output();
    let output = output.with_context(|| format!("{} does not start", binary.display()))?;
    if !output.status.success() {
        bail!("the reference was not written\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

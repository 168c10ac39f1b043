//! Cases are folders under `tests/cases`, each a small project; `UPDATE=1` rewrites what is expected of them.
#![allow(clippy::unwrap_used)] // tests may

mod cases;
mod known;
mod mutations;
mod odd_files;
mod reference;
mod render;
mod schedules;
mod selectors;
mod speed;

use std::path::{Path, PathBuf};

/// A folder or file below `tests/`.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Compares with a file, or writes it when `UPDATE` is set. Answers what differs.
fn expect(file: &Path, actual: &str) -> Result<(), String> {
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, actual).unwrap();
        return Ok(());
    }
    Err(format!("{}\n--- expected\n{expected}\n--- actual\n{actual}", file.display()))
}

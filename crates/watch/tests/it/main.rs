//! The outbox on a real SQLite catalog, and receivers that are real HTTP servers on a free port of this machine.
#![allow(clippy::unwrap_used)] // tests may

mod collecting;
mod delivering;
mod faults;
mod messages;
mod receiver;
mod running;
mod secrets;
mod world;

use std::path::{Path, PathBuf};

/// A file below `tests/`.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Compares with a file, or writes it when `UPDATE` is set.
fn expect(file: &Path, actual: &str) {
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if expected != actual && std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, actual).unwrap();
        return;
    }
    assert_eq!(expected, actual, "{}: UPDATE=1 rewrites it", file.display());
}

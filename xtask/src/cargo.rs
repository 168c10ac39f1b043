//! Cargo, called from a program that cargo runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The cargo that runs this program.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Cargo in the repository, without the variables that describe this package: build scripts that watch them (`ring`'s
/// does) would take a call from here and a call from a shell for different ones, and DataFusion be compiled anew each
/// time.
pub(crate) fn command(root: &Path, words: &[&str]) -> Command {
    const OF_THIS_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    let mut command = Command::new(program());
    command.current_dir(root).args(words).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if OF_THIS_PACKAGE.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

//! The folder for spilled data. Each engine has its own, held by a file lock, so that what a killed process left behind
//! can be told from what a living one uses.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";

#[derive(Debug)]
pub(crate) struct SpillFolder {
    path: PathBuf,
    // The lock goes with the file.
    _lock: File,
}

impl SpillFolder {
    /// Makes a folder of its own in `parent`, and removes those whose process is gone.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(parent)?;
        remove_abandoned(parent);
        let process = std::process::id();
        let mut counter = 0u32;
        loop {
            let path = parent.join(format!("{process}-{counter}"));
            match std::fs::create_dir(&path) {
                Ok(()) => {
                    let lock = File::create(path.join(LOCK))?;
                    lock.lock()?;
                    return Ok(SpillFolder { path, _lock: lock });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => counter += 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "the folder for spilled data stays");
        }
    }
}

/// A folder without a lock file is being made at this moment, or was half removed: it is left alone.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok()
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::debug!(path = %entry.path().display(), %error, "an abandoned folder for spilled data stays");
        }
    }
}

//! Files and folders that survive a power cut: each file is synced before it gets its name, each folder after a name
//! in it changed.

use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    // Windows cannot open a folder as a file, and makes names durable by itself.
    if cfg!(windows) { Ok(()) } else { File::open(folder)?.sync_all() }
}

/// Creates a folder and those above it that are missing; each new name is made durable.
pub(crate) fn create_folders(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_folders(parent)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => {}
        // Another task was faster; it may not have synced yet, so go on.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(error) => return Err(error),
    }
    match parent {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// A file that has no name yet that anybody would read: `NAME#DIGITS`, which the object store's listings hide.
/// Removed when dropped before it got its name.
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(crate) file: File,
    temporary: PathBuf,
    target: PathBuf,
}

impl Unnamed {
    pub(crate) fn new(target: &Path) -> Result<Unnamed> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = target.parent().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        create_folders(folder)?;
        loop {
            let mut name = target.as_os_str().to_owned();
            name.push(format!("#{}{:04}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            let temporary = PathBuf::from(name);
            match File::create_new(&temporary) {
                Ok(file) => return Ok(Unnamed { file, temporary, target: target.to_owned() }),
                // Left by a dead process that had our number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives it its name unless something has it. `AlreadyExists` when so.
    ///
    /// A hard link is the one operation that is atomic, fails when the name is taken, and never shows a half-written
    /// file.
    pub(crate) fn name_if_absent(self) -> Result<()> {
        self.file.sync_all()?;
        std::fs::hard_link(&self.temporary, &self.target)?;
        // The link stands; a temporary name that stays behind is only litter.
        let _ = std::fs::remove_file(&self.temporary);
        self.sync_name()
    }

    /// Gives it its name, also when something had it.
    pub(crate) fn name(self) -> Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.temporary, &self.target)?;
        self.sync_name()
    }

    fn sync_name(&self) -> Result<()> {
        self.target.parent().map_or(Ok(()), sync_folder)
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        // Gone already once it has its name.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Writes all chunks under a temporary name.
pub(crate) fn write<'a>(target: &Path, chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Unnamed> {
    let mut unnamed = Unnamed::new(target)?;
    for chunk in chunks {
        unnamed.file.write_all(chunk)?;
    }
    Ok(unnamed)
}

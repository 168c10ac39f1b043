//! Files and folders that survive a power cut: each file is synced before it gets its name, each folder after a name
//! in it changed.

use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::{Disk, DiskFile};

/// Creates a folder and those above it that are missing; each new name is made durable. For whoever may only read, what
/// is there is good enough.
pub(crate) fn create_folders(disk: &Disk, folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = above(folder) {
        create_folders(disk, parent)?;
    }
    create_folder(disk, folder)
}

/// The same for whoever is going to rely on it: a folder of the store that is there may be one whose maker failed, or
/// ended, before its name was durable. So the names down from the store's own are synced once by every process.
pub(crate) fn ensure_folders(disk: &Disk, folder: &Path) -> Result<()> {
    if !disk.owns(folder) {
        return create_folders(disk, folder);
    }
    if disk.is_durable(folder) && folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = above(folder) {
        ensure_folders(disk, parent)?;
    }
    create_folder(disk, folder)?;
    disk.set_durable(folder);
    Ok(())
}

fn create_folder(disk: &Disk, folder: &Path) -> Result<()> {
    match disk.create_folder(folder) {
        Ok(()) => {}
        // Whoever was faster may not have synced yet, so go on.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(error) => return Err(error),
    }
    above(folder).map_or(Ok(()), |parent| disk.sync_folder(parent))
}

fn above(folder: &Path) -> Option<&Path> {
    folder.parent().filter(|parent| !parent.as_os_str().is_empty())
}

/// A file that has no name yet that anybody would read: `NAME#DIGITS`, which the object store's listings hide.
/// Removed when dropped before it got its name.
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(crate) file: DiskFile,
    disk: Disk,
    target: PathBuf,
}

impl Unnamed {
    pub(crate) fn new(disk: &Disk, target: &Path) -> Result<Unnamed> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = target.parent().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        ensure_folders(disk, folder)?;
        loop {
            let mut name = target.as_os_str().to_owned();
            name.push(format!("#{}{:04}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            match DiskFile::create(disk, Path::new(&name)) {
                Ok(file) => return Ok(Unnamed { file, disk: disk.clone(), target: target.to_owned() }),
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
        self.file.sync()?;
        self.disk.link(self.file.path(), &self.target)?;
        // The link stands; a temporary name that stays behind is only litter.
        let _ = self.disk.remove(self.file.path());
        self.sync_name()
    }

    /// Gives it its name, also when something had it.
    pub(crate) fn name(self) -> Result<()> {
        self.file.sync()?;
        self.disk.rename(self.file.path(), &self.target)?;
        self.sync_name()
    }

    fn sync_name(&self) -> Result<()> {
        self.target.parent().map_or(Ok(()), |folder| self.disk.sync_folder(folder))
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        // Gone already once it has its name.
        let _ = self.disk.remove(self.file.path());
    }
}

/// Writes all chunks under a temporary name.
pub(crate) fn write<'a>(disk: &Disk, target: &Path, chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Unnamed> {
    let mut unnamed = Unnamed::new(disk, target)?;
    for chunk in chunks {
        unnamed.file.write_all(chunk)?;
    }
    Ok(unnamed)
}

//! The file system as this crate uses it: every operation is counted, so that tests can make the Nth of a whole run
//! fail, and whoever watches is told what has become durable.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, ReadDir};
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockgate_types::Faults;

use crate::codes::OPERATION;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    faults: Arc<Faults>,
    /// The folder of the store.
    root: Arc<Path>,
    /// Folders of the store whose names this process has made durable.
    durable: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Disk {
    pub(crate) fn new(root: &Path, faults: Arc<Faults>) -> Disk {
        Disk { faults, root: root.into(), durable: Arc::default() }
    }

    /// Whether it is the store's folder, or below it.
    pub(crate) fn owns(&self, folder: &Path) -> bool {
        folder.starts_with(&self.root)
    }

    pub(crate) fn is_durable(&self, folder: &Path) -> bool {
        self.durable().contains(folder)
    }

    pub(crate) fn set_durable(&self, folder: &Path) {
        self.durable().insert(folder.to_owned());
    }

    fn durable(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn create_folder(&self, path: &Path) -> Result<()> {
        self.does("create folder", || std::fs::create_dir(path))
    }

    /// Opens a file for writing; it must not exist.
    pub(crate) fn create(&self, path: &Path) -> Result<File> {
        self.does("create file", || File::create_new(path))
    }

    pub(crate) fn open(&self, path: &Path) -> Result<File> {
        self.does("open file", || File::open(path))
    }

    pub(crate) fn write(&self, file: &mut File, bytes: &[u8]) -> Result<usize> {
        self.does("write file", || file.write(bytes))
    }

    /// Makes the bytes of a file durable.
    pub(crate) fn sync(&self, file: &File, path: &Path) -> Result<()> {
        self.does("sync file", || {
            file.sync_all()?;
            if let Some(witness) = self.faults.witness() {
                witness.file_synced(path);
            }
            Ok(())
        })
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<()> {
        self.does("sync folder", || {
            // Windows cannot open a folder as a file, and makes names durable by itself.
            if !cfg!(windows) {
                File::open(folder)?.sync_all()?;
            }
            if let Some(witness) = self.faults.witness() {
                witness.folder_synced(folder);
            }
            Ok(())
        })
    }

    pub(crate) fn link(&self, from: &Path, to: &Path) -> Result<()> {
        self.does("link file", || std::fs::hard_link(from, to))
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.does("rename file", || std::fs::rename(from, to))
    }

    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        self.does("remove file", || std::fs::remove_file(path))
    }

    /// Of an empty folder.
    pub(crate) fn remove_folder(&self, path: &Path) -> Result<()> {
        self.durable().remove(path);
        self.does("remove folder", || std::fs::remove_dir(path))
    }

    /// With all that is in it.
    pub(crate) fn remove_whole(&self, path: &Path) -> Result<()> {
        self.durable().retain(|folder| !folder.starts_with(path));
        self.does("remove whole folder", || std::fs::remove_dir_all(path))
    }

    pub(crate) fn list(&self, folder: &Path) -> Result<ReadDir> {
        self.does("list folder", || std::fs::read_dir(folder))
    }

    pub(crate) fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.does("look at file", || path.metadata())
    }

    fn does<T>(&self, what: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = self.faults.begin(&OPERATION, what).map_err(Error::other)?;
        let done = work()?;
        begun.answer().map_err(Error::other)?;
        Ok(done)
    }
}

/// A new file that is written through a [`Disk`].
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    /// It must not exist.
    pub(crate) fn create(disk: &Disk, path: &Path) -> Result<DiskFile> {
        Ok(DiskFile { file: disk.create(path)?, path: path.to_owned(), disk: disk.clone() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn sync(&self) -> Result<()> {
        self.disk.sync(&self.file, &self.path)
    }

    /// The same file, for when the one that wrote it is gone.
    pub(crate) fn again(&self) -> Result<DiskFile> {
        Ok(DiskFile { file: self.file.try_clone()?, path: self.path.clone(), disk: self.disk.clone() })
    }

    pub(crate) fn seek_to(&mut self, offset: u64) -> Result<()> {
        std::io::Seek::seek(&mut self.file, std::io::SeekFrom::Start(offset)).map(|_| ())
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.disk.write(&mut self.file, bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

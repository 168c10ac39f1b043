//! What lies in the store, and taking away what nobody needs any more.
//!
//! Listing walks folders as the file system has them, because an object store's listing hides temporary names. Nothing
//! here decides: who removes has looked at the catalog, the log and the readers first.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use lockgate_types::{AssetName, DataFile, VersionNumber};
use parquet::file::metadata::ParquetMetaDataReader;

use crate::codes::{BEFORE_REMOVE, REMOVED, REMOVING};
use crate::store::{Disk, blocking};
use crate::table::PARTS;
use crate::{Lake, LakeError, Table};

/// One file as it lies there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredFile {
    /// Relative to the table's folder, `/`-separated.
    pub path: String,
    pub size_bytes: u64,
}

/// What lies in a table's folder beside its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The files below `_lockgate/vN/`; a folder without files has an empty list.
    pub versions: BTreeMap<VersionNumber, Vec<StoredFile>>,
    /// `NAME#DIGITS`, wherever in the table's folder: written by a process that ended before it gave them their names.
    pub temporary: Vec<StoredFile>,
}

/// How much room the store's file system has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// The digits of a temporary name begin with the process's id; four or more digits of its own counter follow.
const COUNTER_DIGITS: usize = 4;

impl StoredFile {
    /// Whether it is `parts.bin` of its version: of use as long as a file beside it is.
    pub fn is_parts(&self) -> bool {
        self.path.rsplit('/').next() == Some(PARTS)
    }

    /// Whether it is a temporary file that the process with this id may be writing.
    pub fn is_written_by(&self, process: u32) -> bool {
        let digits = self.path.rsplit_once('#').map_or("", |(_, digits)| digits);
        digits.strip_prefix(&process.to_string()).is_some_and(|counter| counter.len() >= COUNTER_DIGITS)
    }
}

impl Lake {
    /// The tables of this environment that have a folder, rejects tables too, by name. Folders with other names are not
    /// ours.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn tables(&self) -> Result<Vec<AssetName>, LakeError> {
        let (root, disk) = (self.tables_folder(), self.disk().clone());
        blocking(move || {
            let mut found = Vec::new();
            for schema in folders(&disk, &root)? {
                for table in folders(&disk, &root.join(&schema))? {
                    found.extend(format!("{schema}.{table}").parse::<AssetName>().ok());
                }
            }
            found.sort();
            Ok(found)
        })
        .await
    }

    /// The environments that have tables in a store, `default` first.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn environments(root: &FilePath) -> Result<Vec<String>, LakeError> {
        let mut found = vec!["default".to_owned()];
        let disk = Disk::new(root, Arc::default());
        for name in folders(&disk, &root.join("env"))? {
            if AssetName::check_part(&name).is_ok() && root.join("env").join(&name).join("tables").is_dir() {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// Files by which processes tried whether they could write here ([`Lake::ensure_writable`], [`Lake::probe`]), and which
    /// are left when one ended meanwhile. One that lives may be at it now.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn probes(&self) -> Result<Vec<PathBuf>, LakeError> {
        let folder = self.tables_folder();
        let listed = std::fs::read_dir(&folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let listed = listed.map_err(|source| LakeError::io("listing", &folder, source))?;
        let is_probe = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(".write-probe-") || name.starts_with(".create-probe-")
        };
        Ok(listed.into_iter().map(|entry| entry.path()).filter(is_probe).collect())
    }

    /// `None` where the system does not say.
    pub fn disk_space(&self) -> Option<DiskSpace> {
        disk_space(self.root())
    }
}

#[cfg(unix)]
fn disk_space(folder: &FilePath) -> Option<DiskSpace> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(DiskSpace {
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
        total_bytes: told.f_blocks.saturating_mul(told.f_frsize),
    })
}

#[cfg(not(unix))]
fn disk_space(_folder: &FilePath) -> Option<DiskSpace> {
    None
}

impl Table {
    /// Every file below the table's folder that is not part of its log. Cost: linear in them.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn inventory(&self) -> Result<Inventory, LakeError> {
        let (root, disk) = (self.folder(), self.store.disk().clone());
        blocking(move || {
            let mut inventory = Inventory::default();
            for name in folders(&disk, &root.join(STAGED))? {
                inventory.versions.extend(number_of(&name).map(|number| (number, Vec::new())));
            }
            let mut files = Vec::new();
            walk(&disk, &root, &root, &mut files)?;
            files.sort();
            for file in files {
                if is_temporary(&file.path) {
                    inventory.temporary.push(file);
                } else if let Some(number) = version_of(&file.path) {
                    inventory.versions.entry(number).or_default().push(file);
                }
            }
            Ok(inventory)
        })
        .await
    }

    /// Removes staged files and temporary ones, then the folders of `numbers` as far as they are empty. Answers how
    /// many bytes went. Repeating it is harmless: what is gone already counts nothing. Nothing is synced: a name that
    /// a power cut brings back is found again.
    ///
    /// # Errors
    /// Those of the file system.
    ///
    /// # Panics
    /// When a path is neither below `_lockgate/` nor temporary: nothing else is anybody's to remove.
    pub async fn remove(&self, paths: &[String], numbers: &[VersionNumber]) -> Result<u64, LakeError> {
        for path in paths {
            let is_inside = !path.split('/').any(|part| part == ".." || part.is_empty());
            assert!(is_inside && (version_of(path).is_some() || is_temporary(path)), "{path} is no staged file");
        }
        let (root, disk) = (self.folder(), self.store.disk().clone());
        let (paths, numbers, faults) = (paths.to_vec(), numbers.to_vec(), self.faults.clone());
        blocking(move || {
            faults.pass(&BEFORE_REMOVE)?;
            let mut removed_bytes = 0;
            for path in paths {
                let file = root.join(&path);
                let size_bytes = disk.metadata(&file).map_or(0, |metadata| metadata.len());
                match disk.remove(&file) {
                    Ok(()) => removed_bytes += size_bytes,
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(source) => return Err(LakeError::io("removing", &file, source)),
                }
                faults.pass(&REMOVING)?;
            }
            for number in numbers {
                prune(&disk, &root.join(STAGED).join(format!("v{number}")))?;
            }
            faults.pass(&REMOVED)?;
            Ok(removed_bytes)
        })
        .await
    }

    /// The size of a file that a version lists; `None` when it is gone.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn size_of(&self, path: &str) -> Result<Option<u64>, LakeError> {
        let (file, disk) = (self.folder().join(path), self.store.disk().clone());
        blocking(move || match disk.metadata(&file) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LakeError::io("looking for", &file, source)),
        })
        .await
    }

    /// The rows of a file, by its Parquet footer.
    ///
    /// # Errors
    /// [`LakeError::Missing`], [`LakeError::Damaged`].
    pub async fn rows_by_footer(&self, data: &DataFile) -> Result<u64, LakeError> {
        let (path, disk) = (self.folder().join(&data.path), self.store.disk().clone());
        blocking(move || {
            let file = disk.open(&path).map_err(|source| LakeError::io("reading", &path, source))?;
            let damaged = |reason: String| LakeError::Damaged { path: path.clone(), reason };
            let footer =
                ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|error| damaged(error.to_string()))?;
            u64::try_from(footer.file_metadata().num_rows()).map_err(|error| damaged(error.to_string()))
        })
        .await
    }

    /// Where a person finds it.
    pub fn folder(&self) -> PathBuf {
        self.store.file(&self.prefix())
    }
}

/// The folder of staged files in a table's.
const STAGED: &str = "_lockgate";

/// `v12` → 12.
fn number_of(name: &str) -> Option<VersionNumber> {
    name.strip_prefix('v')?.parse().ok().map(VersionNumber)
}

/// The version that a file was staged for, by its path.
fn version_of(path: &str) -> Option<VersionNumber> {
    let mut parts = path.split('/');
    if parts.next() != Some(STAGED) {
        return None;
    }
    number_of(parts.next()?).filter(|_| parts.next().is_some())
}

fn is_temporary(path: &str) -> bool {
    let digits = path.rsplit_once('#').map_or("", |(_, digits)| digits);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names of the folders in a folder; none when there is no such folder.
fn folders(disk: &Disk, folder: &FilePath) -> Result<Vec<String>, LakeError> {
    let failed = |source| LakeError::io("listing", folder, source);
    let entries = match disk.list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}

/// All files below; one that goes away meanwhile is not there.
fn walk(disk: &Disk, root: &FilePath, folder: &FilePath, files: &mut Vec<StoredFile>) -> Result<(), LakeError> {
    let failed = |source| LakeError::io("listing", folder, source);
    let entries = match disk.list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(source)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => walk(disk, root, &path, files)?,
            Ok(metadata) => {
                let Some(relative) = path.strip_prefix(root).ok().and_then(FilePath::to_str) else { continue };
                let path = relative.replace(std::path::MAIN_SEPARATOR, "/");
                files.push(StoredFile { path, size_bytes: metadata.len() });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(failed(source)),
        }
    }
    Ok(())
}

/// Removes empty folders from the bottom up.
fn prune(disk: &Disk, folder: &FilePath) -> Result<(), LakeError> {
    for name in folders(disk, folder)? {
        prune(disk, &folder.join(name))?;
    }
    match disk.remove_folder(folder) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => Ok(()),
        Err(source) => Err(LakeError::io("removing", folder, source)),
    }
}

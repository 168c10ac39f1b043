//! Where bytes lie: an object store rooted at STORE, and the few operations that the rest of the crate needs.
//!
//! Everything durable goes through [`Store::create`] and [`Store::replace`], or is a staged file that is synced when
//! it is closed.

mod counted;
mod disk;
mod durable;
mod local;

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lockgate_types::Faults;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::LakeError;

pub(crate) use disk::{Disk, DiskFile};
pub(crate) use durable::{create_folders, ensure_folders};

use counted::CountedStore;
use local::LocalStore;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: Arc<PathBuf>,
    objects: Arc<dyn ObjectStore>,
    disk: Disk,
}

impl Store {
    pub(crate) fn local(root: &FilePath, faults: Arc<Faults>) -> Result<Store, LakeError> {
        let disk = Disk::new(root, faults.clone());
        let objects = LocalStore::new(root, disk.clone()).map_err(|source| LakeError::store("open", root, source))?;
        let objects = Arc::new(CountedStore::new(Arc::new(objects), faults));
        Ok(Store { root: Arc::new(root.to_owned()), objects, disk })
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        self.objects.clone()
    }

    pub(crate) fn root(&self) -> &FilePath {
        &self.root
    }

    /// Where a person finds it.
    pub(crate) fn file(&self, path: &Path) -> PathBuf {
        path.as_ref()
            .split('/')
            .filter(|part| !part.is_empty())
            .fold(self.root.to_path_buf(), |file, part| file.join(part))
    }

    /// `None` when there is nothing.
    pub(crate) async fn get(&self, path: &Path) -> Result<Option<Bytes>, LakeError> {
        let read = match self.objects.get(path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(LakeError::store("reading", &self.file(path), source)),
        }
    }

    pub(crate) async fn exists(&self, path: &Path) -> Result<bool, LakeError> {
        match self.objects.head(path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(LakeError::store("looking for", &self.file(path), source)),
        }
    }

    /// Durable, and all or nothing. `false` when something stands there already.
    pub(crate) async fn create(&self, path: &Path, bytes: Bytes) -> Result<bool, LakeError> {
        match self.put(path, bytes, PutMode::Create).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(LakeError::store("creating", &self.file(path), source)),
        }
    }

    /// Durable, and all or nothing.
    pub(crate) async fn replace(&self, path: &Path, bytes: Bytes) -> Result<(), LakeError> {
        self.put(path, bytes, PutMode::Overwrite)
            .await
            .map_err(|source| LakeError::store("writing", &self.file(path), source))
    }

    async fn put(&self, path: &Path, bytes: Bytes, mode: PutMode) -> object_store::Result<()> {
        let options = PutOptions { mode, ..PutOptions::default() };
        self.objects.put_opts(path, PutPayload::from(bytes), options).await.map(|_| ())
    }

    /// Names of files and folders directly below, unordered; empty when there is no such folder.
    pub(crate) async fn names(&self, folder: &Path) -> Result<Vec<String>, LakeError> {
        let listed = match self.objects.list_with_delimiter(Some(folder)).await {
            Ok(listed) => listed,
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            Err(source) => return Err(LakeError::store("listing", &self.file(folder), source)),
        };
        let files = listed.objects.iter().filter_map(|object| object.location.filename());
        let folders = listed.common_prefixes.iter().filter_map(Path::filename);
        Ok(files.chain(folders).map(str::to_owned).collect())
    }

    /// Removes a folder with all that is in it; repeating it is harmless.
    pub(crate) async fn remove_folder(&self, folder: &Path) -> Result<(), LakeError> {
        let (path, disk) = (self.file(folder), self.disk.clone());
        blocking(move || match disk.remove_whole(&path) {
            Ok(()) => match path.parent() {
                Some(parent) => disk.sync_folder(parent).map_err(|source| LakeError::io("syncing", parent, source)),
                None => Ok(()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(LakeError::io("removing", &path, source)),
        })
        .await
    }

    /// Opens a staged file for writing; it must not exist.
    pub(crate) fn stage(&self, path: &Path) -> Result<DiskFile, LakeError> {
        let path = self.file(path);
        if let Some(folder) = path.parent() {
            ensure_folders(&self.disk, folder).map_err(|source| LakeError::io("creating folder", folder, source))?;
        }
        DiskFile::create(&self.disk, &path).map_err(|source| LakeError::io("creating", &path, source))
    }
}

/// Runs blocking work off the runtime when there is one.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LakeError> + Send + 'static,
) -> Result<T, LakeError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => {
            runtime.spawn_blocking(work).await.map_err(|error| LakeError::Task(error.to_string())).and_then(|done| done)
        }
        Err(_) => work(),
    }
}

#[cfg(test)]
mod tests;

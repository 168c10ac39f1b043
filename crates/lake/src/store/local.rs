//! A local folder as an object store whose writes are durable when they return.
//!
//! `object_store`'s own local store links and renames without syncing, so that a power cut may leave an empty commit
//! under its final name. Reading, listing and deleting are its own.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

use super::disk::Disk;
use super::durable::{Unnamed, write};

#[derive(Clone, Debug)]
pub(crate) struct LocalStore {
    inner: Arc<LocalFileSystem>,
    disk: Disk,
}

impl LocalStore {
    /// `root` must exist.
    pub(crate) fn new(root: &FilePath, disk: Disk) -> Result<LocalStore> {
        Ok(LocalStore { inner: Arc::new(LocalFileSystem::new_with_prefix(root)?), disk })
    }

    /// Syncs the folder that holds `location`.
    async fn sync_around(&self, location: &Path) -> Result<()> {
        let path = self.inner.path_to_filesystem(location)?;
        let disk = self.disk.clone();
        blocking(move || {
            let synced = path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder));
            synced.map_err(|source| failed(&path, source))
        })
        .await
    }
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "durable {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if !options.attributes.is_empty() {
            return Err(not_implemented("put with attributes"));
        }
        let path = self.inner.path_to_filesystem(location)?;
        let disk = self.disk.clone();
        blocking(move || {
            let written =
                write(&disk, &path, payload.iter().map(AsRef::as_ref)).and_then(|unnamed| match options.mode {
                    PutMode::Create => unnamed.name_if_absent(),
                    PutMode::Overwrite => unnamed.name(),
                    PutMode::Update(_) => Err(ErrorKind::Unsupported.into()),
                });
            written.map(|()| PutResult { e_tag: None, version: None }).map_err(|source| failed(&path, source))
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        if !options.attributes.is_empty() {
            return Err(not_implemented("multipart put with attributes"));
        }
        let path = self.inner.path_to_filesystem(location)?;
        let unnamed = Unnamed::new(&self.disk, &path).map_err(|source| failed(&path, source))?;
        Ok(Box::new(Upload { unnamed: Arc::new(Mutex::new(Some(unnamed))), path, offset: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        self.sync_around(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await?;
        self.sync_around(from).await?;
        self.sync_around(to).await
    }
}

/// Readers of the log expect names in order, as the big object stores list them.
fn sorted(listed: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    stream::once(async move {
        let mut all: Vec<ObjectMeta> = listed.try_collect().await?;
        all.sort_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, Error>(stream::iter(all.into_iter().map(Ok)))
    })
    .try_flatten()
    .boxed()
}

/// Parts go to a file without a name, each at its offset; completing syncs it and names it.
#[derive(Debug)]
struct Upload {
    unnamed: Arc<Mutex<Option<Unnamed>>>,
    path: PathBuf,
    offset: u64,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let offset = self.offset;
        self.offset += data.content_length() as u64;
        let (unnamed, path) = (self.unnamed.clone(), self.path.clone());
        blocking(move || {
            let mut unnamed = unnamed.lock().unwrap_or_else(PoisonError::into_inner);
            let file = &mut unnamed.as_mut().ok_or_else(|| failed(&path, ErrorKind::NotFound.into()))?.file;
            file.seek_to(offset)
                .and_then(|()| data.iter().try_for_each(|chunk| file.write_all(chunk)))
                .map_err(|source| failed(&path, source))
        })
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (unnamed, path) = (self.unnamed.clone(), self.path.clone());
        blocking(move || {
            let unnamed = unnamed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let unnamed = unnamed.ok_or_else(|| failed(&path, ErrorKind::NotFound.into()))?;
            unnamed.name().map_err(|source| failed(&path, source))?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        // Dropping it removes the file.
        self.unnamed.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }
}

fn failed(path: &FilePath, source: std::io::Error) -> Error {
    let path = path.display().to_string();
    match source.kind() {
        ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        ErrorKind::Unsupported => not_implemented("put with mode update"),
        _ => Error::Generic { store: "local", source: Box::new(source) },
    }
}

fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: "durable local store".to_owned() }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await?,
        Err(_) => work(),
    }
}

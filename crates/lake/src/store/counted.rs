//! Any object store, its operations counted: tests make the Nth of a whole run fail, answer late, or answer an error
//! after having done its work.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use lockgate_types::{Begun, Fault, Faults};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

use crate::codes::OPERATION;

#[derive(Clone, Debug)]
pub(crate) struct CountedStore {
    inner: Arc<dyn ObjectStore>,
    faults: Arc<Faults>,
}

impl CountedStore {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, faults: Arc<Faults>) -> CountedStore {
        CountedStore { inner, faults }
    }

    fn begin(&self, what: &'static str) -> Result<Begun> {
        begin(&self.faults, what)
    }
}

impl fmt::Display for CountedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counted {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for CountedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let begun = self.begin("put object")?;
        answer(begun, self.inner.put_opts(location, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.begin("begin upload")?;
        let inner = answer(begun, self.inner.put_multipart_opts(location, options).await)?;
        Ok(Box::new(CountedUpload { inner, faults: self.faults.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let begun = self.begin(if options.head { "look at object" } else { "get object" })?;
        answer(begun, self.inner.get_opts(location, options).await)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let begun = self.begin("get ranges")?;
        answer(begun, self.inner.get_ranges(location, ranges).await)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        around(self.begin("delete objects"), || self.inner.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        around(self.begin("list objects"), || self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        around(self.begin("list objects"), || self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let begun = self.begin("list names")?;
        answer(begun, self.inner.list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let begun = self.begin("copy object")?;
        answer(begun, self.inner.copy_opts(from, to, options).await)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let begun = self.begin("rename object")?;
        answer(begun, self.inner.rename_opts(from, to, options).await)
    }
}

#[derive(Debug)]
struct CountedUpload {
    inner: Box<dyn MultipartUpload>,
    faults: Arc<Faults>,
}

#[async_trait]
impl MultipartUpload for CountedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let begun = match begin(&self.faults, "put part") {
            Ok(begun) => begun,
            Err(error) => return async move { Err(error) }.boxed(),
        };
        let part = self.inner.put_part(data);
        async move { answer(begun, part.await) }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let begun = begin(&self.faults, "complete upload")?;
        answer(begun, self.inner.complete().await)
    }

    async fn abort(&mut self) -> Result<()> {
        let begun = begin(&self.faults, "abort upload")?;
        answer(begun, self.inner.abort().await)
    }
}

fn begin(faults: &Arc<Faults>, what: &'static str) -> Result<Begun> {
    faults.begin(&OPERATION, what).map_err(failed)
}

/// What was really answered, if it was an error; else what is to be.
fn answer<T>(begun: Begun, done: Result<T>) -> Result<T> {
    let done = done?;
    begun.answer().map_err(failed)?;
    Ok(done)
}

/// The same for a stream: its answer is complete when it ends.
fn around<T: Send + 'static>(
    begun: Result<Begun>,
    work: impl FnOnce() -> BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    match begun {
        Ok(begun) => {
            let end = stream::once(async move { begun.answer().err().map(|fault| Err(failed(fault))) });
            work().chain(end.filter_map(|answer| async move { answer })).boxed()
        }
        Err(error) => stream::once(async move { Err(error) }).boxed(),
    }
}

fn failed(fault: Fault) -> Error {
    Error::Generic { store: "counted", source: Box::new(fault) }
}

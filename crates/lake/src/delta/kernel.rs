//! A table's state by `delta_kernel`, and checkpoints.
//!
//! The kernel is synchronous and its default engine wants an executor on which blocking may nest (a checkpoint reads
//! while it writes). Ours blocks the calling thread, which is one of the runtime's blocking threads and has no
//! runtime context of its own, so that local reads happen on it, in line.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::{KernelError, Snapshot};
use delta_kernel_default_engine::executor::TaskExecutor;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use lockgate_types::{AssetName, DataFile};
use object_store::path::Path;

use super::path::decode;
use super::protocol::{Protocol, unsupported};
use crate::LakeError;
use crate::store::Store;

/// What the log says of a table at one of its versions.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) protocol: Protocol,
    pub(crate) id: String,
    pub(crate) created_ms: Option<i64>,
    pub(crate) configuration: BTreeMap<String, String>,
    pub(crate) files: Vec<DataFile>,
}

/// The kernel over one table.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    pub(crate) store: Store,
    pub(crate) asset: AssetName,
    pub(crate) table: Path,
}

impl Kernel {
    /// Refuses tables that need what this build has not. The cost is linear in the files of the table.
    pub(crate) async fn state(&self, version: u64) -> Result<State, LakeError> {
        let kernel = self.clone();
        on_own_thread(move || kernel.state_blocking(version)).await
    }

    /// Writes `VERSION.checkpoint.parquet` and `_last_checkpoint`. An existing checkpoint is left as it is.
    pub(crate) async fn checkpoint(&self, version: u64) -> Result<(), LakeError> {
        let kernel = self.clone();
        on_own_thread(move || {
            let engine = kernel.engine();
            let snapshot = kernel.snapshot(&engine, version)?;
            snapshot.checkpoint(&engine, None).map(|_| ()).map_err(|error| kernel.failed(error))
        })
        .await
    }

    fn engine(&self) -> DefaultEngine<InLine> {
        DefaultEngineBuilder::new(self.store.objects()).with_task_executor(Arc::new(InLine)).build()
    }

    fn snapshot(&self, engine: &DefaultEngine<InLine>, version: u64) -> Result<SnapshotRef, LakeError> {
        // Any scheme but `file`: the kernel's paths are then the keys of our store.
        let url = format!("lockgate:///{}/", self.table);
        Snapshot::builder_for(url).at_version(version).build(engine).map_err(|error| self.failed(error))
    }

    fn state_blocking(&self, version: u64) -> Result<State, LakeError> {
        let engine = self.engine();
        let snapshot = self.snapshot(&engine, version)?;
        let table = snapshot.table_configuration();
        let names = |features: Option<&[_]>| -> BTreeSet<String> {
            features.unwrap_or_default().iter().map(ToString::to_string).collect()
        };
        let protocol = Protocol {
            reader: i64::from(table.protocol().min_reader_version()),
            writer: i64::from(table.protocol().min_writer_version()),
            reader_features: names(table.protocol().reader_features()),
            writer_features: names(table.protocol().writer_features()),
        };
        let metadata = table.metadata();
        let configuration: BTreeMap<String, String> =
            metadata.configuration().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(feature) = unsupported(&protocol, &configuration, metadata.schema_string()) {
            return Err(self.unsupported(feature));
        }
        let partition_by = metadata.partition_columns().to_vec();
        let (id, created_ms) = (metadata.id().to_owned(), metadata.created_time());
        let scan = snapshot.clone().scan_builder().build().map_err(|error| self.failed(error))?;
        let mut files = Vec::new();
        for part in scan.scan_metadata(&engine).map_err(|error| self.failed(error))? {
            let (data, selected) = part.map_err(|error| self.failed(error))?.scan_files.into_parts();
            let batch = data.try_into_record_batch().map_err(|error| self.failed(error))?;
            let rows = (0..batch.num_rows()).filter(|row| selected.get(*row).copied().unwrap_or(true));
            for row in rows {
                files.push(self.file(&batch, row, &partition_by)?);
            }
        }
        files.sort_by(|a: &DataFile, b| a.path.cmp(&b.path));
        Ok(State { protocol, id, created_ms, configuration, files })
    }

    /// One row of a scan's metadata.
    fn file(&self, batch: &RecordBatch, row: usize, partition_by: &[String]) -> Result<DataFile, LakeError> {
        let damaged = |reason: &str| self.damaged(format!("the log's state has {reason}"));
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| damaged("a missing column"));
        if column("deletionVector")?.is_valid(row) {
            return Err(self.unsupported("deletionVectors".to_owned()));
        }
        let text = |name: &str| -> Result<Option<String>, LakeError> {
            let texts = column(name)?.as_string_opt::<i32>().ok_or_else(|| damaged("a column of another type"))?;
            Ok(texts.is_valid(row).then(|| texts.value(row).to_owned()))
        };
        let encoded = text("path")?.ok_or_else(|| damaged("a file without path"))?;
        let path = decode(&encoded).ok_or_else(|| damaged("a path that is not UTF-8"))?;
        let sizes = column("size")?.as_primitive_opt::<Int64Type>().ok_or_else(|| damaged("a size of another type"))?;
        let stats = text("stats")?;
        let rows = stats
            .as_deref()
            .and_then(|stats| serde_json::from_str::<serde_json::Value>(stats).ok())
            .and_then(|stats| stats.get("numRecords").and_then(serde_json::Value::as_u64));
        let mut values = BTreeMap::new();
        let constants = column("fileConstantValues")?.as_struct_opt();
        if let Some(map) = constants.and_then(|c| c.column_by_name("partitionValues")).and_then(|m| m.as_map_opt()) {
            let entries = map.value(row);
            let (keys, texts) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
            for entry in 0..entries.len() {
                let value = texts.is_valid(entry).then(|| texts.value(entry).to_owned());
                // Delta's empty text is null.
                values.insert(keys.value(entry).to_owned(), value.filter(|value| !value.is_empty()));
            }
        }
        Ok(DataFile {
            path,
            size_bytes: u64::try_from(sizes.value(row)).unwrap_or(0),
            rows: rows.unwrap_or(0),
            partition: partition_by
                .iter()
                .map(|column| (column.clone(), values.get(column).cloned().flatten()))
                .collect(),
            stats,
        })
    }

    fn unsupported(&self, feature: String) -> LakeError {
        LakeError::Unsupported { asset: self.asset.clone(), feature, path: self.store.file(&self.table) }
    }

    fn damaged(&self, reason: String) -> LakeError {
        LakeError::Damaged { path: self.store.file(&self.table).join("_delta_log"), reason }
    }

    fn failed(&self, error: KernelError) -> LakeError {
        match error {
            KernelError::Unsupported(what) => self.unsupported(what),
            KernelError::ObjectStore(source) => {
                LakeError::store("reading the log in", &self.store.file(&self.table), source)
            }
            // The kernel's many other variants all say that the log cannot be read as a table.
            other => self.damaged(other.to_string()),
        }
    }
}

/// Runs the kernel on a thread without runtime context.
async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LakeError> + Send + 'static,
) -> Result<T, LakeError> {
    let (done, wait) = futures::channel::oneshot::channel();
    std::thread::Builder::new()
        .name("lockgate-log".to_owned())
        .spawn(move || {
            let _ = done.send(work());
        })
        .map_err(|error| LakeError::Task(error.to_string()))?;
    wait.await.map_err(|_| LakeError::Task("reading the log panicked".to_owned()))?
}

/// Runs futures on the calling thread. Calls may nest.
#[derive(Debug)]
struct InLine;

impl TaskExecutor for InLine {
    type Guard<'a> = ();

    fn block_on<T>(&self, task: T) -> T::Output
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        block_on(task)
    }

    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        std::thread::spawn(move || block_on(task));
    }

    fn spawn_blocking<T, R>(&self, task: T) -> BoxFuture<'_, delta_kernel::KernelResult<R>>
    where
        T: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        async move { Ok(task()) }.boxed()
    }

    fn enter(&self) -> Self::Guard<'_> {}
}

/// Unlike `futures::executor::block_on`, this one may be called while another call is under way on the same thread.
fn block_on<F: Future>(task: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut task = pin!(task);
    loop {
        match task.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

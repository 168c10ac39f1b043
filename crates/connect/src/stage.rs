//! Files into staged Parquet files: every worker parses pieces and encodes what it parsed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use lockgate_kind::Progress;
use lockgate_lake::{Layout, StageSet, StageWriter, StagedFiles, Table};
use lockgate_types::{Column, DataType, RejectedRows, Schema, VersionNumber};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::ConnectError;
use crate::input::Whole;
use crate::read::{Reader, Reject};
use crate::settings::Settings;
use crate::survey::Survey;
use crate::work::across;

/// Where staged rows go and what watches over it.
pub(crate) struct Staging {
    pub(crate) table: Table,
    pub(crate) rejects: Table,
    pub(crate) number: VersionNumber,
    pub(crate) layout: Layout,
    pub(crate) cluster_by: Vec<String>,
    pub(crate) threads: usize,
    pub(crate) progress: Progress,
    pub(crate) cancel: CancellationToken,
    pub(crate) runtime: Handle,
}

/// What was staged.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) files: StagedFiles,
    pub(crate) rejects: Option<RejectedRows>,
    pub(crate) rows_read: u64,
    /// One for each file of the survey.
    pub(crate) sources: Vec<Source>,
}

/// A file that was read whole.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) whole: Whole,
    pub(crate) rows: u64,
    pub(crate) rejected: u64,
}

/// The columns of every rejects table.
pub(crate) fn reject_schema() -> Schema {
    let column = |name: &str, data_type| Column::new(name, data_type);
    Schema {
        columns: vec![
            column("_file", DataType::String),
            column("_line", DataType::Bigint),
            column("_raw", DataType::String),
            column("_reason", DataType::String),
        ],
    }
}

/// A file while it is read, by one worker or several.
#[derive(Default)]
struct Slot {
    reader: OnceLock<Arc<dyn Reader>>,
    counts: Mutex<(u64, u64)>,
}

struct Shared<'a> {
    staging: &'a Staging,
    settings: &'a Settings,
    survey: &'a Survey,
    slots: Vec<Slot>,
    next: AtomicUsize,
    set: StageSet,
    rejects: Mutex<Rejects>,
    /// One worker failed: the others stop as well.
    stop: CancellationToken,
}

/// Reads every file of the survey and stages its rows. Blocking.
pub(crate) fn stage(staging: &Staging, settings: &Settings, survey: &Survey) -> Result<Staged, ConnectError> {
    let shared = Shared {
        staging,
        settings,
        survey,
        slots: (0..survey.len()).map(|_| Slot::default()).collect(),
        next: AtomicUsize::new(0),
        set: staging.table.stage_set(staging.number, &survey.schema, staging.layout.clone()),
        rejects: Mutex::new(Rejects { table: staging.rejects.clone(), number: staging.number, writer: None, rows: 0 }),
        stop: staging.cancel.child_token(),
    };
    let parts = across(staging.threads, |worker| {
        let result = shared.work(worker);
        if result.is_err() {
            shared.stop.cancel();
        }
        result
    })?;
    let mut sources = Vec::with_capacity(shared.slots.len());
    for (index, slot) in shared.slots.iter().enumerate() {
        let Some(reader) = slot.reader.get() else {
            return Err(ConnectError::Broken { what: format!("{} was not read", survey.name(index)) });
        };
        let (rows, rejected) = *slot.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if rows > 0
            && let Some(name) = reader.lacking().first()
        {
            return Err(survey.lacks(index, name));
        }
        sources.push(Source { whole: reader.whole()?, rows, rejected });
    }
    let rejects = shared.rejects.into_inner().unwrap_or_else(PoisonError::into_inner).finish(&staging.runtime)?;
    let rows_read = sources.iter().map(|source| source.rows).sum();
    Ok(Staged { files: StagedFiles::merge(parts), rejects, rows_read, sources })
}

impl Shared<'_> {
    fn work(&self, worker: usize) -> Result<StagedFiles, ConnectError> {
        let mut sink = Sink {
            writer: self.set.writer(worker),
            cluster_by: &self.staging.cluster_by,
            held: Vec::new(),
            held_bytes: 0,
        };
        // First every file has one worker; who finds none left helps with those that are still being read.
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = self.slots.get(index) else { break };
            let reader = self.survey.open(index, self.settings)?;
            let reader = slot.reader.get_or_init(|| reader);
            self.drain(worker, index, reader, &mut sink)?;
        }
        for (index, slot) in self.slots.iter().enumerate() {
            if let Some(reader) = slot.reader.get() {
                self.drain(worker, index, reader, &mut sink)?;
            }
        }
        sink.flush()?;
        Ok(self.staging.runtime.block_on(sink.writer.finish())?)
    }

    fn drain(
        &self,
        worker: usize,
        index: usize,
        reader: &Arc<dyn Reader>,
        sink: &mut Sink<'_>,
    ) -> Result<(), ConnectError> {
        loop {
            if self.stop.is_cancelled() {
                return Err(ConnectError::Interrupted);
            }
            let Some(piece) = reader.next(worker)? else { return Ok(()) };
            {
                let mut counts = self.slots[index].counts.lock().unwrap_or_else(PoisonError::into_inner);
                counts.0 += piece.rows_read();
                counts.1 += piece.rejects.len() as u64;
            }
            if !piece.rejects.is_empty() {
                let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
                rejects.write(self.survey.name(index), &piece.rejects)?;
            }
            if piece.batch.num_rows() > 0 {
                self.staging.progress.add_rows(piece.batch.num_rows());
                sink.write(piece.batch)?;
            }
        }
    }
}

/// A worker's writer. With `cluster_by`, rows are sorted in runs before they are written, so that row groups have
/// narrow ranges.
struct Sink<'a> {
    writer: StageWriter,
    cluster_by: &'a [String],
    held: Vec<RecordBatch>,
    held_bytes: usize,
}

/// How much a worker sorts at once.
const RUN_BYTES: usize = 64 << 20;

impl Sink<'_> {
    fn write(&mut self, batch: RecordBatch) -> Result<(), ConnectError> {
        if self.cluster_by.is_empty() {
            return Ok(self.writer.write(&batch)?);
        }
        self.held_bytes += batch.get_array_memory_size();
        self.held.push(batch);
        if self.held_bytes >= RUN_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ConnectError> {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let Some(first) = held.first() else { return Ok(()) };
        let broken =
            |error: arrow::error::ArrowError| ConnectError::Broken { what: format!("sorting failed: {error}") };
        let run = concat_batches(first.schema_ref(), &held).map_err(broken)?;
        drop(held);
        let options = Some(SortOptions { descending: false, nulls_first: false });
        let by: Vec<SortColumn> = self
            .cluster_by
            .iter()
            .filter_map(|name| run.column_by_name(name))
            .map(|values| SortColumn { values: values.clone(), options })
            .collect();
        let sorted = if by.is_empty() {
            run
        } else {
            let order = lexsort_to_indices(&by, None).map_err(broken)?;
            take_record_batch(&run, &order).map_err(broken)?
        };
        Ok(self.writer.write(&sorted)?)
    }
}

/// The rejected rows of all workers; few, so one writer takes them.
struct Rejects {
    table: Table,
    number: VersionNumber,
    writer: Option<StageWriter>,
    rows: u64,
}

impl Rejects {
    fn write(&mut self, file: &str, rejects: &[Reject]) -> Result<(), ConnectError> {
        let schema = reject_schema();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rejects.iter().map(|_| file))),
            Arc::new(Int64Array::from_iter_values(
                rejects.iter().map(|reject| i64::try_from(reject.line).unwrap_or(i64::MAX)),
            )),
            Arc::new(StringArray::from_iter_values(rejects.iter().map(|reject| &reject.raw))),
            Arc::new(StringArray::from_iter_values(rejects.iter().map(|reject| &reject.reason))),
        ];
        let batch = RecordBatch::try_new(schema.to_arrow(), columns)
            .map_err(|error| ConnectError::Broken { what: format!("the rejects are not whole: {error}") })?;
        let (table, number) = (&self.table, self.number);
        let writer = self.writer.get_or_insert_with(|| table.stage(number, &schema, Layout::default()));
        writer.write(&batch)?;
        self.rows += rejects.len() as u64;
        Ok(())
    }

    fn finish(self, runtime: &Handle) -> Result<Option<RejectedRows>, ConnectError> {
        let Some(writer) = self.writer else { return Ok(None) };
        let staged = runtime.block_on(writer.finish())?;
        Ok(Some(RejectedRows { rows: self.rows, files: staged.files, schema: reject_schema() }))
    }
}

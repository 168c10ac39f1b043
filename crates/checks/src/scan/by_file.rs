//! The fused scan, file by file: what was found in a file before is taken from there, the other files are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::StreamExt;
use lockgate_engine::{BatchStream, PinnedTable, Session};
use lockgate_types::{Column, DataFile, DataType};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::worker::{Plan, Worker};
use super::{Predicates, ScanResult, StopOnDrop};
use crate::parts::{Part, Parts};
use crate::{Check, ChecksError, sql};

/// The column that says which file a row is in.
const FILE: &str = "__lockgate_file";

/// The schema under which the files that are read stand.
const AUDIT: &str = "lockgate_audit";

/// What a scan by files goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByFile<'a> {
    pub(crate) candidate: &'a PinnedTable,
    pub(crate) known: &'a Parts,
    /// Of parts that are good.
    pub(crate) fingerprint: &'a str,
}

/// Scans the candidate's files of which nothing is known. Also answers what is known of every file then.
pub(crate) async fn scan_files(
    session: &Session,
    by: ByFile<'_>,
    checks: &[Check],
) -> Result<(ScanResult, Parts), ChecksError> {
    let schema = &by.candidate.schema;
    let mut predicates = Predicates::default();
    let plan = Arc::new(Plan::of(checks, schema, &BTreeSet::new(), &mut predicates));
    let mut workers: BTreeMap<usize, Worker> = BTreeMap::new();
    for (at, file) in by.candidate.files.iter().enumerate() {
        let known = by.known.good(&file.path, by.fingerprint);
        if let Some(worker) = known.and_then(|stored| Worker::of(stored, plan.clone())) {
            workers.insert(at, worker);
        }
    }
    let read: Vec<(usize, &DataFile)> =
        by.candidate.files.iter().enumerate().filter(|(at, _)| !workers.contains_key(at)).collect();
    let mut parts = Parts::default();
    for (at, worker) in &workers {
        keep(&mut parts, by, *at, worker);
    }
    if !read.is_empty() {
        session.register_as(AUDIT, "read", numbered(by.candidate, &read))?;
        let names = schema.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let extra = predicates.texts.iter().map(|text| format!(", {} as x", sql::expression(text)));
        let extra: String = extra.enumerate().map(|(at, text)| format!("{text}{at}")).collect();
        let query = format!("select {}{extra}, \"{FILE}\" from {AUDIT}.read", sql::names(&names));
        for (at, worker) in consume(session.partitions(&query).await?, &plan).await? {
            keep(&mut parts, by, at, &worker);
            workers.insert(at, worker);
        }
    }
    let mut workers = workers.into_values();
    let mut all = workers.next().unwrap_or_else(|| Worker::new(plan.clone()));
    workers.for_each(|worker| all.merge(worker));
    Ok((all.finish(schema), parts))
}

fn keep(parts: &mut Parts, by: ByFile<'_>, at: usize, worker: &Worker) {
    if let Some(file) = by.candidate.files.get(at) {
        let part = Part { fingerprint: by.fingerprint.to_owned(), found: worker.stored() };
        parts.insert(file.path.clone(), part);
    }
}

/// These files, each row with the number of its file.
fn numbered(candidate: &PinnedTable, files: &[(usize, &DataFile)]) -> PinnedTable {
    let mut schema = candidate.schema.clone();
    schema.columns.push(Column::new(FILE, DataType::Bigint));
    let mut partition_by = candidate.partition_by.clone();
    partition_by.push(FILE.to_owned());
    let numbered = files.iter().map(|(at, file)| {
        let mut file = (*file).clone();
        file.partition.push((FILE.to_owned(), Some(at.to_string())));
        file
    });
    PinnedTable { schema, partition_by, files: Arc::new(numbered.collect()), ..candidate.clone() }
}

/// Reads every stream on a blocking thread of its own, as the scan of a whole table does. A file that several streams
/// divide has one worker at the end.
async fn consume(streams: Vec<BatchStream>, plan: &Arc<Plan>) -> Result<BTreeMap<usize, Worker>, ChecksError> {
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let runtime = Handle::current();
    let mut readers = JoinSet::new();
    for (at, stream) in streams.into_iter().enumerate() {
        let (plan, stopped, runtime) = (plan.clone(), stop.0.clone(), runtime.clone());
        readers.spawn_blocking(move || (at, runtime.block_on(read(stream, plan, &stopped))));
    }
    let mut found = Vec::new();
    while let Some(reader) = readers.join_next().await {
        let (at, workers) = reader.map_err(|error| ChecksError::Stopped(error.to_string()))?;
        found.push((at, workers?));
    }
    found.sort_by_key(|(at, _)| *at);
    let mut all: BTreeMap<usize, Worker> = BTreeMap::new();
    for (file, worker) in found.into_iter().flat_map(|(_, workers)| workers) {
        match all.get_mut(&file) {
            Some(ours) => ours.merge(worker),
            None => {
                all.insert(file, worker);
            }
        }
    }
    Ok(all)
}

async fn read(
    mut stream: BatchStream,
    plan: Arc<Plan>,
    stopped: &AtomicBool,
) -> Result<BTreeMap<usize, Worker>, ChecksError> {
    let mut workers: BTreeMap<usize, Worker> = BTreeMap::new();
    while let Some(batch) = stream.next().await {
        if stopped.load(Ordering::Relaxed) {
            return Err(ChecksError::Stopped("the audit was given up".to_owned()));
        }
        for (file, rows) in by_file(&batch?)? {
            workers.entry(file).or_insert_with(|| Worker::new(plan.clone())).add(&rows);
        }
    }
    Ok(workers)
}

/// A batch divided where its file changes, without the column that says which.
fn by_file(batch: &RecordBatch) -> Result<Vec<(usize, RecordBatch)>, ChecksError> {
    let broken = |what: &str| ChecksError::Stopped(format!("the scan by files {what}"));
    let Some(last) = batch.num_columns().checked_sub(1) else { return Err(broken("came without columns")) };
    let numbers = arrow::compute::cast(batch.column(last), &arrow::datatypes::DataType::Int64)
        .map_err(|error| broken(&error.to_string()))?;
    let numbers = numbers.as_primitive::<Int64Type>();
    if numbers.null_count() > 0 {
        return Err(broken("met a row of no file"));
    }
    let rows = batch
        .project(&(0..last).collect::<Vec<_>>())
        .map_err(|error| broken(&error.to_string()))?;
    let numbers = numbers.values();
    let mut runs = Vec::new();
    let mut start = 0;
    while start < numbers.len() {
        let number = numbers[start];
        // Most batches are of one file.
        let end = if numbers[numbers.len() - 1] == number {
            numbers.len()
        } else {
            numbers[start..].iter().position(|other| *other != number).map_or(numbers.len(), |length| start + length)
        };
        let file = usize::try_from(number).map_err(|_| broken("met a file without a number"))?;
        runs.push((file, rows.slice(start, end - start)));
        start = end;
    }
    Ok(runs)
}

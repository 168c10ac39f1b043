//! The fused scan: one pass over a candidate counts the failing rows of every row-local check, keeps sample rows,
//! and gathers the profile.
//!
//! The engine reads the columns and evaluates what people wrote in SQL (`expect`, `where`) as further columns of
//! one SELECT; everything else is done here, by kernels over whole columns of a batch. Each partition of the SELECT
//! is read on a blocking thread by a [`worker::Worker`] of its own; the workers are merged at the end.
//!
//! Two kinds that look beyond a row ride along while memory allows: `references` looks values up in a set that was read
//! before ([`known`]), and `unique` is proven by hashes that all differ ([`keys`]).

mod by_file;
mod cells;
mod keys;
mod known;
mod row_test;
mod samples;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use futures::StreamExt;
use lockgate_engine::{BatchStream, EngineError, Session};
use lockgate_types::{AssetName, Profile, Schema};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

pub(crate) use by_file::{ByFile, scan_files};
pub(crate) use cells::{Bytes, Cells, Data, key, with_bytes};
pub(crate) use row_test::{BatchRange, Bounds, RowTest, Set};
pub(crate) use samples::{KeySampler, RowSampler, sample_rows, text_of};
pub(crate) use worker::StoredWorker;

use crate::check::{KnownIn, Scanned};
use crate::{Check, ChecksError, sql};
use keys::Memory;
use known::KnownValues;
use worker::{Plan, Worker};

/// The newest value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newest {
    /// Days since 1970.
    Day(i32),
    /// Microseconds since 1970, UTC.
    Microsecond(i64),
}

/// What one pass found.
#[derive(Debug)]
pub(crate) struct ScanResult {
    pub(crate) rows: u64,
    /// For each check, whether it has a row test or not: its total at least.
    pub(crate) checks: Vec<Scanned>,
    pub(crate) profile: Profile,
}

/// The SQL that the engine evaluates beside the columns, each text once.
#[derive(Debug, Default)]
pub(crate) struct Predicates {
    pub(crate) texts: Vec<String>,
}

impl Predicates {
    fn index(&mut self, text: &str) -> usize {
        self.texts.iter().position(|other| other == text).unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        })
    }

    /// What goes after the columns of the SELECT.
    fn sql(&self) -> String {
        let texts = self.texts.iter().enumerate();
        texts.map(|(at, text)| format!(", {} as \"__lockgate_{at}\"", sql::expression(text))).collect()
    }
}

/// Scans `asset` once. Checks in `without` are left out: their SQL cannot be evaluated.
pub(crate) async fn scan(
    session: &Session,
    asset: &AssetName,
    schema: &Schema,
    checks: &[Check],
    without: &BTreeSet<usize>,
) -> Result<ScanResult, ChecksError> {
    let mut predicates = Predicates::default();
    let memory = Memory::new(session.reserve("lookups of checks"));
    let tests = row_tests(session, schema, checks, without, &memory).await;
    let plan = Arc::new(Plan::of(checks, schema, tests, without, Some(memory), &mut predicates));
    let query = format!("select *{} from {}", predicates.sql(), sql::table(asset));
    let streams = session.partitions(&query).await?;
    let mut workers = consume(streams, || Worker::new(plan.clone())).await?.into_iter();
    let mut all = workers.next().unwrap_or_else(|| Worker::new(plan.clone()));
    workers.for_each(|worker| all.merge(worker));
    let (schema, threads) = (schema.clone(), session.threads());
    let finished = tokio::task::spawn_blocking(move || all.finish(&schema, threads));
    finished.await.map_err(|error| ChecksError::Stopped(error.to_string()))
}

/// How the scan judges rows for each check. What a check looks up in another asset is read first; where that cannot be,
/// the check's own query does without the scan.
async fn row_tests(
    session: &Session,
    schema: &Schema,
    checks: &[Check],
    without: &BTreeSet<usize>,
    memory: &Memory,
) -> Vec<Option<RowTest>> {
    let mut tests = Vec::with_capacity(checks.len());
    for (at, check) in checks.iter().enumerate() {
        let test = match check.rule.known_in() {
            _ if without.contains(&at) => None,
            Some(looked_up) => known(session, schema, looked_up, memory).await.ok().flatten(),
            None => check.rule.row_test(),
        };
        tests.push(test);
    }
    tests
}

async fn known(
    session: &Session,
    schema: &Schema,
    looked_up: KnownIn<'_>,
    memory: &Memory,
) -> Result<Option<RowTest>, EngineError> {
    let KnownIn { column, asset, theirs } = looked_up;
    let Some(ours) = schema.column(column) else { return Ok(None) };
    let values = KnownValues::read(session, asset, theirs, &ours.data_type, memory).await?;
    Ok(values.map(|values| RowTest::Known { column: column.to_owned(), values: Arc::new(values) }))
}

/// Tells the readers to stop when the audit is given up.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the reader of a stream gathers.
trait Gather: Send + 'static {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), ChecksError>;
}

impl Gather for Worker {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), ChecksError> {
        self.count(batch);
        Ok(())
    }
}

/// Reads every stream on a blocking thread of its own: decoding and counting are work for the processor, which must
/// not hold up the runtime. What was gathered comes back in the order of the streams.
async fn consume<G: Gather>(streams: Vec<BatchStream>, new: impl Fn() -> G) -> Result<Vec<G>, ChecksError> {
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let runtime = Handle::current();
    let mut readers = JoinSet::new();
    for (at, stream) in streams.into_iter().enumerate() {
        let (gathered, stopped, runtime) = (new(), stop.0.clone(), runtime.clone());
        readers.spawn_blocking(move || (at, runtime.block_on(read(stream, gathered, &stopped))));
    }
    let mut all = Vec::new();
    while let Some(reader) = readers.join_next().await {
        let (at, gathered) = reader.map_err(|error| ChecksError::Stopped(error.to_string()))?;
        all.push((at, gathered?));
    }
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, gathered)| gathered).collect())
}

async fn read<G: Gather>(mut stream: BatchStream, mut gathered: G, stopped: &AtomicBool) -> Result<G, ChecksError> {
    while let Some(batch) = stream.next().await {
        if stopped.load(Ordering::Relaxed) {
            return Err(ChecksError::Stopped("the audit was given up".to_owned()));
        }
        gathered.add(&batch?)?;
    }
    Ok(gathered)
}

#[cfg(test)]
mod tests;

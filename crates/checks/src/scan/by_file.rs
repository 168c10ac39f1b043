//! The fused scan, file by file: what was found in a file before is taken from there, the other files are read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use lockgate_engine::{PinnedTable, Session};
use lockgate_types::{Column, DataFile, DataType};

use super::keys::Memory;
use super::worker::{Plan, StoredWorker, Worker};
use super::{Gather, Predicates, ScanResult, consume};
use crate::{Check, ChecksError, Parts, sql};

/// What one stream found in one file, packed: many files may wait here for the last one.
struct Piece {
    rows: u64,
    found: Vec<u8>,
}

/// The column that says which file a row is in; no column of an asset can have this name.
const FILE: &str = "__lockgate_file";

/// What a scan by files goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByFile<'a> {
    pub(crate) candidate: &'a PinnedTable,
    pub(crate) known: &'a Parts,
    /// Which parts are good.
    pub(crate) good_for: &'a str,
}

/// Scans the candidate's files of which nothing is known. Also answers what is known of its files then.
///
/// Cost: that of the scan of those files, and some microseconds for each column of the others. What was found waits in the
/// engine's memory; a file whose part finds no room there is not known afterwards.
pub(crate) async fn scan_files(
    session: &Session,
    by: ByFile<'_>,
    checks: &[Check],
) -> Result<(ScanResult, Parts), ChecksError> {
    let schema = &by.candidate.schema;
    let mut predicates = Predicates::default();
    // What is kept of a file says nothing of other files or assets.
    let tests = checks.iter().map(|check| check.rule.row_test()).collect();
    let plan = Arc::new(Plan::of(checks, schema, tests, &BTreeSet::new(), None, &mut predicates));
    let (mut all, mut parts) = (Worker::new(plan.clone()), Parts::default());
    let mut unknown = Vec::new();
    for (number, file) in by.candidate.files.iter().enumerate() {
        let known = by.known.found(file, by.good_for).filter(|known| known.rows == file.rows);
        if known.is_some_and(|known| all.merge_stored(known)) {
            parts.keep_from(by.known, file);
        } else {
            unknown.push((number, file));
        }
    }
    if !unknown.is_empty() {
        // Under the candidate's own name, which the SQL of checks may use; only here, where nothing else reads it.
        let session = session.fork();
        session.register(numbered(by.candidate, &unknown))?;
        let names = sql::names(&schema.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
        let (extra, table) = (predicates.sql(), sql::table(&by.candidate.name));
        let query = format!("select {names}{extra}, \"{FILE}\" from {table}");
        let streams = session.partitions(&query).await?;
        let memory = Memory::new(session.reserve("what is found in files"));
        let mut found: BTreeMap<usize, Vec<Piece>> = BTreeMap::new();
        for files in consume(streams, || FileWorkers::new(plan.clone(), memory.clone())).await? {
            let (whole, pieces) = files.finish();
            all.merge(whole);
            pieces.into_iter().for_each(|(number, piece)| found.entry(number).or_default().push(piece));
        }
        for (number, file) in unknown {
            let whole = found.remove(&number).and_then(|pieces| joined(pieces, &plan));
            if let Some(whole) = whole.filter(|whole| whole.rows == file.rows) {
                parts.keep(file, by.good_for, whole.found);
            }
        }
    }
    Ok((all.finish(schema, 1), parts))
}

/// These files, each row with the number of its file.
fn numbered(candidate: &PinnedTable, files: &[(usize, &DataFile)]) -> PinnedTable {
    let mut numbered = candidate.clone();
    numbered.schema.columns.push(Column::new(FILE, DataType::Bigint));
    numbered.partition_by.push(FILE.to_owned());
    let files = files.iter().map(|(number, file)| {
        let mut file = (*file).clone();
        file.partition.push((FILE.to_owned(), Some(number.to_string())));
        file
    });
    numbered.files = Arc::new(files.collect());
    numbered
}

/// One file's pieces, where several streams divided it.
fn joined(mut pieces: Vec<Piece>, plan: &Arc<Plan>) -> Option<Piece> {
    if pieces.len() == 1 {
        return pieces.pop();
    }
    let mut whole = Worker::new(plan.clone());
    let mut all = pieces.iter().map(|piece| StoredWorker::unpacked(&piece.found));
    all.all(|piece| piece.is_some_and(|piece| whole.merge_stored(piece))).then(|| Piece::of(&whole))
}

impl Piece {
    fn of(worker: &Worker) -> Piece {
        let stored = worker.stored();
        Piece { rows: stored.rows, found: stored.packed() }
    }
}

/// What one stream accumulates: a stream reads one file after the other.
struct FileWorkers {
    plan: Arc<Plan>,
    /// Of the files before.
    whole: Worker,
    pieces: Vec<(usize, Piece)>,
    current: Option<(usize, Worker)>,
    memory: Memory,
}

impl FileWorkers {
    fn new(plan: Arc<Plan>, memory: Memory) -> Self {
        FileWorkers { whole: Worker::new(plan.clone()), plan, pieces: Vec::new(), current: None, memory }
    }

    /// The worker of a file; that of the file before is packed and put away.
    fn of_file(&mut self, number: usize) -> &mut Worker {
        if self.current.as_ref().is_some_and(|(current, _)| *current != number) {
            self.put_away();
        }
        &mut self.current.get_or_insert_with(|| (number, Worker::new(self.plan.clone()))).1
    }

    fn put_away(&mut self) {
        if let Some((number, worker)) = self.current.take() {
            let piece = Piece::of(&worker);
            if self.memory.take(piece.found.len()) {
                self.pieces.push((number, piece));
            }
            self.whole.merge(worker);
        }
    }

    fn finish(mut self) -> (Worker, Vec<(usize, Piece)>) {
        self.put_away();
        (self.whole, self.pieces)
    }
}

impl Gather for FileWorkers {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), ChecksError> {
        let (numbers, rows) = divided(batch)?;
        let mut start = 0;
        while let Some(number) = numbers.get(start) {
            let length = numbers[start..].iter().take_while(|other| *other == number).count();
            let file = usize::try_from(*number).map_err(|_| broken("a file has no number"))?;
            self.of_file(file).count(&rows.slice(start, length));
            start += length;
        }
        Ok(())
    }
}

/// The numbers of the rows' files, and the rows without them.
fn divided(batch: &RecordBatch) -> Result<(Vec<i64>, RecordBatch), ChecksError> {
    let Some(last) = batch.num_columns().checked_sub(1) else { return Err(broken("there are no columns")) };
    let Some(numbers) = batch.column(last).as_primitive_opt::<Int64Type>().filter(|numbers| numbers.null_count() == 0)
    else {
        return Err(broken("rows are of no file"));
    };
    let rows = batch.project(&(0..last).collect::<Vec<_>>()).map_err(|error| broken(&error.to_string()))?;
    Ok((numbers.values().to_vec(), rows))
}

fn broken(what: &str) -> ChecksError {
    ChecksError::Stopped(format!("files were not told apart: {what}"))
}

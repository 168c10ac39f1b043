//! One of the writers of a version: routes rows to partitions, rolls files, syncs them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::file::{ClosedFile, OpenFile};
use super::partition::{Splitter, value_text};
use super::{SCRATCH, StagedFiles, Target};
use crate::LakeError;
use crate::codes::FILE_STAGED;
use crate::delta::path::folder_name;
use crate::store::blocking;

/// Batches of a partition wait until they are worth encoding.
const WAITING_ROWS: usize = 4096;
/// When the open files of partitions hold more than this, the largest is closed.
const OPEN_BYTES_MAX: usize = 192 * 1024 * 1024;
/// The same for the number of open files: the one that was idle longest is closed.
const OPEN_FILES_MAX: usize = 200;
/// Files are synced by so many threads at the end.
const SYNC_THREADS: usize = 8;

/// Writes files of its own. Use one per stream of rows; several may work on one version at once.
#[derive(Debug)]
pub struct StageWriter {
    target: Arc<Target>,
    index: usize,
    /// How many files were opened.
    sequence: usize,
    /// `None` until the first rows, and always when there are no partition columns.
    splitter: Option<Splitter>,
    partitions: Vec<Partition>,
    /// Files that are closed; a thread syncs each.
    syncing: Vec<JoinHandle<Result<ClosedFile, LakeError>>>,
    /// Counts writes, to tell which partition was idle longest.
    tick: u64,
}

#[derive(Debug, Default)]
struct Partition {
    values: Vec<(String, Option<String>)>,
    file: Option<OpenFile>,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    /// Of the open file and of what waits, when it was last looked at.
    buffered_bytes: usize,
    last_tick: u64,
}

impl StageWriter {
    pub(super) fn new(target: Arc<Target>, index: usize) -> StageWriter {
        target.writers.fetch_add(1, Ordering::Relaxed);
        StageWriter { target, index, sequence: 0, splitter: None, partitions: Vec::new(), syncing: Vec::new(), tick: 0 }
    }

    /// Encodes on the calling thread: about a millisecond for 8,192 rows of 16 columns.
    ///
    /// The columns are the version's, in order, with the Arrow types of [`lockgate_types::Schema::to_arrow`]. Strings and binary
    /// may also come as views, large, or dictionaries, which saves a cast.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.check(batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.tick += 1;
        if self.target.partition.is_empty() {
            if self.partitions.is_empty() {
                self.partitions.push(Partition::default());
            }
            return self.encode(0, batch);
        }
        let keys: Vec<ArrayRef> = self.target.partition.iter().map(|index| batch.column(*index).clone()).collect();
        let stored = batch.project(&self.target.stored).map_err(|error| self.misfit(&error))?;
        let splitter = match &mut self.splitter {
            Some(splitter) => splitter,
            empty => empty.insert(Splitter::new(&keys).map_err(|error| misfit(&self.target, &error))?),
        };
        for (number, rows) in splitter.split(&keys).map_err(|error| misfit(&self.target, &error))? {
            if number == self.partitions.len() {
                let values = partition_values(&self.target, &keys, rows.first())?;
                self.partitions.push(Partition { values, ..Partition::default() });
            }
            let rows = rows.of(&stored).map_err(|error| misfit(&self.target, &error))?;
            let partition = &mut self.partitions[number];
            partition.waiting_rows += rows.num_rows();
            partition.buffered_bytes += rows.get_array_memory_size();
            partition.last_tick = self.tick;
            partition.waiting.push(rows);
            if self.partitions[number].waiting_rows >= WAITING_ROWS {
                self.encode_waiting(number)?;
            }
        }
        self.bound_memory()
    }

    /// Closes the files and waits until they are on disk.
    pub async fn finish(self) -> Result<StagedFiles, LakeError> {
        blocking(move || self.finish_blocking()).await
    }

    /// What it holds in memory.
    pub fn buffered_bytes(&self) -> usize {
        self.partitions.iter().map(|partition| partition.buffered_bytes).sum()
    }

    fn finish_blocking(mut self) -> Result<StagedFiles, LakeError> {
        let mut closed = Vec::new();
        for number in 0..self.partitions.len() {
            self.encode_waiting(number)?;
            closed.extend(self.close(number)?);
        }
        let mut files = sync_files(closed)?;
        for thread in std::mem::take(&mut self.syncing) {
            files.push(thread.join().map_err(|_| LakeError::Task("syncing a staged file panicked".to_owned()))??);
        }
        let folders: BTreeSet<PathBuf> = files.iter().filter_map(|file| Some(file.path.parent()?.to_owned())).collect();
        for folder in &folders {
            self.target
                .store
                .disk()
                .sync_folder(folder)
                .map_err(|source| LakeError::io("syncing folder", folder, source))?;
        }
        for _ in &files {
            self.target.faults.pass(&FILE_STAGED)?;
        }
        let mut staged = StagedFiles::default();
        for file in files {
            staged.rows += file.data.rows;
            staged.size_bytes += file.data.size_bytes;
            staged.files.push(file.data);
        }
        staged.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(staged)
    }

    fn encode_waiting(&mut self, number: usize) -> Result<(), LakeError> {
        let partition = &mut self.partitions[number];
        let waiting = std::mem::take(&mut partition.waiting);
        partition.waiting_rows = 0;
        match waiting.as_slice() {
            [] => Ok(()),
            [one] => self.encode(number, one),
            several => {
                let whole = arrow::compute::concat_batches(several[0].schema_ref(), several)
                    .map_err(|error| self.misfit(&error))?;
                self.encode(number, &whole)
            }
        }
    }

    fn encode(&mut self, number: usize, rows: &RecordBatch) -> Result<(), LakeError> {
        let threads = self.threads();
        let partition = &mut self.partitions[number];
        let file = match &mut partition.file {
            Some(file) => file,
            empty => {
                let mut relative = format!("_lockgate/v{}", self.target.number);
                if self.target.layout.is_scratch {
                    relative.push('/');
                    relative.push_str(SCRATCH);
                }
                for (column, value) in &partition.values {
                    relative.push('/');
                    relative.push_str(&folder_name(column, value.as_deref()));
                }
                relative.push_str(&format!("/part-{}-{}.parquet", self.index, self.sequence));
                self.sequence += 1;
                empty.insert(OpenFile::create(&self.target, relative, rows)?)
            }
        };
        file.write(rows, threads)?;
        partition.last_tick = self.tick;
        partition.buffered_bytes = file.buffered_bytes();
        if file.size_bytes() >= self.target.layout.target_file_bytes {
            self.roll(number)?;
        }
        Ok(())
    }

    /// A writer that is alone shares its columns out. Not with partitions: what waits would be kept once for each.
    pub(super) fn threads(&self) -> usize {
        let alone = self.target.writers.load(Ordering::Relaxed) == 1;
        if alone && self.target.partition.is_empty() { self.target.layout.threads.max(1) } else { 1 }
    }

    fn close(&mut self, number: usize) -> Result<Option<ClosedFile>, LakeError> {
        let partition = &mut self.partitions[number];
        let Some(file) = partition.file.take() else { return Ok(None) };
        partition.buffered_bytes = 0;
        file.close(partition.values.clone()).map(Some)
    }

    /// Closes a file while more rows come; syncing it does not keep them waiting.
    fn roll(&mut self, number: usize) -> Result<(), LakeError> {
        if let Some(closed) = self.close(number)? {
            self.syncing.push(std::thread::spawn(move || sync_file(closed)));
        }
        Ok(())
    }

    fn bound_memory(&mut self) -> Result<(), LakeError> {
        while self.buffered_bytes() > OPEN_BYTES_MAX {
            let largest = (0..self.partitions.len()).max_by_key(|number| self.partitions[*number].buffered_bytes);
            let Some(largest) = largest else { break };
            self.encode_waiting(largest)?;
            self.roll(largest)?;
        }
        while self.partitions.iter().filter(|partition| partition.file.is_some()).count() > OPEN_FILES_MAX {
            let open = (0..self.partitions.len()).filter(|number| self.partitions[*number].file.is_some());
            let Some(idle) = open.min_by_key(|number| self.partitions[*number].last_tick) else { break };
            self.encode_waiting(idle)?;
            self.roll(idle)?;
        }
        Ok(())
    }

    fn check(&self, batch: &RecordBatch) -> Result<(), LakeError> {
        let target = &self.target;
        if let Some((column, reason)) = &target.problem {
            return Err(LakeError::Partition {
                asset: target.asset.clone(),
                column: column.clone(),
                reason: reason.clone(),
            });
        }
        let fields = target.columns.fields();
        if batch.num_columns() != fields.len() {
            let reason = format!("{} columns were announced, {} came", fields.len(), batch.num_columns());
            return Err(LakeError::Schema { asset: target.asset.clone(), reason });
        }
        for (field, column) in fields.iter().zip(batch.columns()) {
            if !fits(column.data_type(), field.data_type()) {
                let reason =
                    format!("column `{}` should be {}, but is {}", field.name(), field.data_type(), column.data_type());
                return Err(LakeError::Schema { asset: target.asset.clone(), reason });
            }
        }
        Ok(())
    }

    fn misfit(&self, error: &ArrowError) -> LakeError {
        misfit(&self.target, error)
    }
}

impl Drop for StageWriter {
    fn drop(&mut self) {
        self.target.writers.fetch_sub(1, Ordering::Relaxed);
    }
}

fn misfit(target: &Target, error: &ArrowError) -> LakeError {
    LakeError::Schema { asset: target.asset.clone(), reason: error.to_string() }
}

/// Whether a column of this type can be encoded as the other.
fn fits(given: &DataType, wanted: &DataType) -> bool {
    match (given, wanted) {
        (DataType::Dictionary(_, values), wanted) => fits(values, wanted),
        (DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8)
        | (DataType::LargeBinary | DataType::BinaryView, DataType::Binary) => true,
        _ => given.equals_datatype(wanted),
    }
}

fn partition_values(
    target: &Target,
    keys: &[ArrayRef],
    row: usize,
) -> Result<Vec<(String, Option<String>)>, LakeError> {
    let columns = target.layout.partition_by.iter().zip(keys);
    columns
        .map(|(column, key)| match value_text(key, row) {
            Ok(text) => Ok((column.clone(), text)),
            Err(reason) => Err(LakeError::Partition { asset: target.asset.clone(), column: column.clone(), reason }),
        })
        .collect()
}

fn sync_file(file: ClosedFile) -> Result<ClosedFile, LakeError> {
    file.file.sync().map_err(|source| LakeError::io("syncing", &file.path, source))?;
    Ok(file)
}

/// Waiting for the disk takes no core, so files are synced side by side.
fn sync_files(files: Vec<ClosedFile>) -> Result<Vec<ClosedFile>, LakeError> {
    let mut shares: Vec<Vec<ClosedFile>> = (0..SYNC_THREADS.min(files.len())).map(|_| Vec::new()).collect();
    let count = shares.len();
    for (at, file) in files.into_iter().enumerate() {
        shares[at % count].push(file);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(|| share.into_iter().map(sync_file).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut synced = Vec::new();
        for thread in threads {
            synced.extend(thread.join().map_err(|_| LakeError::Task("syncing a staged file panicked".to_owned()))??);
        }
        Ok(synced)
    })
}

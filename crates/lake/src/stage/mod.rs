//! Writing a version's Parquet files where no reader sees them: under `_lockgate/vN/`.
//!
//! How the files are encoded was measured; see [`encoding`] for the choices and their numbers.

mod encoder;
mod encoding;
mod file;
mod partition;
mod stats;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use lockgate_types::{AssetName, DataFile, Faults, Schema, VersionNumber};
use object_store::path::Path;

pub(crate) use partition::value_array;
pub use writer::StageWriter;

use crate::store::Store;

/// The folder, below a version's, of files that a build needs meanwhile.
pub(crate) const SCRATCH: &str = "scratch";

/// How a version's rows are laid out in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns that are not stored in the files but in the names of their folders, and in the log.
    pub partition_by: Vec<String>,
    /// A file is closed when it has grown to about this size.
    pub target_file_bytes: u64,
    /// Files that a build needs meanwhile and no version lists.
    pub is_scratch: bool,
    /// How many threads encode the columns of a version that has a single writer.
    pub threads: usize,
}

impl Default for Layout {
    fn default() -> Self {
        // More than two find too little to do: half of the work is in one or two columns of text.
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2));
        Layout { partition_by: Vec::new(), target_file_bytes: 128 * 1024 * 1024, is_scratch: false, threads }
    }
}

/// What a writer, or all writers of a version, staged. The files are on disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StagedFiles {
    pub files: Vec<DataFile>,
    pub rows: u64,
    pub size_bytes: u64,
}

impl StagedFiles {
    /// The files of several writers of one version.
    pub fn merge(parts: impl IntoIterator<Item = StagedFiles>) -> StagedFiles {
        parts.into_iter().fold(StagedFiles::default(), |mut all, part| {
            all.files.extend(part.files);
            all.rows += part.rows;
            all.size_bytes += part.size_bytes;
            all
        })
    }
}

/// One version being staged, by any number of writers in parallel. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StageSet {
    target: Arc<Target>,
}

impl StageSet {
    /// A writer of its own files, `part-INDEX-SEQ.parquet`. An index is used once: a file that exists is never
    /// overwritten.
    pub fn writer(&self, index: usize) -> StageWriter {
        StageWriter::new(self.target.clone(), index)
    }

    pub(crate) fn new(
        store: Store,
        faults: Arc<Faults>,
        asset: AssetName,
        table: Path,
        number: VersionNumber,
        schema: &Schema,
        layout: Layout,
    ) -> StageSet {
        let columns = schema.to_arrow();
        let partition: Vec<usize> = layout.partition_by.iter().filter_map(|name| columns.index_of(name).ok()).collect();
        let stored: Vec<usize> = (0..columns.fields().len()).filter(|index| !partition.contains(index)).collect();
        let stored_fields: Vec<_> = stored.iter().map(|index| columns.fields()[*index].clone()).collect();
        let problem = partition::problem(schema, &layout.partition_by);
        let stored_schema = Arc::new(ArrowSchema::new(stored_fields));
        let target = Target {
            store,
            faults,
            asset,
            table,
            number,
            schema: schema.clone(),
            columns,
            partition,
            stored,
            stored_schema,
            layout,
            problem,
            writers: AtomicUsize::new(0),
        };
        StageSet { target: Arc::new(target) }
    }
}

/// What the writers of one version share.
#[derive(Debug)]
pub(crate) struct Target {
    store: Store,
    faults: Arc<Faults>,
    asset: AssetName,
    /// The table's folder in the store.
    table: Path,
    number: VersionNumber,
    schema: Schema,
    columns: SchemaRef,
    /// Indices of the partition columns in `columns`, in the order of `layout.partition_by`.
    partition: Vec<usize>,
    /// Indices of the other columns.
    stored: Vec<usize>,
    /// The columns of the files.
    stored_schema: SchemaRef,
    layout: Layout,
    /// Why this layout cannot be: the column and the reason. Answered by the first write.
    problem: Option<(String, String)>,
    /// Writers that are at work.
    writers: AtomicUsize,
}

#[cfg(test)]
mod tests;

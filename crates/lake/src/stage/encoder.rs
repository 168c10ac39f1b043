//! Encodes batches into a Parquet file, column by column, by one thread or several.
//!
//! The crate's own `ArrowWriter` encodes on the calling thread alone. When a version has several writers that is right:
//! each has a core. The rows of one stream (sorted ones, say) would leave the others idle, so the columns of some tens of
//! thousands of rows are shared out.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::encoding::{ROW_GROUP_BYTES, ROW_GROUP_ROWS};
use super::stats::{ColumnStatistics, Statistics};
use crate::LakeError;
use crate::store::DiskFile;

/// So many rows are encoded at once by several threads; starting one costs less than a hundredth of that.
const SHARED_ROWS: usize = 32 * 1024;

pub(super) struct Encoder {
    file: SerializedFileWriter<DiskFile>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    statistics: Statistics,
    /// The columns of the open row group, each with the writers of its leaves; empty when none is open.
    columns: Vec<Vec<ArrowColumnWriter>>,
    /// In the open row group.
    rows: usize,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
}

impl Encoder {
    pub(super) fn new(
        file: DiskFile,
        schema: SchemaRef,
        mut properties: WriterProperties,
        statistics: Statistics,
    ) -> Result<Encoder, ParquetError> {
        let stored = ArrowSchemaConverter::new().convert(&schema)?;
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let file = SerializedFileWriter::new(file, stored.root_schema_ptr(), Arc::new(properties))?;
        let factory = ArrowRowGroupWriterFactory::new(&file, schema.clone());
        Ok(Encoder {
            file,
            factory,
            schema,
            statistics,
            columns: Vec::new(),
            rows: 0,
            waiting: Vec::new(),
            waiting_rows: 0,
        })
    }

    /// With more than one thread, rows wait until it is worth sharing them out.
    pub(super) fn write(&mut self, batch: &RecordBatch, threads: usize) -> Result<(), ParquetError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let length = (batch.num_rows() - start).min(SHARED_ROWS);
            self.waiting.push(batch.slice(start, length));
            self.waiting_rows += length;
            start += length;
            if threads == 1 || self.waiting_rows >= SHARED_ROWS {
                self.encode_waiting(threads)?;
            }
        }
        Ok(())
    }

    fn encode_waiting(&mut self, threads: usize) -> Result<(), ParquetError> {
        let batches = std::mem::take(&mut self.waiting);
        let rows = std::mem::take(&mut self.waiting_rows);
        if rows == 0 {
            return Ok(());
        }
        if self.columns.is_empty() {
            self.open_row_group()?;
        }
        self.statistics.add_rows(rows);
        self.encode(&batches, if rows < SHARED_ROWS / 4 { 1 } else { threads })?;
        self.rows += rows;
        if self.rows >= ROW_GROUP_ROWS || self.row_group_bytes() >= ROW_GROUP_BYTES {
            self.close_row_group()?;
        }
        Ok(())
    }

    fn encode(&mut self, batches: &[RecordBatch], threads: usize) -> Result<(), ParquetError> {
        let mut statistics = self.statistics.columns_mut();
        let fields = self.schema.fields().iter().enumerate();
        let work = fields.zip(&mut self.columns).map(|((index, field), writers)| Work {
            index,
            field,
            writers,
            statistics: statistics.next(),
        });
        if threads == 1 {
            return work.into_iter().try_for_each(|mut work| work.encode(batches));
        }
        let mut work: Vec<Work<'_>> = work.collect();
        // Texts take longest, so that they are begun first; the list is taken from its end.
        work.sort_by_key(|work| work.field.data_type().primitive_width().is_none());
        share_out(work, batches, threads)
    }

    fn open_row_group(&mut self) -> Result<(), ParquetError> {
        let writers = self.factory.create_column_writers(self.file.flushed_row_groups().len())?;
        let roots: Vec<usize> = {
            let stored = self.file.schema_descr();
            (0..stored.num_columns()).map(|leaf| stored.get_column_root_idx(leaf)).collect()
        };
        self.columns = self.schema.fields().iter().map(|_| Vec::new()).collect();
        for (writer, root) in writers.into_iter().zip(roots) {
            self.columns[root].push(writer);
        }
        Ok(())
    }

    fn close_row_group(&mut self) -> Result<(), ParquetError> {
        let columns = std::mem::take(&mut self.columns);
        self.rows = 0;
        if columns.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for writer in columns.into_iter().flatten() {
            writer.close()?.append_to_row_group(&mut group)?;
        }
        group.close().map(|_| ())
    }

    fn row_group_bytes(&self) -> usize {
        self.columns.iter().flatten().map(ArrowColumnWriter::get_estimated_total_bytes).sum()
    }

    /// How large the file would be if it were closed now.
    pub(super) fn size_bytes(&self) -> u64 {
        (self.file.bytes_written() + self.row_group_bytes()) as u64
    }

    /// What it holds in memory.
    pub(super) fn buffered_bytes(&self) -> usize {
        let encoded: usize = self.columns.iter().flatten().map(ArrowColumnWriter::memory_size).sum();
        encoded + self.waiting.iter().map(RecordBatch::get_array_memory_size).sum::<usize>()
    }

    /// Writes what waits and the footer. Answers the file, not yet synced, and its size.
    pub(super) fn finish(mut self, path: &Path) -> Result<(DiskFile, u64, Statistics), LakeError> {
        let footer = self.footer().map_err(|error| encode_error(path, error))?;
        self.statistics.absorb(&footer);
        let size_bytes = self.file.bytes_written() as u64;
        // `into_inner` would hide an I/O error in a text.
        let file = self.file.inner().again().map_err(|source| LakeError::io("syncing", path, source))?;
        Ok((file, size_bytes, self.statistics))
    }

    fn footer(&mut self) -> Result<ParquetMetaData, ParquetError> {
        self.encode_waiting(1)?;
        self.close_row_group()?;
        self.file.finish()
    }
}

/// One column of some batches.
struct Work<'a> {
    index: usize,
    field: &'a Field,
    writers: &'a mut Vec<ArrowColumnWriter>,
    statistics: Option<&'a mut ColumnStatistics>,
}

impl Work<'_> {
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<(), ParquetError> {
        for batch in batches {
            let column = batch.column(self.index);
            if let Some(statistics) = &mut self.statistics {
                statistics.update(column);
            }
            for (writer, leaf) in self.writers.iter_mut().zip(compute_leaves(self.field, column)?) {
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }
}

/// The calling thread takes part.
fn share_out(work: Vec<Work<'_>>, batches: &[RecordBatch], threads: usize) -> Result<(), ParquetError> {
    let left = Mutex::new(work);
    let take = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let run = || {
        while let Some(mut work) = take() {
            work.encode(batches)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        let panicked = || ParquetError::General("encoding a column panicked".to_owned());
        helpers.into_iter().map(|helper| helper.join().map_err(|_| panicked())?).fold(own, Result::and)
    })
}

/// An I/O error inside (a full disk) is told as one.
pub(super) fn encode_error(path: &Path, error: ParquetError) -> LakeError {
    if let ParquetError::External(source) = &error
        && let Some(io) = source.downcast_ref::<std::io::Error>()
    {
        return LakeError::io("writing", path, std::io::Error::new(io.kind(), io.to_string()));
    }
    LakeError::Encode { path: path.to_owned(), reason: error.to_string() }
}

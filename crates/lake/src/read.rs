//! Small reads: previews and tests. Queries go through the engine.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use bytes::Bytes;
use lockgate_types::{DataFile, Schema};
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;

use crate::stage::value_array;
use crate::store::blocking;
use crate::{LakeError, Table};

/// Of one batch.
const BATCH_ROWS: usize = 8192;

impl Table {
    /// The rows of `files`, in their order, at most `limit`. A column that a file does not have is null there.
    ///
    /// # Errors
    /// [`LakeError::Missing`] and [`LakeError::Damaged`] name the file.
    pub async fn read(
        &self,
        files: &[DataFile],
        schema: &Schema,
        partition_by: &[String],
        limit: Option<usize>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let mut left = limit.unwrap_or(usize::MAX);
        let mut batches = Vec::new();
        for file in files {
            if left == 0 {
                break;
            }
            let read = self.read_file(file, schema, partition_by, left).await?;
            left -= read.iter().map(RecordBatch::num_rows).sum::<usize>().min(left);
            batches.extend(read);
        }
        Ok(batches)
    }

    async fn read_file(
        &self,
        file: &DataFile,
        schema: &Schema,
        partition_by: &[String],
        limit: usize,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let damaged_path = self.store.file(&self.prefix()).join(&file.path);
        let damaged = |reason: String| LakeError::Damaged { path: damaged_path.clone(), reason };
        let location = format!("{}/{}", self.prefix(), file.path);
        let location = Path::parse(&location).map_err(|error| damaged(error.to_string()))?;
        let found = self.store.objects().get(&location).await;
        let found = found.map_err(|source| LakeError::store("reading", &damaged_path, source))?;
        let content = match found.payload {
            GetResultPayload::File(opened, _) => Content::File(opened),
            GetResultPayload::Stream(_) => {
                let bytes = self.store.get(&location).await?;
                Content::Bytes(bytes.ok_or_else(|| LakeError::Missing { path: damaged_path.clone() })?)
            }
        };
        let (file, schema, partition_by) = (file.clone(), schema.clone(), partition_by.to_vec());
        blocking(move || {
            let read = match content {
                Content::File(opened) => rows(opened, &file, &schema, &partition_by, limit),
                Content::Bytes(bytes) => rows(bytes, &file, &schema, &partition_by, limit),
            };
            read.map_err(|reason| LakeError::Damaged { path: damaged_path, reason })
        })
        .await
    }
}

enum Content {
    File(std::fs::File),
    Bytes(Bytes),
}

fn rows(
    content: impl ChunkReader + 'static,
    file: &DataFile,
    schema: &Schema,
    partition_by: &[String],
    limit: usize,
) -> Result<Vec<RecordBatch>, String> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(content).map_err(|error| error.to_string())?;
    let names = schema.columns.iter().map(|column| column.name.as_str());
    let wanted = ProjectionMask::columns(builder.parquet_schema(), names);
    let reader: ParquetRecordBatchReader = builder
        .with_projection(wanted)
        .with_batch_size(BATCH_ROWS)
        .with_limit(limit)
        .build()
        .map_err(|error| error.to_string())?;
    reader.map(|batch| assembled(&batch.map_err(|error| error.to_string())?, file, schema, partition_by)).collect()
}

/// The version's columns, of the file's and the partition's.
fn assembled(
    batch: &RecordBatch,
    file: &DataFile,
    schema: &Schema,
    partition_by: &[String],
) -> Result<RecordBatch, String> {
    let fields = schema.to_arrow();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.columns.len());
    for (column, field) in schema.columns.iter().zip(fields.fields()) {
        let array = if partition_by.contains(&column.name) {
            let value = file.partition.iter().find(|(name, _)| *name == column.name);
            let text = value.and_then(|(_, text)| text.as_deref());
            value_array(&column.data_type, text, batch.num_rows()).map_err(|error| error.to_string())?
        } else if let Some(stored) = batch.column_by_name(&column.name) {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(stored, field.data_type(), &options).map_err(|error| error.to_string())?
        } else {
            new_null_array(field.data_type(), batch.num_rows())
        };
        columns.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(&fields), columns, &options).map_err(|error| error.to_string())
}

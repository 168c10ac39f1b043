//! Reading a pinned table: an explicit list of Parquet files, with what is known of each.

mod files;
mod prune;

use std::sync::{Arc, OnceLock};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Field, FieldRef, Fields, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::config::TableParquetOptions;
use datafusion::common::{Result as DfResult, Statistics};
use datafusion::datasource::TableProvider;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use lockgate_types::{Column, Schema};

use crate::PinnedTable;
use files::PinnedFile;

/// The address under which the engine's runtime knows the store.
pub(crate) const STORE_URL: &str = "lockgate://store";

/// A [`PinnedTable`] as DataFusion reads it. Making one costs nothing: the file list is turned into DataFusion's
/// form by the first scan, and kept.
#[derive(Debug)]
pub(crate) struct PinnedProvider {
    table: PinnedTable,
    /// In the order of the table's columns.
    schema: SchemaRef,
    files: OnceLock<Vec<PinnedFile>>,
}

impl PinnedProvider {
    pub(crate) fn new(table: PinnedTable) -> Self {
        let schema = engine_schema(&table.schema);
        PinnedProvider { table, schema, files: OnceLock::new() }
    }

    pub(crate) fn table(&self) -> &PinnedTable {
        &self.table
    }

    /// Columns that are in the files, then those that are in the folders' names: how DataFusion wants them. The
    /// numbers say where each column of the table went.
    fn split(&self) -> (TableSchema, Vec<usize>) {
        let is_partition = |name: &str| self.table.partition_by.iter().any(|p| p == name);
        let (mut stored, mut places) = (Vec::<FieldRef>::new(), vec![0; self.schema.fields().len()]);
        for (index, field) in self.schema.fields().iter().enumerate().filter(|(_, f)| !is_partition(f.name())) {
            places[index] = stored.len();
            stored.push(field.clone());
        }
        let mut partitions = Vec::<FieldRef>::new();
        for name in &self.table.partition_by {
            if let Some((index, field)) = self.schema.fields().find(name) {
                places[index] = stored.len() + partitions.len();
                partitions.push(field.clone());
            }
        }
        (TableSchema::builder(Arc::new(ArrowSchema::new(stored))).with_table_partition_cols(partitions).build(), places)
    }
}

/// Strings and bytes are read as views: the Parquet reader then hands out its own buffers without a copy, and
/// comparisons look at the first four bytes first. What is stored is never a view; `build` casts at its end.
pub(crate) fn engine_field(column: &Column) -> Field {
    let field = column.data_type.to_field(&column.name, true);
    let data_type = match field.data_type() {
        Arrow::Utf8 => Arrow::Utf8View,
        Arrow::Binary => Arrow::BinaryView,
        other => other.clone(),
    };
    field.with_data_type(data_type)
}

fn engine_schema(schema: &Schema) -> SchemaRef {
    Arc::new(ArrowSchema::new(schema.columns.iter().map(engine_field).collect::<Fields>()))
}

/// Rows at hand with the types that they would have if they were read from a version's files. There is a batch also when there are
/// no rows.
pub(crate) fn as_read(schema: &Schema, batches: &[RecordBatch]) -> DfResult<Vec<RecordBatch>> {
    let target = engine_schema(schema);
    if batches.is_empty() {
        return Ok(vec![RecordBatch::new_empty(target)]);
    }
    let cast_all = |batch: &RecordBatch| -> DfResult<RecordBatch> {
        let columns = batch.columns().iter().zip(target.fields());
        let columns = columns.map(|(array, field)| cast(array, field.data_type())).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(target.clone(), columns, &options)?)
    };
    batches.iter().map(cast_all).collect()
}

#[async_trait]
impl TableProvider for PinnedProvider {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters choose files, row groups and pages here; the plan applies them to rows again.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let (table_schema, places) = self.split();
        let projection: Vec<usize> = match projection {
            Some(indices) => indices.iter().map(|index| places[*index]).collect(),
            None => places,
        };
        let all = self.files.get_or_init(|| files::pinned_files(&self.table, &table_schema));
        let kept = prune::files(all, filters, &table_schema, state)?;
        if kept.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(table_schema.table_schema().project(&projection)?))));
        }

        let group = FileGroup::new(kept.iter().map(|file| file.partitioned.clone()).collect());
        let columns = table_schema.table_schema().clone();
        let groups = group
            .split_files(state.config().target_partitions())
            .into_iter()
            .map(|group| {
                let statistics = merged(group.iter().filter_map(|file| file.statistics.as_deref()), &columns)?;
                Ok(group.with_statistics(Arc::new(statistics)))
            })
            .collect::<DfResult<Vec<_>>>()?;
        let statistics = merged(groups.iter().filter_map(|group| group.file_statistics(None)), &columns)?;

        let url = ObjectStoreUrl::parse(STORE_URL)?;
        let runtime = state.runtime_env();
        let reader = CachedParquetFileReaderFactory::new(
            runtime.object_store(&url)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let options = state.config_options().execution.parquet.clone();
        let size_hint = options.metadata_size_hint;
        let mut source = ParquetSource::new(table_schema)
            .with_table_parquet_options(TableParquetOptions { global: options, ..TableParquetOptions::default() })
            .with_parquet_file_reader_factory(Arc::new(reader));
        if let Some(bytes) = size_hint {
            source = source.with_metadata_size_hint(bytes);
        }
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(projection))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

fn merged<'a>(parts: impl Iterator<Item = &'a Statistics>, schema: &ArrowSchema) -> DfResult<Statistics> {
    Statistics::try_merge_iter(parts.collect::<Vec<_>>(), schema)
}

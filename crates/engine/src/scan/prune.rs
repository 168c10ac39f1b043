//! Which files a scan can leave out, by their partition values and bounds.

use std::collections::HashSet;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result as DfResult, ScalarValue};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use std::sync::Arc;

use super::files::{Bounds, PinnedFile};

/// The files that may hold a row for which every filter is true.
pub(super) fn files<'a>(
    all: &'a [PinnedFile],
    filters: &[Expr],
    schema: &TableSchema,
    state: &dyn Session,
) -> DfResult<Vec<&'a PinnedFile>> {
    let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(all.iter().collect()) };
    let columns = schema.table_schema();
    let filter = state.create_physical_expr(filter, &DFSchema::try_from(columns.clone())?)?;
    // A filter that says nothing about bounds keeps every file.
    let Some(predicate) = PruningPredicateBuilder::new().with_file_schema(columns.clone()).build(filter) else {
        return Ok(all.iter().collect());
    };
    let keep = predicate.prune(&FileBounds { files: all, schema: columns })?;
    Ok(all.iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect())
}

struct FileBounds<'a> {
    files: &'a [PinnedFile],
    schema: &'a SchemaRef,
}

impl FileBounds<'_> {
    fn values(&self, column: &Column, value: impl Fn(&Bounds) -> Option<ScalarValue>) -> Option<ArrayRef> {
        let (index, field) = self.schema.fields().find(column.name())?;
        let null = ScalarValue::try_new_null(field.data_type()).ok()?;
        ScalarValue::iter_to_array(
            self.files.iter().map(|file| file.bounds.get(index).and_then(&value).unwrap_or_else(|| null.clone())),
        )
        .ok()
    }
}

impl PruningStatistics for FileBounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |bounds| bounds.min.clone())
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |bounds| bounds.max.clone())
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let (index, _) = self.schema.fields().find(column.name())?;
        let count = |file: &PinnedFile| file.bounds.get(index)?.nulls.and_then(|n| u64::try_from(n).ok());
        Some(Arc::new(self.files.iter().map(count).collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.files.iter().map(|file| u64::try_from(file.rows).ok()).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

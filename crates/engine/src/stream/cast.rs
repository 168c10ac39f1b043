//! The last step of a stream: the types that the receiver asked for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType as Arrow, Field, FieldRef, Fields, Schema as ArrowSchema, SchemaRef};
use arrow::util::display::FormatOptions;
use lockgate_types::{DataType, Schema};

use crate::EngineError;

/// What is done to every batch.
#[derive(Clone, Debug)]
pub(crate) enum Finish {
    /// Nothing: strings are views.
    AsIs,
    /// Strings and bytes in the layout that everybody reads.
    NoViews,
    /// The types of a version's columns, in order; a value that does not fit is an error.
    Columns { schema: SchemaRef, columns: Schema },
}

impl Finish {
    pub(crate) fn columns(columns: &Schema) -> Self {
        Finish::Columns { schema: columns.to_arrow(), columns: columns.clone() }
    }

    pub(crate) fn schema(&self, planned: &SchemaRef) -> SchemaRef {
        match self {
            Finish::AsIs => planned.clone(),
            Finish::NoViews => {
                let fields: Fields = planned.fields().iter().map(without_views).collect();
                Arc::new(ArrowSchema::new_with_metadata(fields, planned.metadata().clone()))
            }
            Finish::Columns { schema, .. } => schema.clone(),
        }
    }

    pub(crate) fn batch(&self, batch: RecordBatch) -> Result<RecordBatch, EngineError> {
        let schema = match self {
            Finish::AsIs => return Ok(batch),
            Finish::NoViews | Finish::Columns { .. } => self.schema(&batch.schema()),
        };
        let columns = batch
            .columns()
            .iter()
            .zip(schema.fields())
            .enumerate()
            .map(|(index, (array, field))| {
                cast(array, field.data_type()).map_err(|error| EngineError::DoesNotFit {
                    column: field.name().clone(),
                    expected: self.expected(index, field),
                    detail: crate::error::clean(&error.to_string()),
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        // A batch without columns still has rows.
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|error| EngineError::Execution(crate::error::clean(&error.to_string())))
    }

    fn expected(&self, index: usize, field: &Field) -> String {
        match self {
            Finish::Columns { columns, .. } => columns.columns.get(index).map(|column| column.data_type.to_string()),
            Finish::AsIs | Finish::NoViews => DataType::from_arrow(field).ok().map(|data_type| data_type.to_string()),
        }
        .unwrap_or_else(|| field.data_type().to_string())
    }
}

fn cast(array: &ArrayRef, to: &Arrow) -> Result<ArrayRef, arrow::error::ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    // Checked: what does not fit is an error, never null.
    cast_with_options(array, to, &CastOptions { safe: false, format_options: FormatOptions::default() })
}

fn without_views(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        Arrow::Utf8View => Arrow::Utf8,
        Arrow::BinaryView => Arrow::Binary,
        Arrow::List(item) => Arrow::List(without_views(item)),
        Arrow::LargeList(item) => Arrow::LargeList(without_views(item)),
        Arrow::Struct(fields) => Arrow::Struct(fields.iter().map(without_views).collect()),
        other => other.clone(),
    };
    if data_type == *field.data_type() {
        field.clone()
    } else {
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    }
}

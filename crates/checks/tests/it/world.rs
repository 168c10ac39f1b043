//! An engine over an empty store, and tables made of text.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType as Arrow, Field, Schema as ArrowSchema};
use chrono::{DateTime, Utc};
use lockgate_engine::{Engine, EngineOptions, Session, SessionOptions};
use lockgate_lake::Lake;
use lockgate_types::{DataType, Effects, Schema};

/// How text is stored: the same result is expected of all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Views,
    Dictionaries,
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) lake: Arc<Lake>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(memory_bytes: u64) -> World {
        let folder = tempfile::tempdir().unwrap();
        let lake = Arc::new(Lake::open(&folder.path().join("store"), "default", Effects::real()).unwrap());
        let options = EngineOptions { memory_bytes, threads: 2, spill_dir: folder.path().join("spill") };
        World { engine: Engine::new(options, lake.clone()).unwrap(), lake, _folder: folder }
    }

    pub(crate) fn session(&self, run_at: DateTime<Utc>) -> Session {
        self.engine.session(SessionOptions { vars: BTreeMap::new(), functions: Vec::new(), run_at }).unwrap()
    }
}

/// A table as it is written: cells of text, `None` for null.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) schema: Schema,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// Batches of so many rows; one empty batch for no rows.
    pub(crate) fn batches(&self, encoding: Encoding, size: usize) -> Vec<RecordBatch> {
        let mut chunks: Vec<&[Vec<Option<String>>]> = self.rows.chunks(size.max(1)).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        chunks.into_iter().map(|rows| self.batch(rows, encoding)).collect()
    }

    fn batch(&self, rows: &[Vec<Option<String>>], encoding: Encoding) -> RecordBatch {
        let columns: Vec<(Field, ArrayRef)> = self
            .schema
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let texts: StringArray = rows.iter().map(|row| row[at].as_deref()).collect();
                let field = column.data_type.to_field(&column.name, true);
                let array = typed(&(Arc::new(texts) as ArrayRef), &column.data_type);
                let array = match (encoding, field.data_type()) {
                    (Encoding::Views, Arrow::Utf8) => cast(&array, &Arrow::Utf8View).unwrap(),
                    (Encoding::Views, Arrow::Binary) => cast(&array, &Arrow::BinaryView).unwrap(),
                    (Encoding::Dictionaries, Arrow::Utf8) => {
                        let kind = Arrow::Dictionary(Box::new(Arrow::UInt16), Box::new(Arrow::Utf8));
                        cast(&array, &kind).unwrap()
                    }
                    _ => array,
                };
                (field.with_data_type(array.data_type().clone()), array)
            })
            .collect();
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
        RecordBatch::try_new_with_options(
            Arc::new(ArrowSchema::new(fields)),
            arrays,
            &arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len())),
        )
        .unwrap()
    }
}

fn typed(texts: &ArrayRef, to: &DataType) -> ArrayRef {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let to = match to {
        // `[1, 2]` is not read: a list is null or empty.
        DataType::List(_) | DataType::Struct(_) => {
            let rows = texts.len();
            let nulls = texts.nulls().cloned();
            let values = arrow::array::new_null_array(&to.to_arrow(), rows);
            let data = values.to_data().into_builder().nulls(nulls).build().unwrap();
            return arrow::array::make_array(data);
        }
        other => other.to_arrow(),
    };
    cast_with_options(texts, &to, &strict).unwrap()
}

//! A lake in a temporary folder, an engine over it, and tables written by the lake's own writer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use lockgate_engine::{BatchStream, Engine, EngineOptions, PinnedTable, Scalar, Session, SessionOptions};
use lockgate_lake::{Lake, Layout, StagedFiles};
use lockgate_project::{Source, SqlText};
use lockgate_types::{AssetName, Diagnostics, Effects, Schema, VersionNumber};

pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) lake: Arc<Lake>,
    pub(crate) engine: Engine,
}

pub(crate) const MB: u64 = 1024 * 1024;

impl Fixture {
    pub(crate) fn new() -> Fixture {
        Fixture::with_memory(256 * MB, 2)
    }

    pub(crate) fn with_memory(memory_bytes: u64, threads: usize) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let lake = Arc::new(Lake::open(folder.path(), "default", Effects::real()).unwrap());
        let options = EngineOptions { memory_bytes, threads, spill_dir: folder.path().join("spill") };
        let engine = Engine::new(options, lake.clone()).unwrap();
        Fixture { folder, lake, engine }
    }

    pub(crate) fn session(&self) -> Session {
        self.session_with(BTreeMap::new(), Vec::new()).unwrap()
    }

    pub(crate) fn session_with(
        &self,
        vars: BTreeMap<String, Scalar>,
        functions: Vec<SqlText>,
    ) -> Result<Session, Diagnostics> {
        self.engine.session(SessionOptions { vars, functions, run_at: run_at() })
    }

    /// Writes each list of batches by a writer of its own, so that the table has at least as many files.
    pub(crate) async fn write(
        &self,
        name: &str,
        schema: &Schema,
        partition_by: &[&str],
        files: Vec<Vec<RecordBatch>>,
    ) -> PinnedTable {
        let name: AssetName = name.parse().unwrap();
        let table = self.lake.table(&name);
        let layout =
            Layout { partition_by: partition_by.iter().map(|c| (*c).to_owned()).collect(), ..Layout::default() };
        let set = table.stage_set(VersionNumber(1), schema, layout.clone());
        let mut staged = Vec::new();
        for (index, batches) in files.into_iter().enumerate() {
            let mut writer = set.writer(index);
            for batch in batches {
                writer.write(&batch).unwrap();
            }
            staged.push(writer.finish().await.unwrap());
        }
        let staged = StagedFiles::merge(staged);
        PinnedTable {
            name,
            schema: schema.clone(),
            partition_by: layout.partition_by,
            files: Arc::new(staged.files),
            prefix: table.prefix().to_string(),
        }
    }
}

pub(crate) fn run_at() -> DateTime<Utc> {
    "2013-12-31T06:00:00Z".parse().unwrap()
}

/// SQL that stands in a file `t.sql` from its `first_line` on.
pub(crate) fn sql(text: &str, first_line: u32) -> SqlText {
    let above = "\n".repeat(first_line as usize - 1);
    let source = Source { file: PathBuf::from("t.sql"), text: format!("{above}{text}") };
    SqlText { source: Arc::new(source), sql: text.to_owned(), first_line }
}

pub(crate) fn schema(columns: &str) -> Schema {
    lockgate_types::DataType::parse(&format!("struct<{columns}>")).map_or_else(
        |error| panic!("{columns}: {error}"),
        |data_type| match data_type {
            lockgate_types::DataType::Struct(fields) => Schema {
                columns: fields.into_iter().map(|(name, kind)| lockgate_types::Column::new(name, kind)).collect(),
            },
            _ => unreachable!(),
        },
    )
}

/// Cells as text; `null` is null.
pub(crate) fn batch(schema: &Schema, rows: &[Vec<String>]) -> RecordBatch {
    let arrow = schema.to_arrow();
    let columns = arrow.fields().iter().enumerate().map(|(index, field)| {
        let cells: StringArray = rows.iter().map(|row| (row[index] != "null").then(|| row[index].clone())).collect();
        let cells: ArrayRef = Arc::new(cells);
        cast(&cells, field.data_type()).unwrap()
    });
    RecordBatch::try_new(arrow.clone(), columns.collect()).unwrap()
}

pub(crate) async fn rows_of(streams: Vec<BatchStream>) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    for stream in streams {
        batches.extend(stream.try_collect::<Vec<_>>().await.unwrap());
    }
    batches
}

pub(crate) fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// A header of names, then a line for each row.
pub(crate) fn table_text(names: &[String], batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let mut lines = vec![names.join(" | ")];
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" | "));
        }
    }
    lines
}

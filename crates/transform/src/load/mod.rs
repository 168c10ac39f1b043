//! How the rows of a statement meet those that are there: one module for each incremental `load`.
//!
//! Every way ends with a file list: files of the live version that no row of the build touches stay as they are, the
//! others are written anew together with what the statement yields, and all of it is a version like any other. What a
//! build needs more than once, the statement's rows, is staged in a scratch folder of the version first.
//!
//! Cost: the statement, once; the columns of the key of every file that may hold one of its keys; and the files that do.

mod append;
mod merge;
mod partitions;
mod scd2;
mod time_range;

pub(crate) mod ledger;

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use lockgate_engine::{PinnedTable, Session};
use lockgate_kind::{BuildContext, Built, KindError, Progress, stage_streams};
use lockgate_lake::{Layout, StageSet, StagedFiles};
use lockgate_project::{Load, SqlText};
use lockgate_types::number::rows;
use lockgate_types::{AssetName, DataFile, DataType, Diagnostic, RejectedRows, Schema, Version, VersionNumber};

use crate::codes::{HISTORY_LOST, KEY_IS_NULL, KEY_STANDS_TWICE, NEEDS_REBUILD};

pub(crate) use scd2::{VALID, schema as with_validity};
pub(crate) use time_range::{Settings as TimeRange, due, settled};

/// Tables that grow bit by bit have small files, so that a few changed rows have few others written anew with them.
const TARGET_FILE_BYTES: u64 = 16 << 20;

/// The schema under which a build sees its own tables; no asset can be in it.
const BUILD: &str = "lockgate__build";

/// How many keys a diagnostic shows.
const SHOWN: usize = 5;

/// Builds an asset by its `load`. `statement` is what the SQL yields.
pub(crate) async fn build(cx: BuildContext, sql: &SqlText, statement: &Schema) -> Result<Built, KindError> {
    let live = cx.live.clone().filter(|_| !cx.anew && cx.file.load.is_incremental());
    if let Some(live) = &live {
        same_types(&cx, live)?;
    }
    let mut build = Build { sql, statement, live, next_writer: 0, cx };
    let load = build.cx.file.load.clone();
    match &load {
        Load::Full | Load::Inline => build.full().await,
        Load::Append { from } => append::build(&mut build, from.as_ref()).await,
        Load::Merge { key, deletes } => merge::build(&mut build, key, deletes.as_deref()).await,
        Load::Partitions { columns } => partitions::build(&mut build, columns).await,
        Load::Scd2 { key, updated_at, vanished } => {
            scd2::build(&mut build, &scd2::Settings { key, updated_at: updated_at.as_deref(), vanished: *vanished })
                .await
        }
        Load::TimeRange { column, grain, lookback, start } => {
            let settings = time_range::Settings { column, grain: *grain, lookback: *lookback, start: *start };
            time_range::build(&mut build, &settings).await
        }
    }
}

/// With `on_change: forward` columns may come and go, but what is stored keeps its types.
fn same_types(cx: &BuildContext, live: &Version) -> Result<(), KindError> {
    let retyped = cx.schema.columns.iter().find_map(|now| {
        let before = live.schema.column(&now.name)?;
        (before.data_type != now.data_type).then_some((now, before))
    });
    let relaid = cx.file.partition_by != live.partition_by;
    let what = match retyped {
        Some((now, before)) => {
            format!(
                "column `{}` is {} in version {} and would be {}",
                now.name, before.data_type, live.number, now.data_type
            )
        }
        None if relaid => format!("version {} is divided by other columns", live.number),
        None => return Ok(()),
    };
    let name = &cx.file.name;
    Err(KindError::permanent(
        Diagnostic::error(&NEEDS_REBUILD, format!("{what}: {name} cannot go on from it"))
            .at(cx.file.source.place(cx.file.load_span))
            .hint(format!("build it anew: lockgate run {name} --full-refresh")),
    ))
}

/// One build in progress.
struct Build<'a> {
    cx: BuildContext,
    sql: &'a SqlText,
    /// The columns that the statement yields.
    statement: &'a Schema,
    /// What it goes on from; `None` when it builds from nothing.
    live: Option<Version>,
    /// The index of the next writer of the version's files.
    next_writer: usize,
}

impl Build<'_> {
    fn session(&self) -> &Session {
        &self.cx.session
    }

    fn layout(&self) -> Layout {
        let target_file_bytes = match self.cx.file.load.is_incremental() {
            true => TARGET_FILE_BYTES,
            false => Layout::default().target_file_bytes,
        };
        Layout { partition_by: self.cx.file.partition_by.clone(), target_file_bytes, ..Layout::default() }
    }

    /// The statement's rows as the version's own.
    async fn full(&mut self) -> Result<Built, KindError> {
        let staged = self.stage_statement().await?;
        Ok(self.built(Vec::new(), staged, serde_json::Value::Null))
    }

    /// Stages what the statement yields as files of the version.
    async fn stage_statement(&mut self) -> Result<StagedFiles, KindError> {
        let set = self.cx.table.stage_set(self.cx.number, &self.cx.schema, self.layout());
        let streams = self.session().build(self.sql, &self.cx.schema, &self.cx.file.cluster_by).await?;
        self.stage_into(streams, &set).await
    }

    /// Stages the rows of a query over the build's tables as files of the version.
    async fn stage_query(&mut self, query: &str, sort_by: &[String]) -> Result<StagedFiles, KindError> {
        let set = self.cx.table.stage_set(self.cx.number, &self.cx.schema, self.layout());
        let streams = self.session().build_text(query, &self.cx.schema, sort_by).await?;
        self.stage_into(streams, &set).await
    }

    async fn stage_into(
        &mut self,
        streams: Vec<lockgate_engine::BatchStream>,
        set: &StageSet,
    ) -> Result<StagedFiles, KindError> {
        let first = self.next_writer;
        self.next_writer += streams.len();
        stage_streams(streams, set, first, &self.cx.progress, &self.cx.cancel).await
    }

    /// Stages what the statement yields in the scratch folder, and makes it the build's table `name`.
    async fn scratch(&self, name: &str) -> Result<StagedFiles, KindError> {
        let set = self.cx.table.scratch_set(self.cx.number, self.statement);
        let streams = self.session().build(self.sql, self.statement, &[]).await?;
        let none = Progress::default();
        let staged = stage_streams(streams, &set, 0, &none, &self.cx.cancel).await?;
        self.register(name, self.statement, &[], staged.files.clone())?;
        Ok(staged)
    }

    /// Makes files of the asset's table the build's table `name`.
    fn register(
        &self,
        name: &str,
        schema: &Schema,
        partition_by: &[String],
        files: Vec<DataFile>,
    ) -> Result<(), KindError> {
        let table = PinnedTable {
            name: self.cx.file.name.clone(),
            schema: schema.clone(),
            partition_by: partition_by.to_vec(),
            files: Arc::new(files),
            prefix: self.cx.table.prefix().to_string(),
        };
        Ok(self.session().register_as(BUILD, name, table)?)
    }

    /// Makes files of the live version the build's table `name`, in the columns of the new one, each row with the number
    /// of its file in the column [`FILE`].
    fn register_numbered(&self, name: &str, files: &[DataFile]) -> Result<(), KindError> {
        let mut schema = self.cx.schema.clone();
        schema.columns.push(lockgate_types::Column::new(FILE, DataType::Bigint));
        let mut partition_by = self.cx.file.partition_by.clone();
        partition_by.push(FILE.to_owned());
        let numbered = files.iter().enumerate().map(|(number, file)| {
            let mut file = file.clone();
            file.partition.push((FILE.to_owned(), Some(number.to_string())));
            file
        });
        self.register(name, &schema, &partition_by, numbered.collect())
    }

    /// Which of `files` have rows in the result of `query`, which selects [`FILE`].
    async fn touched(&self, query: &str, files: &[DataFile]) -> Result<(Vec<DataFile>, Vec<DataFile>), KindError> {
        let mut is_touched = vec![false; files.len()];
        for batch in self.session().collect(query).await? {
            for number in batch.column(0).as_primitive::<Int64Type>().iter().flatten() {
                if let Some(touched) = usize::try_from(number).ok().and_then(|number| is_touched.get_mut(number)) {
                    *touched = true;
                }
            }
        }
        let (touched, kept): (Vec<_>, Vec<_>) =
            files.iter().cloned().zip(is_touched).partition(|(_, touched)| *touched);
        let files = |pairs: Vec<(DataFile, bool)>| pairs.into_iter().map(|(file, _)| file).collect();
        Ok((files(touched), files(kept)))
    }

    /// The version of these kept files and what was staged.
    fn built(&self, kept: Vec<DataFile>, staged: StagedFiles, source_state: serde_json::Value) -> Built {
        let rows_read = staged.rows;
        let mut files = kept;
        files.extend(staged.files);
        // What was appended stays beside what was rejected of it.
        let rejects: Option<RejectedRows> = match self.cx.file.load {
            Load::Append { .. } => self.live.as_ref().and_then(|live| live.rejects.clone()),
            _ => None,
        };
        Built {
            rows: files.iter().map(|file| file.rows).sum(),
            size_bytes: files.iter().map(|file| file.size_bytes).sum(),
            files,
            schema: self.cx.schema.clone(),
            rejects,
            rows_rejected: 0,
            rows_read,
            source_state,
            outside_key: None,
        }
    }

    /// Keys that are null, or stand twice, leave it open which row is meant: the build fails and shows some.
    async fn keys_are_sound(&self, table: &str, key: &[String]) -> Result<(), KindError> {
        let from = format!("{BUILD}.{table}");
        let nulls: Vec<String> = key.iter().map(|column| format!("{} is null", quoted(column))).collect();
        let count = self.count(&format!("select count(*) from {from} where {}", nulls.join(" or "))).await?;
        let file = &self.cx.file;
        let at = || file.source.place(file.load_span);
        if count > 0 {
            let have = if count == 1 { "has" } else { "have" };
            let message = format!("{} {have} a null in the key ({}) of {}", rows(count), key.join(", "), file.name);
            return Err(KindError::permanent(
                Diagnostic::error(&KEY_IS_NULL, message).at(at()).hint("leave them out, or give them a key"),
            ));
        }
        let columns = names(key);
        let shown: Vec<String> = key.iter().map(|column| format!("cast({} as varchar)", quoted(column))).collect();
        let query = format!(
            "select {}, n from (select {columns}, count(*) as n from {from} group by {columns} having count(*) > 1) \
             order by 1 limit {}",
            shown.join(", "),
            SHOWN + 1
        );
        let twice = texts(&self.session().collect(&query).await?);
        if twice.is_empty() {
            return Ok(());
        }
        let more = if twice.len() > SHOWN { ", and more" } else { "" };
        let shown: Vec<String> = twice
            .iter()
            .take(SHOWN)
            .map(|row| {
                let (n, key) = row.split_last().map_or(("", &row[..]), |(n, key)| (n.as_str(), key));
                format!("{} ({n} rows)", key.join(", "))
            })
            .collect();
        let message = format!("the key ({}) of {} stands twice: {}{more}", key.join(", "), file.name, shown.join("; "));
        Err(KindError::permanent(
            Diagnostic::error(&KEY_STANDS_TWICE, message).at(at()).hint("keep one row of each key in the SQL"),
        ))
    }

    /// The first cell of a query's answer, a count.
    async fn count(&self, query: &str) -> Result<u64, KindError> {
        let batches = self.session().collect(query).await?;
        let cell = batches.iter().find(|batch| batch.num_rows() > 0).map(|batch| {
            batch
                .column(0)
                .as_primitive_opt::<Int64Type>()
                .filter(|cells| cells.is_valid(0))
                .map_or(0, |cells| cells.value(0))
        });
        Ok(cell.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// The version that a build from nothing would replace, unless a person said that what it loses may go.
    fn at_stake(&self) -> Option<&Version> {
        self.cx.live.as_ref().filter(|_| self.cx.anew && !self.cx.confirmed)
    }

    /// Refuses a build from nothing that would lose something; `what` says what and how much of it.
    fn lost(&self, what: &str) -> KindError {
        let name = &self.cx.file.name;
        let place = self.cx.file.source.place(self.cx.file.load_span);
        KindError::permanent(
            Diagnostic::error(&HISTORY_LOST, format!("building {name} anew would lose {what}"))
                .at(place)
                .hint(format!("if that may go: lockgate run {name} --full-refresh --confirm")),
        )
    }
}

/// The column that says which file a row is in.
const FILE: &str = "__lockgate_file";

/// A name as it is, case kept.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn names(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// The columns of a schema, each after `prefix`.
fn columns(schema: &Schema, prefix: &str) -> String {
    let names = schema.columns.iter().map(|column| format!("{prefix}{}", quoted(&column.name)));
    names.collect::<Vec<_>>().join(", ")
}

/// `a.k = b.k and …`.
fn equal(key: &[String], a: &str, b: &str) -> String {
    let parts: Vec<String> = key.iter().map(|name| format!("{a}.{0} = {b}.{0}", quoted(name))).collect();
    parts.join(" and ")
}

/// Small results as text; nulls as `null`.
fn texts(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cell = |column: &arrow::array::ArrayRef| {
                if column.is_null(row) {
                    return "null".to_owned();
                }
                arrow::util::display::array_value_to_string(column, row).unwrap_or_default()
            };
            rows.push(batch.columns().iter().map(cell).collect());
        }
    }
    rows
}

/// `version 3` of an asset, for messages.
fn version_of(name: &AssetName, number: VersionNumber) -> String {
    format!("{name} version {number}")
}

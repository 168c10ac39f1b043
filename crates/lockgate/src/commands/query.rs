//! `lockgate query`.

pub(crate) mod format;
pub(crate) mod new_file;

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use futures::StreamExt;
use lockgate_run::{Query, QueryOptions};
use lockgate_types::Diagnostic;

use crate::codes::USAGE;
use crate::context::{Context, shown_path};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::number::{counted, duration_ms, rows};
use crate::terminal::time::between_ms;
use format::Sink;
use new_file::NewFile;

/// A table shows no more rows than this.
const TABLE_ROWS_MAX: usize = 1_000;

/// Ask a question in SQL of what is published
///
/// It reads `schema.table`, `schema.table__rejects`, `version('schema.table', 3)`, and Lockgate's own tables:
/// `lockgate.runs`, `tasks`, `versions`, `checks`, `profiles`, `audit`, `schedules`, `deliveries`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lockgate query \"select count(*) from mart.daily\"\n  \
                        lockgate query \"select * from version('mart.daily', 3)\" --format parquet -o daily.parquet\n  \
                        lockgate query - < question.sql")]
pub(crate) struct Arguments {
    /// One SELECT; `-` reads it from stdin
    #[arg(value_name = "SQL")]
    sql: String,
    /// default: table, or what the name of -o FILE says
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to a file, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Read the versions that were live then
    #[arg(long, value_name = "TIME", value_parser = lockgate_types::time::parse_instant)]
    at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; the first 1,000 rows
    Table,
    /// With a header; an empty field is null, a quoted empty one an empty string
    Csv,
    /// An array of objects
    Json,
    /// Arrow IPC: a stream on stdout, a file with -o
    Arrow,
    /// Parquet
    Parquet,
}

impl Format {
    /// What a file's name says.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "csv" => Some(Format::Csv),
            "json" => Some(Format::Json),
            "arrow" | "feather" | "ipc" => Some(Format::Arrow),
            "parquet" => Some(Format::Parquet),
            "txt" => Some(Format::Table),
            _ => None,
        }
    }
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let format = choose_format(&arguments, context)?;
    let sql = match arguments.sql.as_str() {
        "-" => read_stdin()?,
        sql => sql.to_owned(),
    };
    let started = context.effects.clock.monotonic();
    let (workspace, graph) = context.graph().await?;
    let query = workspace.query(&graph, &sql, QueryOptions { at: arguments.at }).await?;
    let written = match &arguments.output {
        None if format == Format::Table => table(context, query).await?,
        None => {
            let sink =
                Sink::new(format, &query.schema, Box::new(io::BufWriter::with_capacity(1 << 16, io::stdout())), false)?;
            drain(query, sink).await?
        }
        Some(path) => to_file(path, format, query).await?,
    };
    let took = duration_ms(between_ms(started, context.effects.clock.monotonic()));
    match &arguments.output {
        Some(path) => context.terminal.note(&format!("{} in {}   {took}", rows(written), shown_path(path))),
        None if format == Format::Table => {
            context.terminal.note(&context.terminal.note_paint.faint(&format!("{}   {took}", rows(written))));
        }
        None => {}
    }
    Ok(Exit::Done)
}

fn choose_format(arguments: &Arguments, context: &Context) -> Result<Format, Failure> {
    let told = arguments.format.or(context.terminal.json.then_some(Format::Json));
    let by_name = || match &arguments.output {
        None => Ok(Format::Table),
        Some(path) => Format::of_file(path).ok_or_else(|| {
            let diagnostic = Diagnostic::error(&USAGE, format!("{} does not say its format", path.display()));
            Failure::usage(diagnostic.expected("--format csv, json, arrow or parquet"))
        }),
    };
    let format = told.map_or_else(by_name, Ok)?;
    let binary = matches!(format, Format::Arrow | Format::Parquet);
    if binary && arguments.output.is_none() && io::stdout().is_terminal() {
        let diagnostic = Diagnostic::error(&USAGE, "this format is not for a terminal");
        return Err(Failure::usage(diagnostic.hint("-o FILE writes it to a file")));
    }
    Ok(format)
}

fn read_stdin() -> Result<String, Failure> {
    let mut sql = String::new();
    io::stdin().read_to_string(&mut sql).map_err(|error| {
        Failure::usage(Diagnostic::error(&USAGE, format!("the query on stdin cannot be read: {error}")))
    })?;
    Ok(sql)
}

/// Draws the first rows and stops reading.
async fn table(context: &Context, mut query: Query) -> Result<u64, Failure> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut held = 0;
    let mut more = false;
    while let Some(batch) = query.stream.next().await {
        let batch = batch?;
        let room = TABLE_ROWS_MAX - held;
        more = batch.num_rows() > room;
        batches.push(batch.slice(0, batch.num_rows().min(room)));
        held += batch.num_rows().min(room);
        if more {
            break;
        }
    }
    drop(query.stream);
    context.terminal.table(&format::table(&query.schema, &batches)?)?;
    if more {
        let shown = counted(TABLE_ROWS_MAX as u64, "row", "rows");
        context.terminal.note(&format!("only the first {shown} are shown; --format csv writes all"));
    }
    Ok(held as u64)
}

/// One batch at a time: memory does not grow with the answer.
async fn drain(mut query: Query, mut sink: Sink<'_>) -> Result<u64, Failure> {
    let mut written = 0;
    while let Some(batch) = query.stream.next().await {
        let batch = batch?;
        written += batch.num_rows() as u64;
        sink.write(&batch)?;
    }
    sink.finish()?;
    Ok(written)
}

async fn to_file(path: &Path, format: Format, query: Query) -> Result<u64, Failure> {
    let file = NewFile::beside(path)?;
    let mut out = file.writer()?;
    let written = if format == Format::Table {
        let schema: SchemaRef = query.schema.clone();
        let batches: Vec<RecordBatch> = query
            .stream
            .map(|batch| batch.map_err(Failure::from))
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect::<Result<_, _>>()?;
        let text = format::table(&schema, &batches)?.render(crate::terminal::style::Paint::OFF, None).text;
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| file.cannot(error))?;
        batches.iter().map(|batch| batch.num_rows() as u64).sum()
    } else {
        let sink = Sink::new(format, &query.schema, out, true)?;
        drain(query, sink).await?
    };
    file.put()?;
    Ok(written)
}

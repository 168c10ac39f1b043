//! `lockgate diff`.

mod print;

use std::path::{Path, PathBuf};

use lockgate_run::{Comparison, Diff, DiffOf};
use lockgate_types::{AssetName, Diagnostic, VersionNumber};

use super::query::Format;
use super::query::format::Sink;
use super::query::new_file::NewFile;
use crate::codes::USAGE;
use crate::context::{Context, known_asset, shown_path};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::number::counted;

/// Compare two versions row by row
///
/// Rows are told apart by a key: --key, else the columns of the first `unique` check. Within a key, rows that are the
/// same in both versions are unchanged. If one row of each version is left, it is changed; what else is left is removed or
/// added. So a key that stands more than once is compared as what it is, several rows, and a null in a key is a value like
/// others. Null equals null, NaN equals NaN, 0.0 equals -0.0, and json is compared as text. Without a key whole rows are
/// compared. Columns that only one version has are not compared. Files that both versions share are not read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lockgate diff mart.daily 3 5
  lockgate diff mart.daily 3                  version 3 with the live one
  lockgate diff mart.daily --held             the live version with the held one
  lockgate diff raw.orders 1 2 --key id,line -o changes.parquet

--json prints one document:
  asset, from, to     the asset and the numbers of both versions
  key                 the columns of the key; empty when whole rows are compared
  added, removed, changed, unchanged   rows
  columns             each compared column outside the key, most changed first: column, changed (cells), share (of
                      the rows in both versions, 0 to 1), compared_as (a type, when the versions' types differ)
  schema              added, removed (columns), retyped (name, type before, type after)
  not_compared        column, why
  repeated_keys       from, to: keys that stand more than once among the rows read
  null_keys           from, to: rows with a null in their key among the rows read
  files               shared, shared_rows (not read), read, read_rows
  spilled_bytes       what went to disk meanwhile
  samples_added, samples_removed   columns, rows (cells as text or null), without a key also times (of each row)
  samples_changed     key (cells), cells (column, before, after)
Keys are only ever added.")]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// Two version numbers, the older first; one is compared with the live version
    #[arg(value_name = "VERSION", num_args = 0..=2, conflicts_with = "held")]
    versions: Vec<u64>,
    /// The live version with the held one
    #[arg(long)]
    held: bool,
    /// What makes a row the same row; default: the columns of its first `unique` check
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    key: Option<Vec<String>>,
    /// How many rows of each sort to show
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
    rows: u16,
    /// Of -o FILE; default: what its name says
    #[arg(long, value_name = "FORMAT", requires = "output")]
    format: Option<Format>,
    /// Write all rows that differ to a file, with a column `_change`: added, removed, before, after
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let of = match arguments.versions[..] {
        [from, to] => DiffOf::Between(VersionNumber(from), VersionNumber(to)),
        [from] => DiffOf::Live(VersionNumber(from)),
        _ if arguments.held => DiffOf::Held,
        _ => {
            return Err(Failure::usage(
                Diagnostic::error(&USAGE, "a diff compares two versions")
                    .expected("one or two version numbers, or --held")
                    .hint(format!("lockgate history {} lists the versions", arguments.name)),
            ));
        }
    };
    let format = arguments.output.as_deref().map(|path| choose_format(path, arguments.format)).transpose()?;
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let mut comparison =
        workspace.diff(&graph, &name, of, arguments.key.as_deref(), usize::from(arguments.rows)).await?;
    let written = match (&arguments.output, format) {
        (Some(path), Some(format)) => Some((path, write(&mut comparison, path, format).await?)),
        _ => None,
    };
    let diff = comparison.finish().await?;
    if context.terminal.json {
        context.terminal.document(&diff)?;
    } else {
        print::print(context, &diff)?;
        if let Some(command) = next(&name, of, &diff) {
            context.terminal.next(&context.lockgate(&command));
        }
    }
    if let Some((path, written)) = written {
        let rows = counted(written, "row that differs", "rows that differ");
        context.terminal.note(&format!("{rows} in {}", shown_path(path)));
    }
    Ok(Exit::Done)
}

fn choose_format(path: &Path, told: Option<Format>) -> Result<Format, Failure> {
    match told.or_else(|| Format::of_file(path)) {
        Some(Format::Table) => Err(Failure::usage(
            Diagnostic::error(&USAGE, "the rows that differ are written as data, not as a table")
                .expected("--format csv, json, arrow or parquet"),
        )),
        Some(format) => Ok(format),
        None => Err(Failure::usage(
            Diagnostic::error(&USAGE, format!("{} does not say its format", path.display()))
                .expected("--format csv, json, arrow or parquet"),
        )),
    }
}

/// One batch at a time: memory does not grow with the difference.
async fn write(comparison: &mut Comparison, path: &Path, format: Format) -> Result<u64, Failure> {
    let file = NewFile::beside(path)?;
    let mut sink = Sink::new(format, &comparison.rows_schema(), file.writer()?, true)?;
    let mut written = 0;
    while let Some(rows) = comparison.next_rows().await? {
        written += rows.num_rows() as u64;
        sink.write(&rows)?;
    }
    sink.finish()?;
    file.put()?;
    Ok(written)
}

/// What to type next: a key that makes more of it, or a look at what is held.
fn next(name: &AssetName, of: DiffOf, diff: &Diff) -> Option<String> {
    let versions = match of {
        DiffOf::Held => "--held".to_owned(),
        DiffOf::Live(from) => from.to_string(),
        DiffOf::Between(from, to) => format!("{from} {to}"),
    };
    match of {
        _ if diff.key.is_empty() && diff.added + diff.removed > 0 => {
            Some(format!("diff {name} {versions} --key COLUMN,COLUMN"))
        }
        DiffOf::Held => Some(format!("show {name} --held")),
        DiffOf::Live(_) | DiffOf::Between(..) => None,
    }
}

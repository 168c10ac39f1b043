//! `lockgate show`.

mod held;

use std::io;

use lockgate_run::{Graph, Shown, Which};
use lockgate_types::{AssetName, ColumnProfile, VersionNumber, VersionState};

use serde_json::json;

use crate::context::{Context, known_asset};
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{bytes, counted, duration_ms, len, measured, percent, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{outcome, schema_change, time};

/// Show a version: its schema, profile, checks and first rows
///
/// Without --version or --held it is the live one.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// A version by its number
    #[arg(long, value_name = "N", conflicts_with = "held")]
    version: Option<u64>,
    /// The held version: what fails, since when, and on which rows
    #[arg(long)]
    held: bool,
    /// How many rows to show
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
    rows: u16,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let which = match (arguments.held, arguments.version) {
        (true, _) => Which::Held,
        (false, Some(number)) => Which::Number(VersionNumber(number)),
        (false, None) => Which::Live,
    };
    if graph.node(&name)?.is_inline() {
        return inline(context, &graph, &name);
    }
    let sample_rows = usize::from(arguments.rows);
    let shown = workspace.show(&graph, &name, which, sample_rows).await?;
    if context.terminal.json {
        context.terminal.document(&shown)?;
    } else if shown.version.state == VersionState::Held {
        held::print(context, &shown, sample_rows)?;
    } else {
        print(context, &shown)?;
    }
    Ok(Exit::Done)
}

/// What is not stored has columns and no versions.
fn inline(context: &Context, graph: &Graph, name: &AssetName) -> Outcome {
    let terminal = &context.terminal;
    let node = graph.node(name)?;
    let file = node.file.source.file.display().to_string();
    if terminal.json {
        terminal.document(&json!({
            "asset": name, "kind": node.file.kind, "inline": true, "file": file, "schema": node.schema,
            "description": node.file.description, "owner": node.file.owner, "tags": node.file.tags,
        }))?;
        return Ok(Exit::Done);
    }
    let title = terminal.paint.strong(&name.to_string());
    terminal.line(&format!("{title}   {}   {}", node.file.kind, terminal.paint.faint(&file)))?;
    if let Some(description) = &node.file.description {
        terminal.line(description.trim_end())?;
    }
    terminal.line("inline: it is not stored and has no versions; its readers evaluate it\n")?;
    let mut table = Table::new().left("COLUMN").left("TYPE");
    for column in &node.schema.columns {
        table
            .row([Cell::styled(Style::Strong, &column.name), Cell::styled(Style::Faint, column.data_type.to_string())]);
    }
    terminal.table(&table)?;
    terminal.next(&context.lockgate(&format!("query \"select * from {name} limit 5\"")));
    Ok(Exit::Done)
}

fn print(context: &Context, shown: &Shown) -> io::Result<()> {
    head(context, shown)?;
    let terminal = &context.terminal;
    let paint = terminal.paint;
    if let Some(late) = &shown.late {
        terminal.line(&format!("{} {}   {}", paint.caution("!"), paint.caution("LATE"), late.message))?;
    }
    if let Some(change) = &shown.schema_change {
        terminal.line("\ncolumns, against the live version")?;
        for line in schema_change::lines(change, paint) {
            terminal.line(&format!("  {line}"))?;
        }
    }
    terminal.line("")?;
    terminal.table(&columns(shown))?;
    if !shown.version.checks.is_empty() {
        terminal.line(&format!("\nchecks: {}", outcome::counts(&shown.version.checks, paint)))?;
        terminal.table(&outcome::table(&shown.version.checks, 2))?;
    }
    if let Some(rejects) = shown.version.rejects.as_ref().filter(|rejects| rejects.rows > 0) {
        let table = shown.version.asset.rejects();
        terminal.line(&format!("\n{} rejected: they are in {table}", rows(rejects.rows)))?;
    }
    if !shown.preview.rows.is_empty() {
        let shown_rows = shown.preview.rows.len() as u64;
        terminal.line(&format!(
            "\n{}",
            if shown_rows == 1 { "first row".to_owned() } else { format!("first {shown_rows} rows") }
        ))?;
        terminal.table(&outcome::samples(&shown.preview, usize::MAX, 2))?;
    }
    if shown.held.is_some() {
        terminal.next(&context.lockgate(&format!("show {} --held", shown.version.asset)));
    }
    Ok(())
}

/// The asset in two lines, and the version in one.
fn head(context: &Context, shown: &Shown) -> io::Result<()> {
    let terminal = &context.terminal;
    let (paint, version) = (terminal.paint, &shown.version);
    let now = context.effects.clock.now();
    let file = paint.faint(&shown.file.display().to_string());
    terminal.line(&format!("{}   {}   {file}", paint.strong(&version.asset.to_string()), shown.kind))?;
    if let Some(description) = &shown.description {
        terminal.line(description.trim_end())?;
    }
    let mut facts: Vec<String> = shown.owner.iter().map(|owner| format!("owner {owner}")).collect();
    if !shown.tags.is_empty() {
        facts.push(format!("tags {}", shown.tags.join(", ")));
    }
    if !version.partition_by.is_empty() {
        facts.push(format!("partitioned by {}", version.partition_by.join(", ")));
    }
    if !facts.is_empty() {
        terminal.line(&paint.faint(&facts.join("   ")))?;
    }
    let when = match (version.state, version.published_at) {
        (VersionState::Published, Some(at)) => format!("live, published {}", time::ago(now, at)),
        (state, Some(at)) => format!("{state}, published {}", time::ago(now, at)),
        (state, None) => format!("{state}, built {}", time::ago(now, version.staged_at)),
    };
    let took = match version.restores {
        Some(restored) => format!("restores version {restored}"),
        None => format!("built in {}, checked in {}", duration_ms(version.build_ms), duration_ms(version.audit_ms)),
    };
    let files = counted(len(&version.files), "file", "files");
    terminal.line(&format!(
        "\n{}   {when} by {}   {}   {} in {files}   {took}",
        paint.strong(&format!("version {}", version.number)),
        version.actor,
        rows(version.rows),
        bytes(version.size_bytes),
    ))?;
    if let Some(why) = &version.why {
        terminal.line(&format!("why: {why}"))?;
    }
    let inputs: Vec<String> = version.inputs.iter().map(|(name, number)| format!("{name} version {number}")).collect();
    if !inputs.is_empty() {
        terminal.line(&paint.faint(&format!("from {}", inputs.join(", "))))?;
    }
    Ok(())
}

/// Every column with its statistics.
fn columns(shown: &Shown) -> Table {
    let version = &shown.version;
    let mut table = Table::new().left("COLUMN").left("TYPE");
    let profile = version.profile.as_ref();
    if profile.is_some() {
        table = table.right("NULL").right("DISTINCT").prose("MIN").prose("MEDIAN").prose("MAX");
    }
    for column in &version.schema.columns {
        let mut cells =
            vec![Cell::styled(Style::Strong, &column.name), Cell::styled(Style::Faint, column.data_type.to_string())];
        if let Some(profile) = profile {
            let found = profile.column(&column.name);
            cells.extend(statistics(found, profile.rows));
        }
        table.row(cells);
    }
    table
}

fn statistics(profile: Option<&ColumnProfile>, total: u64) -> [Cell; 5] {
    let Some(profile) = profile else { return [""; 5].map(Cell::new) };
    let nulls = match profile.nulls {
        0 => Cell::new(""),
        nulls => percent(lockgate_types::check::share_of(nulls, total)).into(),
    };
    // A HyperLogLog count is near, not exact, once there are many.
    let distinct = profile.distinct.map_or_else(String::new, |distinct| match distinct {
        0..100 => distinct.to_string(),
        _ => format!("~{}", crate::terminal::number::count(distinct)),
    });
    let median = profile.quantiles.map_or_else(String::new, |quantiles| format!("~{}", measured(quantiles[2])));
    let text = |value: &Option<String>| value.as_deref().map_or_else(|| Cell::new(""), Cell::new);
    [nulls, distinct.into(), text(&profile.min), median.into(), text(&profile.max)]
}

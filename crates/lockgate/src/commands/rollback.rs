//! `lockgate rollback`.

use lockgate_types::VersionNumber;
use serde_json::json;

use crate::context::{Context, known_asset};
use crate::exit::{Exit, Outcome};
use crate::terminal::number::rows;

/// Publish a new version with the content of an old one
///
/// It stays until code or inputs change, or `run --force`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// The version to go back to
    #[arg(long, value_name = "N")]
    to: u64,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    why: String,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let to = VersionNumber(arguments.to);
    let version = workspace.rollback(&graph, &name, to, &arguments.why).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&json!({
            "asset": version.asset, "version": version.number, "restores": version.restores, "state": version.state,
            "rows": version.rows, "actor": version.actor, "why": version.why, "before": version.base,
        }))?;
        return Ok(Exit::Done);
    }
    let paint = terminal.paint;
    let name_shown = paint.strong(&name.to_string());
    let what = format!("{name_shown} version {} is published: it restores version {to}", version.number);
    terminal.line(&format!("{} {what}   {}", paint.good("✓"), rows(version.rows)))?;
    if !graph.descendants(&name).is_empty() {
        terminal.next(&context.lockgate(&format!("run {name}+")));
    }
    Ok(Exit::Done)
}

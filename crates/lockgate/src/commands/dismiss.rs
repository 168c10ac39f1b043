//! `lockgate dismiss`.

use lockgate_types::VersionNumber;
use serde_json::json;

use crate::commands::status::readers_see;
use crate::context::{Context, known_asset};
use crate::exit::{Exit, Outcome};

/// Give a held version up, with a reason
///
/// Readers keep the live version; the next run builds a new one when code or inputs changed.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// Only when this version is the one that is held
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Why it is given up
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    why: String,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let version = workspace.dismiss(&name, arguments.version.map(VersionNumber), &arguments.why).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&json!({
            "asset": version.asset, "version": version.number, "state": version.state, "actor": context.actor()?,
            "why": version.why, "live": version.base,
        }))?;
        return Ok(Exit::Done);
    }
    let paint = terminal.paint;
    let what = format!("{} version {} is dismissed", paint.strong(&name.to_string()), version.number);
    terminal.line(&format!("{} {what}   {}", paint.good("✓"), readers_see(version.base)))?;
    Ok(Exit::Done)
}

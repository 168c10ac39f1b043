//! `lockgate publish`.

use lockgate_run::Which;
use lockgate_types::VersionNumber;
use serde_json::json;

use crate::context::{Context, known_asset};
use crate::exit::{Exit, Outcome};
use crate::terminal::number::rows;

/// Publish a held version by hand, with a reason
///
/// Possible as long as the version it was judged against is still live. The reason goes into the audit log.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// Say that it is the held version that is meant
    #[arg(long, required = true)]
    held: bool,
    /// Only when this version is the one that is held
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Why it is right after all
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    why: String,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let _ = arguments.held;
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let before = workspace.show(&graph, &name, Which::Held, 0).await?.live;
    let version = workspace.publish_held(&graph, &name, arguments.version.map(VersionNumber), &arguments.why).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&json!({
            "asset": version.asset, "version": version.number, "state": version.state, "rows": version.rows,
            "actor": version.actor, "why": version.why, "before": before,
        }))?;
        return Ok(Exit::Done);
    }
    let paint = terminal.paint;
    let seen = before.map_or_else(String::new, |number| format!("   readers saw version {number} until now"));
    let what = format!("{} version {} is published", paint.strong(&name.to_string()), version.number);
    terminal.line(&format!("{} {what}   {}{seen}", paint.good("✓"), rows(version.rows)))?;
    if !graph.descendants(&name).is_empty() {
        terminal.next(&context.lockgate(&format!("run {name}+")));
    }
    Ok(Exit::Done)
}

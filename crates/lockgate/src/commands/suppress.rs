//! `lockgate suppress`.

use chrono::{DateTime, Utc};
use lockgate_run::SuppressRequest;
use lockgate_types::Threshold;

use crate::context::{Context, known_asset};
use crate::exit::{Exit, Outcome};
use crate::terminal::time::until;

/// Let one check fail until a date, with a reason and within a limit
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// The check, as `show NAME` calls it
    #[arg(value_name = "CHECK")]
    check: String,
    /// When it ends; a day is its 00:00 UTC
    #[arg(long, value_name = "DATE", value_parser = lockgate_types::time::parse_instant)]
    until: DateTime<Utc>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    why: String,
    /// It covers no more failing rows than this: "0.5%" or 100
    #[arg(long, value_name = "LIMIT", value_parser = Threshold::parse)]
    limit: Option<Threshold>,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let asset = known_asset(&graph, &arguments.name)?;
    let request = SuppressRequest {
        asset: asset.clone(),
        check: arguments.check,
        until: arguments.until,
        why: arguments.why,
        limit: arguments.limit,
    };
    let suppression = workspace.suppress(&graph, request).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&suppression)?;
        return Ok(Exit::Done);
    }
    let paint = terminal.paint;
    let until = until(context.effects.clock.now(), suppression.until);
    let limit = suppression.limit.map_or_else(
        || "without limit".to_owned(),
        |limit| format!("up to {} of rows", limit.to_string().trim_start_matches("> ")),
    );
    let name = paint.strong(&format!("{asset} {}", suppression.check));
    terminal.line(&format!("{} {name} may fail until {until}, {limit}", paint.caution("!")))?;
    terminal.next(&context.lockgate(&format!("run {asset}")));
    Ok(Exit::Done)
}

//! `lockgate history`.

use lockgate_catalog::VersionSummary;
use lockgate_types::VersionState;
use serde_json::json;

use crate::context::{Context, known_asset};
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{bytes, counted, rows};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::time;

/// List an asset's versions, newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset
    #[arg(value_name = "NAME")]
    name: String,
    /// No more than this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let name = known_asset(&graph, &arguments.name)?;
    let versions = workspace.history(&name).await?;
    let shown = &versions[..versions.len().min(arguments.limit)];
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&shown.iter().map(document).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if graph.node(&name)?.is_inline() {
        terminal.note(&format!("{name} is inline: it is not stored and has no versions"));
        return Ok(Exit::Done);
    }
    if versions.is_empty() {
        terminal.note(&format!("{name} has no version yet"));
        terminal.next(&context.lockgate(&format!("run {name}")));
        return Ok(Exit::Done);
    }
    let now = context.effects.clock.now();
    let mut table = Table::new()
        .right("VERSION")
        .left("STATE")
        .right("ROWS")
        .right("SIZE")
        .left("WHEN")
        .left("BY")
        .left("CHECKS")
        .prose("WHY");
    for version in shown {
        table.row([
            Cell::styled(Style::Strong, version.number.to_string()),
            Cell::styled(style(version.state), state(version)),
            rows(version.rows).into(),
            bytes(version.size_bytes).into(),
            time::ago(now, version.published_at.unwrap_or(version.staged_at)).into(),
            version.actor.to_string().into(),
            checks(version).into(),
            why(version).into(),
        ]);
    }
    terminal.table(&table)?;
    if versions.len() > shown.len() {
        let hidden = (versions.len() - shown.len()) as u64;
        let hidden = counted(hidden, "older version is", "older versions are");
        terminal.note(&format!("{hidden} not shown; --limit N shows more"));
    }
    Ok(Exit::Done)
}

fn style(state: VersionState) -> Style {
    match state {
        VersionState::Published => Style::Good,
        VersionState::Held | VersionState::Failed => Style::Bad,
        VersionState::Staged | VersionState::Publishing | VersionState::Retracted => Style::Caution,
        VersionState::Dismissed | VersionState::Superseded | VersionState::Expired => Style::Faint,
    }
}

fn state(version: &VersionSummary) -> String {
    match version.state {
        VersionState::Published => "live".to_owned(),
        VersionState::Held => "HELD".to_owned(),
        other => other.to_string(),
    }
}

fn checks(version: &VersionSummary) -> String {
    let counts = &version.checks;
    let parts = [
        (counts.failed + counts.errored, "failed"),
        (counts.known, "known"),
        (counts.suppressed, "suppressed"),
        (counts.warned, "warned"),
        (counts.passed, "passed"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    parts.join(", ")
}

fn why(version: &VersionSummary) -> String {
    let restores = version.restores.map(|number| format!("restores version {number}"));
    restores.into_iter().chain(version.why.clone()).collect::<Vec<_>>().join(": ")
}

fn document(version: &VersionSummary) -> serde_json::Value {
    let counts = &version.checks;
    json!({
        "version": version.number,
        "state": version.state,
        "run": version.run,
        "actor": version.actor,
        "rows": version.rows,
        "size_bytes": version.size_bytes,
        "staged_at": time::rfc3339(version.staged_at),
        "published_at": version.published_at.map(time::rfc3339),
        "as_of": time::rfc3339(version.as_of),
        "delta_version": version.delta_version,
        "base": version.base,
        "restores": version.restores,
        "build_ms": version.build_ms,
        "audit_ms": version.audit_ms,
        "fingerprint": version.fingerprint,
        "checks": {
            "passed": counts.passed, "warned": counts.warned, "known": counts.known,
            "suppressed": counts.suppressed, "failed": counts.failed + counts.errored,
        },
        "why": version.why,
    })
}

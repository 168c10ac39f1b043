//! `lockgate token`.

use chrono::{DateTime, Utc};
use clap::{Subcommand, ValueEnum};
use lockgate_catalog::{Role as Granted, ServiceCatalog, Token};
use lockgate_run::RunError;
use lockgate_server::new_token;
use lockgate_types::Diagnostic;
use serde_json::json;
use std::sync::Arc;

use crate::codes::{NO_TOKEN, USAGE};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::time;

/// Make, list and revoke tokens for `lockgate serve --sign-in`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token; it is shown once
    Create {
        /// Who acts with it: a person or a script
        #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
        /// What it may do
        #[arg(long)]
        role: Role,
        /// When it ends; never without
        #[arg(long, value_name = "TIME", value_parser = lockgate_types::time::parse_instant)]
        expires: Option<DateTime<Utc>>,
    },
    /// List the tokens, without their secrets
    List,
    /// End a token at once
    Revoke {
        /// As `token list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Reads everything
    Viewer,
    /// Starts runs, decides about versions, suppressions and schedules
    Operator,
    /// Makes and revokes tokens as well
    Admin,
}

impl From<Role> for Granted {
    fn from(role: Role) -> Granted {
        match role {
            Role::Viewer => Granted::Viewer,
            Role::Operator => Granted::Operator,
            Role::Admin => Granted::Admin,
        }
    }
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let root = context.global.directory.clone();
    // Says what is missing when this is no project.
    context.options(&root)?;
    let path = root.join(".lockgate/catalog.db");
    let catalog = lockgate_catalog::open_service_sqlite(&path, context.effects.clone()).await;
    let catalog = catalog.map_err(RunError::from)?;
    let outcome = match arguments.command {
        Command::Create { name, role, expires } => create(context, &catalog, &name, role.into(), expires).await,
        Command::List => list(context, &catalog).await,
        Command::Revoke { id } => revoke(context, &catalog, &id).await,
    };
    catalog.close().await;
    outcome
}

async fn create(
    context: &Context,
    catalog: &Arc<dyn ServiceCatalog>,
    name: &str,
    role: Granted,
    expires: Option<DateTime<Utc>>,
) -> Outcome {
    let now = context.effects.clock.now();
    if expires.is_some_and(|end| end <= now) {
        let diagnostic = Diagnostic::error(&USAGE, "the token would have expired already");
        return Err(Failure::usage(diagnostic.expected("a time to come in --expires")));
    }
    let (token, secret) = new_token(name, role, &context.actor()?, now, expires);
    catalog.add_token(&token).await.map_err(RunError::from)?;
    let terminal = &context.terminal;
    if terminal.json {
        let mut document = described(&token);
        document["secret"] = json!(secret);
        terminal.document(&document)?;
        return Ok(Exit::Done);
    }
    // The secret alone is data; it can be piped to where it is needed.
    terminal.line(&secret)?;
    let ends = token.expires_at.map_or_else(|| "it does not expire".to_owned(), until);
    terminal.note(&format!("token {} of {name}, {}   {ends}; it is shown this once", token.id, role.as_str()));
    Ok(Exit::Done)
}

fn until(end: DateTime<Utc>) -> String {
    format!("until {}", end.format("%Y-%m-%d %H:%M"))
}

async fn list(context: &Context, catalog: &Arc<dyn ServiceCatalog>) -> Outcome {
    let tokens = catalog.tokens().await.map_err(RunError::from)?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&tokens.iter().map(described).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if tokens.is_empty() {
        terminal.note("there are no tokens");
        terminal.next(&context.lockgate("token create --name NAME --role viewer"));
        return Ok(Exit::Done);
    }
    let now = context.effects.clock.now();
    let mut table = Table::new().left("ID").left("NAME").left("ROLE").left("STATE").left("LAST USED").left("MADE");
    for token in &tokens {
        let state = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => format!("revoked {}", time::ago(now, at)),
            (None, Some(end)) if end <= now => format!("expired {}", time::ago(now, end)),
            (None, Some(end)) => until(end),
            (None, None) => "valid".to_owned(),
        };
        let used = token.last_used_at.map_or_else(|| "never".to_owned(), |at| time::ago(now, at));
        table.row([
            Cell::styled(Style::Strong, &token.id),
            Cell::new(&token.name),
            Cell::new(token.role.as_str()),
            state.into(),
            used.into(),
            format!("{} by {}", time::ago(now, token.made_at), token.made_by).into(),
        ]);
    }
    terminal.table(&table)?;
    Ok(Exit::Done)
}

async fn revoke(context: &Context, catalog: &Arc<dyn ServiceCatalog>, id: &str) -> Outcome {
    let revoked = catalog.revoke_token(id, &context.actor()?, context.effects.clock.now()).await;
    if !revoked.map_err(RunError::from)? {
        let diagnostic = Diagnostic::error(&NO_TOKEN, format!("there is no token {id}"));
        return Err(Failure::usage(diagnostic.hint("lockgate token list")));
    }
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&json!({ "id": id, "state": "revoked" }))?;
    } else {
        terminal.line(&format!("{} token {id} is revoked", terminal.paint.good("✓")))?;
    }
    Ok(Exit::Done)
}

fn described(token: &Token) -> serde_json::Value {
    json!({
        "id": token.id, "name": token.name, "role": token.role.as_str(), "made_by": token.made_by, "made_at": token.made_at,
        "expires_at": token.expires_at, "revoked_at": token.revoked_at, "last_used_at": token.last_used_at,
    })
}

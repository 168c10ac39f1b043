//! `lockgate version`.

use serde_json::json;

use crate::context::Context;
use crate::exit::{Exit, Outcome};

/// Print the version of Lockgate and of its engine
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn execute(_: &Arguments, context: &Context) -> Outcome {
    let (own, engine) = (env!("CARGO_PKG_VERSION"), lockgate_engine::Engine::version());
    if context.terminal.json {
        context.terminal.document(&json!({ "lockgate": own, "engine": engine }))?;
    } else {
        context.terminal.line(&format!("lockgate {own} ({engine})"))?;
    }
    Ok(Exit::Done)
}

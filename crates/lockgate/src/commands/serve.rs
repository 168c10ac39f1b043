//! `lockgate serve`.

use std::net::SocketAddr;

use lockgate_server::{Addresses, ServeOptions, serve};
use serde_json::json;

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Serve the project: web UI, API, live events, schedules and alerts
///
/// Beside any command on the same project: readers never block, and whoever changes something takes a lease. Ctrl-C lets
/// answers end, interrupts the runs that it drives, and stops.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lockgate serve\n  lockgate token create --name ada --role admin\n  \
                        lockgate serve --bind 0.0.0.0:7700 --sign-in")]
pub(crate) struct Arguments {
    /// The address to serve on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    bind: SocketAddr,
    /// Callers have to show a token; needed on any address but a loopback one
    #[arg(long)]
    sign_in: bool,
    /// Requests a second that one caller may send for long
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Serve the Postgres wire as well: psql, DBeaver, Metabase and drivers read published tables there
    #[arg(long, value_name = "ADDRESS")]
    postgres: Option<SocketAddr>,
    /// Where people reach it, for links in alerts, when that is not the address
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

/// SQL nests deeper than a thread's usual stack.
const STACK_BYTES: usize = 16 << 20;

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    // Opened once before, so that warnings are told and secrets redacted as everywhere.
    drop(context.open().await?);
    let root = context.global.directory.clone();
    let open = context.options(&root)?;
    let options = ServeOptions {
        root,
        open,
        bind: arguments.bind,
        sign_in: arguments.sign_in,
        rate: arguments.rate,
        postgres: arguments.postgres,
        public_url: arguments.public_url,
    };
    // Rows are worked on by a runtime of their own: who only asks is answered meanwhile.
    let work = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("rows")
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(|error| Failure::system(&error))?;
    let ready = |addresses: Addresses| {
        let terminal = &context.terminal;
        let (address, url) = (addresses.http.to_string(), format!("http://{}", addresses.http));
        // Nobody need read it.
        let _ = if terminal.json {
            let postgres = addresses.postgres.map(|address| address.to_string());
            terminal.document(&json!({ "event": "serving", "address": address, "url": url, "postgres": postgres }))
        } else {
            let postgres =
                addresses.postgres.map_or_else(String::new, |address| format!("   and Postgres on {address}"));
            terminal.line(&format!("serving {}{postgres}   Ctrl-C stops it", terminal.paint.strong(&url)))
        };
    };
    let served = serve(options, work.handle().clone(), context.cancel.clone(), ready).await;
    work.shutdown_background();
    match served {
        Ok(()) => Ok(Exit::Done),
        Err(error) => {
            let exit = if error.is_usage() { Exit::Usage } else { Exit::Failed };
            Err(Failure::Diagnostics { diagnostics: error.diagnostics(), exit })
        }
    }
}

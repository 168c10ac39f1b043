//! Published tables over the Postgres wire protocol: psql, DBeaver, Metabase, psycopg and their like read them. They read
//! them, and nothing else.
//!
//! It owns the protocol, sessions and their settings, Postgres' types, and a catalogue (`pg_catalog`, `information_schema`)
//! that describes what is published. It does not know how a query is planned or answered: the text goes to
//! [`lockgate_run::Workspace::prepare_query`], which takes one SELECT over published versions, rejects tables and
//! `lockgate.*`, and nothing that writes or reads files. What is not a query is understood word for word, or refused.
//!
//! * **What a query sees.** All its tables at one instant: what was live when it began. In a transaction block every query
//!   sees what was live at the first one (repeatable read); tables of the schema `lockgate` are always of now.
//! * **Bounds.** `engine.memory` bounds queries together, as everywhere; answers stream, and a portal's or a cursor's rows
//!   are computed as they are fetched. [`Limits`] bounds connections, a statement's time (the sending of its rows is
//!   part of it), and how long a session or a transaction may be idle. A message has at most 16 MB, 10 KB before sign-in.
//! * **Ends.** A cancel request, a timeout, a client that goes and a server that stops are answered at once, and end the query
//!   behind: where it next waits or reads. One that multiplies rows within one operator (a cross join of large tables)
//!   works on until that operator hands on, which DataFusion leaves to it.
//! * **Sign-in.** Where tokens are needed, the password is a token's secret and the user name is anything. It is asked for in
//!   clear text, because what is stored of a token is a hash that no challenge can be made from, and the port has no TLS:
//!   on anything but this machine put a tunnel before it.
//! * **The catalogue** is of now, not of the transaction. Published tables are in it, inline assets as views, rejects
//!   tables; `lockgate.*` is readable and not listed. All schemas are on the search path as far as tools are told, but a name
//!   in a query is always `schema.table`.
//! * **Not here:** `explain`, SQL's `prepare`, `copy … to`, cursors that go backward, time zones other than UTC.
//!
//! Main types: [`serve`], [`Tables`], [`Project`], [`Authenticate`], [`Limits`].
//!
//! Cost: a connection is a task and a few kilobytes; a statement that reads data registers a reader (a small file) and costs
//! what its query costs. The protocol is written here and not taken from `pgwire`, because that one (0.42) reads messages of
//! up to 1 GB, gathers a portal's whole answer before it sends it, and panics on a `Bind` that ends too early.

mod catalogue;
mod codes;
mod connection;
mod failure;
mod protocol;
mod rows;
mod session;
mod settings;
mod source;
mod statement;
mod values;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use codes::CODES;
pub use source::{Authenticate, Project, Tables};

/// How long clients are given to be told that the server stops.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
/// Sockets beyond the connections: those that sign in, ask to cancel, or are about to be refused.
const AT_THE_DOOR: usize = 64;

/// What the port gives at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sessions at once.
    pub connections: usize,
    /// The longest that a statement may take; a session's `statement_timeout` can only be shorter.
    pub statement: Duration,
    /// The longest that a session may say nothing.
    pub idle: Duration,
    /// The same within a transaction, which keeps old versions from being removed.
    pub idle_in_transaction: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 50,
            statement: Duration::from_secs(5 * 60),
            idle: Duration::from_secs(12 * 60 * 60),
            idle_in_transaction: Duration::from_secs(10 * 60),
        }
    }
}

/// What all connections share.
pub(crate) struct Server {
    source: Arc<dyn Tables>,
    auth: Arc<dyn Authenticate>,
    limits: Limits,
    stop: CancellationToken,
    seats: Arc<Semaphore>,
    listings: catalogue::Listings,
    /// By process number, as the protocol calls it: the secret, and what wakes who works.
    sessions: Mutex<HashMap<i32, (Bytes, Arc<Notify>)>>,
    processes: AtomicI32,
}

impl Server {
    fn sessions(&self) -> MutexGuard<'_, HashMap<i32, (Bytes, Arc<Notify>)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_process(&self) -> i32 {
        self.processes.fetch_add(1, Ordering::Relaxed) & i32::MAX
    }

    /// Ends what a session works on; who does not know its secret is not heard, nor told so.
    fn cancel(&self, process: i32, secret: &[u8]) {
        if let Some((known, wakes)) = self.sessions().get(&process)
            && *known == secret
        {
            wakes.notify_waiters();
        }
    }
}

/// Serves until `stop` is set. The listener's address is up to the caller; beyond this machine `auth` should ask for tokens.
/// Rows are worked on where this future is run.
///
/// # Errors
/// None for what clients do; [`io::Error`] when the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    source: Arc<dyn Tables>,
    auth: Arc<dyn Authenticate>,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<()> {
    let server = Arc::new(Server {
        source,
        auth,
        limits,
        stop: stop.clone(),
        seats: Arc::new(Semaphore::new(limits.connections)),
        listings: catalogue::Listings::default(),
        sessions: Mutex::default(),
        processes: AtomicI32::new(1),
    });
    let doors = Arc::new(Semaphore::new(limits.connections + AT_THE_DOOR));
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Those that have ended are forgotten.
            Some(ended) = clients.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection of the Postgres wire ended with a panic");
                }
                continue;
            }
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((socket, from)) => {
                // More than that are turned away without a word.
                if let Ok(door) = Arc::clone(&doors).try_acquire_owned() {
                    let server = Arc::clone(&server);
                    clients.spawn(async move {
                        connection::serve(server, socket, from).await;
                        drop(door);
                    });
                }
            }
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                // Too many open files, most likely: others may end.
                tracing::warn!(%error, "the Postgres wire cannot take a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    let ended = async { while clients.join_next().await.is_some() {} };
    // Who still works by then is cut off when the set is dropped.
    let _ = tokio::time::timeout(STOPS_WITHIN, ended).await;
    Ok(())
}

fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

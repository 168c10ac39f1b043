//! One client from its first byte to its last.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::Server;
use crate::codes;
use crate::failure::Failure;
use crate::protocol::{First, Input, Message, Output, Standing};
use crate::session::Session;

/// From the first byte to the password.
const SIGNS_IN_WITHIN: Duration = Duration::from_secs(30);

/// Serves a client until it goes, or the server does.
pub(crate) async fn serve(server: Arc<Server>, socket: TcpStream, from: SocketAddr) {
    // Small answers go at once; where that cannot be had it is only slower.
    let _ = socket.set_nodelay(true);
    let (read, write) = socket.into_split();
    let (mut input, mut output) = (Input::new(read), Output::new(write));
    let begun = tokio::select! {
        begun = tokio::time::timeout(SIGNS_IN_WITHIN, begin(&server, &mut input, &mut output, from.ip())) => begun,
        () = server.stop.cancelled() => return,
    };
    match begun {
        Ok(Ok(Some(begun))) => {
            let Begun { mut session, cancel, _seat, _listed } = begun;
            if let Err(failure) = talk(&server, &mut session, &cancel, &mut input, &mut output).await {
                output.failure(&failure);
            }
        }
        Ok(Ok(None)) => {}
        Ok(Err(failure)) => output.failure(&failure),
        Err(_) => output.failure(&Failure::protocol("the client did not sign in in time")),
    }
    // Who does not read any more is not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(5), output.close()).await;
}

/// A client that was let in.
struct Begun {
    session: Session,
    cancel: Arc<Notify>,
    _seat: tokio::sync::OwnedSemaphorePermit,
    _listed: Listed,
}

/// Takes a session off the list of those that can be cancelled.
struct Listed {
    server: Arc<Server>,
    process: i32,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.server.sessions().remove(&self.process);
    }
}

/// `None` when there is nothing more to say.
async fn begin(
    server: &Arc<Server>,
    input: &mut Input,
    output: &mut Output,
    from: IpAddr,
) -> Result<Option<Begun>, Failure> {
    let (minor, parameters) = loop {
        match input.first().await? {
            None => return Ok(None),
            Some(First::Encrypt) => {
                output.no_encryption();
                output.flush().await?;
            }
            Some(First::Cancel { process, secret }) => {
                server.cancel(process, &secret);
                return Ok(None);
            }
            Some(First::Startup { minor, parameters }) => break (minor, parameters),
        }
    };
    let Ok(seat) = Arc::clone(&server.seats).try_acquire_owned() else {
        let message = format!("sorry, too many clients already: {} are served at once", server.limits.connections);
        return Err(Failure::fatal("53300", &codes::FULL, message));
    };
    let unknown: Vec<&str> =
        parameters.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("_pq_.")).collect();
    if minor > 0 || !unknown.is_empty() {
        output.older_protocol(&unknown);
    }
    let parameter = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let Some(user) = parameter("user") else {
        return Err(Failure::fatal("28000", &codes::SIGN_IN, "no user name was said"));
    };
    let actor = sign_in(server, input, output, user, from).await?;
    input.trust();

    let process = server.next_process();
    let secret = secret()?;
    let cancel = Arc::new(Notify::new());
    server.sessions().insert(process, (secret.clone(), Arc::clone(&cancel)));
    let listed = Listed { server: Arc::clone(server), process };
    let mut session = Session::new(Arc::clone(server), user.to_owned(), process, actor);
    for (name, value) in wishes(&parameters) {
        // A wish that is not understood is no reason to refuse a client; it sees what holds.
        if let Err(failure) = session.settings.set(&name, &value) {
            tracing::debug!(message = failure.message, "a setting of a new session was passed over");
        }
    }
    output.authentication_ok();
    for (name, value) in session.settings.told() {
        output.parameter(name, value);
    }
    output.parameter("session_authorization", user);
    output.key(process, &secret);
    output.ready(Standing::Idle);
    output.flush().await?;
    tracing::debug!(actor = session.actor(), %from, "a client of the Postgres wire signed in");
    Ok(Some(Begun { session, cancel, _seat: seat, _listed: listed }))
}

async fn sign_in(
    server: &Server,
    input: &mut Input,
    output: &mut Output,
    user: &str,
    from: IpAddr,
) -> Result<String, Failure> {
    if let Some(actor) = server.auth.trusted(from) {
        return Ok(actor);
    }
    output.ask_password();
    output.flush().await?;
    let password = match input.next().await? {
        Some(Message::Password(password)) => password,
        _ => return Err(Failure::fatal("28000", &codes::SIGN_IN, "the password is missing")),
    };
    match server.auth.check(user, &password, from).await {
        Some(actor) => Ok(actor),
        None => {
            tracing::warn!(%from, "a token that is not valid was refused on the Postgres wire");
            let message = format!("password authentication failed for user \"{user}\"");
            Err(Failure::fatal("28P01", &codes::SIGN_IN, message)
                .hint("the password is a token: lockgate token create"))
        }
    }
}

/// Four bytes, by which who asks to cancel is known.
fn secret() -> Result<Bytes, Failure> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::fatal("XX000", &codes::STOPPED, "the operating system gives no random bytes"))?;
    Ok(Bytes::copy_from_slice(&bytes))
}

/// Settings that a client begins with: by their names, and as `options=-c name=value`.
fn wishes(parameters: &[(String, String)]) -> Vec<(String, String)> {
    let mut wishes = Vec::new();
    for (name, value) in parameters {
        match name.as_str() {
            "user" | "database" | "replication" => {}
            "options" => {
                let words = value.replace("\\ ", "\u{0}");
                let mut words = words.split_whitespace();
                while let Some(word) = words.next() {
                    let wish = match word {
                        "-c" => words.next(),
                        other => other.strip_prefix("--").or_else(|| other.strip_prefix("-c")),
                    };
                    let pair = wish.and_then(|wish| wish.split_once('='));
                    wishes.extend(pair.map(|(name, value)| (name.to_owned(), value.replace('\u{0}', " "))));
                }
            }
            name if name.starts_with("_pq_.") => {}
            name => wishes.push((name.to_owned(), value.clone())),
        }
    }
    wishes
}

/// How the work on a message ended.
enum Ended {
    Answered(Result<(), Failure>),
    Gone,
    Stopping,
    Interrupted(Failure),
}

/// Messages, one after the other. Work on one ends early when the client goes, cancels, or waits too long: it is dropped, and
/// with it the query behind it.
async fn talk(
    server: &Server,
    session: &mut Session,
    cancel: &Notify,
    input: &mut Input,
    output: &mut Output,
) -> Result<(), Failure> {
    loop {
        let idle = match session.standing {
            Standing::Idle => server.limits.idle,
            Standing::Open | Standing::Failed => server.limits.idle_in_transaction,
        };
        let message = tokio::select! {
            message = tokio::time::timeout(idle, input.next()) => message,
            () = server.stop.cancelled() => return Err(stopping()),
        };
        let message = match message {
            Ok(message) => message?,
            Err(_) if session.standing == Standing::Idle => {
                return Err(Failure::fatal("57P05", &codes::STOPPED, "the session was idle for too long"));
            }
            Err(_) => {
                let message = "the transaction was idle for too long";
                return Err(Failure::fatal("25P03", &codes::STOPPED, message));
            }
        };
        let message = match message {
            None | Some(Message::Terminate) => return Ok(()),
            Some(message) => message,
        };
        let extended = message.is_extended();
        let time = session.statement_time();
        let ended = {
            // Boxed: a query's planning is large.
            let work = Box::pin(session.answer(message, output));
            tokio::select! {
                answered = work => Ended::Answered(answered),
                () = input.gone() => Ended::Gone,
                () = server.stop.cancelled() => Ended::Stopping,
                () = cancel.notified() => {
                    Ended::Interrupted(Failure::new("57014", &codes::STOPPED, "canceling statement due to user request"))
                }
                () = tokio::time::sleep(time) => {
                    let message = "canceling statement due to statement timeout";
                    Ended::Interrupted(Failure::new("57014", &codes::STOPPED, message))
                }
            }
        };
        match ended {
            Ended::Answered(Ok(())) => {}
            Ended::Gone => return Ok(()),
            Ended::Stopping => return Err(stopping()),
            Ended::Answered(Err(failure)) if failure.fatal => return Err(failure),
            Ended::Answered(Err(failure)) | Ended::Interrupted(failure) => {
                session.failed(&failure, extended, output).await?;
            }
        }
    }
}

fn stopping() -> Failure {
    Failure::fatal("57P01", &codes::STOPPED, "the server is stopping")
}

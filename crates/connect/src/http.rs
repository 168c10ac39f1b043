//! Files behind `http(s)://`: what their server calls them, and fetching them whole.

use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap, LAST_MODIFIED, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode};
use tempfile::NamedTempFile;
use url::Url;

use crate::error::{ConnectError, HttpManner};
use crate::input::{LocalFile, hash};
use crate::inventory::{Known, Seen, blocking};

/// A file that was fetched; it is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) file: LocalFile,
    pub(crate) identity: Option<String>,
    _temporary: NamedTempFile,
}

fn client() -> Result<&'static Client, ConnectError> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        // Another part of the process may have chosen a provider already; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder()
            .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(30))
            .read_timeout(Duration::from_secs(60))
            .build()
            .map_err(|error| error.to_string())
    });
    client.as_ref().map_err(|words| ConnectError::Broken { what: format!("the HTTP client cannot be made: {words}") })
}

fn failed(name: &str, error: &reqwest::Error) -> ConnectError {
    // The error's own text names the URL with its query; only its causes are shown.
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    let what = if error.is_timeout() {
        "the server did not answer in time".to_owned()
    } else if error.is_connect() {
        format!("the server cannot be reached: {}", causes.last().map_or("no reason given", String::as_str))
    } else {
        format!("the download broke off: {}", causes.last().map_or("no reason given", String::as_str))
    };
    let manner = if error.is_builder() { HttpManner::Permanent } else { HttpManner::Transient };
    ConnectError::Http { file: name.to_owned(), what, manner }
}

fn refused(name: &str, response: &Response) -> ConnectError {
    let status = response.status();
    let words = status.canonical_reason().unwrap_or("");
    let what = format!("the server answered {} {words}", status.as_u16()).trim_end().to_owned();
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let manner = match status {
        StatusCode::TOO_MANY_REQUESTS => HttpManner::Throttled(wait.map(Duration::from_secs)),
        StatusCode::SERVICE_UNAVAILABLE if wait.is_some() => HttpManner::Throttled(wait.map(Duration::from_secs)),
        StatusCode::REQUEST_TIMEOUT => HttpManner::Transient,
        status if status.is_server_error() => HttpManner::Transient,
        _ => HttpManner::Permanent,
    };
    ConnectError::Http { file: name.to_owned(), what, manner }
}

/// What the server calls this content; `None` when it does not say.
fn identity(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(ETAG), text(LAST_MODIFIED)) {
        (Some(tag), _) => Some(format!("etag {tag}")),
        (None, Some(modified)) => Some(format!("modified {modified}, {} bytes", text(CONTENT_LENGTH).unwrap_or("?"))),
        (None, None) => None,
    }
}

async fn head(name: &str, url: &Url) -> Result<Option<String>, ConnectError> {
    let client = client()?;
    let mut answer = None;
    // Some servers know no HEAD; the start of a GET tells the same.
    for method in [Method::HEAD, Method::GET] {
        let response = client.request(method, url.clone()).send().await.map_err(|error| failed(name, &error))?;
        if response.status().is_success() {
            return Ok(identity(response.headers()));
        }
        answer = Some(refused(name, &response));
    }
    Err(answer.unwrap_or_else(|| ConnectError::Broken { what: format!("{name} was not asked for") }))
}

/// How the content stands against what was read. It is fetched only when its server does not name it.
pub(crate) async fn look(name: &str, url: &Url, known: Option<&Known>) -> Result<Seen, ConnectError> {
    match (head(name, url).await?, known) {
        (Some(now), Some(known)) if known.identity.as_ref() == Some(&now) => {
            Ok(Seen { same: true, what: known.hash.clone() })
        }
        (Some(now), None) => Ok(Seen { same: false, what: now }),
        (_, known) => {
            let fetched = fetch(name, url).await?;
            let file = fetched.file.clone();
            let whole = blocking(move || hash(&file)).await?;
            Ok(Seen { same: known.is_some_and(|known| known.hash == whole.hash), what: whole.hash })
        }
    }
}

/// Fetches a file whole into the temporary folder.
pub(crate) async fn fetch(name: &str, url: &Url) -> Result<Fetched, ConnectError> {
    let response = client()?.get(url.clone()).send().await.map_err(|error| failed(name, &error))?;
    if !response.status().is_success() {
        return Err(refused(name, &response));
    }
    let identity = identity(response.headers());
    let disk = |error| ConnectError::unreadable(name, error);
    let mut temporary = NamedTempFile::with_prefix("lockgate-").map_err(disk)?;
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| failed(name, &error))?;
        temporary.write_all(&chunk).map_err(disk)?;
    }
    temporary.flush().map_err(disk)?;
    let file = LocalFile { name: name.to_owned(), path: temporary.path().to_owned() };
    Ok(Fetched { file, identity, _temporary: temporary })
}

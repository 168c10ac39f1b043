//! One attempt at one message, over HTTP.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lockgate_project::Secret;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value as Json;
use url::Url;

use crate::{Result, WatchError};

/// How an attempt came out.
#[derive(Debug)]
pub(crate) enum Answer {
    Taken,
    /// It may go well another time.
    Later {
        why: String,
        /// How long the receiver asks to be left alone.
        asked: Option<Duration>,
        /// It would go no better with another message.
        for_all: bool,
    },
    /// Never, as long as nobody mends something.
    Refused {
        why: String,
    },
}

/// The client. Its connections are shared by all receivers.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
}

/// Of an answer that is an error, so much is read: Slack says in a word what is wrong.
const WORD_MAX: usize = 60;

const REDIRECTS_MAX: usize = 3;

impl Sender {
    pub(crate) fn new(timeout: Duration) -> Result<Sender> {
        // Another part of the process may have chosen a provider already; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(Policy::custom(follow))
            .build()
            .map_err(|error| WatchError::Client(error.to_string()))?;
        Ok(Sender { client })
    }

    /// Posts a body. What comes back names no part of the URL.
    pub(crate) async fn post(&self, to: &Secret, id: &str, body: &Json, now: DateTime<Utc>) -> Answer {
        let Ok(url) = Url::parse(to.expose()) else {
            return Answer::Refused { why: "it does not go to a URL".to_owned() };
        };
        let request = self
            .client
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", id)
            .body(body.to_string());
        match request.send().await {
            Ok(response) => self.judge(response, &url, now).await,
            Err(error) => {
                let why = without(&url, &failed(&error));
                if error.is_builder() {
                    Answer::Refused { why }
                } else {
                    Answer::Later { why, asked: None, for_all: true }
                }
            }
        }
    }

    async fn judge(&self, response: Response, url: &Url, now: DateTime<Utc>) -> Answer {
        let status = response.status();
        if status.is_success() {
            return Answer::Taken;
        }
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
        let words = status.canonical_reason().unwrap_or("");
        let mut why = format!("the receiver answered {} {words}", status.as_u16()).trim_end().to_owned();
        if status.is_redirection() {
            return Answer::Refused { why: format!("{why}: another address is not followed, name that one") };
        }
        if let Some(word) = word(response).await {
            why.push_str(&format!(" ({})", without(url, &word)));
        }
        match status {
            StatusCode::TOO_MANY_REQUESTS => Answer::Later { why, asked, for_all: true },
            StatusCode::REQUEST_TIMEOUT => Answer::Later { why, asked, for_all: false },
            // One that says when to come back is down; else the message may be what it fails at.
            status if status.is_server_error() => Answer::Later { why, for_all: asked.is_some(), asked },
            _ => Answer::Refused { why },
        }
    }
}

/// Only to the same server, and only where the message is to be posted again as it is: other redirects turn it into a question.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps_method = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&attempt.status());
    let from = attempt.previous().last();
    let is_same = from.is_some_and(|from| from.origin() == attempt.url().origin());
    if keeps_method && is_same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
}

/// Why there was no answer.
fn failed(error: &reqwest::Error) -> String {
    // The error's own text names the URL; only its causes are shown.
    let mut last = None;
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        last = Some(inner.to_string());
        cause = inner.source();
    }
    let last = last.unwrap_or_else(|| "no reason given".to_owned());
    if error.is_timeout() {
        "the receiver did not answer in time".to_owned()
    } else if error.is_connect() {
        format!("the receiver cannot be reached: {last}")
    } else {
        format!("the receiver broke off: {last}")
    }
}

/// `text` without what a URL has that nobody is to see: also its host, which may come from a variable.
fn without(url: &Url, text: &str) -> String {
    let mut parts: Vec<String> = [url.as_str(), url.path().trim_matches('/'), url.username()].map(str::to_owned).into();
    parts.extend(url.path().split('/').map(str::to_owned));
    parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    parts
        .extend([url.query(), url.password(), url.host_str(), url.fragment()].into_iter().flatten().map(str::to_owned));
    // Longest first, so that none is torn by a shorter one; of fewer than 4 characters they are no secrets.
    parts.retain(|part| part.chars().count() >= 4);
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.iter().fold(text.to_owned(), |text, part| text.replace(part.as_str(), "***"))
}

/// What a receiver says in a word or two, such as Slack's `invalid_blocks`; anything longer is a page.
async fn word(mut response: Response) -> Option<String> {
    let mut read = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        read.extend_from_slice(&chunk);
        if read.len() > WORD_MAX {
            return None;
        }
    }
    let text = String::from_utf8(read).ok()?;
    let text = text.trim();
    let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b' ');
    is_word.then(|| text.to_owned())
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some(at.to_utc().signed_duration_since(now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use super::*;

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-10-21T07:28:00Z").unwrap().to_utc();
        let asked = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked(" 0 "), Some(0));
        assert_eq!(asked("Wed, 21 Oct 2026 07:29:30 GMT"), Some(90));
        assert_eq!(asked("Wed, 21 Oct 2026 07:00:00 GMT"), Some(0), "a date that is past");
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-5"), None);
    }

    #[test]
    fn nothing_of_a_url_is_said() {
        let url = Url::parse("https://user:pass-word@hooks.host.example/services/T0AB/secret-part?key=value1").unwrap();
        let text = "no secret-part, no T0AB, no key=value1, no pass-word, no hooks.host.example, nor services";
        assert_eq!(without(&url, text), "no ***, no ***, no ***, no ***, no ***, nor ***");
    }
}

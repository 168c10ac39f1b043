//! A server that takes messages, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) what: String,
    pub(crate) key: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
}

/// How the next request is answered; 200 when nothing is said.
#[derive(Clone, Debug)]
pub(crate) struct Say {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'static str,
    pub(crate) after: Duration,
}

impl Say {
    pub(crate) fn status(status: u16) -> Say {
        Say { status, headers: Vec::new(), body: "", after: Duration::ZERO }
    }

    pub(crate) fn with(mut self, header: &'static str, value: impl Into<String>) -> Say {
        self.headers.push((header, value.into()));
        self
    }
}

#[derive(Default)]
struct Inner {
    taken: Vec<Taken>,
    say: VecDeque<Say>,
    /// When nothing else is said.
    always: Option<Say>,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
    /// Ends with this.
    _server: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner: Arc<Mutex<Inner>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver { url, inner, _server: server }
    }

    pub(crate) fn say(&self, say: Say) {
        self.inner.lock().unwrap().say.push_back(say);
    }

    pub(crate) fn always(&self, say: Option<Say>) {
        self.inner.lock().unwrap().always = say;
    }

    /// What came since it was last asked.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        std::mem::take(&mut self.inner.lock().unwrap().taken)
    }

    /// Which assets that was about.
    pub(crate) fn assets(&self) -> Vec<String> {
        self.taken().iter().map(|taken| taken.body["asset"].as_str().unwrap_or("").to_owned()).collect()
    }
}

async fn answer(
    State(inner): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let say = {
        let mut inner = inner.lock().unwrap();
        inner.taken.push(Taken { what: format!("{method} {uri}"), key, headers, body });
        inner.say.pop_front().or_else(|| inner.always.clone()).unwrap_or_else(|| Say::status(200))
    };
    tokio::time::sleep(say.after).await;
    let mut answer = (StatusCode::from_u16(say.status).unwrap(), say.body).into_response();
    for (name, value) in say.headers {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}

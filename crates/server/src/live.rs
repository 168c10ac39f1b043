//! What happens, told to whoever listens: runs, tasks, versions and gates, as the journal and the audit log have them.
//!
//! The catalog is looked at only while somebody listens: at once when this server did something itself, and twice a
//! second for what other processes do. An event's id says where journal and audit log stand behind it, so that a listener
//! who was away goes on where it stopped.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lockgate_catalog::{AuditEntry, Position, ServiceCatalog};
use lockgate_types::Event;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tokio::sync::{Notify, broadcast};
use utoipa::ToSchema;

/// How often the catalog is looked at while somebody listens.
const LOOKS_EVERY: Duration = Duration::from_millis(500);
/// Events and lines that are read at once.
const AT_ONCE: usize = 500;

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LiveEvent {
    /// `run_started`, `task_started`, `published`, `held`, `suppressed`, …
    pub(crate) event: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) run: Option<String>,
    pub(crate) asset: Option<String>,
    pub(crate) version: Option<u64>,
    /// The event's own fields.
    #[schema(value_type = Object)]
    pub(crate) data: Map<String, Json>,
}

/// An event with its sort and its id.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// `run`, `task`, `version`, `gate` or `reload`.
    pub(crate) sort: &'static str,
    /// Where the catalog stands behind it.
    pub(crate) position: Position,
    pub(crate) event: LiveEvent,
}

/// Who listens, and what wakes the one who looks.
#[derive(Debug)]
pub(crate) struct Live {
    catalog: Arc<dyn ServiceCatalog>,
    wake: Notify,
    /// Who tells people, when anybody does.
    outbox: RwLock<Option<Arc<Notify>>>,
    reloads: broadcast::Sender<DateTime<Utc>>,
}

impl Live {
    pub(crate) fn new(catalog: Arc<dyn ServiceCatalog>) -> Self {
        Live { catalog, wake: Notify::new(), outbox: RwLock::default(), reloads: broadcast::channel(16).0 }
    }

    /// This server did something.
    pub(crate) fn poke(&self) {
        self.wake.notify_waiters();
        if let Some(outbox) = self.outbox.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            outbox.notify_one();
        }
    }

    /// Who is to be woken by news.
    pub(crate) fn wakes(&self, outbox: Option<Arc<Notify>>) {
        *self.outbox.write().unwrap_or_else(PoisonError::into_inner) = outbox;
    }

    /// The project's files were loaded again.
    pub(crate) fn reloaded(&self, at: DateTime<Utc>) {
        // Nobody may listen.
        let _ = self.reloads.send(at);
    }

    pub(crate) fn reloads(&self) -> broadcast::Receiver<DateTime<Utc>> {
        self.reloads.subscribe()
    }

    /// What happened behind a position, in the order of its time; waits until there is something.
    pub(crate) async fn next(&self, after: Position, env: &str) -> lockgate_catalog::Result<(Vec<Told>, Position)> {
        loop {
            let woken = self.wake.notified();
            let now = self.catalog.position().await?;
            if now != after {
                let read = self.read(after, env).await?;
                if !read.0.is_empty() || read.1 != after {
                    return Ok(read);
                }
            }
            let _ = tokio::time::timeout(LOOKS_EVERY, woken).await;
        }
    }

    async fn read(&self, after: Position, env: &str) -> lockgate_catalog::Result<(Vec<Told>, Position)> {
        let events = self.catalog.events_after(after.event, AT_ONCE).await?;
        let lines = self.catalog.audit_after(after.audit, AT_ONCE).await?;
        let mut position = after;
        let mut told = Vec::new();
        let (mut events, mut lines) = (events.into_iter().peekable(), lines.into_iter().peekable());
        // Merged by time; within each of the two the order is theirs.
        loop {
            let take_event = match (events.peek(), lines.peek()) {
                (Some((_, event)), Some((_, line))) => event.at <= line.at,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            if take_event {
                let Some((sequence, event)) = events.next() else { break };
                position.event = sequence;
                told.extend(of_event(event).map(|(sort, event)| Told { sort, position, event }));
            } else {
                let Some((sequence, line)) = lines.next() else { break };
                position.audit = sequence;
                if line.environment.as_deref().is_none_or(|of| of == env) {
                    told.extend(of_line(line).map(|(sort, event)| Told { sort, position, event }));
                }
            }
        }
        Ok((told, position))
    }
}

fn of_event(event: Event) -> Option<(&'static str, LiveEvent)> {
    let sort = match event.event.as_str() {
        "run_started" | "run_ended" => "run",
        // The audit log tells of these.
        "published" | "held" => return None,
        _ => "task",
    };
    let live = LiveEvent {
        event: event.event,
        at: event.at,
        run: event.run.map(|run| run.0),
        asset: event.asset.map(|asset| asset.to_string()),
        version: event.version.map(|version| version.0),
        data: event.data,
    };
    Some((sort, live))
}

fn of_line(line: AuditEntry) -> Option<(&'static str, LiveEvent)> {
    let sort = match line.action.as_str() {
        "held" | "dismissed" | "suppressed" => "gate",
        // The journal tells of these.
        "run_started" | "run_ended" => return None,
        _ => "version",
    };
    let mut data = match line.detail {
        Json::Object(fields) => fields,
        Json::Null => Map::new(),
        other => [("detail".to_owned(), other)].into_iter().collect(),
    };
    data.insert("actor".to_owned(), json!(line.actor.0));
    if let Some(why) = line.why {
        data.insert("why".to_owned(), json!(why));
    }
    let run = data.get("run").and_then(Json::as_str).map(str::to_owned);
    let live = LiveEvent {
        event: line.action,
        at: line.at,
        run,
        asset: line.asset.map(|asset| asset.to_string()),
        version: line.version.map(|version| version.0),
        data,
    };
    Some((sort, live))
}

//! The outbox: what it is made of, and the loop that keeps it going.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lockgate_catalog::{Position, ServiceCatalog};
use lockgate_project::{Alert, Project, Secret};
use lockgate_types::{AssetName, Clock, Effects, Fingerprint};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::Result;
use crate::send::Sender;

/// What an outbox works with.
#[derive(Clone, Debug)]
pub struct OutboxOptions {
    pub catalog: Arc<dyn ServiceCatalog>,
    pub effects: Effects,
    /// Where people find the server's pages; without it messages carry no links.
    pub base_url: Option<Url>,
    pub timing: Timing,
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// An attempt that is not answered in this time failed.
    pub timeout: Duration,
    /// What was claimed is anybody's again after this time; several time-outs.
    pub claim: Duration,
    /// It looks for news so often when nobody wakes it: other processes of the project do not.
    pub tick: Duration,
}

impl Default for Timing {
    /// 10 s, 1 min, 30 s.
    fn default() -> Self {
        Timing { timeout: Duration::from_secs(10), claim: Duration::from_secs(60), tick: Duration::from_secs(30) }
    }
}

/// Tells what a project's alerts ask for. Any number of processes may have one on the same catalog.
pub struct Outbox {
    pub(crate) catalog: Arc<dyn ServiceCatalog>,
    pub(crate) effects: Effects,
    pub(crate) project: String,
    pub(crate) environment: String,
    /// Each with the second half of its messages' ids: whom it tells.
    pub(crate) alerts: Vec<(String, Alert)>,
    pub(crate) owners: BTreeMap<AssetName, String>,
    secrets: Vec<Secret>,
    /// Ends in `/`.
    base_url: Option<Url>,
    pub(crate) timing: Timing,
    pub(crate) sender: Sender,
    waker: Arc<Notify>,
    /// How far the logs are read, when that is further than what is recorded: news that nobody is told of is passed by without
    /// a write.
    pub(crate) read_until: Mutex<Option<Position>>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("environment", &self.environment).field("alerts", &self.alerts.len()).finish()
    }
}

/// However soon the next message is due: another process may be at it.
const WAIT_MIN: Duration = Duration::from_millis(200);

impl Outbox {
    /// For the environment that the project was loaded for.
    ///
    /// # Errors
    /// [`crate::WatchError::Client`].
    pub fn new(project: &Project, options: OutboxOptions) -> Result<Outbox> {
        let OutboxOptions { catalog, effects, base_url, timing } = options;
        let owner =
            |(name, asset): (&AssetName, &Arc<lockgate_project::AssetFile>)| Some((name.clone(), asset.owner.clone()?));
        Ok(Outbox {
            catalog,
            effects,
            project: project.name.clone(),
            environment: project.environment.clone(),
            alerts: project.alerts.iter().map(|alert| (whom(alert), alert.clone())).collect(),
            owners: project.assets.iter().filter_map(owner).collect(),
            secrets: project.secrets.clone(),
            base_url: base_url.map(with_slash),
            sender: Sender::new(timing.timeout)?,
            timing,
            waker: Arc::default(),
            read_until: Mutex::new(None),
        })
    }

    /// Wake it with `notify_one` when there may be news; what comes while it is awake is not missed.
    pub fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.waker)
    }

    /// Collects and delivers until cancelled: when woken, when a message is due, and every [`Timing::tick`]. What fails is
    /// logged and tried again. When cancelled, the attempts that are under way are waited for, at most [`Timing::timeout`].
    pub async fn run(&self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            if let Err(error) = self.collect().await {
                tracing::warn!(%error, "what happened is not told yet");
            }
            if let Err(error) = self.deliver(&cancel).await {
                tracing::warn!(%error, "messages are not delivered yet");
            }
            let wait = self.wait().await;
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.waker.notified() => {}
                () = pause(self.effects.clock.as_ref(), wait) => {}
            }
        }
        if let Err(error) = self.record_reading().await {
            tracing::warn!(%error, "how far the logs were read is not recorded: they are read again");
        }
    }

    /// Until the next message is due, at most a tick.
    async fn wait(&self) -> Duration {
        let due_at = match self.catalog.next_delivery(&self.environment).await {
            Ok(due_at) => due_at,
            Err(error) => {
                tracing::warn!(%error, "when the next message is due is not known");
                None
            }
        };
        let until = |due_at: DateTime<Utc>| due_at.signed_duration_since(self.effects.clock.now()).to_std();
        match due_at.map(until) {
            Some(Ok(until)) => until.clamp(WAIT_MIN, self.timing.tick.max(WAIT_MIN)),
            // Due already.
            Some(Err(_)) => WAIT_MIN,
            None => self.timing.tick,
        }
    }

    /// `text` without the project's secrets.
    pub(crate) fn redact(&self, text: &str) -> String {
        lockgate_project::redact(&self.secrets, text).into_owned()
    }

    /// A page of the server.
    pub(crate) fn page(&self, page: &str) -> Option<Url> {
        self.base_url.as_ref()?.join(page).ok()
    }
}

/// A receiver, as a hash: an alert that moves to another place of the file is still the same.
fn whom(alert: &Alert) -> String {
    Fingerprint::of([alert.receiver.as_str(), alert.to.expose()]).0.chars().take(16).collect()
}

/// What is joined to a URL replaces all behind its last slash.
fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// Waits on a clock: on the runtime's timer, unless the clock has one of its own.
async fn pause(clock: &dyn Clock, how_long: Duration) {
    match clock.pause(how_long) {
        Some(paused) => paused.await,
        None => tokio::time::sleep(how_long).await,
    }
}

//! What there is to tell, before it has the form of a receiver.

use chrono::{DateTime, Utc};
use lockgate_project::AlertEvent;
use lockgate_types::{AssetName, CheckOutcome, Fingerprint, RunId, VersionNumber};

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) event: AlertEvent,
    pub(crate) at: DateTime<Utc>,
    /// `None` for a run as a whole.
    pub(crate) asset: Option<AssetName>,
    /// The held version.
    pub(crate) version: Option<VersionNumber>,
    /// What readers see meanwhile, when that is known.
    pub(crate) readers_see: Option<VersionNumber>,
    pub(crate) run: Option<RunId>,
    /// What failed, without rows.
    pub(crate) checks: Vec<CheckOutcome>,
    /// Why, in a sentence.
    pub(crate) why: String,
    /// What makes it the same thing, whoever reads of it and how often: hashed with who is told.
    pub(crate) same: Vec<String>,
}

impl News {
    /// In one sentence.
    pub(crate) fn sentence(&self) -> String {
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        match (self.event, &self.asset, self.version) {
            (AlertEvent::Held, Some(asset), Some(version)) => format!("version {version} of {asset} is held{why}"),
            (AlertEvent::Held, Some(asset), None) => format!("{asset} is held{why}"),
            (AlertEvent::Held, None, _) => format!("something is held{why}"),
            (AlertEvent::Failed, Some(asset), _) => format!("{asset} failed{why}"),
            (AlertEvent::Failed, None, _) => match &self.run {
                Some(run) => format!("run {run} failed{why}"),
                None => format!("a run failed{why}"),
            },
            (AlertEvent::Late, Some(asset), _) => format!("{asset} is late{why}"),
            (AlertEvent::Late, None, _) => format!("something is late{why}"),
        }
    }

    /// What readers of the table have to know.
    pub(crate) fn readers(&self) -> Option<String> {
        self.asset.as_ref()?;
        match (self.event, self.readers_see) {
            (AlertEvent::Held, Some(live)) => Some(format!("readers keep version {live}")),
            (AlertEvent::Held, None) => Some("readers see nothing of it yet".to_owned()),
            (AlertEvent::Failed | AlertEvent::Late, _) => Some("readers keep the last good version".to_owned()),
        }
    }

    /// The command to type next.
    pub(crate) fn next(&self, environment: &str) -> String {
        let command = match (self.event, &self.asset, &self.run) {
            (AlertEvent::Held, Some(asset), _) => format!("show {asset} --held"),
            (AlertEvent::Failed, Some(asset), _) => format!("run {asset}"),
            (AlertEvent::Failed, None, Some(run)) => format!("run --retry {run}"),
            (AlertEvent::Late, _, _) | (_, None, _) => "status".to_owned(),
        };
        match environment {
            "default" => format!("lockgate {command}"),
            _ => format!("lockgate {command} --env {environment}"),
        }
    }

    /// The page of the server that shows it, below the server's own address.
    pub(crate) fn page(&self) -> String {
        match (self.event, &self.asset, &self.run) {
            (AlertEvent::Held, Some(asset), _) => format!("gates/{asset}"),
            (AlertEvent::Failed, _, Some(run)) => format!("runs/{run}"),
            (_, Some(asset), _) => format!("assets/{asset}"),
            (_, None, _) => String::new(),
        }
    }

    /// The first half of a message's id: what it tells.
    pub(crate) fn hash(&self, environment: &str) -> String {
        let same = self.same.iter().map(String::as_str);
        let parts = [environment, self.event.as_str()].into_iter().chain(same);
        Fingerprint::of(parts).0.chars().take(32).collect()
    }
}

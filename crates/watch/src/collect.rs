//! From the journal and the audit log to messages.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use lockgate_catalog::{AuditEntry, Delivery, DeliveryState, Late, Position};
use lockgate_project::AlertEvent;
use lockgate_types::{AssetName, CheckOutcome, Event, RunId, Samples, TaskState};

use crate::backoff::AGE_MAX;
use crate::form::{self, Letter};
use crate::news::News;
use crate::{Outbox, Result, faults};

/// So many lines of each log are read at once.
const PAGE: usize = 500;

/// So many lines are passed by before that is recorded, when nobody is told of any.
const UNRECORDED_MAX: i64 = 2_000;

/// What the logs are read with: what several lines ask for is looked up once.
#[derive(Default)]
struct Reading {
    environments: BTreeMap<RunId, Option<String>>,
    late: Option<BTreeMap<AssetName, Late>>,
}

impl Outbox {
    /// Reads what happened since it was last read, and records messages for whoever is to be told, with how far it came, in one
    /// transaction. The first time it only takes note of where the logs end: what happened before is nobody's news. Answers how
    /// many messages it made, those included that another process had made already.
    ///
    /// Cost: a few look-ups, and linear in what is new; a document of each version that was held. No write when there is
    /// nothing to tell.
    ///
    /// # Errors
    /// Of the catalog. It may be called again at any time.
    pub async fn collect(&self) -> Result<usize> {
        let env = self.environment.as_str();
        let Some(recorded) = self.catalog.told_until(env).await? else {
            self.record(&[], self.catalog.position().await?).await?;
            return Ok(0);
        };
        if self.alerts.is_empty() {
            // Whoever adds an alert is told of what happens from then on.
            let end = self.catalog.position().await?;
            if lines_between(recorded, end) > UNRECORDED_MAX {
                self.record(&[], end).await?;
            }
            self.note(end);
            return Ok(0);
        }
        let mut from = self.read_until().map_or(recorded, |read| further(read, recorded));
        let mut made = 0;
        loop {
            let audit = self.catalog.audit_after(from.audit, PAGE).await?;
            let events = self.catalog.events_after(from.event, PAGE).await?;
            let until = Position {
                audit: audit.last().map_or(from.audit, |(sequence, _)| *sequence),
                event: events.last().map_or(from.event, |(sequence, _)| *sequence),
            };
            if until == from {
                break;
            }
            let deliveries = self.deliveries_of(&audit, &events).await?;
            made += deliveries.len();
            if !deliveries.is_empty() || lines_between(recorded, until) > UNRECORDED_MAX {
                self.record(&deliveries, until).await?;
            }
            self.note(until);
            from = until;
        }
        Ok(made)
    }

    /// Records how far the logs are read, where they were passed by: whoever comes next need not read them again, and an alert
    /// that is added meanwhile is not told of them.
    pub(crate) async fn record_reading(&self) -> Result<()> {
        let recorded = self.catalog.told_until(&self.environment).await?;
        match (self.read_until(), recorded) {
            (Some(read), Some(recorded)) if lines_between(recorded, read) > 0 => self.record(&[], read).await,
            _ => Ok(()),
        }
    }

    fn note(&self, until: Position) {
        *self.read_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    fn read_until(&self) -> Option<Position> {
        *self.read_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn record(&self, deliveries: &[Delivery], until: Position) -> Result<()> {
        self.effects.faults.pass(&faults::BEFORE_TELL)?;
        self.catalog.tell(&self.environment, deliveries, until).await?;
        self.effects.faults.pass(&faults::AFTER_TELL)?;
        Ok(())
    }

    async fn deliveries_of(&self, audit: &[(i64, AuditEntry)], events: &[(i64, Event)]) -> Result<Vec<Delivery>> {
        let mut reading = Reading::default();
        let mut news = Vec::new();
        let oldest = self.effects.clock.now() - AGE_MAX;
        for (_, entry) in audit {
            let is_ours = entry.environment.as_deref() == Some(self.environment.as_str());
            if is_ours && entry.at >= oldest {
                match entry.action.as_str() {
                    "held" => news.extend(self.held(entry).await?),
                    "run_ended" => news.extend(self.ended(entry).await?),
                    _ => {}
                }
            }
        }
        for (_, event) in events.iter().filter(|(_, event)| event.at >= oldest) {
            match event.event.as_str() {
                "failed" => news.extend(self.failed(event, &mut reading).await?),
                "late" => news.extend(self.late(event, &mut reading).await?),
                _ => {}
            }
        }
        news.sort_by_key(|news: &News| news.at);
        Ok(news.iter().flat_map(|news| self.letters(news)).collect())
    }

    /// A version that did not pass its gate. What is held on the same base for the same inputs, code and outside is the same,
    /// also when somebody has it built again.
    async fn held(&self, entry: &AuditEntry) -> Result<Option<News>> {
        let (Some(asset), Some(number)) = (&entry.asset, entry.version) else { return Ok(None) };
        let version = self.catalog.version(&self.environment, asset, number).await?;
        let base = version.as_ref().and_then(|version| version.base);
        let key = version.as_ref().map(|version| version.candidate_key.as_str()).filter(|key| !key.is_empty());
        let what = key.map_or_else(|| format!("version {number}"), str::to_owned);
        let base_text = base.map(|base| base.to_string()).unwrap_or_default();
        Ok(Some(News {
            event: AlertEvent::Held,
            at: entry.at,
            asset: Some(asset.clone()),
            version: Some(number),
            readers_see: base,
            run: version.as_ref().and_then(|version| version.run.clone()),
            checks: version.map(|version| self.failing(version.checks)).unwrap_or_default(),
            why: self.redact(entry.why.as_deref().unwrap_or_default()),
            same: vec![asset.to_string(), what, base_text],
        }))
    }

    /// The checks that hold it. Rows stay where they are.
    fn failing(&self, checks: Vec<CheckOutcome>) -> Vec<CheckOutcome> {
        let failing = checks.into_iter().filter(|check| check.state.holds());
        failing
            .map(|check| CheckOutcome {
                samples: Samples::default(),
                name: self.redact(&check.name),
                message: self.redact(&check.message),
                ..check
            })
            .collect()
    }

    /// A task that failed, after its retries.
    async fn failed(&self, event: &Event, reading: &mut Reading) -> Result<Option<News>> {
        let (Some(asset), Some(run)) = (&event.asset, &event.run) else { return Ok(None) };
        if !self.is_ours(run, reading).await? {
            return Ok(None);
        }
        let message = event.data.get("message").and_then(|message| message.as_str()).unwrap_or_default();
        let attempts = event.data.get("attempts").and_then(serde_json::Value::as_u64).unwrap_or(1);
        let why = match attempts {
            0 | 1 => message.to_owned(),
            attempts => format!("{message} (after {attempts} attempts)"),
        };
        Ok(Some(self.failure(event.at, run, Some(asset), &why)))
    }

    /// What a run that ended did not tell: tasks of which only the journal's last lines are missing, or that it failed as a
    /// whole.
    async fn ended(&self, entry: &AuditEntry) -> Result<Vec<News>> {
        let text = |key: &str| entry.detail.get(key).and_then(|value| value.as_str());
        let (Some(run), Some(state)) = (text("run"), text("state")) else { return Ok(Vec::new()) };
        if !["failed", "interrupted"].contains(&state) {
            return Ok(Vec::new());
        }
        let run = RunId(run.to_owned());
        let tasks = self.catalog.tasks(&run).await?;
        let failed = tasks.iter().filter(|task| task.state == TaskState::Failed);
        let mut news: Vec<News> = failed
            .map(|task| {
                let why = task.message.as_deref().unwrap_or_default();
                self.failure(task.ended_at.unwrap_or(entry.at), &run, Some(&task.asset), why)
            })
            .collect();
        if news.is_empty() && state == "failed" {
            news.push(self.failure(entry.at, &run, None, "none of its tasks says why; its journal may"));
        }
        Ok(news)
    }

    fn failure(&self, at: chrono::DateTime<chrono::Utc>, run: &RunId, asset: Option<&AssetName>, why: &str) -> News {
        News {
            event: AlertEvent::Failed,
            at,
            asset: asset.cloned(),
            version: None,
            readers_see: None,
            run: Some(run.clone()),
            checks: Vec::new(),
            why: self.redact(why),
            same: vec![run.to_string(), asset.map(ToString::to_string).unwrap_or_default()],
        }
    }

    /// An asset that became late: once, until it is no longer late. One that is not late any more by the time this is read is
    /// nobody's news.
    async fn late(&self, event: &Event, reading: &mut Reading) -> Result<Option<News>> {
        let (Some(asset), Some(run)) = (&event.asset, &event.run) else { return Ok(None) };
        if !self.is_ours(run, reading).await? {
            return Ok(None);
        }
        let late = match &mut reading.late {
            Some(late) => late,
            late @ None => late.insert(self.catalog.late(&self.environment).await?),
        };
        let Some(late) = late.get(asset) else { return Ok(None) };
        Ok(Some(News {
            event: AlertEvent::Late,
            at: event.at,
            asset: Some(asset.clone()),
            version: None,
            readers_see: None,
            run: Some(run.clone()),
            checks: Vec::new(),
            why: self.redact(&format!("{}: {}", late.check, late.message)),
            same: vec![asset.to_string(), late.since.to_rfc3339()],
        }))
    }

    /// Whether a run is of the environment that is watched.
    async fn is_ours(&self, run: &RunId, reading: &mut Reading) -> Result<bool> {
        if !reading.environments.contains_key(run) {
            let environment = self.catalog.run(run).await?.map(|run| run.environment);
            reading.environments.insert(run.clone(), environment);
        }
        Ok(reading.environments.get(run).and_then(Option::as_deref) == Some(self.environment.as_str()))
    }

    /// One message for each receiver that is to be told.
    fn letters(&self, news: &News) -> Vec<Delivery> {
        let now = self.effects.clock.now();
        let what = news.hash(&self.environment);
        let told =
            self.alerts.iter().enumerate().filter(|(_, (_, alert))| alert.is_about(news.event, news.asset.as_ref()));
        told.map(|(index, (whom, alert))| {
            let id = format!("{what}-{whom}");
            let letter = Letter {
                id: &id,
                project: &self.project,
                environment: &self.environment,
                owner: news.asset.as_ref().and_then(|asset| self.owners.get(asset)).map(String::as_str),
                url: self.page(&news.page()),
                news,
            };
            Delivery {
                alert: index,
                to: format!("{} {}", alert.receiver.as_str(), alert.shown),
                kind: news.event.as_str().to_owned(),
                asset: news.asset.clone(),
                run: news.run.clone(),
                body: form::body(alert.receiver, &letter),
                text: news.sentence(),
                state: DeliveryState::Waiting,
                attempts: 0,
                made_at: now,
                due_at: now,
                sent_at: None,
                last_error: None,
                id,
            }
        })
        .collect()
    }
}

/// Each log at its further place.
fn further(a: Position, b: Position) -> Position {
    Position { audit: a.audit.max(b.audit), event: a.event.max(b.event) }
}

fn lines_between(from: Position, to: Position) -> i64 {
    (to.audit - from.audit).max(to.event - from.event)
}

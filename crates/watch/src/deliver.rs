//! From messages that are due to receivers that took them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use lockgate_catalog::{Delivery, DeliveryState};
use lockgate_types::Instant;
use tokio_util::sync::CancellationToken;

use crate::send::Answer;
use crate::{Outbox, Result, backoff, faults};

/// So many are claimed at once.
const BATCH: usize = 50;

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub sent: usize,
    /// They wait for another attempt.
    pub waiting: usize,
    pub given_up: usize,
}

impl Delivered {
    fn count(&mut self, state: DeliveryState) {
        match state {
            DeliveryState::Sent => self.sent += 1,
            DeliveryState::Waiting => self.waiting += 1,
            DeliveryState::GivenUp => self.given_up += 1,
        }
    }

    fn add(&mut self, more: Delivered) {
        self.sent += more.sent;
        self.waiting += more.waiting;
        self.given_up += more.given_up;
    }
}

impl Outbox {
    /// Sends what is due: in order to each receiver, to all of them at once.
    ///
    /// Cost: an attempt and one sync a message; the claim of up to 50 is one sync.
    ///
    /// # Errors
    /// Of the catalog. What was claimed is due again after [`crate::Timing::claim`], and what was sent and could not be recorded
    /// is then sent again, with the same id.
    pub async fn deliver_due(&self) -> Result<Delivered> {
        self.deliver(&CancellationToken::new()).await
    }

    /// The same, until it is cancelled: what is under way is ended, the rest is due at once.
    pub(crate) async fn deliver(&self, cancel: &CancellationToken) -> Result<Delivered> {
        let mut delivered = Delivered::default();
        while !cancel.is_cancelled() {
            let now = self.effects.clock.now();
            let claimed_at = self.effects.clock.monotonic();
            let again_at = now + TimeDelta::from_std(self.timing.claim).unwrap_or(TimeDelta::minutes(1));
            let claimed = self.catalog.claim_deliveries(&self.environment, now, again_at, BATCH).await?;
            if claimed.is_empty() {
                break;
            }
            // The claim is in the order of due times and of their making.
            let mut receivers: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
            for delivery in claimed {
                let whom = delivery.id.rsplit_once('-').map_or("", |(_, whom)| whom).to_owned();
                receivers.entry(whom).or_default().push(delivery);
            }
            let sending = receivers.iter().map(|(whom, due)| self.to_one(whom, due, claimed_at, cancel));
            let mut failed = None;
            for outcome in join_all(sending).await {
                match outcome {
                    Ok(some) => delivered.add(some),
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(delivered)
    }

    /// What is due to one receiver, one after the other.
    async fn to_one(
        &self,
        whom: &str,
        due: &[Delivery],
        claimed_at: Instant,
        cancel: &CancellationToken,
    ) -> Result<Delivered> {
        let mut delivered = Delivered::default();
        let mut due = due.iter();
        while let Some(delivery) = due.next() {
            let held_for = self.effects.clock.monotonic().saturating_sub(claimed_at);
            if held_for + self.timing.timeout > self.timing.claim {
                // Before the attempt ended another process could be at it: they are due again soon.
                break;
            }
            if cancel.is_cancelled() {
                let now = self.effects.clock.now();
                self.settle(Delivery { due_at: now, ..delivery.clone() }).await?;
                continue;
            }
            self.effects.faults.pass(&faults::BEFORE_SEND)?;
            let (settled, down_until) = self.attempt(whom, delivery).await?;
            delivered.count(settled.state);
            if let Some(due_at) = down_until {
                // None of the others would fare better, and none of them has to pay for it with an attempt.
                for delivery in due.by_ref() {
                    self.settle(Delivery { due_at, last_error: settled.last_error.clone(), ..delivery.clone() })
                        .await?;
                    delivered.count(DeliveryState::Waiting);
                }
            }
        }
        Ok(delivered)
    }

    /// One attempt, and its record. Answers also until when the receiver takes no messages at all, as far as that is known.
    async fn attempt(&self, whom: &str, delivery: &Delivery) -> Result<(Delivery, Option<DateTime<Utc>>)> {
        let now = self.effects.clock.now();
        let alert = self.alerts.iter().find(|(receiver, _)| receiver == whom).map(|(_, alert)| alert);
        let answer = match alert {
            Some(alert) => self.sender.post(&alert.to, &delivery.id, &delivery.body, now).await,
            None => Answer::Refused { why: "no alert of lockgate.yml goes there any more".to_owned() },
        };
        self.effects.faults.pass(&faults::AFTER_SEND)?;
        let now = self.effects.clock.now();
        let attempts = delivery.attempts.saturating_add(1);
        let mut settled = Delivery { attempts, ..delivery.clone() };
        let mut down_until = None;
        let after = |wait: Duration| now + TimeDelta::from_std(wait).unwrap_or(backoff::AGE_MAX);
        match answer {
            Answer::Taken => {
                settled.state = DeliveryState::Sent;
                settled.sent_at = Some(now);
                settled.last_error = None;
            }
            Answer::Later { why, asked, for_all } => {
                let wait = backoff::pause(attempts, asked, &self.effects);
                settled.due_at = after(wait);
                // The others look again soon, unless the receiver says when.
                let others =
                    if asked.is_some() { settled.due_at } else { after(backoff::pause(1, None, &self.effects)) };
                down_until = for_all.then_some(others);
                settled.last_error = Some(self.redact(&why));
                if backoff::is_over(attempts, delivery.made_at, now) {
                    settled.state = DeliveryState::GivenUp;
                }
            }
            Answer::Refused { why } => {
                settled.state = DeliveryState::GivenUp;
                settled.last_error = Some(self.redact(&why));
            }
        }
        let (id, to) = (settled.id.as_str(), settled.to.as_str());
        let why = settled.last_error.as_deref().unwrap_or_default();
        match settled.state {
            DeliveryState::Sent => tracing::debug!(id, to, attempts, "told"),
            DeliveryState::Waiting => tracing::info!(id, to, attempts, why, "a message waits for another attempt"),
            DeliveryState::GivenUp => {
                tracing::error!(
                    id,
                    to,
                    attempts,
                    why,
                    text = settled.text.as_str(),
                    "a message is given up: tell them"
                );
            }
        }
        self.settle(settled.clone()).await?;
        Ok((settled, down_until))
    }

    async fn settle(&self, delivery: Delivery) -> Result<()> {
        self.catalog.settle_delivery(&self.environment, &delivery).await?;
        self.effects.faults.pass(&faults::AFTER_SETTLE)?;
        Ok(())
    }
}

//! Leases: one process changes an asset at a time, and one that stood still too long is fenced off.
//!
//! A lease is judged by its heartbeat on the observer's own monotonic clock: whoever waits takes it over once
//! the beat has not moved for [`timeout`], and gets a higher epoch. Every later step of the old holder compares
//! the epoch and fails. Clocks of different machines are never compared.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockgate_catalog::{Catalog, Lease, LeaseAttempt};
use lockgate_types::{AssetName, Clock};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Node, RunError, Workspace};

/// How long a beat may stand still before the lease is taken over. `LOCKGATE_LEASE_MS` shortens it in tests.
fn timeout() -> Duration {
    let ms = std::env::var("LOCKGATE_LEASE_MS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(ms.unwrap_or(10_000))
}

/// How often whoever waits looks in that time. It has to have looked so often: a process that stood still itself (a
/// laptop that slept) has not seen the other's heart stand still, however late it is by then.
const LOOKS: u32 = 20;

/// A heart as whoever waits sees it.
struct Seen {
    epoch: u64,
    beat: u64,
    since: lockgate_types::Instant,
    looks: u32,
}

/// A held lease. Beats until it is released or dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) lease: Lease,
    catalog: Arc<dyn Catalog>,
    /// Dropping it ends the heartbeat.
    beats: JoinSet<()>,
    lost: Arc<Mutex<bool>>,
}

impl Held {
    /// `Err(Fenced)` once a beat found the lease in other hands.
    pub(crate) fn check(&self, asset: &AssetName) -> Result<(), RunError> {
        if *self.lost.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(RunError::Fenced { asset: asset.clone() });
        }
        Ok(())
    }

    /// Whether it is known to be in other hands.
    pub(crate) async fn is_lost(&self) -> bool {
        const TRIES: usize = 3;
        for _ in 0..TRIES {
            if let Ok(is_ours) = self.catalog.beat(&self.lease).await {
                return !is_ours;
            }
        }
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives it back. A release that fails costs the next holder the wait for the time-out, nothing else.
    pub(crate) async fn release(mut self) {
        self.beats.abort_all();
        if let Err(error) = self.catalog.release(&self.lease).await {
            tracing::warn!(key = self.lease.key, %error, "lease not released");
        }
    }
}

impl Workspace {
    /// The members of a group are changed under one lease.
    pub(crate) fn lease_key(&self, name: &AssetName) -> String {
        match self.project.groups.iter().find(|group| group.members.contains(name)) {
            Some(group) => format!("{}/group:{}", self.env(), group.name),
            None => format!("{}/{name}", self.env()),
        }
    }

    /// The lease on an asset, if it is free or its holder is dead by the readers' files. Waits for nobody.
    ///
    /// # Errors
    /// [`RunError::Busy`] while somebody is at work on it.
    pub(crate) async fn acquire_at_once(&self, name: &AssetName) -> Result<Held, RunError> {
        let key = self.lease_key(name);
        let mut attempt = self.catalog.try_lease(&key, &self.worker).await?;
        if let LeaseAttempt::Held { holder, epoch, beat } = &attempt
            && !self.readers()?.has_holder(holder)
        {
            // Whoever is wrongly taken for dead is fenced off by the higher epoch.
            attempt = self.catalog.steal(&key, &self.worker, *epoch, *beat).await?;
        }
        match attempt {
            LeaseAttempt::Taken(lease) => Ok(self.keep(lease, timeout())),
            LeaseAttempt::Held { holder, .. } => Err(RunError::Busy { asset: name.clone(), holder }),
        }
    }

    /// Waits for the lease on an asset; takes it over from a holder whose heartbeat stands still.
    pub(crate) async fn acquire(&self, node: &Node, cancel: &CancellationToken) -> Result<Held, RunError> {
        let key = self.lease_key(&node.file.name);
        let timeout = timeout();
        let mut seen: Option<Seen> = None;
        loop {
            let (epoch, beat) = match self.catalog.try_lease(&key, &self.worker).await? {
                LeaseAttempt::Taken(lease) => return Ok(self.keep(lease, timeout)),
                LeaseAttempt::Held { epoch, beat, .. } => (epoch, beat),
            };
            let now = self.effects.clock.monotonic();
            match &mut seen {
                Some(seen) if (seen.epoch, seen.beat) == (epoch, beat) => {
                    seen.looks += 1;
                    if seen.looks >= LOOKS
                        && now.saturating_sub(seen.since) >= timeout
                        && let LeaseAttempt::Taken(lease) = self.catalog.steal(&key, &self.worker, epoch, beat).await?
                    {
                        tracing::warn!(key, "took over a lease whose holder stood still");
                        return Ok(self.keep(lease, timeout));
                    }
                }
                _ => seen = Some(Seen { epoch, beat, since: now, looks: 0 }),
            }
            tokio::select! {
                () = cancel.cancelled() => return Err(RunError::Interrupted),
                () = pause(self.effects.clock.as_ref(), timeout / LOOKS) => {}
            }
        }
    }

    fn keep(&self, lease: Lease, timeout: Duration) -> Held {
        let mut held = Held {
            lease: lease.clone(),
            catalog: Arc::clone(&self.catalog),
            beats: JoinSet::new(),
            lost: Arc::new(Mutex::new(false)),
        };
        let (catalog, lost) = (Arc::clone(&held.catalog), Arc::clone(&held.lost));
        let clock = Arc::clone(&self.effects.clock);
        held.beats.spawn(async move {
            loop {
                pause(clock.as_ref(), timeout / 4).await;
                match catalog.beat(&lease).await {
                    Ok(true) => {}
                    Ok(false) => {
                        *lost.lock().unwrap_or_else(PoisonError::into_inner) = true;
                        return;
                    }
                    // A catalog that is busy for one beat is asked again at the next.
                    Err(error) => tracing::warn!(key = lease.key, %error, "heartbeat failed"),
                }
            }
        });
        held
    }
}

/// Waits on a clock: on the runtime's timer, unless the clock has one of its own.
pub(crate) async fn pause(clock: &dyn Clock, how_long: Duration) {
    match clock.pause(how_long) {
        Some(paused) => paused.await,
        None => tokio::time::sleep(how_long).await,
    }
}

//! Who goes on next, and what time it is: one at a time, and nothing happens but by the seed.
//!
//! Whoever calls the catalog, or waits for the clock, stands in line here with the instant at which it may go on. The
//! earliest goes on, alone, until it stands in line again or ends; what it does meanwhile (files, threads of the engine) takes
//! no time. So the order of events is that of the instants, and the instants are drawn from the seed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_types::effects::Pause;
use lockgate_types::{Clock, Instant};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Of a worker: it lives, crashes, and comes again under the same number.
pub(crate) type WorkerIndex = usize;

#[derive(Debug)]
pub(crate) struct Schedule {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    random: SmallRng,
    now_ms: u64,
    in_line: BTreeMap<u64, Place>,
    next_ticket: u64,
    /// Who goes on now: the ticket that it was called by, and its task.
    turn: Option<Turn>,
    /// Until when a worker stands still, as a stopped process would.
    frozen_until_ms: BTreeMap<WorkerIndex, u64>,
    driver: Option<Waker>,
    trace: Vec<String>,
    /// What readers see may have changed since somebody asked.
    has_switched: bool,
}

#[derive(Debug)]
struct Turn {
    ticket: u64,
    task: Option<tokio::task::Id>,
    worker: WorkerIndex,
}

#[derive(Debug)]
struct Place {
    worker: WorkerIndex,
    task: Option<tokio::task::Id>,
    at_ms: u64,
    is_called: bool,
    waker: Option<Waker>,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Arc<Schedule> {
        let inner = Inner {
            random: SmallRng::seed_from_u64(seed),
            now_ms: 0,
            in_line: BTreeMap::new(),
            next_ticket: 0,
            turn: None,
            frozen_until_ms: BTreeMap::new(),
            driver: None,
            trace: Vec::new(),
            has_switched: false,
        };
        Arc::new(Schedule { inner: Mutex::new(inner) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.inner().now_ms
    }

    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        let mut inner = self.inner();
        let line = format!("{:>8} ms  {}", inner.now_ms, line());
        inner.trace.push(line);
    }

    pub(crate) fn note_switch(&self) {
        self.inner().has_switched = true;
    }

    /// Whether what readers see may have changed since the last call.
    pub(crate) fn has_switched(&self) -> bool {
        std::mem::take(&mut self.inner().has_switched)
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.inner().trace.clone()
    }

    /// True so many times in a million.
    pub(crate) fn chance(&self, in_a_million: u32) -> bool {
        self.inner().random.random_range(0..1_000_000) < in_a_million
    }

    pub(crate) fn draw(&self, range: std::ops::Range<u64>) -> u64 {
        self.inner().random.random_range(range)
    }

    /// A worker does nothing for so long, its heartbeats included.
    pub(crate) fn freeze(&self, worker: WorkerIndex, for_ms: u64) {
        let mut inner = self.inner();
        let until = inner.now_ms + for_ms;
        inner.frozen_until_ms.insert(worker, until);
    }

    /// Stands in line for an instant so much later.
    pub(crate) fn stand_in_line(self: &Arc<Self>, worker: WorkerIndex, for_ms: u64) -> InLine {
        InLine { schedule: Arc::clone(self), worker, for_ms, ticket: None }
    }

    /// A worker does nothing more, or nothing that anybody else would notice, until it stands in line again.
    pub(crate) fn leave(&self, worker: WorkerIndex) {
        let mut inner = self.inner();
        if inner.turn.as_ref().is_some_and(|turn| turn.worker == worker) {
            inner.end_turn();
        }
    }

    /// Lets the next one go on, once nobody does. Answers which worker it is of; `None` when nobody stands in line.
    pub(crate) async fn next(&self) -> Option<WorkerIndex> {
        std::future::poll_fn(|context| {
            let mut inner = self.inner();
            if inner.turn.is_none() {
                return Poll::Ready(());
            }
            inner.driver = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        // Whoever was made meanwhile gets into line first.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        self.inner().call_next()
    }
}

impl Inner {
    fn call_next(&mut self) -> Option<WorkerIndex> {
        let frozen = &self.frozen_until_ms;
        let when = |place: &Place| place.at_ms.max(frozen.get(&place.worker).copied().unwrap_or(0));
        let (ticket, at_ms) = self
            .in_line
            .iter()
            .map(|(ticket, place)| (*ticket, when(place)))
            .min_by_key(|(ticket, at)| (*at, *ticket))?;
        self.now_ms = self.now_ms.max(at_ms);
        let place = self.in_line.get_mut(&ticket)?;
        place.is_called = true;
        let (worker, task) = (place.worker, place.task);
        if let Some(waker) = place.waker.take() {
            waker.wake();
        }
        self.turn = Some(Turn { ticket, task, worker });
        Some(worker)
    }

    fn end_turn(&mut self) {
        self.turn = None;
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }
}

/// A place in line.
#[derive(Debug)]
pub(crate) struct InLine {
    schedule: Arc<Schedule>,
    worker: WorkerIndex,
    for_ms: u64,
    ticket: Option<u64>,
}

impl Future for InLine {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let schedule = Arc::clone(&self.schedule);
        let mut inner = schedule.inner();
        let task = tokio::task::try_id();
        let Some(ticket) = self.ticket else {
            let ticket = inner.next_ticket;
            inner.next_ticket += 1;
            let at_ms = inner.now_ms + self.for_ms;
            let waker = Some(context.waker().clone());
            inner.in_line.insert(ticket, Place { worker: self.worker, task, at_ms, is_called: false, waker });
            self.ticket = Some(ticket);
            if inner.turn.as_ref().is_some_and(|turn| turn.task == task) {
                inner.end_turn();
            }
            return Poll::Pending;
        };
        match inner.in_line.get_mut(&ticket) {
            Some(place) if !place.is_called => {
                place.waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => {
                inner.in_line.remove(&ticket);
                self.ticket = None;
                Poll::Ready(())
            }
        }
    }
}

impl Drop for InLine {
    /// Whoever is given up leaves the line; if it was its turn, that is over.
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut inner = self.schedule.inner();
        inner.in_line.remove(&ticket);
        if inner.turn.as_ref().is_some_and(|turn| turn.ticket == ticket) {
            inner.end_turn();
        }
    }
}

/// A worker's clocks: the wall's, which may be wrong and jump, and one that only rises.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) worker: WorkerIndex,
    /// Of the wall's clock.
    pub(crate) wrong_by_ms: Mutex<i64>,
    /// When it was started.
    pub(crate) since_ms: u64,
}

impl VirtualClock {
    pub(crate) fn jump(&self, by_ms: i64) {
        *self.wrong_by_ms.lock().unwrap_or_else(PoisonError::into_inner) += by_ms;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        let noon: DateTime<Utc> = DateTime::from_timestamp(1_772_366_400, 0).unwrap();
        let wrong_by = *self.wrong_by_ms.lock().unwrap_or_else(PoisonError::into_inner);
        noon + TimeDelta::milliseconds(i64::try_from(self.schedule.now_ms()).unwrap() + wrong_by)
    }

    fn monotonic(&self) -> Instant {
        Duration::from_millis(self.schedule.now_ms() - self.since_ms)
    }

    fn pause(&self, how_long: Duration) -> Option<Pause> {
        Some(Box::pin(self.schedule.stand_in_line(self.worker, u64::try_from(how_long.as_millis()).unwrap())))
    }
}

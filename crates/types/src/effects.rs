//! The handle for process-wide effects: time, ids and injected faults. Nothing else in the workspace reads the
//! system clock or makes a random id, so that a run can be replayed and a fault injected by name.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::fault::Faults;

/// A point on a monotonic clock, as time since the clock was made. Two processes' instants do not compare.
pub type Instant = Duration;

/// A wait for a clock to go on.
pub type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Wall and monotonic time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall time in UTC.
    fn now(&self) -> DateTime<Utc>;
    /// Monotonic time; leases are judged by it.
    fn monotonic(&self) -> Instant;
    /// Ends when this clock has gone on by so much. `None` when the runtime's own timer does that; a simulation's clock
    /// goes on without waiting.
    fn pause(&self, how_long: Duration) -> Option<Pause> {
        let _ = how_long;
        None
    }
}

/// Unique, time-ordered ids for runs and workers.
pub trait Ids: Send + Sync + fmt::Debug {
    /// Lowercase letters and digits, sorted by the time of their making.
    fn next(&self) -> String;
}

/// What a component needs from the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Effects {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub faults: Arc<Faults>,
}

impl Effects {
    /// The real clock, real ids, and the faults that `LOCKGATE_FAULTS` names (none when unset).
    // With `SystemClock`, the one place that reads the system's clocks.
    #[allow(clippy::disallowed_methods)]
    pub fn real() -> Self {
        let clock = Arc::new(SystemClock { started: std::time::Instant::now() });
        Effects {
            ids: Arc::new(TimeIds { clock: clock.clone(), counter: AtomicU64::new(0) }),
            clock,
            faults: Arc::new(Faults::from_env()),
        }
    }
}

#[derive(Debug)]
struct SystemClock {
    started: std::time::Instant,
}

impl Clock for SystemClock {
    // The one place that reads the system's clocks.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Instant {
        self.started.elapsed()
    }
}

/// Milliseconds, process id and a counter in base 36: unique on one machine, sorted by time.
#[derive(Debug)]
struct TimeIds {
    clock: Arc<SystemClock>,
    counter: AtomicU64,
}

impl Ids for TimeIds {
    fn next(&self) -> String {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let count = self.counter.fetch_add(1, Ordering::Relaxed) % (36 * 36);
        format!("{}{}{}", base36(millis, 9), base36(u64::from(std::process::id()), 5), base36(count, 2))
    }
}

/// `value` in base 36 with at least `width` digits.
fn base36(mut value: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while value > 0 || digits.len() < width {
        let digit = u32::try_from(value % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        value /= 36;
    }
    digits.iter().rev().collect()
}

/// A clock that stands still until moved; for tests.
#[derive(Debug)]
pub struct FixedClock(pub std::sync::Mutex<DateTime<Utc>>);

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn monotonic(&self) -> Instant {
        Duration::from_millis(u64::try_from(self.now().timestamp_millis()).unwrap_or(0))
    }
}

//! A clock whose hands a test moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_types::{Clock, Effects, Instant, Pause};

/// How often a lease beats, and is looked at by those who wait for it.
const OF_LEASES: [Duration; 2] = [Duration::from_millis(10_000 / 4), Duration::from_millis(10_000 / 20)];

/// The real clock, moved. A wait moves its hands and takes no time.
#[derive(Debug)]
pub(crate) struct Hands {
    real: Arc<dyn Clock>,
    moved: Mutex<Moved>,
}

#[derive(Debug, Default)]
struct Moved {
    /// Wall time alone: what a person, or a time server, sets.
    wall: TimeDelta,
    /// What was waited, for both clocks.
    waits: Vec<Duration>,
}

impl Moved {
    fn waited(&self) -> Duration {
        self.waits.iter().sum()
    }
}

impl Hands {
    pub(crate) fn new() -> Arc<Hands> {
        Arc::new(Hands { real: Effects::real().clock, moved: Mutex::default() })
    }

    /// The real effects, by this clock.
    pub(crate) fn effects(self: &Arc<Hands>) -> Effects {
        Effects { clock: self.clone(), ..Effects::real() }
    }

    /// Sets the wall clock forward, or back.
    pub(crate) fn jump(&self, by: TimeDelta) {
        self.moved.lock().unwrap().wall += by;
    }

    /// Every wait so far.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.moved.lock().unwrap().waits.clone()
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        let moved = self.moved.lock().unwrap();
        self.real.now() + moved.wall + TimeDelta::from_std(moved.waited()).unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.real.monotonic() + self.moved.lock().unwrap().waited()
    }

    fn pause(&self, how_long: Duration) -> Option<Pause> {
        // Leases go by the machine's own time: a clock that never waits would take every holder for dead.
        if OF_LEASES.contains(&how_long) {
            return None;
        }
        self.moved.lock().unwrap().waits.push(how_long);
        Some(Box::pin(std::future::ready(())))
    }
}

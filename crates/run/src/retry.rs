//! When a failed attempt is made again: by its kind of fault, after waits that double, within a budget.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lockgate_types::{Effects, FaultKind};

/// The first wait of a fault that may pass, at most; each further one may be twice as long, up to the second.
const TRANSIENT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The same when the other side asks to slow down and does not say for how long, or beyond what it says.
const THROTTLED: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// A run does not stand still for longer than this because somebody asks for it.
const ASKED_MAX: Duration = Duration::from_secs(600);

/// How often a look at the outside is taken again while a run is planned.
pub(crate) const LOOKS_AGAIN: u32 = 3;

/// How long to wait after attempt `attempt` (from 1), if it is worth another. Full jitter (Brooker, "Exponential Backoff
/// And Jitter", 2015): anything from nothing to the whole, so that many that failed together do not come back together.
pub(crate) fn pause(kind: FaultKind, attempt: u32, effects: &Effects) -> Option<Duration> {
    match kind {
        FaultKind::Permanent => None,
        FaultKind::Transient => Some(jitter(TRANSIENT, attempt, effects)),
        FaultKind::Throttled { retry_after } => {
            let asked = retry_after.unwrap_or_default();
            (asked <= ASKED_MAX).then(|| asked + jitter(THROTTLED, attempt, effects))
        }
    }
}

fn jitter((first, most): (Duration, Duration), attempt: u32, effects: &Effects) -> Duration {
    let whole = first.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1))).min(most);
    #[allow(clippy::cast_precision_loss)] // a share
    let share = (effects.random.next() >> 11) as f64 / (1u64 << 53) as f64;
    whole.mul_f64(share)
}

/// How many attempts a whole run may still make again: when what everything hangs on is away, a thousand tasks do not
/// each ask for it four times.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    /// For a run of so many tasks, each with its own `retries`.
    pub(crate) fn of(retries: impl Iterator<Item = u32>) -> Budget {
        let (tasks, most) = retries.fold((0u32, 0), |(tasks, most), retries| (tasks + 1, retries.max(most)));
        Budget(AtomicU32::new(most.max(10 + tasks / 5)))
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use std::sync::Arc;

    use lockgate_types::effects::SplitMix;

    use super::*;

    fn effects() -> Effects {
        Effects { random: Arc::new(SplitMix::seeded(7)), ..Effects::real() }
    }

    #[test]
    fn waits_double_and_are_spread_over_their_whole() {
        let effects = effects();
        for (attempt, most_ms) in [(1, 1_000), (2, 2_000), (3, 4_000), (7, 60_000), (40, 60_000)] {
            let waits: Vec<u128> =
                (0..500).map(|_| pause(FaultKind::Transient, attempt, &effects).unwrap().as_millis()).collect();
            let (least, most) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
            assert!(most <= most_ms && most > most_ms * 9 / 10, "attempt {attempt}: {most} ms");
            assert!(least < most_ms / 10, "attempt {attempt}: {least} ms");
        }
    }

    #[test]
    fn who_asks_to_wait_is_waited_for_and_not_for_ever() {
        let effects = effects();
        let asked = |seconds| FaultKind::Throttled { retry_after: Some(Duration::from_secs(seconds)) };
        let wait = pause(asked(30), 1, &effects).unwrap();
        assert!(wait >= Duration::from_secs(30) && wait < Duration::from_secs(35), "{wait:?}");
        assert!(pause(FaultKind::Throttled { retry_after: None }, 1, &effects).unwrap() < Duration::from_secs(5));
        assert_eq!(pause(asked(3_600), 1, &effects), None, "an hour is no wait");
        assert_eq!(pause(FaultKind::Permanent, 1, &effects), None);
    }

    #[test]
    fn a_run_has_a_budget_of_its_own() {
        let taken = |retries: &[u32]| {
            let budget = Budget::of(retries.iter().copied());
            (0..1_000).filter(|_| budget.take()).count()
        };
        assert_eq!(taken(&[3]), 10);
        assert_eq!(taken(&[3; 100]), 30);
        assert_eq!(taken(&[3, 50]), 50, "what one asset was given is not cut");
    }
}

//! When an attempt is made again, and when no more.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_types::Effects;

/// The first wait, at most; each further one may be twice as long. Twelve attempts take half a day.
const FIRST: Duration = Duration::from_secs(30);

/// A receiver that asks for a pause is waited for, but not for longer.
pub(crate) const ASKED_MAX: Duration = Duration::from_secs(3_600);

/// So many attempts are made.
pub(crate) const ATTEMPTS_MAX: u32 = 12;

/// A message that is older is given up when an attempt fails, and news that is older is not told.
pub(crate) const AGE_MAX: TimeDelta = TimeDelta::hours(24);

/// How long to wait after attempt `attempt` (from 1): what the receiver asks for, else twice as long each time. Half of it is
/// left to chance (Brooker, "Exponential Backoff And Jitter", 2015), so that many that failed together do not come back
/// together.
pub(crate) fn pause(attempt: u32, asked: Option<Duration>, effects: &Effects) -> Duration {
    #[allow(clippy::cast_precision_loss)] // a share
    let share = (effects.random.next() >> 11) as f64 / (1u64 << 53) as f64;
    match asked {
        Some(asked) => asked.min(ASKED_MAX) + FIRST.mul_f64(share / 10.0),
        None => {
            let whole = FIRST.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1).min(20)));
            whole.mul_f64(0.5 + share / 2.0)
        }
    }
}

/// Whether a message is given up after its attempt `attempt` failed.
pub(crate) fn is_over(attempt: u32, made_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    attempt >= ATTEMPTS_MAX || now.signed_duration_since(made_at) >= AGE_MAX
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lockgate_types::effects::SplitMix;

    use super::*;

    #[test]
    fn waits_double_and_twelve_attempts_take_half_a_day() {
        let effects = Effects { random: Arc::new(SplitMix::seeded(7)), ..Effects::real() };
        for attempt in 1..=11 {
            let most = FIRST * 2u32.pow(attempt - 1);
            let waits: Vec<Duration> = (0..300).map(|_| pause(attempt, None, &effects)).collect();
            assert!(waits.iter().all(|wait| *wait >= most / 2 && *wait <= most), "attempt {attempt}");
            assert!(waits.iter().max() > Some(&most.mul_f64(0.95)) && waits.iter().min() < Some(&most.mul_f64(0.55)));
        }
        let whole: Duration = (1..ATTEMPTS_MAX).map(|attempt| FIRST * 2u32.pow(attempt - 1)).sum();
        assert!(whole > Duration::from_secs(12 * 3_600) && whole < Duration::from_secs(24 * 3_600), "{whole:?}");
    }

    #[test]
    fn who_asks_is_waited_for_and_not_for_longer_than_an_hour() {
        let effects = Effects { random: Arc::new(SplitMix::seeded(7)), ..Effects::real() };
        for (asked, least) in [(0, 0), (90, 90), (3_600, 3_600), (86_400, 3_600)] {
            let wait = pause(1, Some(Duration::from_secs(asked)), &effects);
            assert!(wait.as_secs() >= least && wait.as_secs() <= least + 3, "{asked}: {wait:?}");
        }
    }

    #[test]
    fn attempts_and_age_end_it() {
        let made_at = DateTime::UNIX_EPOCH;
        assert!(!is_over(11, made_at, made_at + TimeDelta::hours(23)));
        assert!(is_over(12, made_at, made_at));
        assert!(is_over(1, made_at, made_at + TimeDelta::hours(24)));
    }
}

//! The last lasting jump of a series.
//!
//! At each step the median of a window before is compared with that of a window after, without the season. A jump is where they
//! differ by far more than the noise within the windows and than they usually differ, so that a trend is not a jump.

use super::{Draft, Kind};
use crate::robust::{median, medians, season_medians, spread};

/// Times the noise that a jump must have.
const ABOVE_NOISE: f64 = 6.0;
/// Times the usual difference between neighbouring windows.
const ABOVE_USUAL: f64 = 5.0;
const LEAST_WINDOW: usize = 8;
const LARGEST_WINDOW: usize = 56;
/// Seasons, and steps without one, that the last regime must have to be fitted alone.
const LEAST_SEASONS: usize = 3;
const LEAST_STEPS: usize = 24;

/// Where the last regime starts; 0 when there is no jump or too little comes after it.
pub(super) fn last(draft: &mut Draft<'_>) -> usize {
    let longest = draft.season(3).unwrap_or(1);
    // A longer season, of which there are too few rounds to take it away, makes levels differ that are no other regime.
    let slowest = draft.seasons.iter().rev().find(|season| 2 * *season <= draft.values.len()).copied();
    let window = slowest.unwrap_or(1).clamp(LEAST_WINDOW, LARGEST_WINDOW);
    let least = (LEAST_SEASONS * longest).max(LEAST_STEPS).max(window);
    let length = draft.values.len();
    if length < 2 * window + least {
        return 0;
    }
    let level = without_season(&draft.values, longest);
    let levels = medians(&level, window);
    let jumps: Vec<f64> = (window..=length - window).map(|at| levels[at] - levels[at - window]).collect();
    let usual = median(jumps.iter().map(|jump| jump.abs()));
    // Scanning backwards, the first place that is the largest jump of its surroundings.
    for at in (window..=length - least).rev() {
        let jump = jumps[at - window].abs();
        let around = &jumps[(at - window).saturating_sub(window)..(at + 1).min(jumps.len())];
        let largest = around.iter().fold(0.0_f64, |most, jump| most.max(jump.abs()));
        if jump <= ABOVE_USUAL * usual || jump < largest {
            continue;
        }
        let at = exactly(&level, at, window, least);
        let (before, after) = (&level[at - window..at], &level[at..at + window]);
        let within = |part: &[f64]| {
            let middle = median(part.iter().copied());
            spread(part.iter().map(|value| value - middle))
        };
        let noise = within(before).max(within(after));
        if jump > ABOVE_NOISE * noise && abrupt(&level, at, window) && lasting(&level, at, window) {
            let before: Vec<usize> = (0..at).collect();
            draft.record(Kind::LevelShift, &before);
            return at;
        }
    }
    0
}

/// The split near `at` on both sides of which the values are closest to their median: medians of windows barely move when the
/// windows do.
fn exactly(level: &[f64], at: usize, window: usize, least: usize) -> usize {
    let (from, until) = (at - window, at + window);
    let apart = |part: &[f64]| {
        let middle = median(part.iter().copied());
        part.iter().map(|value| (value - middle).abs()).sum::<f64>()
    };
    let half = window / 2;
    let splits = (at - half).max(window)..=(at + half).min(level.len() - least);
    let cost = |split: usize| apart(&level[from..split]) + apart(&level[split..until]);
    splits.min_by(|&left, &right| cost(left).total_cmp(&cost(right))).unwrap_or(at)
}

fn without_season(values: &[f64], season: usize) -> Vec<f64> {
    if season < 2 {
        return values.to_vec();
    }
    let rest: Vec<f64> = {
        let trend = crate::robust::rolling_median(values, season / 2 * 2 + 1);
        values.iter().zip(&trend).map(|(value, trend)| value - trend).collect()
    };
    let profile = season_medians(&rest, season);
    values.iter().enumerate().map(|(step, value)| value - profile[step % season]).collect()
}

/// Most of the difference happens within a few steps: a steep trend is not a jump.
fn abrupt(level: &[f64], at: usize, window: usize) -> bool {
    let near = (window / 4).max(3);
    let whole = median(level[at..at + window].iter().copied()) - median(level[at - window..at].iter().copied());
    let close = median(level[at..at + near].iter().copied()) - median(level[at - near..at].iter().copied());
    close * whole.signum() >= 0.6 * whole.abs()
}

/// What comes after never returns to what came before: otherwise it was an episode, not a regime.
fn lasting(level: &[f64], at: usize, window: usize) -> bool {
    let before = median(level[at - window..at].iter().copied());
    let after = median(level[at..at + window].iter().copied());
    let rest = median(level[at..].iter().copied());
    (rest - before) / (after - before) >= 0.5
}

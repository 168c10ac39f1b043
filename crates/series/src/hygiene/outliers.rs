//! Wild values: far from the rolling median, given the season.
//!
//! Season and spread are medians, so that wild values do not hide themselves; the spread is the larger of that of the whole series
//! and that around the value, so that a restless stretch is not taken for a heap of errors.

use super::{Draft, Kind};
use crate::robust::{median, rolling_median, season_medians, spread};

/// Longer runs are events, not errors.
const LONGEST_RUN: usize = 3;
/// A series of which more is wild is of that kind.
const LARGEST_SHARE: f64 = 0.05;
const LEAST_STEPS: usize = 12;

/// Replaces wild values from step `from` on by what is usual there.
pub(super) fn replace(draft: &mut Draft<'_>, from: usize) {
    let values = &draft.values[from..];
    if values.len() < LEAST_STEPS {
        return;
    }
    let season = draft.season(3).unwrap_or(1);
    let width = season.max(6) / 2 * 2 + 1;
    let (trend, profile) = usual(values, season, width);
    let usual: Vec<f64> = trend.iter().enumerate().map(|(step, trend)| trend + profile[step % season]).collect();
    let level: Vec<f64> = values.iter().enumerate().map(|(step, value)| value - profile[step % season]).collect();
    let rest: Vec<f64> = level.iter().zip(&trend).map(|(value, trend)| value - trend).collect();
    let overall = spread(rest.iter().copied());
    let size = median(values.iter().map(|value| value.abs())).max(f64::MIN_POSITIVE);
    if overall.is_nan() || overall <= f64::EPSILON * size {
        return;
    }
    let around = 2 * season.max(LEAST_STEPS);
    let is_wild = |place: usize| {
        if rest[place].abs() <= draft.settings.wild * overall {
            return false;
        }
        let near = &rest[place.saturating_sub(around)..(place + around + 1).min(rest.len())];
        let limit = draft.settings.wild * spread(near.iter().copied()).max(overall);
        // Beside a jump the rolling median is that of the other side: a value is wild only if it is so from either side.
        let before = &level[place.saturating_sub(width)..place];
        let after = &level[place + 1..(place + 1 + width).min(level.len())];
        let far = |side: &[f64]| side.is_empty() || (level[place] - median(side.iter().copied())).abs() > limit;
        rest[place].abs() > limit && far(before) && far(after)
    };
    let wild: Vec<usize> = (0..rest.len()).filter(|&place| is_wild(place)).collect();
    if wild.len() as f64 > LARGEST_SHARE * rest.len() as f64 {
        return;
    }
    let short: Vec<usize> = wild
        .chunk_by(|left, right| left + 1 == *right)
        .filter(|run| run.len() <= LONGEST_RUN && (run.len() == 1 || run[run.len() - 1] + 1 < rest.len()))
        .flatten()
        .copied()
        .collect();
    let low = draft.values[from..].iter().copied().fold(f64::INFINITY, f64::min);
    let short: Vec<usize> = short.into_iter().map(|place| from + place).collect();
    for &place in &short {
        let usual = usual[place - from];
        draft.values[place] = if low >= 0.0 { usual.max(0.0) } else { usual };
    }
    draft.record(Kind::Outliers, &short);
}

/// The rolling median, and the season's medians on top (a single 0 without a season).
fn usual(values: &[f64], season: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let trend = rolling_median(values, width);
    if season < 2 {
        return (trend, vec![0.0]);
    }
    let detrended: Vec<f64> = values.iter().zip(&trend).map(|(value, trend)| value - trend).collect();
    let profile = season_medians(&detrended, season);
    (trend, profile)
}

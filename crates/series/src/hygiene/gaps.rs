//! Steps without a value.

use serde::{Deserialize, Serialize};

use super::{Draft, Kind, daylight};

/// What steps without a value are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Zero for counts of events in which no zero is ever written down and steps are missing often; otherwise by season.
    #[default]
    Auto,
    /// The line between the neighbours, and what neighbouring seasons had on top of such a line.
    Season,
    /// The line between the neighbours.
    Linear,
    /// The value before.
    Previous,
    /// Zero, up to the step on which the other series end.
    Zero,
}

/// The share of missing steps from which counts without any zero are taken to leave zeros out.
const OFTEN: f64 = 0.1;
/// Seasons that are looked at on each side.
const SEASONS_AROUND: i64 = 2;

/// Whether missing steps of this series are zeros that were not written down.
pub(super) fn zeros(draft: &Draft<'_>) -> bool {
    match draft.settings.gaps {
        Fill::Zero => true,
        Fill::Season | Fill::Linear | Fill::Previous => false,
        Fill::Auto => {
            let present = || draft.values.iter().filter(|value| !value.is_nan());
            let missing = draft.values.len() - present().count();
            missing >= 3
                && missing as f64 >= OFTEN * draft.values.len() as f64
                && present().all(|&value| value >= 1.0 && value.fract() == 0.0)
        }
    }
}

/// Cuts missing steps off both ends (the end only where they are not zeros) and returns the values as measured.
pub(super) fn trimmed(draft: &mut Draft<'_>) -> Vec<f64> {
    let Some(oldest) = draft.values.iter().position(|value| !value.is_nan()) else {
        draft.values.clear();
        return Vec::new();
    };
    draft.values.drain(..oldest);
    draft.first += oldest as i64;
    if !zeros(draft)
        && let Some(newest) = draft.values.iter().rposition(|value| !value.is_nan())
    {
        draft.values.truncate(newest + 1);
    }
    draft.values.clone()
}

/// Gives every missing step a value. Zeros that were not written down count as measured.
pub(super) fn fill(draft: &mut Draft<'_>, actual: &mut [f64]) {
    let zero = zeros(draft);
    let how = match draft.settings.gaps {
        Fill::Auto if zero => Fill::Zero,
        Fill::Auto => Fill::Season,
        other => other,
    };
    let season = draft.season(2);
    let measured = draft.values.clone();
    let (mut filled, mut daylight) = (Vec::new(), Vec::new());
    let low = measured.iter().copied().filter(|value| !value.is_nan()).fold(f64::INFINITY, f64::min);
    let mut place = 0;
    while place < measured.len() {
        if !measured[place].is_nan() {
            place += 1;
            continue;
        }
        let end = (place..measured.len()).find(|&next| !measured[next].is_nan()).unwrap_or(measured.len());
        for (gap, actual) in actual.iter_mut().enumerate().take(end).skip(place) {
            let absent = daylight::missing(draft, gap);
            let value = match how {
                // An hour that does not exist has no events that could be missing.
                Fill::Zero if !absent => 0.0,
                Fill::Previous => measured[place - 1],
                Fill::Linear => line(&measured, place - 1, end, gap),
                Fill::Zero | Fill::Season | Fill::Auto => by_season(&measured, place - 1, end, gap, season),
            };
            if how == Fill::Zero && !absent {
                *actual = 0.0;
            }
            // A series that was never negative does not become so by being filled.
            draft.values[gap] = if low >= 0.0 { value.max(0.0) } else { value };
            if absent { daylight.push(gap) } else { filled.push(gap) }
        }
        place = end;
    }
    draft.record(Kind::Gaps, &filled);
    draft.record(Kind::DaylightMissing, &daylight);
}

/// The line from the known step `before` to the known step `after` (which may lie past the end: then the value before).
fn line(values: &[f64], before: usize, after: usize, at: usize) -> f64 {
    let Some(&right) = values.get(after) else { return values[before] };
    let share = (at - before) as f64 / (after - before) as f64;
    values[before] * (1.0 - share) + right * share
}

fn by_season(values: &[f64], before: usize, after: usize, at: usize, season: Option<usize>) -> f64 {
    let base = line(values, before, after, at);
    let Some(season) = season else { return base };
    // What another season had at this step on top of the line between the steps where this gap has its edges.
    let on_top = |shift: i64| {
        let moved =
            |place: usize| usize::try_from(place as i64 + shift * season as i64).ok().filter(|&to| to < values.len());
        let (left, right, here) = (moved(before)?, moved(after)?, moved(at)?);
        let top = values[here] - line(values, left, right, here);
        (!top.is_nan()).then_some(top)
    };
    let tops: Vec<f64> = (1..=SEASONS_AROUND).flat_map(|shift| [-shift, shift]).filter_map(on_top).collect();
    if tops.is_empty() { base } else { base + tops.iter().sum::<f64>() / tops.len() as f64 }
}

//! What forecasts said that were replaced before its time had come: kept until it comes, so that far steps are scored as well where a
//! forecast is made anew at every near one.
//!
//! Not all of them: only those that begin at least a quarter of a horizon after the one kept before, and of those the latest four: so much is
//! kept of a series, however often it is forecast. Of a horizon of more than 500 steps there are fewer.

use serde::{Deserialize, Serialize};

/// Forecasts that are kept, at most.
const KEPT: usize = 4;
/// Steps that are kept of them together, and of a backtest: of long horizons less is.
pub(crate) const STEPS: usize = 2_000;
/// Digits that are kept of a number that is only compared and drawn.
const DIGITS: usize = 6;

/// What was said of a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    /// The number of the step.
    pub(crate) index: i64,
    /// 1 for the first step of its forecast.
    pub(crate) step: usize,
    pub(crate) forecast: f64,
    /// Per level of the settings; none where there was no such interval.
    pub(crate) bands: Bands,
}

/// Low and high end per level.
type Bands = Vec<Option<(f64, f64)>>;

/// Steps of a forecast that had not come when it was replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Earlier {
    /// The number of the step before its first.
    origin: i64,
    /// The levels of its intervals.
    levels: Vec<f64>,
    /// Step from 1, forecast, and an interval per level.
    steps: Vec<(usize, f64, Bands)>,
}

impl Earlier {
    /// What it said, with intervals in the order of `levels`.
    pub(crate) fn expected(&self, levels: &[f64]) -> impl Iterator<Item = Expected> {
        let places: Vec<Option<usize>> =
            levels.iter().map(|level| self.levels.iter().position(|kept| kept == level)).collect();
        self.steps.iter().map(move |(step, forecast, bands)| Expected {
            index: self.origin + *step as i64,
            step: *step,
            forecast: *forecast,
            bands: places.iter().map(|place| place.and_then(|place| bands.get(place).copied().flatten())).collect(),
        })
    }
}

/// What is kept for the next forecast: of those `before` the live one, and of the `live` one, the steps from the number `next` on.
pub(crate) fn left(before: &[Earlier], live: &[Expected], levels: &[f64], horizon: usize, next: i64) -> Vec<Earlier> {
    let mut kept = before.to_vec();
    let apart = horizon.div_ceil(KEPT) as i64;
    if let Some(origin) = live.first().map(|expected| expected.index - expected.step as i64)
        && kept.last().is_none_or(|last| origin - last.origin >= apart)
    {
        let of = |expected: &Expected| {
            let bands = expected.bands.iter().map(|band| band.map(|(low, high)| (rounded(low), rounded(high))));
            (expected.step, rounded(expected.forecast), bands.collect())
        };
        let steps = live.iter().filter(|expected| expected.step <= STEPS).map(of).collect();
        kept.push(Earlier { origin, levels: levels.to_vec(), steps });
    }
    for earlier in &mut kept {
        let origin = earlier.origin;
        earlier.steps.retain(|(step, _, _)| origin + *step as i64 >= next);
    }
    kept.retain(|earlier| !earlier.steps.is_empty());
    // Of a series that is late nothing comes for a while.
    let most = (STEPS / horizon.clamp(1, STEPS)).clamp(1, KEPT);
    kept.drain(..kept.len().saturating_sub(most));
    kept
}

/// A number to six digits: shorter as text, and nobody sees the rest.
pub(crate) fn rounded(value: f64) -> f64 {
    format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests;

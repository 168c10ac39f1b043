//! What kind of series it is, which decides the models that are asked.

use serde::{Deserialize, Serialize};

use crate::model::without_years;

/// A kind of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// No value at all.
    Empty,
    /// The same value for ever (or for the last two seasons and at least twelve steps).
    Constant,
    /// Too few values to fit more than a level.
    Short,
    /// Mostly zeros: the mean distance between other values is above 1.32 steps (Syntetos, Boylan and Croston 2005), and the season
    /// does not say when they come. Zeros of every night are a season.
    Intermittent,
    /// The season explains a part of the values, or, where most are zeros, which of them are.
    Seasonal,
    /// None of these.
    Smooth,
}

/// Mean steps between values other than zero from which demand is intermittent.
const INTERMITTENT_INTERVAL: f64 = 1.32;
/// The share of the uncertainty about zeros that a season must explain for them to be its zeros.
const EXPLAINED: f64 = 0.25;
/// Rounds of a season that are needed to see that.
const LEAST_ROUNDS: usize = 3;
/// What the newest round of a season weighs once there are many.
const FORGETTING: f64 = 0.1;
/// Fewer values than this are short.
const SHORT: usize = 8;
/// Steps at the end that must be alike for a series to be constant.
const ALIKE: usize = 12;
/// Two-sided 90 %, as the test of the M4 competition's Naive2.
const NORMAL_90: f64 = 1.645;

/// Whether the values are non-negative and mostly zeros, and no season says which of them are.
pub(crate) fn intermittent(values: &[f64], seasons: &[usize]) -> bool {
    sparse(values) && !seasons.iter().any(|&season| zeros_explained(values, season) >= EXPLAINED)
}

/// Whether the values are non-negative and mostly zeros.
pub(crate) fn sparse(values: &[f64]) -> bool {
    let demands = values.iter().filter(|&&value| value != 0.0).count();
    values.len() >= SHORT
        && demands > 0
        && values.iter().all(|&value| value >= 0.0)
        && values.len() as f64 > INTERMITTENT_INTERVAL * demands as f64
}

/// The share of the uncertainty about zero or not that the place in the season takes away: one minus the squared error (Brier 1950)
/// of the chance at this place in earlier rounds over that of the chance at any place. Each step is told before it is learnt, so
/// that a season that is not there explains nothing, or less. Both chances forget, the one by rounds, the other as fast by steps.
fn zeros_explained(values: &[f64], season: usize) -> f64 {
    if season < 2 || values.len() < LEAST_ROUNDS * season {
        return 0.0;
    }
    let came = |value: f64| if value == 0.0 { 0.0 } else { 1.0 };
    let (learnt, told) = values.split_at((LEAST_ROUNDS - 1) * season);
    let mut overall = learnt.iter().map(|&value| came(value)).sum::<f64>() / learnt.len() as f64;
    let mut places = vec![overall; season];
    let learn = |chance: &mut f64, came: f64, weight: f64| *chance += weight * (came - *chance);
    for (step, &value) in learnt.iter().enumerate() {
        // The first rounds weigh as a mean does.
        learn(&mut places[step % season], came(value), 1.0 / (2.0 + (step / season) as f64));
    }
    let (mut known, mut unknown) = (0.0, 0.0);
    for (step, &value) in told.iter().enumerate() {
        let (round, came) = (LEAST_ROUNDS - 1 + step / season, came(value));
        let place = &mut places[(learnt.len() + step) % season];
        known += (came - *place).powi(2);
        unknown += (came - overall).powi(2);
        let weight = (1.0 / (2.0 + round as f64)).max(FORGETTING);
        learn(place, came, weight);
        learn(&mut overall, came, weight / season as f64);
    }
    if unknown > 0.0 { 1.0 - known / unknown } else { 0.0 }
}

/// The class of finite values.
pub(super) fn of(values: &[f64], seasons: &[usize]) -> Class {
    let Some(&last) = values.last() else { return Class::Empty };
    let alike = values.iter().rev().take_while(|&&value| value == last).count();
    let settled = without_years(seasons).last().map_or(ALIKE, |season| (2 * season).max(ALIKE));
    if alike == values.len() || (alike >= settled && last != 0.0) {
        Class::Constant
    } else if values.len() < SHORT {
        Class::Short
    } else if sparse(values) {
        if intermittent(values, seasons) { Class::Intermittent } else { Class::Seasonal }
    } else if seasons.iter().any(|&season| seasonal(values, season)) {
        Class::Seasonal
    } else {
        Class::Smooth
    }
}

/// Whether the autocorrelation at the season's lag differs from zero given those at shorter lags (90 %), by the test of the M4
/// competition's Naive2; the values are differenced first, so that a trend is not taken for a season.
pub(crate) fn seasonal(values: &[f64], season: usize) -> bool {
    if season < 2 || values.len() < 2 * season + 2 {
        return false;
    }
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = changes.iter().sum::<f64>() / changes.len() as f64;
    let total: f64 = changes.iter().map(|change| (change - mean).powi(2)).sum();
    if !(total > 0.0 && total.is_finite()) {
        return false;
    }
    let correlation = |lag: usize| {
        changes.iter().zip(&changes[lag..]).map(|(left, right)| (left - mean) * (right - mean)).sum::<f64>() / total
    };
    let squares: f64 = (1..season).map(|lag| correlation(lag).powi(2)).sum();
    let limit = NORMAL_90 * ((1.0 + 2.0 * squares) / changes.len() as f64).sqrt();
    correlation(season) > limit
}

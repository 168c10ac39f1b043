//! First states, and the search for the likeliest.

use super::form::{Form, Season, Trend};
use super::pass::{Pass, Weights};
use crate::decompose::{Kind, Seasonal};
use crate::optimise::{Limits, descend};

/// The states before the first step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct States {
    pub(super) level: f64,
    pub(super) trend: f64,
    /// One per step of the season; empty without one.
    pub(super) season: Vec<f64>,
}

/// What was found for a form.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) form: Form,
    pub(super) weights: Weights,
    pub(super) first: States,
    /// The corrected criterion of Akaike (Hurvich and Tsai 1989), but for what depends on the number of values alone; it
    /// counts what the weak priors hold against the parameters.
    pub(super) criterion: f64,
}

/// The bounds of the smoothing constants: the usual ones, which lie within those of a stable model (Hyndman et al. 2008,
/// section 10.2). Beta is a share of alpha and gamma one of 1 - alpha.
const SHARE: (f64, f64) = (1e-4, 0.9999);
const PHI: (f64, f64) = (0.8, 0.98);
/// Where the search for them may begin: at the best pair of the first two, as the criterion has several valleys.
const ALPHAS: [f64; 4] = [0.02, 0.1, 0.3, 0.8];
const BETAS: [f64; 2] = [0.02, 0.3];
const GAMMA: f64 = 0.1;
const DAMPING: f64 = 0.95;

/// The first states and the smoothing constants of a form that make the values likeliest, given the weak priors. `None`
/// when there are too few values for so many parameters, or none of them are sound.
pub(super) fn search(pass: &mut Pass<'_>, values: &[f64], form: Form, period: usize) -> Option<Found> {
    search_given(pass, values, form, period, prior)
}

/// As [`search`], given what is held against a point, which also adds to the gradient.
pub(super) fn search_given(
    pass: &mut Pass<'_>,
    values: &[f64],
    form: Form,
    period: usize,
    prior: impl Fn(Form, &[f64], &mut [f64]) -> f64,
) -> Option<Found> {
    let count = values.len() as f64;
    let size = form.variables(period);
    // The variance is a parameter too.
    let parameters = size as f64 + 1.0;
    if count - parameters - 1.0 <= 0.0 {
        return None;
    }
    let (first, spread) = first_states(values, form, period)?;
    let mut criterion = |at: &[f64], slope: &mut [f64]| {
        let value = evaluate(pass, form, &first, spread, at, slope);
        value + prior(form, at, slope)
    };
    let (start, bounds) = start(form, size, &mut criterion);
    let minimum = descend(&start, &bounds, Limits { evaluations: 200, tolerance: 1e-3 }, criterion);
    if !minimum.value.is_finite() {
        return None;
    }
    let criterion = minimum.value + 2.0 * parameters * count / (count - parameters - 1.0);
    let (weights, first) = (weights(form, &minimum.at), moved(form, &first, spread, &minimum.at));
    Some(Found { form, weights, first, criterion })
}

/// Where a search begins, and its bounds: the smoothing constants that the form has, in the order of [`weights`], then the
/// offsets of the first states.
fn start(form: Form, size: usize, mut criterion: impl FnMut(&[f64], &mut [f64]) -> f64) -> (Vec<f64>, Vec<(f64, f64)>) {
    let mut start = vec![0.0; size];
    let mut bounds = vec![SHARE; form.weights()];
    bounds.resize(size, (f64::NEG_INFINITY, f64::INFINITY));
    if form.seasonal() {
        start[1 + usize::from(form.trended())] = GAMMA;
    }
    if form.trend == Trend::Damped {
        start[form.weights() - 1] = DAMPING;
        bounds[form.weights() - 1] = PHI;
    }
    let mut slope = vec![0.0; size];
    let mut best = (f64::INFINITY, ALPHAS[0], BETAS[0]);
    for alpha in ALPHAS {
        for &beta in if form.trended() { &BETAS[..] } else { &BETAS[..1] } {
            start[0] = alpha;
            if form.trended() {
                start[1] = beta;
            }
            let value = criterion(&start, &mut slope);
            if value < best.0 {
                best = (value, alpha, beta);
            }
        }
    }
    start[0] = best.1;
    if form.trended() {
        start[1] = best.2;
    }
    (start, bounds)
}

/// The smoothing constants of a point of the search.
fn weights(form: Form, at: &[f64]) -> Weights {
    let alpha = at[0];
    let trended = usize::from(form.trended());
    Weights {
        alpha,
        beta: if form.trended() { alpha * at[1] } else { 0.0 },
        gamma: if form.seasonal() { (1.0 - alpha) * at[1 + trended] } else { 0.0 },
        phi: if form.trend == Trend::Damped { at[form.weights() - 1] } else { 1.0 },
    }
}

/// How far a unit of the search moves the level, the trend and a seasonal state.
fn units(form: Form, first: &States, spread: f64) -> (f64, f64, f64) {
    let season = if form.season == Season::Multiplicative { spread / first.level.abs().max(spread) } else { spread };
    (spread, 0.1 * spread, season)
}

/// The first states of a point of the search: its offsets from where the search began. The last seasonal state keeps the sum.
fn moved(form: Form, first: &States, spread: f64, at: &[f64]) -> States {
    let (level, trend, season) = units(form, first, spread);
    let mut states = first.clone();
    let mut offsets = at[form.weights()..].iter();
    let mut next = || offsets.next().copied().unwrap_or(0.0);
    states.level += level * next();
    if form.trended() {
        states.trend += trend * next();
    }
    if let Some((last, others)) = states.season.split_last_mut() {
        for state in others {
            let offset = season * next();
            *state += offset;
            *last -= offset;
        }
    }
    states
}

/// The criterion of a point of the search, and its gradient there.
pub(super) fn evaluate(
    pass: &mut Pass<'_>,
    form: Form,
    first: &States,
    spread: f64,
    at: &[f64],
    slope: &mut [f64],
) -> f64 {
    let (level, trend, season) = units(form, first, spread);
    let weights = weights(form, at);
    let offsets = &at[form.weights()..];
    pass.level = first.level + level * offsets[0];
    pass.trend = first.trend + if form.trended() { trend * offsets[1] } else { 0.0 };
    let seasons_from = 1 + usize::from(form.trended());
    if let Some((last, others)) = pass.season.split_last_mut().filter(|_| form.seasonal()) {
        *last = first.season[others.len()];
        for ((state, first), offset) in others.iter_mut().zip(&first.season).zip(&offsets[seasons_from..]) {
            let offset = season * offset;
            *state = first + offset;
            *last -= offset;
        }
    }
    let (value, slopes) = pass.run(form, weights);
    slope[0] = slopes.weights.alpha;
    let mut index = 1;
    if form.trended() {
        slope[0] += slopes.weights.beta * at[index];
        slope[index] = slopes.weights.beta * at[0];
        index += 1;
    }
    if form.seasonal() {
        slope[0] -= slopes.weights.gamma * at[index];
        slope[index] = slopes.weights.gamma * (1.0 - at[0]);
        index += 1;
    }
    if form.trend == Trend::Damped {
        slope[index] = slopes.weights.phi;
        index += 1;
    }
    slope[index] = slopes.level * level;
    index += 1;
    if form.trended() {
        slope[index] = slopes.trend * trend;
        index += 1;
    }
    if form.seasonal() {
        let last = pass.season_slopes[pass.season.len() - 1];
        for (slope, by_state) in slope[index..].iter_mut().zip(&pass.season_slopes) {
            *slope = (by_state - last) * season;
        }
    }
    value
}

/// What is held against a point of the search before any value is seen, -2 log of the density, and added to the gradient: a
/// first level and trend within a unit or so of the line through the first values, and less of beta rather than more. It
/// decides where the values have little to say, as in a short history, where the likeliest trend may be a wild one.
fn prior(form: Form, at: &[f64], slope: &mut [f64]) -> f64 {
    let mut held = 0.0;
    let states = form.weights();
    for index in states..=states + usize::from(form.trended()) {
        held += at[index] * at[index];
        slope[index] += 2.0 * at[index];
    }
    if form.trended() {
        held -= 2.0 * (1.0 - at[1]).ln();
        slope[1] += 2.0 / (1.0 - at[1]);
    }
    held
}

/// Where the search begins, and how far apart neighbouring values are: seasonal states by decomposition, then a line
/// through the first values without them (Hyndman, Koehler, Snyder and Grose 2002, section 2.2).
pub(super) fn first_states(values: &[f64], form: Form, period: usize) -> Option<(States, f64)> {
    let season = match form.season {
        Season::None => None,
        // The first years, as the season may change later.
        Season::Additive => Some(Seasonal::classical(&values[..values.len().min(5 * period)], period, Kind::Additive)?),
        Season::Multiplicative => {
            let mut season =
                Seasonal::classical(&values[..values.len().min(5 * period)], period, Kind::Multiplicative)?;
            season.indices.iter_mut().for_each(|index| *index = index.max(0.01));
            Some(season)
        }
    };
    let plain = |step: usize| season.as_ref().map_or(values[step], |season| season.remove(step, values[step]));
    let count = values.len().min(10.max(2 * period));
    let mean = (0..count).map(plain).sum::<f64>() / count as f64;
    let middle = (count - 1) as f64 / 2.0;
    let across: f64 = (0..count).map(|step| (step as f64 - middle).powi(2)).sum();
    let along: f64 = (0..count).map(|step| (step as f64 - middle) * (plain(step) - mean)).sum();
    let slope = if form.trended() && count > 1 { along / across } else { 0.0 };
    // The level before the first step.
    let mut level = mean - slope * (middle + 1.0);
    if form.needs_positive() && level + slope <= 0.0 {
        level = mean;
    }
    let apart: f64 = (1..values.len()).map(|step| (plain(step) - plain(step - 1)).powi(2)).sum();
    let spread = (apart / values.len().max(2) as f64).sqrt().max(1e-6);
    let season = season.map_or_else(Vec::new, |season| season.indices);
    Some((States { level, trend: slope, season }, spread))
}

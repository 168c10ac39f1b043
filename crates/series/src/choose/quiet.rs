//! Steps of the season at which nothing ever happens: the hours of the night in a series of flights.
//!
//! Models of levels and seasons come close to zero there and seldom meet it. Where a mostly empty series is told by its season, a
//! place that was zero in all of its last rounds is forecast as zero, whatever the models say.

use crate::hygiene::class;
use crate::model::{Fit, Input, Part};

/// Rounds of a season in which a place must have been zero without exception: then it is not by less than one in so many and one.
const ROUNDS: usize = 28;
/// A forecast is nothing when it is so many times smaller than anything that ever came.
const NOTHING: f64 = 1e-6;

/// The history in which quiet steps are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quiet<'a> {
    /// Nothing unless it is mostly zeros that a season tells.
    values: &'a [f64],
    seasons: &'a [usize],
}

impl<'a> Quiet<'a> {
    pub(super) fn of(input: &Input<'a>) -> Self {
        let told = class::sparse(input.values) && !class::intermittent(input.values, input.seasons);
        Self { values: if told { input.values } else { &[] }, seasons: input.seasons }
    }

    /// For each of `horizon` steps after the first `length` values whether its place in one of the seasons was zero in every recent
    /// round before them.
    pub(super) fn steps(&self, length: usize, horizon: usize) -> Vec<bool> {
        let mut quiet = vec![false; horizon];
        let values = self.values.get(..length).unwrap_or_default();
        for &season in self.seasons.iter().filter(|&&season| season > 1 && ROUNDS * season <= values.len()) {
            let recent = &values[values.len() - ROUNDS * season..];
            let places: Vec<bool> =
                (0..season).map(|place| recent.iter().skip(place).step_by(season).all(|&value| value == 0.0)).collect();
            for (step, quiet) in quiet.iter_mut().enumerate() {
                *quiet |= places[step % season];
            }
        }
        quiet
    }
}

/// Makes the quiet steps of a forecast zero; what that takes is a part of its own.
pub(super) fn hush(fit: &mut Fit, quiet: &[bool]) {
    let silent = |(forecast, quiet): (&f64, &bool)| if *quiet { -forecast } else { 0.0 };
    let taken: Vec<f64> = fit.forecast.iter().zip(quiet).map(silent).collect();
    if taken.iter().any(|&value| value != 0.0) {
        hush_values(&mut fit.forecast, quiet);
        fit.parts.push(Part { name: "quiet steps".to_owned(), values: taken });
    }
}

/// Makes the quiet ones of these values zero.
pub(super) fn hush_values(values: &mut [f64], quiet: &[bool]) {
    for (value, _) in values.iter_mut().zip(quiet).filter(|(_, quiet)| **quiet) {
        *value = 0.0;
    }
}

/// Makes a forecast that is next to nothing nothing, where the history has zeros and nothing below: smoothing never gets there.
pub(super) fn settle(fit: &mut Fit, values: &[f64]) {
    let least = values.iter().copied().filter(|&value| value != 0.0).fold(f64::INFINITY, f64::min);
    if least < 0.0 || !values.contains(&0.0) {
        return;
    }
    let limit = if least.is_finite() { NOTHING * least } else { 0.0 };
    for (step, value) in fit.forecast.iter_mut().enumerate() {
        if *value != 0.0 && value.abs() < limit {
            if let Some(part) = fit.parts.first_mut() {
                part.values[step] -= *value;
            }
            *value = 0.0;
        }
    }
}

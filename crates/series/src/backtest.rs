//! What a model would have said in the past: rolling origins, one search, many applications.
//!
//! A model is fitted at the first origin and then applied at the later ones with the parameters found there, so that a backtest
//! costs one search on a shorter history and one pass per origin. L. Tashman, "Out-of-sample tests of forecasting accuracy",
//! International Journal of Forecasting 16 (2000).

use serde::{Deserialize, Serialize};

use crate::model::{Fit, Input, Known, Model, Parameters, Unfit};

/// How the past is cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Origins at most.
    pub origins: usize,
    /// The share of the history that is forecast, at least one horizon where there is enough.
    pub share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { origins: 12, share: 0.35 }
    }
}

/// The origins of a backtest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Values known at each origin, ascending; those near the end see only the first steps of the horizon.
    pub origins: Vec<usize>,
    /// Steps forecast at an origin, where there are so many left.
    pub horizon: usize,
    /// Values in all.
    pub length: usize,
}

/// Values that a first origin must have.
const LEAST_HISTORY: usize = 6;

impl Plan {
    /// A plan for a history of `length` values; nothing when it is too short for one.
    ///
    /// The first origin leaves two of the longest season that the history has three of, so that a season can be fitted.
    #[must_use]
    pub fn new(length: usize, horizon: usize, seasons: &[usize], settings: &Settings) -> Option<Self> {
        let season = seasons.iter().rev().copied().find(|season| 3 * season <= length).unwrap_or(1);
        let least = (2 * season + 2).max(LEAST_HISTORY);
        let room = length.checked_sub(least).filter(|&room| room > 0 && settings.origins > 0)?;
        // Further back than one horizon per origin, the past would be tested in patches.
        let most = horizon.saturating_mul(settings.origins);
        let tested = ((length as f64 * settings.share) as usize).max(horizon).min(room).min(most);
        // The last origin sees a third of the horizon, so that the latest values are tested as well.
        let first = length - tested;
        let last = length.saturating_sub(horizon.div_ceil(3)).max(first);
        let stride = (last - first + 1).div_ceil(settings.origins).max(1);
        let turns = (last - first) / stride;
        let origins = (0..=turns).map(|turn| last - (turns - turn) * stride).collect();
        Some(Self { origins, horizon, length })
    }

    /// Steps forecast at an origin.
    #[must_use]
    pub fn steps(&self, origin: usize) -> usize {
        self.horizon.min(self.length - origin)
    }
}

/// One model through all origins.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Per origin one value per step.
    pub forecasts: Vec<Vec<f64>>,
    /// What the search at the first origin found.
    pub parameters: Parameters,
}

/// Runs a model through all origins. `input` holds the whole history.
///
/// # Errors
/// When the model has nothing to say at some origin.
pub fn run(model: &dyn Model, input: &Input<'_>, plan: &Plan) -> Result<Track, Unfit> {
    let mut parameters = None;
    let forecasts = through(input, plan, |past| {
        let fit = match &parameters {
            None => model.fit(past)?,
            Some(parameters) => model.apply(parameters, past)?,
        };
        let (forecast, found) = finite(model, past, fit)?;
        parameters.get_or_insert(found);
        Ok(forecast)
    })?;
    Ok(Track { forecasts, parameters: parameters.unwrap_or_default() })
}

/// What a model says at all origins with parameters that were found before.
///
/// # Errors
/// When the model has nothing to say at some origin.
pub fn taken_up(
    model: &dyn Model,
    parameters: &Parameters,
    input: &Input<'_>,
    plan: &Plan,
) -> Result<Vec<Vec<f64>>, Unfit> {
    through(input, plan, |past| Ok(finite(model, past, model.apply(parameters, past)?)?.0))
}

/// Asks at every origin with what is known there.
fn through(
    input: &Input<'_>,
    plan: &Plan,
    mut ask: impl FnMut(&Input<'_>) -> Result<Vec<f64>, Unfit>,
) -> Result<Vec<Vec<f64>>, Unfit> {
    let at = |&origin: &usize| {
        let horizon = plan.steps(origin);
        let known = input.known.map(|known| known.until(origin + horizon));
        ask(&Input { values: &input.values[..origin], seasons: input.seasons, horizon, known: known.as_ref() })
    };
    plan.origins.iter().map(at).collect()
}

fn finite(model: &dyn Model, past: &Input<'_>, fit: Fit) -> Result<(Vec<f64>, Parameters), Unfit> {
    if fit.forecast.len() != past.horizon || fit.forecast.iter().any(|value| !value.is_finite()) {
        return Err(Unfit::Diverged { model: model.name() });
    }
    Ok((fit.forecast, fit.parameters))
}

/// Forecast minus measured value, per origin and step; NaN where nothing was measured.
#[must_use]
pub fn residuals(forecasts: &[Vec<f64>], actual: &[f64], plan: &Plan) -> Vec<Vec<f64>> {
    let at = |(forecast, &origin): (&Vec<f64>, &usize)| {
        forecast.iter().zip(&actual[origin..]).map(|(forecast, actual)| actual - forecast).collect()
    };
    forecasts.iter().zip(&plan.origins).map(at).collect()
}

/// The mean absolute residual per step of the horizon over the origins that reach it; NaN where none does.
#[must_use]
pub fn errors_by_step(residuals: &[Vec<f64>], horizon: usize) -> Vec<f64> {
    (0..horizon)
        .map(|step| mean(residuals.iter().filter_map(|row| row.get(step)).map(|residual| residual.abs())))
        .collect()
}

/// The mean absolute residual over all origins and steps; NaN when nothing was measured.
#[must_use]
pub fn error(residuals: &[Vec<f64>]) -> f64 {
    mean(residuals.iter().flatten().map(|residual| residual.abs()))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.filter(|value| !value.is_nan()).fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

impl Known {
    /// The first steps of every column.
    #[must_use]
    pub fn until(&self, steps: usize) -> Self {
        let columns = self.columns.iter().map(|column| column[..steps.min(column.len())].to_vec()).collect();
        Self { names: self.names.clone(), columns }
    }

    /// Every column without its first steps.
    #[must_use]
    pub fn after(&self, steps: usize) -> Self {
        let columns = self.columns.iter().map(|column| column[steps.min(column.len())..].to_vec()).collect();
        Self { names: self.names.clone(), columns }
    }
}

//! Exponential smoothing: a level, a trend that may be damped, a season that adds or multiplies, each corrected by a share
//! of the last error.
//!
//! Hyndman, Koehler, Snyder and Grose 2002, *A state space framework for automatic forecasting using exponential smoothing
//! methods*; Hyndman, Koehler, Ord and Snyder 2008, *Forecasting with Exponential Smoothing*. The damped trend is that of
//! Gardner and McKenzie 1985; the average over the forms that of Kolassa 2011, *Combining exponential smoothing forecasts
//! using Akaike weights*.
//!
//! Smoothing constants and first states are those of the greatest likelihood, under weak priors, with the variance solved
//! for. The gradient of the likelihood comes from one pass back over the values (`pass`), so that a search along it costs
//! some tens of passes however many states a season has.

mod forecast;
mod form;
mod pass;
mod search;
#[cfg(test)]
mod tests;

use form::{CHOSEN_FROM, Form};
use pass::Pass;
use search::Found;

use super::seasons;
use crate::decompose::{Adjusted, Seasonal, power_of_two_near};
use crate::model::{Fit, Input, Model, Parameters, Tier, Unfit};

/// A model of the exponential smoothing family.
#[derive(Debug, Clone, Copy)]
pub struct Ets {
    name: &'static str,
    forms: &'static [Form],
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// One form, of a series whose seasons are taken out first, as the benchmarks of the M competitions do.
    Adjust,
    /// The form with the least criterion.
    Choose,
    /// All forms, by what their criteria say of them.
    Average,
}

impl Ets {
    /// Simple exponential smoothing of the seasonally adjusted series.
    pub const SES: Self = Self { name: "ses", forms: &[form::SIMPLE], how: How::Adjust };
    /// Holt's linear trend on the seasonally adjusted series.
    pub const HOLT: Self = Self { name: "holt", forms: &[form::LINEAR], how: How::Adjust };
    /// The damped trend on the seasonally adjusted series.
    pub const DAMPED: Self = Self { name: "damped", forms: &[form::DAMPED], how: How::Adjust };
    /// The form with the least corrected Akaike criterion. The form's season is the shortest; longer ones are taken out first.
    pub const AUTO: Self = Self { name: "ets", forms: &CHOSEN_FROM, how: How::Choose };
    /// The mean of the forms by Akaike weights.
    pub const AVERAGE: Self = Self { name: "ets_average", forms: &CHOSEN_FROM, how: How::Average };
}

/// A form with less weight than this, next to the best one, is left out of an average.
const LEAST_WEIGHT: f64 = 0.01;

impl Model for Ets {
    fn name(&self) -> &'static str {
        self.name
    }

    fn tier(&self) -> Tier {
        if self.how == How::Adjust { Tier::Usual } else { Tier::Dear }
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let series = Series::new(self.adjusted(input, Seasonal::tested));
        let count = series.values.len();
        let own_season =
            input.seasons.first().copied().filter(|&period| self.how != How::Adjust && count >= 2 * period);
        let period = own_season.unwrap_or(1);
        let mut pass = Pass::new(&series.values, period);
        let mut found: Vec<Found> = self
            .forms
            .iter()
            .filter(|form| (series.positive || !form.needs_positive()) && (period > 1 || !form.seasonal()))
            .filter_map(|&form| search::search(&mut pass, &series.values, form, period))
            .collect();
        let Some(best) = found.iter().map(|found| found.criterion).min_by(f64::total_cmp) else {
            return Err(Unfit::Short { model: self.name, needs: self.needs(), has: count });
        };
        if self.how != How::Average {
            found.sort_by(|left, right| left.criterion.total_cmp(&right.criterion));
        }
        let weighted = found.into_iter().map(|found| (((best - found.criterion) / 2.0).exp(), found));
        self.forecast(&series, &mut pass, weighted, input.horizon)
    }

    fn apply(&self, parameters: &Parameters, input: &Input<'_>) -> Result<Fit, Unfit> {
        let taken_out = seasons::recorded(parameters);
        let series = Series::new(self.adjusted(input, |values, length| Seasonal::of_kinds(values, length, &taken_out)));
        let found: Vec<(f64, Found)> = self
            .forms
            .iter()
            .filter_map(|&form| {
                let name = form.to_string();
                if self.how == How::Average {
                    let weight = parameters.numbers.get(&format!("{name} weight"))?.first()?;
                    Some((*weight, forecast::read(form, series.scale, &format!("{name} "), parameters)?))
                } else {
                    let stored = parameters.form.strip_prefix(&name)?;
                    let own = stored.is_empty() || stored.starts_with(' ');
                    Some((1.0, forecast::read(form, series.scale, "", parameters).filter(|_| own)?))
                }
            })
            .collect();
        let Some(period) = found.iter().map(|found| found.1.first.season.len().max(1)).max() else {
            return self.fit(input);
        };
        if !series.positive && found.iter().all(|found| found.1.form.needs_positive()) {
            return Err(Unfit::Unsuited { model: self.name, why: "values at or below 0 in a multiplicative form" });
        }
        let mut pass = Pass::new(&series.values, period);
        self.forecast(&series, &mut pass, found.into_iter(), input.horizon)
    }
}

impl Ets {
    /// The series without the seasons that are not part of a form.
    fn adjusted(&self, input: &Input<'_>, find: impl Fn(&[f64], usize) -> Option<Seasonal>) -> Adjusted {
        match self.how {
            How::Adjust => Adjusted::by(input.values, input.seasons, find),
            How::Choose | How::Average => Adjusted::longer(input.values, input.seasons, find),
        }
    }

    /// Values without which no form has enough for its parameters.
    fn needs(&self) -> usize {
        self.forms.iter().map(|form| form.variables(2)).min().unwrap_or(0) + 3
    }

    /// The forecast of the first form that has one, or the mean of all that have.
    fn forecast(
        &self,
        series: &Series,
        pass: &mut Pass<'_>,
        found: impl Iterator<Item = (f64, Found)>,
        horizon: usize,
    ) -> Result<Fit, Unfit> {
        let averages = self.how == How::Average;
        let sound = found
            .filter(|(weight, found)| {
                (!averages || *weight >= LEAST_WEIGHT) && (series.positive || !found.form.needs_positive())
            })
            .filter_map(|(weight, found)| {
                let fit = forecast::forecast(pass, &found, series.scale, horizon)?;
                fit.forecast.iter().all(|value| value.is_finite()).then_some((weight, found, fit))
            });
        let sound: Vec<(f64, Found, Fit)> = if averages { sound.collect() } else { sound.take(1).collect() };
        let mut parameters = Parameters::default();
        for (weight, found, _) in &sound {
            let name = found.form.to_string();
            if averages {
                parameters.numbers.insert(format!("{name} weight"), vec![*weight]);
                forecast::write(found, series.scale, &format!("{name} "), &mut parameters);
                parameters.form += if parameters.form.is_empty() { "" } else { " and " };
            } else {
                forecast::write(found, series.scale, "", &mut parameters);
            }
            parameters.form += &name;
        }
        let fits: Vec<(f64, Fit)> = sound.into_iter().map(|(weight, _, fit)| (weight, fit)).collect();
        let Some(mut fit) = forecast::averaged(&fits) else {
            return Err(Unfit::Diverged { model: self.name });
        };
        // Before the first step there is nothing to be said from.
        fit.fitted[0] = series.adjusted.values[0];
        seasons::record(&series.adjusted, &mut parameters);
        fit.parameters = parameters;
        seasons::restored(self.name, &series.adjusted, fit)
    }
}

/// The series to smooth, over a power of two: the arithmetic is the same in every unit.
struct Series {
    adjusted: Adjusted,
    values: Vec<f64>,
    scale: f64,
    positive: bool,
}

impl Series {
    fn new(adjusted: Adjusted) -> Self {
        let scale = power_of_two_near(&adjusted.values);
        let values: Vec<f64> = adjusted.values.iter().map(|value| value / scale).collect();
        let positive = values.iter().all(|&value| value > 0.0);
        Self { adjusted, values, scale, positive }
    }
}

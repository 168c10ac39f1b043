//! Autoregression and moving average on differences, with a season, the orders chosen by Akaike's criterion.
//!
//! Box and Jenkins (1970); the choice as in Hyndman and Khandakar (2008), *Automatic Time Series Forecasting: The
//! forecast Package for R*: [`order`] decides on differences, [`search`] goes from order to order, [`estimate`]
//! maximises the exact likelihood that [`process`] computes. The mean of the differenced series is estimated by
//! generalised least squares. A season longer than [`LONGEST`] is not seen.

mod estimate;
mod order;
mod polynomial;
mod process;
mod search;

pub use order::Order;

use std::collections::BTreeMap;

use crate::model::{Fit, Input, Model, Parameters, Tier, Unfit};
use crate::models::parts;
use estimate::{Coefficients, Estimate};
use polynomial::product;
use process::Pass;

const NAME: &str = "arima";
/// Steps of the longest season that is modelled.
const LONGEST: usize = 60;
/// Least steps of a history.
const NEEDS: usize = 5;

/// ARIMA with automatic orders.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arima;

impl Model for Arima {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tier(&self) -> Tier {
        Tier::Dear
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let values = input.values;
        if values.len() < NEEDS {
            return Err(Unfit::Short { model: NAME, needs: NEEDS, has: values.len() });
        }
        let season =
            input.seasons.iter().copied().find(|season| 2 * season <= values.len()).filter(|season| *season <= LONGEST);
        let unit = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        if unit < f64::MIN_POSITIVE {
            return Err(Unfit::Unsuited { model: NAME, why: "the values are all but 0" });
        }
        let scaled: Vec<f64> = values.iter().map(|value| value / unit).collect();
        let differences = Order::differences(&scaled, season.unwrap_or(1));
        let differenced = differences.difference(&scaled);
        let estimate = if order::variance(&differenced) > 1e-20 {
            search::search(differences, &differenced).ok_or(Unfit::Diverged { model: NAME })?
        } else {
            exact(differences, &differenced)
        };
        Found {
            order: estimate.order,
            constant: estimate.constant * unit,
            log_likelihood: estimate.log_likelihood - differenced.len() as f64 * unit.ln(),
            coefficients: estimate.coefficients,
        }
        .forecast(input)
    }

    fn apply(&self, parameters: &Parameters, input: &Input<'_>) -> Result<Fit, Unfit> {
        match Found::from_parameters(parameters) {
            Some(found) if found.order.lost() < input.values.len() => found.forecast(input),
            _ => self.fit(input),
        }
    }
}

/// Differences that never change leave nothing to estimate.
fn exact(differences: Order, differenced: &[f64]) -> Estimate {
    let constant = differences.d + differences.seasonal_d <= 1;
    let mean = differenced.iter().sum::<f64>() / differenced.len() as f64;
    Estimate {
        order: Order { constant, ..differences },
        coefficients: Coefficients::default(),
        constant: if constant { mean } else { 0.0 },
        log_likelihood: 0.0,
        aicc: f64::NEG_INFINITY,
        point: Vec::new(),
    }
}

/// A model of a series.
struct Found {
    order: Order,
    coefficients: Coefficients,
    /// The mean of the differenced series.
    constant: f64,
    log_likelihood: f64,
}

impl Found {
    fn forecast(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        const DIVERGED: Unfit = Unfit::Diverged { model: NAME };
        let (values, order, count) = (input.values, self.order, input.values.len());
        let centred: Vec<f64> = order.difference(values).iter().map(|value| value - self.constant).collect();
        // Half a season further than asked, to see what is season at the end.
        let until = count + input.horizon + order.season / 2 + 1;
        let lost = order.lost();
        let process = self.coefficients.process(order.season).ok_or(DIVERGED)?;
        let (mut pass, mut errors, mut said) = (Pass::default(), Vec::new(), Vec::with_capacity(until));
        process.factor(until - lost, usize::MAX, &mut pass).ok_or(DIVERGED)?;
        process.filter(&centred, &pass, &mut errors, |value| said.push(value + self.constant));
        // What a step is beside its difference, from the steps before it.
        let mut back = Vec::new();
        for lag in order.lags() {
            back = product(&back, &[-1.0], lag);
        }
        let mut path = values.to_vec();
        let mut fitted = values[..lost].to_vec();
        for (step, said) in (lost..until).zip(said) {
            let before: f64 =
                back.iter().zip(path[step - lost..step].iter().rev()).map(|(weight, value)| weight * value).sum();
            if step < count { fitted.push(said - before) } else { path.push(said - before) }
        }
        let forecast = path[count..count + input.horizon].to_vec();
        let seasons = if order.season > 1 { &[order.season][..] } else { &[] };
        let parts = parts::split(&path, count, input.horizon, seasons);
        if !forecast
            .iter()
            .chain(&fitted)
            .chain(parts.iter().flat_map(|part| &part.values))
            .all(|value| value.is_finite())
        {
            return Err(DIVERGED);
        }
        Ok(Fit { forecast, fitted, parts, parameters: self.parameters() })
    }

    fn parameters(&self) -> Parameters {
        let Order { p, d, q, seasonal_p, seasonal_d, seasonal_q, season, constant } = self.order;
        let order =
            [p, d, q, seasonal_p, seasonal_d, seasonal_q, season, usize::from(constant)].map(|number| number as f64);
        let numbers = BTreeMap::from([
            ("order".to_owned(), order.to_vec()),
            ("ar".to_owned(), self.coefficients.ar.clone()),
            ("ma".to_owned(), self.coefficients.ma.clone()),
            ("seasonal_ar".to_owned(), self.coefficients.seasonal_ar.clone()),
            ("seasonal_ma".to_owned(), self.coefficients.seasonal_ma.clone()),
            ("constant".to_owned(), vec![self.constant]),
            ("log_likelihood".to_owned(), vec![self.log_likelihood]),
        ]);
        Parameters { form: self.order.to_string(), numbers }
    }

    fn from_parameters(parameters: &Parameters) -> Option<Found> {
        let numbers = |name: &str| parameters.numbers.get(name).cloned();
        let whole: Vec<usize> = numbers("order")?.iter().map(|&number| number as usize).collect();
        let &[p, d, q, seasonal_p, seasonal_d, seasonal_q, season, constant] = whole.as_slice() else { return None };
        let coefficients = Coefficients {
            ar: numbers("ar")?,
            ma: numbers("ma")?,
            seasonal_ar: numbers("seasonal_ar")?,
            seasonal_ma: numbers("seasonal_ma")?,
        };
        Some(Found {
            order: Order { p, d, q, seasonal_p, seasonal_d, seasonal_q, season, constant: constant > 0 },
            coefficients,
            constant: *numbers("constant")?.first()?,
            log_likelihood: *numbers("log_likelihood")?.first()?,
        })
    }
}

#[cfg(test)]
mod tests;

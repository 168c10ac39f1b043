//! The last value, the last season, the line through the first and the last value: what every other model has to beat.
//! Hyndman and Athanasopoulos, *Forecasting: Principles and Practice*, 3rd edition, section 5.2.

use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit, longest_season};

/// The last value, for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Naive;

impl Model for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        Ok(repeated("naive", input, 1))
    }
}

/// The value of the same step of the last season, by the longest season of which there is a whole one, a year beside weeks left out;
/// without one, as [`Naive`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SeasonalNaive;

impl Model for SeasonalNaive {
    fn name(&self) -> &'static str {
        "seasonal_naive"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let season = longest_season(input.seasons, 1, input.values.len()).unwrap_or(1);
        Ok(repeated("seasonal_naive", input, season))
    }
}

fn repeated(form: &str, input: &Input<'_>, season: usize) -> Fit {
    let values = input.values;
    let last = &values[values.len() - season..];
    let level = last.iter().sum::<f64>() / season as f64;
    let forecast: Vec<f64> = last.iter().copied().cycle().take(input.horizon).collect();
    let fitted = (0..values.len()).map(|step| values[step.checked_sub(season).unwrap_or(step)]).collect();
    let mut parts = vec![Part { name: "level".to_owned(), values: vec![level; input.horizon] }];
    if season > 1 {
        parts.push(Part {
            name: format!("season {season}"),
            values: forecast.iter().map(|value| value - level).collect(),
        });
    }
    Fit { forecast, fitted, parts, parameters: Parameters { form: form.to_owned(), ..Parameters::default() } }
}

/// The last value and the mean step of the whole history.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drift;

impl Model for Drift {
    fn name(&self) -> &'static str {
        "drift"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let values = input.values;
        if values.len() < 2 {
            return Err(Unfit::Short { model: "drift", needs: 2, has: values.len() });
        }
        let (first, last) = (values[0], values[values.len() - 1]);
        let slope = (last - first) / (values.len() - 1) as f64;
        let trend: Vec<f64> = (1..=input.horizon).map(|step| slope * step as f64).collect();
        let mut fitted = vec![first];
        fitted.extend((1..values.len()).map(|step| {
            let so_far = if step > 1 { (values[step - 1] - first) / (step - 1) as f64 } else { 0.0 };
            values[step - 1] + so_far
        }));
        Ok(Fit {
            forecast: trend.iter().map(|trend| last + trend).collect(),
            fitted,
            parts: vec![
                Part { name: "level".to_owned(), values: vec![last; input.horizon] },
                Part { name: "trend".to_owned(), values: trend },
            ],
            parameters: Parameters { form: "drift".to_owned(), ..Parameters::default() },
        })
    }
}

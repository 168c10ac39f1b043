//! The mean, or the median, of the same step of the last few seasons: the cheapest forecasts that do not repeat one season's noise.

use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit, longest_season};
use crate::robust::median_of;

/// Seasons that are averaged, at most.
const ROUNDS: usize = 4;
/// Seasons of which the median is taken, at most: the fewest of which it passes over a wild one.
const ROUNDS_OF_MEDIAN: usize = 3;

/// The mean over the last seasons, by the longest season of which there are two, a year beside weeks left out; without one, over the
/// last steps.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeasonalMean;

impl Model for SeasonalMean {
    fn name(&self) -> &'static str {
        "seasonal_mean"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        // Each value is divided before it is added, so that huge ones do not overflow.
        Ok(repeated(self.name(), input, ROUNDS, |rounds| rounds.iter().map(|value| value / rounds.len() as f64).sum()))
    }
}

/// The median over the last three seasons, by the season that [`SeasonalMean`] takes: counts that follow a timetable, with
/// cancellations. Without a season, over the last steps.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeasonalMedian;

impl Model for SeasonalMedian {
    fn name(&self) -> &'static str {
        "seasonal_median"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        Ok(repeated(self.name(), input, ROUNDS_OF_MEDIAN, median_of))
    }
}

/// What `middle` makes of the same step of the last rounds, newest first.
fn repeated(form: &str, input: &Input<'_>, most: usize, middle: impl Fn(&mut [f64]) -> f64) -> Fit {
    let values = input.values;
    let season = longest_season(input.seasons, 2, values.len()).unwrap_or(1);
    let mut rounds = Vec::with_capacity(most);
    let mut usual = |step: usize| {
        rounds.clear();
        rounds.extend((1..=(step / season).min(most)).map(|round| values[step - round * season]));
        middle(&mut rounds)
    };
    let start = values.len();
    let round: Vec<f64> = (start..start + season).map(&mut usual).collect();
    let level = round.iter().map(|value| value / season as f64).sum::<f64>();
    let forecast: Vec<f64> = round.iter().copied().cycle().take(input.horizon).collect();
    let fitted = (0..start).map(|step| if step < season { values[step] } else { usual(step) }).collect();
    let mut parts = vec![Part { name: "level".to_owned(), values: vec![level; input.horizon] }];
    if season > 1 {
        let values = forecast.iter().map(|value| value - level).collect();
        parts.push(Part { name: format!("season {season}"), values });
    }
    Fit { forecast, fitted, parts, parameters: Parameters { form: form.to_owned(), ..Parameters::default() } }
}

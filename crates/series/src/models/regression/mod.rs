//! Regression on the recent past, the same places of earlier rounds of the seasons, and columns that are known in
//! advance.
//!
//! Two ridge regressions on a logarithmic scale (for positive values; else on a root's or the plain one), one about
//! levels, which returns to the mean of the history, and one about differences to the round before, which goes on from
//! there; the forecast is the mean of the two, step by step on their own forecasts. Averaging these two is the idea of
//! Doornik, Castle and Hendry (2020), *Card forecasts for M4*. Recent steps weigh more.
//!
//! Stays stable: whatever the coefficients, a path cannot leave the range of the history by more than half of it (on
//! the scale of the regression).

mod equation;

use std::collections::BTreeMap;

use crate::model::{Fit, Input, Known, Model, Parameters, Part, Tier, Unfit};
use crate::models::parts;
use crate::models::scale::{Curve, Scale};
use equation::Shape;

const NAME: &str = "regression";
/// Least steps of a history.
const NEEDS: usize = 12;

/// Two ridge regressions with lags, seasons and known columns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Regression;

impl Model for Regression {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tier(&self) -> Tier {
        Tier::Usual
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let count = input.values.len();
        if count < NEEDS {
            return Err(Unfit::Short { model: NAME, needs: NEEDS, has: count });
        }
        let Some(scale) = Scale::of(input.values) else {
            return Err(Unfit::Unsuited { model: NAME, why: "the history is constant" });
        };
        let seasons = usable(input);
        let known = Standard::of(input.known, count);
        let path: Vec<f64> = input.values.iter().map(|&value| scale.forth(value)).collect();
        let base = seasons.first().copied().unwrap_or(1);
        let equations: Vec<Equation> = [0, base]
            .into_iter()
            .filter_map(|base| {
                let shape = Shape::of(count, &seasons, known.columns.len(), base);
                let coefficients = shape.fit(&path, &known.columns, count as f64 / 2.0)?;
                Some(Equation { shape, coefficients })
            })
            .collect();
        if equations.is_empty() {
            return Err(Unfit::Diverged { model: NAME });
        }
        Found { scale, seasons, known, equations }.forecast(input)
    }

    fn apply(&self, parameters: &Parameters, input: &Input<'_>) -> Result<Fit, Unfit> {
        match Found::from_parameters(parameters, input) {
            Some(found) => found.forecast(input),
            None => self.fit(input),
        }
    }
}

/// The seasons with two whole rounds in the history.
fn usable(input: &Input<'_>) -> Vec<usize> {
    input.seasons.iter().copied().filter(|season| 2 * season <= input.values.len()).collect()
}

/// An equation and what was found for it.
struct Equation {
    shape: Shape,
    coefficients: Vec<f64>,
}

/// Known columns with mean 0 and variance 1 over the history that they were fitted on.
struct Standard {
    means: Vec<f64>,
    deviations: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

impl Standard {
    fn of(known: Option<&Known>, count: usize) -> Standard {
        let columns = known.map_or(&[][..], |known| &known.columns);
        let means: Vec<f64> =
            columns.iter().map(|column| column[..count].iter().map(|value| value / count as f64).sum()).collect();
        let deviations = columns
            .iter()
            .zip(&means)
            .map(|(column, mean)| {
                let most = column[..count].iter().fold(0.0_f64, |most, value| most.max((value - mean).abs()));
                // A column that never moved has shown no effect.
                if most <= mean.abs() * 1e-12 {
                    return f64::INFINITY;
                }
                most * (column[..count].iter().map(|value| ((value - mean) / most).powi(2)).sum::<f64>() / count as f64)
                    .sqrt()
            })
            .collect();
        Standard { means, deviations, columns: Vec::new() }.over(columns)
    }

    fn over(mut self, columns: &[Vec<f64>]) -> Standard {
        self.columns = columns
            .iter()
            .zip(self.means.iter().zip(&self.deviations))
            .map(|(column, (mean, deviation))| column.iter().map(|value| (value - mean) / deviation).collect())
            .collect();
        self
    }
}

/// All that a forecast needs beside the history.
struct Found {
    scale: Scale,
    seasons: Vec<usize>,
    known: Standard,
    equations: Vec<Equation>,
}

impl Found {
    fn forecast(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let (values, horizon) = (input.values, input.horizon);
        let count = values.len();
        let history: Vec<f64> = values.iter().map(|&value| self.scale.forth(value)).collect();
        let least = history.iter().copied().fold(f64::INFINITY, f64::min);
        let most = history.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let room = (most - least) / 2.0;
        // Half of the longest season more than asked for, to see what is season and what is trend at the end.
        let beyond = self.seasons.last().map_or(0, |season| season / 2 + 1);
        let until = count + horizon + beyond;
        let mut known = self.known.columns.clone();
        known.iter_mut().for_each(|column| column.resize(until, 0.0));
        let share = 1.0 / self.equations.len() as f64;
        let mut path = history.clone();
        path.resize(until, 0.0);
        let mut echoes = vec![vec![0.0; until]; known.len()];
        let mut said = vec![0.0; count];
        let warm_up = self.equations.iter().map(|equation| equation.shape.warm_up()).max().unwrap_or(0).min(count);
        for Equation { shape, coefficients } in &self.equations {
            let mut row = vec![0.0; shape.columns()];
            let mut own = history.clone();
            for (step, said) in said.iter_mut().enumerate().skip(warm_up) {
                *said += share * shape.say(coefficients, &mut row, &history, step, &known);
            }
            for step in count..until {
                let next = shape.say(coefficients, &mut row, &own, step, &known);
                own.push(next.clamp(least - room, most + room));
            }
            path[count..].iter_mut().zip(&own[count..]).for_each(|(sum, value)| *sum += share * value);
            for (index, sums) in echoes.iter_mut().enumerate() {
                let alone = shape.echo(coefficients, index, &known[index], most - least);
                sums.iter_mut().zip(alone).for_each(|(sum, value)| *sum += share * value);
            }
        }
        let fitted: Vec<f64> = (0..count)
            .map(|step| {
                if step < warm_up { values[step] } else { self.scale.back(said[step].clamp(least - room, most + room)) }
            })
            .collect();
        let forecast: Vec<f64> = path[count..count + horizon].iter().map(|&number| self.scale.back(number)).collect();
        for echo in &echoes {
            path.iter_mut().zip(echo).for_each(|(value, echo)| *value -= echo);
        }
        let parts = self.parts(&path, count, &forecast, input.known, &echoes);
        if !forecast
            .iter()
            .chain(&fitted)
            .chain(parts.iter().flat_map(|part| &part.values))
            .all(|value| value.is_finite())
        {
            return Err(Unfit::Diverged { model: NAME });
        }
        Ok(Fit { forecast, fitted, parts, parameters: self.parameters() })
    }

    /// The forecast as level, trend, seasons and known columns. On a curved scale effects multiply, so that each part
    /// is what it changes when those before it are in place already.
    fn parts(
        &self,
        path: &[f64],
        count: usize,
        forecast: &[f64],
        known: Option<&Known>,
        echoes: &[Vec<f64>],
    ) -> Vec<Part> {
        let horizon = forecast.len();
        // The path smoothed over each season in turn; what a smoothing takes away is that season's.
        let mut smooth = vec![path.to_vec()];
        for &season in &self.seasons {
            smooth.push(parts::centred(path, season));
        }
        let slow = &smooth[smooth.len() - 1];
        let mut sum = vec![slow[count - 1]; horizon];
        let mut before: Vec<f64> = sum.iter().map(|&number| self.scale.back(number)).collect();
        let mut parts = vec![Part { name: "level".to_owned(), values: before.clone() }];
        let mut add = |name: String, next: Vec<f64>| {
            let after: Vec<f64> = next.iter().map(|&number| self.scale.back(number)).collect();
            parts
                .push(Part { name, values: after.iter().zip(&before).map(|(after, before)| after - before).collect() });
            before = after;
        };
        sum.copy_from_slice(&slow[count..count + horizon]);
        add("trend".to_owned(), sum.clone());
        for (index, season) in self.seasons.iter().enumerate().rev() {
            sum.copy_from_slice(&smooth[index][count..count + horizon]);
            add(format!("season {season}"), sum.clone());
        }
        for (index, echo) in echoes.iter().enumerate() {
            sum.iter_mut().zip(&echo[count..]).for_each(|(sum, echo)| *sum += echo);
            let name = known.and_then(|known| known.names.get(index).cloned());
            add(name.unwrap_or_else(|| format!("known {}", index + 1)), sum.clone());
        }
        // Where a path was held back, or rounding shows, the trend takes the difference.
        for (step, value) in forecast.iter().enumerate() {
            parts[1].values[step] += value - before[step];
        }
        parts
    }

    fn parameters(&self) -> Parameters {
        let mut numbers = BTreeMap::new();
        let mut put = |name: &str, values: Vec<f64>| numbers.insert(name.to_owned(), values);
        put("scale", vec![self.scale.unit, self.scale.mean, self.scale.deviation]);
        put("seasons", self.seasons.iter().map(|&season| season as f64).collect());
        put("known_means", self.known.means.clone());
        // Not finite where a column never moved.
        put("known_weights", self.known.deviations.iter().map(|deviation| 1.0 / deviation).collect());
        for (index, equation) in self.equations.iter().enumerate() {
            put(&format!("base_{index}"), vec![equation.shape.base as f64]);
            put(&format!("lags_{index}"), equation.shape.lags.iter().map(|&lag| lag as f64).collect());
            put(&format!("coefficients_{index}"), equation.coefficients.clone());
        }
        Parameters { form: self.scale.curve.word().to_owned(), numbers }
    }

    fn from_parameters(parameters: &Parameters, input: &Input<'_>) -> Option<Found> {
        let numbers = &parameters.numbers;
        let curve = Curve::ALL.into_iter().find(|curve| curve.word() == parameters.form)?;
        let &[unit, mean, deviation] = numbers.get("scale")?.as_slice() else { return None };
        let whole = |name: &str| Some(numbers.get(name)?.iter().map(|&number| number as usize).collect::<Vec<usize>>());
        let seasons = whole("seasons")?;
        let columns = input.known.map_or(&[][..], |known| &known.columns);
        let means = numbers.get("known_means")?.clone();
        let deviations: Vec<f64> = numbers.get("known_weights")?.iter().map(|weight| 1.0 / weight).collect();
        if means.len() != columns.len() || deviations.len() != columns.len() {
            return None;
        }
        let mut equations = Vec::new();
        while let Some(base) = whole(&format!("base_{}", equations.len())) {
            let lags = whole(&format!("lags_{}", equations.len()))?;
            let coefficients = numbers.get(&format!("coefficients_{}", equations.len()))?.clone();
            let shape = Shape { lags, ..Shape::of(usize::MAX, &seasons, columns.len(), *base.first()?) };
            if shape.columns() != coefficients.len() || shape.warm_up() > input.values.len() {
                return None;
            }
            equations.push(Equation { shape, coefficients });
        }
        if equations.is_empty() {
            return None;
        }
        let known = Standard { means, deviations, columns: Vec::new() }.over(columns);
        Some(Found { scale: Scale { curve, unit, mean, deviation }, seasons, known, equations })
    }
}

#[cfg(test)]
mod tests;

//! From what was found to a forecast, one form or several, and to parameters and back.

use super::form::{Form, Season};
use super::pass::{Pass, Weights};
use super::search::{Found, States};
use crate::model::{Fit, Parameters, Part};

/// One pass over the history, and on. The parameters stay empty; `None` where the states run away.
pub(super) fn forecast(pass: &mut Pass<'_>, found: &Found, scale: f64, horizon: usize) -> Option<Fit> {
    let Found { form, weights, first, .. } = found;
    (pass.level, pass.trend) = (first.level, first.trend);
    if form.seasonal() {
        pass.season.copy_from_slice(&first.season);
    }
    if !pass.run(*form, *weights).0.is_finite() {
        return None;
    }
    let fitted: Vec<f64> = pass.expected().map(|value| value * scale).collect();
    let count = fitted.len();
    let (mut forecast, mut trends, mut seasons) = (Vec::with_capacity(horizon), Vec::new(), Vec::new());
    let (mut trend, mut slope) = (0.0, pass.trend);
    for step in count..count + horizon {
        slope *= weights.phi;
        trend += slope;
        let point = pass.level + trend;
        let value = match form.season {
            Season::None => point,
            Season::Additive => point + pass.season[step % pass.season.len()],
            Season::Multiplicative => point * pass.season[step % pass.season.len()],
        };
        forecast.push(value * scale);
        trends.push(trend * scale);
        seasons.push((value - point) * scale);
    }
    let mut parts = vec![Part { name: "level".to_owned(), values: vec![pass.level * scale; horizon] }];
    if form.trended() {
        parts.push(Part { name: "trend".to_owned(), values: trends });
    }
    if form.seasonal() {
        parts.push(Part { name: format!("season {}", pass.season.len()), values: seasons });
    }
    Some(Fit { forecast, fitted, parts, parameters: Parameters::default() })
}

/// The mean of fits by weights, which need not sum to 1; parts are matched by name. `None` of none.
pub(super) fn averaged(fits: &[(f64, Fit)]) -> Option<Fit> {
    let whole: f64 = fits.iter().map(|fit| fit.0).sum();
    let (_, first) = fits.first()?;
    let zeros = |values: &Vec<f64>| vec![0.0; values.len()];
    let mut mean = Fit {
        forecast: zeros(&first.forecast),
        fitted: zeros(&first.fitted),
        parts: Vec::new(),
        parameters: Parameters::default(),
    };
    let add = |sum: &mut [f64], values: &[f64], weight: f64| {
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
    };
    for (weight, fit) in fits {
        let weight = weight / whole;
        add(&mut mean.forecast, &fit.forecast, weight);
        add(&mut mean.fitted, &fit.fitted, weight);
        for part in &fit.parts {
            let place = mean.parts.iter().position(|other| other.name == part.name).unwrap_or_else(|| {
                mean.parts.push(Part { name: part.name.clone(), values: vec![0.0; part.values.len()] });
                mean.parts.len() - 1
            });
            add(&mut mean.parts[place].values, &part.values, weight);
        }
    }
    Some(mean)
}

/// Writes what was found, each name after `prefix`.
pub(super) fn write(found: &Found, scale: f64, prefix: &str, parameters: &mut Parameters) {
    let Found { form, weights, first, .. } = found;
    let mut put = |name: &str, values: Vec<f64>| parameters.numbers.insert(format!("{prefix}{name}"), values);
    put("alpha", vec![weights.alpha]);
    put("level", vec![first.level * scale]);
    if form.trended() {
        put("beta", vec![weights.beta]);
        put("phi", vec![weights.phi]);
        put("trend", vec![first.trend * scale]);
    }
    if form.seasonal() {
        let unit = season_unit(*form, scale);
        put("gamma", vec![weights.gamma]);
        put("season", first.season.iter().map(|state| state * unit).collect());
    }
}

/// What [`write`] wrote of a form.
pub(super) fn read(form: Form, scale: f64, prefix: &str, parameters: &Parameters) -> Option<Found> {
    let numbers = |name: &str| parameters.numbers.get(&format!("{prefix}{name}"));
    let number = |name: &str| numbers(name).and_then(|numbers| numbers.first()).copied();
    let weights = Weights {
        alpha: number("alpha")?,
        beta: number("beta").unwrap_or(0.0),
        gamma: number("gamma").unwrap_or(0.0),
        phi: number("phi").unwrap_or(1.0),
    };
    let unit = season_unit(form, scale);
    let season: Vec<f64> =
        numbers("season").map_or_else(Vec::new, |season| season.iter().map(|state| state / unit).collect());
    if form.seasonal() && season.len() < 2 {
        return None;
    }
    let first = States { level: number("level")? / scale, trend: number("trend").unwrap_or(0.0) / scale, season };
    Some(Found { form, weights, first, criterion: 0.0 })
}

fn season_unit(form: Form, scale: f64) -> f64 {
    if form.season == Season::Multiplicative { 1.0 } else { scale }
}

//! Several seasons by decomposition: local regression takes the seasons out, smoothing with a fading trend goes on with
//! what is left, and each season repeats its last round. Bandara, Hyndman and Bergmeir (2021), *MSTL*; see
//! [`decompose`].

mod decompose;
mod loess;
mod trend;

pub use decompose::{Decomposition, decompose};

use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit};
use trend::Damped;

const NAME: &str = "mstl";

/// STL for each season, a damped trend for the rest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mstl;

impl Model for Mstl {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tier(&self) -> Tier {
        Tier::Usual
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let parts = decompose(input.values, &usable(input)?);
        forecast(&parts, Damped::fit(&parts.seasonless()), input.horizon)
    }

    fn apply(&self, parameters: &Parameters, input: &Input<'_>) -> Result<Fit, Unfit> {
        let number = |name: &str| parameters.numbers.get(name).and_then(|numbers| numbers.first().copied());
        let (Some(level), Some(trend), Some(damping)) = (number("level"), number("trend"), number("damping")) else {
            return self.fit(input);
        };
        forecast(&decompose(input.values, &usable(input)?), Damped { level, trend, damping }, input.horizon)
    }
}

/// The seasons with two whole rounds in the history.
fn usable(input: &Input<'_>) -> Result<Vec<usize>, Unfit> {
    let Some(&shortest) = input.seasons.first() else {
        return Err(Unfit::Unsuited { model: NAME, why: "there is no season" });
    };
    let has = input.values.len();
    if has < 2 * shortest {
        return Err(Unfit::Short { model: NAME, needs: 2 * shortest, has });
    }
    Ok(input.seasons.iter().copied().filter(|season| 2 * season <= has).collect())
}

fn forecast(decomposition: &Decomposition, damped: Damped, horizon: usize) -> Result<Fit, Unfit> {
    let pass = damped.pass(&decomposition.seasonless());
    let trend = damped.trend_ahead(&pass, horizon);
    let mut forecast: Vec<f64> = trend.iter().map(|trend| pass.level + trend).collect();
    let mut fitted = pass.fitted;
    let mut parts = vec![
        Part { name: "level".to_owned(), values: vec![pass.level; horizon] },
        Part { name: "trend".to_owned(), values: trend },
    ];
    for (length, season) in &decomposition.seasons {
        let ahead: Vec<f64> = season[season.len() - length..].iter().copied().cycle().take(horizon).collect();
        forecast.iter_mut().zip(&ahead).for_each(|(value, part)| *value += part);
        fitted.iter_mut().zip(season).for_each(|(value, part)| *value += part);
        parts.push(Part { name: format!("season {length}"), values: ahead });
    }
    if !forecast.iter().chain(&fitted).chain(parts.iter().flat_map(|part| &part.values)).all(|value| value.is_finite())
    {
        return Err(Unfit::Diverged { model: NAME });
    }
    let numbers = [("level", damped.level), ("trend", damped.trend), ("damping", damped.damping)];
    let form = if damped.trend > 0.0 { "STL + damped trend" } else { "STL + level" };
    Ok(Fit {
        forecast,
        fitted,
        parts,
        parameters: Parameters {
            form: form.to_owned(),
            numbers: numbers.into_iter().map(|(name, number)| (name.to_owned(), vec![number])).collect(),
        },
    })
}

#[cfg(test)]
mod tests;

//! The last value without its season, and the season: the benchmark of the M competitions, against which OWA measures.
//! Makridakis, Spiliotis and Assimakopoulos 2020, *The M4 Competition*, section 2.3.

use crate::decompose::Seasonal;
use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit};

/// The naive forecast of the seasonally adjusted series, by the shortest season, where the test finds it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Naive2;

impl Model for Naive2 {
    fn name(&self) -> &'static str {
        "naive2"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let values = input.values;
        let Some(last) = values.len().checked_sub(1) else {
            return Err(Unfit::Short { model: "naive2", needs: 1, has: 0 });
        };
        let season = input.seasons.first().and_then(|&season| Seasonal::tested(values, season));
        let form = if season.is_some() { "seasonal" } else { "plain" };
        let Some(season) = season else {
            let fitted = (0..values.len()).map(|step| values[step.saturating_sub(1)]).collect();
            let parts = vec![Part { name: "level".to_owned(), values: vec![values[last]; input.horizon] }];
            return finished(vec![values[last]; input.horizon], fitted, parts, form);
        };
        let level = season.remove(last, values[last]);
        let forecast: Vec<f64> = (0..input.horizon).map(|step| season.restore(values.len() + step, level)).collect();
        let mut fitted = vec![values[0]];
        fitted.extend((1..values.len()).map(|step| season.restore(step, season.remove(step - 1, values[step - 1]))));
        let parts = vec![
            Part { name: "level".to_owned(), values: vec![level; input.horizon] },
            Part {
                name: format!("season {}", season.indices.len()),
                values: forecast.iter().map(|value| value - level).collect(),
            },
        ];
        finished(forecast, fitted, parts, form)
    }
}

fn finished(forecast: Vec<f64>, fitted: Vec<f64>, parts: Vec<Part>, form: &str) -> Result<Fit, Unfit> {
    if forecast.iter().chain(&fitted).any(|value| !value.is_finite()) {
        return Err(Unfit::Diverged { model: "naive2" });
    }
    Ok(Fit { forecast, fitted, parts, parameters: Parameters { form: form.to_owned(), ..Parameters::default() } })
}

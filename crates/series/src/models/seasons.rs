//! What the models share that take the seasons out first: which there were, for another pass, and putting them back.

use crate::decompose::{Adjusted, Kind};
use crate::model::{Fit, Parameters, Part, Unfit};

const KINDS: [(&str, char, Kind); 2] =
    [("multiplicative", '×', Kind::Multiplicative), ("additive", '+', Kind::Additive)];

/// Writes the seasons that were taken out into the parameters: the lengths by kind, and ` ×12` or ` +12` after the form.
pub(super) fn record(adjusted: &Adjusted, parameters: &mut Parameters) {
    for season in &adjusted.seasons {
        for (name, sign, _) in KINDS.iter().filter(|kind| kind.2 == season.kind) {
            parameters.form += &format!(" {sign}{}", season.indices.len());
            parameters.numbers.entry((*name).to_owned()).or_default().push(season.indices.len() as f64);
        }
    }
}

/// The seasons that [`record`] wrote, the shortest first, as [`Adjusted::of_kinds`] takes them.
pub(super) fn recorded(parameters: &Parameters) -> Vec<(usize, Kind)> {
    let lengths = |name: &str| parameters.numbers.get(name).map_or(&[][..], Vec::as_slice);
    let mut seasons: Vec<(usize, Kind)> = KINDS
        .iter()
        .flat_map(|&(name, _, kind)| lengths(name).iter().map(move |&length| (length as usize, kind)))
        .collect();
    seasons.sort_unstable_by_key(|season| season.0);
    seasons
}

/// Puts the seasons back on what a model said about the adjusted series: `fit` comes in with the adjusted forecast, its
/// parts and the adjusted fitted values.
pub(super) fn restored(model: &'static str, adjusted: &Adjusted, mut fit: Fit) -> Result<Fit, Unfit> {
    let (count, horizon) = (fit.fitted.len(), fit.forecast.len());
    for (step, value) in fit.fitted.iter_mut().enumerate() {
        *value = adjusted.restore(step, *value, |_, _| ());
    }
    let mut seasons = vec![Vec::with_capacity(horizon); adjusted.seasons.len()];
    for (step, value) in fit.forecast.iter_mut().enumerate() {
        *value = adjusted.restore(count + step, *value, |season, adds| seasons[season].push(adds));
    }
    fit.parts.extend(
        adjusted
            .seasons
            .iter()
            .zip(seasons)
            .map(|(season, values)| Part { name: format!("season {}", season.indices.len()), values }),
    );
    let parts = fit.parts.iter().flat_map(|part| &part.values);
    if fit.forecast.iter().chain(&fit.fitted).chain(parts).any(|value| !value.is_finite()) {
        return Err(Unfit::Diverged { model });
    }
    Ok(fit)
}

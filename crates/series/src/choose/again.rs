//! A choice taken up again on a longer history, and a new one that has to do better than it.

use super::{Choice, Chosen, Pool, Quiet, Settings, Why, baseline_error, choose, combine, quiet, sound, weigh};
use crate::backtest::{self, Plan};
use crate::hygiene::Class;
use crate::model::Input;
use crate::watch::{self, Duel, Outcome};

/// The same models with the weights and parameters that were found before, on another (longer) history: one pass each for the forecast and
/// for every origin of the backtest, no search. `actual` as for [`choose`].
///
/// None where the choice had no backtest, the history has none, or one of its models does not answer any more: choose anew.
#[must_use]
pub fn again(
    choice: &Choice,
    input: &Input<'_>,
    actual: &[f64],
    pool: &Pool<'_>,
    settings: &Settings,
) -> Option<Chosen> {
    if choice.why != Why::Backtest || choice.members.is_empty() {
        return None;
    }
    let plan = Plan::new(input.values.len(), input.horizon, input.seasons, &settings.backtest)?;
    let all_quiet = Quiet::of(input);
    let at_origins: Vec<Vec<bool>> =
        plan.origins.iter().map(|&origin| all_quiet.steps(origin, plan.steps(origin))).collect();
    let mut tracks = Vec::with_capacity(choice.members.len());
    let mut fits = Vec::with_capacity(choice.members.len());
    for member in &choice.members {
        let model = pool.find(&member.model)?;
        let mut forecasts = backtest::taken_up(model, &member.tested, input, &plan).ok()?;
        for (forecast, quiet) in forecasts.iter_mut().zip(&at_origins) {
            quiet::hush_values(forecast, quiet);
        }
        let fit = model.apply(&member.parameters, input).ok().filter(|fit| sound(fit, input))?;
        tracks.push((member.weight, forecasts));
        fits.push((member.weight, fit));
    }
    let together: Vec<(f64, &[Vec<f64>])> =
        tracks.iter().map(|(weight, forecasts)| (*weight, forecasts.as_slice())).collect();
    let together = combine::tracks(&together);
    let mut choice = Choice { origins: plan.origins.len(), ..choice.clone() };
    choice.naive_error = baseline_error(input, actual, &plan).filter(|error| error.is_finite());
    let chosen = Chosen::tested(choice, weigh(&fits, input), together, actual, plan, at_origins);
    Some(chosen.hushed(&all_quiet, input))
}

/// Chooses anew, and stays with the champion unless the new choice errs clearly less in the backtest. The champion's parameters were found
/// before, possibly on some of what the backtest asks; the challenger's at its first origin: in doubt the champion stays.
///
/// The record is none where there is nothing to compare: then the new choice it is.
#[must_use]
pub fn contest(
    champion: &Choice,
    input: &Input<'_>,
    actual: &[f64],
    class: Class,
    pool: &Pool<'_>,
    settings: &Settings,
    rule: &Duel,
) -> (Chosen, Option<Outcome>) {
    let challenger = choose(input, actual, class, pool, settings);
    let Some(champion) = again(champion, input, actual, pool, settings) else { return (challenger, None) };
    if challenger.plan.is_none() {
        // Nothing that may be asked had an answer: what there is is better than a fallback.
        return (champion, None);
    }
    if challenger.plan != champion.plan {
        return (challenger, None);
    }
    let pairs: Vec<(f64, f64)> = champion
        .residuals
        .iter()
        .flatten()
        .zip(challenger.residuals.iter().flatten())
        .map(|(old, new)| (old.abs(), new.abs()))
        .collect();
    let outcome = watch::duel(&champion.choice.model(), &challenger.choice.model(), &pairs, rule);
    (if outcome.replaced { challenger } else { champion }, Some(outcome))
}

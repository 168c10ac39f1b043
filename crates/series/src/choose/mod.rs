//! Which models speak for a series: a small pool by class, a backtest, a combination; and always something that answers.

mod again;
mod combine;
mod pool;
mod quiet;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use again::{again, contest};
pub use combine::Combination;
pub use pool::Pool;
use quiet::Quiet;

use crate::backtest::{self, Plan};
use crate::hygiene::Class;
use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit};

/// How models are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Models that may be chosen, by name; none means those that suit the class.
    pub models: Option<Vec<String>>,
    /// The dearest models that are asked.
    pub tier: Tier,
    /// How the past is cut.
    pub backtest: backtest::Settings,
    /// How the models that passed are combined.
    pub combine: Combination,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            models: None,
            tier: Tier::Dear,
            backtest: backtest::Settings::default(),
            combine: Combination::default(),
        }
    }
}

/// What a choice rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Weighted by backtest errors.
    Backtest,
    /// The history is too short for a backtest: what suits the class, equally weighted.
    NoBacktest,
    /// No model of the pool answered: the first of the fallbacks that did.
    Fallback,
    /// There is nothing to fit: siblings' profile, or zeros.
    Newcomer,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backtest => "weighted by backtest errors",
            Self::NoBacktest => "history too short for a backtest",
            Self::Fallback => "no model of the pool answered",
            Self::Newcomer => "no history",
        })
    }
}

/// A model with its say in the forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub model: String,
    /// Its weight; the weights of a choice add up to 1.
    pub weight: f64,
    /// What was found for it on the whole history.
    pub parameters: Parameters,
    /// What was found for it on the history before the first origin of the backtest: later origins stay unseen by it. The same as
    /// `parameters` without a backtest.
    pub tested: Parameters,
}

/// A model that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Its name.
    pub model: String,
    /// Its mean absolute error over the backtest, in the unit of the series; none without a backtest.
    pub error: Option<f64>,
    /// Why it was left out; none when it was not.
    pub left_out: Option<String>,
}

/// What was chosen for a series and why. Stored per series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What it rests on.
    pub why: Why,
    /// The tier that the search was allowed.
    pub tier: Tier,
    /// Models that make the forecast, heaviest first; at least one unless `why` is a newcomer.
    pub members: Vec<Member>,
    /// All models asked, in the order of the pool.
    pub tried: Vec<Tried>,
    /// Origins of the backtest.
    pub origins: usize,
    /// Mean absolute error of the combination in the backtest, in the unit of the series; none without a backtest.
    pub error: Option<f64>,
    /// The same of the seasonal naive forecast.
    pub naive_error: Option<f64>,
    /// Mean absolute error of the combination per step of the horizon; steps that no origin reached are absent at the end.
    /// NaN for a step that was never measured.
    #[serde(with = "with_gaps")]
    pub errors_by_step: Vec<f64>,
}

/// Numbers of which some are not there: NaN here, null in text.
mod with_gaps {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let there: Vec<Option<f64>> = values.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect();
        there.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let there = Vec::<Option<f64>>::deserialize(deserializer)?;
        Ok(there.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}

impl Choice {
    /// One minus the error over that of the seasonal naive forecast; none without a backtest or where the naive makes no error.
    #[must_use]
    pub fn skill(&self) -> Option<f64> {
        let (error, naive) = (self.error?, self.naive_error?);
        (naive > 0.0).then(|| 1.0 - error / naive)
    }

    /// The models by name and share, heaviest first: `ets+theta`.
    #[must_use]
    pub fn model(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|member| member.model.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join("+") }
    }
}

/// A choice and what it was found with.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// For the record.
    pub choice: Choice,
    /// The forecast from the end of the history.
    pub fit: Fit,
    /// The origins; none when the history was too short.
    pub plan: Option<Plan>,
    /// What the combination missed in the backtest, per origin and step (measured minus forecast).
    pub residuals: Vec<Vec<f64>>,
    /// What the combination said in the backtest, per origin and step.
    pub backtest: Vec<Vec<f64>>,
    /// Per step of the horizon whether nothing ever happens there, so that the forecast is zero.
    pub quiet: Vec<bool>,
    /// The same for the steps after each origin of the backtest.
    pub quiet_at_origins: Vec<Vec<bool>>,
}

impl Chosen {
    /// Of a choice that said `backtest` at the origins of `plan`: its errors go into its record.
    fn tested(
        mut choice: Choice,
        fit: Fit,
        backtest: Vec<Vec<f64>>,
        actual: &[f64],
        plan: Plan,
        quiet_at_origins: Vec<Vec<bool>>,
    ) -> Self {
        let residuals = backtest::residuals(&backtest, actual, &plan);
        choice.error = Some(backtest::error(&residuals)).filter(|error| error.is_finite());
        choice.errors_by_step = backtest::errors_by_step(&residuals, plan.horizon);
        while choice.errors_by_step.last().is_some_and(|error| error.is_nan()) {
            choice.errors_by_step.pop();
        }
        Self { choice, fit, plan: Some(plan), residuals, backtest, quiet: Vec::new(), quiet_at_origins }
    }

    /// The forecast without what never happens.
    fn hushed(mut self, quiet: &Quiet<'_>, input: &Input<'_>) -> Self {
        self.quiet = quiet.steps(input.values.len(), input.horizon);
        quiet::hush(&mut self.fit, &self.quiet);
        quiet::settle(&mut self.fit, input.values);
        self
    }

    /// Of a choice whose residuals at origins are not known.
    fn untried(choice: Choice, fit: Fit) -> Self {
        Self {
            choice,
            fit,
            plan: None,
            residuals: Vec::new(),
            backtest: Vec::new(),
            quiet: Vec::new(),
            quiet_at_origins: Vec::new(),
        }
    }
}

/// A model of the pool that came through the backtest.
struct Passed<'p> {
    model: &'p dyn Model,
    /// Whether it may be part of a combination.
    combines: bool,
    forecasts: Vec<Vec<f64>>,
    error: f64,
    parameters: Parameters,
}

/// Chooses models for one series and forecasts. `actual` is as long as the history, NaN where nothing was measured: errors are
/// measured against it. Never fails: the last fallback is the last value.
#[must_use]
pub fn choose(input: &Input<'_>, actual: &[f64], class: Class, pool: &Pool<'_>, settings: &Settings) -> Chosen {
    let models = pool.suited(class, input, settings);
    let plan = Plan::new(input.values.len(), input.horizon, input.seasons, &settings.backtest);
    let quiet = Quiet::of(input);
    let chosen = match plan {
        Some(plan) => {
            with_backtest(input, actual, &models, Pool::guards(class, input, settings), plan, &quiet, settings)
        }
        None => without_backtest(input, &models, settings.tier),
    };
    chosen.hushed(&quiet, input)
}

fn with_backtest(
    input: &Input<'_>,
    actual: &[f64],
    models: &[&dyn Model],
    guards: &[&dyn Model],
    plan: Plan,
    quiet: &Quiet<'_>,
    settings: &Settings,
) -> Chosen {
    let guards = guards.iter().filter(|guard| models.iter().all(|model| model.name() != guard.name()));
    let asked: Vec<(&dyn Model, bool)> =
        models.iter().map(|model| (*model, true)).chain(guards.map(|guard| (*guard, false))).collect();
    let quiet: Vec<Vec<bool>> = plan.origins.iter().map(|&origin| quiet.steps(origin, plan.steps(origin))).collect();
    let mut tried = Vec::with_capacity(asked.len());
    let mut passed = Vec::with_capacity(asked.len());
    for (model, combines) in asked {
        let mut outcome = Tried { model: model.name().to_owned(), error: None, left_out: None };
        match backtest::run(model, input, &plan) {
            Ok(mut track) => {
                for (forecast, quiet) in track.forecasts.iter_mut().zip(&quiet) {
                    quiet::hush_values(forecast, quiet);
                }
                let residuals = backtest::residuals(&track.forecasts, actual, &plan);
                let error = backtest::error(&residuals);
                outcome.error = Some(error).filter(|error| error.is_finite());
                passed.push(Passed {
                    model,
                    combines,
                    forecasts: track.forecasts,
                    error,
                    parameters: track.parameters,
                });
            }
            Err(unfit) => outcome.left_out = Some(unfit.to_string()),
        }
        tried.push(outcome);
    }
    let naive = passed
        .iter()
        .find(|passed| passed.model.name() == pool::BASELINE)
        .map(|passed| passed.error)
        .or_else(|| baseline_error(input, actual, &plan));
    passed.retain(|passed| passed.error.is_finite());
    let horizons = (plan.length - plan.origins[0]) as f64 / plan.horizon as f64;
    let mut weights = weights(&passed, actual, &plan, horizons, settings);
    let mut fits = Vec::new();
    let mut members = Vec::new();
    for (passed, weight) in passed.iter().zip(&mut weights) {
        let left_out = if *weight <= 0.0 {
            Some("others had smaller errors".to_owned())
        } else {
            match finally(passed, input) {
                Ok(fit) => {
                    members.push(Member {
                        model: passed.model.name().to_owned(),
                        weight: *weight,
                        parameters: fit.parameters.clone(),
                        tested: passed.parameters.clone(),
                    });
                    fits.push((*weight, fit));
                    None
                }
                Err(unfit) => Some(unfit.to_string()),
            }
        };
        if let Some(why) = left_out {
            *weight = 0.0;
            if let Some(outcome) = tried.iter_mut().find(|outcome| outcome.model == passed.model.name()) {
                outcome.left_out = Some(why);
            }
        }
    }
    let total: f64 = weights.iter().sum();
    if fits.is_empty() || total <= 0.0 {
        let (member, fit) = fallback(input);
        let choice = record(Why::Fallback, settings.tier, vec![member], tried, plan.origins.len());
        return Chosen::untried(choice, fit);
    }
    for member in &mut members {
        member.weight /= total;
    }
    members.sort_by(|left, right| right.weight.total_cmp(&left.weight));
    let tracks: Vec<(f64, &[Vec<f64>])> =
        passed.iter().zip(&weights).map(|(passed, weight)| (weight / total, passed.forecasts.as_slice())).collect();
    let mut choice = record(Why::Backtest, settings.tier, members, tried, plan.origins.len());
    choice.naive_error = naive.filter(|error| error.is_finite());
    Chosen::tested(choice, weigh(&fits, input), combine::tracks(&tracks), actual, plan, quiet)
}

/// The weights of a combination; all to one where it alone does clearly better.
fn weights(passed: &[Passed<'_>], actual: &[f64], plan: &Plan, horizons: f64, settings: &Settings) -> Vec<f64> {
    let mut errors: Vec<f64> =
        passed.iter().map(|passed| if passed.combines { passed.error } else { f64::INFINITY }).collect();
    let mut weights = settings.combine.weights(&errors, horizons);
    let tracks: Vec<(f64, &[Vec<f64>])> =
        passed.iter().zip(&weights).map(|(passed, weight)| (*weight, passed.forecasts.as_slice())).collect();
    let together = backtest::error(&backtest::residuals(&combine::tracks(&tracks), actual, plan));
    for (error, passed) in errors.iter_mut().zip(passed) {
        *error = passed.error;
    }
    let baseline = passed.iter().position(|passed| passed.model.name() == pool::BASELINE);
    if let Some(best) = settings.combine.alone(together, &errors, baseline, horizons) {
        weights.fill(0.0);
        weights[best] = 1.0;
    }
    weights
}

fn record(why: Why, tier: Tier, members: Vec<Member>, tried: Vec<Tried>, origins: usize) -> Choice {
    Choice { why, tier, members, tried, origins, error: None, naive_error: None, errors_by_step: Vec::new() }
}

/// The forecast from the end of the history: a new search, or, where the parameters of the backtest do not suit, those.
fn finally(passed: &Passed<'_>, input: &Input<'_>) -> Result<Fit, Unfit> {
    let sound_fit =
        |fit: Fit| if sound(&fit, input) { Ok(fit) } else { Err(Unfit::Diverged { model: passed.model.name() }) };
    passed
        .model
        .fit(input)
        .and_then(sound_fit)
        .or_else(|_| passed.model.apply(&passed.parameters, input).and_then(sound_fit))
}

fn without_backtest(input: &Input<'_>, models: &[&dyn Model], tier: Tier) -> Chosen {
    let (mut fits, mut members, mut tried) = (Vec::new(), Vec::new(), Vec::new());
    for model in models {
        let mut outcome = Tried { model: model.name().to_owned(), error: None, left_out: None };
        match model.fit(input) {
            Ok(fit) if sound(&fit, input) => {
                members.push(untested(model.name(), &fit.parameters));
                fits.push((1.0, fit));
            }
            Ok(_) => outcome.left_out = Some(Unfit::Diverged { model: model.name() }.to_string()),
            Err(unfit) => outcome.left_out = Some(unfit.to_string()),
        }
        tried.push(outcome);
    }
    let count = members.len() as f64;
    for member in &mut members {
        member.weight /= count;
    }
    let (why, fit) = if fits.is_empty() {
        let (member, fit) = fallback(input);
        members.push(member);
        (Why::Fallback, fit)
    } else {
        (Why::NoBacktest, weigh(&fits, input))
    };
    Chosen::untried(record(why, tier, members, tried, 0), fit)
}

/// What always answers: the last season, or the last value.
fn fallback(input: &Input<'_>) -> (Member, Fit) {
    use crate::models::{Naive, SeasonalNaive};
    for model in [&SeasonalNaive as &dyn Model, &Naive] {
        if let Ok(fit) = model.fit(input)
            && sound(&fit, input)
        {
            return (untested(model.name(), &fit.parameters), fit);
        }
    }
    // Invariant of [`Input`]: at least one value; and they are finite.
    let last = input.values.last().copied().filter(|value| value.is_finite()).unwrap_or(0.0);
    let forecast = vec![last; input.horizon];
    let parts = vec![Part { name: "level".to_owned(), values: forecast.clone() }];
    let parameters = Parameters { form: "naive".to_owned(), ..Parameters::default() };
    (untested("naive", &parameters), Fit { forecast, fitted: input.values.to_vec(), parts, parameters })
}

/// A model that has all the say, and no backtest.
fn untested(model: &str, parameters: &Parameters) -> Member {
    Member { model: model.to_owned(), weight: 1.0, parameters: parameters.clone(), tested: parameters.clone() }
}

fn baseline_error(input: &Input<'_>, actual: &[f64], plan: &Plan) -> Option<f64> {
    let track = backtest::run(&crate::models::SeasonalNaive, input, plan).ok()?;
    Some(backtest::error(&backtest::residuals(&track.forecasts, actual, plan)))
}

/// Times the range of the history that a forecast may leave it by.
const FURTHEST: f64 = 5.0;

/// Whether a fit has the right shape, is finite, and stays within sight of the history.
fn sound(fit: &Fit, input: &Input<'_>) -> bool {
    if fit.forecast.len() != input.horizon || fit.fitted.len() != input.values.len() || fit.parts.is_empty() {
        return false;
    }
    let (low, high) = input
        .values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let room = FURTHEST * (high - low).max(low.abs().max(high.abs()) * 0.1);
    let parts = fit
        .parts
        .iter()
        .all(|part| part.values.len() == input.horizon && part.values.iter().all(|value| value.is_finite()));
    parts
        && fit
            .forecast
            .iter()
            .all(|&value| value.is_finite() && (!room.is_finite() || (low - room <= value && value <= high + room)))
}

/// The weighted mean of fits; parts of one name become one. The weights need not add up to 1.
fn weigh(fits: &[(f64, Fit)], input: &Input<'_>) -> Fit {
    if let [(_, fit)] = fits {
        return fit.clone();
    }
    let total: f64 = fits.iter().map(|(weight, _)| weight).sum();
    let mut sum = Fit {
        forecast: vec![0.0; input.horizon],
        fitted: vec![0.0; input.values.len()],
        parts: Vec::new(),
        parameters: Parameters { form: "combination".to_owned(), ..Parameters::default() },
    };
    let add = |into: &mut [f64], from: &[f64], weight: f64| {
        for (into, from) in into.iter_mut().zip(from) {
            *into += weight * from;
        }
    };
    for (weight, fit) in fits {
        let weight = weight / total;
        add(&mut sum.forecast, &fit.forecast, weight);
        add(&mut sum.fitted, &fit.fitted, weight);
        for part in &fit.parts {
            let place = sum.parts.iter().position(|known| known.name == part.name).unwrap_or_else(|| {
                sum.parts.push(Part { name: part.name.clone(), values: vec![0.0; input.horizon] });
                sum.parts.len() - 1
            });
            add(&mut sum.parts[place].values, &part.values, weight);
        }
    }
    sum
}

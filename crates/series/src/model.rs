//! What a model is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a model is given: a history without gaps.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// One finite value per step, oldest first; at least one.
    pub values: &'a [f64],
    /// Lengths of the seasons in steps, ascending, each at least 2; empty when there is none. A season longer than half
    /// the history may be listed; a model leaves it out.
    pub seasons: &'a [usize],
    /// Steps to forecast; at least 1.
    pub horizon: usize,
    /// Columns whose future is known.
    pub known: Option<&'a Known>,
}

/// So many times as long as the next shorter season, a season is of another calendar: the year beside the week.
const OTHER_CALENDAR: usize = 40;

/// The seasons without a year beside weeks: of years there are few, and each tells less of the next than a week does.
pub(crate) fn without_years(seasons: &[usize]) -> &[usize] {
    match seasons {
        [shorter @ .., longest] if shorter.last().is_some_and(|next| *longest > OTHER_CALENDAR * next) => shorter,
        _ => seasons,
    }
}

/// The longest season of which there are so many `rounds` in a history, a year beside weeks left out.
pub(crate) fn longest_season(seasons: &[usize], rounds: usize, length: usize) -> Option<usize> {
    without_years(seasons).iter().rev().copied().find(|season| rounds * season <= length)
}

/// Seasons that are a year of weeks where they stand alone.
const WEEKS_OF_A_YEAR: std::ops::RangeInclusive<usize> = 50..=54;

/// The season that is a year, of days beside weeks or of weeks alone.
pub(crate) fn year(seasons: &[usize]) -> Option<usize> {
    let of_weeks = matches!(seasons, [alone] if WEEKS_OF_A_YEAR.contains(alone));
    let longest = seasons.last().copied();
    longest.filter(|_| of_weeks || without_years(seasons).len() < seasons.len())
}

/// Columns that are known in advance (holidays, prices, the weather forecast), each over the history and the horizon.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// One name per column.
    pub names: Vec<String>,
    /// As many finite values per column as there are steps in the history and the horizon together.
    pub columns: Vec<Vec<f64>>,
}

/// What a fit found, by name: smoothing constants, orders, coefficients, states. Small; it is stored per series, and
/// [`Model::apply`] takes it up again on a longer history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// What was chosen among discrete forms, `ETS(A,Ad,M)`, `ARIMA(1,1,2)(0,1,1)[12]`, for people and for
    /// [`Model::apply`].
    pub form: String,
    /// Numbers by name.
    pub numbers: BTreeMap<String, Vec<f64>>,
}

/// A part of a forecast; the parts of one [`Fit`] add up to its forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `level`, `trend`, `season 24`, `holidays`, or the name of a regressor.
    pub name: String,
    /// One value per step of the horizon.
    pub values: Vec<f64>,
}

/// What a fit yields. Everything in it is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// One value per step of the horizon.
    pub forecast: Vec<f64>,
    /// What the model said about each step of the history one step before it; its first values, before the model has
    /// warmed up, are the values themselves.
    pub fitted: Vec<f64>,
    /// Parts that add up to `forecast` within rounding; at least one.
    pub parts: Vec<Part>,
    /// What was found.
    pub parameters: Parameters,
}

/// Why a model says nothing about a series. Never a defect: the next model is asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unfit {
    /// The history is too short.
    #[error("{model} needs at least {needs} values and there are {has}")]
    Short {
        /// The model's name.
        model: &'static str,
        /// Steps it needs.
        needs: usize,
        /// Steps there are.
        has: usize,
    },
    /// The values are not of the kind the model is for (no season, zeros in a multiplicative form, no known columns).
    #[error("{model} does not suit: {why}")]
    Unsuited {
        /// The model's name.
        model: &'static str,
        /// In half a sentence.
        why: &'static str,
    },
    /// The numbers ran away.
    #[error("{model} did not settle on finite numbers")]
    Diverged {
        /// The model's name.
        model: &'static str,
    },
}

/// How much a model costs, for the time budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// One pass over the values.
    Fast,
    /// A search over a few parameters: about a hundred passes.
    Usual,
    /// Many searches: thousands of passes.
    Dear,
}

/// A forecasting model.
pub trait Model: Send + Sync + fmt::Debug {
    /// Its word in settings and tables: `seasonal_naive`, `ets`, `theta`.
    fn name(&self) -> &'static str;

    /// What it costs.
    fn tier(&self) -> Tier;

    /// Searches for parameters on this history, and forecasts.
    ///
    /// # Errors
    /// When the model has nothing to say about such a history.
    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit>;

    /// Forecasts with parameters found before, usually on an earlier part of this history, in one pass. A model for
    /// which this means nothing fits anew.
    ///
    /// # Errors
    /// As [`Model::fit`].
    fn apply(&self, parameters: &Parameters, input: &Input<'_>) -> Result<Fit, Unfit> {
        let _ = parameters;
        self.fit(input)
    }
}

/// A model that learns from many series at once. What it has learned is a [`Model`] for each of them, and for others
/// like them.
pub trait GlobalModel: Send + Sync + fmt::Debug {
    /// Its word in settings and tables.
    fn name(&self) -> &'static str;

    /// Learns from histories; the forecasts are good up to the longest horizon among the inputs. In a backtest the
    /// histories must end where the backtest begins.
    ///
    /// # Errors
    /// When there is too little to learn from.
    fn train(&self, series: &[Input<'_>]) -> Result<Box<dyn Model>, Unfit>;
}

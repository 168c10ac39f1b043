//! One pass of a form over the values, and back for the gradient of its likelihood.

use super::form::{Errors, Form, Season};

/// Smoothing constants as the recursions use them; those that a form lacks are 0, and phi is 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Weights {
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) gamma: f64,
    pub(super) phi: f64,
}

/// What one step forward leaves behind for the way back.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    /// The level and the damped trend.
    point: f64,
    /// The trend before the step.
    trend: f64,
    /// The seasonal state before the step.
    season: f64,
    /// Value minus expectation.
    error: f64,
    /// What was expected.
    expected: f64,
}

/// The gradient in the smoothing constants and the first states; that in the seasonal states is [`Pass::season_slopes`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slopes {
    pub(super) weights: Weights,
    pub(super) level: f64,
    pub(super) trend: f64,
}

/// A squared error, of values around 1, that is as good as none: the likelihood of a perfect fit stays finite.
const NOTHING: f64 = 1e-20;

/// The working memory of passes over one series.
pub(super) struct Pass<'a> {
    values: &'a [f64],
    steps: Vec<Step>,
    /// The states: before a pass those at the start, after it those at the end.
    pub(super) level: f64,
    pub(super) trend: f64,
    /// By step of the season.
    pub(super) season: Vec<f64>,
    /// The gradient in the seasonal states at the start, after a pass back.
    pub(super) season_slopes: Vec<f64>,
}

impl<'a> Pass<'a> {
    /// For values around 1, and a season of `period`, 1 where there is none.
    pub(super) fn new(values: &'a [f64], period: usize) -> Self {
        let (season, season_slopes) = (vec![0.0; period], vec![0.0; period]);
        Self { values, steps: vec![Step::default(); values.len()], level: 0.0, trend: 0.0, season, season_slopes }
    }

    /// What was expected of each step in the last pass.
    pub(super) fn expected(&self) -> impl Iterator<Item = f64> {
        self.steps.iter().map(|step| step.expected)
    }

    /// The states go on to the end; returns -2 log likelihood but for what depends on the number of values alone, and its
    /// gradient. Infinite where a state that has to be positive is not.
    pub(super) fn run(&mut self, form: Form, weights: Weights) -> (f64, Slopes) {
        match (form.errors, form.trended(), form.season) {
            (Errors::Additive, false, Season::None) => self.both::<false, false, NONE>(weights),
            (Errors::Additive, true, Season::None) => self.both::<false, true, NONE>(weights),
            (Errors::Relative, false, Season::None) => self.both::<true, false, NONE>(weights),
            (Errors::Relative, true, Season::None) => self.both::<true, true, NONE>(weights),
            (Errors::Additive, false, Season::Additive) => self.both::<false, false, ADDED>(weights),
            (Errors::Additive, true, Season::Additive) => self.both::<false, true, ADDED>(weights),
            (Errors::Relative, false, Season::Additive) => self.both::<true, false, ADDED>(weights),
            (Errors::Relative, true, Season::Additive) => self.both::<true, true, ADDED>(weights),
            (Errors::Additive, false, Season::Multiplicative) => self.both::<false, false, MULTIPLIED>(weights),
            (Errors::Additive, true, Season::Multiplicative) => self.both::<false, true, MULTIPLIED>(weights),
            (Errors::Relative, false, Season::Multiplicative) => self.both::<true, false, MULTIPLIED>(weights),
            (Errors::Relative, true, Season::Multiplicative) => self.both::<true, true, MULTIPLIED>(weights),
        }
    }

    fn both<const RELATIVE: bool, const TREND: bool, const SEASON: u8>(&mut self, weights: Weights) -> (f64, Slopes) {
        let Some((squares, logarithms)) = self.forward::<RELATIVE, TREND, SEASON>(weights) else {
            return (f64::INFINITY, Slopes::default());
        };
        let count = self.values.len() as f64;
        let squares = squares + NOTHING * count;
        let value = count * squares.ln() + 2.0 * logarithms;
        if !value.is_finite() {
            return (f64::INFINITY, Slopes::default());
        }
        (value, self.back::<RELATIVE, TREND, SEASON>(weights, 2.0 * count / squares))
    }

    /// The sum of the squared errors, relative ones for a relative error, and then of the logarithms of the expectations.
    fn forward<const RELATIVE: bool, const TREND: bool, const SEASON: u8>(
        &mut self,
        weights: Weights,
    ) -> Option<(f64, f64)> {
        let Weights { alpha, beta, gamma, phi } = weights;
        let (mut level, mut trend) = (self.level, self.trend);
        let (mut squares, mut logarithms) = (0.0, 0.0);
        let mut sound = true;
        // A logarithm is dear, so that several expectations share one.
        let mut product = 1.0;
        let (mut phase, period) = (0, self.season.len());
        for (index, (&value, step)) in self.values.iter().zip(&mut self.steps).enumerate() {
            let point = if TREND { level + phi * trend } else { level };
            let season = if SEASON == NONE { 0.0 } else { self.season[phase] };
            let expected = match SEASON {
                NONE => point,
                ADDED => point + season,
                _ => point * season,
            };
            let error = value - expected;
            *step = Step { point, trend, season, error, expected };
            let (level_error, season_error) =
                if SEASON == MULTIPLIED { (error / season, error / point) } else { (error, error) };
            level = point + alpha * level_error;
            if TREND {
                trend = phi * trend + beta * level_error;
            }
            if SEASON != NONE {
                self.season[phase] = season + gamma * season_error;
                phase = if phase + 1 == period { 0 } else { phase + 1 };
            }
            if SEASON == MULTIPLIED {
                sound &= point > LEAST && season > LEAST;
            }
            if RELATIVE {
                sound &= expected > LEAST;
                let relative = error / expected;
                squares += relative * relative;
                product *= expected;
                if index % 8 == 7 {
                    logarithms += product.ln();
                    product = 1.0;
                }
            } else {
                squares += error * error;
            }
        }
        (self.level, self.trend) = (level, trend);
        sound.then_some((squares, logarithms + product.ln()))
    }

    /// The gradient by the chain rule from the last step to the first; `scale` is that of the value in the sum of squares,
    /// doubled.
    fn back<const RELATIVE: bool, const TREND: bool, const SEASON: u8>(
        &mut self,
        weights: Weights,
        scale: f64,
    ) -> Slopes {
        let Weights { alpha, beta, gamma, phi } = weights;
        let mut slopes = Slopes::default();
        // What the value gains per unit of a state after the step at hand.
        let (mut by_level, mut by_trend) = (0.0, 0.0);
        self.season_slopes.fill(0.0);
        let period = self.season.len();
        let mut phase = self.values.len() % period;
        for (&value, step) in self.values.iter().zip(&self.steps).rev() {
            let Step { point, trend, season, error, expected } = *step;
            let direct = if RELATIVE {
                let inverse = 1.0 / expected;
                (2.0 - scale * error * inverse * value * inverse) * inverse
            } else {
                -scale * error
            };
            let by_point;
            if SEASON == NONE {
                let by_error = alpha * by_level + if TREND { beta * by_trend } else { 0.0 };
                slopes.weights.alpha += by_level * error;
                if TREND {
                    slopes.weights.beta += by_trend * error;
                }
                by_point = by_level + direct - by_error;
            } else {
                phase = if phase == 0 { period - 1 } else { phase - 1 };
                let by_season = self.season_slopes[phase];
                if SEASON == ADDED {
                    let by_error = alpha * by_level + beta * by_trend + gamma * by_season;
                    slopes.weights.alpha += by_level * error;
                    slopes.weights.beta += by_trend * error;
                    slopes.weights.gamma += by_season * error;
                    let by_expected = direct - by_error;
                    by_point = by_level + by_expected;
                    self.season_slopes[phase] = by_season + by_expected;
                } else {
                    let (over_season, over_point) = (1.0 / season, 1.0 / point);
                    let (level_error, season_error) = (error * over_season, error * over_point);
                    slopes.weights.alpha += by_level * level_error;
                    slopes.weights.beta += by_trend * level_error;
                    slopes.weights.gamma += by_season * season_error;
                    let by_level_error = alpha * by_level + beta * by_trend;
                    let by_season_error = gamma * by_season;
                    let by_expected = direct - by_level_error * over_season - by_season_error * over_point;
                    by_point = by_level - by_season_error * season_error * over_point + by_expected * season;
                    self.season_slopes[phase] =
                        by_season - by_level_error * level_error * over_season + by_expected * point;
                }
            }
            by_level = by_point;
            if TREND {
                let by_damped = by_point + by_trend;
                slopes.weights.phi += trend * by_damped;
                by_trend = phi * by_damped;
            }
        }
        (slopes.level, slopes.trend) = (by_level, by_trend);
        slopes
    }
}

// Kinds of season, for the compiler to make one loop of each.
const NONE: u8 = 0;
const ADDED: u8 = 1;
const MULTIPLIED: u8 = 2;

/// The least that a state or an expectation that has to be positive may be, of values around 1.
const LEAST: f64 = 1e-8;

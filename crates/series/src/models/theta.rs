//! The theta family: simple exponential smoothing plus a share of the straight line through the series.
//!
//! Assimakopoulos and Nikolopoulos 2000, *The theta model: a decomposition approach to forecasting*; the state space forms
//! are those of Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler 2016, *Models for optimising the theta method and
//! their relationship to state space models*, equations 9 to 18. Their parameters are the smoothing constant alpha, the
//! first level and theta, found by least squares of the errors one step ahead on the seasonally adjusted series.
//!
//! For a given alpha those errors are linear in the first level and in the share 1 - 1/theta, so that both are solved for
//! and only alpha is searched: a fit costs about thirty passes over the values, and finds the least squares there are.

use super::seasons;
use crate::decompose::{Adjusted, power_of_two_near};
use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit};
use crate::optimise::scan_and_brent;

/// A model of the theta family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theta {
    /// Whether the line is fitted anew at every step, to the values up to it, or once to the whole history.
    dynamic: bool,
    /// Whether theta is found, or 2.
    optimised: bool,
}

impl Theta {
    /// The standard theta method, theta = 2 (STM).
    pub const STANDARD: Self = Self { dynamic: false, optimised: false };
    /// With theta found (OTM).
    pub const OPTIMISED: Self = Self { dynamic: false, optimised: true };
    /// With a line that moves with the series, theta = 2 (DSTM).
    pub const DYNAMIC: Self = Self { dynamic: true, optimised: false };
    /// With a line that moves and theta found (DOTM).
    pub const DYNAMIC_OPTIMISED: Self = Self { dynamic: true, optimised: true };
}

/// The bounds of alpha, those of the paper's authors: below, the first level would never be forgotten.
const ALPHA: (f64, f64) = (0.1, 0.99);

/// What was found on the adjusted series.
#[derive(Debug, Clone, Copy)]
struct Found {
    alpha: f64,
    /// 1 - 1/theta, the share of the line: 0 to 1.
    share: f64,
    /// The level before the first step, as [`Series`] counts it.
    level: f64,
}

impl Model for Theta {
    fn name(&self) -> &'static str {
        match (self.dynamic, self.optimised) {
            (false, false) => "theta",
            (false, true) => "optimised_theta",
            (true, false) => "dynamic_theta",
            (true, true) => "dynamic_optimised_theta",
        }
    }

    fn tier(&self) -> Tier {
        Tier::Usual
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let adjusted = Adjusted::tested(input.values, input.seasons);
        let series = Series::new(adjusted, None);
        self.long_enough(&series)?;
        let lines = if self.dynamic { moving_lines(&series.values) } else { fixed_line(&series.values) };
        let fixed = if self.optimised { None } else { Some(0.5) };
        let (alpha, _) =
            scan_and_brent(ALPHA.0, ALPHA.1, 6, 1e-4, |alpha| least_squares(&series, &lines, alpha, fixed).1);
        let (found, _) = least_squares(&series, &lines, alpha, fixed);
        self.forecast(&series, found, input.horizon)
    }

    fn apply(&self, parameters: &Parameters, input: &Input<'_>) -> Result<Fit, Unfit> {
        let number = |name: &str| parameters.numbers.get(name).and_then(|numbers| numbers.first()).copied();
        let (Some(alpha), Some(share), Some(level)) = (number("alpha"), number("share"), number("level")) else {
            return self.fit(input);
        };
        let adjusted = Adjusted::of_kinds(input.values, &seasons::recorded(parameters));
        let series = Series::new(adjusted, number("origin"));
        self.long_enough(&series)?;
        self.forecast(&series, Found { alpha, share, level: level / series.scale }, input.horizon)
    }
}

impl Theta {
    fn long_enough(self, series: &Series) -> Result<(), Unfit> {
        let has = series.values.len();
        if has < 3 { Err(Unfit::Short { model: self.name(), needs: 3, has }) } else { Ok(()) }
    }

    /// One pass over the history and on over the horizon, where every forecast stands in for the value that is not there.
    fn forecast(self, series: &Series, found: Found, horizon: usize) -> Result<Fit, Unfit> {
        let Found { alpha, share, level: first } = found;
        let count = series.values.len();
        let mut line = if self.dynamic { Line::default() } else { whole_line(&series.values) };
        let (mut level, mut power) = (first, 1.0);
        let mut said = Vec::with_capacity(count + horizon);
        let mut last_level = first;
        for step in 0..count + horizon {
            let next = level + share * line.drawn(alpha, power);
            said.push(next);
            let value = series.values.get(step).copied().unwrap_or(next);
            level += alpha * (value - level);
            power *= 1.0 - alpha;
            if self.dynamic {
                line.update(step, value);
            }
            if step + 1 == count {
                last_level = level;
            }
        }
        let mut fitted = vec![series.restore(series.values[0])];
        fitted.extend(said[1..count].iter().map(|&value| series.restore(value)));
        let level = series.restore(last_level);
        let forecast: Vec<f64> = said[count..].iter().map(|&value| series.restore(value)).collect();
        let trend = forecast.iter().map(|value| value - level).collect();
        let parts = vec![
            Part { name: "level".to_owned(), values: vec![level; horizon] },
            Part { name: "trend".to_owned(), values: trend },
        ];
        let fit = Fit { forecast, fitted, parts, parameters: self.parameters(series, found) };
        seasons::restored(self.name(), &series.adjusted, fit)
    }

    fn parameters(self, series: &Series, found: Found) -> Parameters {
        let form = match (self.dynamic, self.optimised) {
            (false, false) => "STM",
            (false, true) => "OTM",
            (true, false) => "DSTM",
            (true, true) => "DOTM",
        };
        let mut parameters = Parameters { form: form.to_owned(), ..Parameters::default() };
        seasons::record(&series.adjusted, &mut parameters);
        let mut put = |name: &str, value: f64| parameters.numbers.insert(name.to_owned(), vec![value]);
        put("alpha", found.alpha);
        put("share", found.share);
        put("level", found.level * series.scale);
        put("origin", series.origin);
        parameters
    }
}

/// The adjusted series, from an origin and over a power of two: the arithmetic is the same in every unit, and a high level
/// costs no digits.
struct Series {
    adjusted: Adjusted,
    values: Vec<f64>,
    origin: f64,
    scale: f64,
}

impl Series {
    /// The origin is the first value unless one is given.
    fn new(adjusted: Adjusted, origin: Option<f64>) -> Self {
        let origin = origin.or_else(|| adjusted.values.first().copied()).unwrap_or(0.0);
        let scale = power_of_two_near(&adjusted.values);
        let values = adjusted.values.iter().map(|value| value / scale - origin / scale).collect();
        Self { adjusted, values, origin, scale }
    }

    fn restore(&self, value: f64) -> f64 {
        value * self.scale + self.origin
    }
}

/// The straight line through the values so far, `level + slope * step` with the first step at 1.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    level: f64,
    slope: f64,
    mean: f64,
}

impl Line {
    /// What the line adds to the smoothed level, per share. `power` is (1 - alpha)^(steps so far).
    fn drawn(self, alpha: f64, power: f64) -> f64 {
        power * self.level + (1.0 - power * (1.0 - alpha)) / alpha * self.slope
    }

    /// Least squares with one value more; `step` counts from 0.
    fn update(&mut self, step: usize, value: f64) {
        let count = (step + 1) as f64;
        if step > 0 {
            self.slope = ((count - 2.0) * self.slope + 6.0 * (value - self.mean) / count) / (count + 1.0);
        }
        self.mean += (value - self.mean) / count;
        self.level = self.mean - (count + 1.0) / 2.0 * self.slope;
    }
}

/// The line before each step.
fn moving_lines(values: &[f64]) -> Vec<Line> {
    let mut line = Line::default();
    let mut lines = Vec::with_capacity(values.len());
    for (step, &value) in values.iter().enumerate() {
        lines.push(line);
        line.update(step, value);
    }
    lines
}

fn whole_line(values: &[f64]) -> Line {
    let mut line = Line::default();
    for (step, &value) in values.iter().enumerate() {
        line.update(step, value);
    }
    line
}

fn fixed_line(values: &[f64]) -> Vec<Line> {
    vec![whole_line(values); values.len()]
}

/// The first level and the share that are best for an alpha, and the sum of squares they leave. A share that is `fixed` is
/// not searched.
fn least_squares(series: &Series, lines: &[Line], alpha: f64, fixed: Option<f64>) -> (Found, f64) {
    // The error of a step is `rest - power * level - share * drawn`.
    let (mut rest_rest, mut rest_power, mut rest_drawn) = (0.0, 0.0, 0.0);
    let (mut power_power, mut power_drawn, mut drawn_drawn) = (0.0, 0.0, 0.0);
    let (mut smoothed, mut power) = (0.0, 1.0);
    for (&value, line) in series.values.iter().zip(lines) {
        let drawn = line.drawn(alpha, power);
        let rest = value - smoothed;
        rest_rest += rest * rest;
        rest_power += rest * power;
        rest_drawn += rest * drawn;
        power_power += power * power;
        power_drawn += power * drawn;
        drawn_drawn += drawn * drawn;
        smoothed += alpha * rest;
        power *= 1.0 - alpha;
    }
    let share = fixed.unwrap_or_else(|| {
        let own = drawn_drawn - power_drawn * power_drawn / power_power;
        let share = (rest_drawn - rest_power * power_drawn / power_power) / own;
        // Without a line of its own the share does not matter.
        if own > drawn_drawn * 1e-12 { share.clamp(0.0, 1.0) } else { 0.5 }
    });
    let level = (rest_power - share * power_drawn) / power_power;
    let left = rest_rest - 2.0 * (level * rest_power + share * rest_drawn)
        + level * level * power_power
        + 2.0 * level * share * power_drawn
        + share * share * drawn_drawn;
    (Found { alpha, share, level }, left)
}

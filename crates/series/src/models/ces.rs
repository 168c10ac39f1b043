//! Complex exponential smoothing: a level and what the errors tell of its growth, both smoothed by one complex number, so
//! that there is no line between series with a trend and without.
//!
//! Svetunkov, Kourentzes and Ord 2022, *Complex exponential smoothing*, Naval Research Logistics 69, equations 8 to 15. Of
//! the seasonally adjusted series, as the paper's seasonal forms have many more states than a season has evidence for.
//!
//! The errors are linear in the two first states, which are solved for; the two smoothing constants are searched within
//! the bounds of stability.

use super::seasons;
use crate::decompose::{Adjusted, power_of_two_near};
use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit};
use crate::optimise::{Limits, nelder_mead};

/// Complex exponential smoothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ces;

/// The real and the imaginary part.
type Complex = [f64; 2];

/// Where the search begins and how far: a constant of about 1.3 + i, near which the paper's series lie, is a forecast that
/// keeps the level. Beyond a real part of 2 a forecast swings ever wider.
const START: Complex = [1.3, 1.0];
const STEPS: Complex = [0.2, 0.02];
const BOUNDS: [(f64, f64); 2] = [(0.0, 2.0), (0.0, 2.5)];

impl Model for Ces {
    fn name(&self) -> &'static str {
        "ces"
    }

    fn tier(&self) -> Tier {
        Tier::Usual
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let adjusted = Adjusted::tested(input.values, input.seasons);
        let (values, scale) = scaled(&adjusted)?;
        let count = values.len() as f64;
        let limits = Limits { evaluations: 300, tolerance: 1e-4 };
        let found = nelder_mead(&START, &STEPS, &BOUNDS, limits, |at| {
            let (_, squares) = least_squares(&values, [at[0], at[1]]);
            count * (squares + count * 1e-20).ln()
        });
        let alpha = [found.at[0], found.at[1]];
        forecast(&adjusted, &values, scale, alpha, least_squares(&values, alpha).0, input.horizon)
    }

    fn apply(&self, parameters: &Parameters, input: &Input<'_>) -> Result<Fit, Unfit> {
        let pair =
            |name: &str| parameters.numbers.get(name).and_then(|numbers| Complex::try_from(numbers.as_slice()).ok());
        let (Some(alpha), Some(first)) = (pair("alpha"), pair("first")) else {
            return self.fit(input);
        };
        let adjusted = Adjusted::of_kinds(input.values, &seasons::recorded(parameters));
        let (values, scale) = scaled(&adjusted)?;
        forecast(&adjusted, &values, scale, alpha, first.map(|state| state / scale), input.horizon)
    }
}

fn scaled(adjusted: &Adjusted) -> Result<(Vec<f64>, f64), Unfit> {
    let has = adjusted.values.len();
    if has < 6 {
        return Err(Unfit::Short { model: "ces", needs: 6, has });
    }
    let scale = power_of_two_near(&adjusted.values);
    Ok((adjusted.values.iter().map(|value| value / scale).collect(), scale))
}

/// The states after a value: `said` is what they were expected to be without an error.
fn corrected(alpha: Complex, said: Complex, error: f64) -> Complex {
    [said[0] + (alpha[0] - alpha[1]) * error, said[1] + (alpha[0] + alpha[1]) * error]
}

/// The states a step later.
fn moved(alpha: Complex, state: Complex) -> Complex {
    [state[0] - (1.0 - alpha[1]) * state[1], state[0] + (1.0 - alpha[0]) * state[1]]
}

/// The first states that are best for a constant, and the sum of squares they leave, infinite for one that is not stable.
fn least_squares(values: &[f64], alpha: Complex) -> (Complex, f64) {
    let [real, imaginary] = alpha;
    // How the states follow from those before when the value is given.
    let follow = [[1.0 - real + imaginary, imaginary - 1.0], [1.0 - real - imaginary, 1.0 - real]];
    let trace = follow[0][0] + follow[1][1];
    let determinant = follow[0][0] * follow[1][1] - follow[0][1] * follow[1][0];
    if determinant.abs() >= 1.0 || trace.abs() >= 1.0 + determinant {
        return ([0.0; 2], f64::INFINITY);
    }
    // The error of a step is `rest - row · first`.
    let (mut state, mut row) = ([0.0; 2], [1.0, 0.0]);
    let (mut rests, mut by_rest, mut square) = (0.0, [0.0; 2], [0.0; 3]);
    for &value in values {
        let rest = value - state[0];
        rests += rest * rest;
        by_rest = [by_rest[0] + rest * row[0], by_rest[1] + rest * row[1]];
        square = [square[0] + row[0] * row[0], square[1] + row[0] * row[1], square[2] + row[1] * row[1]];
        state = corrected(alpha, moved(alpha, state), rest);
        row = [row[0] * follow[0][0] + row[1] * follow[1][0], row[0] * follow[0][1] + row[1] * follow[1][1]];
    }
    // A trace of a ridge, for a constant that never sees the second state.
    let ridge = 1e-9 * (square[0] + square[2]);
    let (left, right) = (square[0] + ridge, square[2] + ridge);
    let determinant = left * right - square[1] * square[1];
    let first = [
        (by_rest[0] * right - by_rest[1] * square[1]) / determinant,
        (by_rest[1] * left - by_rest[0] * square[1]) / determinant,
    ];
    let squares = rests - 2.0 * (first[0] * by_rest[0] + first[1] * by_rest[1])
        + first[0] * first[0] * square[0]
        + 2.0 * first[0] * first[1] * square[1]
        + first[1] * first[1] * square[2];
    (first, squares.max(0.0))
}

fn forecast(
    adjusted: &Adjusted,
    values: &[f64],
    scale: f64,
    alpha: Complex,
    first: Complex,
    horizon: usize,
) -> Result<Fit, Unfit> {
    let mut state = first;
    let mut fitted: Vec<f64> = values
        .iter()
        .map(|&value| {
            let expected = state[0];
            state = corrected(alpha, moved(alpha, state), value - expected);
            expected * scale
        })
        .collect();
    fitted[0] = adjusted.values[0];
    let forecast: Vec<f64> = (0..horizon)
        .map(|_| {
            let expected = state[0];
            state = moved(alpha, state);
            expected * scale
        })
        .collect();
    let level = forecast.first().copied().unwrap_or(0.0);
    let parts = vec![
        Part { name: "level".to_owned(), values: vec![level; horizon] },
        Part { name: "trend".to_owned(), values: forecast.iter().map(|value| value - level).collect() },
    ];
    let mut parameters = Parameters { form: "CES".to_owned(), ..Parameters::default() };
    parameters.numbers.insert("alpha".to_owned(), alpha.to_vec());
    parameters.numbers.insert("first".to_owned(), first.iter().map(|state| state * scale).collect());
    seasons::record(adjusted, &mut parameters);
    seasons::restored("ces", adjusted, Fit { forecast, fitted, parts, parameters })
}

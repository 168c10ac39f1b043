//! A series as trend, seasons and remainder.
//!
//! One season: STL, Cleveland, Cleveland, McRae and Terpenning (1990). Several: each in turn on the series without the
//! others, twice over; Bandara, Hyndman and Bergmeir (2021), *MSTL: A Seasonal-Trend Decomposition Algorithm for Time
//! Series with Multiple Seasonal Patterns*. The number of passes is fixed, so the cost is linear in the values.

use super::loess::{Loess, odd};

/// The parts of a history; they add up to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// What changes slowly.
    pub trend: Vec<f64>,
    /// The length of each season and its part, in the order they were asked for.
    pub seasons: Vec<(usize, Vec<f64>)>,
    /// The rest.
    pub remainder: Vec<f64>,
}

impl Decomposition {
    /// The history without its seasons.
    #[must_use]
    pub fn seasonless(&self) -> Vec<f64> {
        self.trend.iter().zip(&self.remainder).map(|(trend, remainder)| trend + remainder).collect()
    }
}

/// Takes the seasons out of the values. Each season, ascending, must have two whole rounds in the values, and there
/// must be at least one.
#[must_use]
pub fn decompose(values: &[f64], seasons: &[usize]) -> Decomposition {
    let mut found: Vec<(usize, Vec<f64>)> = seasons.iter().map(|&season| (season, vec![0.0; values.len()])).collect();
    let mut seasonless = values.to_vec();
    let mut trend = Vec::new();
    for _ in 0..if seasons.len() > 1 { 2 } else { 1 } {
        for (index, (length, season)) in found.iter_mut().enumerate() {
            for (value, part) in seasonless.iter_mut().zip(season.iter()) {
                *value += part;
            }
            // Longer seasons have fewer rounds and are let change less: the windows 11, 15, 19, … of the paper.
            let stl = Stl::new(*length, 7 + 4 * (index + 1));
            trend = stl.run(&seasonless, season);
            for (value, part) in seasonless.iter_mut().zip(season.iter()) {
                *value -= part;
            }
        }
    }
    let remainder = seasonless.iter().zip(&trend).map(|(value, trend)| value - trend).collect();
    Decomposition { trend, seasons: found, remainder }
}

/// One season's filters.
struct Stl {
    period: usize,
    season: Loess,
    low_pass: Loess,
    trend: Loess,
}

/// Rounds of the inner loop; two are enough without robustness weights (the paper's section 3.2).
const ROUNDS: usize = 2;

impl Stl {
    fn new(period: usize, window: usize) -> Stl {
        let trend = (1.5 * period as f64 / (1.0 - 1.5 / window as f64)).ceil() as usize;
        Stl {
            period,
            season: Loess::new(window, false),
            low_pass: Loess::new(odd(period), true),
            trend: Loess::new(odd(trend), true),
        }
    }

    /// Writes the seasonal part and returns the trend.
    fn run(&self, values: &[f64], season: &mut [f64]) -> Vec<f64> {
        let (count, period) = (values.len(), self.period);
        let mut trend = vec![0.0; count];
        let mut work = vec![0.0; count];
        // The seasonal part with one round more at either end.
        let mut cycles = vec![0.0; count + 2 * period];
        let mut subseries = Vec::with_capacity(count / period + 1);
        let mut curve = vec![0.0; count / period + 1];
        for _ in 0..ROUNDS {
            for phase in 0..period {
                subseries.clear();
                subseries.extend((phase..count).step_by(period).map(|step| values[step] - trend[step]));
                let rounds = subseries.len();
                self.season.smooth(&subseries, &mut curve[..rounds]);
                cycles[phase] = self.season.at(&subseries, -1.0);
                for (round, value) in curve[..rounds].iter().enumerate() {
                    cycles[phase + (round + 1) * period] = *value;
                }
                cycles[phase + (rounds + 1) * period] = self.season.at(&subseries, rounds as f64);
            }
            let slow = moving_average(&moving_average(&moving_average(&cycles, period), period), 3);
            self.low_pass.smooth(&slow, &mut work);
            for (step, season) in season.iter_mut().enumerate() {
                *season = cycles[step + period] - work[step];
                work[step] = values[step] - *season;
            }
            self.trend.smooth(&work, &mut trend);
        }
        trend
    }
}

/// Means of `length` neighbours; shorter than the values by `length - 1`.
fn moving_average(values: &[f64], length: usize) -> Vec<f64> {
    let mut sum: f64 = values[..length].iter().sum();
    let mut means = Vec::with_capacity(values.len() + 1 - length);
    means.push(sum / length as f64);
    for (entering, leaving) in values[length..].iter().zip(values) {
        sum += entering - leaving;
        means.push(sum / length as f64);
    }
    means
}

//! How often a series is differenced, and the order of the process that remains.
//! Hyndman and Khandakar (2008), *Automatic Time Series Forecasting: The forecast Package for R*.

use std::fmt;

use crate::models::mstl::decompose;

/// ARIMA(p,d,q)(P,D,Q)\[m\], with or without a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// Autoregressive terms.
    pub p: usize,
    /// Differences from step to step.
    pub d: usize,
    /// Moving-average terms.
    pub q: usize,
    /// Seasonal autoregressive terms.
    pub seasonal_p: usize,
    /// Differences from round to round.
    pub seasonal_d: usize,
    /// Seasonal moving-average terms.
    pub seasonal_q: usize,
    /// The length of the season, 1 for none.
    pub season: usize,
    /// Whether the differenced series has a mean.
    pub constant: bool,
}

impl fmt::Display for Order {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ARIMA({},{},{})", self.p, self.d, self.q)?;
        if self.season > 1 {
            write!(formatter, "({},{},{})[{}]", self.seasonal_p, self.seasonal_d, self.seasonal_q, self.season)?;
        }
        if self.constant {
            let word = if self.d + self.seasonal_d > 0 { "drift" } else { "mean" };
            write!(formatter, " with {word}")?;
        }
        Ok(())
    }
}

impl Order {
    /// Terms of each kind: p, q, P, Q.
    pub(super) fn terms(&self) -> [usize; 4] {
        [self.p, self.q, self.seasonal_p, self.seasonal_q]
    }

    /// Values that the differences use up.
    pub(super) fn lost(&self) -> usize {
        self.d + self.seasonal_d * self.season
    }

    /// The series differenced.
    pub(super) fn difference(&self, values: &[f64]) -> Vec<f64> {
        let mut values = values.to_vec();
        for lag in self.lags() {
            values = difference(&values, lag);
        }
        values
    }

    /// The lag of each difference, in the order they are taken.
    pub(super) fn lags(&self) -> impl Iterator<Item = usize> {
        std::iter::repeat_n(self.season, self.seasonal_d).chain(std::iter::repeat_n(1, self.d))
    }

    /// The differences that the series needs: round to round where the season is strong, step to step until the KPSS
    /// test finds no drift.
    pub(super) fn differences(values: &[f64], season: usize) -> Order {
        let mut order =
            Order { p: 0, d: 0, q: 0, seasonal_p: 0, seasonal_d: 0, seasonal_q: 0, season, constant: false };
        let mut left = values.to_vec();
        if season > 1 && strength(values, season) > STRONG && values.len() >= 2 * season + 3 {
            order.seasonal_d = 1;
            left = difference(&left, season);
        }
        while order.d < 2 && left.len() > 4 && kpss(&left) > CRITICAL {
            left = difference(&left, 1);
            order.d += 1;
        }
        order
    }
}

/// A season is differenced when it is stronger than this (Wang, Smith and Hyndman 2006).
const STRONG: f64 = 0.64;
/// The level of 5 % of the test of Kwiatkowski, Phillips, Schmidt and Shin (1992) for a level without drift, their
/// table 1.
const CRITICAL: f64 = 0.463;

fn difference(values: &[f64], lag: usize) -> Vec<f64> {
    values.iter().skip(lag).zip(values).map(|(value, before)| value - before).collect()
}

/// How much of what varies around the trend is the season: 0 to 1.
fn strength(values: &[f64], season: usize) -> f64 {
    if values.len() < 2 * season {
        return 0.0;
    }
    let parts = decompose(values, &[season]);
    let together: Vec<f64> = parts.remainder.iter().zip(&parts.seasons[0].1).map(|(a, b)| a + b).collect();
    let whole = variance(&together);
    if whole > 0.0 { (1.0 - variance(&parts.remainder) / whole).max(0.0) } else { 0.0 }
}

pub(super) fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

/// The test's statistic, with Bartlett's weights over `3√n/13` lags.
pub(super) fn kpss(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let errors: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let mut sum = 0.0;
    let walked: f64 = errors
        .iter()
        .map(|error| {
            sum += error;
            sum * sum
        })
        .sum();
    let lags = (3.0 * count.sqrt() / 13.0) as usize;
    let mut long_run = errors.iter().map(|error| error * error).sum::<f64>() / count;
    for lag in 1..=lags {
        let product: f64 = errors.iter().skip(lag).zip(&errors).map(|(one, other)| one * other).sum();
        long_run += 2.0 / count * (1.0 - lag as f64 / (lags as f64 + 1.0)) * product;
    }
    if long_run > 0.0 { walked / (count * count * long_run) } else { 0.0 }
}

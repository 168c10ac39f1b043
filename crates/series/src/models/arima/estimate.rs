//! Coefficients of a given order by maximum likelihood.
//!
//! Each factor's coefficients are moved through its partial autocorrelations, so that every point of the search is
//! stationary and invertible (Monahan 1984); the mean and the variance are solved for in closed form at each point. The
//! search is by Broyden, Fletcher, Goldfarb and Shanno's method with differences for the gradient: Nocedal and Wright,
//! *Numerical Optimization*, chapter 6.

use super::order::Order;
use super::polynomial::{from_partial, negated, product, roots_beyond};
use super::process::{Pass, Process};

/// The factors of the polynomials, in the signs of `φ(B)Φ(B)w = θ(B)Θ(B)e` with `φ(B) = 1 - φ₁B - …` and `θ(B) = 1 +
/// θ₁B + …`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Coefficients {
    pub(super) ar: Vec<f64>,
    pub(super) ma: Vec<f64>,
    pub(super) seasonal_ar: Vec<f64>,
    pub(super) seasonal_ma: Vec<f64>,
}

impl Coefficients {
    fn at(order: &Order, point: &[f64]) -> Coefficients {
        let mut rest = point;
        let [ar, ma, seasonal_ar, seasonal_ma] = order.terms().map(|count| {
            let (own, others) = rest.split_at(count);
            rest = others;
            let partial: Vec<f64> = own.iter().map(|value| value.tanh()).collect();
            from_partial(&partial)
        });
        Coefficients { ar, ma: negated(&ma), seasonal_ar, seasonal_ma: negated(&seasonal_ma) }
    }

    pub(super) fn process(&self, season: usize) -> Option<Process> {
        let ar = negated(&product(&negated(&self.ar), &negated(&self.seasonal_ar), season));
        Process::of(ar, product(&self.ma, &self.seasonal_ma, season))
    }

    /// Whether no root lies so near to the unit circle that another difference, or one fewer, would have been right.
    fn sound(&self) -> bool {
        [self.ar.clone(), negated(&self.ma), self.seasonal_ar.clone(), negated(&self.seasonal_ma)]
            .iter()
            .all(|factor| roots_beyond(factor, 1.01))
    }
}

/// An estimated model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Estimate {
    pub(super) order: Order,
    pub(super) coefficients: Coefficients,
    /// The mean of the differenced series, 0 without one.
    pub(super) constant: f64,
    pub(super) log_likelihood: f64,
    /// Akaike's criterion, corrected for short series.
    pub(super) aicc: f64,
    /// Where the search ended.
    pub(super) point: Vec<f64>,
}

impl Estimate {
    /// Whether the model may be chosen.
    pub(super) fn sound(&self) -> bool {
        self.coefficients.sound()
    }
}

/// How closely the likelihood is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) iterations: usize,
    /// Stops when the log-likelihood per value rises by less.
    pub(super) tolerance: f64,
    /// Whether the filter is exact to the end, or only until it has all but settled.
    pub(super) exact: bool,
}

impl Effort {
    /// While orders are compared.
    pub(super) const COMPARE: Effort = Effort { iterations: 8, tolerance: 1e-4, exact: false };
    /// For the order that was chosen.
    pub(super) const FINAL: Effort = Effort { iterations: 60, tolerance: 1e-9, exact: true };
}

/// The likelihood of a differenced series under an order.
pub(super) struct Likelihood<'a> {
    order: Order,
    values: &'a [f64],
    ones: Vec<f64>,
    pass: Pass,
    errors: Vec<f64>,
    mean_errors: Vec<f64>,
}

impl<'a> Likelihood<'a> {
    /// Of the values, which are differenced already and neither huge nor tiny.
    pub(super) fn new(order: Order, values: &'a [f64]) -> Likelihood<'a> {
        let ones = vec![1.0; if order.constant { values.len() } else { 0 }];
        Likelihood { order, values, ones, pass: Pass::default(), errors: Vec::new(), mean_errors: Vec::new() }
    }

    /// Minus twice the log-likelihood per value, but for a constant term, and the best constant. Infinite where there
    /// is none.
    fn at(&mut self, point: &[f64], effort: Effort) -> (f64, f64) {
        const NONE: (f64, f64) = (f64::INFINITY, 0.0);
        let Some(process) = Coefficients::at(&self.order, point).process(self.order.season) else { return NONE };
        let exact = if effort.exact { usize::MAX } else { process.near_enough(self.order.season) };
        if process.factor(self.values.len(), exact, &mut self.pass).is_none() {
            return NONE;
        }
        process.filter(self.values, &self.pass, &mut self.errors, |_| ());
        let variances = &self.pass.variances;
        let mut constant = 0.0;
        if self.order.constant {
            process.filter(&self.ones, &self.pass, &mut self.mean_errors, |_| ());
            let (mut products, mut squares) = (0.0, 0.0);
            for ((error, mean_error), variance) in self.errors.iter().zip(&self.mean_errors).zip(variances) {
                products += error * mean_error / variance;
                squares += mean_error * mean_error / variance;
            }
            if squares > 0.0 {
                constant = products / squares;
                self.errors.iter_mut().zip(&self.mean_errors).for_each(|(error, mean)| *error -= constant * mean);
            }
        }
        let sum: f64 = self.errors.iter().zip(variances).map(|(error, variance)| error * error / variance).sum();
        // The product of the variances, a few at a time: one logarithm for many.
        let spread: f64 = variances.chunks(16).map(|some| some.iter().product::<f64>().ln()).sum();
        let count = self.values.len() as f64;
        let value = (sum / count).max(f64::MIN_POSITIVE).ln() + spread / count;
        if value.is_finite() { (value, constant) } else { NONE }
    }

    /// The estimate, searched from a point.
    pub(super) fn estimate(&mut self, start: &[f64], effort: Effort) -> Option<Estimate> {
        let (point, value) = self.descend(start, effort)?;
        let (_, constant) = self.at(&point, effort);
        let count = self.values.len() as f64;
        let parameters = (point.len() + usize::from(self.order.constant) + 1) as f64;
        if count <= parameters + 1.0 {
            return None;
        }
        let twice = count * (value + 1.0 + std::f64::consts::TAU.ln());
        let aicc = twice + 2.0 * parameters * count / (count - parameters - 1.0);
        let coefficients = Coefficients::at(&self.order, &point);
        Some(Estimate { order: self.order, coefficients, constant, log_likelihood: -twice / 2.0, aicc, point })
    }

    fn descend(&mut self, start: &[f64], effort: Effort) -> Option<(Vec<f64>, f64)> {
        let size = start.len();
        let mut point = start.to_vec();
        let mut value = self.at(&point, effort).0;
        if !value.is_finite() {
            point.fill(0.0);
            value = self.at(&point, effort).0;
        }
        if !value.is_finite() {
            return None;
        }
        if size == 0 {
            return Some((point, value));
        }
        let mut gradient = self.gradient(&point, value, effort);
        let mut inverse = identity(size);
        let mut fresh = true;
        for _ in 0..effort.iterations {
            let mut direction: Vec<f64> =
                inverse.iter().map(|row| -row.iter().zip(&gradient).map(|(a, b)| a * b).sum::<f64>()).collect();
            let mut slope: f64 = direction.iter().zip(&gradient).map(|(a, b)| a * b).sum();
            if slope >= 0.0 {
                inverse = identity(size);
                direction = negated(&gradient);
                slope = -gradient.iter().map(|g| g * g).sum::<f64>();
                fresh = true;
            }
            // No step moves a partial autocorrelation across its whole range.
            let longest = direction.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let mut length = (0.7 / longest).min(1.0);
            let found = (0..12).find_map(|_| {
                let next: Vec<f64> =
                    point.iter().zip(&direction).map(|(x, step)| (x + length * step).clamp(-LIMIT, LIMIT)).collect();
                let there = self.at(&next, effort).0;
                if there <= value + 1e-4 * length * slope {
                    return Some((next, there));
                }
                length *= 0.4;
                None
            });
            let Some((next, there)) = found else {
                if fresh {
                    break;
                }
                inverse = identity(size);
                fresh = true;
                continue;
            };
            let gain = value - there;
            let turned = self.gradient(&next, there, effort);
            let moved: Vec<f64> = next.iter().zip(&point).map(|(a, b)| a - b).collect();
            let bent: Vec<f64> = turned.iter().zip(&gradient).map(|(a, b)| a - b).collect();
            update(&mut inverse, &moved, &bent, fresh);
            fresh = false;
            (point, value, gradient) = (next, there, turned);
            if gain < effort.tolerance {
                break;
            }
        }
        Some((point, value))
    }

    fn gradient(&mut self, point: &[f64], value: f64, effort: Effort) -> Vec<f64> {
        let central = effort.exact;
        let step = if central { 1e-4 } else { 1e-5 };
        let mut moved = point.to_vec();
        (0..point.len())
            .map(|index| {
                moved[index] = point[index] + step;
                let above = self.at(&moved, effort).0;
                moved[index] = point[index] - step;
                let slope =
                    if central { (above - self.at(&moved, effort).0) / (2.0 * step) } else { (above - value) / step };
                moved[index] = point[index];
                if slope.is_finite() { slope } else { 0.0 }
            })
            .collect()
    }
}

/// How far a point may lie from 0: partial autocorrelations up to 0.9993.
const LIMIT: f64 = 4.0;

fn identity(size: usize) -> Vec<Vec<f64>> {
    (0..size).map(|row| (0..size).map(|column| if row == column { 1.0 } else { 0.0 }).collect()).collect()
}

/// The update of the inverse of the second derivatives, which stays positive definite.
fn update(inverse: &mut [Vec<f64>], moved: &[f64], bent: &[f64], first: bool) {
    let curvature: f64 = moved.iter().zip(bent).map(|(a, b)| a * b).sum();
    let size: f64 = bent.iter().map(|value| value * value).sum();
    if curvature.is_nan() || curvature <= 1e-14 {
        return;
    }
    if first {
        for row in inverse.iter_mut() {
            row.iter_mut().for_each(|cell| *cell *= curvature / size);
        }
    }
    let turned: Vec<f64> = inverse.iter().map(|row| row.iter().zip(bent).map(|(a, b)| a * b).sum()).collect();
    let stretch = 1.0 + turned.iter().zip(bent).map(|(a, b)| a * b).sum::<f64>() / curvature;
    for (row, cells) in inverse.iter_mut().enumerate() {
        for (column, cell) in cells.iter_mut().enumerate() {
            *cell += (stretch * moved[row] * moved[column] - moved[row] * turned[column] - turned[row] * moved[column])
                / curvature;
        }
    }
}

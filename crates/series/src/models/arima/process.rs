//! A stationary ARMA process: its exact likelihood and its predictions by the innovations algorithm. Ansley (1979), *An
//! Algorithm for the Exact Likelihood of a Mixed Autoregressive-Moving Average Process*; Brockwell and Davis (1991),
//! *Time Series: Theory and Methods*, section 5.3.
//!
//! The result is that of a Kalman filter started in the stationary state. The cost of a pass is the number of values
//! times half the square of the moving average's order, until the filter has settled; from there on it is linear in the
//! orders.

use super::polynomial::predictors;

/// `w_t = φ₁w_{t-1} + … + e_t + θ₁e_{t-1} + …`, with errors of variance 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Process {
    ar: Vec<f64>,
    ma: Vec<f64>,
    /// Autocovariances, as many as there are `ar`.
    own: Vec<f64>,
    /// Covariances of the moving average with the process itself, so many steps before; as many as there are `ma` and
    /// one.
    mixed: Vec<f64>,
    /// Autocovariances of the moving average; as many as there are `ma` and one.
    moving: Vec<f64>,
}

/// A pass over values.
#[derive(Debug, Clone, Default)]
pub(super) struct Pass {
    /// The factor's rows: how the errors before a step bear on it.
    rows: Vec<f64>,
    /// The variances of the errors one step ahead.
    pub(super) variances: Vec<f64>,
    inverses: Vec<f64>,
    work: Vec<f64>,
    /// The first step at which the filter has settled.
    settled: usize,
}

/// The sum of products, as four sums side by side: the processor need not wait for each addition.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (left, right) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// A variance this near to its limit is there.
const SETTLED: f64 = 1e-9;

impl Process {
    /// `None` when the autoregression is not stationary.
    pub(super) fn of(ar: Vec<f64>, ma: Vec<f64>) -> Option<Process> {
        let (p, q) = (ar.len(), ma.len());
        let (orders, variances) = predictors(&ar)?;
        // Autocovariances of the autoregression alone.
        let mut alone = vec![variances[0]];
        for lag in 1..=p + q {
            let order = lag.min(p);
            let known: f64 = if lag <= p {
                let before: f64 = orders[lag - 1].iter().zip(alone.iter().rev()).map(|(c, a)| c * a).sum();
                before + orders[lag][lag - 1] * variances[lag - 1]
            } else {
                orders[order].iter().zip(alone.iter().rev()).map(|(c, a)| c * a).sum()
            };
            alone.push(known);
        }
        let theta = |index: usize| if index == 0 { 1.0 } else { ma[index - 1] };
        let moving: Vec<f64> =
            (0..=q).map(|lag| (lag..=q).map(|index| theta(index) * theta(index - lag)).sum()).collect();
        let own = (0..p)
            .map(|lag| {
                let beside = (1..=q).map(|by| moving[by] * (alone[lag + by] + alone[lag.abs_diff(by)])).sum::<f64>();
                moving[0] * alone[lag] + beside
            })
            .collect();
        // The weights of the errors in the process, as far as they are needed.
        let mut weights = vec![1.0];
        for index in 1..=q {
            let echoed: f64 = ar.iter().zip(weights.iter().rev()).map(|(c, w)| c * w).sum();
            weights.push(ma[index - 1] + echoed);
        }
        let mixed = (0..=q).map(|lag| (lag..=q).map(|index| theta(index) * weights[index - lag]).sum()).collect();
        Some(Process { ar, ma, own, mixed, moving })
    }

    /// The first error that bears on a step.
    fn first(&self, step: usize) -> usize {
        if step < self.ar.len() { 0 } else { step.saturating_sub(self.ma.len()) }
    }

    /// Factors the covariances of so many steps; the filter is taken to have settled after `exact` of them at the
    /// latest. `None` when rounding broke it.
    pub(super) fn factor(&self, count: usize, exact: usize, pass: &mut Pass) -> Option<()> {
        let (p, q) = (self.ar.len(), self.ma.len());
        let width = p.max(q).max(1);
        let Pass { rows, variances, inverses, work, settled } = pass;
        rows.clear();
        variances.clear();
        inverses.clear();
        rows.resize(count.min(exact) * width, 0.0);
        work.clear();
        work.resize(width, 0.0);
        *settled = count.min(exact);
        for step in 0..*settled {
            let from = self.first(step);
            let (before, row) = rows.split_at_mut(step * width);
            let mut variance = if step < p { self.own[0] } else { self.moving[0] };
            for place in from..step {
                let lag = step - place;
                let covariance = if step < p {
                    self.own[lag]
                } else if place < p {
                    self.mixed[lag]
                } else {
                    self.moving[lag]
                };
                let other = self.first(place);
                let shared = other.max(from);
                let left = &before[place * width..][shared - other..place - other];
                let rest = covariance - dot(left, &work[shared - from..shared - from + left.len()]);
                work[place - from] = rest;
                let weight = rest * inverses[place];
                row[place - from] = weight;
                variance -= weight * rest;
            }
            if !variance.is_finite() || variance <= 1e-12 {
                return None;
            }
            variances.push(variance);
            inverses.push(1.0 / variance);
            if step >= p + q && variance - 1.0 < SETTLED {
                *settled = step + 1;
                break;
            }
        }
        // From there on everything is as at the last step.
        variances.resize(count, variances.last().copied().unwrap_or(1.0));
        Some(())
    }

    /// Steps after which a filter that is exact only at first has settled near enough for a comparison: what the lags
    /// reach, and three rounds.
    pub(super) fn near_enough(&self, season: usize) -> usize {
        self.ar.len() + self.ma.len() + 3 * season + 10
    }

    /// The errors one step ahead of the values, and beyond them, where the errors are taken to be 0, the predictions;
    /// `count` steps in all, as were factored. Calls `see` with what is said of each step.
    pub(super) fn filter(&self, values: &[f64], pass: &Pass, errors: &mut Vec<f64>, mut see: impl FnMut(f64)) {
        let (p, q) = (self.ar.len(), self.ma.len());
        let width = p.max(q).max(1);
        let backwards: Vec<f64> = self.ar.iter().rev().copied().collect();
        let mut path = values.to_vec();
        errors.clear();
        for step in 0..pass.variances.len() {
            let from = self.first(step);
            let row = step.min(pass.settled - 1) * width;
            let mut said = dot(&pass.rows[row..row + step - from], &errors[from..step]);
            if step >= p {
                said += dot(&path[step - p..step], &backwards);
            }
            see(said);
            if step < values.len() {
                errors.push(values[step] - said);
            } else {
                errors.push(0.0);
                path.push(said);
            }
        }
    }
}

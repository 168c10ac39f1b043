//! What goes on when the seasons are taken out: exponential smoothing with a trend that fades.
//! Gardner and McKenzie (1985), *Forecasting Trends in Time Series*.

/// The constants of the smoothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Damped {
    /// The weight of the newest value in the level, in (0, 1].
    pub(super) level: f64,
    /// The weight of the newest step in the trend, in [0, level]; 0 means that there is no trend.
    pub(super) trend: f64,
    /// What remains of the trend after a step, in [0.8, 0.98].
    pub(super) damping: f64,
}

/// A pass over a history.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pass {
    /// One step ahead, for each value.
    pub(super) fitted: Vec<f64>,
    /// The level at the end.
    pub(super) level: f64,
    /// The trend per step at the end.
    pub(super) trend: f64,
}

impl Damped {
    pub(super) fn pass(self, values: &[f64]) -> Pass {
        let mut fitted = Vec::with_capacity(values.len());
        let (level, trend) = self.walk(values, |_, said| fitted.push(said));
        Pass { fitted, level, trend }
    }

    /// What the pass's end says about the horizon, beyond the level.
    pub(super) fn trend_ahead(self, pass: &Pass, horizon: usize) -> Vec<f64> {
        let mut share = 1.0;
        let mut sum = 0.0;
        (0..horizon)
            .map(|_| {
                share *= self.damping;
                sum += share;
                pass.trend * sum
            })
            .collect()
    }

    /// The constants with the smallest squared errors one step ahead, and a trend only where Akaike's criterion,
    /// corrected, wants its three more parameters: a coarse grid, then halving steps around its best point.
    pub(super) fn fit(values: &[f64]) -> Damped {
        let flat = refine(values, &[0.05, 0.2, 0.4, 0.6, 0.8, 0.99], &[0.0], &[0.9]);
        let sloped = refine(values, &[0.05, 0.3, 0.6, 0.9], &[0.02, 0.2], &[0.9, 0.97]);
        let count = values.len() as f64;
        let criterion = |damped: Damped, parameters: f64| {
            if count <= parameters + 1.0 {
                return f64::INFINITY;
            }
            count * (damped.error(values) / count).max(f64::MIN_POSITIVE).ln()
                + 2.0 * parameters * count / (count - parameters - 1.0)
        };
        if criterion(sloped, 6.0) < criterion(flat, 3.0) { sloped } else { flat }
    }

    fn error(self, values: &[f64]) -> f64 {
        let mut sum = 0.0;
        self.walk(values, |value, said| sum += (value - said) * (value - said));
        sum
    }

    fn walk(self, values: &[f64], mut see: impl FnMut(f64, f64)) -> (f64, f64) {
        let early = &values[..values.len().min(10)];
        let mut trend = 0.0;
        let mut level = early.iter().sum::<f64>() / early.len() as f64;
        if self.trend > 0.0 && early.len() > 1 {
            // The line through the early values, at the step before the first.
            let middle = (early.len() as f64 - 1.0) / 2.0;
            let (mut products, mut squares) = (0.0, 0.0);
            for (step, value) in early.iter().enumerate() {
                products += (step as f64 - middle) * (value - level);
                squares += (step as f64 - middle).powi(2);
            }
            trend = products / squares;
            level -= trend * (middle + 1.0);
        }
        for &value in values {
            let said = level + self.damping * trend;
            let error = value - said;
            see(value, said);
            level = said + self.level * error;
            trend = self.damping * trend + self.trend * error;
        }
        (level, trend)
    }
}

fn refine(values: &[f64], levels: &[f64], trends: &[f64], dampings: &[f64]) -> Damped {
    let mut best = Damped { level: levels[0], trend: 0.0, damping: dampings[0] };
    let mut least = f64::INFINITY;
    let mut consider = |damped: Damped, best: &mut Damped| {
        let error = damped.error(values);
        if error < least {
            (least, *best) = (error, damped);
            return true;
        }
        false
    };
    for &level in levels {
        for share in trends {
            for &damping in dampings {
                consider(Damped { level, trend: level * share, damping }, &mut best);
            }
        }
    }
    let mut step = 0.1;
    while step > 0.002 {
        let from = best;
        let mut better = false;
        for sign in [-1.0, 1.0] {
            let level = (from.level + sign * step).clamp(0.001, 0.999);
            better |= consider(Damped { level, trend: from.trend.min(level), ..from }, &mut best);
            if from.trend > 0.0 {
                let trend = (from.trend + sign * step * 0.3).clamp(0.0001, from.level);
                better |= consider(Damped { trend, ..from }, &mut best);
                let damping = (from.damping + sign * step * 0.3).clamp(0.8, 0.98);
                better |= consider(Damped { damping, ..from }, &mut best);
            }
        }
        if !better {
            step /= 2.0;
        }
    }
    best
}

//! Weights from backtest errors.
//!
//! Weights that differ much are overfitted to a few origins; equal weights forget what the backtest says. So: models far behind
//! the best are dropped, the rest weighted by inverse error and held to equal weights. J. Bates and C. Granger (1969);
//! R. Clemen, "Combining forecasts: a review" (1989).

use serde::{Deserialize, Serialize};

/// How models that came through the backtest are combined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Combination {
    /// Models at most; 1 selects the best.
    pub most: usize,
    /// How little a difference between errors is believed: with errors over as long as one horizon, a model is left out when its
    /// error is above 1 plus this times the smallest; with `n` horizons, 1 plus this over `n`.
    pub doubt: f64,
    /// Weights are inverse to this power of the error.
    pub power: f64,
    /// The share of equal weights, 0 to 1.
    pub equal: f64,
}

impl Default for Combination {
    fn default() -> Self {
        Self { most: 4, doubt: 4.0, power: 2.0, equal: 0.5 }
    }
}

impl Combination {
    /// One weight per model, in their order; they add up to 1, and are zero for those left out. `errors` are finite and were measured
    /// over as many `horizons` that do not overlap.
    #[must_use]
    pub(super) fn weights(&self, errors: &[f64], horizons: f64) -> Vec<f64> {
        let within = 1.0 + self.doubt.max(0.0) / horizons.max(1.0);
        let best = errors.iter().copied().fold(f64::INFINITY, f64::min);
        let mut order: Vec<usize> = (0..errors.len()).filter(|&model| errors[model] <= best * within).collect();
        order.sort_by(|&left, &right| errors[left].total_cmp(&errors[right]).then(left.cmp(&right)));
        order.truncate(self.most.max(1));
        let mut weights = vec![0.0; errors.len()];
        for &model in &order {
            // A model without error takes all that is not shared equally.
            weights[model] = if best > 0.0 { (best / errors[model]).powf(self.power) } else { 1.0 };
        }
        let total: f64 = weights.iter().sum();
        let equal = self.equal.clamp(0.0, 1.0);
        for &model in &order {
            weights[model] = (1.0 - equal) * weights[model] / total + equal / order.len() as f64;
        }
        weights
    }

    /// The best model alone, if it does better than the combination, whose error is `together`, by more than the doubt. Of many
    /// models the best has been lucky, and more so the less it was tested: the doubt over the horizons counts by its third power
    /// (12 horizons: 4 %, 5: 50 %), so that a short history keeps its combination. The baseline is one model, picked beforehand:
    /// where it does better, by the square of that (12 horizons: 0.1 %), the combination is not made either.
    #[must_use]
    pub(super) fn alone(&self, together: f64, errors: &[f64], baseline: Option<usize>, horizons: f64) -> Option<usize> {
        let best = (0..errors.len()).min_by(|&left, &right| errors[left].total_cmp(&errors[right]))?;
        let doubt = (self.doubt.max(0.0) / horizons.max(1.0)).powi(3);
        let worse = together > errors[best] * (1.0 + doubt)
            || baseline.is_some_and(|baseline| together > errors[baseline] * (1.0 + doubt * doubt));
        // A combination of nothing has no error.
        (worse || !together.is_finite()).then_some(best)
    }
}

/// The weighted sum of backtests; all have the same shape.
pub(super) fn tracks(tracks: &[(f64, &[Vec<f64>])]) -> Vec<Vec<f64>> {
    let Some((_, shape)) = tracks.first() else { return Vec::new() };
    let mut sum: Vec<Vec<f64>> = shape.iter().map(|row| vec![0.0; row.len()]).collect();
    for &(weight, forecasts) in tracks.iter().filter(|(weight, _)| *weight > 0.0) {
        for (into, from) in sum.iter_mut().zip(forecasts) {
            for (into, from) in into.iter_mut().zip(from) {
                *into += weight * from;
            }
        }
    }
    sum
}

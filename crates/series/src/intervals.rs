//! Intervals from what the chosen combination missed in its backtest: split-conformal, per step of the horizon.
//!
//! Residuals are scaled by how large they usually are at their step, pooled, and their finite-sample quantile is scaled back
//! (J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman, "Distribution-free predictive inference for regression", 2018,
//! section 5.2). Two things differ from the textbook, because a history is short and its errors are not independent: the scale
//! of a step borrows from a curve through all steps, and the quantile is widened as Student's t is against the normal, by the
//! number of horizons that do not overlap.

mod rhythm;

use serde::{Deserialize, Serialize};

pub(crate) use rhythm::Rhythm;

use crate::robust::quantile;

/// Which intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Percent of the values that an interval is to hold, each above 0 and below 100.
    pub levels: Vec<f64>,
    /// Intervals and forecasts of a history without negative values do not go below zero.
    pub non_negative: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { levels: vec![80.0, 95.0], non_negative: true }
    }
}

/// How wide intervals are, per level and step: half of their width.
#[derive(Debug, Clone, PartialEq)]
pub struct Widths {
    /// In the order of the settings' levels, one value per step.
    pub half: Vec<Vec<f64>>,
}

/// The share of intervals that held in the backtest, each origin judged by the residuals of the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Percent that was asked for.
    pub level: f64,
    /// Percent that was measured.
    pub measured: f64,
    /// Values it was measured on.
    pub values: usize,
}

/// What a step's own residuals are weighed against the curve with: as many independent origins.
const CURVE_WEIGHT: f64 = 4.0;
/// Degrees of freedom that a step has beyond its own, from the curve and from the pool.
const BORROWED: f64 = 3.0;

/// Widths from residuals per origin and step (NaN where nothing was measured). `origins` ascending, one per row. `one_step` is the
/// standard deviation of the one-step errors inside the history, for where the backtest says nothing.
#[must_use]
pub fn widths(residuals: &[Vec<f64>], origins: &[usize], horizon: usize, one_step: f64, levels: &[f64]) -> Widths {
    let scale = scales(residuals, origins, horizon, one_step);
    let scaled: Vec<f64> = residuals
        .iter()
        .flat_map(|row| row.iter().zip(&scale))
        .map(|(residual, scale)| residual.abs() / scale)
        .filter(|value| value.is_finite())
        .collect();
    let freedom: Vec<f64> = (0..horizon).map(|step| independent(residuals, origins, step) + BORROWED).collect();
    let half = levels
        .iter()
        .map(|&level| {
            let share = (level / 100.0).clamp(0.0, 1.0);
            let normal = normal_quantile(0.5 + share / 2.0);
            let pooled = if scaled.is_empty() { normal } else { finite_quantile(&scaled, share) };
            let wider = |freedom: f64| pooled * student_quantile(0.5 + share / 2.0, freedom) / normal;
            scale.iter().zip(&freedom).map(|(scale, &freedom)| scale * wider(freedom)).collect()
        })
        .collect();
    let mut widths = Widths { half };
    widths.nest(levels);
    widths
}

impl Widths {
    /// A higher level is never narrower than a lower one.
    fn nest(&mut self, levels: &[f64]) {
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.sort_by(|&left, &right| levels[left].total_cmp(&levels[right]));
        for pair in order.windows(2) {
            let (lower, higher) = (self.half[pair[0]].clone(), &mut self.half[pair[1]]);
            for (higher, lower) in higher.iter_mut().zip(lower) {
                *higher = higher.max(lower);
            }
        }
    }
}

/// The share of measured values inside intervals that the other origins' residuals give; none with fewer than two origins.
#[must_use]
pub fn measured(
    residuals: &[Vec<f64>],
    origins: &[usize],
    horizon: usize,
    one_step: f64,
    levels: &[f64],
) -> Vec<Coverage> {
    if residuals.len() < 2 {
        return Vec::new();
    }
    let mut inside = vec![0_usize; levels.len()];
    let mut count = 0;
    for (held, row) in residuals.iter().enumerate() {
        let without = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
            rows.iter().enumerate().filter(|&(turn, _)| turn != held).map(|(_, row)| row.clone()).collect()
        };
        let kept: Vec<usize> =
            origins.iter().enumerate().filter(|&(turn, _)| turn != held).map(|(_, &origin)| origin).collect();
        let widths = widths(&without(residuals), &kept, horizon, one_step, levels);
        count += row.iter().filter(|residual| !residual.is_nan()).count();
        for (inside, half) in inside.iter_mut().zip(&widths.half) {
            *inside += row.iter().zip(half).filter(|(residual, half)| residual.abs() <= **half).count();
        }
    }
    if count == 0 {
        return Vec::new();
    }
    let share = |(&level, inside): (&f64, usize)| Coverage {
        level,
        measured: 100.0 * inside as f64 / count as f64,
        values: count,
    };
    levels.iter().zip(inside).map(share).collect()
}

/// How many independent origins a step's residuals are worth: the time that its errors cover over the step's distance.
fn independent(residuals: &[Vec<f64>], origins: &[usize], step: usize) -> f64 {
    let reach = |&(row, _): &(&Vec<f64>, &usize)| row.get(step).is_some_and(|residual| !residual.is_nan());
    let mut reaching = residuals.iter().zip(origins).filter(reach).map(|(_, &origin)| origin);
    let Some(first) = reaching.next() else { return 0.0 };
    let (last, count) = reaching.fold((first, 1), |(_, count), origin| (origin, count + 1));
    (1.0 + (last - first) as f64 / (step + 1) as f64).min(f64::from(count))
}

/// The root mean square of the residuals per step, drawn towards a curve through all steps.
fn scales(residuals: &[Vec<f64>], origins: &[usize], horizon: usize, one_step: f64) -> Vec<f64> {
    let square = |step: usize| {
        let kept: Vec<f64> =
            residuals.iter().filter_map(|row| row.get(step)).copied().filter(|value| !value.is_nan()).collect();
        (kept.iter().map(|value| value * value).sum::<f64>() / kept.len() as f64, independent(residuals, origins, step))
    };
    let own: Vec<(f64, f64)> = (0..horizon).map(square).collect();
    let curve = curve(&own, one_step);
    let floor = curve.iter().copied().fold(0.0, f64::max) * 1e-6;
    own.iter()
        .zip(curve)
        .map(|(&(square, worth), curve)| {
            let curve = curve * curve;
            let drawn =
                if worth > 0.0 { (worth * square + CURVE_WEIGHT * curve) / (worth + CURVE_WEIGHT) } else { curve };
            drawn.sqrt().max(floor)
        })
        .collect()
}

/// A power of the step through the root mean squares: the power between 0 (errors do not grow) and 1.
fn curve(own: &[(f64, f64)], one_step: f64) -> Vec<f64> {
    let known: Vec<(f64, f64, f64)> = own
        .iter()
        .enumerate()
        .filter(|(_, (square, worth))| *worth > 0.0 && *square > 0.0)
        .map(|(step, (square, worth))| (((step + 1) as f64).ln(), square.ln() / 2.0, *worth))
        .collect();
    let total: f64 = known.iter().map(|(_, _, worth)| worth).sum();
    if known.is_empty() {
        // No backtest: errors grow as those of a random walk.
        return (0..own.len()).map(|step| one_step * ((step + 1) as f64).sqrt()).collect();
    }
    let mean =
        |of: &dyn Fn(&(f64, f64, f64)) -> f64| known.iter().map(|point| point.2 * of(point)).sum::<f64>() / total;
    let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
    let spread = mean(&|point| (point.0 - x).powi(2));
    let together = mean(&|point| (point.0 - x) * (point.1 - y));
    let power = if spread > 0.0 { (together / spread).clamp(0.0, 1.0) } else { 0.5 };
    (0..own.len()).map(|step| (y + power * (((step + 1) as f64).ln() - x)).exp()).collect()
}

/// The smallest value that at least `share` of these values and one more are not above; extrapolated past the largest.
fn finite_quantile(values: &[f64], share: f64) -> f64 {
    let count = values.len() as f64;
    let rank = share * (count + 1.0) / count;
    if rank <= 1.0 {
        return quantile(values.iter().copied(), rank);
    }
    // Fewer values than the level asks for: the largest, moved out as a normal tail would be.
    let largest = values.iter().copied().fold(0.0, f64::max);
    largest * normal_quantile(0.5 + share / 2.0) / normal_quantile(0.5 + count / (count + 1.0) / 2.0)
}

/// The quantile of the standard normal distribution, by the rational approximation of P. Acklam (relative error below 1.2e-9).
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    const TAIL: f64 = 0.024_25;
    let over = |top: &[f64], bottom: &[f64], at: f64| {
        let top = top.iter().fold(0.0, |sum, factor| sum * at + factor);
        let bottom = bottom.iter().fold(0.0, |sum, factor| sum * at + factor);
        top / (bottom * at + 1.0)
    };
    if share <= 0.0 {
        f64::NEG_INFINITY
    } else if share >= 1.0 {
        f64::INFINITY
    } else if share < TAIL {
        over(&C, &D, (-2.0 * share.ln()).sqrt())
    } else if share > 1.0 - TAIL {
        -over(&C, &D, (-2.0 * (1.0 - share).ln()).sqrt())
    } else {
        let from_middle = share - 0.5;
        from_middle * over(&A, &B, from_middle * from_middle)
    }
}

/// The quantile of Student's t distribution with `freedom` degrees (at least 3) above the median, by the expansion of Cornish and
/// Fisher (Abramowitz and Stegun 26.7.5); within 1 % for levels up to 95 %.
#[must_use]
pub fn student_quantile(share: f64, freedom: f64) -> f64 {
    let z = normal_quantile(share);
    let square = z * z;
    let first = (square + 1.0) * z / 4.0;
    let second = ((5.0 * square + 16.0) * square + 3.0) * z / 96.0;
    let third = (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) * z / 384.0;
    let fourth = ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) * z / 92_160.0;
    z + (first + (second + (third + fourth / freedom) / freedom) / freedom) / freedom
}

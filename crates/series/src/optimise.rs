//! Minimisers: deterministic, within bounds, and without an allocation per evaluation.
//!
//! A criterion may return anything that is not a number for a point it has nothing to say about; such a point is the worst.

mod descent;

pub use descent::descend;

/// Where a criterion is least, and how much it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The point.
    pub at: Vec<f64>,
    /// The criterion there; infinite when it was nowhere finite.
    pub value: f64,
}

/// When a search ends.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Evaluations of the criterion at most, a few more to finish a step.
    pub evaluations: usize,
    /// The difference between the best and the worst corner, in the criterion, that is as good as none.
    pub tolerance: f64,
}

/// The simplex search of Nelder and Mead 1965, *A simplex method for function minimization*, with the step sizes of Gao and
/// Han 2012, *Implementing the Nelder-Mead simplex algorithm with adaptive parameters*, which differ from the usual ones
/// above two dimensions. A point outside the bounds is moved onto them. `steps` is the size of the first simplex, per
/// dimension; all slices are as long as there are dimensions.
pub fn nelder_mead(
    start: &[f64],
    steps: &[f64],
    bounds: &[(f64, f64)],
    limits: Limits,
    mut criterion: impl FnMut(&[f64]) -> f64,
) -> Minimum {
    let size = start.len();
    let mut evaluate = |point: &mut [f64]| {
        for (value, &(low, high)) in point.iter_mut().zip(bounds) {
            *value = value.max(low).min(high);
        }
        let value = criterion(point);
        if value.is_nan() { f64::INFINITY } else { value }
    };
    // Corner `i` is `corners[i * size..][..size]`; `order` lists the corners, the best first.
    let mut corners = start.repeat(size + 1);
    for (dimension, &step) in steps.iter().enumerate().take(size) {
        let value = &mut corners[(dimension + 1) * size + dimension];
        // Away from the nearer bound, so that no first step is lost to it.
        let (low, high) = bounds[dimension];
        *value +=
            if *value + step > high || (*value - step >= low && high - *value < *value - low) { -step } else { step };
    }
    let mut values: Vec<f64> = corners.chunks_mut(size.max(1)).map(&mut evaluate).collect();
    values.resize(size + 1, f64::INFINITY);
    let mut order: Vec<usize> = (0..=size).collect();
    let mut evaluations = size + 1;
    let (mut centre, mut trial, mut further) = (vec![0.0; size], vec![0.0; size], vec![0.0; size]);
    let dimensions = size.max(2) as f64;
    let (expand, contract, shrink) = (1.0 + 2.0 / dimensions, 0.75 - 0.5 / dimensions, 1.0 - 1.0 / dimensions);
    loop {
        order.sort_unstable_by(|&left, &right| values[left].total_cmp(&values[right]).then(left.cmp(&right)));
        let (best, worst) = (order[0], order[size]);
        let done = values[worst] - values[best] <= limits.tolerance;
        if size == 0 || done || evaluations >= limits.evaluations || values[best] == f64::INFINITY {
            let at = corners[best * size..][..size].to_vec();
            return Minimum { at, value: values[best] };
        }
        centre.fill(0.0);
        for &corner in &order[..size] {
            for (sum, value) in centre.iter_mut().zip(&corners[corner * size..]) {
                *sum += value / size as f64;
            }
        }
        // The point that lies `by` times as far from the centre as the worst corner, on the other side.
        let toward = |by: f64, to: &mut [f64]| {
            for (dimension, value) in to.iter_mut().enumerate() {
                *value = centre[dimension] + by * (centre[dimension] - corners[worst * size + dimension]);
            }
        };
        toward(1.0, &mut trial);
        let mut value = evaluate(&mut trial);
        evaluations += 1;
        let second = values[order[size - 1]];
        if value < values[best] {
            toward(expand, &mut further);
            let more = evaluate(&mut further);
            evaluations += 1;
            if more < value {
                value = more;
                trial.copy_from_slice(&further);
            }
        } else if value >= second {
            toward(if value < values[worst] { contract } else { -contract }, &mut further);
            let less = evaluate(&mut further);
            evaluations += 1;
            if less >= value.min(values[worst]) {
                for &corner in &order[1..] {
                    for dimension in 0..size {
                        let from = corners[best * size + dimension];
                        let moved = &mut corners[corner * size + dimension];
                        *moved = from + shrink * (*moved - from);
                    }
                    values[corner] = evaluate(&mut corners[corner * size..][..size]);
                }
                evaluations += size;
                continue;
            }
            value = less;
            trial.copy_from_slice(&further);
        }
        values[worst] = value;
        corners[worst * size..][..size].copy_from_slice(&trial);
    }
}

/// The least value on an interval, for a criterion of one variable that may have several valleys: the best of `valleys`
/// evenly spaced points, then [`brent`] around it.
pub fn scan_and_brent(
    low: f64,
    high: f64,
    valleys: usize,
    tolerance: f64,
    mut criterion: impl FnMut(f64) -> f64,
) -> (f64, f64) {
    let gap = (high - low) / valleys.max(1) as f64;
    let mut best = (low, f64::INFINITY);
    for point in 0..valleys.max(1) {
        let at = low + gap * (point as f64 + 0.5);
        let value = criterion(at);
        if value < best.1 {
            best = (at, value);
        }
    }
    let found = brent((best.0 - gap).max(low), (best.0 + gap).min(high), tolerance, criterion);
    if found.1 < best.1 { found } else { best }
}

/// The least value of a criterion of one variable with one valley, by golden sections and parabolas; Brent 1973,
/// *Algorithms for Minimization without Derivatives*, chapter 5. Returns where it is, within `tolerance`, and the value.
pub fn brent(low: f64, high: f64, tolerance: f64, mut criterion: impl FnMut(f64) -> f64) -> (f64, f64) {
    /// The smaller part of the golden section.
    const GOLDEN: f64 = 0.381_966_011_250_105_1;
    let mut evaluate = |at: f64| {
        let value = criterion(at);
        if value.is_nan() { f64::INFINITY } else { value }
    };
    let (mut low, mut high) = (low, high);
    let start = low + GOLDEN * (high - low);
    let value = evaluate(start);
    // The best point so far, the second best, and the second best before that.
    let (mut best, mut second, mut third) = ((start, value), (start, value), (start, value));
    let (mut step, mut step_before) = (0.0_f64, 0.0_f64);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if (best.0 - middle).abs() <= 2.0 * tolerance - (high - low) / 2.0 {
            break;
        }
        let parabola = vertex(best, second, third).filter(|at| {
            step_before.abs() > tolerance && (at - best.0).abs() < (step_before / 2.0).abs() && *at > low && *at < high
        });
        step_before = step;
        if let Some(at) = parabola {
            step = at - best.0;
            if at - low < 2.0 * tolerance || high - at < 2.0 * tolerance {
                step = tolerance.copysign(middle - best.0);
            }
        } else {
            step_before = if best.0 < middle { high - best.0 } else { low - best.0 };
            step = GOLDEN * step_before;
        }
        let at = best.0 + if step.abs() >= tolerance { step } else { tolerance.copysign(step) };
        let tried = (at, evaluate(at));
        if tried.1 <= best.1 {
            *(if tried.0 < best.0 { &mut high } else { &mut low }) = best.0;
            (third, second, best) = (second, best, tried);
        } else {
            *(if tried.0 < best.0 { &mut low } else { &mut high }) = tried.0;
            if tried.1 <= second.1 || second.0 == best.0 {
                (third, second) = (second, tried);
            } else if tried.1 <= third.1 || third.0 == best.0 || third.0 == second.0 {
                third = tried;
            }
        }
    }
    best
}

/// Where the parabola through three points turns.
fn vertex(best: (f64, f64), second: (f64, f64), third: (f64, f64)) -> Option<f64> {
    let left = (best.0 - second.0) * (best.1 - third.1);
    let right = (best.0 - third.0) * (best.1 - second.1);
    let bottom = 2.0 * (left - right);
    let at = best.0 - ((best.0 - second.0) * left - (best.0 - third.0) * right) / bottom;
    at.is_finite().then_some(at)
}

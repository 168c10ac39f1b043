//! Descent along gradients.

use super::{Limits, Minimum};

/// How many steps the search remembers to guess the curvature from.
const MEMORY: usize = 10;

/// Minimises a smooth criterion of many variables within bounds: the limited-memory quasi-Newton method of Liu and Nocedal
/// 1989, *On the limited memory BFGS method for large scale optimization*, with steps projected onto the bounds and
/// variables that press against a bound left out of a step (Bertsekas 1982, *Projected Newton methods*).
///
/// The criterion writes its gradient into the second slice. Ends when two steps together gain less than the tolerance. The
/// variables should be scaled so that one unit is much for each of them.
pub fn descend(
    start: &[f64],
    bounds: &[(f64, f64)],
    limits: Limits,
    mut criterion: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Minimum {
    let size = start.len();
    let clamp = |value: f64, dimension: usize| value.max(bounds[dimension].0).min(bounds[dimension].1);
    let mut at: Vec<f64> = start.iter().enumerate().map(|(dimension, &value)| clamp(value, dimension)).collect();
    let (mut slope, mut next_slope) = (vec![0.0; size], vec![0.0; size]);
    let (mut direction, mut next) = (vec![0.0; size], vec![0.0; size]);
    let mut memory = Memory::new(size);
    let mut value = criterion(&at, &mut slope);
    if !value.is_finite() {
        return Minimum { at, value: f64::INFINITY };
    }
    let (mut evaluations, mut gained_before) = (1, f64::INFINITY);
    while evaluations < limits.evaluations {
        for dimension in 0..size {
            let (low, high) = bounds[dimension];
            let pressed =
                (at[dimension] <= low && slope[dimension] > 0.0) || (at[dimension] >= high && slope[dimension] < 0.0);
            direction[dimension] = if pressed { 0.0 } else { -slope[dimension] };
        }
        if memory.used > 0 {
            next.copy_from_slice(&direction);
            memory.turn(&mut direction);
            for (dimension, turned) in direction.iter_mut().enumerate() {
                if next[dimension] == 0.0 {
                    *turned = 0.0;
                }
            }
            if dot(&direction, &slope) >= 0.0 {
                memory.used = 0;
                direction.copy_from_slice(&next);
            }
        }
        let longest = direction.iter().fold(0.0_f64, |longest, part| longest.max(part.abs()));
        if longest == 0.0 || !longest.is_finite() {
            break;
        }
        // Without a memory the gradient says where to go and not how far.
        let mut along = if memory.used == 0 { (0.1 / longest).min(1.0) } else { (1.0 / longest).min(1.0) };
        let mut found = None;
        for _ in 0..12 {
            for dimension in 0..size {
                next[dimension] = clamp(at[dimension] + along * direction[dimension], dimension);
            }
            let tried = criterion(&next, &mut next_slope);
            evaluations += 1;
            let expected: f64 = (0..size).map(|dimension| slope[dimension] * (next[dimension] - at[dimension])).sum();
            if tried <= value + 1e-4 * expected {
                found = Some(tried);
                break;
            }
            // The parabola through what is known, kept from going nowhere.
            let turn = -0.5 * expected / (tried - value - expected);
            along *= if turn.is_finite() { turn.clamp(0.1, 0.5) } else { 0.1 };
        }
        let Some(tried) = found else {
            if memory.used == 0 {
                break;
            }
            memory.used = 0;
            continue;
        };
        memory.remember(&at, &next, &slope, &next_slope);
        let gained = value - tried;
        value = tried;
        at.copy_from_slice(&next);
        slope.copy_from_slice(&next_slope);
        if gained + gained_before <= limits.tolerance {
            break;
        }
        gained_before = gained;
    }
    Minimum { at, value }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// The last steps, and how the gradient changed over each.
struct Memory {
    size: usize,
    used: usize,
    /// The slot that is written next.
    slot: usize,
    steps: Vec<f64>,
    changes: Vec<f64>,
    /// 1 / (step · change).
    curvatures: [f64; MEMORY],
}

impl Memory {
    fn new(size: usize) -> Self {
        let (steps, changes) = (vec![0.0; MEMORY * size], vec![0.0; MEMORY * size]);
        Self { size, used: 0, slot: 0, steps, changes, curvatures: [0.0; MEMORY] }
    }

    fn remember(&mut self, at: &[f64], next: &[f64], slope: &[f64], next_slope: &[f64]) {
        let range = self.slot * self.size..(self.slot + 1) * self.size;
        let (steps, changes) = (&mut self.steps[range.clone()], &mut self.changes[range]);
        for dimension in 0..self.size {
            steps[dimension] = next[dimension] - at[dimension];
            changes[dimension] = next_slope[dimension] - slope[dimension];
        }
        let curvature = dot(steps, changes);
        // Where the criterion curves the wrong way, there is nothing to learn.
        if curvature > 1e-10 * dot(changes, changes).sqrt() * dot(steps, steps).sqrt() {
            self.curvatures[self.slot] = 1.0 / curvature;
            self.slot = (self.slot + 1) % MEMORY;
            self.used = (self.used + 1).min(MEMORY);
        }
    }

    /// Multiplies a direction by the inverse of the curvature that was seen.
    fn turn(&self, direction: &mut [f64]) {
        let slots = (1..=self.used).map(|back| (self.slot + MEMORY - back) % MEMORY);
        let mut shares = [0.0; MEMORY];
        for slot in slots.clone() {
            let range = slot * self.size..(slot + 1) * self.size;
            shares[slot] = self.curvatures[slot] * dot(&self.steps[range.clone()], direction);
            for (part, change) in direction.iter_mut().zip(&self.changes[range]) {
                *part -= shares[slot] * change;
            }
        }
        let latest = (self.slot + MEMORY - 1) % MEMORY;
        let changes = &self.changes[latest * self.size..(latest + 1) * self.size];
        let scale = 1.0 / (self.curvatures[latest] * dot(changes, changes));
        direction.iter_mut().for_each(|part| *part *= scale);
        for slot in slots.rev() {
            let range = slot * self.size..(slot + 1) * self.size;
            let share = shares[slot] - self.curvatures[slot] * dot(&self.changes[range.clone()], direction);
            for (part, step) in direction.iter_mut().zip(&self.steps[range]) {
                *part += share * step;
            }
        }
    }
}

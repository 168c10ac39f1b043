//! Forecasts of a whole and of its parts, made to add up.
//!
//! Bottom-up takes the parts' word; MinT takes everyone's, weighed by how wrong each usually is (S. Wickramasuriya,
//! G. Athanasopoulos, R. Hyndman, "Optimal forecast reconciliation for hierarchical and grouped time series through trace
//! minimization", JASA 114, 2019; the covariance is its diagonal). With leaves `b`, uppers `u = S b`, variances `V` of the leaves and
//! `U` of the uppers, the leaves become `b + V S' (S V S' + U)^-1 (u - S b)`: what the uppers say beyond the sum of
//! their leaves is shared out by variance. The system is as large as there are uppers and is solved by conjugate gradients, so
//! that a million leaves cost a few passes per step of the horizon.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How forecasts are made to add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The leaves as they are, everything else their sum.
    BottomUp,
    /// All of them, weighed by the variance of their errors.
    #[default]
    Mint,
}

/// Base forecasts that do not fit the hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// A list has another length than there are nodes.
    #[error("{what}: expected {expected} and got {got}")]
    Length {
        /// Of what.
        what: &'static str,
        /// Nodes, or steps of the first node.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A value is not finite, or a variance is negative.
    #[error("node {node} has a value that is not finite, or a negative variance")]
    NotFinite {
        /// By place.
        node: usize,
    },
}

/// An upper node: the sum of some leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upper {
    /// The place of its level in the list it was made of.
    pub level: usize,
    /// The values of that level's columns.
    pub key: Vec<String>,
    /// Its leaves by place, ascending.
    pub leaves: Vec<usize>,
}

/// Which leaves add up to what. Nodes are numbered: the uppers by level and key, then the leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    uppers: Vec<Upper>,
    leaves: usize,
}

/// Conjugate gradients end at this relative error or after so many passes.
const CLOSE: f64 = 1e-13;
const MOST_PASSES: usize = 200;

impl Hierarchy {
    /// The hierarchy of leaves by their keys, one value per column. Each level is a list of columns: `[]` is the whole; a
    /// level of all columns is the leaves themselves and may be left out. Levels may cross.
    #[must_use]
    pub fn new(keys: &[Vec<String>], levels: &[Vec<usize>]) -> Self {
        let mut uppers = Vec::new();
        for (level, columns) in levels.iter().enumerate() {
            let mut groups: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
            for (leaf, key) in keys.iter().enumerate() {
                let key = columns.iter().map(|&column| key.get(column).cloned().unwrap_or_default()).collect();
                groups.entry(key).or_default().push(leaf);
            }
            let every = keys.first().is_some_and(|key| (0..key.len()).all(|column| columns.contains(&column)));
            if !every {
                uppers.extend(groups.into_iter().map(|(key, leaves)| Upper { level, key, leaves }));
            }
        }
        Self { uppers, leaves: keys.len() }
    }

    /// The upper nodes.
    #[must_use]
    pub fn uppers(&self) -> &[Upper] {
        &self.uppers
    }

    /// Upper nodes and leaves.
    #[must_use]
    pub fn len(&self) -> usize {
        self.uppers.len() + self.leaves
    }

    /// Whether there is no leaf.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves == 0
    }

    /// The sums of leaves (one row of steps each) for every node.
    #[must_use]
    pub fn sum(&self, leaves: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let steps = leaves.first().map_or(0, Vec::len);
        let mut nodes: Vec<Vec<f64>> = self
            .uppers
            .iter()
            .map(|upper| (0..steps).map(|step| upper.leaves.iter().map(|&leaf| leaves[leaf][step]).sum()).collect())
            .collect();
        nodes.extend(leaves.iter().cloned());
        nodes
    }

    /// Base forecasts, one row of steps per node, made to add up: an upper is the sum of its leaves, added in their order, bit
    /// for bit. `variances` has one error variance per node (unused bottom-up). Where no base forecast of a step is negative,
    /// neither is any result.
    ///
    /// # Errors
    /// When lengths do not match or numbers are not finite.
    pub fn reconcile(&self, base: &[Vec<f64>], variances: &[f64], method: Method) -> Result<Vec<Vec<f64>>, Mismatch> {
        let length =
            |what, got, expected| if got == expected { Ok(()) } else { Err(Mismatch::Length { what, expected, got }) };
        length("base forecasts", base.len(), self.len())?;
        let steps = base.first().map_or(0, Vec::len);
        for (node, row) in base.iter().enumerate() {
            length("steps", row.len(), steps)?;
            if row.iter().any(|value| !value.is_finite()) {
                return Err(Mismatch::NotFinite { node });
            }
        }
        let mut leaves: Vec<Vec<f64>> = base[self.uppers.len()..].to_vec();
        if method == Method::Mint && !self.uppers.is_empty() {
            length("variances", variances.len(), self.len())?;
            if let Some(node) = variances.iter().position(|variance| !(variance.is_finite() && *variance >= 0.0)) {
                return Err(Mismatch::NotFinite { node });
            }
            let variances = self.scaled(variances);
            for step in 0..steps {
                self.share_out(base, &variances, step, &mut leaves);
            }
        }
        for step in 0..steps {
            if base.iter().all(|row| row[step] >= 0.0) {
                for leaf in &mut leaves {
                    leaf[step] = leaf[step].max(0.0);
                }
            }
        }
        Ok(self.sum(&leaves))
    }

    /// Variances of a size that neither over- nor underflows; a hierarchy without any error trusts everyone alike.
    fn scaled(&self, variances: &[f64]) -> Vec<f64> {
        let largest = variances.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            return vec![1.0; variances.len()];
        }
        // A node without error is almost, not quite, to be believed: the system stays regular.
        variances.iter().map(|variance| (variance / largest).max(1e-9)).collect()
    }

    /// Adds to the leaves at one step their share of what the uppers say beyond the sum of their leaves.
    fn share_out(&self, base: &[Vec<f64>], variances: &[f64], step: usize, leaves: &mut [Vec<f64>]) {
        let (upper_variances, leaf_variances) = variances.split_at(self.uppers.len());
        let beyond: Vec<f64> = self
            .uppers
            .iter()
            .zip(base)
            .map(|(upper, base)| base[step] - upper.leaves.iter().map(|&leaf| leaves[leaf][step]).sum::<f64>())
            .collect();
        let spread = |weights: &[f64]| {
            let mut onto = vec![0.0; self.leaves];
            for (upper, weight) in self.uppers.iter().zip(weights) {
                for &leaf in &upper.leaves {
                    onto[leaf] += weight * leaf_variances[leaf];
                }
            }
            onto
        };
        let times = |weights: &[f64]| -> Vec<f64> {
            let onto = spread(weights);
            let own = weights.iter().zip(upper_variances).map(|(weight, variance)| weight * variance);
            self.uppers
                .iter()
                .zip(own)
                .map(|(upper, own)| own + upper.leaves.iter().map(|&leaf| onto[leaf]).sum::<f64>())
                .collect()
        };
        let diagonal: Vec<f64> = self
            .uppers
            .iter()
            .zip(upper_variances)
            .map(|(upper, variance)| variance + upper.leaves.iter().map(|&leaf| leaf_variances[leaf]).sum::<f64>())
            .collect();
        for (leaf, share) in leaves.iter_mut().zip(spread(&solve(&beyond, &diagonal, times))) {
            leaf[step] += share;
        }
    }
}

/// Solves a positive definite system given as a product, by conjugate gradients with the diagonal as preconditioner.
fn solve(right: &[f64], diagonal: &[f64], times: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let dot = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    let divided = |values: &[f64]| -> Vec<f64> { values.iter().zip(diagonal).map(|(value, by)| value / by).collect() };
    let mut solution = vec![0.0; right.len()];
    let mut rest = right.to_vec();
    let mut direction = divided(&rest);
    let mut size = dot(&rest, &direction);
    let enough = size * CLOSE * CLOSE;
    for _ in 0..MOST_PASSES.min(4 * right.len() + 4) {
        if size <= enough || size.is_nan() {
            break;
        }
        let product = times(&direction);
        let length = size / dot(&direction, &product);
        for place in 0..right.len() {
            solution[place] += length * direction[place];
            rest[place] -= length * product[place];
        }
        let scaled = divided(&rest);
        let next = dot(&rest, &scaled);
        for (direction, scaled) in direction.iter_mut().zip(scaled) {
            *direction = scaled + next / size * *direction;
        }
        size = next;
    }
    solution
}

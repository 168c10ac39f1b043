//! Boosted regression trees on features cut into bins: Friedman (2001), *Greedy Function Approximation: A Gradient
//! Boosting Machine*; the bins and the growth leaf by leaf as in Ke and others (2017), *LightGBM*.
//!
//! The loss is near to the absolute error: trees are grown on residuals of which the large are held back (Huber's), and
//! a leaf says their median. Same rows, same trees, bit for bit.

use serde::{Deserialize, Serialize};

/// Bins per feature; bin 0 holds what is missing.
const BINS: usize = 64;

/// A residual counts for at most so many times the median one.
const HELD: f64 = 2.0;

/// Limits of the growth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) trees: usize,
    pub(super) leaves: usize,
    /// Least rows of a leaf.
    pub(super) rows: usize,
    /// How much of a tree's word is taken.
    pub(super) rate: f64,
    /// The share of the rows that a tree is grown on, drawn anew for each.
    pub(super) share: f64,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Forest {
    start: f64,
    trees: Vec<Vec<Node>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Node {
    /// To the `left` (the node after it is the right) when the feature is missing or at most the limit.
    Split {
        feature: u16,
        limit: f64,
        left: u32,
    },
    Leaf {
        value: f64,
    },
}

impl Forest {
    /// What the trees say of one row.
    pub(super) fn say(&self, row: &[f64]) -> f64 {
        self.start + self.trees.iter().map(|tree| walk(tree, row)).sum::<f64>()
    }

    /// Learns from rows of as many features each, and their targets.
    pub(super) fn grow(rows: &[f64], features: usize, targets: &[f64], growth: Growth) -> Forest {
        let binned = Binned::of(rows, features);
        let mut sorted = targets.to_vec();
        let start = median(&mut sorted);
        let mut residuals: Vec<f64> = targets.iter().map(|target| target - start).collect();
        let mut forest = Forest { start, trees: Vec::with_capacity(growth.trees) };
        let mut dice = Dice::new(1);
        for _ in 0..growth.trees {
            let mut sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
            let usual = median(&mut sizes).max(f64::MIN_POSITIVE);
            let pulls: Vec<f64> = residuals.iter().map(|residual| (residual / usual).clamp(-HELD, HELD)).collect();
            let mut chosen: Vec<u32> = (0..targets.len() as u32).filter(|_| dice.unit() < growth.share).collect();
            let tree = Grower { binned: &binned, pulls: &pulls, residuals: &residuals, growth }.tree(&mut chosen);
            for (residual, row) in residuals.iter_mut().zip(rows.chunks_exact(features)) {
                *residual -= walk(&tree, row);
            }
            forest.trees.push(tree);
        }
        forest
    }
}

fn walk(tree: &[Node], row: &[f64]) -> f64 {
    let mut at = 0;
    loop {
        match &tree[at] {
            Node::Leaf { value } => return *value,
            Node::Split { feature, limit, left } => {
                // Written so that what is missing goes left.
                at = *left as usize + usize::from(row[usize::from(*feature)] > *limit);
            }
        }
    }
}

/// Rows as bins.
struct Binned {
    features: usize,
    cells: Vec<u8>,
    /// Per feature the upper ends of the bins from the first on.
    limits: Vec<Vec<f64>>,
}

impl Binned {
    fn of(rows: &[f64], features: usize) -> Binned {
        let count = rows.len() / features;
        let limits: Vec<Vec<f64>> = (0..features)
            .map(|feature| {
                // Quantiles of up to a few thousand rows, evenly picked.
                let every = count.div_ceil(20_000).max(1);
                let mut seen: Vec<f64> = (0..count)
                    .step_by(every)
                    .map(|row| rows[row * features + feature])
                    .filter(|value| !value.is_nan())
                    .collect();
                seen.sort_unstable_by(f64::total_cmp);
                let bins = BINS - 2;
                let mut limits: Vec<f64> =
                    (1..bins).filter_map(|bin| seen.get(bin * seen.len() / bins).copied()).collect();
                limits.dedup();
                limits
            })
            .collect();
        let mut cells = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(features) {
            for (value, limits) in row.iter().zip(&limits) {
                let bin = if value.is_nan() { 0 } else { 1 + limits.partition_point(|limit| limit < value) };
                cells.push(bin as u8);
            }
        }
        Binned { features, cells, limits }
    }

    fn row(&self, row: u32) -> &[u8] {
        &self.cells[row as usize * self.features..][..self.features]
    }
}

/// Sums of the pulls and counts of the rows, per feature and bin.
type Histogram = Vec<(f64, f64)>;

/// A leaf that may be split.
struct Open {
    node: usize,
    from: usize,
    to: usize,
    histogram: Histogram,
    split: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    bin: usize,
}

struct Grower<'a> {
    binned: &'a Binned,
    pulls: &'a [f64],
    residuals: &'a [f64],
    growth: Growth,
}

impl Grower<'_> {
    /// Grows a tree on the chosen rows, which are put into the order of its leaves.
    fn tree(&self, rows: &mut [u32]) -> Vec<Node> {
        let mut tree = vec![Node::Leaf { value: 0.0 }];
        let histogram = self.histogram(rows);
        let split = self.best(&histogram);
        let mut open = vec![Open { node: 0, from: 0, to: rows.len(), histogram, split }];
        while open.len() < self.growth.leaves {
            let gain = |leaf: &Open| leaf.split.map_or(f64::NEG_INFINITY, |split| split.gain);
            // The first of equals.
            let Some(chosen) =
                (0..open.len()).reduce(|best, leaf| if gain(&open[leaf]) > gain(&open[best]) { leaf } else { best })
            else {
                break;
            };
            let Some(split) = open[chosen].split else { break };
            let leaf = open.swap_remove(chosen);
            let middle = leaf.from + self.part(&mut rows[leaf.from..leaf.to], split);
            let left = tree.len();
            tree[leaf.node] = Node::Split {
                feature: split.feature as u16,
                limit: self.binned.limits[split.feature].get(split.bin.wrapping_sub(1)).copied().unwrap_or(f64::MIN),
                left: left as u32,
            };
            tree.extend([Node::Leaf { value: 0.0 }, Node::Leaf { value: 0.0 }]);
            // The smaller side is counted, the larger is the rest.
            let left_is_small = middle - leaf.from <= leaf.to - middle;
            let small = if left_is_small { leaf.from..middle } else { middle..leaf.to };
            let counted = self.histogram(&rows[small]);
            let rest =
                leaf.histogram.iter().zip(&counted).map(|(all, some)| (all.0 - some.0, all.1 - some.1)).collect();
            let (on_left, on_right) = if left_is_small { (counted, rest) } else { (rest, counted) };
            for (node, from, to, histogram) in
                [(left, leaf.from, middle, on_left), (left + 1, middle, leaf.to, on_right)]
            {
                let split = self.best(&histogram);
                open.push(Open { node, from, to, histogram, split });
            }
        }
        let mut seen = Vec::new();
        for leaf in open {
            seen.clear();
            seen.extend(rows[leaf.from..leaf.to].iter().map(|&row| self.residuals[row as usize]));
            tree[leaf.node] = Node::Leaf { value: self.growth.rate * median(&mut seen) };
        }
        tree
    }

    fn histogram(&self, rows: &[u32]) -> Histogram {
        let mut histogram = vec![(0.0, 0.0); self.binned.features * BINS];
        for &row in rows {
            let pull = self.pulls[row as usize];
            for (feature, &bin) in self.binned.row(row).iter().enumerate() {
                let cell = &mut histogram[feature * BINS + usize::from(bin)];
                cell.0 += pull;
                cell.1 += 1.0;
            }
        }
        histogram
    }

    /// The split that explains most of the pulls; the first of equals.
    fn best(&self, histogram: &Histogram) -> Option<Split> {
        let least = self.growth.rows as f64;
        let (sum, count) = histogram[..BINS].iter().fold((0.0, 0.0), |all, bin| (all.0 + bin.0, all.1 + bin.1));
        let mut best: Option<Split> = None;
        for (feature, bins) in histogram.chunks_exact(BINS).enumerate() {
            let (mut left_sum, mut left_count) = (0.0, 0.0);
            for (bin, (pulls, rows)) in bins[..BINS - 1].iter().enumerate() {
                left_sum += pulls;
                left_count += rows;
                if *rows == 0.0 || left_count < least {
                    continue;
                }
                let right_count = count - left_count;
                if right_count < least {
                    break;
                }
                let right_sum = sum - left_sum;
                let gain = left_sum * left_sum / left_count + right_sum * right_sum / right_count - sum * sum / count;
                if gain > best.map_or(1e-9, |best| best.gain) {
                    best = Some(Split { gain, feature, bin });
                }
            }
        }
        best
    }

    /// Puts the rows of the left side first, each side in its order, and returns how many there are.
    fn part(&self, rows: &mut [u32], split: Split) -> usize {
        let goes_left = |row: &u32| usize::from(self.binned.row(*row)[split.feature]) <= split.bin;
        let right: Vec<u32> = rows.iter().copied().filter(|row| !goes_left(row)).collect();
        let mut left = 0;
        for index in 0..rows.len() {
            if goes_left(&rows[index]) {
                rows[left] = rows[index];
                left += 1;
            }
        }
        rows[left..].copy_from_slice(&right);
        left
    }
}

fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Numbers that look drawn, the same every time: splitmix64 of Steele, Lea and Flood (2014).
pub(super) struct Dice {
    state: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below the bound, which is at least 1.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.unit() * bound as f64) as usize
    }
}

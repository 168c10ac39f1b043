//! One equation: what a step is, given steps before it, its place in the seasons and the known columns.

use std::f64::consts::TAU;

use crate::linear::Normal;

/// The columns of an equation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// How far back the steps lie that take part, ascending.
    pub(super) lags: Vec<usize>,
    /// The season whose every place has a column; 1 means none.
    pub(super) places: usize,
    /// Longer seasons, drawn by [`WAVES`] waves each.
    pub(super) waves: Vec<usize>,
    /// Known columns.
    pub(super) known: usize,
    /// The equation is about the difference to so many steps before; 0 means that it is about the level.
    pub(super) base: usize,
}

/// Pairs of sine and cosine for a season that has no lags of its own.
const WAVES: usize = 3;
/// A season with more places than this is drawn by waves.
const MOST_PLACES: usize = 60;
/// Fits, each with the penalty that the one before it suggests.
const ROUNDS: usize = 3;
/// Keeps a system regular whose columns explain everything.
const LEAST_PENALTY: f64 = 1e-6;

impl Shape {
    /// The columns that a history of such a length can bear.
    pub(super) fn of(count: usize, seasons: &[usize], known: usize, base: usize) -> Shape {
        let bearable = |lag: usize| lag <= count / 3;
        let shortest = seasons.first().copied().unwrap_or(1);
        let mut lags: Vec<usize> = (1..=3).filter(|&lag| bearable(lag)).collect();
        let mut waves = Vec::new();
        for (index, &season) in seasons.iter().enumerate() {
            // The same place of earlier rounds, up to where the next season takes over.
            let next = seasons.get(index + 1).copied().unwrap_or(usize::MAX);
            let rounds = (1..=6).take_while(|round| round * season < next);
            for round in rounds.filter(|&round| index == 0 || round == 1) {
                let near = if round <= 2 { 1 } else { 0 };
                lags.extend((round * season - near..=round * season + near).filter(|&lag| bearable(lag)));
            }
            if if index > 0 { !bearable(season + 1) } else { season > MOST_PLACES } {
                waves.push(season);
            }
        }
        lags.sort_unstable();
        lags.dedup();
        let places = if shortest <= MOST_PLACES && count >= 2 * shortest { shortest } else { 1 };
        waves.retain(|season| count >= 2 * season);
        Shape { lags, places, waves, known, base }
    }

    pub(super) fn columns(&self) -> usize {
        self.lags.len() + 1 + self.known + 2 * WAVES * self.waves.len() + if self.places > 1 { self.places } else { 0 }
    }

    /// Steps at the start of a history of which the equation can say nothing.
    pub(super) fn warm_up(&self) -> usize {
        self.base + self.lags.last().copied().unwrap_or(0)
    }

    /// The columns at a step of the path, which is known up to it.
    fn fill(&self, row: &mut [f64], path: &[f64], step: usize, known: &[Vec<f64>]) {
        let mut place = 0;
        for lag in &self.lags {
            row[place] = self.about(path, step - lag);
            place += 1;
        }
        row[place] = 1.0;
        place += 1;
        for column in known {
            row[place] = self.about(column, step);
            place += 1;
        }
        for &season in &self.waves {
            for wave in 1..=WAVES {
                let angle = TAU * ((wave * step) % season) as f64 / season as f64;
                (row[place], row[place + 1]) = angle.sin_cos();
                place += 2;
            }
        }
        if self.places > 1 {
            row[place..].fill(0.0);
            row[place + step % self.places] = 1.0;
        }
    }

    /// What the equation is about, at a step.
    fn about(&self, path: &[f64], step: usize) -> f64 {
        if self.base == 0 { path[step] } else { path[step] - path[step - self.base] }
    }

    /// The coefficients by ridge regression, in which a step weighs half as much as one `half_life` later. `None` when
    /// there are too few steps.
    ///
    /// The penalty is the variance of the residuals times the number of columns: the Bayesian's, who expects of all
    /// columns together that they explain about the variance there is. The variance is not known before the fit, so it
    /// is fitted [`ROUNDS`] times.
    pub(super) fn fit(&self, path: &[f64], known: &[Vec<f64>], half_life: f64) -> Option<Vec<f64>> {
        let warm_up = self.warm_up();
        if path.len() < warm_up + 2 + self.lags.len() {
            return None;
        }
        let mut normal = Normal::new(self.columns());
        let mut row = vec![0.0; self.columns()];
        let forget = (-std::f64::consts::LN_2 / half_life).exp();
        let mut weight = 1.0;
        for step in (warm_up..path.len()).rev() {
            self.fill(&mut row, path, step, known);
            normal.add(&row, self.about(path, step), weight);
            weight *= forget;
        }
        let mut penalties = vec![1.0; self.columns()];
        // The mean is free, but for a trace that keeps the system regular beside a column for every place.
        penalties[self.lags.len()] = LEAST_PENALTY;
        let mut coefficients = Vec::new();
        for _ in 0..ROUNDS {
            let ridge = normal.solve(&penalties);
            coefficients = ridge.coefficients;
            let variance = ridge.residual_sum / (normal.weight() - ridge.freedom).max(1.0);
            let penalty = (variance * self.columns() as f64).max(LEAST_PENALTY);
            penalties
                .iter_mut()
                .enumerate()
                .filter(|(column, _)| *column != self.lags.len())
                .for_each(|(_, old)| *old = penalty);
        }
        coefficients.iter().all(|coefficient| coefficient.is_finite()).then_some(coefficients)
    }

    /// What the equation says about a step, given the path before it.
    pub(super) fn say(
        &self,
        coefficients: &[f64],
        row: &mut [f64],
        path: &[f64],
        step: usize,
        known: &[Vec<f64>],
    ) -> f64 {
        self.fill(row, path, step, known);
        let said: f64 = row.iter().zip(coefficients).map(|(value, coefficient)| value * coefficient).sum();
        if self.base == 0 { said } else { path[step - self.base] + said }
    }

    /// What one known column alone adds to every step: its own effect and the echo of that through the lags, within the
    /// limit either way.
    pub(super) fn echo(&self, coefficients: &[f64], index: usize, column: &[f64], limit: f64) -> Vec<f64> {
        let effect = coefficients[self.lags.len() + 1 + index];
        // At the start, where the echoes of earlier steps are not known, the effect alone.
        let mut path: Vec<f64> = column.iter().map(|value| (effect * value).clamp(-limit, limit)).collect();
        for step in self.warm_up()..column.len() {
            let lagged: f64 = self
                .lags
                .iter()
                .zip(coefficients)
                .map(|(lag, coefficient)| coefficient * self.about(&path, step - lag))
                .sum();
            let base = if self.base == 0 { 0.0 } else { path[step - self.base] };
            path[step] = (base + effect * self.about(column, step) + lagged).clamp(-limit, limit);
        }
        path
    }
}

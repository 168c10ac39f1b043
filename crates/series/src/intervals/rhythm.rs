//! When in its season a series is restless: errors by day are not those of the night.

/// How large errors usually are at each place of a season, relative to their mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rhythm {
    /// One factor per place, by step of the history modulo the season; a single 1 where nothing can be said.
    factors: Vec<f64>,
}

/// Rounds of a season from which it is looked at, and rounds that are.
const LEAST_ROUNDS: usize = 14;
const ROUNDS: usize = 56;
/// A place is drawn to the rhythm of the shorter season with the weight of so many rounds.
const DRAWN: f64 = 4.0;
/// The calmest place, so that an error there is not beyond all measure.
const CALMEST: f64 = 0.05;

impl Rhythm {
    /// From errors one step ahead, oldest first (those that are not finite are left out), by seasons, ascending.
    pub(crate) fn of(errors: &[f64], seasons: &[usize]) -> Self {
        let mut factors = vec![1.0];
        for &season in seasons.iter().filter(|&&season| season > 1 && LEAST_ROUNDS * season <= errors.len()) {
            let from = errors.len() - (ROUNDS * season).min(errors.len() / season * season);
            let (mut sums, mut counts) = (vec![0.0; season], vec![0.0; season]);
            for (step, error) in errors.iter().enumerate().skip(from).filter(|(_, error)| error.is_finite()) {
                sums[step % season] += error.abs();
                counts[step % season] += 1.0;
            }
            let overall = sums.iter().sum::<f64>() / counts.iter().sum::<f64>();
            if !(overall > 0.0 && overall.is_finite()) {
                continue;
            }
            let drawn = |place: usize| {
                let before = factors[place % factors.len()];
                (sums[place] / overall + DRAWN * before) / (counts[place] + DRAWN)
            };
            factors = (0..season).map(|place| drawn(place).max(CALMEST)).collect();
        }
        Self { factors }
    }

    /// The factor of a step of the history, or after it.
    pub(crate) fn at(&self, step: usize) -> f64 {
        self.factors[step % self.factors.len()]
    }
}

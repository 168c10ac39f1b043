//! When in its season a series is restless: errors by day are not those of the night.

use std::f64::consts::TAU;

use crate::model::year;

/// How large errors usually are at each place of a season, relative to their mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rhythm {
    /// One factor per place, by step of the history modulo the season; a single 1 where nothing can be said.
    factors: Vec<f64>,
    /// Over a season of which there are too few rounds to look at its places.
    wave: Option<Wave>,
}

/// One wave of the logarithm of how large errors are.
#[derive(Debug, Clone, PartialEq)]
struct Wave {
    season: f64,
    cosine: f64,
    sine: f64,
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
        Self { factors, wave: Wave::of(errors, seasons) }
    }

    /// The factor of a step of the history, or after it.
    pub(crate) fn at(&self, step: usize) -> f64 {
        self.factors[step % self.factors.len()] * self.wave.as_ref().map_or(1.0, |wave| wave.at(step))
    }
}

/// Errors from which a wave is looked for.
const LEAST_ERRORS: usize = 48;
/// Standard errors by which a wave must rise over its noise.
const SEEN: f64 = 3.0;
/// How much of the wave of errors one step ahead those further ahead follow. On eight daily and weekly series of years, all of it makes
/// intervals worse by the interval score than none, half of it better.
const FOLLOWED: f64 = 0.5;

impl Wave {
    /// Of a year of which there are two rounds, but too few to look at its places.
    fn of(errors: &[f64], seasons: &[usize]) -> Option<Self> {
        let has_rounds = |year: &usize| 2 * year <= errors.len() && errors.len() < LEAST_ROUNDS * year;
        let season = year(seasons).filter(has_rounds)?;
        // Whole rounds, so that the mean is that of the year.
        let from = errors.len() % season;
        let there = errors.iter().enumerate().skip(from).filter(|(_, error)| error.is_finite() && **error != 0.0);
        let sizes: Vec<(usize, f64)> = there.map(|(step, error)| (step, error.abs().ln())).collect();
        if sizes.len() < LEAST_ERRORS {
            return None;
        }
        let count = sizes.len() as f64;
        let mean = sizes.iter().map(|(_, size)| size).sum::<f64>() / count;
        let angle = |step: usize| TAU * step as f64 / season as f64;
        let over = |of: fn(f64) -> f64| {
            2.0 * sizes.iter().map(|(step, size)| (size - mean) * of(angle(*step))).sum::<f64>() / count
        };
        let (cosine, sine) = (over(f64::cos), over(f64::sin));
        let variance = sizes.iter().map(|(_, size)| (size - mean).powi(2)).sum::<f64>() / count;
        let (height, noise) = (cosine.hypot(sine), (2.0 * variance / count).sqrt());
        if height <= SEEN * noise {
            return None;
        }
        // Noise makes waves higher than they are.
        let kept = FOLLOWED * (1.0 - (noise / height).powi(2));
        Some(Self { season: season as f64, cosine: kept * cosine, sine: kept * sine })
    }

    fn at(&self, step: usize) -> f64 {
        let angle = TAU * step as f64 / self.season;
        (self.cosine * angle.cos() + self.sine * angle.sin()).exp()
    }
}

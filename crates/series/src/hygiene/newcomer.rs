//! A series that has no history yet: what its siblings look like.

use serde::{Deserialize, Serialize};

use crate::robust::{median, spread};

/// The typical shape of a group of series: the median level, and per place in the season what it is times the level.
///
/// It is made once of all series and passed in, so that a forecast does not depend on who shares its chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The median of the siblings' recent means.
    pub level: f64,
    /// How far the siblings' means lie apart: their median distance from `level`, as a standard deviation, over it.
    pub spread: f64,
    /// One factor per place in the season, by step number modulo its length; a single 1 when there is no season.
    pub shape: Vec<f64>,
}

/// The error that is expected of a sibling's profile before the series itself says anything, as a share of the forecast.
pub(crate) const STRANGE: f64 = 0.5;

impl Profile {
    /// The profile of siblings, each the number of its first step and its values; nothing when none has a whole season, or where values
    /// are negative: of those, a season is no multiple of the level.
    #[must_use]
    pub fn of<'a>(siblings: impl IntoIterator<Item = (i64, &'a [f64])>, season: usize) -> Option<Self> {
        let season = season.max(1);
        let (mut levels, mut shapes) = (Vec::new(), vec![Vec::new(); season]);
        for (first, values) in siblings {
            let Some(start) = values.len().checked_sub(season) else { continue };
            let recent = &values[start..];
            if recent.iter().any(|value| *value < 0.0) {
                return None;
            }
            let level = recent.iter().sum::<f64>() / season as f64;
            levels.push(level);
            if level.abs() > f64::MIN_POSITIVE {
                for (step, value) in recent.iter().enumerate() {
                    let place = (first + (start + step) as i64).rem_euclid(season as i64) as usize;
                    shapes[place].push(value / level);
                }
            }
        }
        if levels.is_empty() {
            return None;
        }
        let one_if_none = |factor: f64| if factor.is_finite() { factor } else { 1.0 };
        let shape = shapes.into_iter().map(|factors| one_if_none(median(factors))).collect();
        let level = median(levels.iter().copied());
        let spread = spread(levels.iter().map(|sibling| sibling - level)) / level.abs();
        Some(Self { level, spread: if spread.is_finite() { spread } else { 0.0 }, shape })
    }

    /// The level of a series with these few values (or none) from step number `first` on: the mean of its own values without the season, held to
    /// the siblings' by the weight of one value, of less where theirs lie far apart, of more where its own lie at places of the season
    /// that say little.
    #[must_use]
    pub fn level(&self, values: &[f64], first: i64) -> f64 {
        let (sum, factors) = values.iter().enumerate().fold((0.0, 0.0), |(sum, factors), (step, value)| {
            (sum + value, factors + self.factor(first + step as i64))
        });
        let weight = (STRANGE / self.spread).powi(2).min(1.0).max(1.0 - factors);
        (weight * self.level + sum) / (weight + factors)
    }

    /// The season on a level, for so many steps from step number `next`.
    #[must_use]
    pub fn course(&self, level: f64, next: i64, steps: usize) -> Vec<f64> {
        (0..steps as i64).map(|step| level * self.factor(next + step)).collect()
    }

    fn factor(&self, step: i64) -> f64 {
        self.shape[step.rem_euclid(self.shape.len() as i64) as usize]
    }
}

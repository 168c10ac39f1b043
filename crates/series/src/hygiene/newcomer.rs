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
    /// The profile of siblings, each the number of its first step and its values; nothing when none has a whole season.
    #[must_use]
    pub fn of<'a>(siblings: impl IntoIterator<Item = (i64, &'a [f64])>, season: usize) -> Option<Self> {
        let season = season.max(1);
        let (mut levels, mut shapes) = (Vec::new(), vec![Vec::new(); season]);
        for (first, values) in siblings {
            let Some(start) = values.len().checked_sub(season) else { continue };
            let recent = &values[start..];
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

    /// The forecast of a series with these few values (or none), for `horizon` steps from step number `next`. The level is the
    /// mean of its own values without the season, held to the siblings' by the weight of one value, of less where theirs lie far apart.
    #[must_use]
    pub fn forecast(&self, values: &[f64], next: i64, horizon: usize) -> Vec<f64> {
        let factor = |step: i64| self.shape[step.rem_euclid(self.shape.len() as i64) as usize];
        let first = next - values.len() as i64;
        let weight = (STRANGE / self.spread).powi(2).min(1.0);
        let (mut sum, mut factors) = (weight * self.level, weight);
        for (step, value) in values.iter().enumerate() {
            sum += value;
            factors += factor(first + step as i64);
        }
        let level = if values.is_empty() || factors <= 0.0 { self.level } else { sum / factors };
        (0..horizon as i64).map(|step| level * factor(next + step)).collect()
    }
}

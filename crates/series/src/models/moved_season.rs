//! The courses of the seasons before on the level that the series has now: last year's summer, from where this year's spring has got to.

use crate::model::{Fit, Input, Model, Parameters, Part, Tier, Unfit};

const NAME: &str = "moved_season";
/// Rounds of the next shorter season (or steps without one) that say where the series is now and where it was then.
const ROUNDS: usize = 4;
/// Rounds of the shorter season on either side of a place that tell of it as well: a year's course is slow, its days are noisy.
const NEAR: usize = 2;
/// Long seasons that are averaged, at most.
const SEASONS: usize = 3;

/// The level of the last steps, and on top of it what the last few long seasons had above the level of their time, smoothed over the
/// neighbouring weeks. By the longest season of which there is a whole one and the steps before it.
#[derive(Debug, Clone, Copy, Default)]
pub struct MovedSeason;

impl Model for MovedSeason {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let Some(course) = Course::of(input) else {
            let shortest = input.seasons.iter().find(|season| **season > ROUNDS);
            return Err(match shortest {
                Some(season) => Unfit::Short { model: NAME, needs: season + ROUNDS, has: input.values.len() },
                None => Unfit::Unsuited { model: NAME, why: "there is no season" },
            });
        };
        let count = input.values.len();
        let level = course.level(count);
        let above: Vec<f64> = (0..input.horizon).map(|ahead| course.above(count, ahead)).collect();
        let first = course.season + course.width;
        let before = |step: usize| input.values[step.checked_sub(course.season).unwrap_or(step)];
        let fitted = (0..count).map(|step| match step < first {
            true => before(step),
            false => course.level(step) + course.above(step, 0),
        });
        Ok(Fit {
            forecast: above.iter().map(|above| level + above).collect(),
            fitted: fitted.collect(),
            parts: vec![
                Part { name: "level".to_owned(), values: vec![level; input.horizon] },
                Part { name: format!("season {}", course.season), values: above },
            ],
            parameters: Parameters { form: NAME.to_owned(), ..Parameters::default() },
        })
    }
}

/// A history, and what is looked for in it.
struct Course<'a> {
    values: &'a [f64],
    season: usize,
    shorter: usize,
    /// Steps whose mean is a level.
    width: usize,
    /// Sums of the values before each step, over `width`.
    sums: Vec<f64>,
}

impl<'a> Course<'a> {
    fn of(input: &Input<'a>) -> Option<Course<'a>> {
        let (season, shorter) = (0..input.seasons.len()).rev().find_map(|place| {
            let season = input.seasons[place];
            let shorter = place.checked_sub(1).map_or(1, |place| input.seasons[place]);
            let width = ROUNDS * shorter;
            (width < season && season + width <= input.values.len()).then_some((season, shorter))
        })?;
        let width = ROUNDS * shorter;
        let mut sums = vec![0.0];
        sums.extend(input.values.iter().scan(0.0, |sum, value| {
            *sum += value / width as f64;
            Some(*sum)
        }));
        Some(Course { values: input.values, season, shorter, width, sums })
    }

    /// The mean of the steps before one.
    fn level(&self, step: usize) -> f64 {
        self.sums[step] - self.sums[step - self.width]
    }

    /// What the step `ahead` of `from` had above the level of its time, in the seasons before. There is at least one.
    fn above(&self, from: usize, ahead: usize) -> f64 {
        let (mut sum, mut told) = (0.0, 0.0);
        for round in (1..=SEASONS).take_while(|round| self.width + round * self.season <= from) {
            let then = from - round * self.season;
            let level = self.level(then);
            // Beyond a season, the same course again.
            let place = then + ahead % self.season;
            for turn in 0..=2 * NEAR {
                let Some(near) = (place + turn * self.shorter).checked_sub(NEAR * self.shorter) else { continue };
                if near < from {
                    sum += self.values[near] - level;
                    told += 1.0;
                }
            }
        }
        sum / told
    }
}

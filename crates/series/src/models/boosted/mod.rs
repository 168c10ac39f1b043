//! One set of boosted trees for all series: it learns how series of this kind go on from how they went on before.
//!
//! A series is shown in its own units, counted from the last round of its shortest season, so that the trees say by how
//! much a step will differ from the seasonal naive forecast; the step ahead is one of the features, so one forest
//! serves every horizon. Januschowski and others (2022), *Forecasting with Trees*.
//!
//! Memory is bounded: at most [`MOST_ROWS`] rows are drawn, evenly over the series.

mod features;
mod trees;

use serde::{Deserialize, Serialize};

use crate::model::{Fit, GlobalModel, Input, Model, Parameters, Part, Tier, Unfit};
use features::Course;
use trees::{Dice, Forest, Growth};

const NAME: &str = "boosted";
/// Rows that are learned from, at most.
const MOST_ROWS: usize = 200_000;
/// Steps ahead that are drawn for an origin.
const AHEADS: usize = 6;
/// Rows without which nothing is learned.
const LEAST_ROWS: usize = 2000;

/// Boosted trees over all series.
#[derive(Debug, Clone, Copy, Default)]
pub struct Boosted;

impl GlobalModel for Boosted {
    fn name(&self) -> &'static str {
        NAME
    }

    fn train(&self, series: &[Input<'_>]) -> Result<Box<dyn Model>, Unfit> {
        Ok(Box::new(self.learn(series)?))
    }
}

impl Boosted {
    /// As [`GlobalModel::train`], with a result that can be stored.
    ///
    /// # Errors
    /// When the series hold too few steps to learn from, or differ in the number of seasons or known columns.
    pub fn learn(&self, series: &[Input<'_>]) -> Result<TrainedBoosted, Unfit> {
        let shape = |input: &Input<'_>| (input.seasons.len(), input.known.map_or(0, |known| known.columns.len()));
        let (seasons, known) = series.first().map(shape).unwrap_or_default();
        if series.iter().any(|input| shape(input) != (seasons, known)) {
            return Err(Unfit::Unsuited { model: NAME, why: "series differ in seasons or known columns" });
        }
        let horizon = series.iter().map(|input| input.horizon).max().unwrap_or(1);
        let features = features::count(seasons, known);
        let origins = (MOST_ROWS / AHEADS / series.len().max(1)).max(1);
        // With more series than that, a row from every few.
        let every = series.len().div_ceil(MOST_ROWS / AHEADS).max(1);
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        let mut dice = Dice::new(series.len() as u64);
        for input in series.iter().step_by(every) {
            let Some(course) = Course::of(input) else { continue };
            let last = course.len() - 1;
            let first = 2 * course.season;
            if last <= first {
                continue;
            }
            let count = origins.min(last - first);
            for index in 0..count {
                // Evenly, the newest always among them.
                let origin = last - 1 - index * (last - first) / count;
                let Some(unit) = course.unit(origin) else { continue };
                for _ in 0..AHEADS {
                    let ahead = 1 + dice.below(horizon.min(last - origin));
                    course.fill(&mut rows, origin, ahead, unit);
                    targets.push(course.target(origin, ahead, unit));
                }
            }
        }
        if targets.len() < LEAST_ROWS {
            return Err(Unfit::Short { model: NAME, needs: LEAST_ROWS, has: targets.len() });
        }
        let growth = Growth { trees: 100, leaves: 31, rows: 40, rate: 0.1, share: 0.5 };
        Ok(TrainedBoosted { seasons, known, horizon, forest: Forest::grow(&rows, features, &targets, growth) })
    }
}

/// What [`Boosted`] learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainedBoosted {
    seasons: usize,
    known: usize,
    horizon: usize,
    forest: Forest,
}

impl Model for TrainedBoosted {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tier(&self) -> Tier {
        Tier::Usual
    }

    /// Nothing is searched for; the trees are asked.
    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        // What it was not shown it does not look at.
        let input = &Input { known: input.known.filter(|_| self.known > 0), ..*input };
        if (input.seasons.len(), input.known.map_or(0, |known| known.columns.len())) != (self.seasons, self.known) {
            return Err(Unfit::Unsuited { model: NAME, why: "it was trained on other seasons or known columns" });
        }
        let values = input.values;
        let course =
            Course::of(input).ok_or(Unfit::Unsuited { model: NAME, why: "the history is constant or too short" })?;
        let last = course.len() - 1;
        let unit = course.unit(last).ok_or(Unfit::Unsuited { model: NAME, why: "the history repeats itself" })?;
        let mut row = Vec::new();
        let mut say = |origin: usize, ahead: usize, unit: f64| {
            row.clear();
            course.fill(&mut row, origin, ahead, unit);
            // Beyond what was learned, as at its end.
            row[0] = row[0].min(self.horizon as f64);
            course.value(origin, ahead, unit, self.forest.say(&row))
        };
        let forecast: Vec<f64> = (1..=input.horizon).map(|ahead| say(last, ahead, unit)).collect();
        let fitted: Vec<f64> = (0..values.len())
            .map(|step| match step.checked_sub(1).filter(|origin| *origin >= 2 * course.season) {
                Some(origin) => course.unit(origin).map_or(values[origin], |unit| say(origin, 1, unit)),
                None => values[step],
            })
            .collect();
        if !forecast.iter().chain(&fitted).all(|value| value.is_finite()) {
            return Err(Unfit::Diverged { model: NAME });
        }
        Ok(Fit {
            parts: parts(&course, values, &forecast),
            forecast,
            fitted,
            parameters: Parameters { form: NAME.to_owned(), ..Parameters::default() },
        })
    }
}

/// The last round's mean, its shape, and what the trees changed.
fn parts(course: &Course<'_>, values: &[f64], forecast: &[f64]) -> Vec<Part> {
    let season = course.season;
    let round = &values[values.len() - season..];
    let level = round.iter().map(|value| value / season as f64).sum::<f64>();
    let mut parts = vec![Part { name: "level".to_owned(), values: vec![level; forecast.len()] }];
    let repeated: Vec<f64> = round.iter().copied().cycle().take(forecast.len()).collect();
    if season > 1 {
        parts.push(Part {
            name: format!("season {season}"),
            values: repeated.iter().map(|value| value - level).collect(),
        });
    }
    let learned = forecast.iter().zip(&repeated).map(|(value, repeated)| value - repeated).collect();
    parts.push(Part { name: "learned".to_owned(), values: learned });
    parts
}

#[cfg(test)]
mod tests;

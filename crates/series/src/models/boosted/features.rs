//! What the trees are shown of a series: its recent course as seen from an origin, in units of its own changes from
//! round to round.

use crate::model::{Input, Known};
use crate::models::scale::Scale;

/// Rounds of the shortest season that are looked back upon, at the place of the target.
const ROUNDS: usize = 6;
/// Newest values that are shown.
const NEWEST: usize = 3;
/// Features beside those of longer seasons and known columns.
const COMMON: usize = 3 + (ROUNDS - 1) + NEWEST + 5;

/// A history made ready.
pub(super) struct Course<'a> {
    scale: Scale,
    path: Vec<f64>,
    /// The shortest season, 1 for none.
    pub(super) season: usize,
    longer: Vec<usize>,
    known: Option<&'a Known>,
    /// Sums of the path, and of the sizes of its changes from round to round, before each step.
    sums: Vec<f64>,
    changes: Vec<f64>,
    /// Where the path may go: no further from the history than half its range.
    bounds: (f64, f64),
    /// Means and deviations of the known columns over the history.
    standards: Vec<(f64, f64)>,
}

/// What a set of series shows; the same for all of them.
pub(super) fn count(seasons: usize, known: usize) -> usize {
    COMMON + seasons.saturating_sub(1) + 2 * known
}

impl<'a> Course<'a> {
    /// `None` for a history that is constant or shorter than a round and two steps.
    pub(super) fn of(input: &Input<'a>) -> Option<Course<'a>> {
        let values = input.values;
        let season = input.seasons.first().copied().filter(|season| 2 * season <= values.len()).unwrap_or(1);
        let scale = Scale::of(values)?;
        if values.len() < season + 2 {
            return None;
        }
        let path: Vec<f64> = values.iter().map(|&value| scale.forth(value)).collect();
        let running = |terms: &mut dyn Iterator<Item = f64>| {
            let mut sum = 0.0;
            let mut sums = vec![0.0];
            sums.extend(terms.map(|term| {
                sum += term;
                sum
            }));
            sums
        };
        let sums = running(&mut path.iter().copied());
        let changes = running(
            &mut (0..path.len()).map(|step| if step < season { 0.0 } else { (path[step] - path[step - season]).abs() }),
        );
        let standards = input
            .known
            .map_or(&[][..], |known| &known.columns)
            .iter()
            .map(|column| standard(&column[..values.len()]))
            .collect();
        let least = path.iter().copied().fold(f64::INFINITY, f64::min);
        let most = path.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let room = (most - least) / 2.0;
        let longer = input.seasons.iter().copied().skip(1).collect();
        Some(Course {
            scale,
            path,
            season,
            longer,
            known: input.known,
            sums,
            changes,
            bounds: (least - room, most + room),
            standards,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.path.len()
    }

    /// What a change is measured by at an origin: the mean change so far from a round to the next, `None` while there
    /// was none.
    pub(super) fn unit(&self, origin: usize) -> Option<f64> {
        let steps = (origin + 1).checked_sub(self.season).filter(|steps| *steps > 0)?;
        let unit = self.changes[origin + 1] / steps as f64;
        (unit > 1e-9).then_some(unit)
    }

    /// The last value at the place of the season that lies `ahead` steps after the origin; the target is counted from
    /// there.
    pub(super) fn base(&self, origin: usize, ahead: usize) -> f64 {
        self.path[origin + ahead - self.season * ahead.div_ceil(self.season)]
    }

    /// What the trees should have said.
    pub(super) fn target(&self, origin: usize, ahead: usize, unit: f64) -> f64 {
        (self.path[origin + ahead] - self.base(origin, ahead)) / unit
    }

    /// What they said, as a value of the series, within the bounds.
    pub(super) fn value(&self, origin: usize, ahead: usize, unit: f64, said: f64) -> f64 {
        self.scale.back((self.base(origin, ahead) + said * unit).clamp(self.bounds.0, self.bounds.1))
    }

    /// The features, NaN where the history does not reach, appended to the `row`.
    pub(super) fn fill(&self, row: &mut Vec<f64>, origin: usize, ahead: usize, unit: f64) {
        let season = self.season;
        let step = origin + ahead;
        let base = self.base(origin, ahead);
        let from_base = |value: Option<f64>| value.map_or(f64::NAN, |value| (value - base) / unit);
        let at = |step: usize, back: usize| step.checked_sub(back).map(|step| self.path[step]);
        row.extend([ahead as f64, (step % season) as f64, (base - self.mean(origin, season)) / unit]);
        let rounds = ahead.div_ceil(season);
        row.extend((1..ROUNDS).map(|round| from_base(at(step, season * (rounds + round)))));
        for back in 0..NEWEST {
            let newest =
                at(origin, back).zip(at(origin, back + season)).map_or(f64::NAN, |(new, old)| (new - old) / unit);
            row.push(newest);
        }
        // The mean of the last round against the ones before it, of a few steps against the last round, and how lively
        // it is.
        let last = self.mean(origin, season.max(4));
        for rounds in [2, 4] {
            row.push(
                origin
                    .checked_sub(season.max(4))
                    .map_or(f64::NAN, |before| (last - self.mean(before, (rounds - 1) * season.max(4))) / unit),
            );
        }
        row.push((self.path[origin] - last) / unit);
        row.push((self.mean(origin, 3) - self.mean(origin, 12)) / unit);
        let steps = season.min(origin + 1 - season).max(1);
        row.push((self.changes[origin + 1] - self.changes[origin + 1 - steps]) / steps as f64 / unit);
        for longer in &self.longer {
            row.push(from_base(at(step, longer * ahead.div_ceil(*longer))));
        }
        for (column, (mean, deviation)) in self.known.into_iter().flat_map(|known| &known.columns).zip(&self.standards)
        {
            let here = (column[step] - mean) / deviation;
            row.extend([here, here - (column[step - season * rounds] - mean) / deviation]);
        }
    }

    /// The mean of up to so many steps that end with the origin.
    fn mean(&self, origin: usize, steps: usize) -> f64 {
        let steps = steps.clamp(1, origin + 1);
        (self.sums[origin + 1] - self.sums[origin + 1 - steps]) / steps as f64
    }
}

/// The mean and the deviation, which is infinite for a column that never moved.
fn standard(column: &[f64]) -> (f64, f64) {
    let count = column.len() as f64;
    let mean = column.iter().map(|value| value / count).sum::<f64>();
    let most = column.iter().fold(0.0_f64, |most, value| most.max((value - mean).abs()));
    if most <= mean.abs() * 1e-12 {
        return (mean, f64::INFINITY);
    }
    (mean, most * (column.iter().map(|value| ((value - mean) / most).powi(2)).sum::<f64>() / count).sqrt())
}

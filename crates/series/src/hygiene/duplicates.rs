//! Several points in one step.

use serde::{Deserialize, Serialize};

use super::{Draft, Kind, Point, Treatment, daylight};

/// What several points in one step become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Their sum: events, amounts.
    Sum,
    /// Their mean: temperatures, prices.
    #[default]
    Mean,
    /// The last of them: corrections.
    Last,
}

/// Puts the points (oldest first) on the axis, one value per step, and returns how many points each step had.
pub(super) fn merge(points: &[Point], draft: &mut Draft<'_>) -> Vec<usize> {
    let indexed: Vec<(i64, Point)> = points.iter().map(|&point| (draft.axis.index(point.time), point)).collect();
    // Local clocks put back by an hour make indices go back within an hour; steps are in order once sorted, points of one step stay so.
    let mut indexed = indexed;
    indexed.sort_by_key(|&(index, _)| index);
    let (Some(&(first, _)), Some(&(last, _))) = (indexed.first(), indexed.last()) else { return Vec::new() };
    draft.first = first.max(begin(last, draft.settings.longest));
    let cut = indexed.partition_point(|&(index, _)| index < draft.first);
    if cut > 0 {
        let (oldest, newest) = (indexed[0].1.time, indexed[cut - 1].1.time);
        draft.treatments.push(Treatment { kind: Kind::Cut, count: cut, first: oldest, last: newest });
    }
    let steps = (last - draft.first) as usize + 1;
    draft.values = vec![f64::NAN; steps];
    let mut counts = vec![0; steps];
    let (mut merged, mut doubled) = (Vec::new(), Vec::new());
    for group in indexed[cut..].chunk_by(|(left, _), (right, _)| left == right) {
        let place = (group[0].0 - draft.first) as usize;
        counts[place] = group.len();
        let present: Vec<(i64, f64)> = group
            .iter()
            .filter_map(|(_, point)| point.value.filter(|value| value.is_finite()).map(|value| (point.time, value)))
            .collect();
        let Some(&(time, value)) = present.first() else { continue };
        if present.len() == 1 {
            draft.values[place] = value;
        } else if let Some(value) = daylight::doubled(draft, group[0].0, &present) {
            draft.values[place] = value;
            doubled.push(place);
        } else {
            draft.values[place] = join(draft.settings.duplicates, present.iter().map(|&(_, value)| value));
            merged.extend(present.iter().skip(1).map(|_| (place, time)));
        }
    }
    let places: Vec<usize> = merged.iter().map(|&(place, _)| place).collect();
    draft.record(Kind::Duplicates, &places);
    draft.record(Kind::DaylightDoubled, &doubled);
    counts
}

/// Blocks of a longest history.
const BLOCKS: i64 = 8;

/// The first step of a history that has become too long. It moves on block by block, not step by step: what was found for a history is good
/// for as long as it begins where it began.
fn begin(last: i64, longest: usize) -> i64 {
    let longest = i64::try_from(longest).unwrap_or(i64::MAX).max(1);
    let block = (longest / BLOCKS).max(1);
    let earliest = last.saturating_sub(longest - 1);
    earliest.saturating_add((-earliest).rem_euclid(block))
}

/// One value of several; at least one.
pub(super) fn join(how: Merge, values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    match how {
        Merge::Sum => values.iter().sum(),
        Merge::Mean => values.iter().sum::<f64>() / values.len() as f64,
        Merge::Last => values[values.len() - 1],
    }
}

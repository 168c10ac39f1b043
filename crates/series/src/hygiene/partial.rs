//! A last step that is not over: its value is too low or not the last word.
//!
//! It is known by the instant up to which the source is complete, or, where several points make a step, by their number.

use super::{Draft, Kind, Point, Treatment};
use crate::axis::Step;
use crate::robust::median;

/// The share of the usual number of points below which a last step is taken to be unfinished.
const FULL: f64 = 0.75;

/// The points that the source can know, oldest first; those of one time stay in their order.
pub(super) fn believed(points: &[Point], draft: &mut Draft<'_>) -> Vec<Point> {
    let mut kept = points.to_vec();
    kept.sort_by_key(|point| point.time);
    if let Some(until) = draft.context.until {
        let known = kept.partition_point(|point| point.time <= until);
        if let (Some(first), Some(last)) = (kept.get(known), kept.last()) {
            let treatment =
                Treatment { kind: Kind::Future, count: kept.len() - known, first: first.time, last: last.time };
            draft.treatments.push(treatment);
        }
        kept.truncate(known);
    }
    kept
}

/// Drops the last step when it is not over. `counts` has the number of points of each step.
pub(super) fn drop_last(counts: &[usize], draft: &mut Draft<'_>) {
    let Some(place) = draft.values.len().checked_sub(1).filter(|_| draft.settings.partial) else { return };
    let index = draft.first + place as i64;
    let by_instant = match (draft.context.until, draft.axis.step) {
        (None, _) | (_, Step::Integer(_)) => false,
        (Some(until), _) => draft.axis.end(index) > until,
    };
    let usual = median(counts[..place].iter().filter(|&&count| count > 0).map(|&count| count as f64));
    let by_count = place >= 2 && usual >= 3.0 && (counts[place] as f64) < FULL * usual;
    if by_instant || by_count {
        draft.record(Kind::Partial, &[place]);
        draft.values.pop();
        // Whoever ends with a step that is not over ends before it: this one is not late for that.
        draft.context.last = draft.context.last.map(|last| if last == index { index - 1 } else { last });
    }
}

//! A series that ends before the others: its source is late, or it is over.

use super::{Draft, Fill, Kind, Treatment, gaps};

/// How many steps the series ends before the others, and whether it is over.
///
/// Where missing steps are zeros (events that did not happen), the series is not late: it is filled up to where the others end.
pub(super) fn measure(draft: &mut Draft<'_>) -> (usize, bool) {
    let (Some(last), true) = (draft.context.last, draft.settings.late) else { return (0, false) };
    let Some(newest) = draft.values.iter().rposition(|value| !value.is_nan()) else { return (0, false) };
    let behind = last.saturating_sub(draft.first + newest as i64);
    if behind <= 0 {
        return (0, false);
    }
    let behind = usize::try_from(behind).unwrap_or(usize::MAX);
    if gaps::zeros(draft) || draft.settings.gaps == Fill::Zero {
        // A series that was silent for longer than its history is kept as it is: zeros would only cost memory.
        if behind <= draft.settings.longest.min(draft.values.len() * 4 + draft.context.horizon) {
            draft.values.resize(newest + 1 + behind, f64::NAN);
            return (0, false);
        }
    }
    let limit = draft.settings.over_after.saturating_mul(draft.context.horizon.max(1));
    let over = draft.settings.over_after > 0 && behind > limit;
    let kind = if over { Kind::Over } else { Kind::Late };
    let (first, end) = (draft.axis.time(draft.first + newest as i64), draft.axis.time(last));
    draft.treatments.push(Treatment { kind, count: behind, first, last: end });
    (behind, over)
}

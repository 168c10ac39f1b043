//! The local hour that daylight saving doubles in autumn and leaves out in spring.
//!
//! On a local axis the doubled hour is one step, of which there are two measurements: their mean, whatever duplicates become, so
//! that the hour is like the same hour of other days. The missing hour is a step that no instant has: it is filled, so that the
//! season keeps its length.

use super::Draft;
use super::duplicates::join;

/// The value of a step whose points come from the two instants of a doubled local hour; nothing when they do not. Points of one
/// instant's hour are joined as duplicates are.
pub(super) fn doubled(draft: &Draft<'_>, index: i64, present: &[(i64, f64)]) -> Option<f64> {
    draft.axis.offset?;
    let instants = crate::axis::Axis { phase: 0, ..*draft.axis }.instants(index);
    let &[_, second] = instants.as_slice() else { return None };
    let split = present.partition_point(|&(time, _)| time < second);
    if split == 0 || split == present.len() {
        return None;
    }
    let part = |points: &[(i64, f64)]| join(draft.settings.duplicates, points.iter().map(|&(_, value)| value));
    Some(part(&present[..split]) / 2.0 + part(&present[split..]) / 2.0)
}

/// Whether no instant has this step.
pub(super) fn missing(draft: &Draft<'_>, place: usize) -> bool {
    draft.axis.offset.is_some() && draft.axis.instants(draft.first + place as i64).is_empty()
}

//! Local regression over equally spaced points, as the decomposition needs it: Cleveland, Cleveland, McRae and
//! Terpenning (1990), *STL: A Seasonal-Trend Decomposition Procedure Based on Loess*, section 2.2. The points' places
//! are 0, 1, 2, …

/// How the points near a place are weighed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loess {
    /// Points that take part in a fit, odd.
    pub(super) window: usize,
    /// Whether a line is fitted, or a constant.
    pub(super) line: bool,
    /// Fits are made at every so many places, and joined by lines between.
    pub(super) jump: usize,
}

impl Loess {
    /// With the customary jump of a tenth of the window.
    pub(super) fn new(window: usize, line: bool) -> Loess {
        Loess { window, line, jump: window.div_ceil(10) }
    }

    /// The curve at the places of the `values`, into `curve`. Linear in the values; a fit costs `window` steps.
    pub(super) fn smooth(self, values: &[f64], curve: &mut [f64]) {
        let last = values.len() - 1;
        let mut before = 0;
        curve[0] = self.at(values, 0.0);
        while before < last {
            let place = (before + self.jump).min(last);
            curve[place] = self.at(values, place as f64);
            let slope = (curve[place] - curve[before]) / (place - before) as f64;
            for between in before + 1..place {
                curve[between] = curve[before] + slope * (between - before) as f64;
            }
            before = place;
        }
    }

    /// The curve at one place, which may lie outside of the points.
    pub(super) fn at(self, values: &[f64], place: f64) -> f64 {
        let count = values.len();
        let window = self.window.min(count);
        // The window closest to the place; beyond the ends it stays inside.
        let centred = (place - (window as f64 - 1.0) / 2.0).round();
        let left = centred.clamp(0.0, (count - window) as f64) as usize;
        let right = left + window - 1;
        let mut reach = (place - left as f64).max(right as f64 - place);
        if self.window > count {
            reach += ((self.window - count) / 2) as f64;
        }
        let (near, far) = (reach * 0.001, reach * 0.999);
        // Sums of the weights times the powers of the distance to the place, and times the values.
        let (mut weights, mut first, mut second, mut level, mut moment) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (index, value) in values[left..=right].iter().enumerate() {
            let offset = (left + index) as f64 - place;
            let distance = offset.abs();
            let weight = if distance <= near {
                1.0
            } else if distance <= far {
                let ratio = distance / reach;
                let rest = 1.0 - ratio * ratio * ratio;
                rest * rest * rest
            } else {
                continue;
            };
            weights += weight;
            first += weight * offset;
            second += weight * offset * offset;
            level += weight * value;
            moment += weight * offset * value;
        }
        if weights <= 0.0 {
            return values[(place.max(0.0) as usize).min(count - 1)];
        }
        let (mean, mean_offset) = (level / weights, first / weights);
        let spread = second / weights - mean_offset * mean_offset;
        // With all weight on one place there is no slope to be seen.
        if !self.line || spread.max(0.0).sqrt() <= 0.001 * (count as f64 - 1.0) {
            return mean;
        }
        mean - mean_offset * (moment / weights - mean_offset * mean) / spread
    }
}

/// The next odd number from `value` up.
pub(super) fn odd(value: usize) -> usize {
    value | 1
}

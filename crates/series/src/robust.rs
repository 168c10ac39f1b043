//! Medians and the like: statistics that a few wild values do not move. Missing values are NaN and are left out.

/// Scales a median absolute deviation to the standard deviation of a normal distribution.
const NORMAL: f64 = 1.4826;

/// The median; NaN when there are no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut kept: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    median_of(&mut kept)
}

/// The median of values without NaN, which are reordered; NaN when there are none.
pub(crate) fn median_of(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let (middle, odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower / 2.0 + upper / 2.0
}

/// The standard deviation that a normal distribution with this median absolute value would have; NaN when there are no values.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> f64 {
    NORMAL * median(values.into_iter().map(f64::abs))
}

/// The median around each step over `width` steps (odd), fewer at the ends.
pub(crate) fn rolling_median(values: &[f64], width: usize) -> Vec<f64> {
    let half = width / 2;
    let mut window = Sorted::default();
    values.iter().take(half).for_each(|value| window.add(*value));
    let at = |step: usize| {
        if let Some(value) = values.get(step + half) {
            window.add(*value);
        }
        if let Some(gone) = step.checked_sub(half + 1) {
            window.remove(values[gone]);
        }
        window.median()
    };
    (0..values.len()).map(at).collect()
}

/// The median of every window of `width` steps, from the first on.
pub(crate) fn medians(values: &[f64], width: usize) -> Vec<f64> {
    let mut window = Sorted::default();
    let mut medians = Vec::with_capacity(values.len());
    for (step, value) in values.iter().enumerate() {
        window.add(*value);
        if let Some(gone) = step.checked_sub(width) {
            window.remove(values[gone]);
        }
        if step + 1 >= width {
            medians.push(window.median());
        }
    }
    medians
}

/// The values of a window in their order. One comes and one goes at a time, at the cost of moving those between.
#[derive(Default)]
struct Sorted(Vec<f64>);

impl Sorted {
    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            let place = self.0.partition_point(|there| there.total_cmp(&value).is_lt());
            self.0.insert(place, value);
        }
    }

    fn remove(&mut self, value: f64) {
        if !value.is_nan() {
            // It is there: what goes is what came, to the bit.
            let place = self.0.partition_point(|there| there.total_cmp(&value).is_lt());
            self.0.remove(place);
        }
    }

    fn median(&self) -> f64 {
        let (Some(upper), is_odd) = (self.0.get(self.0.len() / 2), self.0.len() % 2 == 1) else { return f64::NAN };
        if is_odd { *upper } else { self.0[self.0.len() / 2 - 1] / 2.0 + upper / 2.0 }
    }
}

/// For each place in the season the median of the values there, moved so that their median is 0.
pub(crate) fn season_medians(values: &[f64], season: usize) -> Vec<f64> {
    let mut profile: Vec<f64> = (0..season)
        .map(|place| median(values.iter().skip(place).step_by(season).copied()))
        .map(|value| if value.is_nan() { 0.0 } else { value })
        .collect();
    let middle = median(profile.iter().copied());
    for value in &mut profile {
        *value -= middle;
    }
    profile
}

/// The quantile of values without NaN, interpolated between neighbours; NaN when there are none.
pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

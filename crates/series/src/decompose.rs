//! Seasons by classical decomposition, and whether there is one.
//!
//! The moving average and the indices are those of Kendall and Stuart 1983, *The Advanced Theory of Statistics*, volume 3,
//! as R's `decompose` has them; the test is the one of Assimakopoulos and Nikolopoulos 2000, *The theta model*, and of M4.

/// How a season acts on the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is added: the indices sum to 0.
    Additive,
    /// It multiplies: the indices have the mean 1.
    Multiplicative,
}

/// One season of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Seasonal {
    /// How it acts.
    pub kind: Kind,
    /// One index per step of the season; the one of step `t` of the history, or of what follows it, is `t % season`.
    pub indices: Vec<f64>,
}

impl Seasonal {
    /// The indices by classical decomposition: what remains over the centred moving average, averaged per step of the
    /// season. `None` with less than two seasons of history, and when a multiplicative index does not come out positive.
    #[must_use]
    pub fn classical(values: &[f64], season: usize, kind: Kind) -> Option<Self> {
        if season < 2 || values.len() < 2 * season {
            return None;
        }
        let scale = power_of_two_near(values);
        let mut sums = vec![0.0; season];
        let mut counts = vec![0.0; season];
        deviations(values, season, kind, scale, |step, deviation| {
            sums[step % season] += deviation;
            counts[step % season] += 1.0;
        });
        let mut indices: Vec<f64> = sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect();
        let mean = indices.iter().sum::<f64>() / season as f64;
        for index in &mut indices {
            *index = match kind {
                Kind::Additive => (*index - mean) * scale,
                Kind::Multiplicative => *index / mean,
            };
        }
        let sound = |index: &f64| index.is_finite() && (kind == Kind::Additive || *index > 0.0);
        indices.iter().all(sound).then_some(Self { kind, indices })
    }

    /// The season where the test finds one ([`is_seasonal`]): multiplicative when every value is positive and no index
    /// comes near 0, additive otherwise.
    #[must_use]
    pub fn tested(values: &[f64], season: usize) -> Option<Self> {
        /// Dividing by an index below it would make the values of that step of the season all there is.
        const LEAST: f64 = 0.01;
        if !is_seasonal(values, season) {
            return None;
        }
        let positive = values.iter().all(|&value| value > 0.0);
        let multiplicative = if positive { Self::classical(values, season, Kind::Multiplicative) } else { None };
        let sound = multiplicative.filter(|season| season.indices.iter().all(|&index| index >= LEAST));
        sound.or_else(|| Self::classical(values, season, Kind::Additive))
    }

    /// The season of a length with the outcome of the test given: the kind that was found, if any was.
    #[must_use]
    pub fn of_kinds(values: &[f64], season: usize, kinds: &[(usize, Kind)]) -> Option<Self> {
        let kind = kinds.iter().find(|kind| kind.0 == season)?.1;
        Self::classical(values, season, kind)
    }

    /// The indices drawn towards no season at all, by the share of their spread that the noise of `values`, from which they
    /// come, explains: the estimator of James and Stein, as Miller and Williams 2003, *Shrinkage estimators of time series
    /// seasonal factors and their effect on forecasting accuracy*, section 3, have it. The same for less than four steps.
    #[must_use]
    pub fn shrunk(mut self, values: &[f64]) -> Self {
        let season = self.indices.len();
        if season < 4 || values.len() < 2 * season {
            return self;
        }
        let scale = power_of_two_near(values);
        let (unit, none) = match self.kind {
            Kind::Additive => (scale, 0.0),
            Kind::Multiplicative => (1.0, 1.0),
        };
        let (mut within, mut count) = (0.0, 0.0);
        deviations(values, season, self.kind, scale, |step, deviation| {
            within += (deviation - self.at(step) / unit).powi(2);
            count += 1.0;
        });
        let steps = season as f64;
        let noise = within / (count - steps) / (count / steps);
        let spread = self.indices.iter().map(|index| ((index - none) / unit).powi(2)).sum::<f64>() / (steps - 1.0);
        let share = (steps - 3.0) / (steps - 1.0) * noise / spread;
        // With one deviation per step the noise is not known, and with no spread there is nothing to draw.
        if count > steps && share.is_finite() {
            let kept = 1.0 - share.min(1.0);
            self.indices.iter_mut().for_each(|index| *index = none + kept * (*index - none));
        }
        self
    }

    /// The index of a step.
    #[must_use]
    pub fn at(&self, step: usize) -> f64 {
        self.indices[step % self.indices.len()]
    }

    /// A value of a step without the season.
    #[must_use]
    pub fn remove(&self, step: usize, value: f64) -> f64 {
        match self.kind {
            Kind::Additive => value - self.at(step),
            Kind::Multiplicative => value / self.at(step),
        }
    }

    /// A seasonally adjusted value of a step with the season put back.
    #[must_use]
    pub fn restore(&self, step: usize, value: f64) -> f64 {
        match self.kind {
            Kind::Additive => value + self.at(step),
            Kind::Multiplicative => value * self.at(step),
        }
    }
}

/// A series without its seasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjusted {
    /// The values without the seasons.
    pub values: Vec<f64>,
    /// The seasons, in the order in which they were taken out.
    pub seasons: Vec<Seasonal>,
}

impl Adjusted {
    /// Takes out one season after the other, the shortest first, where the test finds it in what the one before has left.
    #[must_use]
    pub fn tested(values: &[f64], seasons: &[usize]) -> Self {
        Self::by(values, seasons, Seasonal::tested)
    }

    /// As [`Adjusted::tested`] with the outcome of the test given: indices are computed anew, of the kinds that were found.
    #[must_use]
    pub fn of_kinds(values: &[f64], seasons: &[(usize, Kind)]) -> Self {
        let lengths: Vec<usize> = seasons.iter().map(|season| season.0).collect();
        Self::by(values, &lengths, |values, length| Seasonal::of_kinds(values, length, seasons))
    }

    /// Takes out the longer seasons and leaves the shortest, which only keeps out of the way while they are looked for;
    /// `find` looks.
    #[must_use]
    pub fn longer(values: &[f64], seasons: &[usize], find: impl Fn(&[f64], usize) -> Option<Seasonal>) -> Self {
        let shortest = seasons.first().copied().unwrap_or(0);
        let look = |values: &[f64], length: usize| {
            if length == shortest { Seasonal::tested(values, length) } else { find(values, length) }
        };
        let mut adjusted = Self::by(values, seasons, look);
        if adjusted.seasons.first().is_some_and(|season| season.indices.len() == shortest) {
            adjusted.seasons.remove(0);
            adjusted.values.copy_from_slice(values);
            for season in &adjusted.seasons {
                for (step, value) in adjusted.values.iter_mut().enumerate() {
                    *value = season.remove(step, *value);
                }
            }
        }
        adjusted
    }

    /// Takes out one season after the other, where `find` finds it in what the one before has left; the indices are
    /// [shrunk](Seasonal::shrunk).
    #[must_use]
    pub fn by(values: &[f64], lengths: &[usize], find: impl Fn(&[f64], usize) -> Option<Seasonal>) -> Self {
        let mut adjusted = Self { values: values.to_vec(), seasons: Vec::new() };
        for &length in lengths {
            let Some(season) = find(&adjusted.values, length) else { continue };
            let season = season.shrunk(&adjusted.values);
            for (step, value) in adjusted.values.iter_mut().enumerate() {
                *value = season.remove(step, *value);
            }
            adjusted.seasons.push(season);
        }
        adjusted
    }

    /// An adjusted value of a step with the seasons put back; `each` gets what every season adds, in their order.
    pub fn restore(&self, step: usize, value: f64, mut each: impl FnMut(usize, f64)) -> f64 {
        let mut whole = value;
        for (index, season) in self.seasons.iter().enumerate().rev() {
            let restored = season.restore(step, whole);
            each(index, restored - whole);
            whole = restored;
        }
        whole
    }
}

/// Whether the autocorrelation at the season's lag differs from 0 with 90 % confidence, by Bartlett's variance. Never with
/// less than three seasons of history.
#[must_use]
pub fn is_seasonal(values: &[f64], season: usize) -> bool {
    if season < 2 || values.len() < 3 * season {
        return false;
    }
    let correlations = autocorrelations(values, season);
    let Some((last, before)) = correlations.split_last() else { return false };
    let spread = 1.0 + 2.0 * before.iter().map(|correlation| correlation * correlation).sum::<f64>();
    last.abs() > NORMAL_95 * (spread / values.len() as f64).sqrt()
}

/// The 95 % quantile of the normal distribution as M4's benchmarks round it: 90 % on two sides.
const NORMAL_95: f64 = 1.645;

/// The autocorrelations at lags 1 to `longest`, each within -1 and 1; all 0 for a constant series.
#[must_use]
pub fn autocorrelations(values: &[f64], longest: usize) -> Vec<f64> {
    let scale = power_of_two_near(values);
    let mean = values.iter().map(|value| value / scale).sum::<f64>() / values.len().max(1) as f64;
    let centred: Vec<f64> = values.iter().map(|value| value / scale - mean).collect();
    let whole: f64 = centred.iter().map(|value| value * value).sum();
    let constant = whole <= f64::EPSILON * f64::EPSILON * values.len() as f64;
    (1..=longest)
        .map(|lag| {
            if constant || lag >= centred.len() {
                return 0.0;
            }
            centred[lag..].iter().zip(&centred).map(|(later, earlier)| later * earlier).sum::<f64>() / whole
        })
        .collect()
}

/// What remains of the values over their moving average over one season, centred: for an even season over two halves at
/// the ends. `each` gets every step that has a whole window, and what remains: a ratio, or a difference divided by `scale`.
fn deviations(values: &[f64], season: usize, kind: Kind, scale: f64, mut each: impl FnMut(usize, f64)) {
    let half = season / 2;
    let mut sum = 0.0;
    for step in half..values.len() - half {
        let window = &values[step - half..=step + half];
        // The sum slides along; begun anew once a season, so that rounding does not add up.
        if (step - half).is_multiple_of(season) {
            sum = window.iter().map(|value| value / scale).sum();
        } else {
            sum += window[2 * half] / scale - values[step - half - 1] / scale;
        }
        let ends = if season.is_multiple_of(2) { (window[0] / scale + window[2 * half] / scale) / 2.0 } else { 0.0 };
        let (value, average) = (values[step] / scale, (sum - ends) / season as f64);
        each(step, if kind == Kind::Additive { value - average } else { value / average });
    }
}

/// The power of two at or below the largest size among the values; 1 when all are 0. Dividing by it is exact for all but
/// the tiniest values, keeps sums and squares of huge ones finite, and makes a model that works on the quotients
/// indifferent to the unit.
#[must_use]
pub fn power_of_two_near(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if largest < f64::MIN_POSITIVE {
        return 1.0;
    }
    // Clearing the fraction leaves the power of two.
    f64::from_bits(largest.to_bits() & 0x7ff0_0000_0000_0000)
}

//! The scale on which the effects of seasons and lags add up.

/// A monotone map of the values to numbers around 0 with variance 1, and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    pub(crate) curve: Curve,
    /// What the values are divided by first, so that no square overflows.
    pub(crate) unit: f64,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    /// Positive values: effects multiply.
    Log,
    /// Values that may be 0 but not negative: between adding and multiplying.
    Root,
    /// The rest: effects add.
    Plain,
}

impl Curve {
    pub(crate) const ALL: [Curve; 3] = [Curve::Log, Curve::Root, Curve::Plain];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Curve::Log => "log",
            Curve::Root => "root",
            Curve::Plain => "plain",
        }
    }
}

impl Scale {
    /// `None` for a constant history.
    pub(crate) fn of(values: &[f64]) -> Option<Scale> {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let unit = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let curve = if least > 0.0 {
            Curve::Log
        } else if least == 0.0 {
            Curve::Root
        } else {
            Curve::Plain
        };
        let raw = Scale { curve, unit, mean: 0.0, deviation: 1.0 };
        let count = values.len() as f64;
        let mean = values.iter().map(|&value| raw.forth(value)).sum::<f64>() / count;
        let variance = values.iter().map(|&value| (raw.forth(value) - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt();
        (deviation > 1e-12 && deviation.is_finite()).then_some(Scale { mean, deviation, ..raw })
    }

    pub(crate) fn forth(&self, value: f64) -> f64 {
        let value = value / self.unit;
        let curved = match self.curve {
            // A later history may hold what the earlier one did not.
            Curve::Log => value.max(1e-9).ln(),
            Curve::Root => value.max(0.0).sqrt(),
            Curve::Plain => value,
        };
        (curved - self.mean) / self.deviation
    }

    pub(crate) fn back(&self, number: f64) -> f64 {
        let curved = number * self.deviation + self.mean;
        let value = match self.curve {
            Curve::Log => curved.exp(),
            Curve::Root => curved.max(0.0).powi(2),
            Curve::Plain => curved,
        };
        value * self.unit
    }
}

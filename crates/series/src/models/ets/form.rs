//! The forms of exponential smoothing, and which are admissible.

use std::fmt;

/// How the error enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errors {
    Additive,
    /// In proportion to what was expected.
    Relative,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trend {
    None,
    Additive,
    Damped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Season {
    None,
    Additive,
    Multiplicative,
}

/// `ETS(A,Ad,M)`: error, trend, season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) errors: Errors,
    pub(super) trend: Trend,
    pub(super) season: Season,
}

const fn form(errors: Errors, trend: Trend, season: Season) -> Form {
    Form { errors, trend, season }
}

pub(super) const SIMPLE: Form = form(Errors::Additive, Trend::None, Season::None);
pub(super) const LINEAR: Form = form(Errors::Additive, Trend::Additive, Season::None);
pub(super) const DAMPED: Form = form(Errors::Additive, Trend::Damped, Season::None);

/// The forms that are chosen from, by season, error and trend. An additive error with a multiplicative season is not
/// admissible: its variance has no bound (Hyndman et al. 2008, section 15.3). Trends are damped, and neither straight nor
/// multiplicative: over more than a few steps these go on for too long (Gardner 2006, *Exponential smoothing: the state of
/// the art, part II*, section 3.3), and a phi near 1 is as good as a straight one where it is needed.
pub(super) const CHOSEN_FROM: [Form; 10] = [
    SIMPLE,
    DAMPED,
    form(Errors::Relative, Trend::None, Season::None),
    form(Errors::Relative, Trend::Damped, Season::None),
    form(Errors::Additive, Trend::None, Season::Additive),
    form(Errors::Additive, Trend::Damped, Season::Additive),
    form(Errors::Relative, Trend::None, Season::Additive),
    form(Errors::Relative, Trend::Damped, Season::Additive),
    form(Errors::Relative, Trend::None, Season::Multiplicative),
    form(Errors::Relative, Trend::Damped, Season::Multiplicative),
];

impl Form {
    pub(super) fn trended(self) -> bool {
        self.trend != Trend::None
    }

    pub(super) fn seasonal(self) -> bool {
        self.season != Season::None
    }

    /// Whether values at or below 0 are beyond it.
    pub(super) fn needs_positive(self) -> bool {
        self.errors == Errors::Relative || self.season == Season::Multiplicative
    }

    /// Weights and first states that are searched; `period` is the length of the season.
    pub(super) fn variables(self, period: usize) -> usize {
        self.weights() + 1 + usize::from(self.trended()) + if self.seasonal() { period - 1 } else { 0 }
    }

    /// Smoothing constants that are searched.
    pub(super) fn weights(self) -> usize {
        1 + usize::from(self.trended()) + usize::from(self.seasonal()) + usize::from(self.trend == Trend::Damped)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = match self.errors {
            Errors::Additive => "A",
            Errors::Relative => "M",
        };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Season::None => "N",
            Season::Additive => "A",
            Season::Multiplicative => "M",
        };
        write!(f, "ETS({errors},{trend},{season})")
    }
}

//! What happens after a forecast: drift when actuals arrive, champion against challenger, the breaker.
//!
//! Pure functions of numbers and records; who stores and who acts is the caller's.

use serde::{Deserialize, Serialize};

/// A step of a forecast whose actual value has arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrived {
    /// 1 for the first step of the forecast.
    pub step: usize,
    /// What was said.
    pub forecast: f64,
    /// What came.
    pub actual: f64,
}

/// When a forecast is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Refit {
    /// Times the backtest's error that the error since must exceed.
    pub when_error: f64,
    /// Values that must have arrived before anything is concluded.
    pub least_values: usize,
}

impl Default for Refit {
    fn default() -> Self {
        Self { when_error: 1.3, least_values: 12 }
    }
}

/// What the errors say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Drift {
    /// Too few values have arrived, or there was no backtest to compare with.
    Unknown,
    /// The errors are those of the backtest.
    Steady {
        /// Error over that of the backtest for the same steps.
        ratio: f64,
    },
    /// The errors have grown: refit.
    Drifted {
        /// Error over that of the backtest for the same steps.
        ratio: f64,
    },
}

/// Errors that arrived since the models were chosen, beside those that the backtest expected at the same steps. What arrives forecast
/// by forecast is added up, so that forecasts made anew every hour are judged as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The sum of absolute errors.
    pub seen: f64,
    /// The sum of the backtest's errors at the same steps of the horizon.
    pub expected: f64,
    /// Values in both.
    pub values: usize,
}

impl Tally {
    /// Adds what arrived. `errors_by_step` is the choice's: far steps, which err more, do not look like drift.
    #[must_use]
    pub fn and(mut self, arrived: &[Arrived], errors_by_step: &[f64]) -> Self {
        for step in arrived {
            let usual = step.step.checked_sub(1).and_then(|place| errors_by_step.get(place));
            if let Some(usual) = usual.filter(|usual| usual.is_finite()) {
                self.seen += (step.forecast - step.actual).abs();
                self.expected += usual;
                self.values += 1;
            }
        }
        self
    }

    /// What the errors say.
    #[must_use]
    pub fn drift(&self, rule: &Refit) -> Drift {
        if self.values < rule.least_values.max(1) {
            return Drift::Unknown;
        }
        let ratio = self.ratio();
        if ratio > rule.when_error { Drift::Drifted { ratio } } else { Drift::Steady { ratio } }
    }

    /// Errors over those expected; of a backtest without error, any error is more.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        match (self.expected > 0.0, self.seen > 0.0) {
            (true, _) => self.seen / self.expected,
            (false, true) => f64::MAX,
            (false, false) => 1.0,
        }
    }
}

/// How much better a challenger must be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Duel {
    /// The challenger's error must be below so many times the champion's: a change that gains nothing costs trust.
    pub margin: f64,
    /// Values on which both are compared, at least.
    pub least_values: usize,
}

impl Default for Duel {
    fn default() -> Self {
        Self { margin: 0.97, least_values: 12 }
    }
}

/// The record of a duel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Who was live.
    pub champion: String,
    /// Who came.
    pub challenger: String,
    /// Mean absolute errors on the same values, champion first.
    pub errors: (f64, f64),
    /// Values compared.
    pub values: usize,
    /// Whether the challenger is live now.
    pub replaced: bool,
    /// In half a sentence.
    pub why: String,
}

/// Compares two forecasters on the same values: pairs of absolute errors, champion first.
#[must_use]
pub fn duel(champion: &str, challenger: &str, errors: &[(f64, f64)], rule: &Duel) -> Outcome {
    let kept: Vec<(f64, f64)> =
        errors.iter().copied().filter(|(left, right)| left.is_finite() && right.is_finite()).collect();
    let count = kept.len();
    let mean =
        |of: fn(&(f64, f64)) -> f64| if count == 0 { 0.0 } else { kept.iter().map(of).sum::<f64>() / count as f64 };
    let (old, new) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (replaced, why) = if count < rule.least_values.max(1) {
        (false, format!("{count} values are too few to compare on"))
    } else if new < rule.margin * old {
        (true, "the challenger errs less".to_owned())
    } else {
        (false, "the challenger does not err clearly less".to_owned())
    };
    Outcome {
        champion: champion.to_owned(),
        challenger: challenger.to_owned(),
        errors: (old, new),
        values: count,
        replaced,
        why,
    }
}

/// When a forecast is held because the world has stepped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// Times the usual error (of the earlier origins) that the latest error must exceed to trip.
    pub trips_at: f64,
    /// Times the usual error at which it counts as recovered, errors taken as a share of the values: after a step down, small errors
    /// may still be large beside the forecast.
    pub recovers_at: f64,
    /// Values of the live forecast that must have come before it says anything.
    pub least_values: usize,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { trips_at: 3.0, recovers_at: 2.0, least_values: 12 }
    }
}

/// Whether forecasts are live.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// They are.
    Live,
    /// The world has stepped; the last good one stays.
    Held {
        /// What was usual before the step: what the new regime is measured with.
        usual: Usual,
    },
}

impl State {
    /// What holds before a run, by what became of the forecast that is live: while it is as far from what came as trips the breaker, the
    /// world is another than the one it was made for. `usual` is what its run's [`Judgement`] said. So nothing needs to be remembered of
    /// forecasts that were held.
    #[must_use]
    pub fn of_live(usual: Option<Usual>, arrived: &Tally, rule: &Breaker) -> Self {
        match usual {
            Some(usual) if arrived.values >= rule.least_values.max(1) && arrived.ratio() > rule.trips_at => {
                Self::Held { usual }
            }
            _ => Self::Live,
        }
    }
}

/// What a run's backtest says about the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What holds from now on.
    pub state: State,
    /// The latest error over the usual one, by size; none without a backtest of at least three origins.
    pub ratio: Option<f64>,
    /// Whether it tripped or recovered just now.
    pub changed: bool,
    /// The usual error now, over the earlier origins; none without a ratio. What a later [`State::Held`] is made of.
    pub usual: Option<Usual>,
    /// In a sentence, for people.
    pub why: String,
}

/// How large errors usually are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// The median over origins of the mean absolute error.
    pub error: f64,
    /// The same over the mean absolute value.
    pub share: f64,
}

/// Origins whose errors are too few or too near to say what is usual.
const LEAST_ORIGINS: usize = 3;

/// What a judgement is made of: a backtest as it was run.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Measured minus forecast, per origin and step.
    pub residuals: &'a [Vec<f64>],
    /// Values known at each origin, ascending.
    pub origins: &'a [usize],
    /// The values, NaN where nothing was measured.
    pub actual: &'a [f64],
    /// The season in steps; 1 without one.
    pub season: usize,
}

/// Judges a series by its latest backtest and the state after the run before.
///
/// The usual error is the median of the earlier origins. It trips when the median of the last quarter of the origins is far above the
/// usual: a day that nobody foresaw is no other world. It recovers when the largest of the latest errors, as a share of the values, is near the usual share of before the step;
/// or, where values have become so small that noise is a large share of them, when it is no larger than that of
/// the value a season before.
#[must_use]
pub fn judge(before: State, evidence: &Evidence<'_>, rule: &Breaker) -> Judgement {
    let errors: Vec<(usize, f64)> = evidence
        .residuals
        .iter()
        .zip(evidence.origins)
        .map(|(row, &origin)| (origin, mean_size(row)))
        .filter(|&(origin, error)| error.is_finite() && origin < evidence.actual.len())
        .collect();
    if errors.len() < LEAST_ORIGINS {
        let why = "too few origins to judge by".to_owned();
        return Judgement { state: before, ratio: None, changed: false, usual: None, why };
    }
    let (earlier, latest) = errors.split_at(errors.len() - (errors.len() / 4).max(1));
    // Where most origins make no error at all, the mean of those that do says more than nothing.
    let usual_now = match crate::robust::median(earlier.iter().map(|(_, error)| *error)) {
        median if median > 0.0 => median,
        _ => earlier.iter().map(|(_, error)| error).sum::<f64>() / earlier.len() as f64,
    };
    let largest = latest.iter().map(|(_, error)| error).fold(0.0_f64, |most, &error| most.max(error));
    let typical = crate::robust::median(latest.iter().map(|(_, error)| *error));
    let (past, recent) = evidence.actual.split_at(latest[0].0);
    let now = Usual { error: usual_now, share: over(usual_now, mean_size(past)) };
    let (state, ratio, why) = match before {
        State::Live => {
            let ratio = over(typical, usual_now);
            if ratio > rule.trips_at {
                let state = State::Held { usual: now };
                (state, ratio, format!("the latest errors are {ratio:.1} times the usual: the world has stepped"))
            } else {
                (before, ratio, "errors are as usual".to_owned())
            }
        }
        State::Held { usual } => {
            let by_share = over(over(largest, mean_size(recent)), usual.share);
            let season = evidence.season.max(1);
            let changes: Vec<f64> = (latest[0].0.max(season)..evidence.actual.len())
                .map(|step| evidence.actual[step] - evidence.actual[step - season])
                .collect();
            let small = over(largest, usual.error) <= rule.recovers_at && largest <= mean_size(&changes);
            if by_share <= rule.recovers_at || small {
                (State::Live, by_share, "the backtest on the new regime passes: recovered".to_owned())
            } else {
                (
                    before,
                    by_share,
                    format!("held: the latest errors are {by_share:.1} times the usual share of the values"),
                )
            }
        }
    };
    Judgement { changed: state != before, state, ratio: Some(ratio), usual: Some(now), why }
}

/// The mean absolute value of what is there.
fn mean_size(values: &[f64]) -> f64 {
    let (sum, count) = values
        .iter()
        .filter(|value| !value.is_nan())
        .fold((0.0, 0.0), |(sum, count), value| (sum + value.abs(), count + 1.0));
    sum / count
}

/// A ratio that is 0 over nothing when there is nothing.
fn over(above: f64, below: f64) -> f64 {
    if below > 0.0 {
        above / below
    } else if above > 0.0 {
        f64::MAX
    } else {
        0.0
    }
}

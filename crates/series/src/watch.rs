//! What happens after a forecast: errors when actuals arrive, drift, champion against challenger, the breaker.
//!
//! Pure functions of numbers and records; who stores and who acts is the caller's.

use serde::{Deserialize, Serialize};

use crate::accuracy;

/// A step of a forecast whose actual value has arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// 1 for the first step of the forecast.
    pub step: usize,
    /// What was said.
    pub forecast: f64,
    /// Low and high end per level.
    pub bands: Vec<(f64, f64)>,
    /// What came.
    pub actual: f64,
}

/// Errors of a series' forecast, over some steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Values that arrived.
    pub values: usize,
    /// Mean absolute error, in the unit of the series.
    pub error: f64,
    /// Mean of forecast minus actual.
    pub bias: f64,
    /// Percent of the actual values inside the interval of each level.
    pub coverage: Vec<f64>,
}

/// The score over these values; none without any.
#[must_use]
pub fn score(arrived: &[Arrived]) -> Option<Score> {
    let levels = arrived.first()?.bands.len();
    let actual: Vec<f64> = arrived.iter().map(|step| step.actual).collect();
    let forecast: Vec<f64> = arrived.iter().map(|step| step.forecast).collect();
    let coverage = (0..levels)
        .map(|level| {
            let band = |step: &Arrived| step.bands.get(level).copied().unwrap_or((f64::NAN, f64::NAN));
            let (low, high): (Vec<f64>, Vec<f64>) = arrived.iter().map(band).unzip();
            100.0 * accuracy::coverage(&actual, &low, &high)
        })
        .collect();
    Some(Score {
        values: arrived.len(),
        error: accuracy::mae(&actual, &forecast),
        bias: accuracy::bias(&actual, &forecast),
        coverage,
    })
}

/// One score per step of the horizon that has values, ascending.
#[must_use]
pub fn score_by_step(arrived: &[Arrived]) -> Vec<(usize, Score)> {
    let mut sorted = arrived.to_vec();
    sorted.sort_by_key(|step| step.step);
    sorted
        .chunk_by(|left, right| left.step == right.step)
        .filter_map(|group| Some((group[0].step, score(group)?)))
        .collect()
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

/// Compares the errors that arrived with those of the backtest at the same steps of the horizon (`errors_by_step` of the choice), so
/// that far steps, which err more, do not look like drift.
#[must_use]
pub fn drift(arrived: &[Arrived], errors_by_step: &[f64], rule: &Refit) -> Drift {
    let (mut seen, mut expected, mut count) = (0.0, 0.0, 0);
    for step in arrived {
        let usual = step.step.checked_sub(1).and_then(|place| errors_by_step.get(place));
        if let Some(usual) = usual.filter(|usual| usual.is_finite()) {
            seen += (step.forecast - step.actual).abs();
            expected += usual;
            count += 1;
        }
    }
    if count < rule.least_values.max(1) {
        return Drift::Unknown;
    }
    // A backtest without error: any error is more.
    let ratio = if expected > 0.0 {
        seen / expected
    } else if seen > 0.0 {
        f64::MAX
    } else {
        1.0
    };
    if ratio > rule.when_error { Drift::Drifted { ratio } } else { Drift::Steady { ratio } }
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
}

impl Default for Breaker {
    fn default() -> Self {
        Self { trips_at: 3.0, recovers_at: 2.0 }
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
        /// The usual error before the step: what the new regime is measured with.
        usual: f64,
        /// The usual error over the mean absolute value before the step.
        usual_share: f64,
    },
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
    /// In a sentence, for people.
    pub why: String,
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
/// The latest error is the largest of the last quarter of the origins, the usual one the median of the others. It trips when the latest
/// is far above the usual. It recovers when the latest error, as a share of the values, is near the usual share of before the step;
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
        return Judgement { state: before, ratio: None, changed: false, why: "too few origins to judge by".to_owned() };
    }
    let (earlier, latest) = errors.split_at(errors.len() - (errors.len() / 4).max(1));
    let usual_now = crate::robust::median(earlier.iter().map(|(_, error)| *error));
    let error = latest.iter().map(|(_, error)| error).fold(0.0_f64, |most, &error| most.max(error));
    let (past, recent) = evidence.actual.split_at(latest[0].0);
    let (state, ratio, why) = match before {
        State::Live => {
            let ratio = over(error, usual_now);
            if ratio > rule.trips_at {
                let state = State::Held { usual: usual_now, usual_share: over(usual_now, mean_size(past)) };
                (state, ratio, format!("the latest errors are {ratio:.1} times the usual: the world has stepped"))
            } else {
                (before, ratio, "errors are as usual".to_owned())
            }
        }
        State::Held { usual, usual_share } => {
            let by_share = over(over(error, mean_size(recent)), usual_share);
            let season = evidence.season.max(1);
            let changes: Vec<f64> = (latest[0].0.max(season)..evidence.actual.len())
                .map(|step| evidence.actual[step] - evidence.actual[step - season])
                .collect();
            let small = over(error, usual) <= rule.recovers_at && error <= mean_size(&changes);
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
    Judgement { changed: state != before, state, ratio: Some(ratio), why }
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

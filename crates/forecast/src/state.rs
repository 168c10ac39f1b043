//! What a forecast leaves for the next one: the choice of a series with its parameters, exact to the last bit, as JSON in the first of its rows.

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_series::choose::Choice;
use lockgate_series::hygiene::Class;
use lockgate_series::watch::{self, Drift, Tally, Usual};
use serde::{Deserialize, Serialize};

use crate::earlier::Earlier;
use crate::settings::Refit;

/// Of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Of the settings and the library that it was made by; others choose anew.
    pub(crate) signature: String,
    /// Of what is forecast: numbers of another quantity are not compared.
    pub(crate) quantity: String,
    /// As in the record of the series.
    pub(crate) start: i64,
    pub(crate) known: Vec<String>,
    /// Steps by which the series ended before the others: so much later the first step of its forecast was.
    pub(crate) late: usize,
    /// When models were last searched, in microseconds of UTC.
    pub(crate) fitted_at: i64,
    pub(crate) class: Class,
    pub(crate) choice: Choice,
    /// What arrived since models were last searched.
    pub(crate) tally: Tally,
    /// How large the errors of its backtest usually were, when it last was as ever.
    pub(crate) usual: Option<Usual>,
    /// What forecasts before said of steps that have not come, oldest first.
    #[serde(default)]
    pub(crate) earlier: Vec<Earlier>,
}

impl State {
    /// `None` for one that nobody here wrote: then it is chosen anew.
    pub(crate) fn read(text: &str) -> Option<State> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Whether models are to be searched again. `tally` holds what arrived until now.
    pub(crate) fn is_due(&self, refit: &Refit, tally: &Tally, as_of: DateTime<Utc>) -> bool {
        let fitted = DateTime::from_timestamp_micros(self.fitted_at).unwrap_or_default();
        let is_old = refit.every.is_some_and(|every: TimeDelta| as_of.signed_duration_since(fitted) >= every);
        let has_drifted = refit.when_error.is_some_and(|when_error| {
            let rule = watch::Refit { when_error, ..watch::Refit::default() };
            matches!(tally.drift(&rule), Drift::Drifted { .. })
        });
        is_old || has_drifted
    }
}

//! One series: its forecast, after the one that is live, and what is told of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_series::axis::Axis;
use lockgate_series::backtest;
use lockgate_series::batch::{self, Before, One, Raw, Record, Row, Shared};
use lockgate_series::calendar::{Columns, Country, columns as calendar_columns};
use lockgate_series::choose::{self, Pool};
use lockgate_series::hygiene::{Merge, Profile};
use lockgate_series::watch::{self, Arrived, Breaker, Duel, Evidence, Outcome, Tally};
use lockgate_series::{Known, Tier};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::earlier::{self, Earlier, Expected, STEPS, rounded};
use crate::history::OfSeries;
use crate::settings::Settings;
use crate::state::State;

/// What is written of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// One per step; none for a series that is over.
    pub(crate) rows: Vec<Row>,
    pub(crate) record: Record,
    /// When its models were searched, in microseconds of UTC.
    pub(crate) fitted_at: i64,
    /// How the models before did against new ones, when they were compared in this build.
    pub(crate) duel: Option<Outcome>,
    /// Columns of `regressors` that are not known over the whole horizon, and were done without.
    pub(crate) unknown: Vec<String>,
    /// Whether the latest errors of the backtest are as large as usual; `None` without enough origins.
    pub(crate) steady: Option<bool>,
    /// Per row what the live forecast says of the same time.
    pub(crate) live: Vec<Option<f64>>,
    /// Per step of the horizon how a forecast before did so many steps ahead; `None` where nothing has arrived.
    pub(crate) scored: Vec<Option<Scored>>,
    /// What its models would have said in the past, per origin of the backtest.
    pub(crate) tested: Vec<Tested>,
    /// For the next forecast.
    pub(crate) state: Option<String>,
}

/// What would have been said at an origin of the backtest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tested {
    /// Times of its first and its last step.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// The mean absolute error; `None` where nothing was measured.
    pub(crate) error: Option<f64>,
    pub(crate) said: Vec<f64>,
}

/// A step that was forecast before and whose value has arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scored {
    pub(crate) forecast: f64,
    pub(crate) actual: f64,
    /// Per level whether the value lies in the interval; `None` where there was no such interval.
    pub(crate) covered: Vec<Option<bool>>,
}

/// How every series of a build is forecast.
pub(crate) struct Forecaster<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) batch: &'a batch::Settings,
    pub(crate) clock: Clock,
    /// The step on which most series end.
    pub(crate) last: i64,
    pub(crate) pool: &'a Pool<'a>,
    /// What series look like, for those that have less than a season.
    pub(crate) profile: Option<&'a Profile>,
    /// Of the settings and the library; see [`State::signature`].
    pub(crate) signature: &'a str,
    /// See [`State::quantity`].
    pub(crate) quantity: &'a str,
    pub(crate) as_of: DateTime<Utc>,
    /// Go on from nothing, whatever the live forecast left.
    pub(crate) anew: bool,
}

impl Forecaster<'_> {
    /// Alone, on an axis of its own: whatever shares its chunk changes nothing. `tier` is what the time budget allows; of a sum, all
    /// values of a step are added.
    pub(crate) fn one(&self, of: &OfSeries, is_sum: bool, tier: Tier) -> Told {
        let choose = choose::Settings { tier, ..self.batch.choose.clone() };
        let mut batch = batch::Settings { choose, ..self.batch.clone() };
        if is_sum {
            batch.hygiene.duplicates = Merge::Sum;
        }
        let offset = self.clock.offset();
        let axis = self.clock.axis(offset.as_ref()).in_phase(of.points.iter().map(|point| point.time));
        let mut shared = Shared::new(axis, self.pool);
        shared.until = self.clock.until;
        shared.last = Some(self.last);
        shared.profile = self.profile.filter(|_| !is_sum);
        let mut before = of.state.as_deref().and_then(State::read);
        let same = before.as_ref().is_some_and(|state| state.quantity == self.quantity);
        let live: Vec<Expected> = of.said.iter().filter(|_| same).map(|said| said.on(&axis)).collect();
        let earlier = before.as_mut().filter(|_| same).map(|state| std::mem::take(&mut state.earlier));
        let earlier = earlier.unwrap_or_default();
        let came = if same { Some(batch::cleaned(&of.points, &shared, &batch)) } else { None };
        let came = |index: i64| -> Option<f64> {
            let series = came.as_ref()?;
            let place = usize::try_from(index - series.first).ok()?;
            series.actual.get(place).copied().filter(|value| !value.is_nan())
        };
        let late = before.as_ref().map_or(0, |state| state.late);
        let state = before.filter(|state| !self.anew && state.signature == self.signature);
        let mut arrived: Vec<Arrived> = Vec::new();
        for said in &live {
            // The backtest counts from the end of the history; a late series is forecast from further on.
            let step = said.step + late;
            arrived.extend(came(said.index).map(|actual| Arrived { step, forecast: said.forecast, actual }));
        }
        let expected = state.as_ref().map_or(&[][..], |state| &state.choice.errors_by_step);
        let tally = state.as_ref().map_or(Tally::default(), |state| state.tally).and(&arrived, expected);
        let before = state.as_ref().zip(self.settings.refit.as_ref()).map(|(state, refit)| {
            let due = state.is_due(refit, &tally, self.as_of);
            Before {
                class: state.class,
                start: state.start,
                known: &state.known,
                choice: &state.choice,
                refit: due.then(Duel::default),
            }
        });
        let columns = KnownColumns { settings: self.settings, axis: &axis, of };
        let known = |first: i64, steps: usize| columns.from(first, steps);
        if self.settings.country.is_some() || !self.settings.regressors.is_empty() {
            shared.known = Some(&known);
        }
        let one = batch::one_after(&Raw { name: "", points: &of.points }, before, &shared, &batch);
        let held_by = watch::State::of_live(
            state.as_ref().and_then(|state| state.usual),
            &Tally::default().and(&arrived, expected),
            &breaker(expected),
        );
        let judged = judge(&one, held_by, &breaker(expected));
        let steady = judged.as_ref().map(|judged| judged.state == watch::State::Live);
        let usual_before = state.as_ref().and_then(|state| state.usual);
        let usual_now = judged.and_then(|judged| judged.usual);
        let fitted_at = match state.as_ref().filter(|_| !one.searched) {
            Some(state) => state.fitted_at,
            None => self.as_of.timestamp_micros(),
        };
        let left = State {
            signature: self.signature.to_owned(),
            quantity: self.quantity.to_owned(),
            start: one.record.start,
            known: one.record.known.clone(),
            late: one.series.late,
            fitted_at,
            class: one.record.class,
            choice: one.record.choice.clone(),
            tally: if one.searched { Tally::default() } else { tally },
            usual: if steady == Some(false) { usual_before.or(usual_now) } else { usual_now.or(usual_before) },
            earlier: earlier::left(&earlier, &live, &self.settings.levels, self.settings.horizon, one.series.next()),
        };
        // A series without a history has nothing that columns could explain.
        let unknown = match one.series.values.is_empty() {
            true => Vec::new(),
            false => columns.unknown(one.series.first, one.series.values.len() + one.series.late + batch.horizon),
        };
        Told {
            live: live_at(&one.rows, &live, &axis),
            scored: self.scored(&live, &earlier, came),
            tested: tested(&one, &axis),
            fitted_at,
            unknown,
            steady,
            state: left.write(),
            duel: one.duel,
            rows: one.rows,
            record: one.record,
        }
    }

    /// Of several forecasts that said a step so far ahead, the latest counts.
    fn scored(&self, live: &[Expected], earlier: &[Earlier], came: impl Fn(i64) -> Option<f64>) -> Vec<Option<Scored>> {
        let mut scored = vec![None; self.settings.horizon];
        let before = earlier.iter().rev().flat_map(|earlier| earlier.expected(&self.settings.levels));
        for said in live.iter().cloned().chain(before) {
            let place = said.step.checked_sub(1).and_then(|place| scored.get_mut(place));
            if let Some((place, actual)) = place.filter(|place| place.is_none()).zip(came(said.index)) {
                let covered = |band: &Option<(f64, f64)>| band.map(|(low, high)| low <= actual && actual <= high);
                let covered = said.bands.iter().map(covered).collect();
                *place = Some(Scored { forecast: said.forecast, actual, covered });
            }
        }
        scored
    }
}

/// What the live forecast says of the times of these rows.
fn live_at(rows: &[Row], live: &[Expected], axis: &Axis<'_>) -> Vec<Option<f64>> {
    let by_step: BTreeMap<i64, f64> = live.iter().map(|said| (said.index, said.forecast)).collect();
    rows.iter().map(|row| by_step.get(&axis.index(row.time)).copied()).collect()
}

/// What the backtest said, as it can be drawn.
fn tested(one: &One, axis: &Axis<'_>) -> Vec<Tested> {
    let Some((chosen, plan)) = one.chosen.as_ref().and_then(|chosen| Some((chosen, chosen.plan.as_ref()?))) else {
        return Vec::new();
    };
    let most = (STEPS / plan.horizon.clamp(1, STEPS)).max(1);
    let origins = plan.origins.iter().zip(&chosen.backtest).zip(&chosen.residuals);
    let origins = origins.skip(plan.origins.len().saturating_sub(most));
    let of = |((&origin, said), residuals): ((&usize, &Vec<f64>), &Vec<f64>)| {
        let first = one.record.start + origin as i64;
        let error =
            Some(backtest::error(std::slice::from_ref(residuals))).filter(|error| error.is_finite()).map(rounded);
        let said: Vec<f64> = said.iter().take(STEPS).map(|value| rounded(*value)).collect();
        Tested { from: axis.time(first), to: axis.time(first + said.len().max(1) as i64 - 1), error, said }
    };
    origins.map(of).collect()
}

/// A short horizon is over before many values have come; no more can come than steps of which an error is expected.
fn breaker(expected: &[f64]) -> Breaker {
    let usual = Breaker::default();
    let most = expected.iter().filter(|error| error.is_finite()).count();
    Breaker { least_values: usual.least_values.min(most), ..usual }
}

/// Whether the world has stepped, by the backtest; `None` without enough of one.
fn judge(one: &One, before: watch::State, rule: &Breaker) -> Option<watch::Judgement> {
    let chosen = one.chosen.as_ref()?;
    let evidence = Evidence {
        residuals: &chosen.residuals,
        origins: &chosen.plan.as_ref()?.origins,
        actual: one.series.measured(),
        season: one.record.seasons.first().copied().unwrap_or(1),
    };
    let judged = watch::judge(before, &evidence, rule);
    judged.ratio.is_some().then_some(judged)
}

/// What is known in advance: holidays, and the columns of `regressors`.
struct KnownColumns<'a> {
    settings: &'a Settings,
    axis: &'a Axis<'a>,
    of: &'a OfSeries,
}

impl KnownColumns<'_> {
    /// Over so many steps, the horizon at their end; `None` where nothing is known.
    fn from(&self, first: i64, steps: usize) -> Option<Known> {
        let mut known =
            self.settings.country.and_then(|country| self.holidays(country, first, steps)).unwrap_or_default();
        for (name, column) in self.settings.regressors.iter().zip(self.columns(first, steps)) {
            if let Some(column) = column {
                known.names.push(name.clone());
                known.columns.push(column);
            }
        }
        (!known.names.is_empty()).then_some(known)
    }

    fn holidays(&self, country: Country, first: i64, steps: usize) -> Option<Known> {
        let what = Columns { country: Some(country), ..Columns::default() };
        calendar_columns(&what, self.axis, first, steps.saturating_sub(self.settings.horizon), steps)
    }

    /// The columns of `regressors` that are not known over the whole horizon.
    fn unknown(&self, first: i64, steps: usize) -> Vec<String> {
        let columns = self.settings.regressors.iter().zip(self.columns(first, steps));
        columns.filter(|(_, column)| column.is_none()).map(|(name, _)| name.clone()).collect()
    }

    /// Per regressor a value for each step; `None` for one that is not known over the whole horizon. In the past, a step without one has
    /// that before it.
    fn columns(&self, first: i64, steps: usize) -> Vec<Option<Vec<f64>>> {
        let (times, columns) = &self.of.known;
        let places: Vec<Option<usize>> =
            times.iter().map(|&time| usize::try_from(self.axis.index(time) - first).ok()).collect();
        let of_column = |column: &Vec<f64>| {
            let mut values = vec![f64::NAN; steps];
            for (place, value) in places.iter().zip(column) {
                if let Some(slot) = place.and_then(|place| values.get_mut(place))
                    && value.is_finite()
                {
                    *slot = *value;
                }
            }
            let ahead = steps.saturating_sub(self.settings.horizon);
            if values[ahead..].iter().any(|value| value.is_nan()) {
                return None;
            }
            let mut last = values.iter().copied().find(|value| !value.is_nan())?;
            for value in &mut values {
                if value.is_nan() {
                    *value = last;
                }
                last = *value;
            }
            Some(values)
        };
        match columns.is_empty() {
            true => vec![None; self.settings.regressors.len()],
            false => columns.iter().map(of_column).collect(),
        }
    }
}

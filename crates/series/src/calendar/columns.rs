//! Days as known columns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::date::{Date, weekday};
use super::holidays::Country;
use crate::axis::{Axis, Step};
use crate::model::Known;

/// Which columns are made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// Public holidays of a country: a column for each that falls into the history at least twice, one for the others together, one
    /// for the days before and one for the days after.
    pub country: Option<Country>,
    /// A column per weekday but Monday, for daily series without a weekly season.
    pub weekdays: bool,
    /// Working days per step, for steps of weeks and longer: not weekends, not holidays.
    pub working_days: bool,
}

/// Columns for `steps` steps from step number `first`, of which the first `history` are known history. Nothing for an integer axis, or
/// when no column is asked for. Steps of up to a day have 1 where the day is such a day; longer ones count such days.
#[must_use]
pub fn columns(what: &Columns, axis: &Axis<'_>, first: i64, history: usize, steps: usize) -> Option<Known> {
    let days = (first..first + steps as i64).map(|index| days(axis, index)).collect::<Option<Vec<_>>>()?;
    let (from, until) = (days.first()?.0, days.last()?.1);
    let mut known = Known::default();
    let holidays: BTreeMap<i64, &'static str> =
        what.country.map(|country| spanning(country, from, until)).unwrap_or_default();
    let mut push = |name: String, is: &dyn Fn(i64) -> bool| {
        let column: Vec<f64> =
            days.iter().map(|&(from, until)| (from..until).filter(|&day| is(day)).count() as f64).collect();
        if column.iter().any(|&value| value != column[0]) {
            known.names.push(name);
            known.columns.push(column);
        }
    };
    if what.country.is_some() {
        let counted = |name: &str| {
            let learnt = days[..history.min(days.len())].iter();
            learnt.filter(|&&(from, until)| holidays.range(from..until).any(|(_, holiday)| *holiday == name)).count()
        };
        let mut names: Vec<&'static str> = holidays.values().copied().collect();
        names.sort_unstable();
        names.dedup();
        // By hours, a holiday that is seen twice is seen in 48 steps.
        let per_day = match axis.step {
            Step::Micros(micros) => (crate::axis::DAY / micros.max(1)).max(1) as usize,
            _ => 1,
        };
        let (own, rest): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| counted(name) >= 2 * per_day);
        for name in own {
            push(format!("holiday {name}"), &|day| holidays.get(&day) == Some(&name));
        }
        push("holiday other".to_owned(), &|day| holidays.get(&day).is_some_and(|name| rest.contains(name)));
        if matches!(axis.step, Step::Micros(_) | Step::Days(1)) {
            let free = |day: i64| holidays.contains_key(&day);
            push("day before a holiday".to_owned(), &|day| !free(day) && free(day + 1));
            push("day after a holiday".to_owned(), &|day| !free(day) && free(day - 1));
        }
    }
    if what.weekdays {
        for (place, name) in
            ["tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].into_iter().enumerate()
        {
            push(name.to_owned(), &|day| weekday(day) as usize == place + 1);
        }
    }
    if what.working_days {
        push("working days".to_owned(), &|day| weekday(day) < 5 && !holidays.contains_key(&day));
    }
    (!known.names.is_empty()).then_some(known)
}

/// The days of a step, from and until; a step within a day has that day.
fn days(axis: &Axis<'_>, index: i64) -> Option<(i64, i64)> {
    let from = axis.day(index)?;
    let until = match axis.step {
        Step::Micros(_) => from + 1,
        _ => axis.day(index + 1)?.max(from + 1),
    };
    Some((from, until))
}

/// The holidays of all years that a span of days touches, the days around it included.
fn spanning(country: Country, from: i64, until: i64) -> BTreeMap<i64, &'static str> {
    let years = Date::from_days(from - 1).year..=Date::from_days(until + 1).year + 1;
    years.flat_map(|year| country.holidays(year)).map(|holiday| (holiday.day, holiday.name)).collect()
}

//! From instants to the steps of a regular series and back.
//!
//! A step is either a fixed span, a number of calendar days or months of the local clock, or an integer. Steps are numbered from
//! 1970 (integers: from 0), so that the same instant has the same number in every series.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::calendar::Date;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// Microseconds of a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;
/// Instants further out than this (about 140,000 years) are not counted in steps but pinned to it, so that nothing overflows.
const FAR: i64 = i64::MAX / 2;

/// The distance between two values of a series. Written `15m`, `1h`, `1d`, `1w`, `1mo`, `1q`, `1y`, or a bare number for an integer axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Step {
    /// A fixed number of microseconds.
    Micros(i64),
    /// Days of the local clock; whole weeks start on a Monday.
    Days(u32),
    /// Months of the local calendar, counted from January.
    Months(u32),
    /// Time is a number that is not an instant.
    Integer(u32),
}

/// A step that is not one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a step: write a number and s, m, h, d, w, mo, q or y (15m, 1h, 1mo), or a bare number for integer time"
)]
pub struct NotAStep(String);

impl FromStr for Step {
    type Err = NotAStep;

    fn from_str(text: &str) -> Result<Self, NotAStep> {
        let wrong = || NotAStep(text.to_owned());
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let count: u32 = if number.is_empty() { 1 } else { number.parse().map_err(|_| wrong())? };
        // A thousand years of anything is longer than any series, and keeps every product below in range.
        if count == 0 || count > 1_000_000 {
            return Err(wrong());
        }
        let fixed = |unit: i64| Ok(Self::Micros(i64::from(count) * unit));
        match unit.trim() {
            "s" => fixed(SECOND),
            "m" | "min" => fixed(MINUTE),
            "h" => fixed(HOUR),
            "d" => Ok(Self::Days(count)),
            "w" => Ok(Self::Days(count * 7)),
            "mo" => Ok(Self::Months(count)),
            "q" => Ok(Self::Months(count * 3)),
            "y" => Ok(Self::Months(count * 12)),
            "" if !number.is_empty() => Ok(Self::Integer(count)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Micros(micros) if micros % HOUR == 0 => write!(f, "{}h", micros / HOUR),
            Self::Micros(micros) if micros % MINUTE == 0 => write!(f, "{}m", micros / MINUTE),
            Self::Micros(micros) => write!(f, "{}s", micros / SECOND),
            Self::Days(days) if days % 7 == 0 => write!(f, "{}w", days / 7),
            Self::Days(days) => write!(f, "{days}d"),
            Self::Months(months) if months % 12 == 0 => write!(f, "{}y", months / 12),
            Self::Months(months) if months % 3 == 0 => write!(f, "{}q", months / 3),
            Self::Months(months) => write!(f, "{months}mo"),
            Self::Integer(count) => write!(f, "{count}"),
        }
    }
}

impl TryFrom<String> for Step {
    type Error = NotAStep;

    fn try_from(text: String) -> Result<Self, NotAStep> {
        text.parse()
    }
}

impl From<Step> for String {
    fn from(step: Step) -> Self {
        step.to_string()
    }
}

impl Step {
    /// The step that most neighbouring instants (microseconds, or integers when `instants` is false) are apart; days and months are
    /// recognised by the calendar. Nothing when there are fewer than two different times.
    #[must_use]
    pub fn infer(times: &[i64], instants: bool) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for pair in sorted.windows(2) {
            *counts.entry(pair[1].saturating_sub(pair[0])).or_default() += 1;
        }
        // The commonest distance; the shorter of two that are equally common.
        let (&apart, _) = counts.iter().max_by_key(|&(apart, count)| (*count, std::cmp::Reverse(*apart)))?;
        if !instants {
            return u32::try_from(apart).ok().map(Self::Integer);
        }
        if apart % DAY != 0 {
            return Some(Self::Micros(apart));
        }
        let days = apart / DAY;
        let months = match days {
            28..=31 => 1,
            59..=62 => 2,
            89..=92 => 3,
            181..=184 => 6,
            365..=366 => 12,
            _ => return u32::try_from(days).ok().map(Self::Days),
        };
        // Four weeks are not a month: months keep their day (or their end).
        let same_day = |day: i64| Date::from_days(day).day == Date::from_days(sorted[0].div_euclid(DAY)).day;
        let month_end = |day: i64| Date::from_days(day + 1).day == 1;
        let calendar = |&time: &i64| same_day(time.div_euclid(DAY)) || month_end(time.div_euclid(DAY));
        if sorted.iter().all(calendar) { Some(Self::Months(months)) } else { u32::try_from(days).ok().map(Self::Days) }
    }

    /// The seasons that such a step may have, in steps, ascending: a day, a week, a year.
    #[must_use]
    pub fn seasons(self) -> Vec<usize> {
        match self {
            Self::Micros(micros) => {
                let of = |span: i64| if span % micros == 0 { (span / micros) as usize } else { 0 };
                let seasons: Vec<usize> =
                    [HOUR, DAY, 7 * DAY].into_iter().map(of).filter(|&season| season >= 4).collect();
                // Of minutes: the day and the week, not the hour.
                seasons[seasons.len().saturating_sub(2)..].to_vec()
            }
            Self::Days(1) => vec![7, 7 * 52],
            Self::Days(7) => vec![52],
            Self::Months(months) if 12 % months == 0 && months < 12 => vec![12 / months as usize],
            Self::Days(_) | Self::Months(_) | Self::Integer(_) => Vec::new(),
        }
    }
}

/// Microseconds that the local clock is ahead of UTC at an instant.
pub type Offset<'a> = &'a (dyn Fn(i64) -> i64 + Sync);

/// How times become step numbers.
#[derive(Clone, Copy)]
pub struct Axis<'a> {
    /// The distance between two values.
    pub step: Step,
    /// Where in the step a value stands: microseconds after the step's start (integers: numbers). A weekly series of Sundays has
    /// six days here.
    pub phase: i64,
    /// The local clock by which hours, days and months are counted; without it, UTC.
    pub offset: Option<Offset<'a>>,
}

impl fmt::Debug for Axis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axis")
            .field("step", &self.step)
            .field("phase", &self.phase)
            .field("local", &self.offset.is_some())
            .finish()
    }
}

impl<'a> Axis<'a> {
    /// Steps of UTC.
    #[must_use]
    pub fn new(step: Step) -> Self {
        Self { step, phase: 0, offset: None }
    }

    /// Steps of a local clock.
    #[must_use]
    pub fn local(step: Step, offset: Offset<'a>) -> Self {
        Self { step, phase: 0, offset: Some(offset) }
    }

    /// The same axis with the phase that every one of these times has; unchanged when they differ, and for months.
    #[must_use]
    pub fn in_phase(mut self, times: impl IntoIterator<Item = i64>) -> Self {
        self.phase = 0;
        let mut phases = times.into_iter().map(|time| self.local_clock(time) - self.start(self.index(time)));
        if let Some(first) = phases.next()
            && !matches!(self.step, Step::Months(_))
            && phases.all(|phase| phase == first)
        {
            self.phase = first;
        }
        self
    }

    /// The number of the step that holds this time.
    #[must_use]
    pub fn index(&self, time: i64) -> i64 {
        let local = self.local_clock(time);
        match self.step {
            Step::Micros(micros) => local.div_euclid(micros.max(1)),
            Step::Days(days) => (local.div_euclid(DAY) - first_day(days)).div_euclid(i64::from(days.max(1))),
            Step::Months(months) => {
                let date = Date::from_days(local.div_euclid(DAY));
                ((date.year - 1970) * 12 + i64::from(date.month) - 1).div_euclid(i64::from(months.max(1)))
            }
            Step::Integer(count) => local.div_euclid(i64::from(count.max(1))),
        }
    }

    /// The time of a step: its start and the phase, as an instant. A local hour that daylight saving leaves out has the instant
    /// at which the clock is put forward; a doubled one has its first.
    #[must_use]
    pub fn time(&self, index: i64) -> i64 {
        let local = self.start(index) + self.phase;
        let Some(offset) = self.clock() else { return local };
        self.instants(index).first().copied().unwrap_or_else(|| local - offset(local.saturating_sub(DAY)))
    }

    /// Every instant at which the local clock shows this step's start: one, none or two around daylight saving.
    #[must_use]
    pub fn instants(&self, index: i64) -> Vec<i64> {
        let local = self.start(index) + self.phase;
        let Some(offset) = self.clock() else { return vec![local] };
        // No clock is more than a day from UTC, and none is put forward or back twice within two days.
        let (before, after) = (offset(local.saturating_sub(DAY)), offset(local.saturating_add(DAY)));
        let mut instants: Vec<i64> =
            [local - before, local - after].into_iter().filter(|&at| at + offset(at) == local).collect();
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    /// The first local microsecond (integers: number) of a step.
    fn start(&self, index: i64) -> i64 {
        match self.step {
            Step::Micros(micros) => index.saturating_mul(micros),
            Step::Days(days) => {
                (index.saturating_mul(i64::from(days)).saturating_add(first_day(days))).saturating_mul(DAY)
            }
            Step::Months(months) => {
                let months = index.saturating_mul(i64::from(months));
                Date::new(1970 + months.div_euclid(12), months.rem_euclid(12) as u32 + 1, 1).days().saturating_mul(DAY)
            }
            Step::Integer(count) => index.saturating_mul(i64::from(count)),
        }
    }

    /// The instant at which a step is over.
    #[must_use]
    pub fn end(&self, index: i64) -> i64 {
        Axis { phase: 0, ..*self }.time(index.saturating_add(1))
    }

    /// The local day of a step, since 1970-01-01; nothing for integers.
    #[must_use]
    pub fn day(&self, index: i64) -> Option<i64> {
        match self.step {
            Step::Integer(_) => None,
            _ => Some((self.start(index) + self.phase).div_euclid(DAY)),
        }
    }

    fn local_clock(&self, time: i64) -> i64 {
        let time = time.clamp(-FAR, FAR);
        self.clock().map_or(time, |offset| time + offset(time))
    }

    /// The local clock; integers have none.
    fn clock(&self) -> Option<Offset<'a>> {
        self.offset.filter(|_| !matches!(self.step, Step::Integer(_)))
    }
}

/// Days since 1970-01-01 on which step 0 starts: whole weeks start on Monday 1969-12-29.
fn first_day(days: u32) -> i64 {
    if days.is_multiple_of(7) { -3 } else { 0 }
}

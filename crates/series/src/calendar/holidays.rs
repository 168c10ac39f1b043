//! Public holidays by rule: no table ends.
//!
//! Sources: 5 U.S.C. § 6103 (US); Banking and Financial Dealings Act 1971 and proclamations (GB: England and Wales); the laws of all
//! sixteen Länder agree on nine days (DE); Code du travail L3133-1 (FR); Holidays Act, R.S.C. 1985, and the provinces' Labour Day,
//! Family Day and Civic Holiday left out where they differ (CA). One-off days (coronations, jubilees) are not rules and are left out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::date::Date;

/// A country whose holidays are known, by ISO 3166 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Country {
    /// United States, federal.
    Us,
    /// United Kingdom, England and Wales.
    Gb,
    /// Germany, all Länder.
    De,
    /// France, metropolitan.
    Fr,
    /// Canada, federal.
    Ca,
    /// Italy.
    It,
    /// Spain, national.
    Es,
    /// Netherlands.
    Nl,
}

const CODES: [(Country, &str); 8] = [
    (Country::Us, "US"),
    (Country::Gb, "GB"),
    (Country::De, "DE"),
    (Country::Fr, "FR"),
    (Country::Ca, "CA"),
    (Country::It, "IT"),
    (Country::Es, "ES"),
    (Country::Nl, "NL"),
];

/// A country without a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no holidays are known for `{0}`: one of US, GB, DE, FR, CA, IT, ES, NL")]
pub struct UnknownCountry(String);

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(code: &str) -> Result<Self, UnknownCountry> {
        let known = CODES.iter().find(|(_, known)| known.eq_ignore_ascii_case(code.trim()));
        known.map(|&(country, _)| country).ok_or_else(|| UnknownCountry(code.to_owned()))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CODES.iter().find(|(country, _)| country == self).map_or("", |(_, code)| code))
    }
}

impl TryFrom<String> for Country {
    type Error = UnknownCountry;

    fn try_from(code: String) -> Result<Self, UnknownCountry> {
        code.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

/// A holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holiday {
    /// The day since 1970-01-01 on which it is kept: where a fixed day falls on a weekend and the law moves it, the day it is moved to.
    pub day: i64,
    /// Its name, the same in every country that has it.
    pub name: &'static str,
}

/// How a day is found in a year.
#[derive(Clone, Copy)]
enum Rule {
    /// A fixed day.
    On(u32, u32),
    /// Days after Easter Sunday.
    Easter(i64),
    /// The n-th weekday (0 is Monday) of a month.
    Nth(u32, u32, u32),
    /// The last weekday of a month.
    Last(u32, u32),
    /// The last weekday before a day of a month.
    Before(u32, u32, u32),
}

/// What is done with a fixed day on a weekend.
#[derive(Clone, Copy, PartialEq)]
enum Moved {
    /// Nothing.
    Never,
    /// Saturday to Friday, Sunday to Monday.
    Nearest,
    /// To the next working day that is not a holiday already.
    Next,
    /// Sunday to Saturday (the Dutch King's Day).
    Saturday,
}

type Entry = (&'static str, Rule, Moved, i64);

const MONDAY: u32 = 0;
const THURSDAY: u32 = 3;
const ALWAYS: i64 = i64::MIN;

const US: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Nearest, ALWAYS),
    ("martin luther king", Rule::Nth(3, MONDAY, 1), Moved::Never, 1986),
    ("presidents", Rule::Nth(3, MONDAY, 2), Moved::Never, 1971),
    ("memorial", Rule::Last(MONDAY, 5), Moved::Never, 1971),
    ("juneteenth", Rule::On(6, 19), Moved::Nearest, 2021),
    ("independence", Rule::On(7, 4), Moved::Nearest, ALWAYS),
    ("labor", Rule::Nth(1, MONDAY, 9), Moved::Never, ALWAYS),
    ("columbus", Rule::Nth(2, MONDAY, 10), Moved::Never, 1971),
    ("veterans", Rule::On(11, 11), Moved::Nearest, 1978),
    ("thanksgiving", Rule::Nth(4, THURSDAY, 11), Moved::Never, 1942),
    ("christmas", Rule::On(12, 25), Moved::Nearest, ALWAYS),
];

const GB: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Next, 1974),
    ("good friday", Rule::Easter(-2), Moved::Never, ALWAYS),
    ("easter monday", Rule::Easter(1), Moved::Never, ALWAYS),
    ("early may", Rule::Nth(1, MONDAY, 5), Moved::Never, 1978),
    ("spring", Rule::Last(MONDAY, 5), Moved::Never, 1971),
    ("summer", Rule::Last(MONDAY, 8), Moved::Never, 1971),
    ("christmas", Rule::On(12, 25), Moved::Next, ALWAYS),
    ("boxing", Rule::On(12, 26), Moved::Next, ALWAYS),
];

const DE: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Never, ALWAYS),
    ("good friday", Rule::Easter(-2), Moved::Never, ALWAYS),
    ("easter monday", Rule::Easter(1), Moved::Never, ALWAYS),
    ("labour", Rule::On(5, 1), Moved::Never, ALWAYS),
    ("ascension", Rule::Easter(39), Moved::Never, ALWAYS),
    ("whit monday", Rule::Easter(50), Moved::Never, ALWAYS),
    ("german unity", Rule::On(10, 3), Moved::Never, 1990),
    ("christmas", Rule::On(12, 25), Moved::Never, ALWAYS),
    ("boxing", Rule::On(12, 26), Moved::Never, ALWAYS),
];

const FR: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Never, ALWAYS),
    ("easter monday", Rule::Easter(1), Moved::Never, ALWAYS),
    ("labour", Rule::On(5, 1), Moved::Never, ALWAYS),
    ("victory", Rule::On(5, 8), Moved::Never, 1982),
    ("ascension", Rule::Easter(39), Moved::Never, ALWAYS),
    ("whit monday", Rule::Easter(50), Moved::Never, ALWAYS),
    ("bastille", Rule::On(7, 14), Moved::Never, ALWAYS),
    ("assumption", Rule::On(8, 15), Moved::Never, ALWAYS),
    ("all saints", Rule::On(11, 1), Moved::Never, ALWAYS),
    ("armistice", Rule::On(11, 11), Moved::Never, ALWAYS),
    ("christmas", Rule::On(12, 25), Moved::Never, ALWAYS),
];

const CA: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Next, ALWAYS),
    ("good friday", Rule::Easter(-2), Moved::Never, ALWAYS),
    ("victoria", Rule::Before(MONDAY, 5, 25), Moved::Never, 1953),
    ("canada", Rule::On(7, 1), Moved::Next, ALWAYS),
    ("labour", Rule::Nth(1, MONDAY, 9), Moved::Never, ALWAYS),
    ("truth and reconciliation", Rule::On(9, 30), Moved::Next, 2021),
    ("thanksgiving", Rule::Nth(2, MONDAY, 10), Moved::Never, 1957),
    ("remembrance", Rule::On(11, 11), Moved::Next, ALWAYS),
    ("christmas", Rule::On(12, 25), Moved::Next, ALWAYS),
    ("boxing", Rule::On(12, 26), Moved::Next, ALWAYS),
];

const IT: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Never, ALWAYS),
    ("epiphany", Rule::On(1, 6), Moved::Never, ALWAYS),
    ("easter monday", Rule::Easter(1), Moved::Never, ALWAYS),
    ("liberation", Rule::On(4, 25), Moved::Never, 1946),
    ("labour", Rule::On(5, 1), Moved::Never, ALWAYS),
    ("republic", Rule::On(6, 2), Moved::Never, 2001),
    ("assumption", Rule::On(8, 15), Moved::Never, ALWAYS),
    ("all saints", Rule::On(11, 1), Moved::Never, ALWAYS),
    ("immaculate conception", Rule::On(12, 8), Moved::Never, ALWAYS),
    ("christmas", Rule::On(12, 25), Moved::Never, ALWAYS),
    ("boxing", Rule::On(12, 26), Moved::Never, ALWAYS),
];

const ES: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Never, ALWAYS),
    ("epiphany", Rule::On(1, 6), Moved::Never, ALWAYS),
    ("good friday", Rule::Easter(-2), Moved::Never, ALWAYS),
    ("labour", Rule::On(5, 1), Moved::Never, ALWAYS),
    ("assumption", Rule::On(8, 15), Moved::Never, ALWAYS),
    ("national", Rule::On(10, 12), Moved::Never, ALWAYS),
    ("all saints", Rule::On(11, 1), Moved::Never, ALWAYS),
    ("constitution", Rule::On(12, 6), Moved::Never, 1983),
    ("immaculate conception", Rule::On(12, 8), Moved::Never, ALWAYS),
    ("christmas", Rule::On(12, 25), Moved::Never, ALWAYS),
];

const NL: &[Entry] = &[
    ("new year", Rule::On(1, 1), Moved::Never, ALWAYS),
    ("easter monday", Rule::Easter(1), Moved::Never, ALWAYS),
    ("king", Rule::On(4, 27), Moved::Saturday, 2014),
    ("ascension", Rule::Easter(39), Moved::Never, ALWAYS),
    ("whit monday", Rule::Easter(50), Moved::Never, ALWAYS),
    ("christmas", Rule::On(12, 25), Moved::Never, ALWAYS),
    ("boxing", Rule::On(12, 26), Moved::Never, ALWAYS),
];

impl Country {
    fn entries(self) -> &'static [Entry] {
        match self {
            Self::Us => US,
            Self::Gb => GB,
            Self::De => DE,
            Self::Fr => FR,
            Self::Ca => CA,
            Self::It => IT,
            Self::Es => ES,
            Self::Nl => NL,
        }
    }

    /// The holidays that belong to a year, by day. The first of January may be kept on the last day of the year before.
    #[must_use]
    pub fn holidays(self, year: i64) -> Vec<Holiday> {
        let mut holidays: Vec<Holiday> = Vec::new();
        let entries = self.entries().iter().filter(|(.., since)| year >= *since);
        // Days that are never moved first: a moved day gives way to them.
        let (fixed, moved): (Vec<&Entry>, Vec<&Entry>) = entries.partition(|(_, _, moved, _)| *moved == Moved::Never);
        for (name, rule, moved, _) in fixed.into_iter().chain(moved) {
            let day = rule.day(year);
            let weekday = super::weekday(day);
            let day = match moved {
                Moved::Nearest if weekday == 5 => day - 1,
                Moved::Nearest if weekday == 6 => day + 1,
                Moved::Saturday if weekday == 6 => day - 1,
                Moved::Next => free(day, &holidays, self),
                _ => day,
            };
            holidays.push(Holiday { day, name });
        }
        holidays.sort_unstable();
        holidays
    }
}

/// The first working day from `day` that is not taken, and is not the proper day of the other of Christmas and Boxing Day.
fn free(day: i64, taken: &[Holiday], country: Country) -> i64 {
    let proper = |at: i64| {
        let date = Date::from_days(at);
        let both = |(_, rule, moved, _): &Entry| matches!((rule, moved), (Rule::On(month, day), Moved::Next) if (*month, *day) == (date.month, date.day));
        at != day && country.entries().iter().any(both)
    };
    let works = |at: i64| super::weekday(at) < 5 && taken.iter().all(|holiday| holiday.day != at) && !proper(at);
    // Two weeks always hold a working day: no country has ten holidays in a row.
    (day..day + 14).find(|&at| works(at)).unwrap_or(day)
}

impl Rule {
    fn day(self, year: i64) -> i64 {
        match self {
            Self::On(month, day) => Date::new(year, month, day).days(),
            Self::Easter(after) => easter(year).days() + after,
            Self::Nth(nth, weekday, month) => {
                let first = Date::new(year, month, 1).days();
                let ahead = (i64::from(weekday) - i64::from(super::weekday(first))).rem_euclid(7);
                first + ahead + 7 * (i64::from(nth) - 1)
            }
            Self::Last(weekday, month) => {
                let next = if month == 12 { Date::new(year + 1, 1, 1) } else { Date::new(year, month + 1, 1) };
                before(weekday, next.days())
            }
            Self::Before(weekday, month, day) => before(weekday, Date::new(year, month, day).days()),
        }
    }
}

fn before(weekday: u32, day: i64) -> i64 {
    let last = day - 1;
    last - (i64::from(super::weekday(last)) - i64::from(weekday)).rem_euclid(7)
}

/// Easter Sunday of the Gregorian calendar, by the anonymous algorithm of 1876 (J. Meeus, *Astronomical Algorithms*, chapter 8).
#[must_use]
pub fn easter(year: i64) -> Date {
    let golden = year.rem_euclid(19);
    let (century, in_century) = (year.div_euclid(100), year.rem_euclid(100));
    let corrected = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - corrected + 15).rem_euclid(30);
    let weekday = (32 + 2 * (century % 4) + 2 * (in_century / 4) - epact - in_century % 4).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let from_march = epact + weekday - 7 * late + 114;
    Date::new(year, (from_march / 31) as u32, (from_march % 31) as u32 + 1)
}

//! Cron expressions in a time zone.

use chrono::{DateTime, Datelike, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};

/// A field of an expression: what it is called, and what it takes.
struct Field {
    name: &'static str,
    takes: &'static str,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", takes: "0 to 59" },
    Field { name: "hour", takes: "0 to 23" },
    Field { name: "day of the month", takes: "1 to 31, or L for the last" },
    Field { name: "month", takes: "1 to 12, or jan to dec" },
    Field { name: "day of the week", takes: "0 to 7 (0 and 7 are Sunday), or sun to sat" },
];

/// Longer ones are no expression; this bounds the reading.
const LENGTH_MAX: usize = 200;

/// The search for a next time ends here, and so does every schedule.
const YEAR_MAX: i32 = 4_900;

/// Local times that a change of the clocks may take away or repeat, at most a day of minutes each, and what lies around.
const STEPS_MAX: usize = 4_000;

/// When something is due, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cron {
    pattern: croner::Cron,
    /// It means every hour, not certain ones.
    is_hourly: bool,
    zone: Tz,
}

/// The first field that is wrong by itself.
fn wrong_field(parser: &CronParser, text: &str, fields: &[&str]) -> Option<Mistake> {
    let is_right = |index: usize, field: &str| {
        let mut alone = ["*"; FIELDS.len()];
        alone[index] = field;
        !field.split(',').any(str::is_empty) && parser.parse(&alone.join(" ")).is_ok()
    };
    let (index, field) = fields.iter().enumerate().find(|(index, field)| !is_right(*index, field))?;
    let Field { name, takes } = FIELDS.get(index)?;
    // A part of one text: the difference of their addresses is its place.
    let start = field.as_ptr() as usize - text.as_ptr() as usize;
    Some(Mistake {
        message: format!("`{field}` is no {name}"),
        expected: format!("{takes}; as *, one, a list (1,15), a range (1-5) or every so many (*/10)"),
        part: Some(start..start + field.len()),
    })
}

/// Whether there is such a day. Every day of the year has been every day of the week within a hundred years, which is looked
/// through in a moment; the parser's own search would go on for thousands.
fn comes(fields: &[&str]) -> bool {
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Required).build();
    let in_the_century = parser.parse(&format!("0 {} 2000-2100", fields.join(" ")));
    let start = DateTime::<Utc>::UNIX_EPOCH.naive_utc();
    in_the_century.is_ok_and(|pattern| pattern.find_next_occurrence(&start, false).is_ok())
}

/// Why a text is no cron expression.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) expected: String,
    /// The part that is wrong, in bytes; the whole when it is no single part.
    pub(crate) part: Option<std::ops::Range<usize>>,
}

impl Cron {
    /// Reads five fields.
    pub(crate) fn read(text: &str, zone: Tz) -> Result<Cron, Mistake> {
        let whole = |message: String, expected: &str| Mistake { message, expected: expected.to_owned(), part: None };
        let five = "five fields, such as 0 5 * * *: minute, hour, day of the month, month, day of the week";
        if text.len() > LENGTH_MAX || !text.is_ascii() {
            return Err(whole("this is no cron expression".to_owned(), five));
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if fields.len() != FIELDS.len() {
            let fields = match fields.len() {
                1 => "1 field".to_owned(),
                count => format!("{count} fields"),
            };
            return Err(whole(format!("`{text}` is no cron expression: it has {fields}"), five));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        // A list with nothing between two commas is let pass by the parser.
        let is_complete = fields.iter().all(|field| !field.split(',').any(str::is_empty));
        let read = parser.parse(&fields.join(" ")).ok().filter(|_| is_complete);
        let Some(pattern) = read else {
            return Err(wrong_field(&parser, text, &fields)
                .unwrap_or_else(|| whole(format!("`{text}` is no cron expression"), five)));
        };
        let is_hourly = pattern.pattern.hours.values().len() == 24;
        if !comes(&fields) {
            return Err(whole(format!("`{text}` never comes"), "a day that is in the calendar"));
        }
        Ok(Cron { pattern, is_hourly, zone })
    }

    /// See [`crate::Schedule::next_after`].
    pub(crate) fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let at = at.max(DateTime::UNIX_EPOCH);
        if at.year() >= YEAR_MAX {
            return None;
        }
        let here = at.with_timezone(&self.zone);
        if self.is_hourly {
            // By the time that passes: what is repeated is both, what is left out is not made up for.
            return self.pattern.find_next_occurrence(&here, false).ok().map(|next| next.to_utc());
        }
        let mut local = here.naive_local();
        for _ in 0..STEPS_MAX {
            local = self.pattern.find_next_occurrence(&local, false).ok()?;
            let next = self.instant_of(local)?;
            if next > at {
                return Some(next);
            }
        }
        None
    }

    /// When the clocks show this for the first time, or jump over it.
    fn instant_of(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let mut shown = local;
        for _ in 0..STEPS_MAX {
            match self.zone.from_local_datetime(&shown) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return Some(at.to_utc()),
                // Clocks change at whole minutes.
                LocalResult::None => shown = shown.checked_add_signed(TimeDelta::minutes(1))?,
            }
        }
        None
    }
}

//! Instants: relative for people, RFC 3339 in JSON, and what people type.

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};

/// `just now`, `12 s ago`, `3 min ago`, `5 h ago`, `2 days ago`, then the day itself. What lies ahead reads
/// `in 3 min`.
pub(crate) fn ago(now: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let past = at <= now;
    let length = if past { now - at } else { at - now };
    let text = match length.num_seconds() {
        0..=2 if past => return "just now".to_owned(),
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h", seconds / 3_600),
        seconds @ 86_400..172_800 => format!("{} day", seconds / 86_400),
        seconds @ 172_800..2_592_000 => format!("{} days", seconds / 86_400),
        _ => return day(at.date_naive()),
    };
    if past { format!("{text} ago") } else { format!("in {text}") }
}

/// `3 Dec 2026 (in 5 days)`.
pub(crate) fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let (instant, ago) = (instant(at), ago(now, at));
    if instant.starts_with(&ago) { instant } else { format!("{instant} ({ago})") }
}

/// `30 Dec 2013`.
pub(crate) fn day(on: NaiveDate) -> String {
    on.format("%-d %b %Y").to_string()
}

/// `30 Dec 2013 23:00 UTC`, without the time when it is midnight.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    if at.time() == NaiveTime::MIN {
        return day(at.date_naive());
    }
    let seconds = if at.second() == 0 && at.nanosecond() == 0 { "" } else { ":%S" };
    at.format(&format!("%-d %b %Y %H:%M{seconds} UTC")).to_string()
}

/// RFC 3339 to the second, for JSON made here.
pub(crate) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Reads a day.
pub(crate) fn parse_day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "write a day, such as 2026-11-01".to_owned())
}

/// The elapsed time between two readings of a monotonic clock.
pub(crate) fn between_ms(from: lockgate_types::Instant, to: lockgate_types::Instant) -> u64 {
    u64::try_from(to.saturating_sub(from).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

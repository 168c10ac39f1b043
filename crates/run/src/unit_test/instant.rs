//! Dates and timestamps as text.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("1970 has a first day");

/// `2013-12-31`.
pub(crate) fn date_text(days: i32) -> String {
    let date = TimeDelta::try_days(days.into()).and_then(|days| EPOCH.checked_add_signed(days));
    date.map_or_else(|| format!("{days} days since 1970"), |date| date.to_string())
}

/// `2013-12-31T23:59:00`, with as much of a second as there is.
pub(crate) fn text(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(at) => at.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        None => format!("{micros} µs since 1970"),
    }
}

/// Whether it starts with four digits of a year, two of a month and two of a day: chrono also takes fewer.
fn starts_with_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Days since 1970.
pub(crate) fn date(text: &str) -> Option<i32> {
    if !starts_with_day(text) {
        return None;
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    i32::try_from(date.signed_duration_since(EPOCH).num_days()).ok()
}

/// Microseconds since 1970 in UTC, and the offset that the text says, in seconds. A bare day is its 00:00. What lies below
/// a microsecond must be zero.
pub(crate) fn instant(text: &str) -> Option<(i64, Option<i32>)> {
    let (local, offset) = split_offset(text.trim()).filter(|(local, _)| starts_with_day(local))?;
    let at = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(local, format).ok());
    let day = || NaiveDate::parse_from_str(local, "%Y-%m-%d").ok().filter(|_| offset.is_none());
    let at = at.or_else(|| day().map(|day| day.and_time(NaiveTime::MIN)))?;
    // A leap second is one of more than 999,999,999 ns.
    if at.nanosecond() >= 1_000_000_000 || !at.nanosecond().is_multiple_of(1_000) {
        return None;
    }
    let micros = at.and_utc().timestamp_micros();
    Some((micros - i64::from(offset.unwrap_or(0)) * 1_000_000, offset))
}

/// The text before the offset, and the offset.
fn split_offset(text: &str) -> Option<(&str, Option<i32>)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix(" UTC")) {
        return Some((local, Some(0)));
    }
    // The date has signs of its own.
    let start = text.char_indices().nth(10).map_or(text.len(), |(start, _)| start);
    let Some(sign) = text[start..].find(['+', '-']) else { return Some((text, None)) };
    let (local, offset) = text.split_at(start + sign);
    let offset = match offset.len() {
        3 => format!("{offset}:00"),
        _ => offset.to_owned(),
    };
    let offset: FixedOffset = offset.parse().ok()?;
    Some((local.trim_end(), Some(offset.local_minus_utc())))
}

#[cfg(test)]
mod tests;

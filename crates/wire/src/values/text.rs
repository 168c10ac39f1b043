//! Values as PostgreSQL writes them in its text format, `DateStyle` ISO and in UTC.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike};

/// What a value looks like; appended, because most are short.
pub(super) fn date(days: i64, out: &mut String) -> Option<()> {
    let date = NaiveDate::from_epoch_days(i32::try_from(days).ok()?)?;
    // Until what PostgreSQL holds begins.
    (date.year() >= -4712).then_some(())?;
    let year = if date.year() > 0 { date.year() } else { 1 - date.year() };
    let _ = write!(out, "{year:04}-{:02}-{:02}", date.month(), date.day());
    if date.year() <= 0 {
        out.push_str(" BC");
    }
    Some(())
}

pub(super) fn time(micros: i64, out: &mut String) -> Option<()> {
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).ok()?;
    let rest = u32::try_from(micros.rem_euclid(1_000_000)).ok()?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, rest * 1000)?;
    let _ = write!(out, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    fraction(rest, out);
    Some(())
}

/// `zone` adds the offset of UTC.
pub(super) fn timestamp(micros: i64, zone: bool, out: &mut String) -> Option<()> {
    let instant = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let (date, time) = (instant.date(), instant.time());
    (date.year() >= -4712).then_some(())?;
    let year = if date.year() > 0 { date.year() } else { 1 - date.year() };
    let _ = write!(out, "{year:04}-{:02}-{:02} ", date.month(), date.day());
    let _ = write!(out, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    fraction(time.nanosecond() / 1000 % 1_000_000, out);
    if zone {
        out.push_str("+00");
    }
    if date.year() <= 0 {
        out.push_str(" BC");
    }
    Some(())
}

fn fraction(micros: u32, out: &mut String) {
    if micros > 0 {
        let digits = format!("{micros:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// As `IntervalStyle` postgres has it.
pub(super) fn interval(months: i32, days: i32, micros: i64, out: &mut String) {
    let mut parts = Vec::new();
    let count = |number: i32, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    if months / 12 != 0 {
        parts.push(count(months / 12, "year"));
    }
    if months % 12 != 0 {
        parts.push(count(months % 12, "mon"));
    }
    if days != 0 {
        parts.push(count(days, "day"));
    }
    if micros != 0 || parts.is_empty() {
        let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        let seconds = size / 1_000_000;
        let mut clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        fraction(u32::try_from(size % 1_000_000).unwrap_or(0), &mut clock);
        parts.push(clock);
    }
    out.push_str(&parts.join(" "));
}

pub(super) fn float(value: f64, shortest: impl Fn(bool) -> String, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        // Where PostgreSQL goes over to exponents.
        let size = value.abs();
        let exponent = size != 0.0 && !(1e-4..1e15).contains(&size);
        out.push_str(&shortest(exponent));
    }
}

pub(super) fn bytea(bytes: &[u8], out: &mut String) {
    out.push_str("\\x");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

/// An element of an array's text.
pub(super) fn element(text: &str, out: &mut String) {
    let plain = !text.is_empty()
        && !text.eq_ignore_ascii_case("null")
        && !text.contains(|c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_whitespace());
    if plain {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

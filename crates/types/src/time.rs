//! Durations and instants as a person writes them, on the command line and in a project's files.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

/// Reads `2d`, `36h`, `15m`, `30s`, `1w`, `1d 12h`. `Err` says what is wrong.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("`{text}` is not a duration: write 30s, 15m, 36h, 2d, 1w or 1d 12h");
    let mut total = TimeDelta::zero();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let amount: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let seconds: i64 = match &rest[..letters] {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" | "day" | "days" => 86_400,
            "w" => 604_800,
            _ => return Err(wrong()),
        };
        rest = rest[letters..].trim_start();
        let part = amount.checked_mul(seconds).and_then(TimeDelta::try_seconds).ok_or_else(wrong)?;
        total = total.checked_add(&part).ok_or_else(wrong)?;
    }
    if total <= TimeDelta::zero() { Err(wrong()) } else { Ok(total) }
}

/// Reads an instant: RFC 3339 (seconds may be left out), or a bare day, which is its 00:00 UTC.
pub fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    for format in ["%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M:%S%#z", "%Y-%m-%d %H:%M%#z"] {
        if let Ok(at) = DateTime::parse_from_str(text, format) {
            return Ok(at.to_utc());
        }
    }
    if let Ok(on) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(on.and_time(NaiveTime::MIN).and_utc());
    }
    if NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").is_ok() {
        return Err(format!("it has no time zone: write {text}Z for UTC"));
    }
    Err("write a day (2026-11-01) or an instant (2026-11-01T06:30:00Z)".to_owned())
}

#[cfg(test)]
mod tests;

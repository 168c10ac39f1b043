//! Numbers, shares, instants and durations as a person reads them, and durations as a person writes them.

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
pub(crate) use lockgate_types::number::{count, counted, rows};

/// `15.6 %`, `0.46 %`, `0.0012 %`. What is not nothing never reads `0 %`, what is not all never `100 %`.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let size = value.abs();
    let mut decimals = if size == 0.0 || !size.is_finite() || size >= 10.0 {
        1
    } else if size >= 0.1 {
        2
    } else {
        // Two digits that say something.
        (2..=12).find(|places| size * 10f64.powi(*places) >= 10.0).unwrap_or(12)
    };
    let round = |decimals: i32| {
        let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or(0));
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    while share < 1.0 && decimals < 9 && round(decimals) == "100" {
        decimals += 1;
    }
    format!("{} %", round(decimals))
}

/// A measured number: integers with thousands, others with up to six digits that say something.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "infinity"
        } else {
            "-infinity"
        }
        .to_owned();
    }
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:e}");
    }
    let decimals = if size.fract() == 0.0 { 0 } else { (6 - digits_before_point(size)).clamp(0, 9) };
    let text = format!("{size:.*}", usize::try_from(decimals).unwrap_or(0));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn digits_before_point(size: f64) -> i32 {
    (0..15).find(|places| size < 10f64.powi(*places)).unwrap_or(15)
}

/// `30 Dec 2013 23:00 UTC`; seconds only when there are any.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    let format =
        if at.second() == 0 && at.nanosecond() == 0 { "%-d %b %Y %H:%M UTC" } else { "%-d %b %Y %H:%M:%S UTC" };
    at.format(format).to_string()
}

/// `30 Dec 2013`.
pub(crate) fn day(on: NaiveDate) -> String {
    on.format("%-d %b %Y").to_string()
}

/// `1 day 6 h`: the largest unit and the one below it.
pub(crate) fn duration(length: TimeDelta) -> String {
    let seconds = length.num_seconds().unsigned_abs();
    if seconds == 0 {
        return match length.num_milliseconds().unsigned_abs() {
            0 => "0 s".to_owned(),
            ms => format!("{ms} ms"),
        };
    }
    let parts =
        [(seconds / 86_400, "day"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let first = parts.iter().position(|(amount, _)| *amount > 0).unwrap_or(3);
    let words: Vec<String> = parts
        .iter()
        .skip(first)
        .take(2)
        .filter(|(amount, _)| *amount > 0)
        .map(|(amount, unit)| match (*unit, *amount) {
            ("day", 1) => "1 day".to_owned(),
            ("day", days) => format!("{} days", count(days)),
            _ => format!("{amount} {unit}"),
        })
        .collect();
    words.join(" ")
}

/// `a customer`, `an amount`: by the first letter, as a person who does not know the word would say it.
pub(crate) fn a(name: &str) -> String {
    let is_vowel = name.chars().next().is_some_and(|first| "aeiouAEIOU".contains(first)) && name.len() > 1;
    format!("{} {name}", if is_vowel { "an" } else { "a" })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [start @ .., last] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", start.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests;

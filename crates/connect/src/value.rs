//! From text to values: what a number, a date or a boolean looks like, in one place for every text format.
//!
//! Each function has a quick path for the usual shape and a slow one for what is rare but still right. `None` means
//! that the text is no such value or that the value would lose something; [`misfit`] then says which, in words. Spaces
//! around anything but a string are no part of it.

use lockgate_types::DataType;

/// A whole number. A fraction of zeros (`517.0`, as pandas writes integers beside nulls) loses nothing and is taken.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return integer_slow(text);
    }
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return integer_slow(text);
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

#[cold]
fn integer_slow(text: &[u8]) -> Option<i64> {
    let value = decimal_slow(text, 38, 0)?;
    i64::try_from(value).ok()
}

#[inline]
pub(crate) fn int32(text: &[u8]) -> Option<i32> {
    i32::try_from(integer(text)?).ok()
}

const POWERS: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut index = 1;
    while index < 39 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// Ten to the power of `digits`; of 38 at most.
pub(crate) fn power_of_ten(digits: u8) -> i128 {
    POWERS[usize::from(digits.min(38))]
}

/// An exact decimal as its unscaled value. Digits beyond `scale` must be zeros.
#[inline]
pub(crate) fn decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 18 {
        return decimal_slow(text, precision, scale);
    }
    let mut value: i64 = 0;
    let mut point = usize::MAX;
    for (index, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + i64::from(digit);
        } else if byte == b'.' && point == usize::MAX {
            point = index;
        } else {
            return decimal_slow(text, precision, scale);
        }
    }
    let places = if point == usize::MAX { 0 } else { digits.len() - point - 1 };
    let wanted = usize::from(scale.unsigned_abs());
    if digits.len() <= usize::from(point != usize::MAX) || places > wanted {
        return decimal_slow(text, precision, scale);
    }
    let value = i128::from(value).checked_mul(POWERS[wanted - places])?;
    if value >= POWERS[usize::from(precision)] {
        return None;
    }
    Some(if negative { -value } else { value })
}

#[cold]
fn decimal_slow(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let text = text.trim_ascii();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let mut value: i128 = 0;
    let (mut seen, mut point, mut places) = (false, false, 0i8);
    for &byte in digits {
        match byte {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                seen = true;
                if point && places == scale {
                    if byte != b'0' {
                        return None;
                    }
                    continue;
                }
                value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                places += i8::from(point);
            }
            _ => return None,
        }
    }
    if !seen {
        return None;
    }
    let value = value.checked_mul(power_of_ten((scale - places).unsigned_abs()))?;
    if value >= power_of_ten(precision) {
        return None;
    }
    Some(if negative { -value } else { value })
}

const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A double. When mantissa and power of ten are both exact as doubles, one division rounds right (Clinger 1990);
/// the standard library does the rest.
#[inline]
#[allow(clippy::cast_precision_loss)] // below 2^53
pub(crate) fn double(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 16 {
        return double_slow(text);
    }
    let mut value: u64 = 0;
    let mut point = usize::MAX;
    for (index, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if byte == b'.' && point == usize::MAX {
            point = index;
        } else {
            return double_slow(text);
        }
    }
    let places = if point == usize::MAX { 0 } else { digits.len() - point - 1 };
    if value > 1 << 53 || digits.len() <= usize::from(point != usize::MAX) {
        return double_slow(text);
    }
    let value = value as f64 / EXACT_POWERS[places];
    Some(if negative { -value } else { value })
}

#[cold]
fn double_slow(text: &[u8]) -> Option<f64> {
    // It also reads `nan`, `inf` and `infinity` in any case, as PostgreSQL does. What is too large for a double
    // becomes infinite there, which loses the value.
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let value: f64 = text.parse().ok()?;
    (value.is_finite() || !text.bytes().any(|byte| byte.is_ascii_digit())).then_some(value)
}

/// `true`/`false`, `t`/`f`, `yes`/`no`, `y`/`n`, `1`/`0`, in any case.
#[inline]
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    let text = text.trim_ascii();
    if text.len() > 5 {
        return None;
    }
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["true", "t", "yes", "y", "1"]) {
        Some(true)
    } else if is(&["false", "f", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// Days since 1970 of a date of the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms"); `None` when there is no such day.
#[inline]
fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    const LENGTHS: [i32; 16] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = LENGTHS[usize::try_from(month & 15).unwrap_or(0)];
    if month > 12 || day == 0 || day > length || (month == 2 && day == 29 && !leap) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted - era * 400;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[inline]
fn two(a: u8, b: u8) -> Option<i32> {
    let (a, b) = (a.wrapping_sub(b'0'), b.wrapping_sub(b'0'));
    (a <= 9 && b <= 9).then(|| i32::from(a) * 10 + i32::from(b))
}

#[inline]
fn date_10(text: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    days(two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?, two(d1, d2)?)
}

/// `2013-12-31`, as days since 1970.
#[inline]
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    if let Ok(text) = text.try_into() {
        return date_10(text);
    }
    date_10(text.trim_ascii().try_into().ok()?)
}

/// A timestamp's microseconds since 1970, and whether it said a zone (then it is in UTC).
///
/// `2013-12-31`, then `T` or a space and `23:59`, `:59`, up to nine digits of fraction (what lies below a microsecond
/// must be zero), then `Z`, `UTC` or an offset such as `+01:00`, `+0100`, `+01`. A second of 60 is none.
#[inline]
pub(crate) fn instant(text: &[u8]) -> Option<(i64, bool)> {
    let text = text.trim_ascii();
    let (day, rest) = text.split_first_chunk::<10>()?;
    let day = i64::from(date_10(day)?) * 86_400_000_000;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, rest @ ..] = rest else {
        return rest.is_empty().then_some((day, false));
    };
    let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
    let (seconds, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (two(*s1, *s2)?, rest),
        rest => (0, rest),
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let (micros, rest) = fraction(rest)?;
    let offset = offset_minutes(rest)?;
    let of_day = i64::from((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
    Some((day + of_day - offset.unwrap_or(0) * 60_000_000, offset.is_some()))
}

/// The microseconds after a point, and what follows them.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', rest @ ..] = text else { return Some((0, text)) };
    let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(length);
    if digits.is_empty() || digits.len() > 9 || digits.iter().skip(6).any(|&digit| digit != b'0') {
        return None;
    }
    let micros = (0..6).fold(0, |sum, place| sum * 10 + digits.get(place).map_or(0, |digit| i64::from(digit - b'0')));
    Some((micros, after))
}

/// `None` for what is no offset; `Some(None)` when there is none.
fn offset_minutes(text: &[u8]) -> Option<Option<i64>> {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text {
        [] => return Some(None),
        [b'Z' | b'z'] | b"UTC" => return Some(Some(0)),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [h1, h2] => (two(*h1, *h2)?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two(*h1, *h2)?, two(*m1, *m2)?),
        _ => return None,
    };
    (hours <= 18 && minutes <= 59).then(|| Some(sign * i64::from(hours * 60 + minutes)))
}

/// A timestamp without a zone; one that says a zone is none.
#[inline]
pub(crate) fn timestamp(text: &[u8]) -> Option<i64> {
    instant(text).and_then(|(micros, zoned)| (!zoned).then_some(micros))
}

/// A timestamp in UTC; one that says no zone is taken to be in UTC.
#[inline]
pub(crate) fn timestamptz(text: &[u8]) -> Option<i64> {
    instant(text).map(|(micros, _)| micros)
}

/// Why a text is no value of a type, after the function above said so.
#[cold]
pub(crate) fn misfit(kind: &DataType, text: &[u8]) -> String {
    let shown = shown(text);
    let number = decimal_slow(text, 38, 0).is_some() || double_slow(text).is_some();
    match kind {
        DataType::Int | DataType::Bigint if decimal_slow(text, 38, 0).is_some() => {
            format!("{shown} is out of range of {kind}")
        }
        DataType::Int | DataType::Bigint if number => format!("{shown} is not a whole number ({kind})"),
        DataType::Decimal(precision, scale) if number => match decimal_slow(text, 38, 37.min(*scale)) {
            Some(_) => format!(
                "{shown} has more than {} digits before the point ({kind})",
                i16::from(*precision) - i16::from(*scale)
            ),
            None => format!("{shown} does not fit {kind} without losing digits"),
        },
        DataType::Double if text.iter().any(u8::is_ascii_digit) && number => {
            format!("{shown} is out of range of {kind}")
        }
        DataType::Timestamp if instant(text).is_some() => {
            format!("{shown} says a time zone, but the column is a timestamp without one (timestamptz has one)")
        }
        DataType::Json => format!("{shown} is not JSON"),
        _ => format!("{shown} is not {} {kind}", article(kind)),
    }
}

fn article(kind: &DataType) -> &'static str {
    match kind {
        DataType::Int => "an",
        _ => "a",
    }
}

/// A text for a message: in quotes, cut to 60 characters, without control characters.
pub(crate) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..400.min(text.len())).unwrap_or(text));
    let mut cut: String = text.chars().take(60).map(|c| if c.is_control() { '�' } else { c }).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("`{cut}`")
}

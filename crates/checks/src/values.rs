//! Values written in YAML (bounds, accepted values) as typed values of a column, and back as SQL literals.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use lockgate_project::yaml::{Node, Value as Yaml};
use lockgate_types::DataType;

use crate::sql;

/// How a column's values are compared. Integers, decimals, dates and timestamps are all whole numbers of some
/// unit (10^-scale, a day, a microsecond), so one kernel serves them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Boolean,
    Whole(Unit),
    Double,
    Text,
}

/// What a whole number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    One,
    /// 10^-scale, of a decimal of this precision.
    Decimal(u8, i8),
    Day,
    Microsecond {
        utc: bool,
    },
}

impl Comparison {
    /// `None` for types whose values are not compared with written ones.
    pub(crate) fn of(data_type: &DataType) -> Option<Comparison> {
        match data_type {
            DataType::Boolean => Some(Comparison::Boolean),
            DataType::Int | DataType::Bigint => Some(Comparison::Whole(Unit::One)),
            DataType::Decimal(precision, scale) => Some(Comparison::Whole(Unit::Decimal(*precision, *scale))),
            DataType::Date => Some(Comparison::Whole(Unit::Day)),
            DataType::Timestamp => Some(Comparison::Whole(Unit::Microsecond { utc: false })),
            DataType::Timestamptz => Some(Comparison::Whole(Unit::Microsecond { utc: true })),
            DataType::Double => Some(Comparison::Double),
            DataType::String => Some(Comparison::Text),
            DataType::Json | DataType::Binary | DataType::List(_) | DataType::Struct(_) => None,
        }
    }
}

/// One written value at a column's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Boolean(bool),
    /// In the column's unit; rounded as asked.
    Whole(i128),
    Double(f64),
    Text(String),
}

/// Which way a number goes that lies between two of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Down,
    Up,
    /// There is no such value in the column: `None`.
    Exact,
}

/// Reads a scalar node as a value of the column. `Err` says what was expected. With [`Rounding::Exact`] a number that
/// the column cannot hold is `Ok(None)`.
pub(crate) fn read(node: &Node, comparison: Comparison, rounding: Rounding) -> Result<Option<Value>, String> {
    let described = || node.scalar_text().map_or_else(|| node.describe().to_owned(), |text| format!("`{text}`"));
    match comparison {
        Comparison::Boolean => match node.value {
            Yaml::Bool(value) => Ok(Some(Value::Boolean(value))),
            _ => Err(format!("expected true or false, not {}", described())),
        },
        Comparison::Whole(unit @ (Unit::One | Unit::Decimal(..))) => {
            let scale = if let Unit::Decimal(_, scale) = unit { scale } else { 0 };
            let number = match &node.value {
                Yaml::Number(text) | Yaml::String(text) => Decimal::parse(text),
                _ => None,
            };
            let number = number.ok_or_else(|| format!("expected a number, not {}", described()))?;
            Ok(number.at_scale(i32::from(scale), rounding).map(Value::Whole))
        }
        Comparison::Double => match &node.value {
            Yaml::Number(text) | Yaml::String(text) => match double(text) {
                Some(number) => Ok(Some(Value::Double(number))),
                None => Err(format!("expected a number, not {}", described())),
            },
            _ => Err(format!("expected a number, not {}", described())),
        },
        Comparison::Whole(Unit::Day) => match node.as_str().and_then(instant) {
            Some(micros) if micros.rem_euclid(DAY_MICROS) == 0 => {
                Ok(Some(Value::Whole(i128::from(micros.div_euclid(DAY_MICROS)))))
            }
            _ => Err(format!("expected a day like 2013-12-30, not {}", described())),
        },
        Comparison::Whole(Unit::Microsecond { .. }) => match node.as_str().and_then(instant) {
            Some(micros) => Ok(Some(Value::Whole(i128::from(micros)))),
            None => Err(format!("expected an instant like 2013-12-30T23:00:00Z or a day, not {}", described())),
        },
        Comparison::Text => match &node.value {
            // Codes are often written without quotes; a number keeps its text.
            Yaml::String(text) | Yaml::Number(text) => Ok(Some(Value::Text(text.clone()))),
            Yaml::Bool(value) => Err(format!("`{value}` is a boolean here: write \"{value}\" for the text")),
            _ => Err(format!("expected a text, not {}", described())),
        },
    }
}

const DAY_MICROS: i64 = 86_400_000_000;

/// Microseconds since 1970 in UTC: a day, a timestamp with `T` or a blank, with or without an offset.
fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_micros());
    }
    if let Ok(on) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(on.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
    }
    let text = text.trim_end_matches('Z');
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|at| at.and_utc().timestamp_micros())
}

/// YAML's core schema: `.inf` is infinity; there is no bound at NaN.
fn double(text: &str) -> Option<f64> {
    match text {
        ".inf" | "+.inf" => Some(f64::INFINITY),
        "-.inf" => Some(f64::NEG_INFINITY),
        _ => {
            Decimal::parse(text)?;
            text.parse().ok().or_else(|| whole(text).map(to_double))
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn to_double(value: i128) -> f64 {
    value as f64
}

/// `0x1F` and `0o17`.
fn whole(text: &str) -> Option<i128> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i128::from_str_radix(digits, 16).ok();
    }
    text.strip_prefix("0o").and_then(|digits| i128::from_str_radix(digits, 8).ok())
}

/// A number as it is written: `coefficient × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    coefficient: i128,
    exponent: i32,
}

impl Decimal {
    fn parse(text: &str) -> Option<Decimal> {
        if let Some(coefficient) = whole(text) {
            return Some(Decimal { coefficient, exponent: 0 });
        }
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok().filter(|power| power.abs() <= 1000)?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
        let all = || before.bytes().chain(after.bytes());
        if all().next().is_none() || !all().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let mut coefficient: i128 = 0;
        for digit in all() {
            coefficient = coefficient.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        let exponent = power - i32::try_from(after.len()).ok()?;
        Some(Decimal { coefficient: if negative { -coefficient } else { coefficient }, exponent })
    }

    /// In units of 10^-scale; numbers beyond 128 bits become the largest or smallest there is.
    fn at_scale(self, scale: i32, rounding: Rounding) -> Option<i128> {
        let power = self.exponent + scale;
        if self.coefficient == 0 {
            return Some(0);
        }
        if power >= 0 {
            let factor = u32::try_from(power).ok().and_then(|power| 10i128.checked_pow(power));
            let scaled = factor.and_then(|factor| self.coefficient.checked_mul(factor));
            return match (scaled, rounding) {
                (Some(value), _) => Some(value),
                (None, Rounding::Exact) => None,
                (None, _) => Some(if self.coefficient < 0 { i128::MIN } else { i128::MAX }),
            };
        }
        let Some(divisor) = power.checked_neg().and_then(|power| 10i128.checked_pow(power.unsigned_abs())) else {
            // Smaller than any unit, but not zero.
            return match (rounding, self.coefficient < 0) {
                (Rounding::Exact, _) => None,
                (Rounding::Down, true) => Some(-1),
                (Rounding::Down, false) | (Rounding::Up, true) => Some(0),
                (Rounding::Up, false) => Some(1),
            };
        };
        let down = self.coefficient.div_euclid(divisor);
        let exact = self.coefficient.rem_euclid(divisor) == 0;
        match rounding {
            Rounding::Down => Some(down),
            Rounding::Up => Some(if exact { down } else { down + 1 }),
            Rounding::Exact => exact.then_some(down),
        }
    }
}

/// A value as a SQL literal that compares with the column without losing anything.
pub(crate) fn literal(value: &Value, comparison: Comparison) -> String {
    match (value, comparison) {
        (Value::Boolean(value), _) => value.to_string(),
        (Value::Text(text), _) => sql::text(text),
        (Value::Double(number), _) => format!("cast({} as double)", sql::text(&number.to_string())),
        (Value::Whole(number), Comparison::Whole(Unit::Decimal(_, scale))) => {
            let limit = 10i128.pow(38) - 1;
            let text = decimal_text((*number).clamp(-limit, limit), scale);
            format!("cast({} as decimal(38,{scale}))", sql::text(&text))
        }
        (Value::Whole(number), Comparison::Whole(Unit::Day)) => {
            let days = i32::try_from(*number).unwrap_or(if *number < 0 { i32::MIN } else { i32::MAX });
            format!("arrow_cast(arrow_cast({days}, 'Int32'), 'Date32')")
        }
        (Value::Whole(number), Comparison::Whole(Unit::Microsecond { utc })) => {
            let micros = i64::try_from(*number).unwrap_or(if *number < 0 { i64::MIN } else { i64::MAX });
            let zone = if utc { "Some(\"UTC\")" } else { "None" };
            format!("arrow_cast(arrow_cast({micros}, 'Int64'), 'Timestamp(Microsecond, {zone})')")
        }
        (Value::Whole(number), _) => {
            let number = i64::try_from(*number).unwrap_or(if *number < 0 { i64::MIN } else { i64::MAX });
            // The smallest bigint has no literal of its own.
            if number == i64::MIN { format!("({} - 1)", i64::MIN + 1) } else { number.to_string() }
        }
    }
}

/// `1234` at scale 2 is `12.34`.
pub(crate) fn decimal_text(unscaled: i128, scale: i8) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let sign = if unscaled < 0 { "-" } else { "" };
    let Some(places) = usize::try_from(scale).ok().filter(|places| *places > 0) else {
        return format!("{sign}{digits}{}", "0".repeat(usize::from(scale.unsigned_abs()) * usize::from(digits != "0")));
    };
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (before, after) = digits.split_at(digits.len() - places);
    format!("{sign}{before}.{after}")
}

#[cfg(test)]
mod tests;

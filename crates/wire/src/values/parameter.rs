//! What was bound to `$1` as a literal of SQL.
//!
//! A value becomes a literal of its type, quoted by us: it stays a value whatever is in it.

use bytes::Bytes;
use chrono::DateTime;

use super::binary::{DAYS, MICROS};
use super::{Type, numeric, text};
use crate::codes;
use crate::failure::Failure;

/// `None` is null. Without a type the value is a text, and the statement says what becomes of it.
pub(crate) fn literal(value: Option<&Bytes>, data_type: Option<&Type>, binary: bool) -> Result<String, Failure> {
    let Some(bytes) = value else {
        return Ok(match data_type {
            Some(Type::Text | Type::Name | Type::Char | Type::Json | Type::Array(_)) | None => "null".to_owned(),
            Some(known) => format!("cast(null as {})", known.sql()),
        });
    };
    let known = data_type.unwrap_or(&Type::Text);
    let text = if binary { from_binary(bytes, known)? } else { from_text(bytes)? };
    match known {
        Type::Array(item) if binary => Ok(text_of_array(&binary_array(bytes, item)?, item)?),
        Type::Array(item) => Ok(text_of_array(&array(&text).ok_or_else(|| wrong(known))?, item)?),
        scalar => of_text(&text, scalar),
    }
}

fn wrong(data_type: &Type) -> Failure {
    Failure::new("22P02", &codes::PARAMETER, format!("a parameter is not a value of type {}", data_type.sql()))
}

fn from_text(bytes: &Bytes) -> Result<String, Failure> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Failure::new("22021", &codes::PARAMETER, "a parameter is not UTF-8"))
}

fn of_text(text: &str, data_type: &Type) -> Result<String, Failure> {
    let quoted = || format!("'{}'", text.replace('\'', "''"));
    let number = |fits: bool| {
        let text = text.trim();
        if !fits {
            Err(wrong(data_type))
        } else if text.starts_with('-') {
            Ok(format!("({text})"))
        } else {
            Ok(text.trim_start_matches('+').to_owned())
        }
    };
    match data_type {
        Type::Bool => match text.trim().to_ascii_lowercase().as_str() {
            "t" | "true" | "1" | "on" | "yes" | "y" => Ok("true".to_owned()),
            "f" | "false" | "0" | "off" | "no" | "n" => Ok("false".to_owned()),
            _ => Err(wrong(data_type)),
        },
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid => number(text.trim().parse::<i64>().is_ok()),
        Type::Float4 | Type::Float8 => match text.trim().parse::<f64>() {
            Ok(_) => Ok(format!("cast('{}' as double)", text.trim())),
            Err(_) => Err(wrong(data_type)),
        },
        Type::Numeric(..) => {
            let digits = text.trim().trim_start_matches(['-', '+']);
            let plain = !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                && digits.bytes().filter(|byte| *byte == b'.').count() <= 1
                && digits != ".";
            if plain { number(true) } else { of_text(text, &Type::Float8) }
        }
        Type::Text | Type::Name | Type::Char | Type::Json => Ok(quoted()),
        Type::Bytea => {
            let hex = text.strip_prefix("\\x").filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            hex.filter(|hex| hex.len() % 2 == 0).map(|hex| format!("X'{hex}'")).ok_or_else(|| wrong(data_type))
        }
        Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz | Type::Interval => {
            Ok(format!("cast({} as {})", quoted(), data_type.sql()))
        }
        Type::Array(_) => Err(wrong(data_type)),
    }
}

fn text_of_array(items: &[Option<String>], item: &Type) -> Result<String, Failure> {
    let items = items.iter().map(|value| match value {
        Some(text) => of_text(text, item),
        None => Ok("null".to_owned()),
    });
    let items = items.collect::<Result<Vec<_>, _>>()?;
    Ok(match items.is_empty() {
        true => format!("array_remove(make_array(cast(null as {})), null)", item.sql()),
        false => format!("make_array({})", items.join(", ")),
    })
}

/// The elements of an array's text with one dimension.
fn array(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut items = Vec::new();
    let mut characters = inner.chars().peekable();
    loop {
        let (mut item, mut quoted) = (String::new(), false);
        loop {
            match characters.next() {
                Some('"') => {
                    quoted = true;
                    loop {
                        match characters.next()? {
                            '"' => break,
                            '\\' => item.push(characters.next()?),
                            c => item.push(c),
                        }
                    }
                }
                Some('{' | '}') => return None,
                Some('\\') => item.push(characters.next()?),
                Some(',') => {
                    items.push(finished(item, quoted));
                    break;
                }
                None => {
                    items.push(finished(item, quoted));
                    return Some(items);
                }
                Some(c) => item.push(c),
            }
        }
    }
}

fn finished(item: String, quoted: bool) -> Option<String> {
    if quoted {
        return Some(item);
    }
    let item = item.trim();
    (!item.eq_ignore_ascii_case("null")).then(|| item.to_owned())
}

fn binary_array(bytes: &[u8], item: &Type) -> Result<Vec<Option<String>>, Failure> {
    let fail = || wrong(item);
    let mut rest = bytes;
    let mut next = || {
        let (four, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        Some(i32::from_be_bytes(*four))
    };
    let dimensions = next().ok_or_else(fail)?;
    next().and_then(|_| next()).ok_or_else(fail)?;
    if dimensions == 0 {
        return Ok(Vec::new());
    }
    let count = next().filter(|_| dimensions == 1).ok_or_else(fail)?;
    next().ok_or_else(fail)?;
    let mut items = Vec::new();
    for _ in 0..count {
        let (four, after) = rest.split_first_chunk::<4>().ok_or_else(fail)?;
        rest = after;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*four)) else {
            items.push(None);
            continue;
        };
        let (value, after) = rest.split_at_checked(length).ok_or_else(fail)?;
        rest = after;
        items.push(Some(from_binary(&Bytes::copy_from_slice(value), item)?));
    }
    Ok(items)
}

/// The text form of a binary value.
fn from_binary(bytes: &Bytes, data_type: &Type) -> Result<String, Failure> {
    let fail = || wrong(data_type);
    fn fixed<const N: usize>(bytes: &Bytes) -> Option<[u8; N]> {
        <[u8; N]>::try_from(&bytes[..]).ok()
    }
    let mut out = String::new();
    match data_type {
        Type::Bool => out.push(if *bytes.first().ok_or_else(fail)? == 0 { 'f' } else { 't' }),
        Type::Int2 => out = i16::from_be_bytes(fixed(bytes).ok_or_else(fail)?).to_string(),
        Type::Int4 => out = i32::from_be_bytes(fixed(bytes).ok_or_else(fail)?).to_string(),
        Type::Int8 => out = i64::from_be_bytes(fixed(bytes).ok_or_else(fail)?).to_string(),
        Type::Oid => out = u32::from_be_bytes(fixed(bytes).ok_or_else(fail)?).to_string(),
        Type::Float4 => out = f32::from_be_bytes(fixed(bytes).ok_or_else(fail)?).to_string(),
        Type::Float8 => out = f64::from_be_bytes(fixed(bytes).ok_or_else(fail)?).to_string(),
        Type::Numeric(..) => out = numeric::read(bytes).ok_or_else(fail)?,
        Type::Bytea => text::bytea(bytes, &mut out),
        Type::Date => {
            let days = i64::from(i32::from_be_bytes(fixed(bytes).ok_or_else(fail)?)) + i64::from(DAYS);
            text::date(days, &mut out).ok_or_else(fail)?;
        }
        Type::Time => {
            text::time(i64::from_be_bytes(fixed(bytes).ok_or_else(fail)?), &mut out).ok_or_else(fail)?;
        }
        Type::Timestamp | Type::Timestamptz => {
            let micros = i64::from_be_bytes(fixed(bytes).ok_or_else(fail)?).checked_add(MICROS).ok_or_else(fail)?;
            DateTime::from_timestamp_micros(micros).ok_or_else(fail)?;
            text::timestamp(micros, *data_type == Type::Timestamptz, &mut out).ok_or_else(fail)?;
        }
        Type::Interval => {
            let all: [u8; 16] = fixed(bytes).ok_or_else(fail)?;
            let (micros, rest) = all.split_first_chunk::<8>().ok_or_else(fail)?;
            let (days, months) = rest.split_first_chunk::<4>().ok_or_else(fail)?;
            let months = <[u8; 4]>::try_from(months).map_err(|_| fail())?;
            let (months, days) = (i32::from_be_bytes(months), i32::from_be_bytes(*days));
            text::interval(months, days, i64::from_be_bytes(*micros), &mut out);
        }
        // Arrays are read by their elements.
        Type::Array(_) => {}
        Type::Text | Type::Name | Type::Char | Type::Json => out = from_text(bytes)?,
    }
    Ok(out)
}

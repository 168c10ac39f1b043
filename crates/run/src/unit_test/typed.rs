//! Rows as they are written, against the columns that they stand for.

use lockgate_project::Source;
use lockgate_project::unit_test::Row;
use lockgate_project::yaml::{Key, Node, Value};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{DataType, Diagnostic, Diagnostics, Schema};

use super::cell::Cell;
use super::instant;
use crate::error::{TEST_NAMES, TEST_VALUE};

/// Reads the rows of one table; everything wrong is reported.
pub(crate) struct Typed<'a> {
    pub(crate) source: &'a Source,
    /// What the rows are of, for messages: `raw.load`, `the result`.
    pub(crate) what: &'a str,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

impl Typed<'_> {
    /// The rows, with a cell for each column of `schema`, null where none is given; and the columns that are named.
    pub(crate) fn rows(&mut self, schema: &Schema, rows: &[Row]) -> (Vec<Vec<Cell>>, Vec<bool>) {
        let mut named = vec![false; schema.columns.len()];
        // A column that does not exist is told once, not once a row.
        let mut unknown: Vec<&str> = Vec::new();
        let mut typed = Vec::with_capacity(rows.len());
        for row in rows {
            let mut cells = vec![Cell::Null; schema.columns.len()];
            for (key, node) in &row.cells.entries {
                let Some(index) = schema.columns.iter().position(|column| column.name == key.text) else {
                    if !unknown.contains(&key.text.as_str()) {
                        unknown.push(&key.text);
                        self.unknown(key, schema);
                    }
                    continue;
                };
                named[index] = true;
                if let Some(cell) = self.cell(node, &schema.columns[index].data_type, &key.text) {
                    cells[index] = cell;
                }
            }
            typed.push(cells);
        }
        (typed, named)
    }

    fn unknown(&mut self, key: &Key, schema: &Schema) {
        let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        let message = format!("{} has no column `{}`", self.what, key.text);
        let error = Diagnostic::error(&TEST_NAMES, message).at(self.source.place(key.span));
        self.diagnostics.push(match did_you_mean(&key.text, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.expected(one_of(&names)),
        });
    }

    /// `path` says where in the row the value stands.
    fn cell(&mut self, node: &Node, kind: &DataType, path: &str) -> Option<Cell> {
        match (&node.value, kind) {
            (Value::Null, _) => Some(Cell::Null),
            (Value::List(items), DataType::List(kind)) => {
                let cells: Vec<Option<Cell>> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.cell(item, kind, &format!("{path}[{}]", index + 1)))
                    .collect();
                cells.into_iter().collect::<Option<_>>().map(Cell::List)
            }
            (Value::Map(map), DataType::Struct(kinds)) => {
                for (key, _) in map.entries.iter().filter(|(key, _)| !kinds.iter().any(|(name, _)| *name == key.text)) {
                    let names: Vec<&str> = kinds.iter().map(|(name, _)| name.as_str()).collect();
                    let message = format!("`{path}` of {} has no field `{}`", self.what, key.text);
                    let error = Diagnostic::error(&TEST_NAMES, message).at(self.source.place(key.span));
                    self.diagnostics.push(error.expected(one_of(&names)));
                }
                let cells: Vec<Option<Cell>> = kinds
                    .iter()
                    .map(|(name, kind)| match map.get(name) {
                        Some(node) => self.cell(node, kind, &format!("{path}.{name}")),
                        None => Some(Cell::Null),
                    })
                    .collect();
                cells.into_iter().collect::<Option<_>>().map(Cell::Struct)
            }
            _ => match scalar(node, kind) {
                Ok(cell) => Some(cell),
                Err(hint) => {
                    self.misfit(node, kind, path, hint);
                    None
                }
            },
        }
    }

    fn misfit(&mut self, node: &Node, kind: &DataType, path: &str, hint: Option<String>) {
        let shown = match &node.value {
            Value::String(text) if text.chars().count() <= 40 => format!("the text `{text}`"),
            Value::Number(text) => format!("the number {text}"),
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Null | Value::String(_) | Value::List(_) | Value::Map(_) => node.describe().to_owned(),
        };
        let message = format!("{shown} does not fit the column `{path}` of {}, which is {kind}", self.what);
        let mut error = Diagnostic::error(&TEST_VALUE, message).at(self.source.place(node.span));
        error.expected = expected(kind);
        error.hint = hint;
        self.diagnostics.push(error);
    }
}

/// What a value of a type looks like.
fn expected(kind: &DataType) -> Option<String> {
    let example = match kind {
        DataType::Boolean => "true or false",
        DataType::Int => "a whole number within 32 bits",
        DataType::Bigint => "a whole number within 64 bits",
        DataType::Double => "a number",
        DataType::Decimal(precision, scale) => {
            return Some(format!("a number with at most {} digits, {scale} of them behind the point", precision));
        }
        DataType::String => "a string",
        DataType::Binary => "hexadecimal digits, such as 0x00ff",
        DataType::Date => "a day, such as 2013-12-31",
        DataType::Timestamp => "a timestamp without a zone, such as 2013-12-31T06:30:00",
        DataType::Timestamptz => "a timestamp, such as 2013-12-31T06:30:00Z",
        DataType::Json => "text that is JSON, or a map or a list",
        DataType::List(_) => "a list",
        DataType::Struct(_) => "a map of the struct's fields",
    };
    Some(example.to_owned())
}

/// `Err` with what to do, if there is something to say beside what is expected.
fn scalar(node: &Node, kind: &DataType) -> Result<Cell, Option<String>> {
    let quotes = |text: &str| Some(format!("quote it: \"{text}\""));
    match (kind, &node.value) {
        (DataType::Boolean, Value::Bool(value)) => Ok(Cell::Boolean(*value)),
        (DataType::Boolean, Value::String(text)) => Err(match text.to_lowercase().as_str() {
            "yes" | "on" | "y" | "true" | "t" => Some("write true".to_owned()),
            "no" | "off" | "n" | "false" | "f" => Some("write false".to_owned()),
            _ => None,
        }),
        (DataType::Int | DataType::Bigint, Value::Number(_)) => {
            let value = node.as_integer().and_then(|value| i64::try_from(value).ok());
            let fits = |value: &i64| *kind == DataType::Bigint || i32::try_from(*value).is_ok();
            value.filter(fits).map(Cell::Integer).ok_or(None)
        }
        (DataType::Double, Value::Number(text)) => double(node, text).map(Cell::Double).ok_or(None),
        (DataType::Decimal(precision, scale), Value::Number(text)) => {
            decimal(text, *precision, *scale).map(Cell::Decimal).ok_or(None)
        }
        (DataType::Int | DataType::Bigint | DataType::Double | DataType::Decimal(..), Value::String(text)) => {
            Err(text.parse::<f64>().is_ok().then(|| "remove the quotes: a number stands without them".to_owned()))
        }
        (DataType::String, Value::String(text)) => Ok(Cell::Text(text.clone())),
        (DataType::String, Value::Number(text)) => Err(quotes(text)),
        (DataType::String, Value::Bool(value)) => Err(quotes(&value.to_string())),
        (DataType::Binary, Value::String(text) | Value::Number(text)) => binary(text).map(Cell::Binary).ok_or(None),
        (DataType::Date, Value::String(text)) => instant::date(text).map(Cell::Date).ok_or(None),
        (DataType::Timestamp, Value::String(text)) => match instant::instant(text) {
            // A timestamp without a zone is taken to be in UTC, so one that says so loses nothing.
            Some((micros, None | Some(0))) => Ok(Cell::Instant(micros)),
            Some(_) => Err(Some("the column has no zone: remove the offset".to_owned())),
            None => Err(None),
        },
        (DataType::Timestamptz, Value::String(text)) => {
            instant::instant(text).map(|(micros, _)| Cell::Instant(micros)).ok_or(None)
        }
        (DataType::Json, Value::String(text)) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => Ok(Cell::Text(text.clone())),
            Err(_) => {
                Err(Some(format!("a JSON string has quotes of its own: '{}'", serde_json::Value::from(text.as_str()))))
            }
        },
        (DataType::Json, Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_)) => {
            Ok(Cell::Text(node.to_json().to_string()))
        }
        _ => Err(None),
    }
}

fn double(node: &Node, text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']).to_lowercase();
    match unsigned.as_str() {
        ".nan" => Some(f64::NAN),
        ".inf" if text.starts_with('-') => Some(f64::NEG_INFINITY),
        ".inf" => Some(f64::INFINITY),
        _ => node.as_f64(),
    }
}

/// Exact: digits that the type has no room for must be zeros.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // How many zeros follow the digits, or how many of the digits are behind the last place.
    let places = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(i64::from(scale))?;
    let value: i128 = if places >= 0 {
        let zeros = u32::try_from(places).ok().filter(|zeros| *zeros <= 38)?;
        digits.parse::<i128>().ok()?.checked_mul(10_i128.pow(zeros))?
    } else {
        let cut = usize::try_from(-places).ok()?;
        let kept = digits.len().saturating_sub(cut);
        if digits[kept..].bytes().any(|byte| byte != b'0') {
            return None;
        }
        if kept == 0 { 0 } else { digits[..kept].parse().ok()? }
    };
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    (value < limit).then_some(if negative { -value } else { value })
}

/// `0x00ff`.
fn binary(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

pub(crate) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => (*word).to_owned(),
        words => format!("one of {}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests;

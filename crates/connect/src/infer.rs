//! Which type holds every value of a column. Whole files are looked at, never a sample alone.
//!
//! A column keeps the set of shapes that its values had; the type is read off the set at the end, so that the order
//! of the values does not matter and parts can be looked at in parallel.

use lockgate_types::DataType;

use crate::cells::{Cell, Cells};
use crate::value;

/// The shapes a column's values had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guess {
    shapes: u16,
    /// Of exact numbers: the most digits before and after the point.
    whole_digits: u8,
    places: u8,
}

const BOOLEAN: u16 = 1;
/// Fits 32 bits.
const INT: u16 = 1 << 1;
/// Fits 64 bits.
const BIGINT: u16 = 1 << 2;
/// Up to 38 digits.
const HUGE: u16 = 1 << 3;
/// A fraction or an exponent that a double gives back as it was.
const DOUBLE: u16 = 1 << 4;
/// A fraction that a double would round.
const PRECISE: u16 = 1 << 5;
/// A whole number that a double would round.
const WIDE: u16 = 1 << 6;
/// It has an exponent, so that its digits say nothing of a decimal.
const EXPONENT: u16 = 1 << 7;
/// `nan`, `inf`: numbers only beside numbers.
const WORD: u16 = 1 << 8;
const DATE: u16 = 1 << 9;
const TIMESTAMP: u16 = 1 << 10;
const ZONED: u16 = 1 << 11;
/// Objects and lists.
const NESTED: u16 = 1 << 12;
const TEXT: u16 = 1 << 13;

const NUMBERS: u16 = INT | BIGINT | HUGE | DOUBLE | PRECISE | WIDE | EXPONENT | WORD;

impl Guess {
    /// Takes a value's text into account.
    #[inline]
    pub(crate) fn see(&mut self, text: &[u8]) {
        if self.shapes & TEXT != 0 {
            return;
        }
        let text = text.trim_ascii();
        match text {
            [b'0'..=b'9' | b'-' | b'.', ..] => self.see_number_or_time(text),
            _ => self.see_word(text),
        }
    }

    /// Takes a JSON string into account: digits in it were meant as text.
    pub(crate) fn see_string(&mut self, text: &[u8]) {
        match value::instant(text) {
            Some(_) => self.see_time(text),
            None => self.shapes |= TEXT,
        }
    }

    pub(crate) fn see_nested(&mut self) {
        self.shapes |= NESTED;
    }

    pub(crate) fn see_boolean(&mut self) {
        self.shapes |= BOOLEAN;
    }

    fn see_word(&mut self, text: &[u8]) {
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
        self.shapes |= if is(&["true", "false"]) {
            BOOLEAN
        } else if is(&["nan", "inf", "infinity"]) {
            WORD
        } else {
            TEXT
        };
    }

    fn see_time(&mut self, text: &[u8]) {
        self.shapes |= match value::instant(text) {
            Some((_, true)) => ZONED,
            Some(_) if value::date(text).is_some() => DATE,
            Some(_) => TIMESTAMP,
            None => TEXT,
        };
    }

    #[inline]
    fn see_number_or_time(&mut self, text: &[u8]) {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let whole = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        // Zeros in front carry meaning: `007` is no 7.
        if whole > 1 && digits[0] == b'0' {
            return self.see_time(text);
        }
        if whole == digits.len() && whole > 0 {
            return self.see_whole(text, digits);
        }
        if whole == 4 && digits[4] == b'-' {
            return self.see_time(text);
        }
        self.see_fraction(text, digits, whole);
    }

    #[inline]
    fn see_whole(&mut self, text: &[u8], digits: &[u8]) {
        self.whole_digits = self.whole_digits.max(u8::try_from(digits.len()).unwrap_or(u8::MAX));
        if digits.len() < 10 {
            self.shapes |= INT;
            return;
        }
        self.shapes |= match value::integer(text) {
            Some(number) if i32::try_from(number).is_ok() => INT,
            Some(_) => BIGINT,
            None if digits.len() <= 38 => HUGE,
            None => TEXT,
        };
        if digits.len() > 15 {
            self.shapes |= WIDE;
        }
    }

    fn see_fraction(&mut self, text: &[u8], digits: &[u8], whole: usize) {
        let Some(number) = value::double(text) else {
            // `-inf` and the like.
            if text.len() > 1 && !digits.iter().any(u8::is_ascii_digit) && !digits.contains(&b'.') {
                self.see_word(digits);
            } else {
                self.shapes |= TEXT;
            }
            return;
        };
        if !digits.iter().any(u8::is_ascii_digit) {
            self.shapes |= WORD;
            return;
        }
        if digits.iter().any(|byte| matches!(byte, b'e' | b'E')) {
            self.shapes |= DOUBLE | EXPONENT;
            return;
        }
        let places = digits.len() - whole - 1;
        self.whole_digits = self.whole_digits.max(u8::try_from(whole).unwrap_or(u8::MAX));
        self.places = self.places.max(u8::try_from(places).unwrap_or(u8::MAX));
        self.shapes |= if whole + places <= 15 || gives_back(number, digits) { DOUBLE } else { PRECISE };
    }

    pub(crate) fn join(&mut self, other: Guess) {
        self.shapes |= other.shapes;
        self.whole_digits = self.whole_digits.max(other.whole_digits);
        self.places = self.places.max(other.places);
    }

    /// The type; a column without values is a string.
    pub(crate) fn data_type(&self) -> DataType {
        let within = |shapes: u16| self.shapes != 0 && self.shapes & !shapes == 0;
        let has = |shapes: u16| self.shapes & shapes != 0;
        if within(BOOLEAN) {
            DataType::Boolean
        } else if within(INT) {
            DataType::Int
        } else if within(INT | BIGINT | WIDE) {
            DataType::Bigint
        } else if within(NUMBERS) && has(NUMBERS & !WORD) {
            self.number()
        } else if within(DATE) {
            DataType::Date
        } else if within(DATE | TIMESTAMP) {
            DataType::Timestamp
        } else if within(ZONED) {
            DataType::Timestamptz
        } else if has(NESTED) {
            DataType::Json
        } else {
            DataType::String
        }
    }

    /// A double when it gives every number back as it was written, else a decimal, if one is wide enough.
    fn number(&self) -> DataType {
        let exact = self.shapes & (HUGE | PRECISE) == 0 && (self.shapes & WIDE == 0 || self.shapes & DOUBLE == 0);
        if exact {
            return DataType::Double;
        }
        let digits = u16::from(self.whole_digits) + u16::from(self.places);
        let scale = i8::try_from(self.places).unwrap_or(i8::MAX);
        match self.shapes & (EXPONENT | WORD) {
            0 if digits <= 38 => DataType::Decimal(38, scale),
            0 => DataType::String,
            _ => DataType::Double,
        }
    }
}

/// Whether the shortest text of the double has the same digits.
fn gives_back(number: f64, digits: &[u8]) -> bool {
    let bare = |text: &str| {
        let text = text.trim_start_matches('-');
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        text.trim_start_matches('0').to_owned()
    };
    std::str::from_utf8(digits).is_ok_and(|text| bare(text) == bare(&number.to_string()))
}

/// Looks at every cell of the wanted columns of a piece; `guesses` are theirs, in the same order.
pub(crate) fn look(cells: &impl Cells, columns: &[usize], guesses: &mut [Guess]) {
    let mut plain = Vec::new();
    for (guess, &column) in guesses.iter_mut().zip(columns) {
        for row in 0..cells.rows() {
            if guess.shapes & TEXT != 0 {
                break;
            }
            match cells.cell(row, column) {
                Cell::Null => {}
                Cell::Text(text) => guess.see(text),
                Cell::Escaped(text) => {
                    plain.clear();
                    cells.unescape(text, &mut plain);
                    guess.see(&plain);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

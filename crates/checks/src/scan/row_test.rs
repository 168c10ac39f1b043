//! Whether rows fail a row-local check, a batch at a time.

use std::sync::Arc;

use arrow::array::Array;
use arrow::buffer::BooleanBuffer;

use super::cells::{Bytes, Cells, Data, key, with_bytes};
use super::known::KnownValues;
use crate::profile::hash;
use crate::values::Value;

/// A row-local check as the scan runs it.
#[derive(Clone, Debug)]
pub(crate) enum RowTest {
    NotNull {
        column: String,
    },
    InRange {
        column: String,
        bounds: Bounds,
    },
    Accepted {
        column: String,
        set: Arc<Set>,
    },
    Matches {
        column: String,
        regex: regex::Regex,
    },
    /// A row passes where its value is among those.
    Known {
        column: String,
        values: Arc<KnownValues>,
    },
    /// The engine evaluates it beside the columns; a row fails where it is false.
    Predicate {
        sql: String,
    },
}

impl RowTest {
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            RowTest::NotNull { column }
            | RowTest::InRange { column, .. }
            | RowTest::Accepted { column, .. }
            | RowTest::Matches { column, .. }
            | RowTest::Known { column, .. } => Some(column),
            RowTest::Predicate { .. } => None,
        }
    }
}

/// Both ends included; NaN lies in no range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds {
    whole: (i128, i128),
    double: (f64, f64),
}

impl Bounds {
    pub(crate) fn of(low: Option<Value>, high: Option<Value>) -> Bounds {
        let whole = |value: &Option<Value>| match value {
            Some(Value::Whole(value)) => Some(*value),
            _ => None,
        };
        let double = |value: &Option<Value>| match value {
            Some(Value::Double(value)) => Some(*value),
            _ => None,
        };
        Bounds {
            whole: (whole(&low).unwrap_or(i128::MIN), whole(&high).unwrap_or(i128::MAX)),
            double: (double(&low).unwrap_or(f64::NEG_INFINITY), double(&high).unwrap_or(f64::INFINITY)),
        }
    }

    /// Whether all values between the two pass.
    pub(crate) fn holds_all(&self, range: BatchRange) -> bool {
        match range {
            BatchRange::Unknown => false,
            BatchRange::Nothing => true,
            BatchRange::Whole(low, high) => i128::from(low) >= self.whole.0 && i128::from(high) <= self.whole.1,
            BatchRange::Double(low, high) => low >= self.double.0 && high <= self.double.1,
        }
    }
}

/// What the profile saw of a column in this batch, so that a range need not look again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum BatchRange {
    #[default]
    Unknown,
    /// All values are null.
    Nothing,
    Whole(i64, i64),
    /// There is no NaN.
    Double(f64, f64),
}

/// Accepted values, in the forms that columns come in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    booleans: [bool; 2],
    /// Sorted.
    whole: Vec<i64>,
    /// Sorted.
    wide: Vec<i128>,
    /// Sorted by their bits; zero is positive.
    doubles: Vec<u64>,
    /// Sorted by hash.
    texts: Vec<(u64, Box<[u8]>)>,
}

impl Set {
    pub(crate) fn of(values: &[Value]) -> Set {
        let mut set = Set::default();
        for value in values {
            match value {
                Value::Boolean(value) => set.booleans[usize::from(*value)] = true,
                Value::Whole(value) => {
                    set.wide.push(*value);
                    // What no i64 can be, no i64 column holds.
                    set.whole.extend(i64::try_from(*value));
                }
                Value::Double(value) => set.doubles.push((value + 0.0).to_bits()),
                Value::Text(text) => set.texts.push((hash::bytes(text.as_bytes()), text.as_bytes().into())),
            }
        }
        set.whole.sort_unstable();
        set.wide.sort_unstable();
        set.doubles.sort_unstable();
        set.texts.sort_unstable();
        set
    }

    #[inline]
    fn has_text(&self, hash: u64, bytes: &[u8]) -> bool {
        // Equal hashes stand together; more than one is as good as impossible, and still handled.
        let start = if self.texts.len() <= 8 { 0 } else { self.texts.partition_point(|(other, _)| *other < hash) };
        self.texts[start..]
            .iter()
            .take_while(|(other, _)| *other <= hash)
            .any(|(other, text)| *other == hash && **text == *bytes)
    }
}

fn is_in<T: Ord>(values: &[T], value: &T) -> bool {
    if values.len() <= 8 { values.contains(value) } else { values.binary_search(value).is_ok() }
}

/// A test bound to a column of the scan.
#[derive(Debug)]
pub(crate) enum Test {
    NotNull,
    InRange(Bounds),
    Accepted(Arc<Set>),
    Matches(Box<Matcher>),
    Known(Arc<KnownValues>),
}

impl Test {
    /// `None` for predicates, which have a column of their own.
    pub(crate) fn of(test: &RowTest) -> Option<Test> {
        match test {
            RowTest::NotNull { .. } => Some(Test::NotNull),
            RowTest::InRange { bounds, .. } => Some(Test::InRange(bounds.clone())),
            RowTest::Accepted { set, .. } => Some(Test::Accepted(set.clone())),
            RowTest::Matches { regex, .. } => Some(Test::Matches(Box::new(Matcher::new(regex)))),
            RowTest::Known { values, .. } => Some(Test::Known(values.clone())),
            RowTest::Predicate { .. } => None,
        }
    }

    /// Whether it looks up texts by their hashes.
    pub(crate) fn wants_hashes(&self) -> bool {
        matches!(self, Test::Accepted(_) | Test::Matches(_) | Test::Known(_))
    }

    /// The rows that fail; `None` when none does. `hashes` are those of the column's rows, or empty.
    pub(crate) fn failing(&mut self, cells: &Cells, range: BatchRange, hashes: &[u64]) -> Option<BooleanBuffer> {
        if let Test::NotNull = self {
            return cells.nulls.as_ref().map(|nulls| !nulls.inner());
        }
        if cells.null_count() == cells.length {
            return None;
        }
        if let Test::InRange(bounds) = self
            && bounds.holds_all(range)
        {
            return None;
        }
        let failing = match &cells.data {
            // No value of such a column is ever looked up, so the other column has none at all.
            Data::Boolean(_) | Data::Opaque if matches!(self, Test::Known(_)) => BooleanBuffer::new_set(cells.length),
            Data::Boolean(values) => match self {
                Test::Accepted(set) => match set.booleans {
                    [true, true] => return None,
                    [true, false] => values.clone(),
                    [false, true] => !values,
                    [false, false] => BooleanBuffer::new_set(cells.length),
                },
                _ => return None,
            },
            Data::Whole(values) => self.whole(values)?,
            Data::Wide(values) => self.wide(values)?,
            Data::Double(values) => self.double(values)?,
            Data::Bytes(bytes) => self.bytes(bytes, cells, hashes)?,
            Data::Dictionary { keys, values } => self.dictionary(keys, values, cells)?,
            Data::Opaque => return None,
        };
        Some(match &cells.nulls {
            Some(nulls) => &failing & nulls.inner(),
            None => failing,
        })
    }

    fn whole(&self, values: &[i64]) -> Option<BooleanBuffer> {
        match self {
            Test::InRange(Bounds { whole: (low, high), .. }) => {
                let (Ok(low), Ok(high)) =
                    (i64::try_from((*low).max(i64::MIN.into())), i64::try_from((*high).min(i64::MAX.into())))
                else {
                    // The range lies beyond what the column can hold.
                    return Some(BooleanBuffer::new_set(values.len()));
                };
                Some(BooleanBuffer::collect_bool(values.len(), |row| (values[row] < low) | (values[row] > high)))
            }
            Test::Accepted(set) => Some(match set.whole[..] {
                [one] => BooleanBuffer::collect_bool(values.len(), |row| values[row] != one),
                _ => BooleanBuffer::collect_bool(values.len(), |row| !is_in(&set.whole, &values[row])),
            }),
            Test::Known(known) => Some(BooleanBuffer::collect_bool(values.len(), |row| !known.has_whole(values[row]))),
            Test::NotNull | Test::Matches(_) => None,
        }
    }

    fn wide(&self, values: &[i128]) -> Option<BooleanBuffer> {
        match self {
            Test::InRange(Bounds { whole: (low, high), .. }) => {
                Some(BooleanBuffer::collect_bool(values.len(), |row| (values[row] < *low) | (values[row] > *high)))
            }
            Test::Accepted(set) => {
                Some(BooleanBuffer::collect_bool(values.len(), |row| !is_in(&set.wide, &values[row])))
            }
            // No such value is ever known.
            Test::Known(_) => Some(BooleanBuffer::new_set(values.len())),
            Test::NotNull | Test::Matches(_) => None,
        }
    }

    fn double(&self, values: &[f64]) -> Option<BooleanBuffer> {
        match self {
            // Not `<` and `>`: NaN must fail.
            Test::InRange(Bounds { double: (low, high), .. }) => {
                Some(BooleanBuffer::collect_bool(values.len(), |row| !((values[row] >= *low) & (values[row] <= *high))))
            }
            Test::Accepted(set) => Some(BooleanBuffer::collect_bool(values.len(), |row| {
                !is_in(&set.doubles, &(values[row] + 0.0).to_bits())
            })),
            // No such value is ever known.
            Test::Known(_) => Some(BooleanBuffer::new_set(values.len())),
            Test::NotNull | Test::Matches(_) => None,
        }
    }

    fn bytes(&mut self, bytes: &Bytes, cells: &Cells, hashes: &[u64]) -> Option<BooleanBuffer> {
        let hash_of = |row: usize, value: &[u8]| hashes.get(row).copied().unwrap_or_else(|| hash::bytes(value));
        match self {
            Test::Accepted(set) => Some(with_bytes!(bytes, array => {
                BooleanBuffer::collect_bool(array.len(), |row| {
                    !cells.is_null(row) && !set.has_text(hash_of(row, array.value(row)), array.value(row))
                })
            })),
            Test::Matches(matcher) => Some(with_bytes!(bytes, array => {
                BooleanBuffer::collect_bool(array.len(), |row| {
                    !cells.is_null(row) && !matcher.matches(hash_of(row, array.value(row)), array.value(row))
                })
            })),
            Test::Known(known) => Some(with_bytes!(bytes, array => {
                BooleanBuffer::collect_bool(array.len(), |row| {
                    !cells.is_null(row) && !known.has_text(hash_of(row, array.value(row)), array.value(row))
                })
            })),
            Test::NotNull | Test::InRange(_) => None,
        }
    }

    /// Judges each value of the dictionary once.
    fn dictionary(&mut self, keys: &[i32], values: &Bytes, cells: &Cells) -> Option<BooleanBuffer> {
        let mut fails = Vec::with_capacity(values.len());
        for at in 0..values.len() {
            let value = values.get(at);
            fails.push(match self {
                Test::Accepted(set) => !set.has_text(hash::bytes(value), value),
                Test::Matches(matcher) => !matcher.matches(hash::bytes(value), value),
                Test::Known(known) => !known.has_text(hash::bytes(value), value),
                Test::NotNull | Test::InRange(_) => return None,
            });
        }
        // What passes for every value passes for every row.
        if !fails.contains(&true) {
            return None;
        }
        Some(BooleanBuffer::collect_bool(keys.len(), |row| {
            !cells.is_null(row) && fails.get(key(keys[row])).copied().unwrap_or(false)
        }))
    }
}

/// A regular expression that remembers its answers for short texts: columns of codes repeat.
pub(crate) struct Matcher {
    regex: Option<regex::bytes::Regex>,
    remembered: Vec<Remembered>,
}

const REMEMBERED: usize = 256;
const SHORT: usize = 23;

#[derive(Clone, Copy, Default)]
struct Remembered {
    bytes: [u8; SHORT],
    /// One more than its length; 0 is an empty slot.
    length: u8,
    matches: bool,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matcher({:?})", self.regex)
    }
}

impl Matcher {
    fn new(regex: &regex::Regex) -> Self {
        // The same expression over bytes: the columns' text is known to be UTF-8, so it need not be checked again. What
        // compiled for text compiles for bytes.
        Matcher {
            regex: regex::bytes::Regex::new(regex.as_str()).ok(),
            remembered: vec![Remembered::default(); REMEMBERED],
        }
    }

    #[inline]
    fn matches(&mut self, hash: u64, text: &[u8]) -> bool {
        let Some(regex) = &self.regex else { return true };
        if text.len() > SHORT {
            return regex.is_match(text);
        }
        #[allow(clippy::cast_possible_truncation)]
        let slot = &mut self.remembered[(hash >> 20) as usize % REMEMBERED];
        #[allow(clippy::cast_possible_truncation)]
        let length = text.len() as u8 + 1;
        if slot.length == length && slot.bytes[..text.len()] == *text {
            return slot.matches;
        }
        let matches = regex.is_match(text);
        slot.bytes[..text.len()].copy_from_slice(text);
        (slot.length, slot.matches) = (length, matches);
        matches
    }
}

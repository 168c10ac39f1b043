//! One column's statistics. Values are counted, hashed, compared and summed at their own type; text is made at the end.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, i256};
use lockgate_types::ColumnProfile;
use serde::{Deserialize, Serialize};

use super::distinct::Distinct;
use super::hash;
use super::quantiles::Quantiles;
use super::sum::{ExactSum, ratio};
use crate::scan::{BatchRange, Bytes, Cells, Data, key, text_of, with_bytes};

/// What is known of a column so far.
#[derive(Debug)]
pub(crate) struct ColumnAccumulator {
    name: String,
    data_type: Arrow,
    rows: u64,
    nulls: u64,
    distinct: Distinct,
    values: Values,
}

/// By the form that the column's cells come in. It is chosen by the first batch that has values.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Values {
    None,
    Boolean {
        seen: [bool; 2],
    },
    Whole {
        min: i64,
        max: i64,
        sum: i128,
        quantiles: Option<Quantiles>,
    },
    Wide {
        min: i128,
        max: i128,
        #[serde(with = "wide_sum")]
        sum: i256,
        quantiles: Quantiles,
    },
    Double(Doubles),
    Bytes {
        min: Vec<u8>,
        max: Vec<u8>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Doubles {
    /// Without NaN; `min > max` when there was nothing else.
    min: f64,
    max: f64,
    /// The rest is over finite values.
    finite: u64,
    sum: ExactSum,
    quantiles: Quantiles,
}

/// A column's statistics as they are kept; its name and type are the table's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredColumn {
    rows: u64,
    nulls: u64,
    distinct: Distinct,
    values: Values,
}

/// A sum of 256 bits as its bytes.
mod wide_sum {
    use arrow::datatypes::i256;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(sum: &i256, serializer: S) -> Result<S::Ok, S::Error> {
        sum.to_le_bytes().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i256, D::Error> {
        Ok(i256::from_le_bytes(<[u8; 32]>::deserialize(deserializer)?))
    }
}

/// Buffers that every column of every batch uses again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) hashes: Vec<u64>,
    whole: Vec<i64>,
    seen: Vec<bool>,
    wide: Vec<i128>,
    doubles: Vec<f64>,
}

impl ColumnAccumulator {
    pub(crate) fn new(name: &str, data_type: &Arrow) -> Self {
        ColumnAccumulator {
            name: name.to_owned(),
            data_type: data_type.clone(),
            rows: 0,
            nulls: 0,
            distinct: Distinct::default(),
            values: Values::None,
        }
    }

    pub(crate) fn stored(&self) -> StoredColumn {
        StoredColumn {
            rows: self.rows,
            nulls: self.nulls,
            distinct: self.distinct.clone(),
            values: self.values.clone(),
        }
    }

    pub(crate) fn of(stored: StoredColumn, name: &str, data_type: &Arrow) -> Self {
        let StoredColumn { rows, nulls, distinct, values } = stored;
        ColumnAccumulator { name: name.to_owned(), data_type: data_type.clone(), rows, nulls, distinct, values }
    }

    /// The greatest value of a column of whole numbers.
    pub(crate) fn greatest(&self) -> Option<i64> {
        match &self.values {
            Values::Whole { max, .. } => Some(*max),
            _ => None,
        }
    }

    /// Adds a batch's cells. Afterwards `scratch.hashes` holds the hash of every row when the cells are bytes.
    pub(crate) fn add(&mut self, cells: &Cells, scratch: &mut Scratch) -> BatchRange {
        self.rows += cells.length as u64;
        self.nulls += cells.null_count() as u64;
        scratch.hashes.clear();
        if cells.null_count() == cells.length {
            return BatchRange::Nothing;
        }
        match &cells.data {
            Data::Boolean(values) => {
                let count = match &cells.nulls {
                    Some(nulls) => (values & nulls.inner()).count_set_bits(),
                    None => values.count_set_bits(),
                };
                let others = cells.length - cells.null_count() - count;
                self.booleans(others > 0, count > 0);
                BatchRange::Unknown
            }
            Data::Whole(values) => {
                let dense = dense(values, cells, &mut scratch.whole);
                self.whole(dense, &mut scratch.hashes, &mut scratch.seen)
            }
            Data::Wide(values) => {
                let dense = dense(values, cells, &mut scratch.wide);
                self.wide(dense);
                BatchRange::Unknown
            }
            Data::Double(values) => {
                let dense = dense(values, cells, &mut scratch.doubles);
                self.doubles(dense)
            }
            Data::Bytes(bytes) => {
                self.bytes(bytes, cells, &mut scratch.hashes);
                BatchRange::Unknown
            }
            Data::Dictionary { keys, values } => {
                self.dictionary(keys, values, cells);
                BatchRange::Unknown
            }
            Data::Opaque => BatchRange::Unknown,
        }
    }

    fn booleans(&mut self, with_false: bool, with_true: bool) {
        if let Values::None = self.values {
            self.values = Values::Boolean { seen: [false; 2] };
        }
        if let Values::Boolean { seen } = &mut self.values {
            seen[0] |= with_false;
            seen[1] |= with_true;
        }
    }

    fn whole(&mut self, values: &[i64], hashes: &mut Vec<u64>, seen: &mut Vec<bool>) -> BatchRange {
        if let Values::None = self.values {
            let is_number = self.data_type.is_numeric();
            let quantiles = is_number.then(Quantiles::default);
            self.values = Values::Whole { min: i64::MAX, max: i64::MIN, sum: 0, quantiles };
        }
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        for value in values {
            low = low.min(*value);
            high = high.max(*value);
        }
        #[allow(clippy::cast_sign_loss)]
        match close(values, low, high, seen) {
            Some(close) => self.distinct.extend(close.map(|value| hash::integer(value as u64))),
            None => {
                hashes.extend(values.iter().map(|value| hash::integer(*value as u64)));
                self.distinct.extend(hashes.drain(..));
            }
        }
        if let Values::Whole { min, max, sum, quantiles } = &mut self.values {
            *min = low.min(*min);
            *max = high.max(*max);
            if let Some(quantiles) = quantiles {
                *sum += sum_whole(values, low, high);
                #[allow(clippy::cast_precision_loss)]
                quantiles.extend(values.len(), |at| values[at] as f64);
            }
        }
        BatchRange::Whole(low, high)
    }

    fn wide(&mut self, values: &[i128]) {
        if let Values::None = self.values {
            let quantiles = Quantiles::default();
            self.values = Values::Wide { min: i128::MAX, max: i128::MIN, sum: i256::ZERO, quantiles };
        }
        self.distinct.extend(values.iter().map(|value| hash::wide(*value)));
        if let Values::Wide { min, max, sum, quantiles } = &mut self.values {
            for value in values {
                *min = (*min).min(*value);
                *max = (*max).max(*value);
                *sum = sum.wrapping_add(i256::from_i128(*value));
            }
            #[allow(clippy::cast_precision_loss)]
            quantiles.extend(values.len(), |at| values[at] as f64);
        }
    }

    fn doubles(&mut self, values: &[f64]) -> BatchRange {
        if let Values::None = self.values {
            self.values = Values::Double(Doubles::default());
        }
        self.distinct.extend(values.iter().map(|value| hash::double(*value)));
        let Values::Double(doubles) = &mut self.values else { return BatchRange::Unknown };
        doubles.add(values)
    }

    fn bytes(&mut self, bytes: &Bytes, cells: &Cells, hashes: &mut Vec<u64>) {
        with_bytes!(bytes, array => {
            match &cells.nulls {
                None => {
                    hashes.extend((0..array.len()).map(|row| hash::bytes(array.value(row))));
                    self.distinct.extend(hashes.iter().copied());
                    self.extremes((0..array.len()).map(|row| array.value(row)));
                }
                Some(nulls) => {
                    hashes.resize(array.len(), 0);
                    for row in nulls.valid_indices() {
                        hashes[row] = hash::bytes(array.value(row));
                    }
                    self.distinct.extend(nulls.valid_indices().map(|row| hashes[row]));
                    self.extremes(nulls.valid_indices().map(|row| array.value(row)));
                }
            }
        });
    }

    /// Each value of the dictionary that occurs counts once.
    fn dictionary(&mut self, keys: &[i32], values: &Bytes, cells: &Cells) {
        let mut occurs = vec![false; values.len()];
        for (row, number) in keys.iter().enumerate() {
            if !cells.is_null(row)
                && let Some(occurs) = occurs.get_mut(key(*number))
            {
                *occurs = true;
            }
        }
        let used = || occurs.iter().enumerate().filter(|(_, occurs)| **occurs).map(|(at, _)| values.get(at));
        self.distinct.extend(used().map(hash::bytes));
        self.extremes(used());
    }

    fn extremes<'v>(&mut self, values: impl Iterator<Item = &'v [u8]>) {
        let mut values = values.peekable();
        if let (Values::None, Some(first)) = (&self.values, values.peek()) {
            self.values = Values::Bytes { min: first.to_vec(), max: first.to_vec() };
        }
        let Values::Bytes { min, max } = &mut self.values else { return };
        // Most values lie between the two: their first eight bytes say so.
        let (mut low, mut high) = (prefix(min), prefix(max));
        for value in values {
            let start = prefix(value);
            if start <= low && *value < **min {
                min.clear();
                min.extend_from_slice(value);
                low = start;
            }
            if start >= high && *value > **max {
                max.clear();
                max.extend_from_slice(value);
                high = start;
            }
        }
    }

    pub(crate) fn merge(&mut self, other: ColumnAccumulator) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.distinct.merge(other.distinct);
        self.values = match (std::mem::replace(&mut self.values, Values::None), other.values) {
            (Values::None, values) | (values, Values::None) => values,
            (Values::Boolean { seen: a }, Values::Boolean { seen: b }) => {
                Values::Boolean { seen: [a[0] || b[0], a[1] || b[1]] }
            }
            (
                Values::Whole { min, max, sum, quantiles },
                Values::Whole { min: low, max: high, sum: more, quantiles: q },
            ) => {
                let quantiles = match (quantiles, q) {
                    (Some(mut quantiles), Some(others)) => {
                        quantiles.merge(others);
                        Some(quantiles)
                    }
                    (one, other) => one.or(other),
                };
                Values::Whole { min: min.min(low), max: max.max(high), sum: sum + more, quantiles }
            }
            (
                Values::Wide { min, max, sum, mut quantiles },
                Values::Wide { min: low, max: high, sum: more, quantiles: q },
            ) => {
                quantiles.merge(q);
                Values::Wide { min: min.min(low), max: max.max(high), sum: sum.wrapping_add(more), quantiles }
            }
            (Values::Double(mut one), Values::Double(other)) => {
                one.merge(other);
                Values::Double(one)
            }
            (Values::Bytes { min, max }, Values::Bytes { min: low, max: high }) => {
                Values::Bytes { min: min.min(low), max: max.max(high) }
            }
            // Partitions of one scan have one schema.
            (one, _) => one,
        };
    }

    pub(crate) fn finish(self) -> ColumnProfile {
        let count = self.rows - self.nulls;
        let scale = match self.data_type {
            Arrow::Decimal32(_, scale)
            | Arrow::Decimal64(_, scale)
            | Arrow::Decimal128(_, scale)
            | Arrow::Decimal256(_, scale) => 10f64.powi(i32::from(scale)),
            _ => 1.0,
        };
        let scaled = |quantiles: &Quantiles| quantiles.quantiles().map(|values| values.map(|value| value / scale));
        let mut profile = ColumnProfile { name: self.name, nulls: self.nulls, ..ColumnProfile::default() };
        let text = |array: ArrayRef| render(&array, &self.data_type);
        #[allow(clippy::cast_precision_loss)]
        match &self.values {
            Values::None => {
                // All null, or of a type whose values are not looked at.
                profile.distinct = (count == 0).then_some(0);
                return profile;
            }
            Values::Boolean { seen } => {
                profile.distinct = Some(seen.iter().filter(|seen| **seen).count() as u64);
                profile.min = text(Arc::new(BooleanArray::from(vec![!seen[0]])));
                profile.max = text(Arc::new(BooleanArray::from(vec![seen[1]])));
                return profile;
            }
            Values::Whole { min, max, sum, quantiles } => {
                let whole = |value: i64| render_whole(value, &self.data_type);
                (profile.min, profile.max) = (whole(*min), whole(*max));
                if let Some(quantiles) = quantiles {
                    profile.mean = Some(mean_of(*sum, count, scale));
                    profile.quantiles = scaled(quantiles);
                }
            }
            Values::Wide { min, max, sum, quantiles } => {
                let wide = |value: i128| render_wide(value, &self.data_type);
                (profile.min, profile.max) = (wide(*min), wide(*max));
                profile.mean = Some(wide_to_double(*sum) / (count as f64 * scale)).filter(|mean| mean.is_finite());
                profile.quantiles = scaled(quantiles);
            }
            Values::Double(doubles) => {
                let (min, max) =
                    if doubles.min > doubles.max { (f64::NAN, f64::NAN) } else { (doubles.min, doubles.max) };
                // Adding zero makes one of both zeros: which of them was seen first must not show.
                let one = |value: f64| text(Arc::new(Float64Array::from(vec![value + 0.0])));
                (profile.min, profile.max) = (one(min), one(max));
                profile.mean = doubles.sum.mean(doubles.finite);
                profile.quantiles = doubles.quantiles.quantiles().map(|values| values.map(|value| value + 0.0));
            }
            Values::Bytes { min, max } => {
                let one = |bytes: &[u8]| match std::str::from_utf8(bytes) {
                    Ok(value) if !is_binary(&self.data_type) => {
                        text_of(&(Arc::new(StringArray::from(vec![value])) as ArrayRef), 0)
                    }
                    _ => text_of(&(Arc::new(BinaryArray::from_vec(vec![bytes])) as ArrayRef), 0),
                };
                (profile.min, profile.max) = (one(min), one(max));
            }
        }
        profile.distinct = Some(self.distinct.count().min(count));
        profile
    }
}

impl Default for Doubles {
    fn default() -> Self {
        Doubles {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            finite: 0,
            sum: ExactSum::default(),
            quantiles: Quantiles::default(),
        }
    }
}

impl Doubles {
    fn add(&mut self, values: &[f64]) -> BatchRange {
        let (mut low, mut high, mut all_finite, mut any_nan) = (f64::INFINITY, f64::NEG_INFINITY, true, false);
        for value in values {
            // Comparisons with NaN are false, so it never becomes an extreme.
            low = if *value < low { *value } else { low };
            high = if *value > high { *value } else { high };
            all_finite &= value.is_finite();
            any_nan |= value.is_nan();
        }
        self.min = self.min.min(low);
        self.max = self.max.max(high);
        if all_finite {
            self.finite(values);
        } else {
            let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
            self.finite(&finite);
        }
        if any_nan { BatchRange::Unknown } else { BatchRange::Double(low, high) }
    }

    fn finite(&mut self, values: &[f64]) {
        self.finite += values.len() as u64;
        for value in values {
            self.sum.add(*value);
        }
        self.quantiles.extend(values.len(), |at| values[at]);
    }

    fn merge(&mut self, other: Doubles) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.finite += other.finite;
        self.sum.merge(other.sum);
        self.quantiles.merge(other.quantiles);
    }
}

/// The values that are not null, next to each other.
fn dense<'s, T: Copy>(values: &'s [T], cells: &Cells, scratch: &'s mut Vec<T>) -> &'s [T] {
    match &cells.nulls {
        None => values,
        Some(nulls) => {
            scratch.clear();
            scratch.extend(nulls.valid_indices().map(|row| values[row]));
            scratch
        }
    }
}

/// Each value once, where they lie so close together that marking them is cheaper than hashing them: dates, percentages,
/// line numbers.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
fn close(values: &[i64], low: i64, high: i64, seen: &mut Vec<bool>) -> Option<impl Iterator<Item = i64>> {
    const SPAN_MAX: usize = 4096;
    let span = usize::try_from(high.checked_sub(low)?).ok().filter(|span| *span < SPAN_MAX.min(values.len()))?;
    seen.clear();
    seen.resize(SPAN_MAX, false);
    let marks = &mut seen[..SPAN_MAX];
    for value in values {
        // It lies below the span; the mask says so to the compiler.
        marks[(value.wrapping_sub(low) as usize) & (SPAN_MAX - 1)] = true;
    }
    Some(seen[..=span].iter().enumerate().filter(|(_, seen)| **seen).map(move |(at, _)| low + at as i64))
}

/// In 64 bits where the batch's extremes say that they hold the sum.
fn sum_whole(values: &[i64], low: i64, high: i64) -> i128 {
    let largest = u128::from(low.unsigned_abs().max(high.unsigned_abs()));
    if largest * values.len() as u128 <= i64::MAX as u128 {
        i128::from(values.iter().sum::<i64>())
    } else {
        values.iter().map(|value| i128::from(*value)).sum()
    }
}

/// The first eight bytes, so that comparing two numbers compares them.
#[inline]
fn prefix(value: &[u8]) -> u64 {
    match value.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => value.iter().enumerate().fold(0, |so_far, (at, byte)| so_far | u64::from(*byte) << (56 - 8 * at)),
    }
}

fn is_binary(data_type: &Arrow) -> bool {
    match data_type {
        Arrow::Dictionary(_, of) => is_binary(of),
        other => matches!(other, Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_)),
    }
}

/// One value as text at the column's type.
fn render(value: &ArrayRef, data_type: &Arrow) -> Option<String> {
    match cast(value, data_type) {
        Ok(array) if !array.is_null(0) => text_of(&array, 0),
        _ => text_of(value, 0),
    }
}

fn render_whole(value: i64, data_type: &Arrow) -> Option<String> {
    match data_type {
        Arrow::Decimal32(..) | Arrow::Decimal64(..) | Arrow::Decimal128(..) => render_wide(value.into(), data_type),
        Arrow::Date32 | Arrow::Date64 => {
            let days = cast(&(Arc::new(Int64Array::from(vec![value])) as ArrayRef), &Arrow::Int32).ok()?;
            render(&cast(&days, &Arrow::Date32).ok()?, data_type)
        }
        Arrow::Timestamp(_, zone) => {
            let micros = Arrow::Timestamp(arrow::datatypes::TimeUnit::Microsecond, zone.clone());
            render(&cast(&(Arc::new(Int64Array::from(vec![value])) as ArrayRef), &micros).ok()?, &micros)
        }
        _ => render(&(Arc::new(Int64Array::from(vec![value])) as ArrayRef), data_type),
    }
}

fn render_wide(value: i128, data_type: &Arrow) -> Option<String> {
    let scale = match data_type {
        Arrow::Decimal32(_, scale)
        | Arrow::Decimal64(_, scale)
        | Arrow::Decimal128(_, scale)
        | Arrow::Decimal256(_, scale) => *scale,
        _ => 0,
    };
    let array = Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).ok()?;
    text_of(&(Arc::new(array) as ArrayRef), 0)
}

/// `sum / (count × scale)`, with one rounding where the divisor fits 62 bits.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn mean_of(sum: i128, count: u64, scale: f64) -> f64 {
    let sign = if sum < 0 { -1.0 } else { 1.0 };
    let divisor = u128::from(count) * scale as u128;
    sign * if divisor < 1 << 62 {
        ratio(sum.unsigned_abs(), divisor)
    } else {
        sum.unsigned_abs() as f64 / (count as f64 * scale)
    }
}

/// Through the absolute value: the two halves of a small negative number are both huge.
#[allow(clippy::cast_precision_loss)]
fn wide_to_double(value: i256) -> f64 {
    let sign = if value < i256::ZERO { -1.0 } else { 1.0 };
    let (low, high) = value.wrapping_abs().to_parts();
    sign * (high as f64 * 2f64.powi(128) + low as f64)
}

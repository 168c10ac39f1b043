//! What is true of every row: the evidence behind the proposed checks.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::kernels::aggregate::{max, min};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lockgate_types::{Column, DataType};

/// Beyond this many rows, or values of a column, nothing is said about keys or lists of values.
const KEY_ROWS: usize = 5_000_000;
const FEW_VALUES: usize = 12;

#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<ColumnFacts>,
    /// Pairs of columns that may be a key.
    pub(crate) pairs: Vec<Pair>,
}

#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) columns: (usize, usize),
    seen: Option<HashSet<u64>>,
}

impl Pair {
    pub(crate) fn is_unique(&self) -> bool {
        self.seen.is_some()
    }
}

#[derive(Debug, Default)]
pub(crate) struct ColumnFacts {
    pub(crate) nulls: u64,
    /// Hashes of its values; `None` once one stood twice.
    seen: Option<HashSet<u64>>,
    /// Its values and how often they occur; `None` once there are many.
    pub(crate) few: Option<BTreeMap<String, u64>>,
    /// As numbers, where it has them.
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
    /// As text.
    pub(crate) newest: Option<String>,
    newest_raw: Option<i64>,
}

impl ColumnFacts {
    pub(crate) fn is_unique(&self) -> bool {
        self.seen.is_some() && self.nulls == 0
    }
}

impl Facts {
    pub(crate) fn new(columns: &[Column]) -> Facts {
        let keyed = |column: &Column| {
            !matches!(
                column.data_type,
                DataType::Double | DataType::Boolean | DataType::Json | DataType::List(_) | DataType::Struct(_)
            )
        };
        let facts = columns
            .iter()
            .map(|column| ColumnFacts {
                seen: keyed(column).then(HashSet::new),
                few: (column.data_type == DataType::String).then(BTreeMap::new),
                ..ColumnFacts::default()
            })
            .collect();
        let candidates: Vec<usize> =
            columns.iter().enumerate().filter(|(_, column)| keyed(column)).map(|(index, _)| index).take(5).collect();
        let pairs = candidates
            .iter()
            .enumerate()
            .flat_map(|(at, &a)| candidates[at + 1..].iter().map(move |&b| (a, b)))
            .map(|columns| Pair { columns, seen: Some(HashSet::new()) })
            .collect();
        Facts { rows: 0, columns: facts, pairs }
    }

    pub(crate) fn see(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        let hashes: Vec<Option<Vec<u64>>> = batch
            .columns()
            .iter()
            .enumerate()
            .map(|(index, array)| {
                let of_pair = |pair: &Pair| pair.seen.is_some() && [pair.columns.0, pair.columns.1].contains(&index);
                let wanted = self.columns[index].seen.is_some() || self.pairs.iter().any(of_pair);
                wanted.then(|| hashes(array))
            })
            .collect();
        for (index, (facts, array)) in self.columns.iter_mut().zip(batch.columns()).enumerate() {
            facts.see(array, hashes[index].as_deref().unwrap_or_default());
        }
        for pair in &mut self.pairs {
            let (a, b) = pair.columns;
            let Some(seen) = &mut pair.seen else { continue };
            if self.columns[a].nulls + self.columns[b].nulls > 0 {
                pair.seen = None;
                continue;
            }
            let (Some(a), Some(b)) = (&hashes[a], &hashes[b]) else { continue };
            let unique =
                a.iter().zip(b).all(|(a, b)| seen.insert(a.rotate_left(17) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            if !unique || seen.len() > KEY_ROWS {
                pair.seen = None;
            }
        }
    }
}

/// One hash a row; equal values have equal ones.
fn hashes(array: &ArrayRef) -> Vec<u64> {
    let of = |bytes: &[u8]| {
        let hash = blake3::hash(bytes);
        u64::from_le_bytes(*hash.as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]))
    };
    match array.data_type() {
        arrow::datatypes::DataType::Int32 => {
            array.as_primitive::<Int32Type>().values().iter().map(|value| of(&value.to_le_bytes())).collect()
        }
        arrow::datatypes::DataType::Int64 => {
            array.as_primitive::<Int64Type>().values().iter().map(|value| of(&value.to_le_bytes())).collect()
        }
        arrow::datatypes::DataType::Utf8 => {
            array.as_string::<i32>().iter().map(|value| of(value.unwrap_or("").as_bytes())).collect()
        }
        _ => {
            let options = FormatOptions::default();
            match ArrayFormatter::try_new(array, &options) {
                Ok(formatter) => (0..array.len()).map(|row| of(formatter.value(row).to_string().as_bytes())).collect(),
                Err(_) => vec![0; array.len()],
            }
        }
    }
}

impl ColumnFacts {
    fn see(&mut self, array: &ArrayRef, hashes: &[u64]) {
        self.nulls += array.null_count() as u64;
        if let Some(seen) = &mut self.seen {
            let unique = array.null_count() == 0 && hashes.iter().all(|hash| seen.insert(*hash));
            if !unique || seen.len() > KEY_ROWS {
                self.seen = None;
            }
        }
        if let Some(few) = &mut self.few {
            for value in array.as_string::<i32>().iter().flatten() {
                match few.get_mut(value) {
                    Some(count) => *count += 1,
                    None => {
                        few.insert(value.to_owned(), 1);
                    }
                }
                if few.len() > FEW_VALUES {
                    break;
                }
            }
            if few.len() > FEW_VALUES {
                self.few = None;
            }
        }
        self.see_range(array);
    }

    #[allow(clippy::cast_precision_loss)] // only to be shown, and to be compared with 0 and 1
    fn see_range(&mut self, array: &ArrayRef) {
        use arrow::datatypes::DataType as Arrow;
        let (least, most) = match array.data_type() {
            Arrow::Int32 => {
                let array = array.as_primitive::<Int32Type>();
                (min(array).map(f64::from), max(array).map(f64::from))
            }
            Arrow::Int64 => {
                let array = array.as_primitive::<Int64Type>();
                (min(array).map(|value| value as f64), max(array).map(|value| value as f64))
            }
            Arrow::Float64 => {
                let array = array.as_primitive::<Float64Type>();
                (min(array), max(array))
            }
            Arrow::Decimal128(_, scale) => {
                let array = array.as_primitive::<Decimal128Type>();
                let unit = 10f64.powi(i32::from(*scale));
                (min(array).map(|value| value as f64 / unit), max(array).map(|value| value as f64 / unit))
            }
            Arrow::Date32 => return self.see_newest(array, max(array.as_primitive::<Date32Type>()).map(i64::from)),
            Arrow::Timestamp(..) => {
                return self.see_newest(array, max(array.as_primitive::<TimestampMicrosecondType>()));
            }
            _ => return,
        };
        if let Some(least) = least {
            self.least = Some(self.least.map_or(least, |known| known.min(least)));
        }
        if let Some(most) = most {
            self.most = Some(self.most.map_or(most, |known| known.max(most)));
        }
    }

    fn see_newest(&mut self, array: &ArrayRef, newest: Option<i64>) {
        if newest <= self.newest_raw {
            return;
        }
        self.newest_raw = newest;
        let options = FormatOptions::default();
        let at = (0..array.len()).find(|&row| {
            array.is_valid(row)
                && newest
                    == match array.data_type() {
                        arrow::datatypes::DataType::Date32 => {
                            Some(i64::from(array.as_primitive::<Date32Type>().value(row)))
                        }
                        _ => Some(array.as_primitive::<TimestampMicrosecondType>().value(row)),
                    }
        });
        self.newest = at.and_then(|row| Some(ArrayFormatter::try_new(array, &options).ok()?.value(row).to_string()));
    }
}

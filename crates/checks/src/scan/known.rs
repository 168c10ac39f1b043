//! Values that stand in a column of another asset, held so that the scan can look up whether its own are among them.
//!
//! Exact: numbers are kept as they are, in a bitmap where they lie close together, texts whole. Costs a bit to sixteen
//! bytes a number, and its length and some 24 bytes a text; when that is more than the engine has left, the engine's own
//! anti-join, which spills, does the work.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType as Arrow, TimeUnit};
use futures::StreamExt;
use hashbrown::HashTable;
use lockgate_engine::{BatchStream, EngineError, Session};
use lockgate_types::{AssetName, DataType};

use super::cells::{Cells, Data, key, with_bytes};
use super::keys::Memory;
use crate::profile::hash;
use crate::sql;

/// A bitmap may be so many times larger than the numbers themselves need.
const BITS_PER_VALUE: u64 = 128;

/// The values of a column; nulls are none.
#[derive(Debug)]
pub(crate) struct KnownValues {
    values: Values,
    bytes: usize,
    memory: Memory,
}

#[derive(Debug)]
enum Values {
    Empty,
    /// From the least value on, a bit each.
    Dense {
        least: i64,
        bits: Vec<u64>,
    },
    Whole(HashTable<i64>),
    Texts(Texts),
}

#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    /// Start and length in `bytes`.
    places: HashTable<(u64, usize, usize)>,
}

impl KnownValues {
    /// Reads `column` of `asset`. `None` when its values cannot be compared with those of a column of type `ours` as they
    /// are, or do not fit into memory.
    pub(crate) async fn read(
        session: &Session,
        asset: &AssetName,
        column: &str,
        ours: &DataType,
        memory: &Memory,
    ) -> Result<Option<KnownValues>, EngineError> {
        let name = sql::name(column);
        let query = format!("select {name} from {} where {name} is not null", sql::table(asset));
        let streams = session.partitions(&query).await?;
        let ours = ours.clone();
        let mut reading = Reading { whole: Vec::new(), texts: Texts::default(), bytes: 0, memory: memory.clone() };
        let runtime = tokio::runtime::Handle::current();
        let read = tokio::task::spawn_blocking(move || {
            runtime.block_on(async move {
                let can = reading.read(streams, &ours).await?;
                Ok::<_, EngineError>(can.then(|| reading.finish()).flatten())
            })
        });
        match read.await {
            Ok(read) => read,
            // Given up, or a panic of the reader: the engine's own way tells what is wrong.
            Err(_) => Ok(None),
        }
    }

    #[inline]
    pub(crate) fn has_whole(&self, value: i64) -> bool {
        match &self.values {
            Values::Dense { least, bits } => {
                #[allow(clippy::cast_sign_loss)]
                let at = value.wrapping_sub(*least) as u64;
                bits.get((at / 64) as usize).is_some_and(|word| word >> (at % 64) & 1 == 1)
            }
            #[allow(clippy::cast_sign_loss)]
            Values::Whole(values) => values.find(hash::integer(value as u64), |other| *other == value).is_some(),
            Values::Empty | Values::Texts(_) => false,
        }
    }

    /// `hash` is that of the text.
    #[inline]
    pub(crate) fn has_text(&self, hash: u64, text: &[u8]) -> bool {
        match &self.values {
            Values::Texts(texts) => texts.has(hash, text),
            Values::Empty | Values::Dense { .. } | Values::Whole(_) => false,
        }
    }
}

impl Drop for KnownValues {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
    }
}

/// What has been read so far.
struct Reading {
    whole: Vec<i64>,
    texts: Texts,
    /// Taken of `memory`.
    bytes: usize,
    memory: Memory,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
    }
}

impl Reading {
    /// `false` when it has to be given up.
    async fn read(&mut self, streams: Vec<BatchStream>, ours: &DataType) -> Result<bool, EngineError> {
        let mut all = futures::stream::select_all(streams);
        while let Some(batch) = all.next().await {
            if !self.add(&batch?, ours) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn add(&mut self, batch: &RecordBatch, ours: &DataType) -> bool {
        let Some(column) = batch.columns().first() else { return false };
        if !compares(ours, column.data_type()) {
            return false;
        }
        let cells = Cells::of(column);
        match &cells.data {
            Data::Whole(values) => {
                // The list, and the table that may be made of it.
                if !self.take(values.len() * 24) {
                    return false;
                }
                self.whole.extend_from_slice(values);
            }
            Data::Bytes(bytes) => {
                let taken = with_bytes!(bytes, array => (0..array.len()).all(|row| self.text(array.value(row))));
                return taken;
            }
            Data::Dictionary { keys, values } => {
                let mut seen = vec![false; values.len()];
                for number in keys.iter() {
                    let at = key(*number);
                    if !std::mem::replace(&mut seen[at], true) && !self.text(values.get(at)) {
                        return false;
                    }
                }
            }
            Data::Boolean(_) | Data::Wide(_) | Data::Double(_) | Data::Opaque => return false,
        }
        true
    }

    fn text(&mut self, text: &[u8]) -> bool {
        let hash = hash::bytes(text);
        if self.texts.has(hash, text) {
            return true;
        }
        // The bytes and the entry, twice for what grows.
        if !self.take(2 * text.len() + 64) {
            return false;
        }
        let place = (hash, self.texts.bytes.len(), text.len());
        self.texts.bytes.extend_from_slice(text);
        self.texts.places.insert_unique(hash, place, |(hash, ..)| *hash);
        true
    }

    fn take(&mut self, bytes: usize) -> bool {
        let taken = self.memory.take(bytes);
        self.bytes += if taken { bytes } else { 0 };
        taken
    }

    fn finish(mut self) -> Option<KnownValues> {
        let whole = std::mem::take(&mut self.whole);
        let texts = std::mem::take(&mut self.texts);
        let values = match (whole.iter().min(), whole.iter().max()) {
            (Some(least), Some(greatest)) => dense(&whole, *least, *greatest).unwrap_or_else(|| table(&whole)),
            _ if texts.places.is_empty() => Values::Empty,
            _ => Values::Texts(texts),
        };
        Some(KnownValues { values, bytes: std::mem::take(&mut self.bytes), memory: self.memory.clone() })
    }
}

impl Texts {
    #[inline]
    fn has(&self, hash: u64, text: &[u8]) -> bool {
        let same = |(other, start, length): &(u64, usize, usize)| {
            *other == hash && self.bytes[*start..*start + *length] == *text
        };
        self.places.find(hash, same).is_some()
    }
}

/// `None` where a bitmap would be mostly empty.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn dense(values: &[i64], least: i64, greatest: i64) -> Option<Values> {
    let span = greatest.checked_sub(least)? as u64;
    if span / BITS_PER_VALUE > values.len() as u64 {
        return None;
    }
    let mut bits = vec![0u64; (span / 64) as usize + 1];
    for value in values {
        let at = (value - least) as u64;
        bits[(at / 64) as usize] |= 1 << (at % 64);
    }
    Some(Values::Dense { least, bits })
}

#[allow(clippy::cast_sign_loss)]
fn table(values: &[i64]) -> Values {
    let hash = |value: &i64| hash::integer(*value as u64);
    let mut table = HashTable::new();
    for value in values {
        table.entry(hash(value), |other| other == value, hash).or_insert(*value);
    }
    Values::Whole(table)
}

/// Whether values of the two are equal just when their stored forms are.
fn compares(ours: &DataType, theirs: &Arrow) -> bool {
    match (ours, theirs) {
        (DataType::Int | DataType::Bigint, Arrow::Int32 | Arrow::Int64)
        | (DataType::Date, Arrow::Date32)
        | (DataType::Timestamp, Arrow::Timestamp(TimeUnit::Microsecond, None))
        | (DataType::Timestamptz, Arrow::Timestamp(TimeUnit::Microsecond, Some(_)))
        | (DataType::String | DataType::Json, Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View) => true,
        (DataType::String | DataType::Json, Arrow::Dictionary(_, of)) => compares(ours, of),
        (DataType::Decimal(precision, scale), Arrow::Decimal128(theirs, their_scale)) => {
            *precision <= 18 && *theirs <= 18 && i16::from(*scale) == i16::from(*their_scale)
        }
        _ => false,
    }
}

//! How columns are encoded, chosen per file by looking at its first batch.
//!
//! Measured on `lineitem` of TPC-H at scale 1 (6 M rows, 16 columns), one core of an AMD EPYC, CPU seconds to encode,
//! size, and seconds to read back; parquet 59:
//!
//! | settings | write | MB | read |
//! | --- | --- | --- | --- |
//! | dictionary everywhere, plain behind it, zstd(1) | 2.42 | 159 | 0.56 |
//! | the same, lz4_raw | 2.12 | 211 | 0.41 |
//! | dictionary off, lz4_raw | 1.87 | 318 | 0.51 |
//!
//! * Whole numbers, decimals up to 18 digits, dates and timestamps: delta binary packing without a dictionary writes as
//!   fast as plain, is smaller than a dictionary that overflows, and leaves little to compress (`l_partkey`: 0.05 s and
//!   14 MB, against 0.11 s and 26 MB). A dictionary is kept where few values lie far apart.
//! * Strings that repeat: a dictionary. Others: delta length encoding (`l_comment`: 0.47 s against 0.60 s, and read
//!   twice as fast). Building a dictionary that is then thrown away is the dearest choice, so it is not tried.
//! * lz4_raw: on strings zstd(1) saves a third of the bytes for a quarter more time to write and twice the time to read.
//! * Statistics per column chunk cost 0.3 s of it on strings; they are kept where they can prune: on numbers, dates and
//!   timestamps, and on strings that arrive in order. The log has each file's bounds for all of them.
//! * No statistics per page and no bloom filters: nothing here reads them.
//!
//! Everything is in data pages of version 1 and read by DuckDB, pyarrow, delta-rs and Spark 3.3.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType,
};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

/// A row group is the unit of parallel and of skipped reading, and what a writer holds in memory.
pub(super) const ROW_GROUP_ROWS: usize = 1024 * 1024;
pub(super) const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;
/// Rows that are encoded before page limits are looked at.
const WRITE_BATCH_ROWS: usize = 8 * 1024;
/// A dictionary that outgrows this is given up.
const DICTIONARY_BYTES: usize = 1024 * 1024;
/// How many rows of the first batch are looked at.
const SAMPLE_ROWS: usize = 8 * 1024;

/// The settings for a file that begins with `first`, whose columns are those of `schema`.
pub(super) fn properties(schema: &SchemaRef, first: &RecordBatch) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("Lockgate ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::LZ4_RAW)
        .set_write_batch_size(WRITE_BATCH_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_bloom_filter_enabled(false);
    for (field, column) in schema.fields().iter().zip(first.columns()) {
        let sample = column.slice(0, column.len().min(SAMPLE_ROWS));
        properties =
            column_properties(properties, &ColumnPath::from(field.name().as_str()), field.data_type(), &sample);
    }
    properties.build()
}

fn column_properties(
    properties: WriterPropertiesBuilder,
    path: &ColumnPath,
    data_type: &DataType,
    sample: &ArrayRef,
) -> WriterPropertiesBuilder {
    let dictionary = match data_type {
        DataType::Int32 => integers::<Int32Type>(sample),
        DataType::Int64 => integers::<Int64Type>(sample),
        DataType::Date32 => integers::<Date32Type>(sample),
        DataType::Timestamp(..) => integers::<TimestampMicrosecondType>(sample),
        DataType::Decimal128(precision, _) if *precision <= 18 => integers::<Decimal128Type>(sample),
        DataType::Float64 => {
            let values = sample.as_primitive_opt::<Float64Type>();
            let properties = properties.set_column_encoding(path.clone(), Encoding::PLAIN);
            return properties.set_column_dictionary_enabled(
                path.clone(),
                values.is_some_and(|values| repeats(values.iter().flatten().map(f64::to_bits), 4)),
            );
        }
        DataType::Utf8 => return string_properties(properties, path, sample),
        // Booleans, binary, wide decimals and nested columns: the crate's defaults.
        _ => return properties,
    };
    // What is packed to its bits has nothing left to compress, and looking for it takes as long as for texts.
    let compression = if dictionary { Compression::LZ4_RAW } else { Compression::UNCOMPRESSED };
    properties
        .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
        .set_column_compression(path.clone(), compression)
        .set_column_dictionary_enabled(path.clone(), dictionary)
}

fn string_properties(
    properties: WriterPropertiesBuilder,
    path: &ColumnPath,
    sample: &ArrayRef,
) -> WriterPropertiesBuilder {
    let facts = match sample.data_type() {
        DataType::Utf8 => Some(StringFacts::of(sample.as_string::<i32>().iter())),
        DataType::LargeUtf8 => Some(StringFacts::of(sample.as_string::<i64>().iter())),
        DataType::Utf8View => Some(StringFacts::of(sample.as_string_view().iter())),
        // Already a dictionary, so it repeats.
        _ => None,
    };
    let statistics = if facts.as_ref().is_some_and(|facts| facts.sorted) {
        EnabledStatistics::Chunk
    } else {
        EnabledStatistics::None
    };
    properties
        .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        .set_column_dictionary_enabled(path.clone(), facts.is_none_or(|facts| facts.dictionary_fits()))
        .set_column_statistics_enabled(path.clone(), statistics)
}

/// Whether a dictionary beats delta packing: few values, far apart.
fn integers<T: ArrowPrimitiveType>(sample: &ArrayRef) -> bool
where
    T::Native: Eq + Hash + Ord + Into<i128>,
{
    let Some(values) = sample.as_primitive_opt::<T>() else { return false };
    let bounds = values.iter().flatten().fold(None, |bounds, value| match bounds {
        None => Some((value, value)),
        Some((min, max)) => Some((value.min(min), value.max(max))),
    });
    let Some((min, max)) = bounds else { return false };
    let range: i128 = max.into() - min.into();
    if range < 64 {
        return false;
    }
    let distinct: HashSet<T::Native> = values.iter().flatten().collect();
    let (dictionary_bits, delta_bits) = (bits(distinct.len() as u128), bits(range.unsigned_abs()) + 1);
    distinct.len() * 16 <= values.len() && dictionary_bits * 3 < delta_bits * 2
}

fn bits(value: u128) -> u32 {
    u128::BITS - value.leading_zeros()
}

/// Whether each value comes `times` times on average.
fn repeats<T: Eq + Hash>(values: impl Iterator<Item = T>, times: usize) -> bool {
    let mut total = 0;
    let distinct: HashSet<T> = values.inspect(|_| total += 1).collect();
    distinct.len() * times <= total
}

struct StringFacts {
    values: usize,
    distinct: usize,
    bytes: usize,
    sorted: bool,
}

impl StringFacts {
    fn of<'a>(sample: impl Iterator<Item = Option<&'a str>>) -> StringFacts {
        let mut facts = StringFacts { values: 0, distinct: 0, bytes: 0, sorted: true };
        let mut distinct = HashSet::new();
        let mut last = "";
        for value in sample.flatten() {
            facts.values += 1;
            facts.bytes += value.len();
            facts.sorted &= last <= value;
            last = value;
            distinct.insert(value);
        }
        facts.distinct = distinct.len();
        facts
    }

    /// Guesses how many values the whole column has from how often two of the sample are the same, and whether they
    /// fit into half a dictionary page.
    fn dictionary_fits(&self) -> bool {
        let (values, same) = (self.values, self.values - self.distinct);
        if values < 64 {
            // Too few to tell; a dictionary that does not help a small file does not hurt it either.
            return true;
        }
        if same == 0 {
            return false;
        }
        // The birthday estimate, which overshoots when most values repeat.
        let guess = if same * 2 > values { self.distinct * 2 } else { values * values / (2 * same) };
        guess * (self.bytes / values + 4) <= DICTIONARY_BYTES / 2
    }
}

//! A column of one batch in one of few forms, so that the kernels need to know few types.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, DictionaryArray, Int32Array, LargeBinaryArray,
    downcast_dictionary_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};

use crate::profile::hash;
use crate::values::Value;

/// The hash of null, and of what has no hash (lists, structs).
const NULL_HASH: u64 = 0x6e75_6c6c_6e75_6c6c;

/// Cheap to make from the types that tables have: buffers are shared, not copied.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    pub(crate) length: usize,
    pub(crate) nulls: Option<NullBuffer>,
    pub(crate) data: Data,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Boolean(BooleanBuffer),
    /// Integers, days, microseconds, and decimals of up to 18 digits.
    Whole(ScalarBuffer<i64>),
    /// Longer decimals.
    Wide(ScalarBuffer<i128>),
    Double(ScalarBuffer<f64>),
    Bytes(Bytes),
    /// Text or bytes by number; the numbers are good where the row is not null.
    Dictionary {
        keys: ScalarBuffer<i32>,
        values: Bytes,
    },
    /// Lists, structs, and columns without a type: only their nulls are known.
    Opaque,
}

#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    Offsets(BinaryArray),
    LargeOffsets(LargeBinaryArray),
    Views(BinaryViewArray),
}

/// Runs code for whichever array holds the bytes.
macro_rules! with_bytes {
    ($bytes:expr, $array:ident => $code:expr) => {
        match $bytes {
            $crate::scan::Bytes::Offsets($array) => $code,
            $crate::scan::Bytes::LargeOffsets($array) => $code,
            $crate::scan::Bytes::Views($array) => $code,
        }
    };
}
pub(crate) use with_bytes;

impl Bytes {
    fn of(array: &ArrayRef) -> Option<Bytes> {
        Some(match array.data_type() {
            Arrow::Utf8 => Bytes::Offsets(array.as_string::<i32>().clone().into()),
            Arrow::LargeUtf8 => Bytes::LargeOffsets(array.as_string::<i64>().clone().into()),
            Arrow::Utf8View => Bytes::Views(array.as_string_view().clone().to_binary_view()),
            Arrow::Binary => Bytes::Offsets(array.as_binary::<i32>().clone()),
            Arrow::LargeBinary => Bytes::LargeOffsets(array.as_binary::<i64>().clone()),
            Arrow::BinaryView => Bytes::Views(array.as_binary_view().clone()),
            Arrow::FixedSizeBinary(_) => Bytes::Offsets(convert(array, &Arrow::Binary)?.as_binary::<i32>().clone()),
            _ => return None,
        })
    }

    pub(crate) fn len(&self) -> usize {
        with_bytes!(self, array => array.len())
    }

    pub(crate) fn get(&self, row: usize) -> &[u8] {
        with_bytes!(self, array => array.value(row))
    }
}

/// `None` when a value does not survive.
fn convert(array: &ArrayRef, to: &Arrow) -> Option<ArrayRef> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() }).ok()
}

impl Cells {
    pub(crate) fn of(array: &ArrayRef) -> Cells {
        let data = Data::of(array).unwrap_or(Data::Opaque);
        // The nulls of a dictionary are also those of its values.
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Cells { length: array.len(), nulls, data }
    }

    pub(crate) fn null_count(&self) -> usize {
        self.nulls.as_ref().map_or(0, NullBuffer::null_count)
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// The numbers of a column of whole ones, null or not.
    pub(crate) fn whole_values(&self) -> impl Iterator<Item = i128> {
        let (small, wide): (&[i64], &[i128]) = match &self.data {
            Data::Whole(values) => (values, &[]),
            Data::Wide(values) => (&[], values),
            _ => (&[], &[]),
        };
        small.iter().map(|value| i128::from(*value)).chain(wide.iter().copied())
    }

    /// The number in the first row.
    pub(crate) fn first(&self) -> Option<i128> {
        if self.length == 0 || self.is_null(0) { None } else { self.whole_values().next() }
    }

    /// One value; `None` for null and for what has no written form. Text that is not UTF-8 is repaired.
    pub(crate) fn value(&self, row: usize) -> Option<Value> {
        if self.is_null(row) {
            return None;
        }
        let text = |bytes: &[u8]| Value::Text(String::from_utf8_lossy(bytes).into_owned());
        match &self.data {
            Data::Boolean(values) => Some(Value::Boolean(values.value(row))),
            Data::Whole(values) => Some(Value::Whole(i128::from(values[row]))),
            Data::Wide(values) => Some(Value::Whole(values[row])),
            Data::Double(values) => Some(Value::Double(values[row])),
            Data::Bytes(bytes) => Some(text(bytes.get(row))),
            Data::Dictionary { keys, values } => Some(text(values.get(key(keys[row])))),
            Data::Opaque => None,
        }
    }

    /// The same for equal values, however they are stored.
    #[inline]
    #[allow(clippy::cast_sign_loss)]
    pub(crate) fn hash(&self, row: usize) -> u64 {
        if self.is_null(row) {
            return NULL_HASH;
        }
        match &self.data {
            Data::Boolean(values) => hash::integer(u64::from(values.value(row))),
            Data::Whole(values) => hash::integer(values[row] as u64),
            Data::Wide(values) => hash::wide(values[row]),
            Data::Double(values) => hash::double(values[row]),
            Data::Bytes(bytes) => hash::bytes(bytes.get(row)),
            Data::Dictionary { keys, values } => hash::bytes(values.get(key(keys[row]))),
            Data::Opaque => NULL_HASH,
        }
    }
}

/// A dictionary's number as an index; numbers of null rows may be anything, and are not asked for.
#[inline]
pub(crate) fn key(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

impl Data {
    fn of(array: &ArrayRef) -> Option<Data> {
        Some(match array.data_type() {
            Arrow::Boolean => Data::Boolean(array.as_boolean().values().clone()),
            Arrow::Int64 => Data::Whole(array.as_primitive::<Int64Type>().values().clone()),
            Arrow::Int32 => widen(array.as_primitive::<Int32Type>().values()),
            Arrow::Date32 => widen(array.as_primitive::<Date32Type>().values()),
            Arrow::Timestamp(TimeUnit::Microsecond, _) => {
                Data::Whole(array.as_primitive::<TimestampMicrosecondType>().values().clone())
            }
            Arrow::Timestamp(_, zone) => {
                Data::of(&convert(array, &Arrow::Timestamp(TimeUnit::Microsecond, zone.clone()))?)?
            }
            Arrow::Decimal128(precision, _) => {
                let values = array.as_primitive::<Decimal128Type>().values();
                if *precision > 18 {
                    return Some(Data::Wide(values.clone()));
                }
                // What stands under a null may be anything; nobody looks at it.
                #[allow(clippy::cast_possible_truncation)]
                let values: Vec<i64> = values.iter().map(|value| *value as i64).collect();
                Data::Whole(values.into())
            }
            Arrow::Decimal32(precision, scale) | Arrow::Decimal64(precision, scale) => {
                Data::of(&convert(array, &Arrow::Decimal128(*precision, *scale))?)?
            }
            Arrow::Decimal256(_, scale) => Data::of(&convert(array, &Arrow::Decimal128(38, *scale))?)?,
            Arrow::Float64 => Data::Double(array.as_primitive::<Float64Type>().values().clone()),
            Arrow::Float16 | Arrow::Float32 => Data::of(&convert(array, &Arrow::Float64)?)?,
            Arrow::Int8 | Arrow::Int16 | Arrow::UInt8 | Arrow::UInt16 | Arrow::UInt32 => {
                Data::of(&convert(array, &Arrow::Int64)?)?
            }
            Arrow::UInt64 => Data::of(&convert(array, &Arrow::Decimal128(20, 0))?)?,
            Arrow::Date64 => Data::of(&convert(array, &Arrow::Date32)?)?,
            Arrow::Dictionary(_, of) => match dictionary(array) {
                Some(data) => data,
                None => Data::of(&convert(array, of)?)?,
            },
            Arrow::RunEndEncoded(_, of) => Data::of(&convert(array, of.data_type())?)?,
            _ => match Bytes::of(array)? {
                Bytes::Views(array) => by_number(&array).unwrap_or(Data::Bytes(Bytes::Views(array))),
                bytes => Data::Bytes(bytes),
            },
        })
    }
}

/// Texts that repeat, by number. The reader makes equal views of one entry of a file's dictionary, so two views tell that two
/// texts are the same without a look at them; where they do not, a text has two numbers, which is as good. `None` when
/// there are too many: that shows after a few hundred rows.
fn by_number(array: &BinaryViewArray) -> Option<Data> {
    const NUMBERS_MAX: usize = 128;
    const SLOT_BITS: u32 = 9;
    const FREE: i32 = -1;
    let mut slots = [(0_u128, FREE); 1 << SLOT_BITS];
    let mut views: Vec<u128> = Vec::new();
    let mut numbers = Vec::with_capacity(array.len());
    for view in array.views() {
        #[allow(clippy::cast_possible_truncation)] // its halves
        let [low, high] = [*view as u64, (*view >> 64) as u64];
        // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
        #[allow(clippy::cast_possible_truncation)] // of few bits
        let mut at = ((low ^ high.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOT_BITS)) as usize;
        numbers.push(loop {
            let (other, number) = slots[at];
            if number == FREE {
                if views.len() == NUMBERS_MAX {
                    return None;
                }
                let number = i32::try_from(views.len()).ok()?;
                slots[at] = (*view, number);
                views.push(*view);
                break number;
            }
            if other == *view {
                break number;
            }
            at = (at + 1) % slots.len();
        });
    }
    // What stands under a null may be no view at all.
    let values = BinaryViewArray::try_new(views.into(), array.data_buffers().to_vec(), None).ok()?;
    Some(Data::Dictionary { keys: numbers.into(), values: Bytes::Views(values) })
}

fn widen(values: &[i32]) -> Data {
    Data::Whole(values.iter().map(|value| i64::from(*value)).collect::<Vec<i64>>().into())
}

/// A dictionary of text or bytes; `None` for others.
fn dictionary(array: &ArrayRef) -> Option<Data> {
    fn parts<K: arrow::datatypes::ArrowDictionaryKeyType>(array: &DictionaryArray<K>) -> Option<(ArrayRef, ArrayRef)> {
        Some((std::sync::Arc::new(array.keys().clone()), array.values().clone()))
    }
    let (keys, values) = downcast_dictionary_array!(
        array => parts(array),
        _ => None
    )?;
    let values = Bytes::of(&values)?;
    let keys = convert(&keys, &Arrow::Int32)?;
    let keys: &Int32Array = keys.as_primitive::<Int32Type>();
    Some(Data::Dictionary { keys: keys.values().clone(), values })
}

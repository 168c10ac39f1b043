//! A fixed 64-bit hash of cells. Sketches of two partitions, runs or machines merge only when they hash alike, and
//! sample rows are chosen by it, so it has no random seed and must not change.

use twox_hash::XxHash3_64;

const SECRET: [u64; 3] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3];

/// SplitMix64's finalizer (Stafford's variant 13): every input bit reaches every output bit.
#[inline]
pub(crate) fn integer(value: u64) -> u64 {
    let mut hash = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn wide(value: i128) -> u64 {
    integer(value as u64 ^ integer((value >> 64) as u64))
}

/// Both zeros are one value, and all NaNs are.
#[inline]
pub(crate) fn double(value: f64) -> u64 {
    let bits = if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    };
    integer(bits)
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[allow(clippy::cast_possible_truncation)]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

#[inline]
fn read8(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[inline]
fn read4(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 4).and_then(|part| part.try_into().ok()).map_or(0, |part| u64::from(u32::from_le_bytes(part)))
}

/// Up to 16 bytes as wyhash reads them (two overlapping words), longer ones by XXH3.
#[inline]
pub(crate) fn bytes(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let (a, b) = match length {
        0 => (0, 0),
        1..=3 => {
            let (first, middle, last) = (bytes[0], bytes[length / 2], bytes[length - 1]);
            (u64::from(first) << 16 | u64::from(middle) << 8 | u64::from(last), 0)
        }
        4..=7 => (read4(bytes, 0), read4(bytes, length - 4)),
        8..=16 => (read8(bytes, 0), read8(bytes, length - 8)),
        _ => return XxHash3_64::oneshot(bytes),
    };
    fold(fold(a ^ SECRET[0], b ^ SECRET[1]) ^ SECRET[2], length as u64 ^ SECRET[1])
}

/// The hash of a row from those of its cells, in column order.
#[inline]
pub(crate) fn combine(row: u64, cell: u64) -> u64 {
    integer(row.rotate_left(5) ^ cell)
}

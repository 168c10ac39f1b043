//! How many distinct values: exact up to 512, then HyperLogLog.
//!
//! 4,096 registers of a 64-bit hash; the standard error is 1.04 / √4096 = 1.6 %. The estimator is Ertl's improved
//! raw estimator (O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6),
//! which needs no tables and no switch between small and large counts.

use serde::{Deserialize, Serialize};

const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// The longest run of leading zeros that the rest of the hash can have.
const LONGEST: usize = 64 - PRECISION as usize;
const EXACT: usize = 512;
/// Twice as many as may be filled, so that probes stay short.
const SLOTS: usize = 1024;

/// A set of hashes that forgets its members when there are many.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct Distinct {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Open addressing; 0 is an empty slot.
    Exact {
        slots: Vec<u64>,
        filled: usize,
    },
    Registers(Vec<u8>),
}

/// Its members of eight bytes each, or its registers of six bits each: at most 4 KB.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stored {
    Members(Vec<[u8; 8]>),
    Registers(Vec<[u8; 3]>),
}

impl From<Distinct> for Stored {
    fn from(distinct: Distinct) -> Stored {
        match distinct.state {
            State::Exact { slots, .. } => {
                Stored::Members(slots.into_iter().filter(|hash| *hash != 0).map(u64::to_le_bytes).collect())
            }
            State::Registers(registers) => Stored::Registers(registers.chunks(4).map(packed).collect()),
        }
    }
}

impl From<Stored> for Distinct {
    fn from(stored: Stored) -> Distinct {
        match stored {
            Stored::Members(hashes) => {
                let mut distinct = Distinct::default();
                distinct.extend(hashes.into_iter().map(u64::from_le_bytes));
                distinct
            }
            Stored::Registers(packed) => {
                let mut registers: Vec<u8> = packed.into_iter().flat_map(unpacked).collect();
                registers.resize(REGISTERS, 0);
                Distinct { state: State::Registers(registers) }
            }
        }
    }
}

/// Four registers in three bytes; the longest run is below 64.
fn packed(four: &[u8]) -> [u8; 3] {
    let bits = four.iter().enumerate().fold(0u32, |bits, (at, run)| bits | u32::from(*run) << (6 * at));
    let [a, b, c, _] = bits.to_le_bytes();
    [a, b, c]
}

fn unpacked([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_le_bytes([a, b, c, 0]);
    #[allow(clippy::cast_possible_truncation)]
    [0, 6, 12, 18].map(|shift| (bits >> shift) as u8 & 63)
}

impl Default for Distinct {
    fn default() -> Self {
        Distinct { state: State::Exact { slots: vec![0; SLOTS], filled: 0 } }
    }
}

impl Distinct {
    /// Adds values by their hashes.
    pub(crate) fn extend(&mut self, hashes: impl IntoIterator<Item = u64>) {
        let mut hashes = hashes.into_iter();
        if let State::Exact { slots, filled } = &mut self.state {
            let mut last = 0;
            for hash in hashes.by_ref() {
                // Sorted and repetitive columns are common.
                if hash == last {
                    continue;
                }
                last = hash;
                if insert(slots, hash) {
                    *filled += 1;
                    if *filled > EXACT {
                        break;
                    }
                }
            }
            if *filled <= EXACT {
                return;
            }
            self.forget();
        }
        if let State::Registers(registers) = &mut self.state {
            for hash in hashes {
                raise(registers, hash);
            }
        }
    }

    /// From members to registers.
    fn forget(&mut self) {
        if let State::Exact { slots, .. } = &self.state {
            let mut registers = vec![0; REGISTERS];
            for hash in slots.iter().filter(|hash| **hash != 0) {
                raise(&mut registers, *hash);
            }
            self.state = State::Registers(registers);
        }
    }

    pub(crate) fn merge(&mut self, other: Distinct) {
        match other.state {
            State::Exact { slots, .. } => self.extend(slots.into_iter().filter(|hash| *hash != 0)),
            State::Registers(theirs) => {
                self.forget();
                if let State::Registers(ours) = &mut self.state {
                    for (ours, theirs) in ours.iter_mut().zip(theirs) {
                        *ours = theirs.max(*ours);
                    }
                }
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn count(&self) -> u64 {
        match &self.state {
            State::Exact { filled, .. } => *filled as u64,
            State::Registers(registers) => estimate(registers).round() as u64,
        }
    }
}

/// Whether the hash is new.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn insert(slots: &mut [u64], hash: u64) -> bool {
    let hash = hash.max(1);
    let mut at = hash as usize & (SLOTS - 1);
    loop {
        match slots[at] {
            0 => {
                slots[at] = hash;
                return true;
            }
            there if there == hash => return false,
            _ => at = (at + 1) & (SLOTS - 1),
        }
    }
}

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn raise(registers: &mut [u8], hash: u64) {
    let register = (hash >> (64 - PRECISION)) as usize;
    // The marker bit ends the run at its longest.
    let run = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() as u8 + 1;
    if run > registers[register] {
        registers[register] = run;
    }
}

#[allow(clippy::cast_precision_loss)]
fn estimate(registers: &[u8]) -> f64 {
    let mut histogram = [0u32; LONGEST + 2];
    for register in registers {
        histogram[usize::from(*register).min(LONGEST + 1)] += 1;
    }
    let m = REGISTERS as f64;
    let mut z = m * tau(1.0 - f64::from(histogram[LONGEST + 1]) / m);
    for count in histogram[1..=LONGEST].iter().rev() {
        z = 0.5 * (z + f64::from(*count));
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    m * m / (2.0 * std::f64::consts::LN_2 * z)
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

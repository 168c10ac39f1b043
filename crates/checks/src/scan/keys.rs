//! Whether a key repeats, told from hashes that the scan gathers on its way.
//!
//! Equal keys have equal hashes. So where all hashes differ, no key repeats, and that is exact; where two are equal,
//! which among distinct keys happens once in many thousand scans of a million rows, the engine is asked. Costs eight
//! bytes a row while it works, and about 20 ns a row.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use arrow::buffer::BooleanBuffer;
use lockgate_engine::Reservation;

use super::cells::{Cells, Data};
use crate::profile::hash;

/// By the highest bits of the hash, so that each bucket is looked through in the processor's cache.
const BUCKET_BITS: u32 = 8;
const BUCKETS: usize = 1 << BUCKET_BITS;
/// Memory is asked for at least for so many hashes.
const STEP: usize = 1 << 14;
/// A hash, and as much again while its bucket grows.
const HASH_BYTES: usize = 2 * size_of::<u64>();

/// The engine's memory that the scan's lookups take, whoever of its workers needs it.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Mutex<Reservation>>);

impl Memory {
    pub(crate) fn new(reservation: Reservation) -> Memory {
        Memory(Arc::new(Mutex::new(reservation)))
    }

    /// `false` when there is not so much left.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let mut reservation = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = reservation.bytes() + bytes;
        reservation.resize(wanted).is_ok()
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        let mut reservation = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = reservation.bytes().saturating_sub(bytes);
        // Shrinking is always granted.
        let _ = reservation.resize(left);
    }
}

/// The hashes of one check's keys, as far as one worker has seen them.
#[derive(Debug)]
pub(crate) struct KeyHashes {
    /// Empty once it is given up: memory is short, or the key has no hash.
    buckets: Vec<Vec<u64>>,
    held: usize,
    reserved: usize,
    memory: Memory,
    row_hashes: Vec<u64>,
}

impl KeyHashes {
    pub(crate) fn new(memory: Memory) -> KeyHashes {
        KeyHashes { buckets: vec![Vec::new(); BUCKETS], held: 0, reserved: 0, memory, row_hashes: Vec::new() }
    }

    /// Adds a batch's keys. Rows with a null in the key have none. `hashes` are those of a column's rows, or empty.
    pub(crate) fn add(&mut self, key: &[(&Cells, &[u64])], rows: usize, kept: Option<&BooleanBuffer>) {
        if self.buckets.is_empty() {
            return;
        }
        if key.iter().any(|(cells, _)| matches!(cells.data, Data::Opaque)) || !self.reserve(rows) {
            return self.give_up();
        }
        let mut row_hashes = std::mem::take(&mut self.row_hashes);
        row_hashes.clear();
        for (at, (cells, hashes)) in key.iter().enumerate() {
            of_column(cells, hashes, &mut row_hashes, at == 0);
        }
        let mut mask = kept.cloned();
        for nulls in key.iter().filter_map(|(cells, _)| cells.nulls.as_ref()) {
            mask = Some(mask.map_or_else(|| nulls.inner().clone(), |mask| &mask & nulls.inner()));
        }
        match mask {
            None => row_hashes.iter().for_each(|hash| self.push(*hash)),
            Some(mask) => mask.set_indices().for_each(|row| self.push(row_hashes[row])),
        }
        self.row_hashes = row_hashes;
    }

    #[inline]
    fn push(&mut self, hash: u64) {
        self.buckets[(hash >> (u64::BITS - BUCKET_BITS)) as usize].push(hash);
        self.held += 1;
    }

    fn reserve(&mut self, rows: usize) -> bool {
        let wanted = (self.held + rows).max(STEP);
        if wanted <= self.reserved {
            return true;
        }
        // Half as much again, so that it is asked for seldom.
        let more = (wanted - self.reserved).max(self.reserved / 2);
        let taken = self.memory.take(more * HASH_BYTES);
        self.reserved += if taken { more } else { 0 };
        taken
    }

    fn give_up(&mut self) {
        self.buckets = Vec::new();
        self.memory.give_back(self.reserved * HASH_BYTES);
        (self.held, self.reserved) = (0, 0);
    }

    pub(crate) fn merge(&mut self, other: KeyHashes) {
        if self.buckets.is_empty() || other.buckets.is_empty() {
            // What one worker does not know, both do not know.
            return self.give_up();
        }
        self.reserved += other.reserved;
        self.held += other.held;
        for (ours, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            ours.extend_from_slice(theirs);
        }
        drop(other.disown());
    }

    /// Its buckets, whose memory is another's to give back.
    fn disown(mut self) -> Vec<Vec<u64>> {
        self.reserved = 0;
        std::mem::take(&mut self.buckets)
    }

    /// Whether it is certain that no key repeats. Works on as many threads as told.
    pub(crate) fn all_differ(self, threads: usize) -> bool {
        if self.buckets.is_empty() {
            return false;
        }
        let size = self.buckets.len().div_ceil(threads.max(1));
        std::thread::scope(|scope| {
            let parts: Vec<_> = self
                .buckets
                .chunks(size)
                .map(|part| {
                    scope.spawn(|| {
                        let mut slots = Vec::new();
                        part.iter().all(|bucket| differ(bucket, &mut slots))
                    })
                })
                .collect();
            // A thread that panics has proven nothing.
            parts.into_iter().all(|part| part.join().unwrap_or(false))
        })
    }
}

impl Drop for KeyHashes {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Whether no hash comes twice. Open addressing by the bits behind those of the bucket; 0 is an empty slot, so that 0 and 1
/// count as the same.
#[allow(clippy::cast_possible_truncation)]
fn differ(bucket: &[u64], slots: &mut Vec<u64>) -> bool {
    let bits = (2 * bucket.len()).next_power_of_two().trailing_zeros().max(1);
    slots.clear();
    slots.resize(1 << bits, 0);
    bucket.iter().all(|hash| {
        let hash = (*hash).max(1);
        let mut at = (hash << BUCKET_BITS >> (u64::BITS - bits)) as usize;
        while slots[at] != 0 {
            if slots[at] == hash {
                return false;
            }
            at = (at + 1) & (slots.len() - 1);
        }
        slots[at] = hash;
        true
    })
}

/// Adds a column to the hashes of the rows. What is hashed under a null does not matter.
#[allow(clippy::cast_sign_loss)]
fn of_column(cells: &Cells, hashes: &[u64], rows: &mut Vec<u64>, is_first: bool) {
    let mut put = |column: &mut dyn Iterator<Item = u64>| {
        if is_first {
            rows.extend(column);
        } else {
            rows.iter_mut().zip(column).for_each(|(row, cell)| *row = hash::combine(*row, cell));
        }
    };
    match &cells.data {
        // The common ones without a look at each row's form.
        Data::Whole(values) => {
            if is_first {
                rows.extend(values.iter().map(|value| hash::integer(*value as u64)));
            } else {
                rows.iter_mut()
                    .zip(values.iter())
                    .for_each(|(row, value)| *row = hash::combine(*row, hash::integer(*value as u64)));
            }
        }
        Data::Bytes(_) if hashes.len() == cells.length => put(&mut hashes.iter().copied()),
        _ => put(&mut (0..cells.length).map(|row| cells.hash(row))),
    }
}

#[cfg(test)]
mod tests;

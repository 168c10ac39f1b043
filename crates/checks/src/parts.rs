//! What the fused scan found in each file, kept beside the files, so that a later version that has them need not read
//! them again.
//!
//! Counts of row-local checks, sample rows and the accumulators of the profile all add up, file by file. A part is good
//! for the checks, variables, functions, columns and Lockgate that it was made with, and for nothing else. Whatever else
//! is found (other bytes, another format, a sum that is not right) counts as nothing: the file is read.
//!
//! Cost of a file: for each column up to 4 KB for how many distinct values there are, 2 KB for the quantiles of numbers,
//! and two values; for each check that fails up to 100 rows as text. A part is kept only while that is less than a
//! quarter of its file, or than 2 KB: smaller files are read again.

use std::collections::BTreeMap;

use lockgate_engine::{Engine, PinnedTable};
use lockgate_types::{DataFile, Fingerprint};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::scan::StoredWorker;

/// The format's version is the last byte: raised when the shape of what follows changes, or what a check counts. Other
/// versions are not read.
const MAGIC: [u8; 8] = *b"lgparts\x01";
const HEADER: usize = 16;

const FILE_SHARE: u64 = 4;
const SMALL_BYTES: u64 = 2 * 1024;

/// Of a part in memory, beside its texts and bytes.
const PART_BYTES: usize = 128;

/// What is kept of the files of a table, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    by_file: BTreeMap<String, Part>,
}

/// One file's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    good_for: String,
    /// Of what its version says of the file.
    file: u64,
    found: Vec<u8>,
}

/// Which parts there are, without what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartNames(BTreeMap<String, (String, u64)>);

impl Part {
    fn name(&self) -> (String, u64) {
        (self.good_for.clone(), self.file)
    }
}

impl Parts {
    /// What [`Parts::encode`] wrote; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Parts> {
        let (header, body) = bytes.split_at_checked(HEADER)?;
        let (magic, sum) = header.split_at(MAGIC.len());
        if magic != MAGIC || sum != XxHash3_64::oneshot(body).to_le_bytes() {
            return None;
        }
        Some(Parts { by_file: whole(body)? })
    }

    /// The format's name and version, a sum of what follows, and the parts by path.
    pub fn encode(&self) -> Vec<u8> {
        // Only a sequence of unknown length or a writer could fail, and there is neither.
        let body = postcard::to_extend(&self.by_file, Vec::new()).unwrap_or_default();
        [&MAGIC[..], &XxHash3_64::oneshot(&body).to_le_bytes(), &body].concat()
    }

    /// Those of `other` too; where both have one of a file, the one that is here stays.
    pub fn add(&mut self, other: Parts) {
        for (path, part) in other.by_file {
            self.by_file.entry(path).or_insert(part);
        }
    }

    /// Those of other files, or good for something else.
    #[must_use]
    pub fn without(mut self, others: &PartNames) -> Parts {
        self.by_file.retain(|path, part| others.0.get(path) != Some(&part.name()));
        self
    }

    /// Of which files, and good for what.
    pub fn names(&self) -> PartNames {
        PartNames(self.by_file.iter().map(|(path, part)| (path.clone(), part.name())).collect())
    }

    /// How much memory they take, about.
    pub fn size_bytes(&self) -> usize {
        self.by_file.iter().map(|(path, part)| path.len() + part.good_for.len() + part.found.len() + PART_BYTES).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.by_file.is_empty()
    }

    /// Whether there is a part of a file, good or not.
    pub fn has(&self, path: &str) -> bool {
        self.by_file.contains_key(path)
    }

    /// What parts are good for that are made with these checks over a table of these columns.
    pub(crate) fn good_for(checks_fingerprint: &Fingerprint, table: &PinnedTable) -> String {
        let columns =
            table.schema.columns.iter().flat_map(|column| [column.name.clone(), column.data_type.to_string()]);
        let all: Vec<String> =
            [Engine::version().to_owned(), checks_fingerprint.0.clone(), table.partition_by.join(",")]
                .into_iter()
                .chain(columns)
                .collect();
        Fingerprint::of(all.iter().map(String::as_str)).0
    }

    /// Keeps what was found in a file, packed, unless it is too much for so small a file.
    pub(crate) fn keep(&mut self, file: &DataFile, good_for: &str, found: Vec<u8>) {
        if found.len() as u64 <= (file.size_bytes / FILE_SHARE).max(SMALL_BYTES) {
            let part = Part { good_for: good_for.to_owned(), file: identity(file), found };
            self.by_file.insert(file.path.clone(), part);
        }
    }

    /// Keeps what another one has of a file.
    pub(crate) fn keep_from(&mut self, other: &Parts, file: &DataFile) {
        if let Some(part) = other.by_file.get(&file.path) {
            self.by_file.insert(file.path.clone(), part.clone());
        }
    }

    pub(crate) fn found(&self, file: &DataFile, good_for: &str) -> Option<StoredWorker> {
        let part = self.by_file.get(&file.path)?;
        if part.good_for != good_for || part.file != identity(file) {
            return None;
        }
        StoredWorker::unpacked(&part.found)
    }
}

/// What the bytes are, when they are that and nothing more.
pub(crate) fn whole<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// A path is given to one file only. Should that ever not hold, its size, rows and statistics tell the two apart.
fn identity(file: &DataFile) -> u64 {
    let DataFile { path, size_bytes, rows, partition, stats } = file;
    XxHash3_64::oneshot(format!("{path} {size_bytes} {rows} {partition:?} {stats:?}").as_bytes())
}

#[cfg(test)]
mod tests;

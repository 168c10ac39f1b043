//! What the fused scan found in each file, kept beside the files, so that a later version that has them need not read
//! them again.
//!
//! Counts of row-local checks, sample rows and the accumulators of the profile all add up, file by file. A part is good
//! for the checks, variables, functions and columns that it was made with, and for nothing else: its fingerprint says
//! which. SQL that may say something else tomorrow (`now()`, another table) is never kept.
//!
//! Cost: a few kilobytes for a column of a file.

use std::collections::BTreeMap;

use lockgate_types::{Fingerprint, Schema};
use serde::{Deserialize, Serialize};

use crate::Check;
use crate::scan::StoredWorker;

/// Of the bytes. Raised when their shape changes; others are not read.
const FORMAT: u32 = 1;

/// What is kept of the files of a table: by path.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    by_file: BTreeMap<String, Part>,
}

/// One file's part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) fingerprint: String,
    pub(crate) found: StoredWorker,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    by_file: BTreeMap<String, Part>,
}

impl Parts {
    /// What [`Parts::encode`] wrote; `None` when this build cannot read it.
    pub fn decode(bytes: &[u8]) -> Option<Parts> {
        let (format, _) = postcard::take_from_bytes::<u32>(bytes).ok()?;
        if format != FORMAT {
            return None;
        }
        let document: Document = postcard::from_bytes(bytes).ok()?;
        Some(Parts { by_file: document.by_file })
    }

    /// As bytes that another process reads.
    pub fn encode(&self) -> Vec<u8> {
        let document = Document { format: FORMAT, by_file: self.by_file.clone() };
        // Only a map of unknown length or a failing writer could fail, and there is neither.
        postcard::to_stdvec(&document).unwrap_or_default()
    }

    /// Those of `other` that are not known here.
    pub fn add(&mut self, other: Parts) {
        for (path, part) in other.by_file {
            self.by_file.entry(path).or_insert(part);
        }
    }

    /// Those that are not in `other` as they are here.
    #[must_use]
    pub fn without(&self, other: &Parts) -> Parts {
        let is_known = |path: &str, part: &Part| other.good(path, &part.fingerprint).is_some();
        let new = self.by_file.iter().filter(|(path, part)| !is_known(path, part));
        Parts { by_file: new.map(|(path, part)| (path.clone(), part.clone())).collect() }
    }

    /// Only those of these files.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.by_file.retain(|path, _| keep(path));
    }

    pub fn is_empty(&self) -> bool {
        self.by_file.is_empty()
    }

    pub(crate) fn insert(&mut self, path: String, part: Part) {
        self.by_file.insert(path, part);
    }

    pub(crate) fn good(&self, path: &str, fingerprint: &str) -> Option<&StoredWorker> {
        self.by_file.get(path).filter(|part| part.fingerprint == fingerprint).map(|part| &part.found)
    }
}

/// What parts made by these checks are good for; `None` when their SQL may say something else another time.
/// `checks_fingerprint` is that of the checks with the variables and functions that they use.
pub(crate) fn fingerprint(checks: &[Check], checks_fingerprint: &str, schema: &Schema) -> Option<String> {
    const CHANGING: [&str; 8] =
        ["now(", "current_", "localtime", "$run_at", "random", "uuid", "select ", "select\n"];
    let changes = |text: &str| CHANGING.iter().any(|word| text.contains(word));
    let predicates = checks.iter().flat_map(Check::predicates);
    if predicates.into_iter().any(|(text, _)| changes(&text.to_lowercase())) {
        return None;
    }
    let columns = schema.columns.iter().map(|column| format!("{} {}", column.name, column.data_type));
    let columns = columns.collect::<Vec<_>>().join(", ");
    Some(Fingerprint::of([checks_fingerprint, columns.as_str()]).0)
}

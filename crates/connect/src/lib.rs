//! Sources: files in many formats, near and far, into a version's Parquet files.
#![allow(clippy::todo)] // being written

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use lockgate_kind::{Asset, Kind};
use lockgate_project::{AssetFile, KeyDoc, Project};
use lockgate_types::{Code, Diagnostics, FaultPoint};

/// The diagnostics of this crate.
pub const CODES: &[&Code] = &[];

/// The durable steps of this crate.
pub const FAULT_POINTS: &[FaultPoint] = &[];

/// `kind: source`.
#[derive(Debug)]
pub struct SourceKind;

/// For the binary's list of kinds.
pub fn kind() -> Arc<dyn Kind> {
    Arc::new(SourceKind)
}

/// A source that `lockgate init --from FILE…` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The table part of its name, made from the file's.
    pub table: String,
    /// The text of its asset file, comments included.
    pub yaml: String,
    pub rows: u64,
}

/// Reads the files whole and proposes one source for those that have the same columns and lie in one folder.
/// Paths are as the user typed them, relative to the current folder; the text has them relative to `root`.
pub fn propose(root: &Path, paths: &[std::path::PathBuf]) -> Result<Vec<Proposal>, Diagnostics> {
    let _ = (root, paths);
    todo!()
}

#[async_trait]
impl Kind for SourceKind {
    fn name(&self) -> &'static str {
        "source"
    }

    fn doc(&self) -> &'static str {
        todo!()
    }

    fn keys(&self) -> &'static [KeyDoc] {
        todo!()
    }

    fn read(&self, file: &Arc<AssetFile>, project: &Project) -> Result<Arc<dyn Asset>, Diagnostics> {
        let _ = (file, project);
        todo!()
    }
}

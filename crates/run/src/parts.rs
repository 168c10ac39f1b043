//! What audits found in the files of a table that grows bit by bit: looked up before an audit, kept after it.
//!
//! Every version's folder has the parts of its own files, and of older ones that were read again, because the checks had
//! changed meanwhile. Parts only spare work: one that is missing or cannot be read means that its file is read.

use std::collections::BTreeSet;

use lockgate_checks::Parts;
use lockgate_types::{Version, VersionNumber};

use crate::{Node, Workspace};

impl Workspace {
    /// What is known of a version's files; `None` for assets that are built whole each time.
    pub(crate) async fn known_parts(&self, node: &Node, version: &Version) -> Option<Parts> {
        if !node.file.load.is_incremental() {
            return None;
        }
        // The newest first: what was read again last is good for the checks of today.
        let mut folders: BTreeSet<VersionNumber> =
            version.files.iter().filter_map(|file| folder_of(&file.path)).collect();
        folders.extend(version.base);
        folders.insert(version.number);
        let table = self.lake.table(&node.file.name);
        let mut known = Parts::default();
        for number in folders.into_iter().rev() {
            match table.read_parts(number).await {
                Ok(Some(bytes)) => known.add(Parts::decode(&bytes).unwrap_or_default()),
                Ok(None) => {}
                Err(error) => tracing::debug!(asset = %node.file.name, %number, %error, "parts not read"),
            }
        }
        Some(known)
    }

    /// Keeps what an audit found anew, with the rest of the version's own files.
    pub(crate) async fn keep_parts(&self, version: &Version, before: &Parts, found: Parts) {
        let mut kept = found.without(before);
        if kept.is_empty() {
            return;
        }
        let mut own = found;
        own.retain(|path| folder_of(path) == Some(version.number));
        kept.add(own);
        if let Err(error) = self.lake.table(&version.asset).write_parts(version.number, kept.encode()).await {
            tracing::warn!(asset = %version.asset, number = %version.number, %error, "parts not kept");
        }
    }
}

/// The version that a file was staged for.
fn folder_of(path: &str) -> Option<VersionNumber> {
    let number = path.strip_prefix("_lockgate/v")?.split('/').next()?;
    number.parse().ok().map(VersionNumber)
}

//! What audits found in the files of a table that grows bit by bit: looked up before an audit, kept after it.
//!
//! Every version's folder has the parts of its own files, and of older ones that its audit had to read again, because the
//! checks had changed meanwhile. Parts only spare work: where one is missing or of no use, its file is read.
//!
//! Cost: a small file for each older version whose files this one has. What they say is held in the engine's memory; where
//! that is short, the oldest files count as unknown.

use std::collections::BTreeSet;

use futures::StreamExt;
use lockgate_checks::{PartNames, Parts};
use lockgate_engine::{Reservation, Session};
use lockgate_lake::Table;
use lockgate_types::{Version, VersionNumber};

use crate::{Node, Workspace};

/// How many are read at the same time.
const READS_AT_ONCE: usize = 16;

/// What an audit may go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// What is known of files; only the others are read.
    Parts,
    /// Nothing: a person asked to look again.
    Nothing,
}

/// What is known of a version's files.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) parts: Parts,
    /// What the version's own folder has.
    own: PartNames,
    /// What the folders of other versions have.
    others: PartNames,
    _memory: Reservation,
}

impl Workspace {
    /// `None` for assets that are built whole each time.
    pub(crate) async fn known_parts(
        &self,
        session: &Session,
        node: &Node,
        version: &Version,
        trust: Trust,
    ) -> Option<Known> {
        if !node.file.load.is_incremental() {
            return None;
        }
        let table = &self.lake.table(&node.file.name);
        // The newest first: what was read again last is good for the checks of today.
        let folders: BTreeSet<VersionNumber> =
            version.files.iter().filter_map(|file| folder_of(&file.path)).chain(version.base).collect();
        let numbers = folders.into_iter().rev().filter(|number| *number != version.number);
        let mut found = futures::stream::iter(numbers).map(|number| read(table, number)).buffered(READS_AT_ONCE);
        let (mut parts, mut memory) = (Parts::default(), session.reserve("what is known of files"));
        while let Some(of_folder) = found.next().await {
            // Once as it is read, and once as it is kept.
            if memory.resize(memory.bytes() + 2 * of_folder.size_bytes()).is_err() {
                break;
            }
            parts.add(of_folder);
        }
        let others = parts.names();
        let mut known = read(table, version.number).await;
        let own = known.names();
        known.add(parts);
        let parts = if trust == Trust::Parts { known } else { Parts::default() };
        Some(Known { parts, own, others, _memory: memory })
    }

    /// Keeps what no other folder has. A failure costs time and nothing else, so it is logged.
    pub(crate) async fn keep_parts(&self, version: &Version, known: &Known, found: Parts) {
        let kept = found.without(&known.others);
        if kept.is_empty() || kept.names() == known.own {
            return;
        }
        if let Err(error) = self.lake.table(&version.asset).write_parts(version.number, kept.encode()).await {
            tracing::warn!(asset = %version.asset, number = %version.number, %error, "what was found in files is not kept");
        }
    }
}

async fn read(table: &Table, number: VersionNumber) -> Parts {
    match table.read_parts(number).await {
        Ok(bytes) => bytes.and_then(|bytes| Parts::decode(&bytes)).unwrap_or_default(),
        Err(error) => {
            tracing::debug!(asset = %table.asset(), %number, %error, "what is known of files cannot be read");
            Parts::default()
        }
    }
}

/// The version that a file was staged for.
fn folder_of(path: &str) -> Option<VersionNumber> {
    let number = path.strip_prefix("_lockgate/v")?.split('/').next()?;
    number.parse().ok().map(VersionNumber)
}

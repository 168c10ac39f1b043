//! Which two versions are compared, and which of their files only one of them has.

use std::collections::HashMap;
use std::sync::Arc;

use lockgate_engine::{PinnedTable, Session};
use lockgate_lake::Table;
use lockgate_types::{AssetName, DataFile, Diagnostic, Version, VersionNumber, VersionState};

use super::columns::Columns;
use super::{DiffFiles, DiffOf};
use crate::error::{DIFF_VERSIONS, UNKNOWN_VERSION};
use crate::{Node, RunError, Workspace};

#[derive(Debug)]
pub(super) struct Pair {
    pub(super) from: Version,
    pub(super) to: Version,
}

impl Workspace {
    pub(super) async fn pair(&self, node: &Node, of: DiffOf) -> Result<Pair, RunError> {
        let name = &node.file.name;
        if node.is_inline() {
            let message = format!("{name} is inline: it is not stored and has no versions");
            return Err(RunError::Invalid(Diagnostic::error(&UNKNOWN_VERSION, message).into()));
        }
        let live = async || {
            let live = self.catalog.live_one(self.env(), name).await?;
            live.ok_or_else(|| RunError::NothingPublished { asset: name.clone() })
        };
        let pair = match of {
            DiffOf::Between(from, to) => {
                Pair { from: self.any_version(name, from).await?, to: self.any_version(name, to).await? }
            }
            DiffOf::Live(from) => Pair { from: self.any_version(name, from).await?, to: live().await? },
            DiffOf::Held => {
                let held = self.catalog.held(self.env()).await?.into_iter().find(|version| version.asset == *name);
                let held = held.ok_or_else(|| RunError::NothingHeld { asset: name.clone() })?;
                Pair { from: live().await?, to: held }
            }
        };
        if pair.from.number == pair.to.number {
            let number = pair.from.number;
            let (message, hint) = match of {
                DiffOf::Live(_) => (
                    format!("version {number} of {name} is the live one: there is nothing to compare it with"),
                    format!("lockgate diff {name} A {number} compares it with another; lockgate history {name}"),
                ),
                DiffOf::Held | DiffOf::Between(..) => (
                    format!("version {number} of {name} cannot be compared with itself"),
                    format!("lockgate history {name} lists the versions"),
                ),
            };
            return Err(RunError::Invalid(Diagnostic::error(&DIFF_VERSIONS, message).hint(hint).into()));
        }
        for version in [&pair.from, &pair.to] {
            self.has_its_files(version).await?;
        }
        Ok(pair)
    }

    /// Whether the version can be read, as far as the catalog knows.
    async fn has_its_files(&self, version: &Version) -> Result<(), RunError> {
        let refuse = |number: VersionNumber, asset: &AssetName, why: &str| {
            let message = format!("version {number} of {asset} cannot be compared: {why}");
            let hint = format!("lockgate history {asset} shows the state of every version");
            Err(RunError::Invalid(Diagnostic::error(&DIFF_VERSIONS, message).hint(hint).into()))
        };
        let refuse = |why: &str| refuse(version.number, &version.asset, why);
        match version.state {
            VersionState::Publishing
            | VersionState::Published
            | VersionState::Held
            | VersionState::Superseded
            | VersionState::Retracted => Ok(()),
            VersionState::Expired => Err(RunError::Expired { asset: version.asset.clone(), number: version.number }),
            VersionState::Failed => refuse("its attempt ended before the gate, and its files were removed"),
            VersionState::Staged => refuse("a run is still building it"),
            VersionState::Dismissed => {
                let folder = format!("_lockgate/v{}/", version.number);
                let has_own = version.files.iter().any(|file| file.path.starts_with(&folder));
                let kept = self.lake.table(&version.asset).staged_numbers().await?.contains(&version.number);
                if has_own && !kept { refuse("it was dismissed, and its files were removed") } else { Ok(()) }
            }
        }
    }
}

/// The files of two versions without those that both have.
#[derive(Debug)]
pub(super) struct Unshared {
    from: Vec<DataFile>,
    to: Vec<DataFile>,
    shared: u64,
    pub(super) shared_rows: u64,
}

impl Unshared {
    /// A file in both lists holds the same rows in both, as far as it is read alike: in the same types, with the same values of
    /// the columns that are not in it but in its folder's name. What is not certainly shared is read.
    pub(super) fn of(pair: &Pair, columns: &Columns) -> Unshared {
        let Pair { from, to } = pair;
        let mut unshared = Unshared { from: Vec::new(), to: to.files.clone(), shared: 0, shared_rows: 0 };
        if !columns.have_same_types() || from.partition_by != to.partition_by {
            unshared.from.clone_from(&from.files);
            return unshared;
        }
        let mut in_to: HashMap<&str, &DataFile> = to.files.iter().map(|file| (file.path.as_str(), file)).collect();
        for file in &from.files {
            let is_same = |other: &DataFile| {
                (file.size_bytes, file.rows, &file.partition) == (other.size_bytes, other.rows, &other.partition)
            };
            // Taken out, so that each stands for one.
            match in_to.remove(file.path.as_str()) {
                Some(other) if is_same(other) => {
                    unshared.shared += 1;
                    unshared.shared_rows += file.rows;
                }
                Some(other) => {
                    in_to.insert(&other.path, other);
                    unshared.from.push(file.clone());
                }
                None => unshared.from.push(file.clone()),
            }
        }
        unshared.to.retain(|file| in_to.contains_key(file.path.as_str()));
        unshared
    }

    /// Both sides as tables of the session, by these names.
    pub(super) fn register(&self, session: &Session, pair: &Pair, table: &Table) -> Result<[String; 2], RunError> {
        const SCHEMA: &str = "lockgate__diff";
        for (name, version, files) in [("before", &pair.from, &self.from), ("after", &pair.to, &self.to)] {
            let files = Arc::new(files.clone());
            session.register_as(SCHEMA, name, PinnedTable { files, ..PinnedTable::of(version, table) })?;
        }
        Ok(["before", "after"].map(|name| format!("{SCHEMA}.{name}")))
    }

    pub(super) fn files(&self) -> DiffFiles {
        let read = || self.from.iter().chain(&self.to);
        DiffFiles {
            shared: self.shared,
            shared_rows: self.shared_rows,
            read: read().count() as u64,
            read_rows: read().map(|file| file.rows).sum(),
        }
    }
}

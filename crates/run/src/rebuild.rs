//! A new catalog from the store, when the old one is lost or damaged.
//!
//! What a version was is told by its `version.json`; what was published, by the tables' logs. The newest entry of ours
//! names the live version, older ones were superseded, or retracted when the next one restores an old version. What
//! was never committed is held if it was recorded as held, dismissed if as dismissed, and else failed. Numbers go on
//! after every folder and every entry there is.
//!
//! The new file is written whole beside the old one, which is then moved aside and never removed. Nobody else may have
//! the project open. Cost: linear in `version.json` files and entries of the logs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_catalog::{AuditEntry, Catalog, CatalogError};
use lockgate_lake::{Lake, LogEntry, Table};
use lockgate_types::{Actor, AssetName, Diagnostic, Effects, FaultPoint, Place, Version, VersionNumber, VersionState};
use serde::Serialize;
use serde_json::json;

use crate::error::{CANNOT_LOOK, CATALOG_IN_USE, CATALOG_LOST, CATALOG_STANDS, STORE_LOST};
use crate::readers::Readers;
use crate::workspace::PRIVATE;
use crate::{OpenOptions, RunError, Workspace};

pub(crate) const WRITTEN: FaultPoint =
    FaultPoint { name: "run.rebuild_written", means: "the new catalog is whole beside the old one" };
pub(crate) const PLACED: FaultPoint =
    FaultPoint { name: "run.rebuild_placed", means: "the new catalog is in its place, the old one is aside" };

/// What a rebuilt catalog knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RebuildReport {
    pub assets: Vec<RestoredAsset>,
    /// Where the old file is now.
    pub old_catalog: Option<PathBuf>,
    /// What could not be restored, in sentences.
    pub lost: Vec<String>,
}

/// One asset in a rebuilt catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestoredAsset {
    pub environment: String,
    pub asset: AssetName,
    pub versions: u64,
    pub live: Option<VersionNumber>,
    pub held: Option<VersionNumber>,
    /// The next version is this one plus 1.
    pub last: VersionNumber,
    /// What is wrong with it: one sentence each.
    pub notes: Vec<String>,
}

/// What no store tells.
const LOST: &[&str] = &[
    "the journal of runs: runs, tasks, events",
    "suppressions, and which assets are late",
    "the audit log before today; the old file has it if it can be read",
    "who published a held version by hand, when it was not who built it",
];

/// Makes a new catalog from the store of the project at `root`, in all of its environments.
///
/// # Errors
/// [`RunError::Invalid`] when the project's files are wrong, or when the catalog that is there can be read and has
/// versions and `force` is not given; [`RunError::Failed`] while others have the project open; catalog and store
/// errors. Nothing is changed then.
pub async fn rebuild(root: &Path, options: &OpenOptions, why: &str, force: bool) -> Result<RebuildReport, RunError> {
    let (project, diagnostics) = lockgate_project::load(root, None, &|name| (options.env)(name));
    let project = match project {
        Some(project) if !diagnostics.has_errors() => project,
        _ => return Err(RunError::Invalid(diagnostics)),
    };
    let private = root.join(PRIVATE);
    let path = private.join("catalog.db");
    let nobody_reads = || nobody_reads(&private);
    nobody_reads()?;
    if !force {
        refuse_a_whole_catalog(&path, &options.effects).await?;
    }
    let store = root.join(&project.store);
    let id = options.effects.ids.next();
    let beside = private.join(format!("catalog-{id}.new"));
    let mut report = RebuildReport { lost: LOST.iter().map(|lost| (*lost).to_owned()).collect(), ..Default::default() };
    let catalog = lockgate_catalog::open_sqlite(&beside, options.effects.clone()).await?;
    let filled = fill(&*catalog, &store, options, why, &mut report).await;
    // What it logged is merged into its file, which then stands alone.
    catalog.close().await;
    let placed = match filled {
        Ok(()) => place(&path, &beside, &id, options, nobody_reads).await,
        Err(error) => Err(error),
    };
    for suffix in ["", "-wal", "-shm", ".lock"] {
        // Of the new file, whatever was not moved into its place.
        let _ = std::fs::remove_file(private.join(format!("catalog-{id}.new{suffix}")));
    }
    report.old_catalog = placed?;
    Ok(report)
}

async fn place(
    path: &Path,
    beside: &Path,
    id: &str,
    options: &OpenOptions,
    nobody_reads: impl FnOnce() -> Result<(), RunError>,
) -> Result<Option<PathBuf>, RunError> {
    options.effects.faults.pass(&WRITTEN)?;
    let old = lockgate_catalog::replace_sqlite(path, beside, &format!(".before-{id}"), nobody_reads).await?;
    options.effects.faults.pass(&PLACED)?;
    Ok(old)
}

/// Whoever has it open would go on recording in the old file.
fn nobody_reads(private: &Path) -> Result<(), RunError> {
    let readers = Readers::scan(&private.join("readers")).map_err(|error| {
        RunError::Failed(Diagnostic::error(&CANNOT_LOOK, format!("the readers cannot be listed: {error}")).into())
    })?;
    match readers.alive.as_slice() {
        [] => Ok(()),
        alive => {
            let processes: Vec<String> =
                alive.iter().map(|reader| reader.process.map_or("unknown".to_owned(), |id| id.to_string())).collect();
            let message = format!("the project is open in process {}", processes.join(", "));
            let hint = "wait for it to end, or stop it, then rebuild again";
            Err(RunError::Failed(Diagnostic::error(&CATALOG_IN_USE, message).hint(hint).into()))
        }
    }
}

/// A catalog that can be read knows more than the store.
async fn refuse_a_whole_catalog(path: &Path, effects: &Effects) -> Result<(), RunError> {
    if !path.exists() {
        return Ok(());
    }
    let catalog = match lockgate_catalog::open_sqlite(path, effects.clone()).await {
        Ok(catalog) => catalog,
        Err(CatalogError::Corrupt { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let looked = look(&*catalog).await;
    catalog.close().await;
    match looked {
        Ok(false) | Err(CatalogError::Corrupt { .. }) => Ok(()),
        Ok(true) => {
            let message = format!("{} can be read, and has versions", path.display());
            let diagnostic = Diagnostic::error(&CATALOG_STANDS, message);
            let hint = "`lockgate doctor` says what is wrong; --force rebuilds all the same";
            Err(RunError::Invalid(diagnostic.hint(hint).into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether it is whole and has versions.
async fn look(catalog: &dyn Catalog) -> Result<bool, CatalogError> {
    if !catalog.integrity().await?.problems.is_empty() {
        return Ok(false);
    }
    let versions = catalog.system_table("versions").await?;
    Ok(versions.is_some_and(|table| !table.rows.is_empty()))
}

/// Puts everything that the store tells into a new catalog.
async fn fill(
    catalog: &dyn Catalog,
    store: &Path,
    options: &OpenOptions,
    why: &str,
    report: &mut RebuildReport,
) -> Result<(), RunError> {
    for environment in Lake::environments(store)? {
        let lake = Lake::open(store, &environment, options.effects.clone())?;
        let tables: BTreeSet<AssetName> =
            lake.tables().await?.into_iter().map(|table| table.rejects_of().unwrap_or(table)).collect();
        for asset in tables {
            let found = Found::in_store(&lake, &asset).await?;
            let Some(last) = found.last() else { continue };
            let versions = found.restored();
            catalog.restore(&environment, &asset, last, &versions, &options.actor, why).await?;
            report.assets.push(summary(&environment, &asset, last, &versions, &found));
        }
        audit(catalog, &environment, &options.actor, &options.effects, why).await?;
    }
    Ok(())
}

fn summary(
    environment: &str,
    asset: &AssetName,
    last: VersionNumber,
    versions: &[Version],
    found: &Found,
) -> RestoredAsset {
    let in_state = |state: VersionState| versions.iter().find(|v| v.state == state).map(|v| v.number);
    let live = in_state(VersionState::Published);
    let mut notes = found.notes.clone();
    let newest = found.log.iter().rev().find_map(|entry| entry.number);
    if let Some(newest) = newest.filter(|newest| live != Some(*newest)) {
        notes.push(format!(
            "its log says that version {newest} is live, but version.json of it cannot be read: `lockgate run {asset}` builds a new one"
        ));
    }
    if found.log.last().is_some_and(|entry| entry.number.is_none()) {
        notes.push("the newest commit in its log is somebody else's; `lockgate doctor` says whose".to_owned());
    }
    RestoredAsset {
        environment: environment.to_owned(),
        asset: asset.clone(),
        versions: versions.len() as u64,
        live,
        held: in_state(VersionState::Held),
        last,
        notes,
    }
}

async fn audit(
    catalog: &dyn Catalog,
    environment: &str,
    actor: &Actor,
    effects: &Effects,
    why: &str,
) -> Result<(), RunError> {
    let entry = AuditEntry {
        at: effects.clock.now(),
        actor: actor.clone(),
        action: "rebuilt".to_owned(),
        environment: Some(environment.to_owned()),
        asset: None,
        version: None,
        why: Some(why.to_owned()),
        detail: json!({ "lost": LOST }),
    };
    Ok(catalog.audit(&entry).await?)
}

/// What the store tells of one asset.
#[derive(Debug, Default)]
struct Found {
    /// By number, ascending.
    recorded: Vec<Version>,
    /// Ascending.
    log: Vec<LogEntry>,
    /// Of every folder, the rejects table's too.
    numbers: BTreeSet<VersionNumber>,
    /// Files that are there, in the table and in its rejects table.
    files: BTreeSet<String>,
    rejects: BTreeSet<String>,
    notes: Vec<String>,
}

impl Found {
    async fn in_store(lake: &Lake, asset: &AssetName) -> Result<Found, RunError> {
        let (table, rejects) = (lake.table(asset), lake.table(&asset.rejects()));
        let mut found = Found::default();
        let (stored, stored_rejects) = (table.inventory().await?, rejects.inventory().await?);
        for (inventory, files) in [(stored, &mut found.files), (stored_rejects, &mut found.rejects)] {
            found.numbers.extend(inventory.versions.keys());
            files.extend(inventory.versions.into_values().flatten().map(|file| file.path));
        }
        for number in &found.numbers {
            match table.recorded(*number).await {
                Ok(Some(version)) if version.asset == *asset && version.number == *number => {
                    found.recorded.push(version);
                }
                Ok(Some(other)) => {
                    found.notes.push(format!("version.json of {number} tells of {} {}", other.asset, other.number));
                }
                Ok(None) => {}
                Err(error) => found.notes.push(error.to_string()),
            }
        }
        found.read_log(&table).await?;
        Ok(found)
    }

    async fn read_log(&mut self, table: &Table) -> Result<(), RunError> {
        for delta_version in table.delta_versions().await? {
            match table.log_entry(delta_version).await {
                Ok(entry) => self.log.extend(entry),
                Err(error) => self.notes.push(error.to_string()),
            }
        }
        Ok(())
    }

    /// The highest number that was ever used, as far as anything shows it.
    fn last(&self) -> Option<VersionNumber> {
        let committed = self.log.iter().filter_map(|entry| entry.number);
        self.numbers.iter().copied().chain(committed).max()
    }

    /// Every version that can be restored, in its state, by number.
    fn restored(&self) -> Vec<Version> {
        let ours: Vec<(&LogEntry, VersionNumber)> =
            self.log.iter().filter_map(|entry| Some((entry, entry.number?))).collect();
        let live = ours.last().map(|(_, number)| *number);
        let newest_held = self
            .recorded
            .iter()
            .rev()
            .find(|v| v.state == VersionState::Held && live.is_none_or(|live| v.number > live));
        let newest_held = newest_held.map(|version| version.number);
        let times = publication_times(&ours);
        let mut versions = Vec::new();
        for version in &self.recorded {
            let position = ours.iter().rposition(|(_, number)| *number == version.number);
            let Some(position) = position else {
                let state = match version.state {
                    VersionState::Held if newest_held == Some(version.number) => VersionState::Held,
                    VersionState::Held | VersionState::Dismissed => VersionState::Dismissed,
                    VersionState::Staged
                    | VersionState::Publishing
                    | VersionState::Published
                    | VersionState::Superseded
                    | VersionState::Retracted
                    | VersionState::Expired
                    | VersionState::Failed => VersionState::Failed,
                };
                versions.push(Version { state, published_at: None, delta_version: None, ..version.clone() });
                continue;
            };
            let (entry, _) = ours[position];
            let next = ours.get(position + 1).map(|(_, number)| *number);
            let state = if live == Some(version.number) {
                VersionState::Published
            } else if !self.has_files_of(version) {
                VersionState::Expired
            } else if next.is_some_and(|next| self.restores(next)) {
                VersionState::Retracted
            } else {
                VersionState::Superseded
            };
            versions.push(Version {
                state,
                published_at: Some(times[position]),
                delta_version: Some(entry.delta_version),
                base_delta_version: entry.delta_version.checked_sub(1),
                ..version.clone()
            });
        }
        versions
    }

    fn restores(&self, number: VersionNumber) -> bool {
        self.recorded.iter().any(|version| version.number == number && version.restores.is_some())
    }

    fn has_files_of(&self, version: &Version) -> bool {
        let rejects = version.rejects.iter().flat_map(|rejects| &rejects.files);
        version.files.iter().all(|file| self.files.contains(&file.path))
            && rejects.into_iter().all(|file| self.rejects.contains(&file.path))
    }
}

/// When each commit was made, as its writer said, strictly rising as in a catalog.
fn publication_times(ours: &[(&LogEntry, VersionNumber)]) -> Vec<DateTime<Utc>> {
    let mut times: Vec<DateTime<Utc>> = Vec::new();
    for (entry, _) in ours {
        let at = entry.at.unwrap_or(DateTime::UNIX_EPOCH);
        let after = times.last().map(|last| *last + TimeDelta::microseconds(1));
        times.push(after.map_or(at, |after| at.max(after)));
    }
    times
}

impl Workspace {
    /// A catalog that knows no version, over a store that Lockgate published to, was lost: counting from 1 again would
    /// mix two histories.
    pub(crate) async fn ensure_catalog_knows_the_store(&self) -> Result<(), RunError> {
        if !self.catalog.last_numbers(self.env()).await?.is_empty() {
            return self.ensure_store_has_what_is_live().await;
        }
        for name in self.lake.tables().await? {
            let table = self.lake.table(&name);
            let Some(head) = table.head().await? else { continue };
            if table.log_entry(head).await?.is_some_and(|entry| entry.number.is_some()) {
                let message = format!("the catalog knows no version, but the store has a published {name}");
                let hint = "`lockgate doctor --rebuild --why TEXT` makes the catalog anew from the store";
                return Err(RunError::Failed(Diagnostic::error(&CATALOG_LOST, message).hint(hint).into()));
            }
        }
        Ok(())
    }

    /// A store without any of the tables that are live is another one: moved, or not mounted. Usually the first is there.
    async fn ensure_store_has_what_is_live(&self) -> Result<(), RunError> {
        let live = self.catalog.live_heads(self.env()).await?;
        for name in live.keys() {
            if self.lake.table(name).head().await?.is_some() {
                return Ok(());
            }
        }
        if live.is_empty() {
            return Ok(());
        }
        let (count, store) = (live.len(), self.lake.root().display());
        let message = format!("the store {store} has none of the {count} tables that the catalog knows as live");
        let hint = "put it back, or mount it; `lockgate run --force --confirm` begins anew";
        Err(RunError::Failed(
            Diagnostic::error(&STORE_LOST, message).at(Place::file(self.lake.root())).hint(hint).into(),
        ))
    }
}

#[cfg(test)]
mod tests;

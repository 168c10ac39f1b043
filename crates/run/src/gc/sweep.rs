//! Gathers what retention goes by, marks versions expired, and removes what nobody needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use lockgate_catalog::{AuditEntry, RetentionFacts};
use lockgate_lake::{Inventory, StoredFile, Table};
use lockgate_project::Keep;
use lockgate_types::{AssetName, Diagnostic, RunId, TaskState, VersionNumber, VersionState};
use serde_json::json;

use super::{
    EXPIRED, ExpiredVersion, GcReport, Listed, REMOVED, Removed, RemovedFiles, Situation, SpareReason, Spared, is_kept,
    lists_all,
};
use crate::error::CANNOT_LOOK;
use crate::readers::Readers;
use crate::{RunError, Workspace};

/// What the runs that are going on are doing.
#[derive(Debug, Default)]
struct AtWork {
    runs: BTreeSet<RunId>,
    /// Versions that they read.
    pins: BTreeMap<AssetName, BTreeMap<VersionNumber, RunId>>,
    /// Assets that they have still to build.
    building: BTreeMap<AssetName, RunId>,
}

/// One asset as it stands in catalog and store.
struct Look {
    /// Newest first.
    facts: Vec<RetentionFacts>,
    /// Of its table, and of its rejects table.
    stored: [Inventory; 2],
}

impl Look {
    fn state(&self, number: VersionNumber) -> Option<VersionState> {
        self.facts.iter().find(|version| version.number == number).map(|version| version.state)
    }

    /// Whether there is a file that may be of no use.
    fn has_surplus(&self) -> bool {
        self.stored.iter().any(|stored| {
            !stored.temporary.is_empty()
                || stored.versions.keys().any(|number| match self.state(*number) {
                    Some(VersionState::Staged) | None => true,
                    Some(state) => !is_kept(state),
                })
        })
    }
}

/// One asset's turn in a gc.
struct Turn<'a> {
    name: &'a AssetName,
    /// The last number that the catalog gave out; `None` when it knows no such asset.
    last: Option<VersionNumber>,
    at_work: &'a AtWork,
    pins: BTreeMap<VersionNumber, RunId>,
}

impl Workspace {
    /// Expires what `keep` does not keep, and removes files that nobody needs. `dry_run` says what it would do.
    ///
    /// Safe beside anything that goes on in other workspaces, in this process or others; this one must not be reading
    /// meanwhile. Cost: a listing of every table's folder, and look-ups per version; documents only of assets that
    /// have something to remove.
    ///
    /// # Errors
    /// Catalog and store errors. What was done before stands, and the next gc goes on.
    pub async fn gc(&self, dry_run: bool) -> Result<GcReport, RunError> {
        if !dry_run {
            self.lake.ensure_writable()?;
        }
        let at_work = self.at_work().await?;
        let last_numbers = self.catalog.last_numbers(self.env()).await?;
        let mut names: BTreeSet<AssetName> = last_numbers.keys().cloned().collect();
        names.extend(self.lake.tables().await?.into_iter().map(|table| table.rejects_of().unwrap_or(table)));
        let mut report = GcReport { dry_run, ..GcReport::default() };
        for name in &names {
            let pins = at_work.pins.get(name).cloned().unwrap_or_default();
            let turn = Turn { name, last: last_numbers.get(name).copied(), at_work: &at_work, pins };
            self.gc_asset(&turn, &mut report).await?;
        }
        self.gc_private(&mut report)?;
        report.removed_files = report.removed.iter().map(|removed| removed.files).sum();
        report.removed_bytes = report.removed.iter().map(|removed| removed.size_bytes).sum();
        if !dry_run && !report.removed.is_empty() {
            self.catalog
                .audit(&AuditEntry {
                    at: self.effects.clock.now(),
                    actor: self.actor.clone(),
                    action: "removed".to_owned(),
                    environment: Some(self.env().to_owned()),
                    asset: None,
                    version: None,
                    why: Some("no version needs these files".to_owned()),
                    detail: json!({ "files": report.removed_files, "size_bytes": report.removed_bytes }),
                })
                .await?;
        }
        Ok(report)
    }

    /// The readers at this moment.
    pub(crate) fn readers(&self) -> Result<Readers, RunError> {
        Readers::scan(&self.private().join("readers")).map_err(|error| {
            RunError::Failed(Diagnostic::error(&CANNOT_LOOK, format!("the readers cannot be listed: {error}")).into())
        })
    }

    async fn at_work(&self) -> Result<AtWork, RunError> {
        let mut at_work = AtWork::default();
        // In this order: a run is noted by its reader before the catalog has it.
        let running = self.catalog.running(self.env()).await?;
        let readers = self.readers()?;
        for run in running.into_iter().filter(|run| readers.drives(&run.id)) {
            let mut reads: Vec<(AssetName, VersionNumber)> = run.pins.into_iter().collect();
            for task in self.catalog.tasks(&run.id).await? {
                if matches!(task.state, TaskState::Waiting | TaskState::Running) {
                    at_work.building.insert(task.asset.clone(), run.id.clone());
                }
                if let Some(number) = task.version
                    && let Some(version) = self.catalog.version(self.env(), &task.asset, number).await?
                {
                    reads.extend(version.inputs);
                }
            }
            for (asset, number) in reads {
                at_work.pins.entry(asset).or_default().insert(number, run.id.clone());
            }
            at_work.runs.insert(run.id);
        }
        let mut open = self.catalog.staged(self.env()).await?;
        open.extend(self.catalog.publishing(self.env()).await?);
        for version in open {
            let Some(run) = version.run.filter(|run| at_work.runs.contains(run)) else { continue };
            for (asset, number) in version.inputs {
                at_work.pins.entry(asset).or_default().insert(number, run.clone());
            }
        }
        Ok(at_work)
    }

    async fn look(&self, name: &AssetName) -> Result<Look, RunError> {
        let [table, rejects] = self.tables_of(name);
        Ok(Look {
            facts: self.catalog.retention(self.env(), name).await?,
            stored: [table.inventory().await?, rejects.inventory().await?],
        })
    }

    fn tables_of(&self, name: &AssetName) -> [Table; 2] {
        [self.lake.table(name), self.lake.table(&name.rejects())]
    }

    async fn gc_asset(&self, turn: &Turn<'_>, report: &mut GcReport) -> Result<(), RunError> {
        let look = self.look(turn.name).await?;
        if self.situation(turn, &look.facts).outside_keep().is_empty() && !look.has_surplus() {
            return Ok(());
        }
        if report.dry_run {
            let key = self.lease_key(turn.name);
            let leases = self.catalog.leases().await?;
            let readers = self.readers()?;
            match leases.into_iter().find(|lease| lease.key == key && readers.has_holder(&lease.holder)) {
                Some(lease) => report.spared.push(busy(turn.name, lease.holder)),
                None => self.expire_and_remove(turn, report).await?,
            }
            return Ok(());
        }
        let lease = match self.acquire_at_once(turn.name).await {
            Ok(lease) => lease,
            Err(RunError::Busy { holder, .. }) => {
                report.spared.push(busy(turn.name, holder));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let outcome = self.expire_and_remove(turn, report).await;
        lease.release().await;
        outcome
    }

    fn situation<'a>(&self, turn: &'a Turn<'_>, facts: &'a [RetentionFacts]) -> Situation<'a> {
        Situation { keep: self.project.keep, now: self.effects.clock.now(), versions: facts, pins: &turn.pins }
    }

    /// Under the lease, or as a mere plan.
    async fn expire_and_remove(&self, turn: &Turn<'_>, report: &mut GcReport) -> Result<(), RunError> {
        // Again, because it may have changed before the lease was ours.
        let mut look = self.look(turn.name).await?;
        self.give_up_staged(turn, &mut look, report.dry_run).await?;
        let expired = self.expire(turn, &mut look, report).await?;
        if !report.dry_run {
            self.effects.faults.pass(&EXPIRED)?;
        }
        // Invariant: after the marking. Whoever registers from here on finds them expired.
        let readers = self.readers()?;
        let needs = self.needs(turn, &look, &readers).await?;
        for (index, table) in self.tables_of(turn.name).into_iter().enumerate() {
            let sweep = TableSweep { turn, look: &look, needs: &needs, readers: &readers, expired: &expired, index };
            self.remove_from(&table, &sweep, report).await?;
        }
        if !report.dry_run {
            self.effects.faults.pass(&REMOVED)?;
        }
        Ok(())
    }

    /// The lease is ours, so whoever staged these is gone; unless its run goes on, which then knows better.
    async fn give_up_staged(&self, turn: &Turn<'_>, look: &mut Look, dry_run: bool) -> Result<(), RunError> {
        for version in look.facts.iter_mut().filter(|version| version.state == VersionState::Staged) {
            if version.run.as_ref().is_some_and(|run| turn.at_work.runs.contains(run)) {
                continue;
            }
            if !dry_run {
                let why = Some("its run ended before its gate");
                self.catalog
                    .abandon(self.env(), turn.name, version.number, VersionState::Failed, why, &self.actor)
                    .await?;
            }
            version.state = VersionState::Failed;
        }
        Ok(())
    }

    /// Marks what may expire, in one transaction; answers which.
    async fn expire(
        &self,
        turn: &Turn<'_>,
        look: &mut Look,
        report: &mut GcReport,
    ) -> Result<BTreeSet<VersionNumber>, RunError> {
        let live = self.catalog.live_one(self.env(), turn.name).await?;
        let mut going = Vec::new();
        for (version, spared) in self.situation(turn, &look.facts).outside_keep() {
            let spared = match (spared, &live) {
                (None, Some(live)) => {
                    let older = self.catalog.version(self.env(), turn.name, version.number).await?;
                    let all = older.is_some_and(|older| lists_all(live, &older));
                    all.then_some(SpareReason::ListedByLive { live: live.number })
                }
                (spared, _) => spared,
            };
            match spared {
                Some(reason) => report.spared.push(Spared {
                    table: turn.name.clone(),
                    version: Some(version.number),
                    reason,
                    files: 0,
                    size_bytes: version.size_bytes,
                }),
                None => going.push(version.clone()),
            }
        }
        if going.is_empty() {
            return Ok(BTreeSet::new());
        }
        let numbers: BTreeSet<VersionNumber> = going.iter().map(|version| version.number).collect();
        if report.dry_run {
            let epoch = self.catalog.epoch().await? + 1;
            for version in look.facts.iter_mut().filter(|version| numbers.contains(&version.number)) {
                version.state = VersionState::Expired;
                version.expired_epoch = Some(epoch);
            }
        } else {
            let versions: Vec<_> = numbers.iter().map(|number| (turn.name.clone(), *number)).collect();
            self.catalog.expire(self.env(), &versions, &self.actor, &why(self.project.keep)).await?;
            look.facts = self.catalog.retention(self.env(), turn.name).await?;
        }
        report.expired.extend(going.into_iter().map(|version| ExpiredVersion {
            asset: turn.name.clone(),
            version: version.number,
            was: version.state,
            rows: version.rows,
            size_bytes: version.size_bytes,
            ended_at: version.ended_at,
        }));
        Ok(numbers)
    }

    /// What kept versions list, and what expired ones list that somebody may still be reading.
    async fn needs(&self, turn: &Turn<'_>, look: &Look, readers: &Readers) -> Result<Needs, RunError> {
        let mut needs = Needs::default();
        if !look.has_surplus() {
            return Ok(needs);
        }
        for version in &look.facts {
            let kept = is_kept(version.state);
            let readers = match (version.state, version.expired_epoch) {
                (VersionState::Expired, Some(epoch)) => readers.before(epoch, self.reader.id()),
                _ => 0,
            };
            if !kept && readers == 0 {
                continue;
            }
            let Some(document) = self.catalog.version(self.env(), turn.name, version.number).await? else { continue };
            if kept {
                needs.kept.add(&document);
            } else {
                needs.readers = needs.readers.max(readers);
                needs.read.add(&document);
                needs.read_numbers.insert(version.number);
            }
        }
        Ok(needs)
    }

    async fn remove_from(&self, table: &Table, sweep: &TableSweep<'_>, report: &mut GcReport) -> Result<(), RunError> {
        let stored = &sweep.look.stored[sweep.index];
        let mut over = Vec::new();
        for (number, files) in &stored.versions {
            match self.use_of(sweep, *number).await? {
                Use::Kept => {}
                Use::Over(what) => over.push((*number, files, what)),
                Use::Spared(reason) => report.spared.push(spared(table, Some(*number), reason, files)),
            }
        }
        let in_log = match files_in_log(table, over.is_empty()).await {
            Ok(in_log) => in_log,
            Err(error) => {
                let reason = SpareReason::UnreadableLog { message: error.to_string() };
                report.spared.push(spared(table, None, reason, &[]));
                return Ok(());
            }
        };
        for (number, files, what) in over {
            let sorted = sweep.sort(number, files, &in_log);
            report.spared.extend(sweep.told(table, number, &sorted));
            if sorted.going.is_empty() && !files.is_empty() {
                continue;
            }
            if !report.dry_run {
                table.remove(&paths(&sorted.going), &[number]).await?;
            }
            report.removed.push(removed(table, Some(number), what, &sorted.going));
        }
        let temporary: Vec<StoredFile> =
            stored.temporary.iter().filter(|file| !sweep.readers.may_write(file)).cloned().collect();
        if !temporary.is_empty() {
            if !report.dry_run {
                let empty: Vec<VersionNumber> =
                    stored.versions.keys().copied().filter(|number| sweep.is_over(*number)).collect();
                table.remove(&paths(&temporary), &empty).await?;
            }
            report.removed.push(removed(table, None, Removed::Temporary, &temporary));
        }
        Ok(())
    }

    /// What a folder of staged files is there for.
    async fn use_of(&self, sweep: &TableSweep<'_>, number: VersionNumber) -> Result<Use, RunError> {
        let turn = sweep.turn;
        match sweep.look.state(number) {
            Some(VersionState::Expired) => return Ok(Use::Over(Removed::Expired)),
            Some(VersionState::Failed) => {}
            Some(_) => return Ok(Use::Kept),
            // Reserved and never staged. A number that was not given out belongs to another catalog, which was lost.
            None if turn.last.is_some_and(|last| number <= last) => {}
            None => return Ok(Use::Spared(SpareReason::UnknownNumber)),
        }
        if let Some(run) = turn.at_work.building.get(turn.name) {
            return Ok(Use::Spared(SpareReason::AtWork { run: run.clone() }));
        }
        if self.lake.table(turn.name).is_committed(number).await? {
            return Ok(Use::Spared(SpareReason::Committed));
        }
        Ok(Use::Over(Removed::Leftover))
    }

    /// What is left of trying whether the store can be written. A process that lives may be trying just now.
    fn gc_probes(&self, readers: &Readers, report: &mut GcReport) -> Result<(), RunError> {
        if readers.alive.iter().any(|reader| reader.id != self.reader.id()) {
            return Ok(());
        }
        let probes = self.lake.probes()?;
        let mut gone = RemovedFiles { table: None, version: None, what: Removed::Temporary, files: 0, size_bytes: 0 };
        for probe in probes {
            let size_bytes = probe.metadata().map_or(0, |metadata| metadata.len());
            if report.dry_run || std::fs::remove_file(&probe).is_ok() {
                gone.files += 1;
                gone.size_bytes += size_bytes;
            }
        }
        if gone.files > 0 {
            report.removed.push(gone);
        }
        Ok(())
    }

    /// What dead processes left in the project's private folder.
    fn gc_private(&self, report: &mut GcReport) -> Result<(), RunError> {
        let readers = self.readers()?;
        report.removed_readers = if report.dry_run { readers.dead.len() as u64 } else { readers.remove_dead() };
        self.gc_probes(&readers, report)?;
        let spill = self.private().join("spill");
        for entry in std::fs::read_dir(&spill).into_iter().flatten().flatten() {
            let folder = entry.path();
            if !folder.is_dir() || is_spilling(&folder, &readers) {
                continue;
            }
            let (files, size_bytes) = measure(&folder);
            if !report.dry_run
                && let Err(error) = std::fs::remove_dir_all(&folder)
            {
                tracing::warn!(folder = %folder.display(), %error, "spilled data of a dead process stays");
                continue;
            }
            report.removed.push(RemovedFiles { table: None, version: None, what: Removed::Spilled, files, size_bytes });
        }
        Ok(())
    }
}

enum Use {
    Kept,
    Over(Removed),
    Spared(SpareReason),
}

/// Paths that must stay, and for whom.
#[derive(Debug, Default)]
struct Needs {
    kept: Listed,
    /// Of versions that expired after some living reader came.
    read: Listed,
    read_numbers: BTreeSet<VersionNumber>,
    /// How many such readers there are.
    readers: u64,
}

/// One table of an asset's turn.
struct TableSweep<'a> {
    turn: &'a Turn<'a>,
    look: &'a Look,
    needs: &'a Needs,
    readers: &'a Readers,
    /// Marked just now.
    expired: &'a BTreeSet<VersionNumber>,
    /// 0 is the table, 1 its rejects table.
    index: usize,
}

/// The files of one version's folder, by what becomes of them.
#[derive(Debug, Default)]
struct Sorted {
    going: Vec<StoredFile>,
    listed: Vec<StoredFile>,
    read: Vec<StoredFile>,
    in_log: Vec<StoredFile>,
}

impl TableSweep<'_> {
    fn sort(&self, number: VersionNumber, files: &[StoredFile], in_log: &BTreeSet<String>) -> Sorted {
        let lists = |listed: &Listed, path: &String| match self.index {
            0 => listed.files.contains(path),
            _ => listed.rejects.contains(path),
        };
        let mut sorted = Sorted::default();
        let shares = files.iter().any(|file| lists(&self.needs.kept, &file.path));
        for file in files {
            // What stands beside the data (`version.json`, commits) stays while the version may be read.
            let is_beside = file.path.ends_with(".json") && self.needs.read_numbers.contains(&number);
            // What is known of files (`parts.bin`) is of use to whoever has them.
            let side = if lists(&self.needs.kept, &file.path) || (shares && file.is_parts()) {
                &mut sorted.listed
            } else if is_beside || lists(&self.needs.read, &file.path) {
                &mut sorted.read
            } else if in_log.contains(&file.path) {
                &mut sorted.in_log
            } else {
                &mut sorted.going
            };
            side.push(file.clone());
        }
        sorted
    }

    /// What stays of a version whose time is over. That kept versions share its files is told once.
    fn told(&self, table: &Table, number: VersionNumber, sorted: &Sorted) -> Vec<Spared> {
        let mut told = Vec::new();
        if !sorted.listed.is_empty() && self.expired.contains(&number) {
            told.push(spared(table, Some(number), SpareReason::ListedByOthers, &sorted.listed));
        }
        if !sorted.read.is_empty() {
            let reason = SpareReason::Readers { readers: self.needs.readers };
            told.push(spared(table, Some(number), reason, &sorted.read));
        }
        if !sorted.in_log.is_empty() {
            told.push(spared(table, Some(number), SpareReason::InLog, &sorted.in_log));
        }
        told
    }

    /// Whether an empty folder of this number is of no use.
    fn is_over(&self, number: VersionNumber) -> bool {
        self.look.state(number).is_some_and(|state| !is_kept(state))
    }
}

/// The files that the newest entry of the table's log lists; not asked when there is nothing to remove.
async fn files_in_log(table: &Table, nothing_to_remove: bool) -> Result<BTreeSet<String>, RunError> {
    if nothing_to_remove {
        return Ok(BTreeSet::new());
    }
    let Some(head) = table.head().await? else { return Ok(BTreeSet::new()) };
    Ok(table.files_at(head).await?.into_iter().map(|file| file.path).collect())
}

fn paths(files: &[StoredFile]) -> Vec<String> {
    files.iter().map(|file| file.path.clone()).collect()
}

fn size_of(files: &[StoredFile]) -> u64 {
    files.iter().map(|file| file.size_bytes).sum()
}

fn removed(table: &Table, version: Option<VersionNumber>, what: Removed, files: &[StoredFile]) -> RemovedFiles {
    let table = Some(table.asset().clone());
    RemovedFiles { table, version, what, files: files.len() as u64, size_bytes: size_of(files) }
}

fn spared(table: &Table, version: Option<VersionNumber>, reason: SpareReason, files: &[StoredFile]) -> Spared {
    let table = table.asset().clone();
    Spared { table, version, reason, files: files.len() as u64, size_bytes: size_of(files) }
}

fn busy(name: &AssetName, holder: String) -> Spared {
    let reason = SpareReason::Busy { holder };
    Spared { table: name.clone(), version: None, reason, files: 0, size_bytes: 0 }
}

/// `outside keep: 30 versions, 90 days`.
fn why(keep: Keep) -> String {
    let versions = keep.versions.map(|versions| format!("{versions} versions"));
    let days = keep.days.map(|days| format!("{days} days"));
    format!("outside keep: {}", versions.into_iter().chain(days).collect::<Vec<_>>().join(", "))
}

/// `PROCESS-COUNTER`: whether that process still uses it. Each folder has a lock of its own; one without is being made
/// by a living process, or was half removed.
fn is_spilling(folder: &Path, readers: &Readers) -> bool {
    if let Ok(lock) = File::open(folder.join("lock")) {
        return lock.try_lock().is_err();
    }
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let process = name.split_once('-').and_then(|(process, _)| process.parse().ok());
    process.is_none_or(|process| readers.has_process(process))
}

/// Files and bytes below a folder.
fn measure(folder: &Path) -> (u64, u64) {
    let (mut files, mut size_bytes) = (0, 0);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                let (more, bytes) = measure(&entry.path());
                files += more;
                size_bytes += bytes;
            }
            Ok(metadata) => {
                files += 1;
                size_bytes += metadata.len();
            }
            // It went meanwhile.
            Err(_) => {}
        }
    }
    (files, size_bytes)
}

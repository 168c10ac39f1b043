//! Looks at everything that is kept, heals what is safe to heal, and explains the rest.
//!
//! Safe is what cannot lose anything: finishing a publication that was decided, ending a run and giving back a lease
//! whose process is gone, writing `version.json` anew from the catalog, taking away the files of dead readers. What a
//! person has to decide is a problem, with the command to type next.
//!
//! Cost: linear in versions that are kept and their files; `deep` opens every file's footer.

mod table;

use lockgate_lake::LakeError;
use lockgate_types::{AssetName, RunId, RunState, TaskState, VersionNumber};
use serde::Serialize;

use crate::gc::{GcReport, Removed};
use crate::{RunError, Workspace};

/// With less than this free, or less than what the versions here take, a person is told: a run that builds everything
/// anew writes about as much again. A share of the disk would say nothing of either.
const FREE_BYTES_MIN: u64 = 1_000_000_000;

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Well,
    /// Something was wrong and is not any more.
    Healed,
    /// Worth knowing; nothing is wrong.
    Warning,
    /// A person has to decide.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub health: Health,
    /// `catalog`, `publication`, `run`, `lease`, `readers`, `table`, `version`, `leftovers`, `disk`.
    pub about: &'static str,
    pub asset: Option<AssetName>,
    pub version: Option<VersionNumber>,
    /// One sentence.
    pub message: String,
    /// The command to type next, without the program's name.
    pub next: Option<String>,
}

impl Finding {
    fn new(health: Health, about: &'static str, message: impl Into<String>) -> Finding {
        Finding { health, about, asset: None, version: None, message: message.into(), next: None }
    }

    fn of(mut self, asset: &AssetName) -> Finding {
        self.asset = Some(asset.clone());
        self
    }

    fn version(mut self, number: VersionNumber) -> Finding {
        self.version = Some(number);
        self
    }

    fn next(mut self, command: impl Into<String>) -> Finding {
        self.next = Some(command.into());
        self
    }
}

/// What the doctor saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DoctorReport {
    /// In the order of looking.
    pub findings: Vec<Finding>,
    pub assets: u64,
    /// Versions whose files were looked for.
    pub versions: u64,
    pub files: u64,
    pub size_bytes: u64,
    /// Whether the files were opened too.
    pub deep: bool,
}

impl DoctorReport {
    /// 1 when a person has to decide something, else 0.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.findings.iter().any(|finding| finding.health == Health::Problem))
    }

    fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

impl Workspace {
    /// Looks at catalog, runs, leases, readers, every table and the disk. `deep` also opens every file.
    ///
    /// # Errors
    /// Catalog errors; what is wrong in the store is a finding.
    pub async fn doctor(&self, deep: bool) -> Result<DoctorReport, RunError> {
        let mut report = DoctorReport { deep, ..DoctorReport::default() };
        self.look_at_catalog(&mut report).await?;
        self.look_at_publications(&mut report).await?;
        self.look_at_runs(&mut report).await?;
        self.look_at_leases(&mut report).await?;
        self.look_at_readers(&mut report)?;
        self.look_at_tables(&mut report).await?;
        self.look_at_leftovers(&mut report).await?;
        self.look_at_disk(&mut report);
        Ok(report)
    }

    async fn look_at_catalog(&self, report: &mut DoctorReport) -> Result<(), RunError> {
        let integrity = self.catalog.integrity().await?;
        if integrity.problems.is_empty() {
            let message = format!("the catalog is whole, in format {}", integrity.format);
            report.push(Finding::new(Health::Well, "catalog", message));
        }
        for problem in &integrity.problems {
            let finding = Finding::new(Health::Problem, "catalog", format!("the catalog is damaged: {problem}"));
            report.push(finding.next("doctor --rebuild --why TEXT"));
        }
        Ok(())
    }

    /// Those that a crash left half done were finished when the project was opened; what a foreign commit got in the
    /// way of is finished here, under the lease.
    async fn look_at_publications(&self, report: &mut DoctorReport) -> Result<(), RunError> {
        let finished = |asset: &AssetName, number: VersionNumber| {
            let message = format!("the publication of {asset} version {number} was left half done, and is finished");
            Finding::new(Health::Healed, "publication", message).of(asset).version(number)
        };
        for (asset, number) in &self.finished {
            report.push(finished(asset, *number));
        }
        for mut publication in self.catalog.unfinished(self.env()).await? {
            let Some(first) = publication.members.first().map(|version| version.asset.clone()) else { continue };
            let settled = match self.acquire_at_once(&first).await {
                Ok(lease) => {
                    let settled = self.settle(&mut publication.members, Some(&lease.lease)).await;
                    lease.release().await;
                    settled
                }
                Err(error) => Err(error),
            };
            for version in &publication.members {
                let (asset, number) = (&version.asset, version.number);
                report.push(match &settled {
                    Ok(()) => finished(asset, number),
                    Err(RunError::Busy { holder, .. }) => {
                        let message = format!("{asset} version {number} is being published by {holder}");
                        Finding::new(Health::Well, "publication", message).of(asset).version(number)
                    }
                    Err(error) => {
                        let message = format!("{asset} version {number} cannot be published: {error}");
                        Finding::new(Health::Problem, "publication", message).of(asset).version(number).next("run")
                    }
                });
            }
        }
        Ok(())
    }

    async fn look_at_runs(&self, report: &mut DoctorReport) -> Result<(), RunError> {
        // In this order: a run is noted by its reader before the catalog has it.
        let running = self.catalog.running(self.env()).await?;
        let readers = self.readers()?;
        for run in running {
            if readers.drives(&run.id) {
                report.push(Finding::new(Health::Well, "run", format!("run {} of {} goes on", run.id, run.actor)));
                continue;
            }
            self.end_abandoned(&run.id).await?;
            let message = format!("run {} of {} was left by its process, and is marked interrupted", run.id, run.actor);
            report.push(Finding::new(Health::Healed, "run", message).next("run"));
        }
        Ok(())
    }

    /// Marks a run interrupted whose process is gone.
    pub(crate) async fn end_abandoned(&self, run: &RunId) -> Result<(), RunError> {
        let now = self.effects.clock.now();
        for mut task in self.catalog.tasks(run).await? {
            if matches!(task.state, TaskState::Waiting | TaskState::Running) {
                task.state = TaskState::Interrupted;
                task.ended_at = Some(now);
                task.message = Some("its process is gone".to_owned());
                self.catalog.set_task(&task).await?;
            }
        }
        Ok(self.catalog.end_run(run, RunState::Interrupted, now).await?)
    }

    async fn look_at_leases(&self, report: &mut DoctorReport) -> Result<(), RunError> {
        let leases = self.catalog.leases().await?;
        let readers = self.readers()?;
        for held in leases.into_iter().filter(|lease| !readers.has_holder(&lease.holder)) {
            let (key, holder) = (&held.key, &held.holder);
            let stolen = self.catalog.steal(key, &self.worker, held.epoch, held.beat).await?;
            if let lockgate_catalog::LeaseAttempt::Taken(lease) = stolen {
                self.catalog.release(&lease).await?;
                let message = format!("the lease {key} was held by {holder}, whose process is gone, and is free again");
                report.push(Finding::new(Health::Healed, "lease", message));
            }
        }
        Ok(())
    }

    fn look_at_readers(&self, report: &mut DoctorReport) -> Result<(), RunError> {
        let readers = self.readers()?;
        let removed = readers.remove_dead();
        if removed > 0 {
            let message = format!("{} of readers that are gone went", counted(removed, "file"));
            report.push(Finding::new(Health::Healed, "readers", message));
        }
        let others = readers.alive.iter().filter(|reader| reader.id != self.reader.id()).count();
        let message = match others {
            0 => "nobody else has the project open".to_owned(),
            1 => "1 other process has the project open".to_owned(),
            others => format!("{others} other processes have the project open"),
        };
        report.push(Finding::new(Health::Well, "readers", message));
        if readers.alive.len() == others {
            let message = "this process could not register as a reader, so a gc would not spare what it reads";
            report.push(Finding::new(Health::Warning, "readers", message));
        }
        Ok(())
    }

    /// What gc would remove of attempts that ended before their gate. Expired versions are no finding.
    async fn look_at_leftovers(&self, report: &mut DoctorReport) -> Result<(), RunError> {
        let plan = self.gc(true).await?;
        let (files, size_bytes) = leftovers(&plan);
        if files > 0 {
            let files = counted(files, "file");
            let message = format!("{files}, {size_bytes} B, left by attempts that ended before their gate");
            report.push(Finding::new(Health::Warning, "leftovers", message).next("gc"));
        }
        Ok(())
    }

    fn look_at_disk(&self, report: &mut DoctorReport) {
        let Some(space) = self.lake.disk_space() else { return };
        #[allow(clippy::cast_precision_loss)] // a share
        let share = space.free_bytes as f64 / space.total_bytes.max(1) as f64;
        let free_gb = space.free_bytes / 1_000_000_000;
        let is_low = space.free_bytes < FREE_BYTES_MIN.max(report.size_bytes);
        let message = format!("{free_gb} GB ({:.0} %) are free where the store lies", share * 100.0);
        let finding = Finding::new(if is_low { Health::Warning } else { Health::Well }, "disk", message);
        report.push(if is_low { finding.next("gc") } else { finding });
    }
}

/// `1 file`, `2 files`.
fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Files and bytes that are no version's.
fn leftovers(plan: &GcReport) -> (u64, u64) {
    let of_nobody = plan.removed.iter().filter(|removed| removed.what != Removed::Expired);
    of_nobody.fold((0, 0), |(files, bytes), removed| (files + removed.files, bytes + removed.size_bytes))
}

/// What a store's error says of a table.
fn in_store(asset: &AssetName, error: &LakeError) -> Finding {
    Finding::new(Health::Problem, "table", error.to_string()).of(asset)
}

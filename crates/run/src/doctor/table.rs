//! One table: its log against the catalog, its files against its versions.

use std::collections::BTreeSet;

use lockgate_catalog::RetentionFacts;
use lockgate_lake::{LogEntry, Table};
use lockgate_types::{AssetName, CheckOutcome, CheckState, DataFile, Version, VersionNumber, VersionState};

use super::{DoctorReport, Finding, Health, counted, in_store};
use crate::gc::{is_kept, may_end};
use crate::{RunError, Workspace};

/// So many foreign commits are told one by one.
const FOREIGN_MAX: usize = 5;

impl Workspace {
    pub(super) async fn look_at_tables(&self, report: &mut DoctorReport) -> Result<(), RunError> {
        let mut names: BTreeSet<AssetName> = self.catalog.last_numbers(self.env()).await?.into_keys().collect();
        match self.lake.tables().await {
            Ok(tables) => names.extend(tables.into_iter().filter(|table| table.rejects_of().is_none())),
            Err(error) => report.push(Finding::new(Health::Problem, "table", error.to_string())),
        }
        let before = report.findings.len();
        for name in &names {
            self.look_at_table(name, report).await?;
        }
        report.assets = names.len() as u64;
        let is_wrong = |finding: &Finding| finding.health == Health::Problem;
        if !report.findings[before..].iter().any(is_wrong) {
            let message = format!(
                "{} of {} of {} are all there{}",
                counted(report.files, "file"),
                counted(report.versions, "version"),
                counted(report.assets, "asset"),
                if report.deep { ", with the rows that they should have" } else { "" }
            );
            report.push(Finding::new(Health::Well, "table", message));
        }
        Ok(())
    }

    async fn look_at_table(&self, name: &AssetName, report: &mut DoctorReport) -> Result<(), RunError> {
        let facts = self.catalog.retention(self.env(), name).await?;
        let table = self.lake.table(name);
        let live = self.catalog.live_one(self.env(), name).await?;
        match table.head().await {
            Ok(head) => self.look_at_log(&table, live.as_ref(), head, report).await?,
            Err(error) => report.push(in_store(name, &error)),
        }
        // An older decision is told by what came after it.
        let newest = facts.iter().find(|version| version.state != VersionState::Failed).map(|version| version.number);
        for version in facts.iter().filter(|version| is_looked_at(version)) {
            let Some(document) = self.catalog.version(self.env(), name, version.number).await? else { continue };
            self.look_at_version(&table, &document, newest, report).await;
        }
        Ok(())
    }

    /// What the catalog says is live against what the log says.
    async fn look_at_log(
        &self,
        table: &Table,
        live: Option<&Version>,
        head: Option<u64>,
        report: &mut DoctorReport,
    ) -> Result<(), RunError> {
        let name = table.asset();
        let Some((live, published_as)) = live.and_then(|live| Some((live, live.delta_version?))) else {
            let newest = match head {
                Some(head) => table.log_entry(head).await,
                None => return Ok(()),
            };
            if let Ok(Some(LogEntry { number: Some(number), .. })) = newest {
                let message =
                    format!("the log of {name} says that version {number} is live, the catalog knows of none");
                let finding = Finding::new(Health::Problem, "catalog", message).of(name).version(number);
                report.push(finding.next("doctor --rebuild --why TEXT"));
            }
            return Ok(());
        };
        let Some(head) = head.filter(|head| *head >= published_as) else {
            let ends = head.map_or_else(|| "is gone".to_owned(), |head| format!("ends at Delta version {head}"));
            let message = format!(
                "the log of {name} {ends}, but version {} was published as Delta version {published_as}",
                live.number
            );
            report.push(Finding::new(Health::Problem, "table", message).of(name).version(live.number));
            return Ok(());
        };
        match table.log_entry(published_as).await {
            Ok(Some(entry)) if entry.number == Some(live.number) => {}
            Ok(_) => {
                let message = format!("Delta version {published_as} of {name} is not what version {} was", live.number);
                let finding = Finding::new(Health::Problem, "table", message).of(name).version(live.number);
                report.push(finding.next(format!("run {name} --force")));
                return Ok(());
            }
            Err(error) => {
                report.push(in_store(name, &error));
                return Ok(());
            }
        }
        match table.files_at(published_as).await {
            Ok(files) if same_files(&files, &live.files) => {}
            Ok(_) => {
                let message = format!(
                    "the log of {name} lists other files at Delta version {published_as} than version {}",
                    live.number
                );
                let finding = Finding::new(Health::Problem, "table", message).of(name).version(live.number);
                report.push(finding.next(format!("run {name} --force")));
            }
            Err(error) => report.push(in_store(name, &error)),
        }
        self.look_at_foreign_commits(table, live, published_as + 1..=head, report).await;
        Ok(())
    }

    /// Lockgate's readers stay on the live version; direct readers see what somebody else committed.
    async fn look_at_foreign_commits(
        &self,
        table: &Table,
        live: &Version,
        newer: std::ops::RangeInclusive<u64>,
        report: &mut DoctorReport,
    ) {
        let name = table.asset();
        let number = newer.clone().count();
        for delta_version in newer.take(FOREIGN_MAX) {
            let entry = match table.log_entry(delta_version).await {
                Ok(Some(entry)) => entry,
                Ok(None) => continue,
                Err(error) => {
                    report.push(in_store(name, &error));
                    continue;
                }
            };
            let finding = if let Some(other) = entry.number {
                let message = format!(
                    "the log of {name} says that version {other} was published after version {}: the catalog is older than the store",
                    live.number
                );
                let finding = Finding::new(Health::Problem, "catalog", message).version(other);
                finding.next("doctor --rebuild --force --why TEXT")
            } else {
                let next = format!("run {name} --force");
                Finding::new(Health::Problem, "table", foreign(name, &entry, live.number)).next(next)
            };
            report.push(finding.of(name));
        }
        if number > FOREIGN_MAX {
            let message = format!("{} more commits stand in the log of {name} after those", number - FOREIGN_MAX);
            report.push(Finding::new(Health::Problem, "table", message).of(name));
        }
    }

    /// Its files and its `version.json`.
    async fn look_at_version(
        &self,
        table: &Table,
        version: &Version,
        newest: Option<VersionNumber>,
        report: &mut DoctorReport,
    ) {
        let rejects = self.lake.table(&version.asset.rejects());
        let mut wrong = Vec::new();
        for (table, files) in [
            (table, version.files.as_slice()),
            (&rejects, version.rejects.as_ref().map_or(&[][..], |rejects| rejects.files.as_slice())),
        ] {
            for file in files {
                report.files += 1;
                report.size_bytes += file.size_bytes;
                wrong.extend(what_is_wrong(table, file, report.deep).await);
            }
        }
        report.versions += 1;
        let (name, number) = (&version.asset, version.number);
        if let Some(first) = wrong.first() {
            let more = if wrong.len() > 1 { format!(", and {} more", wrong.len() - 1) } else { String::new() };
            let restore = "; restore it from a backup, or let `keep` expire the version";
            let restore = if may_end(version.state) { restore } else { "" };
            let message = format!("{} {name} version {number}: {first}{more}{restore}", standing(version.state));
            let finding = Finding::new(Health::Problem, "version", message).of(name).version(number);
            let next = match version.state {
                VersionState::Published => Some(format!("run {name} --force")),
                VersionState::Held => Some(format!("dismiss {name} --why TEXT")),
                _ => None,
            };
            report.push(Finding { next, ..finding });
        }
        self.look_at_record(table, version, newest, report).await;
    }

    /// `version.json` is what a lost catalog is rebuilt from. The catalog is right where only a judgement differs.
    async fn look_at_record(
        &self,
        table: &Table,
        version: &Version,
        newest: Option<VersionNumber>,
        report: &mut DoctorReport,
    ) {
        let (name, number) = (&version.asset, version.number);
        let why = match table.recorded(number).await {
            Ok(Some(recorded)) if !same_content(&recorded, version) => {
                let message =
                    format!("version.json of {name} version {number} tells of other content than the catalog");
                report.push(Finding::new(Health::Problem, "version", message).of(name).version(number));
                return;
            }
            Ok(Some(recorded)) if same_judgement(&recorded, version, newest) => return,
            Ok(Some(_)) => "was older than the catalog",
            Ok(None) => "was gone",
            Err(_) => "could not be read",
        };
        let finding = match table.record(version).await {
            Ok(()) => {
                let message = format!("version.json of {name} version {number} {why}, and is written anew");
                Finding::new(Health::Healed, "version", message)
            }
            Err(error) => {
                let message = format!("version.json of {name} version {number} {why}, and cannot be written: {error}");
                Finding::new(Health::Warning, "version", message)
            }
        };
        report.push(finding.of(name).version(number));
    }
}

/// Staged ones may be changing, failed and expired ones have no files.
fn is_looked_at(version: &RetentionFacts) -> bool {
    is_kept(version.state) && !matches!(version.state, VersionState::Staged | VersionState::Publishing)
}

fn standing(state: VersionState) -> &'static str {
    match state {
        VersionState::Published => "live",
        other => other.as_str(),
    }
}

async fn what_is_wrong(table: &Table, file: &DataFile, deep: bool) -> Option<String> {
    let path = format!("{}/{}", table.prefix(), file.path);
    match table.size_of(&file.path).await {
        Ok(None) => return Some(format!("{path} is gone")),
        Ok(Some(size)) if size != file.size_bytes => {
            return Some(format!("{path} has {size} B instead of {} B", file.size_bytes));
        }
        Ok(Some(_)) => {}
        Err(error) => return Some(error.to_string()),
    }
    if !deep {
        return None;
    }
    match table.rows_by_footer(file).await {
        Ok(rows) if rows == file.rows => None,
        Ok(rows) => Some(format!("{path} has {rows} rows instead of {}", file.rows)),
        Err(error) => Some(error.to_string()),
    }
}

fn same_files(a: &[DataFile], b: &[DataFile]) -> bool {
    let of = |files: &[DataFile]| -> BTreeSet<(String, u64)> {
        files.iter().map(|file| (file.path.clone(), file.size_bytes)).collect()
    };
    of(a) == of(b)
}

fn same_content(a: &Version, b: &Version) -> bool {
    a.asset == b.asset
        && a.number == b.number
        && a.files == b.files
        && a.rejects == b.rejects
        && a.schema == b.schema
        && a.partition_by == b.partition_by
        && a.rows == b.rows
        && a.fingerprint == b.fingerprint
        && a.inputs == b.inputs
}

fn same_judgement(recorded: &Version, known: &Version, newest: Option<VersionNumber>) -> bool {
    // What was published is told by the log, what was replaced by what replaced it.
    let is_decided =
        known.state == VersionState::Held || (known.state == VersionState::Dismissed && newest == Some(known.number));
    recorded.checks_fingerprint == known.checks_fingerprint
        && recorded.checks.iter().map(said).eq(known.checks.iter().map(said))
        && recorded.profile.is_some() == known.profile.is_some()
        && (!is_decided || recorded.state == known.state)
}

/// A check's outcome without its fractions, which may lose their last digit on the way through JSON.
fn said(outcome: &CheckOutcome) -> (&str, CheckState, u64, u64, &str, Option<&str>) {
    let CheckOutcome { name, state, failing, total, message, excuse, .. } = outcome;
    (name, *state, *failing, *total, message, excuse.as_deref())
}

/// `somebody (Spark) committed Delta version 3 of raw.orders on …: 2 files added, 1 removed`.
fn foreign(name: &AssetName, entry: &LogEntry, live: VersionNumber) -> String {
    let by = entry.by.as_deref().unwrap_or("somebody");
    let at = entry.at.map(|at| format!(" at {}", at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
    let operation = entry.operation.as_deref().map(|operation| format!(" ({operation})")).unwrap_or_default();
    format!(
        "{by} committed Delta version {} of {name}{operation}{}: {} added, {} removed; Lockgate's readers stay on version {live}, the next publication removes it",
        entry.delta_version,
        at.unwrap_or_default(),
        counted(entry.added_files, "file"),
        entry.removed_files,
    )
}

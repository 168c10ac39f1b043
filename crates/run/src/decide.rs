//! What people decide about versions: publish by hand, dismiss, roll back, suppress, baseline; and judging again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use lockgate_catalog::{AuditEntry, CatalogError, Publication};
use lockgate_types::{
    AssetName, CheckOutcome, Diagnostic, KnownFailure, Suppression, Threshold, Version, VersionNumber, VersionState,
};
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::error::{CANNOT_WRITE, PAST_DATE, UNKNOWN_CHECK};
use crate::parts::Trust;
use crate::rejects::REJECTS;
use crate::stage::asks_for_build;
use crate::{Graph, Node, RunError, Workspace};

/// What `check` found on one live version.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    pub asset: AssetName,
    pub version: VersionNumber,
    pub outcomes: Vec<CheckOutcome>,
}

/// What `baseline` wrote.
#[derive(Clone, Debug, Serialize)]
pub struct BaselineReport {
    /// Every known failure of the selected assets now.
    pub written: Vec<KnownFailure>,
    /// Entries that no longer fail.
    pub removed: Vec<KnownFailure>,
    /// Failing checks that cannot be known: they are true or false of the version as a whole, so that nothing could
    /// get worse.
    pub left_out: Vec<(AssetName, String)>,
    pub file: PathBuf,
}

/// A suppression as asked for.
#[derive(Clone, Debug)]
pub struct SuppressRequest {
    pub asset: AssetName,
    pub check: String,
    pub until: DateTime<Utc>,
    pub why: String,
    pub limit: Option<Threshold>,
}

/// Where the asset's held version stands among these.
fn of_asset(held: &[Version], name: &AssetName, expected: Option<VersionNumber>) -> Result<usize, RunError> {
    let Some(index) = held.iter().position(|version| version.asset == *name) else {
        return Err(RunError::NothingHeld { asset: name.clone() });
    };
    match expected {
        Some(expected) if held[index].number != expected => {
            Err(RunError::AnotherHeld { asset: name.clone(), expected, held: held[index].number })
        }
        _ => Ok(index),
    }
}

impl Workspace {
    /// Publishes a held version (with the held members of its group) by hand, as long as its base is live. `expected` is the
    /// version that was looked at: another one that is held by now is not published in its place.
    ///
    /// # Errors
    /// [`RunError::NothingHeld`], [`RunError::AnotherHeld`], [`RunError::CannotPublish`], and what publication can answer.
    pub async fn publish_held(
        &self,
        graph: &Graph,
        name: &AssetName,
        expected: Option<VersionNumber>,
        why: &str,
    ) -> Result<Version, RunError> {
        let node = graph.node(name)?;
        let together: BTreeSet<&AssetName> = match &node.group {
            Some(group) => {
                graph.nodes().values().filter(|n| n.group.as_ref() == Some(group)).map(|n| &n.file.name).collect()
            }
            None => [name].into(),
        };
        let lease = self.acquire(node, &CancellationToken::new()).await?;
        let held = self.catalog.held(self.env()).await?;
        let mut members: Vec<Version> = held.into_iter().filter(|version| together.contains(&version.asset)).collect();
        let result = match of_asset(&members, name, expected) {
            Ok(index) => self.publish_members(graph, index, &mut members, &lease.lease, why).await,
            Err(error) => Err(error),
        };
        lease.release().await;
        result
    }

    async fn publish_members(
        &self,
        graph: &Graph,
        index: usize,
        members: &mut [Version],
        lease: &lockgate_catalog::Lease,
        why: &str,
    ) -> Result<Version, RunError> {
        for version in members.iter_mut() {
            let live = self.catalog.live_one(self.env(), &version.asset).await?.map(|live| live.number);
            if live != version.base {
                let live = live.map_or_else(|| "nothing".to_owned(), |number| format!("version {number}"));
                return Err(RunError::CannotPublish {
                    asset: version.asset.clone(),
                    number: version.number,
                    reason: format!("it was judged against another version, and {live} is live now"),
                });
            }
            version.why = Some(why.to_owned());
        }
        self.built_from_each_other(members).await?;
        let by = Publication { actor: self.actor.clone(), why: Some(why.to_owned()), retract: false };
        self.publish(members, lease, &by, "WRITE").await?;
        for version in members.iter() {
            if let Some(node) = graph.nodes().get(&version.asset) {
                self.record_code(node, version).await?;
            }
        }
        Ok(members[index].clone())
    }

    /// Members of a group that are published by hand were built from each other: none from a version of another member
    /// that is not published with it.
    async fn built_from_each_other(&self, members: &[Version]) -> Result<(), RunError> {
        for version in members {
            for (input, number) in &version.inputs {
                let beside = members.iter().find(|other| other.asset == *input);
                let refuse = |reason: String| {
                    Err(RunError::CannotPublish { asset: version.asset.clone(), number: version.number, reason })
                };
                match beside {
                    Some(other) if other.number != *number => {
                        let held = other.number;
                        return refuse(format!(
                            "it was built from {input} version {number}, but version {held} is held"
                        ));
                    }
                    Some(_) => {}
                    None => {
                        let state = self.catalog.version(self.env(), input, *number).await?.map(|input| input.state);
                        let was_published = matches!(
                            state,
                            Some(
                                VersionState::Published
                                    | VersionState::Superseded
                                    | VersionState::Retracted
                                    | VersionState::Expired
                            )
                        );
                        if !was_published {
                            return refuse(format!(
                                "it was built from {input} version {number}, which was not published"
                            ));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Remembers the code that a published version was built by, so that a later change can be named.
    pub(crate) async fn record_code(&self, node: &Node, version: &Version) -> Result<(), RunError> {
        if node.fingerprint == version.fingerprint {
            self.catalog.set_code(self.env(), &version.asset, &node.fingerprint, &node.code).await?;
        }
        Ok(())
    }

    /// Gives a held version up. The same candidate is not built again until code or inputs change. `expected` is the version
    /// that was looked at.
    ///
    /// # Errors
    /// [`RunError::NothingHeld`], [`RunError::AnotherHeld`]; catalog errors.
    pub async fn dismiss(
        &self,
        name: &AssetName,
        expected: Option<VersionNumber>,
        why: &str,
    ) -> Result<Version, RunError> {
        let mut held = self.catalog.held(self.env()).await?;
        let mut version = held.swap_remove(of_asset(&held, name, expected)?);
        self.catalog.abandon(self.env(), name, version.number, VersionState::Dismissed, Some(why), &self.actor).await?;
        version.state = VersionState::Dismissed;
        version.why = Some(why.to_owned());
        self.note_in_store(&version).await;
        Ok(version)
    }

    /// Writes `version.json` anew after something was decided or judged, for a rebuilt catalog. The catalog has it
    /// already and `doctor` renews the file, so a store that cannot be written stops nothing.
    pub(crate) async fn note_in_store(&self, version: &Version) {
        if let Err(error) = self.lake.table(&version.asset).record(version).await {
            tracing::debug!(asset = %version.asset, version = version.number.0, %error, "version.json is not renewed");
        }
    }

    /// Publishes a new version with the content of an old one. It is not stale until code or inputs change.
    ///
    /// # Errors
    /// [`RunError::UnknownVersion`], [`RunError::CannotPublish`] when the old version's files are gone or it never
    /// was published; what publication can answer.
    pub async fn rollback(
        &self,
        graph: &Graph,
        name: &AssetName,
        to: VersionNumber,
        why: &str,
    ) -> Result<Version, RunError> {
        let node = graph.node(name)?;
        let lease = self.acquire(node, &CancellationToken::new()).await?;
        let result = self.roll_back_under_lease(name, to, why, &lease.lease).await;
        lease.release().await;
        result
    }

    async fn roll_back_under_lease(
        &self,
        name: &AssetName,
        to: VersionNumber,
        why: &str,
        lease: &lockgate_catalog::Lease,
    ) -> Result<Version, RunError> {
        let Some(old) = self.catalog.version(self.env(), name, to).await? else {
            return Err(RunError::UnknownVersion { asset: name.clone(), number: to });
        };
        let Some(live) = self.catalog.live_one(self.env(), name).await? else {
            return Err(RunError::NothingPublished { asset: name.clone() });
        };
        let refuse =
            |reason: &str| Err(RunError::CannotPublish { asset: name.clone(), number: to, reason: reason.to_owned() });
        match old.state {
            VersionState::Published => return refuse("it is live already"),
            VersionState::Superseded | VersionState::Retracted => {}
            VersionState::Expired => return refuse("its files were removed by retention"),
            VersionState::Staged
            | VersionState::Publishing
            | VersionState::Held
            | VersionState::Dismissed
            | VersionState::Failed => return refuse("it was never published"),
        }
        let number = self.catalog.reserve_version(self.env(), name).await?;
        let mut version = Version {
            number,
            state: VersionState::Staged,
            run: None,
            actor: self.actor.clone(),
            // What makes an asset stale is compared with what is rolled back, or the next run would undo it.
            fingerprint: live.fingerprint.clone(),
            inputs: live.inputs.clone(),
            candidate_key: live.candidate_key.clone(),
            checks_fingerprint: old.checks_fingerprint.clone(),
            base: Some(live.number),
            base_delta_version: live.delta_version,
            delta_version: None,
            staged_at: self.effects.clock.now(),
            published_at: None,
            why: Some(why.to_owned()),
            restores: Some(old.restores.unwrap_or(to)),
            ..old
        };
        self.catalog.put_staged(self.env(), &version).await?;
        let by = Publication { actor: self.actor.clone(), why: Some(why.to_owned()), retract: true };
        self.publish(std::slice::from_mut(&mut version), lease, &by, "RESTORE").await?;
        Ok(version)
    }

    /// Lets one check of one asset fail until a date, within a limit.
    ///
    /// # Errors
    /// [`RunError::Invalid`] when the asset has no such check or the date has passed.
    pub async fn suppress(&self, graph: &Graph, request: SuppressRequest) -> Result<Suppression, RunError> {
        let node = graph.node(&request.asset)?;
        let names: Vec<&str> = node.checks.iter().map(|check| check.name.as_str()).chain([REJECTS]).collect();
        if !names.contains(&request.check.as_str()) {
            let diagnostic =
                Diagnostic::error(&UNKNOWN_CHECK, format!("{} has no check `{}`", request.asset, request.check))
                    .expected(format!("one of {}", names.join(", ")));
            return Err(RunError::Invalid(match lockgate_types::diagnostic::did_you_mean(&request.check, names) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")).into(),
                None => diagnostic.into(),
            }));
        }
        let now = self.effects.clock.now();
        if request.until <= now {
            return Err(RunError::Invalid(
                Diagnostic::error(&PAST_DATE, format!("{} has passed", request.until.to_rfc3339()))
                    .hint("a suppression ends in the future")
                    .into(),
            ));
        }
        let suppression = Suppression {
            asset: request.asset,
            check: request.check,
            actor: self.actor.clone(),
            why: request.why,
            made_at: now,
            until: request.until,
            limit: request.limit,
        };
        self.catalog.add_suppression(self.env(), &suppression).await?;
        Ok(suppression)
    }

    /// Judges the live versions of the selected assets by today's checks, and reads all of their files for it. Retracts
    /// nothing.
    ///
    /// # Errors
    /// Catalog, store and engine errors.
    pub async fn check(
        &self,
        graph: &Graph,
        selected: &BTreeSet<AssetName>,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<CheckReport>, RunError> {
        let view = self.catalog.live(self.env()).await?;
        let mut reports = Vec::new();
        for name in graph.order().iter().filter(|name| selected.contains(*name)) {
            let (Some(node), Some(live)) = (graph.nodes().get(name), view.get(name)) else { continue };
            let mut judged = live.clone();
            self.audit_again(node, &view, as_of, &mut judged, None, Trust::Nothing).await?;
            // The next run has rows to take out by checks that changed.
            if asks_for_build(node, live) {
                judged.checks_fingerprint = live.checks_fingerprint.clone();
            }
            match self.catalog.set_audited(self.env(), &judged).await {
                Ok(()) => self.note_in_store(&judged).await,
                // Another run replaced it meanwhile, and judged what it replaced it by.
                Err(CatalogError::State { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            reports.push(CheckReport { asset: name.clone(), version: live.number, outcomes: judged.checks });
        }
        self.judge_lateness(graph, selected, as_of).await?;
        Ok(reports)
    }

    /// Records today's failures of the selected assets in `lockgate.known.yml`: of the held version where there is
    /// one, else of the live one.
    ///
    /// # Errors
    /// [`RunError::Failed`] when the file cannot be written; catalog errors.
    pub async fn baseline(
        &self,
        graph: &Graph,
        selected: &BTreeSet<AssetName>,
        review_on: NaiveDate,
        owner: Option<&str>,
        reason: Option<&str>,
    ) -> Result<BaselineReport, RunError> {
        let live = self.catalog.live(self.env()).await?;
        let held = self.catalog.held(self.env()).await?;
        let held: BTreeMap<AssetName, Version> = held.into_iter().map(|v| (v.asset.clone(), v)).collect();
        let mut all: Vec<KnownFailure> =
            self.project.known.iter().filter(|known| !selected.contains(&known.asset)).cloned().collect();
        let (mut written, mut left_out) = (Vec::new(), Vec::new());
        for name in selected {
            let (Some(node), Some(version)) = (graph.nodes().get(name), held.get(name).or_else(|| live.get(name)))
            else {
                // Nothing was built, so nothing is known to be mended.
                all.extend(self.project.known.iter().filter(|known| known.asset == *name).cloned());
                continue;
            };
            let owner = owner.or(node.file.owner.as_deref());
            let mut entries = lockgate_checks::baseline(&version.checks, name, owner, review_on, &self.project.known);
            for entry in &mut entries {
                if let Some(reason) = reason {
                    reason.clone_into(&mut entry.reason);
                }
            }
            let failing = version.checks.iter().filter(|outcome| lockgate_checks::is_never_known(outcome));
            left_out.extend(failing.map(|outcome| (name.clone(), outcome.name.clone())));
            written.extend(entries);
        }
        all.extend(written.iter().cloned());
        let is_kept = |known: &KnownFailure| all.iter().any(|k| k.asset == known.asset && k.check == known.check);
        let removed = self.project.known.iter().filter(|known| !is_kept(known)).cloned().collect();
        let file = self.project.root.join("lockgate.known.yml");
        let text = lockgate_project::known::render(&all);
        lockgate_project::known::write(&file, &text).map_err(|error| {
            RunError::Failed(
                Diagnostic::error(&CANNOT_WRITE, format!("{} cannot be written: {error}", file.display())).into(),
            )
        })?;
        self.catalog
            .audit(&AuditEntry {
                at: self.effects.clock.now(),
                actor: self.actor.clone(),
                action: "baseline".to_owned(),
                environment: Some(self.env().to_owned()),
                asset: None,
                version: None,
                why: reason.map(str::to_owned),
                detail: json!({ "known": all.len() }),
            })
            .await?;
        Ok(BaselineReport { written, removed, left_out, file })
    }
}

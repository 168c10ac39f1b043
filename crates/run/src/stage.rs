//! Staging one asset: build, reject, audit, and the word of the gate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lockgate_catalog::Lease;
use lockgate_checks::{AuditContext, JudgeContext, KnownParts};
use lockgate_engine::{PinnedTable, Session};
use lockgate_kind::{BuildContext, Built, KindError, Outside, Progress, TimeSpan};
use lockgate_types::{AssetName, CheckOutcome, CheckState, RunId, Suppression, Version, VersionNumber, VersionState};
use tokio_util::sync::CancellationToken;

use crate::parts::Trust;
use crate::plan::candidate_key;
use crate::rejects::REJECTS;
use crate::{Graph, Node, RunError, Workspace};

/// What a stage works with.
pub(crate) struct StageContext<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) run: &'a RunId,
    pub(crate) as_of: DateTime<Utc>,
    /// The versions that this asset reads, by name: pinned at the run's start, or published or staged by it.
    pub(crate) view: &'a BTreeMap<AssetName, Version>,
    pub(crate) outside: Option<&'a Outside>,
    /// Whether the plan has a reason besides newer inputs, which are looked at again here.
    pub(crate) force: bool,
    /// The checks changed so that other rows are taken out: what is live is not what would be built, though nothing
    /// else changed.
    /// What was live when the run was planned.
    pub(crate) planned_on: Option<VersionNumber>,
    pub(crate) full_refresh: bool,
    pub(crate) confirmed: bool,
    pub(crate) range: Option<TimeSpan>,
    pub(crate) lease: &'a Lease,
    pub(crate) progress: Progress,
    pub(crate) cancel: &'a CancellationToken,
}

/// How staging came out.
#[derive(Debug)]
pub(crate) enum Staged {
    /// What would be built is what is live.
    Unchanged(Option<Box<Version>>),
    /// An earlier attempt of this run got as far as to publish it.
    Published(Box<Version>),
    /// The gate opens for it.
    Candidate(Box<Version>),
    /// The gate does not. It is not recorded as held yet.
    Stopped(Box<Version>),
    /// The same candidate was held by an earlier run, and still is.
    StillHeld(Box<Version>),
}

impl Workspace {
    /// Builds and audits an asset's candidate under its lease. Nothing is visible to readers yet.
    #[tracing::instrument(skip_all, fields(asset = %node.file.name))]
    pub(crate) async fn stage(&self, node: &Node, cx: &StageContext<'_>) -> Result<Staged, RunError> {
        let name = &node.file.name;
        self.clear_leftovers(node, cx.lease).await?;
        let live = self.catalog.live_one(self.env(), name).await?;
        if let Some(live) = live.as_ref().filter(|live| live.run.as_ref() == Some(cx.run)) {
            return Ok(Staged::Published(Box::new(live.clone())));
        }
        let inputs = self.input_versions(node, cx)?;
        let key = candidate_key(&node.fingerprint, &inputs, cx.outside.and_then(Outside::key));
        let checks_ask = live.as_ref().is_some_and(|live| asks_for_build(node, live));
        if let Some(live) = &live
            && !cx.force
            && !checks_ask
        {
            let same_outside = !matches!(cx.outside, Some(Outside::Changed { .. }));
            let same = live.fingerprint == node.fingerprint && live.inputs == inputs && same_outside;
            if same || live.candidate_key == key {
                return Ok(Staged::Unchanged(Some(Box::new(live.clone()))));
            }
        }
        if let Some(live) = &live
            && cx.planned_on != Some(live.number)
        {
            return overtaken(node, live, &inputs);
        }
        if !cx.force
            && let Some(held) = self.held_candidate(name, &key, live.as_ref()).await?
            && !takes_rows_out_anew(node, &held)
        {
            return self.judge_again(node, cx, held, live.as_ref()).await;
        }
        if !cx.force && self.was_dismissed(node, &key, checks_ask).await? {
            return Ok(Staged::Unchanged(live.map(Box::new)));
        }

        let number = self.catalog.reserve_version(self.env(), name).await?;
        let started = self.effects.clock.monotonic();
        let built = self.build(node, cx, number, live.clone()).await?;
        let build_ms = millis(self.effects.clock.monotonic().saturating_sub(started));
        let key = candidate_key(&node.fingerprint, &inputs, built.outside_key.as_deref());
        let mut version = Version {
            asset: name.clone(),
            number,
            state: VersionState::Staged,
            run: Some(cx.run.clone()),
            actor: self.actor.clone(),
            fingerprint: node.fingerprint.clone(),
            checks_fingerprint: node.checks_fingerprint.clone(),
            inputs,
            schema: built.schema.clone(),
            partition_by: node.file.partition_by.clone(),
            files: built.files.clone(),
            rows: built.rows,
            size_bytes: built.size_bytes,
            rejects: built.rejects.clone(),
            source_state: built.source_state.clone(),
            profile: None,
            checks: Vec::new(),
            base_delta_version: live.as_ref().and_then(|live| live.delta_version),
            base: live.as_ref().map(|live| live.number),
            delta_version: None,
            staged_at: self.effects.clock.now(),
            published_at: None,
            as_of: cx.as_of,
            why: None,
            restores: None,
            build_ms,
            audit_ms: 0,
            candidate_key: key,
        };
        self.catalog.put_staged(self.env(), &version).await?;
        let started = self.effects.clock.monotonic();
        let did_not_fit = self.rejects_outcome(node, &built).await?;
        self.reject_rows(node, cx, &mut version, live.as_ref()).await?;
        let mut outcomes = self.audit(node, cx.view, cx.as_of, &mut version, live.as_ref(), Trust::Parts).await?;
        outcomes.extend(did_not_fit);
        version.checks = with_before(outcomes, live.as_ref());
        version.audit_ms = millis(self.effects.clock.monotonic().saturating_sub(started));
        self.lake.table(name).record(&version).await?;
        self.catalog.set_audited(self.env(), &version).await?;
        Ok(verdict(version))
    }

    /// Versions that a dead process left as staged or publishing; whoever has the lease may clear them.
    async fn clear_leftovers(&self, node: &Node, lease: &Lease) -> Result<(), RunError> {
        let name = &node.file.name;
        for mut publication in self.catalog.unfinished(self.env()).await? {
            if publication.members.iter().any(|version| version.asset == *name) {
                self.settle(&mut publication.members, Some(lease)).await?;
            }
        }
        let staged: Vec<Version> =
            self.catalog.staged(self.env()).await?.into_iter().filter(|version| version.asset == *name).collect();
        // A worker that stood still here would take what its successor staged for a leftover. The beat comes after the
        // look: when the lease is ours still, everything that was seen came from somebody before us.
        if !staged.is_empty() && !self.catalog.beat(lease).await? {
            return Err(RunError::Fenced { asset: name.clone() });
        }
        for version in staged {
            self.abandon(&version, "its run ended before its gate").await?;
        }
        Ok(())
    }

    /// Gives a staged version up and removes its files.
    pub(crate) async fn abandon(&self, version: &Version, why: &str) -> Result<(), RunError> {
        let (asset, number) = (&version.asset, version.number);
        self.catalog.abandon(self.env(), asset, number, VersionState::Failed, Some(why), &self.actor).await?;
        self.lake.table(asset).discard(number).await?;
        self.lake.table(&asset.rejects()).discard(number).await?;
        Ok(())
    }

    /// The exact versions of its stored inputs.
    fn input_versions(
        &self,
        node: &Node,
        cx: &StageContext<'_>,
    ) -> Result<BTreeMap<AssetName, VersionNumber>, RunError> {
        let mut inputs = BTreeMap::new();
        for input in cx.graph.stored_inputs(node) {
            let Some(version) = cx.view.get(&input) else { return Err(RunError::NothingPublished { asset: input }) };
            inputs.insert(input, version.number);
        }
        Ok(inputs)
    }

    /// The held version that is this very candidate, if its base is still live.
    async fn held_candidate(
        &self,
        name: &AssetName,
        key: &str,
        live: Option<&Version>,
    ) -> Result<Option<Version>, RunError> {
        let held = self.catalog.held(self.env()).await?;
        let same = |held: &Version| {
            held.asset == *name && held.candidate_key == key && held.base == live.map(|live| live.number)
        };
        Ok(held.into_iter().find(same))
    }

    /// Whether a person dismissed this very candidate, and nothing was staged since.
    async fn was_dismissed(&self, node: &Node, key: &str, checks_ask: bool) -> Result<bool, RunError> {
        let name = &node.file.name;
        let newest =
            self.catalog.versions(self.env(), name).await?.into_iter().find(|v| v.state != VersionState::Failed);
        let Some(newest) = newest.filter(|newest| newest.state == VersionState::Dismissed) else { return Ok(false) };
        let dismissed = self.catalog.version(self.env(), name, newest.number).await?;
        Ok(dismissed.is_some_and(|dismissed| {
            let same_checks = !checks_ask || dismissed.checks_fingerprint == node.checks_fingerprint;
            dismissed.candidate_key == key && same_checks
        }))
    }

    /// A held candidate is not rebuilt; but known failures, suppressions and checks may have changed since.
    async fn judge_again(
        &self,
        node: &Node,
        cx: &StageContext<'_>,
        mut held: Version,
        live: Option<&Version>,
    ) -> Result<Staged, RunError> {
        let before: Vec<CheckState> = held.checks.iter().map(|outcome| outcome.state).collect();
        if held.checks_fingerprint == node.checks_fingerprint {
            let suppressions = self.catalog.suppressions(self.env()).await?;
            let judge = self.judge_context(node, &suppressions);
            for outcome in &mut held.checks {
                judge_again(node, outcome, judge);
            }
        }
        // What was counted then answers whether it is still held. Before the gate opens, and when what holds it is about
        // other assets or the hour, or could not be evaluated, everything is counted anew: those have moved on.
        let still_held = held.checks.iter().any(|outcome| outcome.state.holds());
        let may_have_mended = held.checks.iter().filter(|outcome| outcome.state.holds()).any(|outcome| {
            let check = node.checks.iter().find(|check| check.name == outcome.name);
            outcome.state == CheckState::Errored
                || check.is_some_and(|check| check.is_fresh() || !check.reads().is_empty())
        });
        if held.checks_fingerprint != node.checks_fingerprint || !still_held || may_have_mended {
            self.audit_again(node, cx.view, cx.as_of, &mut held, live, Trust::Parts).await?;
        }
        if held.checks.iter().any(|outcome| outcome.state.holds()) {
            let same = held.checks.iter().map(|outcome| outcome.state).eq(before);
            if !same {
                self.catalog.set_audited(self.env(), &held).await?;
                self.note_in_store(&held).await;
            }
            return Ok(Staged::StillHeld(Box::new(held)));
        }
        self.catalog.set_audited(self.env(), &held).await?;
        Ok(Staged::Candidate(Box::new(held)))
    }

    /// Runs the kind's build.
    async fn build(
        &self,
        node: &Node,
        cx: &StageContext<'_>,
        number: VersionNumber,
        live: Option<Version>,
    ) -> Result<Built, RunError> {
        let name = &node.file.name;
        let context = BuildContext {
            session: self.reading_session(cx.graph, node, cx.view, cx.as_of)?,
            table: self.lake.table(name),
            rejects: self.lake.table(&name.rejects()),
            number,
            file: Arc::clone(&node.file),
            schema: node.schema.clone(),
            anew: self.goes_on(node, cx, live.as_ref()).await?,
            inputs: self.input_changes(node, cx, live.as_ref()).await?,
            live,
            confirmed: cx.confirmed,
            range: cx.range,
            as_of: cx.as_of,
            threads: self.engine.threads(),
            progress: cx.progress.clone(),
            cancel: cx.cancel.clone(),
            effects: self.effects.clone(),
        };
        let error = match node.asset.build(context).await {
            Ok(built) => return Ok(built),
            Err(KindError::Interrupted) => RunError::Interrupted,
            Err(error) => error.into(),
        };
        // What is wrong is why the build failed; that its leftovers stay is not, and the next run removes them.
        for table in [self.lake.table(name), self.lake.table(&name.rejects())] {
            if let Err(error) = table.discard(number).await {
                tracing::warn!(asset = %name, %number, %error, "leftovers of a failed build stay");
            }
        }
        Err(error)
    }

    /// A session in which the node's stored inputs stand in the versions of `view`, and its inline inputs as views.
    pub(crate) fn reading_session(
        &self,
        graph: &Graph,
        node: &Node,
        view: &BTreeMap<AssetName, Version>,
        as_of: DateTime<Utc>,
    ) -> Result<Session, RunError> {
        let session = self.session(as_of)?;
        for input in graph.stored_dependencies(node) {
            if let Some(version) = view.get(&input) {
                session.register(PinnedTable::of(version, &self.lake.table(&input)))?;
            } else if let Some(unbuilt) = graph.nodes().get(&input) {
                // Only a check can read what has never been published; to it, it is an empty table.
                session.register(PinnedTable::empty(input.clone(), unbuilt.schema.clone()))?;
            }
        }
        for input in graph.inline_inputs(node) {
            if let Some(sql) = graph.nodes().get(&input).and_then(|inline| inline.asset.inline()) {
                session.register_inline(&input, sql).map_err(RunError::Invalid)?;
            }
        }
        Ok(session)
    }

    /// Runs the checks over a version's files, and stores the profile in it.
    #[tracing::instrument(skip_all, fields(asset = %node.file.name))]
    pub(crate) async fn audit(
        &self,
        node: &Node,
        view: &BTreeMap<AssetName, Version>,
        as_of: DateTime<Utc>,
        version: &mut Version,
        live: Option<&Version>,
        trust: Trust,
    ) -> Result<Vec<CheckOutcome>, RunError> {
        let name = &node.file.name;
        let table = self.lake.table(name);
        let session = self.session(as_of)?;
        for input in node.checks.iter().flat_map(lockgate_checks::Check::reads).filter(|input| input != name) {
            if let Some(version) = view.get(&input) {
                session.register(PinnedTable::of(version, &self.lake.table(&input)))?;
            } else {
                return Err(RunError::NothingPublished { asset: input });
            }
        }
        let candidate = PinnedTable::of(version, &table);
        session.register(candidate.clone())?;
        let rejects = PinnedTable::rejects_of(version, &self.lake.table(&name.rejects()));
        if let Some(rejects) = &rejects {
            session.register(rejects.clone())?;
        }
        let rejects = rejects.filter(|rejects| rejects.schema.column("_check").is_some());
        if let Some(live) = live {
            session.register_as(
                "live",
                &format!("{}__{}", name.schema(), name.table()),
                PinnedTable::of(live, &table),
            )?;
        }
        let suppressions = self.catalog.suppressions(self.env()).await?;
        let known = self.known_parts(&session, node, version, trust).await;
        let report = lockgate_checks::audit(
            &node.checks,
            AuditContext {
                session: &session,
                asset: name,
                candidate: &candidate,
                rejects: rejects.as_ref(),
                live,
                as_of,
                now: self.effects.clock.now(),
                known: &self.project.known,
                suppressions: &suppressions,
                gate: node.file.gate,
                parts: known
                    .as_ref()
                    .map(|known| KnownParts { known: &known.parts, checks_fingerprint: &node.checks_fingerprint }),
            },
        )
        .await?;
        if let Some(known) = known {
            self.keep_parts(version, &known, report.parts).await;
        }
        version.profile = Some(report.profile);
        Ok(report.outcomes)
    }

    /// Judges a version that was audited before by the checks of today. `live` is what it is compared with; a version
    /// that is live itself is compared with nothing.
    pub(crate) async fn audit_again(
        &self,
        node: &Node,
        view: &BTreeMap<AssetName, Version>,
        as_of: DateTime<Utc>,
        version: &mut Version,
        live: Option<&Version>,
        trust: Trust,
    ) -> Result<(), RunError> {
        let earlier = version.clone();
        let mut outcomes = self.audit(node, view, as_of, version, live, trust).await?;
        // Rows that did not fit were counted while it was built, and cannot be counted again.
        let suppressions = self.catalog.suppressions(self.env()).await?;
        for outcome in earlier.checks.iter().filter(|outcome| outcome.kind == REJECTS) {
            let mut outcome = outcome.clone();
            judge_again(node, &mut outcome, self.judge_context(node, &suppressions));
            outcomes.push(outcome);
        }
        let before = if earlier.state == VersionState::Published { Some(&earlier) } else { live };
        version.checks = with_before(outcomes, before);
        version.checks_fingerprint = node.checks_fingerprint.clone();
        Ok(())
    }

    pub(crate) fn judge_context<'a>(&'a self, node: &'a Node, suppressions: &'a [Suppression]) -> JudgeContext<'a> {
        JudgeContext {
            asset: &node.file.name,
            now: self.effects.clock.now(),
            known: &self.project.known,
            suppressions,
            gate: node.file.gate,
        }
    }
}

/// Whether checks that take rows out changed since the version was judged: rows are taken out while a version is built, so
/// its files are not those that the checks of today would leave.
fn takes_rows_out_anew(node: &Node, version: &Version) -> bool {
    let took_out = version.rejects.as_ref().is_some_and(|rejects| rejects.schema.column("_check").is_some());
    let takes_out = || lockgate_checks::reject_split(&node.checks, &version.asset, &version.schema).is_some();
    version.checks_fingerprint != node.checks_fingerprint && (took_out || takes_out())
}

/// Whether the live version is to be built anew for its checks alone. What a person went back to is not.
pub(crate) fn asks_for_build(node: &Node, live: &Version) -> bool {
    live.restores.is_none() && takes_rows_out_anew(node, live)
}

/// Another version went live since the run was planned. It stands when it was built by the same code from inputs that
/// are no older than this run's; else what would be built here might put older data over newer.
fn overtaken(node: &Node, live: &Version, inputs: &BTreeMap<AssetName, VersionNumber>) -> Result<Staged, RunError> {
    let as_new =
        |(name, number): (&AssetName, &VersionNumber)| live.inputs.get(name).is_some_and(|theirs| theirs >= number);
    if live.fingerprint == node.fingerprint && inputs.iter().all(as_new) {
        return Ok(Staged::Unchanged(Some(Box::new(live.clone()))));
    }
    Err(RunError::Overtaken { asset: live.asset.clone(), number: live.number })
}

/// Judges an outcome anew; of rows that did not fit also by the limit of today.
fn judge_again(node: &Node, outcome: &mut CheckOutcome, judge: JudgeContext<'_>) {
    if let Some(limit) = node.asset.reject_limit().filter(|_| outcome.kind == REJECTS) {
        outcome.error = limit;
        outcome.message = lockgate_checks::rejects_sentence(outcome.failing, outcome.total, limit);
    }
    lockgate_checks::judge_again(outcome, judge);
}

fn verdict(version: Version) -> Staged {
    if version.checks.iter().any(|outcome| outcome.state.holds()) {
        Staged::Stopped(Box::new(version))
    } else {
        Staged::Candidate(Box::new(version))
    }
}

/// What the live version's outcome of the same check was.
fn with_before(mut outcomes: Vec<CheckOutcome>, live: Option<&Version>) -> Vec<CheckOutcome> {
    for outcome in &mut outcomes {
        let before = live.and_then(|live| live.checks.iter().find(|before| before.name == outcome.name));
        outcome.before = before.map(|before| (before.failing, before.total));
    }
    outcomes
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! Rows that leave a version: those that a check with `action: reject` takes out, and those that did not fit.

use std::sync::Arc;

use lockgate_engine::PinnedTable;
use lockgate_kind::{Built, Progress, stage_streams};
use lockgate_lake::Layout;
use lockgate_types::{
    CheckOutcome, CheckState, DataFile, RejectedRows, Schema, Severity, Threshold, Version, VersionNumber,
    check::share_of,
};

use crate::stage::StageContext;
use crate::{Node, RunError, Workspace};

/// The name and kind of the check that counts the rows that did not fit.
pub(crate) const REJECTS: &str = "rejects";

/// The name under which the rows that came are divided; no asset can have it.
const PART: (&str, &str) = ("lockgate__build", "came");

/// The index of the first writer of rows that were rejected before, after those of what a check took out.
const OTHERS: usize = 1_000;

impl Workspace {
    /// `action: reject`: rows that fail such a check leave for the rejects table, and the rest is staged anew. Files that
    /// the version has from the live one were divided when they came, unless the checks changed since; what a person went
    /// back to may have been divided by others.
    pub(crate) async fn reject_rows(
        &self,
        node: &Node,
        cx: &StageContext<'_>,
        version: &mut Version,
        live: Option<&Version>,
    ) -> Result<(), RunError> {
        let name = &node.file.name;
        let own = format!("_lockgate/v{}/", version.number);
        let same_checks =
            live.is_some_and(|live| live.restores.is_none() && live.checks_fingerprint == node.checks_fingerprint);
        let (came, kept): (Vec<DataFile>, Vec<DataFile>) =
            version.files.iter().cloned().partition(|file| !same_checks || file.path.starts_with(&own));
        let split = lockgate_checks::reject_split_of(&node.checks, name, &version.schema, PART);
        let Some(split) = split.filter(|_| !came.is_empty()) else { return Ok(()) };
        let session = self.reading_session(cx.graph, node, cx.view, cx.as_of)?;
        let table = self.lake.table(name);
        let whole = PinnedTable::of(version, &table);
        session.register_as(PART.0, PART.1, PinnedTable { files: Arc::new(came), ..whole.clone() })?;
        session.register(whole)?;
        let streams = session.partitions(&split.rejected_sql).await?;
        let Some(schema) = streams.first().and_then(|stream| Schema::from_arrow(&stream.schema()).ok()) else {
            return Ok(());
        };
        // A number of its own: the files of the first attempt at it are not part of the version.
        let number = self.catalog.reserve_version(self.env(), name).await?;
        let rejects_table = self.lake.table(&name.rejects());
        let rejects_set = rejects_table.stage_set(number, &schema, Layout::default());
        let none = Progress::default();
        let rejected = stage_streams(streams, &rejects_set, 0, &none, cx.cancel).await?;
        if rejected.rows == 0 {
            return Ok(());
        }
        let layout = Layout { partition_by: version.partition_by.clone(), ..Layout::default() };
        let set = table.stage_set(number, &version.schema, layout);
        let stays = stage_streams(session.partitions(&split.kept_sql).await?, &set, 0, &none, cx.cancel).await?;
        let mut rejects = RejectedRows { rows: rejected.rows, files: rejected.files, schema };
        if let Some(earlier) = self.rejected_before(cx, version, number, rejected_files(&own, version)).await? {
            rejects = earlier.and(rejects);
        }
        let first = version.clone();
        version.number = number;
        version.files = kept.into_iter().chain(stays.files).collect();
        version.rows = version.files.iter().map(|file| file.rows).sum();
        version.size_bytes = version.files.iter().map(|file| file.size_bytes).sum();
        version.rejects = Some(rejects);
        self.catalog.put_staged(self.env(), version).await?;
        self.abandon(&first, "rows that failed a check with `action: reject` were taken out").await
    }

    /// What the version has rejected so far: the rows of its own folder, which goes, are staged anew beside it.
    async fn rejected_before(
        &self,
        cx: &StageContext<'_>,
        version: &Version,
        number: VersionNumber,
        own: Vec<DataFile>,
    ) -> Result<Option<RejectedRows>, RunError> {
        let Some(earlier) = version.rejects.clone() else { return Ok(None) };
        if own.is_empty() {
            return Ok(Some(earlier));
        }
        let name = version.asset.rejects();
        let table = self.lake.table(&name);
        let session = self.session(cx.as_of)?;
        if let Some(pinned) = PinnedTable::rejects_of(version, &table) {
            session.register(PinnedTable { files: Arc::new(own.clone()), ..pinned })?;
        }
        let set = table.stage_set(number, &earlier.schema, Layout::default());
        let streams = session.partitions(&format!("select * from {name}")).await?;
        let moved = stage_streams(streams, &set, OTHERS, &Progress::default(), cx.cancel).await?;
        let kept = earlier.files.iter().filter(|file| own.iter().all(|own| own.path != file.path)).cloned();
        Ok(Some(RejectedRows { files: kept.chain(moved.files).collect(), ..earlier }))
    }

    /// Rows that did not fit count as a check named `rejects`.
    pub(crate) async fn rejects_outcome(&self, node: &Node, built: &Built) -> Result<Option<CheckOutcome>, RunError> {
        let Some(limit) = node.asset.reject_limit() else { return Ok(None) };
        let failing = built.rows_rejected;
        let total = built.rows_read;
        let suppressions = self.catalog.suppressions(self.env()).await?;
        let mut outcome = CheckOutcome {
            name: REJECTS.to_owned(),
            kind: REJECTS.to_owned(),
            section: None,
            severity: Severity::Error,
            state: CheckState::Passed,
            failing,
            total,
            share: share_of(failing, total),
            error: limit,
            warn: Some(Threshold::Rows(0)),
            message: lockgate_checks::rejects_sentence(failing, total, limit),
            before: None,
            samples: lockgate_types::Samples::default(),
            excuse: None,
            rejected: true,
            statement: None,
        };
        if let Some(rejects) = built.rejects.as_ref().filter(|_| failing > 0) {
            let table = self.lake.table(&node.file.name.rejects());
            // Those of this build stand last.
            let newest: Vec<_> = rejects.files.iter().rev().cloned().collect();
            let rows = table.read(&newest, &rejects.schema, &[], Some(100)).await?;
            outcome.samples = crate::inspect::samples(&rows);
        }
        lockgate_checks::judge_again(&mut outcome, self.judge_context(node, &suppressions));
        Ok(Some(outcome))
    }
}

/// The rejected rows of a version that stand in its own folder.
fn rejected_files(own: &str, version: &Version) -> Vec<DataFile> {
    let files = version.rejects.iter().flat_map(|rejects| &rejects.files);
    files.filter(|file| file.path.starts_with(own)).cloned().collect()
}

//! The publish protocol.
//!
//! 1. Write the exact Delta commit beside the staged files.
//! 2. One catalog transaction checks the lease's epoch and records `publishing` with the base Delta version.
//! 3. Put those bytes, if absent, as base + 1; never rebase.
//! 4. One catalog transaction records `published`.
//!
//! Whoever finds a `publishing` row finishes steps 3 and 4: the bytes are the same, so helping is harmless. When
//! something else stands at base + 1 (a foreign writer), the holder of the lease prepares new bytes on the new
//! head, which remove the foreign files: Lockgate's readers never saw them, so what the audit judged stands.

use std::collections::BTreeSet;

use lockgate_catalog::{Lease, Publication, PublishIntent};
use lockgate_lake::{CommitBytes, CommitPlan, PutOutcome};
use lockgate_types::{AssetName, DataFile, FaultPoint, Version, VersionNumber, VersionState};

use crate::{RunError, Workspace};

/// The durable steps of this crate at which tests make it fail.
pub const FAULT_POINTS: &[FaultPoint] = &[
    PREPARED,
    INTENDED,
    PUT,
    RECORDED,
    crate::gc::EXPIRED,
    crate::gc::REMOVED,
    crate::rebuild::WRITTEN,
    crate::rebuild::PLACED,
];

const PREPARED: FaultPoint = FaultPoint {
    name: "run.commit_prepared",
    means: "the commit's bytes are on disk, the catalog knows nothing of them",
};
const INTENDED: FaultPoint =
    FaultPoint { name: "run.publishing_recorded", means: "the catalog says publishing, the log has no commit" };
const PUT: FaultPoint =
    FaultPoint { name: "run.commit_put", means: "the log has the commit, the catalog says publishing" };
const RECORDED: FaultPoint = FaultPoint { name: "run.published_recorded", means: "the catalog says published" };

/// How often a foreign writer may get in between before publication gives up.
const FOREIGN_COMMITS_MAX: usize = 8;

impl Workspace {
    /// Publishes versions together: one switch in the catalog, one commit per table.
    #[tracing::instrument(skip_all)]
    pub(crate) async fn publish(
        &self,
        members: &mut [Version],
        lease: &Lease,
        by: &Publication,
        operation: &str,
    ) -> Result<(), RunError> {
        let mut commits = Vec::new();
        let mut intents = Vec::new();
        for version in members.iter_mut() {
            version.base_delta_version = self.lake.table(&version.asset).head().await?;
            let commit = self.prepare(version, operation).await?;
            intents.push(PublishIntent {
                asset: version.asset.clone(),
                number: version.number,
                base: version.base,
                base_delta_version: version.base_delta_version,
            });
            commits.push(commit);
        }
        self.effects.faults.pass(&PREPARED)?;
        self.catalog.begin_publishing(self.env(), &intents, lease, by).await?;
        for version in members.iter_mut() {
            version.state = VersionState::Publishing;
        }
        self.effects.faults.pass(&INTENDED)?;
        self.put_and_record(members, commits, Some(lease), operation).await?;
        for version in members.iter_mut() {
            version.why.clone_from(&by.why);
        }
        Ok(())
    }

    /// Steps 3 and 4.
    async fn put_and_record(
        &self,
        members: &mut [Version],
        commits: Vec<CommitBytes>,
        lease: Option<&Lease>,
        operation: &str,
    ) -> Result<(), RunError> {
        let mut published = Vec::new();
        for (version, mut commit) in members.iter_mut().zip(commits) {
            let table = self.lake.table(&version.asset);
            let mut foreign_commits = 0;
            loop {
                match table.put_commit(&commit).await? {
                    PutOutcome::Put | PutOutcome::AlreadyThere => break,
                    PutOutcome::BaseMoved { head } => {
                        let Some(lease) = lease.filter(|_| foreign_commits < FOREIGN_COMMITS_MAX) else {
                            return Err(RunError::CannotPublish {
                                asset: version.asset.clone(),
                                number: version.number,
                                reason: format!("another writer committed Delta version {head}"),
                            });
                        };
                        foreign_commits += 1;
                        version.base_delta_version = Some(head);
                        commit = self.prepare(version, operation).await?;
                        self.catalog.set_base(self.env(), &version.asset, version.number, Some(head), lease).await?;
                    }
                }
            }
            version.delta_version = Some(commit.delta_version());
            published.push((version.asset.clone(), version.number, commit.delta_version()));
        }
        self.effects.faults.pass(&PUT)?;
        self.catalog.finish_publishing(self.env(), &published, &self.actor).await?;
        self.effects.faults.pass(&RECORDED)?;
        let now = self.effects.clock.now();
        for version in members.iter_mut() {
            version.state = VersionState::Published;
            version.published_at = Some(now);
        }
        for (asset, _, delta_version) in &published {
            self.lake.table(asset).checkpoint(*delta_version).await?;
        }
        Ok(())
    }

    /// Step 1, on the base that the version carries.
    async fn prepare(&self, version: &Version, operation: &str) -> Result<CommitBytes, RunError> {
        let table = self.lake.table(&version.asset);
        let live = match version.base {
            Some(number) => self.catalog.version(self.env(), &version.asset, number).await?,
            None => None,
        };
        let ours = live.as_ref().is_some_and(|live| live.delta_version == version.base_delta_version);
        let standing: Vec<DataFile> = match (&live, version.base_delta_version) {
            (Some(live), Some(_)) if ours => live.files.clone(),
            (_, Some(base)) => table.files_at(base).await?,
            (_, None) => Vec::new(),
        };
        let kept: BTreeSet<&str> = version.files.iter().map(|file| file.path.as_str()).collect();
        let remove = standing.into_iter().filter(|file| !kept.contains(file.path.as_str())).collect();
        let same_metadata =
            ours && live.is_some_and(|live| live.schema == version.schema && live.partition_by == version.partition_by);
        let plan = CommitPlan {
            version,
            base: version.base_delta_version,
            remove,
            metadata_changed: !same_metadata,
            operation,
            at: self.effects.clock.now(),
        };
        Ok(table.prepare_commit(plan).await?)
    }

    /// Finishes what a crash left as `publishing`, each publication as a whole. What cannot be finished now (a foreign
    /// writer got in the way, the disk is full, the store may only be read) is left to the next holder of the lease: readers
    /// go on with what was live before.
    pub(crate) async fn finish_publications(&self) -> Result<Vec<(AssetName, VersionNumber)>, RunError> {
        let mut finished = Vec::new();
        for mut publication in self.catalog.unfinished(self.env()).await? {
            match self.settle(&mut publication.members, None).await {
                Ok(()) => finished.extend(publication.members.into_iter().map(|v| (v.asset, v.number))),
                Err(RunError::CannotPublish { .. }) => {}
                Err(error) => {
                    let assets: Vec<String> = publication.members.iter().map(|v| v.asset.to_string()).collect();
                    tracing::info!(assets = assets.join(", "), %error, "a publication half done stays so for now");
                }
            }
        }
        Ok(finished)
    }

    /// Steps 3 and 4 of versions that are `publishing`.
    pub(crate) async fn settle(&self, members: &mut [Version], lease: Option<&Lease>) -> Result<(), RunError> {
        let mut commits = Vec::new();
        for version in members.iter() {
            let table = self.lake.table(&version.asset);
            let commit = match table.load_commit(version.number, version.base_delta_version).await? {
                Some(commit) => commit,
                // Its bytes were written and synced before the row, so only somebody's hand can have removed them.
                None => self.prepare(version, "WRITE").await?,
            };
            commits.push(commit);
        }
        self.put_and_record(members, commits, lease, "WRITE").await
    }
}

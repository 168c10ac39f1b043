//! Publication: the exact bytes of a commit, and putting them into the log.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use lockgate_types::{DataFile, Version, VersionNumber};

use crate::codes::{AFTER_PUT, BEFORE_PUT, COMMIT_PREPARED};
use crate::delta::actions::{Commit, TableFacts, file_actions};
use crate::delta::log::transaction;
use crate::delta::protocol::Protocol;
use crate::{LakeError, Table};

/// What a commit is made of.
#[derive(Clone, Debug)]
pub struct CommitPlan<'a> {
    pub version: &'a Version,
    /// The Delta version it follows; `None` when the table has none.
    pub base: Option<u64>,
    /// Files of the base that the version no longer has. Used when the base is ours; a base that somebody else committed
    /// is read from the log.
    pub remove: Vec<DataFile>,
    /// Whether schema or partition columns differ from the base's.
    pub metadata_changed: bool,
    /// `WRITE`, `ROLLBACK`, … for `commitInfo`.
    pub operation: &'a str,
    pub at: DateTime<Utc>,
}

/// The bytes of a commit as they stand beside the staged files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitBytes {
    pub number: VersionNumber,
    pub base: Option<u64>,
    pub bytes: Bytes,
}

impl CommitBytes {
    /// The Delta version that these bytes make: base + 1, or 0.
    pub fn delta_version(&self) -> u64 {
        self.base.map_or(0, |base| base + 1)
    }
}

/// How [`Table::put_commit`] came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    Put,
    /// The same bytes stood there: an earlier attempt, or somebody who helped.
    AlreadyThere,
    /// Something else stands at base + 1. `head` is the newest Delta version.
    BaseMoved {
        head: u64,
    },
}

impl Table {
    /// Builds the exact bytes of a commit and writes them, with `version.json`, beside the staged files.
    ///
    /// The bytes of a version on one base are written once: preparing again answers what stands there, so that everybody
    /// puts the same. The cost is linear in the version's files; a base that somebody else committed, changed metadata
    /// and a rollback also read the log's state.
    ///
    /// # Errors
    /// [`LakeError::Unsupported`] when the base needs what this build has not, [`LakeError::CommitDiffers`] when other files
    /// were prepared before.
    pub async fn prepare_commit(&self, plan: CommitPlan<'_>) -> Result<CommitBytes, LakeError> {
        let version = plan.version;
        self.record(version).await?;
        let base = plan.base;
        let bytes = self.commit(plan).await?.bytes();
        let path = self.commit_path(version.number, base);
        let bytes = if self.store.create(&path, bytes.clone()).await? {
            bytes
        } else {
            let standing = self.store.get(&path).await?;
            let file = self.store.file(&path);
            let standing = standing.ok_or_else(|| LakeError::Missing { path: file.clone() })?;
            let damaged = |reason: String| LakeError::Damaged { path: file.clone(), reason };
            if file_actions(&standing).map_err(damaged)? != file_actions(&bytes).map_err(damaged)? {
                return Err(LakeError::CommitDiffers {
                    asset: self.asset().clone(),
                    number: version.number,
                    path: file,
                });
            }
            standing
        };
        self.faults.pass(&COMMIT_PREPARED)?;
        Ok(CommitBytes { number: version.number, base, bytes })
    }

    async fn commit<'a>(&self, plan: CommitPlan<'a>) -> Result<Commit<'a>, LakeError> {
        let version = plan.version;
        let at_ms = plan.at.timestamp_millis();
        let commit = |table, remove, add| Commit { version, operation: plan.operation, at_ms, table, remove, add };
        let Some(base) = plan.base else {
            return Ok(commit(Some(TableFacts::first(version, at_ms)), Vec::new(), version.files.clone()));
        };
        let ours = self.published_by(base).await?.is_some();
        if ours && !plan.metadata_changed && version.restores.is_none() {
            let staged = format!("_lockgate/v{}/", version.number);
            let add = version.files.iter().filter(|file| file.path.starts_with(&staged)).cloned().collect();
            return Ok(commit(None, plan.remove, add));
        }
        // What is live is known for certain from the log alone.
        let state = self.kernel().state(base).await?;
        let lacks = |files: &[DataFile], file: &DataFile| !files.iter().any(|other| other.path == file.path);
        let remove = state.files.iter().filter(|file| lacks(&version.files, file)).cloned().collect();
        let add = version.files.iter().filter(|file| lacks(&state.files, file)).cloned().collect();
        let wanted = state.protocol.union(&Protocol::for_schema(&version.schema));
        let mut facts = TableFacts {
            protocol: (wanted != state.protocol).then_some(wanted),
            id: state.id,
            created_ms: state.created_ms.unwrap_or(at_ms),
            configuration: state.configuration,
        };
        facts.configuration.insert("delta.enableExpiredLogCleanup".to_owned(), "false".to_owned());
        let table = (plan.metadata_changed || !ours).then_some(facts);
        Ok(commit(table, remove, add))
    }

    /// The bytes that were prepared for a version on a base.
    pub async fn load_commit(
        &self,
        number: VersionNumber,
        base: Option<u64>,
    ) -> Result<Option<CommitBytes>, LakeError> {
        let bytes = self.store.get(&self.commit_path(number, base)).await?;
        Ok(bytes.map(|bytes| CommitBytes { number, base, bytes }))
    }

    /// Puts the bytes as base + 1 if nothing stands there, and never anywhere else. Every error is settled by reading what
    /// stands there; an error that comes back means that nothing did, and repeating is harmless.
    ///
    /// # Errors
    /// [`LakeError::LogLost`] when the log ends before the base.
    pub async fn put_commit(&self, commit: &CommitBytes) -> Result<PutOutcome, LakeError> {
        let head = self.head().await?;
        if head != commit.base {
            return match self.settle(commit).await? {
                Some(outcome) => Ok(outcome),
                None => Err(LakeError::LogLost {
                    asset: self.asset().clone(),
                    base: commit.base.unwrap_or(0),
                    head,
                    path: self.store.file(self.log.folder()),
                }),
            };
        }
        let put = self.put(commit).await;
        if let Ok(true) = put {
            return Ok(PutOutcome::Put);
        }
        match (self.settle(commit).await?, put) {
            (Some(outcome), _) => Ok(outcome),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(LakeError::Missing { path: self.store.file(&self.log.entry(commit.delta_version())) }),
        }
    }

    async fn put(&self, commit: &CommitBytes) -> Result<bool, LakeError> {
        self.faults.pass(&BEFORE_PUT)?;
        let put = self.log.create(commit.delta_version(), commit.bytes.clone()).await?;
        self.faults.pass(&AFTER_PUT)?;
        Ok(put)
    }

    /// What stands at base + 1; `None` when nothing does and nothing newer either.
    async fn settle(&self, commit: &CommitBytes) -> Result<Option<PutOutcome>, LakeError> {
        let wanted = commit.delta_version();
        match self.log.read(wanted).await? {
            Some(standing) if standing == commit.bytes => Ok(Some(PutOutcome::AlreadyThere)),
            // Somebody else's clean-up may have removed the entry, but not what follows it.
            standing => match self.head().await? {
                Some(head) if head >= wanted => Ok(Some(PutOutcome::BaseMoved { head })),
                _ if standing.is_some() => Ok(Some(PutOutcome::BaseMoved { head: wanted })),
                _ => Ok(None),
            },
        }
    }

    /// The version that a Delta version published; `None` when somebody else committed it.
    ///
    /// # Errors
    /// [`LakeError::NoSuchEntry`] when the log has no such entry.
    pub async fn published_by(&self, delta_version: u64) -> Result<Option<VersionNumber>, LakeError> {
        let path = self.store.file(&self.log.entry(delta_version));
        let entry = self.log.read(delta_version).await?.ok_or_else(|| LakeError::NoSuchEntry {
            asset: self.asset().clone(),
            version: delta_version,
            path: path.clone(),
        })?;
        match transaction(&entry) {
            Ok(number) => Ok(number.map(VersionNumber)),
            Err(reason) => Err(LakeError::Damaged { path, reason }),
        }
    }
}

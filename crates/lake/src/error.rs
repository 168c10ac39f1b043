//! What can go wrong with a table on storage.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use lockgate_types::{AssetName, Diagnostic, Fault, FaultKind, Place, VersionNumber};

use crate::codes;

/// Paths are absolute where a person must find the file; `what` says in a few words what was being done.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("the store cannot be written: {what} {path}: {source}", path = path.display())]
    ReadOnly { what: &'static str, path: PathBuf, source: std::io::Error },

    #[error("the store is full: {what} {path}: {source}", path = path.display())]
    Full { what: &'static str, path: PathBuf, source: std::io::Error },

    #[error("{what} {path} failed: {source}", path = path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },

    #[error("{what} {path} failed: {source}", path = path.display())]
    Store { what: &'static str, path: PathBuf, source: Box<object_store::Error> },

    /// A file that a version or the log refers to.
    #[error("{} is gone", path.display())]
    Missing { path: PathBuf },

    /// A file that is there but cannot be read as what it should be.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },

    #[error("the store does not keep a second writer from overwriting {}", path.display())]
    NotExclusive { path: PathBuf },

    /// Somebody else made the table, or changed it, so that it needs what this build has not.
    #[error("{asset} needs `{feature}`, which is not supported")]
    Unsupported { asset: AssetName, feature: String, path: PathBuf },

    /// The log ends before the Delta version that a commit follows.
    #[error("the log of {asset} ends at {}, but a commit follows Delta version {base}", said(*head))]
    LogLost { asset: AssetName, base: u64, head: Option<u64>, path: PathBuf },

    /// Nothing can be known of a Delta version, because its entry has been removed.
    #[error("the log of {asset} has no entry for Delta version {version}")]
    NoSuchEntry { asset: AssetName, version: u64, path: PathBuf },

    /// Two preparations of one version on one base disagree about its files.
    #[error("version {number} of {asset} was prepared before with other files")]
    CommitDiffers { asset: AssetName, number: VersionNumber, path: PathBuf },

    /// Staged files that a commit refers to are never removed.
    #[error("version {number} of {asset} is published and cannot be discarded")]
    Published { asset: AssetName, number: VersionNumber, path: PathBuf },

    /// A value that cannot name a partition, or a column that cannot partition.
    #[error("{asset} cannot be partitioned by `{column}`: {reason}")]
    Partition { asset: AssetName, column: String, reason: String },

    /// A batch that does not fit the schema of the version. A mistake in the crate that wrote it.
    #[error("rows do not fit the columns of {asset}: {reason}")]
    Schema { asset: AssetName, reason: String },

    #[error("encoding Parquet file {} failed: {reason}", path.display())]
    Encode { path: PathBuf, reason: String },

    /// A task that panicked or was cancelled.
    #[error("a task ended before it was done: {0}")]
    Task(String),

    #[error(transparent)]
    Fault(#[from] Fault),
}

fn said(head: Option<u64>) -> String {
    head.map_or_else(|| "nothing".to_owned(), |head| format!("Delta version {head}"))
}

/// An object store's answer. Its list is open, and what it has no word for is the network's.
fn of_store(error: &object_store::Error) -> FaultKind {
    match error {
        object_store::Error::NotFound { .. }
        | object_store::Error::InvalidPath { .. }
        | object_store::Error::NotSupported { .. }
        | object_store::Error::AlreadyExists { .. }
        | object_store::Error::Precondition { .. }
        | object_store::Error::NotModified { .. }
        | object_store::Error::NotImplemented { .. }
        | object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. }
        | object_store::Error::UnknownConfigurationKey { .. } => FaultKind::Permanent,
        _ => FaultKind::Transient,
    }
}

impl LakeError {
    /// Sorts an I/O error into what a person can do about it.
    pub(crate) fn io(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => LakeError::ReadOnly { what, path, source },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => LakeError::Full { what, path, source },
            ErrorKind::NotFound => LakeError::Missing { path },
            _ => LakeError::Io { what, path, source },
        }
    }

    /// The same for an object store's error, which may carry an I/O error inside.
    pub(crate) fn store(what: &'static str, path: &Path, source: object_store::Error) -> Self {
        if matches!(source, object_store::Error::NotFound { .. }) {
            return LakeError::Missing { path: path.to_owned() };
        }
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&source);
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                return LakeError::io(what, path, std::io::Error::new(io.kind(), io.to_string()));
            }
            cause = error.source();
        }
        LakeError::Store { what, path: path.to_owned(), source: Box::new(source) }
    }

    /// Whether the same work may go well when it is done again.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            LakeError::Io { source, .. } => FaultKind::of_io(source.kind()),
            LakeError::Store { source, .. } => of_store(source),
            LakeError::Fault(fault) => fault.kind,
            LakeError::ReadOnly { .. }
            | LakeError::Full { .. }
            | LakeError::Missing { .. }
            | LakeError::Damaged { .. }
            | LakeError::NotExclusive { .. }
            | LakeError::Unsupported { .. }
            | LakeError::LogLost { .. }
            | LakeError::NoSuchEntry { .. }
            | LakeError::CommitDiffers { .. }
            | LakeError::Published { .. }
            | LakeError::Partition { .. }
            | LakeError::Schema { .. }
            | LakeError::Encode { .. }
            | LakeError::Task(_) => FaultKind::Permanent,
        }
    }

    /// What a person sees; the place is the file or folder in the store.
    pub fn diagnostic(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            LakeError::ReadOnly { path, .. } => Diagnostic::error(&codes::READ_ONLY, message)
                .at(Place::file(path))
                .hint("give this user write access to the folder, or set `store:` in lockgate.yml to another one"),
            LakeError::Full { path, .. } => Diagnostic::error(&codes::FULL, message)
                .at(Place::file(path))
                .hint("free some space and run again: what is published is untouched; `lockgate gc` removes leftovers"),
            LakeError::Io { path, .. } | LakeError::Store { path, .. } => {
                Diagnostic::error(&codes::IO, message).at(Place::file(path))
            }
            LakeError::Missing { path } => Diagnostic::error(&codes::MISSING, message)
                .at(Place::file(path))
                .hint("`lockgate doctor` says which versions are affected"),
            LakeError::Damaged { path, .. } => Diagnostic::error(&codes::DAMAGED, message)
                .at(Place::file(path))
                .hint("restore it from a backup, or build the asset again with `lockgate run NAME --force`"),
            LakeError::NotExclusive { path } => Diagnostic::error(&codes::NOT_EXCLUSIVE, message)
                .at(Place::file(path))
                .expected("a store on which creating a file that exists fails"),
            LakeError::Unsupported { path, .. } => Diagnostic::error(&codes::UNSUPPORTED, message)
                .at(Place::file(path))
                .expected("a table without deletion vectors, column mapping and the like")
                .hint("move the folder away, and the next run makes the table anew"),
            LakeError::LogLost { path, .. } => Diagnostic::error(&codes::LOG_LOST, message)
                .at(Place::file(path))
                .hint("somebody removed entries of the log: restore them from a backup, or see `lockgate doctor`"),
            LakeError::NoSuchEntry { path, .. } => Diagnostic::error(&codes::LOG_LOST, message).at(Place::file(path)),
            LakeError::CommitDiffers { path, .. } => Diagnostic::error(&codes::COMMIT_DIFFERS, message)
                .at(Place::file(path))
                .hint("dismiss the version and run again: a new version is built"),
            LakeError::Published { path, .. } => Diagnostic::error(&codes::PUBLISHED, message).at(Place::file(path)),
            LakeError::Partition { .. } => Diagnostic::error(&codes::PARTITION, message).hint(
                "partition by a column of type boolean, int, bigint, decimal, string, date, timestamp or timestamptz",
            ),
            LakeError::Schema { .. } => Diagnostic::error(&codes::SCHEMA, message),
            LakeError::Encode { path, .. } => Diagnostic::error(&codes::IO, message).at(Place::file(path)),
            LakeError::Task(_) | LakeError::Fault(_) => Diagnostic::error(&codes::INTERRUPTED, message),
        }
    }
}

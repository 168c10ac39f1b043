//! What can go wrong, in variants that a caller can act on.

use std::path::PathBuf;

use lockgate_types::{AssetName, Diagnostic, Fault, FaultKind, RunId, RunState, VersionNumber, VersionState};

use crate::codes;

pub type Result<T> = std::result::Result<T, CatalogError>;

/// Every failure of a catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Another process kept it locked for longer than the time-out. Nothing was changed; try again.
    #[error("the catalog {} was locked by another process for {waited_ms} ms", path.display())]
    Locked { path: PathBuf, waited_ms: u64 },
    /// The lease is in other hands: a worker that stood still too long. It has to stop.
    #[error("the lease on {key} was taken over: ours had epoch {epoch}, it now has {now}")]
    Fenced { key: String, epoch: u64, now: u64 },
    /// The version was judged against another version than the live one.
    #[error("{asset} {number} was judged against {}, but {} is live", version_text(*base), version_text(*live))]
    BaseMoved { asset: AssetName, number: VersionNumber, base: Option<VersionNumber>, live: Option<VersionNumber> },
    /// Another version of the asset is being published; it has to be finished first.
    #[error("version {other} of {asset} is being published, so version {number} cannot be")]
    Publishing { asset: AssetName, number: VersionNumber, other: VersionNumber },
    /// A version that was begun together with the ones named is missing: they switch together or not at all.
    #[error("version {number} of {asset} is published together with others, and has to be finished with them")]
    Incomplete { asset: AssetName, number: VersionNumber },
    /// The version is in a state that the change does not start from.
    #[error("version {number} of {asset} is {is} and cannot be {change}")]
    State { asset: AssetName, number: VersionNumber, is: VersionState, change: &'static str },
    /// The run has already ended, in another state.
    #[error("run {id} has ended as {} and cannot end as {}", is.as_str(), wanted.as_str())]
    RunEnded { id: RunId, is: RunState, wanted: RunState },
    #[error("there is no {0}")]
    NotFound(String),
    /// What is stored is not what was written.
    #[error("the catalog {} is damaged: {detail}", path.display())]
    Corrupt { path: PathBuf, detail: String },
    /// A document that could not be read back was refused before it was stored.
    #[error("version {number} of {asset} cannot be stored: {detail}")]
    Unstorable { asset: AssetName, number: VersionNumber, detail: String },
    /// Written by a newer Lockgate.
    #[error("the catalog {} was written by a newer lockgate (its format is {format}, this one knows up to {known})", path.display())]
    Newer { path: PathBuf, format: i64, known: i64 },
    /// The file or its folder cannot be written.
    #[error("the catalog {} cannot be written: {detail}", path.display())]
    ReadOnly { path: PathBuf, detail: String },
    #[error("no space is left for the catalog {}", path.display())]
    DiskFull { path: PathBuf },
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// Anything else that the database says.
    #[error("the catalog {} failed: {source}", path.display())]
    Database { path: PathBuf, source: sqlx::Error },
    #[error(transparent)]
    Fault(#[from] Fault),
}

fn version_text(number: Option<VersionNumber>) -> String {
    number.map_or_else(|| "no version".to_owned(), |number| format!("version {number}"))
}

impl CatalogError {
    /// Whether the same call may go well when it is made again, with nothing mended.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            CatalogError::Locked { .. } => FaultKind::Transient,
            CatalogError::Io { source, .. } => FaultKind::of_io(source.kind()),
            CatalogError::Fault(fault) => fault.kind,
            CatalogError::Fenced { .. }
            | CatalogError::BaseMoved { .. }
            | CatalogError::Publishing { .. }
            | CatalogError::Incomplete { .. }
            | CatalogError::State { .. }
            | CatalogError::RunEnded { .. }
            | CatalogError::NotFound(_)
            | CatalogError::Corrupt { .. }
            | CatalogError::Unstorable { .. }
            | CatalogError::Newer { .. }
            | CatalogError::ReadOnly { .. }
            | CatalogError::DiskFull { .. }
            | CatalogError::Database { .. } => FaultKind::Permanent,
        }
    }

    /// What a person sees.
    pub fn diagnostic(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            CatalogError::Locked { .. } => Diagnostic::error(&codes::LOCKED, message)
                .hint("another lockgate is writing; try again, or find it with `lsof` on the catalog's file"),
            CatalogError::Fenced { .. } => Diagnostic::error(&codes::FENCED, message)
                .hint("another worker goes on with this asset; nothing is lost, and this one has to stop"),
            CatalogError::BaseMoved { asset, .. } => Diagnostic::error(&codes::BASE_MOVED, message)
                .hint(format!("judge it against what is live now: `lockgate run {asset}`")),
            CatalogError::Publishing { .. } => Diagnostic::error(&codes::PUBLISHING, message)
                .hint("the next `lockgate run` or `lockgate doctor` completes it"),
            CatalogError::Incomplete { .. } => {
                Diagnostic::error(&codes::INCOMPLETE, message).hint("`lockgate doctor` completes the whole publication")
            }
            CatalogError::State { asset, .. } => Diagnostic::error(&codes::STATE, message)
                .hint(format!("`lockgate history {asset}` shows its versions and their states")),
            CatalogError::RunEnded { .. } => Diagnostic::error(&codes::RUN_ENDED, message),
            CatalogError::NotFound(_) => Diagnostic::error(&codes::NOT_FOUND, message),
            CatalogError::Corrupt { .. } => Diagnostic::error(&codes::CORRUPT, message).hint(
                "`lockgate doctor --rebuild --why TEXT` makes it anew from the store, and keeps the damaged file",
            ),
            CatalogError::Unstorable { .. } => Diagnostic::error(&codes::UNSTORABLE, message),
            CatalogError::Newer { .. } => {
                Diagnostic::error(&codes::NEWER, message).hint("use the lockgate that wrote it, or a newer one")
            }
            CatalogError::ReadOnly { path, .. } => Diagnostic::error(&codes::READ_ONLY, message).hint(format!(
                "lockgate needs to create and write files in {}",
                path.parent().unwrap_or(path).display()
            )),
            CatalogError::DiskFull { .. } => {
                Diagnostic::error(&codes::DISK_FULL, message).hint("nothing is lost: free some space and run again")
            }
            CatalogError::Io { .. } => Diagnostic::error(&codes::IO, message),
            CatalogError::Database { .. } => Diagnostic::error(&codes::DATABASE, message),
            CatalogError::Fault(_) => {
                Diagnostic::error(&codes::INJECTED, message).hint("LOCKGATE_FAULTS is set; only tests set it")
            }
        }
    }
}

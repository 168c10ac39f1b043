//! What can go wrong, in variants that a caller can act on.

use lockgate_catalog::CatalogError;
use lockgate_types::{Fault, FaultKind};

pub type Result<T> = std::result::Result<T, WatchError>;

/// Every failure of the outbox itself. That a receiver does not answer is none: it stands with the message.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// There can be no HTTP client on this machine.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl WatchError {
    /// Whether the same call may go well when it is made again, with nothing mended.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            WatchError::Catalog(error) => error.fault_kind(),
            WatchError::Client(_) => FaultKind::Permanent,
            WatchError::Fault(fault) => fault.kind,
        }
    }
}

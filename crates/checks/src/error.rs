//! What can go wrong.

use lockgate_types::{Diagnostic, FaultKind};

use crate::codes::AUDIT_STOPPED;

/// Why an audit could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum ChecksError {
    #[error(transparent)]
    Engine(#[from] lockgate_engine::EngineError),
    /// A reader was cancelled or broke.
    #[error("the audit stopped: {0}")]
    Stopped(String),
}

impl ChecksError {
    /// Whether the same audit may go well when it is done again.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            ChecksError::Engine(error) => error.fault_kind(),
            ChecksError::Stopped(_) => FaultKind::Transient,
        }
    }

    /// What a person sees.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            ChecksError::Engine(error) => error.diagnostic(),
            ChecksError::Stopped(_) => Diagnostic::error(&AUDIT_STOPPED, self.to_string()).hint("run again"),
        }
    }
}

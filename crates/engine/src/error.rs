//! What can go wrong, and what a person is told of it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use lockgate_types::{Diagnostic, Diagnostics, FaultKind, Place};

use crate::codes;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The SQL cannot be planned.
    #[error("{0}")]
    Sql(#[from] Diagnostics),
    /// A value that came at run time does not fit the column that it goes to.
    #[error("column `{column}`: {detail}")]
    DoesNotFit {
        column: String,
        /// The column's type.
        expected: String,
        detail: String,
    },
    /// The memory pool is exhausted, after spilling. Less work at the same time may help.
    #[error("not enough memory: {0}")]
    OutOfMemory(String),
    /// An expression has no value for some row.
    #[error("{0}")]
    Execution(String),
    /// A file of a version is missing or damaged.
    #[error("{0}")]
    Unreadable(String),
    /// The store did not answer as it should; asked again it may.
    #[error("{0}")]
    StoreFailed(String),
    /// Nothing more can be written to the folder for spilled data.
    #[error("no space is left for spilled data in {}: {detail}", folder.display())]
    SpillFull { folder: PathBuf, detail: String },
    /// The engine cannot be set up.
    #[error("{0}")]
    Engine(String),
}

impl EngineError {
    /// The first thing wrong; `diagnostics` has all.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            EngineError::Sql(diagnostics) => diagnostics
                .0
                .first()
                .cloned()
                .unwrap_or_else(|| Diagnostic::error(&codes::UNPLANNABLE, "the query cannot be planned")),
            EngineError::DoesNotFit { expected, .. } => Diagnostic::error(&codes::DOES_NOT_FIT, self.to_string())
                .expected(format!("a value of type {expected}")),
            EngineError::OutOfMemory(_) => Diagnostic::error(&codes::OUT_OF_MEMORY, self.to_string())
                .hint("raise `engine.memory` in lockgate.yml, or build fewer assets at a time"),
            EngineError::Execution(_) => Diagnostic::error(&codes::EXECUTION, self.to_string()),
            EngineError::Unreadable(_) => Diagnostic::error(&codes::UNREADABLE, self.to_string())
                .hint("`lockgate doctor` says which versions are affected"),
            EngineError::StoreFailed(_) => Diagnostic::error(&codes::UNREADABLE, self.to_string()).hint("run again"),
            EngineError::SpillFull { folder, .. } => Diagnostic::error(&codes::SPILL_FULL, self.to_string())
                .at(Place::file(folder))
                .hint("free some space, or raise `engine.memory` so that less is spilled; nothing is lost: run again"),
            EngineError::Engine(_) => Diagnostic::error(&codes::ENGINE, self.to_string()),
        }
    }

    pub fn diagnostics(self) -> Diagnostics {
        match self {
            EngineError::Sql(diagnostics) => diagnostics,
            other => other.diagnostic().into(),
        }
    }

    /// Whether the same work may succeed with more memory, or with less going on beside it.
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            EngineError::OutOfMemory(_) => true,
            EngineError::Sql(_)
            | EngineError::DoesNotFit { .. }
            | EngineError::Execution(_)
            | EngineError::Unreadable(_)
            | EngineError::StoreFailed(_)
            | EngineError::SpillFull { .. }
            | EngineError::Engine(_) => false,
        }
    }

    /// Whether the same work may go well when it is done again.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            // What ran beside it may have ended by then.
            EngineError::OutOfMemory(_) | EngineError::StoreFailed(_) => FaultKind::Transient,
            EngineError::Sql(_)
            | EngineError::DoesNotFit { .. }
            | EngineError::Execution(_)
            | EngineError::Unreadable(_)
            | EngineError::SpillFull { .. }
            | EngineError::Engine(_) => FaultKind::Permanent,
        }
    }
}

impl From<DataFusionError> for EngineError {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        let text = clean(&root.strip_backtrace());
        if let DataFusionError::ResourcesExhausted(_) = root {
            return EngineError::OutOfMemory(text);
        }
        let of_a_file = match root {
            DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => true,
            DataFusionError::ArrowError(error, _) => {
                matches!(
                    error.as_ref(),
                    ArrowError::ParquetError(_) | ArrowError::IpcError(_) | ArrowError::IoError(..)
                )
            }
            _ => false,
        };
        match outside(root) {
            // Versions are read here and never written, so what is full is the folder for spilled data.
            Some(Cause::Io(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, words)) => {
                EngineError::SpillFull { folder: PathBuf::new(), detail: words }
            }
            Some(cause) if cause.fault_kind() == FaultKind::Transient => EngineError::StoreFailed(text),
            Some(_) => EngineError::Unreadable(text),
            None if of_a_file => EngineError::Unreadable(text),
            None => EngineError::Execution(text),
        }
    }
}

/// What the world outside said, under everything that was wrapped around it.
enum Cause {
    Io(io::ErrorKind, String),
    Store(FaultKind),
}

impl Cause {
    fn fault_kind(&self) -> FaultKind {
        match self {
            Cause::Io(kind, _) => FaultKind::of_io(*kind),
            Cause::Store(kind) => *kind,
        }
    }
}

/// The innermost I/O error, else the store's.
fn outside(error: &(dyn Error + 'static)) -> Option<Cause> {
    let (mut found, mut next) = (None, Some(error));
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // An error of ours may travel inside one of the system's.
            if io.raw_os_error().is_some() || io.get_ref().is_none() {
                return Some(Cause::Io(io.kind(), io.to_string()));
            }
        }
        if let Some(store) = error.downcast_ref::<object_store::Error>() {
            found = Some(Cause::Store(match store {
                object_store::Error::Generic { .. } | object_store::Error::JoinError { .. } => FaultKind::Transient,
                _ => FaultKind::Permanent,
            }));
        }
        next = error.source();
    }
    found
}

/// DataFusion's message without its prefixes; the first line says what is wrong.
pub(crate) fn clean(message: &str) -> String {
    const PREFIXES: [&str; 14] = [
        "Error during planning: ",
        "This feature is not implemented: ",
        "SQL error: ",
        "Schema error: ",
        "Execution error: ",
        "Arrow error: ",
        "Parquet error: ",
        "External error: ",
        "Cast error: ",
        "Compute error: ",
        "Parser error: ",
        "Invalid argument error: ",
        "Resources exhausted: ",
        "Optimizer rule ",
    ];
    let mut text = message.trim();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest.trim_start();
    }
    let line = text.lines().next().unwrap_or(text);
    crate::syntax::lowercase_first(line.split(". This issue was likely caused by").next().unwrap_or(line))
}

//! What can go wrong, and what a person is told of it.

use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use lockgate_types::{Diagnostic, Diagnostics};

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
    /// A file of a version is missing or damaged, or the store failed.
    #[error("{0}")]
    Unreadable(String),
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
            | EngineError::Engine(_) => false,
        }
    }
}

impl From<DataFusionError> for EngineError {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        let text = clean(&root.strip_backtrace());
        match root {
            DataFusionError::ResourcesExhausted(_) => EngineError::OutOfMemory(text),
            DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
                EngineError::Unreadable(text)
            }
            DataFusionError::ArrowError(error, _) => match error.as_ref() {
                ArrowError::ParquetError(_) | ArrowError::IpcError(_) | ArrowError::IoError(..) => {
                    EngineError::Unreadable(text)
                }
                _ => EngineError::Execution(text),
            },
            _ => EngineError::Execution(text),
        }
    }
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

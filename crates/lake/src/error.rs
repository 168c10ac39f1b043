//! What can go wrong with a table on storage.

use lockgate_types::Diagnostic;

/// Variants a caller can act on are added as they are needed.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("{0}")]
    Todo(String),
}

impl LakeError {
    pub fn diagnostic(&self) -> Diagnostic {
        todo!()
    }
}

//! Tables on object storage: stage files, commit them, read a file list.

mod codes;
mod commit;
mod delta;
mod error;
mod lake;
mod read;
mod stage;
mod store;
mod table;

pub use codes::{CODES, FAULT_POINTS};
pub use commit::{CommitBytes, CommitPlan, PutOutcome};
pub use error::LakeError;
pub use lake::Lake;
pub use stage::{Layout, StageSet, StageWriter, StagedFiles};
pub use table::Table;

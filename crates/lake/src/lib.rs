//! Tables on object storage: stage, commit, read a file list.
#![allow(dead_code, clippy::todo, clippy::unused_async, unused_variables)]

mod commit;
mod error;
mod lake;
mod stage;
mod table;

pub use commit::{CommitBytes, CommitPlan, PutOutcome};
pub use error::LakeError;
pub use lake::Lake;
pub use stage::{Layout, StageSet, StageWriter, StagedFiles};
pub use table::Table;

use lockgate_types::{Code, FaultPoint};

/// The diagnostics of this crate.
pub const CODES: &[&Code] = &[];

/// The durable steps of this crate.
pub const FAULT_POINTS: &[FaultPoint] = &[];

//! The words of Lockgate as plain data: names, versions, states, schemas, checks' outcomes, diagnostics.
//!
//! No I/O and no async. Every other crate speaks in these types, so that a word means one thing in code,
//! JSON, SQL and on the screen. The one thing here that touches the process is [`effects`]: the handle
//! through which time, ids, chance and injected faults come, so that tests can replace them.
//!
//! Cost: everything is linear in the size of the value at hand.

pub mod asset;
pub mod check;
pub mod diagnostic;
pub mod effects;
pub mod fault;
pub mod number;
pub mod profile;
pub mod retry;
pub mod run;
pub mod schema;
pub mod time;
pub mod version;

pub use asset::{Actor, AssetName, Fingerprint, NameError};
pub use check::{CheckOutcome, CheckState, KnownFailure, Samples, Severity, Suppression, Threshold};
pub use diagnostic::{Code, Diagnostic, Diagnostics, Level, Place};
pub use effects::{Clock, Effects, Ids, Instant, Pause, Random};
pub use fault::{Begun, Fault, FaultPoint, Faults, Witness};
pub use profile::{ColumnProfile, Profile};
pub use retry::{FaultKind, FaultWord};
pub use run::{Event, Run, RunId, RunRequest, RunState, Task, TaskPlan, TaskState};
pub use schema::{Column, DataType, Schema};
pub use version::{DataFile, RejectedRows, Version, VersionNumber, VersionState};

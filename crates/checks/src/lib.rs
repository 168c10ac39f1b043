//! Checks compiled to a fused scan and a few queries, and judged.
//!
//! It owns every kind of check (one module each under `kinds/`), the scan that counts failing rows and gathers
//! the profile in one pass, and the judgement: thresholds, known failures, suppressions. It does not know how a
//! candidate came to be, where outcomes are kept, or what follows from a hold.
//!
//! Main types: [`compile`] turns an asset's [`lockgate_project::CheckEntry`]s into [`Check`]s or diagnostics;
//! [`audit`] runs them over a candidate and answers [`CheckOutcome`]s and a [`Profile`]; [`judge`] is the pure
//! rule from counts to a state; [`reject_split`] and [`baseline`] are what `action: reject` and `lockgate
//! baseline` need. [`KINDS`] lists the kinds with their documentation.
//!
//! Cost: [`audit`] reads the candidate once for its profile and all row-local checks together, at a few
//! nanoseconds per value and check; memory is constant per column and check. `unique`, `references`, `parity`,
//! `change` and `sql` each run one SQL query of their own, which spills.

mod audit;
mod baseline;
mod check;
mod codes;
mod compared;
mod compile;
mod error;
mod judge;
mod kinds;
mod parts;
mod profile;
mod read;
mod reject;
mod scan;
mod sql;
mod values;
mod words;

pub use audit::{AuditContext, AuditReport, FreshContext, KnownParts, Lateness, audit, fresh, late};
pub use baseline::{baseline, is_never_known};
pub use check::Check;
pub use codes::CODES;
pub use compile::{SchemaLookup, compile, plan};
pub use error::ChecksError;
pub use judge::{JudgeContext, Verdict, judge, judge_again};
pub use kinds::{CheckKind, KINDS};
pub use parts::{PartNames, Parts};
pub use reject::{RejectSplit, reject_split, reject_split_of, rejects_sentence};

use lockgate_types::FaultPoint;
#[cfg(doc)]
use lockgate_types::{CheckOutcome, Profile};

/// Checks make nothing durable.
pub const FAULT_POINTS: &[FaultPoint] = &[];

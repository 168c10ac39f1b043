//! What is known: versions and which of them are live, runs and their tasks, checks, profiles, leases, the audit
//! log. It is the one place where a switch from one version to the next is decided, in one transaction.
//!
//! It owns the trait [`Catalog`], its SQLite backend ([`open_sqlite`]), the migrations, and the conformance suite
//! that every backend passes. It does not know tables on disk, SQL of users, projects or kinds of assets, and it
//! judges nothing: whether a version may be published is decided above.
//!
//! Main types: [`Catalog`], [`CatalogError`], [`PublishIntent`], [`Publication`], [`LiveHead`], [`VersionSummary`],
//! [`Lease`], [`AuditEntry`].
//!
//! # Cost
//! Every write is one transaction and one sync of the write-ahead log (progress of runs and heartbeats are
//! written without one, see [`sqlite`]). Reads by asset are index look-ups and do not grow with assets or versions.
//! [`Catalog::live_heads`] is linear in live assets and reads no documents. What reads documents says so: a document
//! grows with the version's files, columns, checks and sample rows, typically 5 to 50 KB.

mod cache;
mod catalog;
mod codes;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod faults;
mod lease;
mod log;
#[cfg(feature = "memory")]
pub mod memory;
mod publication;
mod retention;
mod service;
pub mod sqlite;
mod system;
mod version;
mod words;

pub use cache::CACHE_ENTRIES_MAX;
pub use catalog::Catalog;
pub use codes::CODES;
pub use error::{CatalogError, Result};
pub use faults::{COUNTED, FAULT_POINTS, SERVICE_FAULT_POINTS};
pub use lease::{Lease, LeaseAttempt};
pub use log::{AuditEntry, Late};
pub use publication::{OpenPublication, Publication, PublishIntent};
pub use retention::{HeldLease, Integrity, RetentionFacts};
pub use service::{
    AuditCounts, AuditFilter, CheckPoint, CurrentVersions, Delivery, DeliveryState, LastTask, Paused, Position, Role,
    RunFilter, RunLine, ScheduleState, ServiceCatalog, StoredAnswer, Token, VersionPoint,
};
pub use sqlite::{open_service_sqlite, open_sqlite, replace_sqlite};
pub use system::{SERVICE_TABLES, SYSTEM_TABLES, SystemTable, system_columns};
pub use version::{BuildRecord, CheckCounts, LiveHead, VersionSummary};

//! Runs a project: the graph of its assets, the plan of what is stale and why, and the journaled way of every
//! version from stage through audit to publication.
//!
//! It owns the graph, the plan, the journal, leases, the publish protocol, and the decisions people make about
//! versions (publish by hand, dismiss, roll back, suppress, baseline). It does not know any kind of asset by
//! name, nor what a terminal is: it tells an [`Observer`] what happens.
//!
//! Main types: [`Workspace`] (an opened project), [`Graph`], [`Plan`], [`RunSummary`], [`Standing`].
//!
//! Cost: a plan is linear in assets and edges; it opens no table, and with a warm cache plans no SQL. A run holds
//! one task per asset in memory.

mod decide;
mod diff;
mod doctor;
mod error;
mod execute;
mod gc;
mod graph;
mod history;
mod inspect;
mod late;
mod lease;
mod parts;
mod plan;
mod publish;
mod readers;
mod rebuild;
mod rejects;
mod retry;
mod retry_run;
mod stage;
mod status;
pub mod text;
mod unit_test;
mod workspace;

pub use decide::{BaselineReport, CheckReport, SuppressRequest};
pub use diff::{
    CellChange, ChangedRow, Comparison, Diff, DiffColumn, DiffFiles, DiffOf, DiffRows, NotCompared, OfBoth,
};
pub use doctor::{DoctorReport, Finding, Health};
pub use error::{CODES, RunError};
pub use execute::{AssetResult, Observer, RunOptions, RunSummary};
pub use gc::{ExpiredVersion, GcReport, Removed, RemovedFiles, SpareReason, Spared};
pub use graph::{Graph, Node};
pub use inspect::samples;
pub use inspect::{PreparedQuery, Query, QueryOptions, QueryReads, Shown, Which};
pub use lockgate_kind::TimeSpan;
pub use plan::{Estimate, Plan, PlanOptions, Reason, SchemaChange, Step};
pub use publish::FAULT_POINTS;
pub use rebuild::{RebuildReport, RestoredAsset, rebuild};
pub use retry_run::{Repinned, RetryPlan};
pub use status::{AssetStatus, HeldInfo, LiveInfo, Standing, Status};
pub use unit_test::{
    Masked, MovedRow, PairedRow, PreparedTest, RecordedInput, RecordedTest, RowsDiff, TestOutcome, TestResult, TextRow,
    UnitTests,
};
pub use workspace::{OpenOptions, ReadEnv, Workspace};

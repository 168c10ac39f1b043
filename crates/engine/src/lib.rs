//! A SQL session over pinned versions.
//!
//! It owns: parsing and refusing SQL, planning it with diagnostics that point into the file, column lineage, the
//! variables and SQL functions of a project, and execution within a memory limit. It does not know where versions come from,
//! what a check or an asset's kind is, or how files are written; it never lists a folder and never reads a Delta log.
//!
//! [`Engine`] is one per process and owns memory, threads and the spill folder. [`Session`] is one per piece of work:
//! tables are registered in it by name ([`PinnedTable`]: an explicit list of Parquet files), then SQL is planned, built or
//! queried. [`parse`] and [`parse_query`] need neither: they are syntax alone.
//!
//! Cost: registering a table is O(1) and opens nothing; planning grows with the length of the statement and of
//! the tables it names, not with the tables registered; a file list is turned into the scan's form once, when it is first read.

mod codes;
mod conform;
mod engine;
mod error;
mod functions;
mod lasting;
mod lineage;
mod options;
mod pinned;
mod planner;
mod predicate;
mod reads;
mod rows;
mod scan;
mod session;
mod spill;
mod stream;
mod syntax;
mod tables;

pub use codes::CODES;
pub use engine::{Engine, EngineOptions, Reservation};
pub use error::EngineError;
pub use pinned::PinnedTable;
pub use rows::{Row, RowLayout};
pub use session::{ColumnLineage, Planned, Scalar, Session, SessionOptions};
pub use stream::BatchStream;
pub use syntax::{Parsed, ParsedQuery, TableUse, VERSIONS_SCHEMA, parse, parse_query};

use lockgate_types::FaultPoint;

/// The engine makes nothing durable: what fails here fails in the lake or in the catalog.
pub const FAULT_POINTS: &[FaultPoint] = &[];

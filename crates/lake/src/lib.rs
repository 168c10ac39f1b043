//! Tables on object storage: stage files, commit them, read a file list.
//!
//! **Owns** the folder of a table: Parquet files under `_lockgate/vN/`, the exact bytes of each commit and `version.json` beside
//! them, and the log, `_delta_log/`, in Delta Lake's format. **Does not know** why a version is built, whether it may be
//! published, or which one is live: that is `run` and `catalog`. It reads no SQL; the engine reads the same files by their list.
//!
//! * [`Lake`]: a store and one environment in it. [`Table`]: one table.
//! * [`StageSet`] and [`StageWriter`]: batches in, [`StagedFiles`] out, on disk when they are answered.
//! * [`Table::prepare_commit`] and [`Table::put_commit`]: publication in two steps, each harmless to repeat, by anybody.
//! * [`Table::write_parts`]: bytes of others (`parts.bin`: what audits found in files) beside a version, which may be gone.
//! * [`Table::inventory`] and [`Table::remove`]: what lies there, and taking away what nobody needs.
//! * [`LakeError`]: what a caller can act on; [`LakeError::diagnostic`] is what a person sees.
//!
//! # What is durable when
//! A file has its bytes synced before it gets its name, and its folder after: staged files when [`StageWriter::finish`] answers,
//! `version.json` and the commit's bytes when [`Table::prepare_commit`] does, the log's entry when [`Table::put_commit`] does. An
//! entry is a hard link of a whole file, which fails when the name is taken: there are no half commits and no second winner. A
//! store without hard links is refused by its error. A crash leaves staged files that no commit names, or files called
//! `NAME#DIGITS` that no reader looks at.
//!
//! # What other readers see
//! Tables ask for the oldest protocol that describes them: reader 1, writer 2. Delta's `timestamp` is an instant, so a `timestamp`
//! without a zone would change its meaning; it is `timestamp_ntz`, which needs the feature `timestampNtz` (reader 3, writer 7), and
//! only tables that have such a column ask for it. A protocol never goes back. Tests read every type with `deltalake` and DuckDB
//! from PyPI. Known limit of a reader: `deltalake` 1.6 cannot list partitions by a negative decimal (it reads `-1.250` as `-1.-250`).
//! An empty string as the value of a partition column would be null to every reader, so such a row is refused.
//!
//! # Cost
//! Staging is linear in rows, about 0.27 µs for a row of 16 columns on one core, and holds at most 64 MB of encoded rows a writer
//! (192 MB when it writes many partitions at once). A commit is linear in the files of its version. The newest Delta version is found by
//! a few look-ups, however long the log. Only foreign commits, rollbacks and changed columns read the log's state, which is linear in
//! the table's files and the commits since the last checkpoint (every tenth commit).

mod codes;
mod commit;
mod delta;
mod entry;
mod error;
mod inventory;
mod lake;
mod read;
mod stage;
mod store;
mod table;

pub use codes::{CODES, COUNTED, FAULT_POINTS};
pub use commit::{CommitBytes, CommitPlan, PutOutcome};
pub use entry::LogEntry;
pub use error::LakeError;
pub use inventory::{DiskSpace, Inventory, StoredFile};
pub use lake::Lake;
pub use stage::{Layout, StageSet, StageWriter, StagedFiles};
pub use table::Table;

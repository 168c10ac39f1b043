//! Delta Lake's log format, as its protocol (delta-io/delta, PROTOCOL.md) has it.
//!
//! Writing is ours: exact bytes, put if absent. Reading a table's state, checkpoints and the check of foreign tables
//! go through `delta_kernel`.

pub(crate) mod actions;
mod kernel;
pub(crate) mod log;
pub(crate) mod path;
pub(crate) mod protocol;
pub(crate) mod schema;

pub(crate) use kernel::Kernel;

#[cfg(test)]
mod tests;

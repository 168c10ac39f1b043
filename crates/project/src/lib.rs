//! A folder of files becomes a typed [`Project`], with diagnostics.
//!
//! It owns the envelope of an asset file (kind, description, owner, tags, gate, load, layout, contract, checks as
//! written), `lockgate.yml` with its schedules and alerts, `_defaults.yml`, `lockgate.known.yml`, files of unit tests, the names
//! that paths give, `${…}` values and the words that select assets. It does not know what a kind or a check means: the rest of an asset file and a
//! check's body are handed on as [`yaml`] nodes that know where they stand, to be read with [`Fields`].
//!
//! Main types: [`Project`], [`AssetFile`], [`Schedule`] (which knows when it is due), [`Alert`], [`CheckEntry`], [`Fields`] with [`KeyDoc`] tables, [`selector::Selector`].
//! [`load`] never stops at the first mistake, and answers a project without the assets that are wrong.
//!
//! Cost: [`load`] reads every `.yml` and `.sql` file once and is linear in their bytes. A selection is linear in
//! words times (assets + edges).

mod alert;
mod asset;
mod check;
pub mod codes;
mod contract;
mod fields;
mod folder;
mod groups;
mod header;
pub mod known;
mod load;
mod planned;
mod project;
pub mod reference;
mod resolve;
mod schedule;
pub mod selector;
mod settings;
mod shared;
mod source;
pub mod unit_test;
pub mod yaml;

pub use alert::{Alert, AlertEvent, Receiver};
pub use asset::{AssetFile, ENVELOPE_KEYS, GateMode, Load, OnChange, Vanished};
pub use check::{Action, CHECK_KEYS, CheckEntry};
pub use codes::CODES;
pub use contract::ContractColumn;
pub use fields::{Fields, KeyDoc};
pub use load::{load, sort_by_place};
pub use project::{EngineSettings, FunctionFile, Group, Keep, Project, Var};
pub use resolve::{Secret, redact};
pub use schedule::{CatchUp, Schedule};
pub use settings::PROJECT_KEYS;
pub use shared::DEFAULTS_KEYS;
pub use source::{Source, SqlText};

use lockgate_types::FaultPoint;

/// Reading a folder takes no durable step.
pub const FAULT_POINTS: &[FaultPoint] = &[];

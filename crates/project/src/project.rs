//! The project as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use lockgate_types::{AssetName, Diagnostics, KnownFailure, Place};

use crate::{Alert, AssetFile, GateMode, Schedule, Secret, Source, SqlText, resolve};

/// A folder, read.
#[derive(Debug)]
pub struct Project {
    pub root: PathBuf,
    pub name: String,
    /// `default` when none was asked for.
    pub environment: String,
    /// A path relative to `root`, or absolute.
    pub store: String,
    /// `sqlite`, or a URL (which may carry a password).
    pub catalog: Secret,
    pub engine: EngineSettings,
    /// With the environment's in place of the top level's.
    pub vars: BTreeMap<String, Var>,
    /// What holds where neither an asset nor a folder says it; each [`AssetFile::gate`] already has it.
    pub gate: GateMode,
    pub groups: Vec<Group>,
    /// In the order of the file, as `alerts` are.
    pub schedules: Vec<Schedule>,
    pub alerts: Vec<Alert>,
    pub keep: Keep,
    pub known: Vec<KnownFailure>,
    /// Where each of `known` stands, in the same order.
    pub known_places: Vec<Place>,
    pub assets: BTreeMap<AssetName, Arc<AssetFile>>,
    /// Assets that are left out because something is wrong with them: what cannot be found may be among them.
    pub broken: BTreeSet<AssetName>,
    pub functions: Vec<FunctionFile>,
    /// Every value that `${…}` resolved to, and every URL of an alert, the longest first.
    pub secrets: Vec<Secret>,
    /// `lockgate.yml`.
    pub source: Arc<Source>,
}

impl Project {
    /// Takes secrets out of what later phases found; a kind's message may quote a resolved value.
    pub fn redact(&self, diagnostics: &mut Diagnostics) {
        resolve::redact_diagnostics(&self.secrets, diagnostics);
    }
}

/// Limits of the engine; `None` leaves the choice to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineSettings {
    pub memory_bytes: Option<u64>,
    pub threads: Option<usize>,
}

/// How long versions that are no longer live are kept. What falls within any limit that is given stays; without one,
/// everything does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The newest so many published versions of each asset.
    pub versions: Option<u64>,
    /// So many days after they ended.
    pub days: Option<u64>,
}

/// A variable of the project: `$name` in SQL, typed and bound.
#[derive(Clone, Debug, PartialEq)]
pub enum Var {
    Bool(bool),
    Integer(i64),
    Double(f64),
    String(String),
}

impl Var {
    /// Its type, for messages: `a string`.
    pub fn describe(&self) -> &'static str {
        match self {
            Var::Bool(_) => "a boolean",
            Var::Integer(_) => "an integer",
            Var::Double(_) => "a number",
            Var::String(_) => "a string",
        }
    }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Var::Bool(value) => write!(f, "{value}"),
            Var::Integer(value) => write!(f, "{value}"),
            Var::Double(value) => write!(f, "{value}"),
            Var::String(value) => f.write_str(value),
        }
    }
}

/// Assets that switch together.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    /// Sorted.
    pub members: Vec<AssetName>,
    pub place: Place,
}

/// A file under `functions/`: `create function` statements shared by all SQL.
#[derive(Clone, Debug)]
pub struct FunctionFile {
    pub source: Arc<Source>,
}

impl FunctionFile {
    pub fn sql(&self) -> SqlText {
        SqlText { source: self.source.clone(), sql: self.source.text.clone(), first_line: 1 }
    }
}

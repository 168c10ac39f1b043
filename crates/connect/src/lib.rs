//! Sources: files in many formats, near and far, into a version's Parquet files.
//!
//! It owns: finding files (paths, patterns, URLs), knowing which were read (the inventory), reading CSV, JSON lines, Parquet,
//! Arrow and Avro in parallel with every value checked against the contract, rows that do not fit, inference of
//! types from whole files, and proposals for `lockgate init --from`. It does not know how versions are published, what
//! checks are, or who reads a source.
//!
//! [`kind`] is what the binary lists. Inside: [`settings`](crate) → `locate` → `inventory` → `survey` (columns and types) → `stage`
//! (workers take pieces from a `read::Reader` and encode them). One module for each format: `csv`, and those under `format`.
//!
//! Cost: observing is one look at each file; building is linear in the bytes of the files that are read, with one block or batch
//! a worker in memory. Only a source without a contract, or one that takes in new columns, reads files twice.

mod cells;
mod codes;
mod columns;
mod csv;
mod error;
mod format;
mod http;
mod infer;
mod input;
mod inventory;
mod locate;
mod propose;
mod read;
mod settings;
mod source;
mod stage;
mod survey;
mod value;
mod work;

use std::sync::Arc;

use async_trait::async_trait;
use lockgate_kind::{Asset, Kind};
use lockgate_project::{AssetFile, KeyDoc, Project};
use lockgate_types::{Code, Diagnostic, Diagnostics, FaultPoint};

pub use error::{ConnectError, HttpManner};
pub use propose::{Proposal, propose};

/// The diagnostics of this crate.
pub const CODES: &[&Code] = codes::ALL;

/// Sources make nothing durable themselves: what they stage passes the lake's points.
pub const FAULT_POINTS: &[FaultPoint] = &[];

/// `kind: source`.
#[derive(Debug)]
pub struct SourceKind;

/// For the binary's list of kinds.
pub fn kind() -> Arc<dyn Kind> {
    Arc::new(SourceKind)
}

#[async_trait]
impl Kind for SourceKind {
    fn name(&self) -> &'static str {
        "source"
    }

    fn doc(&self) -> &'static str {
        "Rows from files: CSV, JSON lines, Parquet, Arrow and Avro, local or behind `http(s)://`. A source is stale when the set of its \
         files changed (path, size, time, then content). Its columns are those of the contract (`columns`), or are inferred from the \
         whole files by the first run and kept from then on; `evolve` says what happens to new and missing ones. A row that does not fit goes to \
         `NAME__rejects` with its file, line, text and the reason; more of them than `rejects` allows hold the version. A file that is cut short, corrupt, or \
         changes while it is read fails the attempt, and nothing is published. With `load: append` a file is read once, and one that changed or \
         vanished afterwards is reported."
    }

    fn keys(&self) -> &'static [KeyDoc] {
        settings::KEYS
    }

    fn read(&self, file: &Arc<AssetFile>, project: &Project) -> Result<Arc<dyn Asset>, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        let settings = settings::read(file, &mut diagnostics);
        diagnostics.extend(locate::check(&settings.paths, &file.source.place(settings.path_span)));
        if file.load == lockgate_project::Load::Inline {
            let message = "a source stores its rows: `load: inline` is for transforms";
            let place = file.source.place(file.load_span);
            diagnostics.push(Diagnostic::error(&codes::SETTING, message).at(place).expected("full or append"));
        }
        if let Some(sql) = &file.sql {
            let message = "a source has no SQL";
            diagnostics.push(Diagnostic::error(&codes::SETTING, message).at(sql.place(1, 1, 1)));
        }
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        Ok(Arc::new(source::SourceAsset::new(file.clone(), project.root.clone(), settings)))
    }
}

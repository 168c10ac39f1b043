//! What can go wrong between a file and a batch.

use std::io;
use std::path::Path;
use std::time::Duration;

use lockgate_lake::LakeError;
use lockgate_types::{Diagnostic, Diagnostics, FaultKind, Place};

use crate::codes;

/// `file` is always the name as people know it: relative to the project, or a URL without its query.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{file}: {error}")]
    Unreadable { file: String, error: io::Error },
    #[error("{file}: {what}")]
    CutShort {
        file: String,
        /// From 1; 0 when it is not known.
        line: u64,
        what: String,
    },
    #[error("{file}: {what}")]
    ChangedMeanwhile { file: String, what: String },
    #[error("{file}: {what}")]
    Corrupt { file: String, what: String },
    #[error("{file}: {what}")]
    Header { file: String, what: String },
    #[error("{file}: {what}")]
    Encoding { file: String, what: String },
    #[error("{file}: {what}")]
    Http { file: String, what: String, manner: HttpManner },
    /// What reading the columns or settings found; complete diagnostics.
    #[error("{0}")]
    Refused(Diagnostics),
    /// The lake could not take the rows.
    #[error(transparent)]
    Stage(#[from] LakeError),
    #[error("{what}")]
    Broken { what: String },
    #[error("interrupted")]
    Interrupted,
}

/// Whether a download may go well when tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpManner {
    Permanent,
    Transient,
    Throttled(Option<Duration>),
}

impl ConnectError {
    pub(crate) fn unreadable(file: &str, error: io::Error) -> Self {
        ConnectError::Unreadable { file: file.to_owned(), error }
    }

    pub(crate) fn corrupt(file: &str, what: impl Into<String>) -> Self {
        ConnectError::Corrupt { file: file.to_owned(), what: what.into() }
    }

    /// Whether reading may go well when it is tried again.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            ConnectError::Unreadable { error, .. } => FaultKind::of_io(error.kind()),
            ConnectError::ChangedMeanwhile { .. } => FaultKind::Transient,
            ConnectError::Http { manner, .. } => match manner {
                HttpManner::Permanent => FaultKind::Permanent,
                HttpManner::Transient => FaultKind::Transient,
                HttpManner::Throttled(retry_after) => FaultKind::Throttled { retry_after: *retry_after },
            },
            ConnectError::Stage(error) => error.fault_kind(),
            ConnectError::CutShort { .. }
            | ConnectError::Corrupt { .. }
            | ConnectError::Header { .. }
            | ConnectError::Encoding { .. }
            | ConnectError::Refused(_)
            | ConnectError::Broken { .. }
            | ConnectError::Interrupted => FaultKind::Permanent,
        }
    }

    /// All of it, as a person sees it.
    pub fn diagnostics(&self) -> Diagnostics {
        match self {
            ConnectError::Refused(diagnostics) => diagnostics.clone(),
            _ => self.diagnostic().into(),
        }
    }

    /// As a person sees it; the first one when there are several.
    pub fn diagnostic(&self) -> Diagnostic {
        let of = |code, file: &str, what: &str| Diagnostic::error(code, what).at(Place::file(Path::new(file)));
        match self {
            ConnectError::Unreadable { file, error } => {
                of(&codes::UNREADABLE, file, &format!("{file} cannot be read: {}", system_words(error)))
            }
            ConnectError::CutShort { file, line, what } => {
                let diagnostic = Diagnostic::error(&codes::CUT_SHORT, format!("{file} is cut short: {what}"));
                let mut place = Place::file(Path::new(file));
                place.line = u32::try_from(*line).unwrap_or(u32::MAX);
                diagnostic.at(place).hint("bring the whole file again; nothing of it was published")
            }
            ConnectError::ChangedMeanwhile { file, what } => {
                of(&codes::CHANGED_MEANWHILE, file, &format!("{file} changed while it was read: {what}"))
                    .hint("write files under another name and rename them when they are whole")
            }
            ConnectError::Corrupt { file, what } => of(&codes::CORRUPT, file, &format!("{file} is corrupt: {what}")),
            ConnectError::Header { file, what } => of(&codes::HEADER, file, &format!("{file} {what}")),
            ConnectError::Encoding { file, what } => {
                of(&codes::ENCODING, file, &format!("{file} is not UTF-8: {what}"))
                    .hint("convert it, for example with iconv")
            }
            ConnectError::Http { file, what, .. } => Diagnostic::error(&codes::HTTP, format!("{file}: {what}")),
            ConnectError::Refused(diagnostics) => diagnostics
                .0
                .first()
                .cloned()
                .unwrap_or_else(|| Diagnostic::error(&codes::BROKEN, "the source was refused without a reason")),
            ConnectError::Stage(error) => error.diagnostic(),
            ConnectError::Broken { what } => Diagnostic::error(&codes::BROKEN, what.clone()),
            ConnectError::Interrupted => Diagnostic::error(&codes::BROKEN, "reading was interrupted"),
        }
    }
}

/// An I/O error without the number that the standard library adds: `permission denied`.
pub(crate) fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

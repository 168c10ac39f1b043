//! What goes wrong, as the protocol tells it: a SQLSTATE, a message that ends in the diagnostic's code, a hint, a place.

use lockgate_engine::EngineError;
use lockgate_run::RunError;
use lockgate_types::{Code, Diagnostic};

use crate::codes;

/// An `ErrorResponse`.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) sqlstate: &'static str,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    /// In characters of the statement's text, from 1.
    pub(crate) position: Option<usize>,
    /// The connection ends with it.
    pub(crate) fatal: bool,
}

impl Failure {
    pub(crate) fn new(sqlstate: &'static str, code: &'static Code, message: impl Into<String>) -> Self {
        let message = format!("{} [{}]", message.into(), code.id);
        Failure { sqlstate, message, detail: None, hint: None, position: None, fatal: false }
    }

    pub(crate) fn fatal(sqlstate: &'static str, code: &'static Code, message: impl Into<String>) -> Self {
        Failure { fatal: true, ..Failure::new(sqlstate, code, message) }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Failure { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Failure::fatal("08P01", &codes::PROTOCOL, message)
    }

    pub(crate) fn read_only(what: &str) -> Self {
        Failure::new("25006", &codes::READ_ONLY, format!("cannot execute {what}: this port only reads"))
            .hint("data comes into a table as a new version of an asset: lockgate run")
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Failure::new("0A000", &codes::NOT_HERE, message)
    }

    fn of_diagnostic(diagnostic: &Diagnostic, sql: &str, otherwise: &'static str) -> Self {
        let sqlstate = sqlstate(diagnostic.code.id).unwrap_or(otherwise);
        let mut failure = Failure::new(sqlstate, diagnostic.code, &*diagnostic.message);
        failure.detail = diagnostic.expected.as_ref().map(|expected| format!("expected {expected}"));
        failure.hint.clone_from(&diagnostic.hint);
        failure.position = diagnostic
            .place
            .as_ref()
            // What was typed has no file; a place in an asset's file is told in words.
            .filter(|place| place.file == std::path::Path::new("query") && place.line > 0 && place.column > 0)
            .map(|place| {
                let before = sql.split_inclusive('\n').take(place.line as usize - 1);
                before.map(|line| line.chars().count()).sum::<usize>() + place.column as usize
            });
        failure
    }

    /// `sql` is the text that places are counted in.
    pub(crate) fn of_run(error: &RunError, sql: &str) -> Self {
        let otherwise = match error {
            RunError::Catalog(_) | RunError::Lake(_) => "58030",
            RunError::Engine(error) if error.is_out_of_memory() => "53200",
            error if error.is_usage() => "42000",
            _ => "XX000",
        };
        match error.diagnostics().0.first() {
            Some(diagnostic) => Failure::of_diagnostic(diagnostic, sql, otherwise),
            None => Failure::new(otherwise, &codes::NOT_HERE, error.to_string()),
        }
    }

    pub(crate) fn of_engine(error: EngineError) -> Self {
        Failure::of_run(&RunError::Engine(error), "")
    }
}

/// Codes for which PostgreSQL has a number that tools look at.
fn sqlstate(id: &str) -> Option<&'static str> {
    Some(match id {
        "LG0201" | "LG0202" => "42601",
        "LG0203" => "0A000",
        "LG0204" | "LG0205" | "LG0701" | "LG0704" => "42P01",
        "LG0206" => "42703",
        "LG0207" => "42702",
        "LG0208" => "42804",
        "LG0209" => "42883",
        "LG0217" => "42803",
        "LG0216" => "54001",
        _ => return None,
    })
}

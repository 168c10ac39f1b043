//! A file's text with what is needed to point into it.

use std::path::PathBuf;
use std::sync::Arc;

use lockgate_types::Place;

use crate::yaml::Span;

/// A text file of the project.
#[derive(Debug)]
pub struct Source {
    /// Relative to the project folder.
    pub file: PathBuf,
    pub text: String,
}

impl Source {
    /// A span whose line is 0 is the file as a whole.
    pub fn place(&self, span: Span) -> Place {
        if span.line == 0 {
            return Place::file(&self.file);
        }
        Place::at(&self.file, &self.text, span.line, span.column, span.length)
    }

    /// The text of a line, from 1; empty when there is none.
    pub fn line(&self, line: u32) -> &str {
        self.text.lines().nth(line.saturating_sub(1) as usize).unwrap_or("")
    }
}

/// SQL and where in a file it stands.
#[derive(Clone, Debug)]
pub struct SqlText {
    pub source: Arc<Source>,
    pub sql: String,
    /// The line of the file, from 1, on which the first line of `sql` stands.
    pub first_line: u32,
}

impl SqlText {
    /// A position in `sql`, as one in the file; `line` and `column` count from 1, in characters.
    pub fn place(&self, line_in_sql: u32, column: u32, length: u32) -> Place {
        let line = self.first_line.saturating_add(line_in_sql).saturating_sub(1);
        Place::at(&self.source.file, &self.source.text, line, column, length)
    }
}

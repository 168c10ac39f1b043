//! What a person sees when something is wrong: a stable code, one sentence, the place, what was expected, a hint.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A kind of diagnostic. Each crate lists its own in `pub const CODES: &[&Code]`; the reference and `lockgate
/// explain` are made from them.
///
/// Ranges: 01xx project files, 02xx SQL and plans, 03xx sources, 04xx checks and the gate, 05xx lake,
/// 06xx catalog, 07xx runs, 08xx the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `LG` and four digits; never reused.
    pub id: &'static str,
    /// A short lowercase title: what kind of mistake it is.
    pub title: &'static str,
    /// Markdown: what it means, why it is refused, how to mend it, with an example.
    pub text: &'static str,
}

/// A warning does not stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
}

/// Where: a file and, when known, a position in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Relative to the project folder where it lies inside.
    pub file: PathBuf,
    /// From 1; 0 when only the file is known.
    pub line: u32,
    /// From 1, in characters; 0 when only the line is known.
    pub column: u32,
    /// How many characters to underline; at least 1.
    pub length: u32,
    /// The source line, without its line break, cut to 500 characters; empty when only the file is known.
    pub source_line: String,
}

impl Place {
    /// A file as a whole.
    pub fn file(file: &Path) -> Self {
        Place { file: file.to_owned(), line: 0, column: 0, length: 1, source_line: String::new() }
    }

    /// A position in a text that is at hand; `line` and `column` count from 1, in characters.
    pub fn at(file: &Path, text: &str, line: u32, column: u32, length: u32) -> Self {
        let source_line = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or("");
        Place {
            file: file.to_owned(),
            line,
            column,
            length: length.max(1),
            source_line: source_line.chars().take(500).collect(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostic {
    #[serde(serialize_with = "code_id")]
    pub code: &'static Code,
    pub level: Level,
    /// One lowercase sentence without a full stop.
    pub message: String,
    pub place: Option<Box<Place>>,
    /// What would have been right, if there is something to say: `one of full, append`.
    pub expected: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

fn code_id<S: serde::Serializer>(code: &&'static Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.id)
}

impl Diagnostic {
    pub fn error(code: &'static Code, message: impl Into<String>) -> Self {
        Diagnostic { code, level: Level::Error, message: message.into(), place: None, expected: None, hint: None }
    }

    pub fn warning(code: &'static Code, message: impl Into<String>) -> Self {
        Diagnostic { level: Level::Warning, ..Diagnostic::error(code, message) }
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.id, self.message)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}

/// Everything wrong at once; an error type for functions that collect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub fn extend(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(other);
    }

    /// Whether anything here stops a run.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.level == Level::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics(vec![diagnostic])
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The candidate most like `word`, for "did you mean"; `None` when nothing is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

//! What a person, or a program, sees: stdout is data, stderr is everything else.
//!
//! Every text passes [`Terminal`], which takes the project's secrets out.

pub(crate) mod diagnostic;
pub(crate) mod number;
pub(crate) mod outcome;
pub(crate) mod plot;
pub(crate) mod progress;
pub(crate) mod reasons;
pub(crate) mod schema_change;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use lockgate_types::Diagnostics;
use serde::Serialize;

use style::{Paint, Style};
use table::Table;

/// Replaces secrets in a text.
type Redact = Box<dyn Fn(&str) -> String + Send + Sync>;

/// The two streams of the process, and how to write on them.
pub(crate) struct Terminal {
    /// For stdout.
    pub(crate) paint: Paint,
    /// For stderr.
    pub(crate) note_paint: Paint,
    /// JSON instead of text on stdout.
    pub(crate) json: bool,
    redact: OnceLock<Redact>,
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("paint", &self.paint).field("json", &self.json).finish_non_exhaustive()
    }
}

impl Terminal {
    pub(crate) fn new(json: bool) -> Self {
        Terminal {
            paint: Paint::of(&io::stdout()),
            note_paint: Paint::of(&io::stderr()),
            json,
            redact: OnceLock::new(),
        }
    }

    /// From now on these secrets are taken out of everything.
    pub(crate) fn redact_with(&self, redact: impl Fn(&str) -> String + Send + Sync + 'static) {
        // A second project in one process would be a mistake of ours; the first one's secrets stay redacted.
        let _ = self.redact.set(Box::new(redact));
    }

    pub(crate) fn redacted(&self, text: &str) -> String {
        self.redact.get().map_or_else(|| text.to_owned(), |redact| redact(text))
    }

    /// The width that lines on stdout are cut to: `COLUMNS`, else the terminal's; `None` when it is not one.
    #[allow(clippy::unused_self)] // a test may replace it
    pub(crate) fn width(&self) -> Option<usize> {
        columns(&io::stdout())
    }

    /// The same for stderr.
    #[allow(clippy::unused_self)]
    pub(crate) fn note_width(&self) -> Option<usize> {
        columns(&io::stderr())
    }

    /// Writes on stdout.
    ///
    /// # Errors
    /// A closed pipe, a full disk.
    pub(crate) fn out(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(self.redacted(text).as_bytes())?;
        stdout.flush()
    }

    /// One line on stdout.
    ///
    /// # Errors
    /// As [`Terminal::out`].
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        self.out(&format!("{text}\n"))
    }

    /// A table on stdout, cut to its width; on stderr, what did not fit.
    ///
    /// # Errors
    /// As [`Terminal::out`].
    pub(crate) fn table(&self, table: &Table) -> io::Result<()> {
        let rendered = table.render(self.paint, self.width());
        self.out(&rendered.text)?;
        if rendered.hidden_columns > 0 {
            let hidden = number::counted(rendered.hidden_columns as u64, "column does", "columns do");
            self.note(&format!("{hidden} not fit the terminal"));
        }
        Ok(())
    }

    /// One JSON document, or one event, on a line of stdout.
    ///
    /// # Errors
    /// As [`Terminal::out`].
    pub(crate) fn document(&self, value: &impl Serialize) -> io::Result<()> {
        self.line(&serde_json::to_string(value).map_err(io::Error::other)?)
    }

    /// One line on stderr. Nobody can be told when stderr is gone.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", self.redacted(text));
    }

    /// Diagnostics on stderr; with `--json` also one event each on stdout.
    pub(crate) fn diagnostics(&self, diagnostics: &Diagnostics) {
        if diagnostics.is_empty() {
            return;
        }
        let text = diagnostic::render_all(diagnostics, self.note_paint, self.note_width());
        self.note(text.trim_end_matches('\n'));
        if self.json {
            for diagnostic in &diagnostics.0 {
                let mut event = serde_json::json!({ "event": "diagnostic" });
                if let (Some(event), Ok(serde_json::Value::Object(fields))) =
                    (event.as_object_mut(), serde_json::to_value(diagnostic))
                {
                    event.extend(fields);
                }
                // The exit code says it too.
                let _ = self.document(&event);
            }
        }
    }

    /// What to type next, on stderr: commands whose stdout is data end with it.
    pub(crate) fn next(&self, command: &str) {
        self.note(&format!("next: {}", self.note_paint.paint(Style::Command, command)));
    }
}

fn columns(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|columns| *columns >= 20);
    if told.is_some() || !stream.is_terminal() {
        return told;
    }
    terminal_size::terminal_size_of(stream).map(|(terminal_size::Width(columns), _)| usize::from(columns.max(20)))
}

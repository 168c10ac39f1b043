//! Colour, as an addition: what a colour says, a mark or a word says too.

use std::io::IsTerminal;

/// What a piece of text is. The colours follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Something went well.
    Good,
    /// Something is wrong: held, failed.
    Bad,
    /// Something to know: late, known, a warning.
    Caution,
    /// What the line is about: an asset's name, a title.
    Strong,
    /// What may be skipped while reading: units, times, what is as before.
    Faint,
    /// What to type.
    Command,
    /// Line numbers and frames of diagnostics.
    Frame,
}

/// Paints text, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) const OFF: Paint = Paint(false);

    /// Colours only on a terminal, unless `NO_COLOR` is set or the terminal is dumb. `CLICOLOR_FORCE` paints
    /// elsewhere too.
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("NO_COLOR") {
            return Paint(false);
        }
        if std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            return Paint(true);
        }
        Paint(stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"))
    }

    pub(crate) fn is_on(self) -> bool {
        self.0
    }

    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if !self.0 || text.is_empty() {
            return text.to_owned();
        }
        let code = match style {
            Style::Good => "32",
            Style::Bad => "1;31",
            Style::Caution => "33",
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Command => "36",
            Style::Frame => "1;34",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint(Style::Good, text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(Style::Bad, text)
    }

    pub(crate) fn caution(self, text: &str) -> String {
        self.paint(Style::Caution, text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.paint(Style::Strong, text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.paint(Style::Faint, text)
    }

    /// `next: lockgate …`, the last line of whatever asks for a decision.
    pub(crate) fn next(self, command: &str) -> String {
        format!("next: {}", self.paint(Style::Command, command))
    }
}

#[cfg(test)]
mod tests;

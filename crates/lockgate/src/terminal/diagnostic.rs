//! Diagnostics as rustc draws them: code, sentence, place, the source line underlined, what was expected, a hint.

use lockgate_types::{Diagnostic, Diagnostics, Level, Place};
use unicode_width::UnicodeWidthChar;

use super::number::counted;
use super::style::{Paint, Style};
use super::text;

/// Every diagnostic, errors last so that they stand where the eye is, each followed by an empty line; then the sum.
pub(crate) fn render_all(diagnostics: &Diagnostics, paint: Paint, width: Option<usize>) -> String {
    let mut out = String::new();
    let (warnings, errors): (Vec<_>, Vec<_>) = diagnostics.0.iter().partition(|d| d.level == Level::Warning);
    for diagnostic in warnings.iter().chain(&errors) {
        out.push_str(&render(diagnostic, paint, width));
        out.push('\n');
    }
    if let Some(first) = errors.first() {
        let mut sum = counted(errors.len() as u64, "error", "errors");
        if !warnings.is_empty() {
            sum.push_str(&format!(", {}", counted(warnings.len() as u64, "warning", "warnings")));
        }
        let command = paint.paint(Style::Command, &format!("lockgate explain {}", first.code.id));
        out.push_str(&format!("{sum}; {command} says more\n"));
    }
    out
}

/// One diagnostic.
pub(crate) fn render(diagnostic: &Diagnostic, paint: Paint, width: Option<usize>) -> String {
    let code = diagnostic.code.id;
    let head = match diagnostic.level {
        Level::Error => paint.bad(&format!("error[{code}]")),
        Level::Warning => paint.caution(&format!("warning[{code}]")),
    };
    let frame = |text: &str| paint.paint(Style::Frame, text);
    let mut lines = diagnostic.message.lines();
    let first = text::harmless(lines.next().unwrap_or(""));
    let mut out = format!("{head}: {}\n", paint.strong(&first));
    for line in lines {
        out.push_str(&format!("  {}\n", text::harmless(line)));
    }
    let margin = diagnostic.place.as_ref().map_or(0, |place| match place.line {
        0 => 0,
        line => line.to_string().len(),
    });
    let pad = " ".repeat(margin);
    if let Some(place) = &diagnostic.place {
        out.push_str(&format!("{pad} {} {place}\n", frame("-->")));
        if place.line > 0 && !place.source_line.is_empty() {
            let (source, underline) = excerpt(place, width.map(|width| width.saturating_sub(margin + 3)));
            out.push_str(&format!("{pad} {}\n", frame("|")));
            out.push_str(&format!("{} {source}\n", frame(&format!("{} |", place.line))));
            if place.column > 0 {
                let underline = match diagnostic.level {
                    Level::Error => paint.bad(&underline),
                    Level::Warning => paint.caution(&underline),
                };
                // The spaces before the first `^` are painted too, which shows nothing.
                out.push_str(&format!("{pad} {} {underline}\n", frame("|")));
            }
        }
    }
    for (word, said) in [("expected", &diagnostic.expected), ("hint", &diagnostic.hint)] {
        let Some(said) = said else { continue };
        let mut lines = said.lines();
        out.push_str(&format!("{pad} {} {word}: {}\n", frame("="), text::harmless(lines.next().unwrap_or(""))));
        let indent = " ".repeat(margin + 3 + word.len() + 2);
        lines.for_each(|line| out.push_str(&format!("{indent}{}\n", text::harmless(line))));
    }
    out
}

/// The part of the source line around the place that fits, and the line under it. Tabs count as four columns.
fn excerpt(place: &Place, room: Option<usize>) -> (String, String) {
    let start = place.column.saturating_sub(1) as usize;
    let end = start + place.length.max(1) as usize;
    // What every character is shown as.
    let shown: Vec<String> = place
        .source_line
        .chars()
        .map(|c| match c {
            '\t' => "    ".to_owned(),
            c if c.is_control() => "\u{fffd}".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let columns = |from: usize, to: usize| -> usize {
        shown.iter().take(to).skip(from).flat_map(|s| s.chars()).map(|c| c.width().unwrap_or(0)).sum()
    };
    let room = room.unwrap_or(usize::MAX).max(20);
    let mut from = 0;
    // A place far to the right is brought into sight, with some of what stands before it.
    while from + 10 < start && columns(from, end.min(shown.len())) + 2 > room {
        from += 1;
    }
    let before = if from > 0 { "…" } else { "" };
    let visible: String = shown.iter().skip(from).map(String::as_str).collect();
    let source = text::cut(&format!("{before}{visible}"), room);
    let offset = columns(from, start) + before.chars().count();
    // A place behind the line's end (something missing) is one column wide.
    let marks = columns(start, end).max(1).min(room.saturating_sub(offset).max(1));
    (source, format!("{}{}", " ".repeat(offset), "^".repeat(marks)))
}

#[cfg(test)]
mod tests;

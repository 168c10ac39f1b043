//! Text as a terminal shows it: its width in columns, cut to fit, and harmless.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that a text takes. It must be free of escape sequences.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Control characters become visible, so that data can neither break a table nor talk to the terminal.
pub(crate) fn harmless(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => shown.push('⏎'),
            '\t' => shown.push('⇥'),
            '\r' => shown.push_str("\\r"),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// The start of a text that fits, with `…` when something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        shown.push(c);
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

/// Breaks prose at spaces into lines of at most `columns`; a longer word stands alone.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// `a`, `a and b`, `a, b and c`; more than `most` end in `and 7 more`.
pub(crate) fn list<T: AsRef<str>>(items: &[T], most: usize) -> String {
    let names: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        names if names.len() > most => format!("{} and {} more", names[..most].join(", "), names.len() - most),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests;

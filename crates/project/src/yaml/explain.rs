//! From a parser's message to a sentence that says what to do, at the place where the mistake is.

use lockgate_types::Code;

use crate::codes;

/// What is known of a syntax error. Lines count from 1, columns from 0, in characters.
pub(super) struct SyntaxError<'a> {
    /// The parser's own words.
    pub(super) info: &'a str,
    pub(super) lines: &'a [&'a str],
    pub(super) line: usize,
    pub(super) column: usize,
    /// The innermost `[` or `{` that was not closed then.
    pub(super) open: Option<(usize, usize)>,
}

pub(super) struct Explained {
    pub(super) code: &'static Code,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
}

impl SyntaxError<'_> {
    pub(super) fn explain(&self) -> Explained {
        self.tab()
            .or_else(|| self.type_in_the_way())
            .or_else(|| self.variable())
            .or_else(|| self.open_bracket())
            .or_else(|| self.key_without_colon())
            .or_else(|| self.colon_in_value())
            .or_else(|| self.start_of_value())
            .or_else(|| self.escape())
            .unwrap_or_else(|| self.by_info())
    }

    /// YAML is indented with spaces.
    fn tab(&self) -> Option<Explained> {
        let indents = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
        let last = if self.has("tab") { self.line + 1 } else { self.line };
        let line = (self.line..=last).find(|line| indents(self.text(*line)))?;
        let column = self.text(line).chars().position(|c| c == '\t')?;
        let hint = "replace the tab with spaces; many editors can do so on save";
        Some(Explained { code: &codes::TAB, ..at(line, column, 1, "a tab stands where YAML wants spaces", hint) })
    }

    /// `{ type: struct<a: int, b: int> }` and `place: struct<a: int>`.
    fn type_in_the_way(&self) -> Option<Explained> {
        let line = self.text(self.line);
        let start = line.find("struct<").filter(|start| self.byte() >= *start)?;
        let mut open = 0_u32;
        let end = line[start..].char_indices().find_map(|(index, c)| {
            match c {
                '<' => open += 1,
                '>' => open = open.saturating_sub(1),
                _ => return None,
            }
            (open == 0).then_some(start + index + 1)
        });
        let text = &line[start..end.unwrap_or(line.len())];
        let column = line[..start].chars().count();
        let message = format!("the colons and commas of `{text}` are read as YAML's own");
        let hint = format!("quote it: \"{text}\"");
        let explained = at(self.line, column, text.chars().count(), &message, &hint);
        Some(Explained { code: &codes::CUT_BY_COMMA, ..explained })
    }

    /// `{ url: ${NAME} }`.
    fn variable(&self) -> Option<Explained> {
        let line = self.text(self.line);
        let start = line.find("${").filter(|_| self.has("flow") || self.has("node content"))?;
        let text = line[start..].split_inclusive('}').next().unwrap_or("${NAME}");
        let column = line[..start].chars().count();
        let message = "the `{` of a variable starts a map inside `{ }` and `[ ]`";
        Some(at(self.line, column, text.chars().count(), message, &format!("quote it: \"{text}\"")))
    }

    fn open_bracket(&self) -> Option<Explained> {
        let (line, column) = self.open.filter(|(line, _)| *line < self.line)?;
        let bracket = self.text(line).chars().nth(column)?;
        let closing = if bracket == '[' { ']' } else { '}' };
        let message = format!("this `{bracket}` is not closed");
        Some(at(line, column, 1, &message, &format!("close it with `{closing}`, or quote the text that it starts")))
    }

    /// `owner me` or `owner:me`; the parser notices on the next line.
    fn key_without_colon(&self) -> Option<Explained> {
        if !self.has("simple key expect") {
            return None;
        }
        let is_content =
            |line: &usize| !self.text(*line).trim().is_empty() && !self.text(*line).trim().starts_with('#');
        let line = (1..self.line).rev().find(is_content)?;
        let text = self.text(line);
        let indent = text.chars().take_while(|c| c.is_whitespace()).count();
        let hint = "write `key: value`, with a space behind the colon";
        Some(at(line, indent, text.trim().chars().count(), "this line is no `key: value`", hint))
    }

    /// `description: Load: hourly`.
    fn colon_in_value(&self) -> Option<Explained> {
        if !self.has("mapping values are not allowed") && !self.has("illegal placement of ':'") {
            return None;
        }
        let Some(start) = self.value_start() else {
            let message = "this line fits neither the key above nor its indentation";
            let indent = self.text(self.line).chars().take_while(|c| c.is_whitespace()).count();
            return Some(at(self.line, indent, 1, message, "align it with the keys or entries it belongs to"));
        };
        let hint = format!("quote the value: {}", quoted(self.value(start)));
        Some(at(self.line, self.column, 1, "`: ` inside a value starts another key", &hint))
    }

    /// Signs that mean something to YAML when a value starts with them.
    fn start_of_value(&self) -> Option<Explained> {
        let before = self.text(self.line).get(..self.byte()).unwrap_or("").trim_end();
        let first = self.text(self.line).chars().nth(self.column);
        let is_first = before.ends_with([':', '-', ',', '[', '{']);
        let message = if self.has("block scalar") && self.has("comment or line break") && is_first {
            "`>` or `|` at the start of a value begins a block of text".to_owned()
        } else if self.has("unknown anchor") || self.has("anchor or alias") {
            "`*` or `&` at the start of a value is the name of another value".to_owned()
        } else if self.has("unexpected character") {
            format!("a value cannot start with `{}`", first.unwrap_or(' '))
        } else if before.ends_with([']', '}']) && (self.has("block scalar") || self.has("expected key")) {
            let start = self.value_start()?;
            let message = "a value that starts with `{` or `[` ends with its bracket";
            return Some(at(
                self.line,
                self.column,
                1,
                message,
                &format!("quote all of it: {}", quoted(self.value(start))),
            ));
        } else {
            return None;
        };
        let hint = format!("quote the value: {}", quoted(self.value(self.byte())));
        Some(at(self.line, self.column, 1, &message, &hint))
    }

    /// `"^\d+$"`.
    fn escape(&self) -> Option<Explained> {
        if !self.has("unknown escape character") {
            return None;
        }
        let text = self.text(self.line).get(self.byte()..)?.trim_start_matches('"').split('"').next()?;
        let hint = format!("use single quotes, in which `\\` is itself: '{text}'");
        let message = "in double quotes `\\` starts an escape, and there is none of this letter";
        Some(at(self.line, self.column, text.chars().count() + 2, message, &hint))
    }

    fn by_info(&self) -> Explained {
        let (message, hint) = if self.has("quoted scalar")
            && (self.has("end of stream") || self.has("indentation") || self.has("document indicator"))
        {
            ("the quote that starts here is not closed, or its next line is not indented", "close the quote")
        } else if self.has("trailing content after") {
            (
                "text follows a closing quote",
                "put the whole value into one pair of quotes; in single ones '' is a quote",
            )
        } else if self.has("flow") || self.has("node content") {
            (
                "a comma is missing here, or a `{` or `[` is not closed",
                "mend it, or quote a text that holds `{ } [ ] ,`",
            )
        } else if self.has("bracket") {
            ("a bracket is closed that was not opened", "remove it, or quote the text")
        } else if self.has("expected key")
            || self.has("simple key")
            || self.has("'-' indicator")
            || self.has("indentation")
        {
            (
                "this line fits neither the key above nor its indentation",
                "align it with the keys or entries it belongs to",
            )
        } else if self.has("not allowed in this context") {
            ("this cannot stand here", "start it on a line of its own, or quote the text")
        } else if self.has("recursion limit") {
            ("lists and maps are nested too deep", "")
        } else if self.has("byte order mark") {
            ("an invisible byte order mark stands here", "remove it")
        } else if self.has("unprintable") {
            ("an unprintable character stands here", "remove it")
        } else {
            (self.info, "")
        };
        at(self.line, self.column, 1, message, hint)
    }

    fn has(&self, part: &str) -> bool {
        self.info.contains(part)
    }

    fn text(&self, line: usize) -> &str {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or("").trim_end()
    }

    /// The column in bytes.
    fn byte(&self) -> usize {
        self.text(self.line).chars().take(self.column).map(char::len_utf8).sum()
    }

    /// Where the value starts, in bytes, that the column stands in: behind the line's first `: `.
    fn value_start(&self) -> Option<usize> {
        let line = self.text(self.line);
        let before = line.get(..self.byte())?;
        let from = before.find(": ").map(|at| at + 2)?;
        Some(from + before[from..].len() - before[from..].trim_start().len())
    }

    /// The value that starts at a byte of the line: without comment, and inside brackets up to their next sign.
    fn value(&self, start: usize) -> &str {
        let rest = self.text(self.line).get(start..).unwrap_or("");
        let rest = rest.split(" #").next().unwrap_or(rest);
        let in_brackets = self.open.is_some_and(|(line, _)| line == self.line);
        let rest = if in_brackets { rest.split([',', ']', '}']).next().unwrap_or(rest) } else { rest };
        rest.trim()
    }
}

fn at(line: usize, column: usize, length: usize, message: &str, hint: &str) -> Explained {
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    Explained { code: &codes::INVALID_YAML, message: message.to_owned(), hint, line, column, length }
}

/// The text in the quotes that need no escape.
fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) { format!("'{}'", text.replace('\'', "''")) } else { format!("\"{text}\"") }
}

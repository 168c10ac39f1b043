//! The settings block at the head of a `.sql` file.

/// A `.sql` file in its two parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split<'a> {
    /// The text between `/*` and `*/`, which starts on line 2.
    pub(crate) settings: Option<&'a str>,
    pub(crate) sql: &'a str,
    /// The line on which `sql` starts.
    pub(crate) sql_line: u32,
}

/// Why a block comment at the head is no settings block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeaderError {
    pub(crate) line: u32,
    pub(crate) message: &'static str,
    pub(crate) hint: &'static str,
}

/// Takes the settings block off. A block comment is one whenever no SQL stands before it.
pub(crate) fn split(text: &str) -> Result<Split<'_>, HeaderError> {
    let Some(line) = line_of_block(text) else {
        return Ok(Split { settings: None, sql: text, sql_line: 1 });
    };
    let first = text.lines().nth(line as usize - 1).unwrap_or("").trim();
    if first != "/*" {
        let message = "a block comment at the head is settings, and starts with a line that is only `/*`";
        return Err(HeaderError { line, message, hint: "put settings on lines of their own; write prose with `--`" });
    }
    if line != 1 {
        let message = "the settings block has to start on the first line";
        return Err(HeaderError { line, message, hint: "move `/*` to line 1; write prose with `--`" });
    }
    let start = text.find('\n').map_or(text.len(), |at| at + 1);
    let mut end = start;
    for (index, line) in text[start..].split_inclusive('\n').enumerate() {
        if line.trim() == "*/" {
            let sql_line = u32::try_from(index + 3).unwrap_or(u32::MAX);
            return Ok(Split { settings: Some(&text[start..end]), sql: &text[end + line.len()..], sql_line });
        }
        end += line.len();
    }
    let message = "the settings block is not closed";
    Err(HeaderError { line, message, hint: "end it with a line that is only `*/`" })
}

/// The line, from 1, of a `/*` that nothing but blank lines and `--` comments stands before.
fn line_of_block(text: &str) -> Option<u32> {
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("/*") {
            return u32::try_from(index + 1).ok();
        }
        if !line.is_empty() && !line.starts_with("--") {
            return None;
        }
    }
    None
}

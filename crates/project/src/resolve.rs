//! `${NAME}` and `${file:path}` in values, and what they resolve to kept out of sight.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use lockgate_types::{Diagnostic, Diagnostics};

use crate::yaml::{self, Node, Span, Value};
use crate::{Source, codes};

/// Shorter secrets are not redacted: they are words such as `1` or `dev`, and would tear holes into every message.
const SHORTEST_SECRET: usize = 4;

/// A text that must not be shown: a value that `${…}` resolved to.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `text` with every secret in it replaced by `***`. Secrets of fewer than 4 characters are left.
pub fn redact<'a>(secrets: &[Secret], text: &'a str) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for Secret(secret) in secrets {
        if secret.chars().count() >= SHORTEST_SECRET && text.contains(secret.as_str()) {
            text = Cow::Owned(text.replace(secret.as_str(), "***"));
        }
    }
    text
}

/// Redacts what diagnostics say. Their source lines show the file, which holds `${NAME}` and not its value.
pub(crate) fn redact_diagnostics(secrets: &[Secret], diagnostics: &mut Diagnostics) {
    for diagnostic in &mut diagnostics.0 {
        let texts = [Some(&mut diagnostic.message), diagnostic.expected.as_mut(), diagnostic.hint.as_mut()];
        for text in texts.into_iter().flatten() {
            if let Cow::Owned(redacted) = redact(secrets, text) {
                *text = redacted;
            }
        }
    }
}

/// Resolves values, and remembers what they became.
pub(crate) struct Resolver<'a> {
    pub(crate) root: &'a Path,
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) secrets: Vec<Secret>,
}

impl Resolver<'_> {
    /// Every text in the node. What cannot be resolved stays as it is and is reported.
    pub(crate) fn resolve(&mut self, node: &mut Node, source: &Source, diagnostics: &mut Diagnostics) {
        match &mut node.value {
            Value::String(text) if text.contains("${") => {
                let resolved = match self.text(text) {
                    Ok(resolved) => resolved,
                    Err(mistake) => {
                        let mut diagnostic = Diagnostic::error(&codes::VARIABLE, mistake.message);
                        diagnostic.hint = Some(mistake.hint);
                        diagnostics.push(diagnostic.at(source.place(span_of(source, node.span, &mistake.part))));
                        return;
                    }
                };
                // `threads: ${THREADS}` is meant as the number that it becomes; quotes keep it text.
                node.value = if is_plain(source, node.span) { yaml::plain(&resolved) } else { Value::String(resolved) };
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.resolve(item, source, diagnostics)),
            Value::Map(map) => {
                map.entries.iter_mut().for_each(|(_, node)| self.resolve(node, source, diagnostics));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn text(&mut self, text: &str) -> Result<String, Mistake> {
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                resolved.push_str(before);
                resolved.push_str("${");
                rest = &from[2..];
                continue;
            }
            resolved.push_str(before);
            let Some(end) = from.find('}') else {
                let message = "`${` is not closed".to_owned();
                return Err(Mistake {
                    message,
                    hint: "write `$${` for the text itself".to_owned(),
                    part: from.to_owned(),
                });
            };
            let part = &from[..=end];
            let value = self.variable(&from[2..end], part)?;
            resolved.push_str(&value);
            self.remember(value);
            rest = &from[end + 1..];
        }
        resolved.push_str(rest);
        Ok(resolved)
    }

    fn variable(&self, name: &str, part: &str) -> Result<String, Mistake> {
        let mistake = |message: String, hint: String| Err(Mistake { message, hint, part: part.to_owned() });
        if let Some(path) = name.strip_prefix("file:") {
            return match std::fs::read_to_string(self.root.join(path)) {
                Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
                Err(error) => {
                    let hint = "the path is absolute, or relative to the project folder".to_owned();
                    mistake(format!("`{path}` cannot be read: {error}"), hint)
                }
            };
        }
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
        if !is_name {
            let hint = "write `${NAME}` or `${file:path}`, and `$${` for the text itself".to_owned();
            return mistake(format!("`{name}` is not the name of a variable"), hint);
        }
        match (self.env)(name) {
            Some(value) => Ok(value),
            None => mistake(
                format!("the environment variable `{name}` is not set"),
                format!("set it before running lockgate: export {name}=…"),
            ),
        }
    }

    /// Longest first, so that no secret is torn by a shorter one that it holds.
    pub(crate) fn remember(&mut self, value: String) {
        let secret = Secret(value);
        if !secret.0.is_empty() && !self.secrets.contains(&secret) {
            let at = self.secrets.partition_point(|other| other.0.len() >= secret.0.len());
            self.secrets.insert(at, secret);
        }
    }
}

struct Mistake {
    message: String,
    hint: String,
    /// The `${…}` that is wrong.
    part: String,
}

/// The span of `part` where it stands on the value's line, else the value's.
fn span_of(source: &Source, span: Span, part: &str) -> Span {
    let line = source.line(span.line);
    let skipped: usize = line.chars().take(span.column.saturating_sub(1) as usize).map(char::len_utf8).sum();
    match line.get(skipped..).and_then(|rest| rest.find(part)) {
        Some(at) => {
            let column = line[..skipped + at].chars().count() + 1;
            let length = part.chars().count();
            Span {
                line: span.line,
                column: u32::try_from(column).unwrap_or(u32::MAX),
                length: u32::try_from(length).unwrap_or(u32::MAX),
            }
        }
        None => span,
    }
}

/// Whether a scalar stands in the file without quotes.
fn is_plain(source: &Source, span: Span) -> bool {
    let first = source.line(span.line).chars().nth(span.column.saturating_sub(1) as usize);
    !matches!(first, Some('"' | '\'' | '|' | '>' | '*'))
}

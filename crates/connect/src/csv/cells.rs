//! The fields of a block as cells.

use super::CsvOptions;
use super::index::Field;
use crate::cells::{Cell, Cells};

/// `fields` row by row, `columns` each.
pub(crate) struct CsvCells<'a> {
    text: &'a [u8],
    fields: &'a [Field],
    columns: usize,
    escape: Option<u8>,
    quote: u8,
    nulls: &'a [String],
    quoted_empty_is_null: bool,
    utf8: bool,
}

impl<'a> CsvCells<'a> {
    pub(crate) fn new(text: &'a [u8], fields: &'a [Field], columns: usize, options: &'a CsvOptions) -> Self {
        CsvCells {
            text,
            fields,
            columns: columns.max(1),
            escape: options.dialect.escape,
            quote: options.dialect.quote.unwrap_or(b'"'),
            nulls: &options.nulls,
            quoted_empty_is_null: options.nulls.iter().any(String::is_empty),
            utf8: std::str::from_utf8(text).is_ok(),
        }
    }

    /// A field of the first row as text, null or not.
    pub(crate) fn text(&self, column: usize) -> Vec<u8> {
        let field = self.fields[column];
        let text = &self.text[field.start()..field.end()];
        if !field.is_escaped() {
            return text.to_vec();
        }
        let mut plain = Vec::with_capacity(text.len());
        self.unescape(text, &mut plain);
        plain
    }

    #[cold]
    fn is_null_word(&self, text: &[u8]) -> bool {
        self.nulls.iter().any(|word| word.as_bytes() == text)
    }
}

impl Cells for CsvCells<'_> {
    fn rows(&self) -> usize {
        self.fields.len() / self.columns
    }

    #[inline]
    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let field = self.fields[row * self.columns + column];
        let text = &self.text[field.start()..field.end()];
        if field.is_quoted() {
            if field.is_escaped() {
                return Cell::Escaped(text);
            }
            return if text.is_empty() && self.quoted_empty_is_null { Cell::Null } else { Cell::Text(text) };
        }
        if text.is_empty() || (!self.nulls.is_empty() && self.is_null_word(text)) {
            return Cell::Null;
        }
        Cell::Text(text)
    }

    fn unescape(&self, text: &[u8], into: &mut Vec<u8>) {
        let mut bytes = text.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let takes_next = self.escape.is_some_and(|escape| escape == byte && escape != self.quote)
                || byte == self.quote && bytes.peek() == Some(&self.quote);
            match bytes.peek() {
                Some(&next) if takes_next => {
                    into.push(next);
                    bytes.next();
                }
                _ => into.push(byte),
            }
        }
    }

    fn is_utf8(&self) -> bool {
        self.utf8
    }
}

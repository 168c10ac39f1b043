//! Where the fields of a piece of whole records lie.

use super::scan::{Dialect, block_at, mask};

/// A field's bytes, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    start: u32,
    /// The two highest bits are flags.
    end: u32,
}

const QUOTED: u32 = 1 << 31;
const ESCAPED: u32 = 1 << 30;

impl Field {
    /// Pieces are shorter than this, so that two bits are free.
    pub(crate) const LIMIT: usize = ESCAPED as usize;

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // below LIMIT
    fn plain(start: usize, end: usize) -> Self {
        Field { start: start as u32, end: end as u32 }
    }

    #[allow(clippy::cast_possible_truncation)] // below LIMIT
    fn quoted(start: usize, end: usize, escaped: bool) -> Self {
        Field { start: start as u32, end: end as u32 | QUOTED | if escaped { ESCAPED } else { 0 } }
    }

    #[inline]
    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    #[inline]
    pub(crate) fn end(self) -> usize {
        (self.end & !(QUOTED | ESCAPED)) as usize
    }

    #[inline]
    pub(crate) fn is_quoted(self) -> bool {
        self.end & QUOTED != 0
    }

    /// Whether it holds doubled or escaped quotes.
    #[inline]
    pub(crate) fn is_escaped(self) -> bool {
        self.end & ESCAPED != 0
    }
}

/// The fields of one record, with or without its line break, and whether text stands behind a closing quote.
pub(crate) fn record(dialect: Dialect, text: &[u8]) -> (Vec<Field>, bool) {
    let mut index = Index::default();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut walk = Walk::new(text, usize::MAX, usize::MAX, &mut index);
    walk.run(dialect);
    walk.end_of_field(text.len(), true);
    let malformed = walk.malformed;
    (index.fields, malformed)
}

/// A record that is none of the table's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Fields(usize),
    AfterQuote,
    TooLong,
}

/// The fields of the good rows, one row after the other, and the strays.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) fields: Vec<Field>,
    pub(crate) strays: Vec<Stray>,
    /// The last record has no line break and too few fields: where it starts, and how many it has.
    pub(crate) cut: Option<(usize, usize)>,
}

struct Walk<'a> {
    text: &'a [u8],
    columns: usize,
    max_line: usize,
    index: &'a mut Index,
    row_start: usize,
    row_first: usize,
    start: usize,
    quoted: bool,
    escaped: bool,
    open: bool,
    close: usize,
    malformed: bool,
}

impl Index {
    /// Finds the fields of `text`, which starts and ends with a record. `last` tells that the file ends here, so that
    /// the last record may lack its line break.
    pub(crate) fn fill(&mut self, dialect: Dialect, text: &[u8], columns: usize, max_line: usize, last: bool) {
        self.fields.clear();
        self.strays.clear();
        self.cut = None;
        let mut walk = Walk::new(text, columns, max_line, self);
        walk.run(dialect);
        if last && walk.row_start < text.len() {
            walk.end_of_field(text.len(), true);
            let found = walk.index.fields.len() - walk.row_first;
            let blank = found == 1 && walk.index.fields.last().is_some_and(|f| !f.is_quoted() && f.start() == f.end());
            if blank && columns > 1 {
                walk.index.fields.truncate(walk.row_first);
            } else if found < columns && text.len() - walk.row_start <= max_line {
                // A record that is too long is that first, as it is where it is too long to be looked into.
                walk.index.fields.truncate(walk.row_first);
                walk.index.cut = Some((walk.row_start, found));
            } else {
                walk.end_of_row(text.len());
            }
        }
    }
}

impl<'a> Walk<'a> {
    fn new(text: &'a [u8], columns: usize, max_line: usize, index: &'a mut Index) -> Self {
        Walk {
            text,
            columns,
            max_line,
            index,
            row_start: 0,
            row_first: 0,
            start: 0,
            quoted: false,
            escaped: false,
            open: false,
            close: 0,
            malformed: false,
        }
    }

    fn run(&mut self, dialect: Dialect) {
        let text = self.text;
        // After an escape the next byte is looked over, also across blocks.
        let mut skip_to = 0;
        let mut base = 0;
        while base < text.len() {
            let block = block_at(text, base);
            let breaks = mask(block, b'\n');
            let delimiters = mask(block, dialect.delimiter);
            let quotes = dialect.quote.map_or(0, |quote| mask(block, quote));
            let mut structure = breaks | delimiters;
            if quotes == 0 && !self.open && !self.quoted {
                self.index.fields.reserve(64);
                while structure != 0 {
                    let at = structure.trailing_zeros() as usize;
                    structure &= structure - 1;
                    let pos = base + at;
                    if breaks >> at & 1 == 0 {
                        self.index.fields.push(Field::plain(self.start, pos));
                        self.start = pos + 1;
                    } else {
                        let end = pos - usize::from(pos > self.start && text[pos - 1] == b'\r');
                        self.index.fields.push(Field::plain(self.start, end));
                        self.end_of_row(pos);
                    }
                }
                base += 64;
                continue;
            }
            let escapes = dialect.escape.filter(|&escape| dialect.quote != Some(escape)).map_or(0, |e| mask(block, e));
            structure |= quotes | escapes;
            if skip_to > base {
                structure &= if skip_to - base >= 64 { 0 } else { !0u64 << (skip_to - base) };
            }
            while structure != 0 {
                let at = structure.trailing_zeros() as usize;
                structure &= structure - 1;
                let pos = base + at;
                let is = |of: u64| of >> at & 1 == 1;
                if self.open {
                    if is(escapes) || is(quotes) && text.get(pos + 1).copied() == dialect.quote {
                        self.escaped = true;
                        skip_to = pos + 2;
                        structure &= if at + 2 >= 64 { 0 } else { !0u64 << (at + 2) };
                    } else if is(quotes) {
                        self.open = false;
                        self.close = pos;
                    }
                } else if is(delimiters) {
                    self.end_of_field(pos, false);
                } else if is(breaks) {
                    self.end_of_field(pos, true);
                    self.end_of_row(pos);
                } else if is(quotes) && pos == self.start {
                    self.open = true;
                    self.quoted = true;
                }
            }
            base += 64;
        }
    }

    /// A field ends before `pos`.
    fn end_of_field(&mut self, pos: usize, of_row: bool) {
        let carriage = usize::from(of_row && pos > self.start && self.text[pos - 1] == b'\r');
        if self.quoted {
            // What stands between the closing quote and the end of the field belongs to nothing.
            let crlf = usize::from(carriage == 1 && self.close + 2 == pos);
            self.malformed |= self.open || self.close + 1 + crlf != pos;
            let end = if self.open { pos } else { self.close };
            self.index.fields.push(Field::quoted(self.start + 1, end, self.escaped));
        } else {
            self.index.fields.push(Field::plain(self.start, pos - carriage));
        }
        self.start = pos + 1;
        self.quoted = false;
        self.escaped = false;
        self.open = false;
    }

    /// A row ends before the line break at `pos`, all its fields are pushed.
    #[inline]
    fn end_of_row(&mut self, pos: usize) {
        let found = self.index.fields.len() - self.row_first;
        if found == self.columns && !self.malformed && pos - self.row_start <= self.max_line {
            self.row_first = self.index.fields.len();
        } else {
            self.end_of_stray(pos, found);
        }
        self.row_start = pos + 1;
        self.start = pos + 1;
    }

    #[cold]
    fn end_of_stray(&mut self, pos: usize, found: usize) {
        let first = self.index.fields.get(self.row_first).copied();
        self.index.fields.truncate(self.row_first);
        let blank = found == 1 && first.is_some_and(|field| !field.is_quoted() && field.start() == field.end());
        let why = if pos - self.row_start > self.max_line {
            Why::TooLong
        } else if self.malformed {
            Why::AfterQuote
        } else {
            Why::Fields(found)
        };
        self.malformed = false;
        if !blank {
            self.index.strays.push(Stray { start: self.row_start, end: pos, why });
        }
    }
}

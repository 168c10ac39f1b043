//! CSV: any delimiter, quotes with line breaks inside, CRLF, byte-order mark, gzip and zstd, in parallel.
//!
//! An empty unquoted field is null, a quoted empty one is an empty string. A file is cut into blocks of whole records by
//! one sequential pass ([`feed`], [`scan`]); workers find the fields of a block ([`index`]) and parse it column by column
//! ([`crate::cells`]) straight into Arrow arrays. A row that does not fit goes to the rejects with its line and text; a file
//! that ends in mid-row fails.
//!
//! Cost: linear in the file; memory is a block (1 MiB) and its batch for each worker, more only for longer lines.

mod cells;
mod feed;
#[cfg(test)]
mod fuzz;
mod guess;
mod index;
mod scan;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use arrow::datatypes::SchemaRef;

pub(crate) use feed::{Block, Fed, Feed, FeedError, count_lines};
pub(crate) use scan::Dialect;

use crate::cells::{self as typed, Misfits, Target};
use crate::error::ConnectError;
use crate::input::{Compression, Input, LocalFile, Whole};
use crate::read::{Piece, Reader, Reject};
use cells::CsvCells;
use index::{Index, Why};

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CsvOptions {
    pub(crate) dialect: Dialect,
    pub(crate) header: bool,
    /// Unquoted fields that mean null, besides the empty one. An empty text here makes quoted empty fields null too.
    pub(crate) nulls: Vec<String>,
    pub(crate) compression: Compression,
    pub(crate) max_line: usize,
    /// How much is read at once; tests make it small.
    pub(crate) block_bytes: usize,
}

/// 16 MB.
pub(crate) const MAX_LINE: usize = 16 * 1000 * 1000;

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            dialect: Dialect { delimiter: b',', quote: Some(b'"'), escape: None },
            header: true,
            nulls: Vec::new(),
            compression: Compression::None,
            max_line: MAX_LINE,
            block_bytes: 1 << 20,
        }
    }
}

/// An open CSV file behind its header.
#[derive(Debug)]
pub(crate) struct CsvFile {
    options: CsvOptions,
    feed: Feed<Input>,
    names: Vec<String>,
}

impl CsvFile {
    /// Opens a file and reads its header, or counts the fields of its first record when it has none.
    pub(crate) fn open(file: &LocalFile, options: &CsvOptions) -> Result<Self, ConnectError> {
        let input = Input::open(file, options.compression)?;
        let mut feed = Feed::new(input, options.dialect, options.block_bytes, options.max_line);
        skip_mark(&mut feed)?;
        let mut file = CsvFile { options: options.clone(), feed, names: Vec::new() };
        file.names = if options.header { file.read_header()? } else { file.count_columns()? };
        Ok(file)
    }

    /// The names of its columns, in the file's order; `column_1` … without a header.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    fn name(&self) -> &str {
        &self.feed.input.file().name
    }

    fn read_header(&mut self) -> Result<Vec<String>, ConnectError> {
        let mut block = Block::default();
        loop {
            match self.feed.next_record(&mut block) {
                Ok(Fed::Records) => {}
                Ok(Fed::TooLong { .. }) => {
                    return Err(self.header(format!("has a header longer than {} bytes", self.options.max_line)));
                }
                Ok(Fed::End) => return Err(self.header("is empty: it has no header".to_owned())),
                Err(error) => return Err(failed(&self.feed, error)),
            }
            let (fields, malformed) = index::record(self.options.dialect, block.text());
            if self.is_too_long(&block) {
                return Err(self.header(format!("has a header longer than {} bytes", self.options.max_line)));
            }
            if malformed {
                return Err(self.header("has text behind a closing quote in its header".to_owned()));
            }
            if fields.len() == 1 && fields[0].start() == fields[0].end() && !fields[0].is_quoted() {
                continue; // a blank line
            }
            let cells = CsvCells::new(block.text(), &fields, fields.len(), &self.options);
            let texts: Vec<Vec<u8>> = (0..fields.len()).map(|column| cells.text(column)).collect();
            return self.names_of(texts);
        }
    }

    fn names_of(&self, texts: Vec<Vec<u8>>) -> Result<Vec<String>, ConnectError> {
        let mut names: Vec<String> = Vec::with_capacity(texts.len());
        for (index, text) in texts.into_iter().enumerate() {
            let Ok(text) = String::from_utf8(text) else {
                let what = format!("the name of column {} in its header", index + 1);
                return Err(ConnectError::Encoding { file: self.name().to_owned(), what });
            };
            let name = text.trim();
            let name = if name.is_empty() { format!("column_{}", index + 1) } else { name.to_owned() };
            if let Some(other) = names.iter().position(|other| other.to_lowercase() == name.to_lowercase()) {
                let what = format!("has two columns named `{name}` in its header: {} and {}", other + 1, index + 1);
                return Err(self.header(what));
            }
            names.push(name);
        }
        Ok(names)
    }

    fn count_columns(&mut self) -> Result<Vec<String>, ConnectError> {
        let mut block = Block::default();
        let fields = loop {
            match self.feed.next_record(&mut block) {
                Ok(Fed::Records) => {}
                Ok(Fed::TooLong { .. }) => {
                    return Err(
                        self.header(format!("starts with a record longer than {} bytes", self.options.max_line))
                    );
                }
                Ok(Fed::End) => return Ok(Vec::new()),
                Err(error) => return Err(failed(&self.feed, error)),
            }
            if self.is_too_long(&block) {
                return Err(self.header(format!("starts with a record longer than {} bytes", self.options.max_line)));
            }
            let (fields, _) = index::record(self.options.dialect, block.text());
            if fields.len() != 1 || fields[0].start() != fields[0].end() || fields[0].is_quoted() {
                break fields.len();
            }
        };
        self.feed.give_back(&block);
        Ok((1..=fields).map(|number| format!("column_{number}")).collect())
    }

    /// A record that fits the block can still be longer than it may be.
    fn is_too_long(&self, record: &Block) -> bool {
        let text = record.text();
        text.strip_suffix(b"\n").unwrap_or(text).len() > self.options.max_line
    }

    fn header(&self, what: String) -> ConnectError {
        ConnectError::Header { file: self.name().to_owned(), what }
    }

    /// Reads the rows as `targets`; `columns` is how many fields a row has.
    pub(crate) fn reader(self, columns: usize, targets: Vec<Target>, schema: SchemaRef) -> CsvReader {
        CsvReader {
            name: self.name().to_owned(),
            options: self.options,
            columns,
            targets,
            schema,
            source: Mutex::new(Source { feed: Some(self.feed), whole: None }),
            scratch: Mutex::default(),
        }
    }
}

/// Takes a byte-order mark off; refuses those of other encodings.
pub(crate) fn skip_mark(feed: &mut Feed<Input>) -> Result<(), ConnectError> {
    let mark = match feed.peek(3) {
        Ok(mark) => mark.to_vec(),
        Err(error) => return Err(feed.input.failed(error, 0)),
    };
    let other = match mark[..] {
        [0xef, 0xbb, 0xbf] => {
            feed.discard(3);
            return Ok(());
        }
        [0xff, 0xfe, ..] => "UTF-16, little-endian",
        [0xfe, 0xff, ..] => "UTF-16, big-endian",
        _ => return Ok(()),
    };
    let what = format!("it starts with the byte-order mark of {other}");
    Err(ConnectError::Encoding { file: feed.input.file().name.clone(), what })
}

/// What a feed's error means for its file.
pub(crate) fn failed(feed: &Feed<Input>, error: FeedError) -> ConnectError {
    match error {
        FeedError::Io(error) => feed.input.failed(error, feed.line().saturating_sub(1)),
        FeedError::OpenQuote { line } => ConnectError::CutShort {
            file: feed.input.file().name.clone(),
            line,
            what: format!("the quote opened on line {line} is never closed"),
        },
    }
}

/// The sequential part of reading, shared under a lock.
#[derive(Debug)]
struct Source {
    /// Gone once the file is at its end, so that thousands of files do not stay open.
    feed: Option<Feed<Input>>,
    whole: Option<Whole>,
}

/// A CSV file being read.
#[derive(Debug)]
pub(crate) struct CsvReader {
    name: String,
    options: CsvOptions,
    columns: usize,
    targets: Vec<Target>,
    schema: SchemaRef,
    source: Mutex<Source>,
    scratch: Mutex<Vec<Scratch>>,
}

/// A worker's memory, used again for every block.
#[derive(Debug, Default)]
struct Scratch {
    block: Block,
    index: Index,
}

impl Reader for CsvReader {
    fn next(&self, _worker: usize) -> Result<Option<Piece>, ConnectError> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let fed = self.take(&mut scratch.block)?;
        let piece = match fed {
            Fed::Records => Some(self.parse(&mut scratch)?),
            Fed::TooLong { length } => Some(self.too_long(&scratch.block, length)),
            Fed::End => None,
        };
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        Ok(piece)
    }

    fn whole(&self) -> Result<Whole, ConnectError> {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source
            .whole
            .clone()
            .ok_or_else(|| ConnectError::Broken { what: format!("{} was not read to its end", self.name) })
    }
}

impl CsvReader {
    fn take(&self, block: &mut Block) -> Result<Fed, ConnectError> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(feed) = &mut source.feed else { return Ok(Fed::End) };
        let fed = feed.next(block).map_err(|error| failed(feed, error))?;
        if fed == Fed::End {
            source.whole = Some(feed.input.finish()?);
            source.feed = None;
        }
        Ok(fed)
    }

    fn too_long(&self, block: &Block, length: u64) -> Piece {
        let reason = format!("the line is {length} bytes long, max_line is {}", self.options.max_line);
        Piece {
            batch: arrow::array::RecordBatch::new_empty(self.schema.clone()),
            rejects: vec![Reject::new(block.first_line, block.text(), length, reason)],
        }
    }

    fn parse(&self, scratch: &mut Scratch) -> Result<Piece, ConnectError> {
        let Scratch { block, index } = scratch;
        let text = block.text();
        if text.len() >= index::Field::LIMIT {
            return Err(ConnectError::Broken { what: format!("{}: a block of {} bytes", self.name, text.len()) });
        }
        index.fill(self.options.dialect, text, self.columns, self.options.max_line, block.last);
        if let Some((start, found)) = index.cut {
            let line = block.first_line + count_lines(&text[..start]);
            let what =
                format!("its last row, on line {line}, has {found} of {} fields and no line break", self.columns);
            return Err(ConnectError::CutShort { file: self.name.clone(), line, what });
        }
        let cells = CsvCells::new(text, &index.fields, self.columns, &self.options);
        let mut misfits = Misfits::new();
        let batch = typed::batch(&cells, &self.targets, &self.schema, &mut misfits)?;
        let mut rejects = Vec::new();
        if !misfits.is_empty() || !index.strays.is_empty() {
            rejects = self.rejects(block, index, misfits);
        }
        Ok(Piece { batch, rejects })
    }

    #[cold]
    fn rejects(&self, block: &Block, index: &Index, misfits: Misfits) -> Vec<Reject> {
        let text = block.text();
        let mut found: Vec<(usize, usize, String)> = Vec::with_capacity(misfits.len() + index.strays.len());
        for (row, reason) in misfits {
            let first = index.fields[row * self.columns];
            let last = index.fields[(row + 1) * self.columns - 1];
            let start = first.start() - usize::from(first.is_quoted());
            found.push((start, last.end() + usize::from(last.is_quoted()), reason));
        }
        for stray in &index.strays {
            let reason = match stray.why {
                Why::Fields(count) => format!("the row has {count} fields, not {}", self.columns),
                Why::AfterQuote => "text stands between a closing quote and the end of its field".to_owned(),
                Why::TooLong => {
                    format!("the line is {} bytes long, max_line is {}", stray.end - stray.start, self.options.max_line)
                }
            };
            let end = stray.end - usize::from(stray.end > stray.start && text[stray.end - 1] == b'\r');
            found.push((stray.start, end, reason));
        }
        found.sort_by_key(|(start, ..)| *start);
        let (mut line, mut counted) = (block.first_line, 0);
        found
            .into_iter()
            .map(|(start, end, reason)| {
                line += count_lines(&text[counted..start]);
                counted = start;
                Reject::new(line, &text[start..end], (end - start) as u64, reason)
            })
            .collect()
    }
}

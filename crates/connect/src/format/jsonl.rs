//! JSON lines: one object a line, in any key order; a key that is not there is null.
//!
//! The text of each value goes through the same typed parsing as CSV, so that `12.50` becomes an exact decimal and
//! never passes through a double. Strings take their escapes off; objects and lists keep their text in a `json` or
//! `string` column and become values in a `list<…>` or `struct<…>` one.
//!
//! Cost: as CSV, about a third of its speed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use lockgate_types::{Column, DataType, Diagnostic, Place};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::cells::{self, Cell, Cells, Misfits, Target};
use crate::codes;
use crate::csv::{Block, CsvOptions, Dialect, Fed, Feed, failed, skip_mark};
use crate::error::ConnectError;
use crate::infer::Guess;
use crate::input::{Input, LocalFile, Whole};
use crate::read::{Piece, Reader, Reject};
use crate::work::across;

fn open(file: &LocalFile, options: &CsvOptions) -> Result<Feed<Input>, ConnectError> {
    let input = Input::open(file, options.compression)?;
    let mut feed = Feed::new(input, Dialect::LINES, options.block_bytes, options.max_line);
    skip_mark(&mut feed)?;
    Ok(feed)
}

/// A file's text in blocks of whole lines, for several workers.
#[derive(Debug)]
struct Lines {
    name: String,
    max_line: usize,
    source: Mutex<(Option<Feed<Input>>, Option<Whole>)>,
}

impl Lines {
    fn open(file: &LocalFile, options: &CsvOptions) -> Result<Self, ConnectError> {
        let feed = open(file, options)?;
        Ok(Lines { name: file.name.clone(), max_line: options.max_line, source: Mutex::new((Some(feed), None)) })
    }

    fn take(&self, block: &mut Block) -> Result<Fed, ConnectError> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(feed) = &mut source.0 else { return Ok(Fed::End) };
        let fed = feed.next(block).map_err(|error| failed(feed, error))?;
        if fed == Fed::End {
            let whole = feed.input.finish()?;
            *source = (None, Some(whole));
        }
        Ok(fed)
    }

    /// A last line without its end that is no whole object was cut.
    fn check_end(&self, block: &Block, line: u64, text: &[u8], error: &serde_json::Error) -> Result<(), ConnectError> {
        let at_end = block.last && block.text().ends_with(text) && !text.is_empty();
        if at_end && error.is_eof() {
            let what = format!("its last line, {line}, ends inside an object");
            return Err(ConnectError::CutShort { file: self.name.clone(), line, what });
        }
        Ok(())
    }
}

/// Lines that hold something, with their numbers.
fn lines(block: &Block) -> impl Iterator<Item = (u64, &[u8])> {
    block
        .text()
        .split(|&byte| byte == b'\n')
        .zip(block.first_line..)
        .map(|(line, number)| (number, line.strip_suffix(b"\r").unwrap_or(line)))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
}

/// Calls `with` for each key and value of an object.
struct Each<F>(F);

impl<'de, F: FnMut(&str, &'de str) -> Result<(), String>> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let value = map.next_value::<&'de RawValue>()?;
            (self.0)(&key.0, value.get()).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

/// A key, borrowed when it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Key)
    }
}

fn object<'de>(
    line: &'de [u8],
    with: impl FnMut(&str, &'de str) -> Result<(), String>,
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    deserializer.deserialize_map(Each(with))?;
    deserializer.end()
}

/// The text of a JSON string without its quotes and escapes.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// The keys of a file with the types that hold their values, in the order of their first appearance.
pub(crate) fn survey(
    file: &LocalFile,
    options: &CsvOptions,
    threads: usize,
) -> Result<Vec<(String, Guess)>, ConnectError> {
    let input = Lines::open(file, options)?;
    let parts = across(threads, |_| {
        // A key's first line, its position in it, and its shapes.
        let mut seen: HashMap<String, (u64, usize, Guess)> = HashMap::new();
        let mut block = Block::default();
        loop {
            match input.take(&mut block)? {
                Fed::End => return Ok(seen),
                Fed::TooLong { .. } => continue,
                Fed::Records => {}
            }
            for (number, line) in lines(&block) {
                let mut position = 0;
                // A line that is no object is a reject when the file is read.
                let _ = object(line, |key, raw| {
                    if !seen.contains_key(key) {
                        seen.insert(key.to_owned(), (number, position, Guess::default()));
                    }
                    if let Some((first, at, guess)) = seen.get_mut(key) {
                        if number < *first {
                            (*first, *at) = (number, position);
                        }
                        look(raw, guess);
                    }
                    position += 1;
                    Ok(())
                });
            }
        }
    })?;
    let mut all: HashMap<String, (u64, usize, Guess)> = HashMap::new();
    for (key, (line, position, guess)) in parts.into_iter().flatten() {
        let entry = all.entry(key).or_insert((line, position, Guess::default()));
        (entry.0, entry.1) = (entry.0, entry.1).min((line, position));
        entry.2.join(guess);
    }
    let mut keys: Vec<_> = all.into_iter().collect();
    keys.sort_by(|a, b| (a.1.0, a.1.1, &a.0).cmp(&(b.1.0, b.1.1, &b.0)));
    Ok(keys.into_iter().map(|(key, (_, _, guess))| (key, guess)).collect())
}

fn look(raw: &str, guess: &mut Guess) {
    match raw.as_bytes() {
        [b'n', ..] => {}
        [b't' | b'f', ..] => guess.see_boolean(),
        [b'{' | b'[', ..] => guess.see_nested(),
        [b'"', ..] => guess.see_string(string(raw).unwrap_or_default().as_bytes()),
        _ => guess.see(raw.as_bytes()),
    }
}

/// A file of JSON lines being read.
#[derive(Debug)]
pub(crate) struct JsonLinesReader {
    lines: Lines,
    targets: Vec<Target>,
    /// The target of each key, by its exact name.
    by_key: HashMap<String, usize>,
    schema: SchemaRef,
    /// Keys without a target are refused.
    strict: bool,
    /// Which targets some row had a key for.
    seen: Vec<AtomicBool>,
}

impl JsonLinesReader {
    /// `names` are the file's keys; `targets` point into them. With `strict` any other key fails the file.
    pub(crate) fn open(
        file: &LocalFile,
        options: &CsvOptions,
        names: &[String],
        targets: Vec<Target>,
        schema: SchemaRef,
        strict: bool,
    ) -> Result<Self, ConnectError> {
        let lines = Lines::open(file, options)?;
        let mut by_key = HashMap::new();
        for (index, target) in targets.iter().enumerate() {
            if let Some(name) = target.from.and_then(|from| names.get(from)) {
                by_key.insert(name.clone(), index);
            }
        }
        let seen = targets.iter().map(|_| AtomicBool::new(false)).collect();
        // Cells stand in the order of the targets.
        let targets = targets
            .into_iter()
            .enumerate()
            .map(|(index, target)| Target { from: target.from.map(|_| index), ..target })
            .collect();
        Ok(JsonLinesReader { lines, targets, by_key, schema, strict, seen })
    }

    fn unknown_key(&self, key: &str, line: u64) -> ConnectError {
        let file = &self.lines.name;
        let mut place = Place::file(std::path::Path::new(file));
        place.line = u32::try_from(line).unwrap_or(u32::MAX);
        let message = format!("{file} has a new column `{key}`, first on line {line}");
        let hint = "add it to `columns`, or say `evolve: add`";
        ConnectError::Refused(Diagnostic::error(&codes::COLUMNS, message).at(place).hint(hint).into())
    }

    fn parse(&self, block: &Block) -> Result<Piece, ConnectError> {
        let mut cells = JsonCells { columns: self.targets.len(), cells: Vec::new(), rows: 0 };
        let mut rejects = Vec::new();
        // The line and text of each row.
        let mut sources = Vec::new();
        for (number, line) in lines(block) {
            let start = cells.cells.len();
            cells.cells.resize(start + self.targets.len(), None);
            let row = &mut cells.cells[start..];
            let mut unknown = None;
            let mut filled = vec![false; self.targets.len()];
            let result = object(line, |key, raw| {
                let Some(index) = self.find(key) else {
                    if self.strict {
                        unknown.get_or_insert_with(|| key.to_owned());
                    }
                    return Ok(());
                };
                if std::mem::replace(&mut filled[index], true) {
                    return Err(format!("the key `{key}` stands twice"));
                }
                self.seen[index].store(true, Ordering::Relaxed);
                row[index] = value(raw, &self.targets[index].column.data_type);
                Ok(())
            });
            if let Some(key) = unknown {
                return Err(self.unknown_key(&key, number));
            }
            match result {
                Ok(()) => {
                    cells.rows += 1;
                    sources.push((number, line));
                }
                Err(error) => {
                    self.lines.check_end(block, number, line, &error)?;
                    cells.cells.truncate(start);
                    let reason = format!("not one JSON object: {error}");
                    rejects.push(Reject::new(number, line, line.len() as u64, reason));
                }
            }
        }
        let mut misfits = Misfits::new();
        let batch = cells::batch(&cells, &self.targets, &self.schema, &mut misfits)?;
        for (row, reason) in misfits {
            let (number, line) = sources[row];
            rejects.push(Reject::new(number, line, line.len() as u64, reason));
        }
        Ok(Piece { batch, rejects })
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied().or_else(|| {
            let lower = key.to_lowercase();
            self.by_key.iter().find(|(name, _)| name.to_lowercase() == lower).map(|(_, index)| *index)
        })
    }

    /// Columns that no row of the file had, when there were rows; to be asked at the end.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let of = self.targets.iter().zip(&self.seen);
        of.filter(|(target, seen)| target.from.is_some() && !seen.load(Ordering::Relaxed))
            .map(|(target, _)| target.column.name.clone())
            .collect()
    }
}

impl Reader for JsonLinesReader {
    fn next(&self, _worker: usize) -> Result<Option<Piece>, ConnectError> {
        let mut block = Block::default();
        match self.lines.take(&mut block)? {
            Fed::End => Ok(None),
            Fed::Records => self.parse(&block).map(Some),
            Fed::TooLong { length } => {
                let reason = format!("the line is {length} bytes long, max_line is {}", self.lines.max_line);
                let rejects = vec![Reject::new(block.first_line, block.text(), length, reason)];
                Ok(Some(Piece { batch: RecordBatch::new_empty(self.schema.clone()), rejects }))
            }
        }
    }

    fn whole(&self) -> Result<Whole, ConnectError> {
        let source = self.lines.source.lock().unwrap_or_else(PoisonError::into_inner);
        source
            .1
            .clone()
            .ok_or_else(|| ConnectError::Broken { what: format!("{} was not read to its end", self.lines.name) })
    }

    fn lacking(&self) -> Vec<String> {
        if self.strict { self.unseen() } else { Vec::new() }
    }
}

/// A value's cell: what the typed parsers read.
fn value<'a>(raw: &'a str, kind: &DataType) -> Option<Cow<'a, str>> {
    match (raw.as_bytes(), kind) {
        ([b'n', ..], _) => None,
        (_, DataType::Json | DataType::List(_) | DataType::Struct(_)) => Some(Cow::Borrowed(raw)),
        ([b'"', ..], _) => string(raw),
        _ => Some(Cow::Borrowed(raw)),
    }
}

struct JsonCells<'a> {
    columns: usize,
    cells: Vec<Option<Cow<'a, str>>>,
    rows: usize,
}

impl Cells for JsonCells<'_> {
    fn rows(&self) -> usize {
        self.rows
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        match &self.cells[row * self.columns + column] {
            Some(text) => Cell::Text(text.as_bytes()),
            None => Cell::Null,
        }
    }

    fn unescape(&self, text: &[u8], into: &mut Vec<u8>) {
        into.extend_from_slice(text);
    }

    fn is_utf8(&self) -> bool {
        true
    }

    fn nested(&self, from: usize, column: &Column, misfits: &mut Misfits) -> Result<ArrayRef, ConnectError> {
        let mut fitting: Vec<Option<u32>> = vec![None; self.rows];
        let mut text = Vec::new();
        let mut next = 0u32;
        for (row, place) in fitting.iter_mut().enumerate() {
            match self.cell(row, from) {
                Cell::Null if column.required => {
                    misfits
                        .entry(row)
                        .or_insert_with(|| format!("column `{}`: null, but the column is required", column.name));
                }
                Cell::Null => {}
                Cell::Text(raw) | Cell::Escaped(raw) => match decode(column, raw, 1) {
                    Ok(_) => {
                        text.extend_from_slice(raw);
                        text.push(b'\n');
                        *place = Some(next);
                        next += 1;
                    }
                    Err(error) => {
                        misfits.entry(row).or_insert_with(|| format!("column `{}`: {error}", column.name));
                    }
                },
            }
        }
        let broken = |error: arrow::error::ArrowError| ConnectError::Broken {
            what: format!("column `{}`: {error}", column.name),
        };
        let values = decode(column, &text, next as usize).map_err(broken)?;
        take(&values, &UInt32Array::from(fitting), None).map_err(broken)
    }
}

/// So many JSON values as an array of a nested type.
fn decode(column: &Column, text: &[u8], values: usize) -> Result<ArrayRef, arrow::error::ArrowError> {
    let field = column.data_type.to_field(&column.name, true);
    // The decoder makes room for a whole batch at once.
    let mut decoder =
        arrow::json::ReaderBuilder::new_with_field(Arc::new(field)).with_batch_size(values.max(1)).build_decoder()?;
    let mut rest = text;
    while !rest.is_empty() {
        let count = decoder.decode(rest)?;
        if count == 0 {
            break;
        }
        rest = &rest[count..];
    }
    match decoder.flush()? {
        Some(batch) => Ok(batch.column(0).clone()),
        None => Ok(arrow::array::new_empty_array(&column.data_type.to_arrow())),
    }
}

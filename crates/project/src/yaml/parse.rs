//! From saphyr's events to nodes, and from its errors to sentences that say what to do.

use std::collections::HashMap;

use lockgate_types::{Diagnostic, Diagnostics};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::explain::SyntaxError;
use super::{Key, Map, Node, Span, Value, scalar};
use crate::{Source, codes};

/// Deeper nesting is refused, so that whoever walks a node may recurse.
const MAX_DEPTH: usize = 64;
/// Aliases may not blow a small file up to more values than this.
const MAX_NODES: usize = 100_000;

/// Parses `text`, which starts on line `first_line` of the source. A node comes back also when something is wrong
/// that the rest of the file can be read after, so that more can be found.
pub(crate) fn parse_text(source: &Source, text: &str, first_line: u32) -> (Option<Node>, Diagnostics) {
    let mut builder = Builder {
        source,
        lines: text.split('\n').collect(),
        first_line,
        frames: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        alias_nodes: 0,
        diagnostics: Diagnostics::default(),
    };
    if builder.run(text).is_err() {
        return (None, builder.diagnostics);
    }
    let empty = Node { value: Value::Null, span: Span { line: first_line, column: 1, length: 1 } };
    (Some(builder.root.unwrap_or(empty)), builder.diagnostics)
}

/// Something is wrong that the rest of the file cannot be read after; it is already in the diagnostics.
struct Stop;

/// A list or map that is not closed yet.
struct Frame {
    kind: FrameKind,
    span: Span,
    start: Marker,
    anchor: usize,
    /// Whether it is written with brackets.
    flow: bool,
    /// The deepest nesting below, for aliases to it.
    depth: usize,
}

enum FrameKind {
    List(Vec<Entry>),
    Map { entries: Vec<(Key, bool, Entry)>, key: Option<(Key, bool)> },
}

/// A value, and whether it is a plain scalar (without quotes).
struct Entry {
    node: Node,
    plain: bool,
}

struct Anchored {
    node: Node,
    depth: usize,
    size: usize,
}

struct Builder<'a> {
    source: &'a Source,
    lines: Vec<&'a str>,
    first_line: u32,
    frames: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    alias_nodes: usize,
    diagnostics: Diagnostics,
}

impl Builder<'_> {
    fn run(&mut self, text: &str) -> Result<(), Stop> {
        let mut parser = Parser::new_from_str(text);
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    self.scan_error(&error);
                    return Err(Stop);
                }
            };
            match event {
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        let at = self.span(span);
                        self.error(at, "a second document starts here")
                            .hint("one file holds one document: remove the `---`");
                        return Err(Stop);
                    }
                }
                Event::Alias(id) => self.alias(id, self.span(span))?,
                Event::Scalar(text, style, anchor, tag) => {
                    let at = self.span(span);
                    if let Some(tag) = tag {
                        self.tag(at, &tag);
                    }
                    let plain = style == ScalarStyle::Plain;
                    let value = if plain { scalar::plain(&text) } else { Value::String(text.into_owned()) };
                    self.value(Entry { node: Node { value, span: at }, plain }, anchor, 0)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    let at = self.span(span);
                    if let Some(tag) = tag {
                        self.tag(at, &tag);
                    }
                    self.open(FrameKind::List(Vec::new()), span.start, at, anchor)?;
                }
                Event::MappingStart(anchor, tag) => {
                    let at = self.span(span);
                    if let Some(tag) = tag {
                        self.tag(at, &tag);
                    }
                    self.open(FrameKind::Map { entries: Vec::new(), key: None }, span.start, at, anchor)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span.end)?,
            }
        }
        Ok(())
    }

    fn open(&mut self, kind: FrameKind, start: Marker, span: Span, anchor: usize) -> Result<(), Stop> {
        if self.frames.len() >= MAX_DEPTH {
            self.error(span, format!("lists and maps are nested more than {MAX_DEPTH} deep"));
            return Err(Stop);
        }
        if let Some(Frame { kind: FrameKind::Map { key: None, .. }, .. }) = self.frames.last() {
            self.error(span, "a list or a map cannot be a key")
                .hint("if this is meant as text, quote it: `\"{{ … }}\"`");
            return Err(Stop);
        }
        let flow = matches!(self.character(span), Some('[' | '{'));
        self.frames.push(Frame { kind, span, start, anchor, flow, depth: 0 });
        Ok(())
    }

    fn close(&mut self, end: Marker) -> Result<(), Stop> {
        // saphyr balances starts and ends.
        let Some(mut frame) = self.frames.pop() else { return Ok(()) };
        if frame.flow && end.line() == frame.start.line() {
            frame.span.length = to_u32(end.index().saturating_sub(frame.start.index())).max(1);
        }
        let value = match frame.kind {
            FrameKind::List(mut items) => {
                if frame.flow {
                    self.mend_list(&mut items);
                }
                Value::List(items.into_iter().map(|entry| entry.node).collect())
            }
            FrameKind::Map { mut entries, .. } => {
                if frame.flow {
                    self.mend_map(&mut entries);
                } else if let Some((key, ..)) = entries.first() {
                    frame.span = key.span;
                }
                let mut entries: Vec<(Key, Node)> =
                    entries.into_iter().map(|(key, _, entry)| (key, entry.node)).collect();
                self.drop_duplicates(&mut entries);
                Value::Map(Map { entries })
            }
        };
        let entry = Entry { node: Node { value, span: frame.span }, plain: false };
        self.value(entry, frame.anchor, frame.depth + 1)
    }

    /// Puts a finished value where it belongs.
    fn value(&mut self, entry: Entry, anchor: usize, depth: usize) -> Result<(), Stop> {
        if anchor > 0 {
            let size = size(&entry.node);
            self.anchors.insert(anchor, Anchored { node: entry.node.clone(), depth, size });
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(entry.node);
            return Ok(());
        };
        frame.depth = frame.depth.max(depth);
        match &mut frame.kind {
            FrameKind::List(items) => items.push(entry),
            FrameKind::Map { entries, key } => match key.take() {
                Some((key, plain)) => entries.push((key, plain, entry)),
                None => {
                    let span = entry.node.span;
                    let text = match entry.node.value {
                        Value::String(text) | Value::Number(text) => text,
                        Value::Bool(value) => value.to_string(),
                        Value::Null => {
                            self.error(span, "a key is missing before `:`");
                            return Err(Stop);
                        }
                        // `open` and `alias` let none through.
                        Value::List(_) | Value::Map(_) => return Err(Stop),
                    };
                    if text == "<<" {
                        self.error(span, "merge keys (`<<`) are not part of YAML 1.2")
                            .hint("repeat the keys, or put what assets share into `_defaults.yml`");
                        return Err(Stop);
                    }
                    *key = Some((Key { text, span }, entry.plain));
                }
            },
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&id) else {
            self.error(span, "this alias stands inside the value that it repeats");
            return Err(Stop);
        };
        let (depth, size) = (anchored.depth, anchored.size);
        let is_key = matches!(self.frames.last(), Some(Frame { kind: FrameKind::Map { key: None, .. }, .. }));
        if is_key && depth > 0 {
            self.error(span, "a list or a map cannot be a key");
            return Err(Stop);
        }
        self.alias_nodes += size;
        if self.alias_nodes > MAX_NODES {
            self.error(span, format!("aliases repeat more than {MAX_NODES} values"));
            return Err(Stop);
        }
        if self.frames.len() + depth > MAX_DEPTH {
            self.error(span, format!("lists and maps are nested more than {MAX_DEPTH} deep"));
            return Err(Stop);
        }
        let node = Node { value: anchored.node.value.clone(), span };
        self.value(Entry { node, plain: false }, 0, depth)
    }

    fn tag(&mut self, span: Span, tag: &Tag) {
        let text = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
        self.error(span, format!("the tag `{text}` is not understood"))
            .hint("remove it; a text that looks like a number stays text in quotes");
    }

    /// `[rows, round(x,2)]`: the comma cut a call in two.
    fn mend_list(&mut self, items: &mut Vec<Entry>) {
        let mut index = 0;
        while index < items.len() {
            let texts = items[index..].iter().map(|item| plain_text(&item.node, item.plain));
            if let Some((count, joined)) = cut_by_commas(texts) {
                let last = items[index + count - 1].node.span;
                let span = self.cut(items[index].node.span, last, &joined);
                items[index] = Entry { node: Node { value: Value::String(joined), span }, plain: false };
                items.drain(index + 1..index + count);
            }
            index += 1;
        }
    }

    /// `{ type: decimal(15,2) }`: the comma cut a type in two, and its second half became a key.
    fn mend_map(&mut self, entries: &mut Vec<(Key, bool, Entry)>) {
        let mut index = 0;
        while index < entries.len() {
            let first = &entries[index].2;
            let rest = entries[index + 1..].iter().map(|(key, plain, entry)| {
                (*plain && matches!(entry.node.value, Value::Null)).then_some(key.text.as_str())
            });
            if let Some((count, joined)) =
                cut_by_commas(std::iter::once(plain_text(&first.node, first.plain)).chain(rest))
            {
                let last = entries[index + count - 1].0.span;
                let span = self.cut(first.node.span, last, &joined);
                entries[index].2 = Entry { node: Node { value: Value::String(joined), span }, plain: false };
                entries.drain(index + 1..index + count);
            }
            index += 1;
        }
    }

    fn cut(&mut self, first: Span, last: Span, joined: &str) -> Span {
        let mut span = first;
        if first.line == last.line {
            span.length = (last.column + last.length).saturating_sub(first.column).max(1);
        }
        let diagnostic = Diagnostic::error(
            &codes::CUT_BY_COMMA,
            format!("the comma cuts `{joined}` in two: inside `{{ }}` and `[ ]` it divides entries"),
        );
        self.diagnostics.push(diagnostic.at(self.source.place(span)).hint(format!("quote it: \"{joined}\"")));
        span
    }

    /// Reports keys that stand twice and keeps the first.
    fn drop_duplicates(&mut self, entries: &mut Vec<(Key, Node)>) {
        // Nearly all maps are small and right: they are spared the sort.
        let is_before = |index: usize, text: &str| entries[..index].iter().any(|(key, _)| key.text == text);
        let is_small = entries.len() <= 16;
        if is_small && !entries.iter().enumerate().any(|(index, (key, _))| is_before(index, &key.text)) {
            return;
        }
        let mut order: Vec<usize> = (0..entries.len()).collect();
        // The sort is stable: of equal keys the first in the file stays first.
        order.sort_by(|a, b| entries[*a].0.text.cmp(&entries[*b].0.text));
        let mut twice: Vec<(usize, u32)> = Vec::new();
        let mut first: Option<usize> = None;
        for index in order {
            match first {
                Some(earlier) if entries[earlier].0.text == entries[index].0.text => {
                    twice.push((index, entries[earlier].0.span.line));
                }
                _ => first = Some(index),
            }
        }
        twice.sort_unstable();
        for (index, line) in &twice {
            let key = &entries[*index].0;
            let message = format!("the key `{}` stands twice, first on line {line}", key.text);
            let place = self.source.place(key.span);
            self.diagnostics.push(Diagnostic::error(&codes::DUPLICATE_KEY, message).at(place).hint("remove one"));
        }
        for (index, _) in twice.into_iter().rev() {
            entries.remove(index);
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) -> Hinted<'_> {
        let diagnostic = Diagnostic::error(&codes::INVALID_YAML, message).at(self.source.place(span));
        self.diagnostics.0.push(diagnostic);
        Hinted(&mut self.diagnostics)
    }

    /// The span in the file. What goes over several lines is cut at the end of its first.
    fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = span.start;
        let length = if start.line() == span.end.line() {
            span.end.index().saturating_sub(start.index())
        } else {
            self.line(start.line()).trim_end().chars().count().saturating_sub(start.col())
        };
        Span { length: to_u32(length).max(1), ..self.point(start) }
    }

    fn point(&self, marker: Marker) -> Span {
        let line = to_u32(marker.line()).saturating_add(self.first_line).saturating_sub(1);
        Span { line, column: to_u32(marker.col()).saturating_add(1), length: 1 }
    }

    fn line(&self, line: usize) -> &str {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or("")
    }

    fn character(&self, span: Span) -> Option<char> {
        let line = self.line(span.line.saturating_sub(self.first_line) as usize + 1);
        line.chars().nth(span.column.saturating_sub(1) as usize)
    }

    fn scan_error(&mut self, error: &ScanError) {
        let open =
            self.frames.iter().rev().find(|frame| frame.flow).map(|frame| (frame.start.line(), frame.start.col()));
        let (line, column) = (error.marker().line(), error.marker().col());
        let explained = SyntaxError { info: error.info(), lines: &self.lines, line, column, open }.explain();
        let span = Span {
            line: to_u32(explained.line).saturating_add(self.first_line).saturating_sub(1),
            column: to_u32(explained.column).saturating_add(1),
            length: to_u32(explained.length).max(1),
        };
        let mut diagnostic = Diagnostic::error(explained.code, explained.message).at(self.source.place(span));
        diagnostic.hint = explained.hint;
        self.diagnostics.push(diagnostic);
    }
}

/// The diagnostic just added, for its hint.
struct Hinted<'a>(&'a mut Diagnostics);

impl Hinted<'_> {
    fn hint(self, hint: &str) {
        if let Some(last) = self.0.0.last_mut() {
            last.hint = Some(hint.to_owned());
        }
    }
}

fn plain_text(node: &Node, plain: bool) -> Option<&str> {
    match &node.value {
        Value::String(text) | Value::Number(text) if plain => Some(text),
        _ => None,
    }
}

/// How many of the texts belong together because the first opens a bracket of a call or a type that a later one
/// closes, and what they were before commas cut them.
fn cut_by_commas<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Option<(usize, String)> {
    let mut texts = texts.into_iter();
    let first = texts.next()??;
    if open_brackets(first) <= 0 {
        return None;
    }
    let mut joined = first.to_owned();
    let mut count = 1;
    for text in texts {
        let text = text?;
        joined.push(',');
        joined.push_str(text);
        count += 1;
        if open_brackets(&joined) <= 0 {
            return Some((count, joined));
        }
    }
    None
}

/// Opened minus closed: `(` anywhere, `<` only right behind a word, as in `list<`.
fn open_brackets(text: &str) -> i32 {
    let mut open = 0;
    let mut angles = 0;
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            '<' if before.is_ascii_alphanumeric() => angles += 1,
            '>' if angles > 0 => angles -= 1,
            _ => {}
        }
        before = c;
    }
    open + angles
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(map) => 1 + map.entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

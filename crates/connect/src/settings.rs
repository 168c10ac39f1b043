//! The keys of a source's file, and what they say.

mod keys;

use lockgate_project::yaml::{Node, Span, Value};
use lockgate_project::{AssetFile, Fields};
use lockgate_types::{Column, Diagnostics, Threshold};

use crate::codes;
use crate::csv::{CsvOptions, Dialect, MAX_LINE};
use crate::format::{Format, TextOptions};
use crate::input::Compression;

pub(crate) use keys::KEYS;

/// What to do with columns that are new or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evolve {
    Freeze,
    Add,
    Any,
}

impl Evolve {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Evolve::Freeze => "freeze",
            Evolve::Add => "add",
            Evolve::Any => "any",
        }
    }
}

/// A source as its file says it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// As written.
    pub(crate) paths: Vec<String>,
    pub(crate) path_span: Span,
    /// `None`: by the extension.
    pub(crate) format: Option<Format>,
    /// `None`: by the extension.
    pub(crate) compression: Option<Compression>,
    pub(crate) text: TextOptions,
    pub(crate) evolve: Evolve,
    pub(crate) rejects: Option<Threshold>,
    /// The contract; empty when there is none.
    pub(crate) contract: Vec<Column>,
    /// Whether `delimiter` was said: `.tsv` has another default.
    pub(crate) delimiter_said: bool,
}

/// Reads what is beyond the envelope; everything wrong goes to `diagnostics`.
pub(crate) fn read(file: &AssetFile, diagnostics: &mut Diagnostics) -> Settings {
    let contract: Vec<Column> = file.columns.iter().flatten().map(|column| column.column.clone()).collect();
    let mut settings = Settings {
        paths: Vec::new(),
        path_span: file.kind_span,
        format: None,
        compression: None,
        text: TextOptions::default(),
        evolve: if contract.is_empty() { Evolve::Add } else { Evolve::Freeze },
        rejects: None,
        contract,
        delimiter_said: false,
    };
    let mut fields = file.fields(KEYS, diagnostics);
    match fields.choice("evolve", &["freeze", "add", "any"]) {
        Some("freeze") => settings.evolve = Evolve::Freeze,
        Some("add") => settings.evolve = Evolve::Add,
        Some("any") => settings.evolve = Evolve::Any,
        _ => {}
    }
    settings.rejects = rejects(&mut fields);
    if fields.required("read", file.kind_span).is_some()
        && let Some(mut inner) = fields.inside("read")
    {
        read_map(&mut inner, &mut settings, file.kind_span);
        inner.finish();
    }
    fields.finish();
    settings
}

fn rejects(fields: &mut Fields<'_>) -> Option<Threshold> {
    let node = fields.node("rejects")?;
    let read = node.scalar_text().ok_or_else(String::new).and_then(|text| Threshold::parse(&text));
    if read.is_err() {
        let message = format!("`rejects` is {}, not a limit on rows", described(node));
        let diagnostic = fields.error(node.span, &codes::SETTING, message);
        diagnostic.expected = Some("a number of rows, or a share such as \"0.1%\"".to_owned());
    }
    read.ok()
}

/// A value for a message: its text, or what it is.
fn described(node: &Node) -> String {
    node.scalar_text().map_or_else(|| node.describe().to_owned(), |text| format!("`{text}`"))
}

fn read_map(fields: &mut Fields<'_>, settings: &mut Settings, parent: Span) {
    let span = fields.map().entries.first().map_or(parent, |(key, _)| key.span);
    settings.path_span = span;
    // A connection is not built yet; saying that a path is missing as well would only confuse.
    let elsewhere = fields.map().get("connection").is_some();
    if elsewhere || fields.required("path", span).is_some() {
        settings.paths = fields.strings("path").unwrap_or_default();
    }
    if let Some(node) = fields.node("path") {
        settings.path_span = node.span;
        if !elsewhere && matches!(node.value, Value::List(ref items) if items.is_empty()) {
            fields.error(node.span, &codes::SETTING, "`path` is an empty list: nothing would be read");
        }
    }
    if let Some(word) = fields.choice("format", &["csv", "jsonl", "parquet", "arrow", "avro"]) {
        settings.format = Format::by_word(word);
    }
    settings.compression = match fields.choice("compression", &["none", "gzip", "zstd"]) {
        Some("none") => Some(Compression::None),
        Some("gzip") => Some(Compression::Gzip),
        Some("zstd") => Some(Compression::Zstd),
        _ => None,
    };
    let csv = &mut settings.text.csv;
    let default = Dialect { ..csv.dialect };
    if let Some(byte) = character(fields, "delimiter", false) {
        csv.dialect.delimiter = byte.unwrap_or(default.delimiter);
        settings.delimiter_said = true;
    }
    csv.dialect.quote = character(fields, "quote", true).unwrap_or(default.quote);
    csv.dialect.escape = character(fields, "escape", true).unwrap_or(default.escape);
    if let Some(header) = fields.boolean("header") {
        csv.header = header;
    }
    if let Some(nulls) = fields.strings("nulls") {
        csv.nulls = nulls;
    }
    if let Some(node) = fields.node("max_line") {
        match node.scalar_text().as_deref().and_then(bytes) {
            Some(size @ 1..=MAX_MAX_LINE) => csv.max_line = size,
            _ => {
                let message = format!("`max_line` is {}, not a size from 1 byte to 256MB", described(node));
                let diagnostic = fields.error(node.span, &codes::SETTING, message);
                diagnostic.expected = Some("a size such as 16MB".to_owned());
            }
        }
    }
    let dialect = csv.dialect;
    let clash = dialect.quote == Some(dialect.delimiter) || dialect.escape == Some(dialect.delimiter);
    if clash {
        fields.error(span, &codes::SETTING, "`delimiter` is the same character as `quote` or `escape`");
    }
}

/// Pieces of a file have 30-bit positions, and a block may be twice as long as a line.
const MAX_MAX_LINE: usize = 256_000_000;

/// A one-character setting; `Some(None)` for `none` where that is allowed.
#[allow(clippy::option_option)]
fn character(fields: &mut Fields<'_>, key: &'static str, optional: bool) -> Option<Option<u8>> {
    let node = fields.node(key)?;
    let text = node.scalar_text().unwrap_or_default();
    if optional && text == "none" {
        return Some(None);
    }
    match text.as_bytes() {
        [byte @ (b'\t' | b' '..=b'~')] => Some(Some(*byte)),
        b"\\t" => Some(Some(b'\t')),
        _ => {
            let message = format!("`{key}` is {}, not one ASCII character", described(node));
            let diagnostic = fields.error(node.span, &codes::SETTING, message);
            diagnostic.expected =
                Some(if optional { "one ASCII character, or none" } else { "one ASCII character" }.to_owned());
            None
        }
    }
}

/// `16MB`, `64 KiB`, `1000`.
fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

impl Settings {
    /// The options for one file: its extension fills in what was not said.
    pub(crate) fn csv_for(&self, name: &str) -> CsvOptions {
        let mut options = self.text.csv.clone();
        options.compression = self.compression.unwrap_or_else(|| Format::compression_of(name));
        if !self.delimiter_said && Format::extension(name) == "tsv" {
            options.dialect.delimiter = b'\t';
        }
        options
    }

    /// What shapes the result, for the fingerprint. Paths are shown without their secrets.
    pub(crate) fn code(&self) -> serde_json::Value {
        let csv = &self.text.csv;
        let character = |byte: Option<u8>| byte.map(|byte| char::from(byte).to_string());
        let compression = self.compression.map(|compression| match compression {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        });
        serde_json::json!({
            "path": self.paths.iter().map(|path| crate::locate::shown(path)).collect::<Vec<_>>(),
            "format": self.format.map(Format::word),
            "compression": compression,
            "delimiter": self.delimiter_said.then(|| character(Some(csv.dialect.delimiter))),
            "quote": character(csv.dialect.quote),
            "escape": character(csv.dialect.escape),
            "header": csv.header,
            "nulls": csv.nulls,
            "max_line": (csv.max_line != MAX_LINE).then_some(csv.max_line),
        })
    }
}

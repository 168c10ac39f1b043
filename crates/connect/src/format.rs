//! The formats of files, by word and by extension.

pub(crate) mod avro;
pub(crate) mod ipc;
pub(crate) mod jsonl;
pub(crate) mod parquet;
pub(crate) mod sequence;
pub(crate) mod typed;

use lockgate_types::{Diagnostic, Place};

use crate::codes;
use crate::csv::CsvOptions;
use crate::error::ConnectError;
use crate::input::Compression;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    JsonLines,
    Parquet,
    Arrow,
    Avro,
}

/// What the text formats can be told; JSON lines take compression and line length from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TextOptions {
    pub(crate) csv: CsvOptions,
}

impl Format {
    pub(crate) fn by_word(word: &str) -> Option<Self> {
        Some(match word {
            "csv" => Format::Csv,
            "jsonl" => Format::JsonLines,
            "parquet" => Format::Parquet,
            "arrow" => Format::Arrow,
            "avro" => Format::Avro,
            _ => return None,
        })
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::JsonLines => "jsonl",
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
            Format::Avro => "avro",
        }
    }

    /// The extension that tells the format, in lower case: `a.CSV.gz` has `csv`. Empty when there is none.
    pub(crate) fn extension(name: &str) -> String {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let name = name.split(['?', '#']).next().unwrap_or(name).to_ascii_lowercase();
        let name = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
        name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_owned())
    }

    pub(crate) fn compression_of(name: &str) -> Compression {
        let name = name.split(['?', '#']).next().unwrap_or(name).to_ascii_lowercase();
        if name.ends_with(".gz") {
            Compression::Gzip
        } else if name.ends_with(".zst") {
            Compression::Zstd
        } else {
            Compression::None
        }
    }

    fn by_extension(name: &str) -> Option<Self> {
        Some(match Format::extension(name).as_str() {
            "csv" | "tsv" => Format::Csv,
            "json" | "jsonl" | "ndjson" => Format::JsonLines,
            "parquet" => Format::Parquet,
            "arrow" | "feather" | "ipc" | "arrows" => Format::Arrow,
            "avro" => Format::Avro,
            _ => return None,
        })
    }

    /// The one format of all files.
    pub(crate) fn of_all<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, ConnectError> {
        let refused = |name: &str, message: String, hint: &str| {
            let place = Place::file(std::path::Path::new(name));
            ConnectError::Refused(Diagnostic::error(&codes::FORMAT, message).at(place).hint(hint).into())
        };
        let mut first: Option<(Format, &str)> = None;
        for name in names {
            let Some(format) = Format::by_extension(name) else {
                let message = format!("the name of {name} does not tell its format");
                return Err(refused(name, message, "say `format: csv` (or jsonl, parquet, arrow, avro) in `read`"));
            };
            match first {
                Some((other, file)) if other != format => {
                    let message = format!("{file} is {}, but {name} is {}", other.word(), format.word());
                    return Err(refused(name, message, "make a source for each format, or say `format:` in `read`"));
                }
                Some(_) => {}
                None => first = Some((format, name)),
            }
        }
        Ok(first.map_or(Format::Csv, |(format, _)| format))
    }
}

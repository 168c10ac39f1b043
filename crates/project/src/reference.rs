//! The reference of the files and their JSON schemas, generated from the tables of keys.

mod schema;

use std::fmt::Write;

use crate::{CHECK_KEYS, DEFAULTS_KEYS, ENVELOPE_KEYS, KeyDoc, PROJECT_KEYS, known};

pub use schema::{asset_schema, defaults_schema, known_schema, project_schema};

/// A kind of asset, for the reference.
#[derive(Clone, Copy, Debug)]
pub struct KindDoc {
    pub kind: &'static str,
    /// Markdown.
    pub text: &'static str,
    pub keys: &'static [KeyDoc],
}

/// A kind of check, for the JSON schema.
#[derive(Clone, Copy, Debug)]
pub struct CheckDoc {
    pub kind: &'static str,
    /// One sentence of markdown.
    pub text: &'static str,
    /// What its body is, in the words of [`KeyDoc::kind`].
    pub body: &'static str,
}

/// Words of [`KeyDoc::kind`] that are types; any other word stands for itself.
const TYPES: &[&str] = &["string", "list of strings", "boolean", "integer", "number", "map", "list", "anything"];

fn is_type(word: &str) -> bool {
    TYPES.contains(&word)
}

/// Every key of every file, as markdown.
pub fn config_markdown(kinds: &[KindDoc]) -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Files are YAML 1.2: `yes`, `no`, `on` and `off` are text, keys stand once, unknown keys are errors. `${NAME}` in a \
         value is a variable of the environment, `${file:path}` a file's content, `$${` the text itself.\n",
    );
    section(&mut text, "lockgate.yml", "", PROJECT_KEYS);
    section(
        &mut text,
        "Asset files",
        "`assets/SCHEMA/TABLE.yml`, or the block between `/*` and `*/` at the head of `TABLE.sql`, or `TABLE.yml` beside it.",
        ENVELOPE_KEYS,
    );
    for kind in kinds {
        section(&mut text, &format!("`kind: {}`", kind.kind), kind.text, kind.keys);
    }
    section(
        &mut text,
        "Checks",
        "Each entry of `checks` has its kind as a key, and any of these beside it.",
        CHECK_KEYS,
    );
    section(
        &mut text,
        "_defaults.yml",
        "For everything in its folder and below; the nearest one counts.",
        DEFAULTS_KEYS,
    );
    section(
        &mut text,
        known::FILE,
        "Written by `lockgate baseline`, edited by people, kept in git.",
        known::KNOWN_KEYS,
    );
    text
}

fn section(text: &mut String, title: &str, intro: &str, keys: &[KeyDoc]) {
    // Writing to a string does not fail.
    let _ = write!(text, "\n## {title}\n\n");
    if !intro.is_empty() {
        let _ = write!(text, "{intro}\n\n");
    }
    if keys.is_empty() {
        text.push_str("No keys of its own.\n");
        return;
    }
    text.push_str("| key | value | default | what it is |\n| --- | --- | --- | --- |\n");
    for doc in keys {
        let default = if is_word(doc.default) { format!("`{}`", doc.default) } else { doc.default.to_owned() };
        let _ = writeln!(text, "| `{}` | {} | {} | {} |", doc.key, alternatives(doc), cell(&default), cell(doc.text));
    }
}

/// Whether a default is a value and not prose.
fn is_word(default: &str) -> bool {
    !default.is_empty() && !default.contains([' ', '`', '\'']) || default.starts_with('>')
}

fn alternatives(doc: &KeyDoc) -> String {
    if doc.kind == KeyDoc::NOT_BUILT {
        return "*not built yet*".to_owned();
    }
    let words: Vec<String> =
        doc.kind.split(" | ").map(|word| if is_type(word) { word.to_owned() } else { format!("`{word}`") }).collect();
    words.join(" or ")
}

/// A cell of a table: one line, with the table's own sign escaped.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

//! The reference of the files and their JSON schemas, generated from the tables of keys.

mod schema;

use std::fmt::Write;

use crate::{CHECK_KEYS, DEFAULTS_KEYS, ENVELOPE_KEYS, KeyDoc, PROJECT_KEYS, known, unit_test};

pub use schema::{asset_schema, defaults_schema, known_schema, project_schema, test_schema};

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
    section(&mut text, "Unit tests", UNIT_TESTS, unit_test::TEST_KEYS);
    text
}

const UNIT_TESTS: &str = r#"A unit test gives a SQL transform rows and says which rows come out. It needs no data, no store and no run:
`lockgate test` builds the asset over the rows that are given, in memory, and compares. Checks guard every version of the
real data; unit tests guard the SQL, for the cases that the data does not have yet.

`tests/mart.daily_peak.yml` tests `mart.daily_peak`, and so does `tests/mart.daily_peak.dst.yml`: what follows the asset's
name is free.

```yaml
description: The highest load per region and day.
given:
  raw.load:
    - { ts: 2013-01-01T00:00:00, region: north, load_mw: 10.5 }
    - { ts: 2013-01-01T13:00:00, region: north, load_mw: 12 }
expect:
  - { day: 2013-01-01, region: north, peak_mw: 12 }
```

Name only the columns that matter: those left out of `given` are null, those left out of `expect` are not compared. Rows
are compared as a bag, in any order. Several tests in one file have names:

```yaml
tests:
  no_load:
    expect: []
  nulls_do_not_count:
    given: { raw.load: [ { ts: 2013-01-01T00:00:00, region: north } ] }
    expect: [ { region: north, peak_mw: null } ]
```

`lockgate test --record mart.daily_peak` writes the first test from a few real rows; read it before you keep it, for it
says what the SQL does, not what it should. Personal data (`pii: true`, also where it only comes from such a column) is
replaced by invented values, and secrets by `***`. Only `lockgate test` reads these files. `${…}` in them is text."#;

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

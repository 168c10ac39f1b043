//! `tests/NAME.yml`: unit tests of an asset, given rows and expected rows.
//!
//! The values in rows stay [`Node`]s here: what they mean depends on the columns' types, which only a planned project
//! knows. Only `lockgate test` reads these files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Diagnostic, Diagnostics, NameError, Place};

use crate::yaml::{self, Key, Map, Node, Span, Value};
use crate::{Fields, KeyDoc, Project, Source, Var, codes, folder, settings};

/// The folder in the project.
pub const FOLDER: &str = "tests";

/// The keys of a file of unit tests. Those of a test stand at the top, or under a name of `tests`.
pub const TEST_KEYS: &[KeyDoc] = &[
    KeyDoc { key: "description", kind: "string", default: "", text: "What the test shows." },
    KeyDoc {
        key: "given",
        kind: "map",
        default: "",
        text: "The rows of the inputs, by their names. An input that is not given is an empty table; one that is \
               `load: inline` is evaluated over its own inputs, unless its rows are given.",
    },
    KeyDoc { key: "given.*", kind: "list", default: "", text: "The rows of one input; `[]` for none." },
    KeyDoc {
        key: "given.*.*",
        kind: "map",
        default: "",
        text: "One row: columns and their values. A column that is left out is null.",
    },
    KeyDoc {
        key: "given.*.*.*",
        kind: "anything",
        default: "null",
        text: "A value of the column's type. Numbers are exact (`10.50`). Dates and timestamps are text: `2013-01-01`, \
               `2013-01-01T06:30:00`; a `timestamptz` may say an offset (`Z`, `+01:00`). `binary` is `0x` and \
               hexadecimal digits. `json` is text that is JSON, or a map or a list. A `list` is a list, a `struct` a map.",
    },
    KeyDoc {
        key: "vars",
        kind: "map",
        default: "the project's",
        text: "Other values for some of the project's `vars`, of the same type.",
    },
    KeyDoc { key: "vars.*", kind: "string | number | boolean", default: "", text: "The value in this test." },
    KeyDoc {
        key: "run_at",
        kind: "string",
        default: "2000-01-01T00:00:00Z",
        text: "The logical time: what `$run_at` and `now()` say. It never is the time of day, so that a test that passes \
               today passes tomorrow.",
    },
    KeyDoc {
        key: "expect",
        kind: "list",
        default: "",
        text: "The rows that come out; `[]` for none. Only columns that some row names are compared. Doubles are \
               compared to 12 significant digits, `json` by what it says.",
    },
    KeyDoc {
        key: "expect.*",
        kind: "map",
        default: "",
        text: "One row, written as those of `given`. A column that it leaves out and another row names is null.",
    },
    KeyDoc { key: "expect.*.*", kind: "anything", default: "null", text: "A value of the column's type." },
    KeyDoc { key: "ordered", kind: "boolean", default: "false", text: "Whether the order of the rows counts." },
    KeyDoc {
        key: "tests",
        kind: "map",
        default: "",
        text: "Several tests in one file, by their names, in place of the keys above (`description` may stand beside it).",
    },
    KeyDoc { key: "tests.*", kind: "map", default: "", text: "One test, with the keys above." },
];

/// A file of unit tests, found and not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Relative to the project.
    pub file: PathBuf,
    /// The file's name without `.yml`: the asset's name, or that and `.anything`.
    pub stem: String,
    pub asset: AssetName,
}

/// A file of unit tests.
#[derive(Debug)]
pub struct TestFile {
    pub stem: String,
    pub asset: AssetName,
    /// Of a file with several tests.
    pub description: Option<String>,
    /// In the order of the file.
    pub tests: Vec<UnitTest>,
    pub source: Arc<Source>,
}

/// One unit test.
#[derive(Debug)]
pub struct UnitTest {
    /// `None` when the file is this one test.
    pub name: Option<String>,
    /// Of its name, or of the file's first key.
    pub span: Span,
    pub description: Option<String>,
    pub given: Vec<Given>,
    /// Those that it sets.
    pub vars: BTreeMap<String, Var>,
    pub run_at: Option<DateTime<Utc>>,
    pub expect: Vec<Row>,
    pub ordered: bool,
}

/// The rows of one input.
#[derive(Debug)]
pub struct Given {
    /// As it is written; perhaps no asset's name.
    pub input: Key,
    pub rows: Vec<Row>,
}

/// A row as it is written.
#[derive(Debug)]
pub struct Row {
    pub span: Span,
    pub cells: Map,
}

/// The asset that a file of this stem tests: its first two parts.
///
/// # Errors
/// When they are no asset's name.
pub fn asset_of(stem: &str) -> Result<AssetName, NameError> {
    let mut parts = stem.splitn(3, '.');
    match (parts.next(), parts.next()) {
        (Some(schema), Some(table)) => AssetName::new(schema, table),
        _ => Err(NameError::Parts(stem.to_owned(), 1)),
    }
}

/// The files of unit tests, by their names. Those that test no asset of the project are reported and left out.
pub fn find(project: &Project, diagnostics: &mut Diagnostics) -> Vec<FoundFile> {
    let mut found = Vec::new();
    for file in folder::tests(&project.root, diagnostics) {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match asset_of(&stem) {
            Ok(asset) if project.assets.contains_key(&asset) => found.push(FoundFile { file, stem, asset }),
            Ok(asset) if project.broken.contains(&asset) => {}
            Ok(asset) => diagnostics.push(no_asset(project, &file, &stem, &asset)),
            Err(error) => {
                let error = Diagnostic::error(&codes::UNIT_TEST, error.to_string()).at(Place::file(&file));
                let expected =
                    "the name of the asset that it tests: tests/SCHEMA.TABLE.yml, tests/SCHEMA.TABLE.anything.yml";
                diagnostics.push(error.expected(expected));
            }
        }
    }
    found.sort_by(|a, b| a.stem.cmp(&b.stem));
    found
}

fn no_asset(project: &Project, file: &Path, stem: &str, asset: &AssetName) -> Diagnostic {
    let message = format!("there is no asset `{asset}` to test");
    let error = Diagnostic::error(&codes::UNIT_TEST, message).at(Place::file(file));
    let names: Vec<String> = project.assets.keys().map(ToString::to_string).collect();
    match did_you_mean(&asset.to_string(), names.iter().map(String::as_str)) {
        Some(near) => {
            let rest = stem.strip_prefix(&asset.to_string()).unwrap_or_default();
            error.hint(format!("rename the file to {FOLDER}/{near}{rest}.yml"))
        }
        None => error.hint("the file's name begins with the asset's"),
    }
}

/// Reads a file that was found. `None` when nothing in it can be used; everything wrong is reported.
pub fn read(project: &Project, found: &FoundFile, diagnostics: &mut Diagnostics) -> Option<TestFile> {
    let source = folder::read(&project.root, &found.file, diagnostics)?;
    read_source(project, found, source, diagnostics)
}

/// Reads the text of a file, which need not be on disk.
pub fn read_source(
    project: &Project,
    found: &FoundFile,
    source: Source,
    diagnostics: &mut Diagnostics,
) -> Option<TestFile> {
    let source = Arc::new(source);
    let map = yaml::settings(&source, &source.text, 1, "unit tests", diagnostics)?;
    let start = map.entries.first().map_or(Span { line: 1, column: 1, length: 1 }, |(key, _)| key.span);
    let reader = Reader { source: &source, vars: &project.vars };
    let (description, tests) = if map.key("tests").is_some() {
        reader.several(&map, diagnostics)
    } else {
        (None, reader.body(&map, None, start, diagnostics).into_iter().collect())
    };
    if tests.is_empty() {
        return None;
    }
    let FoundFile { stem, asset, .. } = found.clone();
    Some(TestFile { stem, asset, description, tests, source })
}

struct Reader<'a> {
    source: &'a Source,
    /// The project's.
    vars: &'a BTreeMap<String, Var>,
}

impl Reader<'_> {
    /// A file with `tests`.
    fn several(&self, map: &Map, diagnostics: &mut Diagnostics) -> (Option<String>, Vec<UnitTest>) {
        let mut fields = Fields::new(map, self.source, TEST_KEYS, diagnostics);
        let description = fields.string("description");
        for key in ["given", "vars", "run_at", "expect", "ordered"] {
            if fields.node(key).is_some()
                && let Some(key) = map.key(key)
            {
                let message = format!("`{}` stands beside `tests`", key.text);
                fields.error(key.span, &codes::UNIT_TEST, message).hint =
                    Some("a file is one test or has several under `tests`: move it into one of them".to_owned());
            }
        }
        let mut tests = Vec::new();
        let expected = "a map of names to tests, each with `given` and `expect`";
        match fields.node("tests") {
            Some(Node { value: Value::Map(named), .. }) if !named.is_empty() => {
                for (key, node) in &named.entries {
                    match &node.value {
                        Value::Map(body) => {
                            tests.extend(self.body(body, Some(key), key.span, fields.diagnostics()));
                        }
                        _ => {
                            fields.wrong_type(&key.text, node, "a test: a map with `given` and `expect`");
                        }
                    }
                }
            }
            Some(node) => {
                let error = fields.wrong_type("tests", node, expected);
                if let Value::Map(_) = &node.value {
                    error.message = "there is no test under `tests`".to_owned();
                }
            }
            None => {}
        }
        fields.finish();
        (description, tests)
    }

    /// One test.
    fn body(&self, map: &Map, name: Option<&Key>, span: Span, diagnostics: &mut Diagnostics) -> Option<UnitTest> {
        let mut fields = Fields::new(map, self.source, TEST_KEYS, diagnostics);
        let description = fields.string("description");
        let given = given(&mut fields);
        let names: Vec<&str> = self.vars.keys().map(String::as_str).collect();
        let vars = fields.inside("vars").map(|inner| settings::overrides(inner, &names, self.vars, true));
        let run_at = fields.node("run_at").and_then(|node| run_at(&mut fields, node));
        let expect = fields.node("expect");
        if expect.is_none() {
            fields.missing("expect", span).expected = Some("the rows that come out, `[]` for none".to_owned());
        }
        let expect = expect.and_then(|node| rows(&mut fields, "expect", node));
        let ordered = fields.boolean("ordered").unwrap_or(false);
        if fields.node("tests").is_some()
            && let Some(key) = map.key("tests")
        {
            fields.error(key.span, &codes::UNIT_TEST, "`tests` stands within a test").hint =
                Some("tests are not nested: put them one below the other".to_owned());
        }
        fields.finish();
        Some(UnitTest {
            name: name.map(|key| key.text.clone()),
            span,
            description,
            given: given?,
            vars: vars.unwrap_or_default(),
            run_at,
            expect: expect?,
            ordered,
        })
    }
}

/// `None` when rows could not be read; that is reported.
fn given(fields: &mut Fields<'_>) -> Option<Vec<Given>> {
    let Some(node) = fields.node("given") else { return Some(Vec::new()) };
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Null => return Some(Vec::new()),
        _ => {
            fields.wrong_type("given", node, "a map of inputs to their rows").hint =
                Some("write `given:` and below it the input's name with its rows: `raw.load: [ { … } ]`".to_owned());
            return None;
        }
    };
    let mut all = Some(Vec::new());
    for (input, node) in &map.entries {
        match (rows(fields, &input.text, node), &mut all) {
            (Some(rows), Some(all)) => all.push(Given { input: input.clone(), rows }),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    all
}

fn rows(fields: &mut Fields<'_>, key: &str, node: &Node) -> Option<Vec<Row>> {
    let Some(items) = node.as_list() else {
        fields.wrong_type(key, node, "a list of rows, each a map of columns to values").hint = match &node.value {
            Value::Null => Some("`[]` is no rows".to_owned()),
            Value::Map(_) => Some("put `- ` before the row".to_owned()),
            _ => None,
        };
        return None;
    };
    let mut rows = Some(Vec::with_capacity(items.len()));
    for item in items {
        match (&item.value, &mut rows) {
            (Value::Map(cells), Some(rows)) => rows.push(Row { span: item.span, cells: cells.clone() }),
            (Value::Map(_), None) => {}
            _ => {
                fields.wrong_entry(key, item, "a row: a map of columns to values");
                rows = None;
            }
        }
    }
    rows
}

fn run_at(fields: &mut Fields<'_>, node: &Node) -> Option<DateTime<Utc>> {
    let expected = "a day (2013-01-02) or an instant with its offset (2013-01-02T06:30:00Z)";
    let Some(text) = node.as_str() else {
        fields.wrong_type("run_at", node, expected);
        return None;
    };
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|on| on.and_time(NaiveTime::MIN).and_utc());
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok().or_else(day);
    if at.is_none() {
        let error = fields.error(node.span, &codes::WRONG_VALUE, format!("`run_at` cannot be `{text}`"));
        error.expected = Some(expected.to_owned());
    }
    at
}

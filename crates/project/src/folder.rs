//! The files of a project: which are read, and what names their paths give.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::FileType;
use std::path::{Path, PathBuf};

use lockgate_types::{AssetName, Diagnostic, Diagnostics, NameError, Place};

use crate::asset::Context;
use crate::shared::{DEFAULTS_KEYS, Shared};
use crate::yaml::{Node, Span, Value};
use crate::{Fields, Source, codes, planned, yaml};

/// The files that make one asset.
pub(crate) struct AssetParts {
    pub(crate) name: AssetName,
    pub(crate) yml: Option<Source>,
    pub(crate) sql: Option<Source>,
}

/// What a walk over `assets/` yields for each stem of each folder.
pub(crate) struct Found {
    /// Relative to the project, without extension.
    pub(crate) path: PathBuf,
    /// `None` when the path gives no name; that is reported.
    pub(crate) name: Option<AssetName>,
    pub(crate) has_yml: bool,
    pub(crate) has_sql: bool,
    /// What the folders above hand down.
    pub(crate) defaults: std::rc::Rc<Shared>,
}

const DEFAULTS_FILE: &str = "_defaults.yml";
/// Schemas that are not the project's to fill.
const TAKEN_SCHEMAS: &[&str] = &["lockgate", "information_schema", "pg_catalog"];
/// Deeper folders are refused.
const MAX_DEPTH: usize = 32;

/// Everything under `assets/`, sorted by path.
pub(crate) fn assets(root: &Path, top: Shared, cx: &mut Context<'_>) -> Vec<Found> {
    let folder = Path::new("assets");
    let mut found = Vec::new();
    match std::fs::symlink_metadata(root.join(folder)) {
        Ok(meta) if meta.is_dir() => {
            Walk { root, cx, found: &mut found }.folder(folder, None, &std::rc::Rc::new(top), 0);
        }
        Ok(meta) if meta.is_symlink() => cx.diagnostics.push(symlink(folder)),
        _ => {
            let message = "there is no folder `assets`, so the project has no assets";
            let warning = Diagnostic::warning(&codes::NO_PROJECT, message).at(Place::file(Path::new("lockgate.yml")));
            cx.diagnostics
                .push(warning.hint("put the files that describe them into `assets/SCHEMA/TABLE.yml` or `.sql`"));
        }
    }
    found
}

/// The schema that the first folder gives: its name, or `Err` when it is none (which was reported).
type Schema<'s> = Result<&'s str, ()>;

struct Walk<'w, 'c> {
    root: &'w Path,
    cx: &'w mut Context<'c>,
    found: &'w mut Vec<Found>,
}

impl Walk<'_, '_> {
    fn folder(&mut self, folder: &Path, schema: Option<Schema<'_>>, above: &std::rc::Rc<Shared>, depth: usize) {
        let entries = list(self.root, folder, &mut self.cx.diagnostics);
        let here = match entries.iter().find(|entry| entry.name == DEFAULTS_FILE && entry.kind.is_file()) {
            Some(_) => std::rc::Rc::new(self.defaults(&folder.join(DEFAULTS_FILE), above)),
            None => above.clone(),
        };
        let mut stems: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        let mut folders = Vec::new();
        for entry in &entries {
            let path = folder.join(&entry.name);
            if entry.kind.is_dir() {
                folders.push((entry.name.as_str(), path));
                continue;
            }
            let (stem, extension) = entry.name.rsplit_once('.').unwrap_or((&entry.name, ""));
            match extension {
                "yml" if entry.name == DEFAULTS_FILE => {}
                "yml" => stems.entry(stem).or_default().0 = true,
                "sql" => stems.entry(stem).or_default().1 = true,
                _ => self.cx.diagnostics.push(not_read(&path, extension)),
            }
        }
        for (stem, (has_yml, has_sql)) in stems {
            let path = folder.join(stem);
            let extension = if has_yml { "yml" } else { "sql" };
            let name = self.name(&PathBuf::from(format!("{}.{extension}", path.display())), schema, stem);
            self.found.push(Found { path, name, has_yml, has_sql, defaults: here.clone() });
        }
        for (name, path) in folders {
            if depth >= MAX_DEPTH {
                let message = format!("folders are nested more than {MAX_DEPTH} deep");
                self.cx.diagnostics.push(Diagnostic::error(&codes::UNREADABLE, message).at(Place::file(&path)));
                continue;
            }
            let schema = schema.unwrap_or_else(|| self.schema(&path, name));
            self.folder(&path, Some(schema), &here, depth + 1);
        }
    }

    fn schema<'s>(&mut self, path: &Path, name: &'s str) -> Schema<'s> {
        if TAKEN_SCHEMAS.contains(&name) {
            let message = format!("the schema `{name}` is taken: it is where Lockgate or SQL shows its own tables");
            let error = Diagnostic::error(&codes::BAD_NAME, message).at(Place::file(path));
            self.cx.diagnostics.push(error.hint("rename the folder"));
            return Err(());
        }
        AssetName::check_part(name).map(|()| name).map_err(|error| self.bad_name(path, name, &error, "folder"))
    }

    fn name(&mut self, file: &Path, schema: Option<Schema<'_>>, stem: &str) -> Option<AssetName> {
        let Some(schema) = schema else {
            let message = format!("`{stem}` has no schema: it stands directly in `assets`");
            let error = Diagnostic::error(&codes::BAD_NAME, message).at(Place::file(file));
            self.cx.diagnostics.push(error.hint("move it into a folder, whose name becomes the schema: `assets/raw/`"));
            return None;
        };
        if let Err(error) = AssetName::check_part(stem) {
            self.bad_name(file, stem, &error, "file");
            return None;
        }
        AssetName::new(schema.ok()?, stem).ok()
    }

    fn bad_name(&mut self, path: &Path, part: &str, error: &NameError, what: &str) {
        let mut diagnostic = Diagnostic::error(&codes::BAD_NAME, error.to_string()).at(Place::file(path));
        let better = better_name(part);
        diagnostic.hint = Some(match better {
            Some(better) => format!("rename the {what}, for example to `{better}`"),
            None => format!("rename the {what}"),
        });
        self.cx.diagnostics.push(diagnostic);
    }

    /// Reads `_defaults.yml`.
    fn defaults(&mut self, path: &Path, above: &Shared) -> Shared {
        let Some(source) = read(self.root, path, &mut self.cx.diagnostics) else { return above.clone() };
        let map = yaml::settings(&source, &source.text, 1, "the defaults", &mut self.cx.diagnostics);
        let Some(map) = map else { return above.clone() };
        let mut node = Node { value: Value::Map(map), span: Span::default() };
        self.cx.resolver.resolve(&mut node, &source, &mut self.cx.diagnostics);
        let Some(map) = node.as_map() else { return above.clone() };
        let mut fields = Fields::new(map, &source, DEFAULTS_KEYS, &mut self.cx.diagnostics);
        let shared = Shared::read(&mut fields);
        fields.finish();
        shared.over(above)
    }
}

/// The `.sql` files of `functions/`.
pub(crate) fn functions(root: &Path, diagnostics: &mut Diagnostics) -> Vec<Source> {
    let folder = Path::new("functions");
    if !root.join(folder).is_dir() {
        return Vec::new();
    }
    let mut sources = Vec::new();
    for entry in list(root, folder, diagnostics) {
        let path = folder.join(&entry.name);
        if entry.kind.is_file() && entry.name.ends_with(".sql") {
            sources.extend(read(root, &path, diagnostics));
        } else {
            let message = "this is not read: functions are `.sql` files directly in `functions`";
            diagnostics.push(Diagnostic::warning(&codes::NOT_READ, message).at(Place::file(&path)));
        }
    }
    sources
}

/// The files of unit tests, sorted. What was probably meant as one and is none is told.
pub(crate) fn tests(root: &Path, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    let folder = Path::new("tests");
    if !root.join(folder).is_dir() {
        return Vec::new();
    }
    let mut files = Vec::new();
    for entry in list(root, folder, diagnostics) {
        let path = folder.join(&entry.name);
        let extension = entry.name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if entry.kind.is_file() && extension == "yml" {
            files.push(path);
        } else if entry.kind.is_file() && matches!(extension.to_lowercase().as_str(), "yml" | "yaml") {
            diagnostics.push(not_read(&path, extension));
        } else if entry.kind.is_dir() {
            let message = "this is not read: unit tests are `.yml` files directly in `tests`";
            diagnostics.push(Diagnostic::warning(&codes::NOT_READ, message).at(Place::file(&path)));
        }
    }
    files
}

struct Entry {
    name: String,
    kind: FileType,
}

/// A folder's files and folders, sorted, without hidden ones, symbolic links and names that are not UTF-8.
fn list(root: &Path, folder: &Path, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut read = || -> std::io::Result<()> {
        for entry in std::fs::read_dir(root.join(folder))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            match entry.file_name().into_string() {
                Ok(name) if name.starts_with('.') => {}
                Ok(name) if kind.is_symlink() => diagnostics.push(symlink(&folder.join(name))),
                Ok(name) => entries.push(Entry { name, kind }),
                Err(name) => diagnostics.push(not_utf8_name(folder, &name)),
            }
        }
        Ok(())
    };
    if let Err(error) = read() {
        let message = format!("the folder cannot be read: {error}");
        diagnostics.push(Diagnostic::error(&codes::UNREADABLE, message).at(Place::file(folder)));
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// A file's text, without a byte order mark. What is wrong with it is reported.
pub(crate) fn read(root: &Path, file: &Path, diagnostics: &mut Diagnostics) -> Option<Source> {
    let bytes = match std::fs::read(root.join(file)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("the file cannot be read: {error}");
            diagnostics.push(Diagnostic::error(&codes::UNREADABLE, message).at(Place::file(file)));
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            Some(Source { file: file.to_owned(), text })
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let before = String::from_utf8_lossy(&bytes[..at]);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            let [line, column] = [line, column].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
            let place = Place::at(file, &String::from_utf8_lossy(&bytes), line, column, 1);
            let message = match bytes.get(at) {
                Some(byte) => format!("the byte {byte:#04x} is not UTF-8"),
                None => "the file is not UTF-8".to_owned(),
            };
            diagnostics.push(Diagnostic::error(&codes::NOT_UTF8, message).at(place).hint("save the file as UTF-8"));
            None
        }
    }
}

fn symlink(path: &Path) -> Diagnostic {
    let error = Diagnostic::error(&codes::SYMLINK, "symbolic links are not followed").at(Place::file(path));
    error.hint("put the file itself here")
}

fn not_utf8_name(folder: &Path, name: &OsStr) -> Diagnostic {
    let message = format!("the name `{}` is not UTF-8", name.to_string_lossy());
    Diagnostic::error(&codes::NOT_UTF8, message).at(Place::file(folder)).hint("rename the file")
}

/// A file under `assets/` that is neither `.yml` nor `.sql`.
fn not_read(path: &Path, extension: &str) -> Diagnostic {
    let place = Place::file(path);
    match extension.to_lowercase().as_str() {
        "py" => planned::not_built("a transform in Python", place).hint("write it in SQL, or move the file elsewhere"),
        "yaml" | "yml" => {
            Diagnostic::error(&codes::NOT_READ, format!("`.{extension}` is not read: settings are `.yml`"))
                .at(place)
                .hint("rename it")
        }
        "sql" => Diagnostic::error(&codes::NOT_READ, format!("`.{extension}` is not read: SQL is `.sql`"))
            .at(place)
            .hint("rename it"),
        _ => Diagnostic::warning(&codes::NOT_READ, "this file is not read: assets are `.yml` and `.sql`")
            .at(place)
            .hint("move it out of `assets`"),
    }
}

/// `Daily Peaks-2` as `daily_peaks_2`.
fn better_name(part: &str) -> Option<String> {
    let mut better = String::with_capacity(part.len());
    for c in part.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || (c.is_ascii_digit() && !better.is_empty()) {
            better.push(c);
        } else if !better.is_empty() && !better.ends_with('_') {
            better.push('_');
        }
    }
    let better = better.trim_end_matches('_');
    AssetName::check_part(better).ok().map(|()| better.to_owned())
}

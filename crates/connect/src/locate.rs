//! From what `path` says to files: plain paths, patterns and URLs, in the order of their names.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Diagnostic, Diagnostics, Place};
use url::Url;

use crate::codes;
use crate::error::ConnectError;

/// A file that a source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// As people know it; unique within a source.
    pub(crate) name: String,
    pub(crate) place: Where,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Local(PathBuf),
    Url(Url),
}

/// A path for people, the catalog and the fingerprint. Of a URL, user, password and query are not shown; a short
/// hash stands for the query, so that two of them stay two.
pub(crate) fn shown(path: &str) -> String {
    match Url::parse(path) {
        Ok(url) if is_http(&url) => shown_url(&url),
        _ => path.to_owned(),
    }
}

/// Whether what was found under this name came from a server.
pub(crate) fn is_url(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn shown_url(url: &Url) -> String {
    let mut bare = url.clone();
    // These fail only for URLs that cannot have them.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_query(None);
    bare.set_fragment(None);
    match url.query() {
        Some(query) => format!("{bare}?{}", &blake3::hash(query.as_bytes()).to_hex()[..8]),
        None => bare.to_string(),
    }
}

/// Diagnostics for paths that can never work; nothing is looked up.
pub(crate) fn check(paths: &[String], place: &Place) -> Diagnostics {
    let mut problems = Diagnostics::default();
    for path in paths {
        if let Some((scheme, _)) = path.split_once("://") {
            match Url::parse(path) {
                Ok(url) if is_http(&url) => {}
                Ok(_) => {
                    let message = format!("files cannot be read from {scheme}:// yet");
                    let expected = "a path, a pattern, or an http(s):// URL";
                    problems.push(Diagnostic::error(&codes::NOT_BUILT, message).at(place.clone()).expected(expected));
                }
                Err(error) => {
                    let message = format!("`{}` is not a URL: {error}", path.split('?').next().unwrap_or(path));
                    problems.push(Diagnostic::error(&codes::SETTING, message).at(place.clone()));
                }
            }
        } else if path.trim().is_empty() {
            problems.push(Diagnostic::error(&codes::SETTING, "`path` is empty").at(place.clone()));
        } else if is_pattern(path)
            && let Err(error) = Pattern::new(path)
        {
            let message = format!("`{path}` is not a pattern: {}", error.msg);
            problems.push(Diagnostic::error(&codes::SETTING, message).at(place.clone()));
        }
    }
    problems
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Looks the files up. Each path has to find something.
pub(crate) fn find(root: &Path, paths: &[String]) -> Result<Vec<Found>, ConnectError> {
    let mut found: Vec<Found> = Vec::new();
    let mut problems = Diagnostics::default();
    for path in paths {
        match Url::parse(path) {
            Ok(url) if is_http(&url) => {
                found.push(Found { name: shown_url(&url), place: Where::Url(url) });
                continue;
            }
            _ => {}
        }
        let full = root.join(path);
        // A file whose name has a bracket in it is still that file.
        if full.is_file() || !is_pattern(path) {
            if full.is_file() {
                found.push(local(root, full)?);
            } else {
                problems.push(missing(root, path, &full));
            }
            continue;
        }
        let matches = matching(root, path)?;
        if matches.is_empty() {
            problems.push(unmatched(root, path));
        }
        for full in matches {
            found.push(local(root, full)?);
        }
    }
    if problems.has_errors() {
        return Err(ConnectError::Refused(problems));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|a, b| a.name == b.name);
    Ok(found)
}

fn local(root: &Path, full: PathBuf) -> Result<Found, ConnectError> {
    let relative = full.strip_prefix(root).unwrap_or(&full);
    let Some(name) = relative.to_str() else {
        let message = format!("the name of {} is not UTF-8", relative.display());
        return Err(ConnectError::Refused(Diagnostic::error(&codes::NO_FILE, message).into()));
    };
    Ok(Found { name: name.replace(std::path::MAIN_SEPARATOR, "/"), place: Where::Local(full) })
}

fn matching(root: &Path, path: &str) -> Result<Vec<PathBuf>, ConnectError> {
    // Only the user's part is a pattern; the project may lie in a folder with brackets.
    let pattern = if Path::new(path).is_absolute() {
        path.to_owned()
    } else {
        format!("{}/{path}", Pattern::escape(&root.to_string_lossy()))
    };
    let options =
        MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let refused = |message: String| {
        ConnectError::Refused(Diagnostic::error(&codes::NO_FILE, message).at(Place::file(Path::new(path))).into())
    };
    let mut files = Vec::new();
    for entry in glob::glob_with(&pattern, options).map_err(|error| refused(format!("`{path}`: {}", error.msg)))? {
        let full = entry.map_err(|error| {
            ConnectError::unreadable(&error.path().display().to_string(), std::io::Error::from(error.error().kind()))
        })?;
        if full.is_file() {
            files.push(full);
        }
    }
    Ok(files)
}

/// The file names in a folder, for hints.
fn neighbours(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .take(1000)
        .collect();
    names.sort();
    names
}

fn missing(root: &Path, path: &str, full: &Path) -> Diagnostic {
    let place = Place::file(Path::new(path));
    if full.is_dir() {
        let diagnostic = Diagnostic::error(&codes::NO_FILE, format!("{path} is a folder, not a file")).at(place);
        return diagnostic.hint(format!("name its files with a pattern: {}/*.csv", path.trim_end_matches('/')));
    }
    let diagnostic = Diagnostic::error(&codes::NO_FILE, format!("there is no file {path}"))
        .at(place)
        .expected(format!("a file at {}", full.display()));
    let folder = full.parent().unwrap_or(root);
    if !folder.is_dir() {
        return diagnostic.hint(format!("the folder {} does not exist", folder.display()));
    }
    let names = neighbours(folder);
    let wanted = full.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match did_you_mean(&wanted, names.iter().map(String::as_str)) {
        Some(near) => diagnostic.hint(format!("did you mean {near}?")),
        None => diagnostic.hint("paths are relative to the project folder"),
    }
}

fn unmatched(root: &Path, path: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(&codes::NO_FILE, format!("no file matches {path}"))
        .at(Place::file(Path::new(path)))
        .expected(format!("files like {}", root.join(path).display()));
    // The deepest folder that the pattern names in full.
    let plain: PathBuf =
        Path::new(path).components().take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy())).collect();
    let folder = root.join(&plain);
    if !folder.is_dir() {
        return diagnostic.hint(format!("the folder {} does not exist", folder.display()));
    }
    let names = neighbours(&folder);
    let some: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    match names.len() {
        0 => diagnostic.hint(format!("the folder {} is empty", folder.display())),
        count if count > 5 => {
            diagnostic.hint(format!("{} has {}, … ({count} in all)", folder.display(), some.join(", ")))
        }
        _ => diagnostic.hint(format!("{} has {}", folder.display(), some.join(", "))),
    }
}

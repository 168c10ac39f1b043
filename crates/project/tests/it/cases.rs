//! Every folder of `tests/cases` is loaded; `expected.txt` in it has the diagnostics and the project that come back.
//!
//! `case.txt` in it may say `set NAME=VALUE` (an environment variable) and `environment NAME`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockgate_project::{AssetFile, CODES, KeyDoc, Project, load, sort_by_place, unit_test};
use lockgate_types::Diagnostics;

use crate::render;

/// Stands in for the table of a kind, which this crate does not know.
const SOURCE_KEYS: &[KeyDoc] = &[
    KeyDoc { key: "read", kind: "map", default: "", text: "" },
    KeyDoc { key: "read.path", kind: "string", default: "", text: "" },
    KeyDoc { key: "read.format", kind: "csv | json", default: "", text: "" },
    KeyDoc { key: "read.header", kind: "boolean", default: "true", text: "" },
    KeyDoc { key: "read.max_line", kind: "integer", default: "", text: "" },
    KeyDoc { key: "read.connection", kind: KeyDoc::NOT_BUILT, default: "", text: "" },
    KeyDoc { key: "evolve", kind: "freeze | add | any", default: "", text: "" },
];

pub(crate) fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(crate::here("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[derive(Default)]
pub(crate) struct Setup {
    env: BTreeMap<String, String>,
    environment: Option<String>,
}

impl Setup {
    pub(crate) fn of(folder: &Path) -> Setup {
        let mut setup = Setup::default();
        for line in std::fs::read_to_string(folder.join("case.txt")).unwrap_or_default().lines() {
            if let Some((name, value)) = line.strip_prefix("set ").and_then(|rest| rest.split_once('=')) {
                setup.env.insert(name.to_owned(), value.to_owned());
            } else if let Some(name) = line.strip_prefix("environment ") {
                setup.environment = Some(name.to_owned());
            } else {
                panic!("{}: `{line}` is not understood", folder.display());
            }
        }
        setup
    }

    pub(crate) fn load(&self, folder: &Path) -> (Option<Project>, Diagnostics) {
        load(folder, self.environment.as_deref(), &|name| self.env.get(name).cloned())
    }
}

/// Reads the rest of an asset file, as its kind would.
pub(crate) fn read_rest(asset: &AssetFile, diagnostics: &mut Diagnostics) {
    let is_source = asset.kind == "source";
    let mut fields = asset.fields(if is_source { SOURCE_KEYS } else { &[] }, diagnostics);
    if is_source {
        if let Some(mut read) = fields.inside("read") {
            let span = asset.rest.key("read").unwrap().span;
            if read.required("path", span).is_some() {
                read.string("path");
            }
            read.choice("format", &["csv", "json"]);
            read.boolean("header");
            read.integer("max_line");
            read.finish();
        }
        fields.choice("evolve", &["freeze", "add", "any"]);
    }
    fields.finish();
}

/// Reads the unit tests, as `lockgate test` would.
pub(crate) fn read_tests(project: &Project, diagnostics: &mut Diagnostics) -> Vec<unit_test::TestFile> {
    let found = unit_test::find(project, diagnostics);
    found.iter().filter_map(|file| unit_test::read(project, file, diagnostics)).collect()
}

#[test]
fn cases() {
    let mut differences = Vec::new();
    let mut seen = String::new();
    let folders = folders();
    for folder in &folders {
        let (project, mut diagnostics) = Setup::of(folder).load(folder);
        let mut tests = Vec::new();
        if let Some(project) = &project {
            tests = read_tests(project, &mut diagnostics);
            for asset in project.assets.values() {
                read_rest(asset, &mut diagnostics);
            }
            project.redact(&mut diagnostics);
            sort_by_place(&mut diagnostics);
        }
        let mut text = render::diagnostics(&diagnostics);
        match &project {
            Some(project) => text.push_str(&render::project(project)),
            None => text.push_str("no project\n"),
        }
        text.push_str(&render::unit_tests(&tests));
        let text = text.replace(&folder.display().to_string(), "PROJECT");
        seen.push_str(&text);
        differences.extend(crate::expect(&folder.join("expected.txt"), &text).err());
    }
    assert!(differences.is_empty(), "{}\nUPDATE=1 rewrites them", differences.join("\n"));
    assert!(folders.len() >= 35, "only {} cases", folders.len());
    // What no folder in git can hold has a test of its own, see `odd_files`.
    for code in CODES.iter().filter(|code| !["LG0109", "LG0123", "LG0124"].contains(&code.id)) {
        assert!(seen.contains(code.id), "no case shows {}", code.id);
    }
}

#[test]
fn codes_are_in_order_and_explained() {
    let ids: Vec<&str> = CODES.iter().map(|code| code.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted);
    for code in CODES {
        assert!(code.id.starts_with("LG01"), "{}", code.id);
        assert!(code.text.len() > 80, "{} is hardly explained", code.id);
        assert!(!code.title.ends_with('.'), "{}", code.id);
    }
}

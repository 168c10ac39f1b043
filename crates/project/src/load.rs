//! From a folder to a project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_types::{AssetName, Diagnostic, Diagnostics, KnownFailure, Place};

use crate::asset::{self, Context};
use crate::folder::{self, AssetParts, Found};
use crate::resolve::{Resolver, redact_diagnostics};
use crate::settings;
use crate::shared::Shared;
use crate::{AssetFile, FunctionFile, Project, alert, codes, groups, known, schedule};

/// The file that makes a folder a project.
const FILE: &str = "lockgate.yml";

/// Reads the project in `root`. `environment` names one of `environments`; `env` answers `${NAME}`.
///
/// Everything wrong comes back at once, sorted by place. A project comes back also when assets are wrong (they are
/// left out and named in [`Project::broken`]), so that later phases can add what they find; none when
/// `lockgate.yml` cannot be read or the environment is unknown.
pub fn load(
    root: &Path,
    environment: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> (Option<Project>, Diagnostics) {
    let resolver = Resolver { root, env, secrets: Vec::new() };
    let mut cx = Context { resolver, diagnostics: Diagnostics::default() };
    let project = project(root, environment, &mut cx);
    let Context { resolver, mut diagnostics } = cx;
    redact_diagnostics(&resolver.secrets, &mut diagnostics);
    sort_by_place(&mut diagnostics);
    (project.map(|project| Project { secrets: resolver.secrets, ..project }), diagnostics)
}

/// `lockgate.yml` first, then by file, line and column.
pub fn sort_by_place(diagnostics: &mut Diagnostics) {
    diagnostics.0.sort_by(|a, b| order(a).cmp(&order(b)));
}

fn order(diagnostic: &Diagnostic) -> (bool, Option<(&Path, u32, u32)>) {
    let place = diagnostic.place.as_deref().map(|place| (place.file.as_path(), place.line, place.column));
    (place.is_some_and(|(file, ..)| file != Path::new(FILE)), place)
}

fn project(root: &Path, environment: Option<&str>, cx: &mut Context<'_>) -> Option<Project> {
    if !root.join(FILE).is_file() {
        cx.diagnostics.push(no_project(root));
        return None;
    }
    let source = folder::read(root, Path::new(FILE), &mut cx.diagnostics).map(Arc::new);
    let settings = source.as_ref().and_then(|source| settings::read(source, environment, cx));
    let top = Shared { gate: settings.as_ref().and_then(|settings| settings.gate), ..Shared::default() };
    let (assets, broken) = assets(root, top, cx);
    let functions = folder::functions(root, &mut cx.diagnostics);
    let known = known_failures(root, &assets, &broken, &mut cx.diagnostics);
    let (source, settings) = (source?, settings?);
    let (known, known_places) = known.into_iter().unzip();
    let candidates = groups::candidates(&assets, &broken);
    let (some_are_broken, diagnostics) = (!broken.is_empty(), &mut cx.diagnostics);
    Some(Project {
        root: root.to_owned(),
        name: settings.name,
        environment: settings.environment,
        store: settings.store,
        catalog: settings.catalog,
        engine: settings.engine,
        vars: settings.vars,
        gate: settings.gate.unwrap_or_default(),
        groups: groups::read(&settings.groups, &source, &candidates, &assets, &broken, diagnostics),
        schedules: schedule::finish(settings.schedules, &source, &candidates, some_are_broken, diagnostics),
        alerts: alert::finish(settings.alerts, &source, &candidates, some_are_broken, diagnostics),
        keep: settings.keep,
        known,
        known_places,
        assets,
        broken,
        functions: functions.into_iter().map(|source| FunctionFile { source: Arc::new(source) }).collect(),
        secrets: Vec::new(),
        source,
    })
}

fn no_project(root: &Path) -> Diagnostic {
    let error = Diagnostic::error(&codes::NO_PROJECT, format!("there is no `{FILE}` in `{}`", root.display()));
    if root.join("lockgate.yaml").is_file() {
        return error.hint("rename `lockgate.yaml` to `lockgate.yml`");
    }
    let above = root
        .canonicalize()
        .ok()
        .and_then(|root| root.ancestors().skip(1).find(|folder| folder.join(FILE).is_file()).map(PathBuf::from));
    match above {
        Some(folder) => error.hint(format!("there is one above: -C {}", folder.display())),
        None => error.hint("name the project's folder with -C DIR, or make a project with: lockgate init"),
    }
}

type Assets = BTreeMap<AssetName, Arc<AssetFile>>;

/// The assets that are right, and the names of those that are not.
fn assets(root: &Path, top: Shared, cx: &mut Context<'_>) -> (Assets, BTreeSet<AssetName>) {
    let mut assets = Assets::new();
    let mut broken = BTreeSet::new();
    let mut first: BTreeMap<AssetName, PathBuf> = BTreeMap::new();
    for found in folder::assets(root, top, cx) {
        let Found { path, name, has_yml, has_sql, defaults } = found;
        let with = |extension: &str| PathBuf::from(format!("{}.{extension}", path.display()));
        let main = with(if has_sql { "sql" } else { "yml" });
        // Without a name the file's own mistakes are found all the same; the stand-in goes nowhere.
        let Some(stand_in) = name.clone().or_else(|| AssetName::new("x", "x").ok()) else { continue };
        let mut parts = AssetParts { name: stand_in, yml: None, sql: None };
        let mut readable = true;
        for (slot, extension, there) in [(&mut parts.yml, "yml", has_yml), (&mut parts.sql, "sql", has_sql)] {
            if there {
                *slot = folder::read(root, &with(extension), &mut cx.diagnostics);
                readable &= slot.is_some();
            }
        }
        let asset = if readable { asset::read(parts, &defaults, cx) } else { None };
        let Some(name) = name else { continue };
        if let Some(other) = first.get(&name) {
            let message = format!("`{name}` is already the name of `{}`", other.display());
            let error = Diagnostic::error(&codes::TWO_FILES, message).at(Place::file(&main));
            cx.diagnostics.push(error.hint("rename one of the two: folders below the schema's only organise"));
            assets.remove(&name);
            broken.insert(name);
            continue;
        }
        first.insert(name.clone(), main);
        match asset {
            Some(asset) => {
                assets.insert(name, Arc::new(asset));
            }
            None => {
                broken.insert(name);
            }
        }
    }
    (assets, broken)
}

/// Reads `lockgate.known.yml`, when there is one. Entries for assets that are gone are told.
fn known_failures(
    root: &Path,
    assets: &Assets,
    broken: &BTreeSet<AssetName>,
    diagnostics: &mut Diagnostics,
) -> Vec<(KnownFailure, Place)> {
    if !root.join(known::FILE).is_file() {
        return Vec::new();
    }
    let Some(source) = folder::read(root, Path::new(known::FILE), diagnostics) else { return Vec::new() };
    let known = known::read(&source, diagnostics);
    for (entry, place) in &known {
        if !assets.contains_key(&entry.asset) && !broken.contains(&entry.asset) {
            let message = format!("there is no asset `{}`: this entry has no effect", entry.asset);
            let warning = Diagnostic::warning(&codes::KNOWN_FAILURE, message).at(place.clone());
            diagnostics.push(warning.hint("remove it, or let `lockgate baseline` drop it"));
        }
    }
    known
}

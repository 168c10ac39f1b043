//! What every command works with: the terminal, the clock, the project.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_run::{Graph, OpenOptions, Workspace};
use lockgate_types::{Actor, AssetName, Diagnostic, Diagnostics, Effects, diagnostic::did_you_mean};
use tokio_util::sync::CancellationToken;

use crate::arguments::Global;
use crate::codes::{BAD_NAME, NO_PROJECT, USAGE};
use crate::exit::Failure;
use crate::kinds::kinds;
use crate::terminal::Terminal;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) terminal: Arc<Terminal>,
    pub(crate) effects: Effects,
    /// Set by the first Ctrl-C.
    pub(crate) cancel: CancellationToken,
}

impl Context {
    /// Opens the project in the folder of `-C`, tells its warnings, and from then on redacts its secrets.
    pub(crate) async fn open(&self) -> Result<Arc<Workspace>, Failure> {
        self.open_at(&self.global.directory).await
    }

    pub(crate) async fn open_at(&self, root: &Path) -> Result<Arc<Workspace>, Failure> {
        let options = self.options(root)?;
        let workspace = Arc::new(Workspace::open(root, options).await?);
        // The secrets alone: the terminal outlives the command, and the workspace registers as a reader while it is open.
        let secrets = workspace.project.secrets.clone();
        self.terminal.redact_with(move |text| lockgate_project::redact(&secrets, text).into_owned());
        self.terminal.diagnostics(workspace.warnings());
        Ok(workspace)
    }

    /// How to open the project in a folder that is one.
    pub(crate) fn options(&self, root: &Path) -> Result<OpenOptions, Failure> {
        if !root.join("lockgate.yml").exists() {
            return Err(Failure::usage(no_project(root)));
        }
        Ok(OpenOptions {
            environment: self.global.environment.clone(),
            actor: self.actor()?,
            kinds: kinds(),
            effects: self.effects.clone(),
            env: Arc::new(|name| std::env::var(name).ok()),
        })
    }

    /// Opens the project and type-checks all of it.
    pub(crate) async fn graph(&self) -> Result<(Arc<Workspace>, Graph), Failure> {
        let workspace = self.open().await?;
        let graph = workspace.graph().await?;
        let warnings = graph.nodes().values().flat_map(|node| node.warnings.iter().cloned()).collect();
        self.terminal.diagnostics(&Diagnostics(warnings));
        Ok((workspace, graph))
    }

    /// What leaves nothing half done: the first Ctrl-C ends it at once, however long it waits for others.
    pub(crate) async fn until_interrupted<T, E: Into<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = work => done.map_err(Into::into),
            () = self.cancel.cancelled() => Err(Failure::Interrupted),
        }
    }

    /// `--actor`, else `LOCKGATE_ACTOR`, else the user of the operating system.
    pub(crate) fn actor(&self) -> Result<Actor, Failure> {
        let told = self.global.actor.clone().or_else(|| std::env::var("LOCKGATE_ACTOR").ok());
        match told.as_deref().map(str::trim) {
            Some("") => Err(Failure::usage(
                Diagnostic::error(&USAGE, "the actor is empty").expected("a name in --actor or LOCKGATE_ACTOR"),
            )),
            Some(name) => Ok(Actor(name.to_owned())),
            None => Ok(Actor(operating_system_user())),
        }
    }

    /// `lockgate `, with the options that name the project as they were typed, for commands to type next.
    pub(crate) fn lockgate(&self, command: &str) -> String {
        let mut text = "lockgate".to_owned();
        if self.global.directory != Path::new(".") {
            text.push_str(&format!(" -C {}", self.global.directory.display()));
        }
        text.push_str(&format!(" {command}"));
        if let Some(environment) = &self.global.environment {
            text.push_str(&format!(" --env {environment}"));
        }
        text
    }
}

fn no_project(root: &Path) -> Diagnostic {
    let shown = if root == Path::new(".") { "this folder".to_owned() } else { root.display().to_string() };
    let diagnostic = Diagnostic::error(&NO_PROJECT, format!("{shown} has no lockgate.yml"));
    let above = root.canonicalize().ok().and_then(|root| {
        root.ancestors().skip(1).find(|folder| folder.join("lockgate.yml").exists()).map(Path::to_owned)
    });
    match above {
        Some(folder) => diagnostic.hint(format!("there is a project above: lockgate -C {} …", folder.display())),
        None => diagnostic.hint("lockgate init makes a project; -C DIR names another folder"),
    }
}

/// `$USER`, else the name that belongs to this process's user.
fn operating_system_user() -> String {
    let told = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    told.or_else(user_of_process).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(unix)]
fn user_of_process() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let id = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, user) = (fields.next()?, fields.nth(1)?);
        (user == id).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn user_of_process() -> Option<String> {
    std::env::var("USERNAME").ok()
}

/// A name as typed.
pub(crate) fn asset_name(text: &str) -> Result<AssetName, Failure> {
    text.parse().map_err(|error: lockgate_types::NameError| {
        Failure::usage(Diagnostic::error(&BAD_NAME, error.to_string()).expected("schema.table, such as mart.revenue"))
    })
}

/// A name as typed, of an asset that the project has.
pub(crate) fn known_asset(graph: &Graph, text: &str) -> Result<AssetName, Failure> {
    match asset_name(text) {
        Ok(name) => {
            graph.node(&name)?;
            Ok(name)
        }
        // `revenue` for `mart.revenue` is a slip worth an answer.
        Err(Failure::Diagnostics { mut diagnostics, exit }) => {
            let names: Vec<String> = graph.nodes().keys().map(ToString::to_string).collect();
            let table = graph.nodes().keys().find(|name| name.table() == text).map(ToString::to_string);
            let near = table.or_else(|| did_you_mean(text, names.iter().map(String::as_str)).map(str::to_owned));
            if let (Some(near), Some(diagnostic)) = (near, diagnostics.0.first_mut()) {
                diagnostic.hint = Some(format!("did you mean {near}?"));
            }
            Err(Failure::Diagnostics { diagnostics, exit })
        }
        Err(other) => Err(other),
    }
}

/// A path as the person would type it: relative to where they are when it lies below.
pub(crate) fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let relative: PathBuf = path.strip_prefix(&here).map_or_else(|_| path.to_owned(), Path::to_owned);
    relative.strip_prefix(".").unwrap_or(&relative).display().to_string()
}

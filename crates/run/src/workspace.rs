//! An opened project: its files, its catalog, its store, its engine and its kinds.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lockgate_catalog::Catalog;
use lockgate_engine::{Engine, EngineOptions, Scalar, Session, SessionOptions};
use lockgate_kind::Kind;
use lockgate_lake::Lake;
use lockgate_project::{Project, Var};
use lockgate_types::{Actor, AssetName, Diagnostic, Diagnostics, Effects, RunId, VersionNumber};

use crate::RunError;
use crate::error::UNSEEN;
use crate::readers::Reader;

/// The project's private folder: catalog, readers, spilled data.
pub(crate) const PRIVATE: &str = ".lockgate";

/// Reads one environment variable.
pub type ReadEnv = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How to open a project.
#[derive(Clone)]
pub struct OpenOptions {
    /// `None` is the default environment.
    pub environment: Option<String>,
    /// Who does what is done through this workspace.
    pub actor: Actor,
    pub kinds: Vec<Arc<dyn Kind>>,
    pub effects: Effects,
    pub env: ReadEnv,
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions").field("environment", &self.environment).field("actor", &self.actor).finish()
    }
}

/// An opened project. Any number of processes may have the same one open.
#[derive(Debug)]
pub struct Workspace {
    pub project: Arc<Project>,
    pub effects: Effects,
    pub actor: Actor,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) lake: Arc<Lake>,
    pub(crate) engine: Engine,
    pub(crate) kinds: BTreeMap<&'static str, Arc<dyn Kind>>,
    /// This process, as the holder of leases.
    pub(crate) worker: String,
    /// This process, as a reader. Invariant: it registered before anything was read from the catalog.
    pub(crate) reader: Reader,
    /// Publications that were found half done and finished while it was opened.
    pub(crate) finished: Vec<(AssetName, VersionNumber)>,
    warnings: Arc<Diagnostics>,
}

impl Workspace {
    /// Loads the project, opens catalog and store, and finishes publications that a crash left half done.
    ///
    /// # Errors
    /// [`RunError::Invalid`] with everything that is wrong in the project's files; catalog and store errors.
    pub async fn open(root: &Path, options: OpenOptions) -> Result<Workspace, RunError> {
        Workspace::open_with(root, options, None).await
    }

    /// The same on a catalog of the caller's; for simulations.
    ///
    /// # Errors
    /// The same.
    pub async fn open_on(root: &Path, options: OpenOptions, catalog: Arc<dyn Catalog>) -> Result<Workspace, RunError> {
        Workspace::open_with(root, options, Some(catalog)).await
    }

    async fn open_with(
        root: &Path,
        options: OpenOptions,
        catalog: Option<Arc<dyn Catalog>>,
    ) -> Result<Workspace, RunError> {
        let (project, diagnostics) = load(root, &options)?;
        let store = root.join(&project.store);
        let lake = Arc::new(Lake::open(&store, &project.environment, options.effects.clone())?);
        let private = root.join(PRIVATE);
        let id = options.effects.ids.next();
        let reader = Reader::register(&private.join("readers"), &id);
        let catalog = match catalog {
            Some(catalog) => catalog,
            None => lockgate_catalog::open_sqlite(&private.join("catalog.db"), options.effects.clone()).await?,
        };
        reader.entered(catalog.epoch().await?);
        let engine = Engine::new(engine_options(&project, &private), Arc::clone(&lake))?;
        let mut workspace = Workspace {
            worker: format!("{}-{id}", options.actor),
            reader,
            finished: Vec::new(),
            project: Arc::new(project),
            actor: options.actor,
            catalog,
            lake,
            engine,
            kinds: options.kinds.into_iter().map(|kind| (kind.name(), kind)).collect(),
            effects: options.effects,
            warnings: Arc::new(diagnostics),
        };
        workspace.finished = workspace.finish_publications().await?;
        Ok(workspace)
    }

    /// The same project with its files as they are now: catalog and engine stay those of this one, unless the files ask for
    /// another engine. For processes that live longer than a state of the files.
    ///
    /// # Errors
    /// [`RunError::Invalid`] with everything that is wrong in the project's files; store errors.
    pub async fn renewed(&self, root: &Path, options: OpenOptions) -> Result<Workspace, RunError> {
        let (project, diagnostics) = load(root, &options)?;
        let lake = Arc::new(Lake::open(&root.join(&project.store), &project.environment, options.effects.clone())?);
        let same = project.engine == self.project.engine && project.store == self.project.store;
        let engine = if same {
            self.engine.clone()
        } else {
            Engine::new(engine_options(&project, &root.join(PRIVATE)), Arc::clone(&lake))?
        };
        let id = options.effects.ids.next();
        let reader = Reader::register(&root.join(PRIVATE).join("readers"), &id);
        reader.entered(self.catalog.epoch().await?);
        Ok(Workspace {
            worker: format!("{}-{id}", options.actor),
            reader,
            finished: Vec::new(),
            project: Arc::new(project),
            actor: options.actor,
            catalog: Arc::clone(&self.catalog),
            lake,
            engine,
            kinds: options.kinds.into_iter().map(|kind| (kind.name(), kind)).collect(),
            effects: options.effects,
            warnings: Arc::new(diagnostics),
        })
    }

    /// The same project, catalog, store and engine for somebody else, from this moment on: a reader of its own, which sees
    /// what is there now and keeps it from being removed while it is there. For processes that serve many and live long.
    ///
    /// Cost: a small file and a look-up.
    ///
    /// # Errors
    /// Catalog errors.
    pub async fn acting(&self, actor: Actor) -> Result<Workspace, RunError> {
        let id = self.effects.ids.next();
        let reader = Reader::register(&self.private().join("readers"), &id);
        reader.entered(self.catalog.epoch().await?);
        Ok(Workspace {
            project: Arc::clone(&self.project),
            effects: self.effects.clone(),
            worker: format!("{actor}-{id}"),
            actor,
            catalog: Arc::clone(&self.catalog),
            lake: Arc::clone(&self.lake),
            engine: self.engine.clone(),
            kinds: self.kinds.clone(),
            reader,
            finished: Vec::new(),
            warnings: Arc::clone(&self.warnings),
        })
    }

    /// Says that whatever was read through this workspace until now is no longer needed: what expires meanwhile may be
    /// removed. For who keeps one open and reads through [`Workspace::acting`].
    ///
    /// # Errors
    /// Catalog errors.
    pub async fn reads_anew(&self) -> Result<(), RunError> {
        self.reader.entered(self.catalog.epoch().await?);
        Ok(())
    }

    /// What loading found that does not stop a run.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// Replaces every secret that the project's files resolved by `***`.
    pub fn redact(&self, text: &str) -> String {
        lockgate_project::redact(&self.project.secrets, text).into_owned()
    }

    /// Says to others that this process drives a run.
    pub(crate) fn announce(&self, run: &RunId) -> Result<(), RunError> {
        self.reader.drives(run).map_err(|error| {
            RunError::Failed(
                Diagnostic::error(&UNSEEN, format!("the run cannot be noted in .lockgate/readers: {error}")).into(),
            )
        })
    }

    pub(crate) fn private(&self) -> PathBuf {
        self.project.root.join(PRIVATE)
    }

    pub(crate) fn env(&self) -> &str {
        &self.project.environment
    }

    /// A session with the project's variables and functions, and no tables.
    pub(crate) fn session(&self, run_at: DateTime<Utc>) -> Result<Session, RunError> {
        self.session_with(&self.project.vars, run_at)
    }

    /// The same with these variables.
    pub(crate) fn session_with(
        &self,
        vars: &BTreeMap<String, Var>,
        run_at: DateTime<Utc>,
    ) -> Result<Session, RunError> {
        let vars = vars.iter().map(|(name, var)| (name.clone(), scalar(var))).collect();
        let functions = self.project.functions.iter().map(|function| function.sql()).collect();
        self.engine.session(SessionOptions { vars, functions, run_at }).map_err(RunError::Invalid)
    }
}

/// The project's files, when nothing is wrong with them.
fn load(root: &Path, options: &OpenOptions) -> Result<(Project, Diagnostics), RunError> {
    let (project, diagnostics) =
        lockgate_project::load(root, options.environment.as_deref(), &|name| (options.env)(name));
    match project {
        Some(project) if !diagnostics.has_errors() => Ok((project, diagnostics)),
        // Assets that could be read are checked too, so that everything wrong is told at once.
        Some(project) => {
            let mut all = diagnostics;
            all.extend(crate::graph::read_only(&project, &options.kinds));
            Err(RunError::Invalid(all))
        }
        None => Err(RunError::Invalid(diagnostics)),
    }
}

fn engine_options(project: &Project, private: &Path) -> EngineOptions {
    let mut options = EngineOptions::default();
    if let Some(memory_bytes) = project.engine.memory_bytes {
        options.memory_bytes = memory_bytes;
    }
    if let Some(threads) = project.engine.threads {
        options.threads = threads;
    }
    options.spill_dir = private.join("spill");
    options
}

fn scalar(var: &Var) -> Scalar {
    match var {
        Var::Bool(value) => Scalar::Bool(*value),
        Var::Integer(value) => Scalar::Integer(*value),
        Var::Double(value) => Scalar::Double(*value),
        Var::String(value) => Scalar::String(value.clone()),
    }
}

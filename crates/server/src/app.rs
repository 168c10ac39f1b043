//! What every request has at hand: the project as it was loaded last, the catalog, and the parts that live as long as the
//! server does.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lockgate_catalog::{AuditCounts, Position, ServiceCatalog};
use lockgate_run::{Graph, OpenOptions, RunError, Workspace};
use lockgate_types::{Actor, AssetName, Effects, Instant};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::answers::Answers;
use crate::auth::Auth;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::problem::{ApiError, ApiResult, Problem};
use crate::runs::Runs;
use crate::snapshot::Snapshots;

/// How often the project's files are looked at, at most.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// The project as it was loaded: its files, type-checked.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) workspace: Workspace,
    pub(crate) graph: Graph,
    pub(crate) at: DateTime<Utc>,
    /// Rises with every loading.
    pub(crate) number: u64,
    stamp: Stamp,
    readers: HashMap<AssetName, Vec<AssetName>>,
}

impl Loaded {
    fn new(workspace: Workspace, graph: Graph, at: DateTime<Utc>, number: u64, stamp: Stamp) -> Self {
        let mut readers: HashMap<AssetName, Vec<AssetName>> = HashMap::new();
        for (name, node) in graph.nodes() {
            for input in &node.inputs {
                readers.entry(input.clone()).or_default().push(name.clone());
            }
        }
        Loaded { workspace, graph, at, number, stamp, readers }
    }

    /// The assets that read an asset's data, by name.
    pub(crate) fn readers(&self, name: &AssetName) -> &[AssetName] {
        self.readers.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The shared state. Always behind an `Arc`.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) root: PathBuf,
    pub(crate) options: OpenOptions,
    pub(crate) effects: Effects,
    pub(crate) catalog: Arc<dyn ServiceCatalog>,
    pub(crate) auth: Auth,
    pub(crate) live: Arc<Live>,
    pub(crate) runs: Runs,
    pub(crate) answers: Answers,
    pub(crate) snapshots: Snapshots,
    pub(crate) metrics: Metrics,
    /// Where rows are worked on, so that who only asks is answered meanwhile.
    pub(crate) work: tokio::runtime::Handle,
    /// Set when the server is asked to stop.
    pub(crate) stop: CancellationToken,
    /// What was counted of the audit log so far, in which environment.
    pub(crate) audit_counts: std::sync::Mutex<(String, AuditCounts)>,
    /// Wakes who sees to schedules.
    pub(crate) schedules_changed: Notify,
    /// Wakes who sees to alerts when the project's files were loaded again.
    pub(crate) alerts_changed: Notify,
    loaded: RwLock<Arc<Loaded>>,
    /// Why the files cannot be loaded as they are now.
    broken: RwLock<Option<Problem>>,
    /// When the files were looked at last; whoever holds it looks.
    looked_at: Mutex<Option<(Instant, Stamp)>>,
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) root: PathBuf,
    pub(crate) options: OpenOptions,
    pub(crate) catalog: Arc<dyn ServiceCatalog>,
    pub(crate) auth: Auth,
    pub(crate) work: tokio::runtime::Handle,
    pub(crate) stop: CancellationToken,
}

impl App {
    /// Loads the project and type-checks all of it.
    pub(crate) async fn load(parts: Parts) -> Result<Arc<App>, RunError> {
        let effects = parts.options.effects.clone();
        let stamp = Stamp::of(&parts.root);
        let catalog: Arc<dyn lockgate_catalog::Catalog> = parts.catalog.clone();
        let workspace = Workspace::open_on(&parts.root, parts.options.clone(), catalog).await?;
        let graph = workspace.graph().await?;
        let loaded = Loaded::new(workspace, graph, effects.clock.now(), 1, stamp);
        Ok(Arc::new(App {
            live: Arc::new(Live::new(parts.catalog.clone())),
            runs: Runs::default(),
            answers: Answers::new(&effects),
            snapshots: Snapshots::default(),
            metrics: Metrics::new(),
            root: parts.root,
            options: parts.options,
            effects,
            catalog: parts.catalog,
            auth: parts.auth,
            work: parts.work,
            stop: parts.stop,
            audit_counts: std::sync::Mutex::default(),
            schedules_changed: Notify::new(),
            alerts_changed: Notify::new(),
            loaded: RwLock::new(Arc::new(loaded)),
            broken: RwLock::new(None),
            looked_at: Mutex::new(None),
        }))
    }

    /// The project as it was loaded last.
    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(crate) fn environment(&self) -> String {
        self.loaded().workspace.project.environment.clone()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.effects.clock.now()
    }

    /// Why the project's files cannot be loaded as they are now.
    pub(crate) fn broken(&self) -> Option<Problem> {
        self.broken.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The project as its files are now. What cannot be loaded leaves the last one standing, and is told by
    /// [`App::broken`].
    ///
    /// Cost: at most every two seconds a `stat` of every file of the project; loading when one changed.
    pub(crate) async fn fresh(&self) -> Arc<Loaded> {
        // Whoever comes while somebody looks takes what there is.
        if let Ok(mut looked) = self.looked_at.try_lock() {
            let now = self.effects.clock.monotonic();
            if looked.as_ref().is_none_or(|(at, _)| now.saturating_sub(*at) >= LOOKED_AT_EVERY) {
                self.look(&mut looked).await;
            }
        }
        self.loaded()
    }

    /// The project as its files are this very moment, to start something from.
    ///
    /// # Errors
    /// The diagnostics of files that are broken.
    pub(crate) async fn loaded_now(&self) -> ApiResult<Arc<Loaded>> {
        let mut looked = self.looked_at.lock().await;
        match self.look(&mut looked).await {
            None => Ok(self.loaded()),
            Some(error) => Err(error),
        }
    }

    async fn look(&self, looked: &mut Option<(Instant, Stamp)>) -> Option<ApiError> {
        let root = self.root.clone();
        let stamp = tokio::task::spawn_blocking(move || Stamp::of(&root)).await.unwrap_or_default();
        let before = self.loaded();
        let tried = looked.as_ref().map(|(_, stamp)| stamp.clone());
        *looked = Some((self.effects.clock.monotonic(), stamp.clone()));
        if stamp == before.stamp {
            *self.broken.write().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
            return None;
        }
        if tried.as_ref() == Some(&stamp)
            && let Some(problem) = self.broken()
        {
            return Some(ApiError::still_broken(&problem));
        }
        match self.load_again(&before, stamp).await {
            Ok(()) => {
                *self.broken.write().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
                self.live.reloaded(self.now());
                self.schedules_changed.notify_one();
                self.alerts_changed.notify_one();
                None
            }
            Err(error) => {
                let error = ApiError::from(error);
                *self.broken.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error.problem());
                Some(error)
            }
        }
    }

    async fn load_again(&self, before: &Arc<Loaded>, stamp: Stamp) -> Result<(), RunError> {
        let (before, root, options) = (Arc::clone(before), self.root.clone(), self.options.clone());
        let at = self.now();
        let loading = self.drive(async move || {
            let workspace = before.workspace.renewed(&root, options).await?;
            let graph = workspace.graph().await?;
            Ok::<_, RunError>(Loaded::new(workspace, graph, at, before.number + 1, stamp))
        });
        let loaded = loading.await.map_err(|_| RunError::Interrupted)??;
        *self.loaded.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(loaded);
        Ok(())
    }

    /// A workspace in which `actor` acts, with the project that was loaded last.
    pub(crate) async fn acting(&self, loaded: &Loaded, actor: &str) -> ApiResult<Workspace> {
        Ok(loaded.workspace.acting(Actor(actor.to_owned())).await?)
    }

    /// Drives work on a thread of its own where rows are worked on. For plans and runs, whose futures the compiler cannot
    /// prove to be `Send` for every lifetime; the thread sleeps while they wait.
    pub(crate) fn drive<T, W>(&self, work: impl FnOnce() -> W + Send + 'static) -> tokio::task::JoinHandle<T>
    where
        W: Future<Output = T>,
        T: Send + 'static,
    {
        let (runtime, span) = (self.work.clone(), tracing::Span::current());
        self.work.spawn_blocking(move || runtime.block_on(work().instrument(span)))
    }

    /// Where the catalog stands.
    pub(crate) async fn position(&self) -> ApiResult<Position> {
        Ok(self.catalog.position().await?)
    }
}

/// The project's files as far as their names, sizes and times tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stamp(Vec<(PathBuf, u64, Option<std::time::SystemTime>)>);

impl Stamp {
    fn of(root: &Path) -> Stamp {
        let mut found = Vec::new();
        for file in ["lockgate.yml", "lockgate.known.yml"] {
            add(&root.join(file), &mut found);
        }
        for folder in ["assets", "functions"] {
            walk(&root.join(folder), &mut found);
        }
        found.sort();
        Stamp(found)
    }
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, u64, Option<std::time::SystemTime>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, found),
            _ => add(&path, found),
        }
    }
}

fn add(path: &Path, found: &mut Vec<(PathBuf, u64, Option<std::time::SystemTime>)>) {
    if let Ok(metadata) = std::fs::metadata(path) {
        found.push((path.to_owned(), metadata.len(), metadata.modified().ok()));
    }
}

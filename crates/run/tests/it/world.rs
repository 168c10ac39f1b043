//! A project in a temporary folder, and what tests ask of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lockgate_run::{
    BaselineReport, Graph, Observer, OpenOptions, Plan, PlanOptions, QueryOptions, RunError, RunOptions, RunSummary,
    SuppressRequest, Workspace,
};
use lockgate_types::{Actor, AssetName, Effects, Event};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::hands::Hands;
use crate::retention::below;

pub(crate) struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event) {}
}

pub(crate) struct World {
    root: PathBuf,
    pub(crate) effects: Effects,
    /// `None` when another process made it.
    _folder: Option<TempDir>,
}

pub(crate) fn name(text: &str) -> AssetName {
    text.parse().unwrap()
}

/// Nobody waits between attempts.
fn hasty() -> Effects {
    Hands::new().effects()
}

impl World {
    /// A project with these files; `lockgate.yml` is added when it is not among them.
    pub(crate) fn new(files: &[(&str, &str)]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let world = World { root: folder.path().to_owned(), effects: hasty(), _folder: Some(folder) };
        world.write("lockgate.yml", "name: test\nengine: { memory: 256MB, threads: 2 }\n");
        for (path, text) in files {
            world.write(path, text);
        }
        world
    }

    /// The usual one: a CSV of orders, and a mart that refuses negative amounts.
    pub(crate) fn orders() -> World {
        World::new(&[
            ("data/orders.csv", "id,amount\n1,10\n2,20\n"),
            (
                "assets/raw/orders.yml",
                "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n",
            ),
            (
                "assets/mart/totals.sql",
                "/*\nchecks:\n  - expect: \"amount >= 0\"\n  - unique: id\n*/\nselect id, amount from raw.orders\n",
            ),
            ("assets/mart/sum.sql", "select sum(amount) as total from mart.totals\n"),
        ])
    }

    /// One that is there already.
    pub(crate) fn at(root: &Path) -> World {
        // Another process may be at work there: both have to go by one time.
        World { root: root.to_owned(), effects: Effects::real(), _folder: None }
    }

    /// Waits until this process has let go of the catalog and its file holds everything. Connections end on threads of
    /// their own; when two of them go at once and neither is the last, the log stays, and is merged here.
    pub(crate) async fn settled(&self) {
        let catalog = self.root().canonicalize().unwrap().join(".lockgate/catalog.db");
        for _ in 0..1_000 {
            if !is_open(&catalog) {
                if !catalog.with_extension("db-wal").exists() {
                    return;
                }
                lockgate_catalog::open_sqlite(&catalog, Effects::real()).await.unwrap().close().await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} is still open", catalog.display());
    }

    /// The same project as it stands, in another folder.
    pub(crate) async fn copied(&self) -> World {
        self.settled().await;
        let folder = tempfile::tempdir().unwrap();
        copy(self.root(), folder.path());
        World { root: folder.path().to_owned(), effects: hasty(), _folder: Some(folder) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            environment: None,
            actor: Actor("ada".to_owned()),
            kinds: vec![lockgate_connect::kind(), lockgate_transform::kind()],
            effects: self.effects.clone(),
            env: Arc::new(|_| None),
        }
    }

    pub(crate) async fn open(&self) -> Result<Workspace, RunError> {
        Workspace::open(self.root(), self.options()).await
    }

    pub(crate) async fn opened(&self) -> (Workspace, Graph) {
        let workspace = self.open().await.unwrap_or_else(|error| panic!("{error}"));
        let graph = workspace.graph().await.unwrap_or_else(|error| panic!("{error}"));
        (workspace, graph)
    }

    pub(crate) async fn plan(&self, options: PlanOptions) -> Plan {
        let (workspace, graph) = self.opened().await;
        workspace.plan(&graph, &options).await.unwrap()
    }

    pub(crate) async fn run(&self) -> RunSummary {
        self.run_with(PlanOptions::default()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) async fn run_as_of(&self, as_of: DateTime<Utc>) -> RunSummary {
        self.run_with(PlanOptions { as_of: Some(as_of), ..PlanOptions::default() }).await.unwrap()
    }

    pub(crate) async fn run_with(&self, options: PlanOptions) -> Result<RunSummary, RunError> {
        let workspace = self.open().await?;
        let graph = workspace.graph().await?;
        let plan = workspace.plan(&graph, &options).await?;
        let options = RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 2 };
        workspace.run(&graph, &plan, options).await
    }

    /// Lets a check fail for a day.
    pub(crate) async fn suppress(&self, asset: &str, check: &str) {
        let (workspace, graph) = self.opened().await;
        let until = self.effects.clock.now() + chrono::Duration::days(1);
        let (asset, check, why) = (name(asset), check.to_owned(), "a test".to_owned());
        let request = SuppressRequest { asset, check, until, why, limit: None };
        workspace.suppress(&graph, request).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Records today's failures of everything.
    pub(crate) async fn baseline(&self) -> BaselineReport {
        let (workspace, graph) = self.opened().await;
        let all = graph.nodes().keys().cloned().collect();
        let review_on = self.effects.clock.now().date_naive();
        workspace.baseline(&graph, &all, review_on, None, None).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A query's answer as rows of cells joined by commas.
    pub(crate) async fn query(&self, sql: &str) -> Vec<String> {
        let (workspace, graph) = self.opened().await;
        query(&workspace, &graph, sql).await
    }
}

/// The same in a workspace that is open.
pub(crate) async fn query(workspace: &Workspace, graph: &Graph, sql: &str) -> Vec<String> {
    let query = workspace.query(graph, sql, QueryOptions::default()).await.unwrap_or_else(|e| panic!("{e}"));
    let batches: Vec<_> = futures::TryStreamExt::try_collect(query.stream).await.unwrap_or_else(|e| panic!("{e}"));
    let cells = lockgate_run::samples(&batches);
    let line = |row: &Vec<Option<String>>| {
        row.iter().map(|cell| cell.clone().unwrap_or_else(|| "null".to_owned())).collect::<Vec<_>>().join(",")
    };
    cells.rows.iter().map(line).collect()
}

/// Whether this process has the file open; where the system does not tell, whether its log is there.
fn is_open(catalog: &Path) -> bool {
    match std::fs::read_dir("/proc/self/fd") {
        Ok(open) => open.flatten().any(|open| std::fs::read_link(open.path()).is_ok_and(|to| to == catalog)),
        Err(_) => catalog.with_extension("db-wal").exists(),
    }
}

/// With the times of the files: a source that only got younger is read again.
pub(crate) fn copy(from: &Path, to: &Path) {
    for path in below(from).into_keys() {
        let (source, target) = (from.join(&path), to.join(&path));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&source, &target).unwrap();
        let modified = source.metadata().unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&target).unwrap().set_modified(modified).unwrap();
    }
}

/// `raw.orders published, mart.totals held`, by name.
pub(crate) fn outcome(summary: &RunSummary) -> String {
    let mut results: Vec<String> =
        summary.results.iter().map(|result| format!("{} {}", result.asset, result.state.as_str())).collect();
    results.sort();
    results.join(", ")
}

//! A project in a temporary folder, its tables published, served on a free port.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lockgate_catalog::Catalog;
use lockgate_run::{Graph, Observer, OpenOptions, PlanOptions, RunError, RunOptions, Workspace};
use lockgate_types::{Actor, Effects, Event};
use lockgate_wire::{Authenticate, Limits, Project, Tables};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
struct Opened {
    workspace: Workspace,
    graph: Graph,
}

impl Project for Opened {
    fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    fn graph(&self) -> &Graph {
        &self.graph
    }
}

#[derive(Debug)]
struct Source {
    opened: Arc<Opened>,
    catalog: Arc<dyn Catalog>,
}

#[async_trait]
impl Tables for Source {
    async fn project(&self) -> Result<Arc<dyn Project>, RunError> {
        Ok(self.opened.clone())
    }

    fn catalog(&self) -> Arc<dyn Catalog> {
        self.catalog.clone()
    }
}

/// `None` trusts everybody; else the one token that is valid.
#[derive(Debug)]
struct Door(Option<&'static str>);

#[async_trait]
impl Authenticate for Door {
    fn trusted(&self, _: IpAddr) -> Option<String> {
        self.0.is_none().then(|| "ada".to_owned())
    }

    async fn check(&self, _: &str, password: &str, _: IpAddr) -> Option<String> {
        (self.0 == Some(password)).then(|| "reporting".to_owned())
    }
}

struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event) {}
}

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
    folder: TempDir,
}

const KINDS: &str = "\
/*
description: One column of every type.
columns:
  id: { type: bigint, required: true, description: The key. }
*/
select
  cast(id as bigint) as id,
  case when id = 1 then true end as is_on,
  case when id = 1 then cast(-7 as int) end as small,
  case when id = 1 then cast(0.1 as double) end as ratio,
  case when id = 1 then cast(-12345.67 as decimal(12, 2)) end as price,
  case when id = 1 then cast('it''s \"ä\"' as string) end as words,
  case when id = 1 then X'00ff' end as bytes,
  case when id = 1 then cast('2024-02-29' as date) end as day,
  case when id = 1 then cast('2024-02-29 12:34:56.5' as timestamp) end as local_at,
  case when id = 1 then cast('2024-02-29 12:34:56.5' as timestamptz) end as happened_at,
  cast(case when id = 1 then '{\"a\": [1, 2]}' end as json) as document,
  case when id = 1 then make_array(cast('a b' as string), null, cast('c' as string)) end as tags
from raw.orders where id <= 2
";

impl World {
    pub(crate) async fn new() -> World {
        World::with(None, Limits::default()).await
    }

    pub(crate) async fn with(token: Option<&'static str>, limits: Limits) -> World {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("lockgate.yml", "name: shop\nengine: { memory: 256MB, threads: 2 }\n");
        write("data/orders.csv", "id,amount\n1,10\n2,20\n3,\n");
        write(
            "assets/raw/orders.yml",
            "kind: source\nread: { path: data/orders.csv }\ndescription: Orders as they come.\n\
             columns: { id: bigint, amount: bigint }\n",
        );
        write("assets/mart/kinds.sql", KINDS);
        write("assets/mart/totals.sql", "select count(*) as orders, sum(amount) as total from raw.orders\n");
        write("assets/mart/open.sql", "/*\nload: inline\n*/\nselect id from raw.orders where amount is null\n");
        let world_folder = folder.path().to_owned();
        let options = options();
        let catalog =
            lockgate_catalog::open_sqlite(&world_folder.join(".lockgate/catalog.db"), options.effects.clone())
                .await
                .unwrap();
        let workspace =
            Workspace::open_on(&world_folder, options, catalog.clone()).await.unwrap_or_else(|e| panic!("{e}"));
        let graph = workspace.graph().await.unwrap_or_else(|e| panic!("{e}"));
        run(&workspace, &graph).await;
        let source = Source { opened: Arc::new(Opened { workspace, graph }), catalog };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        // Joined by the tests that stop it.
        let serving = tokio::task::spawn(lockgate_wire::serve(
            listener,
            Arc::new(source),
            Arc::new(Door(token)),
            limits,
            stop.clone(),
        ));
        World { address, stop, serving, folder }
    }

    /// Publishes new versions of everything, with one more order.
    pub(crate) async fn publish(&self) {
        std::fs::write(self.folder.path().join("data/orders.csv"), "id,amount\n1,10\n2,20\n3,\n4,70\n").unwrap();
        let workspace = Workspace::open(self.folder.path(), options()).await.unwrap();
        let graph = workspace.graph().await.unwrap();
        run(&workspace, &graph).await;
    }

    pub(crate) fn psql_command(&self) -> Command {
        let mut command = Command::new("psql");
        command
            .args(["-X", "-h", "127.0.0.1", "-p", &self.address.port().to_string(), "-U", "anybody", "-d", "shop"])
            .args(["-v", "VERBOSITY=verbose", "-v", "ON_ERROR_STOP=1"])
            .env("PGCONNECT_TIMEOUT", "20")
            .env("PGTZ", "Europe/Berlin")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// What psql prints, rows as cells joined by `|`.
    pub(crate) async fn psql(&self, sql: &str) -> Result<String, String> {
        let output = self.psql_command().args(["-A", "-t", "-P", "null=NULL", "-c", sql]).output().await;
        text(output.expect("psql is needed: apt-get install postgresql-client"))
    }

    /// The same with everything around the rows.
    pub(crate) async fn psql_whole(&self, sql: &str) -> String {
        text(self.psql_command().args(["-c", sql]).output().await.unwrap())
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) fn python_command(&self, script: &str) -> Command {
        let python = std::env::var("LOCKGATE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = Command::new(python);
        command
            .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script))
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.address.port().to_string())
            .env("PGUSER", "anybody")
            .env("PGDATABASE", "shop")
            .kill_on_drop(true);
        command
    }

    /// Runs a script with psycopg in it to its end.
    pub(crate) async fn python(&self, script: &str) -> String {
        let output = self.python_command(script).output().await.unwrap();
        text(output).unwrap_or_else(|error| panic!("{script} (set LOCKGATE_TEST_PYTHON): {error}"))
    }
}

/// Waits for something that comes to pass by itself.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} did not come to pass");
}

fn text(output: Output) -> Result<String, String> {
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(out.trim_end().to_owned()) } else { Err(errors.trim_end().to_owned()) }
}

fn options() -> OpenOptions {
    OpenOptions {
        environment: None,
        actor: Actor("ada".to_owned()),
        kinds: vec![lockgate_connect::kind(), lockgate_transform::kind()],
        effects: Effects::real(),
        env: Arc::new(|_| None),
    }
}

async fn run(workspace: &Workspace, graph: &Graph) {
    let plan = workspace.plan(graph, &PlanOptions::default()).await.unwrap();
    let options = RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 2 };
    let summary = workspace.run(graph, &plan, options).await.unwrap_or_else(|error| panic!("{error}"));
    for result in &summary.results {
        assert_eq!(result.state.as_str(), "published", "{}", result.asset);
    }
}

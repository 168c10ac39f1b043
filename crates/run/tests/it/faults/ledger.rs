//! The project of these tests: a source that appends, a transform that merges, a group of two, and a version that is
//! held. What readers may see of it is known: what was there before the run, or what is there after it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use lockgate_lake::Lake;
use lockgate_run::{Graph, PlanOptions, RunError, RunOptions, RunSummary, Which, Workspace};
use lockgate_types::{Column, DataType, Effects, RunState, Schema, VersionState};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::retention::below;
use crate::world::{Silent, World, copy, name, query};

/// Rows, and the sum of the last column, of every asset.
pub(crate) type Seen = BTreeMap<String, (i64, i64)>;

const FILES: &[(&str, &str)] = &[
    (
        "lockgate.yml",
        "name: test\nengine: { memory: 256MB, threads: 2 }\ngroups:\n  - { name: finance, assets: [mart.*] }\n",
    ),
    ("data/1.csv", "id,amount\n1,10\n2,20\n"),
    (
        "assets/raw/orders.yml",
        "kind: source\nread: { path: 'data/*.csv' }\nload: append\ncolumns: { id: bigint, amount: bigint }\n",
    ),
    (
        "assets/mart/orders.sql",
        "/*\nload: { merge: { key: id } }\nchecks: [{ not_null: id }]\n*/\n\
         select id, max(amount) as amount from raw.orders group by id\n",
    ),
    ("assets/mart/sum.sql", "select cast(sum(amount) as bigint) as total from mart.orders\n"),
    ("assets/side/strict.sql", "/*\nchecks:\n  - expect: \"amount < 100\"\n*/\nselect id, amount from raw.orders\n"),
];

const MORE: (&str, &str) = ("data/2.csv", "id,amount\n2,25\n3,500\n");

/// How many rows, and their sum.
type Sight = (i64, i64);

/// Every asset: its last column, what readers see of it before the run, and after.
const ASSETS: &[(&str, &str, Sight, Sight)] = &[
    ("raw.orders", "amount", (2, 30), (4, 555)),
    ("mart.orders", "amount", (2, 30), (3, 535)),
    ("mart.sum", "total", (1, 30), (1, 535)),
    ("side.strict", "amount", (2, 30), (2, 30)),
];

/// Above any process id that Linux gives.
const DEAD: u32 = 4_100_000;

pub(crate) fn before() -> Seen {
    ASSETS.iter().map(|(asset, _, before, _)| ((*asset).to_owned(), *before)).collect()
}

pub(crate) fn after() -> Seen {
    ASSETS.iter().map(|(asset, _, _, after)| ((*asset).to_owned(), *after)).collect()
}

/// A project in which the first run is done, and the second has work.
pub(crate) struct Template {
    folder: TempDir,
}

impl Template {
    pub(crate) async fn prepare() -> Template {
        let world = World::new(FILES);
        let first = world.run().await;
        assert_eq!(first.state, RunState::Done, "{first:#?}");
        let (file, text) = MORE;
        world.write(file, text);
        world.settled().await;
        let folder = tempfile::tempdir().unwrap();
        copy(world.root(), folder.path());
        Template { folder }
    }

    /// A project in which nothing has run yet; once it has, readers see [`before`].
    pub(crate) fn fresh() -> Template {
        let world = World::new(FILES);
        let folder = tempfile::tempdir().unwrap();
        copy(world.root(), folder.path());
        Template { folder }
    }

    /// What a ledger has come to.
    pub(crate) fn of(ledger: Ledger) -> Template {
        Template { folder: ledger.folder }
    }

    /// A project of its own, with these effects.
    pub(crate) fn copy(&self, effects: Effects) -> Ledger {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        Ledger::at(folder, effects)
    }
}

/// A project like the template.
pub(crate) struct Ledger {
    folder: TempDir,
    pub(crate) effects: Effects,
}

impl Ledger {
    pub(crate) fn at(folder: TempDir, effects: Effects) -> Ledger {
        Ledger { folder, effects }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// As another process, without faults, would open it.
    pub(crate) fn calm(&self) -> World {
        World::at(self.root())
    }

    /// A run, one asset at a time, so that its operations come in one order.
    pub(crate) async fn run(&self) -> Result<RunSummary, RunError> {
        let mut world = self.calm();
        world.effects = self.effects.clone();
        run_with(&world, PlanOptions::default()).await
    }

    /// Asserts that readers of both kinds see exactly this.
    pub(crate) async fn assert_sees(&self, wanted: &Seen, case: &str) {
        assert_eq!(self.opened().await.seen().await, *wanted, "{case}");
        assert_eq!(self.seen_directly().await, *wanted, "{case}: direct readers");
    }

    /// As another process opens it afterwards, without faults: a reader, and whoever mends.
    pub(crate) async fn opened(&self) -> Calm<'_> {
        let (workspace, graph) = self.calm().opened().await;
        Calm { ledger: self, workspace, graph }
    }

    /// Readers see the old state or the new one; then one more run, and all is as though nothing had happened.
    pub(crate) async fn assert_survived(&self, case: &str) {
        let calm = self.healed(&before(), &after(), case).await;
        calm.assert_done(case).await;
        calm.assert_clean(case).await;
    }

    /// The same of a first run: readers see nothing yet, or what it publishes.
    pub(crate) async fn assert_begun(&self, case: &str) {
        let after = before();
        let calm = self.healed(&Seen::new(), &after, case).await;
        assert_eq!(calm.seen().await, after, "{case}");
        assert_eq!(self.seen_directly().await, after, "{case}");
        let published = "select count(*), count(distinct asset) from lockgate.audit where action = 'published'";
        let each = ASSETS.len();
        assert_eq!(calm.query(published).await, [format!("{each},{each}")], "{case}: published once each");
        calm.assert_clean(case).await;
    }

    /// Opened by whoever comes next, and run once more.
    async fn healed(&self, before: &Seen, after: &Seen, case: &str) -> Calm<'_> {
        // Whoever opens the project finishes what was half published, so direct readers look before.
        assert_between(&self.seen_directly().await, before, after, case, "direct readers");
        let calm = self.opened().await;
        let seen = calm.seen().await;
        assert_between(&seen, before, after, case, "readers");
        let is_new = |asset: &str| seen.get(asset) == after.get(asset);
        assert_eq!(is_new("mart.orders"), is_new("mart.sum"), "{case}: a group is half switched");
        calm.run(case).await;
        calm
    }

    /// Files that got no name are spared while the process that wrote them lives. This one did, and is dead by now.
    fn end_this_process(&self) {
        let own = format!("#{}", std::process::id());
        for path in below(&self.store()).into_keys().filter(|path| path.contains(&own)) {
            let dead = path.replace(&own, &format!("#{DEAD}"));
            std::fs::rename(self.store().join(path), self.store().join(dead)).unwrap();
        }
    }

    fn store(&self) -> PathBuf {
        self.root().join("store")
    }

    /// By the log in the store alone; nothing of an asset without one.
    pub(crate) async fn seen_directly(&self) -> Seen {
        let lake = Lake::open(&self.store(), "default", Effects::real()).unwrap();
        let mut seen = Seen::new();
        for (asset, column, ..) in ASSETS {
            let table = lake.table(&name(asset));
            let Some(head) = table.head().await.unwrap() else { continue };
            let columns =
                if *asset == "mart.sum" { vec![bigint("total")] } else { vec![bigint("id"), bigint("amount")] };
            let schema = Schema { columns };
            let batches = table.read(&table.files_at(head).await.unwrap(), &schema, &[], None).await.unwrap();
            let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
            let cells = batches.iter().flat_map(|batch| {
                batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().iter().copied()
            });
            seen.insert((*asset).to_owned(), (i64::try_from(rows).unwrap(), cells.sum()));
        }
        seen
    }
}

/// A project that is open, without faults.
pub(crate) struct Calm<'a> {
    ledger: &'a Ledger,
    pub(crate) workspace: Workspace,
    pub(crate) graph: Graph,
}

impl Calm<'_> {
    /// Rows of cells joined by commas.
    pub(crate) async fn query(&self, sql: &str) -> Vec<String> {
        query(&self.workspace, &self.graph, sql).await
    }

    /// By Lockgate; nothing of an asset that was never published.
    pub(crate) async fn seen(&self) -> Seen {
        let live = self.query("select asset from lockgate.versions where state = 'published'").await;
        let each =
            ASSETS.iter().filter(|(asset, ..)| live.iter().any(|live| live == asset)).map(|(asset, column, ..)| {
                format!("select '{asset}' as asset, count(*) as orders, sum({column}) as total from {asset}")
            });
        let each: Vec<String> = each.collect();
        if each.is_empty() {
            return Seen::new();
        }
        let rows = self.query(&each.join(" union all ")).await;
        let parsed = rows.iter().map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            (cells[0].to_owned(), (cells[1].parse().unwrap(), cells[2].parse().unwrap()))
        });
        parsed.collect()
    }

    /// A run that goes well, after which there is nothing left to do.
    pub(crate) async fn run(&self, case: &str) {
        let healed = run_in(&self.workspace, &self.graph, &PlanOptions::default()).await;
        let healed = healed.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(matches!(healed.state, RunState::Done | RunState::Held), "{case}: {healed:#?}");
        let left = self.workspace.plan(&self.graph, &PlanOptions::default()).await.unwrap();
        // What is held is looked at by every run.
        assert!(left.steps.iter().all(|step| step.asset == name("side.strict")), "{case}: {left:#?}");
    }

    async fn assert_done(&self, case: &str) {
        assert_eq!(self.seen().await, after(), "{case}");
        assert_eq!(self.ledger.seen_directly().await, after(), "{case}");
        for (asset, ..) in ASSETS {
            let states: Vec<VersionState> =
                self.workspace.history(&name(asset)).await.unwrap().into_iter().map(|version| version.state).collect();
            let of = |wanted: VersionState| states.iter().filter(|state| **state == wanted).count();
            let is_strict = *asset == "side.strict";
            assert_eq!(of(VersionState::Published), 1, "{case}: {asset} {states:?}");
            assert_eq!(of(VersionState::Held), usize::from(is_strict), "{case}: {asset} {states:?}");
            assert_eq!(of(VersionState::Superseded), usize::from(!is_strict), "{case}: {asset} {states:?}");
            let open = of(VersionState::Staged) + of(VersionState::Publishing);
            assert_eq!(open, 0, "{case}: {asset} {states:?}");
        }
        let published = "select asset, count(*), count(distinct version) from lockgate.audit \
                         where action = 'published' group by asset order by asset";
        let once = ["mart.orders,2,2", "mart.sum,2,2", "raw.orders,2,2", "side.strict,1,1"];
        assert_eq!(self.query(published).await, once, "{case}: published once each");
    }

    /// After `gc`, every file in the store belongs to a version that is kept.
    pub(crate) async fn assert_clean(&self, case: &str) {
        self.ledger.end_this_process();
        let (workspace, graph) = (&self.workspace, &self.graph);
        let report = workspace.gc(false).await.unwrap_or_else(|error| panic!("{case}: {error}"));
        for asset in graph.order() {
            let (mut kept, mut numbers) = (BTreeSet::new(), BTreeSet::new());
            for summary in workspace.history(asset).await.unwrap() {
                if !is_kept(summary.state) {
                    continue;
                }
                let which = Which::Number(summary.number);
                let version = workspace.show(graph, asset, which, 0).await.unwrap().version;
                kept.extend(version.files.iter().map(|file| file.path.clone()));
                kept.insert(format!("_lockgate/v{}/version.json", summary.number));
                kept.insert(format!("_lockgate/v{}/parts.bin", summary.number));
                numbers.insert(format!("_lockgate/v{}/commit-", summary.number));
            }
            let folder = self.ledger.store().join("tables").join(asset.schema()).join(asset.table());
            for path in below(&folder).into_keys() {
                let is_log = path.starts_with("_delta_log/") && !path.contains('#');
                let is_commit = numbers.iter().any(|commit| path.starts_with(commit.as_str()));
                assert!(
                    is_log || is_commit || kept.contains(&path),
                    "{case}: {asset} has an orphan, {path}\n{report:#?}"
                );
            }
        }
        let known =
            |path: &String| graph.order().iter().any(|asset| path.contains(&asset.to_string().replace('.', "/")));
        let strange: Vec<String> = below(&self.ledger.store()).into_keys().filter(|path| !known(path)).collect();
        assert!(strange.is_empty(), "{case}: {strange:?}");
    }
}

/// Of every asset, one of the two states.
pub(crate) fn assert_between(seen: &Seen, before: &Seen, after: &Seen, case: &str, who: &str) {
    for (asset, ..) in ASSETS {
        let rows = seen.get(*asset);
        assert!(rows == before.get(*asset) || rows == after.get(*asset), "{case}: {who} see {rows:?} of {asset}");
    }
}

fn bigint(name: &str) -> Column {
    let name = name.to_owned();
    Column { name, data_type: DataType::Bigint, required: false, description: None, pii: false }
}

fn is_kept(state: VersionState) -> bool {
    use VersionState::{Dismissed, Held, Published, Retracted, Superseded};
    matches!(state, Dismissed | Held | Published | Retracted | Superseded)
}

/// A run, one asset at a time.
pub(crate) async fn run_with(world: &World, options: PlanOptions) -> Result<RunSummary, RunError> {
    let workspace = world.open().await?;
    let graph = workspace.graph().await?;
    run_in(&workspace, &graph, &options).await
}

async fn run_in(workspace: &Workspace, graph: &Graph, options: &PlanOptions) -> Result<RunSummary, RunError> {
    let plan = workspace.plan(graph, options).await?;
    let options = RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 1 };
    workspace.run(graph, &plan, options).await
}

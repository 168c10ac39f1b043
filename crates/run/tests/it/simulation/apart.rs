//! A group that switches while somebody reads its members one after the other: they are never seen apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use async_trait::async_trait;
use futures::TryStreamExt;
use lockgate_catalog::memory::{Memory, Wire};
use lockgate_catalog::{Catalog, Result};
use lockgate_run::{OpenOptions, PlanOptions, QueryOptions, RunOptions, Workspace};
use lockgate_types::{RunState, TaskState};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::kind::Simulated;
use crate::world::{Silent, World};

/// Once it is armed: before the second version is read, it asks somebody to change everything, and waits for that.
#[derive(Debug, Default)]
struct Meddler {
    is_armed: AtomicBool,
    reads: AtomicU32,
    asked: Notify,
    done: Notify,
}

#[async_trait]
impl Wire for Meddler {
    async fn call(&self, what: &'static str) -> Result<u32> {
        let is_read = matches!(what, "live_one" | "version") && self.is_armed.load(Ordering::SeqCst);
        if is_read && self.reads.fetch_add(1, Ordering::SeqCst) == 1 {
            self.asked.notify_one();
            self.done.notified().await;
        }
        Ok(1)
    }

    async fn answer(&self, _: &'static str) -> Result<()> {
        Ok(())
    }
}

/// A project with a group and its reader, published once.
struct Apart {
    world: World,
    memory: Memory,
    outside: Arc<AtomicU64>,
    meddler: Arc<Meddler>,
}

impl Apart {
    async fn new() -> Apart {
        let groups = "name: apart\ngroups:\n  - { name: pair, assets: [pair.*] }\n";
        let asset = "kind: simulated\n";
        let world = World::new(&[
            ("lockgate.yml", groups),
            ("assets/raw/one.yml", asset),
            ("assets/pair/one.yml", asset),
            ("assets/pair/two.yml", asset),
            ("assets/sum/one.yml", asset),
        ]);
        let apart = Apart { world, memory: Memory::default(), outside: Arc::default(), meddler: Arc::default() };
        apart.publish_next(&[]).await;
        apart
    }

    async fn open(&self, catalog: Arc<dyn Catalog>) -> Workspace {
        let kinds: Vec<Arc<dyn lockgate_kind::Kind>> = vec![Arc::new(Simulated { outside: Arc::clone(&self.outside) })];
        let options = OpenOptions { kinds, ..self.world.options() };
        Workspace::open_on(self.world.root(), options, catalog).await.unwrap()
    }

    /// As whoever reads over the meddler.
    async fn open_meddled(&self) -> Workspace {
        self.open(self.memory.open_over(self.world.effects.clone(), self.meddler.clone())).await
    }

    async fn publish_next(&self, selectors: &[&str]) {
        self.outside.fetch_add(1, Ordering::SeqCst);
        let workspace = self.open(self.memory.open(self.world.effects.clone())).await;
        let graph = workspace.graph().await.unwrap();
        let selectors = selectors.iter().map(|selector| (*selector).to_owned()).collect();
        let plan = workspace.plan(&graph, &PlanOptions { selectors, ..PlanOptions::default() }).await.unwrap();
        assert_eq!(workspace.run(&graph, &plan, options()).await.unwrap().state, RunState::Done);
    }

    /// Publishes the group, and nobody who reads it, when it is asked to.
    async fn meddle(&self) {
        self.meddler.asked.notified().await;
        self.publish_next(&["raw", "pair"]).await;
        self.meddler.done.notify_one();
    }
}

fn options() -> RunOptions {
    RunOptions { observer: Arc::new(Silent), cancel: CancellationToken::new(), parallel: 1 }
}

#[tokio::test]
async fn a_query_sees_a_group_whole() {
    let apart = Apart::new().await;
    let workspace = apart.open_meddled().await;
    let graph = workspace.graph().await.unwrap();
    apart.meddler.is_armed.store(true, Ordering::SeqCst);
    let sql = "select one.n, two.n from pair.one as one cross join pair.two as two";
    let (query, ()) = tokio::join!(workspace.query(&graph, sql, QueryOptions::default()), apart.meddle());
    let batches: Vec<_> = query.unwrap().stream.try_collect().await.unwrap();
    assert_eq!(lockgate_run::samples(&batches).rows, [[Some("1".to_owned()), Some("1".to_owned())]]);
}

#[tokio::test]
async fn a_run_pins_a_group_whole() {
    let apart = Apart::new().await;
    let workspace = apart.open_meddled().await;
    let graph = workspace.graph().await.unwrap();
    let only = PlanOptions { force: true, selectors: vec!["sum.one".to_owned()], ..PlanOptions::default() };
    let plan = workspace.plan(&graph, &only).await.unwrap();
    apart.meddler.is_armed.store(true, Ordering::SeqCst);
    // The kind itself looks whether its inputs fit together.
    let (summary, ()) = tokio::join!(workspace.run(&graph, &plan, options()), apart.meddle());
    let states: Vec<TaskState> = summary.unwrap().results.iter().map(|result| result.state).collect();
    assert_eq!(states, [TaskState::Published], "from what it pinned, and the next run builds it anew");
}

//! Pages of runs, and the last failures of assets.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_catalog::conformance::samples::{ENV, actor, name, run, task};
use lockgate_catalog::{LastTask, RunFilter, ServiceCatalog};
use lockgate_types::{Random, Run, RunId, RunState, Task, TaskState, effects::SplitMix};

use super::{after, open, two};
use crate::backend::Folder;

fn pick<T: Copy>(random: &SplitMix, of: &[T]) -> T {
    of[usize::try_from(random.next() % of.len() as u64).unwrap()]
}

/// A run that started so many seconds after noon.
fn started(index: i64, environment: &str) -> Run {
    Run { started_at: after(index), environment: environment.to_owned(), ..run(&format!("0run{index:05}")) }
}

/// Runs in two environments, by two actors, with tasks in every state; oldest first.
async fn grown(catalog: &dyn ServiceCatalog, random: &SplitMix) -> Vec<(Run, Vec<Task>)> {
    const ENDS: [RunState; 3] = [RunState::Running, RunState::Done, RunState::Failed];
    let mut all = Vec::new();
    for index in 0..120 {
        let mut run = started(index, pick(random, &[ENV, ENV, "dev"]));
        run.actor = actor(pick(random, &["nightly", "ana"]));
        let mut tasks = Vec::new();
        for asset in ["raw.a", "raw.b", "raw.c", "raw.d"] {
            if random.next().is_multiple_of(2) {
                let state = pick(random, &TaskState::ALL);
                let ended_at = Some(run.started_at);
                tasks.push(Task { state, ended_at, message: Some(format!("{state:?} {index}")), ..task(&run, asset) });
            }
        }
        catalog.create_run(&run, &tasks).await.unwrap();
        let state = pick(random, &ENDS);
        if state != RunState::Running {
            catalog.end_run(&run.id, state, after(index)).await.unwrap();
            run = Run { state, ended_at: Some(after(index)), ..run };
        }
        all.push((run, tasks));
    }
    all
}

/// All pages of a filter, each behind the last of the one before.
async fn pages(catalog: &dyn ServiceCatalog, filter: &RunFilter) -> Vec<Run> {
    let mut filter = filter.clone();
    let mut seen = Vec::new();
    loop {
        let page = catalog.runs_page(ENV, &filter).await.unwrap();
        assert!(page.len() <= filter.limit);
        let Some(last) = page.last() else { return seen };
        filter.before = Some(last.run.id.clone());
        seen.extend(page.into_iter().map(|line| line.run));
    }
}

#[tokio::test]
async fn pages_of_every_filter_are_the_runs_that_match() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let all = grown(&*catalog, &SplitMix::seeded(7)).await;
    for state in [None, Some(RunState::Running), Some(RunState::Failed), Some(RunState::Held)] {
        for who in [None, Some("ana"), Some("nobody")] {
            for asset in [None, Some("raw.b"), Some("raw.none")] {
                let asset = asset.map(name);
                let filter =
                    RunFilter { state, actor: who.map(str::to_owned), asset: asset.clone(), before: None, limit: 7 };
                let matches = |(run, tasks): &&(Run, Vec<Task>)| {
                    run.environment == ENV
                        && state.is_none_or(|state| run.state == state)
                        && who.is_none_or(|who| run.actor.0 == who)
                        && asset.as_ref().is_none_or(|asset| tasks.iter().any(|task| task.asset == *asset))
                };
                let expected: Vec<_> = all.iter().rev().filter(matches).map(|(run, _)| run.clone()).collect();
                assert_eq!(pages(&*catalog, &filter).await, expected, "{filter:?}");
            }
        }
    }
    assert!(catalog.runs_page(ENV, &RunFilter::default()).await.unwrap().is_empty(), "at most none");
}

#[tokio::test]
async fn tasks_are_counted_by_their_states() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let all = grown(&*catalog, &SplitMix::seeded(8)).await;
    let lines = catalog.runs_page(ENV, &RunFilter { limit: 1_000, ..RunFilter::default() }).await.unwrap();
    for line in lines {
        let (_, tasks) = all.iter().find(|(run, _)| run.id == line.run.id).unwrap();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for task in tasks {
            *counts.entry(task.state.as_str()).or_default() += 1;
        }
        assert_eq!(line.tasks, counts);
    }
}

/// Of runs that started at once, each stands on one page.
#[tokio::test]
async fn runs_of_one_instant_are_told_apart() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    for index in 0..20 {
        catalog.create_run(&Run { started_at: after(0), ..started(index, ENV) }, &[]).await.unwrap();
    }
    let seen = pages(&*catalog, &RunFilter { limit: 3, ..RunFilter::default() }).await;
    let ids: Vec<_> = seen.iter().map(|run| run.id.clone()).collect();
    assert_eq!(ids, (0..20).rev().map(|index| started(index, ENV).id).collect::<Vec<_>>());
    let unknown = RunFilter { before: Some(RunId("none".to_owned())), limit: 3, ..RunFilter::default() };
    assert!(catalog.runs_page(ENV, &unknown).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_whole_while_runs_come() {
    let (_folder, one, other) = two().await;
    for index in 0..60 {
        let run = started(index, ENV);
        one.create_run(&run, &[task(&run, "raw.a")]).await.unwrap();
    }
    let coming = tokio::spawn(async move {
        for index in 60..120 {
            let run = started(index, ENV);
            other.create_run(&run, &[task(&run, "raw.a")]).await.unwrap();
            other.end_run(&started(index - 60, ENV).id, RunState::Done, after(index)).await.unwrap();
        }
    });
    for asset in [None, Some(name("raw.a"))] {
        let seen = pages(&*one, &RunFilter { asset, limit: 7, ..RunFilter::default() }).await;
        let ids: BTreeSet<_> = seen.iter().map(|run| run.id.0.clone()).collect();
        assert_eq!(ids.len(), seen.len(), "one came twice");
        assert!((0..60).all(|index| ids.contains(&started(index, ENV).id.0)), "one was left out");
    }
    coming.await.unwrap();
}

#[tokio::test]
async fn an_asset_whose_last_end_was_a_failure_is_listed() {
    let folder = Folder::new();
    assert!(open(&folder).await.last_failures(ENV).await.unwrap().is_empty());
    for seed in 0..6 {
        let folder = Folder::new();
        let catalog = open(&folder).await;
        let all = grown(&*catalog, &SplitMix::seeded(seed)).await;
        for env in [ENV, "dev"] {
            let mut expected = BTreeMap::new();
            for task in all.iter().filter(|(run, _)| run.environment == env).flat_map(|(_, tasks)| tasks) {
                match task.state {
                    TaskState::Waiting | TaskState::Running => {}
                    TaskState::Failed => {
                        let Task { run, state, ended_at, message, .. } = task.clone();
                        expected.insert(task.asset.clone(), LastTask { run, state, ended_at, message });
                    }
                    _ => {
                        expected.remove(&task.asset);
                    }
                }
            }
            assert_eq!(catalog.last_failures(env).await.unwrap(), expected, "{env}, {seed}");
        }
    }
}

/// A task's environment stays that of its run, however it comes out.
#[tokio::test]
async fn a_task_that_fails_later_is_found() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let run = started(1, "dev");
    catalog.create_run(&run, &[task(&run, "raw.a")]).await.unwrap();
    let failed = Task { state: TaskState::Failed, ..task(&run, "raw.a") };
    let new = Task { state: TaskState::Failed, ..task(&run, "raw.new") };
    for task in [&failed, &new] {
        catalog.set_task(task).await.unwrap();
    }
    assert_eq!(catalog.last_failures("dev").await.unwrap().len(), 2);
    assert!(catalog.last_failures(ENV).await.unwrap().is_empty());
    catalog.set_task(&Task { state: TaskState::Published, ..failed }).await.unwrap();
    assert_eq!(catalog.last_failures("dev").await.unwrap().into_keys().collect::<Vec<_>>(), [name("raw.new")]);
}

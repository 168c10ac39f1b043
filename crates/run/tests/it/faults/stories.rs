//! What is done when a named point fires: a run, a decision, a gc, a rebuild, each from a prepared state. Whoever does
//! it again afterwards comes to the end that there would have been without the fault.

use std::collections::BTreeSet;

use chrono::{TimeZone, Utc};
use lockgate_run::{PlanOptions, RunError, SuppressRequest, rebuild};
use lockgate_types::Effects;

use super::ledger::{Ledger, Template, run_with};
use super::sweep::without_faults;
use crate::world::{World, name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Story {
    Run,
    Checkpoint,
    Leftovers,
    Foreign,
    Stolen,
    Late,
    Suppression,
    Dismissal,
    Retention,
    Rebuild,
}

impl Story {
    pub(crate) const ALL: [Story; 10] = [
        Story::Run,
        Story::Checkpoint,
        Story::Leftovers,
        Story::Foreign,
        Story::Stolen,
        Story::Late,
        Story::Suppression,
        Story::Dismissal,
        Story::Retention,
        Story::Rebuild,
    ];

    /// As the page tells it.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Story::Run => "a run that appends, merges, switches a group and holds a version",
            Story::Checkpoint => "a run that makes a table's tenth commit",
            Story::Leftovers => "a run that clears what a dead one staged",
            Story::Foreign => "a run that finishes a publication in whose place somebody else committed",
            Story::Stolen => "a run that takes over the lease of a dead one",
            Story::Late => "a run in which an asset becomes late",
            Story::Suppression => "a suppression",
            Story::Dismissal => "a held version that is dismissed",
            Story::Retention => "a gc that expires and removes",
            Story::Rebuild => "a rebuild of a lost catalog",
        }
    }

    pub(crate) fn of(word: &str) -> Story {
        Story::ALL.into_iter().find(|story| format!("{story:?}") == word).unwrap()
    }

    /// What stands before it begins.
    pub(crate) async fn prepared(self) -> Template {
        let template = Template::prepare().await;
        let ledger = template.copy(without_faults());
        let mut world = ledger.calm();
        world.effects = ledger.effects.clone();
        self.prepare(&world).await;
        drop(world);
        ledger.calm().settled().await;
        Template::of(ledger)
    }

    async fn prepare(self, world: &World) {
        match self {
            Story::Run | Story::Suppression => {
                // New code too, so that what is kept of code and plans is written.
                world
                    .write("assets/mart/sum.sql", "select cast(sum(amount) + 0 as bigint) as total from mart.orders\n");
            }
            Story::Checkpoint => {
                for file in 2..10 {
                    world.write(&format!("data/{file}.csv"), &format!("id,amount\n{file},{file}\n"));
                    run_with(world, only("raw.orders")).await.unwrap();
                }
                world.write("data/10.csv", "id,amount\n10,10\n");
            }
            Story::Leftovers => {
                world.effects.faults.arm("run.commit_prepared", "fail:100");
                world.effects.faults.arm("catalog.abandon.before", "fail:100");
                run_with(world, only("raw.orders")).await.unwrap();
            }
            Story::Foreign => {
                world.effects.faults.arm("run.publishing_recorded", "fail:100");
                run_with(world, only("raw.orders")).await.unwrap();
                let entry = "store/tables/raw/orders/_delta_log/00000000000000000001.json";
                world.write(entry, "{\"commitInfo\":{\"engineInfo\":\"Spark/4\"}}\n");
            }
            Story::Stolen => {
                let path = world.root().join(".lockgate/catalog.db");
                let catalog = lockgate_catalog::open_sqlite(&path, without_faults()).await.unwrap();
                catalog.try_lease("default/raw.orders", "somebody dead").await.unwrap();
                catalog.close().await;
            }
            Story::Late => {
                let fresh =
                    "/*\nchecks:\n  - fresh: { at: 2d }\n*/\nselect id, timestamp '2024-01-01' as at from raw.orders\n";
                world.write("assets/side/fresh.sql", fresh);
                let then = Utc.with_ymd_and_hms(2024, 1, 2, 0, 0, 0).unwrap();
                let options = PlanOptions { as_of: Some(then), ..PlanOptions::default() };
                run_with(world, options).await.unwrap();
            }
            Story::Dismissal => {
                run_with(world, PlanOptions::default()).await.unwrap();
            }
            Story::Retention => {
                run_with(world, PlanOptions::default()).await.unwrap();
                let keep = "keep: { versions: 1 }\ngroups:\n  - { name: finance, assets: [mart.*] }\n";
                world.write("lockgate.yml", &format!("name: test\nengine: {{ memory: 256MB, threads: 2 }}\n{keep}"));
            }
            Story::Rebuild => {
                run_with(world, PlanOptions::default()).await.unwrap();
                world.settled().await;
                std::fs::remove_dir_all(world.root().join(".lockgate")).unwrap();
            }
        }
    }

    /// What is done. That it is done already is no error to whoever does it again.
    pub(crate) async fn act(self, world: &World) -> Result<(), RunError> {
        match self {
            Story::Run | Story::Checkpoint | Story::Leftovers | Story::Foreign | Story::Stolen | Story::Late => {
                run_with(world, PlanOptions::default()).await.map(|_| ())
            }
            Story::Suppression => {
                let workspace = world.open().await?;
                let graph = workspace.graph().await?;
                let until = Utc.with_ymd_and_hms(2200, 1, 1, 0, 0, 0).unwrap();
                let (asset, check, why) = (name("side.strict"), "expect".to_owned(), "a test".to_owned());
                workspace.suppress(&graph, SuppressRequest { asset, check, until, why, limit: None }).await.map(|_| ())
            }
            Story::Dismissal => {
                let workspace = world.open().await?;
                match workspace.dismiss(&name("side.strict"), None, "wrong").await {
                    Ok(_) | Err(RunError::NothingHeld { .. }) => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Story::Retention => world.open().await?.gc(false).await.map(|_| ()),
            Story::Rebuild => match rebuild(world.root(), &world.options(), "the disk failed", false).await {
                Ok(_) => Ok(()),
                Err(error) if error.diagnostics().0.iter().any(|d| d.code.id == "LG0731") => Ok(()),
                Err(error) => Err(error),
            },
        }
    }
}

/// How a story ends: what readers see, what was said of versions, and what waits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) seen: super::ledger::Seen,
    directly: super::ledger::Seen,
    states: Vec<String>,
    said: Vec<String>,
    late: BTreeSet<String>,
    suppressed: BTreeSet<String>,
}

/// Calm returns: what was begun is done again, then a run, then a gc.
pub(crate) async fn ends(story: Story, ledger: &Ledger, case: &str) -> End {
    let world = ledger.calm();
    story.act(&world).await.unwrap_or_else(|error| panic!("{case}: {error}"));
    let calm = ledger.opened().await;
    calm.run(case).await;
    let states = "select asset, state, count(*) from lockgate.versions where state not in ('failed', 'expired') \
                  group by asset, state order by asset, state";
    let said = "select asset, action, count(*), count(distinct version) from lockgate.audit \
                where action in ('published', 'held', 'dismissed', 'expired') \
                group by asset, action order by asset, action";
    let (states, said) = (calm.query(states).await, calm.query(said).await);
    let (mut late, mut suppressed) = (BTreeSet::new(), BTreeSet::new());
    for asset in calm.workspace.status(&calm.graph).await.unwrap().assets {
        late.extend(asset.late.iter().map(|_| asset.name.to_string()));
        suppressed.extend(asset.suppressed.iter().map(|(made, _)| format!("{} {}", asset.name, made.check)));
    }
    calm.assert_clean(case).await;
    End { seen: calm.seen().await, directly: ledger.seen_directly().await, states, said, late, suppressed }
}

pub(crate) fn armed(point: &str, action: &str) -> Effects {
    let effects = without_faults();
    effects.faults.arm(point, action);
    effects
}

fn only(asset: &str) -> PlanOptions {
    PlanOptions { selectors: vec![asset.to_owned()], ..PlanOptions::default() }
}

//! Lateness: `fresh` is judged on every run against logical time, also when there is nothing new.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use lockgate_catalog::Late;
use lockgate_checks::{Check, FreshContext};
use lockgate_engine::PinnedTable;
use lockgate_types::{AssetName, CheckOutcome};

use crate::{Graph, RunError, Workspace};

impl Workspace {
    /// Judges the `fresh` checks of the live versions of `names`, records who is late, and answers them.
    pub(crate) async fn judge_lateness(
        &self,
        graph: &Graph,
        names: &BTreeSet<AssetName>,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<(AssetName, Late)>, RunError> {
        let before = self.catalog.late(self.env()).await?;
        let suppressions = self.catalog.suppressions(self.env()).await?;
        let mut late = Vec::new();
        for name in names {
            let Some(node) = graph.nodes().get(name) else { continue };
            let checks: Vec<Check> = node.checks.iter().filter(|check| check.is_fresh()).cloned().collect();
            if checks.is_empty() {
                continue;
            }
            let Some(live) = self.catalog.live_one(self.env(), name).await? else { continue };
            let session = self.session(as_of)?;
            session.register(PinnedTable::of(&live, &self.lake.table(name)))?;
            let outcomes: Vec<CheckOutcome> = lockgate_checks::fresh(
                &checks,
                FreshContext {
                    session: &session,
                    asset: name,
                    live: Some(&live),
                    as_of,
                    now: self.effects.clock.now(),
                    known: &self.project.known,
                    suppressions: &suppressions,
                    gate: node.file.gate,
                },
            )
            .await?;
            let found = lockgate_checks::late(&outcomes).map(|lateness| Late {
                check: lateness.check,
                message: lateness.message,
                since: before.get(name).map_or(as_of, |late| late.since),
                newest: lateness.newest,
            });
            // A replay of what was before says nothing of an asset that has been late since.
            let is_replay = before.get(name).is_some_and(|late| as_of < late.since);
            if !is_replay && (found.is_some() || before.contains_key(name)) {
                self.catalog.set_late(self.env(), name, found.as_ref()).await?;
            }
            late.extend(found.map(|found| (name.clone(), found)));
        }
        Ok(late)
    }
}

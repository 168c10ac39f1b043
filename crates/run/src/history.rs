//! What a build goes on from: the rows that are there, or nothing; and what must not be lost by that.

use std::collections::BTreeMap;

use lockgate_engine::PinnedTable;
use lockgate_kind::InputChange;
use lockgate_project::{Load, OnChange};
use lockgate_types::{AssetName, Diagnostic, Version};

use crate::error::LOAD_CHANGED;
use crate::stage::StageContext;
use crate::{Node, RunError, Workspace};

impl Workspace {
    /// Whether a build starts from nothing: because it was asked for, or because the code changed and the asset is built
    /// anew then.
    ///
    /// # Errors
    /// [`RunError::Failed`] when a change of `load` would lose what the live version was loaded with bit by bit.
    pub(crate) async fn goes_on(
        &self,
        node: &Node,
        cx: &StageContext<'_>,
        live: Option<&Version>,
    ) -> Result<bool, RunError> {
        let file = &node.file;
        let Some(live) = live.filter(|live| live.fingerprint != node.fingerprint) else { return Ok(cx.full_refresh) };
        let anew = cx.full_refresh || (file.load.is_incremental() && file.on_change == OnChange::Rebuild);
        let before = self
            .catalog
            .code(self.env(), &file.name)
            .await?
            .and_then(|(_, code)| Some(code.get("load")?.as_str()?.to_owned()));
        let now = file.load.code();
        let Some(before) = before.filter(|before| *before != now) else { return Ok(anew) };
        let kept_history = !before.is_empty() && before != "full" && before != "inline";
        if kept_history && live.rows > 0 && !cx.confirmed && loses(&before, &file.load, anew) {
            let message = format!(
                "`load` of {} was `{before}` and is `{now}` now: the {} of version {} are not what its SQL yields today",
                file.name,
                lockgate_types::number::rows(live.rows),
                live.number
            );
            return Err(RunError::Failed(
                Diagnostic::error(&LOAD_CHANGED, message)
                    .at(file.source.place(file.load_span))
                    .hint(format!("if they may go: lockgate run {} --confirm", file.name))
                    .into(),
            ));
        }
        // Another key, another way: what is there was not built for it.
        Ok(anew || (file.load.is_incremental() && !same_way(&before, &now)))
    }

    /// Of `load: append`: every stored input as it is read now, and as it was when the content of the live version was
    /// built. A rollback restores content, so that what was added since is added again.
    pub(crate) async fn input_changes(
        &self,
        node: &Node,
        cx: &StageContext<'_>,
        live: Option<&Version>,
    ) -> Result<BTreeMap<AssetName, InputChange>, RunError> {
        let mut changes = BTreeMap::new();
        if !matches!(node.file.load, Load::Append { .. }) {
            return Ok(changes);
        }
        let content = match live.and_then(|live| live.restores) {
            Some(restored) => self.catalog.version(self.env(), &node.file.name, restored).await?,
            None => live.cloned(),
        };
        for input in cx.graph.stored_inputs(node) {
            let Some(version) = cx.view.get(&input) else { continue };
            let table = self.lake.table(&input);
            let before = match content.as_ref().and_then(|content| content.inputs.get(&input)) {
                Some(number) => {
                    let before = self.catalog.version(self.env(), &input, *number).await?;
                    before.map(|before| (*number, PinnedTable::of(&before, &table)))
                }
                None => None,
            };
            changes.insert(input, InputChange { now: PinnedTable::of(version, &table), before });
        }
        Ok(changes)
    }
}

/// Whether a change of `load` loses history that no later look at the rows would find: a history of states always, any
/// other when what comes replaces the table without going on from it by a key.
fn loses(before: &str, now: &Load, anew: bool) -> bool {
    match now {
        Load::Full | Load::Inline | Load::Scd2 { .. } => true,
        Load::Append { .. } | Load::Merge { .. } | Load::Partitions { .. } | Load::TimeRange { .. } => {
            before.starts_with("scd2") || !anew
        }
    }
}

/// Whether both go on from the same rows in the same way: `merge by id` and `merge by id, deletes gone` do.
fn same_way(before: &str, now: &str) -> bool {
    let way =
        |text: &str| text.split(", deletes").next().and_then(|t| t.split(", updated_at").next()).map(str::to_owned);
    way(before) == way(now)
}

//! `load: append`: the statement sees the rows that were added to one input since the live version was built, and what
//! it yields is added.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_engine::PinnedTable;
use lockgate_kind::{Built, InputChange, KindError};
use lockgate_lake::StagedFiles;
use lockgate_types::number::{counted, rows};
use lockgate_types::{AssetName, Diagnostic};
use serde_json::Value as Json;

use super::{Build, version_of};
use crate::codes::ROWS_TAKEN_OUT;

pub(super) async fn build(build: &mut Build<'_>, from: Option<&AssetName>) -> Result<Built, KindError> {
    let kept = match build.live.clone() {
        None => {
            let staged = build.stage_statement().await?;
            if let Some(live) = build.at_stake()
                && staged.rows < live.rows
            {
                let fewer = rows(live.rows - staged.rows);
                return Err(build.lost(&format!("{fewer} that version {} has and its input has no more", live.number)));
            }
            return Ok(build.built(Vec::new(), staged, Json::Null));
        }
        Some(live) => live.files,
    };
    let change = match from {
        Some(from) => build.cx.inputs.get(from),
        None => build.cx.inputs.values().next(),
    };
    // Reading the project has made sure that there is such an input.
    let Some(change) = change else { return Ok(build.built(kept, StagedFiles::default(), Json::Null)) };
    let added = added(build, change)?;
    if added.is_empty() {
        return Ok(build.built(kept, StagedFiles::default(), Json::Null));
    }
    build.session().register(PinnedTable { files: Arc::new(added), ..change.now.clone() })?;
    let staged = build.stage_statement().await?;
    Ok(build.built(kept, staged, Json::Null))
}

/// The files that came; those that are gone held rows that were read, which cannot be taken back.
fn added(build: &Build<'_>, change: &InputChange) -> Result<Vec<lockgate_types::DataFile>, KindError> {
    let Some((number, before)) = &change.before else { return Ok(change.now.files.to_vec()) };
    let now: BTreeSet<&str> = change.now.files.iter().map(|file| file.path.as_str()).collect();
    let gone = before.files.iter().filter(|file| !now.contains(file.path.as_str())).count();
    if gone > 0 {
        let file = &build.cx.file;
        let files = counted(gone as u64, "file", "files");
        let are = if gone == 1 { "is" } else { "are" };
        let message =
            format!("{files} of {} {are} no more: rows of it were read here", version_of(&before.name, *number));
        return Err(KindError::permanent(
            Diagnostic::error(&ROWS_TAKEN_OUT, message)
                .at(file.source.place(file.load_span))
                .hint(format!("build it anew, lockgate run {} --full-refresh, or load it by merge", file.name)),
        ));
    }
    let known: BTreeSet<&str> = before.files.iter().map(|file| file.path.as_str()).collect();
    Ok(change.now.files.iter().filter(|file| !known.contains(file.path.as_str())).cloned().collect())
}

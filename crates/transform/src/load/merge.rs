//! `load: { merge: … }`: the rows of the statement replace those of the same key.

use lockgate_kind::{Built, KindError};
use lockgate_types::DataFile;
use lockgate_types::number::rows;
use serde_json::Value as Json;

use super::{BUILD, Build, FILE, columns, equal, quoted};
use crate::prune::{Range, may_hold};

pub(super) async fn build(build: &mut Build<'_>, key: &[String], deletes: Option<&str>) -> Result<Built, KindError> {
    let sort_by = build.cx.file.cluster_by.clone();
    let Some(live) = build.live.clone() else { return anew(build, key, deletes).await };
    let came = build.scratch("came").await?;
    build.keys_are_sound("came", key).await?;

    let ranges: Vec<Range> = key.iter().map(|column| Range::over(&came.files, column)).collect();
    let (candidates, mut kept): (Vec<DataFile>, Vec<DataFile>) =
        live.files.into_iter().partition(|file| ranges.iter().all(|range| may_hold(file, range)));
    build.register_numbered("candidates", &candidates)?;
    let same = equal(key, "l", "c");
    let touching = format!(
        "select distinct l.\"{FILE}\" from {BUILD}.candidates as l \
         where exists (select 1 from {BUILD}.came as c where {same})"
    );
    let (touched, untouched) = build.touched(&touching, &candidates).await?;
    kept.extend(untouched);

    let schema = build.cx.schema.clone();
    let stays = match deletes {
        Some(marker) => format!(" where not coalesce(c.{}, false)", quoted(marker)),
        None => String::new(),
    };
    let mut rows = format!("select {} from {BUILD}.came as c{stays}", columns(&schema, "c."));
    if !touched.is_empty() {
        build.register("touched", &schema, &build.cx.file.partition_by, touched)?;
        rows = format!(
            "select {} from {BUILD}.touched as l where not exists (select 1 from {BUILD}.came as c where {same}) \
             union all {rows}",
            columns(&schema, "l.")
        );
    }
    let staged = build.stage_query(&rows, &sort_by).await?;
    build.cx.table.discard_scratch(build.cx.number).await?;
    Ok(build.built(kept, staged, Json::Null))
}

/// Without a version to go on from, the rows of the statement are the table.
async fn anew(build: &mut Build<'_>, key: &[String], deletes: Option<&str>) -> Result<Built, KindError> {
    let staged = match deletes {
        None => {
            let staged = build.stage_statement().await?;
            let partition_by = build.cx.file.partition_by.clone();
            build.register("came", &build.cx.schema, &partition_by, staged.files.clone())?;
            build.keys_are_sound("came", key).await?;
            staged
        }
        Some(marker) => {
            build.scratch("came").await?;
            build.keys_are_sound("came", key).await?;
            let rows = format!(
                "select {} from {BUILD}.came as c where not coalesce(c.{}, false)",
                columns(&build.cx.schema, "c."),
                quoted(marker)
            );
            let sort_by = build.cx.file.cluster_by.clone();
            build.stage_query(&rows, &sort_by).await?
        }
    };
    if let Some(live) = build.at_stake() {
        // A key that is marked as deleted is not lost.
        let number = live.number;
        let has_key = key.iter().all(|column| live.schema.column(column).is_some());
        let missing = if has_key {
            build.register("live", &live.schema, &live.partition_by, live.files.clone())?;
            let same = equal(key, "l", "c");
            let query = format!(
                "select count(*) from {BUILD}.live as l where not exists (select 1 from {BUILD}.came as c where {same})"
            );
            build.count(&query).await?
        } else {
            live.rows
        };
        if missing > 0 {
            let rows = rows(missing);
            return Err(build.lost(&format!("{rows} of version {number} whose keys its SQL yields no more")));
        }
    }
    if deletes.is_some() {
        build.cx.table.discard_scratch(build.cx.number).await?;
    }
    Ok(build.built(Vec::new(), staged, Json::Null))
}

//! `load: { partitions: … }`: the rows of the statement replace the partitions that they belong to.

use std::collections::BTreeSet;

use lockgate_kind::{Built, KindError};
use lockgate_types::DataFile;
use lockgate_types::number::counted;
use serde_json::Value as Json;

use super::Build;

/// The values of a file in the columns that are replaced by.
fn partition<'f>(file: &'f DataFile, columns: &[String]) -> Vec<Option<&'f str>> {
    let value =
        |column: &String| file.partition.iter().find(|(name, _)| name == column).and_then(|(_, v)| v.as_deref());
    columns.iter().map(value).collect()
}

pub(super) async fn build(build: &mut Build<'_>, columns: &[String]) -> Result<Built, KindError> {
    let staged = build.stage_statement().await?;
    let came: BTreeSet<Vec<Option<&str>>> = staged.files.iter().map(|file| partition(file, columns)).collect();
    let kept = match &build.live {
        Some(live) => live.files.iter().filter(|file| !came.contains(&partition(file, columns))).cloned().collect(),
        None => Vec::new(),
    };
    if let Some(live) = build.at_stake() {
        let gone = live.files.iter().filter(|file| !came.contains(&partition(file, columns)));
        let gone: BTreeSet<Vec<Option<&str>>> = gone.map(|file| partition(file, columns)).collect();
        if !gone.is_empty() {
            let partitions = counted(gone.len() as u64, "partition", "partitions");
            return Err(build.lost(&format!("{partitions} of version {} that its SQL yields no more", live.number)));
        }
    }
    Ok(build.built(kept, staged, Json::Null))
}

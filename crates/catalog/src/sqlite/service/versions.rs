//! Versions without their documents: the current ones, and pages of an asset's history.

use std::collections::BTreeMap;

use lockgate_types::{AssetName, VersionNumber, VersionState};

use crate::sqlite::SqliteCatalog;
use crate::sqlite::reading::{SummaryLine, select_summaries, summary};
use crate::sqlite::rows::{at_most, integer, json};
use crate::sqlite::trouble::{Outcome, Trouble};
use crate::{CurrentVersions, VersionSummary};

/// One select per state, so that each reads the index of that state: `in ('published', 'held')` reads neither.
pub(super) const CURRENT: &str = concat!(
    select_summaries!(grouped "v.state = 'published'"),
    " union all ",
    select_summaries!(grouped "v.state = 'held'")
);

pub(super) const PAGE: &str = select_summaries!("v.asset = ?2 and v.number < ?3 order by v.number desc limit ?4");

pub(super) const ONE: &str = select_summaries!("v.asset = ?2 and v.number = ?3");

pub(super) async fn current(catalog: &SqliteCatalog, env: &str) -> Outcome<BTreeMap<AssetName, CurrentVersions>> {
    let rows = sqlx::query(CURRENT).bind(env).fetch_all(&catalog.readers).await?;
    let mut current: BTreeMap<AssetName, CurrentVersions> = BTreeMap::new();
    let lines = rows.iter().map(|row| json::<Vec<SummaryLine>>(row, "summary")).collect::<Outcome<Vec<_>>>()?;
    for line in lines.into_iter().flatten() {
        let of_asset = current.entry(line.asset.clone()).or_default();
        let summary = line.summary()?;
        match summary.state {
            VersionState::Published => of_asset.live = Some(summary),
            VersionState::Held => of_asset.held = Some(summary),
            is @ (VersionState::Staged
            | VersionState::Publishing
            | VersionState::Dismissed
            | VersionState::Superseded
            | VersionState::Retracted
            | VersionState::Expired
            | VersionState::Failed) => return Err(Trouble::Corrupt(format!("a {is} version in an index of others"))),
        }
    }
    Ok(current)
}

pub(super) async fn page(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    before: Option<VersionNumber>,
    limit: usize,
) -> Outcome<Vec<VersionSummary>> {
    let rows = sqlx::query(PAGE)
        .bind(env)
        .bind(asset.to_string())
        .bind(before.map_or(i64::MAX, |before| integer(before.0)))
        .bind(at_most(limit))
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(summary).collect()
}

pub(super) async fn one(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
) -> Outcome<Option<VersionSummary>> {
    let row = sqlx::query(ONE)
        .bind(env)
        .bind(asset.to_string())
        .bind(integer(number.0))
        .fetch_optional(&catalog.readers)
        .await?;
    row.as_ref().map(summary).transpose()
}

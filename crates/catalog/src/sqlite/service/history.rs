//! What checks and profiles said of an asset's versions, for trends.

use lockgate_types::{AssetName, CheckState, ColumnProfile, VersionNumber};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::sqlite::SqliteCatalog;
use crate::sqlite::rows::{
    at_most, count, count_or_null, instant, instant_or_null, json, number, parsed, state, text, text_or_null, to_json,
};
use crate::sqlite::trouble::Outcome;
use crate::{CheckPoint, VersionPoint};

pub(super) const JUDGED: &str = "select number, state, staged_at, published_at, rows, size_bytes, build_ms, audit_ms \
     from versions where environment = ? and asset = ? \
     and state in ('published', 'held', 'dismissed', 'superseded', 'retracted', 'expired') order by number desc limit ?";

pub(super) const CHECKS: &str = "select version, name, kind, state, failing, total, share, message from checks \
     where environment = ? and asset = ? and version in (select value from json_each(?)) order by version, position";

pub(super) const PROFILES: &str = "select version, name, nulls, distinct_values, min, max, mean, quantiles from profiles \
     where environment = ? and asset = ? and version in (select value from json_each(?)) order by version, position";

pub(super) async fn checks(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    limit: usize,
) -> Outcome<(Vec<VersionPoint>, Vec<CheckPoint>)> {
    let points = judged(catalog, env, asset, limit).await?;
    let rows = of_versions(catalog, CHECKS, env, asset, &points).await?;
    let check = |row: &SqliteRow| {
        Ok(CheckPoint {
            version: number(row, "version")?,
            name: text(row, "name")?,
            kind: text(row, "kind")?,
            state: parsed(&text(row, "state")?, "state of a check", check_state)?,
            failing: count(row, "failing")?,
            total: count(row, "total")?,
            share: row.try_get("share")?,
            message: text(row, "message")?,
        })
    };
    let checks = rows.iter().map(check).collect::<Outcome<_>>()?;
    Ok((points, checks))
}

pub(super) async fn profiles(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    limit: usize,
) -> Outcome<(Vec<VersionPoint>, Vec<(VersionNumber, ColumnProfile)>)> {
    let points = judged(catalog, env, asset, limit).await?;
    let rows = of_versions(catalog, PROFILES, env, asset, &points).await?;
    let column = |row: &SqliteRow| {
        let column = ColumnProfile {
            name: text(row, "name")?,
            nulls: count(row, "nulls")?,
            distinct: count_or_null(row, "distinct_values")?,
            min: text_or_null(row, "min")?,
            max: text_or_null(row, "max")?,
            mean: row.try_get("mean")?,
            quantiles: match text_or_null(row, "quantiles")? {
                Some(_) => Some(json(row, "quantiles")?),
                None => None,
            },
        };
        Ok((number(row, "version")?, column))
    };
    let columns = rows.iter().map(column).collect::<Outcome<_>>()?;
    Ok((points, columns))
}

/// Oldest first.
async fn judged(catalog: &SqliteCatalog, env: &str, asset: &AssetName, limit: usize) -> Outcome<Vec<VersionPoint>> {
    let rows =
        sqlx::query(JUDGED).bind(env).bind(asset.to_string()).bind(at_most(limit)).fetch_all(&catalog.readers).await?;
    let point = |row: &SqliteRow| {
        Ok(VersionPoint {
            number: number(row, "number")?,
            state: state(row, "state")?,
            staged_at: instant(row, "staged_at")?,
            published_at: instant_or_null(row, "published_at")?,
            rows: count(row, "rows")?,
            size_bytes: count(row, "size_bytes")?,
            build_ms: count(row, "build_ms")?,
            audit_ms: count(row, "audit_ms")?,
        })
    };
    rows.iter().rev().map(point).collect()
}

async fn of_versions(
    catalog: &SqliteCatalog,
    sql: &'static str,
    env: &str,
    asset: &AssetName,
    points: &[VersionPoint],
) -> Outcome<Vec<SqliteRow>> {
    let numbers: Vec<VersionNumber> = points.iter().map(|point| point.number).collect();
    let rows = sqlx::query(sql).bind(env).bind(asset.to_string()).bind(to_json(&numbers)?);
    Ok(rows.fetch_all(&catalog.readers).await?)
}

fn check_state(word: &str) -> Option<CheckState> {
    const ALL: [CheckState; 6] = [
        CheckState::Passed,
        CheckState::Warned,
        CheckState::Known,
        CheckState::Suppressed,
        CheckState::Failed,
        CheckState::Errored,
    ];
    ALL.into_iter().find(|state| state.as_str() == word)
}

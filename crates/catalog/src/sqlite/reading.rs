//! Reading versions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, AssetName, Fingerprint, RunId, Version, VersionNumber, VersionState};
use serde::Deserialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::SqliteCatalog;
use super::rows::{
    asset, at_most, count, count_or_null, instant, instant_of, instant_or_null, integer, json, micros, number,
    number_or_null, state, text, text_or_null,
};
use super::trouble::{Outcome, Trouble, corrupt};
use crate::{BuildRecord, CheckCounts, LiveHead, VersionSummary};

/// The shape of the JSON in `documents`. It rises when `Version` changes so that an old document no longer reads; then
/// [`read_document`] learns to read both.
pub(super) const DOCUMENT_FORMAT: i64 = 1;

/// A [`SummaryLine`] as one value: a row of many columns costs more on its way out of SQLite than all else.
macro_rules! select_summaries {
    ($($rest:literal)*) => { select_summaries!(@ "" "" $($rest)*) };
    // All of them in one row.
    (grouped $($rest:literal)*) => { select_summaries!(@ "json_group_array(" ")" $($rest)*) };
    (@ $before:literal $after:literal $($rest:literal)*) => {
        concat!(
            "select ", $before, "json_array(v.asset, v.number, v.state, v.run, v.actor, p.actor, v.fingerprint, v.rows, \
             v.size_bytes, v.staged_at, v.published_at, v.as_of, v.delta_version, v.base, v.restores, v.build_ms, \
             v.audit_ms, v.checks_passed, v.checks_warned, v.checks_known, v.checks_suppressed, v.checks_failed, \
             v.checks_errored, v.why)", $after, " as summary from versions v \
             left join publications p on p.id = v.publication where v.environment = ?1 and ",
            $($rest),*
        )
    };
}
pub(super) use select_summaries;

/// Everything that [`read_version`] needs.
macro_rules! select_versions {
    ($($rest:literal)*) => {
        concat!(
            "select v.asset, v.number, v.state, v.base, v.base_delta_version, v.delta_version, v.published_at, v.why, \
             v.publication, d.format, d.document from versions v join documents d using (environment, asset, number) \
             where v.environment = ?1 and ",
            $($rest),*
        )
    };
}

pub(super) async fn live(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<Version>> {
    all(catalog, select_versions!("v.state = 'published' order by v.asset"), env).await
}

pub(super) async fn held(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<Version>> {
    all(catalog, select_versions!("v.state = 'held' order by v.asset"), env).await
}

pub(super) async fn staged(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<Version>> {
    all(catalog, select_versions!("v.state = 'staged' order by v.asset, v.number"), env).await
}

pub(super) async fn publishing(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<Version>> {
    Ok(publishing_by_publication(catalog, env).await?.into_iter().map(|(_, version)| version).collect())
}

/// In the order of names, each with the id of its publication.
pub(super) async fn publishing_by_publication(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<(i64, Version)>> {
    let rows = sqlx::query(select_versions!("v.state = 'publishing' order by v.asset"))
        .bind(env)
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("publication")?, read_version(row)?))).collect()
}

pub(super) async fn live_one(catalog: &SqliteCatalog, env: &str, asset: &AssetName) -> Outcome<Option<Version>> {
    let row = sqlx::query(select_versions!("v.asset = ?2 and v.state = 'published'"))
        .bind(env)
        .bind(asset.to_string())
        .fetch_optional(&catalog.readers)
        .await?;
    row.as_ref().map(read_version).transpose()
}

pub(super) async fn version(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
) -> Outcome<Option<Version>> {
    let mut reader = catalog.readers.acquire().await?;
    one(&mut reader, env, asset, number).await
}

pub(super) async fn one(
    db: &mut SqliteConnection,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
) -> Outcome<Option<Version>> {
    let row = sqlx::query(select_versions!("v.asset = ?2 and v.number = ?3"))
        .bind(env)
        .bind(asset.to_string())
        .bind(integer(number.0))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read_version).transpose()
}

async fn all(catalog: &SqliteCatalog, sql: &'static str, env: &str) -> Outcome<Vec<Version>> {
    sqlx::query(sql).bind(env).fetch_all(&catalog.readers).await?.iter().map(read_version).collect()
}

/// The document as it was written, with what has happened to the version since.
fn read_version(row: &SqliteRow) -> Outcome<Version> {
    let written = read_document(row)?;
    Ok(Version {
        state: state(row, "state")?,
        base: number_or_null(row, "base")?,
        base_delta_version: count_or_null(row, "base_delta_version")?,
        delta_version: count_or_null(row, "delta_version")?,
        published_at: instant_or_null(row, "published_at")?,
        why: text_or_null(row, "why")?,
        ..written
    })
}

fn read_document(row: &SqliteRow) -> Outcome<Version> {
    let which = || Ok::<_, Trouble>(format!("version {} of {}", count(row, "number")?, text(row, "asset")?));
    match row.try_get("format")? {
        DOCUMENT_FORMAT => serde_json::from_str(row.try_get("document")?).map_err(corrupt(which()?)),
        format => Err(Trouble::Corrupt(format!("{}: its document has the unknown format {format}", which()?))),
    }
}

pub(super) async fn live_heads(catalog: &SqliteCatalog, env: &str) -> Outcome<BTreeMap<AssetName, LiveHead>> {
    let rows = sqlx::query(
        "select asset, number, fingerprint, checks_fingerprint, inputs, candidate_key, published_at, rows, restores \
         from versions where environment = ? and state = 'published' order by asset",
    )
    .bind(env)
    .fetch_all(&catalog.readers)
    .await?;
    let head = |row: &SqliteRow| {
        let head = LiveHead {
            number: number(row, "number")?,
            fingerprint: Fingerprint(text(row, "fingerprint")?),
            checks_fingerprint: Fingerprint(text(row, "checks_fingerprint")?),
            inputs: json(row, "inputs")?,
            candidate_key: text(row, "candidate_key")?,
            published_at: instant(row, "published_at")?,
            rows: count(row, "rows")?,
            restores: number_or_null(row, "restores")?,
        };
        Ok((asset(row, "asset")?, head))
    };
    rows.iter().map(head).collect()
}

pub(super) async fn summaries(catalog: &SqliteCatalog, env: &str, asset: &AssetName) -> Outcome<Vec<VersionSummary>> {
    let rows = sqlx::query(select_summaries!("v.asset = ?2 order by v.number desc"))
        .bind(env)
        .bind(asset.to_string())
        .fetch_all(&catalog.readers)
        .await?;
    rows.iter().map(summary).collect()
}

pub(super) fn summary(row: &SqliteRow) -> Outcome<VersionSummary> {
    json::<SummaryLine>(row, "summary")?.summary()
}

/// In the order of [`select_summaries`].
#[derive(Deserialize)]
pub(super) struct SummaryLine {
    pub(super) asset: AssetName,
    number: VersionNumber,
    state: VersionState,
    run: Option<RunId>,
    actor: Actor,
    published_by: Option<Actor>,
    fingerprint: Fingerprint,
    rows: u64,
    size_bytes: u64,
    staged_at: i64,
    published_at: Option<i64>,
    as_of: i64,
    delta_version: Option<u64>,
    base: Option<VersionNumber>,
    restores: Option<VersionNumber>,
    build_ms: u64,
    audit_ms: u64,
    passed: u64,
    warned: u64,
    known: u64,
    suppressed: u64,
    failed: u64,
    errored: u64,
    why: Option<String>,
}

impl SummaryLine {
    pub(super) fn summary(self) -> Outcome<VersionSummary> {
        Ok(VersionSummary {
            number: self.number,
            state: self.state,
            run: self.run,
            actor: self.actor,
            published_by: self.published_by,
            fingerprint: self.fingerprint,
            rows: self.rows,
            size_bytes: self.size_bytes,
            staged_at: instant_of(self.staged_at)?,
            published_at: self.published_at.map(instant_of).transpose()?,
            as_of: instant_of(self.as_of)?,
            delta_version: self.delta_version,
            base: self.base,
            restores: self.restores,
            build_ms: self.build_ms,
            audit_ms: self.audit_ms,
            checks: CheckCounts {
                passed: self.passed,
                warned: self.warned,
                known: self.known,
                suppressed: self.suppressed,
                failed: self.failed,
                errored: self.errored,
            },
            why: self.why,
        })
    }
}

pub(super) async fn live_at(
    catalog: &SqliteCatalog,
    env: &str,
    at: DateTime<Utc>,
) -> Outcome<BTreeMap<AssetName, VersionNumber>> {
    let rows = sqlx::query(
        "select asset, (select number from versions v where v.environment = a.environment and v.asset = a.asset \
           and v.published_at <= ?2 order by v.published_at desc limit 1) as number \
         from assets a where environment = ?1",
    )
    .bind(env)
    .bind(micros(at))
    .fetch_all(&catalog.readers)
    .await?;
    let mut live = BTreeMap::new();
    for row in &rows {
        if let Some(number) = number_or_null(row, "number")? {
            live.insert(asset(row, "asset")?, number);
        }
    }
    Ok(live)
}

pub(super) async fn build_history(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    limit: usize,
) -> Outcome<Vec<BuildRecord>> {
    let rows = sqlx::query(
        "select rows, build_ms, audit_ms from versions where environment = ? and asset = ? \
         and state not in ('staged', 'failed') and restores is null order by number desc limit ?",
    )
    .bind(env)
    .bind(asset.to_string())
    .bind(at_most(limit))
    .fetch_all(&catalog.readers)
    .await?;
    let record = |row: &SqliteRow| {
        Ok(BuildRecord {
            rows: count(row, "rows")?,
            build_ms: count(row, "build_ms")?,
            audit_ms: count(row, "audit_ms")?,
        })
    };
    rows.iter().map(record).collect()
}

pub(super) async fn state_of(
    db: &mut SqliteConnection,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
) -> Outcome<Option<VersionState>> {
    let row = sqlx::query("select state from versions where environment = ? and asset = ? and number = ?")
        .bind(env)
        .bind(asset.to_string())
        .bind(integer(number.0))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(|row| state(row, "state")).transpose()
}

pub(super) async fn is_reserved(
    db: &mut SqliteConnection,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
) -> Outcome<bool> {
    let row = sqlx::query("select 1 from assets where environment = ? and asset = ? and last_number >= ?")
        .bind(env)
        .bind(asset.to_string())
        .bind(integer(number.0))
        .fetch_optional(db)
        .await?;
    Ok(row.is_some() && number.0 > 0)
}

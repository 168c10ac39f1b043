//! Publication: the recorded intent, and the one switch.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_types::{Actor, AssetName, VersionNumber, VersionState};
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::reading::publishing_by_publication;
use super::rows::{
    asset, count, count_or_null, instant_of, integer, micros, number, number_or_null, state, text, text_or_null,
};
use super::trouble::{Outcome, Trouble};
use super::versions::dismiss_held;
use super::{SqliteCatalog, leases, log};
use crate::words::{entry, not_found, wrong_state};
use crate::{AuditEntry, CatalogError, Lease, OpenPublication, Publication, PublishIntent, faults};

pub(super) async fn begin(
    catalog: &SqliteCatalog,
    env: &str,
    members: &[PublishIntent],
    lease: &Lease,
    by: &Publication,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::BEGIN_PUBLISHING).await?;
    let now = write.now();
    let db = write.connection();
    leases::check(db, lease).await?;
    let mut standing = Vec::new();
    for member in members {
        standing.push(stands(db, env, &member.asset, member.number).await?);
    }
    if !members.is_empty() && members.iter().zip(&standing).all(|(member, stands)| stands.is_begun_as(member)) {
        return Ok(());
    }
    let publication: i64 = sqlx::query(
        "insert into publications (environment, actor, why, retract, lease_key, lease_epoch, begun_at) \
         values (?, ?, ?, ?, ?, ?, ?) returning id",
    )
    .bind(env)
    .bind(&by.actor.0)
    .bind(&by.why)
    .bind(by.retract)
    .bind(&lease.key)
    .bind(integer(lease.epoch))
    .bind(micros(now))
    .fetch_one(&mut *db)
    .await?
    .try_get("id")?;
    for (member, stands) in members.iter().zip(&standing) {
        if !matches!(stands.state, VersionState::Staged | VersionState::Held) {
            return Err(wrong_state(&member.asset, member.number, stands.state, "published"));
        }
        if let Some(other) = in_state(db, env, &member.asset, VersionState::Publishing).await? {
            return Err(CatalogError::Publishing { asset: member.asset.clone(), number: member.number, other }.into());
        }
        check_base(db, env, &member.asset, member.number, member.base).await?;
        sqlx::query(
            "update versions set state = 'publishing', base = ?, base_delta_version = ?, why = coalesce(?, why), \
               publication = ? \
             where environment = ? and asset = ? and number = ? and state in ('staged', 'held')",
        )
        .bind(member.base.map(|base| integer(base.0)))
        .bind(member.base_delta_version.map(integer))
        .bind(&by.why)
        .bind(publication)
        .bind(env)
        .bind(member.asset.to_string())
        .bind(integer(member.number.0))
        .execute(&mut *db)
        .await?;
        let entry = entry(now, &by.actor, "publishing", env, &member.asset, member.number);
        let detail = json!({ "base": member.base, "from": stands.state });
        log::append(db, &AuditEntry { why: by.why.clone(), detail, ..entry }).await?;
    }
    write.commit().await
}

pub(super) async fn set_base(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
    base_delta_version: Option<u64>,
    lease: &Lease,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::SET_BASE).await?;
    let now = write.now();
    let db = write.connection();
    leases::check(db, lease).await?;
    let stands = stands(db, env, asset, number).await?;
    let (VersionState::Publishing, Some(publication)) = (stands.state, stands.publication) else {
        return Err(wrong_state(asset, number, stands.state, "put on another base"));
    };
    if stands.base_delta_version == base_delta_version {
        return Ok(());
    }
    sqlx::query(
        "update versions set base_delta_version = ? \
         where environment = ? and asset = ? and number = ? and state = 'publishing'",
    )
    .bind(base_delta_version.map(integer))
    .bind(env)
    .bind(asset.to_string())
    .bind(integer(number.0))
    .execute(&mut *db)
    .await?;
    let by = publication_by(db, publication).await?;
    let entry = entry(now, &by.actor, "rebased", env, asset, number);
    let detail = json!({ "base_delta_version": base_delta_version, "before": stands.base_delta_version });
    log::append(db, &AuditEntry { detail, ..entry }).await?;
    write.commit().await
}

pub(super) async fn withdraw(
    catalog: &SqliteCatalog,
    env: &str,
    members: &[(AssetName, VersionNumber)],
    lease: &Lease,
    actor: &Actor,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::WITHDRAW).await?;
    let now = write.now();
    let db = write.connection();
    leases::check(db, lease).await?;
    for (asset, number) in members {
        match stands(db, env, asset, *number).await?.state {
            VersionState::Publishing => {}
            VersionState::Staged => continue,
            is => return Err(wrong_state(asset, *number, is, "withdrawn")),
        }
        sqlx::query(
            "update versions set state = 'staged', publication = null \
             where environment = ? and asset = ? and number = ? and state = 'publishing'",
        )
        .bind(env)
        .bind(asset.to_string())
        .bind(integer(number.0))
        .execute(&mut *db)
        .await?;
        log::append(db, &entry(now, actor, "withdrawn", env, asset, *number)).await?;
    }
    write.commit().await
}

pub(super) async fn finish(
    catalog: &SqliteCatalog,
    env: &str,
    members: &[(AssetName, VersionNumber, u64)],
    finisher: &Actor,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::FINISH_PUBLISHING).await?;
    let now = write.now();
    let db = write.connection();
    let mut open = Vec::new();
    for (asset, number, delta_version) in members {
        let stands = stands(db, env, asset, *number).await?;
        match (stands.state, stands.publication) {
            (VersionState::Publishing, Some(publication)) => {
                open.push(Member {
                    asset,
                    number: *number,
                    delta_version: *delta_version,
                    base: stands.base,
                    publication,
                });
            }
            // Somebody else finished it, and it may have been replaced since.
            (
                VersionState::Published | VersionState::Superseded | VersionState::Retracted | VersionState::Expired,
                _,
            ) if stands.delta_version == Some(*delta_version) => {}
            (is, _) => return Err(wrong_state(asset, *number, is, "published")),
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let publications = whole_publications(db, &open).await?;
    let at = switch_time(db, env, &open, now).await?;
    for member in &open {
        let Some(by) = publications.get(&member.publication) else { continue };
        switch(db, env, member, by, finisher, at).await?;
    }
    for publication in publications.keys() {
        sqlx::query("update publications set finished_at = ? where id = ?")
            .bind(micros(at))
            .bind(publication)
            .execute(&mut *db)
            .await?;
    }
    write.commit().await
}

/// A version that is to go live.
struct Member<'a> {
    asset: &'a AssetName,
    number: VersionNumber,
    delta_version: u64,
    base: Option<VersionNumber>,
    publication: i64,
}

/// The publications of the members, once it is certain that no member of theirs is left out.
async fn whole_publications(db: &mut SqliteConnection, open: &[Member<'_>]) -> Outcome<BTreeMap<i64, Publication>> {
    let mut publications = BTreeMap::new();
    for id in open.iter().map(|member| member.publication).collect::<BTreeSet<_>>() {
        let rows = sqlx::query("select asset, number from versions where publication = ? and state = 'publishing'")
            .bind(id)
            .fetch_all(&mut *db)
            .await?;
        for row in &rows {
            let (asset, number) = (asset(row, "asset")?, number(row, "number")?);
            if !open.iter().any(|member| *member.asset == asset && member.number == number) {
                return Err(CatalogError::Incomplete { asset, number }.into());
            }
        }
        publications.insert(id, publication_by(db, id).await?);
    }
    Ok(publications)
}

/// One instant for all members, so that [`crate::Catalog::live_at`] answers a group whole; after every earlier
/// publication of any of them, so that the order holds also when the clock was set back.
async fn switch_time(
    db: &mut SqliteConnection,
    env: &str,
    open: &[Member<'_>],
    now: DateTime<Utc>,
) -> Outcome<DateTime<Utc>> {
    let mut at = instant_of(micros(now))?;
    for member in open {
        let row = sqlx::query(
            "select max(published_at) as newest from versions \
             where environment = ? and asset = ? and published_at is not null",
        )
        .bind(env)
        .bind(member.asset.to_string())
        .fetch_one(&mut *db)
        .await?;
        if let Some(newest) = row.try_get::<Option<i64>, _>("newest")? {
            at = at.max(instant_of(newest)? + TimeDelta::microseconds(1));
        }
    }
    Ok(at)
}

/// Makes one member live. The order is that of the unique index: at no time are two versions of an asset `published`.
async fn switch(
    db: &mut SqliteConnection,
    env: &str,
    member: &Member<'_>,
    by: &Publication,
    finisher: &Actor,
    at: DateTime<Utc>,
) -> Outcome<()> {
    check_base(db, env, member.asset, member.number, member.base).await?;
    let replaced_as = if by.retract { VersionState::Retracted } else { VersionState::Superseded };
    if let Some(before) = member.base {
        sqlx::query(
            "update versions set state = ?, ended_at = ? \
             where environment = ? and asset = ? and number = ? and state = 'published'",
        )
        .bind(replaced_as.as_str())
        .bind(micros(at))
        .bind(env)
        .bind(member.asset.to_string())
        .bind(integer(before.0))
        .execute(&mut *db)
        .await?;
        let why = Some(format!("replaced by {}", member.number));
        let entry = entry(at, &by.actor, replaced_as.as_str(), env, member.asset, before);
        log::append(db, &AuditEntry { why, ..entry }).await?;
    }
    sqlx::query(
        "update versions set state = 'published', published_at = ?, delta_version = ? \
         where environment = ? and asset = ? and number = ? and state = 'publishing'",
    )
    .bind(micros(at))
    .bind(integer(member.delta_version))
    .bind(env)
    .bind(member.asset.to_string())
    .bind(integer(member.number.0))
    .execute(&mut *db)
    .await?;
    let mut detail = json!({ "delta_version": member.delta_version, "replaces": member.base });
    if finisher != &by.actor {
        detail["finished_by"] = json!(finisher);
    }
    let entry = entry(at, &by.actor, "published", env, member.asset, member.number);
    log::append(db, &AuditEntry { why: by.why.clone(), detail, ..entry }).await?;
    dismiss_held(db, at, env, member.asset, member.number, &by.actor).await
}

pub(super) async fn unfinished(catalog: &SqliteCatalog, env: &str) -> Outcome<Vec<OpenPublication>> {
    let mut members: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for (publication, version) in publishing_by_publication(catalog, env).await? {
        members.entry(publication).or_default().push(version);
    }
    let mut reader = catalog.readers.acquire().await?;
    let mut open = Vec::new();
    for (publication, members) in members {
        open.push(OpenPublication { by: publication_by(&mut reader, publication).await?, members });
    }
    Ok(open)
}

async fn publication_by(db: &mut SqliteConnection, id: i64) -> Outcome<Publication> {
    let row = sqlx::query("select actor, why, retract from publications where id = ?")
        .bind(id)
        .fetch_optional(db)
        .await?
        .ok_or_else(|| Trouble::Corrupt(format!("there is no publication {id}")))?;
    Ok(Publication {
        actor: Actor(text(&row, "actor")?),
        why: text_or_null(&row, "why")?,
        retract: count(&row, "retract")? == 1,
    })
}

/// How a version stands, as far as publication is concerned.
struct Stands {
    state: VersionState,
    base: Option<VersionNumber>,
    base_delta_version: Option<u64>,
    delta_version: Option<u64>,
    publication: Option<i64>,
}

impl Stands {
    /// Whether an earlier call has already begun (and somebody perhaps finished) just this.
    fn is_begun_as(&self, intent: &PublishIntent) -> bool {
        matches!(self.state, VersionState::Publishing | VersionState::Published)
            && self.base == intent.base
            && self.base_delta_version == intent.base_delta_version
    }
}

async fn stands(db: &mut SqliteConnection, env: &str, asset: &AssetName, number: VersionNumber) -> Outcome<Stands> {
    let row = sqlx::query(
        "select state, base, base_delta_version, delta_version, publication from versions \
         where environment = ? and asset = ? and number = ?",
    )
    .bind(env)
    .bind(asset.to_string())
    .bind(integer(number.0))
    .fetch_optional(db)
    .await?
    .ok_or_else(|| not_found::<Trouble>(asset, number))?;
    Ok(Stands {
        state: state(&row, "state")?,
        base: number_or_null(&row, "base")?,
        base_delta_version: count_or_null(&row, "base_delta_version")?,
        delta_version: count_or_null(&row, "delta_version")?,
        publication: row.try_get("publication")?,
    })
}

async fn check_base(
    db: &mut SqliteConnection,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
    base: Option<VersionNumber>,
) -> Outcome<()> {
    let live = in_state(db, env, asset, VersionState::Published).await?;
    if live == base {
        return Ok(());
    }
    Err(CatalogError::BaseMoved { asset: asset.clone(), number, base, live }.into())
}

/// The asset's one version in a state that only one can be in.
async fn in_state(
    db: &mut SqliteConnection,
    env: &str,
    asset: &AssetName,
    state: VersionState,
) -> Outcome<Option<VersionNumber>> {
    // The state is spelled out: SQLite uses a partial index only where it sees the index's condition in the text.
    let sql = match state {
        VersionState::Published => {
            "select number from versions where environment = ? and asset = ? and state = 'published'"
        }
        _ => "select number from versions where environment = ? and asset = ? and state = 'publishing'",
    };
    let row: Option<SqliteRow> = sqlx::query(sql).bind(env).bind(asset.to_string()).fetch_optional(db).await?;
    row.as_ref().map(|row| number(row, "number")).transpose()
}

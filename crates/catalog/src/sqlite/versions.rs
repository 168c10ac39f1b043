//! Versions: reserving, staging, judging, holding, abandoning.

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, AssetName, Version, VersionNumber, VersionState};
use sqlx::SqliteConnection;

use super::reading::{DOCUMENT_FORMAT, is_reserved, one, state_of};
use super::rows::{integer, micros, number, to_json};
use super::trouble::Outcome;
use super::{SqliteCatalog, leases, log};
use crate::words::{entry, failing, given_up_from, not_found, wrong_state};
use crate::{AuditEntry, CatalogError, CheckCounts, Lease, faults};

pub(super) async fn reserve(catalog: &SqliteCatalog, env: &str, asset: &AssetName) -> Outcome<VersionNumber> {
    let mut write = catalog.write(&faults::RESERVE).await?;
    let row = sqlx::query(
        "insert into assets (environment, asset, last_number) values (?, ?, 1) \
         on conflict do update set last_number = last_number + 1 returning last_number",
    )
    .bind(env)
    .bind(asset.to_string())
    .fetch_one(write.connection())
    .await?;
    let reserved = number(&row, "last_number")?;
    write.commit().await?;
    Ok(reserved)
}

pub(super) async fn put_staged(catalog: &SqliteCatalog, env: &str, version: &Version) -> Outcome<()> {
    let document = document_of(version)?;
    let mut write = catalog.write(&faults::PUT_STAGED).await?;
    let now = write.now();
    let db = write.connection();
    if !is_reserved(db, env, &version.asset, version.number).await? {
        return Err(not_found(&version.asset, version.number));
    }
    let before = state_of(db, env, &version.asset, version.number).await?;
    match before {
        None | Some(VersionState::Staged) => {}
        Some(is) => return Err(wrong_state(&version.asset, version.number, is, "staged again")),
    }
    write_row(db, env, version).await?;
    write_document(db, env, version, &document).await?;
    write_findings(db, env, version).await?;
    if before.is_none() {
        let entry = entry(now, &version.actor, "staged", env, &version.asset, version.number);
        log::append(db, &AuditEntry { why: version.why.clone(), ..entry }).await?;
    }
    write.commit().await
}

pub(super) async fn set_audited(catalog: &SqliteCatalog, env: &str, version: &Version) -> Outcome<()> {
    let mut write = catalog.write(&faults::SET_AUDITED).await?;
    let now = write.now();
    let db = write.connection();
    let Some(is) = state_of(db, env, &version.asset, version.number).await? else {
        return Err(not_found(&version.asset, version.number));
    };
    match is {
        VersionState::Staged => {
            let document = document_of(version)?;
            write_row(db, env, version).await?;
            write_document(db, env, version, &document).await?;
        }
        VersionState::Publishing | VersionState::Held | VersionState::Published => {
            let Some(stored) = one(db, env, &version.asset, version.number).await? else {
                return Err(not_found(&version.asset, version.number));
            };
            let judged = Version {
                checks: version.checks.clone(),
                checks_fingerprint: version.checks_fingerprint.clone(),
                profile: version.profile.clone(),
                audit_ms: version.audit_ms,
                ..stored
            };
            write_judgement(db, env, &judged).await?;
            write_document(db, env, &judged, &document_of(&judged)?).await?;
            let entry = entry(now, &version.actor, "audited", env, &version.asset, version.number);
            log::append(db, &AuditEntry { detail: failing(version), ..entry }).await?;
        }
        VersionState::Dismissed
        | VersionState::Superseded
        | VersionState::Retracted
        | VersionState::Expired
        | VersionState::Failed => return Err(wrong_state(&version.asset, version.number, is, "judged again")),
    }
    write_findings(db, env, version).await?;
    write.commit().await
}

pub(super) async fn hold(
    catalog: &SqliteCatalog,
    env: &str,
    version: &Version,
    lease: &Lease,
    actor: &Actor,
    why: &str,
) -> Outcome<()> {
    let document = document_of(version)?;
    let mut write = catalog.write(&faults::HOLD).await?;
    let now = write.now();
    let db = write.connection();
    leases::check(db, lease).await?;
    match state_of(db, env, &version.asset, version.number).await? {
        None => return Err(not_found(&version.asset, version.number)),
        Some(VersionState::Staged) => {}
        Some(VersionState::Held) => return Ok(()),
        Some(is) => return Err(wrong_state(&version.asset, version.number, is, "held")),
    }
    dismiss_held(db, now, env, &version.asset, version.number, actor).await?;
    write_row(db, env, version).await?;
    sqlx::query(
        "update versions set state = 'held' where environment = ? and asset = ? and number = ? and state = 'staged'",
    )
    .bind(env)
    .bind(version.asset.to_string())
    .bind(integer(version.number.0))
    .execute(&mut *db)
    .await?;
    write_document(db, env, version, &document).await?;
    write_findings(db, env, version).await?;
    let entry = entry(now, actor, "held", env, &version.asset, version.number);
    log::append(db, &AuditEntry { why: Some(why.to_owned()), detail: failing(version), ..entry }).await?;
    write.commit().await
}

/// What a newer version replaces need not be looked at any more.
pub(super) async fn dismiss_held(
    db: &mut SqliteConnection,
    now: DateTime<Utc>,
    env: &str,
    asset: &AssetName,
    by: VersionNumber,
    actor: &Actor,
) -> Outcome<()> {
    let why = format!("replaced by {by}");
    let dismissed = sqlx::query(
        "update versions set state = 'dismissed', why = ?1, ended_at = ?5 \
         where environment = ?2 and asset = ?3 and state = 'held' and number <> ?4 returning number",
    )
    .bind(&why)
    .bind(env)
    .bind(asset.to_string())
    .bind(integer(by.0))
    .bind(micros(now))
    .fetch_all(&mut *db)
    .await?;
    for row in dismissed {
        let entry = entry(now, actor, "dismissed", env, asset, number(&row, "number")?);
        log::append(db, &AuditEntry { why: Some(why.clone()), ..entry }).await?;
    }
    Ok(())
}

pub(super) async fn abandon(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
    to: VersionState,
    why: Option<&str>,
    actor: &Actor,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::ABANDON).await?;
    let now = write.now();
    let db = write.connection();
    let from = given_up_from(asset, number, to)?;
    match state_of(db, env, asset, number).await? {
        None if !is_reserved(db, env, asset, number).await? => return Err(not_found(asset, number)),
        Some(is) if is == to => return Ok(()),
        Some(is) if is != from => return Err(wrong_state(asset, number, is, to.as_str())),
        // A reserved number has no row to change.
        None | Some(_) => {}
    }
    sqlx::query(
        "update versions set state = ?1, why = coalesce(?2, why), ended_at = ?7 \
         where environment = ?3 and asset = ?4 and number = ?5 and state = ?6",
    )
    .bind(to.as_str())
    .bind(why)
    .bind(env)
    .bind(asset.to_string())
    .bind(integer(number.0))
    .bind(from.as_str())
    .bind(micros(now))
    .execute(&mut *db)
    .await?;
    let entry = entry(now, actor, to.as_str(), env, asset, number);
    log::append(db, &AuditEntry { why: why.map(str::to_owned), ..entry }).await?;
    write.commit().await
}

// ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// The document, once it has been seen to read back.
pub(super) fn document_of(version: &Version) -> Outcome<String> {
    let refuse = |error: serde_json::Error| CatalogError::Unstorable {
        asset: version.asset.clone(),
        number: version.number,
        detail: error.to_string(),
    };
    let document = serde_json::to_string(version).map_err(refuse)?;
    serde_json::from_str::<Version>(&document).map_err(refuse)?;
    Ok(document)
}

/// Writes a staged version's row. One in another state is left alone.
pub(super) async fn write_row(db: &mut SqliteConnection, env: &str, version: &Version) -> Outcome<()> {
    let checks = CheckCounts::of(&version.checks);
    let written = sqlx::query(
        "insert into versions (environment, asset, number, state, run, actor, fingerprint, checks_fingerprint, inputs, \
           rows, size_bytes, base, base_delta_version, staged_at, as_of, why, restores, build_ms, audit_ms, candidate_key, \
           checks_passed, checks_warned, checks_known, checks_suppressed, checks_failed, checks_errored) \
         values (?, ?, ?, 'staged', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         on conflict do update set run = excluded.run, actor = excluded.actor, fingerprint = excluded.fingerprint, \
           checks_fingerprint = excluded.checks_fingerprint, inputs = excluded.inputs, rows = excluded.rows, \
           size_bytes = excluded.size_bytes, base = excluded.base, base_delta_version = excluded.base_delta_version, \
           staged_at = excluded.staged_at, as_of = excluded.as_of, why = excluded.why, restores = excluded.restores, \
           build_ms = excluded.build_ms, audit_ms = excluded.audit_ms, candidate_key = excluded.candidate_key, \
           checks_passed = excluded.checks_passed, checks_warned = excluded.checks_warned, \
           checks_known = excluded.checks_known, checks_suppressed = excluded.checks_suppressed, \
           checks_failed = excluded.checks_failed, checks_errored = excluded.checks_errored \
         where state = 'staged'",
    )
    .bind(env)
    .bind(version.asset.to_string())
    .bind(integer(version.number.0))
    .bind(version.run.as_ref().map(|run| run.0.as_str()))
    .bind(&version.actor.0)
    .bind(&version.fingerprint.0)
    .bind(&version.checks_fingerprint.0)
    .bind(to_json(&version.inputs)?)
    .bind(integer(version.rows))
    .bind(integer(version.size_bytes))
    .bind(version.base.map(|base| integer(base.0)))
    .bind(version.base_delta_version.map(integer))
    .bind(micros(version.staged_at))
    .bind(micros(version.as_of))
    .bind(&version.why)
    .bind(version.restores.map(|restores| integer(restores.0)))
    .bind(integer(version.build_ms))
    .bind(integer(version.audit_ms))
    .bind(&version.candidate_key)
    .bind(integer(checks.passed))
    .bind(integer(checks.warned))
    .bind(integer(checks.known))
    .bind(integer(checks.suppressed))
    .bind(integer(checks.failed))
    .bind(integer(checks.errored))
    .execute(&mut *db)
    .await?;
    if written.rows_affected() == 0 {
        let is = state_of(db, env, &version.asset, version.number).await?.unwrap_or(VersionState::Staged);
        return Err(wrong_state(&version.asset, version.number, is, "staged again"));
    }
    Ok(())
}

/// Writes what a later judgement changes of a row.
async fn write_judgement(db: &mut SqliteConnection, env: &str, version: &Version) -> Outcome<()> {
    let checks = CheckCounts::of(&version.checks);
    sqlx::query(
        "update versions set checks_fingerprint = ?, audit_ms = ?, checks_passed = ?, checks_warned = ?, checks_known = ?, \
           checks_suppressed = ?, checks_failed = ?, checks_errored = ? \
         where environment = ? and asset = ? and number = ? and state in ('publishing', 'held', 'published')",
    )
    .bind(&version.checks_fingerprint.0)
    .bind(integer(version.audit_ms))
    .bind(integer(checks.passed))
    .bind(integer(checks.warned))
    .bind(integer(checks.known))
    .bind(integer(checks.suppressed))
    .bind(integer(checks.failed))
    .bind(integer(checks.errored))
    .bind(env)
    .bind(version.asset.to_string())
    .bind(integer(version.number.0))
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn write_document(
    db: &mut SqliteConnection,
    env: &str,
    version: &Version,
    document: &str,
) -> Outcome<()> {
    sqlx::query(
        "insert into documents (environment, asset, number, format, document) values (?, ?, ?, ?, ?) \
         on conflict do update set format = excluded.format, document = excluded.document",
    )
    .bind(env)
    .bind(version.asset.to_string())
    .bind(integer(version.number.0))
    .bind(DOCUMENT_FORMAT)
    .bind(document)
    .execute(db)
    .await?;
    Ok(())
}

/// Checks and profile as rows. One statement each, whatever their number.
pub(super) async fn write_findings(db: &mut SqliteConnection, env: &str, version: &Version) -> Outcome<()> {
    let asset = version.asset.to_string();
    let number = integer(version.number.0);
    for sql in [
        "delete from checks where environment = ? and asset = ? and version = ?",
        "delete from profiles where environment = ? and asset = ? and version = ?",
    ] {
        sqlx::query(sql).bind(env).bind(&asset).bind(number).execute(&mut *db).await?;
    }
    if !version.checks.is_empty() {
        // Without the sample rows, which are most of it.
        let checks: Vec<serde_json::Value> = version
            .checks
            .iter()
            .map(|check| {
                serde_json::json!({
                    "name": check.name, "kind": check.kind, "section": check.section, "severity": check.severity,
                    "state": check.state, "failing": check.failing, "total": check.total, "share": check.share,
                    "message": check.message, "excuse": check.excuse,
                })
            })
            .collect();
        sqlx::query(
            "insert into checks (environment, asset, version, position, name, kind, section, severity, state, failing, \
               total, share, message, excuse) \
             select ?1, ?2, ?3, key, value ->> 'name', value ->> 'kind', value ->> 'section', value ->> 'severity', \
               value ->> 'state', value ->> 'failing', value ->> 'total', value ->> 'share', value ->> 'message', \
               value ->> 'excuse' from json_each(?4)",
        )
        .bind(env)
        .bind(&asset)
        .bind(number)
        .bind(to_json(&checks)?)
        .execute(&mut *db)
        .await?;
    }
    if let Some(profile) = version.profile.as_ref().filter(|profile| !profile.columns.is_empty()) {
        sqlx::query(
            "insert into profiles (environment, asset, version, position, name, nulls, distinct_values, min, max, mean, \
               quantiles) \
             select ?1, ?2, ?3, key, value ->> 'name', value ->> 'nulls', value ->> 'distinct', value ->> 'min', \
               value ->> 'max', value ->> 'mean', value ->> 'quantiles' from json_each(?4)",
        )
        .bind(env)
        .bind(&asset)
        .bind(number)
        .bind(to_json(&profile.columns)?)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

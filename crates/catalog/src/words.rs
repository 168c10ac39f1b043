//! What every backend says in the same words: lines of the audit log, and refusals.
//!
//! Refusals are made as whatever error the backend works with inside.

use chrono::{DateTime, Utc};
use lockgate_types::{Actor, AssetName, Run, RunId, Suppression, Version, VersionNumber, VersionState};
use serde_json::{Value, json};

use crate::{AuditEntry, CatalogError, Lease, Result, Token};

/// A line about one version, with nothing but the fact.
pub(crate) fn entry(
    at: DateTime<Utc>,
    actor: &Actor,
    action: &str,
    env: &str,
    asset: &AssetName,
    number: VersionNumber,
) -> AuditEntry {
    AuditEntry {
        at,
        actor: actor.clone(),
        action: action.to_owned(),
        environment: Some(env.to_owned()),
        asset: Some(asset.clone()),
        version: Some(number),
        why: None,
        detail: Value::Null,
    }
}

pub(crate) fn run_entry(run: &Run, action: &str, at: DateTime<Utc>, detail: Value) -> AuditEntry {
    AuditEntry {
        at,
        actor: run.actor.clone(),
        action: action.to_owned(),
        environment: Some(run.environment.clone()),
        asset: None,
        version: None,
        why: None,
        detail,
    }
}

/// `lease` is the new holder's.
pub(crate) fn stolen_entry(at: DateTime<Utc>, lease: &Lease, from: &str) -> AuditEntry {
    AuditEntry {
        at,
        actor: Actor(lease.holder.clone()),
        action: "lease_stolen".to_owned(),
        environment: None,
        asset: None,
        version: None,
        why: Some("its holder's heartbeat stood still".to_owned()),
        detail: json!({ "lease": lease.key, "from": from, "epoch": lease.epoch }),
    }
}

pub(crate) fn suppressed_entry(at: DateTime<Utc>, env: &str, suppression: &Suppression) -> AuditEntry {
    let limit = suppression.limit.map(|limit| limit.to_string());
    AuditEntry {
        at,
        actor: suppression.actor.clone(),
        action: "suppressed".to_owned(),
        environment: Some(env.to_owned()),
        asset: Some(suppression.asset.clone()),
        version: None,
        why: Some(suppression.why.clone()),
        detail: json!({ "check": suppression.check, "until": suppression.until, "limit": limit }),
    }
}

/// A line about a token, which concerns all environments. Neither the secret nor its hash is told.
pub(crate) fn token_entry(at: DateTime<Utc>, actor: &Actor, action: &str, token: &Token) -> AuditEntry {
    AuditEntry {
        at,
        actor: actor.clone(),
        action: action.to_owned(),
        environment: None,
        asset: None,
        version: None,
        why: None,
        detail: json!({
            "token": token.id, "name": token.name, "role": token.role.as_str(), "expires_at": token.expires_at,
        }),
    }
}

pub(crate) fn schedule_entry(
    at: DateTime<Utc>,
    actor: &Actor,
    action: &str,
    env: &str,
    schedule: &str,
    why: &str,
) -> AuditEntry {
    AuditEntry {
        at,
        actor: actor.clone(),
        action: action.to_owned(),
        environment: Some(env.to_owned()),
        asset: None,
        version: None,
        why: Some(why.to_owned()),
        detail: json!({ "schedule": schedule }),
    }
}

/// Which checks hold a version.
pub(crate) fn failing(version: &Version) -> Value {
    let holding = version.checks.iter().filter(|check| check.state.holds());
    json!({ "failing": holding.map(|check| check.name.as_str()).collect::<Vec<_>>() })
}

/// The state from which a version may be given up as `to`.
pub(crate) fn given_up_from(asset: &AssetName, number: VersionNumber, to: VersionState) -> Result<VersionState> {
    match to {
        VersionState::Failed => Ok(VersionState::Staged),
        VersionState::Dismissed => Ok(VersionState::Held),
        VersionState::Staged
        | VersionState::Publishing
        | VersionState::Published
        | VersionState::Held
        | VersionState::Superseded
        | VersionState::Retracted
        | VersionState::Expired => Err(wrong_state(asset, number, to, "given up as that")),
    }
}

pub(crate) fn not_found<E: From<CatalogError>>(asset: &AssetName, number: VersionNumber) -> E {
    CatalogError::NotFound(format!("version {number} of {asset}")).into()
}

pub(crate) fn no_run<E: From<CatalogError>>(id: &RunId) -> E {
    CatalogError::NotFound(format!("run {id}")).into()
}

pub(crate) fn wrong_state<E: From<CatalogError>>(
    asset: &AssetName,
    number: VersionNumber,
    is: VersionState,
    change: &'static str,
) -> E {
    CatalogError::State { asset: asset.clone(), number, is, change }.into()
}

//! Putting back what a lost catalog knew of versions.

use lockgate_types::{Actor, AssetName, Version, VersionNumber, VersionState};
use serde_json::json;

use super::reading::state_of;
use super::rows::{integer, micros};
use super::trouble::Outcome;
use super::versions::{document_of, write_document, write_findings, write_row};
use super::{SqliteCatalog, log};
use crate::words::{entry, not_found, wrong_state};
use crate::{AuditEntry, faults};

pub(super) async fn restore(
    catalog: &SqliteCatalog,
    env: &str,
    asset: &AssetName,
    last: VersionNumber,
    versions: &[Version],
    actor: &Actor,
    why: &str,
) -> Outcome<()> {
    let mut write = catalog.write(&faults::RESTORE).await?;
    let now = write.now();
    let db = write.connection();
    sqlx::query(
        "insert into assets (environment, asset, last_number) values (?, ?, ?) \
         on conflict do update set last_number = max(last_number, excluded.last_number)",
    )
    .bind(env)
    .bind(asset.to_string())
    .bind(integer(last.0))
    .execute(&mut *db)
    .await?;
    for version in versions {
        if version.number > last || version.asset != *asset {
            return Err(not_found(&version.asset, version.number));
        }
        match state_of(db, env, asset, version.number).await? {
            None => {}
            Some(is) if is == version.state => continue,
            Some(is) => return Err(wrong_state(asset, version.number, is, "restored")),
        }
        write_row(db, env, version).await?;
        // Nobody who opened this catalog can have pinned what it never knew as readable.
        let expired_epoch = (version.state == VersionState::Expired).then_some(0);
        let ended = match version.state {
            VersionState::Superseded
            | VersionState::Retracted
            | VersionState::Dismissed
            | VersionState::Expired
            | VersionState::Failed => Some(micros(now)),
            VersionState::Staged | VersionState::Publishing | VersionState::Published | VersionState::Held => None,
        };
        sqlx::query(
            "update versions set state = ?, published_at = ?, delta_version = ?, ended_at = ?, expired_epoch = ? \
             where environment = ? and asset = ? and number = ? and state = 'staged'",
        )
        .bind(version.state.as_str())
        .bind(version.published_at.map(micros))
        .bind(version.delta_version.map(integer))
        .bind(ended)
        .bind(expired_epoch)
        .bind(env)
        .bind(asset.to_string())
        .bind(integer(version.number.0))
        .execute(&mut *db)
        .await?;
        write_document(db, env, version, &document_of(version)?).await?;
        write_findings(db, env, version).await?;
        let entry = entry(now, actor, "restored", env, asset, version.number);
        let detail = json!({ "state": version.state });
        log::append(db, &AuditEntry { why: Some(why.to_owned()), detail, ..entry }).await?;
    }
    write.commit().await
}

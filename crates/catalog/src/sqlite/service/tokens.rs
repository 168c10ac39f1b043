//! Tokens. Neither a secret nor its hash is ever logged.

use chrono::{DateTime, Utc};
use lockgate_types::Actor;
use sqlx::sqlite::SqliteRow;

use crate::sqlite::rows::{instant, instant_of, instant_or_null, micros, parsed, text};
use crate::sqlite::trouble::Outcome;
use crate::sqlite::{SqliteCatalog, log};
use crate::words::token_entry;
use crate::{Role, Token, faults};

const MINUTE_MICROS: i64 = 60_000_000;

pub(super) async fn add(catalog: &SqliteCatalog, token: &Token) -> Outcome<()> {
    let mut write = catalog.write(&faults::ADD_TOKEN).await?;
    let db = write.connection();
    // The same token again changes nothing. Another one of its id or of its hash breaks what is unique.
    let added = sqlx::query(
        "insert into tokens (id, name, role, hash, made_by, made_at, expires_at, revoked_at, last_used_at) \
         select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 where not exists (select 1 from tokens where id = ?1 and hash = ?4)",
    )
    .bind(&token.id)
    .bind(&token.name)
    .bind(token.role.as_str())
    .bind(&token.hash)
    .bind(&token.made_by.0)
    .bind(micros(token.made_at))
    .bind(token.expires_at.map(micros))
    .bind(token.revoked_at.map(micros))
    .bind(token.last_used_at.map(minute).transpose()?.map(micros))
    .execute(&mut *db)
    .await?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    log::append(db, &token_entry(token.made_at, &token.made_by, "token_created", token)).await?;
    write.commit().await
}

pub(super) async fn all(catalog: &SqliteCatalog) -> Outcome<Vec<Token>> {
    let rows = sqlx::query("select * from tokens order by made_at desc, id desc").fetch_all(&catalog.readers).await?;
    rows.iter().map(token).collect()
}

pub(super) const BY_HASH: &str = "select * from tokens where hash = ?";

pub(super) async fn by_hash(catalog: &SqliteCatalog, hash: &str) -> Outcome<Option<Token>> {
    let row = sqlx::query(BY_HASH).bind(hash).fetch_optional(&catalog.readers).await?;
    row.as_ref().map(token).transpose()
}

pub(super) async fn revoke(catalog: &SqliteCatalog, id: &str, by: &Actor, at: DateTime<Utc>) -> Outcome<bool> {
    let mut write = catalog.write(&faults::REVOKE_TOKEN).await?;
    let db = write.connection();
    let row = sqlx::query("select * from tokens where id = ?").bind(id).fetch_optional(&mut *db).await?;
    let Some(token) = row.as_ref().map(token).transpose()? else { return Ok(false) };
    if token.revoked_at.is_some() {
        return Ok(true);
    }
    sqlx::query("update tokens set revoked_at = ? where id = ?").bind(micros(at)).bind(id).execute(&mut *db).await?;
    log::append(db, &token_entry(at, by, "token_revoked", &token)).await?;
    write.commit().await?;
    Ok(true)
}

pub(super) async fn used(catalog: &SqliteCatalog, id: &str, at: DateTime<Utc>) -> Outcome<()> {
    let minute = micros(minute(at)?);
    let is_noted = sqlx::query("select 1 from tokens where id = ? and last_used_at >= ?")
        .bind(id)
        .bind(minute)
        .fetch_optional(&catalog.readers)
        .await?;
    if is_noted.is_some() {
        return Ok(());
    }
    let mut write = catalog.write_progress(&faults::TOKEN_USED).await?;
    // It never goes back: of two processes, the slower one changes nothing.
    let noted = sqlx::query(
        "update tokens set last_used_at = ?1 where id = ?2 and (last_used_at is null or last_used_at < ?1)",
    )
    .bind(minute)
    .bind(id)
    .execute(write.connection())
    .await?;
    if noted.rows_affected() == 0 {
        return Ok(());
    }
    write.commit().await
}

/// Its beginning.
fn minute(at: DateTime<Utc>) -> Outcome<DateTime<Utc>> {
    instant_of(micros(at).div_euclid(MINUTE_MICROS) * MINUTE_MICROS)
}

fn token(row: &SqliteRow) -> Outcome<Token> {
    Ok(Token {
        id: text(row, "id")?,
        name: text(row, "name")?,
        role: parsed(&text(row, "role")?, "role", Role::parse)?,
        hash: text(row, "hash")?,
        made_by: Actor(text(row, "made_by")?),
        made_at: instant(row, "made_at")?,
        expires_at: instant_or_null(row, "expires_at")?,
        revoked_at: instant_or_null(row, "revoked_at")?,
        last_used_at: instant_or_null(row, "last_used_at")?,
    })
}

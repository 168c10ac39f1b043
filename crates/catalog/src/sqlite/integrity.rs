//! Whether the file is still what was written.

use sqlx::Row;

use super::SqliteCatalog;
use super::open::newest_format;
use super::trouble::Outcome;
use crate::Integrity;

/// SQLite stops after so many.
const PROBLEMS_MAX: usize = 20;

pub(super) async fn look(catalog: &SqliteCatalog) -> Outcome<Integrity> {
    let mut reader = catalog.readers.acquire().await?;
    let mut problems = Vec::new();
    for row in sqlx::query("pragma integrity_check(20)").fetch_all(&mut *reader).await? {
        let said: String = row.try_get(0)?;
        if said != "ok" {
            problems.push(said);
        }
    }
    for row in sqlx::query("pragma foreign_key_check").fetch_all(&mut *reader).await?.iter().take(PROBLEMS_MAX) {
        let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
        problems.push(format!("a row of {table} refers to a row of {parent} that is not there"));
    }
    let row = sqlx::query("select max(version) as format from _sqlx_migrations").fetch_one(&mut *reader).await?;
    let format = row.try_get::<Option<i64>, _>("format")?.unwrap_or(0);
    Ok(Integrity { format, known_format: newest_format(), problems })
}

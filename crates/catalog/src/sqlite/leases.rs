//! Leases.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::rows::{count, integer, text, text_or_null};
use super::trouble::Outcome;
use super::{SqliteCatalog, log};
use crate::words::stolen_entry;
use crate::{CatalogError, HeldLease, Lease, LeaseAttempt, faults};

pub(super) async fn try_lease(catalog: &SqliteCatalog, key: &str, holder: &str) -> Outcome<LeaseAttempt> {
    // Whoever waits asks often; that must not cost the writers their turn.
    let standing = sqlx::query(SELECT).bind(key).fetch_optional(&catalog.readers).await?;
    if let Some(held) = held(standing.as_ref())? {
        return Ok(held);
    }
    let mut write = catalog.write(&faults::LEASE).await?;
    match take_free(write.connection(), key, holder).await? {
        Some(lease) => {
            write.commit().await?;
            Ok(LeaseAttempt::Taken(lease))
        }
        None => found(write.connection(), key).await,
    }
}

pub(super) async fn steal(
    catalog: &SqliteCatalog,
    key: &str,
    holder: &str,
    seen_epoch: u64,
    seen_beat: u64,
) -> Outcome<LeaseAttempt> {
    let mut write = catalog.write(&faults::STEAL).await?;
    let now = write.now();
    let db = write.connection();
    let before = sqlx::query(SELECT).bind(key).fetch_optional(&mut *db).await?;
    let Some(LeaseAttempt::Held { holder: from, epoch, beat }) = held(before.as_ref())? else {
        // It has been given back, so there is nothing to take from anyone.
        let lease = take_free(db, key, holder).await?;
        write.commit().await?;
        return match lease {
            Some(lease) => Ok(LeaseAttempt::Taken(lease)),
            None => Err(CatalogError::NotFound(format!("lease {key}")).into()),
        };
    };
    if (epoch, beat) != (seen_epoch, seen_beat) {
        return Ok(LeaseAttempt::Held { holder: from, epoch, beat });
    }
    let row = sqlx::query(
        "update leases set holder = ?, epoch = epoch + 1, beat = 0 where key = ? and epoch = ? and beat = ? returning epoch",
    )
    .bind(holder)
    .bind(key)
    .bind(integer(seen_epoch))
    .bind(integer(seen_beat))
    .fetch_one(&mut *db)
    .await?;
    let lease = Lease { key: key.to_owned(), holder: holder.to_owned(), epoch: count(&row, "epoch")? };
    log::append(db, &stolen_entry(now, &lease, &from)).await?;
    write.commit().await?;
    Ok(LeaseAttempt::Taken(lease))
}

pub(super) async fn beat(catalog: &SqliteCatalog, lease: &Lease) -> Outcome<bool> {
    let mut write = catalog.write_progress(&faults::BEAT).await?;
    let beaten = sqlx::query("update leases set beat = beat + 1 where key = ? and holder = ? and epoch = ?")
        .bind(&lease.key)
        .bind(&lease.holder)
        .bind(integer(lease.epoch))
        .execute(write.connection())
        .await?;
    write.commit().await?;
    Ok(beaten.rows_affected() == 1)
}

pub(super) async fn release(catalog: &SqliteCatalog, lease: &Lease) -> Outcome<()> {
    let mut write = catalog.write_progress(&faults::RELEASE).await?;
    sqlx::query("update leases set holder = null where key = ? and holder = ? and epoch = ?")
        .bind(&lease.key)
        .bind(&lease.holder)
        .bind(integer(lease.epoch))
        .execute(write.connection())
        .await?;
    write.commit().await
}

pub(super) async fn all(catalog: &SqliteCatalog) -> Outcome<Vec<HeldLease>> {
    let rows = sqlx::query("select key, holder, epoch, beat from leases where holder is not null order by key")
        .fetch_all(&catalog.readers)
        .await?;
    let lease = |row: &SqliteRow| {
        Ok(HeldLease {
            key: text(row, "key")?,
            holder: text(row, "holder")?,
            epoch: count(row, "epoch")?,
            beat: count(row, "beat")?,
        })
    };
    rows.iter().map(lease).collect()
}

/// Within a write: whether the lease is still the caller's.
pub(super) async fn check(db: &mut SqliteConnection, lease: &Lease) -> Outcome<()> {
    let row = sqlx::query(SELECT).bind(&lease.key).fetch_optional(db).await?;
    let fenced = |now| CatalogError::Fenced { key: lease.key.clone(), epoch: lease.epoch, now };
    let Some(row) = row else { return Err(fenced(0).into()) };
    let (holder, epoch) = (text_or_null(&row, "holder")?, count(&row, "epoch")?);
    if epoch == lease.epoch && holder.as_deref() == Some(lease.holder.as_str()) {
        return Ok(());
    }
    Err(fenced(epoch).into())
}

const SELECT: &str = "select holder, epoch, beat from leases where key = ?";

async fn take_free(db: &mut SqliteConnection, key: &str, holder: &str) -> Outcome<Option<Lease>> {
    let row = sqlx::query(
        "insert into leases (key, holder, epoch, beat) values (?, ?, 1, 0) \
         on conflict do update set holder = excluded.holder, epoch = epoch + 1, beat = 0 where leases.holder is null \
         returning epoch",
    )
    .bind(key)
    .bind(holder)
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok(Lease { key: key.to_owned(), holder: holder.to_owned(), epoch: count(&row, "epoch")? }))
        .transpose()
}

async fn found(db: &mut SqliteConnection, key: &str) -> Outcome<LeaseAttempt> {
    let row = sqlx::query(SELECT).bind(key).fetch_optional(db).await?;
    held(row.as_ref())?.ok_or_else(|| CatalogError::NotFound(format!("lease {key}")).into())
}

/// `None` when it is free.
fn held(row: Option<&SqliteRow>) -> Outcome<Option<LeaseAttempt>> {
    let Some(row) = row else { return Ok(None) };
    let Some(holder) = row.try_get("holder")? else { return Ok(None) };
    Ok(Some(LeaseAttempt::Held { holder, epoch: count(row, "epoch")?, beat: count(row, "beat")? }))
}

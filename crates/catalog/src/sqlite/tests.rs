//! What the connections are set to. A wrong setting would show only after a power cut.

// Tests may.
#![allow(clippy::unwrap_used)]

use lockgate_types::Effects;
use sqlx::SqlitePool;

use super::open::{BUSY_TIMEOUT, open};
use crate::Catalog;

async fn pragma(pool: &SqlitePool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn commits_are_synced_and_readers_cannot_write() {
    const NORMAL: i64 = 1;
    const FULL: i64 = 2;
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder.path().join("catalog.db"), Effects::real(), BUSY_TIMEOUT).await.unwrap();
    assert_eq!(pragma(&catalog.durable, "pragma synchronous").await, FULL);
    assert_eq!(pragma(&catalog.progress, "pragma synchronous").await, NORMAL);
    for pool in [&catalog.durable, &catalog.progress, &catalog.readers] {
        let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(pool).await.unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(pragma(pool, "pragma fullfsync").await, 1);
        assert_eq!(pragma(pool, "pragma foreign_keys").await, 1);
        assert_eq!(u128::try_from(pragma(pool, "pragma busy_timeout").await).unwrap(), BUSY_TIMEOUT.as_millis());
    }
    let refused = sqlx::query("delete from late").execute(&catalog.readers).await.unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
    catalog.close().await;
}

//! Files that are not what was written.

use lockgate_catalog::conformance::samples::{ENV, name, publish_next};
use lockgate_catalog::{CatalogError, open_sqlite};
use lockgate_types::Effects;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::backend::Folder;

/// A catalog with one live version, and nobody in it.
async fn written() -> Folder {
    let folder = Folder::new();
    let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
    publish_next(&*catalog, &name("raw.orders")).await;
    catalog.close().await;
    folder
}

async fn change(folder: &Folder, sql: &'static str) {
    use sqlx::Connection;
    let mut connection = SqliteConnectOptions::new().filename(folder.path()).connect().await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_a_diagnostic() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().parent().unwrap()).unwrap();
    std::fs::write(folder.path(), "this is a note about catalogs\n".repeat(300)).unwrap();
    let refused = open_sqlite(&folder.path(), Effects::real()).await.unwrap_err();
    assert!(matches!(refused, CatalogError::Corrupt { .. }), "{refused}");
    assert_eq!(refused.diagnostic().code.id, "LG0602");
    assert!(refused.diagnostic().hint.unwrap().contains("doctor --rebuild"));
    assert!(std::fs::read_to_string(folder.path()).unwrap().starts_with("this is a note"), "left as it was");
}

/// Every page in turn is overwritten: whatever is asked then, the answer is the right one or a diagnostic.
#[tokio::test]
async fn a_damaged_page_is_a_diagnostic() {
    const PAGE: usize = 4_096;
    let folder = written().await;
    let bytes = std::fs::read(folder.path()).unwrap();
    let expected = {
        let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
        let live = catalog.live(ENV).await.unwrap();
        catalog.close().await;
        live
    };
    let mut refused = 0;
    for page in 0..bytes.len() / PAGE {
        let mut damaged = bytes.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        std::fs::write(folder.path(), &damaged).unwrap();
        let answer = match open_sqlite(&folder.path(), Effects::real()).await {
            Ok(catalog) => {
                let answer = catalog.live(ENV).await;
                catalog.close().await;
                answer
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(live) => assert_eq!(live, expected, "page {page}"),
            Err(CatalogError::Corrupt { .. }) => refused += 1,
            Err(other) => panic!("page {page}: {other:?}"),
        }
    }
    assert!(refused > 4, "the pages that matter were noticed: {refused}");
}

#[tokio::test]
async fn a_damaged_document_is_a_diagnostic() {
    for (sql, says) in [
        ("update documents set document = substr(document, 1, 500)", "version 1 of raw.orders"),
        ("update documents set format = 9", "version 1 of raw.orders: its document has the unknown format 9"),
    ] {
        let folder = written().await;
        change(&folder, sql).await;
        let catalog = open_sqlite(&folder.path(), Effects::real()).await.unwrap();
        match catalog.live(ENV).await.unwrap_err() {
            CatalogError::Corrupt { detail, .. } => assert!(detail.starts_with(says), "{detail}"),
            other => panic!("{other}"),
        }
        assert_eq!(catalog.live_heads(ENV).await.unwrap().len(), 1, "heads read no documents");
    }
}

#[tokio::test]
async fn a_newer_format_is_not_opened() {
    let folder = written().await;
    change(
        &folder,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values (99, 'later', true, x'00', 0)",
    )
    .await;
    let refused = open_sqlite(&folder.path(), Effects::real()).await.unwrap_err();
    assert!(matches!(refused, CatalogError::Newer { format: 99, known: 4, .. }), "{refused}");
    assert_eq!(refused.diagnostic().code.id, "LG0603");
}

#[tokio::test]
async fn an_edited_migration_is_noticed() {
    let folder = written().await;
    change(&folder, "update _sqlx_migrations set checksum = x'00'").await;
    let refused = open_sqlite(&folder.path(), Effects::real()).await.unwrap_err();
    assert!(matches!(refused, CatalogError::Corrupt { .. }), "{refused}");
}

/// The audit log is append-only for everyone who goes through the file.
#[tokio::test]
async fn the_audit_log_cannot_be_rewritten() {
    use sqlx::Connection;
    let folder = written().await;
    let mut connection = SqliteConnectOptions::new().filename(folder.path()).connect().await.unwrap();
    for sql in ["update audit set actor = 'nobody'", "delete from audit"] {
        let refused = sqlx::query(sql).execute(&mut connection).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    connection.close().await.unwrap();
}

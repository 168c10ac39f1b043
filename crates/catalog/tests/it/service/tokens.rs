//! Tokens.

use lockgate_catalog::conformance::samples::{ENV, actor};
use lockgate_catalog::conformance::whole_log;
use lockgate_catalog::{Role, SYSTEM_TABLES, Token};

use super::{after, open, token};
use crate::backend::Folder;

#[tokio::test]
async fn a_token_is_made_once() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let (first, second) =
        (token("one"), Token { made_at: after(1), role: Role::Admin, expires_at: None, ..token("two") });
    for made in [&first, &first, &second, &first] {
        catalog.add_token(made).await.unwrap();
    }
    assert_eq!(catalog.tokens().await.unwrap(), [second, first.clone()]);
    assert_eq!(catalog.token_by_hash(&first.hash).await.unwrap(), Some(first.clone()));
    assert_eq!(catalog.token_by_hash("hash").await.unwrap(), None);
    // Another token of the same id, or of the same hash, is none of these.
    for other in
        [Token { hash: "other".to_owned(), ..first.clone() }, Token { id: "other".to_owned(), ..first.clone() }]
    {
        let refused = catalog.add_token(&other).await.unwrap_err().to_string();
        assert!(refused.contains("UNIQUE") && !refused.contains(&other.hash), "{refused}");
    }
    let log = whole_log(&*catalog, "any").await;
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!((log[0].action.as_str(), &log[0].actor, log[0].at), ("token_created", &first.made_by, first.made_at));
    assert_eq!(log[0].environment, None, "it concerns all");
    assert_eq!((&log[0].detail["token"], &log[0].detail["role"]), (&"one".into(), &"operator".into()));
}

#[tokio::test]
async fn a_token_ends_once() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    catalog.add_token(&token("one")).await.unwrap();
    assert!(!catalog.revoke_token("two", &actor("ben"), after(5)).await.unwrap());
    assert!(catalog.revoke_token("one", &actor("ben"), after(5)).await.unwrap());
    assert!(catalog.revoke_token("one", &actor("eve"), after(9)).await.unwrap(), "it has ended");
    // Made again, it does not come back.
    catalog.add_token(&token("one")).await.unwrap();
    assert_eq!(catalog.tokens().await.unwrap(), [Token { revoked_at: Some(after(5)), ..token("one") }]);
    let log = whole_log(&*catalog, ENV).await;
    assert_eq!(log.len(), 2);
    assert_eq!((log[1].action.as_str(), &log[1].actor, log[1].at), ("token_revoked", &actor("ben"), after(5)));
}

/// Of many uses in a minute the first one writes.
#[tokio::test]
async fn uses_are_noted_to_the_minute() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    catalog.add_token(&token("one")).await.unwrap();
    let noted = async || catalog.tokens().await.unwrap()[0].last_used_at.unwrap().to_rfc3339();
    let log = folder.path().with_extension("db-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    catalog.token_used("one", after(3)).await.unwrap();
    assert_eq!(noted().await, "2026-03-01T12:00:00+00:00");
    let before = size();
    for second in [4, 59, 1, -1] {
        catalog.token_used("one", after(second)).await.unwrap();
    }
    catalog.token_used("nobody", after(3)).await.unwrap();
    assert_eq!((size(), noted().await.as_str()), (before, "2026-03-01T12:00:00+00:00"), "nothing was written");
    catalog.token_used("one", after(60)).await.unwrap();
    assert_eq!(noted().await, "2026-03-01T12:01:00+00:00");
}

#[tokio::test]
async fn no_table_and_no_line_tells_a_hash() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    catalog.add_token(&token("one")).await.unwrap();
    catalog.revoke_token("one", &actor("ben"), after(5)).await.unwrap();
    for table in SYSTEM_TABLES {
        let said = format!("{:?}", catalog.system_table(table).await.unwrap());
        assert!(!said.contains("hash of one"), "{table}");
    }
    assert_eq!(catalog.system_table("tokens").await.unwrap(), None);
}

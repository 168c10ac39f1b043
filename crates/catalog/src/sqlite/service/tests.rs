//! How SQLite answers what a server asks: by which index, and that it never reads a table from end to end.

// Tests may.
#![allow(clippy::unwrap_used)]

use lockgate_types::{Effects, RunId, RunState};
use sqlx::{AssertSqlSafe, Row, SqlitePool};

use super::{answers, history, lists, outbox, tokens, versions};
use crate::sqlite::open::{BUSY_TIMEOUT, open};
use crate::{AuditFilter, Catalog, RunFilter};

async fn plan(pool: &SqlitePool, sql: &str) -> String {
    let rows = sqlx::query(AssertSqlSafe(format!("explain query plan {sql}"))).fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
}

fn runs(filter: &RunFilter) -> String {
    lists::runs_query("default", filter).into_string()
}

fn audit(filter: &AuditFilter) -> String {
    lists::audit_query("default", filter).unwrap().into_string()
}

#[tokio::test]
async fn every_question_has_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder.path().join("catalog.db"), Effects::real(), BUSY_TIMEOUT).await.unwrap();
    let before = Some(RunId("0run1".to_owned()));
    let all_runs = RunFilter { before: before.clone(), limit: 9, ..RunFilter::default() };
    let by_state = RunFilter { state: Some(RunState::Failed), ..all_runs.clone() };
    let by_actor = RunFilter { actor: Some("ana".to_owned()), ..all_runs.clone() };
    let asset = Some("raw.orders".parse().unwrap());
    let by_asset = RunFilter { asset: asset.clone(), ..by_state.clone() };
    let all_lines = AuditFilter { before: Some(9), limit: 9, ..AuditFilter::default() };
    let of_asset = AuditFilter { asset, ..all_lines.clone() };
    let questions: &[(&str, &[&str])] = &[
        (lists::POSITION, &["SEARCH audit", "SEARCH events"]),
        (versions::CURRENT, &["INDEX versions_live (environment=?)", "INDEX versions_held (environment=?)"]),
        (versions::PAGE, &["sqlite_autoindex_versions_1 (environment=? AND asset=? AND number<?)"]),
        (versions::ONE, &["sqlite_autoindex_versions_1 (environment=? AND asset=? AND number=?)"]),
        (history::JUDGED, &["sqlite_autoindex_versions_1 (environment=? AND asset=?)"]),
        (history::CHECKS, &["PRIMARY KEY (environment=? AND asset=? AND version=?)"]),
        (history::PROFILES, &["PRIMARY KEY (environment=? AND asset=? AND version=?)"]),
        (
            lists::LAST_FAILURES,
            &[
                "COVERING INDEX tasks_asset (environment=?)",
                "COVERING INDEX tasks_asset (environment=? AND asset>?)",
                "COVERING INDEX tasks_asset (environment=? AND asset=?)",
                "SEARCH t USING PRIMARY KEY (run=? AND asset=?)",
            ],
        ),
        (&runs(&all_runs), &["INDEX runs_started (environment=? AND (started_at,id)<(?,?))"]),
        (&runs(&by_state), &["INDEX runs_state (environment=? AND state=? AND (started_at,id)<(?,?))"]),
        (&runs(&by_actor), &["INDEX runs_actor (environment=? AND actor=? AND (started_at,id)<(?,?))"]),
        (&runs(&by_asset), &["INDEX tasks_asset (environment=? AND asset=? AND run<?)"]),
        (lists::TASKS_OF_RUNS, &["SEARCH tasks USING PRIMARY KEY (run=?)"]),
        (lists::EVENTS_AFTER, &["SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"]),
        (lists::AUDIT_AFTER, &["SEARCH audit USING INTEGER PRIMARY KEY (rowid>?)"]),
        (&audit(&all_lines), &["SEARCH audit USING INTEGER PRIMARY KEY (rowid<?)"]),
        (&audit(&of_asset), &["INDEX audit_asset (environment=? AND asset=? AND sequence<?)"]),
        (tokens::BY_HASH, &["(hash=?)"]),
        (outbox::DUE, &["INDEX deliveries_waiting (environment=? AND due_at<?)"]),
        (outbox::NEXT, &["INDEX deliveries_waiting (environment=?)"]),
        (outbox::PAGE, &["INDEX deliveries_newest (environment=?)"]),
        (outbox::PAGE_BEFORE, &["INDEX deliveries_newest (environment=? AND sequence<?)"]),
        (answers::ANSWER, &["(key=?)"]),
    ];
    for (sql, needs) in questions {
        let plan = plan(&catalog.readers, sql).await;
        for index in *needs {
            assert!(plan.contains(index), "{sql}\nhas no `{index}`:\n{plan}");
        }
        let scans = |line: &&str| {
            line.contains("SCAN") && !["known", "CONSTANT", "json_each"].iter().any(|of| line.contains(of))
        };
        let scanned: Vec<&str> = plan.lines().filter(scans).collect();
        assert!(scanned.is_empty(), "{sql}\n{plan}");
        let is_sorted = plan.contains("USE TEMP B-TREE FOR ORDER BY");
        assert!(!is_sorted, "{sql}\n{plan}");
    }
    catalog.close().await;
}

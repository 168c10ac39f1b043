//! The audit log, suppressions, lateness, the cache, code, and the system tables.

use chrono::{DateTime, TimeDelta};
use lockgate_types::{DataType, Fingerprint, Suppression, Threshold, VersionNumber};

use super::samples::{ENV, actor, hold_next, name, noon, publish_next, run, task};
use super::{Shared, Stage, everything, whole_log};
use crate::{AuditEntry, CACHE_ENTRIES_MAX, Catalog, Late, SERVICE_TABLES, SYSTEM_TABLES, SystemTable};

pub async fn every_change_has_an_actor(shared: &dyn Shared) {
    let stage = Stage::default();
    let catalog = shared.open(stage.effects.clone()).await;
    publish_next(&*catalog, &name("raw.orders")).await;
    publish_next(&*catalog, &name("raw.orders")).await;
    hold_next(&*catalog, &name("raw.orders")).await;
    for entry in whole_log(&*catalog, ENV).await {
        assert_eq!((&entry.actor, entry.environment.as_deref()), (&actor("ana"), Some(ENV)), "{entry:?}");
        assert_eq!(entry.asset, Some(name("raw.orders")));
        assert!(entry.version.is_some());
        assert!(entry.at >= stage.now() && entry.at < stage.now() + TimeDelta::milliseconds(1));
    }
}

pub async fn the_log_answers_the_newest_first(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let entry = |action: &str, environment: Option<&str>, asset: Option<&str>| AuditEntry {
        at: noon(),
        actor: actor("ana"),
        action: action.to_owned(),
        environment: environment.map(str::to_owned),
        asset: asset.map(name),
        version: asset.map(|_| VersionNumber(2)),
        why: Some("because".to_owned()),
        detail: serde_json::json!({ "old": 1, "new": [2] }),
    };
    let settings = entry("settings_changed", None, None);
    let ours = entry("baselined", Some(ENV), Some("raw.orders"));
    let people = AuditEntry { why: None, detail: serde_json::Value::Null, ..entry("x", Some(ENV), Some("raw.people")) };
    let dev = entry("baselined", Some("dev"), Some("raw.orders"));
    for entry in [&settings, &ours, &people, &dev] {
        catalog.audit(entry).await.unwrap();
    }
    assert_eq!(catalog.audit_log(ENV, None, 10).await.unwrap(), [people.clone(), ours.clone(), settings.clone()]);
    assert_eq!(catalog.audit_log(ENV, None, 1).await.unwrap(), [people]);
    assert_eq!(catalog.audit_log(ENV, Some(&name("raw.orders")), 10).await.unwrap(), [ours]);
    assert_eq!(catalog.audit_log("dev", None, 10).await.unwrap(), [dev, settings]);
}

pub async fn a_suppression_is_made_once(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let suppression = Suppression {
        asset: name("raw.orders"),
        check: "unique_id".to_owned(),
        actor: actor("ana"),
        why: "the vendor knows".to_owned(),
        made_at: noon(),
        until: noon() + TimeDelta::days(2),
        limit: Some(Threshold::Share(0.005)),
    };
    let ended =
        Suppression { until: noon() - TimeDelta::days(1), limit: None, actor: actor("ben"), ..suppression.clone() };
    catalog.add_suppression(ENV, &suppression).await.unwrap();
    catalog.add_suppression(ENV, &suppression).await.unwrap();
    catalog.add_suppression(ENV, &ended).await.unwrap();
    assert_eq!(catalog.suppressions(ENV).await.unwrap(), [suppression.clone(), ended]);
    assert!(catalog.suppressions("dev").await.unwrap().is_empty());
    let log = whole_log(&*catalog, ENV).await;
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].why.as_deref(), log[0].action.as_str()), (Some("the vendor knows"), "suppressed"));
    assert_eq!(log[0].detail["check"], "unique_id");
    assert_eq!(log[0].detail["limit"], "> 0.5%");
}

pub async fn lateness_comes_and_goes(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let (orders, people) = (name("raw.orders"), name("raw.people"));
    let late = Late {
        check: "fresh_ts".to_owned(),
        message: "newest is 3 d old, allowed 2 d".to_owned(),
        since: noon(),
        newest: Some("2026-02-26 12:00:00".to_owned()),
    };
    let later = Late { message: "newest is 4 d old, allowed 2 d".to_owned(), newest: None, ..late.clone() };
    catalog.set_late(ENV, &orders, Some(&late)).await.unwrap();
    catalog.set_late(ENV, &people, Some(&late)).await.unwrap();
    catalog.set_late(ENV, &orders, Some(&later)).await.unwrap();
    let all = catalog.late(ENV).await.unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [(orders.clone(), later), (people.clone(), late)]);
    catalog.set_late(ENV, &orders, None).await.unwrap();
    catalog.set_late(ENV, &name("never.late"), None).await.unwrap();
    assert_eq!(catalog.late(ENV).await.unwrap().into_keys().collect::<Vec<_>>(), [people]);
    assert!(catalog.late("dev").await.unwrap().is_empty());
}

pub async fn code_is_remembered(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    assert_eq!(catalog.code(ENV, &orders).await.unwrap(), None);
    publish_next(&*catalog, &orders).await;
    let (first, second) = (Fingerprint("first".to_owned()), Fingerprint("second".to_owned()));
    let code = |sql: &str| serde_json::json!({ "sql": sql, "load": "full" });
    catalog.set_code(ENV, &orders, &first, &code("select 1")).await.unwrap();
    let before = everything(&*catalog).await;
    catalog.set_code(ENV, &orders, &first, &code("select 1")).await.unwrap();
    assert_eq!(everything(&*catalog).await, before);
    catalog.set_code(ENV, &orders, &second, &code("select 2")).await.unwrap();
    assert_eq!(catalog.code(ENV, &orders).await.unwrap(), Some((second, code("select 2"))));
    assert_eq!(catalog.code("dev", &orders).await.unwrap(), None);
    let log = whole_log(&*catalog, ENV).await;
    let changes: Vec<_> = log.iter().filter(|entry| entry.action == "code_changed").collect();
    assert_eq!(changes.len(), 2);
    assert_eq!((changes[1].version, &changes[1].actor), (Some(VersionNumber(1)), &actor("ana")));
    assert_eq!(changes[1].detail, serde_json::json!({ "fingerprint": "second", "before": "first" }));
}

pub async fn the_cache_answers_and_forgets_the_oldest(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let entry = |index: u64| (format!("key {index}"), format!("text 'of' {index}"));
    assert_eq!(catalog.cached("key 1").await.unwrap(), None);
    catalog.put_cached(&[]).await.unwrap();
    catalog.put_cached(&(0..CACHE_ENTRIES_MAX).map(entry).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(catalog.cached("key 0").await.unwrap(), Some(entry(0).1));
    // Put again, key 0 is the youngest; then two more come.
    catalog.put_cached(&[("key 0".to_owned(), "new".to_owned())]).await.unwrap();
    catalog.put_cached(&[entry(CACHE_ENTRIES_MAX), entry(CACHE_ENTRIES_MAX + 1)]).await.unwrap();
    assert_eq!(catalog.cached("key 0").await.unwrap().as_deref(), Some("new"));
    assert_eq!(catalog.cached("key 1").await.unwrap(), None);
    assert_eq!(catalog.cached("key 2").await.unwrap(), None);
    assert_eq!(catalog.cached("key 3").await.unwrap(), Some(entry(3).1));
    let keys: Vec<String> = ["key 3", "key 1", "nothing", "key 4"].map(str::to_owned).to_vec();
    let found = catalog.cached_many(&keys).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [entry(3), entry(4)]);
}

pub async fn system_tables_have_their_columns(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    fill(&*catalog).await;
    for name in SYSTEM_TABLES {
        let table = catalog.system_table(name).await.unwrap().unwrap();
        assert_eq!(table.rows.is_empty(), SERVICE_TABLES.contains(name), "{name}");
        for row in &table.rows {
            assert_eq!(row.len(), table.columns.columns.len(), "{name}");
            for (cell, column) in row.iter().zip(&table.columns.columns) {
                let fits = match &column.data_type {
                    DataType::Bigint => cell.is_i64(),
                    DataType::Double => cell.is_f64(),
                    DataType::Timestamptz => cell
                        .as_str()
                        .is_some_and(|text| text.ends_with('Z') && DateTime::parse_from_rfc3339(text).is_ok()),
                    DataType::Json => {
                        cell.as_str().is_some_and(|text| serde_json::from_str::<serde_json::Value>(text).is_ok())
                    }
                    _ => cell.is_string(),
                };
                assert!(fits || cell.is_null(), "{name}.{}: {cell}", column.name);
            }
        }
    }
    assert_eq!(catalog.system_table("leases").await.unwrap(), None);
}

pub async fn system_tables_say_what_happened(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    fill(&*catalog).await;
    let table = async |name: &str| catalog.system_table(name).await.unwrap().unwrap();
    let versions = table("versions").await;
    assert_eq!(column(&versions, "state"), ["superseded", "published", "held"]);
    assert_eq!(column(&versions, "number"), [1, 2, 3]);
    assert_eq!(column(&versions, "rows"), [100, 200, 300]);
    assert_eq!(column(&versions, "published_at")[1], "2026-03-01T12:00:00.123457Z");
    assert_eq!(column(&versions, "inputs")[0], r#"{"raw.orders":7,"raw.people":3}"#);
    let checks = table("checks").await;
    assert_eq!(column(&checks, "name"), ["not_null_id", "unique_id", "not_null_id", "unique_id", "unique_id"]);
    assert_eq!(column(&checks, "version"), [1, 1, 2, 2, 3]);
    assert_eq!(column(&checks, "state")[4], "failed");
    assert_eq!(column(&checks, "share")[4], 0.01);
    assert_eq!(column(&checks, "section")[0], "finance");
    let profiles = table("profiles").await;
    assert_eq!(column(&profiles, "column_name")[..2], ["id", "email"]);
    assert_eq!((&column(&profiles, "mean")[0], &column(&profiles, "nulls")[1]), (&50.5.into(), &3.into()));
    assert_eq!(column(&profiles, "quantiles")[0], "[5.0,25.0,50.0,75.0,95.0]");
    assert_eq!(column(&table("runs").await, "pins"), [r#"{"raw.orders":7}"#]);
    assert_eq!(column(&table("tasks").await, "asset"), ["raw.orders"]);
    let audit = table("audit").await;
    assert_eq!(column(&audit, "action")[0], "run_started");
    assert_eq!(column(&audit, "sequence")[..3], [1, 2, 3]);
}

async fn fill(catalog: &dyn Catalog) {
    let run = run("0run1");
    catalog.create_run(&run, &[task(&run, "raw.orders")]).await.unwrap();
    publish_next(catalog, &name("raw.orders")).await;
    publish_next(catalog, &name("raw.orders")).await;
    hold_next(catalog, &name("raw.orders")).await;
}

fn column(table: &SystemTable, name: &str) -> Vec<serde_json::Value> {
    let index = table.columns.columns.iter().position(|column| column.name == name).unwrap();
    table.rows.iter().map(|row| row[index].clone()).collect()
}

//! Versions, histories, the journal and the audit log, page by page.

use lockgate_catalog::conformance::samples::{
    ENV, actor, hold, hold_next, name, outcome, publish, publish_next, run, stage, task,
};
use lockgate_catalog::{AuditCounts, AuditEntry, AuditFilter, Position};
use lockgate_types::{CheckState, Event, Version, VersionNumber, VersionState};

use super::{after, open, two};
use crate::backend::Folder;

#[tokio::test]
async fn what_is_current_is_live_or_held() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    assert!(catalog.current(ENV).await.unwrap().is_empty());
    let (live, held, both, neither) = (name("raw.live"), name("raw.held"), name("raw.both"), name("raw.neither"));
    for _ in 0..3 {
        publish_next(&*catalog, &live).await;
        publish_next(&*catalog, &both).await;
        hold_next(&*catalog, &held).await;
        hold_next(&*catalog, &both).await;
    }
    let failed = stage(&*catalog, &neither).await;
    catalog.abandon(ENV, &neither, failed.number, VersionState::Failed, None, &actor("ana")).await.unwrap();
    stage(&*catalog, &neither).await;
    let current = catalog.current(ENV).await.unwrap();
    assert_eq!(current.keys().collect::<Vec<_>>(), [&both, &held, &live]);
    for (asset, current) in &current {
        let lines = catalog.versions(ENV, asset).await.unwrap();
        let of = |state| lines.iter().find(|line| line.state == state).cloned();
        assert_eq!(current.live, of(VersionState::Published), "{asset}");
        assert_eq!(current.held, of(VersionState::Held), "{asset}");
    }
    assert!(catalog.current("dev").await.unwrap().is_empty());
}

/// Pages are complete and without doubles while versions come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_versions_are_the_history() {
    let (_folder, one, other) = two().await;
    let orders = name("raw.orders");
    for _ in 0..20 {
        publish_next(&*one, &orders).await;
    }
    publish_next(&*one, &name("raw.people")).await;
    let coming = tokio::spawn(async move {
        for _ in 0..10 {
            publish_next(&*other, &name("raw.orders")).await;
        }
    });
    let mut seen: Vec<u64> = Vec::new();
    loop {
        let before = seen.last().map(|number| VersionNumber(*number));
        let page = one.versions_page(ENV, &orders, before, 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|line| line.number.0));
    }
    coming.await.unwrap();
    assert_eq!(seen, (1..=seen[0]).rev().collect::<Vec<_>>());
    assert!(seen[0] >= 20);
    let whole = one.versions(ENV, &orders).await.unwrap();
    assert_eq!(one.versions_page(ENV, &orders, None, usize::MAX).await.unwrap(), whole);
    for line in &whole {
        assert_eq!(one.version_summary(ENV, &orders, line.number).await.unwrap().as_ref(), Some(line));
    }
    assert_eq!(one.version_summary(ENV, &orders, VersionNumber(99)).await.unwrap(), None);
    assert_eq!(one.version_summary("dev", &orders, VersionNumber(1)).await.unwrap(), None);
    assert!(one.versions_page(ENV, &name("raw.none"), None, 3).await.unwrap().is_empty());
}

#[tokio::test]
async fn histories_are_of_versions_that_were_judged() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let orders = name("raw.orders");
    publish_next(&*catalog, &orders).await;
    let states = [CheckState::Passed, CheckState::Warned, CheckState::Errored, CheckState::Suppressed];
    let second = stage(&*catalog, &orders).await;
    let checks = states.map(|state| outcome(&format!("is {}", state.as_str()), state, 4));
    let second = Version { checks: checks.to_vec(), profile: None, ..second };
    catalog.set_audited(ENV, &second).await.unwrap();
    publish(&*catalog, &second, &lockgate_catalog::conformance::samples::by("ana")).await;
    let third = stage(&*catalog, &orders).await;
    catalog.abandon(ENV, &orders, third.number, VersionState::Failed, None, &actor("ana")).await.unwrap();
    hold(&*catalog, &Version { profile: None, ..stage(&*catalog, &orders).await }, "why").await;
    hold_next(&*catalog, &orders).await;
    stage(&*catalog, &orders).await;
    publish_next(&*catalog, &name("raw.people")).await;

    let (points, checks) = catalog.check_history(ENV, &orders, 9).await.unwrap();
    let said: Vec<_> = points.iter().map(|point| (point.number.0, point.state)).collect();
    let expected = [
        (1, VersionState::Superseded),
        (2, VersionState::Published),
        (4, VersionState::Dismissed),
        (5, VersionState::Held),
    ];
    assert_eq!(said, expected);
    let line = catalog.version_summary(ENV, &orders, VersionNumber(2)).await.unwrap().unwrap();
    assert_eq!((points[1].published_at, points[1].rows), (line.published_at, line.rows));
    assert_eq!((points[1].staged_at, points[1].size_bytes), (line.staged_at, line.size_bytes));
    assert_eq!((points[1].build_ms, points[1].audit_ms), (line.build_ms, line.audit_ms));
    let of: Vec<_> = checks.iter().map(|check| (check.version.0, check.name.as_str(), check.state)).collect();
    let expected = [
        (1, "not_null_id", CheckState::Passed),
        (1, "unique_id", CheckState::Known),
        (2, "is passed", CheckState::Passed),
        (2, "is warned", CheckState::Warned),
        (2, "is errored", CheckState::Errored),
        (2, "is suppressed", CheckState::Suppressed),
        (4, "not_null_id", CheckState::Passed),
        (4, "unique_id", CheckState::Known),
        (5, "unique_id", CheckState::Failed),
    ];
    assert_eq!(of, expected);
    let last = checks.last().unwrap();
    assert_eq!((last.failing, last.total, last.share, last.kind.as_str()), (4, 400, 0.01, "unique"));
    assert_eq!(last.message, "4 of 400 rows");

    let (points, columns) = catalog.profile_history(ENV, &orders, 2).await.unwrap();
    assert_eq!(points.iter().map(|point| point.number.0).collect::<Vec<_>>(), [4, 5], "the newest, oldest first");
    let whole = catalog.version(ENV, &orders, VersionNumber(5)).await.unwrap().unwrap().profile.unwrap();
    let expected: Vec<_> = whole.columns.into_iter().map(|column| (VersionNumber(5), column)).collect();
    assert_eq!(columns, expected);
    assert!(catalog.profile_history("dev", &orders, 9).await.unwrap().0.is_empty());
    assert!(catalog.check_history(ENV, &orders, 0).await.unwrap().1.is_empty());
}

#[tokio::test]
async fn the_position_moves_with_every_line() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    assert_eq!(catalog.position().await.unwrap(), Position::default());
    let event = |index: i64, run: &str| Event {
        event: format!("event {index}"),
        at: after(index),
        run: Some(lockgate_types::RunId(run.to_owned())),
        asset: None,
        version: None,
        data: serde_json::Map::from_iter([("index".to_owned(), index.into())]),
    };
    let events: Vec<Event> = (1..=5).map(|index| event(index, ["a", "b"][usize::from(index % 2 == 0)])).collect();
    catalog.append_events(&events).await.unwrap();
    assert_eq!(catalog.position().await.unwrap(), Position { audit: 0, event: 5 });
    catalog.audit(&line(1, "ana", "baselined", Some(ENV), None, None)).await.unwrap();
    let run = run("0run1");
    catalog.create_run(&run, &[task(&run, "raw.orders")]).await.unwrap();
    let position = catalog.position().await.unwrap();
    assert_eq!(position, Position { audit: 2, event: 5 });
    assert_eq!(open(&folder).await.position().await.unwrap(), position);

    let numbered: Vec<_> = (1_i64..).zip(events).collect();
    assert_eq!(catalog.events_after(0, 9).await.unwrap(), numbered);
    assert_eq!(catalog.events_after(1, 2).await.unwrap(), numbered[1..3]);
    assert!(catalog.events_after(5, 9).await.unwrap().is_empty());
    let lines = catalog.audit_after(0, 9).await.unwrap();
    assert_eq!(lines.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(catalog.audit_after(1, 9).await.unwrap(), lines[1..]);
    assert_eq!(catalog.audit_after(0, 1).await.unwrap(), lines[..1]);
}

fn line(
    at: i64,
    who: &str,
    action: &str,
    environment: Option<&str>,
    asset: Option<&str>,
    why: Option<&str>,
) -> AuditEntry {
    AuditEntry {
        at: after(at),
        actor: actor(who),
        action: action.to_owned(),
        environment: environment.map(str::to_owned),
        asset: asset.map(name),
        version: None,
        why: why.map(str::to_owned),
        detail: serde_json::Value::Null,
    }
}

#[tokio::test]
async fn the_audit_log_is_searched() {
    let folder = Folder::new();
    let catalog = open(&folder).await;
    let (orders, people) = (Some("raw.orders"), Some("raw.people"));
    let lines = [
        line(1, "ana", "published", Some(ENV), orders, None),
        line(2, "Ben", "held", Some(ENV), people, Some("4 of 400 ROWS")),
        line(3, "ana", "published", Some("dev"), orders, Some("rows")),
        line(4, "ana", "token_created", None, None, None),
        line(2, "Ben", "published", Some(ENV), orders, Some("100% fine_print")),
        line(6, "nightly", "run_started", Some(ENV), None, Some("schnÖde")),
    ];
    for line in &lines {
        catalog.audit(line).await.unwrap();
    }
    let found = async |filter: AuditFilter| {
        let page = catalog.audit_page(ENV, &AuditFilter { limit: 9, ..filter }).await.unwrap();
        for (sequence, entry) in &page {
            assert_eq!(*entry, lines[usize::try_from(*sequence).unwrap() - 1]);
        }
        page.into_iter().map(|(sequence, _)| sequence).collect::<Vec<_>>()
    };
    let search = |text: &str| AuditFilter { search: Some(text.to_owned()), ..AuditFilter::default() };
    let all = AuditFilter::default();
    assert_eq!(found(all.clone()).await, [6, 5, 4, 2, 1]);
    assert_eq!(found(AuditFilter { before: Some(5), ..all.clone() }).await, [4, 2, 1]);
    assert_eq!(found(AuditFilter { asset: Some(name("raw.orders")), ..all.clone() }).await, [5, 1]);
    assert_eq!(found(AuditFilter { actor: Some("Ben".to_owned()), ..all.clone() }).await, [5, 2]);
    let actions = vec!["held".to_owned(), "token_created".to_owned()];
    assert_eq!(found(AuditFilter { actions, ..all.clone() }).await, [4, 2]);
    assert_eq!(found(AuditFilter { from: Some(after(2)), to: Some(after(6)), ..all.clone() }).await, [5, 4, 2]);
    assert_eq!(found(search("rows")).await, [2]);
    assert_eq!(found(search("BEN")).await, [5, 2]);
    assert_eq!(found(search("Raw.PEOPLE")).await, [2]);
    assert_eq!(found(search("0% FINE_")).await, [5], "no letter has another meaning");
    assert_eq!(found(search("")).await.len(), 5);
    assert!(found(search("ROWSraw")).await.is_empty());
    assert_eq!(found(search("SCHNÖDE")).await, [6], "where the letters are the same");
    let narrow = AuditFilter { asset: Some(name("raw.orders")), actor: Some("Ben".to_owned()), ..search("fine") };
    assert_eq!(found(narrow).await, [5]);

    // Page by page, nothing is left out.
    let mut seen = Vec::new();
    loop {
        let filter = AuditFilter { before: seen.last().copied(), limit: 2, ..all.clone() };
        let page = catalog.audit_page(ENV, &filter).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|(sequence, _)| *sequence));
    }
    assert_eq!(seen, [6, 5, 4, 2, 1]);

    // Counts of what is new add up to those of all.
    let whole = catalog.audit_counts(ENV, 0).await.unwrap();
    let shown = |counts: &AuditCounts| {
        counts.lines.iter().map(|((actor, action), lines)| format!("{actor} {action} {lines}")).collect::<Vec<_>>()
    };
    let lines = ["Ben held 1", "Ben published 1", "ana published 1", "ana token_created 1", "nightly run_started 1"];
    assert_eq!((whole.up_to, shown(&whole)), (6, lines.map(str::to_owned).to_vec()));
    let late = catalog.audit_counts(ENV, 4).await.unwrap();
    assert_eq!((late.up_to, late.lines.values().sum::<u64>()), (6, 2));
    assert_eq!(catalog.audit_counts(ENV, 6).await.unwrap(), AuditCounts { up_to: 6, ..AuditCounts::default() });
}

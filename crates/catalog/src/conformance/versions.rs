//! Versions on their way to the gate.

use std::collections::BTreeSet;

use lockgate_types::{CheckState, Fingerprint, Version, VersionNumber, VersionState};

use super::samples::{
    ENV, actor, by, failing, hold, hold_next, intent, lease, name, outcome, publish, publish_next, stage, state,
    version,
};
use super::{Shared, Stage, actions, everything, whole_log};
use crate::{BuildRecord, Catalog, CatalogError, CheckCounts};

pub async fn numbers_are_never_reused(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    assert_eq!(catalog.reserve_version(ENV, &orders).await.unwrap(), VersionNumber(1));
    assert_eq!(catalog.reserve_version(ENV, &orders).await.unwrap(), VersionNumber(2));
    assert_eq!(catalog.reserve_version(ENV, &name("raw.people")).await.unwrap(), VersionNumber(1));
    assert_eq!(catalog.reserve_version("dev", &orders).await.unwrap(), VersionNumber(1));
    // Given up without ever having been staged, it stays a gap.
    catalog.abandon(ENV, &orders, VersionNumber(2), VersionState::Failed, None, &actor("ana")).await.unwrap();
    catalog.close().await;
    let again = shared.open(Stage::default().effects).await;
    assert_eq!(again.reserve_version(ENV, &orders).await.unwrap(), VersionNumber(3));
}

pub async fn two_writers_get_different_numbers(shared: &dyn Shared) {
    const EACH: usize = 25;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let catalog = shared.open(Stage::default().effects).await;
        tasks.spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..EACH {
                numbers.push(catalog.reserve_version(ENV, &name("raw.orders")).await.unwrap().0);
            }
            numbers
        });
    }
    let numbers: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(distinct, (1..=4 * EACH as u64).collect(), "each number once, none left out");
    assert_eq!(numbers.len(), distinct.len());
}

pub async fn a_staged_version_comes_back_whole(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let staged = stage(&*catalog, &name("raw.orders")).await;
    assert_eq!(catalog.version(ENV, &staged.asset, staged.number).await.unwrap().as_ref(), Some(&staged));
    assert_eq!(catalog.staged(ENV).await.unwrap(), vec![staged.clone()]);
    assert_eq!(catalog.version(ENV, &staged.asset, VersionNumber(9)).await.unwrap(), None);
    assert_eq!(catalog.live_one(ENV, &staged.asset).await.unwrap(), None);
    assert!(catalog.live(ENV).await.unwrap().is_empty());
    assert!(catalog.live_heads(ENV).await.unwrap().is_empty());
    assert!(catalog.held(ENV).await.unwrap().is_empty());
    assert!(catalog.publishing(ENV).await.unwrap().is_empty());
}

pub async fn staging_again_replaces_until_it_is_past_staged(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let staged = stage(&*catalog, &name("raw.orders")).await;
    let judged = Version { rows: 7, checks: Vec::new(), profile: None, ..staged.clone() };
    catalog.put_staged(ENV, &judged).await.unwrap();
    assert_eq!(catalog.staged(ENV).await.unwrap(), vec![judged.clone()]);
    assert!(catalog.system_table("checks").await.unwrap().unwrap().rows.is_empty(), "old findings are gone");
    catalog.set_audited(ENV, &staged).await.unwrap();
    assert_eq!(catalog.staged(ENV).await.unwrap(), vec![staged.clone()]);
    assert_eq!(actions(&*catalog, ENV).await, ["staged"]);
    publish(&*catalog, &staged, &by("ana")).await;
    let refused = catalog.put_staged(ENV, &judged).await.unwrap_err();
    assert!(matches!(refused, CatalogError::State { is: VersionState::Published, .. }), "{refused}");
    assert_eq!(catalog.live_one(ENV, &staged.asset).await.unwrap().unwrap().rows, staged.rows);
}

pub async fn only_a_reserved_number_is_staged(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    for number in [0, 1] {
        let refused = catalog.put_staged(ENV, &version(&orders, VersionNumber(number))).await.unwrap_err();
        assert!(matches!(refused, CatalogError::NotFound(_)), "{number}: {refused}");
        let refused = catalog
            .abandon(ENV, &orders, VersionNumber(number), VersionState::Failed, None, &actor("ana"))
            .await
            .unwrap_err();
        assert!(matches!(refused, CatalogError::NotFound(_)), "{number}: {refused}");
    }
    catalog.reserve_version(ENV, &orders).await.unwrap();
    let refused = catalog.set_audited(ENV, &version(&orders, VersionNumber(1))).await.unwrap_err();
    assert!(matches!(refused, CatalogError::NotFound(_)), "reserved, not staged: {refused}");
    assert!(everything(&*catalog).await.iter().all(Vec::is_empty));
}

/// JSON has no `NaN`: it would be written as null, which does not read back as a number.
pub async fn what_could_not_be_read_back_is_refused(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let mut staged = stage(&*catalog, &name("raw.orders")).await;
    let before = everything(&*catalog).await;
    staged.profile.as_mut().unwrap().columns[0].quantiles = Some([f64::NAN; 5]);
    for refused in [catalog.put_staged(ENV, &staged).await, catalog.set_audited(ENV, &staged).await] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, CatalogError::Unstorable { .. }), "{refused}");
    }
    assert_eq!(everything(&*catalog).await, before);
}

pub async fn a_judgement_of_a_live_version_leaves_its_content_alone(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let staged = publish_next(&*catalog, &name("raw.orders")).await;
    let live = catalog.live_one(ENV, &staged.asset).await.unwrap().unwrap();
    let judged = Version {
        checks: vec![outcome("rows", CheckState::Failed, 1)],
        checks_fingerprint: Fingerprint("newer checks".to_owned()),
        audit_ms: 77,
        // A careless caller's:
        rows: 1,
        files: Vec::new(),
        state: VersionState::Held,
        ..live.clone()
    };
    catalog.set_audited(ENV, &judged).await.unwrap();
    let now = catalog.live_one(ENV, &staged.asset).await.unwrap().unwrap();
    let expected = Version {
        checks: judged.checks.clone(),
        checks_fingerprint: judged.checks_fingerprint.clone(),
        audit_ms: 77,
        ..live
    };
    assert_eq!(now, expected);
    let head = &catalog.live_heads(ENV).await.unwrap()[&staged.asset];
    assert_eq!((&head.checks_fingerprint, head.rows), (&judged.checks_fingerprint, staged.rows));
    let summary = &catalog.versions(ENV, &staged.asset).await.unwrap()[0];
    assert_eq!(summary.checks, CheckCounts { failed: 1, ..CheckCounts::default() });
    let log = whole_log(&*catalog, ENV).await;
    let last = log.last().unwrap();
    assert_eq!((last.action.as_str(), &last.detail["failing"][0]), ("audited", &"rows".into()));
}

pub async fn a_held_version_is_replaced_by_the_next(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let first = hold_next(&*catalog, &orders).await;
    let other = hold_next(&*catalog, &name("raw.people")).await;
    let held = catalog.held(ENV).await.unwrap();
    assert_eq!(held.iter().map(|held| &held.asset).collect::<Vec<_>>(), [&orders, &other.asset]);
    let expected = Version { state: VersionState::Held, ..first.clone() };
    assert_eq!(held[0], expected);

    let second = hold_next(&*catalog, &orders).await;
    let held = catalog.held(ENV).await.unwrap();
    assert_eq!(held.iter().map(|held| held.number).collect::<Vec<_>>(), [second.number, other.number]);
    let replaced = catalog.version(ENV, &orders, first.number).await.unwrap().unwrap();
    assert_eq!((replaced.state, replaced.why.as_deref()), (VersionState::Dismissed, Some("replaced by 2")));
    assert_eq!(actions(&*catalog, ENV).await, ["staged", "held", "staged", "held", "staged", "dismissed", "held"]);
    let log = whole_log(&*catalog, ENV).await;
    assert_eq!(log.last().unwrap().why.as_deref(), Some("4 of 400 rows"));
    assert_eq!(log.last().unwrap().detail, serde_json::json!({ "failing": ["unique_id"] }));
}

pub async fn holding_again_changes_nothing(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let held = hold_next(&*catalog, &name("raw.orders")).await;
    let before = everything(&*catalog).await;
    hold(&*catalog, &held, "again").await;
    assert_eq!(everything(&*catalog).await, before);
    // A suppression that ends, a check that changed: what holds it may be judged again.
    let excused = Version { checks: vec![outcome("unique_id", CheckState::Suppressed, 4)], ..held.clone() };
    catalog.set_audited(ENV, &excused).await.unwrap();
    let now = catalog.held(ENV).await.unwrap();
    assert_eq!((now[0].state, &now[0].checks), (VersionState::Held, &excused.checks));
}

pub async fn a_version_is_given_up_once(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let staged = stage(&*catalog, &orders).await;
    let ana = actor("ana");
    catalog.abandon(ENV, &orders, staged.number, VersionState::Failed, Some("disk full"), &ana).await.unwrap();
    let failed = catalog.version(ENV, &orders, staged.number).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.why.as_deref()), (VersionState::Failed, Some("disk full")));
    let held = hold_next(&*catalog, &orders).await;
    catalog.abandon(ENV, &orders, held.number, VersionState::Dismissed, Some("known"), &actor("ben")).await.unwrap();
    let dismissed = catalog.version(ENV, &orders, held.number).await.unwrap().unwrap();
    assert_eq!((dismissed.state, dismissed.why.as_deref()), (VersionState::Dismissed, Some("known")));
    let before = everything(&*catalog).await;
    catalog.abandon(ENV, &orders, staged.number, VersionState::Failed, Some("again"), &ana).await.unwrap();
    catalog.abandon(ENV, &orders, held.number, VersionState::Dismissed, None, &ana).await.unwrap();
    assert_eq!(everything(&*catalog).await, before);
    let log = whole_log(&*catalog, ENV).await;
    let last = log.last().unwrap();
    assert_eq!((last.actor.0.as_str(), last.action.as_str(), last.why.as_deref()), ("ben", "dismissed", Some("known")));
}

/// Every state against every change that does not start from it.
pub async fn illegal_transitions_are_errors_and_change_nothing(shared: &dyn Shared) {
    use VersionState::{Dismissed, Failed, Held, Published, Publishing, Retracted, Staged, Superseded};
    let catalog = shared.open(Stage::default().effects).await;
    let ana = actor("ana");
    for (index, from) in [Publishing, Published, Held, Dismissed, Superseded, Retracted, Failed].into_iter().enumerate()
    {
        let asset = name(&format!("raw.t{index}"));
        let subject = bring_to(&*catalog, &asset, from).await;
        assert_eq!(state(&*catalog, &subject).await, from);
        let lease = match catalog.try_lease(&format!("{asset} again"), "worker").await.unwrap() {
            crate::LeaseAttempt::Taken(lease) => lease,
            held @ crate::LeaseAttempt::Held { .. } => panic!("{held:?}"),
        };
        let before = everything(&*catalog).await;
        let mut refused = vec![("put_staged", catalog.put_staged(ENV, &subject).await)];
        if from != Held {
            refused.push(("hold", catalog.hold(ENV, &subject, &lease, &ana, "why").await));
        }
        if !matches!(from, Held | Published | Publishing) {
            refused.push(("set_audited", catalog.set_audited(ENV, &subject).await));
        }
        if !matches!(from, Held | Dismissed) {
            let dismissed = catalog.abandon(ENV, &asset, subject.number, Dismissed, None, &ana).await;
            refused.push(("dismiss", dismissed));
        }
        if from != Failed {
            refused.push(("fail", catalog.abandon(ENV, &asset, subject.number, Failed, None, &ana).await));
        }
        refused.push(("supersede", catalog.abandon(ENV, &asset, subject.number, Superseded, None, &ana).await));
        refused.push(("stage", catalog.abandon(ENV, &asset, subject.number, Staged, None, &ana).await));
        if !matches!(from, Publishing) {
            let moved = catalog.set_base(ENV, &asset, subject.number, Some(9), &lease).await;
            refused.push(("set_base", moved));
            let withdrawn = catalog.withdraw(ENV, &[(asset.clone(), subject.number)], &lease, &ana).await;
            refused.push(("withdraw", withdrawn));
            let finished = catalog.finish_publishing(ENV, &[(asset.clone(), subject.number, 99)], &ana).await;
            refused.push(("finish_publishing", finished));
        }
        if from != Held {
            let other = crate::PublishIntent { base_delta_version: Some(55), ..intent(&subject) };
            refused.push(("begin_publishing", catalog.begin_publishing(ENV, &[other], &lease, &by("ana")).await));
        }
        for (change, answer) in refused {
            match answer {
                Err(CatalogError::State { is, .. }) => {
                    assert!(is == from || change == "supersede" || change == "stage")
                }
                other => panic!("{change} of a {from} version: {other:?}"),
            }
        }
        assert_eq!(everything(&*catalog).await, before, "from {from}");
    }
}

/// A version of the asset in that state.
async fn bring_to(catalog: &dyn Catalog, asset: &lockgate_types::AssetName, to: VersionState) -> Version {
    let ana = actor("ana");
    match to {
        VersionState::Held => hold_next(catalog, asset).await,
        VersionState::Dismissed => {
            let held = hold_next(catalog, asset).await;
            catalog.abandon(ENV, asset, held.number, to, None, &ana).await.unwrap();
            held
        }
        VersionState::Failed => {
            let staged = stage(catalog, asset).await;
            catalog.abandon(ENV, asset, staged.number, to, None, &ana).await.unwrap();
            staged
        }
        VersionState::Publishing => {
            let staged = stage(catalog, asset).await;
            let lease = lease(catalog, &asset.to_string()).await;
            catalog.begin_publishing(ENV, &[intent(&staged)], &lease, &by("ana")).await.unwrap();
            staged
        }
        VersionState::Published => publish_next(catalog, asset).await,
        VersionState::Superseded => {
            let first = publish_next(catalog, asset).await;
            publish_next(catalog, asset).await;
            first
        }
        VersionState::Retracted => {
            let first = publish_next(catalog, asset).await;
            let second = stage(catalog, asset).await;
            publish(catalog, &second, &crate::Publication { retract: true, ..by("ana") }).await;
            first
        }
        VersionState::Staged | VersionState::Expired => panic!("not asked for"),
    }
}

pub async fn history_is_newest_first(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let first = publish_next(&*catalog, &orders).await;
    let second = failing(stage(&*catalog, &orders).await);
    hold(&*catalog, &second, "why").await;
    let history = catalog.versions(ENV, &orders).await.unwrap();
    assert_eq!(history.iter().map(|version| version.number.0).collect::<Vec<_>>(), [2, 1]);
    let live = &history[1];
    assert_eq!(live.state, VersionState::Published);
    assert_eq!((live.run.as_ref(), &live.actor), (first.run.as_ref(), &first.actor));
    assert_eq!(live.published_by, Some(actor("ana")));
    assert_eq!((live.rows, live.size_bytes), (first.rows, first.size_bytes));
    assert_eq!((live.staged_at, live.as_of), (first.staged_at, first.as_of));
    assert_eq!((live.delta_version, live.base, live.restores), (Some(0), None, None));
    assert_eq!((live.build_ms, live.audit_ms), (first.build_ms, first.audit_ms));
    assert_eq!(live.checks, CheckCounts { passed: 1, known: 1, ..CheckCounts::default() });
    assert_eq!(history[0].checks, CheckCounts { failed: 1, ..CheckCounts::default() });
    assert_eq!(
        (history[0].published_at, history[0].delta_version, history[0].published_by.as_ref()),
        (None, None, None)
    );
    assert_eq!(history[0].base, Some(first.number));
    assert!(catalog.versions(ENV, &name("raw.people")).await.unwrap().is_empty());
}

pub async fn builds_are_remembered_for_estimates(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    publish_next(&*catalog, &orders).await;
    publish_next(&*catalog, &orders).await;
    let failed = stage(&*catalog, &orders).await;
    let ana = actor("ana");
    catalog.abandon(ENV, &orders, failed.number, VersionState::Failed, None, &ana).await.unwrap();
    let number = catalog.reserve_version(ENV, &orders).await.unwrap();
    let restored = Version {
        restores: Some(VersionNumber(1)),
        base: Some(VersionNumber(2)),
        base_delta_version: Some(1),
        ..version(&orders, number)
    };
    catalog.put_staged(ENV, &restored).await.unwrap();
    publish(&*catalog, &restored, &by("ana")).await;
    hold_next(&*catalog, &orders).await;
    let record = |number: u64| BuildRecord { rows: 100 * number, build_ms: 1_000 + number, audit_ms: 10 + number };
    assert_eq!(catalog.build_history(ENV, &orders, 10).await.unwrap(), [record(5), record(2), record(1)]);
    assert_eq!(catalog.build_history(ENV, &orders, 1).await.unwrap(), [record(5)]);
}

pub async fn environments_do_not_see_each_other(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let live = publish_next(&*catalog, &name("raw.orders")).await;
    hold_next(&*catalog, &name("raw.people")).await;
    let dev = "dev";
    assert_eq!(catalog.live_one(dev, &live.asset).await.unwrap(), None);
    assert_eq!(catalog.version(dev, &live.asset, live.number).await.unwrap(), None);
    assert!(catalog.live(dev).await.unwrap().is_empty());
    assert!(catalog.live_heads(dev).await.unwrap().is_empty());
    assert!(catalog.held(dev).await.unwrap().is_empty());
    assert!(catalog.versions(dev, &live.asset).await.unwrap().is_empty());
    assert!(catalog.audit_log(dev, None, 10).await.unwrap().is_empty());
    let number = catalog.reserve_version(dev, &live.asset).await.unwrap();
    catalog.put_staged(dev, &version(&live.asset, number)).await.unwrap();
    assert!(catalog.staged(ENV).await.unwrap().is_empty());
    assert_eq!(catalog.staged(dev).await.unwrap().len(), 1);
}

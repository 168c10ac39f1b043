//! Publication: one switch, never half, never twice.

use chrono::TimeDelta;
use lockgate_types::{Version, VersionNumber, VersionState};

use super::samples::{
    ENV, actor, by, committed, hold_next, intent, lease, name, publish, publish_next, stage, state, version,
};
use super::{Shared, Stage, actions, everything, whole_log};
use crate::{Catalog, CatalogError, Lease, LeaseAttempt, OpenPublication, Publication, PublishIntent};

pub async fn a_publication_switches_what_is_live(shared: &dyn Shared) {
    let stage_of = Stage::default();
    let catalog = shared.open(stage_of.effects.clone()).await;
    let reader = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let first = publish_next(&*catalog, &orders).await;
    stage_of.advance(TimeDelta::seconds(10));
    let second = stage(&*catalog, &orders).await;
    let lease = lease(&*catalog, "raw.orders").await;
    catalog.begin_publishing(ENV, &[intent(&second)], &lease, &by("ben")).await.unwrap();
    assert_eq!(reader.live_one(ENV, &orders).await.unwrap().unwrap().number, first.number, "not yet");
    assert_eq!(reader.publishing(ENV).await.unwrap()[0].number, second.number);
    catalog.finish_publishing(ENV, &[committed(&second)], &actor("ben")).await.unwrap();

    let live = reader.live_one(ENV, &orders).await.unwrap().unwrap();
    let expected = Version {
        state: VersionState::Published,
        delta_version: Some(1),
        published_at: Some(stage_of.now()),
        ..second.clone()
    };
    assert_eq!(live, expected);
    assert_eq!(reader.live(ENV).await.unwrap().into_values().collect::<Vec<_>>(), [live]);
    assert_eq!(state(&*reader, &first).await, VersionState::Superseded);
    assert!(reader.publishing(ENV).await.unwrap().is_empty());
    assert!(reader.unfinished(ENV).await.unwrap().is_empty());
    assert_eq!(
        actions(&*reader, ENV).await,
        ["staged", "publishing", "published", "staged", "publishing", "superseded", "published"]
    );
    let log = whole_log(&*reader, ENV).await;
    let last = log.last().unwrap();
    assert_eq!((&last.actor, last.at, last.version), (&actor("ben"), stage_of.now(), Some(second.number)));
    assert_eq!(last.detail, serde_json::json!({ "delta_version": 1, "replaces": 1 }));
}

pub async fn heads_say_what_documents_say(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    for asset in ["raw.orders", "raw.people", "mart.daily"] {
        publish_next(&*catalog, &name(asset)).await;
    }
    publish_next(&*catalog, &name("mart.daily")).await;
    let heads = catalog.live_heads(ENV).await.unwrap();
    let live = catalog.live(ENV).await.unwrap();
    assert_eq!(heads.keys().collect::<Vec<_>>(), live.keys().collect::<Vec<_>>());
    assert_eq!(heads.len(), 3);
    for (asset, version) in live {
        let head = &heads[&asset];
        assert_eq!((head.number, head.rows, head.restores), (version.number, version.rows, version.restores));
        assert_eq!((&head.fingerprint, &head.checks_fingerprint), (&version.fingerprint, &version.checks_fingerprint));
        assert_eq!((&head.inputs, &head.candidate_key), (&version.inputs, &version.candidate_key));
        assert_eq!(Some(head.published_at), version.published_at);
    }
}

pub async fn a_group_switches_together_or_not_at_all(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let (orders, people) = (name("fin.orders"), name("fin.people"));
    publish_next(&*catalog, &orders).await;
    let members = [stage(&*catalog, &orders).await, stage(&*catalog, &people).await];
    let intents: Vec<PublishIntent> = members.iter().map(intent).collect();
    let lease = lease(&*catalog, "fin").await;

    // One member's base has moved: none begins.
    let wrong = PublishIntent { base: Some(VersionNumber(9)), ..intents[1].clone() };
    let before = everything(&*catalog).await;
    let refused = catalog.begin_publishing(ENV, &[intents[0].clone(), wrong], &lease, &by("ana")).await.unwrap_err();
    assert!(matches!(refused, CatalogError::BaseMoved { .. }), "{refused}");
    assert_eq!(everything(&*catalog).await, before);

    let reason = Publication { why: Some("month end".to_owned()), ..by("ana") };
    catalog.begin_publishing(ENV, &intents, &lease, &reason).await.unwrap();
    let open = catalog.unfinished(ENV).await.unwrap();
    let publishing = catalog.publishing(ENV).await.unwrap();
    assert_eq!(open, [OpenPublication { by: reason, members: publishing.clone() }]);
    assert_eq!(publishing.iter().map(|member| &member.asset).collect::<Vec<_>>(), [&orders, &people]);

    let commits = [committed(&members[0]), committed(&members[1])];
    for part in [&commits[..1], &commits[1..]] {
        let refused = catalog.finish_publishing(ENV, part, &actor("ana")).await.unwrap_err();
        assert!(matches!(refused, CatalogError::Incomplete { .. }), "{refused}");
    }
    assert_eq!(catalog.live(ENV).await.unwrap().len(), 1);
    catalog.finish_publishing(ENV, &commits, &actor("ana")).await.unwrap();
    let live = catalog.live(ENV).await.unwrap();
    assert_eq!((live[&orders].number, live[&people].number), (VersionNumber(2), VersionNumber(1)));
    assert_eq!(live[&orders].published_at, live[&people].published_at, "one instant");
    let at = live[&people].published_at.unwrap();
    let just_before = catalog.live_at(ENV, at - TimeDelta::microseconds(1)).await.unwrap();
    assert_eq!(just_before.into_iter().collect::<Vec<_>>(), [(orders, VersionNumber(1))]);
    assert_eq!(catalog.live_at(ENV, at).await.unwrap().len(), 2);
}

pub async fn a_lost_lease_cannot_publish(shared: &dyn Shared) {
    let stale = shared.open(Stage::default().effects).await;
    let thief = shared.open(Stage::default().effects).await;
    let staged = stage(&*stale, &name("raw.orders")).await;
    let ours = lease(&*stale, "raw.orders").await;
    let LeaseAttempt::Taken(theirs) = thief.steal("raw.orders", "thief", ours.epoch, 0).await.unwrap() else {
        panic!("not stolen")
    };
    let before = everything(&*stale).await;
    let never = Lease { key: "nobody's".to_owned(), ..ours.clone() };
    let forged = Lease { epoch: theirs.epoch, ..ours.clone() };
    for lease in [&ours, &never, &forged] {
        let refused = stale.begin_publishing(ENV, &[intent(&staged)], lease, &by("ana")).await.unwrap_err();
        assert!(matches!(refused, CatalogError::Fenced { .. }), "{refused}");
    }
    assert_eq!(everything(&*stale).await, before);
    thief.begin_publishing(ENV, &[intent(&staged)], &theirs, &by("ben")).await.unwrap();
    let moved = stale.set_base(ENV, &staged.asset, staged.number, Some(4), &ours).await.unwrap_err();
    assert!(matches!(moved, CatalogError::Fenced { epoch: 1, now: 2, .. }), "{moved}");
    let members = [(staged.asset.clone(), staged.number)];
    let withdrawn = stale.withdraw(ENV, &members, &ours, &actor("ana")).await.unwrap_err();
    assert!(matches!(withdrawn, CatalogError::Fenced { .. }), "{withdrawn}");
    thief.release(&theirs).await.unwrap();
    let released = thief.set_base(ENV, &staged.asset, staged.number, Some(4), &theirs).await.unwrap_err();
    assert!(matches!(released, CatalogError::Fenced { .. }), "a lease given back is no lease: {released}");
}

pub async fn a_moved_base_is_not_published(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let early = stage(&*catalog, &orders).await;
    let live = publish_next(&*catalog, &orders).await;
    let lease = lease(&*catalog, "raw.orders").await;
    let refused = catalog.begin_publishing(ENV, &[intent(&early)], &lease, &by("ana")).await.unwrap_err();
    match refused {
        CatalogError::BaseMoved { number, base: None, live: Some(now), .. } => {
            assert_eq!((number, now), (early.number, live.number));
        }
        other => panic!("{other}"),
    }
    assert_eq!(state(&*catalog, &early).await, VersionState::Staged);
    // Judged again against what is live now, it goes.
    let judged = PublishIntent { base: Some(live.number), base_delta_version: Some(0), ..intent(&early) };
    catalog.begin_publishing(ENV, std::slice::from_ref(&judged), &lease, &by("ana")).await.unwrap();
    let publishing = &catalog.publishing(ENV).await.unwrap()[0];
    assert_eq!((publishing.base, publishing.base_delta_version), (judged.base, judged.base_delta_version));
}

pub async fn one_version_at_a_time(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let first = stage(&*catalog, &orders).await;
    let second = stage(&*catalog, &orders).await;
    let lease = lease(&*catalog, "raw.orders").await;
    catalog.begin_publishing(ENV, &[intent(&first)], &lease, &by("ana")).await.unwrap();
    let refused = catalog.begin_publishing(ENV, &[intent(&second)], &lease, &by("ana")).await.unwrap_err();
    match refused {
        CatalogError::Publishing { number, other, .. } => assert_eq!((number, other), (second.number, first.number)),
        other => panic!("{other}"),
    }
    assert_eq!(state(&*catalog, &second).await, VersionState::Staged);
    let missing = PublishIntent { number: VersionNumber(99), ..intent(&second) };
    let refused = catalog.begin_publishing(ENV, &[missing], &lease, &by("ana")).await.unwrap_err();
    assert!(matches!(refused, CatalogError::NotFound(_)), "{refused}");
}

pub async fn begun_again_nothing_changes(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let staged = stage(&*catalog, &name("raw.orders")).await;
    let lease = lease(&*catalog, "raw.orders").await;
    catalog.begin_publishing(ENV, &[intent(&staged)], &lease, &by("ana")).await.unwrap();
    let before = everything(&*catalog).await;
    catalog.begin_publishing(ENV, &[intent(&staged)], &lease, &by("ana")).await.unwrap();
    assert_eq!(everything(&*catalog).await, before);
    let elsewhere = PublishIntent { base_delta_version: Some(3), ..intent(&staged) };
    let refused = catalog.begin_publishing(ENV, &[elsewhere], &lease, &by("ana")).await.unwrap_err();
    assert!(matches!(refused, CatalogError::State { is: VersionState::Publishing, .. }), "{refused}");
    // Somebody finished it before the answer to the first call was heard.
    catalog.finish_publishing(ENV, &[committed(&staged)], &actor("ana")).await.unwrap();
    let before = everything(&*catalog).await;
    catalog.begin_publishing(ENV, &[intent(&staged)], &lease, &by("ana")).await.unwrap();
    assert_eq!(everything(&*catalog).await, before);
}

pub async fn finished_again_nothing_changes(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let helper = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let first = publish_next(&*catalog, &orders).await;
    let before = everything(&*catalog).await;
    helper.finish_publishing(ENV, &[committed(&first)], &actor("helper")).await.unwrap();
    assert_eq!(everything(&*catalog).await, before);
    // Very late, when it has been replaced already.
    publish_next(&*catalog, &orders).await;
    let before = everything(&*catalog).await;
    helper.finish_publishing(ENV, &[committed(&first)], &actor("helper")).await.unwrap();
    assert_eq!(everything(&*catalog).await, before);
    // The same version cannot have been committed twice.
    let (asset, number, _) = committed(&first);
    let refused = helper.finish_publishing(ENV, &[(asset, number, 17)], &actor("helper")).await.unwrap_err();
    assert!(matches!(refused, CatalogError::State { .. }), "{refused}");
}

pub async fn a_helper_needs_neither_lease_nor_reason(shared: &dyn Shared) {
    let dead = shared.open(Stage::default().effects).await;
    let held = hold_next(&*dead, &name("raw.orders")).await;
    let lease = lease(&*dead, "raw.orders").await;
    let by_hand = Publication { actor: actor("ana"), why: Some("agreed with finance".to_owned()), retract: false };
    dead.begin_publishing(ENV, &[intent(&held)], &lease, &by_hand).await.unwrap();
    dead.close().await;

    let helper = shared.open(Stage::default().effects).await;
    let open = helper.unfinished(ENV).await.unwrap();
    assert_eq!(open[0].by, by_hand);
    let commits: Vec<_> = open[0].members.iter().map(committed).collect();
    helper.finish_publishing(ENV, &commits, &actor("ben")).await.unwrap();
    let live = helper.live_one(ENV, &held.asset).await.unwrap().unwrap();
    assert_eq!((live.number, live.why.as_deref()), (held.number, Some("agreed with finance")));
    let log = whole_log(&*helper, ENV).await;
    let last = log.last().unwrap();
    assert_eq!((&last.actor, last.why.as_deref()), (&actor("ana"), Some("agreed with finance")));
    assert_eq!(last.detail["finished_by"], "ben");
}

pub async fn a_foreign_commit_moves_the_base(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let staged = stage(&*catalog, &name("raw.orders")).await;
    let lease = lease(&*catalog, "raw.orders").await;
    catalog.begin_publishing(ENV, &[intent(&staged)], &lease, &by("ana")).await.unwrap();
    for _ in 0..2 {
        catalog.set_base(ENV, &staged.asset, staged.number, Some(5), &lease).await.unwrap();
    }
    assert_eq!(catalog.publishing(ENV).await.unwrap()[0].base_delta_version, Some(5));
    assert_eq!(actions(&*catalog, ENV).await, ["staged", "publishing", "rebased"], "once, though asked twice");
    catalog.finish_publishing(ENV, &[(staged.asset.clone(), staged.number, 6)], &actor("ana")).await.unwrap();
    assert_eq!(catalog.live_one(ENV, &staged.asset).await.unwrap().unwrap().delta_version, Some(6));
}

pub async fn a_withdrawn_publication_is_staged_again(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let staged = stage(&*catalog, &name("raw.orders")).await;
    let lease = lease(&*catalog, "raw.orders").await;
    catalog.begin_publishing(ENV, &[intent(&staged)], &lease, &by("ana")).await.unwrap();
    let members = [(staged.asset.clone(), staged.number)];
    for _ in 0..2 {
        catalog.withdraw(ENV, &members, &lease, &actor("ana")).await.unwrap();
    }
    assert_eq!(actions(&*catalog, ENV).await, ["staged", "publishing", "withdrawn"]);
    let refused = catalog.finish_publishing(ENV, &[committed(&staged)], &actor("ana")).await.unwrap_err();
    assert!(matches!(refused, CatalogError::State { is: VersionState::Staged, .. }), "{refused}");
    super::samples::hold(&*catalog, &super::samples::failing(staged.clone()), "why").await;
    assert_eq!(state(&*catalog, &staged).await, VersionState::Held);
}

pub async fn a_rollback_retracts(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let first = publish_next(&*catalog, &orders).await;
    let second = publish_next(&*catalog, &orders).await;
    let number = catalog.reserve_version(ENV, &orders).await.unwrap();
    let restoring = Version {
        restores: Some(first.number),
        base: Some(second.number),
        base_delta_version: Some(1),
        run: None,
        ..version(&orders, number)
    };
    catalog.put_staged(ENV, &restoring).await.unwrap();
    let back = Publication { actor: actor("ben"), why: Some("doubled rows".to_owned()), retract: true };
    publish(&*catalog, &restoring, &back).await;
    assert_eq!(state(&*catalog, &first).await, VersionState::Superseded);
    assert_eq!(state(&*catalog, &second).await, VersionState::Retracted);
    let head = &catalog.live_heads(ENV).await.unwrap()[&orders];
    assert_eq!((head.number, head.restores), (number, Some(first.number)));
    let log = whole_log(&*catalog, ENV).await;
    let retracted = log.iter().find(|entry| entry.action == "retracted").unwrap();
    assert_eq!((retracted.version, &retracted.actor), (Some(second.number), &actor("ben")));
    assert_eq!(catalog.versions(ENV, &orders).await.unwrap()[0].why.as_deref(), Some("doubled rows"));
}

pub async fn what_is_published_replaces_what_is_held(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    publish_next(&*catalog, &orders).await;
    let held = hold_next(&*catalog, &orders).await;
    let other = hold_next(&*catalog, &name("raw.people")).await;
    let next = publish_next(&*catalog, &orders).await;
    let dismissed = catalog.version(ENV, &orders, held.number).await.unwrap().unwrap();
    assert_eq!(dismissed.state, VersionState::Dismissed);
    assert_eq!(dismissed.why, Some(format!("replaced by {}", next.number)));
    let still = catalog.held(ENV).await.unwrap();
    assert_eq!(still.iter().map(|held| &held.asset).collect::<Vec<_>>(), [&other.asset]);
}

pub async fn a_held_version_is_published_by_hand(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    publish_next(&*catalog, &orders).await;
    let held = hold_next(&*catalog, &orders).await;
    let by_hand = Publication { actor: actor("ana"), why: Some("a public holiday".to_owned()), retract: false };
    publish(&*catalog, &held, &by_hand).await;
    let live = catalog.live_one(ENV, &orders).await.unwrap().unwrap();
    assert_eq!((live.number, live.state, live.why), (held.number, VersionState::Published, by_hand.why));
    assert_eq!(live.checks, held.checks, "what failed stays on record");
    assert!(catalog.held(ENV).await.unwrap().is_empty());
}

pub async fn what_was_live_at_an_instant(shared: &dyn Shared) {
    let stage_of = Stage::default();
    let catalog = shared.open(stage_of.effects.clone()).await;
    let (orders, people) = (name("raw.orders"), name("raw.people"));
    let start = stage_of.now();
    for asset in [&orders, &people, &orders] {
        stage_of.advance(TimeDelta::hours(1));
        publish_next(&*catalog, asset).await;
    }
    hold_next(&*catalog, &orders).await;
    let at = async |hours: i64, minutes: i64| {
        let at = start + TimeDelta::hours(hours) + TimeDelta::minutes(minutes);
        catalog.live_at(ENV, at).await.unwrap().into_iter().map(|(asset, number)| (asset, number.0)).collect::<Vec<_>>()
    };
    assert_eq!(at(0, 59).await, []);
    assert_eq!(at(1, 0).await, [(orders.clone(), 1)]);
    assert_eq!(at(2, 30).await, [(orders.clone(), 1), (people.clone(), 1)]);
    assert_eq!(at(3, 0).await, [(orders.clone(), 2), (people.clone(), 1)]);
    assert_eq!(at(9_000, 0).await, [(orders, 2), (people, 1)]);
}

pub async fn the_clock_falls_and_the_order_holds(shared: &dyn Shared) {
    let stage_of = Stage::default();
    let catalog = shared.open(stage_of.effects.clone()).await;
    let (orders, people) = (name("raw.orders"), name("raw.people"));
    publish_next(&*catalog, &orders).await;
    let first_at = catalog.live_heads(ENV).await.unwrap()[&orders].published_at;
    stage_of.advance(TimeDelta::days(-1));
    publish_next(&*catalog, &people).await;
    publish_next(&*catalog, &orders).await;
    let heads = catalog.live_heads(ENV).await.unwrap();
    assert_eq!(heads[&orders].published_at, first_at + TimeDelta::microseconds(1));
    assert_eq!(heads[&people].published_at, stage_of.now(), "an asset's own order is enough");
    assert_eq!(catalog.live_at(ENV, first_at).await.unwrap()[&orders], VersionNumber(1));
    assert_eq!(catalog.live_at(ENV, heads[&orders].published_at).await.unwrap()[&orders], VersionNumber(2));
}

/// Workers that respect leases and workers that help, all at once: what was live forms one chain.
pub async fn racing_writers_make_one_history(shared: &dyn Shared) {
    const WORKERS: usize = 4;
    const EACH: usize = 6;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let catalog = shared.open(Stage::default().effects).await;
        tasks.spawn(async move {
            for _ in 0..EACH {
                publish_under_lease(&*catalog, &format!("worker {worker}")).await;
            }
        });
    }
    tasks.join_all().await;
    let catalog = shared.open(Stage::default().effects).await;
    let mut history = catalog.versions(ENV, &name("raw.orders")).await.unwrap();
    history.reverse();
    let published: Vec<_> = history.iter().filter(|version| version.published_at.is_some()).collect();
    assert_eq!(published.len(), WORKERS * EACH);
    for pair in published.windows(2) {
        assert_eq!(pair[1].base, Some(pair[0].number), "each stands on the one before");
        assert_eq!(pair[1].delta_version, pair[0].delta_version.map(|before| before + 1));
        assert!(pair[1].published_at > pair[0].published_at);
    }
    assert!(history.iter().all(|version| version.published_at.is_some()));
}

async fn publish_under_lease(catalog: &dyn Catalog, worker: &str) {
    let lease = loop {
        match catalog.try_lease("raw.orders", worker).await.unwrap() {
            LeaseAttempt::Taken(lease) => break lease,
            LeaseAttempt::Held { .. } => {
                // A helper may come at any time.
                for open in catalog.unfinished(ENV).await.unwrap() {
                    let commits: Vec<_> = open.members.iter().map(committed).collect();
                    catalog.finish_publishing(ENV, &commits, &actor(worker)).await.unwrap();
                }
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
    };
    let staged = stage(catalog, &name("raw.orders")).await;
    catalog.begin_publishing(ENV, &[intent(&staged)], &lease, &by(worker)).await.unwrap();
    tokio::task::yield_now().await;
    catalog.finish_publishing(ENV, &[committed(&staged)], &actor(worker)).await.unwrap();
    catalog.release(&lease).await.unwrap();
}

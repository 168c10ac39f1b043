//! What expires, and what a lost catalog gets back.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use lockgate_types::{RunState, Version, VersionNumber, VersionState};

use super::samples::{
    ENV, actor, by, hold_next, intent, lease, name, noon, publish, publish_next, run, stage, state, task, version,
};
use super::{Shared, Stage, actions, everything, whole_log};
use crate::{Catalog, CatalogError, HeldLease, RetentionFacts};

/// One asset with a version in every state that may expire, and in most that may not.
async fn many(catalog: &dyn Catalog) -> BTreeMap<&'static str, Version> {
    let orders = name("raw.orders");
    let superseded = publish_next(catalog, &orders).await;
    let retracted = publish_next(catalog, &orders).await;
    let back = stage(catalog, &orders).await;
    publish(catalog, &back, &crate::Publication { retract: true, ..by("ana") }).await;
    let dismissed = hold_next(catalog, &orders).await;
    let held = hold_next(catalog, &orders).await;
    let failed = stage(catalog, &orders).await;
    catalog.abandon(ENV, &orders, failed.number, VersionState::Failed, None, &actor("ana")).await.unwrap();
    let staged = stage(catalog, &orders).await;
    let all = [
        ("superseded", superseded),
        ("retracted", retracted),
        ("published", back),
        ("dismissed", dismissed),
        ("held", held),
        ("failed", failed),
        ("staged", staged),
    ];
    for (word, version) in &all {
        assert_eq!(state(catalog, version).await.as_str(), *word);
    }
    all.into_iter().collect()
}

fn pair(version: &Version) -> (lockgate_types::AssetName, VersionNumber) {
    (version.asset.clone(), version.number)
}

async fn facts(catalog: &dyn Catalog, version: &Version) -> RetentionFacts {
    let all = catalog.retention(ENV, &version.asset).await.unwrap();
    all.into_iter().find(|facts| facts.number == version.number).unwrap()
}

pub async fn what_expires_gets_an_epoch_of_its_own(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let many = many(&*catalog).await;
    assert_eq!(catalog.epoch().await.unwrap(), 0);
    let both = [pair(&many["superseded"]), pair(&many["retracted"])];
    assert_eq!(catalog.expire(ENV, &both, &actor("ben"), "too old").await.unwrap(), 1);
    assert_eq!(catalog.expire(ENV, &[pair(&many["dismissed"])], &actor("ben"), "too old").await.unwrap(), 2);
    assert_eq!(catalog.epoch().await.unwrap(), 2);
    for (word, epoch) in [("superseded", 1), ("retracted", 1), ("dismissed", 2)] {
        let facts = facts(&*catalog, &many[word]).await;
        assert_eq!((facts.state, facts.expired_epoch), (VersionState::Expired, Some(epoch)), "{word}");
        let document = catalog.version(ENV, &many[word].asset, many[word].number).await.unwrap().unwrap();
        assert_eq!((document.state, document.checks), (VersionState::Expired, many[word].checks.clone()), "{word}");
    }
    let log = whole_log(&*catalog, ENV).await;
    let last = log.last().unwrap();
    assert_eq!((last.action.as_str(), &last.actor, last.why.as_deref()), ("expired", &actor("ben"), Some("too old")));
    assert_eq!((&last.detail["from"], &last.detail["epoch"]), (&"dismissed".into(), &2.into()));
    catalog.close().await;
    let again = shared.open(Stage::default().effects).await;
    assert_eq!(again.epoch().await.unwrap(), 2, "it never falls");
}

pub async fn expiring_again_changes_nothing(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let many = many(&*catalog).await;
    let gone = [pair(&many["superseded"])];
    catalog.expire(ENV, &gone, &actor("ben"), "too old").await.unwrap();
    let before = everything(&*catalog).await;
    assert_eq!(catalog.expire(ENV, &gone, &actor("ana"), "again").await.unwrap(), 1);
    assert_eq!(catalog.expire(ENV, &[], &actor("ana"), "nothing").await.unwrap(), 1);
    assert_eq!(everything(&*catalog).await, before);
    let more = [gone[0].clone(), pair(&many["retracted"])];
    assert_eq!(catalog.expire(ENV, &more, &actor("ana"), "one more").await.unwrap(), 2);
    assert_eq!(facts(&*catalog, &many["superseded"]).await.expired_epoch, Some(1), "it keeps its epoch");
    assert_eq!(facts(&*catalog, &many["retracted"]).await.expired_epoch, Some(2));
}

pub async fn what_is_needed_does_not_expire(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let many = many(&*catalog).await;
    let before = everything(&*catalog).await;
    for word in ["published", "held", "failed", "staged"] {
        // All or none: the one that may go stays too.
        let versions = [pair(&many["superseded"]), pair(&many[word])];
        let refused = catalog.expire(ENV, &versions, &actor("ben"), "too old").await.unwrap_err();
        assert!(matches!(refused, CatalogError::State { .. }), "{word}: {refused}");
    }
    let unknown = [(name("raw.orders"), VersionNumber(99))];
    let refused = catalog.expire(ENV, &unknown, &actor("ben"), "too old").await.unwrap_err();
    assert!(matches!(refused, CatalogError::NotFound(_)), "{refused}");
    assert_eq!(everything(&*catalog).await, before);
    assert_eq!(catalog.epoch().await.unwrap(), 0);
}

pub async fn an_end_has_its_time(shared: &dyn Shared) {
    let stage = Stage::default();
    let catalog = shared.open(stage.effects.clone()).await;
    let orders = name("raw.orders");
    let first = publish_next(&*catalog, &orders).await;
    let held = hold_next(&*catalog, &orders).await;
    assert_eq!(facts(&*catalog, &first).await.ended_at, None, "it is live");
    assert_eq!(facts(&*catalog, &held).await.ended_at, None);
    stage.advance(TimeDelta::hours(1));
    let second = publish_next(&*catalog, &orders).await;
    let later = noon() + TimeDelta::hours(1);
    assert_eq!(facts(&*catalog, &first).await.ended_at, Some(later));
    assert_eq!(facts(&*catalog, &held).await.ended_at, Some(later), "replaced by the one that was published");
    let summary = facts(&*catalog, &second).await;
    assert_eq!((summary.state, summary.ended_at, summary.base), (VersionState::Published, None, Some(first.number)));
    assert_eq!((summary.rows, summary.inputs, summary.run), (second.rows, second.inputs, second.run));
    let numbers: Vec<u64> = catalog.retention(ENV, &orders).await.unwrap().iter().map(|facts| facts.number.0).collect();
    assert_eq!(numbers, [3, 2, 1], "newest first");
    assert!(catalog.retention("dev", &orders).await.unwrap().is_empty());
}

pub async fn the_last_number_of_every_asset_is_known(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    publish_next(&*catalog, &name("raw.orders")).await;
    catalog.reserve_version(ENV, &name("raw.orders")).await.unwrap();
    publish_next(&*catalog, &name("raw.people")).await;
    catalog.reserve_version("dev", &name("raw.other")).await.unwrap();
    let last = catalog.last_numbers(ENV).await.unwrap();
    let expected = BTreeMap::from([(name("raw.orders"), VersionNumber(2)), (name("raw.people"), VersionNumber(1))]);
    assert_eq!(last, expected);
}

pub async fn a_lost_catalog_gets_its_versions_back(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    let orders = name("raw.orders");
    let published = Version {
        state: VersionState::Published,
        published_at: Some(noon()),
        delta_version: Some(4),
        base_delta_version: Some(3),
        ..version(&orders, VersionNumber(6))
    };
    let all = vec![
        Version {
            state: VersionState::Superseded,
            published_at: Some(noon() - TimeDelta::hours(1)),
            delta_version: Some(3),
            ..version(&orders, VersionNumber(2))
        },
        Version { state: VersionState::Failed, ..version(&orders, VersionNumber(3)) },
        Version { state: VersionState::Dismissed, ..version(&orders, VersionNumber(4)) },
        published.clone(),
        Version { state: VersionState::Held, base: Some(VersionNumber(6)), ..version(&orders, VersionNumber(7)) },
    ];
    let last = VersionNumber(9);
    catalog.restore(ENV, &orders, last, &all, &actor("ana"), "lost").await.unwrap();
    for version in &all {
        assert_eq!(catalog.version(ENV, &orders, version.number).await.unwrap().as_ref(), Some(version));
    }
    assert_eq!(catalog.live_one(ENV, &orders).await.unwrap(), Some(published.clone()));
    assert_eq!(catalog.live_heads(ENV).await.unwrap()[&orders].number, VersionNumber(6));
    assert_eq!(catalog.held(ENV).await.unwrap()[0].number, VersionNumber(7));
    assert_eq!(catalog.live_at(ENV, noon() - TimeDelta::minutes(1)).await.unwrap()[&orders], VersionNumber(2));
    assert_eq!(catalog.system_table("checks").await.unwrap().unwrap().rows.len(), 2 * all.len());
    assert_eq!(actions(&*catalog, ENV).await, ["restored"; 5]);

    let before = everything(&*catalog).await;
    catalog.restore(ENV, &orders, last, &all, &actor("ana"), "again").await.unwrap();
    assert_eq!(everything(&*catalog).await, before, "again changes nothing");
    assert_eq!(catalog.reserve_version(ENV, &orders).await.unwrap(), VersionNumber(10), "counting goes on");

    let other = [Version { state: VersionState::Failed, ..published }];
    let refused = catalog.restore(ENV, &orders, last, &other, &actor("ana"), "otherwise").await.unwrap_err();
    assert!(matches!(refused, CatalogError::State { .. }), "{refused}");
    let beyond = [version(&orders, VersionNumber(50))];
    let refused = catalog.restore(ENV, &orders, last, &beyond, &actor("ana"), "beyond").await.unwrap_err();
    assert!(matches!(refused, CatalogError::NotFound(_)), "{refused}");
    assert_eq!(publish_next(&*catalog, &orders).await.number, VersionNumber(11), "and it goes on as any other");
}

pub async fn a_whole_catalog_says_so(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    many(&*catalog).await;
    let integrity = catalog.integrity().await.unwrap();
    assert!(integrity.problems.is_empty(), "{integrity:?}");
    assert!(integrity.format >= 1 && integrity.format == integrity.known_format);
}

pub async fn what_goes_on_is_listed(shared: &dyn Shared) {
    let catalog = shared.open(Stage::default().effects).await;
    for id in ["0run1", "0run2"] {
        let run = run(id);
        catalog.create_run(&run, &[task(&run, "raw.orders")]).await.unwrap();
    }
    catalog.end_run(&run("0run1").id, RunState::Done, noon()).await.unwrap();
    let running: Vec<String> = catalog.running(ENV).await.unwrap().into_iter().map(|run| run.id.0).collect();
    assert_eq!(running, ["0run2"]);
    assert!(catalog.running("dev").await.unwrap().is_empty());

    let one = lease(&*catalog, "one").await;
    let two = lease(&*catalog, "two").await;
    catalog.release(&one).await.unwrap();
    catalog.beat(&two).await.unwrap();
    let held = HeldLease { key: "two".to_owned(), holder: two.holder.clone(), epoch: two.epoch, beat: 1 };
    assert_eq!(catalog.leases().await.unwrap(), [held]);

    let open = stage(&*catalog, &name("raw.orders")).await;
    let by_lease = lease(&*catalog, "orders").await;
    catalog.begin_publishing(ENV, &[intent(&open)], &by_lease, &by("ana")).await.unwrap();
    let refused = catalog.expire(ENV, &[pair(&open)], &actor("ben"), "too old").await.unwrap_err();
    assert!(matches!(refused, CatalogError::State { is: VersionState::Publishing, .. }), "{refused}");
}

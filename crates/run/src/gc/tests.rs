#![allow(clippy::unwrap_used)] // Tests may.

use super::*;

fn day(on: u32) -> DateTime<Utc> {
    format!("2026-03-{on:02}T00:00:00Z").parse().unwrap()
}

/// A version that ended on day `number + 1` of March.
fn version(number: u64, state: VersionState) -> RetentionFacts {
    let at = day(u32::try_from(number).unwrap());
    let ended = TimeDelta::try_days(1).unwrap();
    let was_published = !matches!(state, VersionState::Held | VersionState::Dismissed | VersionState::Failed);
    RetentionFacts {
        number: VersionNumber(number),
        state,
        run: None,
        base: None,
        restores: None,
        inputs: BTreeMap::new(),
        rows: 1,
        size_bytes: 1,
        staged_at: at,
        published_at: was_published.then_some(at),
        ended_at: may_end(state).then_some(at + ended),
        expired_epoch: None,
    }
}

fn keep(versions: Option<u64>, days: Option<u64>) -> Keep {
    Keep { versions, days }
}

/// `5 3* 1`: the numbers outside `keep`, newest first; a star on those that are spared.
fn outside(keep: Keep, versions: &[RetentionFacts], pins: &[(u64, &str)]) -> String {
    let pins = pins.iter().map(|(number, run)| (VersionNumber(*number), RunId((*run).to_owned()))).collect();
    let situation = Situation { keep, now: day(11), versions, pins: &pins };
    let shown = |(version, spared): (&RetentionFacts, Option<SpareReason>)| {
        format!("{}{}", version.number, if spared.is_some() { "*" } else { "" })
    };
    situation.outside_keep().into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// Ten versions, the newest live: 1 ended on day 2, 9 on day 10.
fn ten() -> Vec<RetentionFacts> {
    let state = |number| if number == 10 { VersionState::Published } else { VersionState::Superseded };
    (1..=10).rev().map(|number| version(number, state(number))).collect()
}

#[test]
fn without_a_limit_everything_is_kept() {
    assert_eq!(outside(Keep::default(), &ten(), &[]), "");
}

#[test]
fn only_the_limits_that_are_given_count() {
    assert_eq!(outside(keep(Some(7), None), &ten(), &[]), "3 2 1", "10 to 4 are the newest seven");
    assert_eq!(outside(keep(None, Some(5)), &ten(), &[]), "5 4 3 2 1", "5 ended on day 6, five days before day 11");
    assert_eq!(outside(keep(Some(7), Some(5)), &ten(), &[]), "3 2 1", "both have to say so");
    assert_eq!(outside(keep(Some(2), Some(5)), &ten(), &[]), "5 4 3 2 1");
    assert_eq!(outside(keep(Some(0), None), &ten(), &[]), "9 8 7 6 5 4 3 2 1", "what is live is never among them");
}

#[test]
fn what_never_was_published_is_as_old_as_what_was_published_around_it() {
    let mut versions = ten();
    versions.insert(7, version(4, VersionState::Dismissed));
    versions.retain(|v| v.number.0 != 4 || v.state == VersionState::Dismissed);
    assert_eq!(outside(keep(Some(6), None), &versions, &[]), "4 3 2 1", "six newer ones were published");
    assert_eq!(outside(keep(Some(7), None), &versions, &[]), "2 1");
    versions.retain(|v| v.number.0 != 3);
    versions.push(version(3, VersionState::Failed));
    assert_eq!(outside(keep(Some(6), None), &versions, &[]), "4 2 1", "a failed one has nothing to expire");
}

#[test]
fn each_of_these_is_spared() {
    let zero = keep(Some(0), None);
    let spared = |change: &dyn Fn(&mut Vec<RetentionFacts>), pins: &[(u64, &str)]| {
        let mut versions: Vec<RetentionFacts> = ten().into_iter().filter(|v| v.number.0 >= 8).collect();
        change(&mut versions);
        outside(zero, &versions, pins)
    };
    assert_eq!(spared(&|_| {}, &[]), "9 8");
    assert_eq!(spared(&|_| {}, &[(8, "0run")]), "9 8*", "a run reads it");
    let with = |state: VersionState| {
        move |versions: &mut Vec<RetentionFacts>| {
            versions.insert(0, RetentionFacts { base: Some(VersionNumber(9)), ..version(11, state) });
        }
    };
    assert_eq!(spared(&with(VersionState::Held), &[]), "9* 8", "the base of a held one");
    assert_eq!(spared(&with(VersionState::Staged), &[]), "9* 8", "the base of one on its way");
    assert_eq!(spared(&with(VersionState::Publishing), &[]), "9* 8");
    assert_eq!(spared(&with(VersionState::Failed), &[]), "9 8", "a failed one needs no base");
    let restores = |versions: &mut Vec<RetentionFacts>| versions[0].restores = Some(VersionNumber(8));
    assert_eq!(spared(&restores, &[]), "9 8*", "the live one restores it");
    assert_eq!(spared(&with(VersionState::Dismissed), &[]), "11* 9 8", "or the candidate would be built again");
    let older = |versions: &mut Vec<RetentionFacts>| versions[1].state = VersionState::Dismissed;
    assert_eq!(spared(&older, &[]), "9 8", "something was published since");
}

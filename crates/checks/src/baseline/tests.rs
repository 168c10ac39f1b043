// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used)]

use lockgate_types::check::share_of;
use lockgate_types::{CheckState, Samples, Severity, Threshold};

use super::*;

fn asset() -> AssetName {
    AssetName::new("mart", "orders").unwrap()
}

fn on(month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2014, month, 1).unwrap()
}

fn outcome(name: &str, kind: &str, failing: u64, total: u64, state: CheckState) -> CheckOutcome {
    CheckOutcome {
        name: name.to_owned(),
        kind: kind.to_owned(),
        section: None,
        severity: Severity::Error,
        state,
        failing,
        total,
        share: share_of(failing, total),
        error: Threshold::Rows(0),
        warn: None,
        message: format!("{failing} of {total} rows have no customer"),
        before: None,
        samples: Samples::default(),
        excuse: None,
        rejected: false,
        statement: None,
    }
}

fn known(check: &str, count: u64, share: f64) -> KnownFailure {
    KnownFailure {
        asset: asset(),
        check: check.to_owned(),
        count,
        share,
        tolerance: 0.01,
        owner: Some("ana".to_owned()),
        review_on: on(2),
        reason: "from before".to_owned(),
        statement: None,
    }
}

#[test]
fn failures_become_known() {
    let outcomes = [
        outcome("a", "not_null", 10, 1000, CheckState::Failed),
        outcome("b", "not_null", 0, 1000, CheckState::Passed),
        outcome("few", "rows", 1, 1, CheckState::Failed),
        outcome("sums", "parity", 1, 1, CheckState::Failed),
        outcome("sums_by_day", "parity", 1, 9, CheckState::Warned),
        outcome("late", "fresh", 1, 1, CheckState::Failed),
        outcome("jump", "change", 1, 1, CheckState::Failed),
    ];
    let found = baseline(&outcomes, &asset(), Some("grid-team"), on(3), &[]);
    let names: Vec<&str> = found.iter().map(|known| known.check.as_str()).collect();
    assert_eq!(names, ["a", "sums_by_day"]);
    assert_eq!(
        found[0],
        KnownFailure {
            asset: asset(),
            check: "a".to_owned(),
            count: 10,
            share: 0.01,
            tolerance: 0.0,
            owner: Some("grid-team".to_owned()),
            review_on: on(3),
            reason: "10 of 1000 rows have no customer".to_owned(),
            statement: None,
        }
    );
}

#[test]
fn what_people_wrote_stays() {
    let outcomes = [
        outcome("same", "not_null", 10, 1000, CheckState::Known),
        outcome("better", "not_null", 5, 1000, CheckState::Known),
        outcome("worse", "not_null", 50, 1000, CheckState::Failed),
        outcome("gone", "not_null", 0, 1000, CheckState::Passed),
        CheckOutcome {
            message: "it could not be evaluated: overflow".to_owned(),
            ..outcome("broken", "expect", 0, 0, CheckState::Errored)
        },
        CheckOutcome {
            message: "it could not be evaluated: overflow".to_owned(),
            ..outcome("broken_and_new", "expect", 0, 0, CheckState::Errored)
        },
    ];
    let existing = ["same", "better", "worse", "gone", "broken", "no_such_check"].map(|name| known(name, 10, 0.01));
    let found = baseline(&outcomes, &asset(), Some("grid-team"), on(3), &existing);
    assert_eq!(
        found,
        [
            known("same", 10, 0.01),
            known("better", 5, 0.005),
            KnownFailure { review_on: on(3), ..known("worse", 50, 0.05) },
            known("broken", 10, 0.01),
        ]
    );
}

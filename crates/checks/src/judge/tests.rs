// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used)]

use chrono::{NaiveDate, TimeZone};
use lockgate_types::{Actor, Samples};

use super::*;

const NAME: &str = "not_null_customer";

fn asset() -> AssetName {
    AssetName::new("mart", "orders").unwrap()
}

fn at(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2014, 1, day, 0, 0, 0).unwrap()
}

/// Ten rows of a thousand, and a tenth of a per cent more.
fn known() -> KnownFailure {
    KnownFailure {
        asset: asset(),
        check: NAME.to_owned(),
        count: 10,
        share: 0.01,
        tolerance: 0.001,
        owner: Some("grid-team".to_owned()),
        review_on: NaiveDate::from_ymd_opt(2014, 3, 1).unwrap(),
        reason: "the old shop had none".to_owned(),
        statement: None,
    }
}

fn suppression(until: u32, limit: Option<&str>) -> Suppression {
    Suppression {
        asset: asset(),
        check: NAME.to_owned(),
        actor: Actor("ana".to_owned()),
        why: "the supplier is at it".to_owned(),
        made_at: at(1),
        until: at(until),
        limit: limit.map(|limit| Threshold::parse(limit).unwrap()),
    }
}

struct Case {
    what: &'static str,
    severity: Severity,
    error: &'static str,
    warn: Option<&'static str>,
    counts: Option<(u64, u64)>,
    known: Vec<KnownFailure>,
    suppressions: Vec<Suppression>,
    gate: GateMode,
    state: CheckState,
    excuse: &'static str,
}

impl Default for Case {
    fn default() -> Self {
        Case {
            what: "",
            severity: Severity::Error,
            error: "> 0",
            warn: None,
            counts: Some((10, 1000)),
            known: Vec::new(),
            suppressions: Vec::new(),
            gate: GateMode::Block,
            state: CheckState::Failed,
            excuse: "",
        }
    }
}

#[allow(clippy::too_many_lines)] // A table.
fn cases() -> Vec<Case> {
    use CheckState::{Errored, Failed, Known, Passed, Suppressed, Warned};
    let ours = Case::default;
    let other_asset = KnownFailure { asset: AssetName::new("mart", "others").unwrap(), ..known() };
    let other_check = KnownFailure { check: "not_null_amount".to_owned(), ..known() };
    vec![
        Case { what: "nothing fails", counts: Some((0, 1000)), state: Passed, ..ours() },
        Case { what: "nothing of nothing", counts: Some((0, 0)), state: Passed, ..ours() },
        Case { what: "something of nothing is all", error: "> 99%", counts: Some((1, 0)), ..ours() },
        Case { what: "a row fails", ..ours() },
        Case { what: "rows within the threshold", error: "> 10", state: Passed, ..ours() },
        Case { what: "rows over the threshold", error: "> 9", ..ours() },
        Case { what: "a share within the threshold", error: "> 1%", state: Passed, ..ours() },
        Case { what: "a share over the threshold", error: "> 0.99%", ..ours() },
        Case { what: "over warn only", error: "> 5%", warn: Some("> 0"), state: Warned, ..ours() },
        Case { what: "within warn", error: "> 5%", warn: Some("> 10"), state: Passed, ..ours() },
        Case { what: "severity warn", severity: Severity::Warn, state: Warned, ..ours() },
        Case { what: "the gate reports", gate: GateMode::Report, state: Warned, ..ours() },
        Case {
            what: "known",
            known: vec![known()],
            state: Known,
            excuse: "known failure: 10 (1 %) on record, 0.1 % more allowed; review on 1 Mar 2014, owner grid-team: the old shop had none",
            ..ours()
        },
        Case {
            what: "known, and within its tolerance",
            counts: Some((11, 1000)),
            known: vec![known()],
            state: Known,
            excuse: "known failure: 10 (1 %) on record, 0.1 % more allowed; review on 1 Mar 2014, owner grid-team: the old shop had none",
            ..ours()
        },
        Case {
            what: "known, but worse",
            counts: Some((12, 1000)),
            known: vec![known()],
            excuse: "worse than the known failure: 10 (1 %) on record, 0.1 % more allowed",
            ..ours()
        },
        Case {
            what: "known, more rows but no greater share",
            counts: Some((20, 2000)),
            known: vec![known()],
            state: Known,
            excuse: "known failure: 10 (1 %) on record, 0.1 % more allowed; review on 1 Mar 2014, owner grid-team: the old shop had none",
            ..ours()
        },
        Case { what: "known elsewhere", known: vec![other_asset, other_check], ..ours() },
        Case { what: "known, and gone", counts: Some((0, 1000)), known: vec![known()], state: Passed, ..ours() },
        Case {
            what: "known, and only a warning anyway",
            severity: Severity::Warn,
            known: vec![known()],
            state: Known,
            excuse: "known failure: 10 (1 %) on record, 0.1 % more allowed; review on 1 Mar 2014, owner grid-team: the old shop had none",
            ..ours()
        },
        Case {
            what: "suppressed",
            suppressions: vec![suppression(3, None)],
            state: Suppressed,
            excuse: "suppressed by ana until 3 Jan 2014 00:00 UTC: the supplier is at it",
            ..ours()
        },
        Case {
            what: "suppressed within a limit",
            suppressions: vec![suppression(3, Some("> 1%"))],
            state: Suppressed,
            excuse: "suppressed by ana until 3 Jan 2014 00:00 UTC unless > 1%: the supplier is at it",
            ..ours()
        },
        Case {
            what: "suppressed, but over the limit",
            counts: Some((11, 1000)),
            suppressions: vec![suppression(3, Some("> 1%"))],
            excuse: "more than the suppression by ana allows (> 1%)",
            ..ours()
        },
        Case {
            what: "a suppression ends at its instant",
            suppressions: vec![suppression(2, None)],
            excuse: "the suppression by ana ended on 2 Jan 2014 00:00 UTC",
            ..ours()
        },
        Case {
            what: "one of several reaches",
            suppressions: vec![suppression(3, Some("> 1")), suppression(4, None), suppression(2, None)],
            state: Suppressed,
            excuse: "suppressed by ana until 4 Jan 2014 00:00 UTC: the supplier is at it",
            ..ours()
        },
        Case {
            what: "known, worse, and suppressed",
            counts: Some((12, 1000)),
            known: vec![known()],
            suppressions: vec![suppression(3, None)],
            state: Suppressed,
            excuse: "suppressed by ana until 3 Jan 2014 00:00 UTC: the supplier is at it",
            ..ours()
        },
        Case { what: "not evaluated", counts: None, state: Errored, ..ours() },
        Case {
            what: "not evaluated, known does not help",
            counts: None,
            known: vec![known()],
            state: Errored,
            ..ours()
        },
        Case { what: "not evaluated, severity warn", counts: None, severity: Severity::Warn, state: Warned, ..ours() },
        Case { what: "not evaluated, the gate reports", counts: None, gate: GateMode::Report, state: Warned, ..ours() },
        Case {
            what: "not evaluated, suppressed",
            counts: None,
            suppressions: vec![suppression(3, None)],
            state: Suppressed,
            excuse: "suppressed by ana until 3 Jan 2014 00:00 UTC: the supplier is at it",
            ..ours()
        },
        Case {
            what: "not evaluated, and a limit cannot be kept",
            counts: None,
            suppressions: vec![suppression(3, Some("> 5%"))],
            state: Errored,
            excuse: "more than the suppression by ana allows (> 5%)",
            ..ours()
        },
        Case {
            what: "rejecting lets everything pass",
            error: "> 100%",
            counts: Some((1000, 1000)),
            state: Passed,
            ..ours()
        },
        Case {
            what: "a warning is told of a known failure only when it is worse",
            error: "> 0",
            warn: Some("> 0"),
            counts: Some((12, 1000)),
            known: vec![known()],
            state: Failed,
            excuse: "worse than the known failure: 10 (1 %) on record, 0.1 % more allowed",
            ..ours()
        },
    ]
}

#[test]
fn every_case_is_judged() {
    let asset = asset();
    for case in cases() {
        let limits = Limits {
            statement: None,
            name: NAME,
            severity: case.severity,
            error: Threshold::parse(case.error).unwrap(),
            warn: case.warn.map(|warn| Threshold::parse(warn).unwrap()),
        };
        let cx = JudgeContext {
            asset: &asset,
            now: at(2),
            known: &case.known,
            suppressions: &case.suppressions,
            gate: case.gate,
        };
        let verdict = limits.judge(case.counts, cx);
        assert_eq!(verdict.state, case.state, "{}", case.what);
        assert_eq!(verdict.excuse.as_deref().unwrap_or(""), case.excuse, "{}", case.what);
        // Judging an outcome again gives the same, and gives it every time.
        let (failing, total) = case.counts.unwrap_or((0, 0));
        let message = if case.counts.is_some() { "12 of 400 rows" } else { "it could not be evaluated: overflow" };
        let mut outcome = CheckOutcome {
            name: NAME.to_owned(),
            kind: "not_null".to_owned(),
            section: None,
            severity: case.severity,
            state: CheckState::Passed,
            failing,
            total,
            share: 0.0,
            error: limits.error,
            warn: limits.warn,
            message: message.to_owned(),
            before: None,
            samples: Samples::default(),
            excuse: None,
            rejected: false,
            statement: None,
        };
        for _ in 0..2 {
            judge_again(&mut outcome, cx);
            assert_eq!((outcome.state, &outcome.excuse), (verdict.state, &verdict.excuse), "{}", case.what);
        }
    }
}

#![allow(clippy::unwrap_used)] // tests may

use lockgate_types::time::parse_instant;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    parse_instant(text).unwrap()
}

#[test]
fn relative_times() {
    let now = at("2026-11-10T12:00:00Z");
    assert_eq!(ago(now, now), "just now");
    assert_eq!(ago(now, at("2026-11-10T11:59:48Z")), "12 s ago");
    assert_eq!(ago(now, at("2026-11-10T11:57:00Z")), "3 min ago");
    assert_eq!(ago(now, at("2026-11-10T07:00:00Z")), "5 h ago");
    assert_eq!(ago(now, at("2026-11-09T11:00:00Z")), "1 day ago");
    assert_eq!(ago(now, at("2026-11-05")), "5 days ago");
    assert_eq!(ago(now, at("2013-12-30")), "30 Dec 2013");
    assert_eq!(ago(now, at("2026-11-10T12:03:00Z")), "in 3 min");
}

#[test]
fn instants() {
    assert_eq!(instant(at("2013-12-30")), "30 Dec 2013");
    assert_eq!(instant(at("2013-12-30T23:00Z")), "30 Dec 2013 23:00 UTC");
    assert_eq!(instant(at("2013-12-30T23:00:07+01:00")), "30 Dec 2013 22:00:07 UTC");
    assert_eq!(rfc3339(at("2013-12-30")), "2013-12-30T00:00:00Z");
}

#[test]
fn what_people_type() {
    assert!(parse_day("2026-13-01").is_err());
}

use chrono::{TimeDelta, TimeZone, Utc};

use super::*;

#[test]
fn counts_have_thousands() {
    for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (336_776, "336,776"), (12_345_678, "12,345,678")] {
        assert_eq!(count(number), text);
    }
    assert_eq!(rows(1), "1 row");
    assert_eq!(rows(0), "0 rows");
}

#[test]
fn shares_say_something() {
    for (share, text) in [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.34, "34 %"),
        (0.156_2, "15.6 %"),
        (0.004_62, "0.46 %"),
        (0.001, "0.1 %"),
        (0.000_012, "0.0012 %"),
        (0.999_99, "99.999 %"),
        (2.5, "250 %"),
        (-0.34, "-34 %"),
        (f64::INFINITY, "inf %"),
    ] {
        assert_eq!(percent(share), text, "{share}");
    }
}

#[test]
fn numbers_are_short() {
    for (value, text) in [
        (1200.0, "1,200"),
        (-1200.5, "-1,200.5"),
        (0.125, "0.125"),
        (1.0 / 3.0, "0.333333"),
        (12_345.678_9, "12,345.7"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-infinity"),
        (1e20, "1e20"),
        (0.0, "0"),
    ] {
        assert_eq!(number(value), text);
    }
}

#[test]
fn durations_have_two_units() {
    for (seconds, text) in [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (30 * 3_600, "1 day 6 h"),
        (48 * 3_600, "2 days"),
        (86_400 + 59, "1 day"),
    ] {
        assert_eq!(duration(TimeDelta::seconds(seconds)), text);
    }
    assert_eq!(duration(TimeDelta::milliseconds(250)), "250 ms");
}

#[test]
fn instants_drop_seconds_of_zero() {
    let at = |seconds: i64| Utc.timestamp_opt(1_388_444_400 + seconds, 0).single().expect("in range");
    assert_eq!(instant(at(0)), "30 Dec 2013 23:00 UTC");
    assert_eq!(instant(at(5)), "30 Dec 2013 23:00:05 UTC");
}

#[test]
fn lists_end_in_and() {
    assert_eq!(list::<&str>(&[]), "");
    assert_eq!(list(&["a"]), "a");
    assert_eq!(list(&["a", "b"]), "a and b");
    assert_eq!(list(&["a", "b", "c"]), "a, b and c");
}

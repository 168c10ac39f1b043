use chrono::{TimeDelta, TimeZone, Utc};

use super::{parse_duration, parse_instant};

#[test]
fn durations_are_read() {
    for (text, seconds) in [
        ("2d", 172_800),
        ("36h", 129_600),
        ("15m", 900),
        ("30s", 30),
        ("1w", 604_800),
        ("1d 12h", 129_600),
        ("1d12h", 129_600),
    ] {
        assert_eq!(parse_duration(text), Ok(TimeDelta::seconds(seconds)), "{text}");
    }
    for text in ["", "2", "d", "2x", "-1d", "0s", "1.5d", "99999999999999999999d", "9223372036854775807w"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

#[test]
fn instants_are_read() {
    let day = Utc.with_ymd_and_hms(2026, 11, 1, 0, 0, 0).single().expect("a time");
    for text in ["2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01T00:00Z", "2026-11-01T01:00:00+01:00"] {
        assert_eq!(parse_instant(text), Ok(day), "{text}");
    }
    assert!(parse_instant("2026-11-01T06:30:00").is_err_and(|wrong| wrong.contains("no time zone")));
    for text in ["", "yesterday", "2026-13-01", "2026-02-30"] {
        assert!(parse_instant(text).is_err(), "{text}");
    }
}

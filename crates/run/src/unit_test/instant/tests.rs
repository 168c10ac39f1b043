//! Dates and timestamps there and back.

use super::{date, date_text, instant, text};

#[test]
fn what_is_written_is_read() {
    for micros in [0, 1, -1, 1_388_534_400_000_000, 951_782_400_500_000, -62_135_596_800_000_000] {
        assert_eq!(instant(&text(micros)), Some((micros, None)), "{}", text(micros));
    }
    for days in [0, -1, 16_070, 11_016, 2_932_896] {
        assert_eq!(date(&date_text(days)), Some(days), "{}", date_text(days));
    }
}

#[test]
fn offsets_move_the_instant() {
    let noon = 1_388_577_600_000_000;
    assert_eq!(text(noon), "2014-01-01T12:00:00");
    for (written, offset) in [
        ("2014-01-01T12:00Z", Some(0)),
        ("2014-01-01 12:00:00 UTC", Some(0)),
        ("2014-01-01T13:00:00+01:00", Some(3_600)),
        ("2014-01-01T13:00:00.000000+01", Some(3_600)),
        ("2014-01-01T06:30:00-0530", Some(-19_800)),
        ("2014-01-01 12:00", None),
    ] {
        assert_eq!(instant(written), Some((noon, offset)), "{written}");
    }
    let midnight = noon - 43_200_000_000;
    assert_eq!(instant("2014-01-01"), Some((midnight, None)));
    for wrong in [
        "2014-02-30",
        "2014-01-01T24:00",
        "2014-01-01T12:00:60",
        "2014-01-01T00:00:00.0000001",
        "noon",
        "",
        "2014-01-01Z",
        "2014-01-01T12:00+99:00",
        "14-1-1",
        "14-1-1é",
    ] {
        assert_eq!(instant(wrong), None, "{wrong}");
    }
}

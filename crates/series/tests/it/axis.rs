//! Steps and times.

use lockgate_series::axis::{Axis, DAY, Step};
use lockgate_series::calendar::Date;

use crate::hygiene::central_european;

const HOUR: i64 = DAY / 24;

fn day(year: i64, month: u32, day: u32) -> i64 {
    Date::new(year, month, day).days() * DAY
}

#[test]
fn steps_are_written_as_they_are_read() {
    for text in ["15m", "1h", "6h", "30s", "1d", "1w", "2w", "1mo", "1q", "1y", "1", "5"] {
        let step: Step = text.parse().unwrap();
        assert_eq!(step.to_string(), text);
    }
    for text in ["", "0h", "h1", "1 fortnight", "-1h", "99999999999d"] {
        assert!(text.parse::<Step>().is_err(), "{text}");
    }
}

#[test]
fn dates_go_round() {
    for days in (-800_000..800_000).step_by(97) {
        let date = Date::from_days(days);
        assert_eq!(date.days(), days);
        assert!((1..=12).contains(&date.month) && (1..=31).contains(&date.day));
    }
    assert_eq!(Date::from_days(0), Date::new(1970, 1, 1));
    assert_eq!(Date::new(2000, 3, 1).days() - Date::new(2000, 2, 28).days(), 2);
    assert_eq!(Date::new(2024, 2, 29).weekday(), 3);
}

#[test]
fn every_step_holds_its_own_time() {
    for text in ["15m", "1h", "1d", "1w", "1mo", "1q", "1y", "7"] {
        let step: Step = text.parse().unwrap();
        for axis in [Axis::new(step), Axis::local(step, &central_european)] {
            for index in -5000..5000 {
                if !axis.instants(index).is_empty() {
                    assert_eq!(axis.index(axis.time(index)), index, "{text}");
                }
                assert!(axis.time(index) <= axis.time(index + 1), "{text}");
            }
        }
    }
}

#[test]
fn the_local_clock_leaves_an_hour_out_and_doubles_one() {
    let axis = Axis::local(Step::Micros(HOUR), &central_european);
    // 2024-03-31 02:00 local does not exist; 2024-10-27 02:00 local is 00:00 and 01:00 UTC.
    let missing = (day(2024, 3, 31) + 2 * HOUR) / HOUR;
    let doubled = (day(2024, 10, 27) + 2 * HOUR) / HOUR;
    assert!(axis.instants(missing).is_empty());
    assert_eq!(axis.time(missing), day(2024, 3, 31) + HOUR);
    assert_eq!(axis.instants(doubled), [day(2024, 10, 27), day(2024, 10, 27) + HOUR]);
    assert_eq!(axis.index(day(2024, 10, 27)), axis.index(day(2024, 10, 27) + HOUR));
}

#[test]
fn local_days_have_their_midnight() {
    let axis = Axis::local(Step::Days(1), &central_european);
    let index = axis.index(day(2024, 7, 1));
    assert_eq!(axis.time(index), day(2024, 7, 1) - 2 * HOUR);
    assert_eq!(axis.index(day(2024, 6, 30) + 22 * HOUR), index);
    assert_eq!(axis.end(index), day(2024, 7, 2) - 2 * HOUR);
}

#[test]
fn weeks_keep_their_day() {
    let sundays: Vec<i64> = (0..5).map(|week| day(2024, 1, 7) + week * 7 * DAY).collect();
    let axis = Axis::new("1w".parse().unwrap()).in_phase(sundays.iter().copied());
    assert_eq!(axis.time(axis.index(sundays[4]) + 1), day(2024, 2, 11));
}

#[test]
fn the_step_is_inferred() {
    let infer = |times: &[i64]| Step::infer(times, true).map(|step| step.to_string());
    let every = |apart: i64| (0..40).map(|turn| turn * apart).filter(|time| time / apart % 7 != 3).collect::<Vec<_>>();
    assert_eq!(infer(&every(HOUR)).as_deref(), Some("1h"));
    assert_eq!(infer(&every(DAY)).as_deref(), Some("1d"));
    assert_eq!(infer(&every(7 * DAY)).as_deref(), Some("1w"));
    assert_eq!(infer(&every(28 * DAY)).as_deref(), Some("4w"));
    let months = |count: i64, of_month: u32| -> Vec<i64> {
        (0..30)
            .map(|turn| turn * count)
            .map(|month| day(2000 + month / 12, (month % 12) as u32 + 1, of_month))
            .collect()
    };
    assert_eq!(infer(&months(1, 1)).as_deref(), Some("1mo"));
    assert_eq!(infer(&months(3, 15)).as_deref(), Some("1q"));
    assert_eq!(infer(&months(12, 1)).as_deref(), Some("1y"));
    let ends: Vec<i64> = months(1, 1).iter().map(|time| time - DAY).collect();
    assert_eq!(infer(&ends).as_deref(), Some("1mo"));
    assert_eq!(Step::infer(&[10, 20, 30, 50], false), Some(Step::Integer(10)));
    assert_eq!(infer(&[5]), None);
}

#[test]
fn seasons_belong_to_steps() {
    let seasons = |text: &str| text.parse::<Step>().unwrap().seasons();
    assert_eq!(seasons("1h"), [24, 168]);
    assert_eq!(seasons("15m"), [96, 672]);
    assert_eq!(seasons("1d"), [7, 364]);
    assert_eq!(seasons("1w"), [52]);
    assert_eq!(seasons("1mo"), [12]);
    assert_eq!(seasons("1q"), [4]);
    assert!(seasons("1y").is_empty() && seasons("1").is_empty());
}

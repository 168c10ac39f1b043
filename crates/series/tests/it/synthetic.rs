//! Meters that do not exist.

use lockgate_series::axis::DAY;
use lockgate_series::calendar::Date;
use lockgate_series::synthetic::{Meters, Resolution};

fn meters(resolution: Resolution) -> Meters {
    Meters { seed: 1, resolution, first_day: Date::new(2022, 1, 1).days(), days: 730 }
}

#[test]
fn a_meter_is_the_same_whatever_is_around_it() {
    let daily = meters(Resolution::Daily);
    let alone = daily.points(7);
    let among: Vec<_> = (0..10).map(|number| daily.points(number)).collect();
    assert_eq!(alone, among[7]);
    assert_ne!(alone, among[8]);
    assert_ne!(alone, Meters { seed: 2, ..daily }.points(7));
    // A longer span continues the same meter.
    let longer = Meters { days: 800, ..daily }.points(7);
    assert_eq!(alone[..100], longer[..100]);
    assert_eq!(Meters::name(7), "meter-0000007");
}

#[test]
fn meters_have_seasons_outages_and_beginnings() {
    let daily = meters(Resolution::Daily);
    let lengths: Vec<usize> = (0..400).map(|number| daily.points(number).len()).collect();
    assert!(lengths.iter().filter(|&&length| length < 100).count() >= 3, "new meters");
    assert!(lengths.iter().filter(|&&length| (600..730).contains(&length)).count() >= 100, "outages");
    assert!(lengths.iter().all(|&length| (1..=730).contains(&length)));
    let hourly = meters(Resolution::Hourly).points(3);
    let at = |hour: i64| {
        let kept: Vec<f64> = hourly
            .iter()
            .filter(|point| point.time % DAY / (DAY / 24) == hour)
            .filter_map(|point| point.value)
            .collect();
        kept.iter().sum::<f64>() / kept.len() as f64
    };
    assert!(at(19) > 1.5 * at(3), "{} {}", at(19), at(3));
    assert!(hourly.iter().all(|point| point.value.is_some_and(|value| value >= 0.0 && value.is_finite())));
}

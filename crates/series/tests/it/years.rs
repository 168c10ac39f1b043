//! A year beside weeks: daily and weekly series of some years.

use std::f64::consts::TAU;

use lockgate_series::axis::{Axis, Step};
use lockgate_series::batch::{self, One, Raw, Settings, Shared};
use lockgate_series::choose::Pool;
use lockgate_series::hygiene::{Kind, Point};
use lockgate_series::models::MovedSeason;
use lockgate_series::{Input, Model, Unfit, accuracy};

const DAYS: usize = 365;

/// From -0.5 to 0.5, always the same.
fn noise(step: usize) -> f64 {
    let mut bits = (step as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x2545_F491_4F6C_DD1D;
    bits ^= bits >> 31;
    bits = bits.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    bits ^= bits >> 32;
    (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

/// Visits of a day: a slow rise, a summer twice the winter, quiet weekends; errors are larger in winter.
fn visits(day: usize) -> f64 {
    let year = (TAU * day as f64 / DAYS as f64).cos();
    let week = if day % 7 < 5 { 20.0 } else { 0.0 };
    200.0 + 0.02 * day as f64 - 60.0 * year + week + noise(day) * 30.0 * (0.8 * year).exp()
}

fn daily(values: &[f64], seasons: Option<Vec<usize>>, horizon: usize) -> One {
    let day = 86_400_000_000_i64;
    let points: Vec<Point> =
        values.iter().enumerate().map(|(step, &value)| Point { time: step as i64 * day, value: Some(value) }).collect();
    let pool = Pool::new(&[]);
    let settings = Settings { horizon, seasons, ..Settings::default() };
    batch::one(&Raw { name: "visits", points: &points }, &Shared::new(Axis::new(Step::Days(1)), &pool), &settings)
}

#[test]
fn two_years_of_days_show_a_year() {
    let values: Vec<f64> = (0..900 + 90).map(visits).collect();
    let (past, ahead) = values.split_at(900);
    let error = |one: &One| {
        let said: Vec<f64> = one.rows.iter().map(|row| row.forecast).collect();
        accuracy::mae(ahead, &said)
    };
    let usual = daily(past, None, 90);
    let weeks_alone = daily(past, Some(vec![7]), 90);
    assert_eq!(usual.record.seasons, [7, 364]);
    assert!(error(&usual) < 0.5 * error(&weeks_alone), "{} {}", error(&usual), error(&weeks_alone));
    assert!(usual.record.choice.model().contains("moved_season"), "{}", usual.record.choice.model());
    // A summer is no other regime.
    assert!(usual.record.treatments.iter().all(|treatment| treatment.kind != Kind::LevelShift));
    // What the others are compared with is the last week, as before.
    assert_eq!(usual.record.choice.naive_error, weeks_alone.record.choice.naive_error);
}

#[test]
fn intervals_are_wider_in_the_season_that_is_restless() {
    // The summer of the third year, and the winter after it: their errors in truth are as 1 to 5.
    let half = |days: usize| {
        let values: Vec<f64> = (0..days).map(visits).collect();
        let one = daily(&values, None, 14);
        one.rows.iter().map(|row| row.bands[0].1 - row.bands[0].0).sum::<f64>() / 14.0
    };
    let (summer, winter) = (half(2 * DAYS + DAYS / 2), half(3 * DAYS));
    assert!(winter > 1.3 * summer, "{winter} {summer}");
}

#[test]
fn a_series_that_stands_still_for_some_weeks_is_constant() {
    let mut values: Vec<f64> = (0..800).map(visits).collect();
    values.extend([42.0; 20]);
    let one = daily(&values, None, 14);
    assert!(one.rows.iter().all(|row| row.forecast == 42.0), "{:?}", one.rows[0]);
}

/// The same model, word by word: levels are means of four weeks, the course of a year is taken from each of three years before, five
/// weekdays around the day, above the level of that time.
fn moved_season(values: &[f64], horizon: usize) -> Vec<f64> {
    let mean = |from: usize, until: usize| values[from..until].iter().sum::<f64>() / (until - from) as f64;
    let count = values.len();
    let ahead = |step: usize| {
        let mut above = Vec::new();
        for years in 1..=3 {
            let Some(then) = count.checked_sub(years * 364).filter(|&then| then >= 28) else { break };
            for weeks in -2_i64..=2 {
                let day = (then + step % 364) as i64 + 7 * weeks;
                if let Some(value) = usize::try_from(day).ok().and_then(|day| values.get(day)) {
                    above.push(value - mean(then - 28, then));
                }
            }
        }
        mean(count - 28, count) + above.iter().sum::<f64>() / above.len() as f64
    };
    (0..horizon).map(ahead).collect()
}

#[test]
fn the_moved_season_is_what_it_says() {
    for days in [392, 400, 760, 1500] {
        let values: Vec<f64> = (0..days).map(visits).collect();
        let input = Input { values: &values, seasons: &[7, 364], horizon: 400, known: None };
        let fit = MovedSeason.fit(&input).unwrap();
        for (said, expected) in fit.forecast.iter().zip(moved_season(&values, 400)) {
            assert!((said - expected).abs() < 1e-9, "{days} days: {said} {expected}");
        }
        // What it said of a day before is what it would have said the day before.
        for step in [days - 1, days - 7].into_iter().filter(|&step| step >= 392) {
            let past = Input { values: &values[..step], horizon: 1, ..input };
            let before = MovedSeason.fit(&past).unwrap().forecast[0];
            assert!((before - fit.fitted[step]).abs() < 1e-9, "{days} days: {step}");
        }
    }
    let short = Input { values: &[1.0; 391], seasons: &[7, 364], horizon: 1, known: None };
    assert!(MovedSeason.fit(&short).is_ok(), "four steps say where the week before was");
    let short = Input { values: &[1.0; 5], seasons: &[52], horizon: 1, known: None };
    assert!(matches!(MovedSeason.fit(&short), Err(Unfit::Short { .. })));
}

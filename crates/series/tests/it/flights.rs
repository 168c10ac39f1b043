//! Series with zeros at night: departures by the hour, of a timetable and of a crowd; and demand whose zeros nobody can tell.

use lockgate_series::Input;
use lockgate_series::axis::{Axis, Step};
use lockgate_series::batch::{self, One, Raw, Settings, Shared};
use lockgate_series::choose::{self, Pool};
use lockgate_series::hygiene::{Class, Point};

use crate::series::noise;

const WEEK: usize = 168;
/// Not a whole number of days, as real histories.
const HOURS: usize = 30 * WEEK + 5;
const HORIZON: usize = 48;

fn chance(noise: f64) -> f64 {
    (noise + 1.0) / 2.0
}

/// Scheduled departures of an hour of the week: none at night, fewer on Saturdays.
fn scheduled(seed: u64, hour: usize) -> f64 {
    let (of_day, day) = (hour % 24, hour / 24);
    if !(6..22).contains(&of_day) {
        return 0.0;
    }
    // Every fourth or so hour of the day has no flight.
    let flights = (4.0 * chance(noise(seed + of_day as u64, 1)[0])).floor();
    if day == 5 { (flights / 2.0).floor() } else { flights }
}

/// A timetable of which one departure in ten is cancelled.
fn timetable(seed: u64, hours: usize) -> Vec<f64> {
    let drawn = noise(seed, 4 * hours);
    let kept = |step: usize| {
        let flights = scheduled(seed, step % WEEK) as usize;
        (0..flights).filter(|flight| chance(drawn[4 * step + flight]) > 0.1).count() as f64
    };
    (0..hours).map(kept).collect()
}

/// As many departures as come up, three an hour by day.
fn crowd(seed: u64, hours: usize) -> Vec<f64> {
    let drawn = noise(seed, 12 * hours);
    let came = |step: usize| {
        let share = match (step % 24, step % WEEK / 24) {
            (0..=5 | 22.., _) => 0.0,
            (_, 5) => 0.1,
            _ => 0.25,
        };
        drawn[12 * step..12 * (step + 1)].iter().filter(|&&drawn| chance(drawn) < share).count() as f64
    };
    (0..hours).map(came).collect()
}

fn forecast(values: &[f64]) -> One {
    let points: Vec<Point> =
        values.iter().enumerate().map(|(step, &value)| Point { time: step as i64, value: Some(value) }).collect();
    let settings = Settings { horizon: HORIZON, seasons: Some(vec![24, WEEK]), ..Settings::default() };
    let pool = Pool::new(&[]);
    batch::one(&Raw { name: "one", points: &points }, &Shared::new(Axis::new(Step::Integer(1)), &pool), &settings)
}

#[test]
fn zeros_of_every_night_are_a_season() {
    for (what, make) in [("timetable", timetable as fn(u64, usize) -> Vec<f64>), ("crowd", crowd)] {
        let (mut inside, mut by_day, mut error, mut naive) = (0.0, 0.0, 0.0, 0.0);
        for seed in 1..=4 {
            let values = make(seed, HOURS + HORIZON);
            let (history, future) = values.split_at(HOURS);
            let zeros = history.iter().filter(|&&value| value == 0.0).count();
            assert!(zeros as f64 > 0.3 * HOURS as f64, "{what} {seed}: {zeros}");
            let one = forecast(history);
            assert_eq!(one.record.class, Class::Seasonal, "{what} {seed}");
            let chosen = one.chosen.as_ref().unwrap();
            let input = Input { values: history, seasons: &[24, WEEK], horizon: HORIZON, known: None };
            let settings = choose::Settings::default();
            let again = choose::again(&chosen.choice, &input, one.series.measured(), &Pool::new(&[]), &settings);
            assert!(
                again.unwrap().fit.forecast.iter().zip(&chosen.quiet).all(|(value, quiet)| !quiet || *value == 0.0)
            );
            // Never worse in the backtest than the last week repeated.
            assert!(one.record.skill.unwrap() > -0.01, "{what} {seed}: {:?}", one.record.choice);
            for (step, (row, actual)) in one.rows.iter().zip(future).enumerate() {
                if (6..22).contains(&((HOURS + step) % 24)) {
                    by_day += 1.0;
                    inside += f64::from(u8::from(row.bands[0].0 <= *actual && *actual <= row.bands[0].1));
                } else {
                    assert_eq!((row.forecast, row.bands[1]), (0.0, (0.0, 0.0)), "{what} {seed}, step {step}");
                }
                error += (row.forecast - actual).abs();
                naive += (history[HOURS - WEEK + step] - actual).abs();
            }
        }
        assert!(error < 0.95 * naive, "{what}: {error} {naive}");
        let share = inside / by_day;
        assert!((0.7..0.97).contains(&share), "{what}: {share} of the days' values in the intervals of 80 %");
    }
}

/// Demand of 2 to 10 in one hour of five, by day and by night.
fn rare(seed: u64, hours: usize) -> Vec<f64> {
    let drawn = noise(seed, hours);
    drawn.iter().map(|&drawn| if drawn > 0.6 { (20.0 * (drawn - 0.5)).round() } else { 0.0 }).collect()
}

#[test]
fn zeros_that_nobody_can_tell_are_intermittent() {
    for seed in 1..=4 {
        let values = rare(seed, 8 * WEEK);
        let one = forecast(&values);
        assert_eq!(one.record.class, Class::Intermittent);
        for model in ["tsb", "seasonal_mean", "seasonal_naive"] {
            assert!(one.record.choice.tried.iter().any(|tried| tried.model == model), "{model}");
        }
        let (mean, said) = (values.iter().sum::<f64>() / values.len() as f64, one.rows[0].forecast);
        assert!((0.5 * mean..2.0 * mean).contains(&said), "{seed}: {said} of {mean} by {}", one.record.choice.model());
    }
}

#[test]
fn demand_that_ended_is_forecast_as_nothing() {
    let values = [rare(1, 2 * WEEK), vec![0.0; 20 * WEEK]].concat();
    let one = forecast(&values);
    for row in &one.rows {
        assert_eq!(row.forecast.to_bits(), 0.0_f64.to_bits(), "{row:?}");
    }
}

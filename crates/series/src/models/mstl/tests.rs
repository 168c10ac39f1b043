#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde::Deserialize;

use super::loess::Loess;
use super::trend::Damped;
use super::{Mstl, decompose};
use crate::model::{Input, Model, Unfit};

#[derive(Deserialize)]
struct Case {
    name: String,
    values: Vec<f64>,
    seasons: Vec<usize>,
    trend: Vec<f64>,
    parts: Vec<Vec<f64>>,
}

#[test]
fn decompositions_are_those_of_statsmodels() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../tests/reference/mstl.json")).unwrap();
    for case in cases {
        let found = decompose(&case.values, &case.seasons);
        near(&case.name, &found.trend, &case.trend);
        for ((_, season), expected) in found.seasons.iter().zip(&case.parts) {
            near(&case.name, season, expected);
        }
    }
}

fn near(name: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < 1e-6 * (1.0 + expected.abs()),
            "{name}, step {step}: {found} is not {expected}"
        );
    }
}

#[test]
fn a_line_is_smoothed_into_itself() {
    let line: Vec<f64> = (0..40).map(|step| 3.0 - 0.5 * f64::from(step)).collect();
    let mut curve = vec![0.0; 40];
    for window in [5, 11, 101] {
        Loess::new(window, true).smooth(&line, &mut curve);
        near("line", &curve, &line);
    }
    assert!((Loess::new(7, true).at(&line, 42.0) - (3.0 - 21.0)).abs() < 1e-9);
}

#[test]
fn a_pure_season_is_forecast_exactly() {
    let values: Vec<f64> = (0..96).map(|step| 10.0 + [0.0, 3.0, -1.0, 4.0, -6.0, 0.0][step % 6]).collect();
    let fit = Mstl.fit(&Input { values: &values, seasons: &[6], horizon: 12, known: None }).unwrap();
    near("season", &fit.forecast, &values[..12]);
}

#[test]
fn constants_have_a_trend_only_where_there_is_one() {
    let flat: Vec<f64> = (0..80).map(|step| 5.0 + f64::from(step * 37 % 11) * 0.1).collect();
    assert_eq!(Damped::fit(&flat).trend, 0.0);
    let sloped: Vec<f64> = (0..80).map(|step| f64::from(step) * 2.0 + f64::from(step * 37 % 11) * 0.1).collect();
    assert!(Damped::fit(&sloped).trend > 0.0);
}

#[test]
fn without_two_rounds_of_a_season_it_says_so() {
    let input = Input { values: &[1.0; 20], seasons: &[12], horizon: 3, known: None };
    assert_eq!(Mstl.fit(&input), Err(Unfit::Short { model: "mstl", needs: 24, has: 20 }));
    let unseasonal = Input { seasons: &[], ..input };
    assert!(matches!(Mstl.fit(&unseasonal), Err(Unfit::Unsuited { .. })));
}

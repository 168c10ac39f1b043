#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::Regression;
use crate::model::{Fit, Input, Known, Model, Unfit};
use crate::models::scale::{Curve, Scale};

/// Numbers between -0.5 and 0.5, the same everywhere.
fn noise(count: usize) -> Vec<f64> {
    let mut state = 17_u64;
    (0..count)
        .map(|_| {
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            state as f64 / f64::from(1_u32 << 31) - 0.5
        })
        .collect()
}

fn fit(values: &[f64], seasons: &[usize], horizon: usize, known: Option<&Known>) -> Fit {
    Regression.fit(&Input { values, seasons, horizon, known }).unwrap()
}

#[test]
fn two_seasons_at_once_are_seen() {
    let value = |step: usize| 100.0 + 20.0 * (step % 24) as f64 + if (step / 24) % 7 < 5 { 0.0 } else { 150.0 };
    let values: Vec<f64> = (0..840).map(value).collect();
    let fit = fit(&values, &[24, 168], 168, None);
    for (step, found) in fit.forecast.iter().enumerate() {
        assert!((found / value(840 + step) - 1.0).abs() < 0.05, "step {step}: {found}");
    }
    let names: Vec<&str> = fit.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["level", "trend", "season 168", "season 24"]);
}

#[test]
fn a_known_column_does_what_it_did_before() {
    let noise = noise(230);
    let promotion: Vec<f64> = (0..230).map(|step| if step * step % 13 < 3 { 1.0 } else { 0.0 }).collect();
    let values: Vec<f64> =
        (0..200).map(|step| -20.0 + 10.0 * promotion[step] + noise[step] + (step % 7) as f64).collect();
    let known = Known {
        names: vec!["promotion".to_owned(), "nothing".to_owned()],
        columns: vec![promotion.clone(), vec![3.0; 230]],
    };
    let with = fit(&values, &[7], 30, Some(&known));
    let part = with.parts.iter().find(|part| part.name == "promotion").unwrap();
    for step in 0..30 {
        let expected = -20.0 + 10.0 * promotion[200 + step] + ((200 + step) % 7) as f64;
        assert!((with.forecast[step] - expected).abs() < 2.0, "step {step}: {} is not {expected}", with.forecast[step]);
        // The part is the effect against the column's mean.
        let mean = promotion[..200].iter().sum::<f64>() / 200.0;
        assert!((part.values[step] - 10.0 * (promotion[200 + step] - mean)).abs() < 2.0, "step {step}");
    }
    assert!(with.parts.iter().find(|part| part.name == "nothing").unwrap().values.iter().all(|value| *value == 0.0));
}

#[test]
fn an_explosion_is_held_near_what_was_seen() {
    let values: Vec<f64> = (0..40).map(|step| 1.5_f64.powi(step)).collect();
    let fit = fit(&values, &[], 500, None);
    // By half of the range on the logarithmic scale.
    let most = values[39] * (values[39] / values[0]).sqrt();
    assert!(fit.forecast.iter().all(|value| *value <= most * 1.000_001));
}

#[test]
fn demand_is_never_negative() {
    let values: Vec<f64> = (0..120).map(|step| if step % 5 == 0 { (step % 9) as f64 } else { 0.0 }).collect();
    assert!(fit(&values, &[7], 60, None).forecast.iter().all(|value| *value >= 0.0));
}

#[test]
fn scales_go_there_and_back() {
    for (values, curve) in [
        ([1.0, 2.0, 40.0], Curve::Log),
        ([0.0, 2.0, 40.0], Curve::Root),
        ([-1e300, 2e300 / 2.0, 0.0], Curve::Plain),
        ([1e-300, 2e-300, 3e-300], Curve::Log),
    ] {
        let scale = Scale::of(&values).unwrap();
        assert_eq!(scale.curve, curve);
        for value in values {
            let back = scale.back(scale.forth(value));
            assert!((back - value).abs() <= 1e-9 * scale.unit, "{value} came back as {back}");
        }
    }
    assert_eq!(Scale::of(&[5.0; 4]), None);
}

#[test]
fn what_it_cannot_do_it_says() {
    let input = Input { values: &[1.0; 8], seasons: &[], horizon: 3, known: None };
    assert_eq!(Regression.fit(&input), Err(Unfit::Short { model: "regression", needs: 12, has: 8 }));
    assert!(matches!(Regression.fit(&Input { values: &[1.0; 30], ..input }), Err(Unfit::Unsuited { .. })));
}

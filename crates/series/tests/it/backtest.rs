//! Origins and residuals.

use lockgate_series::backtest::{Plan, Settings, error, errors_by_step, residuals, run};
use lockgate_series::models::{Naive, SeasonalNaive};
use lockgate_series::{Input, Known};

#[test]
fn plans_leave_enough_and_reach_the_end() {
    let settings = Settings::default();
    for length in 0..400 {
        for horizon in [1, 5, 18, 60] {
            for seasons in [&[][..], &[7], &[12], &[24, 168]] {
                let Some(plan) = Plan::new(length, horizon, seasons, &settings) else {
                    assert!(length < 30, "{length} {horizon} {seasons:?}");
                    continue;
                };
                assert!(!plan.origins.is_empty() && plan.origins.len() <= settings.origins);
                assert!(plan.origins.windows(2).all(|pair| pair[0] < pair[1]));
                let (first, last) = (plan.origins[0], plan.origins[plan.origins.len() - 1]);
                assert!(first >= 6 && last < length && last + horizon >= length, "{length} {horizon} {plan:?}");
            }
        }
    }
    assert!(Plan::new(100, 10, &[], &Settings { origins: 0, ..settings }).is_none());
}

#[test]
fn a_backtest_says_what_the_model_said() {
    let values: Vec<f64> = (0..40).map(f64::from).collect();
    let plan = Plan::new(40, 4, &[], &Settings::default()).unwrap();
    let known = Known { names: vec!["x".into()], columns: vec![(0..44).map(f64::from).collect()] };
    let input = Input { values: &values, seasons: &[], horizon: 4, known: Some(&known) };
    let track = run(&Naive, &input, &plan).unwrap();
    let mut actual = values.clone();
    actual[39] = f64::NAN;
    let missed = residuals(&track.forecasts, &actual, &plan);
    // On a line the last value misses by the distance.
    assert!(missed.iter().flatten().all(|value| value.is_nan() || (1.0..=4.0).contains(value)));
    assert_eq!(errors_by_step(&missed, 4), [1.0, 2.0, 3.0, 4.0]);
    assert!(error(&missed) > 1.0 && error(&[]).is_nan());
    assert!(run(&SeasonalNaive, &input, &plan).is_ok());
}

use lockgate_series::accuracy::{bias, coverage, interval_score, mae, mase, naive_scale, owa, pinball, rmse, smape};

fn near(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-12, "{left} is not {right}");
}

#[test]
fn measures_by_hand() {
    let (actual, forecast) = ([10.0, 20.0, 0.0], [12.0, 16.0, 0.0]);
    near(mae(&actual, &forecast), 2.0);
    near(rmse(&actual, &forecast), (20.0_f64 / 3.0).sqrt());
    near(bias(&actual, &forecast), -2.0 / 3.0);
    near(smape(&actual, &forecast), (200.0 * 2.0 / 22.0 + 200.0 * 4.0 / 36.0) / 3.0);
    near(pinball(&actual, &forecast, 0.9), (0.1 * 2.0 + 0.9 * 4.0) / 3.0);
    near(owa(10.0, 1.0, 20.0, 0.8), (0.5 + 1.25) / 2.0);
}

#[test]
fn mase_scales_by_the_seasonal_naive_error_of_the_history() {
    let history = [1.0, 5.0, 2.0, 8.0];
    assert_eq!(naive_scale(&history, 2), Some(2.0));
    assert_eq!(mase(&[10.0], &[6.0], &history, 2), Some(2.0));
    assert_eq!(mase(&[10.0], &[6.0], &history, 4), None, "not longer than a season");
    assert_eq!(mase(&[10.0], &[6.0], &[3.0; 8], 1), None, "a constant history");
}

#[test]
fn intervals() {
    let (actual, low, high) = ([1.0, 5.0, 9.0], [0.0, 6.0, 8.0], [2.0, 8.0, 9.0]);
    near(coverage(&actual, &low, &high), 2.0 / 3.0);
    near(interval_score(&actual, &low, &high, 0.8), (5.0 + 2.0 / 0.2 * 1.0) / 3.0);
}

#[test]
fn nothing_measures_nothing() {
    assert_eq!((mae(&[], &[]), smape(&[], &[]), coverage(&[], &[], &[])), (0.0, 0.0, 0.0));
    assert_eq!(smape(&[0.0], &[0.0]), 0.0);
}

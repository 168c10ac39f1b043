//! Intervals: nested, scaled, covering.

use lockgate_series::axis::{Axis, Step};
use lockgate_series::batch::{self, Raw, Settings, Shared};
use lockgate_series::choose::Pool;
use lockgate_series::hygiene::Point;
use lockgate_series::intervals::{measured, normal_quantile, student_quantile, widths};

use crate::series::noise;

const LEVELS: [f64; 4] = [95.0, 50.0, 80.0, 99.0];

fn residuals(origins: usize, horizon: usize) -> (Vec<Vec<f64>>, Vec<usize>) {
    let numbers = noise(9, origins * horizon);
    let row = |origin: usize| (0..horizon).map(|step| numbers[origin * horizon + step] * (step + 1) as f64).collect();
    ((0..origins).map(row).collect(), (0..origins).map(|origin| 100 + 3 * origin).collect())
}

#[test]
fn quantiles_are_those_of_the_tables() {
    for (share, expected) in
        [(0.5, 0.0), (0.9, 1.281_551_566), (0.975, 1.959_963_985), (0.01, -2.326_347_874), (0.999, 3.090_232_306)]
    {
        assert!((normal_quantile(share) - expected).abs() < 1e-8);
    }
    for (share, freedom, expected) in [(0.9, 3.0, 1.638), (0.975, 3.0, 3.182), (0.975, 10.0, 2.228), (0.9, 30.0, 1.310)]
    {
        assert!((student_quantile(share, freedom) / expected - 1.0_f64).abs() < 0.02, "{share} {freedom}");
    }
}

#[test]
fn a_higher_level_is_wider() {
    for origins in [0, 1, 2, 5, 20] {
        let (rows, at) = residuals(origins, 12);
        let half = widths(&rows, &at, 12, 2.0, &LEVELS).half;
        for step in 0..12 {
            assert!(half[1][step] <= half[2][step] && half[2][step] <= half[0][step] && half[0][step] <= half[3][step]);
            assert!(half.iter().all(|half| half[step] >= 0.0 && half[step].is_finite()));
        }
    }
}

#[test]
fn widths_scale_with_the_residuals() {
    let (rows, at) = residuals(8, 6);
    let one = widths(&rows, &at, 6, 1.0, &LEVELS).half;
    let scaled: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|value| value * 1e6).collect()).collect();
    let many = widths(&scaled, &at, 6, 1e6, &LEVELS).half;
    for (one, many) in one.iter().flatten().zip(many.iter().flatten()) {
        assert!((one * 1e6 / many - 1.0).abs() < 1e-9);
    }
}

#[test]
fn missing_values_and_short_rows_are_left_out() {
    let (mut rows, at) = residuals(8, 6);
    rows[2][1] = f64::NAN;
    rows[7].truncate(2);
    let half = widths(&rows, &at, 10, 1.0, &LEVELS).half;
    assert!(half.iter().all(|half| half.len() == 10 && half.iter().all(|width| width.is_finite() && *width > 0.0)));
    let coverage = measured(&rows, &at, 10, 1.0, &LEVELS);
    assert_eq!(coverage[0].values, 8 * 6 - 1 - 4);
    assert!(measured(&rows[..1], &at[..1], 10, 1.0, &LEVELS).is_empty());
}

#[test]
fn a_model_without_errors_has_narrow_intervals() {
    let rows = vec![vec![0.0; 4]; 5];
    let half = widths(&rows, &[10, 12, 14, 16, 18], 4, 0.0, &LEVELS).half;
    assert!(half.iter().flatten().all(|&width| width == 0.0), "{half:?}");
}

/// Random walks, white noise and trends with noise, of different lengths: new values fall into the intervals as often as promised.
#[test]
fn new_values_are_covered() {
    let pool = Pool::new(&[]);
    let shared = Shared::new(Axis::new(Step::Integer(1)), &pool);
    let mut settings = Settings { horizon: 8, seasons: Some(vec![]), ..Settings::default() };
    settings.choose.models = Some(vec!["naive".into(), "ses".into(), "theta".into()]);
    let (mut inside, mut said, mut count) = ([0.0; 2], [0.0; 2], 0.0);
    for seed in 1..=240 {
        let numbers = noise(seed, 140);
        let (mut walk, length) = (100.0, 40 + (seed as usize % 4) * 25);
        let values: Vec<f64> = numbers
            .iter()
            .enumerate()
            .map(|(step, noise)| {
                walk += noise;
                [walk, 100.0 + noise, 100.0 + 0.2 * step as f64 + noise][seed as usize % 3]
            })
            .collect();
        let points: Vec<Point> = values[..length]
            .iter()
            .enumerate()
            .map(|(step, &value)| Point { time: step as i64, value: Some(value) })
            .collect();
        let one = batch::one(&Raw { name: "", points: &points }, &shared, &settings);
        for (row, actual) in one.rows.iter().zip(&values[length..]) {
            for (inside, band) in inside.iter_mut().zip(&row.bands) {
                *inside += f64::from(u8::from(band.0 <= *actual && *actual <= band.1));
            }
            count += 1.0;
        }
        for (said, coverage) in said.iter_mut().zip(&one.record.coverage) {
            *said += coverage.measured / 240.0;
        }
    }
    for (level, wanted) in [80.0, 95.0].into_iter().enumerate() {
        let covered = 100.0 * inside[level] / count;
        assert!((covered - wanted).abs() < 4.0, "{wanted}: {covered} (the backtest said {})", said[level]);
        assert!((covered - said[level]).abs() < 5.0, "{wanted}: {covered} (the backtest said {})", said[level]);
    }
}

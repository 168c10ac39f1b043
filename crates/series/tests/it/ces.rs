use lockgate_series::models::Ces;
use lockgate_series::{Input, Model};
use serde::Deserialize;

/// `tests/reference/make_smoothing.py` made it.
const REFERENCE: &str = include_str!("../reference/smoothing.json");

#[derive(Deserialize)]
struct Reference {
    ces: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    series: String,
    values: Vec<f64>,
    /// Of the errors from the second on.
    squares: f64,
    forecast: Vec<f64>,
}

#[test]
fn as_good_as_statsforecast() {
    let reference: Reference = serde_json::from_str(REFERENCE).expect("the reference file is sound");
    for case in reference.ces {
        let input = Input { values: &case.values, seasons: &[], horizon: case.forecast.len(), known: None };
        let fit = Ces.fit(&input).expect("long enough");
        let errors = case.values.iter().zip(&fit.fitted).skip(1).map(|(value, fitted)| value - fitted);
        let squares: f64 = errors.map(|error| error * error).sum();
        assert!(squares <= case.squares * 1.001, "{}: {squares} {}", case.series, case.squares);
        // Where it found the same constants, for theirs stop at a bound of 1.8.
        if case.series == "nile" {
            for (ours, theirs) in fit.forecast.iter().zip(&case.forecast).take(6) {
                assert!((ours / theirs - 1.0).abs() < 0.01, "{ours} is not {theirs}");
            }
        }
    }
}

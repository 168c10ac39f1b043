use lockgate_series::models::named;
use lockgate_series::{Input, Part};
use serde::Deserialize;

use crate::series::AIR_PASSENGERS;

/// `tests/reference/make_smoothing.py` made it.
const REFERENCE: &str = include_str!("../reference/smoothing.json");

#[derive(Deserialize)]
struct Reference {
    theta: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    series: String,
    model: String,
    values: Vec<f64>,
    seasons: Vec<usize>,
    forecast: Vec<f64>,
}

#[test]
fn forecasts_are_those_of_statsforecast() {
    let reference: Reference = serde_json::from_str(REFERENCE).expect("the reference file is sound");
    for case in reference.theta {
        let model = named(&case.model).expect("a model of ours");
        let input = Input { values: &case.values, seasons: &case.seasons, horizon: case.forecast.len(), known: None };
        let fit = model.fit(&input).expect("long enough");
        // Theirs leaves the first three errors out of the sum, which lets the first level be anything.
        for (ours, theirs) in fit.forecast.iter().zip(&case.forecast) {
            assert!((ours / theirs - 1.0).abs() < 0.02, "{} on {}: {ours} is not {theirs}", case.model, case.series);
        }
    }
}

#[test]
fn a_line_goes_on() {
    let values: Vec<f64> = (0..40).map(|step| 7.0 + 2.0 * f64::from(step)).collect();
    let input = Input { values: &values, seasons: &[], horizon: 5, known: None };
    let fit = named("optimised_theta").expect("a model of ours").fit(&input).expect("long enough");
    for (step, value) in (40..).zip(fit.forecast) {
        assert!((value - (7.0 + 2.0 * f64::from(step))).abs() < 1e-6, "{value}");
    }
}

#[test]
fn what_was_found_is_told() {
    let input = Input { values: &AIR_PASSENGERS, seasons: &[12], horizon: 5, known: None };
    let fit = named("dynamic_optimised_theta").expect("a model of ours").fit(&input).expect("long enough");
    assert_eq!(fit.parameters.form, "DOTM ×12");
    let names: Vec<&str> = fit.parts.iter().map(|Part { name, .. }| name.as_str()).collect();
    assert_eq!(names, ["level", "trend", "season 12"]);
}

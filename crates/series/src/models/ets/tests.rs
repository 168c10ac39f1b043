use serde::Deserialize;

use super::forecast;
use super::form::{Errors, Form, Season, Trend};
use super::pass::{Pass, Weights};
use super::search::{Found, States, evaluate, first_states, search_given};
use crate::decompose::power_of_two_near;

/// `tests/reference/make_smoothing.py` made it.
const REFERENCE: &str = include_str!("../../../tests/reference/smoothing.json");

#[derive(Deserialize)]
struct Reference {
    ets: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    series: String,
    form: String,
    values: Vec<f64>,
    weights: [f64; 4],
    level: f64,
    trend: f64,
    season: Vec<f64>,
    /// -2 log likelihood but for constants.
    deviance: f64,
    forecast: Vec<f64>,
}

fn every_form() -> impl Iterator<Item = Form> {
    let errors = [Errors::Additive, Errors::Relative];
    let trends = [Trend::None, Trend::Additive, Trend::Damped];
    let seasons = [Season::None, Season::Additive, Season::Multiplicative];
    errors.into_iter().flat_map(move |errors| {
        trends.into_iter().flat_map(move |trend| seasons.into_iter().map(move |season| Form { errors, trend, season }))
    })
}

fn cases() -> Vec<(Case, Form)> {
    let reference: Reference = serde_json::from_str(REFERENCE).expect("the reference file is sound");
    let form = |case: &Case| every_form().find(|form| form.to_string() == case.form).expect("a form of ours");
    reference.ets.into_iter().map(|case| (form(&case), case)).map(|(form, case)| (case, form)).collect()
}

#[test]
fn the_likelihood_and_the_forecast_of_given_parameters_are_those_of_statsforecast() {
    for (case, form) in cases() {
        let [alpha, beta, gamma, phi] = case.weights;
        let weights = Weights { alpha, beta, gamma, phi };
        let first = States { level: case.level, trend: case.trend, season: case.season.clone() };
        let mut pass = Pass::new(&case.values, case.season.len().max(1));
        (pass.level, pass.trend) = (first.level, first.trend);
        if form.seasonal() {
            pass.season.copy_from_slice(&first.season);
        }
        let (deviance, _) = pass.run(form, weights);
        let name = format!("{} on {}", case.form, case.series);
        assert!((deviance - case.deviance).abs() < 1e-6, "{name}: {deviance} is not {}", case.deviance);
        let found = Found { form, weights, first, criterion: 0.0 };
        let fit = forecast::forecast(&mut pass, &found, 1.0, case.forecast.len()).expect("sound states");
        // Theirs damps the second step of a trend as the first, so that later steps are another model's.
        let steps = if phi < 1.0 { 1 } else { case.forecast.len() };
        for (ours, theirs) in fit.forecast.iter().zip(&case.forecast).take(steps) {
            assert!((ours / theirs - 1.0).abs() < 1e-6, "{name}: {ours} is not {theirs}");
        }
    }
}

#[test]
fn ours_is_at_least_as_likely() {
    let mut compared = 0;
    for (case, form) in cases() {
        let [alpha, beta, gamma, _] = case.weights;
        // Theirs may leave the usual bounds.
        if beta > alpha || gamma > 1.0 - alpha {
            continue;
        }
        compared += 1;
        let period = case.season.len().max(1);
        let scale = power_of_two_near(&case.values);
        let values: Vec<f64> = case.values.iter().map(|value| value / scale).collect();
        let mut pass = Pass::new(&values, period);
        let found = search_given(&mut pass, &values, form, period, |_, _, _| 0.0).expect("long enough");
        (pass.level, pass.trend) = (found.first.level, found.first.trend);
        if form.seasonal() {
            pass.season.copy_from_slice(&found.first.season);
        }
        let deviance = pass.run(form, found.weights).0 + 2.0 * values.len() as f64 * scale.ln();
        assert!(deviance < case.deviance + 0.1, "{} on {}: {deviance} {}", case.form, case.series, case.deviance);
    }
    assert!(compared >= 10, "{compared}");
}

#[test]
fn the_gradient_is_that_of_the_criterion() {
    for (case, form) in cases() {
        let period = case.season.len().max(1);
        let scale = power_of_two_near(&case.values);
        let values: Vec<f64> = case.values.iter().map(|value| value / scale).collect();
        let mut pass = Pass::new(&values, period);
        let (first, spread) = first_states(&values, form, period).expect("long enough");
        let size = form.variables(period);
        let mut at: Vec<f64> = (0..size).map(|index| 0.1 + 0.01 * index as f64).collect();
        if form.weights() == 4 || (form.weights() == 3 && !form.seasonal()) {
            at[form.weights() - 1] = 0.9;
        }
        let (mut slope, mut ignored) = (vec![0.0; size], vec![0.0; size]);
        evaluate(&mut pass, form, &first, spread, &at, &mut slope);
        for index in 0..size {
            let mut value = |by: f64| {
                let mut near = at.clone();
                near[index] += by;
                evaluate(&mut pass, form, &first, spread, &near, &mut ignored)
            };
            let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
            let tolerance = 1e-4 * slope[index].abs().max(1.0);
            assert!((difference - slope[index]).abs() < tolerance, "{form} {index}: {difference} {}", slope[index]);
        }
    }
}

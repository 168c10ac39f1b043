#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::estimate::{Coefficients, Effort, Likelihood};
use super::order::{Order, kpss};
use super::polynomial::{from_partial, predictors, product, roots_beyond};
use super::process::{Pass, Process};
use super::{Arima, Found};
use crate::model::{Input, Model, Unfit};

#[derive(Deserialize)]
struct Reference {
    fixed: Vec<Fixed>,
    automatic: Vec<Automatic>,
}

#[derive(Deserialize)]
struct Fixed {
    name: String,
    values: Vec<f64>,
    order: Vec<usize>,
    coefficients: BTreeMap<String, f64>,
    log_likelihood: f64,
    forecast: Vec<f64>,
}

#[derive(Deserialize)]
struct Automatic {
    name: String,
    values: Vec<f64>,
    season: usize,
    order: Vec<usize>,
    aicc: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../tests/reference/arima.json")).unwrap()
}

fn order(numbers: &[usize], constant: bool) -> Order {
    let &[p, d, q, seasonal_p, seasonal_d, seasonal_q, season] = numbers else { panic!("seven numbers") };
    Order { p, d, q, seasonal_p, seasonal_d, seasonal_q, season, constant }
}

#[test]
fn estimates_are_as_likely_as_those_of_statsforecast() {
    for case in reference().fixed {
        let order = order(&case.order[..7], case.order[7] > 0);
        let differenced = order.difference(&case.values);
        let mut likelihood = Likelihood::new(order, &differenced);
        let estimate = likelihood.estimate(&vec![0.0; order.terms().iter().sum()], Effort::FINAL).unwrap();
        let name = &case.name;
        assert!(
            estimate.log_likelihood > case.log_likelihood - 1e-3,
            "{name}: {} is less likely than {}",
            estimate.log_likelihood,
            case.log_likelihood
        );
        // Where it is the same maximum, the coefficients and the forecasts are the same too.
        if estimate.log_likelihood < case.log_likelihood + 1e-3 {
            let found = &estimate.coefficients;
            for (word, found) in
                [("ar", &found.ar), ("ma", &found.ma), ("sar", &found.seasonal_ar), ("sma", &found.seasonal_ma)]
            {
                for (index, found) in found.iter().enumerate() {
                    let expected = case.coefficients[&format!("{word}{}", index + 1)];
                    assert!((found - expected).abs() < 0.02, "{name}, {word}{}: {found} is not {expected}", index + 1);
                }
            }
            let found =
                Found { order, constant: estimate.constant, coefficients: estimate.coefficients, log_likelihood: 0.0 };
            let fit = found.forecast(&Input { values: &case.values, seasons: &[], horizon: 24, known: None }).unwrap();
            for (step, (found, expected)) in fit.forecast.iter().zip(&case.forecast).enumerate() {
                assert!((found / expected - 1.0).abs() < 2e-3, "{name}, step {step}: {found} is not {expected}");
            }
        }
    }
}

#[test]
fn chosen_orders_are_as_good_as_those_of_statsforecast() {
    for case in reference().automatic {
        let seasons = [case.season];
        let seasons = if case.season > 1 { &seasons[..] } else { &[] };
        let differences = Order::differences(&case.values, case.season);
        let theirs = order(&case.order, false);
        assert_eq!((differences.d, differences.seasonal_d), (theirs.d, theirs.seasonal_d), "{}", case.name);
        let differenced = differences.difference(&case.values);
        let estimate = super::search::search(differences, &differenced).unwrap();
        // Two searches through the same space end in valleys of their own.
        assert!(
            estimate.aicc < case.aicc + 1.0,
            "{}: {} at {}, against {theirs} at {}",
            case.name,
            estimate.order,
            estimate.aicc,
            case.aicc
        );
        let fit = Arima.fit(&Input { values: &case.values, seasons, horizon: 3, known: None }).unwrap();
        assert_eq!(fit.parameters.form, estimate.order.to_string());
    }
}

#[test]
fn the_likelihood_is_that_of_the_whole_covariance() {
    let values: Vec<f64> = (0..30).map(|step| f64::from(step * 37 % 11) - 5.0).collect();
    for (ar, ma) in [
        (vec![], vec![]),
        (vec![0.7], vec![]),
        (vec![], vec![0.5, -0.3]),
        (vec![0.5, -0.4], vec![0.6]),
        (vec![0.3], vec![0.4, 0.2, 0.5]),
        (product(&[-0.5], &[-0.6], 4).iter().map(|c| -c).collect(), product(&[0.4], &[0.5], 4)),
    ] {
        // Autocovariances from many of the weights of the errors.
        let mut weights = vec![1.0];
        for index in 1..3000 {
            let echo: f64 = ar.iter().zip(weights.iter().rev()).map(|(c, w)| c * w).sum();
            weights.push(echo + ma.get(index - 1).copied().unwrap_or(0.0));
        }
        let covariance = |lag: usize| -> f64 { weights.iter().zip(&weights[lag..]).map(|(a, b)| a * b).sum() };
        // Cholesky's factor of the whole matrix, and the values through it.
        let mut factor = vec![vec![0.0; 30]; 30];
        let mut whitened = vec![0.0; 30];
        let mut variances = vec![0.0; 30];
        for row in 0..30 {
            for column in 0..=row {
                let known: f64 = (0..column).map(|k| factor[row][k] * factor[column][k]).sum();
                let rest = covariance(row - column) - known;
                factor[row][column] = if row == column { rest.sqrt() } else { rest / factor[column][column] };
            }
            let known: f64 = (0..row).map(|k| factor[row][k] * whitened[k]).sum();
            whitened[row] = (values[row] - known) / factor[row][row];
            variances[row] = factor[row][row] * factor[row][row];
        }
        let process = Process::of(ar.clone(), ma.clone()).unwrap();
        let (mut pass, mut errors) = (Pass::default(), Vec::new());
        process.factor(30, 30, &mut pass).unwrap();
        process.filter(&values, &pass, &mut errors, |_| ());
        for step in 0..30 {
            assert!((pass.variances[step] - variances[step]).abs() < 1e-8, "{ar:?} {ma:?}, step {step}");
            assert!((errors[step] - whitened[step] * factor[step][step]).abs() < 1e-7, "{ar:?} {ma:?}, step {step}");
        }
    }
}

#[test]
fn polynomials_stay_stationary() {
    let coefficients = from_partial(&[0.9, -0.99, 0.5]);
    let (orders, _) = predictors(&coefficients).unwrap();
    let partial: Vec<f64> = orders[1..].iter().map(|order| order[order.len() - 1]).collect();
    for (found, expected) in partial.iter().zip([0.9, -0.99, 0.5]) {
        assert!((found - expected).abs() < 1e-9);
    }
    assert!(predictors(&[1.0]).is_none() && predictors(&[0.5, 0.6]).is_none() && predictors(&[f64::NAN]).is_none());
    assert!(roots_beyond(&[0.98], 1.01) && !roots_beyond(&[0.995], 1.01));
    assert_eq!(product(&[-0.5], &[-0.4], 3), [-0.5, 0.0, -0.4, 0.2]);
}

#[test]
fn drift_is_tested_for() {
    let flat: Vec<f64> = (0..200).map(|step| f64::from(step * 37 % 11)).collect();
    let mut sum = 0.0;
    let walk: Vec<f64> = flat
        .iter()
        .map(|value| {
            sum += value - 4.0;
            sum
        })
        .collect();
    assert!(kpss(&flat) < 0.2 && kpss(&walk) > 1.0);
    assert_eq!(Order::differences(&walk, 1).d, 1);
    assert_eq!(Order::differences(&[0.0, 1.0, 5.0, 2.0].repeat(12), 4).seasonal_d, 1);
}

#[test]
fn a_line_goes_on() {
    let values: Vec<f64> = (0..30).map(|step| 7.0 - 0.5 * f64::from(step)).collect();
    let fit = Arima.fit(&Input { values: &values, seasons: &[], horizon: 3, known: None }).unwrap();
    assert_eq!(fit.parameters.form, "ARIMA(0,1,0) with drift");
    for (found, expected) in fit.forecast.iter().zip([-8.0, -8.5, -9.0]) {
        assert!((found - expected).abs() < 1e-9);
    }
}

#[test]
fn coefficients_are_written_in_the_usual_signs() {
    let coefficients = Coefficients { ar: vec![0.5], ma: vec![0.4], ..Coefficients::default() };
    let process = coefficients.process(1).unwrap();
    let (mut pass, mut errors) = (Pass::default(), Vec::new());
    process.factor(2, 2, &mut pass).unwrap();
    let mut said = Vec::new();
    process.filter(&[2.0], &pass, &mut errors, |value| said.push(value));
    // The variance of the process is (1 + 2·0.5·0.4 + 0.4²) / (1 - 0.5²), its first autocovariance half of that plus
    // 0.4.
    let variance = 1.56 / 0.75;
    assert!((said[1] - 2.0 * (0.5 * variance + 0.4) / variance).abs() < 1e-12);
}

#[test]
fn what_it_cannot_do_it_says() {
    let input = Input { values: &[1.0, 2.0], seasons: &[], horizon: 1, known: None };
    assert_eq!(Arima.fit(&input), Err(Unfit::Short { model: "arima", needs: 5, has: 2 }));
}

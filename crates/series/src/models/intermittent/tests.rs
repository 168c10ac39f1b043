#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Adida, Croston, Imapa, Sba, Tsb};
use crate::model::{Input, Model, Unfit};

const MODELS: [&dyn Model; 5] = [&Croston, &Sba, &Tsb, &Adida, &Imapa];

#[derive(Deserialize)]
struct Case {
    name: String,
    values: Vec<f64>,
    forecasts: BTreeMap<String, f64>,
    fitted: BTreeMap<String, Vec<Option<f64>>>,
}

#[test]
fn forecasts_are_those_of_statsforecast() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../tests/reference/intermittent.json")).unwrap();
    for case in cases {
        for model in MODELS {
            let fit = model.fit(&Input { values: &case.values, seasons: &[], horizon: 3, known: None }).unwrap();
            let expected = case.forecasts[model.name()];
            // The peer searches for ADIDA's and IMAPA's weight less closely.
            let tolerance = if model.name().ends_with('a') && model.name() != "sba" { 1e-3 } else { 1e-9 };
            let found = fit.forecast[2];
            assert!(
                (found / expected - 1.0).abs() < tolerance,
                "{} of {}: {found} is not {expected}",
                model.name(),
                case.name
            );
            let fitted = case.fitted.get(model.name()).into_iter().flatten();
            let first = case.values.iter().position(|value| *value > 0.0).unwrap();
            for (step, (found, expected)) in fit.fitted.iter().zip(fitted).enumerate().skip(first + 1) {
                let expected = expected.unwrap();
                assert!(
                    (found - expected).abs() < 1e-9,
                    "{} of {}, step {step}: {found} is not {expected}",
                    model.name(),
                    case.name
                );
            }
        }
    }
}

#[test]
fn no_demand_is_forecast_from_none() {
    for model in MODELS {
        let fit = model.fit(&Input { values: &[0.0; 30], seasons: &[7], horizon: 4, known: None }).unwrap();
        assert_eq!(fit.forecast, [0.0; 4], "{}", model.name());
    }
}

#[test]
fn only_tsb_forgets_an_item_that_is_no_longer_asked_for() {
    let values = [[4.0, 0.0, 5.0, 0.0].repeat(10), vec![0.0; 60]].concat();
    let level = |model: &dyn Model| {
        model.fit(&Input { values: &values, seasons: &[], horizon: 1, known: None }).unwrap().forecast[0]
    };
    assert!(level(&Tsb) < 0.02 && level(&Croston) > 1.5);
}

#[test]
fn negative_values_are_no_demand() {
    for model in MODELS {
        let input = Input { values: &[1.0, -1.0], seasons: &[], horizon: 1, known: None };
        assert!(matches!(model.fit(&input), Err(Unfit::Unsuited { .. })), "{}", model.name());
    }
}

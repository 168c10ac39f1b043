//! What every model promises, over the list of all of them.

use lockgate_series::models::{all, named};
use lockgate_series::{Fit, Input, Known, Model, Unfit};

use crate::series::{AIR_PASSENGERS, NILE, intermittent, noise, seasonal};

fn input<'a>(values: &'a [f64], seasons: &'a [usize], horizon: usize) -> Input<'a> {
    Input { values, seasons, horizon, known: None }
}

/// Series that have broken models before, each with its seasons.
pub(crate) fn hard() -> Vec<(&'static str, Vec<f64>, &'static [usize])> {
    let scaled = |factor: f64| AIR_PASSENGERS.iter().map(|value| value * factor).collect::<Vec<f64>>();
    let mut outlier = seasonal(96, 12);
    outlier[40] = 1e9;
    let mut step: Vec<f64> = noise(2, 80).iter().map(|value| 10.0 + value).collect();
    step[50..].iter_mut().for_each(|value| *value += 1000.0);
    vec![
        ("one value", vec![3.0], &[]),
        ("one value with a season", vec![-3.0], &[12]),
        ("two values", vec![3.0, 4.0], &[12]),
        ("three values", vec![3.0, 4.0, -1.0], &[2]),
        ("five values", vec![3.0, 4.0, 6.0, 1.0, 2.0], &[12]),
        ("one season", seasonal(12, 12), &[12]),
        ("just under two seasons", seasonal(23, 12), &[12]),
        ("two seasons", seasonal(24, 12), &[12]),
        ("three seasons", seasonal(36, 12), &[12]),
        ("a constant", vec![5.0; 60], &[12]),
        ("a huge constant", vec![1e300; 60], &[12]),
        ("zeros", vec![0.0; 60], &[12]),
        ("a constant that ends", [vec![5.0; 50], vec![0.0; 10]].concat(), &[12]),
        ("zeros that end", [vec![0.0; 50], vec![5.0; 10]].concat(), &[12]),
        ("one value among zeros", [vec![0.0; 30], vec![7.0], vec![0.0; 29]].concat(), &[12]),
        ("a line", (0..60).map(f64::from).collect(), &[12]),
        ("a falling line", (0..60).map(|step| -2.5 * f64::from(step)).collect(), &[]),
        ("an exact season", (0..60).map(|step| f64::from(step % 12)).collect(), &[12]),
        ("alternating signs", (0..61).map(|step| if step % 2 == 0 { 1.0 } else { -1.0 }).collect(), &[2]),
        ("growth", (0..60).map(|step| 1.3_f64.powi(step)).collect(), &[12]),
        ("noise around 0", noise(5, 100), &[12]),
        ("demand", intermittent(120), &[7]),
        ("air passengers", AIR_PASSENGERS.to_vec(), &[12]),
        ("huge", scaled(1e300), &[12]),
        ("tiny", scaled(1e-300), &[12]),
        ("subnormal", scaled(1e-320), &[12]),
        ("negative", scaled(-1.0), &[12]),
        ("an outlier", outlier, &[12]),
        ("a step", step, &[12]),
        ("two seasons at once", seasonal(400, 24), &[24, 168]),
        ("a season longer than the history", seasonal(50, 12), &[12, 365]),
        ("the nile", NILE.to_vec(), &[]),
    ]
}

fn check(model: &dyn Model, what: &str, input: &Input<'_>, fit: &Fit) {
    let name = model.name();
    assert_eq!(fit.forecast.len(), input.horizon, "{name} on {what}");
    assert_eq!(fit.fitted.len(), input.values.len(), "{name} on {what}");
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    assert!(finite(&fit.forecast), "{name} on {what}: {:?}", fit.forecast);
    assert!(finite(&fit.fitted), "{name} on {what}: {:?}", fit.fitted);
    assert!(!fit.parts.is_empty(), "{name} on {what}");
    let largest = input.values.iter().chain(&fit.forecast).fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for step in 0..input.horizon {
        let sum: f64 = fit.parts.iter().map(|part| part.values[step]).sum();
        assert!(fit.parts.iter().all(|part| part.values[step].is_finite()), "{name} on {what}: {:?}", fit.parts);
        let largest = fit.parts.iter().fold(largest, |largest, part| largest.max(part.values[step].abs()));
        assert!((sum - fit.forecast[step]).abs() <= 1e-9 * largest, "{name} on {what}: {:?}", fit.parts);
    }
}

#[test]
fn finite_in_finite_out_and_the_parts_add_up() {
    for model in all() {
        for (what, values, seasons) in hard() {
            for horizon in [1, 30] {
                let input = input(&values, seasons, horizon);
                if let Ok(fit) = model.fit(&input) {
                    check(*model, what, &input, &fit);
                }
            }
        }
    }
}

#[test]
fn a_fit_applied_again_is_the_same_bit_for_bit() {
    for model in all() {
        for (what, values, seasons) in hard() {
            let input = input(&values, seasons, 20);
            let Ok(fit) = model.fit(&input) else { continue };
            assert_eq!(model.fit(&input).as_ref(), Ok(&fit), "{} on {what}: a second fit differs", model.name());
            let mut buffer = vec![0; 1 << 22];
            let stored = postcard::to_slice(&fit.parameters, &mut buffer).expect("parameters are plain data");
            let read = postcard::from_bytes(stored).expect("what was written is read");
            let again =
                model.apply(&read, &input).unwrap_or_else(|error| panic!("{} on {what}: {error}", model.name()));
            assert_eq!(again.forecast, fit.forecast, "{} on {what}", model.name());
            check(*model, what, &input, &again);
        }
    }
}

#[test]
fn a_fit_goes_on_over_a_longer_history() {
    for model in all() {
        for (what, values, seasons) in hard() {
            let earlier = &values[..values.len() * 3 / 4];
            if earlier.is_empty() {
                continue;
            }
            let Ok(fit) = model.fit(&input(earlier, seasons, 6)) else { continue };
            let later = input(&values, seasons, 6);
            if let Ok(applied) = model.apply(&fit.parameters, &later) {
                check(*model, what, &later, &applied);
            }
        }
    }
}

#[test]
fn a_shorter_horizon_is_the_start_of_a_longer_one() {
    for model in all() {
        let (short, long) = (input(&AIR_PASSENGERS, &[12], 5), input(&AIR_PASSENGERS, &[12], 30));
        let (Ok(short), Ok(long)) = (model.fit(&short), model.fit(&long)) else { continue };
        assert_eq!(short.forecast, long.forecast[..5], "{}", model.name());
    }
}

/// Models whose forecast of `a` times the values is `a` times the forecast.
const SCALE: &[&str] = &[
    "naive",
    "seasonal_naive",
    "moved_season",
    "drift",
    "naive2",
    "ses",
    "holt",
    "damped",
    "ets",
    "ets_average",
    "theta",
    "optimised_theta",
    "dynamic_theta",
    "dynamic_optimised_theta",
    "ces",
    "croston",
    "sba",
    "tsb",
    "adida",
    "imapa",
    "mstl",
    "regression",
    "arima",
];

/// Models whose forecast of the values plus `a` is the forecast plus `a`.
const SHIFT: &[&str] = &["naive", "seasonal_naive", "moved_season", "drift", "mstl", "arima"];

/// The same, of series without a season that multiplies.
const SHIFT_WITHOUT_SEASON: &[&str] =
    &["ses", "holt", "damped", "theta", "optimised_theta", "dynamic_theta", "dynamic_optimised_theta"];

/// `None` when the series is not of the kind that the model is for.
fn forecast(name: &str, values: &[f64], seasons: &[usize]) -> Option<Vec<f64>> {
    let model = named(name).unwrap_or_else(|| panic!("there is no model {name}"));
    match model.fit(&input(values, seasons, 20)) {
        Ok(fit) => Some(fit.forecast),
        Err(Unfit::Unsuited { .. }) => None,
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn scale_equivariance() {
    let series: [(&[f64], &[usize]); 3] = [(&AIR_PASSENGERS, &[12]), (&NILE, &[]), (&seasonal(90, 7), &[7])];
    for (values, seasons) in series {
        for name in SCALE {
            let Some(plain) = forecast(name, values, seasons) else { continue };
            for (factor, tolerance) in [(1024.0, 1e-12), (0.001, 1e-3)] {
                let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
                for (scaled, plain) in forecast(name, &scaled, seasons).iter().flatten().zip(&plain) {
                    assert!((scaled / factor - plain).abs() <= tolerance * plain.abs(), "{name}: {scaled} {plain}");
                }
            }
        }
    }
}

#[test]
fn shift_equivariance() {
    let series: [(&[f64], &[usize]); 2] = [(&NILE, &[]), (&seasonal(90, 7), &[7])];
    for (values, seasons) in series {
        let plain = if seasons.is_empty() { SHIFT_WITHOUT_SEASON } else { &[] };
        for name in SHIFT.iter().chain(plain) {
            let Some(plain) = forecast(name, values, seasons) else { continue };
            let shifted: Vec<f64> = values.iter().map(|value| value + 500.0).collect();
            for (shifted, plain) in forecast(name, &shifted, seasons).iter().flatten().zip(&plain) {
                assert!((shifted - 500.0 - plain).abs() <= 1e-3 * plain.abs(), "{name}: {shifted} {plain}");
            }
        }
    }
}

#[test]
fn names_are_words_of_their_own() {
    let mut names: Vec<&str> = all().iter().map(|model| model.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().len());
    assert!(names.iter().all(|name| {
        name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit())
    }));
}

#[test]
fn known_columns_do_no_harm() {
    let columns = vec![(0..164).map(|step| f64::from(step % 5)).collect()];
    let known = Known { names: vec!["promotion".to_owned()], columns };
    for model in all() {
        let input = Input { values: &AIR_PASSENGERS, seasons: &[12], horizon: 20, known: Some(&known) };
        if let Ok(fit) = model.fit(&input) {
            check(*model, "air passengers with a known column", &input, &fit);
        }
    }
}

use lockgate_series::models::{Ets, named};
use lockgate_series::{Input, Model, Unfit};

use crate::series::{AIR_PASSENGERS, NILE, noise, seasonal};

fn form(values: &[f64], seasons: &[usize]) -> String {
    let input = Input { values, seasons, horizon: 12, known: None };
    Ets::AUTO.fit(&input).expect("long enough").parameters.form
}

#[test]
fn the_form_suits_the_series() {
    // As R and statsforecast choose.
    assert_eq!(form(&AIR_PASSENGERS, &[12]), "ETS(M,Ad,M)");
    assert!(form(&NILE, &[]).ends_with(",N,N)"), "{}", form(&NILE, &[]));
    assert!(form(&seasonal(120, 12), &[12]).ends_with(",A)"), "{}", form(&seasonal(120, 12), &[12]));
    assert!(form(&noise(9, 100), &[12]).starts_with("ETS(A,N,N)"));
    assert_eq!(form(&[4.0; 50], &[12]), "ETS(A,N,N)");
}

#[test]
fn a_longer_season_is_taken_out_first() {
    let values: Vec<f64> = noise(1, 840)
        .iter()
        .enumerate()
        .map(|(step, noise)| 100.0 + 10.0 * (step % 24) as f64 + if step % 168 < 48 { 60.0 } else { 0.0 } + noise)
        .collect();
    let input = Input { values: &values[..744], seasons: &[24, 168], horizon: 96, known: None };
    let fit = Ets::AUTO.fit(&input).expect("long enough");
    let worst = fit.forecast.iter().zip(&values[744..]).map(|(left, right)| (left - right).abs()).fold(0.0, f64::max);
    assert!(worst < 20.0, "{worst} with {}", fit.parameters.form);
    assert!(fit.parts.iter().any(|part| part.name == "season 168"));
}

#[test]
fn a_trend_goes_on() {
    let values: Vec<f64> = (0..50).map(|step| 20.0 + 3.0 * f64::from(step)).collect();
    let input = Input { values: &values, seasons: &[], horizon: 3, known: None };
    let fit = Ets::HOLT.fit(&input).expect("long enough");
    for (step, value) in (50..).zip(&fit.forecast) {
        assert!((value - (20.0 + 3.0 * f64::from(step))).abs() < 0.01, "{value}");
    }
    assert_eq!(fit.parts[1].name, "trend");
}

#[test]
fn too_short_says_how_short() {
    let input = Input { values: &[1.0, 2.0, 3.0], seasons: &[12], horizon: 3, known: None };
    assert_eq!(Ets::SES.fit(&input), Err(Unfit::Short { model: "ses", needs: 5, has: 3 }));
    assert!(named("ets").expect("a model of ours").fit(&input).is_err());
}

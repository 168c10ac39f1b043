use lockgate_series::decompose::{Kind, Seasonal, autocorrelations, is_seasonal, power_of_two_near};

use crate::series::{AIR_PASSENGERS, NILE, noise};

#[test]
fn indices_of_air_passengers_are_those_of_r() {
    // R: decompose(AirPassengers, "multiplicative")$figure and decompose(AirPassengers)$figure.
    let multiplicative = [
        0.9102304, 0.8836253, 1.0073663, 0.9759060, 0.9813780, 1.1127758, 1.2265555, 1.2199110, 1.0604919, 0.9217572,
        0.8011781, 0.8988244,
    ];
    let additive = [
        -24.748737, -36.188131, -2.241162, -8.036616, -4.506313, 35.402778, 63.830808, 62.823232, 16.520202,
        -20.642677, -53.593434, -28.619949,
    ];
    for (kind, expected, tolerance) in [(Kind::Multiplicative, multiplicative, 1e-7), (Kind::Additive, additive, 1e-6)]
    {
        let found = Seasonal::classical(&AIR_PASSENGERS, 12, kind).expect("twelve seasons are enough");
        for (index, expected) in found.indices.iter().zip(expected) {
            assert!((index - expected).abs() < tolerance, "{kind:?}: {index} is not {expected}");
        }
    }
}

#[test]
fn an_odd_season_is_found_exactly() {
    let season = [3.0, -1.0, -2.0];
    let values: Vec<f64> = (0..20).map(|step| 5.0 + step as f64 + season[step % 3]).collect();
    let found = Seasonal::classical(&values, 3, Kind::Additive).expect("six seasons are enough");
    for (index, expected) in found.indices.iter().zip(season) {
        assert!((index - expected).abs() < 1e-12);
    }
    for (step, &value) in values.iter().enumerate() {
        assert!((found.restore(step, found.remove(step, value)) - value).abs() < 1e-12);
    }
}

#[test]
fn the_test_finds_seasons_that_are_there() {
    assert!(is_seasonal(&AIR_PASSENGERS, 12));
    assert!(!is_seasonal(&AIR_PASSENGERS[..35], 12), "less than three seasons");
    assert!(!is_seasonal(&noise(3, 200), 12));
    assert!(!is_seasonal(&[4.0; 60], 12));
    assert!(Seasonal::tested(&AIR_PASSENGERS, 12).is_some_and(|season| season.kind == Kind::Multiplicative));
    let negative: Vec<f64> = AIR_PASSENGERS.iter().map(|value| value - 300.0).collect();
    assert!(Seasonal::tested(&negative, 12).is_some_and(|season| season.kind == Kind::Additive));
}

#[test]
fn a_season_of_noise_shrinks_and_a_clear_one_does_not() {
    let noise = noise(4, 120);
    let found = Seasonal::classical(&noise, 12, Kind::Additive).expect("ten seasons are enough");
    let shrunk = found.clone().shrunk(&noise);
    let size = |season: &Seasonal| season.indices.iter().map(|index| index * index).sum::<f64>();
    assert!(size(&shrunk) < 0.3 * size(&found), "{} of {}", size(&shrunk), size(&found));
    let found = Seasonal::classical(&AIR_PASSENGERS, 12, Kind::Multiplicative).expect("twelve seasons are enough");
    let shrunk = found.clone().shrunk(&AIR_PASSENGERS);
    assert!(found.indices.iter().zip(&shrunk.indices).all(|(found, shrunk)| (found - shrunk).abs() < 0.005));
}

#[test]
fn autocorrelations_of_the_nile() {
    // By the definition, summed another way round.
    let mean = NILE.iter().sum::<f64>() / 100.0;
    let whole: f64 = NILE.iter().map(|value| (value - mean).powi(2)).sum();
    for (lag, correlation) in (1..).zip(autocorrelations(&NILE, 10)) {
        let direct: f64 = (lag..100).map(|step| (NILE[step] - mean) * (NILE[step - lag] - mean)).sum::<f64>() / whole;
        assert!((correlation - direct).abs() < 1e-12);
    }
    let same: Vec<f64> = NILE.iter().map(|value| value * 1e300).collect();
    let (left, right) = (autocorrelations(&same, 3), autocorrelations(&NILE, 3));
    assert!(left.iter().zip(right).all(|(left, right)| (left - right).abs() < 1e-9), "huge values do not overflow");
    assert_eq!(autocorrelations(&[1.0, 2.0], 4), [-0.5, 0.0, 0.0, 0.0]);
}

#[test]
fn powers_of_two() {
    assert_eq!(power_of_two_near(&[0.0, -5.0, 3.0]), 4.0);
    assert_eq!(power_of_two_near(&[0.3]), 0.25);
    assert_eq!(power_of_two_near(&[0.0]), 1.0);
    assert_eq!(power_of_two_near(&[]), 1.0);
    assert!(power_of_two_near(&[f64::MAX]).is_finite());
}

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{Earlier, Expected, left, rounded};

/// A forecast of eight steps after `origin`, each of which says its own number.
fn forecast(origin: i64) -> Vec<Expected> {
    let step = |step: usize| {
        let index = origin + step as i64;
        let forecast = index as f64 + 1.0 / 3.0;
        Expected { index, step, forecast, bands: vec![Some((forecast - 1.0, forecast + 1.0)), None] }
    };
    (1..=8).map(step).collect()
}

fn origins(kept: &[Earlier]) -> Vec<i64> {
    kept.iter().map(|earlier| earlier.origin).collect()
}

#[test]
fn a_few_of_many_forecasts_are_kept_until_their_time_has_come() {
    let mut kept = Vec::new();
    for origin in 0..40_i64 {
        // The live forecast ended at `origin`; one more value has come since.
        kept = left(&kept, &forecast(origin), &[80.0, 95.0], 8, origin + 2);
        assert!(kept.len() <= 4, "{:?}", origins(&kept));
        assert!(
            kept.iter().flat_map(|earlier| &earlier.steps).all(|(_, forecast, _)| *forecast >= origin as f64 + 2.0)
        );
    }
    assert_eq!(origins(&kept), [34, 36, 38], "a quarter of a horizon apart");
    // Of a series that is late nothing comes, and the oldest go.
    let late = (40..80).step_by(2).fold(kept.clone(), |kept, origin| left(&kept, &forecast(origin), &[80.0], 8, 40));
    assert_eq!(origins(&late), [72, 74, 76, 78]);
    // A forecast is made again of the same history: nothing is kept twice.
    assert_eq!(left(&kept, &forecast(38), &[80.0, 95.0], 8, 41), kept);
}

#[test]
fn it_comes_back_on_the_steps_and_levels_that_are_asked_for() {
    let kept = left(&[], &forecast(10), &[80.0, 95.0], 8, 14);
    let expected: Vec<Expected> = kept[0].expected(&[90.0, 80.0]).collect();
    assert_eq!(expected.len(), 5);
    let first = &expected[0];
    assert_eq!((first.index, first.step, first.forecast), (14, 4, 14.3333));
    assert_eq!(first.bands, [None, Some((13.3333, 15.3333))]);
    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Earlier>>(&text).unwrap(), kept);
}

#[test]
fn six_digits_are_left() {
    assert_eq!([0.0, -1234567.8, 1.0 / 3.0, 5e-300].map(rounded), [0.0, -1234570.0, 0.333333, 5e-300]);
}

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::trees::{Dice, Forest, Growth};
use super::{Boosted, TrainedBoosted};
use crate::model::{GlobalModel, Input, Known, Unfit};

/// Series with a week, a level and a noise of their own.
fn series(count: usize, steps: usize) -> Vec<Vec<f64>> {
    let mut dice = Dice::new(3);
    (0..count)
        .map(|index| {
            let level = 50.0 + index as f64;
            (0..steps).map(|step| level + 10.0 * ((step + index) % 7) as f64 + 4.0 * dice.unit()).collect()
        })
        .collect()
}

fn inputs(series: &[Vec<f64>]) -> Vec<Input<'_>> {
    series.iter().map(|values| Input { values, seasons: &[7], horizon: 14, known: None }).collect()
}

#[test]
fn trees_learn_steps_and_what_is_missing() {
    let mut dice = Dice::new(9);
    let rows: Vec<f64> = (0..6000).map(|_| dice.unit()).collect();
    let said = |row: &[f64]| if row[0] > 0.5 { 3.0 } else { -1.0 } + if row[1] > 0.8 { 1.0 } else { 0.0 };
    let mut rows = rows;
    let targets: Vec<f64> = rows.chunks_exact(2).map(said).collect();
    // A missing second feature goes with what is small.
    for row in rows.chunks_exact_mut(2).filter(|row| row[1] < 0.2) {
        row[1] = f64::NAN;
    }
    let growth = Growth { trees: 60, leaves: 8, rows: 20, rate: 0.3, share: 0.7 };
    let forest = Forest::grow(&rows, 2, &targets, growth);
    for (row, expected) in [([0.2, 0.4], -1.0), ([0.7, f64::NAN], 3.0), ([0.9, 0.9], 4.0), ([0.1, 0.99], 0.0)] {
        assert!((forest.say(&row) - expected).abs() < 0.1, "{row:?}: {} is not {expected}", forest.say(&row));
    }
    assert_eq!(Forest::grow(&rows, 2, &targets, growth), forest);
}

#[test]
fn noise_is_smoothed_over_the_rounds() {
    let series = series(60, 120);
    let trained = Boosted.train(&inputs(&series)).unwrap();
    let (mut error, mut naive) = (0.0, 0.0);
    for (index, input) in inputs(&series).iter().enumerate() {
        let fit = trained.fit(input).unwrap();
        for (ahead, value) in fit.forecast.iter().enumerate() {
            let expected = 52.0 + index as f64 + 10.0 * ((120 + ahead + index) % 7) as f64;
            error += (value - expected).abs();
            naive += (input.values[120 - 7 + ahead % 7] - expected).abs();
            let sum: f64 = fit.parts.iter().map(|part| part.values[ahead]).sum();
            assert!((sum - value).abs() < 1e-9);
        }
        assert_eq!(fit.fitted.len(), 120);
    }
    assert!(error < 0.7 * naive, "{error} against {naive}");
}

#[test]
fn what_was_learned_can_be_stored() {
    let series = series(40, 60);
    let learned = Boosted.learn(&inputs(&series)).unwrap();
    let mut buffer = vec![0; 1 << 22];
    let stored = postcard::to_slice(&learned, &mut buffer).unwrap();
    assert_eq!(postcard::from_bytes::<TrainedBoosted>(stored).unwrap(), learned);
    assert_eq!(Boosted.learn(&inputs(&series)).unwrap(), learned);
}

#[test]
fn a_known_column_is_followed() {
    let mut series = series(60, 100);
    let columns: Vec<Known> = (0..60)
        .map(|index| Known {
            names: vec!["promotion".to_owned()],
            columns: vec![(0..114).map(|step| if (step * 7 + index) % 11 < 2 { 1.0 } else { 0.0 }).collect()],
        })
        .collect();
    for (values, known) in series.iter_mut().zip(&columns) {
        values.iter_mut().zip(&known.columns[0]).for_each(|(value, promotion)| *value += 40.0 * promotion);
    }
    let inputs: Vec<Input<'_>> = series
        .iter()
        .zip(&columns)
        .map(|(values, known)| Input { values, seasons: &[7], horizon: 14, known: Some(known) })
        .collect();
    let trained = Boosted.train(&inputs).unwrap();
    let mut error = 0.0;
    for (index, input) in inputs.iter().enumerate() {
        for (ahead, value) in trained.fit(input).unwrap().forecast.iter().enumerate() {
            let step = 100 + ahead;
            let promotion = columns[index].columns[0][step];
            let expected = 52.0 + index as f64 + 10.0 * ((step + index) % 7) as f64 + 40.0 * promotion;
            error += (value - expected).abs() / (60.0 * 14.0);
        }
    }
    assert!(error < 6.0, "{error}");
}

#[test]
fn what_it_cannot_do_it_says() {
    assert!(matches!(Boosted.train(&inputs(&series(3, 30))), Err(Unfit::Short { .. })));
    assert!(matches!(Boosted.train(&[]), Err(Unfit::Short { .. })));
    let series = series(40, 60);
    let trained = Boosted.train(&inputs(&series)).unwrap();
    for (values, seasons) in [(vec![1.0; 40], &[7][..]), (vec![1.0, 2.0], &[7][..]), (series[0].clone(), &[][..])] {
        let input = Input { values: &values, seasons, horizon: 3, known: None };
        if let Ok(fit) = trained.fit(&input) {
            assert!(fit.forecast.iter().all(|value| value.is_finite()));
        }
    }
    // Beyond what was learned it goes on.
    let long = Input { horizon: 100, ..inputs(&series)[0] };
    assert_eq!(trained.fit(&long).unwrap().forecast.len(), 100);
}

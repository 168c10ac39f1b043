use super::{Normal, Ridge};

fn solve(rows: &[Vec<f64>], targets: &[f64], penalties: &[f64]) -> Ridge {
    let mut normal = Normal::new(penalties.len());
    for (row, target) in rows.iter().zip(targets) {
        normal.add(row, *target, 1.0);
    }
    normal.solve(penalties)
}

/// Norris's calibration of ozone monitors: from NIST's reference sets for statistics (StRD), with certified coefficients.
const NORRIS: [(f64, f64); 36] = [
    (0.2, 0.1),
    (337.4, 338.8),
    (118.2, 118.1),
    (884.6, 888.0),
    (10.1, 9.2),
    (226.5, 228.1),
    (666.3, 668.5),
    (996.3, 998.5),
    (448.6, 449.1),
    (777.0, 778.9),
    (558.2, 559.2),
    (0.4, 0.3),
    (0.6, 0.1),
    (775.5, 778.1),
    (666.9, 668.8),
    (338.0, 339.3),
    (447.5, 448.9),
    (11.6, 10.8),
    (556.0, 557.7),
    (228.1, 228.3),
    (995.8, 998.0),
    (887.6, 888.8),
    (120.2, 119.6),
    (0.3, 0.3),
    (0.3, 0.6),
    (556.8, 557.6),
    (339.1, 339.3),
    (887.2, 888.0),
    (999.0, 998.5),
    (779.0, 778.9),
    (11.1, 10.2),
    (118.3, 117.6),
    (229.2, 228.9),
    (669.1, 668.4),
    (448.9, 449.2),
    (0.5, 0.2),
];

#[test]
fn norris_is_solved_to_the_certified_digits() {
    let rows: Vec<Vec<f64>> = NORRIS.iter().map(|(x, _)| vec![1.0, *x]).collect();
    let targets: Vec<f64> = NORRIS.iter().map(|(_, y)| *y).collect();
    let found = solve(&rows, &targets, &[0.0, 0.0]);
    assert!((found.coefficients[0] - -0.262_323_073_774_029).abs() < 1e-9, "{:?}", found.coefficients);
    assert!((found.coefficients[1] - 1.002_116_818_020_45).abs() < 1e-12, "{:?}", found.coefficients);
    assert!((found.residual_sum - 26.617_399_294_224_9).abs() < 1e-5, "{}", found.residual_sum);
}

#[test]
fn dependent_columns_get_nothing() {
    let rows: Vec<Vec<f64>> = (0..10).map(|step| vec![1.0, f64::from(step), 2.0 * f64::from(step) + 3.0]).collect();
    let targets: Vec<f64> = (0..10).map(|step| 5.0 + 0.5 * f64::from(step)).collect();
    let found = solve(&rows, &targets, &[0.0; 3]);
    assert!((found.coefficients[0] - 5.0).abs() < 1e-8 && (found.coefficients[1] - 0.5).abs() < 1e-8);
    assert_eq!(found.coefficients[2], 0.0);
}

#[test]
fn a_penalty_shrinks() {
    let rows: Vec<Vec<f64>> = (0..40).map(|step| vec![1.0, f64::from(step % 7), f64::from(step * step % 11)]).collect();
    let targets: Vec<f64> = (0..40).map(|step| f64::from(step * 37 % 13)).collect();
    let free = solve(&rows, &targets, &[0.0; 3]);
    assert!((free.freedom - 3.0).abs() < 1e-9);
    let shrunk = solve(&rows, &targets, &[0.0, 1e12, 1e12]);
    let mean = targets.iter().sum::<f64>() / 40.0;
    assert!((shrunk.coefficients[0] - mean).abs() < 1e-6);
    assert!(shrunk.coefficients[1].abs() < 1e-6 && shrunk.coefficients[2].abs() < 1e-6);
    assert!((shrunk.freedom - 1.0).abs() < 1e-6 && shrunk.residual_sum > free.residual_sum);
}

#[test]
fn nothing_in_is_nothing_out() {
    assert_eq!(Normal::new(2).solve(&[0.0, 0.0]).coefficients, [0.0, 0.0]);
}

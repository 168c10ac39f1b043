use lockgate_series::optimise::{Limits, brent, descend, nelder_mead, scan_and_brent};

const LIMITS: Limits = Limits { evaluations: 2000, tolerance: 1e-12 };

fn rosenbrock(point: &[f64]) -> f64 {
    point.windows(2).map(|pair| 100.0 * (pair[1] - pair[0] * pair[0]).powi(2) + (1.0 - pair[0]).powi(2)).sum()
}

#[test]
fn the_curved_valley() {
    let found = nelder_mead(&[-1.2, 1.0], &[0.5, 0.5], &[(-5.0, 5.0); 2], LIMITS, rosenbrock);
    assert!(found.value < 1e-9 && found.at.iter().all(|value| (value - 1.0).abs() < 1e-4), "{found:?}");
    let found = nelder_mead(&[-1.0; 4], &[0.5; 4], &[(-5.0, 5.0); 4], LIMITS, rosenbrock);
    assert!(found.value < 1e-9, "{found:?}");
}

#[test]
fn bounds_hold_and_the_edge_is_found() {
    let found = nelder_mead(&[0.5, 0.5], &[0.2, 0.2], &[(0.0, 1.0), (0.2, 1.0)], LIMITS, |point| {
        assert!((0.0..=1.0).contains(&point[0]) && (0.2..=1.0).contains(&point[1]));
        (point[0] - 2.0).powi(2) + (point[1] + 1.0).powi(2)
    });
    assert_eq!(found.at, [1.0, 0.2]);
}

#[test]
fn what_is_not_a_number_is_the_worst() {
    let found =
        nelder_mead(&[0.5], &[0.1], &[(-1.0, 1.0)], LIMITS, |point| (point[0] - 0.2).powi(2) + 0.0 * point[0].sqrt());
    assert!((found.at[0] - 0.2).abs() < 1e-5, "{found:?}");
    let found = nelder_mead(&[0.5], &[0.1], &[(-1.0, 1.0)], LIMITS, |_| f64::NAN);
    assert_eq!((found.at[0], found.value), (0.5, f64::INFINITY));
    let found = nelder_mead(&[], &[], &[], LIMITS, |_| 3.0);
    assert_eq!(found.at.len(), 0);
}

#[test]
fn one_variable() {
    let mut evaluations = 0;
    let (at, value) = brent(0.0, 3.0, 1e-6, |at| {
        evaluations += 1;
        (at - 1.3).powi(2) + (at - 1.3).powi(4)
    });
    assert!((at - 1.3).abs() < 1e-5 && value < 1e-10 && evaluations < 30, "{at} {value} {evaluations}");
    assert!((brent(0.0, 1.0, 1e-6, |at| at).0).abs() < 1e-5, "the edge");
    let (at, _) = scan_and_brent(0.0, 10.0, 20, 1e-6, |at| at.cos() + 0.01 * (at - 9.0).powi(2));
    assert!((at - 9.0).abs() < 1.0, "the deeper of two valleys, not {at}");
}

#[test]
fn along_gradients() {
    let mut evaluations = 0;
    let mut valley = |point: &[f64], slope: &mut [f64]| {
        evaluations += 1;
        slope.fill(0.0);
        for at in 0..point.len() - 1 {
            let off = point[at + 1] - point[at] * point[at];
            slope[at] += -400.0 * off * point[at] - 2.0 * (1.0 - point[at]);
            slope[at + 1] += 200.0 * off;
        }
        rosenbrock(point)
    };
    let found = descend(&[-1.2; 8], &[(-5.0, 5.0); 8], LIMITS, &mut valley);
    assert!(found.value < 1e-8 || (found.value - 3.98).abs() < 0.1, "{found:?}");
    let found = descend(&[-1.2, 1.0], &[(-5.0, 0.5), (-5.0, 5.0)], LIMITS, &mut valley);
    assert!((found.at[0] - 0.5).abs() < 1e-9 && (found.at[1] - 0.25).abs() < 1e-5, "at the bound: {found:?}");
    assert!(evaluations < 400, "{evaluations}");
}

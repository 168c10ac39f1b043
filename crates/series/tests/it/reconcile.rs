//! Parts add up.

use lockgate_series::reconcile::{Hierarchy, Method, Mismatch};

use crate::series::noise;

fn keys() -> Vec<Vec<String>> {
    let of = |origin: &str, carrier: &str| vec![origin.to_owned(), carrier.to_owned()];
    vec![of("JFK", "AA"), of("JFK", "DL"), of("LGA", "AA"), of("LGA", "DL"), of("EWR", "UA")]
}

/// The whole, origins, carriers (which cross), and the leaves.
fn crossed() -> Hierarchy {
    Hierarchy::new(&keys(), &[vec![], vec![0], vec![1], vec![0, 1]])
}

fn adds_up(hierarchy: &Hierarchy, nodes: &[Vec<f64>]) {
    let leaves = &nodes[hierarchy.uppers().len()..];
    for (upper, row) in hierarchy.uppers().iter().zip(nodes) {
        for (step, value) in row.iter().enumerate() {
            let sum: f64 = upper.leaves.iter().map(|&leaf| leaves[leaf][step]).sum();
            assert_eq!(sum.to_bits(), value.to_bits());
        }
    }
}

#[test]
fn levels_make_uppers() {
    let hierarchy = crossed();
    assert_eq!(hierarchy.len(), 1 + 3 + 3 + 5);
    assert_eq!(hierarchy.uppers()[0].leaves, [0, 1, 2, 3, 4]);
    assert_eq!(
        (hierarchy.uppers()[2].key.join("/"), hierarchy.uppers()[2].leaves.as_slice()),
        ("JFK".to_owned(), &[0, 1][..])
    );
    assert_eq!(hierarchy.uppers()[4].leaves, [0, 2]);
}

#[test]
fn two_leaves_and_their_sum_as_in_the_paper() {
    let keys = [vec!["a".to_owned()], vec!["b".to_owned()]];
    let hierarchy = Hierarchy::new(&keys, &[vec![]]);
    // The whole says 10 more than its parts; with equal variances each of the three gives a third of it.
    let base = [vec![40.0], vec![20.0], vec![10.0]];
    let equal = hierarchy.reconcile(&base, &[1.0; 3], Method::Mint).unwrap();
    for (got, expected) in equal.iter().zip([110.0 / 3.0, 70.0 / 3.0, 40.0 / 3.0]) {
        assert!((got[0] - expected).abs() < 1e-12, "{got:?} {expected}");
    }
    // A part that is certain does not move.
    let sure = hierarchy.reconcile(&base, &[1.0, 0.0, 1.0], Method::Mint).unwrap();
    assert!((sure[1][0] - 20.0).abs() < 1e-6 && (sure[2][0] - 15.0).abs() < 1e-6, "{sure:?}");
    assert_eq!(hierarchy.reconcile(&base, &[], Method::BottomUp).unwrap(), [[30.0], [20.0], [10.0]]);
}

#[test]
fn whatever_is_said_adds_up() {
    let hierarchy = crossed();
    for seed in 1..40 {
        let numbers = noise(seed, 200);
        let base: Vec<Vec<f64>> = (0..12)
            .map(|node| numbers[node * 6..node * 6 + 6].iter().map(|value| (value + 1.0) * 1e3).collect())
            .collect();
        let variances: Vec<f64> = numbers[100..112].iter().map(|value| 10.0_f64.powf(6.0 * value)).collect();
        for method in [Method::Mint, Method::BottomUp] {
            let nodes = hierarchy.reconcile(&base, &variances, method).unwrap();
            adds_up(&hierarchy, &nodes);
            assert!(nodes.iter().flatten().all(|&value| value >= 0.0 && value.is_finite()));
            if method == Method::Mint {
                // What adds up already stays: a projection, where nothing was cut at zero.
                let again = hierarchy.reconcile(&nodes, &variances, method).unwrap();
                for (left, right) in again.iter().flatten().zip(nodes.iter().flatten()) {
                    assert!((left - right).abs() <= 1e-6 * right.abs().max(1.0), "{left} {right}");
                }
            }
        }
    }
}

#[test]
fn many_leaves() {
    let keys: Vec<Vec<String>> =
        (0..2000).map(|leaf| vec![(leaf % 7).to_string(), (leaf % 40).to_string(), leaf.to_string()]).collect();
    let hierarchy = Hierarchy::new(&keys, &[vec![], vec![0], vec![0, 1]]);
    let base: Vec<Vec<f64>> = noise(3, hierarchy.len()).iter().map(|value| vec![100.0 + 50.0 * value]).collect();
    let nodes = hierarchy.reconcile(&base, &vec![1.0; hierarchy.len()], Method::Mint).unwrap();
    adds_up(&hierarchy, &nodes);
}

#[test]
fn what_does_not_fit_is_said() {
    let hierarchy = crossed();
    let base = vec![vec![1.0]; 12];
    assert!(matches!(
        hierarchy.reconcile(&base[1..], &[1.0; 12], Method::Mint),
        Err(Mismatch::Length { expected: 12, got: 11, .. })
    ));
    assert!(matches!(hierarchy.reconcile(&base, &[1.0; 3], Method::Mint), Err(Mismatch::Length { .. })));
    let mut bad = base.clone();
    bad[3][0] = f64::NAN;
    assert_eq!(hierarchy.reconcile(&bad, &[1.0; 12], Method::Mint), Err(Mismatch::NotFinite { node: 3 }));
    assert!(Hierarchy::new(&[], &[vec![]]).is_empty());
}

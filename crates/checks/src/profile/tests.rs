// A test may panic: that is how it fails. Counts here are far below 2^52.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::distinct::Distinct;
use super::hash;
use super::quantiles::{Quantiles, RANKS};
use super::sum::ExactSum;

#[test]
fn distinct_is_exact_for_few() {
    for count in [0u64, 1, 2, 100, 512] {
        let mut distinct = Distinct::default();
        for _ in 0..3 {
            distinct.extend((0..count).map(hash::integer));
        }
        assert_eq!(distinct.count(), count);
    }
}

/// 100 different sets of each size: the spread of the estimates is the standard error that is promised.
#[test]
fn distinct_errs_by_less_than_two_percent() {
    for count in [600u64, 2_000, 5_000, 20_000, 100_000] {
        let mut squares = 0.0;
        for seed in 0..100u64 {
            let mut distinct = Distinct::default();
            distinct.extend((0..count).map(|value| hash::integer(value + seed * 1_000_000_007)));
            let error = distinct.count() as f64 / count as f64 - 1.0;
            assert!(error.abs() < 0.065, "{count} values are estimated as {}", distinct.count());
            squares += error * error;
        }
        let spread = (squares / 100.0f64).sqrt();
        assert!(spread < 0.019, "the standard error for {count} values is {spread}");
    }
}

/// The same for texts, whose hash is another one: short ones that differ in one byte are the hard case.
#[test]
fn distinct_texts_spread_as_well() {
    for format in ["{}", "key-{}", "a longer text with the number {} in it"] {
        let mut squares = 0.0;
        for seed in 0..30 {
            let mut distinct = Distinct::default();
            let texts = (0..20_000).map(|value| format.replace("{}", &(seed * 20_000 + value).to_string()));
            distinct.extend(texts.map(|text| hash::bytes(text.as_bytes())));
            squares += (distinct.count() as f64 / 20_000.0 - 1.0).powi(2);
        }
        let spread = (squares / 30.0f64).sqrt();
        assert!(spread < 0.024, "the standard error for `{format}` is {spread}");
    }
}

#[test]
fn distinct_merges_to_the_same_count() {
    let mut random = SmallRng::seed_from_u64(5);
    for (left, right) in [(10, 20), (10, 5_000), (5_000, 10), (5_000, 6_000), (400, 400)] {
        let hashes =
            |random: &mut SmallRng, count| (0..count).map(|_| hash::integer(random.random())).collect::<Vec<_>>();
        let (left, right) = (hashes(&mut random, left), hashes(&mut random, right));
        let (mut one, mut other, mut whole) = (Distinct::default(), Distinct::default(), Distinct::default());
        one.extend(left.iter().copied());
        other.extend(right.iter().copied());
        whole.extend(left.into_iter().chain(right));
        one.merge(other);
        assert_eq!(one.count(), whole.count());
    }
}

/// The hash is part of what is kept: sample rows and sketches must come out alike for ever.
#[test]
fn the_hash_does_not_change() {
    assert_eq!(hash::integer(1), 0x910a_2dec_8902_5cc1);
    assert_eq!(hash::double(0.0), hash::double(-0.0));
    assert_eq!(hash::double(f64::NAN), hash::double(-f64::NAN));
    let texts = ["", "a", "ab", "abc", "abcd", "abcdefgh", "abcdefghijklmnop", "abcdefghijklmnopq"];
    let hashes: Vec<u64> = texts.iter().map(|text| hash::bytes(text.as_bytes())).collect();
    let expected = [
        10_874_994_732_282_882_608,
        9_560_921_269_464_626_988,
        12_014_111_156_792_705_567,
        4_223_764_311_031_144_626,
        12_001_192_873_306_840_076,
        11_940_635_310_933_432_768,
        6_149_941_871_134_461_589,
        14_591_440_080_897_297_103,
    ];
    assert_eq!(hashes, expected);
}

#[test]
fn quantiles_are_exact_for_few() {
    for count in [1usize, 2, 10, 1000] {
        let mut sketch = Quantiles::default();
        sketch.extend(count, |at| (at + 1) as f64);
        let expected = RANKS.map(|rank| (rank * count as f64).ceil().max(1.0));
        assert_eq!(sketch.quantiles(), Some(expected), "{count} values");
    }
    assert_eq!(Quantiles::default().quantiles(), None);
}

/// The rank of every answer, looked up in the sorted values, is within one per cent of the one asked for; that is
/// three times the promised error. In one piece, in batches, in eight parts merged; sorted, shuffled and skewed.
#[test]
fn quantiles_err_by_less_than_one_percent_of_ranks() {
    let mut random = SmallRng::seed_from_u64(7);
    let mut worst: f64 = 0.0;
    for size in [2_000usize, 50_000, 1_000_000] {
        let shapes: [Vec<f64>; 4] = [
            (0..size).map(|at| at as f64).collect(),
            (0..size).map(|_| random.random::<f64>()).collect(),
            (0..size).map(|_| random.random::<f64>().powi(-3)).collect(),
            (0..size).map(|at| f64::from((at % 7) as u32)).collect(),
        ];
        for values in shapes {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            for (parts, batch) in [(1, size), (1, 8192), (8, 8192)] {
                let mut sketches = vec![Quantiles::default(); parts];
                for (at, chunk) in values.chunks(batch).enumerate() {
                    sketches[at % parts].extend(chunk.len(), |at| chunk[at]);
                }
                let mut all = sketches.remove(0);
                sketches.into_iter().for_each(|sketch| all.merge(sketch));
                for (rank, value) in RANKS.iter().zip(all.quantiles().unwrap()) {
                    let below = sorted.partition_point(|other| *other < value) as f64 / size as f64;
                    let up_to = sorted.partition_point(|other| *other <= value) as f64 / size as f64;
                    let error = (below - rank).max(rank - up_to).max(0.0);
                    worst = worst.max(error);
                    assert!(error < 0.01, "rank {rank} of {size} values is off by {error}");
                }
            }
        }
    }
    assert!(worst > 0.0, "a sketch that never errs was not tested");
}

/// As `parts.bin` keeps them: a sketch that is written and read loses little, also when a table is made of many.
#[test]
fn what_is_kept_of_quantiles_errs_little() {
    let mut random = SmallRng::seed_from_u64(9);
    for (files, rows) in [(1, 3), (4, 256), (300, 40), (70, 900), (40, 10_007), (3, 150_000)] {
        let mut all = Quantiles::default();
        let mut values = Vec::new();
        for file in 0..files {
            // Each file is of a range of its own, as of a table in order of time.
            let own: Vec<f64> = (0..rows).map(|_| f64::from(file) + random.random::<f64>()).collect();
            let mut sketch = Quantiles::default();
            own.chunks(8192).for_each(|chunk| sketch.extend(chunk.len(), |at| chunk[at]));
            let kept = postcard::to_extend(&sketch, Vec::new()).unwrap();
            assert!(kept.len() <= 257 * 8 + 16, "{} B", kept.len());
            all.merge(postcard::from_bytes(&kept).unwrap());
            values.extend(own);
        }
        values.sort_by(f64::total_cmp);
        for (rank, value) in RANKS.iter().zip(all.quantiles().unwrap()) {
            let exact = values[((rank * values.len() as f64).ceil() as usize).max(1) - 1];
            let found = values.partition_point(|other| *other < value) as f64 / values.len() as f64;
            match values.len() {
                0..1024 => assert_eq!(value, exact, "{files} × {rows}"),
                _ => assert!((found - rank).abs() < 0.01, "rank {rank} of {files} × {rows} is off by {}", found - rank),
            }
        }
    }
}

#[test]
fn what_is_kept_of_distinct_values_is_all_of_it() {
    for count in [0u64, 1, 512, 513, 4_000, 1_000_000] {
        let mut distinct = Distinct::default();
        distinct.extend((0..count).map(hash::integer));
        let kept = postcard::to_extend(&distinct, Vec::new()).unwrap();
        assert!(kept.len() <= 4 * 1024 + 8, "{} B", kept.len());
        let read: Distinct = postcard::from_bytes(&kept).unwrap();
        let (mut again, mut more) = (read, Distinct::default());
        assert_eq!(again.count(), distinct.count());
        more.extend((count / 2..count + 700).map(hash::integer));
        again.merge(more.clone());
        distinct.merge(more);
        assert_eq!(again.count(), distinct.count());
    }
}

#[test]
fn sums_are_exact_and_without_order() {
    let mut random = SmallRng::seed_from_u64(11);
    // 1e300 swallows everything in a plain sum.
    let mut values: Vec<f64> = (0..10_000).map(|at| f64::from(at) / 8.0).collect();
    values.extend([1e300, -1e300, 5e-324, -5e-324, f64::MAX, -f64::MAX]);
    let exact = (0..10_000).map(|at| f64::from(at) / 8.0).sum::<f64>() / values.len() as f64;
    for _ in 0..5 {
        for at in (1..values.len()).rev() {
            values.swap(at, random.random_range(0..=at));
        }
        let (mut one, mut other) = (ExactSum::default(), ExactSum::default());
        let (left, right) = values.split_at(random.random_range(0..values.len()));
        left.iter().for_each(|value| one.add(*value));
        right.iter().for_each(|value| other.add(*value));
        one.merge(other);
        assert_eq!(one.mean(values.len() as u64), Some(exact));
        let kept = postcard::to_extend(&one, Vec::new()).unwrap();
        assert!(kept.len() <= 400, "{} B", kept.len());
        let read: ExactSum = postcard::from_bytes(&kept).unwrap();
        assert_eq!(read.mean(values.len() as u64), Some(exact));
    }
}

#[test]
fn means_reach_both_ends() {
    let mean = |values: &[f64]| {
        let mut sum = ExactSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum.mean(values.len() as u64)
    };
    assert_eq!(mean(&[]), None);
    assert_eq!(mean(&[0.0, -0.0]), Some(0.0));
    assert_eq!(mean(&[f64::MAX; 4]), Some(f64::MAX));
    assert_eq!(mean(&[-f64::MAX; 4]), Some(-f64::MAX));
    assert_eq!(mean(&[5e-324; 3]), Some(5e-324));
    assert_eq!(mean(&[-1.5, 0.5]), Some(-0.5));
    assert_eq!(mean(&[0.1; 10]), Some(0.1));
    assert_eq!(mean(&vec![-0.1; 100_000]), Some(-0.1));
}

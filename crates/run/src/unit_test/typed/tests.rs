//! Numbers and bytes from text.

use super::{binary, decimal};

#[test]
fn decimals_are_exact_or_none() {
    for (text, value) in [
        ("10.5", Some(1_050)),
        ("-0.05", Some(-5)),
        ("+7", Some(700)),
        ("1e2", Some(10_000)),
        ("12.3400", Some(1_234)),
        ("1234e-2", Some(1_234)),
        ("0.000", Some(0)),
        (".5", Some(50)),
        ("999.99", Some(99_999)),
        ("1000", None),
        ("0.001", None),
        ("1e300", None),
        ("1e-300", None),
        ("0x10", None),
        (".nan", None),
    ] {
        assert_eq!(decimal(text, 5, 2), value, "{text}");
    }
    let largest = "99999999999999999999999999999999999999";
    assert_eq!(decimal(largest, 38, 0), largest.parse().ok());
    assert_eq!(decimal(&format!("{largest}9"), 38, 0), None);
}

#[test]
fn bytes_are_pairs_of_digits() {
    assert_eq!(binary("0x00Ff"), Some(vec![0, 255]));
    assert_eq!(binary("0x"), Some(Vec::new()));
    for wrong in ["00ff", "0x0", "0x+1", "0xzz", "0xé"] {
        assert_eq!(binary(wrong), None, "{wrong}");
    }
}

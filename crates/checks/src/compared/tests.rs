use super::*;

fn whole(unscaled: i128, scale: i8) -> Compared {
    Compared::Whole { unscaled, scale }
}

#[test]
fn differences_are_exact_where_numbers_are() {
    use Compared::{Double, Null, Text};
    let text = |text: &str| Text(text.to_owned());
    let none = None;
    let nan = Some((f64::INFINITY, f64::INFINITY));
    for (a, b, expected) in [
        (whole(100, 0), whole(100, 0), none),
        (whole(10000, 2), whole(100, 0), none),
        (whole(10001, 2), whole(100, 0), Some((0.01, 0.0001))),
        // One part in 10^30, which no double tells.
        (whole(10i128.pow(30) + 1, 0), whole(10i128.pow(30), 0), Some((1.0, 1.0 / 1e30))),
        (whole(5, 0), whole(0, 0), Some((5.0, f64::INFINITY))),
        (whole(-5, 0), whole(0, 0), Some((-5.0, f64::NEG_INFINITY))),
        (whole(66, 0), whole(100, 0), Some((-34.0, -0.34))),
        (whole(-110, 0), whole(-100, 0), Some((-10.0, -0.1))),
        (Double(0.1 + 0.2), Double(0.3), none),
        (Double(1.0), whole(1, 0), none),
        (Double(1.1), whole(1, 0), Some((0.10000000000000009, 0.10000000000000009))),
        (Double(f64::NAN), Double(f64::NAN), none),
        (Double(f64::NAN), Double(1.0), nan),
        (Double(f64::INFINITY), Double(f64::INFINITY), none),
        (Double(f64::INFINITY), Double(1.0), nan),
        (Null, Null, none),
        (Null, whole(1, 0), nan),
        (text("a"), text("a"), none),
        (text("a"), text("b"), nan),
        (whole(i128::MAX, 0), whole(i128::MIN, 0), Some((3.402_823_669_209_385e38, 2.0))),
    ] {
        let found = a.difference(&b).map(|difference| (difference.amount, difference.share));
        assert_eq!(found, expected, "{a:?} {b:?}");
    }
}

#[test]
fn tolerances_include_their_edge() {
    let difference = Difference { amount: -30.0, share: -0.3 };
    assert!(difference.within(Tolerance::Share(0.3)));
    assert!(!difference.within(Tolerance::Share(0.29)));
    assert!(difference.within(Tolerance::Amount(30.0)));
    assert!(!difference.within(Tolerance::Amount(29.0)));
    assert!(!Difference::NOT_A_NUMBER.within(Tolerance::Share(1000.0)));
}

#[test]
fn numbers_are_shown_with_thousands() {
    assert_eq!(whole(-123_456_789, 2).to_string(), "-1,234,567.89");
    assert_eq!(whole(5, 0).to_string(), "5");
    assert_eq!(Compared::Null.to_string(), "null");
    assert_eq!(Compared::Double(1234.5).to_string(), "1,234.5");
}

use super::*;

#[test]
fn counts_have_thousands() {
    assert_eq!(count(0), "0");
    assert_eq!(count(999), "999");
    assert_eq!(count(1_000), "1,000");
    assert_eq!(rows(336_776), "336,776 rows");
    assert_eq!(rows(1), "1 row");
}

#[test]
fn bytes_never_read_a_thousand() {
    assert_eq!(bytes(999), "999 B");
    assert_eq!(bytes(1_000), "1.0 kB");
    assert_eq!(bytes(12_345_678), "12.3 MB");
    assert_eq!(bytes(999_999), "1.0 MB");
    assert_eq!(bytes(u64::MAX), "18446.7 PB");
}

#[test]
fn durations_never_read_sixty() {
    assert_eq!(duration_ms(340), "340 ms");
    assert_eq!(duration_ms(1_249), "1.2 s");
    assert_eq!(duration_ms(12_300), "12.3 s");
    assert_eq!(duration_ms(59_949), "59.9 s");
    assert_eq!(duration_ms(59_951), "1 min 0 s");
    assert_eq!(duration_ms(125_000), "2 min 5 s");
    assert_eq!(duration_ms(3_780_000), "1 h 3 min");
}

#[test]
fn shares_never_lie_at_the_ends() {
    assert_eq!(percent(0.0), "0 %");
    assert_eq!(percent(1.0), "100 %");
    assert_eq!(percent(0.156), "15.6 %");
    assert_eq!(percent(0.0046), "0.46 %");
    assert_eq!(percent(0.000_012), "0.0012 %");
    assert_eq!(percent(0.999_999), "99.9999 %");
}

#[test]
fn measured_values_keep_six_digits() {
    assert_eq!(measured(0.0), "0");
    assert_eq!(measured(1_234.5), "1,234.5");
    assert_eq!(measured(-12.345_678), "-12.3457");
    assert_eq!(measured(1e20), "1e20");
    assert_eq!(measured(123_456_789.0), "123,456,789");
}

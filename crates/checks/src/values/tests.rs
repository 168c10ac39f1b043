// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used)]

use lockgate_project::yaml::Span;

use super::*;

fn number(text: &str) -> Node {
    Node { value: Yaml::Number(text.to_owned()), span: Span::default() }
}

fn string(text: &str) -> Node {
    Node { value: Yaml::String(text.to_owned()), span: Span::default() }
}

#[test]
fn bounds_round_inwards() {
    let cents = Comparison::Whole(Unit::Decimal(10, 2));
    for (text, down, up, exact) in [
        ("0", 0, 0, Some(0)),
        ("12.34", 1234, 1234, Some(1234)),
        ("0.005", 0, 1, None),
        ("-0.005", -1, 0, None),
        ("1e3", 100_000, 100_000, Some(100_000)),
        ("1e-900", 0, 1, None),
        ("-1e-900", -1, 0, None),
        ("1e300", i128::MAX, i128::MAX, None),
        ("-1e300", i128::MIN, i128::MIN, None),
        ("0x10", 1600, 1600, Some(1600)),
        ("0o17", 1500, 1500, Some(1500)),
    ] {
        let read = |rounding| read(&number(text), cents, rounding).unwrap();
        assert_eq!(read(Rounding::Down), Some(Value::Whole(down)), "{text} down");
        assert_eq!(read(Rounding::Up), Some(Value::Whole(up)), "{text} up");
        assert_eq!(read(Rounding::Exact), exact.map(Value::Whole), "{text} exact");
    }
}

#[test]
fn what_is_not_a_value_says_what_was_expected() {
    let whole = Comparison::Whole(Unit::One);
    for (node, comparison, message) in [
        (string("many"), whole, "expected a number, not `many`"),
        (number(".nan"), Comparison::Double, "expected a number, not `.nan`"),
        (number("5"), Comparison::Boolean, "expected true or false, not `5`"),
        (number("2013"), Comparison::Whole(Unit::Day), "expected a day like 2013-12-30, not `2013`"),
        (
            string("2013-12-30T01:00:00Z"),
            Comparison::Whole(Unit::Day),
            "expected a day like 2013-12-30, not `2013-12-30T01:00:00Z`",
        ),
        (
            string("soon"),
            Comparison::Whole(Unit::Microsecond { utc: true }),
            "expected an instant like 2013-12-30T23:00:00Z or a day, not `soon`",
        ),
        (
            Node { value: Yaml::Bool(true), span: Span::default() },
            Comparison::Text,
            "`true` is a boolean here: write \"true\" for the text",
        ),
        (Node { value: Yaml::Null, span: Span::default() }, Comparison::Text, "expected a text, not nothing"),
    ] {
        assert_eq!(read(&node, comparison, Rounding::Down), Err(message.to_owned()));
    }
}

#[test]
fn instants_are_read_in_utc() {
    for (text, micros) in [
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01 00:00:01.5", 1_500_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 00:01", 60_000_000),
    ] {
        assert_eq!(instant(text), Some(micros), "{text}");
    }
    assert_eq!(instant("1970-13-01"), None);
}

#[test]
fn doubles_may_be_infinite() {
    assert_eq!(double(".inf"), Some(f64::INFINITY));
    assert_eq!(double("-1.5e3"), Some(-1500.0));
    assert_eq!(double("0x10"), Some(16.0));
    assert_eq!(double("inf"), None);
}

#[test]
fn literals_lose_nothing() {
    let decimal = Comparison::Whole(Unit::Decimal(10, 2));
    assert_eq!(literal(&Value::Whole(-5), decimal), "cast('-0.05' as decimal(38,2))");
    assert_eq!(literal(&Value::Whole(i128::MIN), Comparison::Whole(Unit::One)), "(-9223372036854775807 - 1)");
    assert_eq!(literal(&Value::Text("it's".to_owned()), Comparison::Text), "'it''s'");
    assert_eq!(decimal_text(1234, 0), "1234");
    assert_eq!(decimal_text(12, -2), "1200");
    assert_eq!(decimal_text(0, -2), "0");
}

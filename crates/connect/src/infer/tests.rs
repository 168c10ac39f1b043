use super::Guess;

fn guess(values: &[&str]) -> String {
    let mut forth = Guess::default();
    values.iter().for_each(|value| forth.see(value.as_bytes()));
    let mut back = Guess::default();
    for value in values.iter().rev() {
        let mut one = Guess::default();
        one.see(value.as_bytes());
        back.join(one);
    }
    assert_eq!(forth.data_type(), back.data_type(), "{values:?}: order must not matter");
    forth.data_type().to_string()
}

#[test]
fn the_smallest_type_that_loses_nothing() {
    for (values, expected) in [
        (&["1", "-2", "0"][..], "int"),
        (&["1", "2147483647"], "int"),
        (&["1", "2147483648"], "bigint"),
        (&["9223372036854775807"], "bigint"),
        (&["9223372036854775808"], "decimal(38,0)"),
        (&["1", "2.5"], "double"),
        (&["9007199254740993", "0.5"], "decimal(38,1)"),
        (&["0.1", "12345678901234567.89"], "decimal(38,2)"),
        (&["0.30000000000000004", "1"], "double"),
        (&["1e5", "2"], "double"),
        (&["1.5", "NaN"], "double"),
        (&["1.5", "-inf"], "double"),
        (&["NaN"], "string"),
        (&["007"], "string"),
        (&["007", "12"], "string"),
        (&["+49123"], "string"),
        (&["0", "0.5", "-0.5"], "double"),
        (&["2013-01-01"], "date"),
        (&["2013-02-30"], "string"),
        (&["2013-01-01", "2013-01-01 10:00"], "timestamp"),
        (&["2013-01-01T10:00:00Z"], "timestamptz"),
        (&["2013-01-01T10:00:00Z", "2013-01-01"], "string"),
        (&["2013-01-01", "7"], "string"),
        (&["true", "FALSE"], "boolean"),
        (&["true", "1"], "string"),
        (&["t", "f"], "string"),
        (&["-", "1"], "string"),
        (&[".", "1"], "string"),
        (&["", "1"], "string"),
        (&[], "string"),
    ] {
        assert_eq!(guess(values), expected, "{values:?}");
    }
}

#[test]
fn what_is_guessed_is_read_back() {
    use lockgate_types::DataType;
    for text in ["1", "-0", "3000000000", "1.50", "-1e-7", "2013-12-31", "2013-12-31T23:59:59.123456Z", ".5", "5."] {
        let mut guess = Guess::default();
        guess.see(text.as_bytes());
        let bytes = text.as_bytes();
        let fits = match guess.data_type() {
            DataType::Int => crate::value::int32(bytes).is_some(),
            DataType::Bigint => crate::value::integer(bytes).is_some(),
            DataType::Double => crate::value::double(bytes).is_some(),
            DataType::Date => crate::value::date(bytes).is_some(),
            DataType::Timestamptz => crate::value::timestamptz(bytes).is_some(),
            other => panic!("{text} was taken for {other}"),
        };
        assert!(fits, "{text}");
    }
}

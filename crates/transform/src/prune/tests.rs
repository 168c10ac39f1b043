use lockgate_types::DataFile;

use super::{Range, bounds_of, may_hold, nulls_of};

fn file(stats: Option<&str>) -> DataFile {
    let stats = stats.map(str::to_owned);
    DataFile { path: "part".to_owned(), size_bytes: 1, rows: 1, partition: Vec::new(), stats }
}

fn between(min: &str, max: &str) -> DataFile {
    let text = format!(r#"{{"minValues":{{"k":{min}}},"maxValues":{{"k":{max}}},"nullCount":{{"k":2}}}}"#);
    file(Some(&text))
}

#[test]
fn files_outside_of_a_range_are_ruled_out() {
    let came = [between("10", "20"), between("15", "30")];
    let range = Range::over(&came, "k");
    for (candidate, may) in [
        (between("0", "9"), false),
        (between("0", "10"), true),
        (between("30", "40"), true),
        (between("31", "40"), false),
        (between("\"a\"", "\"b\""), true),
        (file(None), true),
    ] {
        assert_eq!(may_hold(&candidate, &range), may, "{candidate:?}");
    }
    let texts = Range::over(&[between("\"2024-01-05\"", "\"2024-01-06\"")], "k");
    assert!(!may_hold(&between("\"2024-01-01\"", "\"2024-01-04\""), &texts));
    assert!(may_hold(&between("\"2024-01-01\"", "\"2024-01-05\""), &texts));
}

#[test]
fn what_is_not_known_rules_nothing_out() {
    let unknown = Range::over(&[between("1", "2"), file(None)], "k");
    assert!(may_hold(&between("100", "200"), &unknown));
    let nothing = Range::over(&[], "k");
    assert!(!may_hold(&between("1", "2"), &nothing));
    assert_eq!(bounds_of(&file(Some("not json")), "k"), None);
    assert_eq!((nulls_of(&between("1", "2"), "k"), nulls_of(&file(None), "k")), (Some(2), None));
}

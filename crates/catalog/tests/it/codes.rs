//! The diagnostics.

use std::collections::BTreeSet;

use lockgate_catalog::{CODES, FAULT_POINTS, SERVICE_FAULT_POINTS};

#[test]
fn codes_are_in_range_and_explained() {
    let ids: BTreeSet<&str> = CODES.iter().map(|code| code.id).collect();
    assert_eq!(ids.len(), CODES.len());
    for code in CODES {
        assert!(code.id.starts_with("LG06") && code.id.len() == 6, "{}", code.id);
        assert!(code.title.chars().next().unwrap().is_lowercase(), "{}", code.title);
        assert!(code.text.len() > 100 && code.text.ends_with('\n'), "{}", code.id);
    }
}

#[test]
fn fault_points_have_names_of_their_own() {
    let points = || FAULT_POINTS.iter().chain(SERVICE_FAULT_POINTS);
    let names: BTreeSet<&str> = points().map(|point| point.name).collect();
    assert_eq!(names.len(), points().count());
    assert!(names.iter().all(|name| name.starts_with("catalog.")));
}

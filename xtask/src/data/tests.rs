// Tests may: a failure here is the test's own.
#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_table_splits_by_its_days() {
    let files = by_day("origin,year,month,day,x\nEWR,2013,1,2,a\nJFK,2013,1,1,b\nLGA,2013,1,2,c\n").unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["2013-01-01", "2013-01-02"]);
    assert_eq!(files["2013-01-02"], "origin,year,month,day,x\nEWR,2013,1,2,a\nLGA,2013,1,2,c\n");
}

#[test]
fn a_table_without_days_is_refused() {
    assert!(by_day("a,b\n1,2\n").is_err());
    assert!(by_day("year,month,day\n2013,x,1\n").is_err());
}

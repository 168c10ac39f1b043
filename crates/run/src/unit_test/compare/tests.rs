//! Bags, order, pairs.
#![allow(clippy::unwrap_used)] // tests may

use lockgate_types::{Column, DataType};

use super::{Cell, RowsDiff, compare};

fn rows(rows: &[(&str, i64)]) -> Vec<Vec<Cell>> {
    rows.iter().map(|(text, n)| vec![Cell::Text((*text).to_owned()), Cell::Integer(*n)]).collect()
}

fn diff(expected: &[(&str, i64)], came: &[(&str, i64)], ordered: bool) -> Option<RowsDiff> {
    let columns = [Column::new("name", DataType::String), Column::new("n", DataType::Bigint)];
    compare(&[&columns[0], &columns[1]], &rows(expected), &rows(came), ordered)
}

#[test]
fn a_bag_counts_and_does_not_order() {
    assert_eq!(diff(&[("a", 1), ("b", 2)], &[("b", 2), ("a", 1)], false), None);
    assert_eq!(diff(&[], &[], true), None);
    let twice = diff(&[("a", 1), ("a", 1)], &[("a", 1)], false).unwrap();
    assert_eq!((twice.same, twice.missing.len(), twice.unexpected.len()), (1, 1, 0));
}

#[test]
fn order_counts_when_asked() {
    assert_eq!(diff(&[("a", 1), ("a", 1), ("b", 2)], &[("a", 1), ("a", 1), ("b", 2)], true), None);
    let moved = diff(&[("a", 1), ("b", 2)], &[("b", 2), ("a", 1)], true).unwrap().moved;
    assert_eq!(moved.iter().map(|row| (row.expected_at, row.came_at)).collect::<Vec<_>>(), [(1, 2), (2, 1)]);
}

#[test]
fn rows_pair_by_most_equal_columns() {
    let found = diff(&[("a", 1), ("b", 2), ("x", 9)], &[("b", 3), ("a", 5), ("y", 8)], false).unwrap();
    let pairs: Vec<_> =
        found.changed.iter().map(|p| (p.expected[0].clone(), p.came[1].clone(), p.differ.clone())).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(pairs, [(text("a"), text("5"), vec![1]), (text("b"), text("3"), vec![1])]);
    assert_eq!((found.missing.len(), found.unexpected.len()), (1, 1));
    // Two that are alone are taken for one row, whatever they hold.
    assert_eq!(diff(&[("x", 9)], &[("y", 8)], false).unwrap().changed[0].differ, [0, 1]);
}

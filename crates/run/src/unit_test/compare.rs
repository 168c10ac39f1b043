//! Whether the rows that came are those that were expected, and if not, how they differ.
//!
//! Rows are compared as a bag. What is left on both sides is paired, most equal columns first, which costs (missing rows ×
//! unexpected rows × columns) and so stops at [`PAIRED`] rows a side.

use std::collections::HashMap;

use lockgate_types::Column;
use serde::Serialize;

use super::cell::{self, Cell};

/// More rows of a side are shown without looking for their like.
const PAIRED: usize = 200;

/// Texts of the compared columns of one row; `None` is null.
pub type TextRow = Vec<Option<String>>;

/// How the rows that came differ from those that were expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowsDiff {
    /// The compared columns.
    pub columns: Vec<String>,
    /// How many rows are as expected.
    pub same: u64,
    /// Rows that came with other values in some columns.
    pub changed: Vec<PairedRow>,
    /// Expected, and not come.
    pub missing: Vec<TextRow>,
    /// Come, and not expected.
    pub unexpected: Vec<TextRow>,
    /// With `ordered`, and nothing else to tell: the rows that came at another place.
    pub moved: Vec<MovedRow>,
}

/// An expected row and the one that came instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairedRow {
    pub expected: TextRow,
    pub came: TextRow,
    /// Which columns differ, by their number from 0.
    pub differ: Vec<usize>,
}

/// A row at another place; places count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedRow {
    pub expected_at: u64,
    pub came_at: u64,
    pub row: TextRow,
}

impl RowsDiff {
    /// `1 row as expected, 1 with other values, 2 missing, 1 unexpected`.
    pub fn sentence(&self) -> String {
        let rows = |number: u64| format!("{number} {}", if number == 1 { "row" } else { "rows" });
        if !self.moved.is_empty() {
            let are = if self.moved.len() == 1 { "is" } else { "are" };
            return format!("{} of {} {are} at another place", self.moved.len(), rows(self.same));
        }
        let mut text = format!("{} as expected", rows(self.same));
        for (number, what) in [
            (self.changed.len(), "with other values"),
            (self.missing.len(), "missing"),
            (self.unexpected.len(), "unexpected"),
        ] {
            if number > 0 {
                text.push_str(&format!(", {number} {what}"));
            }
        }
        text
    }
}

/// The rows of one side, ready to be compared.
struct Side {
    /// For each row the keys of its cells.
    keys: Vec<Vec<String>>,
    texts: Vec<TextRow>,
}

impl Side {
    fn of(rows: &[Vec<Cell>], columns: &[&Column]) -> Side {
        let each = |row: &Vec<Cell>| row.iter().zip(columns).map(|(cell, c)| cell.key(&c.data_type)).collect();
        let text = |row: &Vec<Cell>| row.iter().zip(columns).map(|(cell, c)| cell.text(&c.data_type)).collect();
        Side { keys: rows.iter().map(each).collect(), texts: rows.iter().map(text).collect() }
    }
}

/// `None` when they are the same. Rows have one cell for each of `columns`.
pub(crate) fn compare(
    columns: &[&Column],
    expected: &[Vec<Cell>],
    came: &[Vec<Cell>],
    ordered: bool,
) -> Option<RowsDiff> {
    let cells = came;
    let (expected, came) = (Side::of(expected, columns), Side::of(came, columns));
    let mut left: HashMap<&[String], Vec<usize>> = HashMap::new();
    for (index, key) in came.keys.iter().enumerate().rev() {
        left.entry(key).or_default().push(index);
    }
    let mut missing = Vec::new();
    // Where each expected row came.
    let mut places = Vec::new();
    for (index, key) in expected.keys.iter().enumerate() {
        match left.get_mut(key.as_slice()).and_then(Vec::pop) {
            Some(at) => places.push((index, at)),
            None => missing.push(index),
        }
    }
    let mut unexpected: Vec<usize> = left.into_values().flatten().collect();
    // Rows without an order come in another one each time.
    unexpected.sort_by(|a, b| cell::order(&cells[*a], &cells[*b]));
    let mut diff = RowsDiff {
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        same: places.len() as u64,
        changed: Vec::new(),
        missing: Vec::new(),
        unexpected: Vec::new(),
        moved: Vec::new(),
    };
    if missing.is_empty() && unexpected.is_empty() {
        if ordered {
            let moved = places.iter().filter(|(index, at)| index != at).map(|(index, at)| MovedRow {
                expected_at: *index as u64 + 1,
                came_at: *at as u64 + 1,
                row: expected.texts[*index].clone(),
            });
            diff.moved = moved.collect();
        }
        return (!diff.moved.is_empty()).then_some(diff);
    }
    for (e, c) in pairs(&expected, &missing, &came, &unexpected) {
        missing.retain(|index| *index != e);
        unexpected.retain(|index| *index != c);
        diff.changed.push(PairedRow {
            expected: expected.texts[e].clone(),
            came: came.texts[c].clone(),
            differ: (0..columns.len()).filter(|column| expected.keys[e][*column] != came.keys[c][*column]).collect(),
        });
    }
    diff.missing = missing.iter().map(|index| expected.texts[*index].clone()).collect();
    diff.unexpected = unexpected.iter().map(|index| came.texts[*index].clone()).collect();
    Some(diff)
}

/// Which missing row is which unexpected one, in the order of the missing rows. Two rows without an equal column are strangers,
/// unless they are the last ones.
fn pairs(expected: &Side, missing: &[usize], came: &Side, unexpected: &[usize]) -> Vec<(usize, usize)> {
    if let ([e], [c]) = (missing, unexpected) {
        return vec![(*e, *c)];
    }
    if missing.len() > PAIRED || unexpected.len() > PAIRED {
        return Vec::new();
    }
    let equal = |e: usize, c: usize| expected.keys[e].iter().zip(&came.keys[c]).filter(|(a, b)| a == b).count();
    let mut likes: Vec<(usize, usize, usize)> =
        missing.iter().flat_map(|e| unexpected.iter().map(|c| (equal(*e, *c), *e, *c))).collect();
    // Most equal columns first, then as they stand.
    likes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (equal, e, c) in likes {
        if equal > 0 && !found.iter().any(|(taken_e, taken_c)| *taken_e == e || *taken_c == c) {
            found.push((e, c));
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests;

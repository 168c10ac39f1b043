//! Invented values in the place of personal data.
//!
//! Each value is replaced by the number of its first appearance, in the form that the column's type gives it. Equal values stay
//! equal, in all columns and inputs, so that joins and groups are those of the real rows; and nothing of a value can be guessed
//! from what stands for it, as it could from a hash.

use std::collections::{BTreeSet, HashMap};

use lockgate_types::{AssetName, DataType};

use super::cell::Cell;
use crate::{Graph, Node};

/// 1 January 2000, in days since 1970.
const FIRST_DAY: i32 = 10_957;
const DAY_MICROS: i64 = 86_400_000_000;

/// The columns of the stored inputs that hold personal data: those that a contract says to, here, further up, or further down
/// on the way to the result.
pub(crate) fn personal(graph: &Graph, node: &Node, inputs: &BTreeSet<AssetName>) -> BTreeSet<(AssetName, String)> {
    let mut personal = BTreeSet::new();
    for input in inputs {
        let Some(input_node) = graph.nodes().get(input) else { continue };
        for column in &input_node.schema.columns {
            if comes_from_personal(graph, input, &column.name) {
                personal.insert((input.clone(), column.name.clone()));
            }
        }
    }
    let inline = graph.inline_inputs(node);
    for node in inline.iter().filter_map(|name| graph.nodes().get(name)).chain([node]) {
        let is_personal = |name: &str| node.schema.column(name).is_some_and(|column| column.pii);
        for line in node.lineage.iter().filter(|line| is_personal(&line.column)) {
            personal.extend(line.from.iter().filter(|(asset, _)| inputs.contains(asset)).cloned());
        }
    }
    personal
}

/// Whether the column or one that it is made from is marked.
fn comes_from_personal(graph: &Graph, asset: &AssetName, column: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![(asset.clone(), column.to_owned())];
    while let Some((asset, column)) = open.pop() {
        let Some(node) = graph.nodes().get(&asset) else { continue };
        if node.schema.column(&column).is_some_and(|column| column.pii) {
            return true;
        }
        for line in node.lineage.iter().filter(|line| line.column == column) {
            open.extend(line.from.iter().filter(|from| seen.insert((*from).clone())).cloned());
        }
    }
    false
}

/// What stands for which value.
#[derive(Debug, Default)]
pub(crate) struct Invented {
    numbers: HashMap<String, u32>,
}

impl Invented {
    pub(crate) fn for_value(&mut self, cell: &Cell, kind: &DataType) -> Cell {
        match (cell, kind) {
            (Cell::Null, _) => return Cell::Null,
            (Cell::List(items), DataType::List(kind)) => {
                return Cell::List(items.iter().map(|item| self.for_value(item, kind)).collect());
            }
            (Cell::Struct(values), DataType::Struct(kinds)) => {
                let values = kinds.iter().zip(values).map(|((_, kind), value)| self.for_value(value, kind));
                return Cell::Struct(values.collect());
            }
            _ => {}
        }
        let next = u32::try_from(self.numbers.len() + 1).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(cell.key(kind)).or_insert(next);
        match kind {
            // There are but two: keeping either would tell it.
            DataType::Boolean => Cell::Boolean(false),
            DataType::Int | DataType::Bigint => Cell::Integer(number.into()),
            DataType::Double => Cell::Double(number.into()),
            DataType::Decimal(precision, scale) => {
                let one = 10_i128.pow(scale.unsigned_abs().into());
                let room = 10_i128.checked_pow(u32::from(precision.saturating_sub(scale.unsigned_abs())));
                // A decimal without digits before its point counts in its last place.
                match room {
                    Some(room) if i128::from(number) < room => Cell::Decimal(i128::from(number) * one),
                    _ => Cell::Decimal(i128::from(number) % 10_i128.pow(u32::from(*precision))),
                }
            }
            DataType::String => Cell::Text(format!("masked_{number}")),
            DataType::Json => Cell::Text(format!("\"masked_{number}\"")),
            DataType::Binary => Cell::Binary(number.to_be_bytes().to_vec()),
            DataType::Date => Cell::Date(FIRST_DAY.saturating_add(i32::try_from(number % 1_000_000).unwrap_or(0))),
            DataType::Timestamp | DataType::Timestamptz => {
                Cell::Instant((i64::from(FIRST_DAY) + i64::from(number % 1_000_000)) * DAY_MICROS)
            }
            DataType::List(_) | DataType::Struct(_) => Cell::Null,
        }
    }
}

// A test that cannot begin has failed.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::buffer::BooleanBuffer;
use lockgate_engine::{Engine, EngineOptions};
use lockgate_lake::Lake;
use lockgate_types::Effects;

use super::{KeyHashes, Memory};
use crate::scan::Cells;

fn engine(memory_bytes: u64) -> (Engine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Arc::new(Lake::open(&folder.path().join("store"), "default", Effects::real()).unwrap());
    let options = EngineOptions { memory_bytes, threads: 2, spill_dir: folder.path().join("spill") };
    (Engine::new(options, lake).unwrap(), folder)
}

fn hashes(memory: &Memory, values: &[Option<i64>], kept: Option<&BooleanBuffer>) -> KeyHashes {
    let mut hashes = KeyHashes::new(memory.clone());
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    hashes.add(&[(&Cells::of(&column), &[])], values.len(), kept);
    hashes
}

#[test]
fn hashes_that_all_differ_prove_that_no_key_repeats() {
    let (engine, _folder) = engine(64 << 20);
    let memory = Memory::new(engine.reserve("test"));
    let numbers: Vec<Option<i64>> = (0..100_000).map(|n| (n % 3 != 0).then_some(n)).collect();
    assert!(hashes(&memory, &numbers, None).all_differ(2));
    // Nulls are none, and rows that are not looked at are none.
    let twice = [Some(1), None, None, Some(1)];
    assert!(!hashes(&memory, &twice, None).all_differ(2));
    let kept = BooleanBuffer::from(vec![true, true, true, false]);
    assert!(hashes(&memory, &twice, Some(&kept)).all_differ(2));
    // A key of which each worker has seen one row.
    let mut one = hashes(&memory, &[Some(1), Some(2)], None);
    one.merge(hashes(&memory, &[Some(3), Some(2)], None));
    assert!(!one.all_differ(2));
    assert_eq!(engine.reserved_bytes(), 0, "all memory is given back");
}

#[test]
fn columns_of_a_key_count_in_their_order() {
    let (engine, _folder) = engine(64 << 20);
    let memory = Memory::new(engine.reserve("test"));
    let (a, b): (ArrayRef, ArrayRef) =
        (Arc::new(Int64Array::from(vec![1, 2, 3])), Arc::new(StringArray::from(vec!["x", "x", "y"])));
    let (swapped, same): (ArrayRef, ArrayRef) =
        (Arc::new(Int64Array::from(vec![1, 2, 1])), Arc::new(StringArray::from(vec!["x", "x", "x"])));
    for (a, b, differ) in [(&a, &b, true), (&swapped, &same, false)] {
        let mut hashes = KeyHashes::new(memory.clone());
        hashes.add(&[(&Cells::of(a), &[]), (&Cells::of(b), &[])], 3, None);
        assert_eq!(hashes.all_differ(1), differ);
    }
}

#[test]
fn without_memory_nothing_is_proven() {
    let (engine, _folder) = engine(1 << 20);
    let memory = Memory::new(engine.reserve("test"));
    let numbers: Vec<Option<i64>> = (0..100_000).map(Some).collect();
    let mut given_up = hashes(&memory, &numbers, None);
    given_up.merge(hashes(&memory, &[Some(1)], None));
    assert_eq!(engine.reserved_bytes(), 0, "what was taken is given back");
    assert!(!given_up.all_differ(2));
}

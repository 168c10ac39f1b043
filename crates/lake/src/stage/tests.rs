#![allow(clippy::unwrap_used)] // Tests may.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Field, Schema as ArrowSchema};
use lockgate_types::{Column, DataType, Effects, Schema, VersionNumber};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::encoding::properties;
use super::partition::{Rows, Splitter, value_array, value_text};
use super::stats::{Statistics, rounded_up};
use crate::{Lake, Layout};

fn properties_of(column: ArrayRef) -> WriterProperties {
    let schema = Arc::new(ArrowSchema::new(vec![Field::new("c", column.data_type().clone(), true)]));
    properties(&schema, &RecordBatch::try_new(schema.clone(), vec![column]).unwrap())
}

fn dictionary(column: ArrayRef) -> bool {
    properties_of(column).dictionary_enabled(&ColumnPath::from("c"))
}

#[test]
fn numbers_are_packed_unless_a_few_lie_far_apart() {
    let numbers = |f: fn(i64) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..8192).map(f))) };
    assert!(!dictionary(numbers(|row| row)), "ascending");
    assert!(!dictionary(numbers(|row| row * 7919 % 8192)), "all different");
    assert!(!dictionary(numbers(|row| row % 11)), "few, close together");
    assert!(dictionary(numbers(|row| row % 11 * 86_400_000_000)), "few, far apart");
    assert!(!dictionary(Arc::new(Int64Array::from(vec![None::<i64>; 100]))), "only null");
    let properties = properties_of(numbers(|row| row));
    assert_eq!(properties.encoding(&ColumnPath::from("c")), Some(Encoding::DELTA_BINARY_PACKED));
    assert_eq!(properties.compression(&ColumnPath::from("c")), Compression::UNCOMPRESSED);
}

#[test]
fn strings_get_a_dictionary_when_they_repeat() {
    let texts = |f: fn(u64) -> u64| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..8192).map(|row| format!("some text {}", f(row)))))
    };
    assert!(!dictionary(texts(|row| row)), "all different");
    assert!(dictionary(texts(|row| row % 7)), "few");
    assert!(dictionary(texts(|row| row * 7919 % 8191 * row % 5000)), "a few thousand");
    assert!(dictionary(Arc::new(StringArray::from(vec!["a", "b"]))), "a small file");
}

#[test]
fn strings_keep_chunk_statistics_when_they_come_in_order() {
    let statistics =
        |texts: Vec<&str>| properties_of(Arc::new(StringArray::from(texts))).statistics_enabled(&ColumnPath::from("c"));
    assert_eq!(statistics(vec!["a", "a", "b"]), EnabledStatistics::Chunk);
    assert_eq!(statistics(vec!["a", "b", "a"]), EnabledStatistics::None);
}

#[test]
fn a_maximum_is_rounded_up() {
    assert_eq!(rounded_up("short"), Some("short".to_owned()));
    assert_eq!(rounded_up(&"x".repeat(32)), Some("x".repeat(32)));
    assert_eq!(rounded_up(&"x".repeat(33)), Some("x".repeat(31) + "y"));
    let last = '\u{10FFFF}';
    assert_eq!(rounded_up(&format!("a{}", last.to_string().repeat(40))), Some("b".to_owned()));
    assert_eq!(rounded_up(&last.to_string().repeat(40)), None, "nothing is above");
    assert_eq!(rounded_up(&"\u{D7FF}".repeat(40)), Some("\u{D7FF}".repeat(31) + "\u{E000}"), "no surrogates");
}

fn statistics_of(data_type: &DataType, column: ArrayRef) -> String {
    let mut statistics = Statistics::new([("c", data_type)].into_iter());
    for row in 0..column.len() {
        statistics.add_rows(1);
        statistics.columns_mut().for_each(|statistics| statistics.update(&column.slice(row, 1)));
    }
    let split = statistics.to_json();
    let mut statistics = Statistics::new([("c", data_type)].into_iter());
    statistics.add_rows(column.len());
    statistics.columns_mut().for_each(|statistics| statistics.update(&column));
    assert_eq!(statistics.to_json(), split, "batches make no difference");
    split
}

#[test]
fn texts_that_begin_alike_are_told_apart() {
    let bounds = |texts: &[&str]| {
        let plain: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let stats = statistics_of(&DataType::String, plain.clone());
        for other in [Arrow::Utf8View, Arrow::LargeUtf8] {
            assert_eq!(statistics_of(&DataType::String, cast(&plain, &other).unwrap()), stats, "{other}");
        }
        let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
        let text = |key: &str| stats[key]["c"].as_str().unwrap().to_owned();
        (text("minValues"), text("maxValues"))
    };
    let pair = |min: &str, max: &str| (min.to_owned(), max.to_owned());
    assert_eq!(bounds(&["a", "a\0", ""]), pair("", "a\0"));
    assert_eq!(bounds(&["0123456789abcdefY", "0123456789abcdefX", "0123456789abcdefZ"]), {
        pair("0123456789abcdefX", "0123456789abcdefZ")
    });
    assert_eq!(bounds(&["0123456789abcdef", "0123456789abcde", "0123456789abcdef0"]), {
        pair("0123456789abcde", "0123456789abcdef0")
    });
    assert_eq!(bounds(&["é", "z", "\u{10FFFF}", "a"]), pair("a", "\u{10FFFF}"));
}

#[test]
fn bounds_that_json_or_a_reader_cannot_have_are_left_out() {
    let doubles = |values: &[f64]| statistics_of(&DataType::Double, Arc::new(Float64Array::from(values.to_vec())));
    let none = r#"{"numRecords":2,"minValues":{},"maxValues":{},"nullCount":{"c":0}}"#;
    assert_eq!(doubles(&[1.0, f64::NAN]), none);
    assert_eq!(doubles(&[-f64::NAN, 1.0]), none);
    assert_eq!(
        doubles(&[f64::NEG_INFINITY, 0.0]),
        r#"{"numRecords":2,"minValues":{},"maxValues":{"c":0.0},"nullCount":{"c":0}}"#
    );
}

#[test]
fn only_the_first_columns_have_statistics() {
    let names: Vec<String> = (0..40).map(|at| format!("c{at}")).collect();
    let mut statistics = Statistics::new(names.iter().map(|name| (name.as_str(), &DataType::Double)));
    let columns: Vec<ArrayRef> = (0..40).map(|at| Arc::new(Float64Array::from(vec![f64::from(at)])) as _).collect();
    statistics.columns_mut().zip(&columns).for_each(|(statistics, column)| statistics.update(column));
    let stats: serde_json::Value = serde_json::from_str(&statistics.to_json()).unwrap();
    assert_eq!(stats["minValues"].as_object().unwrap().len(), 32);
}

#[test]
fn partition_values_come_back_from_their_text() {
    for (data_type, texts) in [
        (DataType::Boolean, vec!["true", "false"]),
        (DataType::Bigint, vec!["-9223372036854775808", "0"]),
        (DataType::Decimal(38, 4), vec!["-0.0001", "9999999999999999999999999999999999.9999"]),
        (DataType::Date, vec!["0001-01-01", "9999-12-31"]),
        (DataType::Timestamp, vec!["1969-12-31 23:59:59.999999", "2013-01-01 00:00:00.000000"]),
        (DataType::Timestamptz, vec!["1969-12-31T23:59:59.999999Z", "2013-01-01T00:00:00.000000Z"]),
        (DataType::String, vec!["a b", "null"]),
    ] {
        for text in texts {
            let array = value_array(&data_type, Some(text), 2).unwrap();
            assert_eq!(value_text(&array, 1).unwrap().as_deref(), Some(text), "{data_type}");
        }
        let null = value_array(&data_type, None, 1).unwrap();
        assert_eq!(value_text(&null, 0), Ok(None));
    }
}

#[test]
fn only_a_lone_writer_shares_its_columns_out() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path(), "default", Effects::real()).unwrap();
    let schema = Schema { columns: vec![Column::new("a", DataType::Int), Column::new("b", DataType::Int)] };
    let layout = Layout { threads: 2, ..Layout::default() };
    let table = lake.table(&"raw.orders".parse().unwrap());
    let set = table.stage_set(VersionNumber(1), &schema, layout.clone());
    let first = set.writer(0);
    assert_eq!(first.threads(), 2);
    let second = set.writer(1);
    assert_eq!((first.threads(), second.threads()), (1, 1));
    drop(first);
    assert_eq!(second.threads(), 2);
    let partitioned = Layout { partition_by: vec!["a".to_owned()], ..layout };
    assert_eq!(table.stage(VersionNumber(1), &schema, partitioned).threads(), 1);
}

#[test]
fn rows_are_split_by_value() {
    let keys: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("a"), None, Some("b"), None]));
    let keys = [cast(&keys, &Arrow::Utf8View).unwrap()];
    let mut splitter = Splitter::new(&keys).unwrap();
    let parts = splitter.split(&keys).unwrap();
    let rows: Vec<(usize, Vec<u32>)> = parts
        .iter()
        .map(|(partition, rows)| match rows {
            Rows::All => panic!("there are several"),
            Rows::Run { start, length } => (*partition, (*start as u32..(*start + *length) as u32).collect()),
            Rows::Scattered(rows) => (*partition, rows.clone()),
        })
        .collect();
    assert_eq!(rows, [(0, vec![0, 1]), (1, vec![2, 4]), (2, vec![3])]);
    let again = splitter.split(&[keys[0].slice(3, 1)]).unwrap();
    assert!(matches!(again[..], [(2, Rows::All)]), "known ones keep their number");
}

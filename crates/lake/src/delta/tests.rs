#![allow(clippy::unwrap_used)] // Tests may.

use std::collections::BTreeMap;

use lockgate_types::{Column, DataType, Schema};

use super::log::transaction;
use super::path::{NULL_PARTITION, decode, encode, folder_name};
use super::protocol::{Protocol, unsupported};
use super::schema::schema_string;

#[test]
fn paths_survive_the_log() {
    for path in ["_lockgate/v1/day=2013-01-01/part-0-0.parquet", "a b/100%25/é/x=y", "%", "%zz"] {
        assert_eq!(decode(&encode(path)).as_deref(), Some(path));
    }
    assert_eq!(encode("a b/c=%2F"), "a%20b/c=%252F");
    assert_eq!(decode("50%"), Some("50%".to_owned()));
    assert_eq!(decode("%ff"), None);
}

#[test]
fn partition_folders_are_names_of_files() {
    assert_eq!(folder_name("day", Some("2013-01-01 05:00:00")), "day=2013-01-01%2005%3A00%3A00");
    assert_eq!(folder_name("x", None), format!("x={NULL_PARTITION}"));
    assert_eq!(folder_name("x", Some("..")), "x=%2E.");
    let (one, two) = ("é".repeat(300) + "1", "é".repeat(300) + "2");
    let (one, two) = (folder_name("x", Some(&one)), folder_name("x", Some(&two)));
    assert!(one.len() <= 200 && two.len() <= 200 && one != two, "{one} {two}");
}

#[test]
fn schema_strings_have_deltas_types() {
    let nested = DataType::parse("list<struct<a: int, b: timestamp>>").unwrap();
    let mut price = Column::new("price", DataType::Decimal(15, 2));
    price.description = Some("net of \"tax\"".to_owned());
    let schema = Schema { columns: vec![price, Column::new("j", DataType::Json), Column::new("n", nested)] };
    assert_eq!(
        schema_string(&schema),
        r#"{"type":"struct","fields":[{"name":"price","type":"decimal(15,2)","nullable":true,"metadata":{"comment":"net of \"tax\""}},{"name":"j","type":"string","nullable":true,"metadata":{"lockgate.type":"json"}},{"name":"n","type":{"type":"array","elementType":{"type":"struct","fields":[{"name":"a","type":"integer","nullable":true,"metadata":{}},{"name":"b","type":"timestamp_ntz","nullable":true,"metadata":{}}]},"containsNull":true},"nullable":true,"metadata":{}}]}"#
    );
    assert_eq!(Protocol::for_schema(&schema).reader, 3, "a nested timestamp without a zone counts");
}

#[test]
fn what_a_foreign_table_needs_is_told() {
    let plain = Protocol::for_schema(&Schema::default());
    let none = BTreeMap::new();
    let with = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    assert_eq!(unsupported(&plain, &none, "{}"), None);
    assert_eq!(unsupported(&plain, &with("delta.columnMapping.mode", "none"), "{}"), None);
    let name = unsupported(&plain, &with("delta.columnMapping.mode", "name"), "{}");
    assert_eq!(name.as_deref(), Some("delta.columnMapping.mode"));
    let constraint = unsupported(&plain, &with("delta.constraints.positive", "id > 0"), "{}");
    assert_eq!(constraint.as_deref(), Some("delta.constraints.positive"));
    let generated = unsupported(&plain, &none, r#"{"delta.generationExpression":"1"}"#);
    assert_eq!(generated.as_deref(), Some("delta.generationExpression"));
    for feature in ["deletionVectors", "columnMapping", "rowTracking", "something from the future"] {
        let mut protocol = plain.clone();
        protocol.writer_features.insert(feature.to_owned());
        assert_eq!(unsupported(&protocol, &none, "{}").as_deref(), Some(feature));
    }
    let future = Protocol { reader: 4, ..plain };
    assert_eq!(unsupported(&future, &none, "{}").as_deref(), Some("reader version 4"));
}

#[test]
fn our_transactions_are_told_from_others() {
    let entry = |txn: &str| format!("{{\"commitInfo\":{{}}}}\n{txn}\n");
    let ours = entry(r#"{"txn":{"appId":"lockgate","version":7}}"#);
    assert_eq!(transaction(ours.as_bytes()), Ok(Some(7)));
    assert_eq!(transaction(entry(r#"{"txn":{"appId":"spark","version":7}}"#).as_bytes()), Ok(None));
    assert_eq!(transaction(entry(r#"{"add":{"path":"\"txn\""}}"#).as_bytes()), Ok(None));
    assert!(transaction(entry(r#"{"txn":{"appId":"lock"#).as_bytes()).is_err());
}

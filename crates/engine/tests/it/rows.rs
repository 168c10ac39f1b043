//! Rows as bytes: their order is the engine's, their equality too, and they come back as they went in.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use futures::{StreamExt, TryStreamExt};
use lockgate_engine::{Row, RowLayout, Session};
use std::sync::Arc;

use crate::fixture::{Fixture, MB, schema, table_text};

async fn rows(session: &Session, sql: &str, key: usize, compared: usize) -> Vec<Vec<u8>> {
    let stream = session.sorted_rows(sql, key, compared).await.unwrap();
    let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
    batches.iter().flat_map(encoded).collect()
}

fn encoded(batch: &RecordBatch) -> Vec<Vec<u8>> {
    batch.column(0).as_binary::<i32>().iter().map(|row| row.unwrap().to_vec()).collect()
}

/// Of every type: pairs of values, told apart exactly when the engine does, and in its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_compare_as_the_engine_compares() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let values: [(&str, &[&str]); 11] = [
        ("boolean", &["true", "false"]),
        ("int", &["0", "-1", "1", "2147483647", "-2147483648"]),
        ("bigint", &["0", "-9223372036854775808", "9223372036854775807"]),
        ("double", &["0.0", "-0.0", "1.5", "-1.5", "inf", "-inf", "NaN", "1e-310"]),
        ("decimal(38,10)", &["0", "-0.0000000001", "9999999999999999999999999999", "1.5"]),
        (
            "string",
            &["", "a", "a ", "ä", "a text of more than thirty-two bytes, a", "a text of more than thirty-two bytes, b"],
        ),
        ("binary", &["", "a", "aa"]),
        ("date", &["1969-12-31", "2024-02-29"]),
        ("timestamp", &["1969-12-31T23:59:59.999999", "2024-02-29"]),
        ("timestamptz", &["2024-02-29T00:00:00Z", "2024-02-29T01:00:00+01:00", "2024-02-29T01:00:00Z"]),
        ("json", &["1", "{}", "{ }"]),
    ];
    for (data_type, literals) in values {
        let list = literals.iter().map(|text| format!("('{text}'::{data_type})"));
        let list: Vec<String> = list.chain([format!("(null::{data_type})")]).collect();
        let all = format!("(values {}) v(x)", list.join(", "));
        let encoded = rows(&session, &format!("select x from {all}"), 1, 0).await;
        assert_eq!(encoded.len(), list.len(), "{data_type}");
        // Distinct rows, counted by both.
        let mut distinct: Vec<&[u8]> = encoded.iter().map(|row| Row::new(row).key()).collect();
        assert!(distinct.is_sorted(), "{data_type}");
        distinct.dedup();
        let counted = session.collect(&format!("select count(*) from (select distinct x from {all})")).await.unwrap();
        assert_eq!(distinct.len() as i64, counted[0].column(0).as_primitive::<Int64Type>().value(0), "{data_type}");
        let pairs = format!(
            "select count(*) from {all} join (values {}) w(x) on (v.x is not distinct from w.x)",
            list.join(", ")
        );
        let counted = session.collect(&pairs).await.unwrap();
        let equal: usize =
            encoded.iter().map(|a| encoded.iter().filter(|b| Row::new(a).key() == Row::new(b).key()).count()).sum();
        assert_eq!(equal as i64, counted[0].column(0).as_primitive::<Int64Type>().value(0), "{data_type}");
        // Decoded in the engine's own order, nulls last.
        let layout = RowLayout { columns: schema(&format!("x: {data_type}")), key: 1, compared: 0 };
        let decoded = layout.decode(encoded.iter().map(|row| Row::new(row))).unwrap();
        let expected = session.collect(&format!("select x from {all} order by x nulls last")).await.unwrap();
        let text = |batches: &[RecordBatch]| table_text(&[], batches).join("\n").replace("-0.0", "0.0");
        assert_eq!(text(&[decoded]), text(&expected), "{data_type}");
        assert_eq!(encoded.iter().filter(|row| Row::new(row).has_null_key()).count(), 1);
    }
}

/// Every NaN is one; also inside lists and structs, where the engine itself tells signs apart.
#[tokio::test]
async fn equal_floats_have_one_form_at_any_depth() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let sql = "select x, [x, null] as l, named_struct('a', x, 'b', [named_struct('c', x)]) as s \
               from (values ('NaN'::double), (-('NaN'::double)), (0.0::double), (-(0.0::double)), (null::double)) v(x)";
    for key in 1..=3 {
        let mut encoded = rows(&session, sql, key, 3 - key).await;
        assert_eq!(encoded.len(), 5);
        encoded.dedup();
        assert_eq!(encoded.len(), 3, "zero, NaN, null");
        let columns = schema("x: double, l: list<double>, s: struct<a: double, b: list<struct<c: double>>>");
        let layout = RowLayout { columns, key, compared: 3 - key };
        let decoded = layout.decode(encoded.iter().map(|row| Row::new(row))).unwrap();
        assert_eq!(
            table_text(&[], &[decoded])[1..],
            [
                "0.0 | [0.0, null] | {a: 0.0, b: [{c: 0.0}]}",
                "NaN | [NaN, null] | {a: NaN, b: [{c: NaN}]}",
                "null | [null, null] | {a: null, b: [{c: null}]}",
            ]
        );
    }
}

/// A null, an empty and a shorter value are told apart, and none is taken for the beginning of the next column.
#[tokio::test]
async fn columns_do_not_run_into_each_other() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let sql = "select a, b, l, s from (values ('', 'ab', [1], 'x'), ('a', 'b', [1], 'x'), ('ab', '', [1], 'x'), (null, 'ab', [1], 'x'), \
               ('ab', null, [1], 'x'), ('a', 'b', [1, null], 'x'), ('a', 'b', null, 'x'), ('a', 'b', [1], null)) v(a, b, l, s)";
    let encoded = rows(&session, sql, 2, 1).await;
    let distinct = |part: fn(Row<'_>) -> &[u8]| {
        let mut parts: Vec<Vec<u8>> = encoded.iter().map(|row| part(Row::new(row)).to_vec()).collect();
        parts.dedup();
        parts.len()
    };
    assert_eq!((distinct(|row| row.key()), distinct(|row| row.compared()), distinct(|row| row.bytes())), (5, 7, 8));
    let layout = RowLayout { columns: schema("a: string, b: string, l: list<bigint>, s: string"), key: 2, compared: 1 };
    let decoded = layout.decode(encoded.iter().map(|row| Row::new(row))).unwrap();
    assert_eq!(
        table_text(&[], &[decoded])[1..],
        [
            " | ab | [1] | x",
            "a | b | [1] | x",
            "a | b | [1] | null",
            "a | b | [1, null] | x",
            "a | b | null | x",
            "ab |  | [1] | x",
            "ab | null | [1] | x",
            "null | ab | [1] | x",
        ]
    );
    let none = layout.decode([]).unwrap();
    assert_eq!((none.num_rows(), none.num_columns()), (0, 4));
    assert!(rows(&session, "select 1 as a where false", 1, 0).await.is_empty());
}

/// Two are read at once, the second sorted while the first is half read, as a diff does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sorted_rows_spill() {
    const ROWS: i64 = 100_000;
    let fixture = Fixture::with_memory(8 * MB, 2);
    let columns = schema("key: bigint, text: string");
    let session = fixture.session();
    let batches: Vec<RecordBatch> = (0..ROWS)
        .step_by(8192)
        .map(|start| {
            let keys: Vec<i64> = (start..(start + 8192).min(ROWS)).map(|at| (at * 7919) % ROWS).collect();
            let text = keys.iter().map(|key| format!("{key:040}")).collect::<Vec<_>>();
            let columns_of: Vec<Arc<dyn Array>> =
                vec![Arc::new(Int64Array::from(keys)), Arc::new(StringArray::from(text))];
            RecordBatch::try_new(columns.to_arrow(), columns_of).unwrap()
        })
        .collect();
    for name in ["raw.left_side", "raw.right_side"] {
        session.register(fixture.write(name, &columns, &[], vec![batches.clone()]).await).unwrap();
    }
    let session = session.single();
    let mut left_stream = session.sorted_rows("select key, text from raw.left_side", 1, 1).await.unwrap();
    let mut left = encoded(&left_stream.next().await.unwrap().unwrap());
    let right = rows(&session, "select key, text from raw.right_side", 1, 1).await;
    while let Some(batch) = left_stream.next().await {
        left.extend(encoded(&batch.unwrap()));
    }
    drop(left_stream);
    assert_eq!(left.len() as i64, ROWS);
    assert!(left == right, "both are the same");
    assert!(left.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(session.spilled_bytes() > 0);
    assert_eq!(fixture.engine.reserved_bytes(), 0);
}

#![allow(clippy::unwrap_used)] // tests may

use std::sync::Arc;

use arrow::array::{Decimal128Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, TimeUnit};

use super::*;
use crate::terminal::style::Paint;

fn batch() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
    ]);
    RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(vec![Some(1), None])),
            Arc::new(StringArray::from(vec![Some("a \"b\", c"), Some("")])),
            Arc::new(Decimal128Array::from(vec![Some(12_050), None]).with_precision_and_scale(18, 2).unwrap()),
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1_388_444_400_000_000), None]).with_timezone("UTC")),
        ],
    )
    .unwrap()
}

fn written(format: Format, batches: &[RecordBatch]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut sink = Sink::new(format, &batch().schema(), Box::new(file.reopen().unwrap()), true).unwrap();
    for batch in batches {
        sink.write(batch).unwrap();
    }
    sink.finish().unwrap();
    std::fs::read(file.path()).unwrap()
}

#[test]
fn csv_tells_null_from_empty() {
    let text = String::from_utf8(written(Format::Csv, &[batch()])).unwrap();
    assert_eq!(text, "id,name,amount,at\n1,\"a \"\"b\"\", c\",120.50,2013-12-30T23:00:00Z\n,\"\",,\n");
}

#[test]
fn json_is_an_array_also_of_nothing() {
    let rows: serde_json::Value = serde_json::from_slice(&written(Format::Json, &[batch()])).unwrap();
    assert_eq!(rows[0]["id"], 1);
    assert_eq!(rows[1]["amount"], serde_json::Value::Null);
    assert_eq!(written(Format::Json, &[]), b"[]\n");
}

#[test]
fn arrow_and_parquet_read_back() {
    let bytes = written(Format::Arrow, &[batch(), batch()]);
    let reader = arrow::ipc::reader::FileReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 4);
    assert!(written(Format::Parquet, &[batch()]).starts_with(b"PAR1"));
}

#[test]
fn tables_show_null() {
    let text = table(&batch().schema(), &[batch()]).unwrap().render(Paint::OFF, None).text;
    assert_eq!(text.lines().last(), Some("NULL              NULL  NULL"));
}

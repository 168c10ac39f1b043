//! What staging writes.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Field, Schema as ArrowSchema};
use lockgate_lake::{LakeError, Layout, StagedFiles};
use lockgate_types::{DataType, VersionNumber};
use serde_json::{Value, json};

use crate::support::{
    every_type, every_type_rows, files_below, rows, schema, simple, simple_rows, sorted, stage, store,
};

#[tokio::test]
async fn files_lie_where_no_reader_looks() {
    let store = store();
    let table = store.table("raw.orders");
    let staged = stage(&table, 7, &simple(), &[], &[simple_rows(0..10), simple_rows(10..30)]).await;
    assert_eq!(staged.rows, 30);
    assert_eq!(staged.files.len(), 1);
    assert_eq!(staged.files[0].path, "_lockgate/v7/part-0-0.parquet");
    let file = store.path(&table).join(&staged.files[0].path);
    assert_eq!(std::fs::metadata(file).unwrap().len(), staged.size_bytes);
    assert_eq!(table.prefix().as_ref(), "tables/raw/orders");
    assert_eq!(table.head().await.unwrap(), None);
    assert_eq!(table.staged_numbers().await.unwrap(), [VersionNumber(7)]);
}

#[tokio::test]
async fn nothing_staged_is_no_file() {
    let store = store();
    let staged = stage(&store.table("raw.orders"), 1, &simple(), &[], &[simple_rows(0..0)]).await;
    assert_eq!(staged, StagedFiles::default());
}

#[tokio::test]
async fn statistics_are_as_delta_wants_them() {
    let store = store();
    let long = |last: char| format!("{}{last}tail", "x".repeat(31));
    let table = store.table("raw.orders");
    let schema = schema(&[
        ("id", DataType::Bigint),
        ("amount", DataType::Decimal(10, 2)),
        ("ratio", DataType::Double),
        ("nan", DataType::Double),
        ("text", DataType::String),
        ("day", DataType::Date),
        ("seen", DataType::Timestamp),
        ("seen_at", DataType::Timestamptz),
        ("empty", DataType::Int),
        ("flag", DataType::Boolean),
        ("items", DataType::List(Box::new(DataType::Int))),
    ]);
    let fields = schema.to_arrow();
    let null = |column: usize| arrow::array::new_null_array(fields.field(column).data_type(), 3);
    let text = |values: [Option<&str>; 3], column: usize| {
        let texts: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        cast(&texts, fields.field(column).data_type()).unwrap()
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(5), None, Some(-3)])),
        text([Some("-0.05"), Some("12345678.90"), None], 1),
        Arc::new(Float64Array::from(vec![Some(0.0), Some(1e300), None])),
        Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None])),
        Arc::new(StringArray::from(vec![Some(long('a')), Some(long('b')), Some("\"quoted\"".to_owned())])),
        text([Some("2013-01-01"), Some("0987-02-03"), None], 5),
        text([Some("2013-01-01T00:00:00.000001"), Some("2013-12-31T23:59:59.999999"), None], 6),
        text([Some("2013-01-01T00:00:00.5Z"), Some("2013-01-01T00:00:00.123001Z"), None], 7),
        null(8),
        text([Some("true"), Some("false"), None], 9),
        null(10),
    ];
    let batch = RecordBatch::try_new(fields, columns).unwrap();
    let staged = stage(&table, 1, &schema, &[], &[batch]).await;
    let text = staged.files[0].stats.as_deref().unwrap();
    assert!(text.contains("12345678.90"), "decimals keep their digits: {text}");
    let stats: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        stats,
        json!({
            "numRecords": 3,
            "minValues": {
                "id": -3, "amount": -0.05, "ratio": -0.0, "text": "\"quoted\"", "day": "0987-02-03",
                "seen": "2013-01-01T00:00:00.000", "seen_at": "2013-01-01T00:00:00.123Z",
            },
            "maxValues": {
                "id": 5, "amount": 12_345_678.9, "ratio": 1e300, "text": format!("{}c", "x".repeat(31)),
                "day": "2013-01-01", "seen": "2014-01-01T00:00:00.000", "seen_at": "2013-01-01T00:00:00.500Z",
            },
            "nullCount": {
                "id": 1, "amount": 1, "ratio": 1, "nan": 1, "text": 0, "day": 1, "seen": 1, "seen_at": 1, "empty": 3,
                "flag": 1,
            },
        })
    );
}

#[tokio::test]
async fn partitions_are_folders_with_escaped_names() {
    let store = store();
    let table = store.table("raw.orders");
    let schema = schema(&[("city", DataType::String), ("id", DataType::Bigint), ("day", DataType::Date)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("São Paulo/b=1%"), None, Some("São Paulo/b=1%"), Some("x")])),
        Arc::new(Int64Array::from(vec![1, 2, 3, 4])),
        Arc::new(Date32Array::from(vec![Some(0), Some(1), Some(0), None])),
    ];
    let batch = RecordBatch::try_new(schema.to_arrow(), columns).unwrap();
    let staged = stage(&table, 1, &schema, &["day", "city"], std::slice::from_ref(&batch)).await;
    let paths: Vec<&str> = staged.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "_lockgate/v1/day=1970-01-01/city=São%20Paulo%2Fb%3D1%25/part-0-0.parquet",
            "_lockgate/v1/day=1970-01-02/city=__HIVE_DEFAULT_PARTITION__/part-0-1.parquet",
            "_lockgate/v1/day=__HIVE_DEFAULT_PARTITION__/city=x/part-0-2.parquet",
        ]
    );
    for file in &staged.files {
        assert!(store.path(&table).join(&file.path).is_file(), "{} is not a file", file.path);
    }
    let first = &staged.files[0].partition;
    let texts = [("day", Some("1970-01-01")), ("city", Some("São Paulo/b=1%"))];
    assert_eq!(*first, texts.map(|(column, text)| (column.to_owned(), text.map(str::to_owned))));
    let partition_by = ["day".to_owned(), "city".to_owned()];
    let read = table.read(&staged.files, &schema, &partition_by, None).await.unwrap();
    let by_id = |batches: &[RecordBatch]| {
        let moved: Vec<_> = batches.iter().map(|batch| batch.project(&[1, 0, 2]).unwrap()).collect();
        sorted(&moved, 1)
    };
    assert_eq!(by_id(&read), by_id(&[batch]));
}

#[tokio::test]
async fn a_long_partition_value_gets_a_short_folder() {
    let store = store();
    let table = store.table("raw.orders");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 2])),
        Arc::new(StringArray::from(vec!["é".repeat(400) + "1", "é".repeat(400) + "2"])),
    ];
    let batch = RecordBatch::try_new(simple().to_arrow(), columns).unwrap();
    let staged = stage(&table, 1, &simple(), &["name"], std::slice::from_ref(&batch)).await;
    assert_eq!(staged.files.len(), 2);
    let read = table.read(&staged.files, &simple(), &["name".to_owned()], None).await.unwrap();
    assert_eq!(sorted(&read, 1), batch);
}

#[tokio::test]
async fn what_cannot_partition_is_refused() {
    let store = store();
    let table = store.table("raw.orders");
    let refused = |schema: &lockgate_types::Schema, column: &str, batch: &RecordBatch| {
        let layout = Layout { partition_by: vec![column.to_owned()], ..Layout::default() };
        match table.stage(VersionNumber(1), schema, layout).write(batch) {
            Err(error @ LakeError::Partition { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let all = every_type_rows(0, 3);
    for column in ["double", "binary", "json", "list", "struct", "nothing"] {
        let message = refused(&every_type(), column, &all);
        assert!(message.contains(&format!("by `{column}`")), "{message}");
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![1])), Arc::new(StringArray::from(vec![""]))];
    let batch = RecordBatch::try_new(simple().to_arrow(), columns).unwrap();
    let message = refused(&simple(), "name", &batch);
    assert_eq!(message, "raw.orders cannot be partitioned by `name`: an empty string cannot be told from null there");
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused() {
    let store = store();
    let mut writer = store.table("raw.orders").stage(VersionNumber(1), &simple(), Layout::default());
    let error = writer.write(&every_type_rows(0, 3)).unwrap_err();
    assert!(matches!(error, LakeError::Schema { .. }), "{error}");
    let swapped = simple_rows(0..3).project(&[1, 0]).unwrap();
    let message = writer.write(&swapped).unwrap_err().to_string();
    assert_eq!(message, "rows do not fit the columns of raw.orders: column `id` should be Int64, but is Utf8");
}

#[tokio::test]
async fn views_and_dictionaries_are_taken_as_they_are() {
    let store = store();
    let table = store.table("raw.orders");
    let plain = simple_rows(0..5000);
    let dictionary = Arrow::Dictionary(Box::new(Arrow::Int32), Box::new(Arrow::Utf8));
    for (number, data_type) in [(1, Arrow::Utf8View), (2, Arrow::LargeUtf8), (3, dictionary)] {
        let column = cast(plain.column(1), &data_type).unwrap();
        let fields = vec![Field::new("id", Arrow::Int64, true), Field::new("name", data_type, true)];
        let columns = vec![plain.column(0).clone(), column];
        let batch = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns).unwrap();
        let staged = stage(&table, number, &simple(), &[], &[batch]).await;
        let read = table.read(&staged.files, &simple(), &[], None).await.unwrap();
        assert_eq!(sorted(&read, 1), plain);
        let stats: Value = serde_json::from_str(staged.files[0].stats.as_deref().unwrap()).unwrap();
        assert_eq!((&stats["minValues"]["name"], &stats["maxValues"]["name"]), (&json!("name 0"), &json!("name 999")));
    }
}

#[tokio::test]
async fn files_roll_at_the_target_size_and_writers_do_not_meet() {
    let store = store();
    let table = store.table("raw.orders");
    let layout = Layout { target_file_bytes: 20_000, ..Layout::default() };
    let set = table.stage_set(VersionNumber(1), &simple(), layout);
    let parts = futures::future::join_all((0..3).map(|index| {
        let mut writer = set.writer(index);
        async move {
            for batch in 0..10 {
                let first = i64::try_from(index * 10 + batch).unwrap() * 1000;
                writer.write(&simple_rows(first..first + 1000)).unwrap();
            }
            writer.finish().await.unwrap()
        }
    }))
    .await;
    let staged = StagedFiles::merge(parts);
    assert_eq!(staged.rows, 30_000);
    assert!(staged.files.len() > 6, "{} files", staged.files.len());
    let read = table.read(&staged.files, &simple(), &[], None).await.unwrap();
    assert_eq!(sorted(&read, 1), simple_rows(0..30_000));
    let expected: Vec<String> = staged.files.iter().map(|file| file.path.clone()).collect();
    let mut found = files_below(&store.path(&table));
    let mut wanted = expected;
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn a_writer_never_overwrites() {
    let store = store();
    let table = store.table("raw.orders");
    stage(&table, 1, &simple(), &[], &[simple_rows(0..3)]).await;
    let mut again = table.stage(VersionNumber(1), &simple(), Layout::default());
    let error = again.write(&simple_rows(0..3)).unwrap_err();
    assert!(error.to_string().contains("part-0-0.parquet"), "{error}");
}

#[tokio::test]
async fn many_partitions_share_bounded_memory() {
    let store = store();
    let table = store.table("raw.orders");
    let schema = schema(&[("id", DataType::Bigint), ("key", DataType::Int)]);
    let layout = Layout { partition_by: vec!["key".to_owned()], ..Layout::default() };
    let mut writer = table.stage(VersionNumber(1), &schema, layout);
    for round in 0..12_i64 {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(round * 20_000..(round + 1) * 20_000)),
            Arc::new(arrow::array::Int32Array::from_iter_values((0..20_000).map(|row| row % 500))),
        ];
        writer.write(&RecordBatch::try_new(schema.to_arrow(), columns).unwrap()).unwrap();
        assert!(writer.buffered_bytes() < 256 << 20);
    }
    let staged = writer.finish().await.unwrap();
    assert_eq!(staged.rows, 240_000);
    let keys: std::collections::BTreeSet<_> = staged.files.iter().map(|file| file.partition[0].1.clone()).collect();
    assert_eq!(keys.len(), 500);
    let read = table.read(&staged.files, &schema, &["key".to_owned()], None).await.unwrap();
    let ids: std::collections::BTreeSet<i64> = read
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec())
        .collect();
    assert_eq!(ids.len(), 240_000);
}

#[tokio::test]
async fn a_preview_reads_no_more_than_asked() {
    let store = store();
    let table = store.table("raw.orders");
    let staged = stage(&table, 1, &simple(), &[], &[simple_rows(0..100)]).await;
    let read = table.read(&staged.files, &simple(), &[], Some(7)).await.unwrap();
    assert_eq!(rows(&read), 7);
    let wider = schema(&[("id", DataType::Bigint), ("later", DataType::Double), ("name", DataType::String)]);
    let read = table.read(&staged.files, &wider, &[], Some(3)).await.unwrap();
    assert_eq!(read[0].column(1).null_count(), 3, "a column that came later is null in older files");
}

#[tokio::test]
async fn a_damaged_or_missing_file_is_named() {
    let store = store();
    let table = store.table("raw.orders");
    let staged = stage(&table, 1, &simple(), &[], &[simple_rows(0..100)]).await;
    let file = store.path(&table).join(&staged.files[0].path);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let error = table.read(&staged.files, &simple(), &[], None).await.unwrap_err();
    assert_eq!(error.diagnostic().code.id, "LG0505");
    assert_eq!(error.diagnostic().place.unwrap().file, file);
    std::fs::remove_file(&file).unwrap();
    let error = table.read(&staged.files, &simple(), &[], None).await.unwrap_err();
    assert_eq!(error.diagnostic().code.id, "LG0504");
    assert_eq!(error.diagnostic().place.unwrap().file, file);
}

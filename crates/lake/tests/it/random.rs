//! Random rows come back as they went in, whatever the encodings chosen for them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use lockgate_lake::Layout;
use lockgate_types::{DataType, Schema, VersionNumber};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::support::{live_rows, publish, schema, sorted, store};

const SEEDS: u64 = 30;

const SIMPLE_TYPES: [DataType; 12] = [
    DataType::Boolean,
    DataType::Int,
    DataType::Bigint,
    DataType::Double,
    DataType::Decimal(9, 2),
    DataType::Decimal(18, 0),
    DataType::Decimal(38, 12),
    DataType::String,
    DataType::Binary,
    DataType::Date,
    DataType::Timestamp,
    DataType::Timestamptz,
];

/// How the values of a column are spread, so that every encoding is chosen for some.
#[derive(Clone, Copy)]
enum Spread {
    All,
    Few,
    Ascending,
    Constant,
}

fn integer(rng: &mut SmallRng, spread: Spread, row: i64, limit: i64) -> i64 {
    match spread {
        Spread::All => rng.random_range(-limit..=limit),
        Spread::Few => rng.random_range(-5..=5) * (limit / 7),
        Spread::Ascending => row % limit,
        Spread::Constant => limit / 3,
    }
}

fn text(rng: &mut SmallRng, spread: Spread, row: i64) -> String {
    match spread {
        Spread::All => {
            let length = rng.random_range(0..60);
            (0..length).map(|_| char::from_u32(rng.random_range(1..0x1_F000)).unwrap_or('x')).collect()
        }
        Spread::Few => ["", "a", "a\0", "ä", "some longer text"][rng.random_range(0..5)].to_owned(),
        Spread::Ascending => format!("{row:08}"),
        Spread::Constant => "constant".to_owned(),
    }
}

fn column(rng: &mut SmallRng, data_type: &DataType, first: i64, rows: i64) -> ArrayRef {
    let spread = [Spread::All, Spread::Few, Spread::Ascending, Spread::Constant][rng.random_range(0..4)];
    let nulls = [0.0, 0.1, 0.9, 1.0][rng.random_range(0..4)];
    let rows = first..first + rows;
    macro_rules! values {
        ($value:expr) => {
            rows.map(|row| if rng.random_bool(nulls) { None } else { Some($value(&mut *rng, row)) })
        };
    }
    let instant = 253_402_300_799_999_999;
    match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from_iter(values!(|rng: &mut SmallRng, _| rng.random_bool(0.5)))),
        DataType::Int => Arc::new(Int32Array::from_iter(values!(|rng: &mut SmallRng, row| {
            i32::try_from(integer(rng, spread, row, i64::from(i32::MAX))).unwrap()
        }))),
        DataType::Bigint => {
            Arc::new(Int64Array::from_iter(values!(|rng: &mut SmallRng, row| integer(rng, spread, row, i64::MAX))))
        }
        DataType::Double => Arc::new(Float64Array::from_iter(values!(|rng: &mut SmallRng, row| {
            match rng.random_range(0..40) {
                0 => f64::INFINITY,
                1 => -0.0,
                2 => f64::MIN_POSITIVE,
                _ => integer(rng, spread, row, i64::MAX) as f64 / 3.0,
            }
        }))),
        DataType::Decimal(precision, scale) => {
            let limit = 10_i128.pow(u32::from(*precision)) - 1;
            let factor = (limit / i128::from(i64::MAX)).max(1);
            let small = i64::try_from(limit.min(i128::from(i64::MAX))).unwrap();
            let values = values!(|rng: &mut SmallRng, row| i128::from(integer(rng, spread, row, small)) * factor);
            Arc::new(Decimal128Array::from_iter(values).with_precision_and_scale(*precision, *scale).unwrap())
        }
        DataType::String | DataType::Json => {
            Arc::new(StringArray::from_iter(values!(|rng: &mut SmallRng, row| text(rng, spread, row))))
        }
        DataType::Binary => {
            Arc::new(BinaryArray::from_iter(values!(|rng: &mut SmallRng, row| text(rng, spread, row).into_bytes())))
        }
        DataType::Date => Arc::new(Date32Array::from_iter(values!(|rng: &mut SmallRng, row| {
            i32::try_from(integer(rng, spread, row, 2_900_000)).unwrap()
        }))),
        DataType::Timestamp => Arc::new(TimestampMicrosecondArray::from_iter(values!(|rng: &mut SmallRng, row| {
            integer(rng, spread, row, instant)
        }))),
        DataType::Timestamptz => Arc::new(
            TimestampMicrosecondArray::from_iter(values!(|rng: &mut SmallRng, row| integer(rng, spread, row, instant)))
                .with_timezone("UTC"),
        ),
        DataType::List(_) | DataType::Struct(_) => new_null_array(&data_type.to_arrow(), rows.count()),
    }
}

fn random_schema(rng: &mut SmallRng) -> Schema {
    let names: Vec<String> = (0..rng.random_range(1..10)).map(|at| format!("c{at}")).collect();
    let mut columns = vec![("id", DataType::Bigint)];
    columns.extend(names.iter().map(|name| {
        let mut data_type = SIMPLE_TYPES[rng.random_range(0..SIMPLE_TYPES.len())].clone();
        if rng.random_bool(0.1) {
            data_type = DataType::List(Box::new(data_type));
        }
        (name.as_str(), data_type)
    }));
    schema(&columns)
}

fn random_batches(rng: &mut SmallRng, schema: &Schema) -> Vec<RecordBatch> {
    let mut first = 0;
    let count = rng.random_range(1..6);
    (0..count)
        .map(|_| {
            let rows = rng.random_range(1..6000);
            let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(first..first + rows))];
            columns.extend(schema.columns[1..].iter().map(|described| column(rng, &described.data_type, first, rows)));
            first += rows;
            RecordBatch::try_new(schema.to_arrow(), columns).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn random_rows_round_trip() {
    for seed in 0..SEEDS {
        let rng = &mut SmallRng::seed_from_u64(seed);
        let store = store();
        let table = store.table("raw.random");
        let schema = random_schema(rng);
        let batches = random_batches(rng, &schema);
        publish(&table, 1, &schema, &[], &batches, &[]).await;
        let read = live_rows(&table, &schema, &[]).await;
        assert_eq!(sorted(&read, 1), sorted(&batches, 1), "seed {seed}");
    }
}

#[tokio::test]
async fn random_partitions_and_sizes_round_trip() {
    for seed in 0..SEEDS {
        let rng = &mut SmallRng::seed_from_u64(1_000 + seed);
        let store = store();
        let table = store.table("raw.random");
        let schema = schema(&[
            ("id", DataType::Bigint),
            ("key", DataType::Date),
            ("flag", DataType::Boolean),
            ("text", DataType::String),
        ]);
        let mut batches = random_batches(rng, &schema);
        // Few enough days that partitions have several rows.
        for batch in &mut batches {
            let days = Date32Array::from_iter(
                (0..batch.num_rows())
                    .map(|_| if rng.random_bool(0.1) { None } else { Some(rng.random_range(15_000..15_012)) }),
            );
            let mut columns = batch.columns().to_vec();
            columns[1] = Arc::new(days);
            *batch = RecordBatch::try_new(schema.to_arrow(), columns).unwrap();
        }
        let layout = Layout {
            partition_by: vec!["key".to_owned(), "flag".to_owned()],
            target_file_bytes: rng.random_range(1_000..200_000),
            ..Layout::default()
        };
        let mut writer = table.stage(VersionNumber(1), &schema, layout.clone());
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        let staged = writer.finish().await.unwrap();
        let read = table.read(&staged.files, &schema, &layout.partition_by, None).await.unwrap();
        assert_eq!(sorted(&read, 1), sorted(&batches, 1), "seed {seed}");
    }
}

/// Bounds in the log are bounds of what is in the file, as text, number or time.
#[tokio::test]
async fn statistics_bound_the_rows() {
    for seed in 0..SEEDS {
        let rng = &mut SmallRng::seed_from_u64(2_000 + seed);
        let store = store();
        let table = store.table("raw.random");
        let schema = random_schema(rng);
        let batches = random_batches(rng, &schema);
        let version = publish(&table, 1, &schema, &[], &batches, &[]).await;
        let stats: Value = serde_json::from_str(version.files[0].stats.as_deref().unwrap()).unwrap();
        assert_eq!(stats["numRecords"], version.rows);
        for (index, column) in schema.columns.iter().enumerate() {
            let nulls: usize = batches.iter().map(|batch| batch.column(index).null_count()).sum();
            if !matches!(column.data_type, DataType::List(_)) {
                assert_eq!(stats["nullCount"][&column.name], nulls, "seed {seed} {column:?}");
            }
            let (min, max) = (&stats["minValues"][&column.name], &stats["maxValues"][&column.name]);
            for batch in &batches {
                assert_bounded(batch.column(index), min, max, &format!("seed {seed} {column:?}"));
            }
        }
    }
}

fn assert_bounded(values: &ArrayRef, min: &Value, max: &Value, context: &str) {
    use arrow::array::AsArray;
    use arrow::datatypes::DataType as Arrow;
    match values.data_type() {
        Arrow::Utf8 if min.is_string() => {
            for text in values.as_string::<i32>().iter().flatten() {
                assert!(min.as_str().unwrap() <= text, "{context}: {text:?} is below {min}");
                assert!(max.as_str().is_none_or(|max| text <= max), "{context}: {text:?} is above {max}");
            }
        }
        Arrow::Int64 if min.is_i64() => {
            for number in values.as_primitive::<arrow::datatypes::Int64Type>().iter().flatten() {
                assert!((min.as_i64().unwrap()..=max.as_i64().unwrap()).contains(&number), "{context}: {number}");
            }
        }
        Arrow::Float64 => {
            for number in values.as_primitive::<arrow::datatypes::Float64Type>().iter().flatten() {
                assert!(min.as_f64().is_none_or(|min| min <= number), "{context}: {number} is below {min}");
                assert!(max.as_f64().is_none_or(|max| number <= max), "{context}: {number} is above {max}");
            }
        }
        Arrow::Timestamp(..) | Arrow::Date32 if min.is_string() => {
            let bound = |text: &Value| -> ArrayRef {
                let text: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
                arrow::compute::cast(&text, values.data_type()).unwrap()
            };
            let (min, max) = (arrow::array::Scalar::new(bound(min)), arrow::array::Scalar::new(bound(max)));
            let inside = arrow::compute::kernels::boolean::and_kleene(
                &arrow::compute::kernels::cmp::gt_eq(values, &min).unwrap(),
                &arrow::compute::kernels::cmp::lt_eq(values, &max).unwrap(),
            );
            assert_eq!(inside.unwrap().false_count(), 0, "{context}");
        }
        _ => {}
    }
}

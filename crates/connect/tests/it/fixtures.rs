//! The binary files of the cases. They are kept in the repository; this writes them anew: `cargo nextest run -p
//! lockgate-connect --run-ignored only write_fixtures`, then `UPDATE=1` for what is expected of them.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

fn case(name: &str, source: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::write(folder.join("source.yml"), source).unwrap();
    folder.join("data")
}

fn batch() -> RecordBatch {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![])]);
    RecordBatch::try_from_iter(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3_000_000_000])) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec![Some("Anna"), None, Some("")]))),
        ("price", Arc::new(Decimal128Array::from(vec![1250, -5, 0]).with_precision_and_scale(8, 2).unwrap())),
        ("x", Arc::new(Float64Array::from(vec![1.5, 2.0, -0.25]))),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("day", Arc::new(Date32Array::from(vec![0, 15_000, -1]))),
        ("at", Arc::new(TimestampNanosecondArray::from(vec![1_000, 1_500_000_000, 0]))),
        ("list", Arc::new(list)),
    ])
    .unwrap()
}

fn parquet(path: &Path, batch: &RecordBatch) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn avro(path: &Path) {
    let columns = ["id", "name", "x", "ok"];
    let all = batch();
    let indices: Vec<usize> = columns.iter().map(|name| all.schema().index_of(name).unwrap()).collect();
    let batch = all.project(&indices).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = arrow_avro::writer::AvroWriter::new(file, batch.schema().as_ref().clone()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

#[test]
#[ignore = "it writes the files that the cases read"]
fn write_fixtures() {
    let batch = batch();
    parquet(&case("parquet", "read: { path: data/a.parquet }\n").join("a.parquet"), &batch);
    let contract = "read: { path: data/a.parquet }\ncolumns:\n  id: int\n  name: { type: string, required: true }\n  price: decimal(8,1)\n  x: int\n  at: timestamp\n  ok: boolean\n  day: timestamp\n  list: json\nrejects: 3\n";
    parquet(&case("parquet_casts", contract).join("a.parquet"), &batch);
    let impossible = "read: { path: data/a.parquet }\ncolumns: { ok: date, list: int }\nevolve: add\n";
    parquet(&case("parquet_types", impossible).join("a.parquet"), &batch);

    let folder = case("wrong_parquet_footer", "read: { path: data/a.parquet }\ncolumns: { id: bigint }\nevolve: add\n");
    parquet(&folder.join("a.parquet"), &batch);
    let mut bytes = std::fs::read(folder.join("a.parquet")).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(b"XXXX");
    std::fs::write(folder.join("a.parquet"), &bytes).unwrap();
    let folder = case("truncated_parquet", "read: { path: data/a.parquet }\n");
    std::fs::write(folder.join("a.parquet"), &bytes[..end / 2]).unwrap();
    let folder = case("corrupt_parquet", "read: { path: data/a.parquet }\n");
    parquet(&folder.join("a.parquet"), &batch);
    let mut bytes = std::fs::read(folder.join("a.parquet")).unwrap();
    bytes[4..40].fill(0xff);
    std::fs::write(folder.join("a.parquet"), &bytes).unwrap();

    let unsigned =
        RecordBatch::try_from_iter(vec![("u", Arc::new(UInt64Array::from(vec![1, u64::MAX])) as ArrayRef)]).unwrap();
    parquet(&case("parquet_unsigned", "read: { path: data/a.parquet }\nrejects: 1\n").join("a.parquet"), &unsigned);

    let folder = case("arrow", "read: { path: data/a.arrow }\n");
    let mut writer =
        arrow::ipc::writer::FileWriter::try_new(File::create(folder.join("a.arrow")).unwrap(), &batch.schema())
            .unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch.slice(0, 1)).unwrap();
    writer.finish().unwrap();
    let whole = std::fs::read(folder.join("a.arrow")).unwrap();
    let folder = case("truncated_arrow", "read: { path: data/a.arrow }\n");
    std::fs::write(folder.join("a.arrow"), &whole[..whole.len() - 100]).unwrap();

    let folder = case("arrow_stream", "read: { path: data/a.arrows }\n");
    let file = File::create(folder.join("a.arrows")).unwrap();
    let mut writer = arrow::ipc::writer::StreamWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let whole = std::fs::read(folder.join("a.arrows")).unwrap();
    let folder = case("truncated_arrow_stream", "read: { path: data/a.arrows }\n");
    std::fs::write(folder.join("a.arrows"), &whole[..whole.len() - 60]).unwrap();

    let folder = case("avro", "read: { path: data/a.avro }\n");
    avro(&folder.join("a.avro"));
    let whole = std::fs::read(folder.join("a.avro")).unwrap();
    let folder = case("truncated_avro", "read: { path: data/a.avro }\n");
    std::fs::write(folder.join("a.avro"), &whole[..whole.len() - 10]).unwrap();
    let folder = case("wrong_avro", "read: { path: data/a.avro }\n");
    std::fs::write(folder.join("a.avro"), b"id,name\n1,a\n").unwrap();

    let text = "x,y\n1,a\n2,\"b\nc\"\n".to_owned() + &"3,d\n".repeat(2000);
    let packed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let folder = case("zstd", "read: { path: data/a.csv.zst }\n");
    File::create(folder.join("a.csv.zst"))
        .unwrap()
        .write_all(&zstd::encode_all(&b"x,y\n1,a\n2,\"b\nc\"\n"[..], 3).unwrap())
        .unwrap();
    let folder = case("truncated_zstd", "read: { path: data/a.csv.zst }\ncolumns: { x: int, y: string }\n");
    std::fs::write(folder.join("a.csv.zst"), &packed[..packed.len() - 5]).unwrap();
    let folder = case("jsonl_gzip", "read: { path: data/a.jsonl.gz }\n");
    let mut encoder =
        flate2::write::GzEncoder::new(File::create(folder.join("a.jsonl.gz")).unwrap(), flate2::Compression::default());
    encoder.write_all(b"{\"a\": 1}\n").unwrap();
    encoder.finish().unwrap();
}

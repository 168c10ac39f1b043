//! How fast a version is staged: `cargo run --release -p lockgate-lake --example stage_speed -- FILE.parquet [WRITERS]`
//!
//! Reads the file into memory, stages it as a version of a table in a temporary store, and prints seconds, CPU seconds
//! and sizes. The numbers in `src/stage/encoding.rs` come from here.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)] // A tool for developers.

use std::fs::File;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use lockgate_lake::{Lake, Layout, StagedFiles};
use lockgate_types::{Effects, Schema, VersionNumber};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap();
    let writers: usize = arguments.next().map_or(1, |text| text.parse().unwrap());
    let partition_by: Vec<String> = arguments.collect();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let schema = Schema::from_arrow(reader.schema()).unwrap();
    let arrow_schema = schema.to_arrow();
    let batches: Vec<RecordBatch> = reader
        .with_batch_size(8192)
        .build()
        .unwrap()
        .map(|batch| {
            let batch = batch.unwrap();
            let columns = batch.columns().iter().zip(arrow_schema.fields());
            let columns = columns.map(|(column, field)| cast(column, field.data_type()).unwrap()).collect();
            RecordBatch::try_new(arrow_schema.clone(), columns).unwrap()
        })
        .collect();
    let store = std::env::temp_dir().join(format!("lockgate-stage-speed-{}", std::process::id()));
    let lake = Lake::open(&store, "default", Effects::real()).unwrap();
    let table = lake.table(&"bench.table".parse().unwrap());
    for number in 1..=3 {
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let set = table.stage_set(
            VersionNumber(number),
            &schema,
            Layout { partition_by: partition_by.clone(), ..Layout::default() },
        );
        let share = batches.len().div_ceil(writers);
        let tasks: Vec<_> = batches
            .chunks(share)
            .enumerate()
            .map(|(index, share)| {
                let (mut writer, share) = (set.writer(index), share.to_vec());
                tokio::spawn(async move {
                    let mut buffered = 0;
                    for batch in &share {
                        writer.write(batch).unwrap();
                        buffered = buffered.max(writer.buffered_bytes());
                    }
                    (writer.finish().await.unwrap(), buffered)
                })
            })
            .collect();
        let mut parts = Vec::new();
        let mut buffered = 0;
        for task in tasks {
            let (part, held) = task.await.unwrap();
            parts.push(part);
            buffered += held;
        }
        let staged = StagedFiles::merge(parts);
        let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let started = Instant::now();
        let mut rows = 0;
        for file in &staged.files {
            let path = store.join("tables/bench/table").join(&file.path);
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
            rows += reader.with_batch_size(8192).build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>();
        }
        println!(
            "{rows} rows, {} files, {:.1} MB: {seconds:.2} s, {cpu:.2} CPU s, {:.0} MB held, read back in {:.2} s",
            staged.files.len(),
            staged.size_bytes as f64 / 1e6,
            buffered as f64 / 1e6,
            started.elapsed().as_secs_f64(),
        );
    }
    std::fs::remove_dir_all(store).unwrap();
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> =
        stat.rsplit_once(')').unwrap().1.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    (fields[11] + fields[12]) / 100.0
}

//! How DataFusion is set up, and why. What was measured is in the notes beside each option; the tables are in the
//! decision record on the engine.

use std::sync::Arc;

use arrow::datatypes::{DataType as Arrow, Field, FieldRef, TimeUnit};
use datafusion::common::Result as DfResult;
use datafusion::config::{Dialect, SpillCompression};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};
use lockgate_types::DataType;

/// Options of every session. `threads` and `memory` are the engine's.
pub(crate) fn session_config(threads: usize, memory: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = config.options_mut();

    options.sql_parser.dialect = Dialect::PostgreSQL;
    // Places in diagnostics.
    options.sql_parser.collect_spans = true;
    // `0.06 + 0.01` is 0.07, as in PostgreSQL; as doubles it is not.
    options.sql_parser.parse_float_as_decimal = true;
    options.execution.time_zone = Some("UTC".to_owned());

    // One side of a join is held whole, for all threads, as long as it is no great share of memory. Otherwise both sides are
    // divided by key first, and to copy the rows of the large side once for every join costs more than the join.
    options.optimizer.hash_join_single_partition_threshold = (memory / 16).clamp(1024 * 1024, 256 * 1024 * 1024);
    options.optimizer.hash_join_single_partition_threshold_rows = 8 * 1024 * 1024;

    options.execution.planning_concurrency = threads;
    // A sort keeps this much aside for merging its runs. Ten sorts at once must fit into a small pool.
    options.execution.sort_spill_reservation_bytes = (memory / (threads * 32)).clamp(64 * 1024, 10 * 1024 * 1024);
    options.execution.spill_compression = SpillCompression::Lz4Frame;
    options.execution.parquet.pushdown_filters = false;
    config
}

/// How many spilled runs one merge opens at once. Each holds a batch or two, out of reach of other operators; left to itself
/// the first merge takes all memory there is, and the others fail.
pub(crate) fn merge_fan_in(threads: usize, memory: usize) -> usize {
    const BYTES_PER_RUN: usize = 32 * 1024 * 1024;
    (memory / threads / BYTES_PER_RUN).clamp(4, 64)
}

/// Batches so small that every operator finds room for one.
const SMALL_BATCH_ROWS: usize = 1024;

/// Joins by sorting, which spills, instead of by hashing, which does not; and in small batches.
pub(crate) fn frugal(config: &SessionConfig) -> SessionConfig {
    // The planner takes a sort-merge join only when there is more than one partition.
    let partitions = config.target_partitions().max(2);
    let mut config = config.clone().with_batch_size(SMALL_BATCH_ROWS).with_target_partitions(partitions);
    config.options_mut().optimizer.prefer_hash_join = false;
    config
}

/// One partition, in small batches: the least that a sort can do with. Of sorts side by side, one takes what another gave
/// back to merge with, and the other then finds no room (measured: two sorts of 400,000 rows of 100 bytes in 24 MB).
pub(crate) fn single(config: &SessionConfig) -> SessionConfig {
    config.clone().with_batch_size(SMALL_BATCH_ROWS).with_target_partitions(1)
}

/// SQL's names of types as Lockgate means them: instants are microseconds, `timestamptz` is UTC, and Lockgate's own
/// names of types are understood.
#[derive(Debug)]
pub(crate) struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &SqlType) -> DfResult<Option<FieldRef>> {
        let data_type = match sql_type {
            SqlType::Timestamp(None, zone) => match zone {
                TimezoneInfo::Tz | TimezoneInfo::WithTimeZone => DataType::Timestamptz.to_arrow(),
                TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => DataType::Timestamp.to_arrow(),
            },
            SqlType::Datetime(None) => Arrow::Timestamp(TimeUnit::Microsecond, None),
            SqlType::JSON | SqlType::JSONB => {
                let field = DataType::Json.to_field("", true).with_data_type(Arrow::Utf8View);
                return Ok(Some(Arc::new(field)));
            }
            SqlType::Binary(None) | SqlType::Bytes(None) => Arrow::Binary,
            SqlType::CharacterVarying(_) | SqlType::Character(_) => Arrow::Utf8View,
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}

/// What the machine, or the container in it, has.
pub(crate) fn memory_of_machine() -> u64 {
    // For systems that do not tell.
    const UNKNOWN: u64 = 4 << 30;
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.to_owned();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    match (machine, container) {
        (Some(machine), Some(container)) => machine.min(container),
        (Some(bytes), None) | (None, Some(bytes)) => bytes,
        (None, None) => UNKNOWN,
    }
}

//! What one partition of the scan accumulates.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use lockgate_types::{DataType, Profile, Schema};
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Data};
use super::keys::{KeyHashes, Memory};
use super::row_test::{BatchRange, RowTest, Test};
use super::samples::{RowTexts, Sampler, row_hash};
use super::{Newest, Predicates, ScanResult};
use crate::check::Scanned;
use crate::profile::{ColumnAccumulator, Scratch, StoredColumn};
use crate::{Check, parts};

/// The checks of a scan, bound to columns. Shared by its workers.
#[derive(Debug)]
pub(crate) struct Plan {
    columns: Vec<String>,
    types: Vec<DataType>,
    checks: Vec<PlannedCheck>,
    /// Columns whose texts are looked up by hash.
    hashed: Vec<bool>,
    /// Where hashes of keys go; `None` where nothing is to be proven of them.
    memory: Option<Memory>,
}

#[derive(Debug)]
struct PlannedCheck {
    /// The predicate that says which rows it looks at.
    filter: Option<usize>,
    test: Option<RowTest>,
    /// The column that a test is about.
    column: Option<usize>,
    /// The predicate that is the test.
    predicate: Option<usize>,
    newest: Option<usize>,
    /// The columns of the key that must not repeat.
    key: Option<Vec<usize>>,
    is_left_out: bool,
}

impl Plan {
    pub(crate) fn of(
        checks: &[Check],
        schema: &Schema,
        tests: Vec<Option<RowTest>>,
        without: &BTreeSet<usize>,
        memory: Option<Memory>,
        predicates: &mut Predicates,
    ) -> Plan {
        let place = |name: &str| schema.columns.iter().position(|column| column.name == name);
        let mut hashed = vec![false; schema.columns.len()];
        let mut planned = Vec::with_capacity(checks.len());
        for (at, (check, test)) in checks.iter().zip(tests).enumerate() {
            let is_left_out = without.contains(&at);
            let column = test.as_ref().and_then(RowTest::column).and_then(place);
            let predicate = match &test {
                Some(RowTest::Predicate { sql }) => Some(predicates.index(sql)),
                _ => None,
            };
            if let Some(column) = column
                && test.as_ref().and_then(Test::of).is_some_and(|test| test.wants_hashes())
            {
                hashed[column] = true;
            }
            let key: Option<Vec<usize>> = check
                .rule
                .unique_key()
                .filter(|_| !is_left_out && memory.is_some())
                .and_then(|key| key.iter().map(|column| place(column)).collect());
            key.iter().flatten().for_each(|column| hashed[*column] = true);
            planned.push(PlannedCheck {
                filter: check.filter.as_ref().filter(|_| !is_left_out).map(|filter| predicates.index(filter)),
                newest: check.rule.newest_of().and_then(place),
                test,
                column,
                predicate,
                key,
                is_left_out,
            });
        }
        Plan {
            columns: schema.columns.iter().map(|column| column.name.clone()).collect(),
            types: schema.columns.iter().map(|column| column.data_type.clone()).collect(),
            checks: planned,
            hashed,
            memory,
        }
    }
}

/// Counts of one check.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(super) failing: u64,
    pub(super) total: u64,
    pub(super) samples: Sampler,
    /// Of the rows that the filter keeps, when there is one.
    pub(super) newest: Option<i64>,
}

/// One partition's accumulators.
#[derive(Debug)]
pub(crate) struct Worker {
    plan: Arc<Plan>,
    rows: u64,
    counts: Vec<Counts>,
    tests: Vec<Option<Test>>,
    keys: Vec<Option<KeyHashes>>,
    /// Made by the first batch, which says how the columns are stored.
    profile: Vec<ColumnAccumulator>,
    scratch: Scratch,
    /// Of the columns that are looked up by hash.
    hashes: Vec<Vec<u64>>,
}

/// What a worker found, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredWorker {
    pub(crate) rows: u64,
    pub(crate) counts: Vec<Counts>,
    pub(crate) profile: Vec<StoredColumn>,
}

impl StoredWorker {
    pub(crate) fn packed(&self) -> Vec<u8> {
        // Only a sequence of unknown length or a writer could fail, and there is neither.
        postcard::to_extend(self, Vec::new()).unwrap_or_default()
    }

    /// `None` for anything that [`StoredWorker::packed`] did not write.
    pub(crate) fn unpacked(bytes: &[u8]) -> Option<StoredWorker> {
        parts::whole(bytes)
    }
}

/// The rows of a batch that a predicate keeps.
struct Kept {
    rows: BooleanBuffer,
    count: u64,
}

impl Worker {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Worker {
            rows: 0,
            counts: plan.checks.iter().map(|_| Counts::default()).collect(),
            tests: plan.checks.iter().map(|check| check.test.as_ref().and_then(Test::of)).collect(),
            keys: plan
                .checks
                .iter()
                .map(|check| check.key.as_ref().and(plan.memory.clone()).map(KeyHashes::new))
                .collect(),
            profile: Vec::new(),
            scratch: Scratch::default(),
            hashes: vec![Vec::new(); plan.columns.len()],
            plan,
        }
    }

    pub(crate) fn stored(&self) -> StoredWorker {
        let profile = self.profile.iter().map(ColumnAccumulator::stored).collect();
        StoredWorker { rows: self.rows, counts: self.counts.clone(), profile }
    }

    /// Adds what was kept; answers whether it could, as it is of as many checks and columns.
    pub(crate) fn merge_stored(&mut self, stored: StoredWorker) -> bool {
        let StoredWorker { rows, counts, profile } = stored;
        if counts.len() != self.plan.checks.len() || profile.len() != self.plan.columns.len() {
            return false;
        }
        let named = self.plan.columns.iter().zip(&self.plan.types);
        let profile = profile
            .into_iter()
            .zip(named)
            .map(|(column, (name, kind))| ColumnAccumulator::of(column, name, &kind.to_arrow()))
            .collect();
        self.add(rows, counts, profile);
        true
    }

    pub(crate) fn count(&mut self, batch: &RecordBatch) {
        let plan = self.plan.clone();
        let width = plan.columns.len().min(batch.num_columns());
        let (columns, predicates) = batch.columns().split_at(width);
        self.rows += batch.num_rows() as u64;
        let cells: Vec<Cells> = columns.iter().map(Cells::of).collect();
        let ranges = self.profile(columns, &cells);
        let kept: Vec<Kept> = predicates.iter().map(is_true).collect();
        let mut row_hashes = RowHashes { cells: &cells, hashes: Vec::new() };
        let mut texts = RowTexts::of(columns);
        for (at, check) in plan.checks.iter().enumerate() {
            let (Some(counts), Some(test)) = (self.counts.get_mut(at), self.tests.get_mut(at)) else { continue };
            if check.is_left_out {
                continue;
            }
            let filter = check.filter.and_then(|filter| kept.get(filter));
            counts.total += filter.map_or(batch.num_rows() as u64, |kept| kept.count);
            if let (Some(column), Some(filter)) = (check.newest, filter) {
                counts.newest = counts.newest.max(newest_of(&cells[column], &filter.rows));
            }
            if let (Some(key), Some(Some(keys))) = (&check.key, self.keys.get_mut(at)) {
                let key: Vec<_> = key.iter().map(|column| (&cells[*column], &self.hashes[*column][..])).collect();
                keys.add(&key, batch.num_rows(), filter.map(|kept| &kept.rows));
            }
            let failing = match (test, check.column, check.predicate) {
                (Some(test), Some(column), _) => test.failing(&cells[column], ranges[column], &self.hashes[column]),
                (_, _, Some(predicate)) => predicates.get(predicate).and_then(is_false),
                _ => None,
            };
            let Some(failing) = failing else { continue };
            let failing = match filter {
                Some(filter) => &failing & &filter.rows,
                None => failing,
            };
            let count = failing.count_set_bits();
            if count == 0 {
                continue;
            }
            counts.failing += count as u64;
            for row in failing.set_indices() {
                let hash = row_hashes.of(row);
                if counts.samples.wants(hash) {
                    counts.samples.add(hash, texts.row(row));
                }
            }
        }
    }

    /// Adds to the profile, and keeps what the tests can use of it.
    fn profile(&mut self, columns: &[ArrayRef], cells: &[Cells]) -> Vec<BatchRange> {
        if self.profile.is_empty() {
            let names = self.plan.columns.iter();
            self.profile =
                names.zip(columns).map(|(name, column)| ColumnAccumulator::new(name, column.data_type())).collect();
        }
        let mut ranges = Vec::with_capacity(cells.len());
        for (at, (accumulator, cells)) in self.profile.iter_mut().zip(cells).enumerate() {
            ranges.push(accumulator.add(cells, &mut self.scratch));
            if self.plan.hashed[at] {
                std::mem::swap(&mut self.hashes[at], &mut self.scratch.hashes);
            }
        }
        ranges
    }

    pub(crate) fn merge(&mut self, other: Worker) {
        self.add(other.rows, other.counts, other.profile);
        for (ours, theirs) in self.keys.iter_mut().zip(other.keys) {
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                ours.merge(theirs);
            }
        }
    }

    fn add(&mut self, rows: u64, counts: Vec<Counts>, profile: Vec<ColumnAccumulator>) {
        self.rows += rows;
        for (ours, theirs) in self.counts.iter_mut().zip(counts) {
            ours.failing += theirs.failing;
            ours.total += theirs.total;
            ours.samples.merge(theirs.samples);
            ours.newest = ours.newest.max(theirs.newest);
        }
        if self.profile.is_empty() {
            self.profile = profile;
        } else {
            self.profile.iter_mut().zip(profile).for_each(|(ours, theirs)| ours.merge(theirs));
        }
    }

    /// `threads` sort hashes.
    pub(crate) fn finish(self, schema: &Schema, threads: usize) -> ScanResult {
        let Worker { plan, rows, counts, keys, mut profile, .. } = self;
        if profile.is_empty() {
            // No batch came: an empty table has a profile too.
            let types = plan.types.iter().map(DataType::to_arrow);
            profile = plan.columns.iter().zip(types).map(|(name, kind)| ColumnAccumulator::new(name, &kind)).collect();
        }
        let greatest: Vec<Option<i64>> = profile.iter().map(ColumnAccumulator::greatest).collect();
        let newest = |column: usize, value: i64| match schema.columns.get(column).map(|column| &column.data_type) {
            Some(DataType::Date) => i32::try_from(value).ok().map(Newest::Day),
            _ => Some(Newest::Microsecond(value)),
        };
        let checks = plan
            .checks
            .iter()
            .zip(counts)
            .zip(keys)
            .map(|((check, counts), keys)| Scanned {
                failing: counts.failing,
                total: counts.total,
                samples: counts.samples.finish(plan.columns.clone()),
                is_judged: check.test.is_some(),
                keys_differ: keys.is_some_and(|keys| keys.all_differ(threads)),
                newest: check.newest.and_then(|column| {
                    let value =
                        if check.filter.is_some() { counts.newest } else { greatest.get(column).copied().flatten() };
                    value.and_then(|value| newest(column, value))
                }),
            })
            .collect();
        let columns = profile.into_iter().map(ColumnAccumulator::finish).collect();
        ScanResult { rows, checks, profile: Profile { rows, columns } }
    }
}

/// Hashes of the rows of a batch, made when they are asked for.
struct RowHashes<'a> {
    cells: &'a [Cells],
    /// 0 is not known yet.
    hashes: Vec<u64>,
}

impl RowHashes<'_> {
    fn of(&mut self, row: usize) -> u64 {
        if self.hashes.is_empty() {
            self.hashes.resize(self.cells.first().map_or(0, |cells| cells.length), 0);
        }
        match self.hashes.get_mut(row) {
            Some(0) | None => {
                let hash = row_hash(self.cells, row).max(1);
                if let Some(known) = self.hashes.get_mut(row) {
                    *known = hash;
                }
                hash
            }
            Some(known) => *known,
        }
    }
}

/// Rows where a predicate is true, and not null.
fn is_true(predicate: &ArrayRef) -> Kept {
    let rows = match predicate.as_boolean_opt() {
        Some(values) => match values.nulls() {
            Some(nulls) => values.values() & nulls.inner(),
            None => values.values().clone(),
        },
        // A predicate that is always null.
        None => BooleanBuffer::new_unset(predicate.len()),
    };
    Kept { count: rows.count_set_bits() as u64, rows }
}

/// Rows where a predicate is false, and not null.
fn is_false(predicate: &ArrayRef) -> Option<BooleanBuffer> {
    let values = predicate.as_boolean_opt()?;
    let failing = !values.values();
    Some(match values.nulls() {
        Some(nulls) => &failing & nulls.inner(),
        None => failing,
    })
}

fn newest_of(cells: &Cells, rows: &BooleanBuffer) -> Option<i64> {
    let Data::Whole(values) = &cells.data else { return None };
    rows.set_indices().filter(|row| !cells.is_null(*row)).map(|row| values[row]).max()
}

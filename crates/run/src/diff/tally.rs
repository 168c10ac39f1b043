//! What a merge finds, counted: the rows of one key are judged together, rows that differ are looked at cell by cell, and
//! the first of them are kept as samples.

use std::cmp::Ordering;
use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, make_comparator, new_null_array};
use arrow::compute::{SortOptions, interleave};
use arrow::error::ArrowError;
use lockgate_engine::{EngineError, Row};

use super::columns::{Columns, Side};
use super::{ChangedRow, DiffRows, OfBoth};
use crate::RunError;
use crate::inspect::samples;

/// Rows that wait to be looked at: no more than this many, and no more bytes.
const WAITING_MAX: usize = 1024;
const WAITING_BYTES_MAX: usize = 1 << 20;

/// Which version a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    From,
    To,
}

/// An encoded row, kept.
type Kept = Vec<u8>;

/// A difference, its rows not decoded yet.
#[derive(Debug)]
enum Difference {
    Added(Kept),
    Removed(Kept),
    Changed { before: Kept, after: Kept },
}

/// The rows of one key, as they come.
#[derive(Debug, Default)]
struct Group {
    key: Vec<u8>,
    is_open: bool,
    rows: OfBoth,
    /// What no row of the other version is equal to, while it is one row of each at most.
    left: [Option<Kept>; 2],
    /// One version had more than one left, so that nothing says which became which.
    is_scattered: bool,
}

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) added: u64,
    pub(super) removed: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    /// Of the compared columns behind the key.
    pub(super) cells: Vec<u64>,
    pub(super) repeated_keys: OfBoth,
    pub(super) null_keys: OfBoth,
    has_key: bool,
    group: Group,
    waiting: Vec<Difference>,
    waiting_bytes: usize,
    /// Whether every row that differs is wanted, and those that were looked at last.
    keeps_rows: bool,
    rows: Option<RecordBatch>,
    samples: usize,
    sample_added: Vec<(Kept, u64)>,
    sample_removed: Vec<(Kept, u64)>,
    sample_changed: Vec<(Kept, Kept)>,
}

impl Tally {
    pub(super) fn new(columns: &Columns, samples: usize) -> Tally {
        Tally {
            added: 0,
            removed: 0,
            changed: 0,
            unchanged: 0,
            cells: vec![0; columns.compared() - columns.of_key()],
            repeated_keys: OfBoth::default(),
            null_keys: OfBoth::default(),
            has_key: !columns.key.is_empty(),
            group: Group::default(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            keeps_rows: false,
            rows: None,
            samples,
            sample_added: Vec::new(),
            sample_removed: Vec::new(),
            sample_changed: Vec::new(),
        }
    }

    /// Nothing counted yet, and the same wanted.
    pub(super) fn anew(&self, columns: &Columns, samples: usize) -> Tally {
        Tally { keeps_rows: self.keeps_rows, ..Tally::new(columns, samples) }
    }

    /// Every row that differs is wanted from now on.
    pub(super) fn keep_rows(&mut self) {
        self.keeps_rows = true;
    }

    pub(super) fn take_rows(&mut self) -> Option<RecordBatch> {
        self.rows.take()
    }

    /// Whether [`Tally::settle`] is due.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX || self.waiting_bytes >= WAITING_BYTES_MAX
    }

    /// A row that both versions have.
    pub(super) fn same(&mut self, row: Row<'_>) {
        self.enter(row, &[Of::From, Of::To]);
        self.unchanged += 1;
    }

    /// A row that has no equal in the other version.
    pub(super) fn left_over(&mut self, of: Of, row: Row<'_>) {
        self.enter(row, &[of]);
        let row = row.bytes().to_vec();
        if self.group.is_scattered {
            return self.alone(of, row);
        }
        let place = &mut self.group.left[of as usize];
        if place.is_none() {
            *place = Some(row);
            return;
        }
        self.group.is_scattered = true;
        for of in [Of::From, Of::To] {
            if let Some(row) = self.group.left[of as usize].take() {
                self.alone(of, row);
            }
        }
        self.alone(of, row);
    }

    /// No row comes any more.
    pub(super) fn end(&mut self) {
        if mem::take(&mut self.group.is_open) {
            self.close();
        }
    }

    fn enter(&mut self, row: Row<'_>, of: &[Of]) {
        if !self.group.is_open || self.group.key != row.key() {
            self.end();
            self.group.is_open = true;
            self.group.is_scattered = false;
            self.group.rows = OfBoth::default();
            self.group.key.clear();
            self.group.key.extend_from_slice(row.key());
        }
        for of in of {
            let (rows, nulls) = match of {
                Of::From => (&mut self.group.rows.from, &mut self.null_keys.from),
                Of::To => (&mut self.group.rows.to, &mut self.null_keys.to),
            };
            *rows += 1;
            *nulls += u64::from(self.has_key && row.has_null_key());
        }
    }

    fn close(&mut self) {
        match [self.group.left[0].take(), self.group.left[1].take()] {
            [Some(before), Some(after)] => self.pair(before, after),
            [Some(before), None] => self.alone(Of::From, before),
            [None, Some(after)] => self.alone(Of::To, after),
            [None, None] => {}
        }
        if self.has_key {
            self.repeated_keys.from += u64::from(self.group.rows.from > 1);
            self.repeated_keys.to += u64::from(self.group.rows.to > 1);
        }
    }

    fn pair(&mut self, before: Kept, after: Kept) {
        self.changed += 1;
        if self.sample_changed.len() < self.samples {
            self.sample_changed.push((before.clone(), after.clone()));
        }
        self.waiting_bytes += before.len() + after.len();
        self.waiting.push(Difference::Changed { before, after });
    }

    fn alone(&mut self, of: Of, row: Kept) {
        let (count, kept) = match of {
            Of::From => (&mut self.removed, &mut self.sample_removed),
            Of::To => (&mut self.added, &mut self.sample_added),
        };
        *count += 1;
        // Equal rows come one behind the other.
        let again = kept.last_mut().filter(|(last, _)| !self.has_key && *last == row);
        if let Some((_, times)) = again {
            *times += 1;
        } else if kept.len() < self.samples {
            kept.push((row.clone(), 1));
        }
        if self.keeps_rows {
            self.waiting_bytes += row.len();
            self.waiting.push(match of {
                Of::From => Difference::Removed(row),
                Of::To => Difference::Added(row),
            });
        }
    }

    /// Looks at the rows that wait: which cells changed, and as which rows they are wanted.
    pub(super) fn settle(&mut self, columns: &Columns) -> Result<(), RunError> {
        let waiting = mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if waiting.is_empty() {
            return Ok(());
        }
        let before = waiting.iter().filter_map(|difference| match difference {
            Difference::Added(_) => None,
            Difference::Removed(row) | Difference::Changed { before: row, .. } => Some(Row::new(row)),
        });
        let after = waiting.iter().filter_map(|difference| match difference {
            Difference::Removed(_) => None,
            Difference::Added(row) | Difference::Changed { after: row, .. } => Some(Row::new(row)),
        });
        let (before, after) = (columns.from.layout.decode(before)?, columns.to.layout.decode(after)?);
        let mut places = Places::default();
        for difference in &waiting {
            places.add(difference);
        }
        for (at, cells) in self.cells.iter_mut().enumerate() {
            let differs = differs(&before, &after, columns.of_key() + at)?;
            *cells += places.pairs.iter().filter(|(a, b)| differs(*a, *b)).count() as u64;
        }
        if self.keeps_rows {
            self.rows = Some(places.rows(columns, &before, &after)?);
        }
        Ok(())
    }

    pub(super) fn samples_added(&self, columns: &Columns) -> Result<DiffRows, RunError> {
        self.sample_rows(&columns.to, &self.sample_added)
    }

    pub(super) fn samples_removed(&self, columns: &Columns) -> Result<DiffRows, RunError> {
        self.sample_rows(&columns.from, &self.sample_removed)
    }

    fn sample_rows(&self, side: &Side, kept: &[(Kept, u64)]) -> Result<DiffRows, RunError> {
        let rows = side.layout.decode(kept.iter().map(|(row, _)| Row::new(row)))?;
        let text = samples(&[rows.project(side.shown()).map_err(failed)?]);
        let times = if self.has_key { Vec::new() } else { kept.iter().map(|(_, times)| *times).collect() };
        Ok(DiffRows { columns: text.columns, rows: text.rows, times })
    }

    pub(super) fn samples_changed(&self, columns: &Columns) -> Result<Vec<ChangedRow>, RunError> {
        let before = columns.from.layout.decode(self.sample_changed.iter().map(|(before, _)| Row::new(before)))?;
        let after = columns.to.layout.decode(self.sample_changed.iter().map(|(_, after)| Row::new(after)))?;
        let (of_key, compared) = (columns.of_key(), columns.compared());
        let differs =
            (of_key..compared).map(|column| differs(&before, &after, column)).collect::<Result<Vec<_>, _>>()?;
        let (old, new) = (samples(&[before]), samples(&[after]));
        let rows = old.rows.iter().zip(&new.rows).enumerate();
        let changed = rows.map(|(row, (old, new))| {
            let columns_changed = (of_key..compared).filter(|column| differs[column - of_key](row, row));
            ChangedRow {
                key: new[..of_key].to_vec(),
                cells: columns_changed
                    .map(|column| (columns.name(column).to_owned(), old[column].clone(), new[column].clone()))
                    .collect(),
            }
        });
        Ok(changed.collect())
    }
}

/// Where the rows of some differences are, among those of their version.
#[derive(Debug, Default)]
struct Places {
    /// `_change`, and the version and place of each row.
    changes: Vec<&'static str>,
    rows: Vec<(usize, usize)>,
    pairs: Vec<(usize, usize)>,
    next: [usize; 2],
}

impl Places {
    fn add(&mut self, difference: &Difference) {
        match difference {
            Difference::Added(_) => self.row("added", Of::To),
            Difference::Removed(_) => self.row("removed", Of::From),
            Difference::Changed { .. } => {
                self.pairs.push((self.next[0], self.next[1]));
                self.row("before", Of::From);
                self.row("after", Of::To);
            }
        }
    }

    fn row(&mut self, change: &'static str, of: Of) {
        self.changes.push(change);
        self.rows.push((of as usize, self.next[of as usize]));
        self.next[of as usize] += 1;
    }

    fn rows(&self, columns: &Columns, before: &RecordBatch, after: &RecordBatch) -> Result<RecordBatch, RunError> {
        let schema = columns.rows_schema();
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(StringArray::from(self.changes.clone()))];
        for (places, field) in columns.row_places().zip(schema.fields().iter().skip(1)) {
            let column = |batch: &RecordBatch, place: Option<usize>| match place {
                Some(place) => batch.column(place).clone(),
                None => new_null_array(field.data_type(), batch.num_rows()),
            };
            let [old, new] = [column(before, places[0]), column(after, places[1])];
            arrays.push(interleave(&[old.as_ref(), new.as_ref()], &self.rows).map_err(failed)?);
        }
        RecordBatch::try_new(schema, arrays).map_err(failed)
    }
}

/// Whether a cell of a row of one batch differs from that of a row of the other.
fn differs(
    before: &RecordBatch,
    after: &RecordBatch,
    column: usize,
) -> Result<impl Fn(usize, usize) -> bool + use<>, RunError> {
    let (before, after) = (before.column(column), after.column(column));
    let compare = make_comparator(before, after, SortOptions::default()).map_err(failed)?;
    Ok(move |a, b| compare(a, b) != Ordering::Equal)
}

fn failed(error: ArrowError) -> RunError {
    RunError::Engine(EngineError::Execution(error.to_string()))
}

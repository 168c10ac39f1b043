//! Two versions of an asset, compared row by row.
//!
//! Rows are told apart by a key: the columns that were asked for, else those of the first `unique` check. A row whose
//! key both versions have, with another value elsewhere, is *changed*. Without a key, whole rows are compared, and a
//! changed row is one removed and one added.
//!
//! The definition holds for any rows. Within one key, rows that are the same in both versions cancel each other out, as
//! often as both have them (*unchanged*). If then one row of each version is left, it is *changed*; otherwise what is left
//! of the older version is *removed* and what is left of the newer one is *added*. Null is a value like others here, and
//! equals null, in keys too. So `removed + changed + unchanged` are the rows of one version and `added + changed +
//! unchanged` those of the other, whatever they hold.
//!
//! What is left after cancelling does not depend on the order of cancelling, nor on whether some rows that both have
//! are taken out before. Files that both versions list hold such rows: they are not read, only counted.
//!
//! Cost: the files that only one version has are read once and sorted by the engine, which spills; memory is the
//! engine's, a batch of each version, and the sample rows. A diff of versions that share their files costs nothing.

mod columns;
mod merge;
mod pair;
mod tally;

use std::mem;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lockgate_engine::{EngineError, Session};
use lockgate_types::{AssetName, DataType, VersionNumber};
use serde::Serialize;

use crate::{Graph, RunError, SchemaChange, Workspace};
use columns::Columns;
use merge::Merge;
use pair::{Pair, Unshared};
use tally::Tally;

/// Two versions to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffOf {
    /// The live version with the held one.
    Held,
    /// A version with the live one.
    Live(VersionNumber),
    Between(VersionNumber, VersionNumber),
}

/// What differs between two versions.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    pub asset: AssetName,
    pub from: VersionNumber,
    pub to: VersionNumber,
    /// Empty when whole rows are compared.
    pub key: Vec<String>,
    /// Rows that only `to` has.
    pub added: u64,
    /// Rows that only `from` has.
    pub removed: u64,
    /// Rows whose key both have, with at least one other cell.
    pub changed: u64,
    pub unchanged: u64,
    /// The compared columns outside the key, most changed first.
    pub columns: Vec<DiffColumn>,
    pub schema: SchemaChange,
    pub not_compared: Vec<NotCompared>,
    /// Keys that stand more than once, among the rows that were read.
    pub repeated_keys: OfBoth,
    /// Rows with a null in their key, among those that were read.
    pub null_keys: OfBoth,
    pub files: DiffFiles,
    /// Bytes that did not fit into memory and went to disk meanwhile.
    pub spilled_bytes: u64,
    pub samples_added: DiffRows,
    pub samples_removed: DiffRows,
    pub samples_changed: Vec<ChangedRow>,
}

/// How often a column's cells changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffColumn {
    pub column: String,
    pub changed: u64,
    /// Of the rows that both versions have, from 0 to 1.
    pub share: f64,
    /// When the versions have it in different types: the one that holds the values of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_as: Option<DataType>,
}

/// A column that was left out, and why, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    pub column: String,
    pub why: String,
}

/// A number of each version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OfBoth {
    pub from: u64,
    pub to: u64,
}

/// Which files a diff had to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiffFiles {
    /// In both versions, so not read.
    pub shared: u64,
    pub shared_rows: u64,
    pub read: u64,
    pub read_rows: u64,
}

/// Sample rows of one version, in the order of the key, with the version's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiffRows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
    /// Without a key: how often each row was added or removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<u64>,
}

/// One changed row: its key, and the cells that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedRow {
    pub key: Vec<Option<String>>,
    pub cells: Vec<CellChange>,
}

/// Column, value before, value after.
pub type CellChange = (String, Option<String>, Option<String>);

/// A diff that has begun: both versions are sorted, nothing is compared yet.
#[derive(Debug)]
pub struct Comparison {
    asset: AssetName,
    pair: Pair,
    columns: Columns,
    unshared: Unshared,
    session: Session,
    tables: [String; 2],
    merge: Merge,
    tally: Tally,
    samples: usize,
    /// Nobody has seen a row, and it was not begun again before.
    can_begin_again: bool,
}

impl Workspace {
    /// Begins to compare two versions of an asset, by `key` or its own ([`crate::Node`]'s first `unique` check), and keeps
    /// up to `samples` sample rows of each sort.
    ///
    /// # Errors
    /// [`RunError::Invalid`] for a key that one version does not have and for versions that cannot be compared; unknown and missing
    /// versions; engine errors.
    pub async fn diff(
        &self,
        graph: &Graph,
        name: &AssetName,
        of: DiffOf,
        key: Option<&[String]>,
        samples: usize,
    ) -> Result<Comparison, RunError> {
        let node = graph.node(name)?;
        let pair = self.pair(node, of).await?;
        let columns = Columns::choose(node, &pair, key)?;
        let table = self.lake.table(name);
        let unshared = Unshared::of(&pair, &columns);
        let session = self.session(self.effects.clock.now())?;
        let tables = unshared.register(&session, &pair, &table)?;
        let mut comparison = Comparison {
            asset: name.clone(),
            tally: Tally::new(&columns, samples),
            merge: Merge::default(),
            can_begin_again: true,
            pair,
            columns,
            unshared,
            session,
            tables,
            samples,
        };
        match Merge::open(&comparison.session, &comparison.columns, &comparison.tables).await {
            Ok(merge) => comparison.merge = merge,
            Err(error) => comparison.begin_again(error).await?,
        }
        Ok(comparison)
    }
}

impl Comparison {
    /// Of [`Comparison::next_rows`]: `_change` (`added`, `removed`, `before`, `after`), then the columns of `to`, then those
    /// that only `from` has.
    pub fn rows_schema(&self) -> SchemaRef {
        self.columns.rows_schema()
    }

    /// The next rows that differ, in the order of the key; a changed row is two, before and after. `None` at the end.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn next_rows(&mut self) -> Result<Option<RecordBatch>, RunError> {
        self.tally.keep_rows();
        loop {
            let more = self.advance().await?;
            if let Some(rows) = self.tally.take_rows() {
                self.can_begin_again = false;
                return Ok(Some(rows));
            }
            if !more {
                return Ok(None);
            }
        }
    }

    /// Compares what was not compared yet, and sums up.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn finish(mut self) -> Result<Diff, RunError> {
        while self.advance().await? {
            self.tally.take_rows();
        }
        drop(self.merge);
        let Comparison { asset, pair, columns, unshared, session, tally, .. } = self;
        let unchanged = tally.unchanged + unshared.shared_rows;
        let both = tally.changed + unchanged;
        Ok(Diff {
            from: pair.from.number,
            to: pair.to.number,
            added: tally.added,
            removed: tally.removed,
            changed: tally.changed,
            unchanged,
            columns: columns.changes(&tally.cells, both),
            schema: SchemaChange::between(&pair.from.schema, &pair.to.schema),
            repeated_keys: tally.repeated_keys,
            null_keys: tally.null_keys,
            files: unshared.files(),
            spilled_bytes: session.spilled_bytes(),
            samples_added: tally.samples_added(&columns)?,
            samples_removed: tally.samples_removed(&columns)?,
            samples_changed: tally.samples_changed(&columns)?,
            not_compared: columns.not_compared,
            key: columns.key,
            asset,
        })
    }

    /// Compares until rows are to be looked at closer, and looks at them. `false` at the end.
    async fn advance(&mut self) -> Result<bool, RunError> {
        match self.merge.advance(&mut self.tally).await {
            Ok(more) => {
                self.tally.settle(&self.columns)?;
                Ok(more)
            }
            Err(error) => {
                self.begin_again(error).await?;
                Ok(true)
            }
        }
    }

    /// After running out of memory, once, and as long as nobody has seen a row: sorts with less.
    async fn begin_again(&mut self, error: EngineError) -> Result<(), RunError> {
        if !error.is_out_of_memory() || !mem::take(&mut self.can_begin_again) {
            return Err(error.into());
        }
        tracing::info!(%error, "two versions do not fit into memory on all threads; they are sorted again on one");
        // What they hold is given back first.
        self.merge = Merge::default();
        self.tally = self.tally.anew(&self.columns, self.samples);
        self.merge = Merge::open(&self.session.single(), &self.columns, &self.tables).await?;
        Ok(())
    }
}
